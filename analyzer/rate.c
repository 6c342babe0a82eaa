/* One series of one block, run by run. The definitions are those of schema/rollup.h. */
#include "analyzer/rate.h"

#include <stdlib.h>
#include <string.h>

/* --- the block --- */

static enum status sum_ticks(struct rate_block *b, struct error *err)
{
    const struct block_table *d = &b->directory;

    if (d->tick_count > b->steady_size) {
        free(b->steady_ns);
        b->steady_ns = malloc(d->tick_count * sizeof *b->steady_ns);
        b->steady_size = b->steady_ns == NULL ? 0 : d->tick_count;
    }
    if (b->steady_ns == NULL)
        return error_set(err, STATUS_NO_MEMORY, "ticks of %s", b->table->name);
    b->steady_ns[0] = 0;
    for (uint32_t i = 1; i < d->tick_count; i++)
        b->steady_ns[i] =
            b->steady_ns[i - 1] + (d->gap[i] != 0 ? 0 : d->tick_ns[i] - d->tick_ns[i - 1]);
    return STATUS_OK;
}

static int64_t last_gap(const struct block_ticks *ticks)
{
    for (uint32_t i = ticks->count; i > 0; i--)
        if (ticks->gap[i - 1] != 0)
            return ticks->start_ns[i - 1];
    return NO_TIME;
}

/* Blocks come in order: what was known before the last one, and its own gaps, still hold. */
static void advance_gaps(struct rate_gaps *gaps, const struct recording_block *block,
                         const struct block_ticks *ticks, int64_t gap_of_previous_ns)
{
    bool follows =
        gaps->block != NULL && gaps->block + 1 == block && gaps->block->session == block->session;

    if (!follows) {
        gaps->since_ns = ticks->start_ns[0];
        gaps->last_ns = NO_TIME;
    } else if (gap_of_previous_ns != NO_TIME) {
        gaps->last_ns = gap_of_previous_ns;
    }
    gaps->block = block;
}

enum status rate_block_open(struct rate_block *b, const struct recording_block *block,
                            const struct block_ticks *ticks, const struct window *window,
                            struct error *err)
{
    const struct block_table *d = &b->directory;
    enum status st;

    advance_gaps(&b->gaps, block, ticks, b->block_gap_ns);
    b->block_gap_ns = last_gap(ticks);
    b->block = block;
    block_table_release(&b->directory);
    st = recording_directory(b->recording, block, b->table, ticks, &b->directory, err);
    if (st != STATUS_OK)
        return st;
    b->first = 0;
    b->end = d->tick_count;
    while (b->first < b->end && d->tick_ns[b->first] <= window->from_ns)
        b->first++;
    while (b->end > b->first && d->tick_ns[b->end - 1] > window->to_ns)
        b->end--;
    return b->first == b->end ? STATUS_ABSENT : sum_ticks(b, err);
}

void rate_block_release(struct rate_block *b)
{
    block_table_release(&b->directory);
    block_column_release(&b->column);
    free(b->steady_ns);
    *b = (struct rate_block){ 0 };
}

/* Look back for the latest gap until `oldest_ns`; one that is found hides all earlier ones. */
static enum status find_gap(struct rate_block *b, int64_t oldest_ns, struct error *err)
{
    const struct recording_block *all = recording_contents(b->recording)->blocks[0];
    const struct recording_block *block = b->block;

    while (b->gaps.last_ns == NO_TIME && oldest_ns < b->gaps.since_ns && block > all &&
           block[-1].session == b->block->session) {
        struct block_ticks ticks;

        block--;
        if (block->start_ns >= b->gaps.since_ns)
            continue;
        if (recording_ticks(b->recording, block, &ticks, err) != STATUS_OK)
            return err->status;
        b->gaps.last_ns = last_gap(&ticks);
        b->gaps.since_ns = block->start_ns;
        block_ticks_release(&ticks);
    }
    return STATUS_OK;
}

enum status rate_block_column(struct rate_block *b, size_t position, struct error *err)
{
    int64_t oldest_ns = b->block->previous_ns;

    if (recording_column(b->recording, &b->directory, b->directory.shape->first_column[position],
                         series_all, &b->column, err) != STATUS_OK)
        return err->status;
    for (size_t i = 0; i < b->directory.series_count; i++)
        if (b->column.base_ns[i] != INT64_MIN && b->column.base_ns[i] < oldest_ns)
            oldest_ns = b->column.base_ns[i];
    return oldest_ns < b->block->previous_ns ? find_gap(b, oldest_ns, err) : STATUS_OK;
}

/* --- one series --- */

/*
 * Does the series begin with the session's first samples of the table? Only then do values of an
 * earlier session go before it: of one that was away for a while the increase is not known.
 */
static bool begins_session(const struct rate_block *b, const struct series *s)
{
    const struct block_table *d = &b->directory;

    for (size_t m = 0; m < d->shape->metric_count; m++)
        if (d->column_previous_ns[m] != INT64_MIN)
            return false;
    return s->first == 0;
}

