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
        cmocka_unit_test(an_old_kernel_has_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
