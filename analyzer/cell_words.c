/* What columns mean, and numbers as a person would write them down. */
#include <stdio.h>
#include <string.h>

#include "analyzer/cell_private.h"

#define TILES "A sample stands for the time since the value before it; none is taken across a gap."

static const char *formula_of_increase(const struct report_column *column, enum group_by by)
{
    if (column->fact == FACT_SWITCHES)
        return "Both kernel counters' increases from sample to sample in the window, added up; "
               "what "
               "passed in a gap, and a counter's fall, count as nothing.";
    if (by != BY_PROCESS)
        return "The members' counters' increases from sample to sample in the window, while they "
               "had that name, added up; what passed in a gap, and a counter's fall, count as "
               "nothing.";
    return "The kernel counter's increases from sample to sample in the window, added up; a "
           "process "
           "born in view begins at 0, and its last sample has its final count; what passed in a "
           "gap, and a counter's fall, count as nothing.";
}

static const char *formula_of_cpu(enum fact fact)
{
    switch (fact) {
    case FACT_COVERED:
        return "Seconds that the samples stand for, no moment twice. " TILES;
    case FACT_IN_GAPS:
        return "What the kernel's counter gained across gaps, where no rate can be told.";
    case FACT_PERCENT_MEAN:
        return "100 x CPU seconds / covered seconds; 100 is one core. " TILES;
    case FACT_PERCENT_P95:
        return "The smallest percentage that 95 % of the covered time was at or below. " TILES;
    default:
        return "The largest CPU seconds / seconds of an interval, x 100, rounded down to "
               "1/10^7. " TILES;
    }
}

static const char *formula_of_energy(enum fact fact)
{
    switch (fact) {
    case FACT_GPU_SECONDS:
        return "GPU time from reading to reading, all GPUs added up, rounded down to nanoseconds.";
    case FACT_GPU_PERCENT_MEAN:
        return "100 x GPU seconds / seconds of which they are known, no moment twice.";
    case FACT_GPU_MEMORY_MAX:
        return "The largest sum over GPUs and processes at a tick.";
    case FACT_GPU_WATTS_P95:
        return "The smallest power that 95 % of the time was at or below; a power is the energy of "
               "an interval between two readings / its seconds, rounded down to microwatts, of "
               "several GPUs added up where they overlap.";
    case FACT_GPU_WATTS_MAX:
        return "The largest energy of an interval between two readings / its seconds, rounded down "
               "to microwatts, of several GPUs added up where they overlap.";
    case FACT_GPU_WATTS_MEAN:
    case FACT_CPU_WATTS_MEAN:
        return "Joules / seconds of the intervals that they are of, no moment twice. Of each "
               "interval between two readings, joules = (rail - idle floor) x own time / time of "
               "all, in whole microjoules.";
    default:
        return "Of each interval between two readings of the rail: (rail - idle floor) x own time "
               "/ "
               "time of all, in whole microjoules: rounded down, and those with the largest "
               "remainders get one microjoule more until nothing is left over. Nothing is shared "
               "where the rail used less than idle.";
    }
}

const char *cell_formula(const struct report_column *column, enum group_by by)
{
    enum fact fact = column->fact;

    if (fact == FACT_INCREASE || fact == FACT_SWITCHES)
        return formula_of_increase(column, by);
    if (fact == FACT_MEAN)
        return "Sum of value x seconds / sum of seconds; of a group, of what its members come to "
               "at "
               "each tick. " TILES;
    if (fact == FACT_MAX)
        return "The largest value at a tick in the window; of a group, of what its members come "
               "to.";
    if (report_column_measured(column))
        return formula_of_cpu(fact);
    if (report_column_energy(column) && fact != FACT_ENERGY_METHOD)
        return formula_of_energy(fact);
    return NULL;
}

/* --- numbers --- */

char *cell_put_wide(char *out, int128 value, int exponent)
{
    char digits[64];
    size_t count = 0, point = (size_t)-exponent, first = 0;
    uint128 left = value < 0 ? -(uint128)value : (uint128)value;

    if (value < 0)
        *out++ = '-';
    for (; left != 0 || count <= point; left /= 10)
        digits[count++] = (char)('0' + (int)(left % 10));
    while (first < point && digits[first] == '0')
        first++;
    for (size_t i = count; i > first; i--) {
        if (i == point)
            *out++ = '.';
        *out++ = digits[i - 1];
    }
    return out;
}

