/*
 * The block under construction. An arena entry is: u32 offset of the series' previous entry (+1),
 * u32 sample index, then the change: mask words as varints, missing changes if bit 63 of the first
 * word is set, and a zigzag varint delta per set column.
 */
#include "schema/build.h"

#include <stdlib.h>

enum { SEGMENT_BITS = 18, SEGMENT_BYTES = 1 << SEGMENT_BITS, ENTRY_HEAD = 8 };
enum { CHANGE_MAX = BUILD_MASK_WORDS * 10 + BUILD_COLUMNS_MAX * 13 + 16 };
enum { REFERENCE_SERIES_MIN = 32 }; /* for fewer, the chunks cost more than they save */
#define MASK_MISSING (UINT64_C(1) << 63)
#define REFERENCE_NS (INT64_C(6) * 3600 * 1000000000)

void build_shape_init(struct build_shape *shape, const char *name, uint32_t table_id,
                      unsigned key_count, const enum metric_kind kinds[], size_t metric_count,
                      unsigned level)
{
    *shape = (struct build_shape){ .name = name,
                                   .table_id = table_id,
                                   .level = level,
                                   .key_count = key_count,
                                   .metric_count = (unsigned)metric_count };
    for (size_t m = 0; m < metric_count; m++) {
        unsigned parts = level == 0 ? 1 : metric_part_count(kinds[m]);

        shape->first_column[m] = (uint16_t)shape->column_count;
        for (unsigned part = 0; part < parts; part++) {
            unsigned c = shape->column_count++;

            shape->column[c].column_id = (uint16_t)metric_column_id(m, part);
            shape->column[c].metric = (uint8_t)m;
            shape->column[c].part = (uint8_t)part;
            shape->column[c].kind = (uint8_t)kinds[m];
        }
    }
}

void build_shape_of_table(struct build_shape *shape, enum table_id table, unsigned level)
{
    const struct samples_table *t = &samples_tables[table];
    enum metric_kind kinds[TABLE_METRICS_MAX];
    unsigned keys = t->key[0] == ENTITY_NONE ? 0 : t->key[1] == ENTITY_NONE ? 1 : 2;

    for (size_t m = 0; m < t->metric_count; m++)
        kinds[m] = t->metrics[m].kind;
    build_shape_init(shape, t->name, table, keys, kinds, t->metric_count, level);
}

enum status build_init(struct build *build, const struct build_shape *shape, struct error *err)
{
    *build = (struct build){ .shape = shape,
                             .rows.columns = shape->column_count,
                             .references.columns = shape->column_count,
                             .known.metrics = shape->metric_count,
                             .last_gap_ns = INT64_MIN,
                             .reference_period = INT64_MIN };
    build->column_ns = malloc(shape->metric_count * 3 * sizeof *build->column_ns);
    if (build->column_ns == NULL)
        return error_set(err, STATUS_NO_MEMORY, "block of %s", shape->name);
    build->column_before_ns = build->column_ns + shape->metric_count;
    build->column_base_ns = build->column_before_ns + shape->metric_count;
    for (size_t m = 0; m < shape->metric_count * 3; m++)
        build->column_ns[m] = INT64_MIN;
    return STATUS_OK;
}

void build_release(struct build *build)
{
    for (size_t i = 0; i < build->segment_count; i++)
        free(build->segment[i]);
    free(build->segment);
    free(build->tick_ns);
    free(build->mask);
    free(build->block_tick);
    free(build->covered_ns);
    free(build->series);
    free(build->value);
    free(build->missing);
    free(build->base_missing);
    packed_rows_release(&build->rows);
    known_times_release(&build->known);
    packed_rows_release(&build->references);
    free(build->slot_series);
    free(build->column_ns);
    *build = (struct build){ 0 };
}

/* Grow one of several parallel arrays; the old one stays valid on failure. */
static bool resize(void *array, size_t count, size_t width)
{
    void *old;
    void *larger;

    memcpy(&old, array, sizeof old);
    larger = realloc(old, count * width);
    if (larger == NULL)
        return false;
    memcpy(array, &larger, sizeof larger);
    return true;
}

