/* The rows of a salvaged recording: those that are left, and what others need of those that are not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/salvage_private.h"

enum { VERSION_STRIDE = 1024, PROCESS_VERSION_COUNT = 10 };

/* --- whom samples name --- */

static enum status add_unknown(struct salvage *s, int64_t id, enum entity_kind kind,
                               struct error *err)
{
    const struct recording_contents *c = &s->e.rec->contents;
    struct unknown_ids *u = &s->unknown;

    for (size_t i = u->count; i > 0 && i + 64 > u->count; i--) /* most often it was just named */
        if (u->list[i - 1].id == id && u->list[i - 1].kind == kind)
            return STATUS_OK;
    if (u->count == u->size) {
        size_t more = u->size == 0 ? 64 : u->size * 2;
        struct unknown_id *larger = realloc(u->list, more * sizeof *larger);

        if (larger == NULL)
            return error_set(err, STATUS_NO_MEMORY, "ids");
        u->list = larger;
        u->size = more;
    }
    u->list[u->count++] = (struct unknown_id){ id, c->sessions[s->block->session].session_id,
                                               s->block->start_ns, kind };
    return STATUS_OK;
}

enum status salvage_name_keys(struct salvage *s, const struct recording_table *table,
                              const struct block_table *directory, struct error *err)
{
    for (int k = 0; k < 2 && table->key[k] != ENTITY_NONE; k++)
        for (size_t i = 0; i < directory->series_count; i++) {
            int64_t id = directory->series[i].key[k];
            const struct process *row = NULL;
            struct error ignored;
            bool known =
                table->key[k] == ENTITY_PROCESS
                    ? salvage_life(s, id) != NULL ||
                          recording_process(s->e.rec, NULL, id, &row, &ignored) == STATUS_OK
                    : recording_entity(s->e.rec, id) != NULL;

            if (!known && add_unknown(s, id, table->key[k], err) != STATUS_OK)
                return err->status;
        }
    return STATUS_OK;
}

static int by_kind_and_id(const void *a, const void *b)
{
    const struct unknown_id *x = a, *y = b;

    if ((x->kind == ENTITY_PROCESS) != (y->kind == ENTITY_PROCESS))
        return x->kind == ENTITY_PROCESS ? -1 : 1;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return (x->start_ns > y->start_ns) - (x->start_ns < y->start_ns);
}

/* Each once, as the first block names it. */
static void settle_unknown(struct unknown_ids *u)
{
    size_t kept = 0;

    if (u->count > 1)
        qsort(u->list, u->count, sizeof *u->list, by_kind_and_id);
    for (size_t i = 0; i < u->count; i++) {
        const struct unknown_id *last = kept > 0 ? &u->list[kept - 1] : NULL;

        if (last == NULL || last->id != u->list[i].id ||
            (last->kind == ENTITY_PROCESS) != (u->list[i].kind == ENTITY_PROCESS))
            u->list[kept++] = u->list[i];
    }
    u->count = kept;
}

/* --- rows that are left --- */

