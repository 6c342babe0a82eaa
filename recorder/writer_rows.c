/* Rows that are not samples: the catalog, the session, processes and their versions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/writer_private.h"

static void bind_text(sqlite3_stmt *stmt, int column, const char *text)
{
    (void)sqlite3_bind_text(stmt, column, text, -1, SQLITE_STATIC);
}

static enum status put_metric(struct writer *writer, int64_t table_id, size_t position,
                              const struct metric *metric, struct error *err)
{
    struct pending *to = &writer->pending;

    pending_row(to, CHECKED_METRIC, false);
    pending_int(to, ++writer->last_id[CHECKED_METRIC]);
    pending_int(to, table_id);
    pending_int(to, (int64_t)position);
    pending_text(to, metric->name);
    pending_text(to, metric_kind_name(metric->kind));
    pending_text(to, metric->unit);
    pending_int(to, metric->scale);
    pending_text(to, metric->labels);
    pending_text(to, metric->description);
    return pending_row_end(to, err);
}

/* Which columns a metric has: one at level 0, its parts at the rollup levels. */
static enum status put_columns(struct writer *writer, int64_t table_id, size_t position,
                               enum metric_kind kind, struct error *err)
{
    struct pending *to = &writer->pending;

    for (unsigned part = 0; part <= metric_part_count(kind); part++) {
        bool level_0 = part == metric_part_count(kind);

        pending_row(to, CHECKED_METRIC_COLUMN, false);
        pending_int(to, ++writer->last_id[CHECKED_METRIC_COLUMN]);
        pending_int(to, table_id);
        pending_text(to, level_0 ? "samples" : "rollup");
        pending_int(to, metric_column_id(position, level_0 ? 0 : part));
        pending_int(to, (int64_t)position);
        pending_text(to, level_0 ? "value" : metric_part_name(kind, part));
    }
    return pending_row_end(to, err);
}

/* How many metrics of a table the file knows; -1: it does not know the table. */
static enum status known_metrics(struct writer *writer, int64_t table_id, int64_t *count,
                                 struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    enum status st = database_prepare(&writer->db, &stmt,
                                      "SELECT (SELECT count(*) FROM metric WHERE table_id=?1) "
                                      "FROM samples_table WHERE table_id=?1 AND name=?2",
                                      err);

    *count = -1;
    if (st == STATUS_OK) {
        (void)sqlite3_bind_int64(stmt, 1, table_id);
        bind_text(stmt, 2, samples_tables[table_id].name);
        st = database_step(&writer->db, stmt, err);
    }
    if (st == STATUS_OK)
        *count = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt);
    return st == STATUS_ABSENT ? STATUS_OK : st;
}

static enum status put_table(struct writer *writer, int64_t table_id, struct error *err)
{
    const struct samples_table *table = &samples_tables[table_id];
    struct pending *to = &writer->pending;

    pending_row(to, CHECKED_SAMPLES_TABLE, false);
    pending_int(to, table_id);
    pending_text(to, table->name);
    pending_text(to, entity_kind_name(table->key[0]));
    pending_text(to, entity_kind_name(table->key[1]));
    pending_text(to, table->description);
    return pending_row_end(to, err);
}

/* A file of an older minor version lacks the newest tables and metrics: they are added. */
enum status writer_put_catalog(struct writer *writer, struct error *err)
{
    for (int64_t t = 0; t < TABLE_COUNT; t++) {
        const struct samples_table *table = &samples_tables[t];
        int64_t known;

        if (known_metrics(writer, t, &known, err) != STATUS_OK)
            return err->status;
        if (known < 0 && put_table(writer, t, err) != STATUS_OK)
            return err->status;
        for (size_t m = known < 0 ? 0 : (size_t)known; m < table->metric_count; m++)
            if (put_metric(writer, t, m, &table->metrics[m], err) != STATUS_OK ||
                put_columns(writer, t, m, table->metrics[m].kind, err) != STATUS_OK)
                return err->status;
    }
    return STATUS_OK;
}

enum status writer_put_session(struct writer *writer, int64_t end_ns, const char *reason,
                               struct error *err)
{
    const struct session_facts *f = &writer->facts;
    struct pending *to = &writer->pending;

