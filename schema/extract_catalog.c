/*
 * The unsealed block of a file that an older version writes is encoded with this version's metrics,
 * none of which has a value there: the catalog that goes with it must have them, too.
 */
#include <string.h>

#include "schema/extract_private.h"

enum status extract_put_metric(struct extract *e, int64_t id, uint32_t table_id, size_t position,
                               struct error *err)
{
    const struct metric *metric = &samples_tables[table_id].metrics[position];
    sqlite3_stmt *put = NULL;
    enum status st = database_row(&e->out, CHECKED_METRIC, &put, err);

    if (st != STATUS_OK)
        return st;
    (void)sqlite3_bind_int64(put, 1, id);
    (void)sqlite3_bind_int64(put, 2, table_id);
    (void)sqlite3_bind_int64(put, 3, (int64_t)position);
    (void)sqlite3_bind_text(put, 4, metric->name, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(put, 5, metric_kind_name(metric->kind), -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(put, 6, metric->unit, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(put, 7, metric->scale);
    (void)sqlite3_bind_text(put, 8, metric->labels, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(put, 9, metric->description, -1, SQLITE_STATIC);
    return database_insert(&e->out, CHECKED_METRIC, err);
}

/* One column at level 0, and its parts at the others. */
enum status extract_put_columns(struct extract *e, int64_t *id, uint32_t table_id, size_t position,
                                enum metric_kind kind, struct error *err)
{
    unsigned parts = metric_part_count(kind);
    enum status st = STATUS_OK;

    for (unsigned part = 0; part <= parts && st == STATUS_OK; part++) {
        bool level_0 = part == parts;
        sqlite3_stmt *put = NULL;

        st = database_row(&e->out, CHECKED_METRIC_COLUMN, &put, err);
        if (st != STATUS_OK)
            break;
        (void)sqlite3_bind_int64(put, 1, ++*id);
        (void)sqlite3_bind_int64(put, 2, table_id);
        (void)sqlite3_bind_text(put, 3, level_0 ? "samples" : "rollup", -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(put, 4, metric_column_id(position, level_0 ? 0 : part));
        (void)sqlite3_bind_int64(put, 5, (int64_t)position);
        (void)sqlite3_bind_text(put, 6, level_0 ? "value" : metric_part_name(kind, part), -1,
                                SQLITE_STATIC);
        st = database_insert(&e->out, CHECKED_METRIC_COLUMN, err);
    }
    return st;
}

enum status extract_catalog(struct extract *e, struct error *err)
{
    const struct recording_contents *c = &e->rec->contents;
    int64_t metric_id = 0, column_id = 0;
    enum status st = STATUS_OK;

    if (!c->blocks[0][e->end - 1].tail)
        return STATUS_OK;
    st = database_number(&e->out, "SELECT coalesce(max(metric_id),0) FROM metric", &metric_id, err);
    if (st == STATUS_OK)
        st = database_number(&e->out, "SELECT coalesce(max(metric_column_id),0) FROM metric_column",
                             &column_id, err);
    for (size_t t = 0; t < c->table_count && st == STATUS_OK; t++) {
        uint32_t id = c->tables[t].table_id;

        if (id >= TABLE_COUNT || strcmp(c->tables[t].name, samples_tables[id].name) != 0)
            continue;
        for (size_t m = c->tables[t].metric_count;
             m < samples_tables[id].metric_count && st == STATUS_OK; m++) {
            st = extract_put_metric(e, ++metric_id, id, m, err);
            if (st == STATUS_OK)
                st = extract_put_columns(e, &column_id, id, m, samples_tables[id].metrics[m].kind,
                                         err);
        }
    }
    return st;
}
