/* Built blocks to chunks and back, several in a row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support_chunks.h"
#include "support_samples.h"

static const struct samples_options small = {
    .seed = 7, .series = 70, .extremes = true, .gaps = true, .masks = true, .step_ns = 1000000000
};

/* The model's series of that key that has a sample at a table tick of the open block. */
static const struct model_series *model_of(const struct samples *s, int64_t key, uint32_t tick)
{
    for (size_t i = 0; i < s->series_count; i++)
        if (s->series[i].key == key && s->series[i].first <= tick &&
            tick < s->series[i].first + s->series[i].count)
            return &s->series[i];
    fail_msg("no series of key %lld at tick %u", (long long)key, tick);
    return NULL;
}

/* Missing for one reason at every sample of the block, as far as it was read. */
static bool all_missing(const struct model_series *m, uint32_t from, unsigned metric)
{
    for (uint32_t k = from; k < m->count; k++)
        if (m->code[k][metric] == MISSING_NONE || m->code[k][metric] != m->code[from][metric])
            return false;
    return true;
}

static void check_base(const struct samples *s, const struct model_series *m, unsigned metric,
                       int64_t base, int64_t base_ns)
{
    uint32_t samples = s->block_first - m->first;
    uint32_t known = UINT32_MAX;

    for (uint32_t k = 0; k < samples; k++)
        if (samples_missing(s, m, k, metric) == MISSING_NONE)
            known = k;
    if (known == UINT32_MAX && m->born && !all_missing(m, samples, metric)) {
        assert_true(base_ns == m->born_ns && base == 0);
        return;
    }
    /* Known, but nothing in this block depends on it; or read at a first sample only. */
    if (known == UINT32_MAX ||
        (m->code[samples - 1][metric] == MISSING_NONE &&
         (all_missing(m, samples, metric) || samples_last_read(s, metric) == INT64_MIN))) {
        assert_true(base_ns == INT64_MIN);
        return;
    }
    assert_true(base_ns == s->tick_ns[m->first + known]);
    assert_true(base == m->value[known][metric]);
}

static void check_column(const struct samples *s, const struct block_table *table,
                         const struct block_column *column, unsigned metric)
{
    for (size_t i = 0; i < table->series_count; i++) {
        const struct series *series = &table->series[i];
        const struct model_series *m = model_of(s, series->key[0], s->block_first + series->first);
        uint32_t from = s->block_first + series->first - m->first;

        for (uint32_t k = 0; k < series->count; k++) {
            uint8_t missing =
                column->missing == NULL ? MISSING_NONE : column->missing[table->row[i] + k];

            assert_int_equal(missing, samples_missing(s, m, from + k, metric));
            if (missing == MISSING_NONE)
                assert_true(column->value[table->row[i] + k] == m->value[from + k][metric]);
        }
        if (from > 0)
            check_base(s, m, metric, column->base[i], column->base_ns[i]);
        else
            assert_true(column->base_ns[i] == INT64_MIN);
        if (from == 0 && m->born)
            assert_true(column->base[i] == 0);
    }
}

static void check_series(const struct samples *s, const struct series *series)
{
    const struct model_series *m = model_of(s, series->key[0], s->block_first + series->first);
    bool first = m->first >= s->block_first, young = false;

    for (unsigned c = 0; c < SAMPLES_METRICS && !first; c++) {
        int64_t read = samples_last_read(s, c);

        young |= read != INT64_MIN && read < s->tick_ns[m->first];
    }
    assert_int_equal(series->flags, (first ? SERIES_FIRST : 0) |
                                        (first && m->born ? SERIES_BORN : 0) |
                                        (m->ended ? SERIES_ENDED : 0) | (young ? SERIES_YOUNG : 0));
    assert_int_equal(series->first, first ? m->first - s->block_first : 0);
    assert_int_equal(s->block_first + series->first + series->count, m->first + m->count);
    if (first && m->born)
        assert_true(series->start_ns == m->start_ns);
    if (young)
        assert_true(series->start_ns == s->tick_ns[m->first]);
    if (m->ended)
        assert_true(series->end_ns == m->end_ns);
}

