/* Intervals against a plain walk over samples; births, deaths, falls, gaps and restarts by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "analyzer/rate.h"
#include "tests/support_recording.h"

#define MILLISECOND_NS INT64_C(1000000)
#define EVER ((struct window){ INT64_MIN, INT64_MAX })

/* --- recordings by hand --- */

struct made {
    struct made_directory directory;
    char path[256];
    struct writer *writer;
    struct tick tick;
};

static void begin(struct made *made, int64_t start_ns)
{
    struct writer_options options = { .path = made->path,
                                      .commit_ns = 1000 * SECOND_NS,
                                      .block_ticks = 1 };
    struct session_facts facts;
    struct error err;

    made_facts(&facts, start_ns, 1);
    assert_int_equal(writer_open(&made->writer, &options, &facts, &err), STATUS_OK);
}

static void open_made(struct made *made)
{
    made_directory_open(&made->directory);
    (void)made_path(&made->directory, "rate.pscope", made->path, sizeof made->path);
    tick_init(&made->tick);
    begin(made, MADE_START_NS);
}

static void end(struct made *made)
{
    struct error err;

    assert_int_equal(writer_close(made->writer, "stop", &err), STATUS_OK);
}

static void close_made(struct made *made)
{
    tick_release(&made->tick);
    made_directory_close(&made->directory);
}

static int64_t at_second(int64_t second)
{
    return MADE_START_NS + second * SECOND_NS;
}

/* A process that was there before: pid 100, or that began a quarter second ago. */
static void first_row(struct made *made, int64_t second, bool born, int64_t cpu)
{
    int64_t start_ns = born ? at_second(second) - SECOND_NS / 4 : at_second(-1000);

    made_tick(&made->tick, at_second(second));
    made_birth(&made->tick, 0, 100, 5, start_ns);
    made_name(&made->tick, 0, start_ns, "one", NULL);
    made_row(&made->tick, 0, born ? ROW_FIRST | ROW_BORN : ROW_FIRST, cpu, 4096)->start_ns =
        born ? start_ns : 0;
}

static void row(struct made *made, int64_t second, int64_t cpu)
{
    made_tick(&made->tick, at_second(second));
    (void)made_row(&made->tick, 0, 0, cpu, 4096);
}

static void missing_row(struct made *made, int64_t second)
{
    row(made, second, 0);
    made->tick.table[TABLE_PROCESS].missing[PROCESS_CPU_NS_TOTAL] = MISSING_FAILED;
}

static void no_process(struct made *made, int64_t second)
{
    made_tick(&made->tick, at_second(second));
    tick_sampled(&made->tick, TABLE_PROCESS);
}

static void put(struct made *made)
{
    struct error err;

    made->tick.seq++;
    assert_int_equal(writer_tick(made->writer, &made->tick, &err), STATUS_OK);
}

/* All runs of CPU time of the first series of each block, in a window. */
struct runs {
    struct rate_run run[32];
    size_t count;
};

static void read_runs(const char *path, struct window window, struct runs *runs)
{
    struct recording *recording;
    struct error err;
    struct rate_block b = { 0 };
    struct carry carry = { 0 };
    struct rate_walk walk;

    runs->count = 0;
    assert_int_equal(recording_open(&recording, path, &err), STATUS_OK);
    b.recording = recording;
    b.table = recording_table(recording, "process_samples");
    for (size_t i = 0; i < recording_contents(recording)->block_count[0]; i++) {
        const struct recording_block *block = &recording_contents(recording)->blocks[0][i];
        struct block_ticks ticks;
        enum status st;

        assert_int_equal(recording_ticks(recording, block, &ticks, &err), STATUS_OK);
        st = rate_block_open(&b, block, &ticks, &window, &err);
        block_ticks_release(&ticks);
        if (st == STATUS_ABSENT)
            continue;
        assert_int_equal(st, STATUS_OK);
        assert_int_equal(rate_block_column(&b, PROCESS_CPU_NS_TOTAL, &err), STATUS_OK);
        assert_int_equal(
            carry_load(&carry, recording, b.table, PROCESS_CPU_NS_TOTAL, block->session, &err),
            STATUS_OK);
        b.carry = &carry;
        rate_begin(&walk, &b, 0, b.first, b.end);
        while (rate_next(&walk, &runs->run[runs->count]))
            assert_true(++runs->count < COUNT_OF(runs->run));
    }
    rate_block_release(&b);
    carry_release(&carry);
    recording_close(recording);
}

