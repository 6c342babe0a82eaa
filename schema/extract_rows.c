/* The rows of checked tables that a part of a recording needs, each with its checksum anew. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/extract_private.h"

enum { VERSION_STRIDE = 1024, TEXT_MAX = 65536 };

/* Columns by position, as schema/tables.sql has them. */
enum {
    SESSION_HOST = 2,
    SESSION_HARDWARE = 6,
    SESSION_END_NS = 21,
    SESSION_END_REASON = 22,
    CAPABILITY_REASON = 4,
    CAPABILITY_ENABLE = 5,
    ENTITY_KEY = 2,
    ENTITY_LABEL = 3,
    VERSION_UID_COLUMN = 2,
    VERSION_COMM = 3,
    VERSION_CMDLINE = 5,
    VERSION_USER = 9,
    VERSION_CMDLINE_LENGTH = 10,
    EVENT_AT = 2,
    EVENT_DURATION = 3,
    EVENT_DETAIL = 6,
};

static bool is_redacted(enum checked_table table, int column)
{
    switch (table) {
    case CHECKED_SESSION:
        return column == SESSION_HOST || column == SESSION_HARDWARE || column == SESSION_END_REASON;
    case CHECKED_CAPABILITY:
        return column == CAPABILITY_REASON || column == CAPABILITY_ENABLE;
    case CHECKED_ENTITY:
        return column == ENTITY_KEY || column == ENTITY_LABEL;
    case CHECKED_PROCESS_VERSION:
        return column >= VERSION_COMM && column <= VERSION_USER;
    case CHECKED_EVENT:
        return column == EVENT_DETAIL;
    default:
        return false;
    }
}

/* --- which rows --- */

/* Entities that are named, and those above them. */
static enum status add_parents(struct extract *e, struct error *err)
{
    const struct recording_contents *c = &e->rec->contents;
    struct extract_ids *ids = &e->entities;
    size_t named = ids->count;
    int64_t *larger = realloc(ids->id, (named + c->entity_count + 1) * sizeof *larger);
    bool *kept = calloc(c->entity_count + 1, sizeof *kept);

    if (larger != NULL)
        ids->id = larger;
    if (larger == NULL || kept == NULL) {
        free(kept);
        return error_set(err, STATUS_NO_MEMORY, "entities");
    }
    for (size_t i = 0; i < c->entity_count; i++) {
        const struct recording_entity *entity = &c->entities[i];

        if (!extract_has(ids, entity->entity_id))
            continue;
        for (size_t depth = 0; entity != NULL && depth <= c->entity_count; depth++) {
            bool before = kept[entity - c->entities];

            kept[entity - c->entities] = true;
            entity = before ? NULL : recording_entity(e->rec, entity->parent_id);
        }
    }
    ids->count = 0;
    for (size_t i = 0; i < c->entity_count; i++)
        if (kept[i])
            ids->id[ids->count++] = c->entities[i].entity_id;
    free(kept);
    return STATUS_OK;
}

/* Is it by this process that the recording knows what the user of some uid is called? */
static bool names_user(const struct extract *e, const struct process *p)
{
    for (size_t v = 0; v < p->version_count; v++) {
        const struct version *version = &p->versions[v];

        if (version->uid_known && version->text[PROCESS_USER].data != NULL &&
            recording_user(e->rec, version->uid).data == version->text[PROCESS_USER].data)
            return true;
    }
    return false;
}

/* Of the processes that are named, those with rows; and those that users are known by. */
static enum status choose_processes(struct extract *e, struct error *err)
{
    struct extract_ids chosen = { .id = malloc((e->rec->process_count + 1) * sizeof *chosen.id) };

    if (chosen.id == NULL)
        return error_set(err, STATUS_NO_MEMORY, "processes");
    for (size_t i = 0; i < e->rec->process_count; i++) {
        const struct process *p = &e->rec->process[i];

        if (extract_has(&e->processes, p->process_id) || names_user(e, p))
            chosen.id[chosen.count++] = p->process_id;
    }
    free(e->processes.id);
    e->processes = chosen;
    return STATUS_OK;
}

static bool is_kept(const struct extract *e, enum checked_table table, sqlite3_stmt *row)
{
    int64_t id = sqlite3_column_int64(row, 0);

    switch (table) {
    case CHECKED_ENTITY:
        return extract_has(&e->entities, id);
    case CHECKED_PROCESS:
        return extract_has(&e->processes, id);
    case CHECKED_PROCESS_VERSION:
        return extract_has(&e->processes, id / VERSION_STRIDE);
    case CHECKED_EVENT:
        return sqlite3_column_int64(row, EVENT_AT) <= e->to_ns &&
               wrap_add(sqlite3_column_int64(row, EVENT_AT),
                        sqlite3_column_int64(row, EVENT_DURATION)) >= e->from_ns;
    default:
        return true;
    }
}

