/* The figures of a GPU's own row: the intervals between two readings are the lines. */
#include <stdio.h>
#include <string.h>

#include "analyzer/cell_private.h"
#include "analyzer/energy.h"
#include "analyzer/escape.h"

enum cell_view cell_view_of_gpu(const struct report_column *column)
{
    return column->fact == FACT_GPU_WATTS_P95   ? VIEW_RANK
           : column->fact == FACT_GPU_WATTS_MAX ? VIEW_POWER
                                                : VIEW_RAIL;
}

const char *cell_gpu_formula(const struct report_column *column)
{
    switch (column->fact) {
    case FACT_COVERED:
        return "Seconds of the intervals between two readings that end in the window; none crosses "
               "a "
               "gap, a counter's fall or, of power, sleep.";
    case FACT_GPU_JOULES:
        return "What the counter gained from reading to reading; of power the mean of both "
               "readings x "
               "seconds, to the nearest microjoule; added up.";
    case FACT_GPU_WATTS_MEAN:
        return "Joules / seconds of the intervals between two readings.";
    case FACT_GPU_WATTS_P95:
        return "The smallest power that 95 % of the time was at or below; a power is the energy of "
               "an "
               "interval between two readings / its seconds, rounded down to microwatts.";
    case FACT_GPU_WATTS_MAX:
        return "The largest energy of an interval between two readings / its seconds, rounded down "
               "to "
               "microwatts.";
    default:
        return NULL;
    }
}

/* The intervals that the rail's sums are of. */
enum status cell_take_rail(struct cell_working *e, const struct rail *rail, struct error *err)
{
    for (size_t i = 0; i < rail->count; i++) {
        const struct rail_interval *in = &rail->interval[i];
        int64_t dt_ns = in->to_ns - in->from_ns, power_uw = energy_power_uw(in->uj, dt_ns);
        struct trace_item item = { .what = TRACE_RAIL,
                                   .from_ns = in->from_ns,
                                   .to_ns = in->to_ns,
                                   .count = 1,
                                   .before = in->before,
                                   .value = in->reading,
                                   .dt_ns = dt_ns,
                                   .covered_ns = dt_ns,
                                   .rate = e->view == VIEW_RANK && power_uw < 0 ? 0 : power_uw,
                                   .rail = rail,
                                   .rail_uj = in->uj,
                                   .uj = in->uj,
                                   .counter = rail->method == RAIL_COUNTER };

        if (e->trace.take(&e->trace, &item, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

enum status cell_check_gpu(const struct cell_working *e, struct rail *rail, struct error *err)
{
    if (rail->count == 0)
        return STATUS_OK;
    if (cell_compare("energy", e->sums.uj, rail->uj, err) != STATUS_OK ||
        cell_compare("covered time", e->sums.covered_ns, rail->covered_ns, err) != STATUS_OK)
        return err->status;
    if (e->column->fact == FACT_GPU_WATTS_P95)
        return cell_compare("the percentile", e->sums.p95, distribution_p95(&rail->watts), err);
    if (e->column->fact == FACT_GPU_WATTS_MAX)
        return cell_compare("the largest", e->sums.peak, rail->max_uw, err);
    return STATUS_OK;
}

/* --- the row --- */

static bool is_called(const struct cell *cell, const char *text)
{
    return strlen(text) == cell->row_size && memcmp(text, cell->row, cell->row_size) == 0;
}

enum status cell_find_gpu(const struct cell *cell, const struct report *report,
                          const struct subject *subject, struct rail **rail, struct error *err)
{
    const struct rails *rails = &report->gpu.rails;
    char shown[200], row[100];

    for (size_t i = 0; i < rails->count; i++) {
        const struct recording_entity *e =
            recording_entity(subject->recording, rails->rail[i].entity_id);
        char place[40];

        (void)snprintf(place, sizeof place, "row=%zu", i + 1);
        *rail = &rails->rail[i];
        if (is_called(cell, place) ||
            (e != NULL && (is_called(cell, e->label) || is_called(cell, e->key))))
            return STATUS_OK;
    }
    (void)snprintf(row, sizeof row, "%.*s", (int)(cell->row_size < 90 ? cell->row_size : 90),
                   cell->row);
    return error_set(
        err, STATUS_INVALID,
        "--explain-cell: no GPU %s; a row is a GPU's name or key, or row=N, the N-th of "
        "%zu GPUs; the rows below each are not explained",
        escape_show(shown, sizeof shown, row), rails->count);
}
