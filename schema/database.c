/* SQLite, opened for writing; rows with checksums. https://sqlite.org/c3ref/intro.html */
#include "schema/database.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/bytes.h"
#include "schema/database_guard.h"
#include "schema/database_private.h"
#include "schema/gather.h"
#include "schema/metric.h"
#include "tables_sql.h"

#define CHECKED_NAME(id, name, columns) #name,
const char *const checked_table_name[CHECKED_COUNT] = { CHECKED_TABLES(CHECKED_NAME) };
#define CHECKED_COLUMNS(id, name, columns) columns,
const int checked_table_columns[CHECKED_COUNT] = { CHECKED_TABLES(CHECKED_COLUMNS) };

static enum status status_of(int code)
{
    if (code == SQLITE_IOERR_NOMEM)
        return STATUS_NO_MEMORY;
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
        return STATUS_OK;
    case SQLITE_DONE:
        return STATUS_ABSENT;
    case SQLITE_FULL:
        return STATUS_FULL;
    case SQLITE_NOMEM:
        return STATUS_NO_MEMORY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_INTERRUPT: /* only too_many_steps does that: rows that the file has no room for */
    case SQLITE_TOOBIG:
    case SQLITE_AUTH:  /* a view for a table */
    case SQLITE_ERROR: /* our own SQL only fails when the schema is not what it was */
    case SQLITE_MISMATCH:
        return STATUS_CORRUPT;
    default:
        return STATUS_IO;
    }
}

enum status database_error(const struct database *db, struct error *err, const char *format, ...)
{
    char what[160];
    int code = db->handle == NULL ? SQLITE_NOMEM : sqlite3_extended_errcode(db->handle);
    va_list args;

    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return error_set(err, status_of(code) == STATUS_OK ? STATUS_IO : status_of(code), "%s: %s: %s",
                     db->path, what,
                     db->handle == NULL         ? "out of memory"
                     : code == SQLITE_INTERRUPT ? "more rows than the file has room for"
                                                : sqlite3_errmsg(db->handle));
}

/* One value in the canonical form that the row checksum covers; false when memory is out. */
static bool crc_value(uint32_t *crc, sqlite3_value *value)
{
    uint8_t head[9] = { (uint8_t)sqlite3_value_type(value) };
    const void *data;
    int64_t number;
    size_t size;

    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
        number = sqlite3_value_int64(value);
        for (int i = 0; i < 8; i++)
            head[1 + i] = (uint8_t)((uint64_t)number >> (8 * i));
        *crc = crc32c(*crc, head, 9);
        return true;
    case SQLITE_TEXT:
    case SQLITE_BLOB:
        data = head[0] == SQLITE_TEXT ? (const void *)sqlite3_value_text(value)
                                      : sqlite3_value_blob(value);
        size = (size_t)sqlite3_value_bytes(value);
        if (data == NULL && (size > 0 || head[0] == SQLITE_TEXT))
            return false;
        for (int i = 0; i < 4; i++)
            head[1 + i] = (uint8_t)(size >> (8 * i));
        *crc = crc32c(crc32c(*crc, head, 5), data, size);
        return true;
    default:
        *crc = crc32c(*crc, head, 1);
        return true;
    }
}

/* SQL: row_crc('table', column, …) */
static void row_crc(sqlite3_context *context, int count, sqlite3_value **values)
{
    uint32_t crc = crc32c(0, sqlite3_value_text(values[0]), (size_t)sqlite3_value_bytes(values[0]));
    struct database *db = sqlite3_user_data(context);

    for (int i = 1; i < count; i++) {
        if (!crc_value(&crc, values[i])) {
            sqlite3_result_error_nomem(context);
            return;
        }
        if (sqlite3_value_type(values[i]) >= SQLITE_TEXT) /* of a number it would make a text */
            db->crc_bytes_left -= sqlite3_value_bytes(values[i]);
    }
    if (db->steps_most > 0 && db->crc_bytes_left < 0) { /* rows that share their overflow pages */
        sqlite3_result_error(context, "its rows hold more bytes than the file", -1);
        return;
    }
    sqlite3_result_int64(context, crc);
}