static void check_table(const struct samples *s, const struct block_table *table)
{
    size_t expected = 0;

    assert_int_equal(table->tick_count, s->tick_count - s->block_first);
    for (uint32_t t = 0; t < table->tick_count; t++) {
        uint32_t at = s->block_first + t;
        uint64_t all = (UINT64_C(1) << SAMPLES_METRICS) - 1;

        assert_true(table->tick_ns[t] == s->tick_ns[at]);
        assert_int_equal(table->gap[t], s->gap[at]);
        assert_true((table->mask == NULL ? all : table->mask[t]) == s->mask[at]);
    }
    for (unsigned c = 0; c < SAMPLES_METRICS; c++)
        assert_true(table->column_previous_ns[c] == samples_last_read(s, c));
    for (size_t i = 0; i < s->series_count; i++)
        expected += s->series[i].first + s->series[i].count > s->block_first;
    assert_int_equal(table->series_count, expected);
    for (size_t i = 0; i < table->series_count; i++)
        check_series(s, &table->series[i]);
}

/* The same as it is stored: its changes, added up, give the values. */
static void check_changes(const struct block_table *table, const struct block_column *dense,
                          const struct block_column *stored)
{
    for (size_t i = 0; i < table->series_count; i++) {
        const uint32_t *active = table->active + table->active_at[i];
        bool changes = stored->change_at[i] != BLOCK_UNCHANGED;
        size_t count = changes ? block_stored_changes(table, i) : 0, at = 0;
        int64_t value = stored->base[i];

        assert_true(stored->base[i] == dense->base[i]);
        for (uint32_t k = 0; k < table->series[i].count; k++) {
            if (at < count && active[at] == k)
                value = wrap_add(value, stored->delta[stored->change_at[i] + at++]);
            assert_true(value == dense->value[table->row[i] + k]);
        }
        assert_int_equal(at, count);
    }
}

static void check_block(struct samples *s, struct chunks *chunks, int64_t block_seq)
{
    struct decompressor d = { 0 };
    struct block_column column = { 0 }, stored = { .changes_only = true };
    struct block_table table;
    struct error err = { 0 };

    assert_int_equal(samples_decode(&table, s, chunks, block_seq, &d, &err), STATUS_OK);
    check_table(s, &table);
    for (size_t c = 0; c < SAMPLES_METRICS; c++) {
        assert_int_equal(
            block_column_decode(&column, &table, c, series_all, chunks_get, chunks, &d, &err),
            STATUS_OK);
        check_column(s, &table, &column, (unsigned)c);
        assert_int_equal(
            block_column_decode(&stored, &table, c, series_all, chunks_get, chunks, &d, &err),
            STATUS_OK);
        check_changes(&table, &column, &stored);
    }
    block_column_release(&column);
    block_column_release(&stored);
    block_table_release(&table);
    decompressor_release(&d);
}

static void round_trip(const struct samples_options *options, int blocks, int ticks)
{
    struct samples *s = malloc(sizeof *s);
    struct chunks chunks = { 0 };

    samples_init(s, options);
    for (int64_t block = 1; block <= blocks; block++) {
        for (int t = 0; t < ticks; t++)
            samples_tick(s);
        samples_encode(s, &chunks, block);
        check_block(s, &chunks, block);
        samples_restart(s);
    }
    chunks_release(&chunks);
    samples_release(s);
    free(s);
}

static void blocks_in_a_row_come_back(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 12; seed++) {
        struct samples_options options = small;

        options.seed = seed;
        options.masks = seed % 3 != 0;
        options.gaps = seed % 2 != 0;
        round_trip(&options, 5, 25);
    }
}

static void one_series_or_none_in_a_group_more_come_back(void **state)
{
    static const unsigned counts[] = { 1, 63, 64, 65, 128, 129 };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        struct samples_options options = small;

        options.series = counts[i];
        round_trip(&options, 2, 6);
    }
}

