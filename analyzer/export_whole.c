/* https://prometheus.io/docs/specs/om/open_metrics_spec/ (OpenMetrics 1.0) */
#include "analyzer/export_whole.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/escape.h"
#include "analyzer/progress.h"
#include "analyzer/sql_module.h"
#include "analyzer/sql_table.h"
#include "schema/database.h"

struct whole {
    const struct subject *subject;
    sqlite3 *db;
    struct sql_recording tables; /* to know their columns */
    struct byte_writer escaped;  /* scratch */
    bool lacks;                  /* some text, for want of memory */
};

static enum status sqlite_failed(const struct whole *w, struct error *err)
{
    int code = sqlite3_errcode(w->db) & 0xff;
    enum status st = code == SQLITE_CORRUPT ? STATUS_CORRUPT
                     : code == SQLITE_NOMEM ? STATUS_NO_MEMORY
                     : code == SQLITE_FULL  ? STATUS_FULL
                                            : STATUS_IO;

    return error_set(err, st, "%s", sqlite3_errmsg(w->db));
}

static enum status run(const struct whole *w, char *sql, struct error *err)
{
    int code = sql == NULL ? SQLITE_NOMEM : sqlite3_exec(w->db, sql, NULL, NULL, NULL);

    sqlite3_free(sql);
    return code == SQLITE_OK ? STATUS_OK : sqlite_failed(w, err);
}

/* The tables of the recording have names that begin with "of_". */
static enum status open_database(struct whole *w, const char *path, struct error *err)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;

    if (sqlite3_open_v2(path, &w->db, flags, NULL) != SQLITE_OK ||
        sql_module_register(w->db) != SQLITE_OK)
        return sqlite_failed(w, err);
    if (sql_recording_open(&w->tables, w->subject->contents->path, err) != STATUS_OK)
        return err->status;
    return run(w, sqlite3_mprintf("SELECT procscope_open(%Q, 'of_')", w->subject->contents->path),
               err);
}

/* What the window leaves of a table; "" where it has no time. sqlite3_free. */
static char *condition(const struct whole *w, const struct sql_table *table)
{
    const struct window *window = &w->subject->window;

    if (w->subject->whole || table->kind == SQL_OTHER)
        return sqlite3_mprintf("");
    return sqlite3_mprintf(table->kind == SQL_USAGE ? "WHERE from_ns = %lld AND to_ns = %lld"
                                                    : "WHERE time_ns > %lld AND time_ns <= %lld",
                           (long long)window->from_ns, (long long)window->to_ns);
}

static bool is_wanted(const struct sql_table *table, const char *name)
{
    return name == NULL || strcmp(name, table->name) == 0;
}

/* --- sqlite --- */

static enum status copy_table(const struct whole *w, const struct sql_table *table,
                              struct error *err)
{
    char *where = condition(w, table);
    char *sql = where == NULL
                    ? NULL
                    : sqlite3_mprintf("CREATE TABLE main.\"%w\" AS SELECT * FROM temp.\"of_%w\" %s",
                                      table->name, table->name, where);

    sqlite3_free(where);
    return run(w, sql, err);
}

static enum status write_tables(struct whole *w, const char *path, const char *only,
                                struct error *err)
{
    enum status st = open_database(w, path, err);

    if (st == STATUS_OK)
        st = run(w,
                 sqlite3_mprintf("PRAGMA main.journal_mode=OFF; PRAGMA main.synchronous=OFF; "
                                 "BEGIN"),
                 err);
    for (size_t t = 0; t < w->tables.table_count && st == STATUS_OK; t++)
        if (is_wanted(&w->tables.table[t], only)) {
            progress_pass(only == NULL ? t : 0, only == NULL ? w->tables.table_count : 1);
            st = copy_table(w, &w->tables.table[t], err);
        }
    return st == STATUS_OK ? run(w, sqlite3_mprintf("COMMIT"), err) : st;
}

static enum status export_sqlite(struct whole *w, const struct options *options, const char *only,
                                 struct error *err)
{
    const char *path = options->output;
    enum status st;

    if (path == NULL || strcmp(path, "-") == 0)
        return error_set(err, STATUS_INVALID, "--format sqlite: to which file? Say -o FILE");
    if (access(path, F_OK) == 0)
        return error_set(err, STATUS_INVALID,
                         "-o %s: there is such a file; --format sqlite makes a new one", path);
    st = write_tables(w, path, only, err);
    if (st == STATUS_OK)
        return st;
    (void)sqlite3_close_v2(w->db);
    w->db = NULL;
    database_remove(path);
    return error_prefix(err, "-o %s", path);
}

