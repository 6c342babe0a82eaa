/* The recorder's rows about itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "recorder/collectors/collectors_linux.h"
#include "recorder/collectors/recorder_collector.h"
#include "tests/support_root.h"

#define SECOND_US INT64_C(1000000)

static void write_files(const struct test_root *root)
{
    test_root_write(root, "/proc/self/statm", "5000 1234 200 10 0 400 0\n");
    test_root_write(root, "/proc/self/io",
                    "rchar: 1\nwchar: 2\nread_bytes: 3\nwrite_bytes: 40960\n"
                    "cancelled_write_bytes: 5\n");
    test_root_write(root, "/sys/fs/cgroup/cpu,cpuacct/cpuacct.usage", "56045696873\n");
}

/* Add the row of a core to the tick: user and idle time, in seconds. */
static void add_core(struct tick *tick, uint32_t slot, int64_t user_s, int64_t idle_s)
{
    int64_t *values;
    uint8_t *missing;

    assert_non_null(tick_row_values(tick, TABLE_CPU, slot, 0, &values, &missing));
    values[CPU_USER_NS_TOTAL] = user_s * SECOND_US;
    values[CPU_IDLE_NS_TOTAL] = idle_s * SECOND_US;
    tick_sampled(tick, TABLE_CPU);
}

/* Let time pass, empty the tick; the caller adds rows of cores before it collects. */
static void next_tick(struct test_collector *t, int64_t seconds)
{
    tick_reset(&t->tick);
    fake_clock_pass(&t->fake, seconds * 1000000000);
    t->tick.seq++;
}

static void collect(struct test_collector *t)
{
    if (t->collector->collect(t->state, &t->tick, &t->err) != STATUS_OK)
        fail_msg("%s", t->err.message);
}

static void its_own_process_is_measured(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;

    test_root_open(&root);
    write_files(&root);
    test_collector_open(&t, &recorder_collector, root.path);
    assert_int_equal(t.capability.status, CAPABILITY_OK);
    collect(&t);
    assert_int_equal(test_value(&t, 0, RECORDER_RESIDENT_BYTES), 1234 * sysconf(_SC_PAGESIZE));
    assert_int_equal(test_value(&t, 0, RECORDER_WRITTEN_BYTES_TOTAL), 40960);
    assert_int_equal(test_value(&t, 0, RECORDER_CPU_BUSY_CPUACCT_NS_TOTAL), 56045696);
    assert_true(test_value(&t, 0, RECORDER_CPU_NS_TOTAL) > 0);
    assert_int_equal(test_missing(&t, 0, RECORDER_CPU_BUSY_TICKS_NS_TOTAL), MISSING_NOT_THERE);
    assert_int_equal(test_missing(&t, 0, RECORDER_CPU_PROCESSES_NS_TOTAL), MISSING_NOT_THERE);
    test_collector_close(&t);
    test_root_close(&root);
}

static void files_that_are_not_there_are_missing(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;

    test_root_open(&root);
    test_collector_open(&t, &recorder_collector, root.path);
    assert_int_equal(t.capability.status, CAPABILITY_PARTIAL);
    collect(&t);
    assert_int_equal(test_missing(&t, 0, RECORDER_RESIDENT_BYTES), MISSING_NOT_THERE);
    assert_int_equal(test_missing(&t, 0, RECORDER_WRITTEN_BYTES_TOTAL), MISSING_NOT_THERE);
    assert_int_equal(test_missing(&t, 0, RECORDER_CPU_BUSY_CPUACCT_NS_TOTAL), MISSING_NOT_THERE);
    test_collector_close(&t);
    test_root_close(&root);
}

