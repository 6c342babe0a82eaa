/* Which blocks a part of a recording needs. */
#include "schema/extract_private.h"

static const struct recording_block *blocks_of(const struct extract *e)
{
    return e->rec->contents.blocks[0];
}

/* The latest gap before block `at` in its session: the tick after it, and that tick's block. */
static enum status find_gap(const struct extract *e, size_t at, size_t *block, int64_t *gap_ns,
                            bool *found, struct error *err)
{
    const struct recording_block *all = blocks_of(e);

    *found = false;
    for (*block = at; *block > 0 && !*found && all[*block - 1].session == all[at].session;) {
        struct block_ticks ticks;

        --*block;
        if (recording_ticks(e->rec, &all[*block], &ticks, err) != STATUS_OK)
            return err->status;
        for (uint32_t i = ticks.count; i > 0 && !*found; i--) {
            *found = ticks.gap[i - 1] != 0;
            *gap_ns = ticks.start_ns[i - 1];
        }
        block_ticks_release(&ticks);
    }
    return STATUS_OK;
}

static enum status oldest_of_table(const struct extract *e, const struct recording_block *block,
                                   const struct recording_table *table,
                                   const struct block_ticks *ticks, int64_t *oldest_ns,
                                   struct error *err)
{
    struct block_table directory = { 0 };
    struct block_column column = { 0 };
    enum status st = recording_directory(e->rec, block, table, ticks, &directory, err);

    for (size_t m = 0; st == STATUS_OK && m < table->metric_count; m++) {
        st = recording_column(e->rec, &directory, directory.shape->first_column[m], series_all,
                              &column, err);
        for (size_t i = 0; st == STATUS_OK && i < directory.series_count; i++)
            if (column.base_ns[i] != INT64_MIN && column.base_ns[i] < *oldest_ns)
                *oldest_ns = column.base_ns[i];
    }
    block_column_release(&column);
    block_table_release(&directory);
    return st == STATUS_ABSENT ? STATUS_OK : st;
}

/* When the oldest value was read that a sample of the block is compared with. */
static enum status oldest_base(const struct extract *e, const struct recording_block *block,
                               int64_t *oldest_ns, struct error *err)
{
    const struct recording_contents *c = &e->rec->contents;
    struct block_ticks ticks;
    enum status st = recording_ticks(e->rec, block, &ticks, err);

    if (st != STATUS_OK)
        return st;
    for (size_t t = 0; t < c->table_count && st == STATUS_OK; t++)
        st = oldest_of_table(e, block, &c->tables[t], &ticks, oldest_ns, err);
    block_ticks_release(&ticks);
    return st;
}

/* Go back to a gap that some value of the session's blocks [at, e->end) was read before. */
static enum status reach_gap(struct extract *e, size_t at, struct error *err)
{
    const struct recording_block *all = blocks_of(e);
    int64_t gap_ns = INT64_MIN, oldest_ns = INT64_MAX;
    size_t block;
    bool found;

    if (find_gap(e, e->first, &block, &gap_ns, &found, err) != STATUS_OK)
        return err->status;
    for (size_t b = at; found && b < e->end && all[b].session == all[e->first].session; b++)
        if (oldest_base(e, &all[b], &oldest_ns, err) != STATUS_OK)
            return err->status;
    if (found && oldest_ns < gap_ns)
        e->first = block;
    return STATUS_OK;
}

enum status extract_choose(struct extract *e, int64_t from_ns, int64_t to_ns, struct error *err)
{
    const struct recording_block *all = blocks_of(e);
    size_t count = e->rec->contents.block_count[0], at;

    e->first = count;
    for (size_t b = 0; b < count; b++) {
        if (all[b].end_ns <= from_ns || all[b].start_ns > to_ns)
            continue;
        e->first = b < e->first ? b : e->first;
        e->end = b + 1;
    }
    if (e->first == count)
        return error_set(err, STATUS_ABSENT, "no sample lies in the window");
    at = e->first;
    e->first -= at > 0;
    e->end +=
        e->end < count && all[e->end - 1].end_ns < to_ns; /* that it goes on after the window */
    if (reach_gap(e, at, err) != STATUS_OK)
        return err->status;
    e->from_ns = INT64_MAX;
    e->to_ns = INT64_MIN;
    for (size_t b = e->first; b < e->end; b++) {
        e->from_ns = all[b].start_ns < e->from_ns ? all[b].start_ns : e->from_ns;
        e->to_ns = all[b].end_ns > e->to_ns ? all[b].end_ns : e->to_ns;
    }
    return STATUS_OK;
}
