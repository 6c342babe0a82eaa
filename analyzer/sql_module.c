/*
 * The virtual tables' methods. https://sqlite.org/vtab.html
 *
 * What is pushed down: the columns that are used; of samples the time (=, <, <=, >, >=) and the first
 * key (=); of usage from_ns and to_ns (=).
 */
#include "analyzer/sql_module.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/sql_table.h"

#ifdef PROCSCOPE_EXTENSION
SQLITE_EXTENSION_INIT1
#endif

struct opened {
    struct sql_recording recording;
    char *path;
    struct opened *next;
};

/* Of one connection. */
struct registry {
    struct opened *first;
};

struct table {
    sqlite3_vtab base;
    struct sql_recording *recording;
    const struct sql_table *of;
};

struct cursor {
    sqlite3_vtab_cursor base;
    struct sql_cursor *rows; /* NULL: none was asked for yet */
    sqlite3_int64 row;
};

/* --- recordings --- */

static enum status find_recording(struct registry *registry, const char *path,
                                  struct sql_recording **recording, struct error *err)
{
    struct opened *o;
    enum status st;

    for (o = registry->first; o != NULL; o = o->next)
        if (strcmp(o->path, path) == 0) {
            *recording = &o->recording;
            return STATUS_OK;
        }
    o = calloc(1, sizeof *o);
    if (o == NULL || (o->path = strdup(path)) == NULL) {
        free(o);
        return error_set(err, STATUS_NO_MEMORY, "%s", path);
    }
    st = sql_recording_open(&o->recording, o->path, err);
    if (st != STATUS_OK) {
        sql_recording_close(&o->recording);
        free(o->path);
        free(o);
        return st;
    }
    o->next = registry->first;
    registry->first = o;
    *recording = &o->recording;
    return STATUS_OK;
}

static void free_registry(void *self)
{
    struct registry *registry = self;

    for (struct opened *o = registry->first, *next; o != NULL; o = next) {
        next = o->next;
        sql_recording_close(&o->recording);
        free(o->path);
        free(o);
    }
    free(registry);
}

/* --- tables --- */

/* 'it''s' is it's; what has no quotes stays. */
static char *unquote(const char *text)
{
    char *copy = strdup(text), *to = copy;
    char quote = text[0];

    if (copy == NULL || (quote != '\'' && quote != '"'))
        return copy;
    for (const char *from = text + 1; *from != '\0'; from++) {
        if (*from == quote && *++from != quote)
            break;
        *to++ = *from;
    }
    *to = '\0';
    return copy;
}

static int declare(sqlite3 *db, const struct sql_table *table)
{
    sqlite3_str *sql = sqlite3_str_new(db);
    char *text;
    int code;

    for (size_t i = 0; i < table->column_count; i++)
        sqlite3_str_appendf(sql, "%s\"%w\" %s%s", i == 0 ? "CREATE TABLE x(" : ",",
                            table->column[i].name, table->column[i].type,
                            table->column[i].hidden ? " HIDDEN" : "");
    sqlite3_str_appendall(sql, ")");
    text = sqlite3_str_finish(sql);
    code = text == NULL ? SQLITE_NOMEM : sqlite3_declare_vtab(db, text);
    sqlite3_free(text);
    return code;
}

static int connect_to(sqlite3 *db, struct registry *registry, const char *path, const char *name,
                      sqlite3_vtab **to, char **message)
{
    struct sql_recording *recording;
    const struct sql_table *of;
    struct table *table;
    struct error err;
    int code;

    if (find_recording(registry, path, &recording, &err) != STATUS_OK) {
        *message = sqlite3_mprintf("%s", err.message);
        return SQLITE_ERROR;
    }
    of = sql_table_find(recording, name);
    if (of == NULL) {
        *message = sqlite3_mprintf("%s has no table %s", path, name);
        return SQLITE_ERROR;
    }
    code = declare(db, of);
    table = code == SQLITE_OK ? sqlite3_malloc(sizeof *table) : NULL;
    if (table == NULL)
        return code == SQLITE_OK ? SQLITE_NOMEM : code;
    *table = (struct table){ .recording = recording, .of = of };
    *to = &table->base;
    return SQLITE_OK;
}

