/* Parts of a metric: columns and cells, all exact. */
#include "analyzer/export_part.h"

enum { PARTS_MAX = 5 };

char *export_put_int128(char *out, int128 value)
{
    uint128 rest = value < 0 ? -(uint128)value : (uint128)value;
    char reversed[EXPORT_DIGITS];
    size_t count = 0;

    do {
        reversed[count++] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        *out++ = '-';
    while (count > 0)
        *out++ = reversed[--count];
    return out;
}

enum status export_part_columns(struct export_layout *layout, size_t metric,
                                enum export_total total, struct error *err)
{
    const struct recording_metric *m = layout->metric[metric].metric;
    bool counter = m->kind == METRIC_COUNTER;
    const char *first = counter && total == EXPORT_INCREASE ? ".increase" : ".last";

    if (export_layout_metric(layout, metric, first, err) != STATUS_OK ||
        export_layout_add(layout, m->name, ".covered_ns", OUTPUT_INTEGER, HUMAN_PLAIN, 0, err) !=
            STATUS_OK)
        return err->status;
    if (counter) {
        if (export_layout_metric(layout, metric, ".rate_max", err) != STATUS_OK)
            return err->status;
        return export_layout_add(layout, m->name, ".rate_max_at_ns", OUTPUT_INTEGER, HUMAN_PLAIN, 0,
                                 err);
    }
    if (m->kind == METRIC_STATE)
        return STATUS_OK;
    if (export_layout_metric(layout, metric, ".min", err) != STATUS_OK ||
        export_layout_metric(layout, metric, ".max", err) != STATUS_OK)
        return err->status;
    return export_layout_add(layout, m->name, ".sum", OUTPUT_TEXT, HUMAN_PLAIN, 0, err);
}

struct output_cell *export_part_cells(const struct export_metric *metric,
                                      const struct rollup_cell *part, enum export_total total,
                                      char (*digits)[EXPORT_DIGITS], struct output_cell *cell)
{
    enum metric_kind kind = metric->metric->kind;
    unsigned count = kind == METRIC_COUNTER ? 4 : kind == METRIC_GAUGE ? PARTS_MAX : 2;
    int128 sum;

    if (!part->present) {
        for (unsigned i = 0; i < count; i++)
            cell[i] = (struct output_cell){ .missing = true };
        return cell + count;
    }
    export_value(metric,
                 kind == METRIC_COUNTER && total == EXPORT_INCREASE ? part->increase : part->last,
                 digits[0], &cell[0]);
    cell[1] = (struct output_cell){ .integer = part->covered_ns };
    if (kind == METRIC_COUNTER) {
        export_value(metric, part->rate_max, digits[2], &cell[2]);
        cell[3] = (struct output_cell){ .integer = part->rate_max_at_ns };
    } else if (kind == METRIC_GAUGE) {
        export_value(metric, part->min, digits[2], &cell[2]);
        export_value(metric, part->max, digits[3], &cell[3]);
        cell[4] = (struct output_cell){ .text = digits[4] };
        cell[4].missing = __builtin_mul_overflow(part->sum, (int128)metric->metric->scale, &sum);
        if (!cell[4].missing)
            cell[4].text_size = (size_t)(export_put_int128(digits[4], sum) - digits[4]);
    }
    return cell + count;
}
