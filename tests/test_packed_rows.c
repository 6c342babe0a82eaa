/* Rows packed, and times of the few that need them, against plain arrays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schema/known_times.h"
#include "schema/packed_rows.h"

enum { ROWS = 300, COLUMNS = 115, METRICS = 31, STEPS = 40000 };

static uint64_t state = 88172645463325252u;

static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* Mostly 0, else small, large or an extreme. */
static int64_t some_value(void)
{
    static const int64_t extreme[] = { INT64_MIN, INT64_MAX, -1, 1 };
    uint64_t kind = next_random() % 16;

    if (kind < 9)
        return 0;
    if (kind == 15)
        return extreme[next_random() % 4];
    return (int64_t)next_random() >> (next_random() % 64);
}

static void every_row_is(const struct packed_rows *rows, int64_t (*plain)[COLUMNS])
{
    int64_t values[COLUMNS];

    for (size_t row = 0; row < ROWS; row++) {
        packed_rows_get(rows, row, values);
        assert_memory_equal(values, plain[row], sizeof values);
    }
}

static void rows_are_what_was_put(void **unused)
{
    static int64_t plain[ROWS][COLUMNS];
    struct packed_rows rows = { .columns = COLUMNS };

    (void)unused;
    memset(plain, 0, sizeof plain);
    assert_true(packed_rows_resize(&rows, 10));
    assert_true(packed_rows_resize(&rows, ROWS));
    every_row_is(&rows, plain);
    for (int step = 0; step < STEPS; step++) {
        size_t row = next_random() % ROWS, other = next_random() % ROWS;

        if (next_random() % 20 == 0) {
            packed_rows_clear(&rows, row);
            memset(plain[row], 0, sizeof plain[row]);
        } else if (next_random() % 20 == 0 && row != other) {
            packed_rows_move(&rows, row, other);
            memcpy(plain[row], plain[other], sizeof plain[row]);
            memset(plain[other], 0, sizeof plain[other]);
        } else {
            for (size_t c = 0; c < COLUMNS; c++)
                plain[row][c] = some_value();
            assert_true(packed_rows_put(&rows, row, plain[row]));
        }
        if (step % 1000 == 0)
            every_row_is(&rows, plain);
    }
    every_row_is(&rows, plain);
    packed_rows_release(&rows);
}

static void what_rows_leave_behind_is_used_again(void **unused)
{
    struct packed_rows rows = { .columns = COLUMNS };
    int64_t values[COLUMNS];

    (void)unused;
    assert_true(packed_rows_resize(&rows, ROWS));
    for (int step = 0; step < STEPS; step++) {
        for (size_t c = 0; c < COLUMNS; c++)
            values[c] = some_value();
        assert_true(packed_rows_put(&rows, next_random() % ROWS, values));
    }
    assert_true(rows.size < 4 * ROWS * COLUMNS * sizeof *values / 2);
    packed_rows_release(&rows);
}

static void a_row_of_small_values_takes_a_tenth(void **unused)
{
    struct packed_rows rows = { .columns = COLUMNS };
    int64_t values[COLUMNS] = { 0 };

    (void)unused;
    for (size_t c = 0; c < COLUMNS; c += 4)
        values[c] = (int64_t)c * 10;
    assert_true(packed_rows_resize(&rows, 1));
    assert_true(packed_rows_put(&rows, 0, values));
    assert_true(rows.used < sizeof values / 10);
    packed_rows_release(&rows);
}

static void times_are_what_was_set_and_never_without(void **unused)
{
    static int64_t now[ROWS][METRICS], before[ROWS][METRICS];
    struct known_times times = { .metrics = METRICS };

    (void)unused;
    for (size_t i = 0; i < (size_t)ROWS * METRICS; i++)
        (&now[0][0])[i] = (&before[0][0])[i] = INT64_MIN;
    assert_true(known_times_resize(&times, ROWS));
    for (int step = 0; step < STEPS; step++) {
        size_t to = next_random() % ROWS, from = next_random() % ROWS;
        size_t m = next_random() % METRICS;
        int64_t time_ns = (int64_t)(next_random() >> 4);

        switch (next_random() % 8) {
        case 0:
            if (m % 2 == 0) {
                known_times_clear(&times, to);
                time_ns = INT64_MIN;
            } else {
                known_times_begin(&times, to, time_ns);
            }
            for (size_t k = 0; k < METRICS; k++)
                now[to][k] = before[to][k] = time_ns;
            break;
        case 1:
            known_times_restart(&times, to, from);
            memcpy(now[to], now[from], sizeof now[to]);
            memcpy(before[to], now[from], sizeof now[to]);
            for (size_t k = 0; k < METRICS && to != from; k++)
                now[from][k] = before[from][k] = INT64_MIN;
            break;
        case 2:
            assert_true(known_times_set_both(&times, to, m, time_ns));
            now[to][m] = before[to][m] = time_ns;
            break;
        default:
            assert_true(known_times_set(&times, to, m, time_ns));
            now[to][m] = time_ns;
        }
        m = next_random() % METRICS;
        to = next_random() % ROWS;
        assert_int_equal(known_now_ns(&times, to, m), now[to][m]);
        assert_int_equal(known_before_ns(&times, to, m), before[to][m]);
    }
    assert_true(times.rows <= ROWS);
    known_times_release(&times);
}

static void a_time_of_never_needs_no_room(void **unused)
{
    struct known_times times = { .metrics = METRICS };

    (void)unused;
    assert_true(known_times_resize(&times, ROWS));
    for (size_t i = 0; i < ROWS; i++)
        assert_true(known_times_set_both(&times, i, i % METRICS, INT64_MIN));
    assert_int_equal(times.rows, 0);
    known_times_release(&times);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_what_was_put),
        cmocka_unit_test(what_rows_leave_behind_is_used_again),
        cmocka_unit_test(a_row_of_small_values_takes_a_tenth),
        cmocka_unit_test(times_are_what_was_set_and_never_without),
        cmocka_unit_test(a_time_of_never_needs_no_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
