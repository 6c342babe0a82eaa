/*
 * The series of a directory: all of them, or those of one key and what shares frames with them. Of the
 * others as much is read as it takes to get past them. Every count read here comes from a file that may
 * be damaged or hostile: each is bounded before it is used.
 */
#include <stdlib.h>

#include "schema/block_decode.h"
#include "schema/column.h"

enum { ROWS_MAX = 1 << 26 };

struct reading {
    struct block_table *table;
    const int64_t *only; /* the key; NULL: all */
    struct byte_reader *r;
    int64_t *scratch;     /* [series] */
    const uint8_t *flags; /* [series] as they are stored */
    bool no_memory;
};

/* Make keys of differences. Where the one key is, in whole groups; with only = NULL nowhere. */
static struct series_range sum_keys(int64_t keys[], size_t count, const int64_t *only)
{
    int64_t key = 0, wanted = only == NULL ? 0 : *only;
    size_t first = count, end = 0;

    for (size_t i = 0; i < count; i++) {
        keys[i] = key = wrap_add(key, keys[i]);
        if (key == wanted) {
            first = first < i ? first : i;
            end = i + 1;
        }
    }
    if (end == 0 || only == NULL)
        return (struct series_range){ 0, 0 };
    end = series_group(end - 1).end;
    return (struct series_range){ series_group(first).first, end < count ? end : count };
}

/* One key of each series, of the first one also those that are not known later. */
static bool get_key(struct reading *g, unsigned k, struct error *err)
{
    struct block_table *table = g->table;
    size_t end = k == 0 ? table->series_count : table->known.end;
    struct series_range found;

    if (column_decode_some(g->r, g->scratch, table->series_count, 0, end, err) != STATUS_OK)
        return false;
    found = sum_keys(g->scratch, end, g->only);
    if (k == 0 && g->only != NULL)
        table->known = found;
    for (size_t i = table->known.first; i < table->known.end; i++) {
        table->series[i].key[k] = g->scratch[i];
        table->series[i].key[1] = k == 0 ? 0 : g->scratch[i];
    }
    return true;
}

static bool get_keys(struct reading *g, struct error *err)
{
    struct block_table *table = g->table;
    unsigned keys = table->shape->key_count;

    table->known = (struct series_range){ 0, g->only == NULL ? table->series_count : 0 };
    for (size_t i = 0; i < table->known.end && keys == 0; i++)
        table->series[i].key[0] = table->series[i].key[1] = 0;
    for (unsigned k = 0; k < keys; k++)
        if (!get_key(g, k, err))
            return false;
    return true;
}

/* Zeros for the series that are known. */
static uint32_t *places(struct reading *g)
{
    const struct series_range *known = &g->table->known;
    uint32_t *at = malloc(g->table->series_count * sizeof *at);

    g->no_memory |= at == NULL;
    if (at != NULL)
        memset(at + known->first, 0, (known->end - known->first) * sizeof *at);
    return at;
}

/* Flags, and what goes with them: at level 0 alone a series may lean on other chunks. */
static bool get_flags(struct reading *g)
{
    const uint8_t born = SERIES_FIRST | SERIES_BORN | SERIES_ENDED;
    struct block_table *table = g->table;
    uint8_t all = 0;

    g->flags = bytes_get(g->r, table->series_count);
    if (g->flags == NULL)
        return false;
    for (size_t i = table->known.first; i < table->known.end; i++) {
        struct series *s = &table->series[i];
        uint8_t flags = g->flags[i];

        *s = (struct series){ .key = { s->key[0], s->key[1] }, .flags = flags };
        all |= flags;
        if ((flags & SERIES_TOLD) != 0 && (flags & born) != born)
            return false;
    }
    if ((all & SERIES_TOLD) != 0)
        table->told_at = places(g);
    for (size_t i = table->known.first; table->told_at != NULL && i < table->known.end; i++)
        table->told_at[i] = (table->series[i].flags & SERIES_TOLD) != 0; /* which, is found later */
    if ((all & SERIES_REFERRED) != 0)
        table->reference_at = places(g);
    return (table->shape->level == 0 || (all & (SERIES_TOLD | SERIES_REFERRED)) == 0) &&
           ((all & SERIES_REFERRED) == 0 || table->reference_seq != 0);
}

