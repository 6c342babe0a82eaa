/* Reading everything once, to find what is damaged; and where the bytes of a file go. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/recording_private.h"

struct verifying {
    struct recording *rec;
    finding_report *report;
    void *context;
    size_t *findings;
    struct block_column column;
};

static void finding(struct verifying *v, const char *part, const char *what)
{
    ++*v->findings;
    v->report(v->context, part, what);
}

/* Damage is a finding and the search goes on; anything else ends it. */
static enum status note(struct verifying *v, enum status st, const char *part,
                        const struct error *err)
{
    if (st != STATUS_CORRUPT)
        return st;
    finding(v, part, err->message);
    return STATUS_OK;
}

/* What the k-th key of a series names must be there. */
static enum status verify_key(struct verifying *v, const struct recording_block *block,
                              enum entity_kind kind, int64_t key, struct error *err)
{
    const struct process *process;

    if (kind == ENTITY_PROCESS)
        return recording_process(v->rec, block, key, &process, err);
    if (kind == ENTITY_NONE || recording_entity(v->rec, key) != NULL)
        return STATUS_OK;
    return error_set(err, STATUS_CORRUPT, "%s: entity %lld of block %lld is not stored",
                     v->rec->contents.path, (long long)key, (long long)block->block_seq);
}

/* Every process and entity that a block names. */
static enum status verify_keys(struct verifying *v, const struct recording_block *block,
                               const struct recording_table *table,
                               const struct block_table *directory, struct error *err)
{
    for (size_t i = 0; i < directory->series_count; i++) {
        const struct series *series = &directory->series[i];
        enum status st = verify_key(v, block, table->key[0], series->key[0], err);

        if (st == STATUS_OK && table->key[0] != ENTITY_NONE)
            st = verify_key(v, block, table->key[1], series->key[1], err);
        if (st == STATUS_CORRUPT) {
            finding(v, table->name, err->message);
            return STATUS_OK; /* once a block is enough */
        }
        if (st != STATUS_OK)
            return st;
    }
    return STATUS_OK;
}

static enum status verify_table(struct verifying *v, const struct recording_block *block,
                                const struct recording_table *table,
                                const struct block_ticks *ticks, struct error *err)
{
    struct block_table directory;
    enum status st = recording_directory(v->rec, block, table, ticks, &directory, err);

    if (st == STATUS_ABSENT)
        return STATUS_OK;
    if (st != STATUS_OK)
        return note(v, st, table->name, err);
    for (size_t c = 0; c < directory.shape->column_count && st == STATUS_OK; c++)
        st = note(v, recording_column(v->rec, &directory, c, series_all, &v->column, err),
                  table->name, err);
    if (st == STATUS_OK)
        st = verify_keys(v, block, table, &directory, err);
    block_table_release(&directory);
    return st;
}

static enum status verify_block(struct verifying *v, const struct recording_block *block,
                                struct error *err)
{
    const struct recording_contents *c = &v->rec->contents;
    const struct lifetimes *lifetimes;
    struct block_ticks ticks;
    enum status st = recording_ticks(v->rec, block, &ticks, err);

    if (st != STATUS_OK)
        return note(v, st, "block", err);
    for (size_t t = 0; t < c->table_count && st == STATUS_OK; t++)
        st = verify_table(v, block, &c->tables[t], &ticks, err);
    block_ticks_release(&ticks);
    if (st == STATUS_OK && block->level == 0)
        st = note(v, recording_lifetimes(v->rec, block, &lifetimes, err), "lifetimes", err);
    return st;
}

/* "Page 23: unable to get the page. error code=7": that is no damage. */
static bool tells_of_memory(const char *line)
{
    const char *code = strstr(line, "error code=");

    return code != NULL && strtol(code + strlen("error code="), NULL, 10) == SQLITE_NOMEM;
}

static enum status verify_database(struct verifying *v, struct error *err)
{
    struct database *db = &v->rec->db;
    sqlite3_stmt *stmt = NULL;
    enum status st = database_prepare(db, &stmt, "PRAGMA integrity_check(20)", err);

