/* Recordings for tests, written by the recorder's own writer. */
#include "tests/support_recording.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define UPTIME_NS (86400 * SECOND_NS)

/* --- files --- */

void made_directory_open(struct made_directory *directory)
{
    const char *parent = getenv("TMPDIR");

    (void)snprintf(directory->path, sizeof directory->path, "%s/procscope-test-XXXXXX",
                   parent == NULL ? "/tmp" : parent);
    assert_non_null(mkdtemp(directory->path));
}

const char *made_path(const struct made_directory *directory, const char *name, char *path,
                      size_t size)
{
    (void)snprintf(path, size, "%s/%s", directory->path, name);
    return path;
}

void made_directory_close(struct made_directory *directory)
{
    DIR *list = opendir(directory->path);
    char path[512];

    for (struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;)
        (void)unlink(made_path(directory, entry->d_name, path, sizeof path));
    if (list != NULL)
        (void)closedir(list);
    (void)rmdir(directory->path);
}

static void copy_one(const char *from, const char *to)
{
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    char buffer[65536];

    assert_non_null(in);
    assert_non_null(out);
    for (size_t got; (got = fread(buffer, 1, sizeof buffer, in)) > 0;)
        assert_int_equal(fwrite(buffer, 1, got, out), got);
    (void)fclose(in);
    assert_int_equal(fclose(out), 0);
}

void made_copy(const char *from, const char *to, bool wal)
{
    static const char *const beside[] = { "-wal", "-shm", "-journal" };
    char source[512], target[512];

    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        (void)snprintf(target, sizeof target, "%s%s", to, beside[i]);
        (void)unlink(target);
    }
    copy_one(from, to);
    (void)snprintf(source, sizeof source, "%s-wal", from);
    (void)snprintf(target, sizeof target, "%s-wal", to);
    if (wal)
        copy_one(source, target);
}

void made_facts(struct session_facts *facts, int64_t start_ns, int boot)
{
    *facts = (struct session_facts){
        .host = "made-up",
        .os = "Linux",
        .release = "6.1.0",
        .machine = "x86_64",
        .hardware = "none",
        .version = "test",
        .process_source = "fds",
        .zone = "Europe/Berlin",
        .zone_offset_s = 3600,
        .zone_next_change_ns = MADE_START_NS + 86400 * SECOND_NS,
        .zone_next_offset_s = 7200,
        .core_count = 2,
        .page_bytes = 4096,
        .memory_bytes = INT64_C(8) << 30,
        .clock_ticks_per_second = 100,
        .interval_ns = SECOND_NS,
        .pid = 299,
        .timebase = { .boot_start_ns = UPTIME_NS, .wall_start_ns = start_ns },
    };
    (void)snprintf(facts->boot_id, sizeof facts->boot_id, "boot-%d", boot);
}

/* --- ticks by hand --- */

void made_tick(struct tick *tick, int64_t start_ns)
{
    tick_reset(tick);
    tick->start_ns = tick->wall_ns = start_ns;
    tick->end_ns = start_ns + 1000000;
}

void made_birth(struct tick *tick, uint32_t slot, int32_t pid, uint64_t start_ticks,
                int64_t start_ns)
{
    struct tick_birth *birth = tick_add_birth(tick);

    assert_non_null(birth);
    *birth = (struct tick_birth){
        .slot = slot, .pid = pid, .ppid = 1, .start_ticks = start_ticks, .start_ns = start_ns
    };
}

void made_exit(struct tick *tick, uint32_t slot, int32_t code, int64_t end_ns)
{
    struct tick_exit *end = tick_add_exit(tick);

    assert_non_null(end);
    *end = (struct tick_exit){ .slot = slot, .how = EXIT_REPORTED, .code = code, .end_ns = end_ns };
}

static void add_text(struct tick *tick, struct tick_version *version, enum process_text which,
                     const char *text)
{
    version->text[which] = tick_add_text(tick, text, strlen(text));
    version->known |= 1u << which;
}

void made_name(struct tick *tick, uint32_t slot, int64_t from_ns, const char *comm,
               const char *cmdline)
{
    struct tick_version *version = tick_add_version(tick);

    assert_non_null(version);
    version->slot = slot;
    version->from_ns = from_ns;
    add_text(tick, version, PROCESS_COMM, comm);
    if (cmdline != NULL) {
        add_text(tick, version, PROCESS_CMDLINE, cmdline);
        version->cmdline_length = (uint32_t)strlen(cmdline);
    }
    assert_false(tick->no_memory);
}