static void a_block_of_one_tick_comes_back(void **state)
{
    (void)state;
    round_trip(&small, 4, 1);
}

/* One group of series alone gives what the whole column gives. */
static void one_series_is_decoded_alone(void **state)
{
    struct samples *s = malloc(sizeof *s);
    struct chunks chunks = { 0 };
    struct decompressor d = { 0 };
    struct block_column whole = { 0 }, part = { 0 };
    struct block_table table;
    struct error err = { 0 };
    (void)state;

    samples_init(s, &small);
    for (int t = 0; t < 20; t++)
        samples_tick(s);
    samples_encode(s, &chunks, 1);
    assert_int_equal(samples_decode(&table, s, &chunks, 1, &d, &err), STATUS_OK);
    assert_int_equal(
        block_column_decode(&whole, &table, 0, series_all, chunks_get, &chunks, &d, &err),
        STATUS_OK);
    for (size_t i = 0; i < table.series_count; i++) {
        size_t rows = table.row[i + 1] - table.row[i];

        assert_int_equal(block_column_decode(&part, &table, 0, (struct series_range){ i, i + 1 },
                                             chunks_get, &chunks, &d, &err),
                         STATUS_OK);
        assert_memory_equal(part.value + table.row[i], whole.value + table.row[i],
                            rows * sizeof *part.value);
        assert_true(part.base[i] == whole.base[i] && part.base_ns[i] == whole.base_ns[i]);
    }
    block_column_release(&whole);
    block_column_release(&part);
    block_table_release(&table);
    decompressor_release(&d);
    chunks_release(&chunks);
    samples_release(s);
    free(s);
}

/* --- the tick axis --- */

static void tick_axes_come_back(void **state)
{
    int64_t start[] = { -5, 0, 3, INT64_C(1) << 60, (INT64_C(1) << 60) + 1, INT64_MAX };
    int64_t sweep[] = { 0, INT64_MAX, INT64_MIN, 5, 5, 5 };
    uint8_t gap[] = { 1, 0, 1, 1, 0, 1 };
    (void)state;

    for (uint32_t count = 1; count <= COUNT_OF(start); count++) {
        struct block_ticks from = { count, start, sweep, gap }, to;
        struct byte_writer w = { 0 };
        struct error err = { 0 };

        assert_int_equal(block_ticks_encode(&from, &w, &err), STATUS_OK);
        assert_int_equal(block_ticks_decode(&to, w.data, w.used, &err), STATUS_OK);
        assert_int_equal(to.count, count);
        assert_memory_equal(to.start_ns, start, count * sizeof *start);
        assert_memory_equal(to.sweep_ns, sweep, count * sizeof *sweep);
        assert_memory_equal(to.gap, gap, count);
        block_ticks_release(&to);
        for (size_t cut = 0; cut < w.used; cut++) {
            assert_int_equal(block_ticks_decode(&to, w.data, cut, &err), STATUS_CORRUPT);
            block_ticks_release(&to);
        }
        bytes_release(&w);
    }
}

