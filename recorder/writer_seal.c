/*
 * Sealing: the open block into chunks, minutes and hours folded on the way, all noted for the
 * transaction that also removes the tail records the block replaces. Only memory can fail here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/heap.h"
#include "recorder/writer_private.h"

/* One table of one level while it is encoded: what its visitor needs. */
struct sealing {
    struct writer *writer;
    unsigned level; /* of the block being encoded */
    enum table_id table;
    uint8_t *gap;              /* level 0: [table ticks] */
    struct rollup_span *spans; /* level 0: windows, as the table's ticks */
    size_t span_count;
    uint32_t *window;                    /* [span_count] number in the coarser build */
    int64_t *covered_ns;                 /* [span_count][metric] */
    bool usage;                          /* it is to be told of in the usage of its hour */
    int64_t whole_ns[TABLE_METRICS_MAX]; /* then: covered_ns of all spans */
    int64_t hour_start_ns;
    uint32_t hour_window;
};

static enum status put_chunk(void *context, const struct chunk_place *place,
                             const struct byte_writer *chunk, struct error *err)
{
    struct writer *writer = context;

    writer->chunk_count++;
    writer->sealed_bytes[place->level] += (int64_t)chunk->used;
    return pending_chunk(&writer->pending, place, chunk, err);
}

/* --- block rows --- */

struct block_row {
    unsigned level;
    int64_t block_seq, session_id, first_tick, previous_ns, start_ns, end_ns;
    const struct block_ticks *ticks;
};

static enum status put_block_row(struct writer *writer, const struct block_row *row,
                                 struct error *err)
{
    struct pending *to = &writer->pending;

    bytes_reset(&writer->stored);
    if (block_ticks_encode(row->ticks, &writer->stored, err) != STATUS_OK)
        return err->status;
    if (writer->contents.full)
        return error_set(err, STATUS_NO_MEMORY, "block row");
    pending_row(to, CHECKED_BLOCK, false);
    pending_int(to, ++writer->last_id[CHECKED_BLOCK]);
    pending_int(to, level_seconds[row->level]);
    pending_int(to, row->block_seq);
    pending_int(to, row->session_id);
    pending_int(to, row->first_tick);
    pending_int(to, row->ticks->count);
    pending_time(to, row->previous_ns);
    pending_int(to, row->start_ns);
    pending_int(to, row->end_ns);
    pending_blob(to, writer->stored.data, writer->stored.used);
    pending_blob(to, writer->contents.data, writer->contents.used);
    return pending_row_end(to, err);
}

/* Encode one table and note in the contents how many chunks it has. */
static enum status encode_table(struct sealing *s, const struct build *build, int64_t block_seq,
                                const struct block_ticks *ticks, struct error *err)
{
    struct writer *writer = s->writer;
    struct chunk_place place = { .level = s->level,
                                 .table_id = build->shape->table_id,
                                 .block_seq = block_seq };

    writer->chunk_count = 0;
    writer->encoder.visit_context = s;
    if (block_encode(&writer->encoder, build, &place, ticks, err) != STATUS_OK)
        return err->status;
    bytes_put_varint(&writer->contents, place.table_id);
    bytes_put_varint(&writer->contents, writer->chunk_count);
    return STATUS_OK;
}

/* --- rollups --- */

static int64_t floor_to(int64_t time_ns, int64_t seconds)
{
    int64_t length = seconds * 1000000000;
    int64_t rest = time_ns % length;

    return wrap_subtract(time_ns, rest < 0 ? rest + length : rest);
}