    pending_row(to, CHECKED_SESSION, reason != NULL);
    pending_int(to, writer->session_id);
    pending_text(to, f->boot_id);
    pending_text(to, f->host);
    pending_text(to, f->os);
    pending_text(to, f->release);
    pending_text(to, f->machine);
    pending_text(to, f->hardware);
    pending_text(to, f->version);
    pending_text(to, f->process_source);
    pending_text(to, f->zone);
    pending_int(to, f->zone_offset_s);
    pending_int(to, f->zone_next_change_ns);
    pending_int(to, f->zone_next_offset_s);
    pending_int(to, f->core_count);
    pending_int(to, f->page_bytes);
    pending_int(to, f->memory_bytes);
    pending_int(to, f->clock_ticks_per_second);
    pending_int(to, f->interval_ns);
    pending_int(to, f->pid);
    pending_int(to, f->timebase.wall_start_ns);
    pending_int(to, f->timebase.boot_start_ns);
    pending_time(to, end_ns);
    pending_text(to, reason);
    return pending_row_end(to, err);
}

/* --- entities --- */

static enum status know_entity(struct writer *writer, int64_t id, enum entity_kind kind,
                               const void *key, size_t key_size, struct error *err)
{
    char *copy = malloc(key_size + 1);

    if (copy != NULL && writer->entity_count == writer->entity_size) {
        size_t more = writer->entity_size == 0 ? 32 : writer->entity_size * 2;
        struct known_entity *larger = realloc(writer->entity, more * sizeof *larger);

        if (larger != NULL) {
            writer->entity = larger;
            writer->entity_size = more;
        }
    }
    if (copy == NULL || writer->entity_count == writer->entity_size) {
        free(copy);
        return error_set(err, STATUS_NO_MEMORY, "entities");
    }
    if (key_size > 0)
        memcpy(copy, key, key_size);
    writer->entity[writer->entity_count++] =
        (struct known_entity){ .entity_id = id, .kind = kind, .key = copy, .key_size = key_size };
    return STATUS_OK;
}

/* A kind of a newer version stays ENTITY_KIND_COUNT: this one never looks for it. */
static enum entity_kind kind_of(const char *name)
{
    int kind = 0;

    while (kind < ENTITY_KIND_COUNT &&
           (name == NULL || strcmp(name, entity_kind_name((enum entity_kind)kind)) != 0))
        kind++;
    return (enum entity_kind)kind;
}

enum status writer_load_entities(struct writer *writer, struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    enum status st = database_select(&writer->db, CHECKED_ENTITY, &stmt, "ORDER BY entity_id", err);

    while (st == STATUS_OK && (st = database_step(&writer->db, stmt, err)) == STATUS_OK) {
        st = database_check_row(&writer->db, CHECKED_ENTITY, stmt, err);
        if (st == STATUS_OK)
            st = know_entity(writer, sqlite3_column_int64(stmt, 0),
                             kind_of((const char *)sqlite3_column_text(stmt, 1)),
                             sqlite3_column_text(stmt, 2), (size_t)sqlite3_column_bytes(stmt, 2),
                             err);
    }
    (void)sqlite3_finalize(stmt);
    return st == STATUS_ABSENT ? STATUS_OK : st;
}

enum status writer_entity(struct writer *writer, const struct tick *tick,
                          const struct tick_entity *entity, int64_t parent_id, int64_t *id,
                          struct error *err)
{
    const char *key = tick_text_at(tick, entity->key);
    struct pending *to = &writer->pending;

    for (size_t i = 0; i < writer->entity_count; i++) {
        const struct known_entity *known = &writer->entity[i];

        if (known->kind == entity->kind && known->key_size == entity->key.size &&
            (entity->key.size == 0 || memcmp(known->key, key, entity->key.size) == 0)) {
            *id = known->entity_id;
            return STATUS_OK;
        }
    }
    *id = ++writer->last_id[CHECKED_ENTITY];
    pending_row(to, CHECKED_ENTITY, false);
    pending_int(to, *id);
    pending_text(to, entity_kind_name(entity->kind));
    pending_text_of(to, key, entity->key.size);
    pending_text_of(to, tick_text_at(tick, entity->label), entity->label.size);
    pending_int(to, parent_id);
    pending_int(to, tick->start_ns);
    pending_null(to);
    if (pending_row_end(to, err) != STATUS_OK)
        return err->status;
    return know_entity(writer, *id, entity->kind, key, entity->key.size, err);
}

/* --- processes --- */

