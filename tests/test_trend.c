/* The median of slopes, its interval, and how sure it is: on series that can be worked out by hand. */
#include "analyzer/trend.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { MANY = 60 };

static struct trend found(const struct trend_point p[], size_t count)
{
    struct trend trend;
    struct error err = { 0 };

    assert_int_equal(trend_find(p, count, &trend, &err), STATUS_OK);
    return trend;
}

static void expect_near(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-9 * (1 + fabs(expected))))
        fail_msg("%.12g, not %.12g", value, expected);
}

/* A cheap sequence of numbers in -1 to 1 that do not know of each other. */
static double noise(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (double)(*state >> 8) / (1 << 23) - 1;
}

static void a_line_has_its_slope(void **state)
{
    struct trend_point p[10];
    struct trend t;
    (void)state;

    for (int i = 0; i < 10; i++)
        p[i] = (struct trend_point){ i, 3.0 * i + 7, 0 };
    t = found(p, 10);
    expect_near(t.slope, 3);
    expect_near(t.low, 3);
    expect_near(t.high, 3);
    expect_near(t.rise, 27);
    assert_int_equal(t.pairs, 45);
    /* S = 45, variance = 10 * 9 * 25 / 18 = 125: (45 - 1) / sqrt(125) */
    expect_near(t.z, 44 / sqrt(125));
    assert_true(t.holds);
}

static void one_value_far_away_changes_nothing(void **state)
{
    struct trend_point p[11];
    struct trend t;
    (void)state;

    for (int i = 0; i < 11; i++)
        p[i] = (struct trend_point){ i, i == 5 ? 1e6 : 2.0 * i, 0 };
    t = found(p, 11);
    expect_near(t.slope, 2);
}

static void ties_make_it_less_sure(void **state)
{
    /* 1 1 1 1 2 2 2 2: S = 16; variance = (8 * 7 * 21 - 2 * 4 * 3 * 13) / 18 = 48; the two halves are alike */
    struct trend_point p[8];
    struct trend t;
    (void)state;

    for (int i = 0; i < 8; i++)
        p[i] = (struct trend_point){ i, i < 4 ? 1 : 2, 0 };
    t = found(p, 8);
    expect_near(t.z * sqrt((1 + t.alike) / (1 - t.alike)), 15 / sqrt(48));
}

static void what_begins_anew_is_compared_with_itself(void **state)
{
    struct trend_point p[24];
    struct trend t;
    (void)state;

    for (int i = 0; i < 24; i++) /* three times up by 5 a step, from 100 on */
        p[i] = (struct trend_point){ i, 100 + 5.0 * (i % 8), (unsigned)i / 8 };
    t = found(p, 24);
    expect_near(t.slope, 5);
    assert_int_equal(t.pairs, 3 * 28);
    expect_near(t.rise, 3 * 35);
    assert_true(t.holds && t.low > 0);
}

static void what_goes_up_and_down_does_not_last(void **state)
{
    struct trend_point p[MANY];
    struct trend t;
    (void)state;

    for (int i = 0; i < MANY; i++) /* a heap that is collected twice */
        p[i] = (struct trend_point){ i, i % 30, 0 };
    t = found(p, MANY);
    assert_false(t.holds);
}

static void a_jump_has_no_slope(void **state)
{
    struct trend_point p[MANY];
    uint32_t random = 3;
    struct trend t;
    (void)state;

    for (int i = 0; i < MANY; i++)
        p[i] = (struct trend_point){ i, (i < 6 ? 0 : 1000) + noise(&random), 0 };
    t = found(p, MANY);
    assert_true(t.slope < 1 && !(t.z >= 5 && t.low > 0));
}

static void noise_alone_is_not_sure(void **state)
{
    int sure = 0;
    (void)state;

    for (uint32_t seed = 1; seed <= 200; seed++) {
        struct trend_point p[MANY];
        uint32_t random = seed * 7919;
        struct trend t;

        for (int i = 0; i < MANY; i++)
            p[i] = (struct trend_point){ i, noise(&random), 0 };
        t = found(p, MANY);
        assert_true(t.low <= t.slope && t.slope <= t.high);
        sure += t.low > 0 || t.high < 0;
    }
    /* 95 of 100 intervals hold the truth, 0; and it would be odd if all 200 did. */
    assert_in_range(sure, 1, 24);
}

static void neighbours_that_are_alike_make_it_less_sure(void **state)
{
    struct trend_point p[MANY];
    struct trend t;
    (void)state;

    for (int i = 0; i < MANY; i++) /* a slow wave on a line */
        p[i] = (struct trend_point){ i, i + 20 * sin(i / 5.0), 0 };
    t = found(p, MANY);
    assert_true(t.alike > 0.5);
    assert_true(t.z < 6);
}

static void too_few_points_say_nothing(void **state)
{
    struct trend_point p[TREND_POINTS_LEAST];
    struct trend trend;
    struct error err = { 0 };
    (void)state;

    for (int i = 0; i < TREND_POINTS_LEAST; i++)
        p[i] = (struct trend_point){ i, i, (unsigned)i };
    assert_int_equal(trend_find(p, TREND_POINTS_LEAST - 1, &trend, &err), STATUS_ABSENT);
    assert_int_equal(trend_find(p, TREND_POINTS_LEAST, &trend, &err), STATUS_ABSENT); /* no pair */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_its_slope),
        cmocka_unit_test(one_value_far_away_changes_nothing),
        cmocka_unit_test(ties_make_it_less_sure),
        cmocka_unit_test(what_begins_anew_is_compared_with_itself),
        cmocka_unit_test(what_goes_up_and_down_does_not_last),
        cmocka_unit_test(a_jump_has_no_slope),
        cmocka_unit_test(noise_alone_is_not_sure),
        cmocka_unit_test(neighbours_that_are_alike_make_it_less_sure),
        cmocka_unit_test(too_few_points_say_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
