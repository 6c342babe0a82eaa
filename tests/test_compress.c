/* Frames: zstd or plain, whichever is shorter; damage is seen in both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "schema/compress.h"

enum { LIMIT = 1 << 20, SIZES = 200 };

static void fill(uint8_t bytes[], size_t size, uint32_t random)
{
    for (size_t i = 0; i < size; i++) {
        random = random * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(random >> 24);
    }
}

static void expect_back(const uint8_t bytes[], size_t size, size_t longest)
{
    struct compressor c = { 0 };
    struct decompressor d = { 0 };
    struct byte_writer w = { 0 };
    struct byte_reader r;
    struct error err;

    assert_int_equal(compress_frame(&c, COMPRESS_SEAL, bytes, size, &w, &err), STATUS_OK);
    assert_true(w.used <= longest);
    assert_int_equal(decompress_frame(&d, w.data, w.used, LIMIT, &r, &err), STATUS_OK);
    assert_int_equal(r.size, size);
    assert_memory_equal(r.data, bytes, size);
    for (size_t cut = 0; cut < w.used; cut++)
        assert_int_equal(decompress_frame(&d, w.data, cut, LIMIT, &r, &err), STATUS_CORRUPT);
    if (size > 0)
        assert_int_equal(decompress_frame(&d, w.data, w.used, size - 1, &r, &err), STATUS_CORRUPT);
    bytes_release(&w);
    compressor_release(&c);
    decompressor_release(&d);
}

static void frames_of_every_size_come_back(void **state)
{
    static uint8_t bytes[SIZES];
    (void)state;

    for (size_t size = 0; size < SIZES; size++) {
        fill(bytes, size, (uint32_t)size);
        expect_back(bytes, size, size + 5); /* what cannot be compressed is plain */
        memset(bytes, 7, size);
        expect_back(bytes, size, size <= 128 ? size + 5 : 40);
    }
}

static void a_flipped_bit_of_a_plain_frame_is_seen(void **state)
{
    struct compressor c = { 0 };
    struct decompressor d = { 0 };
    struct byte_writer w = { 0 };
    struct byte_reader r;
    struct error err;
    (void)state;

    assert_int_equal(compress_frame(&c, COMPRESS_SEAL, "few bytes", 9, &w, &err), STATUS_OK);
    assert_int_equal(w.used, 14);
    for (size_t bit = 0; bit < w.used * 8; bit++) {
        w.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(decompress_frame(&d, w.data, w.used, LIMIT, &r, &err), STATUS_CORRUPT);
        w.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    bytes_release(&w);
    compressor_release(&c);
    decompressor_release(&d);
}

/* One is within the limit; reading them all would take as long as the file likes. */
static void bombs_one_after_the_other_are_damage(void **state)
{
    const size_t content = 1 << 27;
    uint8_t *zeros = calloc(content, 1);
    struct compressor c = { 0 };
    struct decompressor d = { 0 };
    struct byte_writer w = { 0 };
    struct byte_reader r;
    struct error err;
    size_t taken = 0;
    (void)state;

    assert_non_null(zeros);
    assert_int_equal(compress_frame(&c, COMPRESS_SEAL, zeros, content, &w, &err), STATUS_OK);
    free(zeros);
    assert_true(w.used < content / 5000);
    while (taken < 20 && decompress_frame(&d, w.data, w.used, content, &r, &err) == STATUS_OK)
        taken++;
    assert_in_range(taken, 1, 19);
    assert_int_equal(err.status, STATUS_CORRUPT);
    bytes_release(&w);
    compressor_release(&c);
    decompressor_release(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_of_every_size_come_back),
        cmocka_unit_test(a_flipped_bit_of_a_plain_frame_is_seen),
        cmocka_unit_test(bombs_one_after_the_other_are_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
