/* An operation is a byte that says which, then its fields; a row's columns are typed values. */
#include "recorder/pending.h"

#include <stdio.h>

#include "schema/chunk_store.h"
#include "schema/usage.h"

enum operation { OPERATION_ROW, OPERATION_CHUNK, OPERATION_TAIL, OPERATION_CLEAR_TAIL };
enum { VALUE_NULL, VALUE_INT, VALUE_TEXT, VALUE_BLOB };
enum { KEPT_BYTES = 1 << 18 };

/* --- noting them --- */

static enum status check(const struct pending *pending, struct error *err)
{
    return pending->bytes.full ? error_set(err, STATUS_NO_MEMORY, "rows to be stored") : STATUS_OK;
}

void pending_row(struct pending *pending, enum checked_table table, bool replace)
{
    bytes_put_u8(&pending->bytes, OPERATION_ROW);
    bytes_put_u8(&pending->bytes, (uint8_t)table);
    bytes_put_u8(&pending->bytes, replace);
}

void pending_int(struct pending *pending, int64_t value)
{
    bytes_put_u8(&pending->bytes, VALUE_INT);
    bytes_put_zigzag(&pending->bytes, value);
}

void pending_null(struct pending *pending)
{
    bytes_put_u8(&pending->bytes, VALUE_NULL);
}

void pending_time(struct pending *pending, int64_t time_ns)
{
    if (time_ns == INT64_MIN)
        pending_null(pending);
    else
        pending_int(pending, time_ns);
}

void pending_text_of(struct pending *pending, const char *text, size_t size)
{
    bytes_put_u8(&pending->bytes, VALUE_TEXT);
    bytes_put_block(&pending->bytes, text, size);
}

void pending_text(struct pending *pending, const char *text)
{
    if (text == NULL)
        pending_null(pending);
    else
        pending_text_of(pending, text, strlen(text));
}

void pending_blob(struct pending *pending, const void *data, size_t size)
{
    if (data == NULL) {
        pending_null(pending);
        return;
    }
    bytes_put_u8(&pending->bytes, VALUE_BLOB);
    bytes_put_block(&pending->bytes, data, size);
}

enum status pending_row_end(struct pending *pending, struct error *err)
{
    return check(pending, err);
}

enum status pending_chunk(struct pending *pending, const struct chunk_place *place,
                          const struct byte_writer *chunk, struct error *err)
{
    bytes_put_u8(&pending->bytes, OPERATION_CHUNK);
    bytes_put_u8(&pending->bytes, (uint8_t)place->level);
    bytes_put_varint(&pending->bytes, place->table_id);
    bytes_put_zigzag(&pending->bytes, chunk_row_id(place));
    bytes_put_block(&pending->bytes, chunk->data, chunk->used);
    return check(pending, err);
}

enum status pending_tail(struct pending *pending, int64_t id, const struct byte_writer *record,
                         struct error *err)
{
    bytes_put_u8(&pending->bytes, OPERATION_TAIL);
    bytes_put_zigzag(&pending->bytes, id);
    bytes_put_block(&pending->bytes, record->data, record->used);
    return check(pending, err);
}

enum status pending_clear_tail(struct pending *pending, struct error *err)
{
    bytes_put_u8(&pending->bytes, OPERATION_CLEAR_TAIL);
    return check(pending, err);
}

/* --- doing them --- */

static void bind_value(sqlite3_stmt *stmt, int column, struct byte_reader *r, int64_t *number)
{
    uint8_t type = bytes_get_u8(r);
    const uint8_t *data;
    size_t size;

    if (type == VALUE_NULL)
        return; /* bindings are cleared */
    if (type == VALUE_INT) {
        *number = bytes_get_zigzag(r);
        (void)sqlite3_bind_int64(stmt, column, *number);
        return;
    }
    data = bytes_get_block(r, &size);
    if (size == 0)
        data = (const uint8_t *)""; /* NULL would be a null */
    if (type == VALUE_TEXT)
        (void)sqlite3_bind_text(stmt, column, (const char *)data, (int)size, SQLITE_STATIC);
    else
        (void)sqlite3_bind_blob(stmt, column, data, (int)size, SQLITE_STATIC);
}

static enum status store_row(struct database *db, struct byte_reader *r, struct error *err)
{
    enum checked_table table = (enum checked_table)bytes_get_u8(r);
    bool replace = bytes_get_u8(r) != 0;
    sqlite3_stmt *stmt;
    int64_t id = 0, unused;
    enum status st = STATUS_OK;

