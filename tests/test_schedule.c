/* Deadlines under lateness, suspend and steps of the wall clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "recorder/schedule.h"
#include "tests/support_clock.h"

#define MS INT64_C(1000000)
#define SECOND (1000 * MS)
#define WALL_START (INT64_C(1795183385) * SECOND + 300 * MS)

struct bench {
    struct fake_clock fake;
    struct clock clock;
    struct timebase timebase;
    struct schedule schedule;
    struct schedule_tick first;
};

static void begin(struct bench *b, int64_t wall_ns, int64_t interval_ns)
{
    *b = (struct bench){
        .fake = { .boot_ns = 77 * SECOND + 123, .awake_ns = 70 * SECOND + 123, .wall_ns = wall_ns }
    };
    b->clock = fake_clock_interface(&b->fake);
    b->timebase = (struct timebase){ b->fake.boot_ns, b->fake.wall_ns };
    schedule_init(&b->schedule, &b->clock, b->timebase, interval_ns, &b->first);
}

static struct schedule_tick next(struct bench *b)
{
    struct schedule_tick tick = { 0 };

    assert_int_equal(schedule_wait(&b->schedule, INT64_MAX, &tick), SCHEDULE_TICK);
    return tick;
}

static int64_t timeline(const struct bench *b, const struct schedule_tick *tick)
{
    return timebase_at(&b->timebase, tick->boot_ns);
}

static void first_tick_is_now_and_the_others_are_aligned(void **state)
{
    (void)state;
    struct bench b;

    begin(&b, WALL_START, SECOND);
    assert_int_equal(timeline(&b, &b.first), WALL_START);
    for (int i = 1; i <= 5; i++) {
        struct schedule_tick tick = next(&b);

        assert_int_equal(timeline(&b, &tick), WALL_START - 300 * MS + i * SECOND);
        assert_int_equal(tick.missed, 0);
        assert_int_equal(tick.lateness_ns, 0);
        assert_int_equal(tick.suspended_ns, 0);
        assert_int_equal(tick.stepped_ns, 0);
    }
}

static void a_deadline_right_after_the_first_tick_is_left_out(void **state)
{
    (void)state;
    struct bench b;
    struct schedule_tick tick;

    begin(&b, 10 * SECOND - 50 * MS, SECOND);
    tick = next(&b);
    assert_int_equal(timeline(&b, &tick), 11 * SECOND);
    assert_int_equal(tick.missed, 0);
}

static void a_start_on_a_deadline_waits_a_whole_interval(void **state)
{
    (void)state;
    struct bench b;
    struct schedule_tick tick;

    begin(&b, 10 * SECOND, SECOND);
    tick = next(&b);
    assert_int_equal(timeline(&b, &tick), 11 * SECOND);
}

static void lateness_is_told_and_does_not_add_up(void **state)
{
    (void)state;
    struct bench b;

    begin(&b, 10 * SECOND, SECOND);
    b.fake.oversleep_ns = 30 * MS;
    for (int i = 1; i <= 100; i++) {
        struct schedule_tick tick = next(&b);

        assert_int_equal(tick.lateness_ns, 30 * MS);
        assert_int_equal(timeline(&b, &tick), (10 + i) * SECOND + 30 * MS);
        assert_int_equal(tick.missed, 0);
    }
}

static void missed_deadlines_are_skipped_and_counted(void **state)
{
    (void)state;
    struct bench b;
    struct schedule_tick tick;

    begin(&b, 10 * SECOND, SECOND);
    (void)next(&b); /* 11 */
    fake_clock_pass(&b.fake, 3 * SECOND + 400 * MS);
    tick = next(&b); /* at 14.4: 12 and 13 are gone, 14 is late */
    assert_int_equal(timeline(&b, &tick), 14 * SECOND + 400 * MS);
    assert_int_equal(tick.missed, 2);
    assert_int_equal(tick.lateness_ns, 400 * MS);
    tick = next(&b); /* no burst */
    assert_int_equal(timeline(&b, &tick), 15 * SECOND);
    assert_int_equal(tick.missed, 0);
}

static void a_suspend_is_told_and_misses_nothing(void **state)
{
    (void)state;
    struct bench b;
    struct schedule_tick tick;

    begin(&b, 10 * SECOND, SECOND);
    fake_clock_suspend(&b.fake, 3600 * SECOND + 500 * MS);
    tick = next(&b);
    assert_int_equal(tick.suspended_ns, 3600 * SECOND + 500 * MS);
    assert_int_equal(tick.missed, 0);
    assert_int_equal(tick.stepped_ns, 0);
    tick = next(&b);
    assert_int_equal(timeline(&b, &tick), (10 + 3601) * SECOND);
    assert_int_equal(tick.suspended_ns, 0);
}