static int table_connect(sqlite3 *db, void *self, int count, const char *const *words,
                         sqlite3_vtab **table, char **message)
{
    char *path, *name;
    int code = SQLITE_NOMEM;

    if (count != 5) {
        *message = sqlite3_mprintf("USING procscope('FILE', 'TABLE')");
        return SQLITE_ERROR;
    }
    path = unquote(words[3]);
    name = unquote(words[4]);
    if (path != NULL && name != NULL)
        code = connect_to(db, self, path, name, table, message);
    free(path);
    free(name);
    return code;
}

static int table_disconnect(sqlite3_vtab *table)
{
    sqlite3_free(table);
    return SQLITE_OK;
}

/* --- plans: the columns that are used, then one letter for each value --- */

/* The letter of a constraint; 0: it is none of ours. */
static char letter_of(const struct sql_table *of, const struct sqlite3_index_constraint *c)
{
    size_t column = c->iColumn < 0 ? SIZE_MAX - 1 : (size_t)c->iColumn;
    bool equal = c->op == SQLITE_INDEX_CONSTRAINT_EQ;

    if (column == of->key_at && equal)
        return 'k';
    if (column == of->from_at && equal)
        return 'f';
    if (column == of->to_at && equal)
        return 't';
    if (column != of->time_at)
        return 0;
    return equal                                 ? '='
           : c->op == SQLITE_INDEX_CONSTRAINT_GT ? '>'
           : c->op == SQLITE_INDEX_CONSTRAINT_GE ? 'G'
           : c->op == SQLITE_INDEX_CONSTRAINT_LT ? '<'
           : c->op == SQLITE_INDEX_CONSTRAINT_LE ? 'L'
                                                 : 0;
}

/* Roughly what it reads: a key is looked for in every block. */
static double cost_of(const struct sql_table *of, const char *letters)
{
    double cost = of->kind == SQL_SAMPLES ? 1e7 : of->kind == SQL_USAGE ? 1e6 : 1e4;

    for (; *letters != '\0'; letters++)
        cost /= *letters == 'k' ? 30 : *letters == '=' ? 100 : 3;
    return cost;
}

static int table_plan(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
    const struct sql_table *of = ((struct table *)vtab)->of;
    char letters[16] = "";
    size_t count = 0;

    for (int i = 0; i < info->nConstraint && count + 1 < sizeof letters; i++) {
        char letter = letter_of(of, &info->aConstraint[i]);
        bool bound = letter == 'f' || letter == 't';

        if (letter == 0)
            continue;
        if (!info->aConstraint[i].usable) {
            if (bound) /* without them it would be the usage of another time */
                return SQLITE_CONSTRAINT;
            continue;
        }
        letters[count++] = letter;
        info->aConstraintUsage[i].argvIndex = (int)count;
        info->aConstraintUsage[i].omit = bound;
    }
    info->idxStr = sqlite3_mprintf("%llx %s", (unsigned long long)info->colUsed, letters);
    info->needToFreeIdxStr = 1;
    info->estimatedCost = cost_of(of, letters);
    info->estimatedRows = (sqlite3_int64)info->estimatedCost;
    return info->idxStr == NULL ? SQLITE_NOMEM : SQLITE_OK;
}

/* A bound that is no whole number bounds nothing: SQLite looks at each row anyway. */
static void take_bound(struct sql_filter *filter, char letter, int64_t value)
{
    bool lower = strchr("=>Gf", letter) != NULL, upper = strchr("=<Lt", letter) != NULL;
    int64_t from_ns = letter == '>' || letter == 'f' || value == INT64_MIN ? value : value - 1;
    int64_t to_ns = letter == '<' && value > INT64_MIN ? value - 1 : value;

    if (letter == 'k') {
        filter->has_key = true;
        filter->key = value;
    }
    if (lower && (!filter->has_from || from_ns > filter->from_ns)) {
        filter->has_from = true;
        filter->from_ns = from_ns;
    }
    if (upper && (!filter->has_to || to_ns < filter->to_ns)) {
        filter->has_to = true;
        filter->to_ns = to_ns;
    }
}

