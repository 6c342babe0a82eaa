/* procscope sql: one statement over the tables of a recording. */
#include <stdlib.h>
#include <string.h>

#include "analyzer/command.h"
#include "analyzer/options.h"
#include "analyzer/sql_module.h"

static const char help[] =
    "usage: procscope sql [FILE] 'SELECT ...' [OPTION...]\n\n"
    "Every table of procscope export is a table here, with the same columns (NAME_60 and NAME_3600 "
    "are\n"
    "not), and:\n\n"
    "  usage             the report by process, all columns: of the whole recording, or\n"
    "                    WHERE from_ns = X AND to_ns = Y of what was sampled in X < time <= Y\n"
    "  top               the 20 processes with the most CPU time\n"
    "  busiest_minutes   minutes by the CPU time of all processes\n"
    "  lifetimes         who ran when, and for how long\n\n"
    "Only columns that are used are decoded, and only the time and the process that a condition "
    "on\n"
    "time_ns or process_id (entity_id) leaves. Missing is NULL. The same tables in any program "
    "with\n"
    "SQLite: load the extension procscope, then SELECT procscope_open('FILE').\n\n"
    "  procscope sql 'SELECT comm, sum(cpu_seconds) FROM usage GROUP BY comm ORDER BY 2 DESC'\n";

enum { LOOK_ROWS = 1000 }; /* to find out what a column holds */

/* A result: SQLite's columns have no types, those of the output have. */
struct result {
    sqlite3 *db;
    sqlite3_stmt *stmt;
    size_t count;
    struct output_column *column;
    struct output_cell *cell; /* of one row */
    sqlite3_value **kept;     /* [kept_rows][count] the first rows */
    size_t kept_rows;
};

static enum status sqlite_failed(sqlite3 *db, struct error *err)
{
    int code = sqlite3_errcode(db);
    enum status st = (code & 0xff) == SQLITE_CORRUPT ? STATUS_CORRUPT
                     : (code & 0xff) == SQLITE_NOMEM ? STATUS_NO_MEMORY
                                                     : STATUS_IO;

    return error_set(err, st, "%s", sqlite3_errmsg(db));
}

/* The word itself is at fault, not the recording. */
static enum status bad_statement(sqlite3 *db, struct error *err)
{
    enum status st = sqlite_failed(db, err);

    return st == STATUS_IO ? (err->status = STATUS_INVALID) : st;
}

static enum status prepare(struct result *r, const char *path, const char *text, struct error *err)
{
    const char *rest = NULL;
    sqlite3_stmt *open = NULL;
    int code;

    if (sqlite3_open_v2(":memory:", &r->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY, NULL) !=
            SQLITE_OK ||
        sql_module_register(r->db) != SQLITE_OK ||
        sqlite3_prepare_v2(r->db, "SELECT procscope_open(?1)", -1, &open, NULL) != SQLITE_OK)
        return sqlite_failed(r->db, err);
    (void)sqlite3_bind_text(open, 1, path, -1, SQLITE_STATIC);
    code = sqlite3_step(open);
    if (code != SQLITE_ROW)
        (void)sqlite_failed(r->db, err);
    (void)sqlite3_finalize(open);
    if (code != SQLITE_ROW)
        return err->status;
    if (sqlite3_prepare_v2(r->db, text, -1, &r->stmt, &rest) != SQLITE_OK)
        return bad_statement(r->db, err);
    if (r->stmt == NULL)
        return error_set(err, STATUS_INVALID, "that is no statement of SQL");
    if (rest[strspn(rest, " \t\r\n;")] != '\0')
        return error_set(err, STATUS_INVALID, "one statement at a time, not also: %.60s", rest);
    r->count = (size_t)sqlite3_column_count(r->stmt);
    r->column = calloc(r->count + 1, sizeof *r->column);
    r->cell = calloc(r->count + 1, sizeof *r->cell);
    return r->column == NULL || r->cell == NULL ? error_set(err, STATUS_NO_MEMORY, "columns")
                                                : STATUS_OK;
}

/* What a column holds so far, and what it must hold for this value, too. */
static enum output_type widened(enum output_type type, bool any, int value)
{
    enum output_type wanted = value == SQLITE_INTEGER ? OUTPUT_INTEGER
                              : value == SQLITE_FLOAT ? OUTPUT_REAL
                                                      : OUTPUT_TEXT;

    if (value == SQLITE_NULL || (any && type == wanted))
        return type;
    if (!any)
        return wanted;
    return type != OUTPUT_TEXT && wanted != OUTPUT_TEXT ? OUTPUT_REAL : OUTPUT_TEXT;
}

static enum status fill_cell(const struct output_column *column, sqlite3_value *value,
                             struct output_cell *cell, struct error *err)
{
    int type = sqlite3_value_type(value);

