/* See gpu_rows.h. */
#include "recorder/collectors/gpu_rows.h"

#include <stdio.h>
#include <string.h>

/* --- events --- */

static void add_event(struct tick *tick, const char *kind, int64_t since_ns, int64_t value,
                      const struct gpu_report *report, const char *why)
{
    struct tick_event *event = tick_add_event(tick);
    char detail[GPU_KEY_SIZE + GPU_TROUBLE_SIZE + 8];

    if (event == NULL)
        return;
    (void)snprintf(detail, sizeof detail, "gpu %s%s%s", report->key, why[0] != '\0' ? ": " : "",
                   why);
    event->at_ns = tick->start_ns;
    event->duration_ns = since_ns != 0 ? tick->start_ns - since_ns : 0;
    event->value = value;
    event->kind = tick_add_text(tick, kind, strlen(kind));
    event->detail = tick_add_text(tick, detail, strlen(detail));
}

static void tell_change(struct tick *tick, bool now, int64_t *since_ns, const char *const kinds[2],
                        int64_t value, const struct gpu_report *report, const char *why)
{
    if (now && *since_ns == 0) {
        add_event(tick, kinds[0], 0, value, report, why);
        *since_ns = tick->start_ns;
    } else if (!now && *since_ns != 0) {
        add_event(tick, kinds[1], *since_ns, 0, report, "");
        *since_ns = 0;
    }
}

static void tell_changes(struct gpu_told *told, struct tick *tick, const struct gpu_report *report)
{
    static const char *const throttle[] = { "throttle", "throttle_end" };
    static const char *const lost[] = { "lost", "regained" };

    tell_change(tick, report->lost, &told->lost_ns, lost, 0, report, "");
    if (report->missing[GPU_THROTTLE_REASONS] == MISSING_NONE)
        tell_change(tick, report->slowed[0] != '\0', &told->slowed_ns, throttle,
                    report->values[GPU_THROTTLE_REASONS], report, report->slowed);
}

/* --- rows --- */

void gpu_rows_init(struct gpu_rows *rows, const struct collect_context *context)
{
    *rows = (struct gpu_rows){ .context = context };
    rows->gpus = (struct entity_set){ .kind = ENTITY_GPU, .most = GPU_MOST };
}

void gpu_rows_release(struct gpu_rows *rows)
{
    entity_set_release(&rows->gpus);
    gpu_pairs_release(&rows->pairs);
}

void gpu_rows_begin(struct gpu_rows *rows)
{
    entity_set_begin(&rows->gpus);
    gpu_pairs_begin(&rows->pairs);
}

void gpu_rows_end(struct gpu_rows *rows, struct tick *tick)
{
    entity_set_end(&rows->gpus, tick);
    tick_sampled(tick, TABLE_GPU);
    gpu_pairs_end(&rows->pairs, tick);
    tick_sampled(tick, TABLE_GPU_PROCESS);
}

enum status gpu_rows_add_gpu(struct gpu_rows *rows, struct tick *tick,
                             const struct gpu_report *report, uint32_t *slot)
{
    struct entity_seen seen =
        entity_set_see(&rows->gpus, tick, report->key, report->label, ENTITY_NO_SLOT);
    int64_t *values;
    uint8_t *missing;

    *slot = seen.slot;
    if (seen.slot == ENTITY_NO_SLOT)
        return STATUS_OK;
    if (seen.fresh)
        rows->told[seen.slot] = (struct gpu_told){ .lost_ns = 0 };
    if (tick_row_values(tick, TABLE_GPU, seen.slot, seen.flags, &values, &missing) == NULL)
        return STATUS_NO_MEMORY;
    memcpy(values, report->values, sizeof report->values);
    memcpy(missing, report->missing, sizeof report->missing);
    tell_changes(&rows->told[seen.slot], tick, report);
    return STATUS_OK;
}

/* The slot of the process; SLOT of nobody: it is gone, or of a pid namespace that is not ours. */
static bool find_process(const struct gpu_rows *rows, const struct gpu_use *use, uint32_t *slot)
{
    const struct process_directory *processes = rows->context->processes;
    struct process_glance glance;

    if (processes == NULL || processes->find == NULL ||
        !processes->find(processes->self, use->pid, &glance) ||
        glance.start_ticks != use->start_ticks)
        return false;
    *slot = glance.slot;
    return true;
}

enum status gpu_rows_add_use(struct gpu_rows *rows, struct tick *tick, const struct gpu_use *use,
                             uint32_t gpu_slot, bool fresh)
{
    uint32_t process, slot;
    struct tick_row *row;
    int64_t *values;
    uint8_t *missing;
    bool first;

    if (!find_process(rows, use, &process))
        return STATUS_OK;
    slot = gpu_pairs_see(&rows->pairs, tick, gpu_slot, process, use->start_ticks, &first);
    if (slot == GPU_PAIR_NONE)
        return STATUS_OK;
    row = tick_row_values(tick, TABLE_GPU_PROCESS, slot, first ? ROW_FIRST : 0, &values, &missing);
    if (row == NULL)
        return STATUS_NO_MEMORY;
    if (first && fresh && use->born_ns != 0 && use->born_ns < tick->start_ns) {
        row->flags |= ROW_BORN;
        row->start_ns = use->born_ns;
    }
    tick_row_keys(tick, TABLE_GPU_PROCESS, gpu_slot, process);
    for (size_t i = 0; i < GPU_PROCESS_METRIC_COUNT; i++) {
        bool stale = use->missing[i] == MISSING_NONE && !fresh;

        values[i] = stale ? 0 : use->values[i];
        missing[i] = stale ? MISSING_NOT_SAMPLED : use->missing[i];
    }
    return STATUS_OK;
}