/* --- cursors --- */

static int cursor_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **cursor)
{
    struct cursor *c = sqlite3_malloc(sizeof *c);

    (void)vtab;
    if (c == NULL)
        return SQLITE_NOMEM;
    *c = (struct cursor){ .rows = NULL };
    *cursor = &c->base;
    return SQLITE_OK;
}

static int cursor_close(sqlite3_vtab_cursor *cursor)
{
    sql_cursor_close(((struct cursor *)cursor)->rows);
    sqlite3_free(cursor);
    return SQLITE_OK;
}

static int failed(sqlite3_vtab *vtab, const struct error *err)
{
    sqlite3_free(vtab->zErrMsg);
    vtab->zErrMsg = sqlite3_mprintf("%s", err->message);
    return err->status == STATUS_CORRUPT     ? SQLITE_CORRUPT
           : err->status == STATUS_NO_MEMORY ? SQLITE_NOMEM
                                             : SQLITE_ERROR;
}

static int cursor_filter(sqlite3_vtab_cursor *cursor, int number, const char *plan, int count,
                         sqlite3_value **values)
{
    struct cursor *c = (struct cursor *)cursor;
    struct table *table = (struct table *)cursor->pVtab;
    struct sql_filter filter = { 0 };
    struct error err;
    char *letters;

    (void)number;
    filter.used = strtoull(plan, &letters, 16);
    for (int i = 0; i < count; i++)
        if (sqlite3_value_type(values[i]) == SQLITE_INTEGER)
            take_bound(&filter, letters[1 + i], sqlite3_value_int64(values[i]));
    sql_cursor_close(c->rows);
    c->rows = NULL;
    c->row = 0;
    if (sql_cursor_open(&c->rows, table->recording, table->of, &filter, &err) != STATUS_OK)
        return failed(cursor->pVtab, &err);
    return SQLITE_OK;
}

static int cursor_next(sqlite3_vtab_cursor *cursor)
{
    struct cursor *c = (struct cursor *)cursor;
    struct error err;

    c->row++;
    return sql_cursor_next(c->rows, &err) == STATUS_OK ? SQLITE_OK : failed(cursor->pVtab, &err);
}

static int cursor_ended(sqlite3_vtab_cursor *cursor)
{
    const struct cursor *c = (const struct cursor *)cursor;

    return c->rows == NULL || sql_cursor_ended(c->rows);
}

static int cursor_column(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int column)
{
    struct sql_value value;

    if (!sql_cursor_value(((struct cursor *)cursor)->rows, (size_t)column, &value))
        return SQLITE_NOMEM;
    switch (value.kind) {
    case CAPTURE_NULL:
        sqlite3_result_null(context);
        break;
    case CAPTURE_INTEGER:
        sqlite3_result_int64(context, value.integer);
        break;
    case CAPTURE_REAL:
        sqlite3_result_double(context, value.real);
        break;
    case CAPTURE_TEXT:
        sqlite3_result_text64(context, value.text, value.text_size, SQLITE_TRANSIENT, SQLITE_UTF8);
        break;
    }
    return SQLITE_OK;
}

static int cursor_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *row)
{
    *row = ((struct cursor *)cursor)->row;
    return SQLITE_OK;
}

static const sqlite3_module module = {
    .iVersion = 1,
    .xCreate = table_connect,
    .xConnect = table_connect,
    .xBestIndex = table_plan,
    .xDisconnect = table_disconnect,
    .xDestroy = table_disconnect,
    .xOpen = cursor_open,
    .xClose = cursor_close,
    .xFilter = cursor_filter,
    .xNext = cursor_next,
    .xEof = cursor_ended,
    .xColumn = cursor_column,
    .xRowid = cursor_rowid,
};

/* --- procscope_open() --- */

