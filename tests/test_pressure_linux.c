/* The collector of pressure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recorder/collectors/collectors_linux.h"
#include "tests/support_root.h"

static void collect(struct test_collector *t)
{
    if (test_collector_tick(t) != STATUS_OK)
        fail_msg("%s", t->err.message);
}

static void each_resource_has_a_row(void **state)
{
    (void)state;
    static const char *const names[] = { "cpu", "memory", "io" };
    struct test_collector t;

    test_collector_open(&t, &pressure_collector, "tests/fixtures/host-6.18");
    assert_int_equal(t.capability.status, CAPABILITY_OK);
    collect(&t);
    assert_int_equal(t.tick.table[TABLE_PRESSURE].row_count, COUNT_OF(names));
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        uint32_t slot = test_slot(&t, names[i]);

        assert_int_equal(test_row(&t, slot)->flags, ROW_FIRST);
        assert_true(test_value(&t, slot, PRESSURE_SOME_US_TOTAL) >=
                    test_value(&t, slot, PRESSURE_FULL_US_TOTAL));
    }
    collect(&t);
    assert_int_equal(t.tick.entity_count, 0);
    assert_int_equal(test_row(&t, 0)->flags, 0);
    test_collector_close(&t);
}

static void what_a_kernel_does_not_account_is_missing(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;
    uint32_t cpu, irq;

    test_root_open(&root);
    test_root_write(&root, "/proc/pressure/cpu", "some avg10=0 avg60=0 avg300=0 total=5\n");
    test_root_write(&root, "/proc/pressure/irq", "full avg10=0 avg60=0 avg300=0 total=6\n");
    test_collector_open(&t, &pressure_collector, root.path);
    collect(&t);
    cpu = test_slot(&t, "cpu");
    irq = test_slot(&t, "irq");
    assert_int_equal(test_value(&t, cpu, PRESSURE_SOME_US_TOTAL), 5);
    assert_int_equal(test_missing(&t, cpu, PRESSURE_FULL_US_TOTAL), MISSING_NOT_THERE);
    assert_int_equal(test_missing(&t, irq, PRESSURE_SOME_US_TOTAL), MISSING_NOT_THERE);
    assert_int_equal(test_value(&t, irq, PRESSURE_FULL_US_TOTAL), 6);
    test_root_write(&root, "/proc/pressure/cpu", "some avg10=0 avg60=0 avg300=0 tot");
    collect(&t);
    assert_int_equal(test_missing(&t, cpu, PRESSURE_SOME_US_TOTAL), MISSING_NOT_THERE);
    assert_int_equal(test_value(&t, irq, PRESSURE_FULL_US_TOTAL), 6);
    test_collector_close(&t);
    test_root_close(&root);
}

static void load_averages_are_part_of_what_is_told_of_cores(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ppm[3]; /* -1: not there, -2: not legible */
    } cases[] = {
        { "11.83 0.00 9.84 19/162 15938\n", { 11830000, 0, 9840000 } },
        { "7 0.123456789 1234567.5 1/2 3\n", { 7000000, 123456, 1234567500000 } },
        { "0.5 x 1.2.3 1/2 3\n", { 500000, -2, -2 } },
        { "99999999999999 0.2\n", { -2, 200000, -1 } },
        { "0.20 0.18 0.1", { -1, -1, -1 } }, /* no end: it was cut */
    };
    struct test_root root;
    struct test_collector t;

    test_root_open(&root);
    test_root_write(&root, "/proc/loadavg", cases[0].text);
    test_collector_open(&t, &pressure_collector, root.path);
    assert_int_equal(t.capability.status, CAPABILITY_PARTIAL);
    assert_non_null(strstr(t.capability.reason, "load averages only"));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        test_root_write(&root, "/proc/loadavg", cases[i].text);
        collect(&t);
        for (unsigned k = 0; k < 3; k++) {
            int64_t expected = cases[i].ppm[k];
            unsigned metric = PRESSURE_LOAD_1M_PPM + k;

            if (expected >= 0)
                assert_int_equal(test_value(&t, 0, metric), expected);
            else
                assert_int_equal(test_missing(&t, 0, metric),
                                 expected == -1 ? MISSING_NOT_THERE : MISSING_FAILED);
        }
    }
    assert_int_equal(test_missing(&t, 0, PRESSURE_SOME_US_TOTAL), MISSING_UNSUPPORTED);
    assert_int_equal(test_missing(&t, 0, PRESSURE_LEVEL), MISSING_UNSUPPORTED);
    test_collector_close(&t);
    test_root_close(&root);
}

static void only_the_row_of_cores_has_load_averages(void **state)
{
    (void)state;
    struct test_collector t;

    test_collector_open(&t, &pressure_collector, "tests/fixtures/host-6.18");
    collect(&t);
    assert_int_equal(test_value(&t, test_slot(&t, "cpu"), PRESSURE_LOAD_1M_PPM), 11830000);
    assert_int_equal(test_missing(&t, test_slot(&t, "memory"), PRESSURE_LOAD_1M_PPM),
                     MISSING_UNSUPPORTED);
    test_collector_close(&t);
}

static void an_old_kernel_has_none(void **state)
{
    (void)state;
    struct test_collector t;

    test_collector_open(&t, &pressure_collector, "tests/fixtures/host-old");
    assert_int_equal(t.capability.status, CAPABILITY_NOT_THERE);
    assert_non_null(strstr(t.capability.reason, "/proc/pressure/cpu"));
    assert_non_null(strstr(t.capability.enable, "psi=1"));
    test_collector_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_resource_has_a_row),
        cmocka_unit_test(what_a_kernel_does_not_account_is_missing),
        cmocka_unit_test(load_averages_are_part_of_what_is_told_of_cores),
        cmocka_unit_test(only_the_row_of_cores_has_load_averages),
        cmocka_unit_test(an_old_kernel_has_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