enum { VERSION_ID_STRIDE = 1024 }; /* version_id = process_id * 1024 + ordinal */

/* The order of columns 4 to 10 of process_version. */
static const enum process_text text_order[] = { PROCESS_COMM, PROCESS_EXE,    PROCESS_CMDLINE,
                                                PROCESS_CWD,  PROCESS_CGROUP, PROCESS_CONTAINER,
                                                PROCESS_USER };

static enum status put_process_row(struct writer *writer, const struct open_process *p,
                                   struct error *err)
{
    const struct process *process = &p->process;
    struct pending *to = &writer->pending;

    pending_row(to, CHECKED_PROCESS, p->stored);
    pending_int(to, process->process_id);
    pending_int(to, process->session_id);
    pending_int(to, process->pid);
    pending_int(to, process->ppid);
    pending_int(to, (int64_t)process->start_ticks);
    pending_int(to, process->start_ns);
    pending_time(to, process->end_ns);
    pending_int(to, process->exit_code);
    pending_int(to, process->how);
    pending_int(to, process->flags);
    pending_int(to, (int64_t)(p->first_number + process->version_count));
    return pending_row_end(to, err);
}

static enum status put_version_row(struct writer *writer, struct open_process *p, size_t k,
                                   struct error *err)
{
    const struct version *v = &p->process.versions[k];
    struct pending *to = &writer->pending;
    size_t number = p->first_number + k;

    pending_row(to, CHECKED_PROCESS_VERSION, number < p->stored_versions);
    pending_int(to, p->process.process_id * VERSION_ID_STRIDE + (int64_t)number);
    pending_int(to, v->from_ns);
    pending_time(to, v->uid_known ? (int64_t)v->uid : INT64_MIN);
    for (size_t t = 0; t < COUNT_OF(text_order); t++) /* blobs: names hold any bytes */
        pending_blob(to, v->text[text_order[t]].data, v->text[text_order[t]].size);
    pending_int(to, v->cmdline_length);
    pending_int(to, (int64_t)v->cmdline_hash);
    if (number >= p->stored_versions)
        p->stored_versions = number + 1;
    return pending_row_end(to, err);
}

enum status writer_store_process(struct writer *writer, struct open_process *p, struct error *err)
{
    for (size_t k = p->changed_from; k < p->process.version_count; k++)
        if (put_version_row(writer, p, k, err) != STATUS_OK)
            return err->status;
    p->changed_from = SIZE_MAX;
    if (put_process_row(writer, p, err) != STATUS_OK)
        return err->status;
    p->stored = true;
    return STATUS_OK;
}

/* --- an earlier session of the same boot --- */

enum status writer_load_known(struct writer *writer, struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    size_t size = 0;
    enum status st =
        database_prepare(&writer->db, &stmt,
                         "SELECT p.process_id, p.pid, p.start_ticks FROM process p JOIN session s "
                         "USING(session_id) WHERE s.boot_id=?1 AND p.end_ns IS NULL",
                         err);

    if (st == STATUS_OK)
        bind_text(stmt, 1, writer->facts.boot_id);
    while (st == STATUS_OK && (st = database_step(&writer->db, stmt, err)) == STATUS_OK) {
        if (writer->known_count == size) {
            struct known_process *larger;

            size = size == 0 ? 256 : size * 2;
            larger = realloc(writer->known, size * sizeof *larger);
            if (larger == NULL) {
                st = error_set(err, STATUS_NO_MEMORY, "processes of the session before");
                break;
            }
            writer->known = larger;
        }
        writer->known[writer->known_count++] =
            (struct known_process){ .process_id = sqlite3_column_int64(stmt, 0),
                                    .pid = sqlite3_column_int(stmt, 1),
                                    .start_ticks = (uint64_t)sqlite3_column_int64(stmt, 2) };
    }
    (void)sqlite3_finalize(stmt);
    return st == STATUS_ABSENT ? STATUS_OK : st;
}

/* The version that a selected row tells of, as the process's next. */
static enum status take_version(struct writer *writer, struct open_process *p, sqlite3_stmt *stmt,
                                struct error *err)
{
    struct version version = { 0 };
    size_t index;