static bool has_id(const struct database_ids *ids, int64_t id)
{
    size_t low = 0, high = ids->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (ids->id[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < ids->count && ids->id[low] == id;
}

static bool in_catalog(const struct salvage *s, int64_t table_id)
{
    const struct recording_contents *c = &s->e.rec->contents;

    for (size_t t = 0; t < c->table_count; t++)
        if (c->tables[t].table_id == table_id)
            return true;
    return false;
}

/* What of a row is not as it was. */
static void change_row(const struct salvage *s, enum checked_table table, size_t number,
                       sqlite3_stmt *row, sqlite3_stmt *put)
{
    const struct process *p = NULL;
    struct error ignored;

    if (table == CHECKED_PROCESS_VERSION) {
        (void)sqlite3_bind_int64(put, 1, s->damage.version_id[number]);
        return;
    }
    if (table != CHECKED_PROCESS ||
        recording_process(s->e.rec, NULL, sqlite3_column_int64(row, 0), &p, &ignored) != STATUS_OK)
        return;
    /* its versions may be numbered anew */
    (void)sqlite3_bind_int64(put, PROCESS_VERSION_COUNT + 1,
                             p->version_count == 0
                                 ? 0
                                 : s->damage.version_id[p->versions - s->e.rec->version] %
                                           VERSION_STRIDE +
                                       (int64_t)p->version_count);
}

/* Each metric of the catalog once: a hostile file may have more. */
static enum status has_metric(struct salvage *s, sqlite3_stmt *row, bool *has, struct error *err)
{
    const int64_t at[] = { sqlite3_column_int64(row, 1), sqlite3_column_int64(row, 2) };
    int64_t count = 0;
    enum status st =
        database_numbers(&s->e.out, "SELECT count(*) FROM metric WHERE table_id=?1 AND position=?2",
                         at, 2, &count, 1, err);

    *has = count > 0;
    return st;
}

static enum status copy_row(struct salvage *s, enum checked_table table, size_t number,
                            sqlite3_stmt *row, struct error *err)
{
    sqlite3_stmt *put = NULL;
    bool has = false;
    enum status st = STATUS_OK;

    if ((table == CHECKED_SAMPLES_TABLE && !in_catalog(s, sqlite3_column_int64(row, 0))) ||
        (table == CHECKED_METRIC && !in_catalog(s, sqlite3_column_int64(row, 1))))
        return STATUS_OK;
    if (table == CHECKED_METRIC)
        st = has_metric(s, row, &has, err);
    if (st == STATUS_OK && !has)
        st = extract_bind_row(&s->e, table, row, &put, err);
    if (st != STATUS_OK || has)
        return st;
    change_row(s, table, number, row, put);
    return database_insert(&s->e.out, table, err);
}

static enum status copy_rows(struct salvage *s, enum checked_table table, struct error *err)
{
    const struct database_ids *kept = &s->damage.kept[table];
    sqlite3_stmt *row = NULL;
    char sql[100];
    enum status st;

    (void)snprintf(sql, sizeof sql, "SELECT * FROM %s WHERE rowid=?1", checked_table_name[table]);
    st = database_prepare(&s->e.rec->db, &row, sql, err);
    for (size_t i = 0; i < kept->count && st == STATUS_OK; i++) {
        (void)sqlite3_reset(row);
        (void)sqlite3_bind_int64(row, 1, kept->id[i]);
        st = database_step(&s->e.rec->db, row, err);
        if (st == STATUS_OK)
            st = copy_row(s, table, i, row, err);
    }
    (void)sqlite3_finalize(row);
    s->result->row_count += (int64_t)kept->count;
    s->result->rows_kept += (int64_t)kept->count;
    return st == STATUS_ABSENT ? error_set(err, STATUS_CORRUPT, "a row is gone") : st;
}

/* --- rows for those that are not --- */

static enum status put_sessions(struct salvage *s, struct error *err)
{
    const struct recording_contents *c = &s->e.rec->contents;
    enum status st = STATUS_OK;

    for (size_t i = 0; i < c->session_count && st == STATUS_OK; i++) {
        const struct recording_session *session = &c->sessions[i];
        sqlite3_stmt *put = NULL;
        char what[120];

        if (has_id(&s->damage.kept[CHECKED_SESSION], session->session_id))
            continue;
        (void)snprintf(what, sizeof what, "of what host and boot session %lld is; its samples stay",
                       (long long)session->session_id);
        salvage_tell(s, "session", what, "its row is damaged or gone");
        st = database_row(&s->e.out, CHECKED_SESSION, &put, err);
        if (st != STATUS_OK)
            break;
        for (int column = 1; column < checked_table_columns[CHECKED_SESSION]; column++)
            (void)sqlite3_bind_int64(put, column, 0);
        for (int column = 3; column <= 10; column++)
            (void)sqlite3_bind_text(put, column, "", -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(put, 1, session->session_id);
        (void)sqlite3_bind_text(put, 2, session->boot_id, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(put, 20, session->wall_start_ns);
        (void)sqlite3_bind_int64(
            put, 22, session->end_ns != NO_TIME ? session->end_ns : session->wall_start_ns);
        (void)sqlite3_bind_text(put, 23, s->e.end_reason, -1, SQLITE_STATIC);
        st = database_insert(&s->e.out, CHECKED_SESSION, err);
    }
    return st;
}

static enum status put_table(struct salvage *s, const struct recording_table *table,
                             struct error *err)
{
    sqlite3_stmt *put = NULL;
    enum status st = database_row(&s->e.out, CHECKED_SAMPLES_TABLE, &put, err);

    if (st != STATUS_OK)
        return st;
    (void)sqlite3_bind_int64(put, 1, table->table_id);
    (void)sqlite3_bind_text(put, 2, table->name, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(put, 3, entity_kind_name(table->key[0]), -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(put, 4, entity_kind_name(table->key[1]), -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(put, 5, table->description, -1, SQLITE_STATIC);
    return database_insert(&s->e.out, CHECKED_SAMPLES_TABLE, err);
}

/* Metrics of a table that the file has no row of any more: they are this program's. */
static enum status put_metrics(struct salvage *s, const struct recording_table *table, int64_t *id,
                               struct error *err)
{
    enum status st = STATUS_OK;

    for (size_t m = 0; m < table->metric_count && st == STATUS_OK; m++) {
        const int64_t at[] = { table->table_id, (int64_t)m };
        int64_t there = 0;

        st = database_numbers(&s->e.out,
                              "SELECT count(*) FROM metric WHERE table_id=?1 AND position=?2", at,
                              2, &there, 1, err);
        if (st == STATUS_OK && there == 0 && table->table_id < TABLE_COUNT)
            st = extract_put_metric(&s->e, ++*id, table->table_id, m, err);
    }
    return st;
}

static enum status put_catalog(struct salvage *s, struct error *err)
{
    const struct recording_contents *c = &s->e.rec->contents;
    int64_t id = 0, columns = 0;
    enum status st = STATUS_OK;

    for (size_t t = 0; t < c->table_count && st == STATUS_OK; t++)
        if (!has_id(&s->damage.kept[CHECKED_SAMPLES_TABLE], c->tables[t].table_id))
            st = put_table(s, &c->tables[t], err);
    if (st == STATUS_OK)
        st = database_number(&s->e.out, "SELECT coalesce(max(metric_id),0) FROM metric", &id, err);
    for (size_t t = 0; t < c->table_count && st == STATUS_OK; t++)
        st = put_metrics(s, &c->tables[t], &id, err);
    /* These follow from the metrics. */
    for (size_t t = 0; t < c->table_count && st == STATUS_OK; t++)
        for (size_t m = 0; m < c->tables[t].metric_count && st == STATUS_OK; m++)
            st = extract_put_columns(&s->e, &columns, c->tables[t].table_id, m,
                                     c->tables[t].metrics[m].kind, err);
    return st == STATUS_OK && s->e.end > 0 ? extract_catalog(&s->e, err) : st;
}

static enum status put_process(struct salvage *s, const struct process *p, struct error *err)
{
    sqlite3_stmt *put = NULL;
    enum status st = database_row(&s->e.out, CHECKED_PROCESS, &put, err);
    const int64_t values[] = { p->process_id,
                               p->session_id,
                               p->pid,
                               p->ppid,
                               (int64_t)p->start_ticks,
                               p->start_ns,
                               0,
                               p->exit_code,
                               p->how,
                               p->flags,
                               (int64_t)p->version_count };

    if (st != STATUS_OK)
        return st;
    for (size_t i = 0; i < COUNT_OF(values); i++)
        (void)sqlite3_bind_int64(put, (int)i + 1, values[i]);
    (void)sqlite3_bind_null(put, 7);
    return database_insert(&s->e.out, CHECKED_PROCESS, err);
}

static const struct unknown_id *find_unknown(const struct unknown_ids *u, int64_t process_id)
{
    for (size_t i = 0; i < u->count && u->list[i].kind == ENTITY_PROCESS; i++)
        if (u->list[i].id == process_id)
            return &u->list[i];
    return NULL;
}

/* Processes that only their versions tell of, or that only samples name. */
static enum status put_processes(struct salvage *s, struct error *err)
{
    const struct recording *rec = s->e.rec;
    const struct recording_contents *c = &rec->contents;
    enum status st = STATUS_OK;
    char what[120];

    for (size_t i = 0; i < rec->process_count && st == STATUS_OK; i++) {
        struct process p = rec->process[i];
        const struct unknown_id *named = find_unknown(&s->unknown, p.process_id);

        if (has_id(&s->damage.kept[CHECKED_PROCESS], p.process_id))
            continue;
        p.session_id = named != NULL          ? named->session_id
                       : c->session_count > 0 ? c->sessions[0].session_id
                                              : 0;
        p.start_ns = p.version_count > 0 ? p.versions[0].from_ns : 0;
        (void)snprintf(what, sizeof what, "pid, start and end of process %lld; its names stay",
                       (long long)p.process_id);
        salvage_tell(s, "process", what, "its row is damaged or gone");
        st = put_process(s, &p, err);
    }
    for (size_t i = 0; i < s->unknown.count && st == STATUS_OK; i++) {
        const struct unknown_id *u = &s->unknown.list[i];
        const struct process p = { .process_id = u->id,
                                   .session_id = u->session_id,
                                   .pid = -1,
                                   .ppid = -1,
                                   .start_ns = u->start_ns,
                                   .exit_code = -1 };

        if (u->kind != ENTITY_PROCESS)
            continue;
        (void)snprintf(what, sizeof what, "all but the samples of process %lld", (long long)u->id);
        salvage_tell(s, "process", what, "its row is damaged or gone");
        st = put_process(s, &p, err);
    }
    return st;
}

static enum status put_entities(struct salvage *s, struct error *err)
{
    enum status st = STATUS_OK;

    for (size_t i = 0; i < s->unknown.count && st == STATUS_OK; i++) {
        const struct unknown_id *u = &s->unknown.list[i];
        sqlite3_stmt *put = NULL;
        char what[120], key[40];

        if (u->kind == ENTITY_PROCESS)
            continue;
        (void)snprintf(what, sizeof what, "what %s %lld is; its samples stay",
                       entity_kind_name(u->kind), (long long)u->id);
        salvage_tell(s, "entity", what, "its row is damaged or gone");
        (void)snprintf(key, sizeof key, "lost-%lld", (long long)u->id); /* (kind, key) is unique */
        st = database_row(&s->e.out, CHECKED_ENTITY, &put, err);
        if (st != STATUS_OK)
            break;
        (void)sqlite3_bind_int64(put, 1, u->id);
        (void)sqlite3_bind_text(put, 2, entity_kind_name(u->kind), -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(put, 3, key, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(put, 4, key, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(put, 5, 0);
        (void)sqlite3_bind_int64(put, 6, u->start_ns);
        (void)sqlite3_bind_null(put, 7);
        st = database_insert(&s->e.out, CHECKED_ENTITY, err);
    }
    return st;
}

/* --- all --- */

enum status salvage_rows(struct salvage *s, struct error *err)
{
    static const enum checked_table tables[] = { CHECKED_SESSION,        CHECKED_TIMELINE,
                                                 CHECKED_CAPABILITY,     CHECKED_SAMPLES_TABLE,
                                                 CHECKED_METRIC,         CHECKED_ENTITY,
                                                 CHECKED_PROCESS,        CHECKED_EVENT,
                                                 CHECKED_PROCESS_VERSION };
    struct database_ids *columns = &s->damage.kept[CHECKED_METRIC_COLUMN];
    enum status st = recording_check_columns(s->e.rec, err); /* to tell of those that are gone */

    s->result->rows_kept += (int64_t)(columns->count + s->damage.kept[CHECKED_BLOCK].count);
    s->result->row_count += (int64_t)(columns->count + s->damage.kept[CHECKED_BLOCK].count);
    settle_unknown(&s->unknown);
    s->result->row_count += s->damage.rows_vanished;
    for (size_t i = 0; i < COUNT_OF(tables) && st == STATUS_OK; i++)
        st = copy_rows(s, tables[i], err);
    if (st == STATUS_OK)
        st = put_sessions(s, err);
    if (st == STATUS_OK)
        st = put_catalog(s, err);
    if (st == STATUS_OK)
        st = put_processes(s, err);
    if (st == STATUS_OK)
        st = put_entities(s, err);
    return st == STATUS_OK ? salvage_events(s, err) : st;
}

enum status salvage_block_row(struct salvage *s, int64_t as, const struct byte_writer *contents,
                              struct error *err)
{
    const struct recording *rec = s->e.rec;
    const struct recording_block *block = s->block;
    const struct block_row *row =
        &rec->rows[block->level][block - rec->contents.blocks[block->level]];
    sqlite3_stmt *put = NULL;
    enum status st = database_row(&s->e.out, CHECKED_BLOCK, &put, err);
    const int64_t values[] = { ++s->block_id,
                               level_seconds[block->level],
                               as,
                               rec->contents.sessions[block->session].session_id,
                               block->first_tick,
                               block->tick_count,
                               block->previous_ns,
                               block->start_ns,
                               block->end_ns };

    if (st != STATUS_OK)
        return st;
    for (size_t i = 0; i < COUNT_OF(values); i++)
        (void)sqlite3_bind_int64(put, (int)i + 1, values[i]);
    if (block->previous_ns == NO_TIME)
        (void)sqlite3_bind_null(put, 7);
    (void)sqlite3_bind_blob64(put, 10, row->ticks, row->ticks_size, SQLITE_STATIC);
    (void)sqlite3_bind_blob64(put, 11, contents->data, contents->used, SQLITE_STATIC);
    return database_insert(&s->e.out, CHECKED_BLOCK, err);
}
