/*
 * What a directory takes from elsewhere: how some series begin and end from lifetimes, what bases are
 * relative to from reference values. Every count read here may be that of a hostile file.
 */
#include <stdlib.h>

#include "schema/block_decode.h"
#include "schema/column.h"
#include "schema/lifetime.h"

enum { KEPT_MOST = 1 << 16 }; /* reference values of a column: of a table, 30 MiB in all */

/* The lifetimes that tell how some series begin and end. */
enum status block_find_told(struct block_table *table, const struct block_ticks *ticks,
                            chunk_source *source, void *source_context, struct decompressor *d,
                            struct error *err)
{
    struct lifetime_source from = { .block_seq = table->place.block_seq,
                                    .source = source,
                                    .source_context = source_context,
                                    .d = d };
    size_t at = 0;
    enum status st;

    table->told = calloc(1, sizeof *table->told);
    if (table->told == NULL)
        return error_set(err, STATUS_NO_MEMORY, "lifetimes");
    st = lifetime_who_decode(&from, table->told, err);
    free(from.scratch);
    if (st != STATUS_OK && st != STATUS_ABSENT)
        return st;
    table->told_reason = malloc(table->told->count + 1);
    if (table->told_reason == NULL)
        return error_set(err, STATUS_NO_MEMORY, "lifetimes");
    for (size_t i = 0; i < table->told->count; i++)
        table->told_reason[i] = lifetime_expect(&table->told->process[i], ticks).reason[0];
    for (size_t i = table->known.first; i < table->known.end; i++) {
        struct series *s = &table->series[i];

        if ((s->flags & SERIES_TOLD) == 0)
            continue;
        while (at < table->told->count && table->told->process[at].process_id < s->key[0])
            at++;
        if (at == table->told->count || table->told->process[at].process_id != s->key[0] ||
            table->told->process[at].end_ns == NO_TIME)
            return block_corrupt(table, &table->place, "a lifetime is missing", err);
        s->flags &= (uint8_t)~SERIES_TOLD;
        s->start_ns = table->told->process[at].start_ns;
        s->end_ns = table->told->process[at].end_ns;
        table->told_at[i] = (uint32_t)at + 1;
    }
    return STATUS_OK;
}

static int by_key(const struct reference_key *a, const int64_t key[2])
{
    for (int k = 0; k < 2; k++)
        if (a->key[k] != key[k])
            return a->key[k] < key[k] ? -1 : 1;
    return 0;
}

/* The first that is not less than that key; most often the one behind the last that was found. */
static size_t find_key(const struct reference_keys *keys, const int64_t key[2], size_t guess)
{
    size_t low = 0, high = keys->count;

    if (guess < high && by_key(&keys->list[guess], key) == 0)
        return guess;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (by_key(&keys->list[middle], key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Where among the reference values those of each series are. */
static enum status find_references(struct block_table *table, const struct reference_keys *keys,
                                   struct error *err)
{
    size_t at = 0;

    table->reference_count = keys->count;
    memcpy(table->reference_state, keys->state, table->shape->column_count);
    for (size_t i = table->known.first; i < table->known.end; i++) {
        struct series *s = &table->series[i];

        if ((s->flags & SERIES_REFERRED) == 0)
            continue;
        at = find_key(keys, s->key, at);
        if (at == keys->count || by_key(&keys->list[at], s->key) != 0)
            return block_corrupt(table, &table->place, "a reference value is missing", err);
        s->flags &= (uint8_t)~SERIES_REFERRED;
        table->reference_at[i] = (uint32_t)++at;
    }
    return STATUS_OK;
}

static enum status get_keys(struct reference_keys *keys, const struct block_table *table,
                            const struct chunk_place *place, struct byte_reader *r,
                            struct error *err)
{
    uint64_t count = bytes_get_varint(r);
    int64_t *scratch;
    enum status st = STATUS_OK;

    if (r->overrun || count == 0 || count > BLOCK_SERIES_MAX || count > r->size * 2)
        return block_corrupt(table, place, "an impossible number of series", err);
    keys->count = (size_t)count;
    keys->list = calloc((size_t)count, sizeof *keys->list);
    scratch = calloc((size_t)count, sizeof *scratch);
    if (keys->list == NULL || scratch == NULL)
        st = error_set(err, STATUS_NO_MEMORY, "reference values of %s", table->shape->name);
    for (unsigned k = 0; k < table->shape->key_count && st == STATUS_OK; k++) {
        int64_t key = 0;

        st = column_decode(r, scratch, (size_t)count, err);
        for (size_t i = 0; i < count && st == STATUS_OK; i++)
            keys->list[i].key[k] = key = wrap_add(key, scratch[i]);
    }
    free(scratch);
    for (unsigned c = 0; c < table->stored_metrics; c++) {
        uint8_t state = bytes_get_u8(r);

        if (c < table->shape->column_count)
            keys->state[c] = state;
    }
    if (st == STATUS_OK && (r->overrun || bytes_left(r) != 0))
        st = block_corrupt(table, place, "its length is wrong", err);
    return st;
}

void reference_keys_release(struct reference_keys *keys)
{
    for (size_t c = 0; c < TABLE_METRICS_MAX; c++)
        free(keys->value[c]);
    free(keys->list);
    *keys = (struct reference_keys){ 0 };
}

static bool are_of(const struct reference_keys *keys, const struct block_table *table)
{
    return keys->list != NULL && keys->table_id == table->place.table_id &&
           keys->block_seq == table->reference_seq && keys->stored_metrics == table->stored_metrics;
}

int64_t **block_kept_reference(const struct block_table *table, size_t position)
{
    struct reference_keys *keys = table->references;

    return keys != NULL && are_of(keys, table) && keys->count == table->reference_count &&
                   keys->count <= KEPT_MOST
               ? &keys->value[position]
               : NULL;
}

/* Those of the table's block into `keys`, unless they are there. */
static enum status fetch_keys(struct reference_keys *keys, const struct block_table *table,
                              chunk_source *source, void *source_context, struct decompressor *d,
                              struct error *err)
{
    struct chunk_place place = table->place;
    struct byte_reader r;
    struct chunk chunk;
    enum status st;

    if (are_of(keys, table))
        return STATUS_OK;
    reference_keys_release(keys);
    place.block_seq = table->reference_seq;
    place.column_id = COLUMN_REFERENCE;
    st = block_fetch(table, &place, source, source_context, &chunk, err);
    if (st == STATUS_OK)
        st = decompress_frame(d, chunk.base, chunk.base_size, BLOCK_FRAME_MAX, &r, err);
    if (st != STATUS_OK)
        return st == STATUS_CORRUPT ? block_corrupt(table, &place, "it is damaged", err) : st;
    keys->table_id = place.table_id;
    keys->block_seq = table->reference_seq;
    keys->stored_metrics = table->stored_metrics;
    st = get_keys(keys, table, &place, &r, err);
    if (st != STATUS_OK)
        reference_keys_release(keys);
    return st;
}

enum status block_find_references(struct block_table *table, struct reference_keys *keys,
                                  chunk_source *source, void *source_context,
                                  struct decompressor *d, struct error *err)
{
    table->reference_state = calloc(table->shape->column_count, 1);
    if (table->reference_state == NULL)
        return error_set(err, STATUS_NO_MEMORY, "reference values of %s", table->shape->name);
    if (fetch_keys(keys, table, source, source_context, d, err) != STATUS_OK)
        return err->status;
    table->references = keys;
    return find_references(table, keys, err);
}