/* --- values --- */

/* A text as it may be read, bound as what it was. */
static enum status bind_text(struct extract *e, enum checked_table table, sqlite3_stmt *row,
                             int column, sqlite3_stmt *put, struct error *err)
{
    int type = sqlite3_column_type(row, column);
    const char *text = sqlite3_column_blob(row, column);
    size_t size = (size_t)sqlite3_column_bytes(row, column);
    bool changed = false;

    bytes_reset(&e->text);
    if (e->redactor->redact(e->redactor->self, text == NULL ? "" : text, size, &e->text, &changed,
                            err) != STATUS_OK)
        return err->status;
    if (!changed)
        return sqlite3_bind_value(put, column + 1, sqlite3_column_value(row, column)) == SQLITE_OK
                   ? STATUS_OK
                   : error_set(err, STATUS_NO_MEMORY, "rows");
    e->redacted_count++;
    if (e->text.used > TEXT_MAX)
        e->text.used = TEXT_MAX;
    if (table == CHECKED_ENTITY && column == ENTITY_KEY) { /* must stay the only one of its kind */
        char number[32];
        int length =
            snprintf(number, sizeof number, "#%lld", (long long)sqlite3_column_int64(row, 0));

        bytes_put(&e->text, number, (size_t)length);
    }
    if (table == CHECKED_PROCESS_VERSION && column == VERSION_CMDLINE)
        (void)sqlite3_bind_int64(put, VERSION_CMDLINE_LENGTH + 1,
                                 sqlite3_column_int64(row, VERSION_CMDLINE_LENGTH) - (int64_t)size +
                                     (int64_t)e->text.used);
    if (e->text.full)
        return error_set(err, STATUS_NO_MEMORY, "rows");
    if (type == SQLITE_TEXT)
        (void)sqlite3_bind_text64(put, column + 1, (const char *)e->text.data, e->text.used,
                                  SQLITE_TRANSIENT, SQLITE_UTF8);
    else
        (void)sqlite3_bind_blob64(put, column + 1, e->text.data, e->text.used, SQLITE_TRANSIENT);
    return STATUS_OK;
}

/* When the last block of a session ends; its start if it has none. */
static int64_t end_of_session(const struct extract *e, int64_t session_id)
{
    const struct recording_contents *c = &e->rec->contents;
    int64_t end_ns = NO_TIME;

    for (size_t s = 0; s < c->session_count; s++)
        if (c->sessions[s].session_id == session_id)
            end_ns = c->sessions[s].wall_start_ns;
    for (size_t b = 0; b < c->block_count[0]; b++)
        if (c->sessions[c->blocks[0][b].session].session_id == session_id)
            end_ns = c->blocks[0][b].end_ns;
    return end_ns;
}

/* Nothing goes on here: there is no tail. */
static void bind_end(const struct extract *e, sqlite3_stmt *row, sqlite3_stmt *put)
{
    if (sqlite3_column_type(row, SESSION_END_NS) != SQLITE_NULL)
        return;
    (void)sqlite3_bind_int64(put, SESSION_END_NS + 1,
                             end_of_session(e, sqlite3_column_int64(row, 0)));
    (void)sqlite3_bind_text(put, SESSION_END_REASON + 1, e->end_reason, -1, SQLITE_STATIC);
}

enum status extract_bind_row(struct extract *e, enum checked_table table, sqlite3_stmt *row,
                             sqlite3_stmt **bound, struct error *err)
{
    enum status st = database_row(&e->out, table, bound, err);
    sqlite3_stmt *put = *bound;
    int columns = checked_table_columns[table] - 1;

    for (int i = 0; i < columns && st == STATUS_OK; i++) {
        if (table == CHECKED_PROCESS_VERSION && i == VERSION_CMDLINE_LENGTH &&
            e->redactor != NULL && sqlite3_column_type(row, VERSION_CMDLINE) != SQLITE_NULL)
            continue; /* follows the text */
        if (sqlite3_bind_value(put, i + 1, sqlite3_column_value(row, i)) != SQLITE_OK)
            st = error_set(err, STATUS_NO_MEMORY, "rows");
    }
    if (st == STATUS_OK && table == CHECKED_PROCESS_VERSION)
        (void)sqlite3_bind_value(put, VERSION_CMDLINE_LENGTH + 1,
                                 sqlite3_column_value(row, VERSION_CMDLINE_LENGTH));
    for (int i = 0; i < columns && st == STATUS_OK && e->redactor != NULL; i++)
        if (is_redacted(table, i) && sqlite3_column_type(row, i) != SQLITE_NULL)
            st = bind_text(e, table, row, i, put, err);
    if (st == STATUS_OK && table == CHECKED_SESSION)
        bind_end(e, row, put);
    return st;
}

