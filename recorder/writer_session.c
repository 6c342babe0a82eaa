/* The writer's sessions: what opening a recording takes, and what it leaves behind at the end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/writer_private.h"

static enum status read_last_ids(struct writer *writer, struct error *err)
{
    for (size_t t = 0; t < CHECKED_COUNT; t++) {
        char sql[100];

        (void)snprintf(sql, sizeof sql, "SELECT coalesce(max(rowid),0) FROM %s",
                       checked_table_name[t]);
        if (database_number(&writer->db, sql, &writer->last_id[t], err) != STATUS_OK)
            return err->status;
    }
    for (unsigned level = 0; level < LEVEL_COUNT; level++) {
        char sql[100];

        (void)snprintf(sql, sizeof sql,
                       "SELECT coalesce(max(block_seq)+1,1) FROM block WHERE level=%lld",
                       (long long)level_seconds[level]);
        if (database_number(&writer->db, sql, &writer->next_block_seq[level], err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

/* What lies between this session and the one before, if there is one. */
static enum status note_start(struct writer *writer, struct error *err)
{
    const char *kind = "start", *detail = "the first session of this recording";
    sqlite3_stmt *stmt = NULL;
    enum status st = database_prepare(&writer->db, &stmt,
                                      "SELECT boot_id, end_reason FROM session WHERE "
                                      "session_id<?1 ORDER BY session_id DESC LIMIT 1",
                                      err);

    if (st == STATUS_OK) {
        (void)sqlite3_bind_int64(stmt, 1, writer->session_id);
        st = database_step(&writer->db, stmt, err);
    }
    if (st == STATUS_OK) {
        const char *boot_id = (const char *)sqlite3_column_text(stmt, 0);
        const char *end = (const char *)sqlite3_column_text(stmt, 1);
        bool killed = end == NULL || strcmp(end, "killed") == 0;

        if (boot_id == NULL || strcmp(boot_id, writer->facts.boot_id) != 0) {
            kind = "reboot";
            detail = killed ? "the host was started anew; the recorder had not been stopped"
                            : "the host was started anew";
        } else {
            detail = killed ? "the recorder was started again; it had been killed"
                            : "the recorder was started again";
        }
    }
    (void)sqlite3_finalize(stmt);
    if (st != STATUS_OK && st != STATUS_ABSENT)
        return st;
    return writer_note(writer, kind, writer->facts.timebase.wall_start_ns, 0, detail, err);
}

static enum status begin_session(struct writer *writer, const struct session_facts *facts,
                                 struct error *err)
{
    int64_t session_id = ++writer->last_id[CHECKED_SESSION];

    writer->facts = *facts;
    writer->session_id = session_id;
    if (note_start(writer, err) != STATUS_OK ||
        writer_put_session(writer, NO_TIME, NULL, err) != STATUS_OK ||
        writer_load_known(writer, err) != STATUS_OK)
        return err->status;
    writer->block.session_id = session_id;
    writer->block.block_seq = writer->next_block_seq[0];
    writer->wall_offset_ns = 0;
    writer->last_tick_ns = writer->last_commit_ns = facts->timebase.wall_start_ns - 1;
    writer->first_unsynced_ns = NO_TIME;
    bytes_reset(&writer->record);
    if (tail_put_base(&writer->block, &writer->record, err) != STATUS_OK)
        return err->status;
    return writer_put_tail(writer, err);
}

/*
 * Recovery, then the session, in one transaction; the session looks for processes in rows that
 * recovery has written. It is synced: what a killed recorder had not is old enough.
 */
static enum status begin_recording(struct writer *writer, const struct session_facts *facts,
                                   struct error *err)
{
    if (database_exec(&writer->db, "PRAGMA synchronous=FULL; BEGIN IMMEDIATE", err) != STATUS_OK ||
        read_last_ids(writer, err) != STATUS_OK || writer_put_catalog(writer, err) != STATUS_OK ||
        writer_load_entities(writer, err) != STATUS_OK ||
        writer_init_levels(writer, err) != STATUS_OK || writer_recover(writer, err) != STATUS_OK ||
        pending_store(&writer->pending, &writer->db, err) != STATUS_OK)
        return err->status;
    pending_forget(&writer->pending);
    if (open_block_init(&writer->block, err) != STATUS_OK ||
        begin_session(writer, facts, err) != STATUS_OK ||
        pending_store(&writer->pending, &writer->db, err) != STATUS_OK ||
        database_write_checks(&writer->db, err) != STATUS_OK)
        return err->status;
    pending_forget(&writer->pending);
    return database_exec(&writer->db, "COMMIT; PRAGMA synchronous=NORMAL", err);
}

/* Commit, with room made as for a block; then what that has to tell. */
static enum status commit_and_evict(struct writer *writer, struct error *err)
{
    writer->checkpoint_due = true;
    if (writer_commit(writer, err) != STATUS_OK)
        return err->status;
    return pending_empty(&writer->pending) ? STATUS_OK : writer_commit(writer, err);
}

/* A recording that has become too large, or too old, while nobody looked. */
static enum status fit_to_size(struct writer *writer, struct error *err)
{
    if (writer->retention.options.max_bytes == 0 || !writer_checkpoint(writer))
        return STATUS_OK;
    if (commit_and_evict(writer, err) != STATUS_OK)
        return err->status;
    pending_release(&writer->pending);
    return retention_shrink(&writer->retention, err);
}

