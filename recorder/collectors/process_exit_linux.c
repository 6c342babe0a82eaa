/*
 * Exits that the kernel reports: the last row of a process that was seen alive, and the only row of
 * one that lived between two ticks.
 */
#include <stdlib.h>
#include <string.h>

#include "recorder/collectors/process_state_linux.h"

enum { NS_PER_US = 1000 };

static const int64_t ns_per_s = 1000000000;
static const int64_t clock_slack_ns = 200000000; /* a start is rounded down to a clock tick */

/* The drain's caller, as exits_drain hands it back. */
struct drain {
    struct process_state *s;
    struct tick *tick;
};

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t elapsed_ns(const struct exit_record *record)
{
    return smaller(larger(record->elapsed_us, 0), INT64_MAX / 4 / NS_PER_US) * NS_PER_US;
}

/*
 * Whether the report can be on the process that has this pid: that began where it did, and lived as
 * long as the report says, it would have ended since it was last seen. Time asleep is not in the
 * report.
 */
static bool is_about(const struct process_state *s, const struct process *p,
                     const struct exit_record *record)
{
    const struct clock *clock = s->context.clock;
    int64_t boot_ns = clock->boot_ns(clock->self);
    int64_t asleep_ns = boot_ns - clock->awake_ns(clock->self);
    int64_t end_ns = p->start_ns + elapsed_ns(record);

    return end_ns <= timebase_at(&s->context.timebase, boot_ns) + clock_slack_ns &&
           end_ns + asleep_ns >= p->sampled_ns - clock_slack_ns;
}

/* A counter that the report tells: final, but never less than what was seen. */
static void put_total(struct process *p, enum process_metric metric, uint64_t total)
{
    bool born = p->flags & PROCESS_BORN_IN_VIEW;
    int64_t value = total > INT64_MAX ? INT64_MAX : (int64_t)total;

    if (p->missing[metric] != MISSING_NONE && !born)
        return; /* there was no beginning to compare with */
    p->values[metric] = larger(p->missing[metric] == MISSING_NONE ? p->values[metric] : 0, value);
    p->missing[metric] = MISSING_NONE;
}

static void put_totals(struct process_state *s, struct process *p, const struct exit_totals *totals)
{
    int64_t before = p->values[PROCESS_CPU_NS_TOTAL];

    put_total(p, PROCESS_CPU_NS_TOTAL, totals->cpu_ns / NS_PER_US);
    put_total(p, PROCESS_RUN_DELAY_NS_TOTAL, totals->run_delay_ns / NS_PER_US);
    put_total(p, PROCESS_MINOR_FAULTS_TOTAL, totals->minor_faults);
    put_total(p, PROCESS_MAJOR_FAULTS_TOTAL, totals->major_faults);
    put_total(p, PROCESS_CONTEXT_SWITCHES_VOLUNTARY_TOTAL, totals->switches_voluntary);
    put_total(p, PROCESS_CONTEXT_SWITCHES_INVOLUNTARY_TOTAL, totals->switches_involuntary);
    if (!(p->flags & PROCESS_KERNEL)) {
        put_total(p, PROCESS_IO_READ_CHARS_TOTAL, totals->read_chars);
        put_total(p, PROCESS_IO_WRITTEN_CHARS_TOTAL, totals->written_chars);
        put_total(p, PROCESS_DISK_READ_BYTES_TOTAL, totals->read_bytes);
        put_total(p, PROCESS_DISK_WRITTEN_BYTES_TOTAL, totals->written_bytes);
    }
    if (s->has_delayacct)
        put_total(p, PROCESS_BLOCK_DELAY_NS_TOTAL, totals->block_delay_ns / NS_PER_US);
    s->stats.cpu_processes_us += p->values[PROCESS_CPU_NS_TOTAL] - before;
}

void process_end_gauges(struct process *p)
{
    for (size_t metric = 0; metric < LINUX_METRICS; metric++) {
        if (samples_tables[TABLE_PROCESS].metrics[metric].kind == METRIC_COUNTER)
            continue;
        p->values[metric] = 0;
        p->missing[metric] = MISSING_EXITED;
    }
}

static void put_end(struct process_state *s, struct process *p, const struct exit_record *record,
                    int64_t end_ns, struct tick *tick)
{
    struct tick_exit *end = tick_add_exit(tick);

    p->flags |= PROCESS_OVER;
    process_drop_files(s, p, true);
    if (end == NULL)
        return;
    end->slot = process_slot(s, p);
    end->how = EXIT_REPORTED;
    end->code = record->code;
    end->end_ns = end_ns;
}

/*
 * The latest it can have ended. Its start is rounded down by up to a clock tick; an end rounded down
 * with it would leave less time than the CPU it used since it was last seen.
 */
static int64_t known_end(const struct process_state *s, const struct process *p,
                         const struct exit_record *record, const struct tick *tick)
{
    int64_t end_ns = p->start_ns + elapsed_ns(record) + ns_per_s / s->ticks_per_second - 1;

    return smaller(larger(end_ns, p->sampled_ns + 1), tick->start_ns);
}

/* It was seen alive: its last row. */
static void end_known(struct process_state *s, struct process *p, const struct exit_record *record,
                      struct tick *tick)
{
    int64_t end_ns = known_end(s, p, record, tick);
    struct tick_row *row;

    put_totals(s, p, &record->totals);
    process_end_gauges(p);
    row = process_put_row(s, p, ROW_LAST, tick);
    if (row != NULL)
        row->end_ns = end_ns;
    put_end(s, p, record, end_ns, tick);
}

/*
 * The latest it can have ended. The report tells its beginning in wall seconds, so that long
 * intervals do not leave the end wholly open.
 */