    if (database_check_row(&writer->db, CHECKED_PROCESS_VERSION, stmt, err) != STATUS_OK)
        return err->status;
    version.from_ns = sqlite3_column_int64(stmt, 1);
    version.uid_known = sqlite3_column_type(stmt, 2) != SQLITE_NULL;
    version.uid = (uint32_t)sqlite3_column_int64(stmt, 2);
    version.cmdline_length = (uint32_t)sqlite3_column_int64(stmt, 10);
    version.cmdline_hash = (uint64_t)sqlite3_column_int64(stmt, 11);
    for (int t = 0; t < (int)COUNT_OF(text_order); t++)
        if (sqlite3_column_type(stmt, 3 + t) != SQLITE_NULL) {
            const char *data = sqlite3_column_blob(stmt, 3 + t);

            version.text[text_order[t]] =
                (struct text){ data == NULL ? "" : data,
                               (uint32_t)sqlite3_column_bytes(stmt, 3 + t) };
        }
    return process_name(&p->process, &version, &index, err);
}

/* One of its versions, by a condition on ?1 <= version_id < ?2 and ?3. */
static enum status load_version(struct writer *writer, struct open_process *p, const char *rest,
                                int64_t parameter, struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    enum status st = database_select(&writer->db, CHECKED_PROCESS_VERSION, &stmt, rest, err);

    if (st == STATUS_OK) {
        (void)sqlite3_bind_int64(stmt, 1, p->process.process_id * VERSION_ID_STRIDE);
        (void)sqlite3_bind_int64(stmt, 2, (p->process.process_id + 1) * VERSION_ID_STRIDE);
        (void)sqlite3_bind_int64(stmt, 3, parameter);
        st = database_step(&writer->db, stmt, err);
    }
    if (st == STATUS_OK)
        st = take_version(writer, p, stmt, err);
    (void)sqlite3_finalize(stmt);
    return st;
}

enum status writer_load_name(struct writer *writer, struct open_process *p, int64_t at_ns,
                             struct error *err)
{
    enum status st = load_version(writer, p,
                                  "WHERE version_id>=?1 AND version_id<?2 AND from_ns<=?3 "
                                  "ORDER BY version_id DESC LIMIT 1",
                                  at_ns, err);

    if (st == STATUS_ABSENT)
        st = load_version(writer, p,
                          "WHERE version_id>=?1 AND version_id<?2 AND ?3 IS NOT NULL "
                          "ORDER BY version_id LIMIT 1",
                          at_ns, err);
    return st == STATUS_ABSENT ? STATUS_OK : st;
}

enum status writer_adopt(struct writer *writer, int64_t process_id, struct error *err)
{
    struct process process = { .process_id = process_id };
    struct open_process *p = NULL;
    int64_t versions = 0;
    sqlite3_stmt *stmt = NULL;
    enum status st =
        database_select(&writer->db, CHECKED_PROCESS, &stmt, "WHERE process_id=?1", err);

    if (st == STATUS_OK) {
        (void)sqlite3_bind_int64(stmt, 1, process_id);
        st = database_step(&writer->db, stmt, err);
    }
    if (st == STATUS_OK)
        st = database_check_row(&writer->db, CHECKED_PROCESS, stmt, err);
    if (st == STATUS_OK && (process_id <= 0 || process_id >= INT64_MAX / VERSION_ID_STRIDE))
        st = error_set(err, STATUS_CORRUPT, "process %lld is impossible", (long long)process_id);
    if (st == STATUS_OK) {
        process.session_id = sqlite3_column_int64(stmt, 1);
        process.pid = sqlite3_column_int(stmt, 2);
        process.ppid = sqlite3_column_int(stmt, 3);
        process.start_ticks = (uint64_t)sqlite3_column_int64(stmt, 4);
        process.start_ns = sqlite3_column_int64(stmt, 5);
        process.end_ns = NO_TIME;
        process.exit_code = -1;
        process.flags = (uint32_t)sqlite3_column_int64(stmt, 9);
        versions = sqlite3_column_int64(stmt, 10);
        st = open_block_add_process(&writer->block, &process, &p, err);
    }
    (void)sqlite3_finalize(stmt);
    if (st != STATUS_OK)
        return st;
    p->stored = true;
    p->stored_versions = (size_t)versions;
    p->first_number = versions > 0 ? (size_t)versions - 1 : 0;
    p->changed_from = SIZE_MAX;
    /* Its last version, so that what a new one does not tell can be carried over. */
    return versions > 0 ? writer_load_name(writer, p, INT64_MAX, err) : STATUS_OK;
}