/* The number of a window on the axis of the rollup block being built; added if it is new. */
static enum status add_window(struct writer *writer, unsigned level, int64_t start_ns,
                              uint32_t *number, struct error *err)
{
    struct block_ticks *windows = &writer->windows[level - 1];

    for (uint32_t i = windows->count; i > 0 && windows->start_ns[i - 1] >= start_ns; i--)
        if (windows->start_ns[i - 1] == start_ns) {
            *number = i - 1;
            return STATUS_OK;
        }
    if (windows->count == writer->window_size[level - 1]) {
        size_t more = windows->count == 0 ? 64 : (size_t)windows->count * 2;
        int64_t *start = realloc(windows->start_ns, more * sizeof *start);
        int64_t *sweep;
        uint8_t *gap;

        if (start != NULL)
            windows->start_ns = start;
        sweep = realloc(windows->sweep_ns, more * sizeof *sweep);
        if (sweep != NULL)
            windows->sweep_ns = sweep;
        gap = realloc(windows->gap, more);
        if (gap != NULL)
            windows->gap = gap;
        if (start == NULL || sweep == NULL || gap == NULL)
            return error_set(err, STATUS_NO_MEMORY, "rollup windows");
        writer->window_size[level - 1] = more;
    }
    windows->start_ns[windows->count] = start_ns;
    windows->sweep_ns[windows->count] = 0;
    windows->gap[windows->count] = 0;
    *number = windows->count++;
    return STATUS_OK;
}

/* A finished series of a level-60 block: one window of its hour. */
static enum status fold_hour(void *context, const struct series_changes *changes,
                             struct series_told *told, struct error *err)
{
    struct sealing *s = context;
    struct rollup *hours = &s->writer->rollup[1][s->table];
    struct rollup_cell cells[TABLE_METRICS_MAX];

    (void)told;
    rollup_combine(changes, s->hour_start_ns, cells);
    if (rollup_put(hours, s->hour_window, &changes->series->series, cells, err) != STATUS_OK)
        return err->status;
    if (!changes->series->open)
        rollup_end(hours, &changes->series->series);
    return STATUS_OK;
}

static enum status seal_rollup(struct writer *writer, unsigned level, struct error *err);

/* The hour of the level-60 block becomes a window of level 3600. */
static enum status begin_hour(struct sealing *s, struct error *err)
{
    struct writer *writer = s->writer;
    const struct build *minutes = &writer->rollup[0][s->table].build;
    unsigned metrics = minutes->shape->metric_count;
    int64_t covered[TABLE_METRICS_MAX] = { 0 };
    uint32_t number;

    for (uint32_t i = 0; i < minutes->tick_count; i++)
        for (unsigned m = 0; m < metrics; m++)
            covered[m] = wrap_add(covered[m], minutes->covered_ns[(size_t)i * metrics + m]);
    if (add_window(writer, 2, s->hour_start_ns, &number, err) != STATUS_OK)
        return err->status;
    if (rollup_window(&writer->rollup[1][s->table], number, s->hour_start_ns, covered, err) !=
        STATUS_OK)
        return err->status;
    s->hour_window = writer->rollup[1][s->table].build.tick_count - 1;
    return STATUS_OK;
}

static enum status seal_rollup_table(struct writer *writer, unsigned level, enum table_id table,
                                     struct error *err)
{
    struct rollup *rollup = &writer->rollup[level - 1][table];
    const struct block_ticks *windows = &writer->windows[level - 1];
    struct sealing s = { .writer = writer, .level = level, .table = table };

    writer->encoder.sink = put_chunk;
    writer->encoder.visit = NULL;
    if (level == 1 && rollup->build.tick_count > 0) {
        s.hour_start_ns = floor_to(windows->start_ns[0], 3600);
        writer->encoder.visit = fold_hour;
        if (begin_hour(&s, err) != STATUS_OK)
            return err->status;
    }
    if (encode_table(&s, &rollup->build, writer->next_block_seq[level], windows, err) != STATUS_OK)
        return err->status;
    return rollup_restart(rollup, err);
}

static enum status seal_rollup(struct writer *writer, unsigned level, struct error *err)
{
    struct block_ticks *windows = &writer->windows[level - 1];
    int64_t length_ns = level_seconds[level] * 1000000000;
    struct block_row row = { .level = level,
                             .block_seq = writer->next_block_seq[level],
                             .session_id = writer->block.session_id,
                             .previous_ns = NO_TIME,
                             .ticks = windows };

