/* Varints, blocks, overruns, and the checksum. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "schema/bytes.h"

static const uint64_t extremes[] = {
    0, 1, 127, 128, 16383, 16384, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX - 1, UINT64_MAX
};

static void varints_come_back(void **state)
{
    struct byte_writer w = { 0 };
    struct byte_reader r;
    (void)state;

    for (size_t i = 0; i < COUNT_OF(extremes); i++) {
        bytes_put_varint(&w, extremes[i]);
        bytes_put_zigzag(&w, (int64_t)extremes[i]);
    }
    r = (struct byte_reader){ .data = w.data, .size = w.used };
    for (size_t i = 0; i < COUNT_OF(extremes); i++) {
        assert_true(bytes_get_varint(&r) == extremes[i]);
        assert_true(bytes_get_zigzag(&r) == (int64_t)extremes[i]);
    }
    assert_int_equal(bytes_left(&r), 0);
    assert_false(r.overrun);
    bytes_release(&w);
}

static void every_length_of_varint_comes_back(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++)
        for (int near = -1; near <= 1; near++) {
            uint64_t value = (UINT64_C(1) << bit) + (uint64_t)near;
            struct byte_writer w = { 0 };
            struct byte_reader r;

            bytes_put_varint(&w, value);
            r = (struct byte_reader){ .data = w.data, .size = w.used };
            assert_true(bytes_get_varint(&r) == value);
            assert_int_equal(r.used, w.used);
            bytes_release(&w);
        }
}

static void varints_have_known_bytes(void **state)
{
    static const uint8_t expected[] = { 0x00, 0x7f, 0x80, 0x01, 0xac, 0x02, 0x01, 0x03 };
    struct byte_writer w = { 0 };
    (void)state;

    bytes_put_varint(&w, 0);
    bytes_put_varint(&w, 127);
    bytes_put_varint(&w, 128);
    bytes_put_varint(&w, 300);
    bytes_put_zigzag(&w, -1);
    bytes_put_zigzag(&w, -2);
    assert_int_equal(w.used, sizeof expected);
    assert_memory_equal(w.data, expected, sizeof expected);
    bytes_release(&w);
}

static void skipping_varints_ends_where_getting_them_does(void **state)
{
    struct byte_writer w = { 0 };
    enum { VARINTS = 300 };
    (void)state;

    for (uint64_t i = 0; i < VARINTS; i++)
        bytes_put_varint(&w, UINT64_MAX >> i * 37 % 64);
    for (uint64_t count = 0; count <= VARINTS; count++) {
        struct byte_reader got = { .data = w.data, .size = w.used }, skipped = got;

        for (uint64_t i = 0; i < count; i++)
            (void)bytes_get_varint(&got);
        bytes_skip_varints(&skipped, count);
        assert_int_equal(skipped.used, got.used);
        assert_false(skipped.overrun);
    }
    for (size_t size = 0; size < w.used; size++) { /* fewer than asked for */
        struct byte_reader r = { .data = w.data, .size = size };

        bytes_skip_varints(&r, VARINTS);
        assert_true(r.overrun);
    }
    bytes_release(&w);
}

static void overlong_varints_are_refused(void **state)
{
    static const uint8_t eleven[] = { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
                                      0x80, 0x80, 0x80, 0x80, 0x00 };
    static const uint8_t above_64_bits[] = { 0xff, 0xff, 0xff, 0xff, 0xff,
                                             0xff, 0xff, 0xff, 0xff, 0x02 };
    struct byte_reader r = { .data = eleven, .size = sizeof eleven };
    (void)state;

    assert_true(bytes_get_varint(&r) == 0);
    assert_true(r.overrun);
    r = (struct byte_reader){ .data = above_64_bits, .size = sizeof above_64_bits };
    assert_true(bytes_get_varint(&r) == 0);
    assert_true(r.overrun);
}