enum status database_functions(struct database *db, struct error *err)
{
    if (sqlite3_create_function(db->handle, "row_crc", -1,
                                SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, db, row_crc,
                                NULL, NULL) != SQLITE_OK)
        return database_error(db, err, "row_crc");
    return STATUS_OK;
}

enum status database_exec(struct database *db, const char *sql, struct error *err)
{
    if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        return database_error(db, err, "%.60s", sql);
    return STATUS_OK;
}

enum status database_prepare(struct database *db, sqlite3_stmt **stmt, const char *sql,
                             struct error *err)
{
    if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL) != SQLITE_OK)
        return database_error(db, err, "%.60s", sql);
    return STATUS_OK;
}

enum status database_step(struct database *db, sqlite3_stmt *stmt, struct error *err)
{
    int code = sqlite3_step(stmt);

    if (code == SQLITE_ROW)
        return STATUS_OK;
    if (code == SQLITE_DONE)
        return STATUS_ABSENT;
    return database_error(db, err, "%.60s", sqlite3_sql(stmt));
}

/* One number from one row. */
static enum status query_int(struct database *db, const char *sql, int64_t *value,
                             struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    enum status st = database_prepare(db, &stmt, sql, err);

    if (st == STATUS_OK)
        st = database_step(db, stmt, err);
    if (st == STATUS_OK)
        *value = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt);
    return st;
}

enum status database_check_version(struct database *db, bool *empty, struct error *err)
{
    int64_t id = 0, version = 0, tables = 0;

    if (query_int(db, "PRAGMA application_id", &id, err) != STATUS_OK ||
        query_int(db, "PRAGMA user_version", &version, err) != STATUS_OK ||
        query_int(db, "SELECT EXISTS(SELECT 1 FROM sqlite_schema)", &tables, err) != STATUS_OK)
        return err->status == STATUS_CORRUPT
                   ? error_set(err, STATUS_INVALID, "%s: not a procscope recording (%s)", db->path,
                               sqlite3_errmsg(db->handle))
                   : err->status;
    *empty = tables == 0 && id == 0;
    if (*empty)
        return STATUS_OK;
    if (id != APPLICATION_ID)
        return error_set(err, STATUS_INVALID, "%s: not a procscope recording", db->path);
    if (version / 1000 != FORMAT_MAJOR)
        return error_set(err, STATUS_UNSUPPORTED,
                         "%s: format version %lld.%lld, this program reads %d.x; use the "
                         "procscope that wrote it",
                         db->path, (long long)(version / 1000), (long long)(version % 1000),
                         FORMAT_MAJOR);
    return STATUS_OK;
}

static enum status create_chunk_tables(struct database *db, struct error *err)
{
    static const char *const suffix[LEVEL_COUNT] = { "", "_60", "_3600" };

    for (size_t t = 0; t < TABLE_COUNT; t++)
        for (size_t level = 0; level < LEVEL_COUNT; level++) {
            char sql[160];

            (void)snprintf(sql, sizeof sql,
                           "CREATE TABLE IF NOT EXISTS %s_chunk%s(id INTEGER PRIMARY KEY, "
                           "data BLOB)",
                           samples_tables[t].name, suffix[level]);
            if (database_exec(db, sql, err) != STATUS_OK)
                return err->status;
        }
    return STATUS_OK;
}

/*
 * All in one transaction: a file that has the id and version has the tables too. One of an older
 * minor version gets those that it lacks.
 */
static enum status create(struct database *db, struct error *err)
{
    char sql[160];

