/*
 * Details of processes on a Mac: see process_detail.md beside this file.
 *
 *   source  PROC_PIDLISTFDS, PROC_PIDFDSOCKETINFO
 *   units   bytes, counts
 *   absent  PSS, which Darwin does not tell; of other users' processes all, but for root; what the
 *           budget had no room for is "not sampled"
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recorder/collectors/collectors_macos.h"
#include "recorder/collectors/process_detail_look_macos.h"
#include "recorder/collectors/process_list_macos.h"
#include "recorder/process_directory.h"

struct detail_state {
    const struct process_directory *processes;
    struct detail_look *look; /* the worker's from kick to take */
    struct worker *worker;
    struct detail_largest largest;
    uint32_t own_uid;
    bool due, busy;
    int64_t sample; /* counted from 1 */
    struct told {   /* by slot: who had a row, and at which sample */
        struct detail_identity identity;
        int64_t sample;
    } * told;
    size_t told_size;
};

/* Processes that we may read. */
static bool list_processes(struct detail_state *s)
{
    const struct process_directory *processes = s->processes;
    uint32_t end = processes->end(processes->self);
    struct detail_candidate *list = detail_look_candidates(s->look, end);
    size_t count = 0;

    if (list == NULL)
        return false;
    s->largest.count = 0;
    for (uint32_t slot = 0; slot < end; slot++) {
        struct process_glance glance;

        if (!processes->glance(processes->self, slot, &glance) || glance.kernel_thread ||
            (s->own_uid != 0 && glance.uid != s->own_uid))
            continue;
        detail_largest_note(&s->largest, glance.resident_bytes, (uint32_t)count);
        list[count++] = (struct detail_candidate){
            .identity = { slot, glance.pid, glance.start_ticks },
            .resident_bytes = glance.resident_bytes,
        };
    }
    for (size_t i = 0; i < s->largest.count; i++)
        list[s->largest.item[i].candidate].largest = true;
    detail_look_set_count(s->look, count);
    return true;
}

/* --- rows --- */

static struct told *told_of(struct detail_state *s, uint32_t slot)
{
    if (slot >= s->told_size) {
        size_t size = (size_t)slot + slot / 4 + 64;
        struct told *larger = realloc(s->told, size * sizeof *larger);

        if (larger == NULL)
            return NULL;
        memset(larger + s->told_size, 0, (size - s->told_size) * sizeof *larger);
        s->told = larger;
        s->told_size = size;
    }
    return &s->told[slot];
}

static bool is_there(const struct detail_state *s, const struct detail_identity *identity)
{
    struct process_glance glance;

    return s->processes->glance(s->processes->self, identity->slot, &glance) &&
           glance.pid == identity->pid && glance.start_ticks == identity->start_ticks;
}

static bool add_row(struct detail_state *s, const struct detail_row *row, struct tick *tick)
{
    struct told *told = told_of(s, row->identity.slot);
    int64_t *values;
    uint8_t *missing;
    bool before;

    if (told == NULL)
        return false;
    before = detail_same(&told->identity, &row->identity) && told->sample > 0 &&
             told->sample == s->sample - 1;
    if (tick_row_values(tick, TABLE_PROCESS_DETAIL, row->identity.slot, before ? 0 : ROW_FIRST,
                        &values, &missing) == NULL)
        return false;
    memcpy(values, row->values, sizeof row->values);
    memcpy(missing, row->missing, sizeof row->missing);
    *told = (struct told){ row->identity, s->sample };
    return true;
}

static enum status add_rows(struct detail_state *s, struct tick *tick, struct error *err)
{
    size_t count;
    const struct detail_row *rows = detail_look_rows(s->look, &count);

    s->sample++;
    tick_sampled(tick, TABLE_PROCESS_DETAIL);
    for (size_t i = 0; i < count; i++)
        if (is_there(s, &rows[i].identity) && !add_row(s, &rows[i], tick))
            return error_set(err, STATUS_NO_MEMORY, "row of process_detail_samples");
    return STATUS_OK;
}

