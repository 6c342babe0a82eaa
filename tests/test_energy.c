/* Energy counters that wrap, begin anew, or are read too late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "recorder/collectors/energy.h"

#define SECOND_NS INT64_C(1000000000)
#define RANGE_UJ INT64_C(262143328850)
#define MOST_MW INT64_C(250000)

static void many_wraps_are_right_to_the_microjoule(void **state)
{
    (void)state;
    struct energy energy = { 0 };
    const int64_t step_uj = INT64_C(2345678901); /* 235 W for 10 s */
    int64_t truth = 0;

    assert_int_equal(energy_read(&energy, 17, 0, RANGE_UJ, MOST_MW), 0);
    for (int64_t i = 1; i < 5000; i++) {
        truth += step_uj;
        assert_int_equal(
            energy_read(&energy, (17 + truth) % RANGE_UJ, i * 10 * SECOND_NS, RANGE_UJ, MOST_MW),
            truth);
    }
    assert_true(truth / RANGE_UJ > 40);
}

static void a_reading_that_may_be_a_wrap_late_begins_anew(void **state)
{
    (void)state;
    struct energy energy = { 0 };
    const int64_t late_ns = 1049 * SECOND_NS; /* 250 W for so long is 262250 J */

    (void)energy_read(&energy, 0, 0, RANGE_UJ, MOST_MW);
    assert_int_equal(energy_read(&energy, 5000000, 10 * SECOND_NS, RANGE_UJ, MOST_MW), 5000000);
    assert_int_equal(energy_read(&energy, 9000000, 10 * SECOND_NS + late_ns, RANGE_UJ, MOST_MW), 0);
    assert_int_equal(energy_read(&energy, 9000003, 20 * SECOND_NS + late_ns, RANGE_UJ, MOST_MW), 3);
}

static void a_fall_that_no_power_explains_is_a_reset(void **state)
{
    (void)state;
    struct energy energy = { 0 };

    (void)energy_read(&energy, 1000000000, 0, RANGE_UJ, MOST_MW);
    /* From 1000 J round to 0 would be 26 kW. Below what it was, though that was 0 */
    assert_int_equal(energy_read(&energy, 0, 10 * SECOND_NS, RANGE_UJ, MOST_MW), -1);
    assert_int_equal(energy_read(&energy, 7, 20 * SECOND_NS, RANGE_UJ, MOST_MW), 6);
    assert_int_equal(energy_read(&energy, 3, 30 * SECOND_NS, RANGE_UJ, MOST_MW), 0);
    /* A last reading beyond the range is no wrap either. */
    (void)energy_read(&energy, RANGE_UJ + 5, 40 * SECOND_NS, RANGE_UJ, INT64_MAX / 1000);
    assert_true(energy_read(&energy, 1, 41 * SECOND_NS, RANGE_UJ, MOST_MW) <= 0);
}

static void a_counter_without_a_range_only_grows_or_is_reset(void **state)
{
    (void)state;
    struct energy energy = { 0 };

    (void)energy_read(&energy, 100, 0, 0, MOST_MW);
    assert_int_equal(energy_read(&energy, 250, 1000000 * SECOND_NS, 0, MOST_MW), 150);
    assert_int_equal(energy_read(&energy, 200, 1000001 * SECOND_NS, 0, MOST_MW), 0);
    assert_int_equal(energy_read(&energy, 201, 1000002 * SECOND_NS, 0, MOST_MW), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_wraps_are_right_to_the_microjoule),
        cmocka_unit_test(a_reading_that_may_be_a_wrap_late_begins_anew),
        cmocka_unit_test(a_fall_that_no_power_explains_is_a_reset),
        cmocka_unit_test(a_counter_without_a_range_only_grows_or_is_reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
