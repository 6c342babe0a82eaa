/*
 * What a killed recorder left. Its tail is replayed into a block and sealed as the last of its
 * session; its minutes and hours that were still in memory are folded again from the blocks they
 * came from, so that every level of an unclean session is complete.
 */
#include <stdlib.h>
#include <string.h>

#include "recorder/writer_private.h"
#include "schema/block_rebuild.h"
#include "schema/chunk_store.h"

struct recovery {
    struct writer *writer;
    struct chunk_store store;
    struct decompressor d;
    int64_t session_id;
    int64_t ticks;       /* found in the tail */
    bool damaged;        /* some of the tail: it was read up to there */
    int64_t last_gap_ns; /* in the blocks seen so far, INT64_MIN none */
};

static const char *table_name(void *context, uint32_t table_id)
{
    (void)context;
    return table_id < TABLE_COUNT ? samples_tables[table_id].name : NULL;
}

/* One number from one row; 0 where there is none. */
static enum status number(struct writer *writer, const char *sql, int64_t parameter, int64_t *value,
                          struct error *err)
{
    enum status st = database_numbers(&writer->db, sql, &parameter, 1, value, 1, err);

    if (st != STATUS_ABSENT)
        return st;
    *value = 0;
    return STATUS_OK;
}

/* The id after the last one given: noted by each block, and by rows written since. */
static enum status find_next_process_id(struct writer *writer, struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    int64_t last = 0;
    enum status st = number(writer, "SELECT max(process_id) FROM process WHERE ?1", 1, &last, err);

    writer->next_process_id = wrap_add(last, 1);
    if (st == STATUS_OK)
        st = database_prepare(&writer->db, &stmt,
                              "SELECT contents FROM block ORDER BY block_id DESC LIMIT 1", err);
    if (st == STATUS_OK)
        st = database_step(&writer->db, stmt, err);
    if (st == STATUS_OK) {
        struct byte_reader r = { .data = sqlite3_column_blob(stmt, 0),
                                 .size = (size_t)sqlite3_column_bytes(stmt, 0) };
        uint64_t value;

        for (uint64_t tables = bytes_get_varint(&r); tables > 0 && !r.overrun; tables--) {
            (void)bytes_get_varint(&r);
            (void)bytes_get_varint(&r);
        }
        (void)bytes_get_varint(&r); /* lifetimes and their chunks */
        (void)bytes_get_varint(&r);
        value = bytes_get_varint(&r);
        if ((int64_t)value > writer->next_process_id)
            writer->next_process_id = (int64_t)value;
    }
    (void)sqlite3_finalize(stmt);
    if (st != STATUS_OK && st != STATUS_ABSENT)
        return st;
    if (writer->next_process_id <= 0 || writer->next_process_id > PROCESS_ID_MAX)
        return error_set(err, STATUS_CORRUPT, "%s: no process can have an id after %lld",
                         writer->path, (long long)last);
    return STATUS_OK;
}

/* --- tail --- */

/* The base record tells who was there; what they were called is in rows. */
static enum status name_processes(struct recovery *r, struct error *err)
{
    struct open_block *block = &r->writer->block;

    for (size_t i = 0; i < block->process_count; i++)
        if (block->process[i].process.version_count == 0 &&
            writer_load_name(r->writer, &block->process[i], block->previous_ns, err) != STATUS_OK)
            return err->status;
    return STATUS_OK;
}

static enum status replay(struct recovery *r, struct error *err)
{
    struct writer *writer = r->writer;
    sqlite3_stmt *stmt = NULL;
    uint32_t crc = 0;
    enum status st = database_prepare(&writer->db, &stmt,
                                      "SELECT tail_id, data FROM tail ORDER BY tail_id", err);