static void a_birth_counts_from_the_start_and_a_first_sight_does_not(void **state)
{
    struct runs runs;

    (void)state;
    for (int born = 0; born < 2; born++) {
        struct made made = { 0 };

        open_made(&made);
        no_process(&made, 1);
        put(&made);
        first_row(&made, 2, born == 1, 5000);
        put(&made);
        end(&made);
        read_runs(made.path, EVER, &runs);
        assert_int_equal(runs.count, 1);
        assert_int_equal(runs.run[0].known, born);
        assert_int_equal(runs.run[0].increase, born ? 5000 : 0);
        assert_int_equal(runs.run[0].dt_ns, born ? SECOND_NS / 4 : 0);
        close_made(&made);
    }
}

static void a_life_shorter_than_a_millisecond_counts_as_one(void **state)
{
    struct made made = { 0 };
    struct runs runs;
    struct tick_row *last;

    (void)state;
    open_made(&made);
    no_process(&made, 1);
    put(&made);
    made_tick(&made.tick, at_second(2));
    made_birth(&made.tick, 0, 100, 5, at_second(2) - 500);
    made_name(&made.tick, 0, at_second(2) - 500, "one", NULL);
    last = made_row(&made.tick, 0, ROW_FIRST | ROW_BORN | ROW_LAST, 7, 0);
    last->start_ns = at_second(2) - 500;
    last->end_ns = at_second(2) - 400;
    made_exit(&made.tick, 0, 0, at_second(2) - 400);
    put(&made);
    end(&made);
    read_runs(made.path, EVER, &runs);
    assert_int_equal(runs.count, 1);
    assert_int_equal(runs.run[0].dt_ns, MILLISECOND_NS);
    assert_int_equal(runs.run[0].increase, 7);
    close_made(&made);
}

static void a_fall_adds_nothing_and_is_the_new_base(void **state)
{
    struct made made = { 0 };
    struct runs runs;

    (void)state;
    open_made(&made);
    first_row(&made, 1, false, 5000);
    put(&made);
    row(&made, 2, 1000);
    put(&made);
    row(&made, 3, 1600);
    put(&made);
    end(&made);
    read_runs(made.path, EVER, &runs);
    assert_int_equal(runs.count, 3);
    assert_true(runs.run[1].reset);
    assert_int_equal(runs.run[1].increase, 0);
    assert_int_equal(runs.run[1].dt_ns, SECOND_NS);
    assert_false(runs.run[2].reset);
    assert_int_equal(runs.run[2].increase, 600);
    close_made(&made);
}

static void what_was_missing_is_covered_by_the_next_value(void **state)
{
    struct made made = { 0 };
    struct runs runs;

    (void)state;
    open_made(&made);
    first_row(&made, 1, false, 1000);
    put(&made);
    missing_row(&made, 2);
    put(&made);
    row(&made, 3, 4000);
    put(&made);
    end(&made);
    read_runs(made.path, (struct window){ at_second(2), at_second(3) }, &runs);
    assert_int_equal(runs.count, 1);
    assert_int_equal(runs.run[0].dt_ns, 2 * SECOND_NS);
    assert_int_equal(runs.run[0].increase, 3000);
    close_made(&made);
}