/* %s: the prefix. A minute is named by its start; what a tick adds belongs to the minute it ends in. */
static const char views[] =
    "CREATE TEMP VIEW \"%wtop\" AS SELECT * FROM \"%wusage\" ORDER BY cpu_seconds DESC LIMIT 20;"
    "CREATE TEMP VIEW \"%wbusiest_minutes\" AS"
    " SELECT (time_ns - 1) / 60000000000 * 60000000000 AS minute_ns,"
    " strftime('%%Y-%%m-%%dT%%H:%%M:00Z', (time_ns - 1) / 60000000000 * 60, 'unixepoch') AS minute,"
    " sum(added) / 1e9 AS cpu_seconds FROM (SELECT time_ns,"
    " cpu_processes_ns_total - lag(cpu_processes_ns_total) OVER (ORDER BY time_ns) AS added"
    " FROM \"%wrecorder_samples\" WHERE cpu_processes_ns_total IS NOT NULL) WHERE added >= 0"
    " GROUP BY minute_ns ORDER BY cpu_seconds DESC;"
    "CREATE TEMP VIEW \"%wlifetimes\" AS SELECT process_id, pid, user, comm, start_time, end_time,"
    " (end_ns - start_ns) / 1e9 AS seconds, exit_code, cmdline FROM \"%wprocess\";";

static int make_tables(sqlite3 *db, const struct sql_recording *recording, const char *path,
                       const char *prefix, char **message)
{
    int code = SQLITE_OK;

    for (size_t t = 0; t < recording->table_count && code == SQLITE_OK; t++) {
        char *sql =
            sqlite3_mprintf("CREATE VIRTUAL TABLE temp.\"%w%w\" USING procscope(%Q, %Q)", prefix,
                            recording->table[t].name, path, recording->table[t].name);

        code = sql == NULL ? SQLITE_NOMEM : sqlite3_exec(db, sql, NULL, NULL, message);
        sqlite3_free(sql);
    }
    if (code == SQLITE_OK) {
        char *sql = sqlite3_mprintf(views, prefix, prefix, prefix, prefix, prefix, prefix);

        code = sql == NULL ? SQLITE_NOMEM : sqlite3_exec(db, sql, NULL, NULL, message);
        sqlite3_free(sql);
    }
    return code;
}

static void open_all(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct registry *registry = sqlite3_user_data(context);
    const char *path = (const char *)sqlite3_value_text(values[0]);
    const char *prefix = count > 1 ? (const char *)sqlite3_value_text(values[1]) : "";
    struct sql_recording *recording;
    char *message = NULL;
    struct error err;
    int code;

    if (path == NULL || prefix == NULL) {
        sqlite3_result_error(context, "procscope_open('FILE' [, 'PREFIX'])", -1);
        return;
    }
    if (find_recording(registry, path, &recording, &err) != STATUS_OK) {
        sqlite3_result_error(context, err.message, -1);
        return;
    }
    code = make_tables(sqlite3_context_db_handle(context), recording, path, prefix, &message);
    if (code == SQLITE_OK)
        sqlite3_result_int64(context, (sqlite3_int64)recording->table_count);
    else if (message != NULL)
        sqlite3_result_error(context, message, -1);
    else
        sqlite3_result_error_code(context, code);
    sqlite3_free(message);
}

int sql_module_register(sqlite3 *db)
{
    struct registry *registry = calloc(1, sizeof *registry);
    int code = registry == NULL ? SQLITE_NOMEM : SQLITE_OK;

    for (int arguments = 1; arguments <= 2 && code == SQLITE_OK; arguments++)
        code = sqlite3_create_function_v2(db, "procscope_open", arguments,
                                          SQLITE_UTF8 | SQLITE_DIRECTONLY, registry, open_all, NULL,
                                          NULL, NULL);
    if (code != SQLITE_OK) {
        free(registry);
        return code;
    }
    return sqlite3_create_module_v2(db, "procscope", &module, registry, free_registry);
}

#ifdef PROCSCOPE_EXTENSION
/* What SQLite looks for in a file called procscope.so. */
__attribute__((visibility("default"))) int sqlite3_procscope_init(sqlite3 *db, char **message,
                                                                  const sqlite3_api_routines *api)
{
    (void)message;
    SQLITE_EXTENSION_INIT2(api);
    return sql_module_register(db);
}
#endif