static int64_t latest_end(const struct process_state *s, const struct exit_record *record,
                          const struct tick *tick)
{
    int64_t since_previous = tick->start_ns - s->previous_ns;
    int64_t end_s = record->begin_s + elapsed_ns(record) / ns_per_s + 1;
    int64_t end_ns;

    if (record->begin_s <= 0 || end_s > INT64_MAX / ns_per_s)
        return tick->start_ns;
    end_ns = end_s * ns_per_s - (tick->wall_ns - tick->start_ns);
    if (end_ns > tick->start_ns || tick->start_ns - end_ns >= since_previous)
        return tick->start_ns; /* no news, or the wall clock was set */
    return end_ns;
}

static void put_unseen_birth(struct process_state *s, struct process *p,
                             const struct exit_record *record, struct tick *tick)
{
    struct tick_birth *birth = tick_add_birth(tick);
    struct tick_version *version = tick_add_version(tick);

    if (birth == NULL || version == NULL)
        return;
    birth->slot = version->slot = process_slot(s, p);
    birth->pid = record->pid;
    birth->ppid = record->ppid;
    birth->start_ticks = p->start_ticks;
    birth->start_ns = version->from_ns = p->start_ns;
    birth->flags = BIRTH_START_APPROXIMATE;
    version->known = 1u << PROCESS_COMM | VERSION_UID;
    version->uid = record->uid;
    version->text[PROCESS_COMM] =
        tick_add_text(tick, record->comm, strnlen(record->comm, sizeof record->comm));
}

/* It lived between two ticks, or was hidden from us: all there is goes into one row. */
static void put_unseen(struct process_state *s, const struct exit_record *record, struct tick *tick)
{
    int64_t end_ns = latest_end(s, record, tick);
    int64_t start_ns = end_ns - elapsed_ns(record);
    int64_t boot_ns = start_ns - timebase_at(&s->context.timebase, 0);
    uint32_t older = process_table_find(&s->table, record->pid);
    struct process *p = process_enter(s, record->pid, tick);
    struct tick_row *row;

    if (p == NULL)
        return;
    p->flags = PROCESS_APPROXIMATE;
    if (start_ns > s->previous_ns)
        p->flags |= PROCESS_BORN_IN_VIEW;
    p->sweep = s->sweep - 1; /* not listed, as far as we know */
    p->start_ns = start_ns;
    p->start_ticks = boot_ns < 0 ? 0 : (uint64_t)(boot_ns / (ns_per_s / s->ticks_per_second));
    if (p->flags & PROCESS_BORN_IN_VIEW) {
        memset(p->missing, MISSING_NOT_THERE, sizeof p->missing);
        put_totals(s, p, &record->totals);
    } else {
        int64_t used = s->stats.cpu_processes_us;

        put_totals(s, p, &record->totals);
        s->stats.cpu_processes_us = used;
        p->missing[PROCESS_CPU_USER_NS_TOTAL] = MISSING_NOT_THERE;
        p->missing[PROCESS_CPU_SYSTEM_NS_TOTAL] = MISSING_NOT_THERE;
    }
    if (!s->has_delayacct)
        p->missing[PROCESS_BLOCK_DELAY_NS_TOTAL] = MISSING_UNSUPPORTED;
    process_end_gauges(p);

    put_unseen_birth(s, p, record, tick);
    row = process_put_row(s, p, ROW_FIRST | ROW_LAST, tick);
    if (row != NULL && p->flags & PROCESS_BORN_IN_VIEW) {
        row->flags |= ROW_BORN;
        row->start_ns = start_ns;
    }
    if (row != NULL)
        row->end_ns = end_ns;
    put_end(s, p, record, end_ns, tick);

    if (older == SLOT_NONE)
        return;
    if (process_at(s, older)->flags & PROCESS_OVER) {
        process_leave(s, process_at(s, older));
    } else { /* the pid is still, or again, that of a process we see */
        process_table_lead(&s->table, record->pid, older);
        process_leave(s, p);
    }
}

static void defer(struct process_state *s, const struct exit_record *record, struct tick *tick)
{
    if (s->deferred_count == s->deferred_size) {
        size_t size = s->deferred_size == 0 ? 64 : s->deferred_size * 2;
        struct exit_record *larger_list = realloc(s->deferred, size * sizeof *larger_list);

        if (larger_list == NULL) {
            tick->no_memory = true;
            return;
        }
        s->deferred = larger_list;
        s->deferred_size = size;
    }
    s->deferred[s->deferred_count++] = *record;
}

static void take_report(void *self, const struct exit_record *record)
{
    struct drain *drain = self;
    struct process_state *s = drain->s;
    uint32_t slot = process_table_find(&s->table, record->pid);
    struct process *p = slot == SLOT_NONE ? NULL : process_at(s, slot);

    if (!s->swept || record->pid == s->hidden_pid)
        return;
    if (p == NULL || p->flags & PROCESS_OVER)
        put_unseen(s, record, drain->tick);
    else if (p->row_seq == drain->tick->seq)
        defer(s, record, drain->tick);
    else if (is_about(s, p, record))
        end_known(s, p, record, drain->tick);
    else
        put_unseen(s, record, drain->tick);
}

void process_exits(struct process_state *s, struct tick *tick)
{
    struct drain drain = { s, tick };
    size_t count = s->deferred_count;

    if (s->exits == NULL)
        return;
    s->deferred_count = 0;
    for (size_t i = 0; i < count; i++) { /* one deferred again takes a place at or before i */
        struct exit_record record = s->deferred[i];

        take_report(&drain, &record);
    }
    s->stats.exits_lost += exits_drain(s->exits, take_report, &drain);
}
