/*
 * One row per GPU: what it used; below it what of that was its processes', idle, and nobody's. Last what all
 * GPUs used.
 */
#include <stdio.h>
#include <string.h>

#include "analyzer/report.h"

/* Append only. */
enum {
    GPU_NAME,
    GPU_KEY,
    GPU_COVERED,
    GPU_MEAN,
    GPU_P95,
    GPU_MAX,
    GPU_JOULES,
    GPU_IDLE,
    GPU_METHOD,
    GPU_ROW,
    GPU_COLUMN_COUNT
};

const struct output_column report_gpu_columns[] = {
    [GPU_NAME] = { "gpu", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [GPU_KEY] = { "gpu_key", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [GPU_COVERED] = { "covered_seconds", OUTPUT_DECIMAL, HUMAN_SECONDS, -9 },
    [GPU_MEAN] = { "gpu_power_watts_mean", OUTPUT_REAL, HUMAN_WATTS, 0 },
    [GPU_P95] = { "gpu_power_watts_p95", OUTPUT_DECIMAL, HUMAN_WATTS, -6 },
    [GPU_MAX] = { "gpu_power_watts_max", OUTPUT_DECIMAL, HUMAN_WATTS, -6 },
    [GPU_JOULES] = { "gpu_energy_joules", OUTPUT_DECIMAL, HUMAN_JOULES, -6 },
    [GPU_IDLE] = { "idle_power_watts", OUTPUT_DECIMAL, HUMAN_WATTS, -6 },
    [GPU_METHOD] = { "energy_method", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [GPU_ROW] = { "row", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
};
const size_t report_gpu_column_count = GPU_COLUMN_COUNT;

/* Over the default table; NULL: not in it. */
const char *const report_gpu_titles[] = {
    [GPU_NAME] = "GPU",      [GPU_KEY] = NULL,  [GPU_COVERED] = "COVERED", [GPU_MEAN] = "POWER",
    [GPU_P95] = "P95",       [GPU_MAX] = "MAX", [GPU_JOULES] = "ENERGY",   [GPU_IDLE] = "IDLE AT",
    [GPU_METHOD] = "METHOD", [GPU_ROW] = "ROW",
};

enum status report_gpu_find(const char *name, size_t *column, struct error *err)
{
    char known[400] = "";
    size_t used = 0;

    for (size_t i = 0; i < GPU_COLUMN_COUNT; i++)
        if (strcmp(report_gpu_columns[i].name, name) == 0) {
            *column = i;
            return STATUS_OK;
        }
    for (size_t i = 0; i < GPU_COLUMN_COUNT; i++)
        used +=
            (size_t)snprintf(known + used, sizeof known - used, " %s", report_gpu_columns[i].name);
    return error_set(err, STATUS_INVALID, "no column %.40s of GPUs; there are%s", name, known);
}

static struct output_cell text(const char *text)
{
    return (struct output_cell){ .text = text, .text_size = strlen(text) };
}

/* A row of a device, or of a part of its energy. */
struct line {
    const char *name, *key, *method, *row;
    int64_t uj, covered_ns; /* 0: not the same for all */
    bool known;
    struct rail *rail; /* NULL: no distribution of its own */
};

/* What is known of a line, but for its texts. */
static void fill(struct output_cell all[], const struct line *line)
{
    bool timed = line->covered_ns > 0;

    for (size_t i = 0; i < GPU_COLUMN_COUNT; i++)
        all[i] = (struct output_cell){ .missing = true };
    if (line->known)
        all[GPU_JOULES] = (struct output_cell){ .integer = line->uj };
    if (timed) {
        all[GPU_COVERED] = (struct output_cell){ .integer = line->covered_ns };
        all[GPU_MEAN] =
            (struct output_cell){ .real = (double)line->uj * 1000 / (double)line->covered_ns };
    }
    if (timed && line->rail != NULL) {
        all[GPU_P95] = (struct output_cell){ .integer = distribution_p95(&line->rail->watts) };
        all[GPU_MAX] = (struct output_cell){ .integer = line->rail->max_uw };
        all[GPU_IDLE] = (struct output_cell){ .integer = line->rail->idle_uw };
    }
}

static struct line device_line(struct rail *rail)
{
    return (struct line){ .row = "gpu",
                          .uj = rail->uj,
                          .covered_ns = rail->covered_ns,
                          .known = rail->count > 0,
                          .rail = rail };
}

struct output_cell report_gpu_cell(struct rail *rail, size_t column)
{
    struct output_cell all[GPU_COLUMN_COUNT];
    struct line line = device_line(rail);

    fill(all, &line);
    return all[column];
}

static void put(const struct report *r, struct output *out, const struct line *line)
{
    struct output_cell all[GPU_COLUMN_COUNT], cells[REPORT_COLUMNS_MAX];

    fill(all, line);
    all[GPU_NAME] = text(line->name);
    if (line->key != NULL)
        all[GPU_KEY] = text(line->key);
    all[GPU_METHOD] = text(line->method);
    all[GPU_ROW] = text(line->row);
    for (size_t i = 0; i < r->column_count; i++)
        cells[i] = all[r->gpu_column[i]];
    output_row(out, cells, line->rail != NULL ? OUTPUT_NORMAL : OUTPUT_DIM);
}

static void device_rows(const struct report *r, const struct subject *subject, struct output *out,
                        struct rail *rail)
{
    const struct recording_entity *e = recording_entity(subject->recording, rail->entity_id);
    const char *method = rail->level_count == 0         ? "none recorded"
                         : rail->method == RAIL_COUNTER ? "counter"
                                                        : "power";
    struct line line = device_line(rail);

    line.name = e == NULL ? "" : e->label;
    line.key = e == NULL ? NULL : e->key;
    line.method = method;
    put(r, out, &line);
    if (!r->remainder)
        return;
    line.rail = NULL;
    line.row = "processes";
    line.method = "by gpu time";
    line.uj = rail->processes_uj;
    put(r, out, &line);
    line.row = "not_attributed";
    line.method = "active without a process, and below the idle floor";
    line.uj = rail->unattributed_uj;
    put(r, out, &line);
    line.row = "idle";
    line.method = r->gpu.rails.given ? "--idle-watts" : "lowest 1 % of power";
    line.uj = rail->idle_uj;
    put(r, out, &line);
}

void report_gpu_rows(const struct report *r, const struct subject *subject, struct output *out)
{
    const struct rails *rails = &r->gpu.rails;
    struct line total = { .name = "[total]", .method = "all GPUs", .row = "total" };
    bool same = true;

    for (size_t i = 0; i < rails->count; i++) {
        device_rows(r, subject, out, &rails->rail[i]);
        total.uj = wrap_add(total.uj, rails->rail[i].uj);
        total.known |= rails->rail[i].count > 0;
        same &= rails->rail[i].covered_ns == rails->rail[0].covered_ns;
    }
    if (same && rails->count > 0)
        total.covered_ns = rails->rail[0].covered_ns;
    if (r->remainder && rails->count > 0)
        put(r, out, &total);
}
