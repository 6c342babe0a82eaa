/* Folding into windows against a plain walk over the samples; rows of cells to chunks and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "schema/rollup.h"
#include "support_chunks.h"
#include "support_samples.h"

static const int64_t minute_ns = INT64_C(60000000000);

enum { WINDOWS_MAX = 200 };

/* --- the plain walk --- */

struct previous {
    bool known, gap;
    int64_t value, time_ns;
};

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t last_read_before(const struct samples *s, unsigned metric)
{
    int64_t at = INT64_MIN;

    for (uint32_t t = 0; t < s->block_first; t++)
        if (s->mask[t] >> metric & 1)
            at = s->tick_ns[t];
    return at;
}

/* What was known when the block began, or the series did. */
static struct previous before_block(const struct samples *s, const struct model_series *m,
                                    unsigned c)
{
    struct previous p = { 0 };

    if (m->first >= s->block_first) {
        int64_t tick_before = m->first > s->block_first ? s->tick_ns[m->first - 1]
                                                        : last_read_before(s, 0);

        p.known = m->born;
        p.time_ns = larger(m->start_ns, tick_before);
        return p;
    }
    for (uint32_t k = 0; k < s->block_first - m->first; k++)
        if (samples_missing(s, m, k, c) == MISSING_NONE)
            p = (struct previous){ .known = true, .value = m->value[k][c],
                                   .time_ns = s->tick_ns[m->first + k] };
    if (m->code[s->block_first - m->first - 1][c] == MISSING_NONE &&
        last_read_before(s, c) == INT64_MIN)
        p.known = false; /* only ever read because the series began */
    return p;
}

static int64_t rate_of(int64_t increase, int64_t dt)
{
    long double exact;

    if (increase <= 0 || dt <= 0)
        return 0;
    exact = (long double)increase / (long double)dt * 1e9L;
    if (exact > 9.3e18L)
        return INT64_MAX;
    /* Whole, and right where long double is not. */
    for (int64_t guess = (int64_t)larger((int64_t)exact - 2, 0);; guess++)
        if ((int128)(guess + 1) * dt > (int128)increase * 1000000000)
            return guess;
}

static void add(struct rollup_cell *cell, enum metric_kind kind, const struct previous *p,
                int64_t value, int64_t dt, int64_t at_ns)
{
    cell->min = !cell->present || value < cell->min ? value : cell->min;
    cell->max = !cell->present || value > cell->max ? value : cell->max;
    cell->present = true;
    cell->last = value;
    if (!p->known || p->gap)
        return;
    cell->covered_ns += dt;
    if (kind == METRIC_GAUGE)
        cell->sum += (int128)value * dt;
    if (kind == METRIC_COUNTER && value > p->value) {
        int64_t rate = rate_of(value - p->value, dt);

        cell->increase += value - p->value;
        if (rate > cell->rate_max) {
            cell->rate_max = rate;
            cell->rate_max_at_ns = at_ns;
        }
    }
}

/* One metric of one series over the open block, into the windows from window_ns[0] on. */
static void walk(const struct samples *s, const struct model_series *m, unsigned c,
                 const int64_t window_ns[], size_t windows, struct rollup_cell cells[])
{
    struct previous p = before_block(s, m, c);
    uint32_t from = m->first < s->block_first ? s->block_first : m->first;

    for (size_t w = 0; w < windows; w++)
        cells[w] = (struct rollup_cell){ .reason = MISSING_NOT_SAMPLED };
    for (uint32_t t = from; t < m->first + m->count; t++) {
        uint32_t k = t - m->first;
        bool last = m->ended && k == m->count - 1;
        int64_t end_ns = last && m->end_ns < s->tick_ns[t] ? m->end_ns : s->tick_ns[t];
        int64_t dt = end_ns - p.time_ns;
        size_t w = 0;

        while (s->tick_ns[t] > window_ns[w] + minute_ns)
            w++;
        p.gap |= s->gap[t] != 0;
        if (samples_missing(s, m, k, c) != MISSING_NONE) {
            if (samples_read(s, m, k, c) && !cells[w].present)
                cells[w].reason = m->code[k][c];
            continue;
        }
        if (last || (k == 0 && m->born))
            dt = larger(dt, INTERVAL_MIN_NS);
        add(&cells[w], (enum metric_kind)s->shape.column[c].kind, &p, m->value[k][c], dt,
            s->tick_ns[t] - window_ns[w]);
        p = (struct previous){ .known = true, .value = m->value[k][c], .time_ns = s->tick_ns[t] };
    }
}

