/*
 * SQLite as the project uses it: opening for writing and for reading, prepared statements,
 * checksummed rows.
 *
 * A row outside the chunk and tail tables ends in `crc`: crc32c over the table's name and the
 * row's other columns (FORMAT.md, "Rows"). table_check holds the number of rows and the sum of
 * their crcs per table, so that a vanished row shows too.
 */
#ifndef SCHEMA_DATABASE_H
#define SCHEMA_DATABASE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "schema/error.h"

enum {
    FORMAT_MAJOR = 1,
    FORMAT_MINOR = 4,
    FORMAT_VERSION = FORMAT_MAJOR * 1000 + FORMAT_MINOR, /* PRAGMA user_version */
    APPLICATION_ID = 0x70736370,                         /* "pscp" */
    DATABASE_PAGE_BYTES = 1024,
};

/* The tables that table_check covers, in this order. */
#define CHECKED_TABLES(X)                                                                          \
    X(SESSION, session, 24)                                                                        \
    X(TIMELINE, timeline, 5)                                                                       \
    X(CAPABILITY, capability, 7)                                                                   \
    X(SAMPLES_TABLE, samples_table, 6)                                                             \
    X(METRIC, metric, 10)                                                                          \
    X(METRIC_COLUMN, metric_column, 7)                                                             \
    X(ENTITY, entity, 8)                                                                           \
    X(PROCESS, process, 12)                                                                        \
    X(PROCESS_VERSION, process_version, 13)                                                        \
    X(EVENT, event, 8)                                                                             \
    X(BLOCK, block, 12)

enum checked_table {
#define CHECKED_ENUM(id, name, columns) CHECKED_##id,
    CHECKED_TABLES(CHECKED_ENUM)
#undef CHECKED_ENUM
        CHECKED_COUNT
};
extern const char *const checked_table_name[CHECKED_COUNT];
extern const int checked_table_columns[CHECKED_COUNT]; /* crc included */

struct table_check {
    int64_t row_count;
    int64_t crc_sum;
    bool dirty; /* not written to table_check yet */
};

struct database {
    sqlite3 *handle;
    const char *path; /* of the caller, for messages */
    char *real_path;  /* without links: what lies beside the recording lies beside that */
    /* for reading, see database_guard.h */
    int64_t file_bytes;     /* of the recording as it was opened */
    int64_t all_bytes;      /* of it and its WAL: it has no more rows, nor bytes in them */
    bool damaged;           /* opened by database_open_damaged */
    uint32_t steps_most;    /* of a statement; 0: not bounded, nor are the bytes of rows */
    int64_t crc_bytes_left; /* of rows; negative: more were read than there can be */
    struct table_check check[CHECKED_COUNT];
    sqlite3_stmt *insert[CHECKED_COUNT];
    sqlite3_stmt *begin, *commit;
};

/* Turn SQLite's last error into ours: "PATH: WHAT: MESSAGE". */
enum status database_error(const struct database *db, struct error *err, const char *format, ...)
    PRINTF_LIKE(3, 4);

/*
 * Open for writing; create and lay out the tables if it is new or empty.
 *
 *   errors  INVALID (another kind of file), UNSUPPORTED (another major version), CORRUPT, IO, FULL
 */
MUST_USE enum status database_open_write(struct database *db, const char *path, struct error *err);

/* Open for reading only: see recording_open. */
MUST_USE enum status database_open_read(struct database *db, const char *path, struct error *err);

/*
 * The same for one that is damaged: what is cut off its end, and rows of table_check that are wrong, are
 * passed over; *checks_lost tells of the latter.
 */
MUST_USE enum status database_open_damaged(struct database *db, const char *path, bool *checks_lost,
                                           struct error *err);

void database_close(struct database *db);
/* Remove a file that was begun and closed, with its journal: that would be another's of its name. */
void database_remove(const char *path);

MUST_USE enum status database_exec(struct database *db, const char *sql, struct error *err);
/* Begin a transaction that writes, and commit it. */
MUST_USE enum status database_begin(struct database *db, struct error *err);
MUST_USE enum status database_commit(struct database *db, struct error *err);
/* Begin one that only reads, where the database is open for reading. */
MUST_USE enum status database_begin_reading(struct database *db, struct error *err);
MUST_USE enum status database_prepare(struct database *db, sqlite3_stmt **stmt, const char *sql,
                                      struct error *err);
/* One step: OK with a row, ABSENT at the end. */
MUST_USE enum status database_step(struct database *db, sqlite3_stmt *stmt, struct error *err);
/* A statement of numbers: its parameters, and the columns of its one row; ABSENT: it has none. */
MUST_USE enum status database_numbers(struct database *db, const char *sql,
                                      const int64_t parameters[], int parameter_count,
                                      int64_t values[], int value_count, struct error *err);
MUST_USE enum status database_number(struct database *db, const char *sql, int64_t *value,
                                     struct error *err);

/*
 * The statement that writes one row of a checked table; bind columns 1 to n - 1, not the crc.
 * Then database_insert.
 */
MUST_USE enum status database_row(struct database *db, enum checked_table table,
                                  sqlite3_stmt **stmt, struct error *err);
MUST_USE enum status database_insert(struct database *db, enum checked_table table,
                                     struct error *err);
/* Remove the row with that id from a checked table, ABSENT if there is none. */
MUST_USE enum status database_delete(struct database *db, enum checked_table table, int64_t id,
                                     struct error *err);

/* Write the changed table_check rows: before each commit. */
MUST_USE enum status database_write_checks(struct database *db, struct error *err);
MUST_USE enum status database_read_checks(struct database *db, struct error *err);

/*
 * Check the row a SELECT of all columns and then the computed crc stands on (database_select).
 *
 *   errors  CORRUPT naming table and id
 */
MUST_USE enum status database_check_row(struct database *db, enum checked_table table,
                                        sqlite3_stmt *stmt, struct error *err);
/* SELECT all columns and the computed crc of a checked table, then `rest` ("ORDER BY …"). */
MUST_USE enum status database_select(struct database *db, enum checked_table table,
                                     sqlite3_stmt **stmt, const char *rest, struct error *err);

/* Copy of a text column, "" for NULL; NULL when memory is out. */
char *database_text(sqlite3_stmt *stmt, int column);

#endif
