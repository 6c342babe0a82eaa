/*
 * A chunk, or of it some groups, by way of SQLite's incremental blob I/O (https://sqlite.org/c3ref/blob_open.html):
 * behind the header come the base frame and the groups' frames, and the header tells how long they are.
 */
#include "schema/chunk_store.h"

enum { HEAD_BYTES = 512 }; /* most headers are shorter */

/* Bytes of the chunk. */
struct span {
    size_t first, end;
};

static bool find_row(const struct chunk_store *store, struct chunk_statement *statement,
                     const struct chunk_place *place)
{
    const char *table = store->table_name(store->context, place->table_id);
    char name[160];
    int code;

    if (statement->row != NULL) {
        code = sqlite3_blob_reopen(statement->row, chunk_row_id(place));
    } else {
        (void)chunk_store_table(place, table == NULL ? "" : table, name, sizeof name);
        code = sqlite3_blob_open(store->db->handle, "main", name, "data", chunk_row_id(place), 0,
                                 &statement->row);
    }
    if (code == SQLITE_OK)
        return true;
    (void)sqlite3_blob_close(statement->row);
    statement->row = NULL;
    return false;
}

/* Where the base frame ends, and where the groups are; chunk_get checks what is said there. */
static bool find_groups(const uint8_t *data, size_t head, size_t size,
                        const struct chunk_place *place, size_t *base_end, struct span *groups)
{
    struct byte_reader r = { .data = data, .size = head, .used = 2 };
    uint64_t count, at;

    for (int i = 0; i < 3; i++) /* table, block and column */
        (void)bytes_get_varint(&r);
    at = bytes_get_varint(&r);
    count = bytes_get_varint(&r);
    if (r.overrun || at > size || count > head || place->end_group > count)
        return false;
    *groups = (struct span){ 0, 0 };
    *base_end = (size_t)at;
    for (uint64_t g = 0; g < count; g++) {
        groups->first += g == place->first_group ? (size_t)at : 0;
        at += bytes_get_varint(&r);
        if (r.overrun || at > size)
            return false;
        groups->end += g + 1 == place->end_group ? (size_t)at : 0;
    }
    at = r.used + sizeof(uint32_t); /* the header's checksum */
    *base_end += (size_t)at;
    groups->first += (size_t)at;
    groups->end += (size_t)at;
    return groups->end <= size;
}

static bool read_span(const struct chunk_store *store, sqlite3_blob *row, struct span span)
{
    return span.first >= span.end ||
           sqlite3_blob_read(row, store->part.data + span.first, (int)(span.end - span.first),
                             (int)span.first) == SQLITE_OK;
}

/* What the place asks for. False: it cannot be read so. */
static bool read_groups(const struct chunk_store *store, sqlite3_blob *row,
                        const struct chunk_place *place, size_t size)
{
    struct span head = { 0, HEAD_BYTES }, base = { HEAD_BYTES, 0 }, groups;

    if (place->end_group == 0 || size <= HEAD_BYTES)
        return read_span(store, row, (struct span){ 0, size });
    if (!read_span(store, row, head) ||
        !find_groups(store->part.data, head.end, size, place, &base.end, &groups))
        return false;
    groups.first = groups.first < head.end ? head.end : groups.first;
    if (base.end == groups.first) /* one behind the other */
        return read_span(store, row, (struct span){ head.end, groups.end });
    return read_span(store, row, base) && read_span(store, row, groups);
}

enum status chunk_part_get(struct chunk_store *store, struct chunk_statement *statement,
                           const struct chunk_place *place, const uint8_t **data, size_t *size,
                           struct error *err)
{
    int bytes;

    if (!find_row(store, statement, place))
        return STATUS_ABSENT;
    bytes = sqlite3_blob_bytes(statement->row);
    if (bytes <= 0 || bytes > store->db->all_bytes)
        return STATUS_ABSENT;
    bytes_reset(&store->part);
    if (!bytes_reserve(&store->part, (size_t)bytes))
        return error_set(err, STATUS_NO_MEMORY, "chunk");
    if (!read_groups(store, statement->row, place, (size_t)bytes))
        return STATUS_ABSENT;
    *data = store->part.data;
    *size = (size_t)bytes;
    return STATUS_OK;
}
