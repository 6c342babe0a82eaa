/* Columns of the page: their bytes, which analyzer/page/packed.js reads, and base64. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "analyzer/page_pack.h"

static void assert_packed(const int64_t value[], size_t count, const char *bytes, size_t size)
{
    struct byte_writer w = { 0 };

    page_pack(&w, value, count);
    assert_false(w.full);
    assert_int_equal(w.used, size);
    assert_memory_equal(w.data, bytes, size);
    bytes_release(&w);
}

static void values_are_zigzag_varints(void **state)
{
    const int64_t value[] = { 1, -1, 64, -65, 1 };

    (void)state;
    assert_packed(value, COUNT_OF(value), "\0\x02\x01\x80\x01\x81\x01\x02", 8);
}

static void zeros_are_a_run(void **state)
{
    static const int64_t value[300] = { [0] = 5, [299] = 5 };
    static const int64_t none[1000];

    (void)state;
    assert_packed(value, 300, "\0\x0a\0\xa9\x02\x0a", 6); /* 298 zeros: one and 297 more */
    assert_packed(none, 1000, "\0\0\xe7\x07", 4);
    assert_packed(none, 0, "\0", 1);
}

static void a_steady_column_is_differences(void **state)
{
    int64_t value[100];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(value); i++)
        value[i] = 1000000 + (i >= 50);
    assert_packed(value, COUNT_OF(value), "\1\x80\x89\x7a\0\x30\x02\0\x30", 9);
}

static void extremes_fit(void **state)
{
    const int64_t value[] = { INT64_MIN, INT64_MAX, INT64_MIN };
    struct byte_writer w = { 0 };

    (void)state;
    page_pack(&w, value, COUNT_OF(value)); /* differences wrap: 1, then -1 */
    assert_int_equal(w.used, 13);
    assert_memory_equal(w.data, "\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01\x02", 13);
    bytes_release(&w);
}

static void base64_is_that_of_rfc_4648(void **state)
{
    static const char *const pairs[][2] = { { "", "" },
                                            { "f", "Zg==" },
                                            { "fo", "Zm8=" },
                                            { "foo", "Zm9v" },
                                            { "foob", "Zm9vYg==" },
                                            { "fooba", "Zm9vYmE=" },
                                            { "foobar", "Zm9vYmFy" },
                                            { "\xff\xfe\xfd", "//79" } };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        struct byte_writer w = { 0 };

        page_put_base64(&w, (const uint8_t *)pairs[i][0], strlen(pairs[i][0]));
        assert_int_equal(w.used, strlen(pairs[i][1]));
        assert_memory_equal(w.data, pairs[i][1], w.used);
        bytes_release(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_zigzag_varints),      cmocka_unit_test(zeros_are_a_run),
        cmocka_unit_test(a_steady_column_is_differences), cmocka_unit_test(extremes_fit),
        cmocka_unit_test(base64_is_that_of_rfc_4648),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