struct tick_row *made_row(struct tick *tick, uint32_t slot, uint8_t flags, int64_t cpu,
                          int64_t resident)
{
    int64_t *values;
    uint8_t *missing;
    struct tick_row *row;

    if (!tick->table[TABLE_PROCESS].sampled)
        tick_sampled(tick, TABLE_PROCESS);
    row = tick_row_values(tick, TABLE_PROCESS, slot, flags, &values, &missing);
    assert_non_null(row);
    values[PROCESS_CPU_NS_TOTAL] = cpu;
    values[PROCESS_RESIDENT_BYTES] = resident;
    missing[PROCESS_CPU_NS_TOTAL] = missing[PROCESS_RESIDENT_BYTES] = MISSING_NONE;
    return row;
}

void made_entity(struct tick *tick, enum entity_kind kind, uint32_t slot, const char *key,
                 const char *label)
{
    struct tick_entity *entity = tick_add_entity(tick);

    assert_non_null(entity);
    *entity = (struct tick_entity){ .kind = kind, .slot = slot, .parent_slot = UINT32_MAX };
    entity->key = tick_add_text(tick, key, strlen(key));
    entity->label = tick_add_text(tick, label, strlen(label));
}

void made_event(struct tick *tick, const char *kind, const char *detail, int64_t value)
{
    struct tick_event *event = tick_add_event(tick);

    assert_non_null(event);
    event->at_ns = tick->start_ns;
    event->value = value;
    event->kind = tick_add_text(tick, kind, strlen(kind));
    event->detail = tick_add_text(tick, detail, strlen(detail));
}

/* --- a host --- */

static uint64_t any(struct made_host *host, uint64_t below)
{
    host->random = host->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (host->random >> 33) % below;
}

void made_host_init(struct made_host *host, uint64_t seed, int64_t start_ns, int64_t interval_ns,
                    uint32_t processes)
{
    *host = (struct made_host){ .random = seed,
                                .now_ns = start_ns,
                                .interval_ns = interval_ns,
                                .next_pid = 100,
                                .processes = processes };
    tick_init(&host->tick);
}

void made_host_release(struct made_host *host)
{
    tick_release(&host->tick);
}

void made_host_restart(struct made_host *host, bool same_boot)
{
    host->announced = false;
    for (size_t i = 0; i < MADE_SLOTS; i++) {
        host->process[i].alive &= same_boot;
        host->process[i].fresh = false;
    }
}

static void name(struct made_host *host, uint32_t slot, const struct made_process *p)
{
    char comm[16], cmdline[64];

    (void)snprintf(comm, sizeof comm, "program-%u", (unsigned)(p->pid + (int32_t)p->names) % 7);
    (void)snprintf(cmdline, sizeof cmdline, "program --pid %d --name %u", p->pid, p->names);
    made_name(&host->tick, slot, p->names == 0 ? p->start_ns : host->now_ns, comm, cmdline);
}

static void announce(struct made_host *host)
{
    made_entity(&host->tick, ENTITY_CORE, 0, "cpu0", "first core");
    made_entity(&host->tick, ENTITY_CORE, 1, "cpu1", "");
    made_entity(&host->tick, ENTITY_COLLECTOR, 0, "recorder", "");
    made_entity(&host->tick, ENTITY_GPU, 0, "0000:01:00.0", "");
    made_entity(&host->tick, ENTITY_GPU, 1, "0000:02:00.0", "");
    memset(host->on_gpu, 0, sizeof host->on_gpu);
    for (uint32_t slot = 0; slot < MADE_SLOTS; slot++) {
        struct made_process *p = &host->process[slot];

        if (!p->alive)
            continue;
        made_birth(&host->tick, slot, p->pid, p->start_ticks, p->start_ns);
        name(host, slot, p);
    }
}

static void be_born(struct made_host *host, uint32_t slot)
{
    struct made_process *p = &host->process[slot];

    *p = (struct made_process){ .alive = true,
                                .fresh = true,
                                .pid = host->next_pid++,
                                .start_ns = host->now_ns - (int64_t)any(host, 900) * 1000000,
                                .restless = 1 + (int64_t)any(host, 20),
                                .resident = (int64_t)any(host, 1000000) * 4096 };
    p->start_ticks = (uint64_t)(p->start_ns - MADE_START_NS + UPTIME_NS) / 10000000;
    made_birth(&host->tick, slot, p->pid, p->start_ticks, p->start_ns);
    if (any(host, 10) > 0)
        name(host, slot, p);
}

