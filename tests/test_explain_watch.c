/* What is usual of a figure: the median of the steps before, and how far they spread. */
#include "analyzer/explain_watch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void expect(const struct explain_watch *watch, uint32_t step, bool absent_is_zero,
                   size_t count, double usual, double spread)
{
    double found_usual = NAN, found_spread = NAN;

    assert_int_equal(explain_watch_usual(watch, step, absent_is_zero, &found_usual, &found_spread),
                     count);
    if (count > 0 && !(fabs(found_usual - usual) < 1e-9 && fabs(found_spread - spread) < 1e-9))
        fail_msg("%g and %g, not %g and %g", found_usual, found_spread, usual, spread);
}

static void of_nothing_nothing_is_usual(void **state)
{
    static const struct explain_watch watch;
    (void)state;

    expect(&watch, 0, true, 0, 0, 0);
    expect(&watch, 5, false, 0, 0, 0);
    expect(&watch, 5, true, 5, 0, 0);
}

static void the_median_and_its_distance(void **state)
{
    struct explain_watch watch = { 0 };
    (void)state;

    /* 1 2 4 8 100: median 4; distances 3 2 0 4 96, their median 3 */
    static const double values[] = { 100, 1, 8, 2, 4 };
    for (uint32_t i = 0; i < 5; i++)
        explain_watch_put(&watch, i, values[i]);
    expect(&watch, 5, false, 5, 4, 3 * 1.4826);
    /* of an even number the mean of the two in the middle: 1 2 8 100: 5; 4 3 3 95: 3.5 */
    expect(&watch, 4, false, 4, 5, 3.5 * 1.4826);
}

static void a_step_without_a_value_is_zero_where_that_is_asked(void **state)
{
    struct explain_watch watch = { 0 };
    (void)state;

    explain_watch_put(&watch, 1, 6);
    explain_watch_put(&watch, 3, 8);
    expect(&watch, 4, false, 2, 7, 1.4826);
    expect(&watch, 4, true, 4, 3, 3 * 1.4826); /* 0 0 6 8: 3; 3 3 3 5: 3 */
}

static void only_the_last_hour_counts(void **state)
{
    struct explain_watch watch = { 0 };
    (void)state;

    for (uint32_t i = 0; i < 3 * EXPLAIN_WATCH_STEPS; i++)
        explain_watch_put(&watch, i, i < 2 * EXPLAIN_WATCH_STEPS ? 1000 : 5);
    expect(&watch, 3 * EXPLAIN_WATCH_STEPS, false, EXPLAIN_WATCH_STEPS, 5, 0);
    /* an hour without any, and what was before is forgotten */
    expect(&watch, 5 * EXPLAIN_WATCH_STEPS, false, 0, 0, 0);
    expect(&watch, 5 * EXPLAIN_WATCH_STEPS, true, EXPLAIN_WATCH_STEPS, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_nothing_nothing_is_usual),
        cmocka_unit_test(the_median_and_its_distance),
        cmocka_unit_test(a_step_without_a_value_is_zero_where_that_is_asked),
        cmocka_unit_test(only_the_last_hour_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
