/* From stored changes to the values at one sample after the other. */
#include "analyzer/export_changes.h"

#include <stdlib.h>
#include <string.h>

void changes_release(struct changes *changes)
{
    for (size_t m = 0; m < TABLE_METRICS_MAX; m++)
        block_column_release(&changes->column[m]);
    free(changes->turn);
    free(changes->change);
    free(changes->missing);
    free(changes->moved);
    *changes = (struct changes){ 0 };
}

static inline unsigned first_metric(uint64_t metrics)
{
    return (unsigned)__builtin_ctzll(metrics);
}

/* --- once per slice --- */

static enum status reserve(struct changes *changes, size_t ticks, struct error *err)
{
    if (ticks <= changes->tick_size)
        return STATUS_OK;
    free(changes->turn);
    free(changes->change);
    free(changes->missing);
    free(changes->moved);
    changes->tick_size = ticks;
    changes->turn = malloc(ticks);
    changes->change = malloc(ticks);
    changes->missing = malloc(ticks * sizeof *changes->missing);
    changes->moved = malloc(ticks * sizeof *changes->moved);
    if (changes->turn == NULL || changes->change == NULL || changes->missing == NULL ||
        changes->moved == NULL) {
        changes->tick_size = 0;
        return error_set(err, STATUS_NO_MEMORY, "changes of a block");
    }
    return STATUS_OK;
}

static void find_turns(struct changes *changes, const struct block_table *table)
{
    memset(changes->turn, 0, table->tick_count);
    for (uint32_t i = 1; table->mask != NULL && i < table->tick_count; i++)
        if (((table->mask[i] ^ table->mask[i - 1]) & changes->decoded) != 0)
            changes->turn[i] = CHANGE_THERE;
}

enum status changes_decode(struct changes *changes, const struct export *e,
                           const struct export_slice *slice, struct error *err)
{
    const struct block_table *table = slice->table;
    const struct series_range which = { slice->first_series, slice->end_series };

    changes->table = table;
    changes->decoded = changes->patterned = 0;
    if (reserve(changes, table->tick_count, err) != STATUS_OK)
        return err->status;
    for (size_t m = 0; m < table->shape->column_count; m++) {
        struct block_column *column = &changes->column[m];

        if (!export_wants(e, table, m))
            continue;
        column->changes_only = true;
        if (recording_column(e->subject->recording, table, m, which, column, err) != STATUS_OK)
            return err->status;
        changes->decoded |= UINT64_C(1) << m;
        changes->patterned |= (uint64_t)(column->missing != NULL) << m;
    }
    find_turns(changes, table);
    return STATUS_OK;
}

/* --- once per series --- */

/* Which metrics are missing where, for those that have a reason at any sample of the series. */
static void find_missing(struct changes *changes, const struct series *s)
{
    size_t row = changes->table->row[changes->series];

    changes->any_missing = false;
    for (uint64_t rest = changes->patterned; rest != 0; rest &= rest - 1) {
        const uint8_t *missing = changes->column[first_metric(rest)].missing + row;

        if (missing[0] == MISSING_NONE && memcmp(missing, missing + 1, s->count - 1) == 0)
            continue;
        if (!changes->any_missing)
            memset(changes->missing, 0, s->count * sizeof *changes->missing);
        changes->any_missing = true;
        for (uint32_t k = 0; k < s->count; k++)
            changes->missing[k] |= (uint64_t)(missing[k] != MISSING_NONE) << first_metric(rest);
    }
    for (uint32_t k = 1; changes->any_missing && k < s->count; k++)
        changes->change[k] |= changes->missing[k] == changes->missing[k - 1] ? 0 : CHANGE_THERE;
}

/* Which metrics have another value at each change. */
static void find_moves(struct changes *changes)
{
    size_t count = block_stored_changes(changes->table, changes->series);

    if (count == 0)
        return;
    memset(changes->moved, 0, count * sizeof *changes->moved);
    for (uint64_t rest = changes->decoded; rest != 0; rest &= rest - 1) {
        unsigned m = first_metric(rest);
        uint32_t at = changes->column[m].change_at[changes->series];
        const int64_t *delta;

        if (at == BLOCK_UNCHANGED)
            continue;
        delta = changes->delta[m] = changes->column[m].delta + at;
        for (size_t i = 0; i < count; i++) /* without a branch: it would be guessed wrong */
            changes->moved[i] |= (uint64_t)(delta[i] != 0) << m;
    }
}

void changes_begin(struct changes *changes, size_t series)
{
    const struct block_table *table = changes->table;
    const struct series *s = &table->series[series];
    uint32_t last = s->count - 1;

    changes->series = series;
    changes->next = 0;
    memcpy(changes->change, changes->turn + s->first, s->count);
    for (size_t a = table->active_at[series]; a < table->active_at[series + 1]; a++)
        changes->change[table->active[a]] |= CHANGE_VALUE;
    if (s->count > 1 && (s->flags & SERIES_FIRST) != 0)
        changes->change[1] |= CHANGE_THERE;
    if ((s->flags & SERIES_ENDED) != 0)
        changes->change[last] |= CHANGE_THERE;
    find_missing(changes, s);
    find_moves(changes);
    if (s->count == 1 && block_is_told(table, series))
        return; /* no value is that of a column */
    for (uint64_t rest = changes->decoded; rest != 0; rest &= rest - 1)
        changes->value[first_metric(rest)] = changes->column[first_metric(rest)].base[series];
}

/* --- once per change --- */

/* The last sample of a series whose lifetime tells it: final counters, and no gauges any more. */
static uint64_t go_to_told(struct changes *changes, size_t told)
{
    uint64_t there = 0;

    for (uint64_t rest = changes->decoded; rest != 0; rest &= rest - 1) {
        unsigned m = first_metric(rest);
        const struct block_column *column = &changes->column[m];

        if (changes->table->shape->column[m].kind != METRIC_COUNTER ||
            column->told_missing[told] != MISSING_NONE)
            continue;
        changes->value[m] = column->told[told];
        there |= UINT64_C(1) << m;
    }
    changes->there = there;
    return there;
}

uint64_t changes_go_to(struct changes *changes, uint32_t sample)
{
    const struct block_table *table = changes->table;
    const struct series *s = &table->series[changes->series];
    const uint32_t *active = table->active + table->active_at[changes->series];
    size_t count = block_stored_changes(table, changes->series);
    bool last = sample == s->count - 1;
    uint64_t moved = 0;

    if (last && block_is_told(table, changes->series))
        return go_to_told(changes, table->told_at[changes->series] - 1);
    for (; changes->next < count && active[changes->next] <= sample; changes->next++) {
        moved |= changes->moved[changes->next];
        for (uint64_t rest = changes->moved[changes->next]; rest != 0; rest &= rest - 1) {
            unsigned m = first_metric(rest);

            changes->value[m] = wrap_add(changes->value[m], changes->delta[m][changes->next]);
        }
    }
    changes->there = changes->decoded;
    if (table->mask != NULL && !(sample == 0 && (s->flags & SERIES_FIRST) != 0) &&
        !(last && (s->flags & SERIES_ENDED) != 0))
        changes->there &= table->mask[s->first + sample];
    if (changes->any_missing)
        changes->there &= ~changes->missing[sample];
    return moved;
}
