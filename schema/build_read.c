/* Reading a block under construction back: one series' changes, oldest first, per column. */
#include <stdlib.h>

#include "schema/build.h"

enum { SEGMENT_BITS = 18, SEGMENT_BYTES = 1 << SEGMENT_BITS, ENTRY_HEAD = 8 };
#define MASK_MISSING (UINT64_C(1) << 63)

static const uint8_t *entry_at(const struct build *build, uint32_t offset)
{
    return build->segment[offset >> SEGMENT_BITS] + (offset & (SEGMENT_BYTES - 1));
}

static bool reserve(struct build_reader *reader, size_t count, size_t columns)
{
    size_t size = reader->size < 64 ? 64 : reader->size;
    uint32_t *offset, *sample;
    int64_t *delta;

    if (count <= reader->size && columns <= reader->column_size)
        return true;
    while (size < count)
        size += size / 2;
    columns = columns > reader->column_size ? columns : reader->column_size;
    offset = realloc(reader->offset, size * sizeof *offset);
    if (offset != NULL)
        reader->offset = offset;
    sample = realloc(reader->sample, size * sizeof *sample);
    if (sample != NULL)
        reader->sample = sample;
    delta = realloc(reader->delta, size * columns * sizeof *delta);
    if (delta != NULL)
        reader->delta = delta;
    if (offset == NULL || sample == NULL || delta == NULL)
        return false;
    reader->size = size;
    reader->column_size = columns;
    return true;
}

void build_reader_release(struct build_reader *reader)
{
    free(reader->offset);
    free(reader->sample);
    free(reader->delta);
    free(reader->run);
    *reader = (struct build_reader){ 0 };
}

/* Close the run of missing samples that is open for a column, before sample `end`. */
static bool end_run(struct build_reader *reader, size_t column, uint32_t end)
{
    struct missing_pattern *pattern = &reader->missing[column];
    struct missing_run *open = &reader->open[column];

    if (open->reason == MISSING_NONE || end == open->first)
        return true;
    if (reader->run_count == reader->run_size) {
        size_t more = reader->run_size == 0 ? 64 : reader->run_size * 2;
        struct missing_run *larger = realloc(reader->run, more * sizeof *larger);

        if (larger == NULL)
            return false;
        reader->run = larger;
        reader->run_size = more;
    }
    /* Runs of one column are linked by being found again: gather() sorts them out. */
    reader->run[reader->run_count] = *open;
    reader->run[reader->run_count].count = end - open->first;
    reader->run[reader->run_count].column = (uint16_t)column;
    reader->run_count++;
    pattern->run_count++;
    return true;
}

static bool change_missing(struct build_reader *reader, const struct build_shape *shape,
                           struct byte_reader *r, uint32_t sample)
{
    for (uint64_t m; (m = bytes_get_varint(r)) != 0;) {
        uint8_t code = bytes_get_u8(r);

        for (size_t c = shape->first_column[m - 1];
             c < shape->column_count && shape->column[c].metric == m - 1; c++) {
            if (!end_run(reader, c, sample))
                return false;
            reader->open[c].first = sample;
            reader->open[c].reason = code;
        }
    }
    return true;
}