static void expect_cell(const struct rollup_cell *cell, const struct rollup_cell *expected,
                        enum metric_kind kind)
{
    assert_int_equal(cell->present, expected->present);
    if (!expected->present) {
        assert_int_equal(cell->reason, expected->reason);
        return;
    }
    assert_true(cell->covered_ns == expected->covered_ns);
    if (kind == METRIC_COUNTER) {
        assert_true(cell->increase == expected->increase);
        assert_true(cell->rate_max == expected->rate_max);
        assert_true(cell->rate_max_at_ns / 1000000 == expected->rate_max_at_ns / 1000000);
        return;
    }
    assert_true(cell->last == expected->last);
    if (kind != METRIC_GAUGE)
        return;
    assert_true(cell->min == expected->min && cell->max == expected->max);
    assert_true(cell->sum == expected->sum);
}

/* --- windows of a block --- */

struct windows {
    size_t count;
    struct rollup_span span[WINDOWS_MAX];
    int64_t start_ns[WINDOWS_MAX];
    int64_t covered_ns[WINDOWS_MAX * SAMPLES_METRICS];
};

static void find_windows(const struct samples *s, struct windows *windows)
{
    windows->count = 0;
    for (uint32_t t = s->block_first; t < s->tick_count; t++) {
        int64_t start_ns = rollup_window_start(s->tick_ns[t], 60);

        assert_true(start_ns < s->tick_ns[t] && s->tick_ns[t] <= start_ns + minute_ns);
        assert_true(start_ns % minute_ns == 0);
        if (windows->count == 0 || windows->start_ns[windows->count - 1] != start_ns) {
            windows->start_ns[windows->count] = start_ns;
            windows->span[windows->count++] =
                (struct rollup_span){ .first = t - s->block_first, .start_ns = start_ns };
        }
        windows->span[windows->count - 1].end = t - s->block_first + 1;
    }
    rollup_covered(&s->build, s->gap + s->block_first, windows->span, windows->count,
                   windows->covered_ns);
}


static const struct model_series *model_of(const struct samples *s, const struct build_series *b)
{
    uint32_t tick = s->block_first + b->series.first;

    for (size_t i = 0; i < s->series_count; i++)
        if (s->series[i].key == b->series.key[0] && s->series[i].first <= tick &&
            tick < s->series[i].first + s->series[i].count)
            return &s->series[i];
    fail_msg("no series of key %lld", (long long)b->series.key[0]);
    return NULL;
}

static void check_folds(const struct samples *s, const struct windows *windows)
{
    struct rollup_fold fold = { 0 };
    struct build_reader reader = { 0 };
    struct error err;

    for (uint32_t i = 0; i < s->build.series_count; i++) {
        const struct build_series *b = &s->build.series[i];
        struct series_changes changes;

        if (b->end_tick <= b->series.first)
            continue;
        assert_int_equal(build_read(&reader, &s->build, i, &changes, &err), STATUS_OK);
        assert_int_equal(rollup_fold_series(&fold, &changes, s->gap + s->block_first,
                                            windows->span, windows->count, windows->covered_ns,
                                            &err),
                         STATUS_OK);
        for (unsigned c = 0; c < SAMPLES_METRICS; c++) {
            struct rollup_cell expected[WINDOWS_MAX];

            walk(s, model_of(s, b), c, windows->start_ns, windows->count, expected);
            for (size_t w = 0; w < windows->count; w++)
                if (windows->span[w].end > b->series.first && windows->span[w].first < b->end_tick)
                    expect_cell(&fold.cell[w * SAMPLES_METRICS + c], &expected[w],
                                (enum metric_kind)s->shape.column[c].kind);
        }
    }
    rollup_fold_release(&fold);
    build_reader_release(&reader);
}

static void next_minute(struct samples *s)
{
    samples_restart(s);
    s->now_ns = rollup_window_start(s->now_ns, 60) + minute_ns;
}

static void folds_equal_a_plain_walk(void **state)
{
    struct samples *s = malloc(sizeof *s);
    struct windows *windows = malloc(sizeof *windows);
    (void)state;

    for (uint32_t seed = 1; seed <= 30; seed++) {
        struct samples_options options = { .seed = seed, .series = 40, .gaps = seed % 2 != 0,
                                           .masks = seed % 3 != 0, .step_ns = 7000000000 };

        samples_init(s, &options);
        for (int block = 0; block < 4; block++) {
            for (int t = 0; t < 30; t++)
                samples_tick(s);
            find_windows(s, windows);
            check_folds(s, windows);
            next_minute(s);
        }
        samples_release(s);
    }
    free(windows);
    free(s);
}

