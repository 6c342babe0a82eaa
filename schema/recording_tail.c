/*
 * The tail of a running or killed recorder: replayed into an open block and encoded in memory by
 * the code that seals, so that everything after this sees one more block.
 */
#include <stdlib.h>
#include <string.h>

#include "schema/recording_private.h"

static enum status keep_chunk(void *context, const struct chunk_place *place,
                              const struct byte_writer *chunk, struct error *err)
{
    struct recording *rec = context;
    struct memory_chunk *to;

    if (rec->tail_chunk_count == rec->tail_chunk_size) {
        size_t more = rec->tail_chunk_size == 0 ? 64 : rec->tail_chunk_size * 2;
        struct memory_chunk *larger = realloc(rec->tail_chunks, more * sizeof *larger);

        if (larger == NULL)
            return error_set(err, STATUS_NO_MEMORY, "tail");
        rec->tail_chunks = larger;
        rec->tail_chunk_size = more;
    }
    to = &rec->tail_chunks[rec->tail_chunk_count];
    *to = (struct memory_chunk){ .place = *place,
                                 .data = malloc(chunk->used + 1),
                                 .size = chunk->used };
    if (to->data == NULL)
        return error_set(err, STATUS_NO_MEMORY, "tail");
    memcpy(to->data, chunk->data, chunk->used);
    rec->tail_chunk_count++;
    return STATUS_OK;
}

/* Up to `most` records; *records: how many were taken, and the one that was not, if any. */
static enum status replay(struct recording *rec, int64_t most, int64_t *records, struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    uint32_t crc = 0;
    enum status st =
        database_prepare(&rec->db, &stmt, "SELECT tail_id, data FROM tail ORDER BY tail_id", err);

    while (st == STATUS_OK && *records < most &&
           (st = database_step(&rec->db, stmt, err)) == STATUS_OK) {
        int64_t id = sqlite3_column_int64(stmt, 0);
        struct byte_reader record;

        if ((id & 0xfffff) != *records)
            st = error_set(err, STATUS_CORRUPT, "record %lld is missing", (long long)*records);
        if (st == STATUS_OK)
            st = tail_unseal(&rec->d, id, &crc, sqlite3_column_blob(stmt, 1),
                             (size_t)sqlite3_column_bytes(stmt, 1), &record, err);
        if (st == STATUS_OK)
            st = tail_get(&rec->tail, &record, err);
        *records += st == STATUS_OK;
    }
    (void)sqlite3_finalize(stmt);
    return st == STATUS_ABSENT ? STATUS_OK : st;
}

/* Of a damaged one the records before the first that cannot be read. */
static enum status replay_damaged(struct recording *rec, int64_t *records, struct error *err)
{
    struct recording_damage *damage = rec->damage;
    struct database_ids ids;
    struct error why = { 0 };
    enum status st = replay(rec, INT64_MAX, records, &why);

    if (st != STATUS_CORRUPT)
        return st == STATUS_OK ? st : (*err = why, st);
    open_block_release(&rec->tail); /* some of the record that is not one may have been taken */
    st = open_block_init(&rec->tail, err);
    if (st == STATUS_OK)
        st = database_walk_ids(&rec->db, "tail", &ids, err);
    if (st != STATUS_OK)
        return st;
    damage->tail_records_lost = ids.count - (size_t)*records;
    free(ids.id);
    if (*records > 0) {
        int64_t most = *records;

        *records = 0;
        st = replay(rec, most, records, err);
    }
    if (rec->tail.ticks.count > 0)
        damage->tail_lost_ns = rec->tail.ticks.start_ns[rec->tail.ticks.count - 1];
    damage->part_gone(damage->context, "tail", why.message);
    return st;
}

/* Folds the life of each process that has no row, for the lifetimes of the tail's block. */
struct folding {
    struct rollup_fold fold;
    uint8_t *gap; /* [ticks of process_samples]: rates must not cross into it */
    struct rollup_span whole;
    struct lifetime_columns lives;
    struct open_block *block;
};

