/* From the state of a made-up process to its row. */
#include "tools/generate_row.h"

#include <string.h>

#include "tools/generate_truth.h"

enum { STATUS_DIVISOR = 10, METRIC_LINUX_COUNT = PROCESS_FOOTPRINT_BYTES };

/* From /proc/PID/status, which is read at every tenth tick, and of who is new or reported gone. */
static const enum process_metric status_metrics[] = {
    PROCESS_CONTEXT_SWITCHES_VOLUNTARY_TOTAL,
    PROCESS_CONTEXT_SWITCHES_INVOLUNTARY_TOTAL,
    PROCESS_RESIDENT_ANONYMOUS_BYTES,
    PROCESS_RESIDENT_SHARED_BYTES,
    PROCESS_SWAP_BYTES,
};
static const enum process_metric gauge_metrics[] = {
    PROCESS_RESIDENT_BYTES,
    PROCESS_LAST_CPU,
    PROCESS_STATE,
    PROCESS_VIRTUAL_BYTES,
    PROCESS_THREADS,
    PROCESS_NICE,
    PROCESS_RESIDENT_ANONYMOUS_BYTES,
    PROCESS_RESIDENT_SHARED_BYTES,
    PROCESS_SWAP_BYTES,
};
static const enum process_metric io_metrics[] = {
    PROCESS_IO_READ_CHARS_TOTAL,
    PROCESS_IO_WRITTEN_CHARS_TOTAL,
    PROCESS_DISK_WRITTEN_BYTES_TOTAL,
    PROCESS_DISK_READ_BYTES_TOTAL,
};
static const enum process_metric cpu_metrics[] = {
    PROCESS_CPU_NS_TOTAL,
    PROCESS_CPU_USER_NS_TOTAL,
    PROCESS_CPU_SYSTEM_NS_TOTAL,
};
static const enum process_metric memory_metrics[] = {
    PROCESS_RESIDENT_BYTES,
    PROCESS_VIRTUAL_BYTES,
};

bool row_status_read(const struct tick *tick)
{
    return tick->seq % STATUS_DIVISOR == 0;
}

uint64_t row_column_mask(const struct tick *tick)
{
    uint64_t mask = (UINT64_C(1) << PROCESS_METRIC_COUNT) - 1;

    for (size_t i = 0; i < COUNT_OF(status_metrics) && !row_status_read(tick); i++)
        mask &= ~(UINT64_C(1) << status_metrics[i]);
    return mask;
}

static void leave_out(const enum process_metric metrics[], size_t count, enum missing reason,
                      int64_t values[], uint8_t missing[])
{
    for (size_t i = 0; i < count; i++) {
        values[metrics[i]] = 0;
        missing[metrics[i]] = (uint8_t)reason;
    }
}
#define LEAVE_OUT(metrics, reason) leave_out(metrics, COUNT_OF(metrics), reason, values, missing)

static void leave_out_failed(const struct process *p, int64_t values[], uint8_t missing[])
{
    if (p->failure == FAILURE_CPU)
        LEAVE_OUT(cpu_metrics, MISSING_FAILED);
    if (p->failure == FAILURE_MEMORY)
        LEAVE_OUT(memory_metrics, MISSING_NOT_THERE);
    if (p->failure == FAILURE_IO && !p->io_denied)
        LEAVE_OUT(io_metrics, MISSING_FAILED);
}

static void add_values(struct population *pop, struct process *p, uint32_t slot, uint8_t flags,
                       const struct moment *moment, struct tick *tick)
{
    bool last = (flags & ROW_LAST) != 0;
    int64_t *values;
    uint8_t *missing;
    struct tick_row *row = tick_row_values(tick, TABLE_PROCESS, slot, flags, &values, &missing);

    if (row == NULL)
        return;
    row->start_ns = (flags & ROW_BORN) != 0 ? p->start_ns : 0;
    row->end_ns = last ? p->end_ns : 0;
    memcpy(values, p->activity.value, METRIC_LINUX_COUNT * sizeof *values);
    memset(missing, MISSING_NONE, METRIC_LINUX_COUNT);
    if (!row_status_read(tick) && (flags & (ROW_FIRST | ROW_LAST)) == 0)
        LEAVE_OUT(status_metrics, MISSING_NOT_SAMPLED);
    else
        p->status_due = false;
    if (p->io_denied)
        LEAVE_OUT(io_metrics, MISSING_NOT_PERMITTED);
    if (p->failure_ticks > 0 && !last)
        leave_out_failed(p, values, missing);
    if (last)
        LEAVE_OUT(gauge_metrics, MISSING_EXITED);
    if (pop->truth != NULL)
        truth_sample(pop->truth, moment->index, p->truth_id, flags, values, missing);
    if (pop->hours == NULL)
        return;
    if (p->hours.row == 0)
        identity_texts(&pop->texts, &p->identity, pop->options->cmdline_bytes);
    hours_sample(pop->hours, &p->hours, &pop->texts, flags, values, missing);
}

static void add_exit(const struct process *p, uint32_t slot, enum exit_how how, int64_t end_ns,
                     struct tick *tick)
{
    static const int32_t codes[] = { 0, 0, 0, 1 << 8, 9 };
    struct tick_exit *exit_record = tick_add_exit(tick);

    if (exit_record == NULL)
        return;
    *exit_record = (struct tick_exit){
        .slot = slot,
        .how = (uint8_t)how,
        .end_ns = end_ns,
        .code = how != EXIT_REPORTED ? -1
                : p->killed          ? 9
                : p->driven          ? 0
                                     : codes[p->truth_id % 5],
    };
}

/* The end of a process: most are reported, some are only found missing at the next tick. */
static bool end(struct population *pop, struct process *p, uint32_t slot, uint8_t flags,
                const struct moment *moment, struct tick *tick)
{
    int64_t tick_ns = pop->host.tick_ns;

    p->live = false;
    p->last_tick = moment->index;
    if (!p->fresh && !p->driven && p->truth_id % 16 == 5) {
        p->end = END_VANISHED;
        p->last_tick--;
        return false;
    }
    p->end = END_REPORTED;
    if (p->end_ns - moment->before_ns < tick_ns)
        pop->host.tick_ns = p->end_ns - moment->before_ns;
    if (!p->driven)
        activity_run(&p->activity, p->end_ns, &pop->host, &pop->random);
    pop->host.tick_ns = tick_ns;
    add_values(pop, p, slot, flags | ROW_LAST, moment, tick);
    add_exit(p, slot, EXIT_REPORTED, p->end_ns, tick);
    return true;
}

bool row_add(struct population *pop, uint32_t slot, const struct moment *moment, struct tick *tick)
{
    struct process *p = &pop->slots[slot];
    bool changed = p->forced || p->fresh;
    uint8_t flags = 0;

    if (p->fresh)
        flags = p->in_view ? ROW_FIRST | ROW_BORN : ROW_FIRST;
    if (p->end_ns <= moment->now_ns)
        return end(pop, p, slot, flags, moment, tick);
    if (p->activity.wake_ns <= moment->now_ns) {
        activity_run(&p->activity, moment->now_ns, &pop->host, &pop->random);
        p->status_due = true;
        changed = true;
    }
    if (changed || (p->status_due && row_status_read(tick))) {
        p->forced = false;
        add_values(pop, p, slot, flags, moment, tick);
    } else {
        tick_row_same(tick, TABLE_PROCESS, slot);
    }
    if (p->failure_ticks > 0 && --p->failure_ticks == 0)
        p->forced = true;
    return true;
}