static void sample(struct made_host *host, uint32_t slot, uint8_t flags)
{
    static const enum process_metric steady[] = { PROCESS_MINOR_FAULTS_TOTAL, PROCESS_STATE,
                                                  PROCESS_THREADS, PROCESS_NICE };
    struct made_process *p = &host->process[slot];
    int64_t *values;
    uint8_t *missing;
    struct tick_row *row =
        tick_row_values(&host->tick, TABLE_PROCESS, slot, flags, &values, &missing);

    assert_non_null(row);
    if ((flags & ROW_BORN) != 0)
        row->start_ns = p->start_ns;
    if ((flags & ROW_LAST) != 0)
        row->end_ns = host->now_ns - 1000000;
    p->cpu += (int64_t)any(host, 100000);
    p->faults += (int64_t)any(host, 3);
    for (size_t i = 0; i < sizeof steady / sizeof *steady; i++)
        missing[steady[i]] = MISSING_NONE;
    values[PROCESS_CPU_NS_TOTAL] = p->cpu;
    values[PROCESS_MINOR_FAULTS_TOTAL] = p->faults;
    values[PROCESS_RESIDENT_BYTES] = p->resident += ((int64_t)any(host, 3) - 1) * 4096;
    values[PROCESS_STATE] = 1 + (int64_t)any(host, 3);
    values[PROCESS_THREADS] = 1 + slot % 5;
    missing[PROCESS_CPU_NS_TOTAL] = slot == 3 ? MISSING_NOT_PERMITTED : MISSING_NONE;
    missing[PROCESS_RESIDENT_BYTES] = (flags & ROW_LAST) != 0 ? MISSING_EXITED
                                      : any(host, 9) == 0     ? MISSING_FAILED
                                                              : MISSING_NONE;
}

static void live_on(struct made_host *host, uint32_t slot)
{
    struct made_process *p = &host->process[slot];
    uint8_t flags = p->fresh ? ROW_FIRST | ROW_BORN : 0;

    if (!host->announced)
        flags |= ROW_FIRST;
    p->fresh = false;
    if (any(host, 60) == 0) {
        p->alive = false;
        if (any(host, 4) == 0 && flags == 0)
            return; /* gone without notice */
        sample(host, slot, flags | ROW_LAST);
        made_exit(&host->tick, slot, (int32_t)any(host, 256) << 8, host->now_ns - 1000000);
        return;
    }
    if (flags == 0 && any(host, 50) == 0) {
        p->names++;
        name(host, slot, p);
    }
    if (flags == 0 && any(host, (uint64_t)p->restless) != 0)
        tick_row_same(&host->tick, TABLE_PROCESS, slot);
    else
        sample(host, slot, flags);
}

/* Few processes use a GPU, some both, and not at all ticks. */
static void sample_gpu_processes(struct made_host *host)
{
    struct tick *tick = &host->tick;

    tick_sampled(tick, TABLE_GPU_PROCESS);
    for (uint32_t pair = 0; pair < 2 * MADE_SLOTS; pair++) {
        uint32_t gpu = pair % 2, slot = pair / 2;
        const struct made_process *p = &host->process[slot];
        uint64_t *was = &host->on_gpu[gpu][slot];
        bool uses = p->alive && !p->fresh && slot % 5 <= gpu && host->ticks / 10 % 3 != 0;
        int64_t *values;
        uint8_t *missing;

        if (uses) {
            assert_non_null(tick_row_values(tick, TABLE_GPU_PROCESS, pair,
                                            *was == p->start_ticks + 1 ? 0 : ROW_FIRST, &values,
                                            &missing));
            tick_row_keys(tick, TABLE_GPU_PROCESS, gpu, slot);
            missing[GPU_PROCESS_GPU_NS_TOTAL] = MISSING_NONE;
            values[GPU_PROCESS_GPU_NS_TOTAL] = p->cpu * (1 + gpu);
        }
        *was = uses ? p->start_ticks + 1 : 0;
    }
}

