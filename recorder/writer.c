/* The writer: ids, tail records and commits. Sessions are in writer_session.c, sealing in writer_seal.c. */
#include "recorder/writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "recorder/writer_private.h"

enum { COMMIT_OVERHEAD_BYTES = 16 << 10 }; /* pages of a transaction that are not new */
enum { HELD_WAL_BYTES = 8 << 20 };
#define HELD_COMMIT_NS INT64_C(10000000000)

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

enum status writer_note(struct writer *writer, const char *kind, int64_t at_ns, int64_t value,
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
    return writer_note(writer, "zone", tick->start_ns, by_s, text, err);
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
        st = writer_note(writer, "evicted", writer->last_tick_ns, 0, text, err);
    return st;
}

/*
 * While somebody reads what is in the WAL it cannot begin anew. It grows by all pages of each commit
 * then, of which most are the same from one to the next: fewer commits write fewer of them.
 */
static int64_t commit_after_ns(const struct writer *writer)
{
    bool large = retention_holds_much(&writer->retention, HELD_WAL_BYTES);
    int64_t seldom_ns =
        writer->sync_ns > 0 && writer->sync_ns < HELD_COMMIT_NS ? writer->sync_ns : HELD_COMMIT_NS;

    return large && writer->commit_ns < seldom_ns ? seldom_ns : writer->commit_ns;
}

/*
 * WAL commits without a sync survive a kill, not a power cut: is this the last commit before the
 * oldest tick that was not synced is sync_ns old? The next comes when commit_ns have passed and
 * there is a tick again.
 */
static bool wants_sync(const struct writer *writer)
{
    int64_t next_ns = writer->last_tick_ns + commit_after_ns(writer) + writer->facts.interval_ns;

    return writer->sync_ns > 0 && writer->first_unsynced_ns != NO_TIME &&
           next_ns - writer->first_unsynced_ns >= writer->sync_ns;
}

bool writer_checkpoint(struct writer *writer)
{
    int in_wal = 0, moved = 0;
    int code = sqlite3_wal_checkpoint_v2(writer->db.handle, NULL, SQLITE_CHECKPOINT_PASSIVE,
                                         &in_wal, &moved);

    /* The WAL keeps what could not be moved: a checkpoint that fails costs nothing but its time. */
    retention_held(&writer->retention, code == SQLITE_OK && moved < in_wal);
    return !writer->retention.held;
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
    writer->checkpoint_due = false;
    (void)writer_checkpoint(writer);
    return tell_of_eviction(writer, err);
}

/*
 * A size limit holds whatever others do: while they read, the WAL cannot begin anew, and where that
 * takes all there is, ticks wait.
 */
static enum status commit_within_limit(struct writer *writer, struct error *err)
{
    int64_t new_bytes = (int64_t)writer->pending.bytes.used + COMMIT_OVERHEAD_BYTES;

    if (!retention_full(&writer->retention, new_bytes) || writer_checkpoint(writer))
        return writer_commit(writer, err);
    writer->commit_due = true;
    return error_set(
        err, STATUS_FULL,
        "%s: the size limit is reached, and nothing can go while another program reads "
        "what is in the WAL",
        writer->path);
}

enum status writer_put_tail(struct writer *writer, struct error *err)
{
    int64_t id = tail_id(writer->block.block_seq, writer->tail_records);

    bytes_reset_lean(&writer->stored);
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
    bytes_reset_lean(&writer->record);
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
        if (writer->commit_due && commit_within_limit(writer, err) != STATUS_OK)
            return err->status;
        if (take_tick(writer, tick, err) != STATUS_OK)
            return err->status;
    }
    if (!writer->commit_due &&
        writer->last_tick_ns - writer->last_commit_ns < commit_after_ns(writer))
        return STATUS_OK;
    return commit_within_limit(writer, err);
}