void cell_put(char *out, const struct report_column *column, const struct output_cell *cell)
{
    char *end = out;

    if (cell->missing)
        *end++ = '-';
    else if (column->output.type == OUTPUT_REAL)
        end = decimal_put_real(out, cell->real);
    else
        end =
            decimal_put_scaled(out, cell->integer,
                               column->output.type == OUTPUT_DECIMAL ? column->output.exponent : 0);
    *end = '\0';
}

/* --- arithmetic --- */

struct words {
    char *text;
    size_t size, used;
};

static void put(struct words *w, const char *text)
{
    int size = snprintf(w->text + w->used, w->size - w->used, "%s", text);

    if (size > 0)
        w->used += (size_t)size < w->size - w->used ? (size_t)size : w->size - w->used - 1;
}

static void put_number(struct words *w, int128 value, int exponent, const char *unit)
{
    char number[64];

    *cell_put_wide(number, value, exponent) = '\0';
    put(w, number);
    put(w, unit);
}

static void put_measured(const struct cell_working *e, int64_t scale, struct words *w)
{
    const struct report_column *c = e->column;
    bool seconds = c->which <= MEASURE_RUN_DELAY;
    int exponent = seconds ? -9 : 0;
    const char *unit = seconds ? " s" : "";

    switch (c->fact) {
    case FACT_COVERED:
        put_number(w, e->sums.covered_ns, -9, " s in all lines");
        return;
    case FACT_IN_GAPS:
        put_number(w, cell_multiply(e->sums.in_gaps, scale), exponent, " s in all lines");
        return;
    case FACT_PERCENT_MEAN:
        put(w, "100 x ");
        put_number(w, cell_multiply(e->sums.increase, scale), exponent, " s / ");
        put_number(w, e->sums.covered_ns, -9, " s");
        return;
    case FACT_PERCENT_P95:
        put_number(w, e->sums.weight_ns, -9, " s in all lines, 95 % of them ");
        put_number(w, cell_multiply(e->sums.weight_ns, 95), -11, " s");
        return;
    case FACT_MEAN:
        put_number(w, cell_multiply(e->sums.sum, scale), -9, " value-seconds / ");
        put_number(w, e->sums.weight_ns, -9, " s");
        return;
    case FACT_PERCENT_MAX:
    case FACT_MAX:
        put(w, "the largest of all lines");
        return;
    default:
        put_number(w, cell_multiply(e->sums.increase, scale), exponent, unit);
        put(w, " in all lines");
    }
}

static void put_energy(const struct cell_working *e, struct words *w)
{
    switch (e->column->fact) {
    case FACT_GPU_JOULES:
    case FACT_CPU_JOULES:
        put_number(w, e->sums.uj, -6, " J in all lines");
        return;
    case FACT_GPU_WATTS_MEAN:
    case FACT_CPU_WATTS_MEAN:
        put_number(w, e->sums.uj, -6, " J / ");
        put_number(w, e->sums.covered_ns, -9, " s");
        return;
    case FACT_GPU_WATTS_P95:
        put_number(w, e->sums.weight_ns, -9, " s in all lines, 95 % of them ");
        put_number(w, cell_multiply(e->sums.weight_ns, 95), -11, " s");
        return;
    case FACT_GPU_PERCENT_MEAN:
        put(w, "100 x ");
        put_number(w, e->sums.work / 1000000, -9, " s / ");
        put_number(w, e->sums.covered_ns, -9, " s");
        return;
    case FACT_GPU_SECONDS:
        put_number(w, e->sums.work, -15, " s in all lines");
        return;
    default:
        put(w, "the largest of all lines");
    }
}

void cell_put_sum(const struct cell_working *e, const struct aggregate *a, char *text, size_t size)
{
    struct words w = { text, size, 0 };

    text[0] = '\0';
    if (report_column_measured(e->column))
        put_measured(e, a->scale[e->column->which], &w);
    else
        put_energy(e, &w);
}