    *cell = (struct output_cell){ .missing = type == SQLITE_NULL };
    if (type == SQLITE_NULL)
        return STATUS_OK;
    if (column->type == OUTPUT_TEXT) {
        cell->text = type == SQLITE_BLOB ? sqlite3_value_blob(value)
                                         : (const char *)sqlite3_value_text(value);
        cell->text_size = (size_t)sqlite3_value_bytes(value);
    } else if (column->type == OUTPUT_INTEGER && type == SQLITE_INTEGER) {
        cell->integer = sqlite3_value_int64(value);
    } else if (column->type == OUTPUT_REAL && (type == SQLITE_INTEGER || type == SQLITE_FLOAT)) {
        cell->real = sqlite3_value_double(value);
    } else {
        return error_set(err, STATUS_INVALID,
                         "column %s holds whole numbers, and then something else: say CAST(... AS "
                         "TEXT) or AS REAL",
                         column->name);
    }
    return STATUS_OK;
}

/* The first rows, and of what type all of them can be. */
static enum status look(struct result *r, struct error *err)
{
    bool *any = calloc(r->count + 1, sizeof *any);
    int code = SQLITE_ROW;

    r->kept = calloc(LOOK_ROWS * r->count + 1, sizeof(sqlite3_value *));
    if (any == NULL || r->kept == NULL) {
        free(any);
        return error_set(err, STATUS_NO_MEMORY, "columns");
    }
    for (size_t i = 0; i < r->count; i++)
        r->column[i] = (struct output_column){ .name = sqlite3_column_name(r->stmt, (int)i),
                                               .type = OUTPUT_TEXT };
    while (r->kept_rows < LOOK_ROWS && (code = sqlite3_step(r->stmt)) == SQLITE_ROW) {
        for (size_t i = 0; i < r->count; i++) {
            int type = sqlite3_column_type(r->stmt, (int)i);

            r->column[i].type = widened(r->column[i].type, any[i], type);
            any[i] |= type != SQLITE_NULL;
            r->kept[r->kept_rows * r->count + i] =
                sqlite3_value_dup(sqlite3_column_value(r->stmt, (int)i));
        }
        r->kept_rows++;
    }
    free(any);
    return code == SQLITE_ROW || code == SQLITE_DONE ? STATUS_OK : sqlite_failed(r->db, err);
}

static enum status write_kept(struct result *r, struct output *output, struct error *err)
{
    for (size_t row = 0; row < r->kept_rows; row++) {
        for (size_t i = 0; i < r->count; i++) {
            sqlite3_value *value = r->kept[row * r->count + i];

            if (value == NULL)
                return error_set(err, STATUS_NO_MEMORY, "rows");
            if (fill_cell(&r->column[i], value, &r->cell[i], err) != STATUS_OK)
                return err->status;
        }
        output_row(output, r->cell, OUTPUT_NORMAL);
    }
    return STATUS_OK;
}

static enum status write_rest(struct result *r, struct output *output, struct error *err)
{
    int code = r->kept_rows < LOOK_ROWS ? SQLITE_DONE : SQLITE_ROW;

    while (code == SQLITE_ROW && !output_broken(output) &&
           (code = sqlite3_step(r->stmt)) == SQLITE_ROW) {
        for (size_t i = 0; i < r->count; i++)
            if (fill_cell(&r->column[i], sqlite3_column_value(r->stmt, (int)i), &r->cell[i], err) !=
                STATUS_OK)
                return err->status;
        output_row(output, r->cell, OUTPUT_NORMAL);
    }
    return code == SQLITE_ROW || code == SQLITE_DONE ? STATUS_OK : sqlite_failed(r->db, err);
}

static void release(struct result *r)
{
    for (size_t i = 0; i < r->kept_rows * r->count; i++)
        sqlite3_value_free(r->kept[i]);
    free(r->kept);
    free(r->column);
    free(r->cell);
    (void)sqlite3_finalize(r->stmt);
    (void)sqlite3_close_v2(r->db);
}

static enum status print(struct result *r, const struct options *options,
                         const struct subject *subject, struct error *err)
{
    struct output_options how;
    struct output output;
    struct sink sink;
    struct error closing;
    enum status st = sink_open(&sink, options, subject, err), closed;

    if (st != STATUS_OK)
        return st;
    how = sink_options(&sink, options, subject);
    st = output_open(&output, sink.file, r->column, r->count, &how, err);
    if (st == STATUS_OK)
        st = write_kept(r, &output, err);
    if (st == STATUS_OK)
        st = write_rest(r, &output, err);
    closed = output_close(&output, st == STATUS_OK ? err : &closing);
    return sink_close(&sink, st == STATUS_OK ? closed : st, err);
}

static enum status run(int argc, char **argv, struct error *err)
{
    struct options options;
    struct subject subject = { 0 };
    struct result result = { .db = NULL };
    enum status st = options_parse(&options, command_sql.options, NULL, 0, argc, argv, err);

    if (st == STATUS_OK && options.text == NULL)
        st = error_set(err, STATUS_INVALID, "say what to ask: procscope sql FILE 'SELECT ...'");
    if (st == STATUS_OK)
        st = subject_open(&subject, &options, err);
    if (st == STATUS_OK)
        st = prepare(&result, subject.contents->path, options.text, err);
    if (st == STATUS_OK)
        st = look(&result, err);
    if (st == STATUS_OK)
        st = print(&result, &options, &subject, err);
    release(&result);
    subject_close(&subject);
    return st;
}

const struct command command_sql = { "sql", "ask by SQL", help, run,
                                     OPTIONS_FORMAT | OPTIONS_OUTPUT | OPTIONS_TEXT };