    while (st == STATUS_OK && (st = database_step(db, stmt, err)) == STATUS_OK) {
        const char *line = (const char *)sqlite3_column_text(stmt, 0);

        if (line == NULL || tells_of_memory(line))
            st = error_set(err, STATUS_NO_MEMORY, "integrity check");
        else if (strcmp(line, "ok") != 0)
            finding(v, "database", line);
    }
    (void)sqlite3_finalize(stmt);
    return st == STATUS_ABSENT ? STATUS_OK : note(v, st, "database", err);
}

/* Usage by name of hours and runs. */
static enum status verify_usage(struct verifying *v, bool runs, struct error *err)
{
    const struct recording_table *table =
        recording_table(v->rec, samples_tables[TABLE_PROCESS].name);
    struct recording_usage *list = NULL;
    struct usage usage = { 0 };
    size_t count = 0;
    enum status st = note(v, recording_usages(v->rec, runs, &list, &count, err), "usage", err);

    if (table != NULL)
        usage_init(&usage, &table->shape[0]);
    for (size_t i = 0; i < count && st == STATUS_OK && table != NULL; i++)
        st = note(v, recording_usage(v->rec, &list[i], &usage, err), "usage", err);
    usage_release(&usage);
    free(list);
    return st;
}

enum status recording_verify(struct recording *recording, finding_report *report, void *context,
                             size_t *findings, struct error *err)
{
    struct verifying v = {
        .rec = recording, .report = report, .context = context, .findings = findings
    };
    const struct recording_contents *c = &recording->contents;
    size_t done = 0, all = 0;
    enum status st;

    *findings = 0;
    for (unsigned level = 0; level < LEVEL_COUNT; level++)
        all += c->block_count[level];
    st = verify_database(&v, err);
    if (st == STATUS_OK)
        st = note(&v, recording_load_processes(recording, err), "process", err);
    if (st == STATUS_OK)
        st = note(&v, recording_check_columns(recording, err), "metric_column", err);
    for (unsigned level = 0; level < LEVEL_COUNT; level++)
        for (size_t b = 0; b < c->block_count[level] && st == STATUS_OK; b++) {
            if (recording->tell != NULL)
                recording->tell(done++, all);
            st = verify_block(&v, &c->blocks[level][b], err);
        }
    for (int runs = 0; runs < 2 && st == STATUS_OK; runs++)
        st = verify_usage(&v, runs != 0, err);
    block_column_release(&v.column);
    return st;
}

/* --- sizes --- */

struct sizing {
    struct recording *rec;
    struct recording_size *list;
    size_t count;
    int64_t known; /* bytes told of so far */
};

static enum status add_size(struct sizing *s, const char *part, int64_t bytes, int64_t rows,
                            struct error *err)
{
    struct recording_size *larger = realloc(s->list, (s->count + 1) * sizeof *larger);

    if (larger == NULL)
        return error_set(err, STATUS_NO_MEMORY, "sizes");
    s->list = larger;
    s->list[s->count] = (struct recording_size){ .bytes = bytes, .rows = rows };
    (void)snprintf(s->list[s->count].part, sizeof s->list[s->count].part, "%s", part);
    s->count++;
    s->known += bytes;
    return STATUS_OK;
}

/* Length of a blob column costs no read of it: SQLite knows it from the row's header. */
static enum status size_of_blobs(struct sizing *s, const char *part, const char *table,
                                 struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    char *sql =
        sqlite3_mprintf("SELECT coalesce(sum(length(data)),0), count(*) FROM \"%w\"", table);
    enum status st = sql == NULL ? error_set(err, STATUS_NO_MEMORY, "sizes")
                                 : database_prepare(&s->rec->db, &stmt, sql, err);

    if (st == STATUS_OK)
        st = database_step(&s->rec->db, stmt, err);
    if (st == STATUS_OK)
        st = add_size(s, part, sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1), err);
    sqlite3_free(sql);
    (void)sqlite3_finalize(stmt);
    return st;
}