/* --- openmetrics --- */

static void put_escaped(struct whole *w, FILE *out, const char *text, size_t size)
{
    char *room, *end;

    bytes_reset(&w->escaped);
    if (!bytes_reserve(&w->escaped, ESCAPE_ROOM(size))) {
        w->lacks = true;
        return;
    }
    room = (char *)w->escaped.data;
    end = escape_put_terminal(room, text, size);
    for (const char *c = room; c < end; c++) {
        if (*c == '"')
            (void)fputc('\\', out);
        (void)fputc(*c, out);
    }
}

/* "cpu_ns_total" of process_samples is procscope_process_cpu_seconds. */
static void family_name(const struct sql_table *table, const struct recording_metric *metric,
                        char name[200])
{
    size_t table_size = strlen(table->name), size;
    const char *end = strstr(table->name, "_samples");
    char stem[100];

    if (end != NULL && end[strlen("_samples")] == '\0')
        table_size = (size_t)(end - table->name);
    (void)snprintf(stem, sizeof stem, "%s", metric->name);
    size = strlen(stem);
    if (size > 6 && strcmp(stem + size - 6, "_total") == 0)
        stem[size -= 6] = '\0';
    if (strcmp(metric->unit, "ns") == 0 && size > 3 && strcmp(stem + size - 3, "_ns") == 0)
        stem[size - 3] = '\0';
    (void)snprintf(name, 200, "procscope_%.*s_%s%s", (int)table_size, table->name, stem,
                   strcmp(metric->unit, "ns") == 0 ? "_seconds" : "");
    for (char *c = name; *c != '\0'; c++) /* a stranger's catalog may have any */
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", *c) == NULL)
            *c = '_';
}

static void put_number(FILE *out, sqlite3_value *value, bool seconds)
{
    int64_t whole = sqlite3_value_int64(value);
    uint64_t size = decimal_magnitude(whole);

    if (seconds)
        (void)fprintf(out, "%s%" PRIu64 ".%09" PRIu64, whole < 0 ? "-" : "", size / 1000000000,
                      size % 1000000000);
    else if (sqlite3_value_type(value) == SQLITE_FLOAT)
        (void)fprintf(out, "%.17g", sqlite3_value_double(value));
    else
        (void)fprintf(out, "%" PRId64, whole);
}

/* A row: the labels, time_ns, the value. */
static void put_sample(struct whole *w, FILE *out, sqlite3_stmt *stmt, int labels, const char *name,
                       bool counter, bool seconds)
{
    bool first = true;

    (void)fprintf(out, "%s%s", name, counter ? "_total" : "");
    for (int i = 0; i < labels; i++) {
        if (sqlite3_column_type(stmt, i) == SQLITE_NULL)
            continue;
        (void)fprintf(out, "%s%s=\"", first ? "{" : ",", sqlite3_column_name(stmt, i));
        put_escaped(w, out, (const char *)sqlite3_column_text(stmt, i),
                    (size_t)sqlite3_column_bytes(stmt, i));
        (void)fputc('"', out);
        first = false;
    }
    (void)fputs(first ? " " : "} ", out);
    put_number(out, sqlite3_column_value(stmt, labels + 1), seconds);
    (void)fputc(' ', out);
    put_number(out, sqlite3_column_value(stmt, labels), true);
    (void)fputc('\n', out);
}

/* All samples of one metric, series by series as the format wants it. */
static sqlite3_stmt *select_metric(const struct whole *w, const struct sql_table *table,
                                   const char *metric)
{
    sqlite3_str *sql = sqlite3_str_new(w->db);
    char *where = condition(w, table), *text;
    sqlite3_stmt *stmt = NULL;

    sqlite3_str_appendall(sql, "SELECT ");
    for (size_t i = table->time_at + 1; i < table->metric_at; i++)
        sqlite3_str_appendf(sql, "\"%w\",", table->column[i].name);
    sqlite3_str_appendf(sql,
                        "time_ns, \"%w\" FROM temp.\"of_%w\" %s %s \"%w\" IS NOT NULL ORDER BY ",
                        metric, table->name, where, *where == '\0' ? "WHERE" : "AND", metric);
    for (size_t i = 1; i < table->metric_at - table->time_at; i++)
        sqlite3_str_appendf(sql, "%d,", (int)i);
    sqlite3_str_appendall(sql, "time_ns");
    sqlite3_free(where);
    text = sqlite3_str_finish(sql);
    if (text != NULL)
        (void)sqlite3_prepare_v2(w->db, text, -1, &stmt, NULL);
    sqlite3_free(text);
    return stmt;
}