    (void)snprintf(sql, sizeof sql, "BEGIN; PRAGMA application_id=%d; PRAGMA user_version=%d",
                   APPLICATION_ID, FORMAT_VERSION);
    if (database_exec(db, sql, err) != STATUS_OK)
        return err->status;
    if (database_exec(db, tables_sql, err) != STATUS_OK ||
        create_chunk_tables(db, err) != STATUS_OK || database_exec(db, "COMMIT", err) != STATUS_OK)
        return err->status;
    return STATUS_OK;
}

enum status database_open_write(struct database *db, const char *path, struct error *err)
{
    char sql[120];
    bool empty = false;
    int64_t version = FORMAT_VERSION;

    *db = (struct database){ .path = path, .real_path = realpath(path, NULL) };
    if (db->real_path != NULL && database_check_files(db, err) != STATUS_OK)
        return err->status;
    if (sqlite3_open_v2(path, &db->handle,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                            SQLITE_OPEN_EXRESCODE,
                        gather_vfs()) != SQLITE_OK)
        return database_error(db, err, "open for writing");
    (void)sqlite3_busy_timeout(db->handle, 5000);
    database_guard_writer(db);
    if (database_check_version(db, &empty, err) != STATUS_OK ||
        database_check_schema(db, err) != STATUS_OK)
        return err->status;
    (void)snprintf(sql, sizeof sql, "PRAGMA page_size=%d", DATABASE_PAGE_BYTES);
    if (database_exec(db, sql, err) != STATUS_OK || database_functions(db, err) != STATUS_OK)
        return err->status;
    if (!empty && query_int(db, "PRAGMA user_version", &version, err) != STATUS_OK)
        return err->status;
    if (version > FORMAT_VERSION)
        return error_set(err, STATUS_UNSUPPORTED,
                         "%s: written by a newer procscoped (format %lld.%lld); record to another "
                         "file, or with that version",
                         db->path, (long long)(version / 1000), (long long)(version % 1000));
    if ((empty || version < FORMAT_VERSION) && create(db, err) != STATUS_OK)
        return err->status;
    if (database_exec(db,
                      "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
                      "PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-1536; "
                      "PRAGMA secure_delete=0",
                      err) != STATUS_OK)
        return err->status;
    return database_read_checks(db, err);
}

/* A statement of every tick is prepared once. */
static enum status run(struct database *db, sqlite3_stmt **stmt, const char *sql, struct error *err)
{
    enum status st;

    if (*stmt == NULL && database_prepare(db, stmt, sql, err) != STATUS_OK)
        return err->status;
    st = database_step(db, *stmt, err);
    (void)sqlite3_reset(*stmt);
    return st == STATUS_ABSENT ? STATUS_OK : st;
}

enum status database_begin(struct database *db, struct error *err)
{
    return run(db, &db->begin, "BEGIN IMMEDIATE", err);
}

enum status database_begin_reading(struct database *db, struct error *err)
{
    return run(db, &db->begin, "BEGIN", err);
}

enum status database_commit(struct database *db, struct error *err)
{
    return run(db, &db->commit, "COMMIT", err);
}

void database_close(struct database *db)
{
    (void)sqlite3_finalize(db->begin);
    (void)sqlite3_finalize(db->commit);
    for (size_t t = 0; t < CHECKED_COUNT; t++)
        (void)sqlite3_finalize(db->insert[t]);
    (void)sqlite3_close_v2(db->handle);
    free(db->real_path);
    *db = (struct database){ 0 };
}

enum status database_numbers(struct database *db, const char *sql, const int64_t parameters[],
                             int parameter_count, int64_t values[], int value_count,
                             struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    enum status st = database_prepare(db, &stmt, sql, err);

    for (int i = 0; i < parameter_count && st == STATUS_OK; i++)
        (void)sqlite3_bind_int64(stmt, i + 1, parameters[i]);
    if (st == STATUS_OK)
        st = database_step(db, stmt, err);
    for (int i = 0; i < value_count && st == STATUS_OK; i++)
        values[i] = sqlite3_column_int64(stmt, i);
    (void)sqlite3_finalize(stmt);
    return st;
}