/* First sample and number of samples of each series. */
static bool get_spans(struct reading *g, struct error *err)
{
    struct block_table *table = g->table;
    size_t count = table->series_count, rows = 0;
    int64_t first = 0;

    if (column_decode_some(g->r, g->scratch, count, 0, table->known.end, err) != STATUS_OK)
        return false;
    for (size_t i = 0; i < table->known.end; i++) {
        first = wrap_add(first, g->scratch[i]);
        if (i < table->known.first)
            continue;
        if (first < 0 || first >= table->tick_count)
            return false;
        table->series[i].first = (uint32_t)first;
    }
    if (column_decode_some(g->r, g->scratch, count, table->known.first, table->known.end, err) !=
        STATUS_OK)
        return false;
    for (size_t i = table->known.first; i < table->known.end; i++) {
        struct series *s = &table->series[i];

        if (g->scratch[i] < 0 || g->scratch[i] >= table->tick_count - s->first)
            return false;
        s->count = (uint32_t)g->scratch[i] + 1;
        table->row[i] = rows;
        rows += s->count;
    }
    table->row[table->known.end] = table->row[count] = rows;
    return rows <= ROWS_MAX;
}

static uint64_t stored_times(uint8_t flags)
{
    uint64_t count = (flags & (SERIES_BORN | SERIES_YOUNG)) != 0;

    if ((flags & SERIES_ENDED) != 0)
        count++;
    return (flags & SERIES_TOLD) != 0 ? 0 : count;
}

static void get_times(struct reading *g)
{
    struct block_table *table = g->table;
    uint64_t before = 0;

    for (size_t i = 0; i < table->known.first; i++)
        before += stored_times(g->flags[i]);
    bytes_skip_varints(g->r, before);
    for (size_t i = table->known.first; i < table->known.end; i++) {
        struct series *s = &table->series[i];

        if ((s->flags & SERIES_TOLD) != 0)
            continue;
        if ((s->flags & (SERIES_BORN | SERIES_YOUNG)) != 0)
            s->start_ns = wrap_subtract(table->tick_ns[s->first], bytes_get_zigzag(g->r));
        if ((s->flags & SERIES_ENDED) != 0)
            s->end_ns =
                wrap_subtract(table->tick_ns[s->first + s->count - 1], bytes_get_zigzag(g->r));
    }
    /* Behind the times of the others is the frame's end, a byte for each series. */
    if (table->known.end < table->series_count && bytes_left(g->r) >= table->series_count)
        g->r->used = g->r->size - table->series_count;
}

static enum status get_all(struct reading *g, struct error *err)
{
    struct block_table *table = g->table;
    bool good = get_keys(g, err);

    if (good && table->known.end == 0)
        return STATUS_ABSENT;
    good = good && get_flags(g) && get_spans(g, err);
    if (g->no_memory)
        return error_set(err, STATUS_NO_MEMORY, "series of %s", table->shape->name);
    if (!good)
        return block_corrupt(table, &table->place, "impossible series", err);
    get_times(g);
    return g->r->overrun ? block_corrupt(table, &table->place, "cut short", err) : STATUS_OK;
}

enum status block_get_series(struct block_table *table, const int64_t *only, struct byte_reader *r,
                             struct error *err)
{
    struct reading g = { .table = table, .only = only, .r = r };
    uint64_t reference = bytes_get_varint(r);
    uint64_t count = bytes_get_varint(r);
    enum status st;

    if (r->overrun || count == 0 || count > BLOCK_SERIES_MAX || count > r->size)
        return block_corrupt(table, &table->place, "an impossible number of series", err);
    if (reference > (uint64_t)table->place.block_seq)
        return block_corrupt(table, &table->place, "reference values of no block", err);
    table->reference_seq = reference == 0 ? 0 : table->place.block_seq + 1 - (int64_t)reference;
    table->series_count = (size_t)count;
    table->series = malloc(table->series_count * sizeof *table->series);
    table->row = malloc((table->series_count + 1) * sizeof *table->row);
    table->active_at = malloc((table->series_count + 1) * sizeof *table->active_at);
    g.scratch = malloc(table->series_count * sizeof *g.scratch);
    g.no_memory = table->series == NULL || table->row == NULL || table->active_at == NULL ||
                  g.scratch == NULL;
    st = g.no_memory ? error_set(err, STATUS_NO_MEMORY, "series of %s", table->shape->name)
                     : get_all(&g, err);
    free(g.scratch);
    return st;
}
