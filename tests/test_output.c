/* Rows of typed cells in every format; with FORMAT as argument, prints hostile rows instead. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/output.h"

#define TEXT(literal)                                                                              \
    {                                                                                              \
        .text = (literal), .text_size = sizeof(literal) - 1                                        \
    }

static const struct output_column columns[] = {
    { "time", OUTPUT_TIME, HUMAN_TIME, 0 },
    { "pid", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    { "cpu_seconds", OUTPUT_DECIMAL, HUMAN_SECONDS, -6 },
    { "resident_bytes", OUTPUT_INTEGER, HUMAN_BYTES, 0 },
    { "share", OUTPUT_REAL, HUMAN_PERCENT, 0 },
    { "cmdline", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
};

static const struct output_cell rows[][COUNT_OF(columns)] = {
    {
        { .integer = INT64_C(1795183385123456789) },
        { .integer = 42 },
        { .integer = 1234567 },
        { .integer = 12897485 },
        { .real = 12.25 },
        TEXT("a,\"b\n=1+1\x1b[31m"),
    },
    {
        { .integer = INT64_MIN },
        { .integer = INT64_MIN },
        { .integer = INT64_MIN },
        { .integer = INT64_MIN },
        { .real = NAN },
        TEXT("\xff\xc3\xbc\\"),
    },
    {
        { .missing = true },
        { .missing = true },
        { .missing = true },
        { .missing = true },
        { .missing = true },
        { .missing = true },
    },
    {
        { .integer = 0 },
        { .integer = INT64_MAX },
        { .integer = 0 },
        { .integer = 0 },
        { .real = 0.1 },
        { .text = NULL },
    },
};

static void print_rows(FILE *file, const struct output_options *options)
{
    struct output o;

    assert_int_equal(output_open(&o, file, columns, COUNT_OF(columns), options, NULL), STATUS_OK);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        output_row(&o, rows[i], i == 2 ? OUTPUT_DIM : OUTPUT_NORMAL);
    output_note(&o, "covered", "3590 of 3600 s");
    output_note(&o, "remainder", "\"1.5 %\" \x1b[0m");
    assert_false(output_broken(&o));
    assert_int_equal(output_close(&o, NULL), STATUS_OK);
}

static char printed[1 << 20];

static const char *print(const struct output_options *options)
{
    FILE *file = fmemopen(printed, sizeof printed, "w");

    assert_non_null(file);
    print_rows(file, options);
    assert_int_equal(fclose(file), 0);
    return printed;
}

static void csv_follows_rfc_4180(void **state)
{
    struct output_options options = { .format = OUTPUT_CSV };
    (void)state;

    assert_string_equal(print(&options),
                        "time,pid,cpu_seconds,resident_bytes,share,cmdline\r\n"
                        "2026-11-20T14:03:05.123456789Z,42,1.234567,12897485,12.25,"
                        "\"a,\"\"b\\x0a=1+1\\x1b[31m\"\r\n"
                        "1677-09-21T00:12:43.145224192Z,-9223372036854775808,-9223372036854.775808,"
                        "-9223372036854775808,,\\xff\xc3\xbc\\\\\r\n"
                        ",,,,,\r\n"
                        "1970-01-01T00:00:00.000000000Z,9223372036854775807,0,0,0.1,\"\"\r\n");
}

static void csv_notes_go_elsewhere(void **state)
{
    struct output_options options = { .format = OUTPUT_CSV };
    char notes[256] = "";
    (void)state;

    options.notes = fmemopen(notes, sizeof notes, "w");
    (void)print(&options);
    assert_int_equal(fclose(options.notes), 0);
    assert_string_equal(notes, "covered: 3590 of 3600 s\nremainder: \"1.5 %\" \\x1b[0m\n");
}

static void csv_safe_concerns_text_only(void **state)
{
    static const struct output_column two[] = {
        { "n", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
        { "t", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    };
    const struct output_cell cells[] = { { .integer = -1 }, TEXT("-1") };
    struct output_options options = { .format = OUTPUT_CSV, .csv_safe = true };
    FILE *file = fmemopen(printed, sizeof printed, "w");
    struct output o;
    (void)state;

    assert_int_equal(output_open(&o, file, two, 2, &options, NULL), STATUS_OK);
    output_row(&o, cells, OUTPUT_NORMAL);
    assert_int_equal(output_close(&o, NULL), STATUS_OK);
    assert_int_equal(fclose(file), 0);
    assert_string_equal(printed, "n,t\r\n-1,'-1\r\n");
}

static void json_is_one_document(void **state)
{
    struct output_options options = { .format = OUTPUT_JSON };
    (void)state;

    assert_string_equal(
        print(&options),
        "{\"columns\":[\"time\",\"pid\",\"cpu_seconds\",\"resident_bytes\",\"share\",\"cmdline\"],"
        "\"rows\":[\n"
        "{\"time\":\"2026-11-20T14:03:05.123456789Z\",\"pid\":42,\"cpu_seconds\":1.234567,"
        "\"resident_bytes\":12897485,\"share\":12.25,"
        "\"cmdline\":\"a,\\\"b\\u000a=1+1\\u001b[31m\"},\n"
        "{\"time\":\"1677-09-21T00:12:43.145224192Z\",\"pid\":-9223372036854775808,"
        "\"cpu_seconds\":-9223372036854.775808,\"resident_bytes\":-9223372036854775808,"
        "\"share\":null,\"cmdline\":\"\\udcff\xc3\xbc\\\\\"},\n"
        "{\"time\":null,\"pid\":null,\"cpu_seconds\":null,\"resident_bytes\":null,\"share\":null,"
        "\"cmdline\":null},\n"
        "{\"time\":\"1970-01-01T00:00:00.000000000Z\",\"pid\":9223372036854775807,"
        "\"cpu_seconds\":0,\"resident_bytes\":0,\"share\":0.1,\"cmdline\":\"\"}\n"
        "],\"notes\":{\"covered\":\"3590 of 3600 s\","
        "\"remainder\":\"\\\"1.5 %\\\" \\u001b[0m\"}}\n");
}

static void ndjson_is_an_object_per_line(void **state)
{
    struct output_options options = { .format = OUTPUT_NDJSON };
    const char *text = print(&options);
    size_t lines = 0;
    (void)state;

    for (const char *p = text; *p != '\0'; p = strchr(p, '\n') + 1, lines++)
        assert_int_equal(*p, '{');
    assert_int_equal(lines, COUNT_OF(rows) + 1);
    assert_non_null(strstr(text, "\n{\"note\":{\"covered\":\"3590 of 3600 s\",\"remainder\":"));
}

static void no_rows_is_still_a_document(void **state)
{
    static const struct {
        enum output_format format;
        const char *text;
    } empty[] = {
        { OUTPUT_TABLE, "n\n" },
        { OUTPUT_CSV, "n\r\n" },
        { OUTPUT_JSON, "{\"columns\":[\"n\"],\"rows\":[\n],\"notes\":{}}\n" },
        { OUTPUT_NDJSON, "" },
    };
    static const struct output_column one[] = { { "n", OUTPUT_INTEGER, HUMAN_PLAIN, 0 } };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(empty); i++) {
        struct output_options options = { .format = empty[i].format };
        FILE *file = fmemopen(printed, sizeof printed, "w");
        struct output o;

        assert_int_equal(output_open(&o, file, one, 1, &options, NULL), STATUS_OK);
        assert_int_equal(output_close(&o, NULL), STATUS_OK);
        assert_int_equal(fclose(file), 0);
        assert_string_equal(i == 3 ? "" : printed, empty[i].text);
    }
}

static void tables_are_aligned_and_human(void **state)
{
    struct zone zone = { .offset_s = 3600 };
    struct output_options options = { .format = OUTPUT_TABLE, .zone = &zone };
    (void)state;

    assert_string_equal(
        print(&options),
        "time                                  pid        cpu_seconds  resident_bytes  share  "
        "cmdline\n"
        "2026-11-20 15:03:05                    42             1.23 s        12.3 MiB   12.3  "
        "a,\"b\\x0a=1+1\\x1b[31m\n"
        "1677-09-21 01:12:43  -9223372036854775808  -106751991 d 04 h        -8.0 EiB      -  "
        "\\xff\xc3\xbc\\\\\n"
        "-                                       -                  -               -      -  -\n"
        "1970-01-01 01:00:00   9223372036854775807                0 s             0 B    0.1  \n"
        "\n"
        "covered: 3590 of 3600 s\n"
        "remainder: \"1.5 %\" \\x1b[0m\n");
}

static void a_terminal_gets_colour_and_cuts_the_last_text(void **state)
{
    static const struct output_column two[] = {
        { "name", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
        { "n", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    };
    const struct output_cell cells[] = { TEXT("a rather long name"), { .integer = 100 } };
    const struct output_cell wide[] = { TEXT("\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac"
                                             "\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac"),
                                        { .integer = 1 } };
    struct output_options options = { .format = OUTPUT_TABLE, .colour = true, .width = 15 };
    FILE *file = fmemopen(printed, sizeof printed, "w");
    struct output o;
    (void)state;

    assert_int_equal(output_open(&o, file, two, 2, &options, NULL), STATUS_OK);
    output_row(&o, cells, OUTPUT_NORMAL);
    output_row(&o, cells, OUTPUT_DIM);
    output_row(&o, wide, OUTPUT_NORMAL);
    assert_int_equal(output_close(&o, NULL), STATUS_OK);
    assert_int_equal(fclose(file), 0);
    assert_string_equal(printed, "\x1b[1mname          n\x1b[0m\n"
                                 "a rather \xe2\x80\xa6  100\n"
                                 "\x1b[2ma rather \xe2\x80\xa6  100\x1b[0m\n"
                                 "\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac\xe2\x80\xa6"
                                 "     1\n");
}

static void long_tables_stream_after_their_widths_are_known(void **state)
{
    static const struct output_column one[] = { { "n", OUTPUT_INTEGER, HUMAN_PLAIN, 0 } };
    struct output_options options = { .format = OUTPUT_TABLE };
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    struct output o;
    (void)state;

    assert_int_equal(output_open(&o, file, one, 1, &options, NULL), STATUS_OK);
    for (int64_t i = 0; i < 3 * OUTPUT_WIDTH_ROWS; i++) {
        struct output_cell cell = { .integer = i };

        output_row(&o, &cell, OUTPUT_NORMAL);
        assert_true(i < OUTPUT_WIDTH_ROWS || o.rows.used == 0);
    }
    assert_int_equal(output_close(&o, NULL), STATUS_OK);
    assert_int_equal(fclose(file), 0);
    assert_memory_equal(text, "   n\n   0\n", 10);
    assert_string_equal(text + size - 6, "29999\n");
    free(text);
}

static void a_full_disk_is_reported(void **state)
{
    (void)state;
    for (int format = OUTPUT_TABLE; format <= OUTPUT_NDJSON; format++) {
        for (int count = 1; count <= 100000; count *= 10) {
            struct output_options options = { .format = (enum output_format)format };
            FILE *file = fopen("/dev/full", "w");
            struct error err = { 0 };
            struct output o;

            if (file == NULL)
                skip();
            assert_int_equal(output_open(&o, file, columns, COUNT_OF(columns), &options, NULL),
                             STATUS_OK);
            for (int i = 0; i < count && !output_broken(&o); i++)
                output_row(&o, rows[0], OUTPUT_NORMAL);
            assert_int_equal(output_close(&o, &err), STATUS_IO);
            assert_non_null(strstr(err.message, "No space left"));
            (void)fclose(file);
        }
    }
}

static void formats_have_names(void **state)
{
    enum output_format format;
    struct error err = { 0 };
    (void)state;

    assert_int_equal(output_format_parse("csv", &format, NULL), STATUS_OK);
    assert_int_equal(format, OUTPUT_CSV);
    assert_int_equal(output_format_parse("ndjson", &format, NULL), STATUS_OK);
    assert_int_equal(format, OUTPUT_NDJSON);
    assert_int_equal(output_format_parse("xml\x1b", &format, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "\"xml\\x1b\" is not table, csv, json or ndjson"));
}

static void a_closed_output_can_be_closed_again(void **state)
{
    struct output o = { 0 };
    (void)state;

    assert_int_equal(output_close(&o, NULL), STATUS_OK);
    assert_int_equal(output_close(&o, NULL), STATUS_OK);
}

/* One text of every byte, then one of every pair of a few, for another program to read back. */
static int print_every_byte(const char *format)
{
    static const struct output_column one[] = {
        { "t", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
        { "hex", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    };
    struct output_options options = { 0 };
    struct output o;

    if (output_format_parse(format, &options.format, NULL) != STATUS_OK ||
        output_open(&o, stdout, one, 2, &options, NULL) != STATUS_OK)
        return 1;
    for (unsigned pair = 0; pair < 65536; pair++) {
        const char text[] = { (char)(pair >> 8), (char)(pair & 255), 'x', (char)(pair >> 8) };
        char hex[16];
        struct output_cell cells[] = { { .text = text, .text_size = sizeof text },
                                       { .text = hex, .text_size = 4 } };

        (void)snprintf(hex, sizeof hex, "%04x", pair);
        output_row(&o, cells, OUTPUT_NORMAL);
    }
    return output_close(&o, NULL) == STATUS_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_follows_rfc_4180),
        cmocka_unit_test(csv_notes_go_elsewhere),
        cmocka_unit_test(csv_safe_concerns_text_only),
        cmocka_unit_test(json_is_one_document),
        cmocka_unit_test(ndjson_is_an_object_per_line),
        cmocka_unit_test(no_rows_is_still_a_document),
        cmocka_unit_test(tables_are_aligned_and_human),
        cmocka_unit_test(a_terminal_gets_colour_and_cuts_the_last_text),
        cmocka_unit_test(long_tables_stream_after_their_widths_are_known),
        cmocka_unit_test(a_full_disk_is_reported),
        cmocka_unit_test(formats_have_names),
        cmocka_unit_test(a_closed_output_can_be_closed_again),
    };

    if (argc == 2)
        return print_every_byte(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
