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

static enum status give_process_ids(struct writer *writer, const struct tick *tick,
                                    struct error *err)
{
    for (size_t i = 0; i < tick->birth_count; i++) {
        int64_t id = known_process(writer, &tick->births[i]);

        if (id == 0)
            id = writer->next_process_id++;
        else if (open_block_process(&writer->block, id) == NULL &&
                 writer_adopt(writer, id, err) != STATUS_OK)
            return err->status;
        if (!map_slot(&writer->slots[ENTITY_PROCESS], tick->births[i].slot, id))
            return error_set(err, STATUS_NO_MEMORY, "process slots");
    }
    return STATUS_OK;
}

/* Find the entity's row, or add one. */
static enum status entity_id(struct writer *writer, const struct tick *tick,
                             const struct tick_entity *entity, int64_t *id, struct error *err)
{
    struct database *db = &writer->db;
    const char *kind = entity_kind_name(entity->kind);
    const char *key = tick_text_at(tick, entity->key);
    sqlite3_stmt *stmt = NULL;
    enum status st = database_prepare(
        db, &stmt, "SELECT entity_id FROM entity WHERE kind=?1 AND key=?2", err);

    if (st == STATUS_OK) {
        (void)sqlite3_bind_text(stmt, 1, kind, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(stmt, 2, key, (int)entity->key.size, SQLITE_STATIC);
        st = database_step(db, stmt, err);
        if (st == STATUS_OK)
            *id = sqlite3_column_int64(stmt, 0);
    }
    (void)sqlite3_finalize(stmt);
    if (st != STATUS_ABSENT)
        return st;
    *id = ++writer->last_id[CHECKED_ENTITY];
    st = database_row(db, CHECKED_ENTITY, &stmt, err);
    if (st != STATUS_OK)
        return st;
    (void)sqlite3_bind_int64(stmt, 1, *id);
    (void)sqlite3_bind_text(stmt, 2, kind, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(stmt, 3, key, (int)entity->key.size, SQLITE_STATIC);
    (void)sqlite3_bind_text(stmt, 4, tick_text_at(tick, entity->label), (int)entity->label.size,
                            SQLITE_STATIC);
    (void)sqlite3_bind_int64(stmt, 5,
                             entity->parent_slot == UINT32_MAX
                                 ? 0
                                 : key_of(writer, entity->kind, entity->parent_slot));
    (void)sqlite3_bind_int64(stmt, 6, tick->start_ns);
    return database_insert(db, CHECKED_ENTITY, err);
}

static enum status give_entity_ids(struct writer *writer, const struct tick *tick,
                                   struct error *err)
{
    for (size_t i = 0; i < tick->entity_count; i++) {
        const struct tick_entity *entity = &tick->entities[i];
        int64_t id = 0;

        if (entity->kind <= ENTITY_PROCESS || entity->kind >= ENTITY_KIND_COUNT)
            return error_set(err, STATUS_INVALID, "entity of kind %d", (int)entity->kind);
        if (entity_id(writer, tick, entity, &id, err) != STATUS_OK)
            return err->status;
        if (!map_slot(&writer->slots[entity->kind], entity->slot, id))
            return error_set(err, STATUS_NO_MEMORY, "entity slots");
    }
    return STATUS_OK;
}

enum status writer_event(struct writer *writer, const struct writer_event_row *event,
                         struct error *err)
{
    sqlite3_stmt *stmt;

    if (database_row(&writer->db, CHECKED_EVENT, &stmt, err) != STATUS_OK)
        return err->status;
    (void)sqlite3_bind_int64(stmt, 1, ++writer->last_id[CHECKED_EVENT]);
    (void)sqlite3_bind_int64(stmt, 2, writer->session_id);
    (void)sqlite3_bind_int64(stmt, 3, event->at_ns);
    (void)sqlite3_bind_int64(stmt, 4, event->duration_ns);
    (void)sqlite3_bind_int64(stmt, 5, event->value);
    (void)sqlite3_bind_text(stmt, 6, event->kind, event->kind_size, SQLITE_STATIC);
    (void)sqlite3_bind_text(stmt, 7, event->detail, event->detail_size, SQLITE_STATIC);
    return database_insert(&writer->db, CHECKED_EVENT, err);
}

/* Events, and the mapping of the wall clock wherever it left the timeline. */
static enum status put_events(struct writer *writer, const struct tick *tick, struct error *err)
{
    int64_t offset_ns = tick->wall_ns - tick->start_ns;
    sqlite3_stmt *stmt;

    for (size_t i = 0; i < tick->event_count; i++) {
        const struct tick_event *from = &tick->events[i];
        struct writer_event_row row = { .at_ns = from->at_ns, .duration_ns = from->duration_ns,
                                        .value = from->value,
                                        .kind = tick_text_at(tick, from->kind),
                                        .kind_size = (int)from->kind.size,
                                        .detail = tick_text_at(tick, from->detail),
                                        .detail_size = (int)from->detail.size };

        if (writer_event(writer, &row, err) != STATUS_OK)
            return err->status;
    }
    if (llabs(offset_ns - writer->wall_offset_ns) < WALL_STEP_NS)
        return STATUS_OK;
    if (database_row(&writer->db, CHECKED_TIMELINE, &stmt, err) != STATUS_OK)
        return err->status;
    (void)sqlite3_bind_int64(stmt, 1, ++writer->last_id[CHECKED_TIMELINE]);
    (void)sqlite3_bind_int64(stmt, 2, writer->session_id);
    (void)sqlite3_bind_int64(stmt, 3, tick->start_ns);
    (void)sqlite3_bind_int64(stmt, 4, tick->wall_ns);
    if (database_insert(&writer->db, CHECKED_TIMELINE, err) != STATUS_OK)
        return err->status;
    writer->wall_offset_ns = offset_ns;
    return STATUS_OK;
}

/* --- transactions --- */

enum status writer_begin(struct writer *writer, struct error *err)
{
    if (writer->in_transaction)
        return STATUS_OK;
    if (database_exec(&writer->db, "BEGIN IMMEDIATE", err) != STATUS_OK)
        return err->status;
    writer->in_transaction = true;
    return STATUS_OK;
}

/* A full sync at least every sync_ns: WAL commits in between survive a kill, not a power cut. */
static bool wants_sync(const struct writer *writer)
{
    return writer->sync_ns > 0 && writer->last_tick_ns - writer->last_sync_ns >= writer->sync_ns;
}

enum status writer_commit(struct writer *writer, struct error *err)
{
    bool sync = wants_sync(writer);

    if (!writer->in_transaction)
        return STATUS_OK;
    if (database_write_checks(&writer->db, err) != STATUS_OK ||
        database_exec(&writer->db, "COMMIT", err) != STATUS_OK)
        return err->status;
    writer->in_transaction = false;
    writer->stats.commits++;
    writer->last_commit_ns = writer->last_tick_ns;
    if (sync) {
        /* The WAL's next commit is synced; it is this one that carries the time. */
        if (database_exec(&writer->db, writer->full_sync ? "PRAGMA synchronous=NORMAL"
                                                         : "PRAGMA synchronous=FULL",
                          err) != STATUS_OK)
            return err->status;
        if (writer->full_sync) {
            writer->last_sync_ns = writer->last_tick_ns;
            writer->stats.syncs++;
        }
        writer->full_sync = !writer->full_sync;
    }
    return STATUS_OK;
}

enum status writer_put_tail(struct writer *writer, struct error *err)
{
    int64_t id = tail_id(writer->block.block_seq, writer->tail_records);
    enum status st;

    bytes_reset(&writer->stored);
    if (tail_seal(&writer->compressor, id, &writer->tail_crc, &writer->record, &writer->stored,
                  err) != STATUS_OK)
        return err->status;
    (void)sqlite3_bind_int64(writer->insert_tail, 1, id);
    (void)sqlite3_bind_blob64(writer->insert_tail, 2, writer->stored.data, writer->stored.used,
                              SQLITE_STATIC);
    st = database_step(&writer->db, writer->insert_tail, err);
    (void)sqlite3_reset(writer->insert_tail);
    if (st != STATUS_ABSENT)
        return st;
    writer->tail_records++;
    return STATUS_OK;
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
    if (writer_begin(writer, err) != STATUS_OK || give_entity_ids(writer, tick, err) != STATUS_OK ||
        give_process_ids(writer, tick, err) != STATUS_OK ||
        put_events(writer, tick, err) != STATUS_OK)
        return err->status;
    bytes_reset(&writer->record);
    if (tail_put_tick(&writer->block, tick, key_of, writer, &writer->record, err) != STATUS_OK)
        return err->status;
    if (store_named(writer, tick, err) != STATUS_OK)
        return err->status;
    return writer_put_tail(writer, err);
}

enum status writer_tick(struct writer *writer, const struct tick *tick, struct error *err)
{
    if (tick->no_memory)
        return error_set(err, STATUS_NO_MEMORY, "tick %lld is incomplete", (long long)tick->seq);
    if (tick->start_ns != writer->last_tick_ns) { /* else: given again after a failure */
        if (writer_seal_due(writer, tick->start_ns) && writer_seal(writer, err) != STATUS_OK)
            return err->status;
        if (put_tick(writer, tick, err) != STATUS_OK)
            return err->status;
        writer->last_tick_ns = tick->start_ns;
        writer->stats.ticks++;
        writer->stats.process_samples += (int64_t)tick->table[TABLE_PROCESS].row_count;
    }
    if (writer->last_tick_ns - writer->last_commit_ns < writer->commit_ns)
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

static enum status begin_session(struct writer *writer, const struct session_facts *facts,
                                 struct error *err)
{
    int64_t session_id = ++writer->last_id[CHECKED_SESSION];

    writer->facts = *facts;
    writer->session_id = session_id;
    if (writer_put_session(writer, NO_TIME, NULL, err) != STATUS_OK ||
        writer_load_known(writer, err) != STATUS_OK)
        return err->status;
    writer->block.session_id = session_id;
    writer->block.block_seq = writer->next_block_seq[0];
    writer->wall_offset_ns = 0;
    writer->last_tick_ns = writer->last_commit_ns = writer->last_sync_ns =
        facts->timebase.wall_start_ns - 1;
    bytes_reset(&writer->record);
    if (tail_put_base(&writer->block, &writer->record, err) != STATUS_OK)
        return err->status;
    return writer_put_tail(writer, err);
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
        database_prepare(&writer->db, &writer->insert_tail, "INSERT INTO tail VALUES(?1,?2)",
                         err) != STATUS_OK ||
        writer_begin(writer, err) != STATUS_OK || read_last_ids(writer, err) != STATUS_OK ||
        writer_put_catalog(writer, err) != STATUS_OK ||
        writer_init_levels(writer, err) != STATUS_OK || writer_recover(writer, err) != STATUS_OK)
        return err->status;
    if (open_block_init(&writer->block, err) != STATUS_OK ||
        begin_session(writer, facts, err) != STATUS_OK)
        return err->status;
    return writer_commit(writer, err);
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
    sqlite3_stmt *stmt;

    if (writer_begin(writer, err) != STATUS_OK ||
        database_row(&writer->db, CHECKED_CAPABILITY, &stmt, err) != STATUS_OK)
        return err->status;
    (void)sqlite3_bind_int64(stmt, 1, ++writer->last_id[CHECKED_CAPABILITY]);
    (void)sqlite3_bind_int64(stmt, 2, writer->session_id);
    (void)sqlite3_bind_text(stmt, 3, collector, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(stmt, 4, capability_name(capability->status), -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(stmt, 5, capability->reason, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(stmt, 6, capability->enable, -1, SQLITE_STATIC);
    return database_insert(&writer->db, CHECKED_CAPABILITY, err);
}

void writer_stats(const struct writer *writer, struct writer_stats *stats)
{
    *stats = writer->stats;
}

void writer_free(struct writer *writer)
{
    if (writer == NULL)
        return;
    (void)sqlite3_finalize(writer->insert_tail);
    for (size_t i = 0; i < COUNT_OF(writer->insert_chunk); i++)
        (void)sqlite3_finalize(writer->insert_chunk[i]);
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
    bytes_release(&writer->record);
    bytes_release(&writer->stored);
    bytes_release(&writer->contents);
    free(writer->known);
    free(writer->lifetime);
    free(writer->lifetime_cells);
    free(writer->path);
    free(writer);
}

/* One self-contained file: everything out of the WAL, and no WAL any more. */
static enum status leave_one_file(struct writer *writer, struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    enum status st;

    (void)sqlite3_finalize(writer->insert_tail);
    writer->insert_tail = NULL;
    if (database_exec(&writer->db, "PRAGMA synchronous=FULL; PRAGMA wal_checkpoint(TRUNCATE)",
                      err) != STATUS_OK)
        return err->status;
    st = database_prepare(&writer->db, &stmt, "PRAGMA journal_mode=DELETE", err);
    if (st == STATUS_OK)
        (void)sqlite3_step(stmt); /* a reader may hold the WAL: then the file stays in that mode */
    (void)sqlite3_finalize(stmt);
    return st;
}

enum status writer_close(struct writer *writer, const char *reason, struct error *err)
{
    enum status st = STATUS_OK;

    if (reason != NULL) {
        st = writer_begin(writer, err);
        if (st == STATUS_OK)
            st = writer_seal_all(writer, err);
        if (st == STATUS_OK)
            st = writer_put_session(writer, writer->last_tick_ns, reason, err);
        if (st == STATUS_OK)
            st = writer_commit(writer, err);
        if (st == STATUS_OK)
            st = leave_one_file(writer, err);
    }
    writer_free(writer);
    return st;
}