    while (st == STATUS_OK && (st = database_step(&writer->db, stmt, err)) == STATUS_OK) {
        struct byte_reader record;

        st = tail_unseal(&r->d, sqlite3_column_int64(stmt, 0), &crc, sqlite3_column_blob(stmt, 1),
                         (size_t)sqlite3_column_bytes(stmt, 1), &record, err);
        if (st == STATUS_CORRUPT) { /* nothing of the record was taken yet */
            r->damaged = true;
            st = STATUS_ABSENT;
            break;
        }
        if (st == STATUS_OK)
            st = tail_get(&writer->block, &record, err);
        if (st == STATUS_OK && writer->block.ticks.count == 0)
            st = name_processes(r, err);
        if (st != STATUS_OK)
            st = error_prefix(err, "%s: tail of the session before", writer->path);
    }
    (void)sqlite3_finalize(stmt);
    r->ticks = writer->block.ticks.count;
    for (size_t i = 0; i < writer->block.process_count; i++)
        if (writer->block.process[i].process.process_id >= writer->next_process_id)
            writer->next_process_id = writer->block.process[i].process.process_id + 1;
    return st == STATUS_ABSENT ? STATUS_OK : st;
}

/* --- minutes and hours --- */

struct stored_block {
    int64_t block_seq;
    struct block_ticks ticks;
    int64_t previous_ns; /* NO_TIME: the session's first */
};

/* Is it a process of this block only? Then its minutes are told by its lifetime. */
static enum status mark_lifetimes(struct recovery *r, struct error *err)
{
    struct open_block *block = &r->writer->block;
    const struct build *build = &block->build[TABLE_PROCESS];

    for (size_t i = 0; i < build->series_count; i++) {
        struct process process = { .process_id = build->series[i].series.key[0] };
        struct open_process *p;
        int64_t stored;

        if (open_block_process(block, process.process_id) != NULL)
            continue;
        if (number(r->writer, "SELECT count(*) FROM process WHERE process_id=?1",
                   process.process_id, &stored, err) != STATUS_OK ||
            open_block_add_process(block, &process, &p, err) != STATUS_OK)
            return err->status;
        p->stored = stored > 0;
        p->lifetime = stored > 0 ? 0 : 1;
    }
    return STATUS_OK;
}

/* Tell the open block of the last gap before it. */
static void expect_gap(struct recovery *r)
{
    for (size_t t = 0; t < TABLE_COUNT; t++)
        r->writer->block.build[t].last_gap_ns = r->last_gap_ns;
}

static enum status refold_block(struct recovery *r, struct stored_block *from, struct error *err)
{
    struct writer *writer = r->writer;
    struct open_block *block = &writer->block;
    enum status st = STATUS_OK;

    open_block_release(block);
    if (open_block_init(block, err) != STATUS_OK)
        return err->status;
    block->block_seq = from->block_seq;
    block->session_id = r->session_id;
    block->previous_ns = from->previous_ns;
    expect_gap(r);
    for (uint32_t i = 0; i < from->ticks.count && st == STATUS_OK; i++) {
        st = open_block_tick(block, from->ticks.start_ns[i], from->ticks.sweep_ns[i],
                             from->ticks.gap[i], err);
        if (from->ticks.gap[i])
            r->last_gap_ns = from->ticks.start_ns[i];
    }
    for (uint32_t t = 0; t < TABLE_COUNT && st == STATUS_OK; t++) {
        struct chunk_place place = { .level = 0, .table_id = t, .block_seq = from->block_seq };

        st = block_rebuild(&block->build[t], &place, &from->ticks, chunk_store_get, &r->store,
                           &r->d, err);
        st = st == STATUS_ABSENT ? STATUS_OK : st;
    }
    if (st == STATUS_OK)
        st = mark_lifetimes(r, err);
    if (st == STATUS_OK)
        st = writer_refold_block(writer, err);
    return st;
}

static enum status refold_hour(struct recovery *r, struct stored_block *from, struct error *err)
{
    struct writer *writer = r->writer;