/* The value was missing from before the gap until a later block: the gap still lies in between. */
static void a_gap_in_an_earlier_block_is_not_forgotten(void **state)
{
    struct made made = { 0 };
    struct runs whole, part;

    (void)state;
    for (int gap = 0; gap < 2; gap++) {
        open_made(&made);
        first_row(&made, 50, false, 1000);
        put(&made);
        missing_row(&made, 55);
        made.tick.gap_before = gap == 1;
        put(&made);
        for (int64_t second = 70; second <= 190; second += 60) { /* a block each */
            missing_row(&made, second);
            put(&made);
        }
        row(&made, 250, 4000);
        put(&made);
        end(&made);
        read_runs(made.path, EVER, &whole);
        read_runs(made.path, (struct window){ at_second(249), at_second(250) }, &part);
        assert_int_equal(whole.count, 2);
        assert_int_equal(part.count, 1);
        assert_memory_equal(&whole.run[1], &part.run[0], sizeof *part.run);
        assert_int_equal(part.run[0].gap, gap);
        assert_int_equal(part.run[0].increase, 3000);
        assert_int_equal(part.run[0].dt_ns, gap ? 0 : 200 * SECOND_NS);
        close_made(&made);
    }
}

static void a_restart_is_a_gap_that_counters_cross(void **state)
{
    struct made made = { 0 };
    struct runs runs;

    (void)state;
    open_made(&made);
    first_row(&made, 1, false, 1000);
    put(&made);
    end(&made);
    begin(&made, at_second(20));
    first_row(&made, 30, false, 9000);
    put(&made);
    end(&made);
    read_runs(made.path, (struct window){ at_second(29), at_second(30) }, &runs);
    assert_int_equal(runs.count, 1);
    assert_true(runs.run[0].known);
    assert_true(runs.run[0].gap);
    assert_int_equal(runs.run[0].increase, 8000);
    assert_int_equal(runs.run[0].dt_ns, 0);
    close_made(&made);
}

/* --- a made-up host --- */

/* Does a gap lie after that time, in a block of the session before this one? */
static bool earlier_gap(const struct rate_block *b, int64_t since_ns)
{
    const struct recording_block *first = recording_contents(b->recording)->blocks[0];
    bool gap = false;

    for (const struct recording_block *block = b->block;
         block > first && block[-1].session == b->block->session; block--) {
        struct block_ticks ticks;
        struct error err;

        assert_int_equal(recording_ticks(b->recording, block - 1, &ticks, &err), STATUS_OK);
        for (uint32_t i = 0; i < ticks.count; i++)
            gap |= ticks.gap[i] != 0 && ticks.start_ns[i] > since_ns;
        block_ticks_release(&ticks);
    }
    return gap;
}

/* What one sample stands for, from the values of its series alone. */
static void expect_sample(const struct rate_block *b, size_t index, uint32_t k,
                          struct rate_run *expected)
{
    const struct block_table *d = &b->directory;
    const struct series *s = &d->series[index];
    const int64_t *value = b->column.value + d->row[index];
    const uint8_t *missing = b->column.missing == NULL ? NULL : b->column.missing + d->row[index];
    int64_t before = b->column.base[index], before_ns = b->column.base_ns[index], end_ns;
    bool gap = false, edge = (s->flags & SERIES_ENDED) != 0 && k == s->count - 1;

    *expected =
        (struct rate_run){ .tick = s->first + k,
                           .count = 1,
                           .value = value[k],
                           .known = (s->flags & SERIES_FIRST) == 0 && before_ns != INT64_MIN };
    if (expected->known && before_ns < b->block->previous_ns)
        gap = earlier_gap(b, before_ns);
    if ((s->flags & SERIES_BORN) != 0) {
        int64_t tick_ns = s->first > 0 ? d->tick_ns[s->first - 1] : d->column_previous_ns[0];

        before = 0;
        before_ns = s->start_ns > tick_ns ? s->start_ns : tick_ns;
        expected->known = true;
        edge |= k == 0;
        gap = s->first == 0 && b->block->previous_ns == NO_TIME && d->tick[0] == 0;
    }
    for (uint32_t i = 0; i <= k; i++) {
        gap |= d->gap[s->first + i] != 0;
        if (i == k || (missing != NULL && missing[i] != MISSING_NONE))
            continue;
        expected->known = true;
        gap = false;
        before = value[i];
        before_ns = d->tick_ns[s->first + i];
    }
    end_ns =
        (s->flags & SERIES_ENDED) != 0 && k == s->count - 1 && s->end_ns < d->tick_ns[s->first + k]
            ? s->end_ns
            : d->tick_ns[s->first + k];
    if (!expected->known)
        return;
    expected->gap = gap;
    expected->increase = value[k] > before ? value[k] - before : 0;
    if (!gap)
        expected->dt_ns =
            edge && end_ns - before_ns < MILLISECOND_NS ? MILLISECOND_NS : end_ns - before_ns;
}