static enum status put_metric(struct whole *w, const struct sql_table *table,
                              const struct recording_metric *metric, FILE *out, struct error *err)
{
    bool counter = metric->kind == METRIC_COUNTER, seconds = strcmp(metric->unit, "ns") == 0;
    int labels = (int)(table->metric_at - table->time_at - 1), code;
    sqlite3_stmt *stmt = select_metric(w, table, metric->name);
    const char *unit = seconds ? "seconds" : metric->unit;
    char name[200];
    bool begun = false;

    if (stmt == NULL)
        return sqlite_failed(w, err);
    family_name(table, metric, name);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW && ferror(out) == 0) {
        if (!begun) {
            size_t size = strlen(name), unit_size = strlen(unit);

            (void)fprintf(out, "# TYPE %s %s\n", name, counter ? "counter" : "gauge");
            /* A unit must be the end of the name. */
            if (unit_size > 0 && size > unit_size && strcmp(name + size - unit_size, unit) == 0)
                (void)fprintf(out, "# UNIT %s %s\n", name, unit);
            (void)fprintf(out, "# HELP %s ", name);
            put_escaped(w, out, metric->description, strlen(metric->description));
            (void)fputc('\n', out);
        }
        begun = true;
        put_sample(w, out, stmt, labels, name, counter, seconds);
    }
    (void)sqlite3_finalize(stmt);
    return code == SQLITE_ROW || code == SQLITE_DONE ? STATUS_OK : sqlite_failed(w, err);
}

static enum status put_metrics(struct whole *w, const char *only, FILE *out, struct error *err)
{
    size_t pass = 0, passes = 0;
    enum status st = STATUS_OK;

    for (size_t t = 0; t < w->tables.table_count; t++)
        if (w->tables.table[t].kind == SQL_SAMPLES && is_wanted(&w->tables.table[t], only))
            passes += w->tables.table[t].samples->metric_count;
    for (size_t t = 0; t < w->tables.table_count && st == STATUS_OK; t++) {
        const struct sql_table *table = &w->tables.table[t];

        if (table->kind != SQL_SAMPLES || !is_wanted(table, only))
            continue;
        for (size_t m = 0; m < table->samples->metric_count && st == STATUS_OK; m++, pass++) {
            progress_pass(pass, passes);
            if (table->samples->metrics[m].kind != METRIC_STATE)
                st = put_metric(w, table, &table->samples->metrics[m], out, err);
        }
    }
    if (st == STATUS_OK && w->lacks)
        return error_set(err, STATUS_NO_MEMORY, "a text of the metrics");
    if (st == STATUS_OK)
        (void)fputs("# EOF\n", out);
    return st;
}

static enum status export_openmetrics(struct whole *w, const struct options *options,
                                      const char *only, struct error *err)
{
    const struct sql_table *table;
    struct sink sink;
    enum status st = open_database(w, ":memory:", err);

    table = st == STATUS_OK && only != NULL ? sql_table_find(&w->tables, only) : NULL;
    if (table != NULL && table->kind != SQL_SAMPLES)
        return error_set(err, STATUS_INVALID, "--format openmetrics: %s has no metrics", only);
    if (st == STATUS_OK)
        st = sink_open(&sink, options, w->subject, err);
    if (st != STATUS_OK)
        return st;
    sink.whole = true;
    st = put_metrics(w, only, sink.file, err);
    return sink_close(&sink, st, err);
}

enum status export_whole(const struct options *options, const struct subject *subject,
                         const char *table, struct error *err)
{
    struct whole w = { .subject = subject };
    enum status st;

    if (!select_all(&options->select))
        return error_set(
            err, STATUS_INVALID,
            "--format %s: of all processes; procscope extract makes a smaller recording",
            options->whole);
    st = strcmp(options->whole, "sqlite") == 0 ? export_sqlite(&w, options, table, err)
                                               : export_openmetrics(&w, options, table, err);
    (void)sqlite3_close_v2(w.db);
    sql_recording_close(&w.tables);
    bytes_release(&w.escaped);
    return st;
}
