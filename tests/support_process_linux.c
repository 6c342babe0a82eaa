/* See support_process_linux.h. */
#include "tests/support_process_linux.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "recorder/collectors/collectors_linux.h"

static const int64_t ns_per_s = 1000000000;
static const int64_t fixture_wall_ns = INT64_C(1700000000000000000);

static int64_t host_ns(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return now.tv_sec * ns_per_s + now.tv_nsec;
}

static int64_t host_boot(void *self)
{
    (void)self;
    return host_ns(CLOCK_BOOTTIME);
}

static int64_t host_awake(void *self)
{
    (void)self;
    return host_ns(CLOCK_MONOTONIC);
}

static int64_t host_wall(void *self)
{
    (void)self;
    return host_ns(CLOCK_REALTIME);
}

static int64_t fixture_boot(void *self)
{
    return ((struct process_rig *)self)->now_ns;
}

static int64_t fixture_wall(void *self)
{
    return fixture_wall_ns + ((struct process_rig *)self)->now_ns;
}

static uint64_t fixed_random(void *self)
{
    (void)self;
    return 42;
}

void rig_fixture(struct process_rig *rig)
{
    char proc[80];

    rig_captured(rig, "/tmp/procscope-test-XXXXXX");
    rig->made = true;
    assert_non_null(mkdtemp(rig->root));
    snprintf(proc, sizeof proc, "%s/proc", rig->root);
    assert_int_equal(mkdir(proc, 0755), 0);
}

void rig_captured(struct process_rig *rig, const char *root)
{
    *rig = (struct process_rig){ .now_ns = 1000 * ns_per_s };
    snprintf(rig->root, sizeof rig->root, "%s", root);
    rig->clock = (struct clock){
        .boot_ns = fixture_boot,
        .awake_ns = fixture_boot,
        .wall_ns = fixture_wall,
        .random = fixed_random,
        .self = rig,
    };
}

void rig_host(struct process_rig *rig)
{
    *rig = (struct process_rig){ .clock = {
                                     .boot_ns = host_boot,
                                     .awake_ns = host_awake,
                                     .wall_ns = host_wall,
                                     .random = fixed_random,
                                 } };
}

void rig_open(struct process_rig *rig, const char *source)
{
    struct error err = { 0 };

    rig->context = (struct collect_context){
        .clock = &rig->clock,
        .root = rig->root,
        .interval_ns = ns_per_s,
        .process_source = source,
        .no_cmdline = rig->context.no_cmdline,
        .source = rig->context.source,
    };
    rig->context.timebase.boot_start_ns = rig->clock.boot_ns(rig->clock.self);
    rig->context.timebase.wall_start_ns = rig->clock.wall_ns(rig->clock.self);
    tick_init(&rig->tick);
    if (process_collector.open(&rig->state, &rig->context, &rig->capability, &err) != STATUS_OK)
        fail_msg("%s", err.message);
}

