/* The writer: ids, tail records and commits. Sealing is in writer_seal.c. */
#include "recorder/writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "recorder/writer_private.h"

/* --- ids --- */

static bool map_slot(struct slot_map *map, uint32_t slot, int64_t id)
{
    if (slot >= map->size) {
        size_t more = (size_t)slot + slot / 2 + 64;
        int64_t *larger = realloc(map->id, more * sizeof *larger);

        if (larger == NULL)
            return false;
        memset(larger + map->size, 0, (more - map->size) * sizeof *larger);
        map->id = larger;
        map->size = more;
    }
    map->id[slot] = id;
    return true;
}

static int64_t key_of(void *context, enum entity_kind kind, uint32_t slot)
{
    const struct writer *writer = context;
    const struct slot_map *map = &writer->slots[kind];

    return slot < map->size ? map->id[slot] : 0;
}

int64_t writer_process_id(const struct writer *writer, uint32_t slot)
{
    return slot < writer->slots[ENTITY_PROCESS].size ? writer->slots[ENTITY_PROCESS].id[slot] : 0;
}

/* The id an earlier session of this boot gave the process; 0: it is new. */
static int64_t known_process(const struct writer *writer, const struct tick_birth *birth)
{
    for (size_t i = 0; i < writer->known_count; i++)
        if (writer->known[i].pid == birth->pid &&
            writer->known[i].start_ticks == birth->start_ticks)
            return writer->known[i].process_id;
    return 0;
}

