/* Confidential values in command lines: none is left, whole or cut, and nothing else changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "recorder/redact.h"

#define BYTES(literal) (const uint8_t *)(literal), sizeof(literal) - 1

enum { LINE_MAX_BYTES = 1024, HOSTILE_BYTES = 4096 };

/* One line of a fixture: raw as in /proc, and for each byte whether it is planted. */
struct example {
    uint8_t raw[LINE_MAX_BYTES];
    bool planted[LINE_MAX_BYTES];
    size_t size;
    size_t values;
};

static const struct redactor plain = { 0 };

static void add_byte(struct example *e, char c, bool planted)
{
    assert_true(e->size < LINE_MAX_BYTES);
    e->planted[e->size] = planted;
    e->raw[e->size++] = (uint8_t)c;
}

static void parse_example(struct example *e, const char *text)
{
    bool planted = false;

    *e = (struct example){ 0 };
    for (; *text != '\0' && *text != '\n'; text++) {
        if (strncmp(text, "{{", 2) == 0 || (planted && strncmp(text, "}}", 2) == 0)) {
            planted = *text++ == '{';
            e->values += planted;
        } else if (strncmp(text, "\\p", 2) == 0) {
            add_byte(e, '|', planted);
            text++;
        } else if (strncmp(text, "\\n", 2) == 0) {
            add_byte(e, '\n', planted);
            text++;
        } else if (*text != '~') {
            add_byte(e, *text == '|' ? '\0' : *text, planted);
        }
    }
    assert_false(planted);
}

static FILE *open_fixture(const char *name)
{
    char path[200];
    FILE *file;

    (void)snprintf(path, sizeof path, "tests/fixtures/redact/%s", name);
    file = fopen(path, "r");
    assert_non_null(file);
    return file;
}

static bool next_example(FILE *file, struct example *e)
{
    char text[LINE_MAX_BYTES];

    while (fgets(text, sizeof text, file) != NULL) {
        if (text[0] == '#')
            continue;
        parse_example(e, text);
        return true;
    }
    return false;
}

/* The result as a string, in memory that the next call reuses. A heap copy shows overreads. */
static const char *redact(const struct redactor *r, const uint8_t *raw, size_t size, bool cut)
{
    static char text[16 * HOSTILE_BYTES];
    struct byte_writer out = { 0 };
    uint8_t *copy = malloc(size + (size == 0));

    assert_non_null(copy);
    memcpy(copy, raw, size);
    bytes_put(&out, "before", 6);
    assert_int_equal(redact_arguments(r, copy, size, cut, &out, NULL), STATUS_OK);
    assert_true(out.used >= 6 && out.used - 6 < sizeof text);
    assert_memory_equal(out.data, "before", 6);
    memcpy(text, out.data + 6, out.used - 6);
    text[out.used - 6] = '\0';
    bytes_release(&out);
    free(copy);
    return text;
}

/* What must come out of the first `size` bytes. */
static void expect(const struct example *e, size_t size, char *text)
{
    bool inside = false;

    while (size > 0 && e->raw[size - 1] == '\0')
        size--;
    for (size_t i = 0; i < size; i++) {
        if (e->planted[i] && !inside) {
            memcpy(text, REDACTED_TEXT, strlen(REDACTED_TEXT));
            text += strlen(REDACTED_TEXT);
        } else if (!e->planted[i]) {
            *text++ = e->raw[i] == '\0' ? ' ' : (char)e->raw[i];
        }
        inside = e->planted[i];
    }
    *text = '\0';
}

static void planted_values_vanish_and_nothing_else(void **state)
{
    (void)state;
    FILE *file = open_fixture("planted.txt");
    struct example e;
    size_t values = 0;
    size_t wrong = 0;

    while (next_example(file, &e)) {
        char want[16 * LINE_MAX_BYTES];
        const char *got = redact(&plain, e.raw, e.size, false);

        expect(&e, e.size, want);
        if (strcmp(got, want) != 0) {
            print_error("want %s\n got %s\n", want, got);
            wrong++;
        }
        values += e.values;
    }
    (void)fclose(file);
    assert_int_equal(wrong, 0);
    assert_true(values >= 60);
}