static enum status size_of_levels(struct sizing *s, const struct recording_table *table,
                                  struct error *err)
{
    for (unsigned level = 0; level < LEVEL_COUNT; level++) {
        struct chunk_place place = { .level = level, .table_id = table->table_id };
        char part[64], name[200];

        (void)snprintf(part, sizeof part, "%.40s %s", table->name,
                       level == 0   ? "level 0"
                       : level == 1 ? "level 60 s"
                                    : "level 3600 s");
        if (size_of_blobs(s, part, chunk_store_table(&place, table->name, name, sizeof name),
                          err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

static enum status pragma(struct sizing *s, const char *sql, int64_t *value, struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    enum status st = database_prepare(&s->rec->db, &stmt, sql, err);

    if (st == STATUS_OK)
        st = database_step(&s->rec->db, stmt, err);
    if (st == STATUS_OK)
        *value = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt);
    return st;
}

static enum status size_of_rows(struct sizing *s, const char *part, const char *sql,
                                struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    enum status st = database_prepare(&s->rec->db, &stmt, sql, err);

    if (st == STATUS_OK)
        st = database_step(&s->rec->db, stmt, err);
    if (st == STATUS_OK)
        st = add_size(s, part, sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1), err);
    (void)sqlite3_finalize(stmt);
    return st;
}

/* A file of version 1.0 has none. */
static enum status size_of_usage(struct sizing *s, struct error *err)
{
    struct error ignored;

    if (size_of_blobs(s, "usage by name, of blocks", "process_usage_chunk", &ignored) != STATUS_OK)
        return STATUS_OK;
    return size_of_blobs(s, "usage by name, of hours", "process_hour_chunk", err);
}

static enum status measure(struct sizing *s, struct error *err)
{
    const struct recording_contents *c = &s->rec->contents;
    int64_t page = 0, free_pages = 0, pages = 0;

    for (size_t t = 0; t < c->table_count; t++)
        if (size_of_levels(s, &c->tables[t], err) != STATUS_OK)
            return err->status;
    if (size_of_blobs(s, "lifetimes", "process_lifetime_chunk", err) != STATUS_OK ||
        size_of_blobs(s, "strings", "string_chunk", err) != STATUS_OK ||
        size_of_usage(s, err) != STATUS_OK || size_of_blobs(s, "tail", "tail", err) != STATUS_OK ||
        size_of_rows(
            s, "identities",
            "SELECT coalesce(sum(40 + coalesce(length(comm),0) + coalesce(length(exe),0) + "
            "coalesce(length(cmdline),0) + coalesce(length(cwd),0) + "
            "coalesce(length(cgroup),0) + coalesce(length(user),0)),0) + "
            "60 * (SELECT count(crc) FROM process), count(*) FROM process_version",
            err) != STATUS_OK ||
        size_of_rows(s, "block rows",
                     "SELECT coalesce(sum(length(ticks) + length(contents) + 60),0), count(*) "
                     "FROM block",
                     err) != STATUS_OK ||
        pragma(s, "PRAGMA page_size", &page, err) != STATUS_OK ||
        pragma(s, "PRAGMA freelist_count", &free_pages, err) != STATUS_OK ||
        pragma(s, "PRAGMA page_count", &pages, err) != STATUS_OK ||
        add_size(s, "free pages", page * free_pages, free_pages, err) != STATUS_OK)
        return err->status;
    return add_size(s, "catalog, pages, other", page * pages - s->known, 0, err);
}

enum status recording_sizes(struct recording *recording, struct recording_size **sizes,
                            size_t *count, struct error *err)
{
    struct sizing s = { .rec = recording };
    enum status st = measure(&s, err);

    if (st != STATUS_OK) {
        free(s.list);
        s.list = NULL;
        s.count = 0;
    }
    *sizes = s.list;
    *count = s.count;
    return st;
}