static void expect_run(const struct rate_block *b, size_t index, const struct rate_run *run)
{
    uint32_t first = b->directory.series[index].first;
    int64_t increase = 0, dt_ns = 0;
    struct rate_run expected;

    for (uint32_t i = 0; i < run->count; i++) {
        expect_sample(b, index, run->tick + i - first, &expected);
        assert_int_equal(run->value, expected.value);
        assert_int_equal(run->known, expected.known);
        if (run->quiet)
            assert_int_equal(rate_tick_dt(b, run->tick + i), expected.dt_ns);
        else
            assert_int_equal(run->gap, expected.gap);
        increase += expected.increase;
        dt_ns += expected.dt_ns;
    }
    assert_int_equal(run->increase, increase);
    assert_int_equal(run->dt_ns, dt_ns);
}

/* Every present sample is in one run, in order. */
static uint32_t expect_series(const struct rate_block *b, size_t index)
{
    const struct series *s = &b->directory.series[index];
    uint32_t next = s->first > b->first ? s->first : b->first, seen = 0;
    uint32_t end_tick = s->first + s->count < b->end ? s->first + s->count : b->end;
    const uint8_t *missing = b->column.missing;
    struct rate_walk walk;
    struct rate_run run;

    rate_begin(&walk, b, index, b->first, b->end);
    while (rate_next(&walk, &run)) {
        for (; next < run.tick; next++)
            assert_int_not_equal(missing[b->directory.row[index] + next - s->first], MISSING_NONE);
        next = run.tick + run.count;
        expect_run(b, index, &run);
        seen += run.count;
    }
    for (; next < end_tick; next++)
        assert_int_not_equal(missing[b->directory.row[index] + next - s->first], MISSING_NONE);
    return seen;
}

static void runs_say_what_their_samples_do(void **state)
{
    struct made_directory directory;
    struct recording *recording;
    struct rate_block b = { 0 };
    struct error err;
    uint32_t seen = 0;
    char path[256];

    (void)state;
    made_directory_open(&directory);
    made_recording(made_path(&directory, "host.pscope", path, sizeof path), 5, 3, true);
    assert_int_equal(recording_open(&recording, path, &err), STATUS_OK);
    b.recording = recording;
    b.table = recording_table(recording, "process_samples");
    for (size_t i = 0; i < recording_contents(recording)->block_count[0]; i++) {
        const struct recording_block *block = &recording_contents(recording)->blocks[0][i];
        struct block_ticks ticks;

        assert_int_equal(recording_ticks(recording, block, &ticks, &err), STATUS_OK);
        for (int part = 0; part < 8; part++) {
            int64_t span = block->end_ns - block->start_ns;
            struct window window = { block->start_ns - 1 + span * (part % 4) / 5,
                                     part < 4 ? block->end_ns : block->end_ns - span / 7 };

            if (rate_block_open(&b, block, &ticks, &window, &err) != STATUS_OK)
                continue;
            for (size_t m = 0; m < b.table->metric_count; m++) {
                assert_int_equal(rate_block_column(&b, m, &err), STATUS_OK);
                for (size_t s = 0; s < b.directory.series_count; s++)
                    seen += expect_series(&b, s);
            }
        }
        block_ticks_release(&ticks);
    }
    assert_true(seen > 1000);
    rate_block_release(&b);
    recording_close(recording);
    made_directory_close(&directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_birth_counts_from_the_start_and_a_first_sight_does_not),
        cmocka_unit_test(a_life_shorter_than_a_millisecond_counts_as_one),
        cmocka_unit_test(a_fall_adds_nothing_and_is_the_new_base),
        cmocka_unit_test(what_was_missing_is_covered_by_the_next_value),
        cmocka_unit_test(a_gap_in_an_earlier_block_is_not_forgotten),
        cmocka_unit_test(a_restart_is_a_gap_that_counters_cross),
        cmocka_unit_test(runs_say_what_their_samples_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
