/* The collector of cores, on fixtures and on files that change under it. */
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
#include "tests/support_root.h"

#define LAPTOP "tests/fixtures/host-laptop"
#define OLD "tests/fixtures/host-old"

static int64_t us(int64_t clock_ticks)
{
    return clock_ticks * 1000000 / sysconf(_SC_CLK_TCK);
}

static void collect(struct test_collector *t)
{
    if (test_collector_tick(t) != STATUS_OK)
        fail_msg("%s", t->err.message);
}

static void every_field_of_every_core_is_read(void **state)
{
    (void)state;
    struct test_collector t;
    const struct tick_row *row;

    test_collector_open(&t, &cpu_collector, LAPTOP);
    assert_int_equal(t.capability.status, CAPABILITY_OK);
    collect(&t);
    assert_true(t.tick.table[TABLE_CPU].sampled);
    assert_int_equal(t.tick.table[TABLE_CPU].row_count, 4);
    assert_int_equal(test_value(&t, 7, CPU_USER_NS_TOTAL), us(52475)); /* guest is in it already */
    assert_int_equal(test_value(&t, 7, CPU_NICE_NS_TOTAL), us(361));
    assert_int_equal(test_value(&t, 7, CPU_SYSTEM_NS_TOTAL), us(18728));
    assert_int_equal(test_value(&t, 7, CPU_IDLE_NS_TOTAL), us(1043315));
    assert_int_equal(test_value(&t, 7, CPU_IOWAIT_NS_TOTAL), us(539));
    assert_int_equal(test_value(&t, 7, CPU_IRQ_NS_TOTAL), us(214) + us(301));
    assert_int_equal(test_value(&t, 7, CPU_STEAL_NS_TOTAL), us(7));
    row = test_row(&t, 0);
    assert_int_equal(row->flags, ROW_FIRST);
    collect(&t);
    assert_int_equal(test_row(&t, 0)->flags, 0);
    test_collector_close(&t);
}

static void cores_are_announced_once(void **state)
{
    (void)state;
    struct test_collector t;
    const struct tick_entity *last;

    test_collector_open(&t, &cpu_collector, LAPTOP);
    collect(&t);
    assert_int_equal(t.tick.entity_count, 4);
    last = &t.tick.entities[3];
    assert_int_equal(last->kind, ENTITY_CORE);
    assert_int_equal(last->slot, 7);
    assert_int_equal(last->key.size, 4);
    assert_memory_equal(tick_text_at(&t.tick, last->key), "cpu7", 4);
    assert_memory_equal(tick_text_at(&t.tick, last->label), "core 7", 6);
    collect(&t);
    assert_int_equal(t.tick.entity_count, 0);
    test_collector_close(&t);
}

static void frequencies_are_hz_or_missing_with_the_reason(void **state)
{
    (void)state;
    struct test_collector t;

    test_collector_open(&t, &cpu_collector, LAPTOP);
    collect(&t);
    assert_int_equal(test_value(&t, 0, CPU_FREQUENCY_HZ), INT64_C(2400000000));
    assert_int_equal(test_value(&t, 1, CPU_FREQUENCY_HZ), INT64_C(1197354000));
    assert_int_equal(test_missing(&t, 2, CPU_FREQUENCY_HZ), MISSING_UNSUPPORTED);
    assert_int_equal(test_missing(&t, 7, CPU_FREQUENCY_HZ), MISSING_NOT_THERE);
    test_collector_close(&t);
}

static void fields_an_old_kernel_lacks_are_not_zero(void **state)
{
    (void)state;
    struct test_collector t;

    test_collector_open(&t, &cpu_collector, OLD);
    assert_int_equal(t.capability.status, CAPABILITY_PARTIAL);
    collect(&t);
    assert_int_equal(test_value(&t, 0, CPU_IDLE_NS_TOTAL), us(40000));
    assert_int_equal(test_missing(&t, 0, CPU_IOWAIT_NS_TOTAL), MISSING_NOT_THERE);
    assert_int_equal(test_missing(&t, 0, CPU_IRQ_NS_TOTAL), MISSING_NOT_THERE);
    assert_int_equal(test_missing(&t, 0, CPU_STEAL_NS_TOTAL), MISSING_NOT_THERE);
    assert_int_equal(test_missing(&t, 0, CPU_FREQUENCY_HZ), MISSING_NOT_THERE);
    test_collector_close(&t);
}

