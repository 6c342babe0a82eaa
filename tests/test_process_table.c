/* The table from pid to slot, against a plain array of the same. */
#include "recorder/collectors/process_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void the_smallest_slot_is_given_but_not_in_the_same_tick(void **state)
{
    struct process_table table = { 0 };
    (void)state;

    assert_true(process_table_find(&table, 1) == SLOT_NONE);
    for (int32_t pid = 1; pid <= 200; pid++)
        assert_int_equal(process_table_add(&table, pid), pid - 1);
    assert_true(process_table_remove(&table, 5, 4));
    assert_true(process_table_find(&table, 5) == SLOT_NONE);
    assert_int_equal(process_table_add(&table, 300), 200);
    process_table_tick(&table);
    assert_int_equal(process_table_add(&table, 301), 4);
    process_table_release(&table);
}

static void a_pid_used_again_leads_to_its_new_slot(void **state)
{
    struct process_table table = { 0 };
    (void)state;

    uint32_t older = process_table_add(&table, 7);
    uint32_t newer = process_table_add(&table, 7);
    assert_int_not_equal(older, newer);
    assert_true(process_table_remove(&table, 7, older));
    assert_int_equal(process_table_find(&table, 7), newer);
    assert_int_equal(table.used, 1);
    process_table_release(&table);
}

static void slots_end_where_the_last_process_is(void **state)
{
    struct process_table table = { 0 };
    (void)state;

    for (int32_t pid = 1; pid <= 1000; pid++)
        (void)process_table_add(&table, pid);
    for (int32_t pid = 11; pid <= 1000; pid++)
        assert_true(process_table_remove(&table, pid, (uint32_t)pid - 1));
    assert_int_equal(table.slot_end, 1000);
    process_table_tick(&table);
    assert_int_equal(table.slot_end, 10);
    process_table_release(&table);
}

static void it_agrees_with_a_plain_array(void **state)
{
    enum { PIDS = 3000 };
    static uint32_t expected[PIDS];
    struct process_table table = { 0 };
    uint32_t random = 1;
    (void)state;

    memset(expected, 0xff, sizeof expected);
    for (int step = 0; step < 200000; step++) {
        random = random * 1664525 + 1013904223;
        int32_t pid = (int32_t)(random >> 8) % (PIDS - 1) + 1;

        assert_int_equal(process_table_find(&table, pid), expected[pid]);
        if (expected[pid] == SLOT_NONE) {
            expected[pid] = process_table_add(&table, pid);
        } else {
            assert_true(process_table_remove(&table, pid, expected[pid]));
            expected[pid] = SLOT_NONE;
        }
        if (step % 500 == 0)
            process_table_tick(&table);
    }
    process_table_release(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_slot_is_given_but_not_in_the_same_tick),
        cmocka_unit_test(a_pid_used_again_leads_to_its_new_slot),
        cmocka_unit_test(slots_end_where_the_last_process_is),
        cmocka_unit_test(it_agrees_with_a_plain_array),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
