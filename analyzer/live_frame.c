/* Differences of two ticks. Units and scales are the catalog's: the mapping has its hash. */
#include "analyzer/live_frame.h"

#include <stdlib.h>
#include <string.h>

static const struct live_figure unknown = { .known = false };

enum status live_sort_parse(const char *text, enum live_sort *sort, struct error *err)
{
    static const char *const names[] = { "cpu", "resident", "read", "written", "pid" };

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcmp(text, names[i]) == 0) {
            *sort = (enum live_sort)i;
            return STATUS_OK;
        }
    return error_set(err, STATUS_INVALID,
                     "--sort %.40s: accepted is cpu, resident, read, written or pid", text);
}

/* --- figures --- */

static struct live_figure level(const int64_t value[], const uint8_t missing[], size_t metric,
                                const struct metric metrics[])
{
    if (missing[metric] != MISSING_NONE)
        return unknown;
    return (struct live_figure){ true, (double)value[metric] * (double)metrics[metric].scale };
}

/* What a counter gained a second; `before` NULL: it began at 0 in between. */
static struct live_figure rate(const struct live_process *now, const struct live_process *before,
                               size_t metric, double seconds)
{
    const struct metric *m = &samples_tables[TABLE_PROCESS].metrics[metric];
    int64_t base = before == NULL ? 0 : before->value[metric];

    if (seconds <= 0 || now->missing[metric] != MISSING_NONE ||
        (before != NULL && before->missing[metric] != MISSING_NONE) || now->value[metric] < base)
        return unknown;
    return (struct live_figure){ true, ((double)now->value[metric] - (double)base) *
                                           (double)m->scale / seconds };
}

static void fill_row(struct live_row *row, const struct live_process *now,
                     const struct live_process *before, bool rates, double seconds)
{
    const struct metric *metrics = samples_tables[TABLE_PROCESS].metrics;

    *row = (struct live_row){ .process = now };
    row->resident_bytes = level(now->value, now->missing, PROCESS_RESIDENT_BYTES, metrics);
    if (!rates)
        return;
    row->cpu_percent = rate(now, before, PROCESS_CPU_NS_TOTAL, seconds);
    row->cpu_percent.value /= 1e7; /* ns a second; 10^9 of them are one core */
    row->read_bytes = rate(now, before, PROCESS_DISK_READ_BYTES_TOTAL, seconds);
    row->written_bytes = rate(now, before, PROCESS_DISK_WRITTEN_BYTES_TOTAL, seconds);
}

/* --- the host --- */

static double sum_of(const struct live_core *core, const enum cpu_metric metrics[], size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        if (core->missing[metrics[i]] == MISSING_NONE)
            sum += (double)core->value[metrics[i]];
    return sum;
}

/* Busy by the tick fields, of the time that all fields together tell. */
static struct live_figure busy_percent(const struct live_view *now, const struct live_view *before)
{
    static const enum cpu_metric busy[] = { CPU_USER_NS_TOTAL, CPU_NICE_NS_TOTAL,
                                            CPU_SYSTEM_NS_TOTAL, CPU_IRQ_NS_TOTAL };
    static const enum cpu_metric rest[] = { CPU_IDLE_NS_TOTAL, CPU_IOWAIT_NS_TOTAL,
                                            CPU_STEAL_NS_TOTAL };
    double used = 0, idle = 0;

    if (now->tick.core_count != before->tick.core_count)
        return unknown;
    for (uint32_t i = 0; i < now->tick.core_count; i++) {
        if (now->core[i].entity_id != before->core[i].entity_id)
            return unknown;
        used += sum_of(&now->core[i], busy, COUNT_OF(busy)) -
                sum_of(&before->core[i], busy, COUNT_OF(busy));
        idle += sum_of(&now->core[i], rest, COUNT_OF(rest)) -
                sum_of(&before->core[i], rest, COUNT_OF(rest));
    }
    if (used < 0 || used + idle <= 0)
        return unknown;
    return (struct live_figure){ true, 100.0 * now->tick.core_count * used / (used + idle) };
}

static struct live_figure less(struct live_figure a, struct live_figure b)
{
    return (struct live_figure){ a.known && b.known, a.value - b.value };
}