/* Whether new reference values are due: of another time, or many series are without. */
static bool reference_is_due(const struct build *build, int64_t period)
{
    size_t without = 0;

    for (size_t i = 0; i < build->series_count; i++)
        without += !build->series[i].referenced;
    return build->reference_period != period || without > build->series_count / 4;
}

/*
 * What bases are stored relative to: the values that the block begins with, or that those have which
 * begin with it. At its second tick both are known, and nothing has been encoded.
 */
static void refer(struct build *build, int64_t tick_ns)
{
    int64_t period = (tick_ns - 1) / REFERENCE_NS;
    size_t columns = build->shape->column_count, count = 0;

    if (build->series_count < REFERENCE_SERIES_MIN || !reference_is_due(build, period))
        return;
    for (size_t i = 0; i < build->series_count; i++) {
        struct build_series *s = &build->series[i];

        s->referenced = s->series.first == 0 && (s->series.flags & SERIES_BORN) == 0 &&
                        packed_rows_put(&build->references, i, build->value + i * columns);
        count += s->referenced;
        if (!s->referenced)
            packed_rows_clear(&build->references, i);
    }
    build->reference_period = count == 0 ? INT64_MIN : period;
    build->reference_seq = 0;
}

enum status build_tick(struct build *build, uint32_t block_tick, int64_t tick_ns, uint64_t mask,
                       struct error *err)
{
    const struct build_shape *shape = build->shape;
    uint64_t all = (UINT64_C(1) << shape->metric_count) - 1;

    if (build->tick_count == build->tick_size) {
        size_t more = build->tick_size == 0 ? 64 : build->tick_size * 2;

        if (!resize(&build->tick_ns, more, sizeof *build->tick_ns) ||
            !resize(&build->mask, more, sizeof *build->mask) ||
            !resize(&build->block_tick, more, sizeof *build->block_tick) ||
            (shape->level > 0 &&
             !resize(&build->covered_ns, more * shape->metric_count, sizeof *build->covered_ns)))
            return error_set(err, STATUS_NO_MEMORY, "ticks of %s", shape->name);
        build->tick_size = more;
    }
    mask &= all;
    build->masked |= mask != all;
    build->tick_ns[build->tick_count] = tick_ns;
    build->mask[build->tick_count] = mask;
    build->block_tick[build->tick_count] = block_tick;
    build->now = build->tick_count++;
    if (build->tick_count == 2 && shape->level == 0)
        refer(build, build->tick_ns[0]);
    for (unsigned m = 0; m < shape->metric_count; m++) {
        if ((mask >> m & 1) == 0)
            continue;
        build->column_before_ns[m] = build->column_ns[m];
        build->column_ns[m] = tick_ns;
    }
    return STATUS_OK;
}

bool build_resize(struct build *build, size_t size)
{
    size_t columns = build->shape->column_count, metrics = build->shape->metric_count;

    if (!resize(&build->series, size, sizeof *build->series) ||
        !resize(&build->missing, size * metrics, 1) ||
        !resize(&build->base_missing, size * metrics, 1) ||
        !known_times_resize(&build->known, size))
        return false;
    if (build->shape->level == 0 ? !resize(&build->value, size * columns, sizeof *build->value) ||
                                       !packed_rows_resize(&build->references, size)
                                 : !packed_rows_resize(&build->rows, size))
        return false;
    build->series_size = size;
    return true;
}

static bool reserve_series(struct build *build)
{
    size_t more = build->series_size == 0 ? 64 : build->series_size + build->series_size / 2;

    return build->series_count < build->series_size || build_resize(build, more);
}

static bool map_slot(struct build *build, uint32_t slot, uint32_t index)
{
    if (slot == BUILD_NO_SERIES)
        return true;
    if (slot >= build->slot_size) {
        size_t more = (size_t)slot + slot / 2 + 64;

        if (!resize(&build->slot_series, more, sizeof *build->slot_series))
            return false;
        memset(build->slot_series + build->slot_size, 0xff,
               (more - build->slot_size) * sizeof *build->slot_series);
        build->slot_size = more;
    }
    build->slot_series[slot] = index;
    return true;
}