static void sample_rest(struct made_host *host)
{
    struct tick *tick = &host->tick;
    uint8_t flags = host->announced ? 0 : ROW_FIRST;
    int64_t *values;
    uint8_t *missing;

    tick_sampled(tick, TABLE_CPU);
    if (host->ticks % 3 != 0 && host->announced)
        tick->table[TABLE_CPU].column_mask &= ~(UINT64_C(1) << CPU_FREQUENCY_HZ);
    for (uint32_t core = 0; core < 2; core++) {
        assert_non_null(tick_row_values(tick, TABLE_CPU, core, flags, &values, &missing));
        memset(missing, MISSING_NONE, CPU_METRIC_COUNT);
        values[CPU_USER_NS_TOTAL] = host->cpu_ns += (int64_t)any(host, 500000);
        values[CPU_IDLE_NS_TOTAL] = host->ticks * 1000000 - host->cpu_ns / 2;
        values[CPU_FREQUENCY_HZ] = 2000000000 + (int64_t)any(host, 9) * 100000000;
    }
    if (host->ticks % 2 == 0 || !host->announced) {
        tick_sampled(tick, TABLE_MEMORY);
        assert_non_null(tick_row_values(tick, TABLE_MEMORY, 0, flags, &values, &missing));
        missing[MEMORY_FREE_BYTES] = missing[MEMORY_PAGE_IN_BYTES_TOTAL] = MISSING_NONE;
        values[MEMORY_FREE_BYTES] = (int64_t)any(host, 1 << 20) * 4096;
        values[MEMORY_PAGE_IN_BYTES_TOTAL] = host->ticks * 4096;
    }
    if (host->ticks % 2 == 0)
        sample_gpu_processes(host);
    tick_sampled(tick, TABLE_RECORDER);
    assert_non_null(tick_row_values(tick, TABLE_RECORDER, 0, flags, &values, &missing));
    missing[RECORDER_CALLS_TOTAL] = MISSING_NONE;
    values[RECORDER_CALLS_TOTAL] = host->ticks;
}

void made_host_tick(struct made_host *host)
{
    struct tick *tick = &host->tick;

    made_tick(tick, host->now_ns);
    if (host->ticks % 97 == 96) {
        tick->gap_before = true;
        made_event(tick, "suspend", "", 5);
    }
    if (host->ticks % 201 == 200)
        tick->wall_ns += 3600 * SECOND_NS;
    if (!host->announced)
        announce(host);
    tick_sampled(tick, TABLE_PROCESS);
    for (uint32_t slot = 0; slot < MADE_SLOTS; slot++) {
        if (host->process[slot].alive)
            live_on(host, slot);
        else if (slot < host->processes && any(host, host->ticks == 0 ? 1 : 8) == 0) {
            be_born(host, slot);
            live_on(host, slot);
        }
    }
    sample_rest(host);
    host->announced = true;
    host->ticks++;
    tick->seq++;
    host->before_ns = host->now_ns;
    host->now_ns += host->interval_ns + (int64_t)any(host, 2000000) - 1000000;
    assert_false(tick->no_memory);
}

void made_host_record(struct made_host *host, struct writer *writer, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct error err = { 0 };

        made_host_tick(host);
        if (writer_tick(writer, &host->tick, &err) != STATUS_OK)
            fail_msg("tick %zu: %s", i, err.message);
    }
}

void made_recording(const char *path, uint64_t seed, int sessions, bool clean)
{
    static const struct capability partial = { .status = CAPABILITY_PARTIAL,
                                               .reason = "no right",
                                               .enable = "run as root" };
    struct made_host host;

    made_host_init(&host, seed, MADE_START_NS, 2 * SECOND_NS, 12);
    for (int s = 0; s < sessions; s++) {
        struct writer_options options = { .path = path, .block_ticks = 30 };
        struct session_facts facts;
        struct writer *writer;
        struct error err = { 0 };
        bool last = s == sessions - 1;

        made_facts(&facts, host.now_ns, last ? 2 : 1);
        if (writer_open(&writer, &options, &facts, &err) != STATUS_OK)
            fail_msg("open: %s", err.message);
        assert_int_equal(writer_capability(writer, "process", &partial, &err), STATUS_OK);
        made_host_restart(&host, !last);
        made_host_record(&host, writer, 100 + (size_t)s * 7);
        if (writer_close(writer, last && !clean ? NULL : "stop", &err) != STATUS_OK)
            fail_msg("close: %s", err.message);
        host.now_ns += 5 * SECOND_NS;
    }
    made_host_release(&host);
}