static void a_core_that_goes_has_no_row_and_starts_anew(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;

    test_root_open(&root);
    test_root_write(&root, "/proc/stat", "cpu  9 9\ncpu0 1 2 3 4\ncpu1 5 6 7 8\nintr 1\n");
    test_collector_open(&t, &cpu_collector, root.path);
    collect(&t);
    assert_non_null(test_row(&t, 1));
    test_root_write(&root, "/proc/stat", "cpu  9 9\ncpu0 2 2 3 4\nintr 1\n");
    collect(&t);
    assert_null(test_row(&t, 1));
    assert_true(t.tick.table[TABLE_CPU].sampled);
    test_root_write(&root, "/proc/stat", "cpu  9 9\ncpu0 3 2 3 4\ncpu1 1 0 0 0\ncpu2 1 1 1 1\n");
    collect(&t);
    assert_int_equal(test_row(&t, 1)->flags, ROW_FIRST);
    assert_int_equal(test_row(&t, 0)->flags, 0);
    assert_int_equal(t.tick.entity_count, 1); /* cpu2 only */
    assert_int_equal(t.tick.entities[0].slot, 2);
    test_collector_close(&t);
    test_root_close(&root);
}

static void counters_that_go_back_are_recorded_as_they_are(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;

    test_root_open(&root);
    test_root_write(&root, "/proc/stat", "cpu0 1 2 3 4 500 6 7 8\nintr\n");
    test_collector_open(&t, &cpu_collector, root.path);
    collect(&t);
    test_root_write(&root, "/proc/stat", "cpu0 1 2 3 4 499 6 7 8\nintr\n");
    collect(&t);
    assert_int_equal(test_value(&t, 0, CPU_IOWAIT_NS_TOTAL), us(499));
    assert_int_equal(test_row(&t, 0)->flags, 0);
    test_collector_close(&t);
    test_root_close(&root);
}

static void numbers_too_long_are_missing_and_spoil_nothing(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;
    char text[3000];
    char digits[1001];

    memset(digits, '9', 1000);
    digits[1000] = '\0';
    (void)snprintf(text, sizeof text,
                   "cpu0 1 99999999999999999999 3 9223372036854775807 5 %s 7 8\n"
                   "cpu99999999999999999999 1 2 3 4\ncpu8192 1 2 3 4\ncpux 1 2 3 4\n"
                   "cpu1 -1 2 x\nintr 1\n",
                   digits);
    test_root_open(&root);
    test_root_write(&root, "/proc/stat", text);
    test_collector_open(&t, &cpu_collector, root.path);
    collect(&t);
    assert_int_equal(t.tick.table[TABLE_CPU].row_count, 2);
    assert_int_equal(test_value(&t, 0, CPU_USER_NS_TOTAL), us(1));
    assert_int_equal(test_missing(&t, 0, CPU_NICE_NS_TOTAL), MISSING_FAILED);
    assert_int_equal(test_value(&t, 0, CPU_SYSTEM_NS_TOTAL), us(3));
    assert_int_equal(test_missing(&t, 0, CPU_IDLE_NS_TOTAL), MISSING_FAILED);
    assert_int_equal(test_missing(&t, 0, CPU_IRQ_NS_TOTAL), MISSING_FAILED);
    assert_int_equal(test_value(&t, 0, CPU_STEAL_NS_TOTAL), us(8));
    assert_int_equal(test_missing(&t, 1, CPU_USER_NS_TOTAL), MISSING_NOT_THERE);
    test_collector_close(&t);
    test_root_close(&root);
}

