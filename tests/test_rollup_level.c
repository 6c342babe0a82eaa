/* A whole level of rollups to chunks and back; minutes that add up to hours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "schema/rollup.h"
#include "support_chunks.h"
#include "support_samples.h"
#include "support_windows.h"

static const int64_t minute_ns = INT64_C(60000000000);

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

    windows_find(s, windows);
    for (size_t w = 0; w < windows->count; w++) {
        level->axis.start_ns[level->axis.count] = windows->start_ns[w];
        assert_int_equal(rollup_window(&level->rollup, level->axis.count++, windows->start_ns[w],
                                       windows->covered_ns + w * SAMPLES_METRICS, &err),
                         STATUS_OK);
    }
    assert_int_equal(rollup_fold_begin(&fold, &s->build, s->gap + s->block_first, windows->span,
                                       windows->count, windows->covered_ns, &err),
                     STATUS_OK);
    for (uint32_t i = 0; i < s->build.series_count; i++) {
        const struct build_series *b = &s->build.series[i];
        struct series_changes changes;

        if (b->end_tick <= b->series.first)
            continue;
        assert_int_equal(build_read(&reader, &s->build, i, &changes, &err), STATUS_OK);
        rollup_fold_series(&fold, &changes);
        for (size_t w = 0; w < windows->count; w++) {
            struct put *put = &level->puts[level->put_count];

            if (windows->span[w].end <= b->series.first || windows->span[w].first >= b->end_tick)
                continue;
            put->key = b->series.key[0];
            put->window_ns = windows->start_ns[w];
            memcpy(put->cell, fold.cell + w * SAMPLES_METRICS, sizeof put->cell);
            level->put_count++;
            assert_int_equal(
                rollup_put(&level->rollup, number + (uint32_t)w, &b->series, put->cell, &err),
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
        assert_int_equal(block_column_decode(&d->column[c], &d->table, c, series_all, chunks_get,
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
                              struct series_told *told, struct error *err)
{
    const struct level *level = context;
    const struct build_series *b = changes->series;
    const struct build *build = changes->build;
    struct rollup_cell cells[SAMPLES_METRICS], expected[SAMPLES_METRICS] = { { 0 } };
    int64_t hour = rollup_window_start(build->tick_ns[0] + 1, 3600);
    int64_t first_ns = build->tick_ns[b->series.first], last_ns = build->tick_ns[b->end_tick - 1];
    int twice = 0;

    (void)told;
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
        windows_expect_cell(
            &cells[m], &expected[m],
            (enum metric_kind)build->shape->column[build->shape->first_column[m]].kind);
    return STATUS_OK;
}

static void levels_come_back_and_add_up(void **state)
{
    struct samples *s = malloc(sizeof *s);
    struct windows *windows = malloc(sizeof *windows);
    (void)state;

    for (uint32_t seed = 1; seed <= 8; seed++) {
        struct samples_options options = { .seed = seed,
                                           .series = 50,
                                           .gaps = seed % 2 != 0,
                                           .masks = seed % 3 != 0,
                                           .step_ns = 9000000000 };
        struct level level;

        samples_init(s, &options);
        level_init(&level, s);
        for (int hour = 0; hour < 2; hour++) {
            struct chunks chunks = { 0 };
            struct block_encoder encoder = { .sink = chunks_put,
                                             .sink_context = &chunks,
                                             .visit = check_hour,
                                             .visit_context = &level };
            struct chunk_place place = { .level = 1, .table_id = 3, .block_seq = 1 };
            struct error err = { 0 };

            for (int block = 0; block < 4; block++) {
                for (int t = 0; t < 20; t++)
                    samples_tick(s);
                level_add(&level, s, windows);
                windows_next_minute(s);
            }
            assert_int_equal(block_encode(&encoder, &level.rollup.build, &place, &level.axis, &err),
                             STATUS_OK);
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
        cmocka_unit_test(levels_come_back_and_add_up),
        cmocka_unit_test(what_vanishes_between_two_blocks_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
