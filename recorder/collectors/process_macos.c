/*
 * Every process, at every tick.
 *
 *   source  KERN_PROC_ALL (who there is), proc_pid_rusage (what each has used); at every tenth tick
 *           PROC_PIDTASKINFO (threads, faults) and the unique id; names by the slow thread
 *   units   stored units of schema/catalog.c
 *   absent  what other users' processes use, but for root; a process that begins and is reaped
 *           between two ticks
 *
 * A process is known by pid and start. Its start on the Mach clock, and at full passes its unique
 * id, tell when the pid went to another one all the same. Of a zombie the kernel keeps what it used
 * at last until its parent asks: that is its last row.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recorder/collectors/collectors_macos.h"
#include "recorder/collectors/process_state_macos.h"

enum { STATE_STOPPED = 4 };

/* --- values --- */

static void read_process(struct process_state *s, int32_t pid, bool with_task, struct reading *r)
{
    r->with_task = with_task;
    r->task_answer = USAGE_FAILED;
    r->answer = usage_read(&s->source, pid, &r->usage);
    if (with_task && r->answer == USAGE_OK)
        r->task_answer = usage_read_task(pid, &r->task);
}

/* A char of Darwin, which may have no sign where this is compiled. */
static int64_t nice_of(const struct kinfo_proc *item)
{
    int nice = (unsigned char)item->kp_proc.p_nice;

    return nice > SCHAR_MAX ? nice - (UCHAR_MAX + 1) : nice;
}

static enum missing reason_of(enum usage_answer answer)
{
    return answer == USAGE_DENIED ? MISSING_NOT_PERMITTED : MISSING_FAILED;
}

/*
 * False: nothing differs from its latest row. What it used since then is counted if that row said
 * what it had used, or it began in view.
 */
bool process_put_values(struct process_state *s, struct process *p, const struct kinfo_proc *item,
                        const struct reading *r)
{
    int64_t values[PROCESS_METRIC_COUNT];
    uint8_t missing[PROCESS_METRIC_COUNT];
    int64_t before = p->values[PROCESS_CPU_NS_TOTAL];
    bool counts = p->missing[PROCESS_CPU_NS_TOTAL] == MISSING_NONE || p->sampled_ns == 0;

    memcpy(values, p->values, sizeof values);
    memcpy(missing, p->missing, sizeof missing);
    values[PROCESS_NICE] = nice_of(item);
    missing[PROCESS_NICE] = MISSING_NONE;
    if (r->answer == USAGE_OK)
        usage_put(&s->source, &r->usage, values, missing);
    else
        usage_miss(&s->source, reason_of(r->answer), values, missing);
    if (r->with_task && r->task_answer == USAGE_OK)
        usage_put_task(&r->task, values, missing);
    else if (r->with_task && r->answer == USAGE_OK)
        usage_miss_task(reason_of(r->task_answer), values, missing);
    if (item->kp_proc.p_stat == SSTOP) {
        values[PROCESS_STATE] = STATE_STOPPED;
        missing[PROCESS_STATE] = MISSING_NONE;
    }
    if (memcmp(values, p->values, sizeof values) == 0 &&
        memcmp(missing, p->missing, sizeof missing) == 0)
        return false;
    memcpy(p->values, values, sizeof values);
    memcpy(p->missing, missing, sizeof missing);
    if (counts && r->answer == USAGE_OK)
        s->stats.cpu_processes_us += p->values[PROCESS_CPU_NS_TOTAL] - before;
    return true;
}

static void see_new(struct process_state *s, const struct kinfo_proc *item, struct tick *tick)
{
    bool zombie = item->kp_proc.p_stat == SZOMB;
    struct reading r;
    struct process *p;

    read_process(s, item->kp_proc.p_pid, !zombie, &r);
    if (r.answer == USAGE_GONE)
        return; /* reaped since the list was made */
    p = process_enter(s, item->kp_proc.p_pid, tick);
    if (p == NULL)
        return;
    p->sweep = s->sweep;
    p->start_us = process_list_start_us(item);
    p->unique = usage_read_unique(p->pid);
    if (r.answer == USAGE_OK)
        p->start_mach = r.usage.ri_proc_start_abstime;
    else if (r.answer == USAGE_DENIED)
        p->flags |= PROCESS_DENIED;
    if (s->swept)
        p->flags |= PROCESS_BORN_IN_VIEW;
    if (zombie && !s->swept) /* it ended before this recording, or at a tick that missed it */
        p->flags |= PROCESS_OVER;
    else
        process_announce(s, p, item, &r, tick);
}