/* Values at both ends of 64 bits: sums wrap, nothing overflows (the sanitizer looks on). */
static void extremes_do_not_overflow(void **state)
{
    struct samples *s = malloc(sizeof *s);
    struct windows *windows = malloc(sizeof *windows);
    struct rollup_fold fold = { 0 };
    struct build_reader reader = { 0 };
    struct samples_options options = { .seed = 5, .series = 60, .extremes = true, .masks = true,
                                       .step_ns = 1000000000 };
    struct error err;
    (void)state;

    samples_init(s, &options);
    for (int t = 0; t < 100; t++)
        samples_tick(s);
    find_windows(s, windows);
    for (uint32_t i = 0; i < s->build.series_count; i++) {
        struct series_changes changes;

        assert_int_equal(build_read(&reader, &s->build, i, &changes, &err), STATUS_OK);
        assert_int_equal(rollup_fold_series(&fold, &changes, s->gap, windows->span, windows->count,
                                            windows->covered_ns, &err),
                         STATUS_OK);
    }
    rollup_fold_release(&fold);
    build_reader_release(&reader);
    samples_release(s);
    free(windows);
    free(s);
}

/* --- cells and rows --- */

static void cells_come_back_from_rows(void **state)
{
    static const enum metric_kind kinds[] = { METRIC_COUNTER, METRIC_GAUGE, METRIC_STATE };
    static const int64_t edges[] = { 0, 1, -1, INT64_MAX, INT64_MIN, 5000000000, -7 };
    struct build_shape shape;
    (void)state;

    build_shape_init(&shape, "x", 0, 1, kinds, 3, 1);
    for (size_t i = 0; i < COUNT_OF(edges); i++)
        for (size_t k = 0; k < COUNT_OF(edges); k++) {
            int64_t covered[3] = { minute_ns, minute_ns, minute_ns }, total[3] = { 77, 0, 0 };
            int64_t values[BUILD_COLUMNS_MAX];
            uint8_t missing[BUILD_COLUMNS_MAX];
            struct rollup_cell cells[3] = {
                { .present = true, .covered_ns = 59000000001, .increase = edges[k] >> 1,
                  .rate_max = edges[i], .rate_max_at_ns = 30000000000 },
                { .present = true, .covered_ns = minute_ns, .last = edges[i], .min = INT64_MIN,
                  .max = edges[k] > edges[i] ? edges[k] : edges[i],
                  .sum = (int128)edges[i] * edges[k] },
                { .reason = MISSING_FAILED },
            };

            rollup_cells_to_row(&shape, cells, covered, total, values, missing);
            for (unsigned m = 0; m < 3; m++) {
                struct rollup_cell back;

                rollup_cell_from_row(&shape, m, values, missing, minute_ns, m == 0 ? 77 : 0, &back);
                expect_cell(&back, &cells[m], kinds[m]);
            }
        }
}

static void sums_beyond_64_bits_come_back(void **state)
{
    static const enum metric_kind gauge[] = { METRIC_GAUGE };
    struct build_shape shape;
    (void)state;

    build_shape_init(&shape, "x", 0, 1, gauge, 1, 1);
    for (int shift = 0; shift < 127; shift++)
        for (int sign = -1; sign <= 1; sign += 2) {
            int64_t covered = minute_ns, total = 0, values[6];
            uint8_t missing[6];
            struct rollup_cell cell = { .present = true, .covered_ns = minute_ns, .last = -3,
                                        .min = -3, .max = 9,
                                        .sum = (int128)sign * ((int128)1 << shift) };
            struct rollup_cell back;

            rollup_cells_to_row(&shape, &cell, &covered, &total, values, missing);
            rollup_cell_from_row(&shape, 0, values, missing, minute_ns, 0, &back);
            assert_true(back.sum == cell.sum);
        }
}

static void rates_are_floors_that_saturate(void **state)
{
    (void)state;
    assert_true(rollup_rate(1, 3) == 333333333);
    assert_true(rollup_rate(-1, 3) == 0);
    assert_true(rollup_rate(5, 0) == 0);
    assert_true(rollup_rate(5, -5) == 0);
    assert_true(rollup_rate(INT64_MAX, 1) == INT64_MAX);
    assert_true(rollup_rate(INT64_MAX, 1000000000) == INT64_MAX);
    assert_true(rollup_rate(INT64_MAX, 2000000000) == INT64_MAX / 2);
}

