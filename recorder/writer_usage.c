/*
 * What a sealed block adds to the usage of its hour. The samples of a process count for what it was
 * called at their ticks, as in reports; most are called the same throughout.
 */
#include <stdlib.h>

#include "recorder/writer_private.h"
#include "schema/chunk.h"

static struct usage_key key_of(const struct version *version, bool lifetime)
{
    struct usage_key key = { .flags = lifetime ? USAGE_LIFETIMES : 0 };

    if (version == NULL)
        return key;
    key.uid_known = version->uid_known;
    key.uid = version->uid_known ? version->uid : 0;
    key.comm = version->text[PROCESS_COMM];
    key.user = version->text[PROCESS_USER];
    key.cgroup = version->text[PROCESS_CGROUP];
    return key;
}

static bool same_name(const struct version *a, const struct version *b)
{
    return a->uid_known == b->uid_known && (!a->uid_known || a->uid == b->uid) &&
           text_same(&a->text[PROCESS_COMM], &b->text[PROCESS_COMM]) &&
           text_same(&a->text[PROCESS_USER], &b->text[PROCESS_USER]) &&
           text_same(&a->text[PROCESS_CGROUP], &b->text[PROCESS_CGROUP]);
}

/* The version from which on it is called otherwise than by `v`, until time_ns; NULL: none. */
static const struct version *renamed(const struct process *process, const struct version *v,
                                     int64_t time_ns)
{
    const struct version *end = process->versions + process->version_count;

    for (const struct version *next = v + 1; next < end && next->from_ns <= time_ns; next++)
        if (!same_name(v, next))
            return next;
    return NULL;
}

static enum status add(struct writer *writer, const struct version *version, bool lifetime,
                       const struct rollup_cell cells[], size_t windows, struct error *err)
{
    struct usage *usage = &writer->usage_block;
    struct usage_key key = key_of(version, lifetime);
    size_t row;

    if (usage_find(usage, &key, &row, err) != STATUS_OK)
        return err->status;
    for (size_t w = 0; w < windows; w++)
        usage_add_cells(usage, row, cells + w * usage->metric_count);
    usage->row[row].process_count++;
    return STATUS_OK;
}

/* The ticks of the block, cut where the process is called otherwise; returns the number of spans. */
static size_t cut(const struct build *build, const struct process *process, uint32_t first,
                  struct rollup_span spans[], const struct version *names[])
{
    const struct version *v = process_version_at(process, build->tick_ns[first]);
    size_t count = 0;
    uint32_t tick = 0;

    while (v != NULL) {
        const struct version *next = renamed(process, v, INT64_MAX);

        names[count] = v;
        spans[count] = (struct rollup_span){ .first = tick, .start_ns = build->tick_ns[0] };
        while (tick < build->tick_count && (next == NULL || build->tick_ns[tick] < next->from_ns))
            tick++;
        spans[count].end = tick;
        count += spans[count].end > spans[count].first;
        v = tick < build->tick_count ? next : NULL;
    }
    return count;
}

static enum status add_renamed(struct writer *writer, const struct series_changes *changes,
                               const struct process *process, bool lifetime, const uint8_t gap[],
                               struct error *err)
{
    const struct build *build = changes->build;
    uint32_t first = changes->series->series.first, end = changes->series->end_tick;
    struct rollup_span *spans = malloc((process->version_count + 1) * sizeof *spans);
    const struct version **names = malloc((process->version_count + 1) * sizeof *names);
    struct rollup_fold fold = { 0 };
    size_t count = 0;
    enum status st = STATUS_OK;

    if (spans == NULL || names == NULL)
        st = error_set(err, STATUS_NO_MEMORY, "usage by name");
    if (st == STATUS_OK) {
        count = cut(build, process, first, spans, names);
        st = rollup_fold_begin(&fold, build, gap, spans, count, NULL, err);
    }
    if (st == STATUS_OK)
        rollup_fold_series(&fold, changes);
    for (size_t i = 0; i < count && st == STATUS_OK; i++)
        if (spans[i].end > first && spans[i].first < end)
            st =
                add(writer, names[i], lifetime, fold.cell + i * build->shape->metric_count, 1, err);
    rollup_fold_release(&fold);
    free(spans);
    free((void *)names);
    return st;
}