    if (windows->count == 0)
        return STATUS_OK;
    /* A day is over: its hours go out before the first of the next comes in. */
    if (level == 1 && writer->windows[1].count > 0 &&
        floor_to(writer->windows[1].start_ns[0], 86400) != floor_to(windows->start_ns[0], 86400) &&
        seal_rollup(writer, 2, err) != STATUS_OK)
        return err->status;
    bytes_reset(&writer->contents);
    bytes_put_varint(&writer->contents, TABLE_COUNT);
    for (size_t t = 0; t < TABLE_COUNT; t++)
        if (seal_rollup_table(writer, level, (enum table_id)t, err) != STATUS_OK)
            return err->status;
    bytes_put_varint(&writer->contents, 0); /* lifetimes */
    bytes_put_varint(&writer->contents, 0);
    bytes_put_varint(&writer->contents, (uint64_t)writer->next_process_id);
    row.start_ns = windows->start_ns[0];
    row.end_ns = windows->start_ns[windows->count - 1] + length_ns;
    if (put_block_row(writer, &row, err) != STATUS_OK)
        return err->status;
    windows->count = 0;
    writer->next_block_seq[level]++;
    return STATUS_OK;
}

/* --- level 0 --- */

/* Split the table's ticks by minute, and begin those minutes at level 60. */
static enum status begin_minutes(struct sealing *s, const struct build *build, struct error *err)
{
    struct writer *writer = s->writer;
    struct rollup *minutes = &writer->rollup[0][s->table];
    unsigned metrics = build->shape->metric_count;

    open_block_gaps(&writer->block, s->table, s->gap);
    for (uint32_t i = 0; i < build->tick_count; i++) {
        int64_t start_ns = rollup_window_start(build->tick_ns[i], 60);

        if (s->span_count == 0 || s->spans[s->span_count - 1].start_ns != start_ns)
            s->spans[s->span_count++] = (struct rollup_span){ .first = i, .start_ns = start_ns };
        s->spans[s->span_count - 1].end = i + 1;
    }
    rollup_covered(build, s->gap, s->spans, s->span_count, s->covered_ns);
    for (size_t w = 0; w < s->span_count; w++)
        for (unsigned m = 0; m < metrics; m++)
            s->whole_ns[m] = wrap_add(s->whole_ns[m], s->covered_ns[w * metrics + m]);
    for (size_t w = 0; w < s->span_count; w++) {
        uint32_t number;

        if (add_window(writer, 1, s->spans[w].start_ns, &number, err) != STATUS_OK ||
            rollup_window(minutes, number, s->spans[w].start_ns, s->covered_ns + w * metrics,
                          err) != STATUS_OK)
            return err->status;
        s->window[w] = minutes->build.tick_count - 1;
    }
    return STATUS_OK;
}

static enum status begin_folds(struct sealing *s, const struct build *build,
                               const struct rollup_span *whole, struct error *err)
{
    struct writer *writer = s->writer;

    if (rollup_fold_begin(&writer->fold, build, s->gap, s->spans, s->span_count, s->covered_ns,
                          err) != STATUS_OK)
        return err->status;
    return rollup_fold_begin(&writer->life_fold, build, s->gap, whole, 1, NULL, err);
}

/* The whole block as one window: for a life that began and ended in it. */
static enum status fold_life(struct sealing *s, const struct series_changes *changes,
                             const struct open_process *p, struct series_told *told,
                             struct error *err)
{
    struct writer *writer = s->writer;

    rollup_fold_series(&writer->life_fold, changes);
    lifetime_columns_put(&writer->lives, p->lifetime - 1, writer->life_fold.cell);
    block_sums_add_life(&writer->sums, writer->life_fold.build->shape, writer->life_fold.cell);
    lifetime_tells(changes, &p->process, writer->life_fold.cell, told);
    return writer_usage_series(writer, changes, p, s->gap, writer->life_fold.cell, 1, err);
}

/* Whether a process that the series is about lived in this block only. */
static bool is_of_lifetime(const struct sealing *s, const struct series *series)
{
    for (unsigned k = 0; k < 2; k++) {
        const struct open_process *p = samples_tables[s->table].key[k] == ENTITY_PROCESS
                                           ? open_block_process(&s->writer->block, series->key[k])
                                           : NULL;

        if (p != NULL && p->lifetime > 0)
            return true;
    }
    return false;
}

