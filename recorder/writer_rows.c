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
    sqlite3_stmt *stmt;

    if (database_row(&writer->db, CHECKED_METRIC, &stmt, err) != STATUS_OK)
        return err->status;
    (void)sqlite3_bind_int64(stmt, 1, ++writer->last_id[CHECKED_METRIC]);
    (void)sqlite3_bind_int64(stmt, 2, table_id);
    (void)sqlite3_bind_int64(stmt, 3, (int64_t)position);
    bind_text(stmt, 4, metric->name);
    bind_text(stmt, 5, metric_kind_name(metric->kind));
    bind_text(stmt, 6, metric->unit);
    (void)sqlite3_bind_int64(stmt, 7, metric->scale);
    bind_text(stmt, 8, metric->labels);
    bind_text(stmt, 9, metric->description);
    return database_insert(&writer->db, CHECKED_METRIC, err);
}

/* Which columns a metric has: one at level 0, its parts at the rollup levels. */
static enum status put_columns(struct writer *writer, int64_t table_id, size_t position,
                               enum metric_kind kind, struct error *err)
{
    sqlite3_stmt *stmt;

    for (unsigned part = 0; part <= metric_part_count(kind); part++) {
        bool level_0 = part == metric_part_count(kind);

        if (database_row(&writer->db, CHECKED_METRIC_COLUMN, &stmt, err) != STATUS_OK)
            return err->status;
        (void)sqlite3_bind_int64(stmt, 1, ++writer->last_id[CHECKED_METRIC_COLUMN]);
        (void)sqlite3_bind_int64(stmt, 2, table_id);
        bind_text(stmt, 3, level_0 ? "samples" : "rollup");
        (void)sqlite3_bind_int64(stmt, 4, metric_column_id(position, level_0 ? 0 : part));
        (void)sqlite3_bind_int64(stmt, 5, (int64_t)position);
        bind_text(stmt, 6, level_0 ? "value" : metric_part_name(kind, part));
        if (database_insert(&writer->db, CHECKED_METRIC_COLUMN, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
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
    sqlite3_stmt *stmt;

    if (database_row(&writer->db, CHECKED_SAMPLES_TABLE, &stmt, err) != STATUS_OK)
        return err->status;
    (void)sqlite3_bind_int64(stmt, 1, table_id);
    bind_text(stmt, 2, table->name);
    bind_text(stmt, 3, entity_kind_name(table->key[0]));
    bind_text(stmt, 4, entity_kind_name(table->key[1]));
    bind_text(stmt, 5, table->description);
    return database_insert(&writer->db, CHECKED_SAMPLES_TABLE, err);
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
    sqlite3_stmt *stmt;
    enum status st = STATUS_OK;

    if (reason != NULL)
        st = database_delete(&writer->db, CHECKED_SESSION, writer->session_id, err);
    if (st != STATUS_OK || database_row(&writer->db, CHECKED_SESSION, &stmt, err) != STATUS_OK)
        return err->status;
    (void)sqlite3_bind_int64(stmt, 1, writer->session_id);
    bind_text(stmt, 2, f->boot_id);
    bind_text(stmt, 3, f->host);
    bind_text(stmt, 4, f->os);
    bind_text(stmt, 5, f->release);
    bind_text(stmt, 6, f->machine);
    bind_text(stmt, 7, f->hardware);
    bind_text(stmt, 8, f->version);
    bind_text(stmt, 9, f->process_source);
    bind_text(stmt, 10, f->zone);
    (void)sqlite3_bind_int64(stmt, 11, f->zone_offset_s);
    (void)sqlite3_bind_int64(stmt, 12, f->zone_next_change_ns);
    (void)sqlite3_bind_int64(stmt, 13, f->zone_next_offset_s);
    (void)sqlite3_bind_int64(stmt, 14, f->core_count);
    (void)sqlite3_bind_int64(stmt, 15, f->page_bytes);
    (void)sqlite3_bind_int64(stmt, 16, f->memory_bytes);
    (void)sqlite3_bind_int64(stmt, 17, f->clock_ticks_per_second);
    (void)sqlite3_bind_int64(stmt, 18, f->interval_ns);
    (void)sqlite3_bind_int64(stmt, 19, f->pid);
    (void)sqlite3_bind_int64(stmt, 20, f->timebase.wall_start_ns);
    (void)sqlite3_bind_int64(stmt, 21, f->timebase.boot_start_ns);
    if (reason != NULL) {
        (void)sqlite3_bind_int64(stmt, 22, end_ns);
        bind_text(stmt, 23, reason);
    }
    return database_insert(&writer->db, CHECKED_SESSION, err);
}

/* --- processes --- */

enum { VERSION_ID_STRIDE = 1024 }; /* version_id = process_id * 1024 + ordinal */

static enum status put_process_row(struct writer *writer, const struct open_process *p,
                                   struct error *err)
{
    const struct process *process = &p->process;
    sqlite3_stmt *stmt;

    if (p->stored &&
        database_delete(&writer->db, CHECKED_PROCESS, process->process_id, err) != STATUS_OK)
        return err->status;
    if (database_row(&writer->db, CHECKED_PROCESS, &stmt, err) != STATUS_OK)
        return err->status;
    (void)sqlite3_bind_int64(stmt, 1, process->process_id);
    (void)sqlite3_bind_int64(stmt, 2, process->session_id);
    (void)sqlite3_bind_int64(stmt, 3, process->pid);
    (void)sqlite3_bind_int64(stmt, 4, process->ppid);
    (void)sqlite3_bind_int64(stmt, 5, (int64_t)process->start_ticks);
    (void)sqlite3_bind_int64(stmt, 6, process->start_ns);
    if (process->end_ns != NO_TIME)
        (void)sqlite3_bind_int64(stmt, 7, process->end_ns);
    (void)sqlite3_bind_int64(stmt, 8, process->exit_code);
    (void)sqlite3_bind_int64(stmt, 9, process->how);
    (void)sqlite3_bind_int64(stmt, 10, process->flags);
    (void)sqlite3_bind_int64(stmt, 11, (int64_t)(p->first_number + process->version_count));
    return database_insert(&writer->db, CHECKED_PROCESS, err);
}

static enum status put_version_row(struct writer *writer, struct open_process *p, size_t k,
                                   struct error *err)
{
    /* The order of columns 4 to 10 in the table. */
    static const enum process_text order[] = { PROCESS_COMM,   PROCESS_EXE,       PROCESS_CMDLINE,
                                               PROCESS_CWD,    PROCESS_CGROUP,    PROCESS_CONTAINER,
                                               PROCESS_USER };
    const struct version *v = &p->process.versions[k];
    size_t number = p->first_number + k;
    int64_t id = p->process.process_id * VERSION_ID_STRIDE + (int64_t)number;
    sqlite3_stmt *stmt;

    if (number < p->stored_versions &&
        database_delete(&writer->db, CHECKED_PROCESS_VERSION, id, err) != STATUS_OK)
        return err->status;
    if (database_row(&writer->db, CHECKED_PROCESS_VERSION, &stmt, err) != STATUS_OK)
        return err->status;
    (void)sqlite3_bind_int64(stmt, 1, id);
    (void)sqlite3_bind_int64(stmt, 2, v->from_ns);
    if (v->uid_known)
        (void)sqlite3_bind_int64(stmt, 3, v->uid);
    for (size_t t = 0; t < COUNT_OF(order); t++) {
        const struct text *text = &v->text[order[t]];

        /* A blob: names hold any bytes, and SQLite's TEXT must be UTF-8. */
        if (text->data != NULL)
            (void)sqlite3_bind_blob(stmt, 4 + (int)t, text->size > 0 ? text->data : "",
                                    (int)text->size, SQLITE_STATIC);
    }
    (void)sqlite3_bind_int64(stmt, 11, v->cmdline_length);
    (void)sqlite3_bind_int64(stmt, 12, (int64_t)v->cmdline_hash);
    if (database_insert(&writer->db, CHECKED_PROCESS_VERSION, err) != STATUS_OK)
        return err->status;
    if (number >= p->stored_versions)
        p->stored_versions = number + 1;
    return STATUS_OK;
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
    enum status st = database_prepare(
        &writer->db, &stmt,
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

/* Its last version, so that what a new one does not tell can be carried over. */
static enum status load_version(struct writer *writer, struct open_process *p, int64_t number,
                                struct error *err)
{
    static const enum process_text order[] = { PROCESS_COMM,   PROCESS_EXE,       PROCESS_CMDLINE,
                                               PROCESS_CWD,    PROCESS_CGROUP,    PROCESS_CONTAINER,
                                               PROCESS_USER };
    struct version version = { 0 };
    sqlite3_stmt *stmt = NULL;
    size_t index;
    enum status st = database_select(&writer->db, CHECKED_PROCESS_VERSION, &stmt,
                                     "WHERE version_id=?1", err);

    if (st == STATUS_OK) {
        (void)sqlite3_bind_int64(stmt, 1, p->process.process_id * VERSION_ID_STRIDE + number);
        st = database_step(&writer->db, stmt, err);
    }
    if (st == STATUS_OK)
        st = database_check_row(&writer->db, CHECKED_PROCESS_VERSION, stmt, err);
    if (st == STATUS_OK) {
        version.from_ns = sqlite3_column_int64(stmt, 1);
        version.uid_known = sqlite3_column_type(stmt, 2) != SQLITE_NULL;
        version.uid = (uint32_t)sqlite3_column_int64(stmt, 2);
        version.cmdline_length = (uint32_t)sqlite3_column_int64(stmt, 10);
        version.cmdline_hash = (uint64_t)sqlite3_column_int64(stmt, 11);
        for (int t = 0; t < (int)COUNT_OF(order); t++)
            if (sqlite3_column_type(stmt, 3 + t) != SQLITE_NULL) {
                const char *data = sqlite3_column_blob(stmt, 3 + t);

                version.text[order[t]] = (struct text){
                    data == NULL ? "" : data, (uint32_t)sqlite3_column_bytes(stmt, 3 + t)
                };
            }
        st = process_name(&p->process, &version, &index, err);
    }
    (void)sqlite3_finalize(stmt);
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
    return versions > 0 ? load_version(writer, p, versions - 1, err) : STATUS_OK;
}