enum status database_number(struct database *db, const char *sql, int64_t *value, struct error *err)
{
    return database_numbers(db, sql, NULL, 0, value, 1, err);
}

enum status database_row(struct database *db, enum checked_table table, sqlite3_stmt **stmt,
                         struct error *err)
{
    int columns = checked_table_columns[table] - 1;
    char sql[512];
    int used;

    if (db->insert[table] == NULL) {
        used = snprintf(sql, sizeof sql, "INSERT INTO %s VALUES(", checked_table_name[table]);
        for (int i = 1; i <= columns; i++)
            used += snprintf(sql + used, sizeof sql - (size_t)used, "?%d,", i);
        used += snprintf(sql + used, sizeof sql - (size_t)used, "row_crc('%s'",
                         checked_table_name[table]);
        for (int i = 1; i <= columns; i++)
            used += snprintf(sql + used, sizeof sql - (size_t)used, ",?%d", i);
        (void)snprintf(sql + used, sizeof sql - (size_t)used, ")) RETURNING crc");
        if (database_prepare(db, &db->insert[table], sql, err) != STATUS_OK)
            return err->status;
    }
    (void)sqlite3_reset(db->insert[table]);
    (void)sqlite3_clear_bindings(db->insert[table]);
    *stmt = db->insert[table];
    return STATUS_OK;
}

enum status database_insert(struct database *db, enum checked_table table, struct error *err)
{
    sqlite3_stmt *stmt = db->insert[table];
    enum status st = database_step(db, stmt, err);

    if (st == STATUS_OK) {
        int64_t crc = sqlite3_column_int64(stmt, 0);

        st = database_step(db, stmt, err); /* RETURNING: the row is in after the last step */
        if (st == STATUS_ABSENT) {
            db->check[table].row_count++;
            db->check[table].crc_sum += crc;
            db->check[table].dirty = true;
            st = STATUS_OK;
        }
    }
    (void)sqlite3_reset(stmt);
    return st;
}

enum status database_delete(struct database *db, enum checked_table table, int64_t id,
                            struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    char sql[120];
    enum status st;

    (void)snprintf(sql, sizeof sql, "DELETE FROM %s WHERE rowid=?1 RETURNING crc",
                   checked_table_name[table]);
    st = database_prepare(db, &stmt, sql, err);
    if (st == STATUS_OK) {
        (void)sqlite3_bind_int64(stmt, 1, id);
        st = database_step(db, stmt, err);
    }
    if (st == STATUS_OK) {
        db->check[table].row_count--;
        db->check[table].crc_sum -= sqlite3_column_int64(stmt, 0);
        db->check[table].dirty = true;
    }
    (void)sqlite3_finalize(stmt);
    return st;
}