enum status writer_usage_series(struct writer *writer, const struct series_changes *changes,
                                const struct open_process *p, const uint8_t gap[],
                                const struct rollup_cell cells[], size_t windows, struct error *err)
{
    const struct build *build = changes->build;
    uint32_t first = changes->series->series.first, end = changes->series->end_tick;
    const struct version *v = NULL;

    if (p != NULL && first < build->tick_count) {
        v = process_version_at(&p->process, build->tick_ns[first]);
        if (v != NULL && renamed(&p->process, v, build->tick_ns[end - 1]) != NULL)
            return add_renamed(writer, changes, &p->process, p->lifetime > 0, gap, err);
    }
    return add(writer, v, p != NULL && p->lifetime > 0, cells, windows, err);
}

enum status writer_usage_quiet(struct writer *writer, const struct series_changes *changes,
                               const struct open_process *p, const uint8_t gap[],
                               const int64_t covered_ns[], struct error *err)
{
    const struct build_shape *shape = changes->build->shape;
    struct rollup_cell cells[TABLE_METRICS_MAX];

    for (unsigned c = 0; c < shape->column_count; c++) {
        unsigned m = shape->column[c].metric;
        int64_t value = changes->base[c];

        cells[m] = (struct rollup_cell){ .present = changes->missing[c].shape == MISSING_NEVER };
        if (!cells[m].present)
            continue;
        cells[m].last = cells[m].min = cells[m].max = value;
        cells[m].covered_ns = covered_ns[m];
        cells[m].sum = (int128)value * covered_ns[m];
    }
    return writer_usage_series(writer, changes, p, gap, cells, 1, err);
}

/* --- the run --- */

static int64_t hour_of(const struct open_block *block)
{
    return rollup_window_start(block->ticks.start_ns[0], 3600);
}

enum status writer_usage_seal(struct writer *writer, struct error *err)
{
    const struct open_block *block = &writer->block;
    struct usage_run *run = &writer->usage_run;
    struct chunk_place place = { .table_id = USAGE_RUN_TABLE };
    struct byte_writer raw = { 0 }, frame = { 0 }, chunk = { 0 };
    enum status st;

    if (run->first_seq == 0 || run->session_id != block->session_id ||
        run->hour_ns != hour_of(block) || run->bytes >= retention_run_bytes(&writer->retention)) {
        usage_clear(&run->usage);
        run->first_seq = block->block_seq;
        run->session_id = block->session_id;
        run->hour_ns = hour_of(block);
        run->bytes = run->chunk_bytes = 0;
    }
    place.block_seq = run->first_seq;
    run->bytes += writer->sealed_bytes[KEPT_LEVEL_0];
    st = usage_merge(&run->usage, &writer->usage_block, err);
    usage_clear(&writer->usage_block);
    if (st == STATUS_OK)
        st = usage_encode(&run->usage, &raw, err);
    if (st == STATUS_OK)
        st = compress_frame(&writer->encoder.compressor, COMPRESS_SEAL, raw.data, raw.used, &frame,
                            err);
    if (st == STATUS_OK) {
        chunk_put(&chunk, &place, &frame, NULL, 0, NULL);
        if (chunk.full)
            st = error_set(err, STATUS_NO_MEMORY, "usage by name");
    }
    if (st == STATUS_OK) {
        st = pending_chunk(&writer->pending, &place, &chunk, err);
        writer->sealed_bytes[KEPT_LEVEL_0] += (int64_t)chunk.used - run->chunk_bytes;
        run->chunk_bytes = (int64_t)chunk.used;
    }
    bytes_release(&raw);
    bytes_release(&frame);
    bytes_release(&chunk);
    return st;
}