static void every_collector_has_a_row(void **state)
{
    (void)state;
    struct recorder_stats stats = {
        .collector = { { "cpu", 10, 2, 5000, true, 3 }, { "recorder", 9, 0, 7999, false, 0 } },
        .collector_count = 2,
        .ticks = 11,
        .lateness_ns = 123,
        .ticks_missed = 4,
        .ticks_dropped = 5,
    };
    struct test_root root;
    struct test_collector t;

    test_root_open(&root);
    test_collector_open(&t, &recorder_collector, root.path);
    recorder_collector_attach(t.state, &stats, NULL);
    collect(&t);
    assert_int_equal(t.tick.entity_count, 3);
    assert_memory_equal(tick_text_at(&t.tick, t.tick.entities[0].key), "recorder", 8);
    assert_memory_equal(tick_text_at(&t.tick, t.tick.entities[1].key), "cpu", 3);
    assert_memory_equal(tick_text_at(&t.tick, t.tick.entities[2].key), "recorder-collector", 18);
    assert_int_equal(test_row(&t, 2)->flags, ROW_FIRST);
    assert_int_equal(test_value(&t, 0, RECORDER_CALLS_TOTAL), 11);
    assert_int_equal(test_value(&t, 0, RECORDER_FAILURES_TOTAL), 2);
    assert_int_equal(test_value(&t, 0, RECORDER_LATENESS_NS), 123);
    assert_int_equal(test_value(&t, 0, RECORDER_TICKS_MISSED_TOTAL), 4);
    assert_int_equal(test_value(&t, 0, RECORDER_TICKS_DROPPED_TOTAL), 5);
    assert_int_equal(test_value(&t, 1, RECORDER_CPU_NS_TOTAL), 5);
    assert_int_equal(test_value(&t, 0, RECORDER_NOT_ANSWERING), 3);
    assert_int_equal(test_value(&t, 1, RECORDER_FAILURES_TOTAL), 2);
    assert_int_equal(test_value(&t, 1, RECORDER_NOT_ANSWERING), 3);
    assert_int_equal(test_missing(&t, 2, RECORDER_NOT_ANSWERING), MISSING_UNSUPPORTED);
    assert_int_equal(test_value(&t, 2, RECORDER_CALLS_TOTAL), 9);
    assert_int_equal(test_missing(&t, 1, RECORDER_RESIDENT_BYTES), MISSING_UNSUPPORTED);
    stats.lateness_ns = -1;
    next_tick(&t, 1);
    collect(&t);
    assert_int_equal(t.tick.entity_count, 0);
    assert_int_equal(test_row(&t, 0)->flags, 0);
    assert_int_equal(test_missing(&t, 0, RECORDER_LATENESS_NS), MISSING_NOT_THERE);
    test_collector_close(&t);
    test_root_close(&root);
}

static void busy_time_is_told_on_both_bases(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;

    test_root_open(&root);
    test_collector_open(&t, &recorder_collector, root.path);
    add_core(&t.tick, 0, 100, 1000);
    add_core(&t.tick, 1, 200, 2000);
    collect(&t); /* what was before we came counts as 0 */
    assert_int_equal(test_value(&t, 0, RECORDER_CPU_BUSY_TICKS_NS_TOTAL), 0);
    assert_int_equal(test_value(&t, 0, RECORDER_CPU_BUSY_IDLE_NS_TOTAL), 0);
    next_tick(&t, 10);
    add_core(&t.tick, 0, 103, 1006); /* 1 s is in neither field */
    add_core(&t.tick, 1, 200, 2010);
    collect(&t);
    assert_int_equal(test_value(&t, 0, RECORDER_CPU_BUSY_TICKS_NS_TOTAL), 3 * SECOND_US);
    assert_int_equal(test_value(&t, 0, RECORDER_CPU_BUSY_IDLE_NS_TOTAL), 4 * SECOND_US);
    test_collector_close(&t);
    test_root_close(&root);
}

static void busy_time_never_falls_and_survives_hot_plugging(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;

    test_root_open(&root);
    test_collector_open(&t, &recorder_collector, root.path);
    add_core(&t.tick, 0, 0, 100);
    add_core(&t.tick, 1, 50, 100);
    collect(&t);
    next_tick(&t, 2);
    add_core(&t.tick, 0, 1, 101);
    add_core(&t.tick, 1, 51, 101);
    collect(&t);
    assert_int_equal(test_value(&t, 0, RECORDER_CPU_BUSY_IDLE_NS_TOTAL), 2 * SECOND_US);
    next_tick(&t, 2); /* the idle field runs ahead of the clock by a second; core 1 is away */
    add_core(&t.tick, 0, 1, 104);
    collect(&t);
    assert_int_equal(test_value(&t, 0, RECORDER_CPU_BUSY_IDLE_NS_TOTAL), 2 * SECOND_US);
    next_tick(&t, 2); /* core 1 is back, its counters began anew */
    add_core(&t.tick, 0, 2, 105);
    add_core(&t.tick, 1, 1, 1);
    collect(&t);
    assert_int_equal(test_value(&t, 0, RECORDER_CPU_BUSY_TICKS_NS_TOTAL), 3 * SECOND_US);
    assert_int_equal(test_value(&t, 0, RECORDER_CPU_BUSY_IDLE_NS_TOTAL), 2 * SECOND_US);
    next_tick(&t, 2);
    add_core(&t.tick, 0, 4, 105);
    add_core(&t.tick, 1, 1, 3);
    collect(&t);
    assert_int_equal(test_value(&t, 0, RECORDER_CPU_BUSY_TICKS_NS_TOTAL), 5 * SECOND_US);
    assert_int_equal(test_value(&t, 0, RECORDER_CPU_BUSY_IDLE_NS_TOTAL), 4 * SECOND_US);
    next_tick(&t, 2); /* a tick without cpu rows */
    collect(&t);
    assert_int_equal(test_missing(&t, 0, RECORDER_CPU_BUSY_IDLE_NS_TOTAL), MISSING_NOT_THERE);
    test_collector_close(&t);
    test_root_close(&root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_own_process_is_measured),
        cmocka_unit_test(files_that_are_not_there_are_missing),
        cmocka_unit_test(every_collector_has_a_row),
        cmocka_unit_test(busy_time_is_told_on_both_bases),
        cmocka_unit_test(busy_time_never_falls_and_survives_hot_plugging),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
