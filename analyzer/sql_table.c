/* Which tables there are, and their columns. */
#include "analyzer/sql_table.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/export_rows.h"
#include "analyzer/report.h"

static const char *type_name(enum output_type type, int exponent)
{
    switch (type) {
    case OUTPUT_TEXT:
    case OUTPUT_TIME:
        return "TEXT";
    case OUTPUT_REAL:
        return "REAL";
    case OUTPUT_DECIMAL:
        return exponent >= 0 ? "INTEGER" : "REAL";
    case OUTPUT_INTEGER:
        break;
    }
    return "INTEGER";
}

static enum status add_column(struct sql_table *table, const char *name, const char *type,
                              bool hidden, struct error *err)
{
    struct sql_column *larger =
        realloc(table->column, (table->column_count + 1) * sizeof *table->column);
    char *own = strdup(name);

    if (larger != NULL)
        table->column = larger;
    if (larger == NULL || own == NULL) {
        free(own);
        return error_set(err, STATUS_NO_MEMORY, "columns of %s", table->name);
    }
    table->column[table->column_count++] = (struct sql_column){ own, type, hidden };
    return STATUS_OK;
}

static enum status samples_columns(struct sql_table *table, struct error *err)
{
    struct export_layout layout;
    enum status st = export_layout_init(&layout, table->samples, err);

    for (size_t m = 0; m < table->samples->metric_count && st == STATUS_OK; m++)
        st = export_layout_metric(&layout, m, "", err);
    for (size_t i = 0; i < layout.count && st == STATUS_OK; i++)
        st = add_column(table, layout.column[i].name,
                        type_name(layout.column[i].type, layout.column[i].exponent), false, err);
    table->time_at = 1;
    table->key_at = table->samples->key[0] == ENTITY_NONE ? SIZE_MAX : layout.identity_at;
    table->metric_at = layout.metric_at;
    export_layout_release(&layout);
    return st;
}

/* The columns are asked of who writes the rows. */
static enum status other_columns(struct sql_table *table, const struct subject *subject,
                                 struct error *err)
{
    static const struct select all;
    struct capture capture = { .columns_only = true };
    struct export e = { .subject = subject,
                        .select = &all,
                        .metrics = UINT64_MAX,
                        .output = capture_options(&capture) };
    struct error ended;
    enum status st = table->other->run(&e, &ended);

    if (capture.column_count == 0 || capture.no_memory) {
        capture_release(&capture);
        return st == STATUS_OK || st == STATUS_IO ? error_set(err, STATUS_NO_MEMORY, "columns")
                                                  : (*err = ended).status;
    }
    st = STATUS_OK;
    for (size_t i = 0; i < capture.column_count && st == STATUS_OK; i++)
        st = add_column(table, capture.name[i], type_name(capture.type[i], 0), false, err);
    capture_release(&capture);
    return st;
}

static enum status usage_columns(struct sql_table *table, struct error *err)
{
    enum status st = STATUS_OK;

    for (size_t i = 0; i < report_column_count && st == STATUS_OK; i++)
        if (sql_usage_has(&report_columns[i]))
            st = add_column(
                table, report_columns[i].output.name,
                type_name(report_columns[i].output.type, report_columns[i].output.exponent), false,
                err);
    table->from_at = table->column_count;
    table->to_at = table->from_at + 1;
    if (st == STATUS_OK)
        st = add_column(table, "from_ns", "INTEGER", true, err);
    return st == STATUS_OK ? add_column(table, "to_ns", "INTEGER", true, err) : st;
}

static struct sql_table *new_table(struct sql_recording *r, const char *name, enum sql_kind kind)
{
    struct sql_table *table = &r->table[r->table_count++];

    *table = (struct sql_table){ .name = name,
                                 .kind = kind,
                                 .time_at = SIZE_MAX,
                                 .key_at = SIZE_MAX,
                                 .from_at = SIZE_MAX,
                                 .to_at = SIZE_MAX };
    return table;
}

static enum status list_others(struct sql_recording *r, const struct export_table list[],
                               size_t count, struct error *err)
{
    enum status st = STATUS_OK;

    for (size_t i = 0; i < count && st == STATUS_OK; i++) {
        struct sql_table *table = new_table(r, list[i].name, SQL_OTHER);

        table->other = &list[i];
        st = other_columns(table, &r->subject, err);
    }
    return st;
}

static enum status list_tables(struct sql_recording *r, struct error *err)
{
    const struct recording_contents *c = r->subject.contents;
    enum status st = STATUS_OK;

    r->table = calloc(c->table_count + COUNT_OF(export_process_tables) +
                          COUNT_OF(export_catalog_tables) + 1,
                      sizeof *r->table);
    if (r->table == NULL)
        return error_set(err, STATUS_NO_MEMORY, "tables");
    for (size_t t = 0; t < c->table_count && st == STATUS_OK; t++) {
        struct sql_table *table = new_table(r, c->tables[t].name, SQL_SAMPLES);

        table->samples = &c->tables[t];
        st = samples_columns(table, err);
    }
    if (st == STATUS_OK)
        st = list_others(r, export_process_tables, COUNT_OF(export_process_tables), err);
    if (st == STATUS_OK)
        st = list_others(r, export_catalog_tables, COUNT_OF(export_catalog_tables), err);
    return st == STATUS_OK ? usage_columns(new_table(r, "usage", SQL_USAGE), err) : st;
}

enum status sql_recording_open(struct sql_recording *recording, const char *path, struct error *err)
{
    struct options options = { .file = path };
    enum status st;

    *recording = (struct sql_recording){ .table = NULL };
    st = subject_open(&recording->subject, &options, err);
    return st == STATUS_OK ? list_tables(recording, err) : st;
}

void sql_recording_close(struct sql_recording *recording)
{
    for (size_t t = 0; t < recording->table_count; t++) {
        for (size_t i = 0; i < recording->table[t].column_count; i++)
            free(recording->table[t].column[i].name);
        free(recording->table[t].column);
    }
    free(recording->table);
    subject_close(&recording->subject);
    *recording = (struct sql_recording){ .table = NULL };
}

const struct sql_table *sql_table_find(const struct sql_recording *recording, const char *name)
{
    for (size_t t = 0; t < recording->table_count; t++)
        if (strcmp(recording->table[t].name, name) == 0)
            return &recording->table[t];
    return NULL;
}
