/* One prepared SELECT by id per chunk table. */
#include "schema/chunk_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "schema/usage.h"

const char *chunk_store_table(const struct chunk_place *place, const char *table, char *name,
                              size_t size)
{
    static const char *const suffix[LEVEL_COUNT] = { "", "_60", "_3600" };

    if (place->table_id == LIFETIME_TABLE)
        return "process_lifetime_chunk";
    if (place->table_id == STRING_TABLE)
        return "string_chunk";
    if (place->table_id == USAGE_RUN_TABLE)
        return "process_usage_chunk";
    if (place->table_id == USAGE_HOUR_TABLE)
        return "process_hour_chunk";
    (void)snprintf(name, size, "%s_chunk%s", table, suffix[place->level % LEVEL_COUNT]);
    return name;
}

static enum status prepare(struct chunk_store *store, const struct chunk_place *place,
                           struct chunk_statement **statement, struct error *err)
{
    const char *table = store->table_name(store->context, place->table_id);
    struct chunk_statement *larger;
    sqlite3_stmt *stmt;
    char name[160];
    char *sql;
    enum status st;

    for (size_t i = 0; i < store->statement_count; i++)
        if (store->statements[i].level == place->level &&
            store->statements[i].table_id == place->table_id) {
            *statement = &store->statements[i];
            return STATUS_OK;
        }
    larger = realloc(store->statements, (store->statement_count + 1) * sizeof *larger);
    if (larger == NULL)
        return error_set(err, STATUS_NO_MEMORY, "chunks");
    store->statements = larger;
    sql = sqlite3_mprintf("SELECT data FROM \"%w\" WHERE id=?1",
                          chunk_store_table(place, table == NULL ? "" : table, name, sizeof name));
    if (sql == NULL)
        return error_set(err, STATUS_NO_MEMORY, "chunks");
    st = database_prepare(store->db, &stmt, sql, err);
    sqlite3_free(sql);
    if (st != STATUS_OK)
        return st;
    *statement = &store->statements[store->statement_count++];
    **statement = (struct chunk_statement){ place->level, place->table_id, stmt, NULL };
    return STATUS_OK;
}

enum status chunk_store_get(void *context, const struct chunk_place *place, const uint8_t **data,
                            size_t *size, struct error *err)
{
    struct chunk_store *store = context;
    struct chunk_statement *statement;
    sqlite3_stmt *stmt;
    enum status st = prepare(store, place, &statement, err);

    if (st == STATUS_OK && store->db->all_bytes > 0) { /* open for reading */
        st = chunk_part_get(store, statement, place, data, size, err);
        if (st != STATUS_ABSENT)
            return st;
        st = STATUS_OK;
    }
    if (st != STATUS_OK)
        return st;
    stmt = statement->get;
    (void)sqlite3_reset(stmt);
    (void)sqlite3_bind_int64(stmt, 1, chunk_row_id(place));
    st = database_step(store->db, stmt, err);
    if (st != STATUS_OK)
        return st;
    *data = sqlite3_column_blob(stmt, 0);
    *size = (size_t)sqlite3_column_bytes(stmt, 0);
    if (*data == NULL)
        return sqlite3_errcode(store->db->handle) == SQLITE_NOMEM
                   ? error_set(err, STATUS_NO_MEMORY, "chunk")
                   : error_set(err, STATUS_CORRUPT, "it is empty");
    return STATUS_OK;
}

/* End the read transactions that the statements hold open. */
void chunk_store_reset(struct chunk_store *store)
{
    for (size_t i = 0; i < store->statement_count; i++) {
        (void)sqlite3_reset(store->statements[i].get);
        (void)sqlite3_blob_close(store->statements[i].row);
        store->statements[i].row = NULL;
    }
}

void chunk_store_release(struct chunk_store *store)
{
    chunk_store_reset(store);
    for (size_t i = 0; i < store->statement_count; i++)
        (void)sqlite3_finalize(store->statements[i].get);
    bytes_release(&store->part);
    free(store->statements);
    store->statements = NULL;
    store->statement_count = 0;
}