static void windows_begin_after_their_start(void **state)
{
    (void)state;
    assert_true(rollup_window_start(1, 60) == 0);
    assert_true(rollup_window_start(minute_ns, 60) == 0);
    assert_true(rollup_window_start(minute_ns + 1, 60) == minute_ns);
    assert_true(rollup_window_start(0, 60) == -minute_ns);
    assert_true(rollup_window_start(-minute_ns, 60) == -2 * minute_ns);
}

/* --- a whole level --- */

/* What was put, to be found again after decoding. */
struct put {
    int64_t key, window_ns;
    struct rollup_cell cell[SAMPLES_METRICS];
};

struct level {
    struct rollup rollup;
    struct block_ticks axis;
    struct put *puts;
    size_t put_count;
};

static void level_init(struct level *level, const struct samples *s)
{
    enum metric_kind kinds[SAMPLES_METRICS];
    struct error err;

    *level = (struct level){ 0 };
    for (unsigned c = 0; c < SAMPLES_METRICS; c++)
        kinds[c] = (enum metric_kind)s->shape.column[c].kind;
    /* A rollup of the widest table, then narrowed to the metrics of the samples. */
    assert_int_equal(rollup_init(&level->rollup, TABLE_PROCESS, 1, &err), STATUS_OK);
    build_release(&level->rollup.build);
    build_shape_init(&level->rollup.shape, "samples", 3, 1, kinds, SAMPLES_METRICS, 1);
    assert_int_equal(build_init(&level->rollup.build, &level->rollup.shape, &err), STATUS_OK);
    level->axis.start_ns = calloc(WINDOWS_MAX, sizeof *level->axis.start_ns);
    level->axis.sweep_ns = calloc(WINDOWS_MAX, sizeof *level->axis.sweep_ns);
    level->axis.gap = calloc(WINDOWS_MAX, 1);
    level->puts = calloc(100000, sizeof *level->puts);
}

static void level_release(struct level *level)
{
    rollup_release(&level->rollup);
    block_ticks_release(&level->axis);
    free(level->puts);
}

/* Fold the samples' open block into the level, as sealing does. */
static void level_add(struct level *level, const struct samples *s, struct windows *windows)
{
    struct rollup_fold fold = { 0 };
    struct build_reader reader = { 0 };
    uint32_t number = level->axis.count;
    struct error err;

    find_windows(s, windows);
    for (size_t w = 0; w < windows->count; w++) {
        level->axis.start_ns[level->axis.count] = windows->start_ns[w];
        assert_int_equal(rollup_window(&level->rollup, level->axis.count++, windows->start_ns[w],
                                       windows->covered_ns + w * SAMPLES_METRICS, &err),
                         STATUS_OK);
    }
    for (uint32_t i = 0; i < s->build.series_count; i++) {
        const struct build_series *b = &s->build.series[i];
        struct series_changes changes;

        if (b->end_tick <= b->series.first)
            continue;
        assert_int_equal(build_read(&reader, &s->build, i, &changes, &err), STATUS_OK);
        assert_int_equal(rollup_fold_series(&fold, &changes, s->gap + s->block_first,
                                            windows->span, windows->count, windows->covered_ns,
                                            &err),
                         STATUS_OK);
        for (size_t w = 0; w < windows->count; w++) {
            struct put *put = &level->puts[level->put_count];

            if (windows->span[w].end <= b->series.first || windows->span[w].first >= b->end_tick)
                continue;
            put->key = b->series.key[0];
            put->window_ns = windows->start_ns[w];
            memcpy(put->cell, fold.cell + w * SAMPLES_METRICS, sizeof put->cell);
            level->put_count++;
            assert_int_equal(rollup_put(&level->rollup, number + (uint32_t)w, &b->series,
                                        put->cell, &err),
                             STATUS_OK);
        }
        if (!b->open)
            rollup_end(&level->rollup, &b->series);
    }
    rollup_fold_release(&fold);
    build_reader_release(&reader);
}