void rig_tick(struct process_rig *rig)
{
    struct error err = { 0 };

    tick_reset(&rig->tick);
    rig->tick.seq = rig->seq++;
    rig->tick.is_last = rig->is_last;
    rig->tick.start_ns = timebase_at(&rig->context.timebase, rig->clock.boot_ns(rig->clock.self));
    rig->tick.wall_ns = rig->clock.wall_ns(rig->clock.self);
    if (process_collector.collect(rig->state, &rig->tick, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    rig->now_ns += ns_per_s;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void rig_close(struct process_rig *rig)
{
    process_collector.close(rig->state);
    tick_release(&rig->tick);
    if (rig->made)
        nftw(rig->root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void rig_remove(struct process_rig *rig, int pid)
{
    char path[128];

    snprintf(path, sizeof path, "%s/proc/%d", rig->root, pid);
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void put_bytes(struct process_rig *rig, int pid, const char *name, const void *text,
                      size_t size)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s/proc/%d", rig->root, pid);
    (void)mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/proc/%d/%s", rig->root, pid, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    fclose(file);
}

void rig_put_file(struct process_rig *rig, int pid, const char *name, const char *text)
{
    char path[128];

    if (text != NULL) {
        put_bytes(rig, pid, name, text, strlen(text));
        return;
    }
    snprintf(path, sizeof path, "%s/proc/%d/%s", rig->root, pid, name);
    (void)unlink(path);
}

static void put_cmdline(struct process_rig *rig, const struct fake_process *p)
{
    char text[512];
    size_t size = 0;

    for (const char *c = p->cmdline == NULL ? "" : p->cmdline; *c != '\0'; c++)
        text[size++] = *c == '|' ? '\0' : *c;
    put_bytes(rig, p->pid, "cmdline", text, size);
}

void rig_put(struct process_rig *rig, const struct fake_process *p)
{
    char text[1024];

    snprintf(text, sizeof text,
             "%d (%s) %c %d 1 1 0 -1 %lu %lu 0 0 0 %lu %lu 0 0 20 0 %d 0 %lu %s %ld "
             "18446744073709551615 1 2 %lu 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 1 2 3 4 5 6 7 0\n",
             p->pid, p->comm == NULL ? "fake" : p->comm, p->state == '\0' ? 'S' : p->state, p->ppid,
             p->flags, p->minor_faults, p->user_ticks, p->system_ticks,
             p->threads == 0 ? 1 : p->threads, p->start_ticks, p->ending ? "0" : "4096000",
             p->resident_pages, p->start_stack);
    rig_put_file(rig, p->pid, "stat", text);
    snprintf(text, sizeof text, "%llu %llu %llu\n", p->run_ns, p->delay_ns, p->slices);
    rig_put_file(rig, p->pid, "schedstat", text);
    snprintf(text, sizeof text,
             "rchar: %lu\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 5\nwrite_bytes: 6\n"
             "cancelled_write_bytes: 7\n",
             p->read_chars);
    rig_put_file(rig, p->pid, "io", text);
    snprintf(text, sizeof text,
             "Name:\tfake\nUid:\t1\t%u\t3\t4\nRssAnon:\t8 kB\nRssFile:\t%ld kB\nRssShmem:\t1 kB\n"
             "VmSwap:\t2 kB\nvoluntary_ctxt_switches:\t11\nnonvoluntary_ctxt_switches:\t12\n",
             p->uid, 4 + 4 * p->resident_pages);
    rig_put_file(rig, p->pid, "status", text);
    rig_put_file(rig, p->pid, "cgroup", p->cgroup == NULL ? "0::/\n" : p->cgroup);
    put_cmdline(rig, p);
}

const struct tick_birth *rig_birth(const struct process_rig *rig, int pid)
{
    for (size_t i = 0; i < rig->tick.birth_count; i++) {
        if (rig->tick.births[i].pid == pid)
            return &rig->tick.births[i];
    }
    return NULL;
}

uint32_t rig_slot(const struct process_rig *rig, int pid)
{
    const struct tick_birth *birth = rig_birth(rig, pid);

    assert_non_null(birth);
    return birth->slot;
}

const struct tick_row *rig_row(const struct process_rig *rig, uint32_t slot)
{
    const struct tick_table *table = &rig->tick.table[TABLE_PROCESS];
    const struct tick_row *found = NULL;

    for (size_t i = 0; i < table->row_count; i++) {
        if (table->rows[i].slot != slot)
            continue;
        assert_null(found); /* never two rows for one slot */
        found = &table->rows[i];
    }
    return found;
}

const struct tick_exit *rig_exit(const struct process_rig *rig, uint32_t slot)
{
    for (size_t i = 0; i < rig->tick.exit_count; i++) {
        if (rig->tick.exits[i].slot == slot)
            return &rig->tick.exits[i];
    }
    return NULL;
}

const struct tick_version *rig_version(const struct process_rig *rig, uint32_t slot)
{
    for (size_t i = 0; i < rig->tick.version_count; i++) {
        if (rig->tick.versions[i].slot == slot)
            return &rig->tick.versions[i];
    }
    return NULL;
}

static size_t value_at(const struct process_rig *rig, uint32_t slot, enum process_metric metric)
{
    const struct tick_row *row = rig_row(rig, slot);

    assert_non_null(row);
    assert_int_not_equal(row->at, ROW_SAME);
    return row->at * rig->tick.table[TABLE_PROCESS].width + metric;
}

int64_t rig_value(const struct process_rig *rig, uint32_t slot, enum process_metric metric)
{
    assert_int_equal(rig_missing(rig, slot, metric), MISSING_NONE);
    return rig->tick.table[TABLE_PROCESS].values[value_at(rig, slot, metric)];
}

enum missing rig_missing(const struct process_rig *rig, uint32_t slot, enum process_metric metric)
{
    return rig->tick.table[TABLE_PROCESS].missing[value_at(rig, slot, metric)];
}

bool rig_named(const struct process_rig *rig, uint32_t slot, enum process_text text,
               const char *value)
{
    for (size_t i = 0; i < rig->tick.version_count; i++) {
        const struct tick_version *v = &rig->tick.versions[i];

        if (v->slot == slot && v->known & 1u << text && v->text[text].size == strlen(value) &&
            memcmp(tick_text_at(&rig->tick, v->text[text]), value, strlen(value)) == 0)
            return true;
    }
    return false;
}
