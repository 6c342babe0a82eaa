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
    struct series_range part;  /* that r tells of: all, or one of two */
    struct series_range known; /* what is to be known of these */
    int64_t *scratch;          /* [series of the part] */
    const uint8_t *flags;      /* [series of the part] as they are stored */
    size_t rows;               /* of the known series so far */
    bool no_memory;
};

static size_t part_size(const struct reading *g)
{
    return g->part.end - g->part.first;
}

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
    size_t end = k == 0 ? part_size(g) : g->known.end - g->part.first;
    struct series_range found;

    if (column_decode_some(g->r, g->scratch, part_size(g), 0, end, err) != STATUS_OK)
        return false;
    found = sum_keys(g->scratch, end, g->only); /* a part begins with a group */
    if (k == 0 && g->only != NULL)
        g->known = (struct series_range){ g->part.first + found.first, g->part.first + found.end };
    for (size_t i = g->known.first; i < g->known.end; i++) {
        table->series[i].key[k] = g->scratch[i - g->part.first];
        table->series[i].key[1] = k == 0 ? 0 : g->scratch[i - g->part.first];
    }
    return true;
}

static bool get_keys(struct reading *g, struct error *err)
{
    struct block_table *table = g->table;
    unsigned keys = table->shape->key_count;

    g->known = g->part;
    if (g->only != NULL)
        g->known.end = g->known.first;
    for (size_t i = g->known.first; i < g->known.end && keys == 0; i++)
        table->series[i].key[0] = table->series[i].key[1] = 0;
    for (unsigned k = 0; k < keys && (k == 0 || g->known.end > g->known.first); k++)
        if (!get_key(g, k, err))
            return false;
    return true;
}

/* Zeros for the series that are known, in all parts. */
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

    g->flags = bytes_get(g->r, part_size(g));
    if (g->flags == NULL)
        return false;
    for (size_t i = g->known.first; i < g->known.end; i++) {
        struct series *s = &table->series[i];
        uint8_t flags = g->flags[i - g->part.first];

        *s = (struct series){ .key = { s->key[0], s->key[1] }, .flags = flags };
        all |= flags;
        if ((flags & SERIES_TOLD) != 0 && (flags & born) != born)
            return false;
    }
    if ((all & SERIES_TOLD) != 0 && table->told_at == NULL)
        table->told_at = places(g);
    for (size_t i = g->known.first; table->told_at != NULL && i < g->known.end; i++)
        table->told_at[i] = (table->series[i].flags & SERIES_TOLD) != 0; /* which, is found later */
    if ((all & SERIES_REFERRED) != 0 && table->reference_at == NULL)
        table->reference_at = places(g);
    return (table->shape->level == 0 || (all & (SERIES_TOLD | SERIES_REFERRED)) == 0) &&
           ((all & SERIES_REFERRED) == 0 || table->reference_seq != 0);
}

