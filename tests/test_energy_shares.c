/* Energy in whole microjoules: what an interval holds, and how it is shared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "analyzer/energy.h"

#define SECOND_NS INT64_C(1000000000)
enum { CLAIMS = 40 };

/* A generator that gives the same on every machine. */
static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 11;
}

static int64_t sum_of(const struct energy_claim claims[], size_t count)
{
    int64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += claims[i].uj;
    return sum;
}

static void largest_remainders_get_one_more_and_of_equal_ones_the_earlier(void **state)
{
    (void)state;
    struct energy_claim claims[] = { { .weight = 1 }, { .weight = 1 }, { .weight = 1 } };
    struct energy_claim other[] = { { .weight = 10 }, { .weight = 34 }, { .weight = 56 } };

    assert_int_equal(energy_share(100, claims, 3), 0);
    assert_int_equal(claims[0].uj, 34);
    assert_int_equal(claims[1].uj, 33);
    assert_int_equal(claims[2].uj, 33);
    assert_int_equal(energy_share(7, other, 3), 0); /* 0.7, 2.38, 3.92 */
    assert_int_equal(other[0].uj, 1);
    assert_int_equal(other[1].uj, 2);
    assert_int_equal(other[2].uj, 4);
}

static void without_gpu_time_nobody_gets_anything(void **state)
{
    (void)state;
    struct energy_claim claims[] = { { .weight = 0, .uj = 5 }, { .weight = 0, .uj = 7 } };

    assert_int_equal(energy_share(100, claims, 2), 100);
    assert_int_equal(claims[0].uj, 0);
    assert_int_equal(claims[1].uj, 0);
    assert_int_equal(energy_share(100, claims, 0), 100);
}

static void nobody_gets_less_than_nothing(void **state)
{
    (void)state;
    struct energy_claim claims[] = { { .weight = 3 }, { .weight = 4 } };

    assert_int_equal(energy_share(-9, claims, 2), -9);
    assert_int_equal(claims[0].uj, 0);
    assert_int_equal(claims[1].uj, 0);
    assert_int_equal(energy_share(0, claims, 2), 0);
    assert_int_equal(sum_of(claims, 2), 0);
}

static void one_that_sleeps_gets_nothing(void **state)
{
    (void)state;
    struct energy_claim claims[] = { { .weight = 0 }, { .weight = 1 }, { .weight = 1 } };

    assert_int_equal(energy_share(3, claims, 3), 0);
    assert_int_equal(claims[0].uj, 0);
    assert_int_equal(claims[1].uj, 2);
    assert_int_equal(claims[2].uj, 1);
}

/* Shares add up, none is further than one from its due, and the order of claims is kept. */
static void random_shares_add_up_to_the_microjoule(void **state)
{
    (void)state;
    uint64_t random = 7;

    for (int round = 0; round < 3000; round++) {
        struct energy_claim claims[CLAIMS];
        size_t count = 1 + (size_t)(next_random(&random) % CLAIMS);
        unsigned shift = (unsigned)(next_random(&random) % 52);
        int64_t uj = (int64_t)(next_random(&random) >> (next_random(&random) % 52)) + 1;
        int128 sum = 0;

        for (size_t i = 0; i < count; i++) {
            claims[i] = (struct energy_claim){ .weight = (int128)(next_random(&random) >> shift) };
            sum += claims[i].weight;
        }
        if (sum == 0)
            continue;
        assert_int_equal(energy_share(uj, claims, count), 0);
        assert_int_equal(sum_of(claims, count), uj);
        for (size_t i = 0; i < count; i++) {
            int128 due = claims[i].weight * uj / sum;

            assert_true(claims[i].uj >= due && claims[i].uj <= due + 1);
        }
    }
}