static enum status open_writer(struct writer *writer, const struct writer_options *options,
                               const struct session_facts *facts, struct error *err)
{
    writer->path = strdup(options->path);
    if (writer->path == NULL)
        return error_set(err, STATUS_NO_MEMORY, "writer");
    writer->commit_ns = options->commit_ns;
    writer->sync_ns = options->sync_ns;
    writer->block_ticks = options->block_ticks == 0 ? 300 : options->block_ticks;
    writer->encoder.sink_context = writer;
    if (database_open_write(&writer->db, writer->path, err) != STATUS_OK ||
        begin_recording(writer, facts, err) != STATUS_OK ||
        retention_open(&writer->retention, &writer->db, &options->retention, err) != STATUS_OK)
        return err->status;
    memset(writer->sealed_bytes, 0, sizeof writer->sealed_bytes); /* measured with the rest */
    return fit_to_size(writer, err);
}

enum status writer_open(struct writer **writer, const struct writer_options *options,
                        const struct session_facts *facts, struct error *err)
{
    enum status st;

    *writer = calloc(1, sizeof **writer);
    if (*writer == NULL)
        return error_set(err, STATUS_NO_MEMORY, "writer");
    st = open_writer(*writer, options, facts, err);
    if (st != STATUS_OK) {
        writer_free(*writer);
        *writer = NULL;
    }
    return st;
}

enum status writer_capability(struct writer *writer, const char *collector,
                              const struct capability *capability, struct error *err)
{
    struct pending *to = &writer->pending;

    pending_row(to, CHECKED_CAPABILITY, false);
    pending_int(to, ++writer->last_id[CHECKED_CAPABILITY]);
    pending_int(to, writer->session_id);
    pending_text(to, collector);
    pending_text(to, capability_name(capability->status));
    pending_text(to, capability->reason);
    pending_text(to, capability->enable);
    return pending_row_end(to, err);
}

void writer_stats(const struct writer *writer, struct writer_stats *stats)
{
    *stats = writer->stats;
}

void writer_free(struct writer *writer)
{
    if (writer == NULL)
        return;
    pending_release(&writer->pending);
    retention_close(&writer->retention);
    if (writer->db.path != NULL)
        database_close(&writer->db);
    if (writer->block.hash != NULL)
        open_block_release(&writer->block);
    for (size_t t = 0; t < TABLE_COUNT; t++)
        for (size_t level = 0; level + 1 < LEVEL_COUNT; level++)
            rollup_release(&writer->rollup[level][t]);
    for (size_t level = 0; level + 1 < LEVEL_COUNT; level++)
        block_ticks_release(&writer->windows[level]);
    for (size_t k = 0; k < ENTITY_KIND_COUNT; k++)
        free(writer->slots[k].id);
    block_encoder_release(&writer->encoder);
    compressor_release(&writer->compressor);
    rollup_fold_release(&writer->fold);
    rollup_fold_release(&writer->life_fold);
    bytes_release(&writer->record);
    bytes_release(&writer->stored);
    bytes_release(&writer->contents);
    for (size_t i = 0; i < writer->entity_count; i++)
        free(writer->entity[i].key);
    free(writer->entity);
    tick_check_release(&writer->check);
    free(writer->known);
    free(writer->lifetime);
    lifetime_columns_release(&writer->lives);
    usage_release(&writer->usage_block);
    usage_release(&writer->usage_run.usage);
    free(writer->path);
    free(writer);
}

/* One self-contained file: everything out of the WAL, and no WAL any more. */
static enum status leave_one_file(struct writer *writer, struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    enum status st;

    pending_release(&writer->pending); /* an open statement would hold the WAL */
    if (database_exec(&writer->db, "PRAGMA synchronous=FULL; PRAGMA wal_checkpoint(TRUNCATE)",
                      err) != STATUS_OK)
        return err->status;
    st = database_prepare(&writer->db, &stmt, "PRAGMA journal_mode=DELETE", err);
    if (st == STATUS_OK)
        (void)sqlite3_step(stmt); /* a reader may hold the WAL: then the file stays in that mode */
    (void)sqlite3_finalize(stmt);
    return st;
}

static enum status end_session(struct writer *writer, const char *reason, struct error *err)
{
    if (writer->broken) { /* as after a kill, but with all that was noted before */
        (void)writer_commit(writer, err);
        return error_set(err, STATUS_NO_MEMORY, "%s: memory ran out", writer->path);
    }
    if (writer_seal_all(writer, err) != STATUS_OK ||
        writer_note(writer, "stop", writer->last_tick_ns, 0, reason, err) != STATUS_OK ||
        writer_put_session(writer, writer->last_tick_ns, reason, err) != STATUS_OK)
        return err->status;
    if (commit_and_evict(writer, err) != STATUS_OK)
        return err->status;
    return leave_one_file(writer, err);
}

enum status writer_close(struct writer *writer, const char *reason, struct error *err)
{
    enum status st = reason == NULL ? STATUS_OK : end_session(writer, reason, err);

    writer_free(writer);
    return st;
}