/* One series of the block: its minutes, or its life if it has no row of its own. */
static enum status fold_minutes(void *context, const struct series_changes *changes,
                                struct series_told *told, struct error *err)
{
    struct sealing *s = context;
    struct writer *writer = s->writer;
    struct rollup *minutes = &writer->rollup[0][s->table];
    const struct series *series = &changes->series->series;
    const struct open_process *p = NULL;
    uint32_t end = changes->series->end_tick;

    if (s->table == TABLE_PROCESS)
        p = open_block_process(&writer->block, series->key[0]);
    else if (is_of_lifetime(s, series))
        return STATUS_OK;             /* no row tells who it was: minutes would be nobody's */
    if (p != NULL && p->lifetime > 0) /* beyond those counted: they are stored already */
        return p->lifetime <= writer->lives.count ? fold_life(s, changes, p, told, err) : STATUS_OK;
    if (rollup_fold_quiet(&writer->fold, changes) &&
        rollup_repeat(minutes, s->window[0], s->window[s->span_count - 1] + 1, series))
        return s->usage ? writer_usage_quiet(writer, changes, p, s->gap, s->whole_ns, err)
                        : STATUS_OK;
    rollup_fold_series(&writer->fold, changes);
    if (s->usage && writer_usage_series(writer, changes, p, s->gap, writer->fold.cell,
                                        s->span_count, err) != STATUS_OK)
        return err->status;
    for (size_t w = 0; w < s->span_count; w++) {
        if (s->spans[w].end <= series->first || s->spans[w].first >= end)
            continue;
        if (rollup_put(minutes, s->window[w], series,
                       writer->fold.cell + w * changes->build->shape->metric_count,
                       err) != STATUS_OK)
            return err->status;
    }
    if (!changes->series->open)
        rollup_end(minutes, series);
    return STATUS_OK;
}

static enum status drop_chunk(void *context, const struct chunk_place *place,
                              const struct byte_writer *chunk, struct error *err)
{
    (void)context;
    (void)place;
    (void)chunk;
    (void)err;
    return STATUS_OK;
}

/* Counters of processes that fell: both folds saw each series once. */
static void note_falls(struct writer *writer)
{
    for (size_t m = 0; m < TABLE_METRICS_MAX; m++)
        writer->sums.falls[m] = writer->fold.falls[m] + writer->life_fold.falls[m];
}

static enum status seal_table(struct writer *writer, enum table_id table, chunk_sink *sink,
                              struct error *err)
{
    const struct build *build = &writer->block.build[table];
    size_t ticks = build->tick_count;
    struct sealing s = { .writer = writer,
                         .level = 0,
                         .table = table,
                         .usage = table == TABLE_PROCESS && sink == put_chunk };
    struct rollup_span whole = { .end = build->tick_count,
                                 .start_ns = writer->block.ticks.start_ns[0] };
    enum status st = STATUS_OK;

    s.gap = calloc(ticks + 1, 1);
    s.spans = calloc(ticks + 1, sizeof *s.spans);
    s.window = calloc(ticks + 1, sizeof *s.window);
    s.covered_ns = calloc((ticks + 1) * build->shape->metric_count, sizeof *s.covered_ns);
    if (s.gap == NULL || s.spans == NULL || s.window == NULL || s.covered_ns == NULL)
        st = error_set(err, STATUS_NO_MEMORY, "sealing %s", build->shape->name);
    if (st == STATUS_OK && ticks > 0)
        st = begin_minutes(&s, build, err);
    if (st == STATUS_OK && ticks > 0)
        st = begin_folds(&s, build, &whole, err);
    writer->encoder.visit = fold_minutes;
    writer->encoder.sink = sink;
    if (st == STATUS_OK)
        st = encode_table(&s, build, writer->block.block_seq, &writer->block.ticks, err);
    if (st == STATUS_OK && table == TABLE_PROCESS && ticks > 0)
        note_falls(writer);
    free(s.gap);
    free(s.spans);
    free(s.window);
    free(s.covered_ns);
    return st;
}

static enum status put_lifetimes(struct writer *writer, struct error *err)
{
    struct lifetime_chunks out = { .compressor = &writer->encoder.compressor,
                                   .sink = put_chunk,
                                   .sink_context = writer };

