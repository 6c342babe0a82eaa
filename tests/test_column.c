/* Planes: runs of integers and their bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "schema/column.h"

static const int64_t extremes[] = { 0,
                                    INT64_MIN,
                                    INT64_MAX,
                                    -1,
                                    1,
                                    127,
                                    128,
                                    INT64_MIN,
                                    -128,
                                    -129,
                                    32767,
                                    -32768,
                                    1 << 23,
                                    -(1 << 23) - 1,
                                    INT64_MAX,
                                    0,
                                    0,
                                    1L << 55,
                                    -(1L << 55) - 1 };

enum { COUNT = COUNT_OF(extremes) };

static void expect_back(const int64_t values[], size_t count)
{
    struct byte_writer w = { 0 };
    int64_t *back = malloc((count + 1) * sizeof *back);
    struct byte_reader r;
    struct error err;

    column_encode(values, count, &w);
    r = (struct byte_reader){ .data = w.data, .size = w.used };
    assert_int_equal(column_decode(&r, back, count, &err), STATUS_OK);
    assert_int_equal(bytes_left(&r), 0);
    for (size_t i = 0; i < count; i++)
        assert_true(back[i] == values[i]);
    free(back);
    bytes_release(&w);
}

static void extremes_come_back(void **state)
{
    (void)state;
    for (size_t count = 0; count <= COUNT; count++)
        for (size_t at = 0; at + count <= COUNT; at++)
            expect_back(extremes + at, count);
}

static void every_length_comes_back(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 63; bit++) {
        int64_t edge = (int64_t)(UINT64_C(1) << bit);
        int64_t values[] = { edge, edge - 1, -edge, -edge - 1, edge + 1 };

        expect_back(values, COUNT_OF(values));
    }
}

/* Of a run of which lengths repeat every 19 values, so that parts begin and end at any of sixteen. */
static void a_part_is_the_part_of_the_whole(void **state)
{
    enum { LONG = 3 * COUNT };
    int64_t values[LONG], back[LONG];
    struct byte_writer w = { 0 };
    struct error err;

    (void)state;
    for (size_t i = 0; i < LONG; i++)
        values[i] = extremes[i % COUNT];
    column_encode(values, LONG, &w);
    for (size_t first = 0; first <= LONG; first++)
        for (size_t end = first; end <= LONG; end++) {
            struct byte_reader r = { .data = w.data, .size = w.used };

            memset(back, 0x55, sizeof back);
            assert_int_equal(column_decode_some(&r, back, LONG, first, end, &err), STATUS_OK);
            assert_int_equal(bytes_left(&r), 0);
            for (size_t i = 0; i < LONG; i++)
                assert_true(back[i] ==
                            (i >= first && i < end ? values[i] : INT64_C(0x5555555555555555)));
        }
    bytes_release(&w);
}

static void nothing_is_no_bytes(void **state)
{
    struct byte_writer w = { 0 };
    (void)state;

    column_encode(extremes, 0, &w);
    assert_int_equal(w.used, 0);
    bytes_release(&w);
}

static void zeros_cost_half_a_byte(void **state)
{
    static const int64_t zeros[7];
    struct byte_writer w = { 0 };
    (void)state;

    column_encode(zeros, 7, &w);
    assert_int_equal(w.used, 4);
    bytes_release(&w);
}

/* The example of schema/FORMAT.md. */
static void golden_bytes_stay(void **state)
{
    static const int64_t values[] = { 0, -1, 300, 5 };
    static const uint8_t expected[] = { 0x10, 0x12, 0x01, 0x58, 0x0a, 0x02 };
    static const int64_t odd[] = { INT64_MIN, 2, INT64_MAX };
    static const uint8_t odd_expected[] = { 0x18, 0x08, 0xff, 0x04, 0xfe, 0xff, 0xff,
                                            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                            0xff, 0xff, 0xff, 0xff, 0xff };
    struct byte_writer w = { 0 };
    (void)state;

    column_encode(values, COUNT_OF(values), &w);
    assert_int_equal(w.used, sizeof expected);
    assert_memory_equal(w.data, expected, sizeof expected);
    bytes_reset(&w);
    column_encode(odd, COUNT_OF(odd), &w);
    assert_int_equal(w.used, sizeof odd_expected);
    assert_memory_equal(w.data, odd_expected, sizeof odd_expected);
    bytes_release(&w);
}

static void it_is_appended_and_leaves_what_follows(void **state)
{
    struct byte_writer w = { 0 };
    struct byte_reader r;
    struct error err;
    int64_t back[COUNT];
    (void)state;

    bytes_put_u8(&w, 0xaa);
    column_encode(extremes, COUNT, &w);
    bytes_put_u8(&w, 0x55);
    r = (struct byte_reader){ .data = w.data, .size = w.used };
    assert_int_equal(bytes_get_u8(&r), 0xaa);
    assert_int_equal(column_decode(&r, back, COUNT, &err), STATUS_OK);
    assert_int_equal(bytes_get_u8(&r), 0x55);
    assert_int_equal(bytes_left(&r), 0);
    bytes_release(&w);
}

static void every_truncation_is_corrupt(void **state)
{
    struct byte_writer w = { 0 };
    (void)state;

    column_encode(extremes, COUNT, &w);
    for (size_t cut = 0; cut < w.used; cut++) {
        uint8_t *copy = malloc(cut + 1);
        struct byte_reader r = { .data = copy, .size = cut };
        struct error err = { 0 };
        int64_t back[COUNT];

        memcpy(copy, w.data, cut);
        assert_int_equal(column_decode(&r, back, COUNT, &err), STATUS_CORRUPT);
        free(copy);
    }
    bytes_release(&w);
}

static void lengths_above_8_are_corrupt(void **state)
{
    (void)state;
    for (unsigned length = 9; length < 16; length++)
        for (unsigned shift = 0; shift <= 4; shift += 4) {
            uint8_t bytes[64] = { (uint8_t)(length << shift) };
            struct byte_reader r = { .data = bytes, .size = sizeof bytes };
            struct error err = { 0 };
            int64_t back[2];

            assert_int_equal(column_decode(&r, back, 2, &err), STATUS_CORRUPT);
        }
}

static void a_count_beyond_all_bytes_is_corrupt(void **state)
{
    uint8_t bytes[8] = { 0 };
    struct byte_reader r = { .data = bytes, .size = sizeof bytes };
    struct error err = { 0 };
    (void)state;

    assert_int_equal(column_decode(&r, NULL, SIZE_MAX, &err), STATUS_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extremes_come_back),
        cmocka_unit_test(every_length_comes_back),
        cmocka_unit_test(a_part_is_the_part_of_the_whole),
        cmocka_unit_test(nothing_is_no_bytes),
        cmocka_unit_test(zeros_cost_half_a_byte),
        cmocka_unit_test(golden_bytes_stay),
        cmocka_unit_test(it_is_appended_and_leaves_what_follows),
        cmocka_unit_test(every_truncation_is_corrupt),
        cmocka_unit_test(lengths_above_8_are_corrupt),
        cmocka_unit_test(a_count_beyond_all_bytes_is_corrupt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