/* First sample and number of samples of each series. */
static bool get_spans(struct reading *g, struct error *err)
{
    struct block_table *table = g->table;
    size_t count = part_size(g), begin = g->part.first;
    int64_t first = 0;

    if (column_decode_some(g->r, g->scratch, count, 0, g->known.end - begin, err) != STATUS_OK)
        return false;
    for (size_t i = begin; i < g->known.end; i++) {
        first = wrap_add(first, g->scratch[i - begin]);
        if (i < g->known.first)
            continue;
        if (first < 0 || first >= table->tick_count)
            return false;
        table->series[i].first = (uint32_t)first;
    }
    if (column_decode_some(g->r, g->scratch, count, g->known.first - begin, g->known.end - begin,
                           err) != STATUS_OK)
        return false;
    for (size_t i = g->known.first; i < g->known.end; i++) {
        struct series *s = &table->series[i];
        int64_t more = g->scratch[i - begin];

        if (more < 0 || more >= table->tick_count - s->first)
            return false;
        s->count = (uint32_t)more + 1;
        table->row[i] = g->rows;
        g->rows += s->count;
    }
    table->row[g->known.end] = table->row[table->series_count] = g->rows;
    return g->rows <= ROWS_MAX;
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

    for (size_t i = g->part.first; i < g->known.first; i++)
        before += stored_times(g->flags[i - g->part.first]);
    bytes_skip_varints(g->r, before);
    for (size_t i = g->known.first; i < g->known.end; i++) {
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
    if (g->known.end < g->part.end && bytes_left(g->r) >= part_size(g))
        g->r->used = g->r->size - part_size(g);
}

/* What a frame tells of its part, up to its end. ABSENT: nothing of the one key. */
static enum status get_part(struct reading *g, struct error *err)
{
    struct block_table *table = g->table;
    const uint8_t *kinds;
    bool good = get_keys(g, err);

    if (good && g->known.end == g->known.first)
        return STATUS_ABSENT;
    if (good && g->only != NULL)
        table->known = g->known;
    good = good && get_flags(g) && get_spans(g, err);
    if (g->no_memory)
        return error_set(err, STATUS_NO_MEMORY, "series of %s", table->shape->name);
    if (!good)
        return block_corrupt(table, &table->place, "impossible series", err);
    get_times(g);
    kinds = bytes_get(g->r, part_size(g));
    if (kinds == NULL || bytes_left(g->r) != 0)
        return block_corrupt(table, &table->place, "its length is wrong", err);
    memcpy(table->kinds + g->part.first, kinds, part_size(g));
    return STATUS_OK;
}

/* The second part, a frame of its own before the groups'. */
static enum status get_second(struct reading *g, const struct chunk *chunk, struct decompressor *d,
                              struct error *err)
{
    struct byte_reader sizes = chunk->sizes;
    size_t size = (size_t)bytes_get_varint(&sizes);
    enum status st = decompress_frame(d, chunk->groups, size, BLOCK_FRAME_MAX, g->r, err);

    if (st == STATUS_CORRUPT)
        return block_corrupt(g->table, &g->table->place, "its second frame is damaged", err);
    g->part = (struct series_range){ g->part.end, g->table->series_count };
    return st == STATUS_OK ? get_part(g, err) : st;
}

static enum status get_all(struct reading *g, const struct chunk *chunk, struct decompressor *d,
                           struct error *err)
{
    enum status st = get_part(g, err);

    if (g->part.end == g->table->series_count || (st != STATUS_OK && st != STATUS_ABSENT))
        return st;
    /* Of a key that is there throughout there is nothing else. */
    return g->only != NULL && st == STATUS_OK ? STATUS_OK : get_second(g, chunk, d, err);
}

static enum status allocate(struct reading *g, struct error *err)
{
    struct block_table *table = g->table;
    size_t count = table->series_count;

    table->series = malloc(count * sizeof *table->series);
    table->row = malloc((count + 1) * sizeof *table->row);
    table->active_at = malloc((count + 1) * sizeof *table->active_at);
    table->kinds = malloc(count);
    g->scratch = malloc(count * sizeof *g->scratch);
    if (table->series == NULL || table->row == NULL || table->active_at == NULL ||
        table->kinds == NULL || g->scratch == NULL)
        return error_set(err, STATUS_NO_MEMORY, "series of %s", table->shape->name);
    return STATUS_OK;
}

enum status block_get_series(struct block_table *table, const int64_t *only,
                             const struct chunk *chunk, struct byte_reader *r,
                             struct decompressor *d, struct error *err)
{
    struct reading g = { .table = table, .only = only, .r = r };
    uint64_t reference = bytes_get_varint(r);
    uint64_t count = bytes_get_varint(r);
    uint64_t first_part = chunk->codec == CHUNK_CODEC_PARTED ? bytes_get_varint(r) : count;
    size_t groups = chunk->group_count - (chunk->codec == CHUNK_CODEC_PARTED);
    enum status st;

    if (r->overrun || count == 0 || count > BLOCK_SERIES_MAX || first_part > r->size ||
        first_part == 0 || first_part > count)
        return block_corrupt(table, &table->place, "an impossible number of series", err);
    if (chunk->codec == CHUNK_CODEC_PARTED &&
        (first_part == count || first_part % GROUP_SERIES != 0 || table->shape->level > 0))
        return block_corrupt(table, &table->place, "impossible parts", err);
    if (groups != (count + GROUP_SERIES - 1) / GROUP_SERIES)
        return block_corrupt(table, &table->place, "wrong number of groups", err);
    if (reference > (uint64_t)table->place.block_seq)
        return block_corrupt(table, &table->place, "reference values of no block", err);
    table->reference_seq = reference == 0 ? 0 : table->place.block_seq + 1 - (int64_t)reference;
    table->series_count = (size_t)count;
    table->known = (struct series_range){ 0, only == NULL ? table->series_count : 0 };
    g.part = (struct series_range){ 0, (size_t)first_part };
    st = allocate(&g, err);
    if (st == STATUS_OK)
        st = get_all(&g, chunk, d, err);
    free(g.scratch);
    return st;
}
