/* Opens, ticks and closes a collector as the recorder does. */
#include "tests/darwin/support_mac.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const int64_t ns_per_s = 1000000000;

struct scenario mac_scenario(struct fake_process *processes, size_t count)
{
    static struct fake_core core;
    static struct user root = { 0, "root" };

    return (struct scenario){
        .name = "test",
        .host = "mac",
        .model = "Mac1,1",
        .brand = "Apple M1",
        .arch = "arm64",
        .release = "23.5.0",
        .boot_id = "boot",
        .tb_hz = 24000000,
        .memory_bytes = INT64_C(8) << 30,
        .page_bytes = 16384,
        .rusage_version = 6,
        .vm_words = 38,
        .wall_start_ns = 1790000000 * ns_per_s,
        .uptime_ns = 1000 * ns_per_s,
        .cores = &core,
        .core_count = 1,
        .users = &root,
        .user_count = 1,
        .processes = processes,
        .process_count = count,
        .cores_fail = { FOREVER, FOREVER },
        .memory_fails = { FOREVER, FOREVER },
        .usage_fails = { FOREVER, FOREVER },
        .task_fails = { FOREVER, FOREVER },
        .list_races = { FOREVER, FOREVER },
        .interfaces_race = { FOREVER, FOREVER },
        .pids_race = { FOREVER, FOREVER },
        .files_race = { FOREVER, FOREVER },
        .vm_fresh_answers = 2,
    };
}

struct fake_process mac_process(int32_t pid, uint64_t unique_id, const char *comm)
{
    static const char *none[] = { NULL };
    static struct program programs[64];
    static size_t used;
    struct program *program = &programs[used++ % COUNT_OF(programs)];

    *program = (struct program){
        .comm = comm, .path = "/bin/test", .cwd = "/", .args = none, .environment = none
    };
    return (struct fake_process){
        .pid = pid,
        .ppid = 1,
        .threads = 1,
        .unique_id = unique_id,
        .start_ns = -ns_per_s * pid,
        .end_ns = FOREVER,
        .reaped_ns = FOREVER,
        .programs = program,
        .program_count = 1,
        .odd = { .count = -1, .alignment = 8 },
    };
}

void mac_open(struct mac *mac, struct scenario *scenario, const struct collector *collector)
{
    *mac = (struct mac){ .scenario = scenario, .collector = collector };
    fake_boot(scenario);
    mac->clock = clock_open(&mac->host, -1);
    mac->context = (struct collect_context){
        .clock = &mac->clock,
        .timebase = { mac->clock.boot_ns(mac->clock.self), mac->clock.wall_ns(mac->clock.self) },
        .root = collector->begin != NULL ? "/simulated" : "", /* its worker reads at once */
        .interval_ns = ns_per_s,
    };
    tick_init(&mac->tick);
    assert_int_equal(collector->open(&mac->state, &mac->context, &mac->capability, &mac->err),
                     STATUS_OK);
}

enum status mac_tick(struct mac *mac, int64_t at_ns)
{
    fake_set_now(at_ns);
    tick_reset(&mac->tick);
    mac->tick.seq = mac->seq++;
    mac->tick.start_ns = timebase_at(&mac->context.timebase, mac->clock.boot_ns(mac->clock.self));
    mac->tick.wall_ns = mac->clock.wall_ns(mac->clock.self);
    if (mac->collector->begin != NULL)
        mac->collector->begin(mac->state, &mac->tick);
    return mac->collector->collect(mac->state, &mac->tick, &mac->err);
}

void mac_close(struct mac *mac)
{
    mac->collector->close(mac->state);
    tick_release(&mac->tick);
    clock_close(&mac->host);
    assert_int_equal(fake_settle(stderr), 0);
}

const struct tick_row *mac_row(const struct mac *mac, enum table_id table, uint32_t slot)
{
    const struct tick_table *rows = &mac->tick.table[table];

    for (size_t i = 0; i < rows->row_count; i++)
        if (rows->rows[i].slot == slot)
            return &rows->rows[i];
    return NULL;
}

int64_t mac_value(const struct mac *mac, enum table_id table, uint32_t slot, unsigned metric,
                  enum missing *why)
{
    const struct tick_table *rows = &mac->tick.table[table];
    const struct tick_row *row = mac_row(mac, table, slot);

    assert_non_null(row);
    assert_true(row->at != ROW_SAME);
    *why = (enum missing)rows->missing[row->at * rows->width + metric];
    return *why == MISSING_NONE ? rows->values[row->at * rows->width + metric] : -1;
}