/* --- the time between --- */

/*
 * The pid went to another one, which the next list tells of: this one may be of before or after
 * that.
 */
static bool is_another(struct process *p, const struct process_state *s, const struct reading *r)
{
    uint64_t unique;

    if (r->answer == USAGE_OK && p->start_mach != 0 &&
        r->usage.ri_proc_start_abstime != p->start_mach)
        return true;
    if (!s->full)
        return false;
    unique = usage_read_unique(p->pid);
    return unique != 0 && p->unique != 0 && unique != p->unique;
}

static void see_known(struct process_state *s, struct process *p, const struct kinfo_proc *item,
                      struct tick *tick)
{
    bool zombie = item->kp_proc.p_stat == SZOMB;
    struct reading r = { .answer = USAGE_DENIED };

    if (!(p->flags & PROCESS_DENIED) || s->full || p->uid != item->kp_eproc.e_ucred.cr_uid)
        read_process(s, p->pid, s->full && !zombie, &r);
    if (r.answer == USAGE_GONE)
        return; /* reaped since the list was made */
    if (is_another(p, s, &r)) {
        process_vanish(s, p, tick);
        return;
    }
    p->sweep = s->sweep;
    p->flags &= (uint8_t)~PROCESS_DENIED;
    if (r.answer == USAGE_DENIED)
        p->flags |= PROCESS_DENIED;
    else if (r.answer == USAGE_FAILED)
        s->stats.processes_unreadable++;
    if (r.answer == USAGE_OK)
        p->start_mach = r.usage.ri_proc_start_abstime;
    process_check_name(s, p, item, r.answer == USAGE_OK ? &r.usage : NULL, tick);
    if (process_put_values(s, p, item, &r) && !zombie)
        (void)process_put_row(s, p, 0, tick);
    else if (!zombie)
        tick_row_same(tick, TABLE_PROCESS, process_slot(s, p));
    p->sampled_ns = zombie ? p->sampled_ns : tick->start_ns;
    if (zombie)
        process_end_zombie(s, p, &r, 0, tick);
    else
        process_ask(s, p);
}

static void see(struct process_state *s, const struct kinfo_proc *item, struct tick *tick)
{
    uint32_t slot = process_table_find(&s->table, process_key(item->kp_proc.p_pid));
    struct process *p = slot == SLOT_NONE ? NULL : process_at(s, slot);

    if (p != NULL && p->start_us != process_list_start_us(item)) {
        process_vanish(s, p, tick);
        p = NULL;
    }
    if (p == NULL)
        see_new(s, item, tick);
    else if (p->flags & PROCESS_OVER)
        p->sweep = s->sweep;
    else
        see_known(s, p, item, tick);
}

/* Those that the list does not have. If it is not whole each is asked for by itself. */
static void end_unseen(struct process_state *s, struct tick *tick)
{
    struct kinfo_proc item;

    for (uint32_t slot = 0; slot < s->table.slot_end && slot < s->process_size; slot++) {
        struct process *p = process_at(s, slot);

        if (!p->used || p->sweep == s->sweep)
            continue;
        if (!s->list.complete && process_list_find(p->pid, &item))
            see(s, &item, tick);
        p = process_at(s, slot);
        if (p->used && p->sweep != s->sweep)
            process_vanish(s, p, tick);
    }
}

static enum status process_collect(void *state, struct tick *tick, struct error *err)
{
    struct process_state *s = state;
    enum status st = process_list_read(&s->list, err);