/* Since when a series that began in view is known to be 0, whatever cannot be read of it at first. */
static int64_t born_ns(const struct build *build, const struct series *series)
{
    int64_t before_ns;

    if (build->shape->level != 0 || (series->flags & SERIES_BORN) == 0)
        return INT64_MIN;
    before_ns = series->first > 0 ? build->tick_ns[series->first - 1] : build->column_base_ns[0];
    return series->start_ns > before_ns ? series->start_ns : before_ns;
}

enum status build_open(struct build *build, const struct series *series, uint32_t slot,
                       uint32_t *index, struct error *err)
{
    size_t columns = build->shape->column_count, metrics = build->shape->metric_count;
    size_t at = build->series_count;

    if (!reserve_series(build) || !map_slot(build, slot, (uint32_t)at))
        return error_set(err, STATUS_NO_MEMORY, "series %zu of %s", at, build->shape->name);
    build->series[at] = (struct build_series){ .series = *series,
                                               .slot = slot,
                                               .end_tick = series->first + 1,
                                               .since_ns = INT64_MIN,
                                               .open = true };
    build->open_count++;
    if (build->tick_count > 0)
        build->series[at].since_ns = build->tick_ns[build->now];
    if (build->shape->level == 0)
        memset(build->value + at * columns, 0, columns * sizeof *build->value);
    else
        packed_rows_clear(&build->rows, at);
    memset(build->missing + at * metrics, 0, metrics);
    memset(build->base_missing + at * metrics, 0, metrics);
    known_times_begin(&build->known, at, born_ns(build, series));
    build->series_count++;
    *index = (uint32_t)at;
    return STATUS_OK;
}

/* Append a change to the series' chain; false when memory is out. */
static bool append(struct build *build, uint32_t index, const uint8_t *change, size_t size)
{
    struct build_series *s = &build->series[index];
    uint32_t head[2] = { s->newest, s->end_tick - 1 - s->series.first };
    size_t room = SEGMENT_BYTES - (build->arena_used & (SEGMENT_BYTES - 1));
    uint8_t *at;

    if (build->arena_used == 0 || room < ENTRY_HEAD + size)
        build->arena_used = (build->arena_used + SEGMENT_BYTES - 1) & ~(size_t)(SEGMENT_BYTES - 1);
    if (build->arena_used >> SEGMENT_BITS >= build->segment_count) {
        if (build->arena_used > UINT32_MAX - 2 * (size_t)SEGMENT_BYTES)
            return false;
        if (build->segment_count == build->segment_size) {
            if (!resize(&build->segment, build->segment_size + 64, sizeof *build->segment))
                return false;
            build->segment_size += 64;
        }
        build->segment[build->segment_count] = malloc(SEGMENT_BYTES);
        if (build->segment[build->segment_count] == NULL)
            return false;
        build->segment_count++;
    }
    at = build->segment[build->arena_used >> SEGMENT_BITS] +
         (build->arena_used & (SEGMENT_BYTES - 1));
    memcpy(at, head, sizeof head);
    memcpy(at + ENTRY_HEAD, change, size);
    s->newest = (uint32_t)build->arena_used + 1;
    build->arena_used += ENTRY_HEAD + size;
    return true;
}

const int64_t *build_values(const struct build *build, size_t index, int64_t room[])
{
    if (build->shape->level == 0)
        return build->value + index * build->shape->column_count;
    packed_rows_get(&build->rows, index, room);
    return room;
}

enum status build_set_values(struct build *build, size_t index, const int64_t values[],
                             struct error *err)
{
    size_t columns = build->shape->column_count;

    if (build->shape->level == 0)
        memcpy(build->value + index * columns, values, columns * sizeof *values);
    else if (!packed_rows_put(&build->rows, index, values))
        return error_set(err, STATUS_NO_MEMORY, "values of %s", build->shape->name);
    return STATUS_OK;
}

/* When the value of a metric that goes missing now was last known. */
static int64_t last_known_ns(const struct build *build, const struct build_series *s,
                             unsigned metric)
{
    bool read_now = build->mask[build->now] >> metric & 1;
    int64_t known = read_now ? build->column_before_ns[metric] : build->column_ns[metric];

    if (s->end_tick == s->series.first + 1 && (s->series.flags & SERIES_FIRST) != 0)
        return INT64_MIN; /* its first sample: never known */
    return known < s->since_ns ? s->since_ns : known;
}