/* --- the collector --- */

static void detail_begin(void *state, const struct tick *tick)
{
    struct detail_state *s = state;

    (void)tick;
    s->due = true; /* begun in collect, when the processes of this tick are known */
}

static enum status detail_collect(void *state, struct tick *tick, struct error *err)
{
    struct detail_state *s = state;
    enum status st = STATUS_OK;

    if (s->due && !s->busy) {
        s->due = false;
        if (!list_processes(s))
            return error_set(err, STATUS_NO_MEMORY, "details of processes");
        s->busy = worker_kick(s->worker, tick->start_ns);
    }
    if (s->busy && worker_take(s->worker, &st, err)) {
        s->busy = false;
        if (st == STATUS_OK)
            st = add_rows(s, tick, err);
    }
    worker_report(s->worker, tick);
    return st;
}

static void detail_close(void *state)
{
    struct detail_state *s = state;

    if (s == NULL)
        return;
    worker_stop(s->worker);
    free(s->told);
    free(s);
}

static int64_t detail_not_answering(const void *state)
{
    const struct detail_state *s = state;

    return worker_late(s->worker);
}

static int64_t detail_other_cpu_ns(const void *state)
{
    const struct detail_state *s = state;

    return worker_cpu_ns(s->worker);
}

static void describe(const struct detail_state *s, struct capability *capability)
{
    *capability = (struct capability){ .status = CAPABILITY_PARTIAL };
    (void)snprintf(capability->reason, sizeof capability->reason, "no PSS: Darwin tells none%s",
                   s->own_uid == 0 ? "" : "; descriptors of our user's own processes only");
    if (s->own_uid != 0)
        (void)snprintf(capability->enable, sizeof capability->enable,
                       "run as root for other users' processes");
}

static enum status start(struct detail_state *s, bool thread, struct error *err)
{
    struct worker_job job = { .name = "process_detail",
                              .read = detail_look_read,
                              .release = detail_look_close };

    if (detail_look_open(&s->look, err) != STATUS_OK)
        return err->status;
    job.self = s->look;
    return worker_start(&s->worker, &job, thread, err);
}

static enum status detail_open(void **state, const struct collect_context *context,
                               struct capability *capability, struct error *err)
{
    struct detail_state *s = calloc(1, sizeof *s);
    struct kinfo_proc own;
    enum status st;

    *state = s;
    if (s == NULL)
        return error_set(err, STATUS_NO_MEMORY, "details of processes");
    if (context->processes == NULL || context->processes->glance == NULL) {
        *capability = (struct capability){ .status = CAPABILITY_NOT_THERE,
                                           .reason = "processes are not recorded",
                                           .enable = "name process in --collectors, too" };
        return STATUS_OK;
    }
    s->processes = context->processes;
    s->own_uid = process_list_find(getpid(), &own) ? own.kp_eproc.e_ucred.cr_uid : UINT32_MAX;
    st = start(s, *context->root == '\0', err);
    if (st != STATUS_OK) {
        detail_close(s);
        *state = NULL;
        return st;
    }
    describe(s, capability);
    return STATUS_OK;
}

const struct collector process_detail_collector = {
    .name = "process_detail",
    .description = "open descriptors and sockets of processes",
    .source = "PROC_PIDLISTFDS, PROC_PIDFDSOCKETINFO",
    .needs = "nothing for own processes; root for others'",
    .absence = "PSS: Darwin tells none; others' processes: not permitted; not sampled: no budget",
    .table = TABLE_PROCESS_DETAIL,
    .divisor = 1,
    .period_ns = DETAIL_PERIOD_NS,
    .optional = true,
    .open = detail_open,
    .begin = detail_begin,
    .collect = detail_collect,
    .close = detail_close,
    .not_answering = detail_not_answering,
    .other_cpu_ns = detail_other_cpu_ns,
};