    writer->chunk_count = 0;
    if (lifetimes_encode(&out, writer->block.block_seq, &writer->lives, err) != STATUS_OK)
        return err->status;
    bytes_put_varint(&writer->contents, writer->lifetime_count);
    bytes_put_varint(&writer->contents, writer->chunk_count);
    bytes_put_varint(&writer->contents, (uint64_t)writer->next_process_id);
    return STATUS_OK;
}

/* --- the whole block --- */

bool writer_seal_due(const struct writer *writer, int64_t next_tick_ns)
{
    const struct open_block *block = &writer->block;
    int64_t first, last;

    if (block->ticks.count == 0)
        return false;
    first = block->ticks.start_ns[0];
    last = block->ticks.start_ns[block->ticks.count - 1];
    if (next_tick_ns <= last)
        return false; /* it will be refused */
    if (rollup_window_start(next_tick_ns, 60) == rollup_window_start(last, 60))
        return false; /* a minute is never split */
    return block->ticks.count >= writer->block_ticks || block->samples >= BLOCK_SAMPLES_MAX ||
           block->process_count - block->kept_count >= BLOCK_BIRTHS_MAX ||
           next_tick_ns - first >= (int64_t)BLOCK_SPAN_MAX_SECONDS * 1000000000 ||
           rollup_window_start(next_tick_ns, 3600) != rollup_window_start(last, 3600);
}

static enum status put_level_0(struct writer *writer, struct error *err)
{
    struct open_block *block = &writer->block;
    struct block_row row = { .level = 0,
                             .block_seq = block->block_seq,
                             .session_id = block->session_id,
                             .first_tick = block->first_tick,
                             .previous_ns = block->previous_ns,
                             .start_ns = block->ticks.start_ns[0],
                             .end_ns = block->ticks.start_ns[block->ticks.count - 1],
                             .ticks = &block->ticks };

    bytes_reset(&writer->contents);
    writer->sums = (struct block_sums){ 0 };
    bytes_put_varint(&writer->contents, TABLE_COUNT);
    for (size_t t = 0; t < TABLE_COUNT; t++)
        if (seal_table(writer, (enum table_id)t, put_chunk, err) != STATUS_OK)
            return err->status;
    if (put_lifetimes(writer, err) != STATUS_OK || writer_usage_seal(writer, err) != STATUS_OK)
        return err->status;
    block_sums_put(&writer->sums, writer->rollup[0][TABLE_PROCESS].shape.metric_count,
                   &writer->contents);
    return put_block_row(writer, &row, err);
}

/* All minutes of the open block, before its tables ask for theirs in an order of their own. */
static enum status add_minutes(struct writer *writer, struct error *err)
{
    const struct block_ticks *ticks = &writer->block.ticks;
    uint32_t number;

    for (uint32_t i = 0; i < ticks->count; i++)
        if (add_window(writer, 1, rollup_window_start(ticks->start_ns[i], 60), &number, err) !=
            STATUS_OK)
            return err->status;
    return STATUS_OK;
}

/* What the hours that are not sealed yet take; compressed they take less. */
static int64_t hours_bytes(const struct writer *writer)
{
    int64_t bytes = 0;

    for (size_t t = 0; t < TABLE_COUNT; t++)
        bytes += (int64_t)writer->rollup[1][t].build.arena_used;
    return bytes;
}

/* Most processes that the hours in memory tell of have ended: they take room for nothing. */
static bool hours_are_of_the_dead(const struct writer *writer)
{
    const struct build *hours = &writer->rollup[1][TABLE_PROCESS].build;

    return hours->series_count - hours->open_count > hours->open_count + ENDED_SERIES_MAX;
}

/* The hour before the open block's is over. */
static enum status seal_hour(struct writer *writer, struct error *err)
{
    const struct block_ticks *minutes = &writer->windows[0], *hours = &writer->windows[1];
    int64_t minute_ns = rollup_window_start(writer->block.ticks.start_ns[0], 60);