static uint8_t *put_varint(uint8_t *p, uint64_t value)
{
    while (value >= 128) {
        *p++ = (uint8_t)(value | 128);
        value >>= 7;
    }
    *p++ = (uint8_t)value;
    return p;
}

/* Set what is missing of one metric from now on. */
static void set_code(struct build *build, uint32_t index, unsigned metric, uint8_t code)
{
    uint8_t *now = &build->missing[index * build->shape->metric_count + metric];

    if (*now == MISSING_NONE && code != MISSING_NONE &&
        !known_times_set(&build->known, index, metric,
                         last_known_ns(build, &build->series[index], metric)))
        build->no_memory = true;
    *now = code;
}

/* What has changed of what is missing: pairs (metric + 1, code), a 0. */
static uint8_t *write_missing(struct build *build, uint32_t index, const uint8_t missing[],
                              uint8_t *p)
{
    const struct build_shape *shape = build->shape;
    const uint8_t *code = build->missing + index * shape->metric_count;

    build->series[index].missing_changed = true;
    for (unsigned m = 0; m < shape->metric_count; m++) {
        uint8_t now = missing[shape->first_column[m]];

        if (now == code[m])
            continue;
        p = put_varint(p, m + 1);
        *p++ = now;
        set_code(build, index, m, now);
    }
    *p++ = 0;
    return p;
}

/*
 * Write the change of one series from the values that it had, which become those it has; `missing` is
 * NULL where that is as before. Returns its end.
 */
static uint8_t *write_change(struct build *build, uint32_t index, const uint64_t mask[],
                             size_t words, const int64_t values[], const uint8_t missing[],
                             int64_t value[], uint8_t *p)
{
    for (size_t w = 0; w < words; w++)
        p = put_varint(p, mask[w]);
    if (missing != NULL)
        p = write_missing(build, index, missing, p);
    for (size_t w = 0; w < words; w++)
        for (uint64_t rest = mask[w] & ~MASK_MISSING; rest != 0; rest &= rest - 1) {
            size_t c = w * BUILD_MASK_COLUMNS + (size_t)__builtin_ctzll(rest);

            p = put_varint(p, zigzag((uint64_t)values[c] - (uint64_t)value[c]));
            value[c] = values[c];
        }
    return p;
}

/* Which of `count` columns differ in value while it is there; without branches, as none is likely. */
static uint64_t differing(const int64_t values[], const int64_t now[], const uint8_t missing[],
                          size_t count)
{
    uint64_t word = 0;

    for (size_t i = 0; i < count; i++)
        word |= (uint64_t)((values[i] != now[i]) & (missing[i] == MISSING_NONE)) << i;
    return word;
}

/* What is missing now, where it was read; false if that is as before. */
static bool missing_now(const struct build *build, uint32_t index, const uint8_t missing[],
                        uint64_t read, uint8_t seen[])
{
    const struct build_shape *shape = build->shape;
    const uint8_t *code = build->missing + index * shape->metric_count;
    unsigned changed = 0;

    if (shape->level == 0 && memcmp(missing, code, shape->column_count) == 0)
        return false;
    for (unsigned c = 0; c < shape->column_count; c++) {
        uint8_t before = code[shape->column[c].metric];

        seen[c] = (read == UINT64_MAX || (read >> c & 1) != 0) ? missing[c] : before;
        changed |= seen[c] ^ before;
    }
    return changed != 0;
}