static void a_short_pause_of_the_awake_clock_is_no_suspend(void **state)
{
    (void)state;
    struct bench b;

    begin(&b, 10 * SECOND, SECOND);
    fake_clock_suspend(&b.fake, 50 * MS);
    assert_int_equal(next(&b).suspended_ns, 0);
}

static void steps_of_the_wall_clock_are_told_once_and_move_no_deadline(void **state)
{
    (void)state;
    struct bench b;
    struct schedule_tick tick;

    begin(&b, 10 * SECOND, SECOND);
    b.fake.wall_ns -= 3600 * SECOND;
    tick = next(&b);
    assert_int_equal(tick.stepped_ns, -3600 * SECOND);
    assert_int_equal(tick.wall_ns, 11 * SECOND - 3600 * SECOND);
    assert_int_equal(timeline(&b, &tick), 11 * SECOND);
    assert_int_equal(next(&b).stepped_ns, 0);
    b.fake.wall_ns += 99 * MS;
    assert_int_equal(next(&b).stepped_ns, 0);
    b.fake.wall_ns += MS; /* slow drift is told when it has become 100 ms */
    assert_int_equal(next(&b).stepped_ns, 100 * MS);
}

static void the_end_comes_before_a_later_deadline_only(void **state)
{
    (void)state;
    struct bench b;
    struct schedule_tick tick;
    int64_t start_ns;

    begin(&b, 10 * SECOND, SECOND);
    start_ns = b.fake.boot_ns;
    assert_int_equal(schedule_wait(&b.schedule, start_ns + SECOND, &tick), SCHEDULE_TICK);
    assert_int_equal(schedule_wait(&b.schedule, start_ns + SECOND + 5 * MS, &tick), SCHEDULE_END);
    assert_int_equal(b.fake.boot_ns, start_ns + SECOND + 5 * MS);
    assert_false(schedule_final(&b.schedule, 100 * MS, &tick));
    fake_clock_pass(&b.fake, 95 * MS);
    assert_true(schedule_final(&b.schedule, 100 * MS, &tick));
    assert_int_equal(tick.boot_ns, start_ns + SECOND + 100 * MS);
}

static void an_interrupt_ends_the_wait(void **state)
{
    (void)state;
    struct bench b;
    struct schedule_tick tick;

    begin(&b, 10 * SECOND, SECOND);
    b.fake.interrupt = true;
    assert_int_equal(schedule_wait(&b.schedule, INT64_MAX, &tick), SCHEDULE_INTERRUPTED);
    b.fake.interrupt = false;
    tick = next(&b);
    assert_int_equal(timeline(&b, &tick), 11 * SECOND);
}

static void every_interval_and_a_time_before_1970_are_aligned(void **state)
{
    (void)state;
    static const int64_t intervals[] = { 10 * MS, 33 * MS, 250 * MS, 7 * SECOND, 3600 * SECOND };
    static const int64_t starts[] = { WALL_START, -12345 * MS, 0 };

    for (size_t i = 0; i < sizeof intervals / sizeof *intervals; i++) {
        for (size_t j = 0; j < sizeof starts / sizeof *starts; j++) {
            struct bench b;
            struct schedule_tick tick;

            begin(&b, starts[j], intervals[i]);
            tick = next(&b);
            assert_int_equal(timeline(&b, &tick) % intervals[i], 0);
            assert_true(timeline(&b, &tick) > starts[j]);
            assert_true(timeline(&b, &tick) - starts[j] <= intervals[i] + intervals[i] / 10);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_tick_is_now_and_the_others_are_aligned),
        cmocka_unit_test(a_deadline_right_after_the_first_tick_is_left_out),
        cmocka_unit_test(a_start_on_a_deadline_waits_a_whole_interval),
        cmocka_unit_test(lateness_is_told_and_does_not_add_up),
        cmocka_unit_test(missed_deadlines_are_skipped_and_counted),
        cmocka_unit_test(a_suspend_is_told_and_misses_nothing),
        cmocka_unit_test(a_short_pause_of_the_awake_clock_is_no_suspend),
        cmocka_unit_test(steps_of_the_wall_clock_are_told_once_and_move_no_deadline),
        cmocka_unit_test(the_end_comes_before_a_later_deadline_only),
        cmocka_unit_test(an_interrupt_ends_the_wait),
        cmocka_unit_test(every_interval_and_a_time_before_1970_are_aligned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