static void every_truncation_overruns(void **state)
{
    struct byte_writer w = { 0 };
    (void)state;

    bytes_put_u8(&w, 7);
    bytes_put_varint(&w, UINT64_MAX);
    bytes_put_u32(&w, 0x01020304);
    bytes_put_u64(&w, UINT64_C(0x0102030405060708));
    bytes_put_block(&w, "hello", 5);
    for (size_t cut = 0; cut <= w.used; cut++) {
        uint8_t *copy = malloc(cut + 1); /* exact, so that the sanitizer sees a read beyond */
        struct byte_reader r = { .data = copy, .size = cut };
        const uint8_t *block;
        size_t size;

        memcpy(copy, w.data, cut);
        (void)bytes_get_u8(&r);
        (void)bytes_get_varint(&r);
        (void)bytes_get_u32(&r);
        (void)bytes_get_u64(&r);
        block = bytes_get_block(&r, &size);
        assert_int_equal(r.overrun, cut < w.used);
        if (cut == w.used) {
            assert_int_equal(size, 5);
            assert_memory_equal(block, "hello", 5);
        } else {
            assert_null(block);
            assert_int_equal(size, 0);
        }
        free(copy);
    }
    bytes_release(&w);
}

static void a_reader_past_its_end_gives_zeros(void **state)
{
    struct byte_reader r = { .data = (const uint8_t *)"\x01", .size = 1 };
    (void)state;

    assert_int_equal(bytes_get_u8(&r), 1);
    assert_int_equal(bytes_get_u8(&r), 0);
    assert_int_equal(bytes_get_u32(&r), 0);
    assert_true(bytes_get_varint(&r) == 0);
    assert_null(bytes_get(&r, 0));
    assert_true(r.overrun);
}

static void a_block_longer_than_the_rest_is_refused(void **state)
{
    static const uint8_t huge[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 1 };
    struct byte_reader r = { .data = huge, .size = sizeof huge };
    size_t size = 99;
    (void)state;

    assert_null(bytes_get_block(&r, &size));
    assert_int_equal(size, 0);
    assert_true(r.overrun);
}

static void scalars_are_little_endian(void **state)
{
    static const uint8_t expected[] = { 4, 3, 2, 1, 8, 7, 6, 5, 4, 3, 2, 1 };
    struct byte_writer w = { 0 };
    (void)state;

    bytes_put_u32(&w, 0x01020304);
    bytes_put_u64(&w, UINT64_C(0x0102030405060708));
    assert_int_equal(w.used, sizeof expected);
    assert_memory_equal(w.data, expected, sizeof expected);
    bytes_release(&w);
}

static void a_writer_grows_and_keeps_its_memory(void **state)
{
    struct byte_writer w = { 0 };
    size_t size;
    (void)state;

    for (int i = 0; i < 100000; i++)
        bytes_put_u8(&w, (uint8_t)i);
    assert_int_equal(w.used, 100000);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(w.data[i], i & 255);
    size = w.size;
    bytes_reset(&w);
    assert_int_equal(w.used, 0);
    assert_int_equal(w.size, size);
    assert_false(bytes_reserve(&w, SIZE_MAX / 2));
    assert_true(w.full);
    bytes_release(&w);
}

/* RFC 3720, B.4, and the check value of the catalogue of CRCs. */
static void crc32c_has_known_values(void **state)
{
    uint8_t bytes[32];
    (void)state;

    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(crc32c(0, bytes, sizeof bytes), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(crc32c(0, bytes, sizeof bytes), 0x62a8ab43);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    assert_int_equal(crc32c(0, bytes, sizeof bytes), 0x46dd794e);
    assert_int_equal(crc32c(0, bytes, 0), 0);
}

static void crc32c_may_be_taken_in_pieces(void **state)
{
    uint8_t bytes[100];
    (void)state;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 37);
    for (size_t cut = 0; cut <= sizeof bytes; cut++)
        assert_int_equal(crc32c(crc32c(0, bytes, cut), bytes + cut, sizeof bytes - cut),
                         crc32c(0, bytes, sizeof bytes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(varints_come_back),
        cmocka_unit_test(every_length_of_varint_comes_back),
        cmocka_unit_test(varints_have_known_bytes),
        cmocka_unit_test(overlong_varints_are_refused),
        cmocka_unit_test(skipping_varints_ends_where_getting_them_does),
        cmocka_unit_test(every_truncation_overruns),
        cmocka_unit_test(a_reader_past_its_end_gives_zeros),
        cmocka_unit_test(a_block_longer_than_the_rest_is_refused),
        cmocka_unit_test(scalars_are_little_endian),
        cmocka_unit_test(a_writer_grows_and_keeps_its_memory),
        cmocka_unit_test(crc32c_has_known_values),
        cmocka_unit_test(crc32c_may_be_taken_in_pieces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