static void every_truncation_is_read_without_harm(void **state)
{
    (void)state;
    static const char whole[] = "cpu  3 3 3 3\ncpu0 11 22 33 44 55 66 77 88\n"
                                "cpu1 11 22 33 44 55 66 77 88\nintr 1 2\n";
    struct test_root root;
    struct test_collector t;
    char text[sizeof whole];

    test_root_open(&root);
    test_root_write(&root, "/proc/stat", whole);
    test_collector_open(&t, &cpu_collector, root.path);
    for (size_t cut = 0; cut < sizeof whole; cut++) {
        const char *second = strstr(whole, "\ncpu1");

        memcpy(text, whole, cut);
        text[cut] = '\0';
        test_root_write(&root, "/proc/stat", text);
        if (cut <= (size_t)(second - whole)) { /* no whole line of a core */
            assert_int_equal(test_collector_tick(&t), STATUS_CORRUPT);
            assert_false(t.tick.table[TABLE_CPU].sampled);
            assert_int_equal(t.tick.table[TABLE_CPU].row_count, 0);
            continue;
        }
        collect(&t);
        assert_int_equal(test_value(&t, 0, CPU_STEAL_NS_TOTAL), us(88));
    }
    test_collector_close(&t);
    test_root_close(&root);
}

static void more_cores_than_the_first_read_holds_are_all_read(void **state)
{
    (void)state;
    enum { CORES = 1500, LINE = 80 };
    struct test_root root;
    struct test_collector t;
    char *text = calloc(CORES + 2, LINE);
    size_t used = 0;

    assert_non_null(text);
    for (int i = 0; i < CORES; i++)
        used += (size_t)sprintf(text + used, "cpu%d %d 2 3 4 5 6 7 8 9 10\n", i, i);
    strcpy(text + used, "intr 1\n");
    test_root_open(&root);
    test_root_write(&root, "/proc/stat", text);
    test_collector_open(&t, &cpu_collector, root.path);
    collect(&t);
    assert_int_equal(t.tick.table[TABLE_CPU].row_count, CORES);
    assert_int_equal(test_value(&t, CORES - 1, CPU_USER_NS_TOTAL), us(CORES - 1));
    test_collector_close(&t);
    test_root_close(&root);
    free(text);
}

/* A clock whose awake time runs while it is looked at, as if reading frequencies took long. */
static int64_t slow_awake_ns(void *self)
{
    struct fake_clock *fake = self;

    fake_clock_pass(fake, 20000000);
    return fake->awake_ns;
}

static void slow_frequencies_are_read_seldom(void **state)
{
    (void)state;
    const uint64_t bit = UINT64_C(1) << CPU_FREQUENCY_HZ;
    struct test_collector t;

    test_collector_open(&t, &cpu_collector, LAPTOP);
    t.clock.awake_ns = slow_awake_ns;
    for (int i = 0; i < 33; i++) {
        bool read = i % 16 == 0;

        collect(&t);
        assert_int_equal((t.tick.table[TABLE_CPU].column_mask & bit) != 0, read);
        assert_int_equal(test_missing(&t, 0, CPU_FREQUENCY_HZ),
                         read ? MISSING_NONE : MISSING_NOT_SAMPLED);
    }
    test_collector_close(&t);
}

static void without_proc_it_says_so(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;

    test_root_open(&root);
    test_collector_open(&t, &cpu_collector, root.path);
    assert_int_equal(t.capability.status, CAPABILITY_NOT_THERE);
    assert_non_null(strstr(t.capability.reason, "/proc/stat: No such file"));
    test_collector_close(&t);
    test_root_close(&root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_of_every_core_is_read),
        cmocka_unit_test(cores_are_announced_once),
        cmocka_unit_test(frequencies_are_hz_or_missing_with_the_reason),
        cmocka_unit_test(fields_an_old_kernel_lacks_are_not_zero),
        cmocka_unit_test(a_core_that_goes_has_no_row_and_starts_anew),
        cmocka_unit_test(counters_that_go_back_are_recorded_as_they_are),
        cmocka_unit_test(numbers_too_long_are_missing_and_spoil_nothing),
        cmocka_unit_test(every_truncation_is_read_without_harm),
        cmocka_unit_test(more_cores_than_the_first_read_holds_are_all_read),
        cmocka_unit_test(slow_frequencies_are_read_seldom),
        cmocka_unit_test(without_proc_it_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