/* Cut input may be redacted from anywhere to its end, but only that. */
static bool is_allowed_for_cut(const char *got, const char *want)
{
    size_t same = 0;

    while (got[same] != '\0' && got[same] == want[same])
        same++;
    if (got[same] == '\0' && want[same] == '\0')
        return true;
    for (size_t i = 0; i <= same; i++)
        if (strcmp(got + i, REDACTED_TEXT) == 0)
            return true;
    return false;
}

static void no_part_of_a_cut_value_is_left(void **state)
{
    (void)state;
    FILE *file = open_fixture("planted.txt");
    struct example e;
    size_t wrong = 0;

    while (next_example(file, &e)) {
        for (size_t size = 0; size <= e.size; size++) {
            char want[16 * LINE_MAX_BYTES];
            const char *got = redact(&plain, e.raw, size, true);

            expect(&e, size, want);
            if (!is_allowed_for_cut(got, want)) {
                print_error("cut at %zu: want %s\n got %s\n", size, want, got);
                wrong++;
            }
        }
    }
    (void)fclose(file);
    assert_int_equal(wrong, 0);
}

static void harmless_lines_stay(void **state)
{
    (void)state;
    FILE *file = open_fixture("harmless.txt");
    struct example e;
    size_t lines = 0;
    size_t wrong = 0;

    for (; next_example(file, &e); lines++) {
        char want[16 * LINE_MAX_BYTES];
        const char *got = redact(&plain, e.raw, e.size, false);

        expect(&e, e.size, want);
        if (strcmp(got, want) != 0) {
            print_error("want %s\n got %s\n", want, got);
            wrong++;
        }
    }
    (void)fclose(file);
    assert_int_equal(wrong, 0);
    assert_true(lines >= 40);
}

static void arguments_are_joined_by_spaces(void **state)
{
    (void)state;
    assert_string_equal(redact(&plain, BYTES(""), false), "");
    assert_string_equal(redact(&plain, BYTES(""), true), "");
    assert_string_equal(redact(&plain, BYTES("\0"), true), "");
    assert_string_equal(redact(&plain, BYTES("a\0b\0"), false), "a b");
    assert_string_equal(redact(&plain, BYTES("a\0b"), false), "a b");
    assert_string_equal(redact(&plain, BYTES("a\0\0b\0\0\0"), false), "a  b");
    assert_string_equal(redact(&plain, BYTES("\0a"), false), " a");
    assert_string_equal(redact(&plain, BYTES("a\0--password\0"), true), "a --password");
    assert_string_equal(redact(&plain, BYTES("a\xff\xc3\0--pass\0\xfe\xff\0\x80"), false),
                        "a\xff\xc3 --pass [redacted] \x80");
}

static void own_patterns_are_applied_to_the_joined_line(void **state)
{
    (void)state;
    const char *const patterns[] = { "id[0-9]+", "b c", "x*", "^redact|end$" };
    struct redactor r;

    assert_int_equal(redactor_init(&r, patterns, 4, NULL), STATUS_OK);
    assert_string_equal(redact(&r, BYTES("a\0id1 id22\0b\0c\0xx\0the end\0"), false),
                        "a [redacted] [redacted] [redacted] [redacted] the [redacted]");
    assert_string_equal(redact(&r, BYTES("a b\0cd id"), true), "a [redacted]d [redacted]");
    assert_string_equal(redact(&r, BYTES(""), false), "");
    redactor_release(&r);
    redactor_release(&r);
    assert_int_equal(redactor_init(&r, NULL, 0, NULL), STATUS_OK);
    redactor_release(&r);
}