static enum status fold_life(void *context, const struct series_changes *changes,
                             struct series_told *told, struct error *err)
{
    struct folding *f = context;
    const struct build *build = changes->build;
    const struct open_process *p =
        build->shape->table_id == TABLE_PROCESS
            ? open_block_process(f->block, changes->series->series.key[0])
            : NULL;

    if (p == NULL || p->lifetime == 0)
        return STATUS_OK;
    (void)err;
    rollup_fold_series(&f->fold, changes);
    lifetime_columns_put(&f->lives, p->lifetime - 1, f->fold.cell);
    lifetime_tells(changes, &p->process, f->fold.cell, told);
    return STATUS_OK;
}

static int by_process_id(const void *a, const void *b)
{
    const struct process *x = *(const struct process *const *)a;
    const struct process *y = *(const struct process *const *)b;

    return x->process_id < y->process_id ? -1 : x->process_id > y->process_id;
}

/* All processes that have no row, dead or not, count as seen in this block only. */
static const struct process **unstored(struct open_block *block, size_t *count)
{
    const struct process **list = calloc(block->process_count + 1, sizeof *list);

    *count = 0;
    for (size_t i = 0; list != NULL && i < block->process_count; i++)
        if (!block->process[i].stored)
            list[(*count)++] = &block->process[i].process;
    if (list != NULL && *count > 1)
        qsort(list, *count, sizeof *list, by_process_id);
    for (size_t i = 0; list != NULL && i < *count; i++)
        open_block_process(block, list[i]->process_id)->lifetime = (uint32_t)i + 1;
    return list;
}

static uint8_t *gaps_of(const struct open_block *block, enum table_id table)
{
    const struct build *build = &block->build[table];
    uint8_t *gap = calloc((size_t)build->tick_count + 1, 1);

    if (gap != NULL)
        open_block_gaps(block, table, gap);
    return gap;
}

static enum status encode_tables(struct recording *rec, struct block_encoder *encoder,
                                 struct byte_writer *contents, struct error *err)
{
    bytes_put_varint(contents, TABLE_COUNT);
    for (uint32_t t = 0; t < TABLE_COUNT; t++) {
        struct chunk_place place = { .table_id = t, .block_seq = rec->tail.block_seq };
        size_t before = rec->tail_chunk_count;

        if (block_encode(encoder, &rec->tail.build[t], &place, &rec->tail.ticks, err) != STATUS_OK)
            return err->status;
        bytes_put_varint(contents, t);
        bytes_put_varint(contents, rec->tail_chunk_count - before);
    }
    return STATUS_OK;
}

static enum status encode(struct recording *rec, struct byte_writer *contents, size_t *lifetimes,
                          struct error *err)
{
    struct open_block *block = &rec->tail;
    struct folding folding = { .block = block };
    struct block_encoder encoder = {
        .sink = keep_chunk, .sink_context = rec, .visit = fold_life, .visit_context = &folding
    };
    struct lifetime_chunks out = { .compressor = &encoder.compressor,
                                   .sink = keep_chunk,
                                   .sink_context = rec };
    struct build_shape shape;
    const struct process **list = unstored(block, lifetimes);
    size_t before;
    enum status st;

    build_shape_of_table(&shape, TABLE_PROCESS, 1);
    folding.gap = gaps_of(block, TABLE_PROCESS);
    folding.whole = (struct rollup_span){ .end = block->build[TABLE_PROCESS].tick_count,
                                          .start_ns = block->ticks.start_ns[0] };
    if (list == NULL || folding.gap == NULL)
        st = error_set(err, STATUS_NO_MEMORY, "tail");
    else
        st = rollup_fold_begin(&folding.fold, &block->build[TABLE_PROCESS], folding.gap,
                               &folding.whole, 1, NULL, err);
    if (st == STATUS_OK)
        st = lifetime_columns_begin(&folding.lives, list, *lifetimes, &block->ticks, &shape, err);
    if (st == STATUS_OK)
        st = encode_tables(rec, &encoder, contents, err);
    before = rec->tail_chunk_count;
    if (st == STATUS_OK)
        st = lifetimes_encode(&out, block->block_seq, &folding.lives, err);
    bytes_put_varint(contents, *lifetimes);
    bytes_put_varint(contents, rec->tail_chunk_count - before);
    if (st == STATUS_OK && contents->full)
        st = error_set(err, STATUS_NO_MEMORY, "tail");
    block_encoder_release(&encoder);
    rollup_fold_release(&folding.fold);
    lifetime_columns_release(&folding.lives);
    free(folding.gap);
    free(list);
    return st;
}

