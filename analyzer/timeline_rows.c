/* Rows of the buckets that are being filled, found by bucket and id. */
#include <stdlib.h>
#include <string.h>

#include "analyzer/timeline.h"

static size_t hash_of(const struct timeline_key *key)
{
    uint64_t h = (uint64_t)key->bucket * 0x9e3779b97f4a7c15u;

    h = (h ^ (uint64_t)key->id[0]) * 0xff51afd7ed558ccdu;
    h = (h ^ h >> 32 ^ (uint64_t)key->id[1]) * 0xc4ceb9fe1a85ec53u;
    return (size_t)(h ^ h >> 29);
}

static bool same(const struct timeline_key *a, const struct timeline_key *b)
{
    return a->bucket == b->bucket && a->id[0] == b->id[0] && a->id[1] == b->id[1];
}

static uint32_t *place(const struct timeline_rows *rows, const struct timeline_key *key)
{
    size_t at = hash_of(key) & (rows->hash_size - 1);

    while (rows->hash[at] != 0 && !same(&rows->row[rows->hash[at] - 1].key, key))
        at = (at + 1) & (rows->hash_size - 1);
    return &rows->hash[at];
}

static void fill_hash(struct timeline_rows *rows)
{
    memset(rows->hash, 0, rows->hash_size * sizeof *rows->hash);
    for (size_t i = 0; i < rows->count; i++)
        *place(rows, &rows->row[i].key) = (uint32_t)i + 1;
}

static enum status grow(struct timeline_rows *rows, struct error *err)
{
    size_t more = rows->size == 0 ? 256 : rows->size * 2;
    struct timeline_row *row = realloc(rows->row, more * sizeof *row);
    struct timeline_cell *cell;
    uint32_t *hash;

    if (row != NULL)
        rows->row = row;
    cell = row == NULL ? NULL : realloc(rows->cell, more * (rows->metric_count + 1) * sizeof *cell);
    if (cell != NULL)
        rows->cell = cell;
    hash =
        cell == NULL || more > UINT32_MAX / 2 ? NULL : realloc(rows->hash, more * 2 * sizeof *hash);
    if (hash == NULL)
        return error_set(err, STATUS_NO_MEMORY, "%zu rows that are not complete", more);
    rows->hash = hash;
    rows->hash_size = more * 2;
    rows->size = more;
    fill_hash(rows);
    return STATUS_OK;
}

enum status timeline_row(struct timeline_rows *rows, const struct timeline_key *key, size_t *row,
                         struct error *err)
{
    enum status st = rows->count == rows->size ? grow(rows, err) : STATUS_OK;
    uint32_t *at;

    if (st != STATUS_OK)
        return st;
    at = place(rows, key);
    if (*at == 0) {
        rows->row[rows->count] = (struct timeline_row){ .key = *key, .last_ns = NO_TIME };
        memset(&rows->cell[rows->count * rows->metric_count], 0,
               rows->metric_count * sizeof *rows->cell);
        *at = (uint32_t)++rows->count;
    }
    *row = *at - 1;
    return STATUS_OK;
}

void timeline_rows_drop(struct timeline_rows *rows, size_t bucket)
{
    size_t kept = 0;

    for (size_t i = 0; i < rows->count; i++) {
        if (rows->row[i].key.bucket < bucket)
            continue;
        rows->row[kept] = rows->row[i];
        if (kept < i)
            memcpy(&rows->cell[kept * rows->metric_count], &rows->cell[i * rows->metric_count],
                   rows->metric_count * sizeof *rows->cell);
        kept++;
    }
    rows->count = kept;
    if (rows->hash_size > 0)
        fill_hash(rows);
}

void timeline_rows_release(struct timeline_rows *rows)
{
    free(rows->row);
    free(rows->cell);
    free(rows->hash);
    *rows = (struct timeline_rows){ 0 };
}
