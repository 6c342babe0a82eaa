/* Escaping of hostile text, and numbers and times as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/decimal.h"
#include "analyzer/escape.h"
#include "analyzer/human.h"

/* String literals with NULs inside. */
#define BYTES(literal) literal, sizeof(literal) - 1

static char shown[4096];

static const char *csv(const char *text, size_t size, bool safe)
{
    char *end = escape_put_csv(shown, text, size, safe);

    assert_true((size_t)(end - shown) <= ESCAPE_ROOM(size));
    *end = '\0';
    return shown;
}

static const char *json(const char *text, size_t size)
{
    char *end = escape_put_json(shown, text, size);

    assert_true((size_t)(end - shown) <= ESCAPE_ROOM(size));
    *end = '\0';
    return shown;
}

static const char *terminal(const char *text, size_t size)
{
    *escape_put_terminal(shown, text, size) = '\0';
    return shown;
}

static void csv_quotes_only_what_needs_it(void **state)
{
    (void)state;
    assert_string_equal(csv(BYTES("plain text"), false), "plain text");
    assert_string_equal(csv(BYTES(""), false), "\"\"");
    assert_string_equal(csv(NULL, 0, true), "\"\"");
    assert_string_equal(csv(BYTES("a,b"), false), "\"a,b\"");
    assert_string_equal(csv(BYTES("a\"b"), false), "\"a\"\"b\"");
    assert_string_equal(csv(BYTES(" a"), false), "\" a\"");
    assert_string_equal(csv(BYTES("a "), false), "\"a \"");
    assert_string_equal(csv(BYTES("a\"b\n=1+1\x1b[31m,c\\"), false),
                        "\"a\"\"b\\x0a=1+1\\x1b[31m,c\\\\\"");
}

static void csv_safe_disarms_formulas(void **state)
{
    (void)state;
    assert_string_equal(csv(BYTES("=1+1"), true), "'=1+1");
    assert_string_equal(csv(BYTES("=1+1"), false), "=1+1");
    assert_string_equal(csv(BYTES("+1"), true), "'+1");
    assert_string_equal(csv(BYTES("-x"), true), "'-x");
    assert_string_equal(csv(BYTES("@a,b"), true), "\"'@a,b\"");
    assert_string_equal(csv(BYTES("\tx"), true), "'\\x09x");
    assert_string_equal(csv(BYTES("\rx"), true), "'\\x0dx");
    assert_string_equal(csv(BYTES("a=1"), true), "a=1");
    assert_string_equal(csv(BYTES("\0=1"), true), "\\x00=1");
}

static void utf8_passes_and_what_is_not_is_escaped(void **state)
{
    (void)state;
    assert_string_equal(csv(BYTES("gr\xc3\xbc\xc3\x9f \xe6\x97\xa5 \xf0\x9f\x98\x80"), false),
                        "gr\xc3\xbc\xc3\x9f \xe6\x97\xa5 \xf0\x9f\x98\x80");
    assert_string_equal(csv(BYTES("\xff\xfe"), false), "\\xff\\xfe");
    assert_string_equal(csv(BYTES("\xc0\xaf"), false), "\\xc0\\xaf");
    assert_string_equal(csv(BYTES("\xe0\x80\xaf"), false), "\\xe0\\x80\\xaf");
    assert_string_equal(csv(BYTES("\xed\xa0\x80"), false), "\\xed\\xa0\\x80");
    assert_string_equal(csv(BYTES("\xf4\x90\x80\x80"), false), "\\xf4\\x90\\x80\\x80");
    assert_string_equal(csv(BYTES("\xf5\x80\x80\x80"), false), "\\xf5\\x80\\x80\\x80");
    assert_string_equal(csv(BYTES("\xe6\x97"), false), "\\xe6\\x97");
    assert_string_equal(csv(BYTES("\xe6\x97,\xf4\x8f\xbf\xbf"), false),
                        "\"\\xe6\\x97,\xf4\x8f\xbf\xbf\"");
    assert_string_equal(csv(BYTES("\x7f\xc2\x80\xc2\x9f\xc2\xa0"), false),
                        "\\x7f\\xc2\\x80\\xc2\\x9f\xc2\xa0");
}

