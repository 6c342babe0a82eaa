/* Bounds are a byte each: (4 + m) × 2^e / 4, as 1 + 4e + m; 0: nothing above 0. */
#include "schema/block_sums.h"

enum { STEPS = 4 }; /* from one power of two to the next */

static int64_t bound_of(uint8_t code)
{
    unsigned step = code == 0 ? 0 : code - 1U;
    uint128 quarters = (uint128)(STEPS + step % STEPS) << step / STEPS;

    if (code == 0)
        return 0;
    return quarters / STEPS > INT64_MAX ? INT64_MAX : (int64_t)(quarters / STEPS);
}

static uint8_t code_of(int64_t value)
{
    uint8_t code = 0;

    while (bound_of(code) < value)
        code++;
    return code;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

void block_sums_add_life(struct block_sums *sums, const struct build_shape *shape,
                         const struct rollup_cell cells[])
{
    const struct rollup_cell *cpu = &cells[PROCESS_CPU_NS_TOTAL];

    for (unsigned m = 0; m < shape->metric_count; m++)
        if (cells[m].present)
            sums->bound[m] =
                larger(sums->bound[m], shape->column[shape->first_column[m]].kind == METRIC_COUNTER
                                           ? cells[m].increase
                                           : cells[m].max);
    if (!cpu->present)
        return;
    sums->cpu_increase = wrap_add(sums->cpu_increase, cpu->increase);
    sums->cpu_rate_bound = larger(sums->cpu_rate_bound, cpu->rate_max);
}

void block_sums_put(const struct block_sums *sums, unsigned metric_count, struct byte_writer *w)
{
    uint64_t falls = 0;

    for (unsigned m = 0; m < metric_count; m++)
        falls += sums->falls[m] != 0;
    bytes_put_varint(w, falls);
    for (unsigned m = 0; m < metric_count; m++)
        if (sums->falls[m] != 0) {
            bytes_put_varint(w, m);
            bytes_put_varint(w, (uint64_t)sums->falls[m]);
        }
    while (metric_count > 0 && sums->bound[metric_count - 1] <= 0)
        metric_count--;
    bytes_put_zigzag(w, sums->cpu_increase);
    bytes_put_u8(w, code_of(sums->cpu_rate_bound));
    bytes_put_varint(w, metric_count);
    for (unsigned m = 0; m < metric_count; m++)
        bytes_put_u8(w, code_of(sums->bound[m]));
}

bool block_sums_take(struct block_sums *sums, struct byte_reader *r)
{
    uint64_t metric, count;

    *sums = (struct block_sums){ 0 };
    for (uint64_t left = bytes_get_varint(r); left > 0 && !r->overrun; left--) {
        metric = bytes_get_varint(r);
        if (metric >= TABLE_METRICS_MAX)
            return false;
        sums->falls[metric] = (int64_t)bytes_get_varint(r);
    }
    sums->cpu_increase = bytes_get_zigzag(r);
    sums->cpu_rate_bound = bound_of(bytes_get_u8(r));
    count = bytes_get_varint(r);
    if (count > TABLE_METRICS_MAX)
        return false;
    for (uint64_t m = 0; m < count; m++)
        sums->bound[m] = bound_of(bytes_get_u8(r));
    return !r->overrun;
}