static int run_order(const void *a, const void *b)
{
    const struct missing_run *x = a, *y = b;

    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* As they are where each column has one run, which ends with the series. */
static bool in_order(const struct build_reader *reader)
{
    for (size_t i = 1; i < reader->run_count; i++)
        if (run_order(&reader->run[i - 1], &reader->run[i]) > 0)
            return false;
    return true;
}

/* Turn the runs of all columns into one pattern per column. */
static bool gather(struct build_reader *reader, size_t columns, uint32_t samples)
{
    size_t at = 0;

    for (size_t c = 0; c < columns; c++)
        if (!end_run(reader, c, samples))
            return false;
    if (!in_order(reader))
        qsort(reader->run, reader->run_count, sizeof *reader->run, run_order);
    for (size_t c = 0; c < columns; c++) {
        struct missing_pattern *pattern = &reader->missing[c];
        uint32_t count = pattern->run_count;

        pattern->run_at = (uint32_t)at;
        pattern->shape = count == 0 ? MISSING_NEVER : MISSING_RUNS;
        if (count == 1 && reader->run[at].first == 0 && reader->run[at].count == samples) {
            pattern->shape = MISSING_ALL;
            pattern->reason = reader->run[at].reason;
        }
        at += count;
    }
    return true;
}

static void start_missing(struct build_reader *reader, const struct build *build, uint32_t index)
{
    const struct build_shape *shape = build->shape;
    const uint8_t *base = build->base_missing + index * shape->metric_count;

    reader->run_count = 0;
    for (unsigned c = 0; c < shape->column_count; c++) {
        reader->missing[c] = (struct missing_pattern){ 0 };
        reader->open[c] = (struct missing_run){ .reason = base[shape->column[c].metric] };
    }
}

/* The usual case: nothing about what is missing changed within the block. */
static void uniform_missing(struct build_reader *reader, const struct build *build, uint32_t index)
{
    const struct build_shape *shape = build->shape;
    const uint8_t *base = build->base_missing + index * shape->metric_count;

    for (unsigned c = 0; c < shape->column_count; c++) {
        uint8_t code = base[shape->column[c].metric];

        reader->missing[c] =
            (struct missing_pattern){ .shape = code == MISSING_NONE ? MISSING_NEVER : MISSING_ALL,
                                      .reason = code };
    }
}

/* Decode entry number i of the series into sample[i] and the delta columns, and take it off the base. */
static bool read_entry(struct build_reader *reader, const struct build *build, size_t i,
                       size_t count, uint64_t touched[])
{
    size_t columns = build->shape->column_count;
    size_t words = (columns + BUILD_MASK_COLUMNS - 1) / BUILD_MASK_COLUMNS;
    const uint8_t *entry = entry_at(build, reader->offset[i]);
    size_t before = (reader->offset[i] & (SEGMENT_BYTES - 1)) + ENTRY_HEAD; /* in its segment */
    struct byte_reader r = { .data = entry + ENTRY_HEAD, .size = SEGMENT_BYTES - before };
    uint64_t mask[BUILD_MASK_WORDS] = { 0 };

    memcpy(&reader->sample[i], entry + 4, 4);
    for (size_t w = 0; w < words; w++)
        mask[w] = bytes_get_varint(&r);
    if ((mask[0] & MASK_MISSING) != 0 &&
        !change_missing(reader, build->shape, &r, reader->sample[i]))
        return false;
    for (size_t w = 0; w < words; w++) {
        uint64_t rest = w == 0 ? mask[0] & ~MASK_MISSING : mask[w];

        for (uint64_t fresh = rest & ~touched[w]; fresh != 0; fresh &= fresh - 1)
            memset(reader->delta +
                       (w * BUILD_MASK_COLUMNS + (size_t)__builtin_ctzll(fresh)) * reader->size,
                   0, count * sizeof *reader->delta);
        touched[w] |= rest;
        for (; rest != 0; rest &= rest - 1) {
            size_t c = w * BUILD_MASK_COLUMNS + (size_t)__builtin_ctzll(rest);

            int64_t delta = bytes_get_zigzag(&r);

            reader->delta[c * reader->size + i] = delta;
            reader->base[c] = wrap_subtract(reader->base[c], delta);
        }
    }
    return true;
}

enum status build_read(struct build_reader *reader, const struct build *build, uint32_t index,
                       struct series_changes *changes, struct error *err)
{
    const struct build_series *s = &build->series[index];
    size_t columns = build->shape->column_count;
    uint64_t touched[BUILD_MASK_WORDS] = { 0 };
    const int64_t *last;
    uint32_t count = 0;

    for (uint32_t at = s->newest; at != 0; memcpy(&at, entry_at(build, at - 1), 4))
        count++;
    if (!reserve(reader, count, columns))
        return error_set(err, STATUS_NO_MEMORY, "changes of %s", build->shape->name);
    for (uint32_t at = s->newest, i = count; at != 0; memcpy(&at, entry_at(build, at - 1), 4))
        reader->offset[--i] = at - 1;
    if (s->missing_changed)
        start_missing(reader, build, index);
    else
        uniform_missing(reader, build, index);
    last = build_values(build, index, reader->base);
    if (last != reader->base)
        memcpy(reader->base, last, columns * sizeof *reader->base);
    for (uint32_t i = 0; i < count; i++)
        if (!read_entry(reader, build, i, count, touched))
            return error_set(err, STATUS_NO_MEMORY, "changes of %s", build->shape->name);
    if (s->missing_changed && !gather(reader, columns, s->end_tick - s->series.first))
        return error_set(err, STATUS_NO_MEMORY, "missing values of %s", build->shape->name);
    *changes = (struct series_changes){ .build = build,
                                        .series = s,
                                        .index = index,
                                        .samples = s->end_tick - s->series.first,
                                        .count = count,
                                        .sample = reader->sample,
                                        .base = reader->base,
                                        .missing = reader->missing,
                                        .run = reader->run };
    for (size_t c = 0; c < columns; c++) {
        bool any = touched[c / BUILD_MASK_COLUMNS] >> (c % BUILD_MASK_COLUMNS) & 1;

        changes->delta[c] = any ? reader->delta + c * reader->size : NULL;
    }
    return STATUS_OK;
}

/* The pattern without what it says of the sample after the new last one. */
static void pattern_less(struct missing_pattern *pattern, struct missing_run *run, uint32_t samples)
{
    if (pattern->shape == MISSING_RUNS) {
        struct missing_run *last = &run[pattern->run_at + pattern->run_count - 1];

        if (last->first + last->count > samples && --last->count == 0)
            pattern->run_count--;
    }
    if (samples == 0 || (pattern->shape == MISSING_RUNS && pattern->run_count == 0))
        *pattern = (struct missing_pattern){ 0 };
    else if (pattern->shape == MISSING_RUNS && run[pattern->run_at].count == samples)
        *pattern =
            (struct missing_pattern){ .shape = MISSING_ALL, .reason = run[pattern->run_at].reason };
}

void build_read_less(struct build_reader *reader, struct series_changes *changes,
                     const struct series_told *told)
{
    size_t columns = changes->build->shape->column_count;

    changes->samples--;
    if (changes->count > 0 && changes->sample[changes->count - 1] == changes->samples)
        changes->count--;
    for (size_t c = 0; c < columns; c++) {
        int64_t *delta = reader->delta + c * reader->size;
        int64_t any = 0;

        if (changes->delta[c] != NULL && changes->count > 0)
            delta[0] = wrap_subtract(delta[0], told->base[c]);
        for (uint32_t i = 0; changes->delta[c] != NULL && i < changes->count; i++)
            any |= delta[i];
        if (any == 0)
            changes->delta[c] = NULL;
        pattern_less(&reader->missing[c], reader->run, changes->samples);
    }
}