/* Processes of an earlier session that come again need their rows: the only reads of a tick. */
static enum status adopt_known(struct writer *writer, const struct tick *tick, struct error *err)
{
    for (size_t i = 0; i < tick->birth_count; i++) {
        int64_t id = known_process(writer, &tick->births[i]);

        if (id != 0 && open_block_process(&writer->block, id) == NULL &&
            writer_adopt(writer, id, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

static enum status give_ids(struct writer *writer, const struct tick *tick, struct error *err)
{
    for (size_t i = 0; i < tick->entity_count; i++) {
        const struct tick_entity *entity = &tick->entities[i];
        int64_t parent_id = entity->parent_slot == UINT32_MAX
                                ? 0
                                : key_of(writer, entity->kind, entity->parent_slot);
        int64_t id = 0;

        if (writer_entity(writer, tick, entity, parent_id, &id, err) != STATUS_OK)
            return err->status;
        if (!map_slot(&writer->slots[entity->kind], entity->slot, id))
            return error_set(err, STATUS_NO_MEMORY, "entity slots");
    }
    for (size_t i = 0; i < tick->birth_count; i++) {
        int64_t id = known_process(writer, &tick->births[i]);

        if (id == 0)
            id = writer->next_process_id++;
        if (!map_slot(&writer->slots[ENTITY_PROCESS], tick->births[i].slot, id))
            return error_set(err, STATUS_NO_MEMORY, "process slots");
    }
    return STATUS_OK;
}

enum status writer_event(struct writer *writer, const struct writer_event_row *event,
                         struct error *err)
{
    struct pending *to = &writer->pending;

    pending_row(to, CHECKED_EVENT, false);
    pending_int(to, ++writer->last_id[CHECKED_EVENT]);
    pending_int(to, writer->session_id);
    pending_int(to, event->at_ns);
    pending_int(to, event->duration_ns);
    pending_int(to, event->value);
    pending_text_of(to, event->kind, event->kind_size);
    pending_text_of(to, event->detail, event->detail_size);
    return pending_row_end(to, err);
}

/* An event of the writer's own, without a duration. */
static enum status note_event(struct writer *writer, const char *kind, int64_t at_ns, int64_t value,
                              const char *detail, struct error *err)
{
    struct writer_event_row event = { .at_ns = at_ns,
                                      .value = value,
                                      .kind = kind,
                                      .kind_size = strlen(kind),
                                      .detail = detail,
                                      .detail_size = strlen(detail) };

    return writer_event(writer, &event, err);
}

/* Local time was set on or back, as the session's start knew it would be. */
static enum status note_zone(struct writer *writer, const struct tick *tick, struct error *err)
{
    struct session_facts *facts = &writer->facts;
    int32_t by_s = facts->zone_next_offset_s - facts->zone_offset_s;
    char text[120];

    if (facts->zone_next_change_ns == 0 || writer->zone_changed ||
        tick->wall_ns < facts->zone_next_change_ns)
        return STATUS_OK;
    writer->zone_changed = true;
    (void)snprintf(text, sizeof text, "local time was set %s by %d s; now %d s east of UTC",
                   by_s < 0 ? "back" : "on", abs(by_s), facts->zone_next_offset_s);
    return note_event(writer, "zone", tick->start_ns, by_s, text, err);
}

/* Events, and the mapping of the wall clock wherever it left the timeline. */
static enum status put_events(struct writer *writer, const struct tick *tick, struct error *err)
{
    int64_t offset_ns = tick->wall_ns - tick->start_ns;
    struct pending *to = &writer->pending;

    for (size_t i = 0; i < tick->event_count; i++) {
        const struct tick_event *from = &tick->events[i];
        struct writer_event_row row = { .at_ns = from->at_ns,
                                        .duration_ns = from->duration_ns,
                                        .value = from->value,
                                        .kind = tick_text_at(tick, from->kind),
                                        .kind_size = from->kind.size,
                                        .detail = tick_text_at(tick, from->detail),
                                        .detail_size = from->detail.size };

        if (writer_event(writer, &row, err) != STATUS_OK)
            return err->status;
    }
    if (note_zone(writer, tick, err) != STATUS_OK)
        return err->status;
    if (llabs(offset_ns - writer->wall_offset_ns) < WALL_STEP_NS)
        return STATUS_OK;
    pending_row(to, CHECKED_TIMELINE, false);
    pending_int(to, ++writer->last_id[CHECKED_TIMELINE]);
    pending_int(to, writer->session_id);
    pending_int(to, tick->start_ns);
    pending_int(to, tick->wall_ns);
    writer->wall_offset_ns = offset_ns;
    return pending_row_end(to, err);
}

/* --- transactions --- */

static struct retention_need need_of(const struct writer *writer)
{
    struct retention_need need = { .new_bytes = (int64_t)writer->pending.bytes.used,
                                   .tail_bytes = writer->last_tail_bytes,
                                   .newest_ns = writer->last_tick_ns,
                                   .wall_ns = writer->last_tick_ns + writer->wall_offset_ns,
                                   .unsealed_ns = INT64_MAX,
                                   .run_seq = writer->usage_run.first_seq };

    for (size_t level = 0; level + 1 < LEVEL_COUNT; level++)
        if (writer->windows[level].count > 0 &&
            writer->windows[level].start_ns[0] < need.unsealed_ns)
            need.unsealed_ns = writer->windows[level].start_ns[0];
    memcpy(need.added_bytes, writer->sealed_bytes, sizeof need.added_bytes);
    return need;
}

/*
 * Begin, make room for a block if there is one, write what is noted, and the sums that tell when a
 * row is lost.
 */
static enum status store(struct writer *writer, struct error *err)
{
    struct retention_need need = need_of(writer);

    if (database_begin(&writer->db, err) != STATUS_OK)
        return err->status;
    if (writer->checkpoint_due && retention_make_room(&writer->retention, &need, err) != STATUS_OK)
        return err->status;
    if (pending_store(&writer->pending, &writer->db, err) != STATUS_OK)
        return err->status;
    return database_write_checks(&writer->db, err);
}

/* Eviction has begun somewhere: an event of the next commit says so. */
static enum status tell_of_eviction(struct writer *writer, struct error *err)
{
    char text[120];
    enum status st = STATUS_OK;

    while (st == STATUS_OK && retention_tell(&writer->retention, text, sizeof text))
        st = note_event(writer, "evicted", writer->last_tick_ns, 0, text, err);
    return st;
}

/*
 * WAL commits without a sync survive a kill, not a power cut: is this the last commit before the
 * oldest tick that was not synced is sync_ns old? The next comes when commit_ns have passed and
 * there is a tick again.
 */
static bool wants_sync(const struct writer *writer)
{
    int64_t next_ns = writer->last_tick_ns + writer->commit_ns + writer->facts.interval_ns;

    return writer->sync_ns > 0 && writer->first_unsynced_ns != NO_TIME &&
           next_ns - writer->first_unsynced_ns >= writer->sync_ns;
}

/* The WAL keeps what a checkpoint could not move: one that fails costs nothing but its time. */
static void checkpoint(struct writer *writer)
{
    writer->checkpoint_due = false;
    (void)sqlite3_exec(writer->db.handle, "PRAGMA wal_checkpoint(PASSIVE)", NULL, NULL, NULL);
}

enum status writer_commit(struct writer *writer, struct error *err)
{
    struct table_check before[CHECKED_COUNT];
    bool sync = wants_sync(writer);
    enum status st = STATUS_OK;

    memcpy(before, writer->db.check, sizeof before);
    if (sync)
        st = database_exec(&writer->db, "PRAGMA synchronous=FULL", err);
    if (st == STATUS_OK)
        st = store(writer, err);
    if (st == STATUS_OK)
        st = database_commit(&writer->db, err);
    if (st != STATUS_OK) {
        /* Some errors have rolled back already. */
        if (sqlite3_get_autocommit(writer->db.handle) == 0)
            (void)sqlite3_exec(writer->db.handle, "ROLLBACK", NULL, NULL, NULL);
        memcpy(writer->db.check, before, sizeof before);
        retention_rolled_back(&writer->retention);
        writer->commit_due = true;
        return st;
    }
    pending_forget(&writer->pending);
    writer->commit_due = false;
    writer->stats.commits++;
    writer->last_commit_ns = writer->last_tick_ns;
    if (sync) {
        (void)sqlite3_exec(writer->db.handle, "PRAGMA synchronous=NORMAL", NULL, NULL, NULL);
        writer->first_unsynced_ns = NO_TIME;
        writer->stats.syncs++;
    }
    if (!writer->checkpoint_due)
        return STATUS_OK;
    retention_committed(&writer->retention, writer->sealed_bytes);
    memset(writer->sealed_bytes, 0, sizeof writer->sealed_bytes);
    checkpoint(writer);
    return tell_of_eviction(writer, err);
}

enum status writer_put_tail(struct writer *writer, struct error *err)
{
    int64_t id = tail_id(writer->block.block_seq, writer->tail_records);

    bytes_reset(&writer->stored);
    if (tail_seal(&writer->compressor, id, &writer->tail_crc, &writer->record, &writer->stored,
                  err) != STATUS_OK)
        return err->status;
    writer->tail_records++;
    writer->tail_bytes += (int64_t)writer->stored.used;
    return pending_tail(&writer->pending, id, &writer->stored, err);
}

/* --- ticks --- */

/* Rows of processes that lived through a seal and were renamed or ended now. */
static enum status store_named(struct writer *writer, const struct tick *tick, struct error *err)
{
    for (size_t i = 0; i < tick->version_count + tick->exit_count; i++) {
        uint32_t slot = i < tick->version_count ? tick->versions[i].slot
                                                : tick->exits[i - tick->version_count].slot;
        struct open_process *p =
            open_block_process(&writer->block, key_of(writer, ENTITY_PROCESS, slot));

        if (p != NULL && p->stored && writer_store_process(writer, p, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

static enum status put_tick(struct writer *writer, const struct tick *tick, struct error *err)
{
    if (give_ids(writer, tick, err) != STATUS_OK || put_events(writer, tick, err) != STATUS_OK)
        return err->status;
    bytes_reset(&writer->record);
    if (tail_put_tick(&writer->block, tick, key_of, writer, &writer->record, err) != STATUS_OK ||
        store_named(writer, tick, err) != STATUS_OK || writer_put_tail(writer, err) != STATUS_OK)
        return err->status;
    writer->last_tick_ns = tick->start_ns;
    if (writer->first_unsynced_ns == NO_TIME)
        writer->first_unsynced_ns = tick->start_ns;
    writer->stats.ticks++;
    writer->stats.process_samples += (int64_t)tick->table[TABLE_PROCESS].row_count;
    return STATUS_OK;
}

/*
 * The steps that change what is in memory: a failure leaves them half done, so it is the last
 * step of this writer. What was noted before stays good.
 */
static enum status change(struct writer *writer, const struct tick *tick, struct error *err)
{
    size_t good = writer->pending.bytes.used;
    enum status st = tick == NULL ? writer_seal(writer, err) : put_tick(writer, tick, err);

    if (st != STATUS_OK) {
        writer->broken = true;
        writer->pending.bytes.used = good;
        writer->pending.bytes.full = false;
    }
    return st;
}

static enum status take_tick(struct writer *writer, const struct tick *tick, struct error *err)
{
    if (writer_seal_due(writer, tick->start_ns)) {
        if (change(writer, NULL, err) != STATUS_OK)
            return err->status;
        writer->commit_due = writer->checkpoint_due = true;
    }
    if (tick_check(&writer->check, tick, &writer->block, key_of, writer, err) != STATUS_OK ||
        adopt_known(writer, tick, err) != STATUS_OK)
        return err->status;
    return change(writer, tick, err);
}

enum status writer_tick(struct writer *writer, const struct tick *tick, struct error *err)
{
    bool again = writer->commit_due && tick->start_ns == writer->last_tick_ns;

    if (writer->broken)
        return error_set(err, STATUS_INVALID, "%s: memory ran out; nothing more can be recorded",
                         writer->path);
    if (tick->no_memory)
        return error_set(err, STATUS_NO_MEMORY, "tick %lld is incomplete", (long long)tick->seq);
    if (!again) {
        if (writer->commit_due && writer_commit(writer, err) != STATUS_OK)
            return err->status;
        if (take_tick(writer, tick, err) != STATUS_OK)
            return err->status;
    }
    if (!writer->commit_due && writer->last_tick_ns - writer->last_commit_ns < writer->commit_ns)
        return STATUS_OK;
    return writer_commit(writer, err);
}

/* --- opening and closing --- */

static enum status last_id(struct writer *writer, const char *sql, int64_t *id, struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    enum status st = database_prepare(&writer->db, &stmt, sql, err);

    if (st == STATUS_OK)
        st = database_step(&writer->db, stmt, err);
    if (st == STATUS_OK)
        *id = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt);
    return st;
}

static enum status read_last_ids(struct writer *writer, struct error *err)
{
    for (size_t t = 0; t < CHECKED_COUNT; t++) {
        char sql[100];

        (void)snprintf(sql, sizeof sql, "SELECT coalesce(max(rowid),0) FROM %s",
                       checked_table_name[t]);
        if (last_id(writer, sql, &writer->last_id[t], err) != STATUS_OK)
            return err->status;
    }
    for (unsigned level = 0; level < LEVEL_COUNT; level++) {
        char sql[100];

        (void)snprintf(sql, sizeof sql,
                       "SELECT coalesce(max(block_seq)+1,1) FROM block WHERE level=%lld",
                       (long long)level_seconds[level]);
        if (last_id(writer, sql, &writer->next_block_seq[level], err) != STATUS_OK)
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
    return note_event(writer, kind, writer->facts.timebase.wall_start_ns, 0, detail, err);
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
    if (writer->retention.options.max_bytes == 0)
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
        note_event(writer, "stop", writer->last_tick_ns, 0, reason, err) != STATUS_OK ||
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