/* Append the tail's block to level 0. */
static enum status add_block(struct recording *rec, struct error *err)
{
    struct recording_contents *c = &rec->contents;
    const struct block_ticks *ticks = &rec->tail.ticks;
    struct recording_block *block = &c->blocks[0][c->block_count[0]];
    struct block_row *row = &rec->rows[0][c->block_count[0]];
    struct byte_writer contents = { 0 }, axis = { 0 };
    enum status st = encode(rec, &contents, &block->lifetime_count, err);

    if (st == STATUS_OK)
        st = block_ticks_encode(ticks, &axis, err);
    row->contents = recording_own(rec, contents.data);
    row->contents_size = contents.used;
    row->ticks = recording_own(rec, axis.data);
    row->ticks_size = axis.used;
    block->session = SIZE_MAX;
    for (size_t s = 0; s < c->session_count; s++)
        if (c->sessions[s].session_id == rec->tail.session_id)
            block->session = s;
    if (st == STATUS_OK && (row->contents == NULL || row->ticks == NULL))
        st = error_set(err, STATUS_NO_MEMORY, "tail");
    if (st == STATUS_OK && block->session == SIZE_MAX)
        st = error_set(err, STATUS_CORRUPT, "it belongs to no session");
    block->block_seq = rec->tail.block_seq;
    block->first_tick = rec->tail.first_tick;
    block->previous_ns = rec->tail.previous_ns;
    block->start_ns = ticks->start_ns[0];
    block->end_ns = ticks->start_ns[ticks->count - 1];
    block->tick_count = ticks->count;
    block->tail = true;
    if (st == STATUS_OK)
        c->block_count[0]++;
    return st;
}

/* None of it fits to the rest. */
static enum status lose_tail(struct recording *rec, const char *why)
{
    rec->damage->part_gone(rec->damage->context, "tail", why);
    rec->damage->tail_lost_ns = NO_TIME;
    rec->has_tail = false;
    return STATUS_OK;
}

enum status recording_load_tail(struct recording *rec, struct error *err)
{
    int64_t records = 0;
    const struct recording_contents *c = &rec->contents;
    enum status st = open_block_init(&rec->tail, err);

    if (st == STATUS_OK)
        st = rec->damage != NULL ? replay_damaged(rec, &records, err)
                                 : replay(rec, INT64_MAX, &records, err);
    if (st == STATUS_OK && rec->tail.ticks.count > 0) {
        if (c->block_count[0] > 0 && rec->damage == NULL &&
            rec->tail.block_seq != c->blocks[0][c->block_count[0] - 1].block_seq + 1)
            st = error_set(err, STATUS_CORRUPT, "it does not follow the last block");
        if (st == STATUS_OK && rec->damage != NULL)
            st = recording_expect_tail(rec, err);
        rec->has_tail = true;
        if (st == STATUS_OK)
            st = add_block(rec, err);
        if (st == STATUS_CORRUPT && rec->damage != NULL)
            st = lose_tail(rec, err->message);
    }
    if (st == STATUS_OK && c->unclean && records == 0 && rec->damage != NULL &&
        rec->damage->tail_records_lost == 0)
        rec->damage->part_gone(rec->damage->context, "tail",
                               "it is missing, though the last session goes on");
    if (st == STATUS_OK && c->unclean && records == 0 && rec->damage == NULL)
        st = error_set(err, STATUS_CORRUPT, "it is missing, though the last session goes on");
    return st == STATUS_OK ? st : error_prefix(err, "%s: tail", rec->contents.path);
}