static void terminals_also_never_see_reordering(void **state)
{
    /* RIGHT-TO-LEFT OVERRIDE, as bytes: this source shall not be reordered by it either */
    static const char reordering[] = { 'a', '\xe2', '\x80', '\xae', 'b', '\0' };
    (void)state;

    assert_string_equal(terminal(reordering, 5), "a\\xe2\\x80\\xaeb");
    assert_string_equal(csv(reordering, 5, false), reordering);
    assert_string_equal(terminal(BYTES("\xd8\x9c\xef\xbb\xbf")), "\\xd8\\x9c\\xef\\xbb\\xbf");
    assert_string_equal(terminal(BYTES("\x1b]0;x\x07 \"q\", \\")), "\\x1b]0;x\\x07 \"q\", \\\\");
    assert_string_equal(terminal(BYTES("\xe2\x81\xa6x\xe2\x81\xa9")),
                        "\\xe2\\x81\\xa6x\\xe2\\x81\\xa9");
}

static void json_strings_are_valid_and_reversible(void **state)
{
    (void)state;
    assert_string_equal(json(BYTES("")), "\"\"");
    assert_string_equal(json(NULL, 0), "\"\"");
    assert_string_equal(json(BYTES("a,\"b\\\n\x1b\0")), "\"a,\\\"b\\\\\\u000a\\u001b\\u0000\"");
    assert_string_equal(json(BYTES("\x7f\xc2\x85")), "\"\\u007f\\u0085\"");
    assert_string_equal(json(BYTES("\xff\x80x")), "\"\\udcff\\udc80x\"");
    assert_string_equal(json(BYTES("\xed\xa0\x80")), "\"\\udced\\udca0\\udc80\"");
    assert_string_equal(json(BYTES("\xf0\x9f\x98\x80")), "\"\xf0\x9f\x98\x80\"");
}

/* Undo \xHH and \\ . */
static size_t unescape(const char *text, char *out)
{
    char *start = out;

    while (*text != '\0') {
        unsigned byte;

        if (*text != '\\') {
            *out++ = *text++;
        } else if (text[1] == '\\') {
            *out++ = '\\';
            text += 2;
        } else {
            assert_int_equal(sscanf(text, "\\x%2x", &byte), 1);
            *out++ = (char)(unsigned char)byte;
            text += 4;
        }
    }
    return (size_t)(out - start);
}

static void every_pair_of_bytes_comes_back_from_a_terminal_text(void **state)
{
    (void)state;
    for (unsigned pair = 0; pair < 65536; pair++) {
        char text[2] = { (char)(pair >> 8), (char)(pair & 255) };
        char back[16];

        assert_int_equal(unescape(terminal(text, 2), back), 2);
        assert_memory_equal(back, text, 2);
        for (const char *p = shown; *p != '\0'; p++)
            assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
    }
}

static void shown_text_is_bounded(void **state)
{
    (void)state;
    for (size_t size = 4; size < 40; size++) {
        char *out = malloc(size);

        assert_non_null(escape_show(out, size, "x\x1b[31m\xff\xc3\xbc long enough to be cut"));
        assert_true(strlen(out) < size);
        free(out);
    }
    assert_string_equal(escape_show(shown, 8, "1234567"), "1234567");
    assert_string_equal(escape_show(shown, 8, "12345678"), "1234...");
    assert_string_equal(escape_show(shown, 8, ""), "");
}

static void columns_count_what_a_terminal_shows(void **state)
{
    (void)state;
    assert_int_equal(escape_columns(BYTES("abc")), 3);
    assert_int_equal(escape_columns(BYTES("gr\xc3\xbc\xc3\x9f")), 4);
    assert_int_equal(escape_columns(BYTES("\xe6\x97\xa5\xe6\x9c\xac")), 4);
    assert_int_equal(escape_columns(BYTES("e\xcc\x81")), 1);
    assert_int_equal(escape_cut(BYTES("abc"), 2), 2);
    assert_int_equal(escape_cut(BYTES("\xe6\x97\xa5\xe6\x9c\xac"), 3), 3);
    assert_int_equal(escape_cut(BYTES("e\xcc\x81x"), 1), 3);
    assert_int_equal(escape_cut(BYTES("abc"), 0), 0);
}