static void weights_that_no_gpu_has_do_not_overflow(void **state)
{
    (void)state;
    const int128 huge = ((int128)1 << 126);
    struct energy_claim claims[] = { { .weight = huge }, { .weight = huge / 2 }, { .weight = 1 } };

    assert_int_equal(energy_share(INT64_MAX, claims, 3), 0);
    assert_int_equal(sum_of(claims, 3), INT64_MAX);
    assert_int_equal(claims[2].uj, 0);
    assert_true(claims[0].uj / 2 - claims[1].uj < 2 && claims[1].uj - claims[0].uj / 2 < 2);
}

static void power_is_summed_in_a_straight_line(void **state)
{
    (void)state;
    assert_int_equal(energy_of_power(100000, 200000, SECOND_NS), 150000000); /* 150 W for 1 s */
    assert_int_equal(energy_of_power(0, 0, SECOND_NS), 0);
    assert_int_equal(energy_of_power(1, 2, 1000000), 2);    /* 1.5 uJ */
    assert_int_equal(energy_of_power(1, 1, 499999), 0);     /* 0.499999 uJ */
    assert_int_equal(energy_of_power(-1, -2, 1000000), -1); /* -1.5 uJ: upwards */
    assert_int_equal(energy_of_power(INT64_MAX, INT64_MAX, INT64_MAX), INT64_MAX);
    assert_int_equal(energy_of_power(INT64_MIN, INT64_MIN, INT64_MAX), INT64_MIN);
}

static void energy_and_power_of_a_time_fit_each_other(void **state)
{
    (void)state;
    assert_int_equal(energy_at(31000000, SECOND_NS), 31000000);
    assert_int_equal(energy_at(1, SECOND_NS / 2), 1); /* half a microjoule */
    assert_int_equal(energy_at(1, SECOND_NS / 2 - 1), 0);
    assert_int_equal(energy_at(INT64_MAX, INT64_MAX), INT64_MAX);
    assert_int_equal(energy_power_uw(31000000, SECOND_NS), 31000000);
    assert_int_equal(energy_power_uw(2, 3 * SECOND_NS), 0);
    assert_int_equal(energy_power_uw(-1, 3 * SECOND_NS), -1);
    assert_int_equal(energy_power_uw(5, 0), 0);
    assert_int_equal(energy_power_uw(INT64_MAX, 1), INT64_MAX);
}

static void parts_that_tile_a_time_add_up_to_its_weight(void **state)
{
    (void)state;
    const int128 weight = (int128)1000003 * INT64_MAX;
    uint64_t random = 3;

    for (int round = 0; round < 1000; round++) {
        int64_t from = (int64_t)(next_random(&random) % 1000000),
                to = from + 1 + (int64_t)(next_random(&random) % 1000000);
        int128 sum = 0;

        for (int64_t at = from - 10; at < to + 10;) {
            int64_t end = at + 1 + (int64_t)(next_random(&random) % 300000);
            int128 part = energy_part(weight, from, to, at, end);

            assert_true(part >= 0);
            sum += part;
            at = end;
        }
        assert_true(sum == weight);
    }
    assert_true(energy_part(100, 0, 10, 10, 20) == 0);
    assert_true(energy_part(100, 0, 10, -5, 0) == 0);
    assert_true(energy_part(100, 0, 3, 0, 1) == 33);
    assert_true(energy_part(100, 0, 3, 2, 3) == 34);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(largest_remainders_get_one_more_and_of_equal_ones_the_earlier),
        cmocka_unit_test(without_gpu_time_nobody_gets_anything),
        cmocka_unit_test(nobody_gets_less_than_nothing),
        cmocka_unit_test(one_that_sleeps_gets_nothing),
        cmocka_unit_test(random_shares_add_up_to_the_microjoule),
        cmocka_unit_test(weights_that_no_gpu_has_do_not_overflow),
        cmocka_unit_test(power_is_summed_in_a_straight_line),
        cmocka_unit_test(energy_and_power_of_a_time_fit_each_other),
        cmocka_unit_test(parts_that_tile_a_time_add_up_to_its_weight),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
