/* The printed lines, added up again, against the totals that the report has. */
#include <stdio.h>

#include "analyzer/cell_private.h"

static void add_peak(struct cell_working *e, const struct cell_line *line)
{
    /* A rate takes time. */
    if (e->column->fact == FACT_PERCENT_MAX && line->item.dt_ns == 0)
        return;
    if (!e->sums.any || line->peak > e->sums.peak)
        e->sums.peak = line->peak;
    e->sums.any = true;
}

/* The smallest value with 95 % of the time at or below; lines are in the order of values. */
static void add_rank(struct cell_working *e)
{
    int128 all_ns = 0, below_ns = 0;

    for (size_t i = 0; i < e->count; i++)
        all_ns += e->line[i].item.dt_ns;
    for (size_t i = 0; i < e->count; i++) {
        below_ns += e->line[i].item.dt_ns;
        if (below_ns * 20 >= all_ns * 19) {
            e->sums.p95 = e->line[i].peak;
            return;
        }
    }
}

void cell_add_up(struct cell_working *e)
{
    struct cell_sums *s = &e->sums;

    *s = (struct cell_sums){ .increase = 0 };
    for (size_t i = 0; i < e->count; i++) {
        const struct cell_line *line = &e->line[i];

        s->increase += line->item.increase;
        s->in_gaps += line->in_gaps;
        s->covered_ns += line->item.covered_ns;
        s->weight_ns += line->item.dt_ns;
        s->uj += line->item.uj;
        if (line->item.what == TRACE_WORK)
            s->work = cell_add(s->work, line->item.sum);
        else
            s->sum = cell_add(s->sum, line->item.sum);
        add_peak(e, line);
    }
    if (e->view == VIEW_RANK)
        add_rank(e);
}

enum status cell_compare(const char *what, int128 lines, int128 report, struct error *err)
{
    char one[64], two[64];

    if (lines == report)
        return STATUS_OK;
    *cell_put_wide(one, lines, 0) = '\0';
    *cell_put_wide(two, report, 0) = '\0';
    return error_set(err, STATUS_UNSUPPORTED,
                     "THE LINES DO NOT ADD UP: %s is %s by the lines and %s in the report; this is "
                     "a fault of procscope",
                     what, one, two);
}

static enum status check_measured(const struct cell_working *e, const struct aggregate *a,
                                  uint32_t group, struct error *err)
{
    const struct total *t = aggregate_total(a, group, (enum measure)e->column->which);
    int64_t increase = t->increase;

    switch (e->column->fact) {
    case FACT_SWITCHES:
        increase =
            wrap_add(increase, aggregate_total(a, group, MEASURE_SWITCHES_INVOLUNTARY)->increase);
        return cell_compare("the increase", e->sums.increase, increase, err);
    case FACT_INCREASE:
        return cell_compare("the increase", e->sums.increase, increase, err);
    case FACT_IN_GAPS:
        return cell_compare("the increase across gaps", e->sums.in_gaps, t->in_gaps, err);
    case FACT_COVERED:
        return cell_compare("covered time", e->sums.covered_ns, t->covered_ns, err);
    case FACT_PERCENT_MEAN:
        if (cell_compare("the increase", e->sums.increase, increase, err) != STATUS_OK)
            return err->status;
        return cell_compare("covered time", e->sums.covered_ns, t->covered_ns, err);
    case FACT_PERCENT_P95:
        return cell_compare("the percentile", e->sums.p95,
                            distribution_p95(&a->groups.group[group].rates), err);
    case FACT_MEAN:
        if (cell_compare("the sum of value x time", e->sums.sum, t->sum, err) != STATUS_OK)
            return err->status;
        return cell_compare("the time", e->sums.weight_ns, t->weight_ns, err);
    default:
        return cell_compare("the largest", e->sums.peak, t->max, err);
    }
}

static enum status check_energy(const struct cell_working *e, struct energy_total *t,
                                struct error *err)
{
    switch (e->column->fact) {
    case FACT_GPU_JOULES:
    case FACT_CPU_JOULES:
        return cell_compare("energy", e->sums.uj, t->uj, err);
    case FACT_GPU_WATTS_MEAN:
    case FACT_CPU_WATTS_MEAN:
        if (cell_compare("energy", e->sums.uj, t->uj, err) != STATUS_OK)
            return err->status;
        return cell_compare("covered time", e->sums.covered_ns, t->covered_ns, err);
    case FACT_GPU_WATTS_P95:
        return cell_compare("the percentile", e->sums.p95, distribution_p95(&t->watts), err);
    case FACT_GPU_WATTS_MAX:
        return cell_compare("the largest", e->sums.peak, t->max_uw, err);
    case FACT_GPU_MEMORY_MAX:
        return cell_compare("the largest", e->sums.peak, t->memory_max, err);
    case FACT_GPU_PERCENT_MEAN:
        if (cell_compare("covered time", e->sums.covered_ns, t->gpu_covered_ns, err) != STATUS_OK)
            return err->status;
        return cell_compare("GPU time", e->sums.work, t->gpu_ppmns, err);
    default:
        return cell_compare("GPU time", e->sums.work, t->gpu_ppmns, err);
    }
}

enum status cell_check(const struct cell_working *e, const struct aggregate *a, uint32_t group,
                       struct error *err)
{
    bool cpu = e->column->fact == FACT_CPU_JOULES || e->column->fact == FACT_CPU_WATTS_MEAN;
    const struct attribution *of = cpu ? a->package : a->gpu;
    struct energy_total *t;
    char digits[16];

    /* Where there is no figure, lines cannot differ from it. */
    if (report_column_cell(e->column, a, group, digits).missing)
        return STATUS_OK;
    if (report_column_measured(e->column))
        return check_measured(e, a, group, err);
    t = of == NULL ? NULL : attribution_total(of, group);
    return t == NULL ? STATUS_OK : check_energy(e, t, err);
}