    if (st != STATUS_OK)
        return st;
    s->full = tick->seq % FULL_PASS_TICKS == 0;
    s->now_ns = tick->start_ns;
    if (!tick->slots_held || s->table.returned_count > SLOTS_HELD_MAX)
        process_table_tick(&s->table);
    s->sweep++;
    process_take_answers(s, tick);
    tick_sampled(tick, TABLE_PROCESS);
    if (!s->full)
        tick->table[TABLE_PROCESS].column_mask &= ~usage_task_columns;
    for (size_t i = 0; i < s->list.count; i++)
        see(s, &s->list.items[i], tick);
    end_unseen(s, tick);
    if (!s->list.complete)
        s->stats.walks_incomplete++;
    if (s->asked)
        slow_wake(s->slow);
    s->asked = false;
    s->swept = s->list.complete;
    s->previous_ns = tick->start_ns;
    return STATUS_OK;
}

/* --- open and close --- */

static enum status start_slow(struct process_state *s, struct error *err)
{
    const struct clock *clock = s->context.clock;
    const struct slow_work work = {
        .open = identity_open,
        .close = identity_close,
        .read = identity_read,
        .answer = identity_answer,
        .self = &s->identity,
    };

    s->identity = (struct identity_source){
        .root = "",
        .redactor = s->context.redactor,
        .no_cmdline = s->context.no_cmdline,
        .key = { clock->random(clock->self), clock->random(clock->self) },
    };
    return slow_start(&s->slow, &work, true, err);
}

static bool is_root(void)
{
    struct kinfo_proc own;

    return process_list_find(getpid(), &own) && own.kp_eproc.e_ucred.cr_uid == 0;
}

static void describe(const struct process_state *s, struct capability *capability)
{
    bool root = is_root();

    capability->status = CAPABILITY_PARTIAL;
    (void)snprintf(capability->reason, sizeof capability->reason,
                   "libproc, version %d%s%s; what ends and is reaped between two ticks is not seen",
                   s->source.version, s->source.has_energy ? "" : ", no energy",
                   root ? "" : "; nothing of what other users' processes use");
    if (!root)
        (void)snprintf(capability->enable, sizeof capability->enable,
                       "run as root for other users' processes");
}

static void process_close(void *state)
{
    struct process_state *s = state;

    if (s == NULL)
        return;
    slow_stop(s->slow);
    process_list_release(&s->list);
    process_table_release(&s->table);
    free(s->processes);
    free(s);
}

static enum status process_open(void **state, const struct collect_context *context,
                                struct capability *capability, struct error *err)
{
    struct process_state *s = calloc(1, sizeof *s);
    enum status st;

    *state = s;
    if (s == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory for processes");
    s->context = *context;
    if (!usage_open(&s->source)) {
        capability->status = CAPABILITY_FAILED;
        (void)snprintf(capability->reason, sizeof capability->reason,
                       "proc_pid_rusage answers none of its versions 6, 4 and 2");
        return STATUS_OK;
    }
    st = start_slow(s, err);
    if (st != STATUS_OK) {
        process_close(s);
        *state = NULL;
        return st;
    }
    describe(s, capability);
    process_enter_directory(s);
    return STATUS_OK;
}

static int64_t process_not_answering(const void *state)
{
    const struct process_state *s = state;

    return slow_late_count(s->slow);
}

void process_collector_stats(const void *state, struct process_stats *stats)
{
    const struct process_state *s = state;

    *stats = s->stats;
}

const char *process_collector_source(const void *state)
{
    (void)state;
    return "libproc";
}

const struct collector process_collector = {
    .name = "process",
    .description = "CPU time, memory, IO, energy and identity of every process",
    .source = "KERN_PROC_ALL, proc_pid_rusage, PROC_PIDTASKINFO, KERN_PROCARGS2, proc_pidpath",
    .needs = "nothing for own processes and for who there is; root for what others use",
    .absence = "of other users' processes: not permitted; energy: Intel, or before macOS 13",
    .table = TABLE_PROCESS,
    .divisor = 1,
    .open = process_open,
    .collect = process_collect,
    .close = process_close,
    .not_answering = process_not_answering,
};