bool build_compare(struct build *build, uint32_t index, const int64_t values[],
                   const uint8_t missing[], bool force, struct byte_writer *change)
{
    size_t columns = build->shape->column_count;
    size_t words = (columns + BUILD_MASK_COLUMNS - 1) / BUILD_MASK_COLUMNS;
    bool packed = build->shape->level > 0;
    int64_t room[BUILD_COLUMNS_MAX];
    int64_t *value = packed ? room : build->value + index * columns;
    /* At level 0 a column is a metric; windows of rollups read all. */
    uint64_t read = force || packed ? UINT64_MAX : build->mask[build->now];
    uint64_t mask[BUILD_MASK_WORDS] = { 0 };
    uint8_t bytes[CHANGE_MAX];
    uint8_t seen[BUILD_COLUMNS_MAX];
    uint64_t any = 0;
    bool change_missing;
    uint8_t *end;

    build->series[index].end_tick = build->now + 1;
    if (packed)
        packed_rows_get(&build->rows, index, room);
    for (size_t w = 0; w < words; w++) {
        size_t first = w * BUILD_MASK_COLUMNS;
        size_t count = columns - first < BUILD_MASK_COLUMNS ? columns - first : BUILD_MASK_COLUMNS;

        mask[w] = read & differing(values + first, value + first, missing + first, count);
        any |= mask[w];
    }
    change_missing = missing_now(build, index, missing, read, seen);
    if (change_missing)
        any = mask[0] |= MASK_MISSING;
    if (any == 0)
        return false;
    end =
        write_change(build, index, mask, words, values, change_missing ? seen : NULL, value, bytes);
    if (!append(build, index, bytes, (size_t)(end - bytes)) ||
        (packed && !packed_rows_put(&build->rows, index, room)) || build->no_memory) {
        build->no_memory = true;
        if (change != NULL)
            change->full = true;
        return true;
    }
    if (change != NULL)
        bytes_put(change, bytes, (size_t)(end - bytes));
    return true;
}

/* Missing changes of a change record, which write_missing wrote. */
static enum status apply_missing(struct build *build, uint32_t index, struct byte_reader *r,
                                 struct error *err)
{
    build->series[index].missing_changed = true;
    for (uint64_t m; (m = bytes_get_varint(r)) != 0;) {
        uint8_t code = bytes_get_u8(r);

        if (r->overrun || m > build->shape->metric_count || code >= MISSING_COUNT)
            return error_set(err, STATUS_CORRUPT, "missing code %u of metric %llu", code,
                             (unsigned long long)m);
        set_code(build, index, (unsigned)(m - 1), code);
    }
    return build->no_memory ? error_set(err, STATUS_NO_MEMORY, "changes of %s", build->shape->name)
                            : STATUS_OK;
}

enum status build_apply(struct build *build, uint32_t index, struct byte_reader *change,
                        struct error *err)
{
    size_t columns = build->shape->column_count;
    size_t words = (columns + BUILD_MASK_COLUMNS - 1) / BUILD_MASK_COLUMNS;
    int64_t *value = build->value + index * columns;
    uint64_t mask[BUILD_MASK_WORDS] = { 0 };
    size_t start = change->used;

    build->series[index].end_tick = build->now + 1;
    for (size_t w = 0; w < words; w++)
        mask[w] = bytes_get_varint(change);
    if ((mask[0] & MASK_MISSING) != 0 && apply_missing(build, index, change, err) != STATUS_OK)
        return err->status;
    for (size_t w = 0; w < words; w++)
        for (uint64_t rest = mask[w] & (w == 0 ? ~MASK_MISSING : UINT64_MAX); rest != 0;
             rest &= rest - 1) {
            size_t c = w * BUILD_MASK_COLUMNS + (size_t)__builtin_ctzll(rest);

            if (c >= columns || (size_t)__builtin_ctzll(rest) >= BUILD_MASK_COLUMNS)
                return error_set(err, STATUS_CORRUPT, "column %zu of %s", c, build->shape->name);
            value[c] = (int64_t)((uint64_t)value[c] + unzigzag(bytes_get_varint(change)));
        }
    if (change->overrun || change->used - start > CHANGE_MAX)
        return error_set(err, STATUS_CORRUPT, "a change of %s is cut short", build->shape->name);
    if (!append(build, index, change->data + start, change->used - start))
        return error_set(err, STATUS_NO_MEMORY, "changes of %s", build->shape->name);
    return STATUS_OK;
}

void build_close(struct build *build, uint32_t index, uint8_t flags, int64_t end_ns)
{
    struct build_series *s = &build->series[index];

    build->open_count -= s->open;
    s->open = false;
    s->series.flags |= flags;
    s->series.end_ns = end_ns;
    if (s->slot != BUILD_NO_SERIES && s->slot < build->slot_size &&
        build->slot_series[s->slot] == index)
        build->slot_series[s->slot] = BUILD_NO_SERIES;
    s->slot = BUILD_NO_SERIES;
}