static enum status copy_row(struct extract *e, enum checked_table table, sqlite3_stmt *row,
                            struct error *err)
{
    sqlite3_stmt *put = NULL;
    enum status st = extract_bind_row(e, table, row, &put, err);

    return st == STATUS_OK ? database_insert(&e->out, table, err) : st;
}

static enum status copy_rows(struct extract *e, enum checked_table table, struct error *err)
{
    sqlite3_stmt *row = NULL;
    char sql[100];
    enum status st;

    (void)snprintf(sql, sizeof sql, "SELECT * FROM %s ORDER BY 1", checked_table_name[table]);
    st = database_prepare(&e->rec->db, &row, sql, err);
    if (st == STATUS_OK && sqlite3_column_count(row) < checked_table_columns[table])
        st = error_set(err, STATUS_CORRUPT, "%s has lost columns", checked_table_name[table]);
    while (st == STATUS_OK && (st = database_step(&e->rec->db, row, err)) == STATUS_OK)
        if (is_kept(e, table, row))
            st = copy_row(e, table, row, err);
    (void)sqlite3_finalize(row);
    return st == STATUS_ABSENT ? STATUS_OK : st;
}

/* --- blocks --- */

/* What the tail's block, which has no row, lacks in `contents`: the process id that comes next. */
static enum status put_next_process(const struct extract *e, struct byte_writer *contents,
                                    const struct block_row *row, struct error *err)
{
    int64_t next = 1;

    for (size_t i = 0; i < e->rec->process_count; i++)
        if (e->rec->process[i].process_id >= next)
            next = e->rec->process[i].process_id + 1;
    for (size_t i = 0; i < e->rec->tail.process_count; i++)
        if (e->rec->tail.process[i].process.process_id >= next)
            next = e->rec->tail.process[i].process.process_id + 1;
    bytes_put(contents, row->contents, row->contents_size);
    bytes_put_varint(contents, (uint64_t)next);
    return contents->full ? error_set(err, STATUS_NO_MEMORY, "blocks") : STATUS_OK;
}

static enum status put_block(struct extract *e, size_t number, struct error *err)
{
    const struct recording_contents *c = &e->rec->contents;
    const struct recording_block *block = &c->blocks[0][number];
    const struct block_row *row = &e->rec->rows[0][number];
    struct byte_writer contents = { 0 };
    sqlite3_stmt *put = NULL;
    enum status st = database_row(&e->out, CHECKED_BLOCK, &put, err);

    if (st == STATUS_OK && block->tail)
        st = put_next_process(e, &contents, row, err);
    if (st == STATUS_OK) {
        const int64_t values[] = { (int64_t)(number - e->first) + 1,
                                   level_seconds[0],
                                   block->block_seq,
                                   c->sessions[block->session].session_id,
                                   block->first_tick,
                                   block->tick_count,
                                   block->previous_ns,
                                   block->start_ns,
                                   block->end_ns };

        for (size_t i = 0; i < COUNT_OF(values); i++)
            (void)sqlite3_bind_int64(put, (int)i + 1, values[i]);
        if (block->previous_ns == NO_TIME)
            (void)sqlite3_bind_null(put, 7);
        (void)sqlite3_bind_blob64(put, 10, row->ticks, row->ticks_size, SQLITE_STATIC);
        (void)sqlite3_bind_blob64(put, 11, block->tail ? contents.data : row->contents,
                                  block->tail ? contents.used : row->contents_size, SQLITE_STATIC);
        st = database_insert(&e->out, CHECKED_BLOCK, err);
    }
    bytes_release(&contents);
    return st;
}

enum status extract_rows(struct extract *e, struct error *err)
{
    static const enum checked_table tables[] = { CHECKED_SESSION,    CHECKED_TIMELINE,
                                                 CHECKED_CAPABILITY, CHECKED_SAMPLES_TABLE,
                                                 CHECKED_METRIC,     CHECKED_METRIC_COLUMN,
                                                 CHECKED_ENTITY,     CHECKED_PROCESS,
                                                 CHECKED_EVENT,      CHECKED_PROCESS_VERSION };
    enum status st = recording_load_processes(e->rec, err);

    if (st == STATUS_OK)
        st = add_parents(e, err);
    if (st == STATUS_OK)
        st = choose_processes(e, err);
    for (size_t i = 0; i < COUNT_OF(tables) && st == STATUS_OK; i++)
        st = copy_rows(e, tables[i], err);
    if (st == STATUS_OK)
        st = extract_catalog(e, err);
    for (size_t b = e->first; b < e->end && st == STATUS_OK; b++)
        st = put_block(e, b, err);
    return st == STATUS_OK ? database_write_checks(&e->out, err) : st;
}
