/* One series of one block, sample by sample. The definitions are those of schema/rollup.h. */
#include "analyzer/rate.h"

#include "schema/rollup.h"

void rate_begin(struct rate_walk *walk, const struct block_table *table,
                const struct block_column *column, size_t series)
{
    const struct series *s = &table->series[series];
    size_t row = table->row[series];

    *walk = (struct rate_walk){ .table = table,
                                .series = s,
                                .value = column->value + row,
                                .missing = column->missing == NULL ? NULL : column->missing + row,
                                .before = column->base[series],
                                .before_ns = column->base_ns[series] };
    if ((s->flags & SERIES_FIRST) == 0) {
        walk->known = walk->before_ns != INT64_MIN;
        return;
    }
    if ((s->flags & SERIES_BORN) != 0) {
        int64_t tick_ns = s->first > 0 ? table->tick_ns[s->first - 1]
                                       : table->column_previous_ns[0];

        walk->known = true;
        walk->before = 0;
        walk->before_ns = s->start_ns > tick_ns ? s->start_ns : tick_ns;
    }
}

static int64_t covered(const struct rate_walk *walk, uint32_t k, int64_t at_ns)
{
    const struct series *s = walk->series;
    bool death = (s->flags & SERIES_ENDED) != 0 && k == s->count - 1;
    bool birth = (s->flags & SERIES_BORN) != 0 && k == 0;
    int64_t end_ns = death && s->end_ns < at_ns ? s->end_ns : at_ns;
    int64_t dt_ns = end_ns - walk->before_ns;

    return (death || birth) && dt_ns < INTERVAL_MIN_NS ? INTERVAL_MIN_NS : dt_ns;
}

bool rate_next(struct rate_walk *walk, struct interval *interval)
{
    const struct block_table *table = walk->table;
    uint32_t k;

    for (;; walk->sample++) {
        if (walk->sample == walk->series->count)
            return false;
        walk->gap |= table->gap[walk->series->first + walk->sample] != 0;
        if (walk->missing == NULL || walk->missing[walk->sample] == MISSING_NONE)
            break;
    }
    k = walk->sample++;
    *interval = (struct interval){ .sample = k,
                                   .at_ns = table->tick_ns[walk->series->first + k],
                                   .value = walk->value[k],
                                   .known = walk->known,
                                   .gap = walk->gap };
    if (walk->known) {
        interval->reset = interval->value < walk->before;
        if (!interval->reset)
            interval->increase = (int64_t)((uint64_t)interval->value - (uint64_t)walk->before);
        if (!walk->gap)
            interval->dt_ns = covered(walk, k, interval->at_ns);
    }
    walk->known = true;
    walk->gap = false;
    walk->before = interval->value;
    walk->before_ns = interval->at_ns;
    return true;
}