enum status database_write_checks(struct database *db, struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    enum status st = STATUS_OK;

    for (size_t t = 0; t < CHECKED_COUNT && st == STATUS_OK; t++) {
        if (!db->check[t].dirty)
            continue;
        if (stmt == NULL)
            st = database_prepare(db, &stmt,
                                  "INSERT OR REPLACE INTO table_check VALUES(?1,?2,?3,"
                                  "row_crc('table_check',?1,?2,?3))",
                                  err);
        if (st != STATUS_OK)
            break;
        (void)sqlite3_bind_text(stmt, 1, checked_table_name[t], -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(stmt, 2, db->check[t].row_count);
        (void)sqlite3_bind_int64(stmt, 3, db->check[t].crc_sum);
        st = database_step(db, stmt, err);
        st = st == STATUS_ABSENT ? STATUS_OK : st;
        (void)sqlite3_reset(stmt);
        db->check[t].dirty = st != STATUS_OK;
    }
    (void)sqlite3_finalize(stmt);
    return st;
}

enum status database_read_checks(struct database *db, struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    enum status st = database_prepare(db, &stmt,
                                      "SELECT name, row_count, crc_sum, crc, "
                                      "row_crc('table_check', name, row_count, crc_sum) "
                                      "FROM table_check",
                                      err);

    memset(db->check, 0, sizeof db->check);
    while (st == STATUS_OK && (st = database_step(db, stmt, err)) == STATUS_OK) {
        const char *name = (const char *)sqlite3_column_text(stmt, 0);

        if (name == NULL && sqlite3_errcode(db->handle) == SQLITE_NOMEM) {
            st = error_set(err, STATUS_NO_MEMORY, "%s: table_check", db->path);
            break;
        }
        if (name == NULL || sqlite3_column_int64(stmt, 3) != sqlite3_column_int64(stmt, 4)) {
            st = error_set(err, STATUS_CORRUPT, "%s: table_check: a row's checksum is wrong",
                           db->path);
            break;
        }
        for (size_t t = 0; t < CHECKED_COUNT; t++)
            if (strcmp(name, checked_table_name[t]) == 0)
                db->check[t] = (struct table_check){ .row_count = sqlite3_column_int64(stmt, 1),
                                                     .crc_sum = sqlite3_column_int64(stmt, 2) };
    }
    (void)sqlite3_finalize(stmt);
    return st == STATUS_ABSENT ? STATUS_OK : st;
}

enum status database_check_row(struct database *db, enum checked_table table, sqlite3_stmt *stmt,
                               struct error *err)
{
    int columns = checked_table_columns[table];

    if (sqlite3_column_int64(stmt, columns - 1) != sqlite3_column_int64(stmt, columns))
        return error_set(err, STATUS_CORRUPT, "%s: %s row %lld: its checksum is wrong", db->path,
                         checked_table_name[table], (long long)sqlite3_column_int64(stmt, 0));
    return STATUS_OK;
}

enum status database_select(struct database *db, enum checked_table table, sqlite3_stmt **stmt,
                            const char *rest, struct error *err)
{
    char names[512] = "";
    char sql[1400];
    size_t used = 0;
    sqlite3_stmt *probe = NULL;
    enum status st;

    (void)snprintf(sql, sizeof sql, "SELECT * FROM %s LIMIT 0", checked_table_name[table]);
    st = database_prepare(db, &probe, sql, err);
    if (st == STATUS_OK && sqlite3_column_count(probe) < checked_table_columns[table])
        st = error_set(err, STATUS_CORRUPT, "%s: %s has lost columns", db->path,
                       checked_table_name[table]);
    for (int i = 0; st == STATUS_OK && i < checked_table_columns[table] - 1; i++) {
        /* database_check_schema has seen to it that a name needs no more than quotes */
        int wrote =
            snprintf(names + used, sizeof names - used, ",\"%s\"", sqlite3_column_name(probe, i));

        used += (size_t)wrote;
        if (used >= sizeof names)
            st = error_set(err, STATUS_CORRUPT, "%s: %s has odd columns", db->path,
                           checked_table_name[table]);
    }
    (void)sqlite3_finalize(probe);
    if (st != STATUS_OK)
        return st;
    (void)snprintf(sql, sizeof sql, "SELECT %s,crc,row_crc('%s'%s) FROM %s %s", names + 1,
                   checked_table_name[table], names, checked_table_name[table], rest);
    return database_prepare(db, stmt, sql, err);
}

char *database_text(sqlite3_stmt *stmt, int column)
{
    bool null = sqlite3_column_type(stmt, column) == SQLITE_NULL;
    const void *text = sqlite3_column_text(stmt, column);
    size_t size = (size_t)sqlite3_column_bytes(stmt, column);
    char *copy = text == NULL && !null ? NULL : malloc(size + 1);

    if (copy == NULL)
        return NULL;
    if (text != NULL && size > 0)
        memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}