/* The example of schema/FORMAT.md. */
static void golden_bytes_of_a_directory_stay(void **state)
{
    static const uint8_t axis[] = { 0x03, 0xd0, 0x0f, 0xd0, 0x0f, 0x00, 0x14, 0x00, 0x04, 0x00 };
    static const uint8_t header[] = { 0x01, 0x00, 0x01, 0x07, 0x00 };
    static const enum metric_kind kinds[] = { METRIC_COUNTER, METRIC_GAUGE };
    static const int64_t first[3][2] = { { 100, 7 }, { 100, 7 }, { 150, 6 } };
    static const int64_t second[3][2] = { { 0, 0 }, { 5, 0 }, { 9, 0 } };
    static const uint8_t there[2] = { 0, 0 }, not_permitted[2] = { 0, 1 };
    static const uint8_t directory[] = { 0x02, 0x03, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                                         0x02, 0x11, 0x08, 0x0a, 0x01, 0x07, 0x10, 0x02, 0x11,
                                         0x04, 0x02, 0xe8, 0x07, 0xc8, 0x01, 0x02, 0x01 };
    static const uint8_t counter[] = { 0x00, 0x01, 0xc8 };
    static const uint8_t counter_group[] = { 0x03, 0x11, 0x01, 0x64, 0x0a, 0x08 };
    static const uint8_t gauge[] = { 0x01, 0x01, 0x0e, 0x01, 0x00, 0x01, 0x00, 0x01 };
    int64_t start[] = { 1000, 2000, 3000 }, sweep[] = { 10, 10, 12 };
    uint8_t gap[3] = { 0 };
    struct block_ticks ticks = { 3, start, sweep, gap };
    struct chunk_place place = { .table_id = 1, .block_seq = 7 };
    struct build_shape shape;
    struct build build;
    struct chunks chunks = { 0 };
    struct block_encoder encoder = { .sink = chunks_put, .sink_context = &chunks };
    struct series a = { .key = { 4 }, .flags = SERIES_FIRST };
    struct series b = {
        .key = { 9 }, .first = 1, .flags = SERIES_FIRST | SERIES_BORN, .start_ns = 1500
    };
    struct byte_writer w = { 0 };
    struct error err = { 0 };
    uint32_t ai = 0, bi = 0;
    (void)state;

    build_shape_init(&shape, "x", 1, 1, kinds, 2, 0);
    assert_int_equal(build_init(&build, &shape, &err), STATUS_OK);
    for (uint32_t t = 0; t < 3; t++) {
        assert_int_equal(build_tick(&build, t, start[t], 3, &err), STATUS_OK);
        if (t == 0) {
            assert_int_equal(build_open(&build, &a, BUILD_NO_SERIES, &ai, &err), STATUS_OK);
            memcpy(build.value, first[0], sizeof first[0]);
        }
        if (t == 1) {
            assert_int_equal(build_open(&build, &b, BUILD_NO_SERIES, &bi, &err), STATUS_OK);
            memcpy(build.missing + 2 * bi, not_permitted, 2);
            memcpy(build.base_missing + 2 * bi, not_permitted, 2);
        }
        (void)build_compare(&build, ai, first[t], there, t == 0, NULL);
        if (t >= 1)
            (void)build_compare(&build, bi, second[t], not_permitted, t == 1, NULL);
    }
    build_close(&build, bi, SERIES_ENDED, 2900);
    assert_int_equal(block_ticks_encode(&ticks, &w, &err), STATUS_OK);
    assert_int_equal(w.used, sizeof axis);
    assert_memory_equal(w.data, axis, sizeof axis);
    assert_int_equal(block_encode(&encoder, &build, &place, &ticks, &err), STATUS_OK);
    assert_int_equal(chunks.count, 3);
    chunks_expect(&chunks, 1, COLUMN_DIRECTORY, 0, directory, sizeof directory);
    chunks_expect(&chunks, 1, COLUMN_DIRECTORY, 1, (const uint8_t *)"\x04", 1);
    chunks_expect(&chunks, 1, metric_column_id(0, 0), 0, counter, sizeof counter);
    chunks_expect(&chunks, 1, metric_column_id(0, 0), 1, counter_group, sizeof counter_group);
    chunks_expect(&chunks, 1, metric_column_id(1, 0), 0, gauge, sizeof gauge);
    chunks_expect(&chunks, 1, metric_column_id(1, 0), 1, (const uint8_t *)"\x01\x01\x01", 3);
    assert_memory_equal(chunks.chunk[2].data, header, sizeof header);
    assert_int_equal(chunk_row_id(&chunks.chunk[2].place), 28672);
    bytes_release(&w);
    block_encoder_release(&encoder);
    build_release(&build);
    chunks_release(&chunks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_bytes_of_a_directory_stay),
        cmocka_unit_test(tick_axes_come_back),
        cmocka_unit_test(blocks_in_a_row_come_back),
        cmocka_unit_test(one_series_or_none_in_a_group_more_come_back),
        cmocka_unit_test(a_block_of_one_tick_comes_back),
        cmocka_unit_test(one_series_is_decoded_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