    if (database_row(db, table, &stmt, err) != STATUS_OK)
        return err->status;
    for (int column = 1; column < checked_table_columns[table]; column++)
        bind_value(stmt, column, r, column == 1 ? &id : &unused);
    if (replace)
        st = database_delete(db, table, id, err);
    return st == STATUS_OK || st == STATUS_ABSENT ? database_insert(db, table, err) : st;
}

/* "INSERT INTO TABLE VALUES(id, data)", then again. */
static enum status store_blob(struct database *db, sqlite3_stmt *stmt, int64_t id,
                              struct byte_reader *r, struct error *err)
{
    size_t size;
    const uint8_t *data = bytes_get_block(r, &size);
    enum status st;

    (void)sqlite3_bind_int64(stmt, 1, id);
    (void)sqlite3_bind_blob64(stmt, 2, data, size, SQLITE_STATIC);
    st = database_step(db, stmt, err);
    (void)sqlite3_reset(stmt);
    (void)sqlite3_clear_bindings(stmt);
    return st == STATUS_ABSENT ? STATUS_OK : st;
}

static size_t chunk_index(const struct chunk_place *place)
{
    if (place->table_id == LIFETIME_TABLE)
        return LEVEL_COUNT * TABLE_COUNT;
    if (place->table_id == STRING_TABLE)
        return LEVEL_COUNT * TABLE_COUNT + 1;
    if (place->table_id == USAGE_RUN_TABLE)
        return LEVEL_COUNT * TABLE_COUNT + 2;
    return place->level * TABLE_COUNT + place->table_id;
}

static enum status store_chunk(struct pending *pending, struct database *db, struct byte_reader *r,
                               struct error *err)
{
    struct chunk_place place = { .level = bytes_get_u8(r) };
    sqlite3_stmt **stmt;
    int64_t id;

    place.table_id = (uint32_t)bytes_get_varint(r);
    id = bytes_get_zigzag(r);
    stmt = &pending->insert_chunk[chunk_index(&place)];
    if (*stmt == NULL) {
        char name[120], sql[160];

        (void)snprintf(sql, sizeof sql, "%s INTO %s VALUES(?1,?2)",
                       place.table_id == USAGE_RUN_TABLE ? "REPLACE" : "INSERT",
                       chunk_store_table(&place, samples_tables[place.table_id % TABLE_COUNT].name,
                                         name, sizeof name));
        if (database_prepare(db, stmt, sql, err) != STATUS_OK)
            return err->status;
    }
    return store_blob(db, *stmt, id, r, err);
}

static enum status store_tail(struct pending *pending, struct database *db, struct byte_reader *r,
                              struct error *err)
{
    int64_t id = bytes_get_zigzag(r);

    if (pending->insert_tail == NULL &&
        database_prepare(db, &pending->insert_tail, "INSERT INTO tail VALUES(?1,?2)", err) !=
            STATUS_OK)
        return err->status;
    return store_blob(db, pending->insert_tail, id, r, err);
}

enum status pending_store(struct pending *pending, struct database *db, struct error *err)
{
    struct byte_reader r = { .data = pending->bytes.data, .size = pending->bytes.used };
    enum status st = check(pending, err);

    while (st == STATUS_OK && bytes_left(&r) > 0) {
        switch ((enum operation)bytes_get_u8(&r)) {
        case OPERATION_ROW:
            st = store_row(db, &r, err);
            break;
        case OPERATION_CHUNK:
            st = store_chunk(pending, db, &r, err);
            break;
        case OPERATION_TAIL:
            st = store_tail(pending, db, &r, err);
            break;
        case OPERATION_CLEAR_TAIL:
            st = database_exec(db, "DELETE FROM tail", err);
            break;
        }
    }
    return st;
}

void pending_forget(struct pending *pending)
{
    if (pending->bytes.size > KEPT_BYTES)
        bytes_release(&pending->bytes);
    bytes_reset(&pending->bytes);
}

void pending_release(struct pending *pending)
{
    (void)sqlite3_finalize(pending->insert_tail);
    for (size_t i = 0; i < sizeof pending->insert_chunk / sizeof *pending->insert_chunk; i++)
        (void)sqlite3_finalize(pending->insert_chunk[i]);
    bytes_release(&pending->bytes);
    *pending = (struct pending){ 0 };
}