static void integers_equal_printf(void **state)
{
    static const int64_t extremes[] = { 0, 1, -1, 9, 10, 99, 100, INT64_MAX, INT64_MIN };
    char text[DECIMAL_ROOM];
    char expected[DECIMAL_ROOM];
    (void)state;

    for (size_t i = 0; i < sizeof extremes / sizeof extremes[0]; i++) {
        *decimal_put_i64(text, extremes[i]) = '\0';
        (void)snprintf(expected, sizeof expected, "%lld", (long long)extremes[i]);
        assert_string_equal(text, expected);
    }
    for (int power = 0; power < 20; power++) {
        for (uint64_t less = 0; less < 3; less++) {
            uint64_t value = decimal_powers[power] - less + 1;

            *decimal_put_u64(text, value) = '\0';
            (void)snprintf(expected, sizeof expected, "%llu", (unsigned long long)value);
            assert_string_equal(text, expected);
        }
    }
    for (uint64_t i = 0, random = 1; i < 20000; i++) { /* of all lengths */
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407U;
        *decimal_put_u64(text, random >> i % 64) = '\0';
        (void)snprintf(expected, sizeof expected, "%llu", (unsigned long long)(random >> i % 64));
        assert_string_equal(text, expected);
    }
    *decimal_put_u64(text, UINT64_MAX) = '\0';
    assert_string_equal(text, "18446744073709551615");
}

static const char *scaled(int64_t value, int exponent)
{
    *decimal_put_scaled(shown, value, exponent) = '\0';
    return shown;
}

static void decimals_are_exact(void **state)
{
    (void)state;
    assert_string_equal(scaled(1234567, -6), "1.234567");
    assert_string_equal(scaled(1500000, -6), "1.5");
    assert_string_equal(scaled(2000000, -6), "2");
    assert_string_equal(scaled(1, -6), "0.000001");
    assert_string_equal(scaled(-1, -6), "-0.000001");
    assert_string_equal(scaled(0, -6), "0");
    assert_string_equal(scaled(0, 6), "0");
    assert_string_equal(scaled(12, 3), "12000");
    assert_string_equal(scaled(INT64_MIN, -9), "-9223372036.854775808");
    assert_string_equal(scaled(INT64_MIN, -19), "-0.9223372036854775808");
    assert_string_equal(scaled(INT64_MAX, -18), "9.223372036854775807");
    assert_string_equal(scaled(INT64_MIN, 19), "-92233720368547758080000000000000000000");
}

static void reals_read_back_the_same(void **state)
{
    static const double reals[] = { 0.1,
                                    1.0 / 3,
                                    1e300,
                                    5e-324,
                                    -2.5,
                                    123456789.123456789,
                                    1e-7,
                                    1e15,
                                    1e17,
                                    0.30000000000000004,
                                    -1e300,
                                    3e20,
                                    1.7976931348623157e308 };
    (void)state;

    for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++) {
        *decimal_put_real(shown, reals[i]) = '\0';
        assert_true(strtod(shown, NULL) == reals[i]);
        assert_null(strchr(shown, ','));
    }
    *decimal_put_real(shown, 0.1) = '\0';
    assert_string_equal(shown, "0.1");
    *decimal_put_real(shown, -0.0) = '\0';
    assert_string_equal(shown, "0");
    *decimal_put_fixed(shown, -0.04, 1) = '\0';
    assert_string_equal(shown, "0.0");
    *decimal_put_fixed(shown, 2.25, 1) = '\0';
    assert_string_equal(shown, "2.3");
}

static const char *rfc3339(struct decimal_clock *clock, int64_t ns)
{
    char *end = decimal_put_rfc3339(clock, shown, ns);

    assert_int_equal(end - shown, DECIMAL_RFC3339_SIZE);
    *end = '\0';
    return shown;
}

static void times_are_rfc3339_with_nine_digits(void **state)
{
    struct decimal_clock clock = { 0 };
    (void)state;

    assert_string_equal(rfc3339(&clock, 0), "1970-01-01T00:00:00.000000000Z");
    assert_string_equal(rfc3339(&clock, 1), "1970-01-01T00:00:00.000000001Z");
    assert_string_equal(rfc3339(&clock, -1), "1969-12-31T23:59:59.999999999Z");
    assert_string_equal(rfc3339(&clock, INT64_C(1795183385123456789)),
                        "2026-11-20T14:03:05.123456789Z");
    assert_string_equal(rfc3339(&clock, INT64_C(951782400000000000)),
                        "2000-02-29T00:00:00.000000000Z");
    assert_string_equal(rfc3339(&clock, INT64_MAX), "2262-04-11T23:47:16.854775807Z");
    assert_string_equal(rfc3339(&clock, INT64_MIN), "1677-09-21T00:12:43.145224192Z");
}