    for (uint32_t t = 0; t < TABLE_COUNT; t++) {
        struct chunk_place place = { .level = 1, .table_id = t, .block_seq = from->block_seq };
        enum status st = block_rebuild(&writer->rollup[0][t].build, &place, &from->ticks,
                                       chunk_store_get, &r->store, &r->d, err);

        if (st == STATUS_OK)
            st = writer_refold_hour(writer, (enum table_id)t, &from->ticks, err);
        if (st != STATUS_OK && st != STATUS_ABSENT)
            return st;
        /* Series of the hour may go on in minutes that are folded next: not across blocks. */
        build_release(&writer->rollup[0][t].build);
        if (build_init(&writer->rollup[0][t].build, &writer->rollup[0][t].shape, err) !=
                STATUS_OK ||
            rollup_restart(&writer->rollup[0][t], err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

/*
 * Series go on from the last stored block of a coarser level, as they would have in memory: with
 * their running totals.
 */
static enum status carry_on(struct recovery *r, unsigned level, struct error *err)
{
    struct writer *writer = r->writer;
    sqlite3_stmt *stmt = NULL;
    struct block_ticks ticks = { 0 };
    struct chunk_place place = { .level = level };
    enum status st = database_prepare(&writer->db, &stmt,
                                      "SELECT block_seq, ticks FROM block WHERE session_id=?1 AND "
                                      "level=?2 ORDER BY block_seq DESC LIMIT 1",
                                      err);

    if (st == STATUS_OK) {
        (void)sqlite3_bind_int64(stmt, 1, r->session_id);
        (void)sqlite3_bind_int64(stmt, 2, level_seconds[level]);
        st = database_step(&writer->db, stmt, err);
    }
    if (st == STATUS_OK) {
        place.block_seq = sqlite3_column_int64(stmt, 0);
        st = block_ticks_decode(&ticks, sqlite3_column_blob(stmt, 1),
                                (size_t)sqlite3_column_bytes(stmt, 1), err);
    }
    (void)sqlite3_finalize(stmt);
    for (uint32_t t = 0; t < TABLE_COUNT && st == STATUS_OK; t++) {
        struct rollup *rollup = &writer->rollup[level - 1][t];

        place.table_id = t;
        st = block_rebuild(&rollup->build, &place, &ticks, chunk_store_get, &r->store, &r->d, err);
        if (st == STATUS_OK || st == STATUS_ABSENT)
            st = rollup_restart(rollup, err);
    }
    block_ticks_release(&ticks);
    return st == STATUS_ABSENT ? STATUS_OK : st;
}

/* Blocks of `level` that the next coarser level of the session does not cover yet, in order. */
static enum status each_uncovered(struct recovery *r, unsigned level,
                                  enum status (*fold)(struct recovery *, struct stored_block *,
                                                      struct error *),
                                  struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    enum status st = database_prepare(
        &r->writer->db, &stmt,
        "SELECT block_seq, ticks, previous_ns FROM block WHERE session_id=?1 AND level=?2 AND "
        "end_ns > "
        "(SELECT coalesce(max(end_ns), 0) FROM block WHERE session_id=?1 AND level=?3) "
        "ORDER BY block_seq",
        err);

    if (st == STATUS_OK) {
        (void)sqlite3_bind_int64(stmt, 1, r->session_id);
        (void)sqlite3_bind_int64(stmt, 2, level_seconds[level]);
        (void)sqlite3_bind_int64(stmt, 3, level_seconds[level + 1]);
    }
    while (st == STATUS_OK && (st = database_step(&r->writer->db, stmt, err)) == STATUS_OK) {
        struct stored_block block = { .block_seq = sqlite3_column_int64(stmt, 0),
                                      .previous_ns = sqlite3_column_type(stmt, 2) == SQLITE_NULL
                                                         ? NO_TIME
                                                         : sqlite3_column_int64(stmt, 2) };

        st = block_ticks_decode(&block.ticks, sqlite3_column_blob(stmt, 1),
                                (size_t)sqlite3_column_bytes(stmt, 1), err);
        if (st == STATUS_OK)
            st = fold(r, &block, err);
        block_ticks_release(&block.ticks);
    }
    (void)sqlite3_finalize(stmt);
    return st == STATUS_ABSENT ? STATUS_OK : st;
}

/* When the session was last heard of: its last tick, or its last block's, or its start. */
static enum status last_heard(struct recovery *r, int64_t *at_ns, struct error *err)
{
    const struct block_ticks *ticks = &r->writer->block.ticks;

    if (ticks->count > 0) {
        *at_ns = ticks->start_ns[ticks->count - 1];
        return STATUS_OK;
    }
    return number(r->writer,
                  "SELECT coalesce((SELECT max(end_ns) FROM block WHERE session_id=?1 AND level=0),"
                  "(SELECT wall_start_ns FROM session WHERE session_id=?1))",
                  r->session_id, at_ns, err);
}

static enum status finish(struct recovery *r, struct error *err)
{
    static const char kind[] = "recovered";
    static const char whole[] = "the recorder had been killed; value: ticks found in its tail";
    static const char part[] = "the recorder had been killed; value: ticks found in its tail, "
                               "of which the rest was damaged and is lost";
    const char *detail = r->damaged ? part : whole;
    struct writer *writer = r->writer;
    struct writer_event_row event = { .value = r->ticks,
                                      .kind = kind,
                                      .kind_size = sizeof kind - 1,
                                      .detail = detail,
                                      .detail_size = strlen(detail) };

    if (last_heard(r, &event.at_ns, err) != STATUS_OK || writer_seal_all(writer, err) != STATUS_OK)
        return err->status;
    writer->session_id = r->session_id;
    return writer_event(writer, &event, err);
}

static enum status recover_session(struct recovery *r, struct error *err)
{
    struct writer *writer = r->writer;

    if (carry_on(r, 2, err) != STATUS_OK || each_uncovered(r, 1, refold_hour, err) != STATUS_OK ||
        carry_on(r, 1, err) != STATUS_OK || open_block_init(&writer->block, err) != STATUS_OK ||
        each_uncovered(r, 0, refold_block, err) != STATUS_OK)
        return err->status;
    open_block_release(&writer->block);
    if (open_block_init(&writer->block, err) != STATUS_OK)
        return err->status;
    expect_gap(r);
    writer->block.session_id = r->session_id; /* whatever becomes of the tail */
    if (replay(r, err) != STATUS_OK)
        return err->status;
    if (writer->block.block_seq > 0)
        writer->next_block_seq[0] = writer->block.block_seq;
    return finish(r, err);
}

/* The levels start empty again for the session that begins. */
static enum status reset_levels(struct writer *writer, struct error *err)
{
    for (unsigned level = 1; level < LEVEL_COUNT; level++)
        for (size_t t = 0; t < TABLE_COUNT; t++)
            rollup_release(&writer->rollup[level - 1][t]);
    open_block_release(&writer->block);
    return writer_init_levels(writer, err);
}

enum status writer_recover(struct writer *writer, struct error *err)
{
    struct recovery r = { .writer = writer, .last_gap_ns = INT64_MIN };
    enum status st = find_next_process_id(writer, err);

    if (st == STATUS_OK)
        st = number(writer,
                    "SELECT max(session_id) FROM session WHERE end_ns IS NULL AND session_id = "
                    "(SELECT max(session_id) FROM session) AND ?1",
                    1, &r.session_id, err);
    if (st != STATUS_OK || r.session_id == 0)
        return st;
    r.store = (struct chunk_store){ .db = &writer->db, .table_name = table_name };
    st = recover_session(&r, err);
    chunk_store_release(&r.store);
    decompressor_release(&r.d);
    return st == STATUS_OK ? reset_levels(writer, err) : st;
}