/* Take a put cell that equals the decoded one off the list; one key may have two in a window. */
static void take_put(struct level *level, int64_t key, int64_t window_ns,
                     const struct rollup_cell cells[], const struct build_shape *shape)
{
    for (size_t i = 0; i < level->put_count; i++) {
        struct put *put = &level->puts[i];
        bool same = put->key == key && put->window_ns == window_ns;

        for (unsigned m = 0; m < SAMPLES_METRICS && same; m++) {
            enum metric_kind kind = (enum metric_kind)shape->column[shape->first_column[m]].kind;
            const struct rollup_cell *a = &put->cell[m], *b = &cells[m];

            same = a->present == b->present &&
                   (a->present ? a->covered_ns == b->covered_ns : a->reason == b->reason);
            if (same && a->present && kind == METRIC_COUNTER)
                same = a->increase == b->increase && a->rate_max == b->rate_max;
            else if (same && a->present)
                same = a->last == b->last && (kind != METRIC_GAUGE || a->sum == b->sum);
        }
        if (!same)
            continue;
        *put = level->puts[--level->put_count];
        return;
    }
    fail_msg("key %lld has a window that was not put", (long long)key);
}

struct decoded {
    struct block_table table;
    struct block_column column[SAMPLES_METRICS * 6];
};

static void decode_level(struct decoded *d, struct level *level, struct chunks *chunks)
{
    struct chunk_place place = { .level = 1, .table_id = 3, .block_seq = 1 };
    struct decompressor decompressor = { 0 };
    struct error err = { 0 };

    memset(d, 0, sizeof *d);
    assert_int_equal(block_table_decode(&d->table, &place, &level->rollup.shape, &level->axis,
                                        chunks_get, chunks, &decompressor, &err),
                     STATUS_OK);
    for (size_t c = 0; c < level->rollup.shape.column_count; c++)
        assert_int_equal(block_column_decode(&d->column[c], &d->table, c, SIZE_MAX, chunks_get,
                                             chunks, &decompressor, &err),
                         STATUS_OK);
    decompressor_release(&decompressor);
}

static void decoded_release(struct decoded *d)
{
    for (size_t c = 0; c < COUNT_OF(d->column); c++)
        block_column_release(&d->column[c]);
    block_table_release(&d->table);
}

/* One window of one series as cells; total: the counters' running totals before it. */
static void cells_of(const struct decoded *d, size_t series, uint32_t k, int64_t total[],
                     struct rollup_cell cells[])
{
    const struct block_table *table = &d->table;
    const struct build_shape *shape = table->shape;
    size_t row = table->row[series] + k;
    uint32_t window = table->series[series].first + k;
    int64_t values[SAMPLES_METRICS * 6];
    uint8_t missing[SAMPLES_METRICS * 6];

    for (size_t c = 0; c < shape->column_count; c++) {
        values[c] = d->column[c].value[row];
        missing[c] = d->column[c].missing == NULL ? MISSING_NONE : d->column[c].missing[row];
    }
    for (unsigned m = 0; m < SAMPLES_METRICS; m++) {
        rollup_cell_from_row(shape, m, values, missing,
                             table->covered_ns[window * SAMPLES_METRICS + m], total[m], &cells[m]);
        total[m] = values[shape->first_column[m]];
    }
}

static void check_level(struct level *level, struct chunks *chunks)
{
    struct decoded *d = malloc(sizeof *d);

    decode_level(d, level, chunks);
    for (size_t i = 0; i < d->table.series_count; i++) {
        int64_t total[SAMPLES_METRICS];

        for (unsigned m = 0; m < SAMPLES_METRICS; m++)
            total[m] = d->column[level->rollup.shape.first_column[m]].base[i];
        for (uint32_t k = 0; k < d->table.series[i].count; k++) {
            struct rollup_cell cells[SAMPLES_METRICS];

            cells_of(d, i, k, total, cells);
            take_put(level, d->table.series[i].key[0],
                     d->table.tick_ns[d->table.series[i].first + k], cells, &level->rollup.shape);
        }
    }
    assert_int_equal(level->put_count, 0);
    decoded_release(d);
    free(d);
}

/* The hour of one series, from the cells that were put, in their order. */
static void merge(struct rollup_cell *into, const struct rollup_cell *cell, int64_t offset_ns)
{
    if (!cell->present) {
        into->reason = into->present ? into->reason : cell->reason;
        return;
    }
    into->min = !into->present || cell->min < into->min ? cell->min : into->min;
    into->max = !into->present || cell->max > into->max ? cell->max : into->max;
    into->present = true;
    into->last = cell->last;
    into->covered_ns += cell->covered_ns;
    into->increase += cell->increase;
    into->sum += cell->sum;
    if (cell->rate_max > into->rate_max) {
        into->rate_max = cell->rate_max;
        into->rate_max_at_ns = cell->rate_max_at_ns + offset_ns;
    }
}