static void a_bad_pattern_is_explained(void **state)
{
    (void)state;
    const char *const patterns[] = { "good", "bad(" };
    struct error err = { 0 };
    struct redactor r;

    assert_int_equal(redactor_init(&r, patterns, 2, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "\"bad(\": "));
    assert_true(strlen(err.message) > strlen("pattern \"bad(\": "));
    assert_null(r.extra);
    assert_int_equal(r.extra_count, 0);
}

static void a_full_writer_gets_nothing(void **state)
{
    (void)state;
    struct byte_writer out = { .full = true };
    struct error err = { 0 };

    assert_int_equal(redact_arguments(&plain, BYTES("a\0b"), false, &out, &err), STATUS_NO_MEMORY);
    assert_int_equal(out.used, 0);
    assert_non_null(strstr(err.message, "3 bytes"));
}

/* Pieces that make the passes look ahead, repeated to the limit of a command line. */
static const char *const hostile[] = {
    "a",
    "\xff",
    "'",
    "\"",
    "-",
    "\\",
    "=",
    ":",
    "\\\"",
    "-p'",
    "a=",
    "a:",
    "a,",
    "password=",
    "password:",
    "Cookie:",
    "x password=",
    "\"password\": ",
    "://",
    "a://b:c/",
    "a://b:c@",
    "eyJ-",
    "eyJa.",
    "eyJa.eyJ",
    "ghp_",
    "-----BEGIN",
    "-----BEGIN PRIVATE KEY",
    "--token ",
    "mysql -p",
    "curl -u ",
    "sh -c '",
    "$(",
    "{",
    " ",
    "12345678:",
    "password=,a",
    "\n",
    "x 'password=,a",
    " password=a,b=",
    ";",
    "-ssssss ",
    "key=&",
    "?key=",
};

static void hostile_input_takes_linear_time(void **state)
{
    (void)state;
    static uint8_t raw[HOSTILE_BYTES];
    struct timespec from;
    struct timespec to;

    memset(raw, 0, sizeof raw);
    assert_string_equal(redact(&plain, raw, sizeof raw, true), "");
    for (size_t i = 0; i < 2 * COUNT_OF(hostile); i++) {
        const char *piece = hostile[i / 2];
        size_t length = strlen(piece);

        for (size_t at = 0; at < sizeof raw; at++)
            raw[at] = (uint8_t)piece[at % length];
        raw[0] = i % 2 == 0 ? raw[0] : '\'';
        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
        (void)redact(&plain, raw, sizeof raw, i % 4 < 2);
        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
        assert_true((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000 < 200);
    }
}

static void random_mixtures_do_no_harm(void **state)
{
    (void)state;
    uint32_t random = 1;

    for (size_t round = 0; round < 3000; round++) {
        uint8_t raw[400];
        size_t size = 0;

        for (;;) {
            const char *piece;
            size_t length;

            random = random * 1664525 + 1013904223;
            piece = hostile[(random >> 16) % COUNT_OF(hostile)];
            length = (random >> 8) % 8 == 0 ? 1 : strlen(piece);
            if (size + length > sizeof raw)
                break;
            memcpy(raw + size, (random >> 8) % 8 == 0 ? "" : piece, length);
            size += length;
        }
        (void)redact(&plain, raw, size, round % 2 == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planted_values_vanish_and_nothing_else),
        cmocka_unit_test(no_part_of_a_cut_value_is_left),
        cmocka_unit_test(harmless_lines_stay),
        cmocka_unit_test(arguments_are_joined_by_spaces),
        cmocka_unit_test(own_patterns_are_applied_to_the_joined_line),
        cmocka_unit_test(a_bad_pattern_is_explained),
        cmocka_unit_test(a_full_writer_gets_nothing),
        cmocka_unit_test(hostile_input_takes_linear_time),
        cmocka_unit_test(random_mixtures_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
