/* Reference values lie with one block and serve many. Layout: schema/FORMAT.md, "Column". */
#include <stdio.h>
#include <stdlib.h>

#include "schema/block_decode.h"
#include "schema/column.h"
#include "schema/salvage_private.h"

#define WHOM UINT32_MAX /* in place of a column: whom they all are of */

bool salvage_reference_lost(const struct salvage *s, uint32_t table_id, int64_t block_seq,
                            uint32_t column)
{
    for (size_t i = 0; i < s->lost_count; i++)
        if (s->lost[i].table_id == table_id && s->lost[i].block_seq == block_seq &&
            s->lost[i].column == column)
            return true;
    return false;
}

static enum status lose(struct salvage *s, uint32_t table_id, int64_t block_seq, uint32_t column,
                        struct error *err)
{
    if (s->lost_count == s->lost_size) {
        size_t more = s->lost_size == 0 ? 16 : s->lost_size * 2;
        struct lost_reference *larger = realloc(s->lost, more * sizeof *larger);

        if (larger == NULL)
            return error_set(err, STATUS_NO_MEMORY, "reference values");
        s->lost = larger;
        s->lost_size = more;
    }
    s->lost[s->lost_count++] = (struct lost_reference){ table_id, block_seq, column };
    return STATUS_OK;
}

/* The content of a chunk's base frame; CORRUPT also if it is not there. */
static enum status content_of(struct salvage *s, const struct chunk_place *place,
                              const uint8_t **data, size_t *size, struct byte_reader *content,
                              struct error *err)
{
    struct chunk chunk;
    enum status st = recording_chunk(s->e.rec, place, data, size, err);

    if (st == STATUS_OK)
        st = chunk_get(&chunk, place, *data, *size, err);
    if (st == STATUS_OK)
        st = decompress_frame(&s->e.rec->d, chunk.base, chunk.base_size, BLOCK_FRAME_MAX, content,
                              err);
    return st == STATUS_UNSUPPORTED ? STATUS_CORRUPT : st;
}

/* Whom they are of: how many, and the columns that have any. */
static enum status get_whom(struct salvage *s, const struct recording_table *table,
                            struct byte_reader *r, size_t *count, uint8_t state[],
                            struct error *err)
{
    uint64_t number = bytes_get_varint(r);
    int64_t *scratch;
    enum status st = STATUS_OK;

    (void)s;
    if (r->overrun || number == 0 || number > BLOCK_SERIES_MAX || number > r->size * 2)
        return error_set(err, STATUS_CORRUPT, "an impossible number of series");
    scratch = malloc((size_t)number * sizeof *scratch);
    if (scratch == NULL)
        return error_set(err, STATUS_NO_MEMORY, "reference values");
    for (unsigned k = 0; k < table->shape[0].key_count && st == STATUS_OK; k++)
        st = column_decode(r, scratch, (size_t)number, err);
    free(scratch);
    *count = (size_t)number;
    for (size_t c = 0; bytes_left(r) > 0 && c < TABLE_METRICS_MAX; c++)
        state[c] = bytes_get_u8(r);
    return st == STATUS_OK && bytes_left(r) > 0 ? error_set(err, STATUS_CORRUPT, "its length") : st;
}

static enum status put(struct salvage *s, sqlite3_stmt *stmt, const struct chunk_place *place,
                       const uint8_t *data, size_t size, uint64_t *count, struct error *err)
{
    ++*count;
    s->result->chunks_kept++;
    return extract_put_chunk(&s->e, stmt, place, data, size, err);
}

/* Values that cannot be read become 0, and what is told by them is missing from then on. */
static enum status put_zeros(struct salvage *s, const struct recording_table *table,
                             const struct chunk_place *place, uint32_t column, size_t values,
                             sqlite3_stmt *stmt, uint64_t *count, struct error *err)
{
    int64_t *zero = calloc(values, sizeof *zero);
    char what[200];
    char why[200];

    (void)snprintf(why, sizeof why, "%.190s", err->message);
    if (zero == NULL)
        return error_set(err, STATUS_NO_MEMORY, "reference values");
    (void)snprintf(what, sizeof what, "reference values of %.100s, for blocks from here on",
                   column < table->metric_count ? table->metrics[column].name : "a metric");
    salvage_tell(s, table->name, what, why);
    s->result->chunks_kept--;
    bytes_reset(&s->base);
    bytes_reset(&s->groups);
    column_encode(zero, values, &s->base);
    free(zero);
    if (salvage_make(s, place, NULL, 0, err) != STATUS_OK ||
        salvage_replace(s, place, &s->made, err) != STATUS_OK ||
        lose(s, table->table_id, place->block_seq, column, err) != STATUS_OK)
        return err->status;
    return put(s, stmt, place, s->made.data, s->made.used, count, err);
}

static enum status put_column(struct salvage *s, const struct recording_table *table,
                              const struct chunk_place *place, uint32_t column, size_t values,
                              sqlite3_stmt *stmt, uint64_t *count, struct error *err)
{
    struct byte_reader content;
    const uint8_t *data = NULL;
    size_t size = 0;
    int64_t *scratch = malloc(values * sizeof *scratch);
    enum status st = scratch == NULL ? error_set(err, STATUS_NO_MEMORY, "reference values")
                                     : content_of(s, place, &data, &size, &content, err);

    if (st == STATUS_OK)
        st = column_decode(&content, scratch, values, err);
    if (st == STATUS_OK && bytes_left(&content) > 0)
        st = error_set(err, STATUS_CORRUPT, "its length is wrong");
    free(scratch);
    if (st == STATUS_ABSENT)
        st = error_set(err, STATUS_CORRUPT, "it is missing");
    if (st == STATUS_CORRUPT)
        return put_zeros(s, table, place, column, values, stmt, count, err);
    return st == STATUS_OK ? put(s, stmt, place, data, size, count, err) : st;
}

enum status salvage_references(struct salvage *s, const struct recording_table *table,
                               int64_t block_seq, sqlite3_stmt *stmt, uint64_t *count,
                               struct error *err)
{
    size_t number = (size_t)(table - s->e.rec->contents.tables), values = 0;
    struct chunk_place place = { .table_id = table->table_id,
                                 .block_seq = block_seq,
                                 .column_id = COLUMN_REFERENCE };
    uint8_t state[TABLE_METRICS_MAX] = { 0 };
    struct byte_reader content;
    const uint8_t *data = NULL;
    size_t size = 0;
    enum status st;

    *count = 0;
    if (block_seq <= s->settled_seq[number])
        return STATUS_OK;
    s->settled_seq[number] = block_seq;
    st = content_of(s, &place, &data, &size, &content, err);
    if (st == STATUS_OK)
        st = get_whom(s, table, &content, &values, state, err);
    if (st == STATUS_CORRUPT) {
        salvage_tell(s, table->name, "whom reference values are of, for blocks from here on",
                     err->message);
        return lose(s, table->table_id, block_seq, WHOM, err);
    }
    if (st == STATUS_OK)
        st = put(s, stmt, &place, data, size, count, err);
    for (uint32_t c = 0; c < TABLE_METRICS_MAX && st == STATUS_OK; c++) {
        place.column_id = COLUMN_REFERENCE + metric_column_id(c, 0);
        if (state[c] != 0)
            st = put_column(s, table, &place, c, values, stmt, count, err);
    }
    return st == STATUS_ABSENT ? STATUS_OK : st;
}
