/* Folding into windows against a plain walk over the samples; cells to rows and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "schema/rollup.h"
#include "support_samples.h"
#include "support_windows.h"

static const int64_t minute_ns = INT64_C(60000000000);

/* --- the plain walk --- */

struct previous {
    bool known, gap;
    int64_t value, time_ns;
};

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* What was known when the block began, or the series did. */
static struct previous before_block(const struct samples *s, const struct model_series *m,
                                    unsigned c)
{
    struct previous p = { .known = m->born, .time_ns = m->born_ns };

    if (m->first >= s->block_first)
        return p;
    for (uint32_t k = 0; k < s->block_first - m->first; k++)
        if (samples_missing(s, m, k, c) == MISSING_NONE)
            p = (struct previous){ .known = true,
                                   .value = m->value[k][c],
                                   .time_ns = s->tick_ns[m->first + k] };
    if (m->code[s->block_first - m->first - 1][c] == MISSING_NONE &&
        samples_last_read(s, c) == INT64_MIN)
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
        for (unsigned c = 0; c < SAMPLES_METRICS; c++) {
            struct rollup_cell expected[WINDOWS_MAX];

            walk(s, model_of(s, b), c, windows->start_ns, windows->count, expected);
            for (size_t w = 0; w < windows->count; w++)
                if (windows->span[w].end > b->series.first && windows->span[w].first < b->end_tick)
                    windows_expect_cell(&fold.cell[w * SAMPLES_METRICS + c], &expected[w],
                                        (enum metric_kind)s->shape.column[c].kind);
        }
    }
    rollup_fold_release(&fold);
    build_reader_release(&reader);
}

static void folds_equal_a_plain_walk(void **state)
{
    struct samples *s = malloc(sizeof *s);
    struct windows *windows = malloc(sizeof *windows);
    (void)state;

    for (uint32_t seed = 1; seed <= 30; seed++) {
        struct samples_options options = { .seed = seed,
                                           .series = 40,
                                           .gaps = seed % 2 != 0,
                                           .masks = seed % 3 != 0,
                                           .step_ns = 7000000000 };

        samples_init(s, &options);
        for (int block = 0; block < 4; block++) {
            for (int t = 0; t < 30; t++)
                samples_tick(s);
            windows_find(s, windows);
            check_folds(s, windows);
            windows_next_minute(s);
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
    struct samples_options options = {
        .seed = 5, .series = 60, .extremes = true, .masks = true, .step_ns = 1000000000
    };
    struct error err;
    (void)state;

    samples_init(s, &options);
    for (int t = 0; t < 100; t++)
        samples_tick(s);
    windows_find(s, windows);
    assert_int_equal(rollup_fold_begin(&fold, &s->build, s->gap, windows->span, windows->count,
                                       windows->covered_ns, &err),
                     STATUS_OK);
    for (uint32_t i = 0; i < s->build.series_count; i++) {
        struct series_changes changes;

        assert_int_equal(build_read(&reader, &s->build, i, &changes, &err), STATUS_OK);
        rollup_fold_series(&fold, &changes);
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
                { .present = true,
                  .covered_ns = 59000000001,
                  .increase = edges[k] >> 1,
                  .rate_max = edges[i],
                  .rate_max_at_ns = 30000000000 },
                { .present = true,
                  .covered_ns = minute_ns,
                  .last = edges[i],
                  .min = INT64_MIN,
                  .max = edges[k] > edges[i] ? edges[k] : edges[i],
                  .sum = (int128)edges[i] * edges[k] },
                { .reason = MISSING_FAILED },
            };

            rollup_cells_to_row(&shape, cells, covered, total, values, missing);
            for (unsigned m = 0; m < 3; m++) {
                struct rollup_cell back;

                rollup_cell_from_row(&shape, m, values, missing, minute_ns, m == 0 ? 77 : 0, &back);
                windows_expect_cell(&back, &cells[m], kinds[m]);
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
            struct rollup_cell cell = { .present = true,
                                        .covered_ns = minute_ns,
                                        .last = -3,
                                        .min = -3,
                                        .max = 9,
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_begin_after_their_start),
        cmocka_unit_test(rates_are_floors_that_saturate),
        cmocka_unit_test(cells_come_back_from_rows),
        cmocka_unit_test(sums_beyond_64_bits_come_back),
        cmocka_unit_test(folds_equal_a_plain_walk),
        cmocka_unit_test(extremes_do_not_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