static void fill_host(struct live_frame *frame, const struct live_view *now,
                      const struct live_view *before)
{
    const struct metric *metrics = samples_tables[TABLE_MEMORY].metrics;
    const struct live_memory *m = &now->memory;

    frame->cpu_percent = before == NULL ? unknown : busy_percent(now, before);
    frame->memory_bytes = level(m->value, m->missing, MEMORY_TOTAL_BYTES, metrics);
    frame->memory_used_bytes =
        less(frame->memory_bytes, level(m->value, m->missing, MEMORY_AVAILABLE_BYTES, metrics));
    frame->swap_used_bytes = less(level(m->value, m->missing, MEMORY_SWAP_TOTAL_BYTES, metrics),
                                  level(m->value, m->missing, MEMORY_SWAP_FREE_BYTES, metrics));
}

/* --- order --- */

static int by_id(const void *left, const void *right)
{
    const struct live_process *a = left, *b = right;

    return (a->process_id > b->process_id) - (a->process_id < b->process_id);
}

/* The larger first; what is missing last. */
static int compare(struct live_figure a, struct live_figure b)
{
    if (a.known != b.known)
        return a.known ? -1 : 1;
    return a.known ? (a.value < b.value) - (a.value > b.value) : 0;
}

static int by_pid(const struct live_row *a, const struct live_row *b)
{
    return (a->process->pid > b->process->pid) - (a->process->pid < b->process->pid);
}

#define ORDER(name, figure)                                                                        \
    static int by_##name(const void *left, const void *right)                                      \
    {                                                                                              \
        const struct live_row *a = left, *b = right;                                               \
        int order = compare(a->figure, b->figure);                                                 \
                                                                                                   \
        if (order == 0)                                                                            \
            order = compare(a->resident_bytes, b->resident_bytes);                                 \
        return order != 0 ? order : by_pid(a, b);                                                  \
    }
ORDER(cpu, cpu_percent)
ORDER(resident, resident_bytes)
ORDER(read, read_bytes)
ORDER(written, written_bytes)

static int by_number(const void *left, const void *right)
{
    return by_pid(left, right);
}

/* --- a frame --- */

/* No gap lies between the two, and time has passed. */
static bool can_compare(const struct live_tick *now, const struct live_tick *before)
{
    return now->start_ns > before->start_ns &&
           (now->last_gap_ns <= before->start_ns || now->last_gap_ns > now->start_ns);
}

static void fill_rows(struct live_frame *frame, const struct live_view *now,
                      const struct live_view *before)
{
    double seconds =
        before == NULL ? 0 : ((double)now->tick.start_ns - (double)before->tick.start_ns) / 1e9;
    size_t at = 0;

    for (uint32_t i = 0; i < now->tick.process_count; i++) {
        const struct live_process *p = &now->process[i], *earlier = NULL;

        while (before != NULL && at < before->tick.process_count &&
               before->process[at].process_id < p->process_id)
            at++;
        if (before != NULL && at < before->tick.process_count &&
            before->process[at].process_id == p->process_id)
            earlier = &before->process[at];
        fill_row(&frame->row[i], p, earlier,
                 earlier != NULL ||
                     (before != NULL && p->born_in_view && p->since_ns > before->tick.start_ns),
                 seconds);
    }
    frame->row_count = now->tick.process_count;
}

enum status live_frame_make(struct live_frame *frame, struct live_view *now,
                            const struct live_view *before, enum live_sort sort, struct error *err)
{
    static int (*const orders[])(const void *, const void *) = { by_cpu, by_resident, by_read,
                                                                 by_written, by_number };
    size_t count = now->tick.process_count;

    if (count > frame->row_size) {
        struct live_row *larger = realloc(frame->row, count * sizeof *larger);

        if (larger == NULL)
            return error_set(err, STATUS_NO_MEMORY, "%zu processes", count);
        frame->row = larger;
        frame->row_size = count;
    }
    if (before != NULL && !can_compare(&now->tick, &before->tick))
        before = NULL;
    frame->tick = &now->tick;
    if (count > 0)
        qsort(now->process, count, sizeof *now->process, by_id);
    fill_host(frame, now, before);
    fill_rows(frame, now, before);
    if (count > 0)
        qsort(frame->row, count, sizeof *frame->row, orders[sort]);
    return STATUS_OK;
}

void live_frame_release(struct live_frame *frame)
{
    free(frame->row);
    *frame = (struct live_frame){ .row = NULL };
}