static void every_day_has_its_date(void **state)
{
    int64_t day = calendar_days(1600, 1, 1);
    (void)state;

    for (int64_t year = 1600; year < 2300; year++)
        for (int month = 1; month <= 12; month++)
            for (int of_month = 1; of_month <= calendar_month_days(year, month); of_month++) {
                struct calendar_date date = calendar_date(day);

                assert_true(date.year == year && date.month == month && date.day == of_month);
                assert_true(calendar_days(year, month, of_month) == day++);
            }
    assert_int_equal(calendar_days(1970, 1, 1), 0);
}

#define ASSERT_HUMAN(call, text)                                                                   \
    do {                                                                                           \
        *(call) = '\0';                                                                            \
        assert_string_equal(shown, text);                                                          \
    } while (0)

static void people_read_short_quantities(void **state)
{
    (void)state;
    ASSERT_HUMAN(human_put_bytes(shown, 512), "512 B");
    ASSERT_HUMAN(human_put_bytes(shown, 1023), "1023 B");
    ASSERT_HUMAN(human_put_bytes(shown, 12.3 * 1024 * 1024), "12.3 MiB");
    ASSERT_HUMAN(human_put_bytes(shown, 1024 * 1024 - 1), "1.0 MiB");
    ASSERT_HUMAN(human_put_bytes(shown, (double)INT64_MIN), "-8.0 EiB");
    ASSERT_HUMAN(human_put_seconds(shown, 0), "0 s");
    ASSERT_HUMAN(human_put_seconds(shown, 1.234), "1.23 s");
    ASSERT_HUMAN(human_put_seconds(shown, -1.234), "-1.23 s");
    ASSERT_HUMAN(human_put_seconds(shown, 0.0042), "4.2 ms");
    ASSERT_HUMAN(human_put_seconds(shown, 0.0000042), "4.2 us");
    ASSERT_HUMAN(human_put_seconds(shown, 59.999), "1 m 00 s");
    ASSERT_HUMAN(human_put_seconds(shown, 123), "2 m 03 s");
    ASSERT_HUMAN(human_put_seconds(shown, 3599.7), "1 h 00 m");
    ASSERT_HUMAN(human_put_seconds(shown, 3 * 3600 + 120), "3 h 02 m");
    ASSERT_HUMAN(human_put_seconds(shown, 50 * 3600), "2 d 02 h");
    ASSERT_HUMAN(human_put_seconds(shown, -1e300), "-1e+300 s");
    ASSERT_HUMAN(human_put_percent(shown, 12.34), "12.3");
    ASSERT_HUMAN(human_put_count(shown, 99999), "99999");
    ASSERT_HUMAN(human_put_count(shown, 1234567), "1.2 M");
    ASSERT_HUMAN(human_put_time(shown, NULL, INT64_C(1795183385123456789)), "2026-11-20 14:03:05");
    ASSERT_HUMAN(human_put_time(shown, NULL, INT64_MIN), "1677-09-21 00:12:43");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_quotes_only_what_needs_it),
        cmocka_unit_test(csv_safe_disarms_formulas),
        cmocka_unit_test(utf8_passes_and_what_is_not_is_escaped),
        cmocka_unit_test(terminals_also_never_see_reordering),
        cmocka_unit_test(json_strings_are_valid_and_reversible),
        cmocka_unit_test(every_pair_of_bytes_comes_back_from_a_terminal_text),
        cmocka_unit_test(shown_text_is_bounded),
        cmocka_unit_test(columns_count_what_a_terminal_shows),
        cmocka_unit_test(integers_equal_printf),
        cmocka_unit_test(decimals_are_exact),
        cmocka_unit_test(reals_read_back_the_same),
        cmocka_unit_test(times_are_rfc3339_with_nine_digits),
        cmocka_unit_test(every_day_has_its_date),
        cmocka_unit_test(people_read_short_quantities),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
