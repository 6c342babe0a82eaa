/* Where a window is cut into steps: on clocks that go on, and on those that are changed. */
#include "analyzer/timeline_buckets.h"

#include "tests/zone_fixture.h"

/* 2026-01-01T00:00:00Z */
#define NEW_YEAR (INT64_C(1767225600) * SECOND)
/* 02:00 -> 03:00 on 2026-03-29 and 03:00 -> 02:00 on 2026-10-25, both at 01:00 UTC. */
#define FORWARD (INT64_C(1774746000) * SECOND)
#define BACK (INT64_C(1792890000) * SECOND)

static const struct zone winter = { .offset_s = 3600,
                                    .next_change_ns = FORWARD,
                                    .next_offset_s = 7200 };
static const struct zone summer = { .offset_s = 7200,
                                    .next_change_ns = BACK,
                                    .next_offset_s = 3600 };

static struct timeline_buckets cut(int64_t from_ns, int64_t to_ns, int64_t step_ns,
                                   const struct zone *zone)
{
    const struct window window = { from_ns, to_ns };
    struct timeline_buckets b;
    struct error err = { 0 };

    assert_int_equal(timeline_buckets_cut(&b, &window, step_ns, zone, &err), STATUS_OK);
    return b;
}

static void steps_begin_at_multiples_of_local_time(void **state)
{
    struct timeline_buckets b = cut(NEW_YEAR + 5 * HOUR, NEW_YEAR + 49 * HOUR, DAY, &winter);
    (void)state;

    assert_int_equal(b.count, 3);
    assert_int_equal(b.from_ns, NEW_YEAR + 5 * HOUR);
    assert_int_equal(b.end_ns[0], NEW_YEAR + 23 * HOUR);
    assert_int_equal(b.end_ns[1], NEW_YEAR + 47 * HOUR);
    assert_int_equal(b.end_ns[2], NEW_YEAR + 49 * HOUR);
    timeline_buckets_release(&b);
}

static void without_a_zone_they_are_those_of_utc(void **state)
{
    struct timeline_buckets b = cut(NEW_YEAR, NEW_YEAR + 25 * SECOND, 10 * SECOND, NULL);
    (void)state;

    assert_int_equal(b.count, 3);
    assert_int_equal(b.end_ns[0], NEW_YEAR + 10 * SECOND);
    assert_int_equal(b.end_ns[2], NEW_YEAR + 25 * SECOND);
    timeline_buckets_release(&b);
}

/* Days from local midnight to local midnight, one of them 23 or 25 hours long. */
static void check_days(const struct zone *zone, int64_t change_ns, int64_t length_ns)
{
    int64_t midnight; /* local 00:00 of that day */
    struct timeline_buckets b;

    midnight = change_ns + zone->offset_s * SECOND;
    midnight -= midnight % DAY;
    midnight -= zone->offset_s * SECOND;
    b = cut(midnight - DAY, midnight + 3 * DAY, DAY, zone);
    assert_int_equal(b.end_ns[0], midnight);
    assert_int_equal(b.end_ns[1] - b.end_ns[0], length_ns);
    assert_int_equal(b.end_ns[2] - b.end_ns[1], DAY);
    timeline_buckets_release(&b);
}

static void a_day_in_which_clocks_are_changed_is_shorter_or_longer(void **state)
{
    (void)state;
    check_days(&winter, FORWARD, 23 * HOUR);
    check_days(&summer, BACK, 25 * HOUR);
}

static void short_steps_do_not_heed_the_change(void **state)
{
    struct timeline_buckets b = cut(BACK - MINUTE, BACK + MINUTE, 10 * SECOND, &summer);
    (void)state;

    assert_int_equal(b.count, 12);
    for (size_t i = 0; i < b.count; i++)
        assert_int_equal(b.end_ns[i], BACK - MINUTE + (int64_t)(i + 1) * 10 * SECOND);
    timeline_buckets_release(&b);
}

static uint64_t random_next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 16;
}

static void any_window_is_tiled_and_every_time_found(void **state)
{
    uint64_t seed = 7;
    (void)state;

    for (int round = 0; round < 3000; round++) {
        const struct zone *zone = round % 2 == 0 ? &winter : &summer;
        int64_t from_ns = zone->next_change_ns - (int64_t)(random_next(&seed) % (3 * DAY));
        int64_t to_ns = from_ns + 1 + (int64_t)(random_next(&seed) % (5 * DAY));
        int64_t step_ns = MINUTE + (int64_t)(random_next(&seed) % (2 * DAY));
        struct timeline_buckets b = cut(from_ns, to_ns, step_ns, zone);
        int64_t at_ns = from_ns + 1 + (int64_t)(random_next(&seed) % (uint64_t)(to_ns - from_ns));
        size_t found = timeline_bucket(&b, at_ns);

        for (size_t i = 0; i < b.count; i++) {
            assert_true(b.end_ns[i] > timeline_bucket_from(&b, i));
            assert_true(b.end_ns[i] - timeline_bucket_from(&b, i) <= step_ns + HOUR);
        }
        assert_int_equal(b.end_ns[b.count - 1], to_ns);
        assert_true(timeline_bucket_from(&b, found) < at_ns && at_ns <= b.end_ns[found]);
        timeline_buckets_release(&b);
    }
}

static void times_at_the_ends_of_what_fits_do_no_harm(void **state)
{
    struct timeline_buckets b = cut(INT64_MIN, INT64_MAX, INT64_MAX, NULL);
    (void)state;

    assert_true(b.count >= 2 && b.count <= 4);
    assert_int_equal(b.end_ns[b.count - 1], INT64_MAX);
    timeline_buckets_release(&b);
}

static void more_steps_than_can_be_are_refused(void **state)
{
    const struct window window = { NEW_YEAR, NEW_YEAR + DAY };
    struct timeline_buckets b = { 0 };
    struct error err = { 0 };
    (void)state;

    assert_int_equal(timeline_buckets_cut(&b, &window, 1, NULL, &err), STATUS_INVALID);
    timeline_buckets_release(&b);
}

static void without_a_step_there_are_sixty_at_most(void **state)
{
    uint64_t seed = 9;
    (void)state;

    for (int round = 0; round < 1000; round++) {
        struct window window = { NEW_YEAR,
                                 NEW_YEAR + 1 + (int64_t)(random_next(&seed) % (60 * DAY)) };

        assert_true(timeline_step(&window) * 60 >= window.to_ns - window.from_ns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_begin_at_multiples_of_local_time),
        cmocka_unit_test(without_a_zone_they_are_those_of_utc),
        cmocka_unit_test(a_day_in_which_clocks_are_changed_is_shorter_or_longer),
        cmocka_unit_test(short_steps_do_not_heed_the_change),
        cmocka_unit_test(any_window_is_tiled_and_every_time_found),
        cmocka_unit_test(times_at_the_ends_of_what_fits_do_no_harm),
        cmocka_unit_test(more_steps_than_can_be_are_refused),
        cmocka_unit_test(without_a_step_there_are_sixty_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