/* What is known before the first sample of the block. */
static void start(struct rate_walk *walk, size_t index)
{
    const struct rate_block *b = walk->b;
    const struct block_table *d = &b->directory;
    const struct series *s = walk->series;

    walk->before = b->column.base[index];
    walk->before_ns = b->column.base_ns[index];
    if ((s->flags & SERIES_BORN) != 0) {
        int64_t tick_ns = s->first > 0 ? d->tick_ns[s->first - 1] : d->column_previous_ns[0];

        walk->known = true;
        walk->before = 0;
        walk->before_ns = s->start_ns > tick_ns ? s->start_ns : tick_ns;
        walk->gap = s->first == 0 && d->tick[0] == 0 && b->block->previous_ns == NO_TIME;
        return;
    }
    walk->known = (s->flags & SERIES_FIRST) == 0 && walk->before_ns != INT64_MIN;
    walk->gap = walk->known && walk->before_ns < b->gaps.last_ns;
    if (!walk->known && b->carry != NULL && begins_session(b, s))
        walk->known = walk->gap = carry_find(b->carry, s->key, &walk->before);
}

/* Go over the samples before the first wanted one, newest first, to the last present value. */
static void pass(struct rate_walk *walk)
{
    const struct rate_block *b = walk->b;
    bool gap = false;

    for (uint32_t k = walk->sample; k > 0; k--) {
        uint32_t tick = walk->series->first + k - 1;

        if (walk->missing == NULL || walk->missing[k - 1] == MISSING_NONE) {
            walk->known = true;
            walk->gap = gap;
            walk->before = walk->value[k - 1];
            walk->before_ns = b->directory.tick_ns[tick];
            return;
        }
        gap |= b->directory.gap[tick] != 0;
    }
    walk->gap |= gap;
}

static bool any_missing(const uint8_t *missing, uint32_t from, uint32_t end)
{
    for (uint32_t k = from; k < end; k++)
        if (missing[k] != MISSING_NONE)
            return true;
    return false;
}

void rate_begin(struct rate_walk *walk, const struct rate_block *b, size_t index, uint32_t first,
                uint32_t end)
{
    const struct block_table *d = &b->directory;
    const struct series *s = &d->series[index];

    *walk = (struct rate_walk){ .b = b, .series = s, .value = b->column.value + d->row[index] };
    walk->sample = first > s->first ? first - s->first : 0;
    walk->end = end - s->first < s->count ? end - s->first : s->count;
    if (end <= s->first || walk->sample >= walk->end) {
        walk->sample = walk->end = 0;
        return;
    }
    if (b->column.missing != NULL)
        walk->missing = b->column.missing + d->row[index];
    if (walk->missing != NULL &&
        !any_missing(walk->missing, walk->sample == 0 ? 0 : walk->sample - 1, walk->end))
        walk->missing = NULL;
    walk->change = d->active + d->active_at[index];
    walk->change_end = d->active + d->active_at[index + 1];
    start(walk, index);
    pass(walk);
}

/* Where the samples that equal their predecessor end; the sample at hand if it may not. */
static uint32_t quiet_end(struct rate_walk *walk)
{
    uint32_t end = walk->end;

    if (walk->missing != NULL || walk->sample == 0)
        return walk->sample;
    if ((walk->series->flags & SERIES_ENDED) != 0 && end == walk->series->count)
        end--; /* its interval ends with its life */
    while (walk->change < walk->change_end && *walk->change < walk->sample)
        walk->change++;
    if (walk->change < walk->change_end && *walk->change < end)
        end = *walk->change;
    return end;
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

static void take_single(struct rate_walk *walk, struct rate_run *run)
{
    uint32_t k = walk->sample++;
    uint32_t tick = walk->series->first + k;
    int64_t at_ns = walk->b->directory.tick_ns[tick];
    int64_t value = walk->value[k];

    *run = (struct rate_run){ .tick = tick,
                              .count = 1,
                              .value = value,
                              .known = walk->known,
                              .gap = walk->known && walk->gap };
    if (walk->known) {
        run->reset = value < walk->before;
        if (!run->reset)
            run->increase = (int64_t)((uint64_t)value - (uint64_t)walk->before);
        if (!walk->gap)
            run->dt_ns = covered(walk, k, at_ns);
    }
    walk->known = true;
    walk->gap = false;
    walk->before = value;
    walk->before_ns = at_ns;
}

bool rate_next(struct rate_walk *walk, struct rate_run *run)
{
    const struct rate_block *b = walk->b;
    uint32_t quiet = quiet_end(walk);
    uint32_t tick = walk->series->first + walk->sample;

    if (walk->sample < quiet) {
        uint32_t last = walk->series->first + quiet - 1;

        *run = (struct rate_run){ .tick = tick,
                                  .count = quiet - walk->sample,
                                  .value = walk->before,
                                  .known = true,
                                  .quiet = true,
                                  .dt_ns = b->steady_ns[last] - b->steady_ns[tick - 1] };
        walk->sample = quiet;
        walk->before_ns = b->directory.tick_ns[last];
        return true;
    }
    for (; walk->sample < walk->end; walk->sample++, tick++) {
        walk->gap |= b->directory.gap[tick] != 0;
        if (walk->missing == NULL || walk->missing[walk->sample] == MISSING_NONE) {
            take_single(walk, run);
            return true;
        }
    }
    return false;
}