static enum status check_hour(void *context, const struct series_changes *changes,
                              struct error *err)
{
    const struct level *level = context;
    const struct build_series *b = changes->series;
    const struct build *build = changes->build;
    struct rollup_cell cells[SAMPLES_METRICS], expected[SAMPLES_METRICS] = { { 0 } };
    int64_t hour = rollup_window_start(build->tick_ns[0] + 1, 3600);
    int64_t first_ns = build->tick_ns[b->series.first], last_ns = build->tick_ns[b->end_tick - 1];
    int twice = 0;

    (void)err;
    for (size_t i = 0; i < build->series_count; i++)
        twice += build->series[i].series.key[0] == b->series.key[0];
    for (size_t i = 0; i < level->put_count && twice == 1; i++)
        for (unsigned m = 0; m < SAMPLES_METRICS; m++)
            if (level->puts[i].key == b->series.key[0] && level->puts[i].window_ns >= first_ns &&
                level->puts[i].window_ns <= last_ns)
                merge(&expected[m], &level->puts[i].cell[m], level->puts[i].window_ns - hour);
    rollup_combine(changes, hour, cells);
    for (unsigned m = 0; m < SAMPLES_METRICS && twice == 1; m++)
        expect_cell(&cells[m], &expected[m],
                    (enum metric_kind)build->shape->column[build->shape->first_column[m]].kind);
    return STATUS_OK;
}

static void levels_come_back_and_add_up(void **state)
{
    struct samples *s = malloc(sizeof *s);
    struct windows *windows = malloc(sizeof *windows);
    (void)state;

    for (uint32_t seed = 1; seed <= 8; seed++) {
        struct samples_options options = { .seed = seed, .series = 50, .gaps = seed % 2 != 0,
                                           .masks = seed % 3 != 0, .step_ns = 9000000000 };
        struct level level;

        samples_init(s, &options);
        level_init(&level, s);
        for (int hour = 0; hour < 2; hour++) {
            struct chunks chunks = { 0 };
            struct block_encoder encoder = { .sink = chunks_put, .sink_context = &chunks,
                                             .visit = check_hour, .visit_context = &level };
            struct chunk_place place = { .level = 1, .table_id = 3, .block_seq = 1 };
            struct error err = { 0 };

            for (int block = 0; block < 4; block++) {
                for (int t = 0; t < 20; t++)
                    samples_tick(s);
                level_add(&level, s, windows);
                next_minute(s);
            }
            assert_int_equal(
                block_encode(&encoder, &level.rollup.build, &place, &level.axis, &err), STATUS_OK);
            check_level(&level, &chunks);
            level.axis.count = 0;
            assert_int_equal(rollup_restart(&level.rollup, &err), STATUS_OK);
            block_encoder_release(&encoder);
            chunks_release(&chunks);
        }
        level_release(&level);
        samples_release(s);
    }
    free(windows);
    free(s);
}

/* Gone at the first tick of a block, it has no sample there that could tell of it. */
static void what_vanishes_between_two_blocks_is_forgotten(void **state)
{
    struct series series = { .key = { 5 }, .flags = SERIES_FIRST };
    struct rollup_cell cells[TABLE_METRICS_MAX] = { { .present = true } };
    int64_t covered[TABLE_METRICS_MAX] = { 0 };
    struct rollup rollup;
    struct error err;
    (void)state;

    assert_int_equal(rollup_init(&rollup, TABLE_CPU, 1, &err), STATUS_OK);
    assert_int_equal(rollup_window(&rollup, 0, 0, covered, &err), STATUS_OK);
    assert_int_equal(rollup_put(&rollup, 0, &series, cells, &err), STATUS_OK);
    assert_int_equal(rollup_window(&rollup, 1, minute_ns, covered, &err), STATUS_OK);
    assert_int_equal(rollup_restart(&rollup, &err), STATUS_OK);
    assert_int_equal(rollup.build.series_count, 0);
    rollup_release(&rollup);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_begin_after_their_start),
        cmocka_unit_test(rates_are_floors_that_saturate),
        cmocka_unit_test(cells_come_back_from_rows),
        cmocka_unit_test(sums_beyond_64_bits_come_back),
        cmocka_unit_test(folds_equal_a_plain_walk),
        cmocka_unit_test(extremes_do_not_overflow),
        cmocka_unit_test(levels_come_back_and_add_up),
        cmocka_unit_test(what_vanishes_between_two_blocks_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