    if (minutes->count == 0 || floor_to(minutes->start_ns[0], 3600) == floor_to(minute_ns, 3600))
        return STATUS_OK;
    if (seal_rollup(writer, 1, err) != STATUS_OK)
        return err->status;
    if (hours->count > 0 && hours_are_of_the_dead(writer))
        return seal_rollup(writer, 2, err);
    /*
     * Under a size limit: minutes that may be evicted next must be told of by hours that are stored;
     * and a day's hours must not come all at once.
     */
    if (hours->count > 0 && writer->retention.options.max_bytes > 0 &&
        ((writer->retention.oldest_60_ns >= hours->start_ns[0] &&
          writer->retention.oldest_60_ns != INT64_MAX) ||
         hours_bytes(writer) > writer->retention.options.max_bytes / 32))
        return seal_rollup(writer, 2, err);
    return STATUS_OK;
}

enum status writer_refold_block(struct writer *writer, struct error *err)
{
    if (seal_hour(writer, err) != STATUS_OK || add_minutes(writer, err) != STATUS_OK)
        return err->status;
    for (size_t t = 0; t < TABLE_COUNT; t++)
        if (seal_table(writer, (enum table_id)t, drop_chunk, err) != STATUS_OK)
            return err->status;
    return STATUS_OK;
}

enum status writer_refold_hour(struct writer *writer, enum table_id table,
                               const struct block_ticks *windows, struct error *err)
{
    struct rollup *minutes = &writer->rollup[0][table];
    struct sealing s = { .writer = writer, .level = 1, .table = table };

    if (minutes->build.tick_count == 0)
        return STATUS_OK;
    s.hour_start_ns = floor_to(windows->start_ns[0], 3600);
    if (begin_hour(&s, err) != STATUS_OK)
        return err->status;
    writer->encoder.sink = drop_chunk;
    writer->encoder.visit = fold_hour;
    if (encode_table(&s, &minutes->build, 0, windows, err) != STATUS_OK)
        return err->status;
    return rollup_restart(minutes, err);
}

enum status writer_seal_block(struct writer *writer, struct error *err)
{
    struct open_block *block = &writer->block;

    if (block->ticks.count == 0)
        return STATUS_OK;
    if (seal_hour(writer, err) != STATUS_OK || add_minutes(writer, err) != STATUS_OK)
        return err->status;
    /* The tail goes first: its pages are those that the chunks take. */
    if (pending_clear_tail(&writer->pending, err) != STATUS_OK ||
        writer_settle(writer, err) != STATUS_OK || put_level_0(writer, err) != STATUS_OK)
        return err->status;
    writer->next_block_seq[0] = block->block_seq + 1;
    writer->stats.blocks++;
    return open_block_restart(block, err);
}

enum status writer_seal(struct writer *writer, struct error *err)
{
    if (writer_seal_block(writer, err) != STATUS_OK)
        return err->status;
    if (writer->block.shrunk)
        heap_trim();
    bytes_reset(&writer->record);
    writer->tail_records = 0;
    writer->last_tail_bytes = writer->tail_bytes;
    writer->tail_bytes = 0;
    writer->tail_crc = 0;
    if (tail_put_base(&writer->block, &writer->record, err) != STATUS_OK)
        return err->status;
    return writer_put_tail(writer, err);
}

enum status writer_seal_all(struct writer *writer, struct error *err)
{
    if (writer_seal_block(writer, err) != STATUS_OK || seal_rollup(writer, 1, err) != STATUS_OK ||
        seal_rollup(writer, 2, err) != STATUS_OK)
        return err->status;
    return pending_clear_tail(&writer->pending, err);
}

enum status writer_init_levels(struct writer *writer, struct error *err)
{
    const struct build_shape *shape = &writer->rollup[0][TABLE_PROCESS].shape;

    for (unsigned level = 1; level < LEVEL_COUNT; level++)
        for (size_t t = 0; t < TABLE_COUNT; t++)
            if (rollup_init(&writer->rollup[level - 1][t], (enum table_id)t, level, err) !=
                STATUS_OK)
                return err->status;
    usage_release(&writer->usage_block);
    usage_release(&writer->usage_run.usage);
    writer->usage_run = (struct usage_run){ 0 };
    usage_init(&writer->usage_block, shape);
    usage_init(&writer->usage_run.usage, shape);
    return STATUS_OK;
}
