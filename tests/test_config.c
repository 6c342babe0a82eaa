/* The configuration file: every option in it, every mistake with its line, and back again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "recorder/config.h"

#define SECOND INT64_C(1000000000)

static void refuse_text(const char *text, size_t size, const char *why)
{
    struct options options = { 0 };
    struct config *config = NULL;
    struct error err = { 0 };

    assert_int_equal(config_parse(&config, text, size, &options, &err), STATUS_INVALID);
    assert_null(config);
    if (strstr(err.message, why) == NULL)
        fail_msg("%s: \"%s\" lacks \"%s\"", text, err.message, why);
}

static void refuse(const char *text, const char *why)
{
    refuse_text(text, strlen(text), why);
}

static void all_options_are_read(void **state)
{
    static const char text[] = "{ \"output\": \"/x/y\", \"interval\": \"250ms\",\n"
                               " \"duration\": \"2h\", \"collectors\": [\"cpu\", \"memory\"],\n"
                               " \"process-source\": \"proc\", \"sync\": \"0\",\n"
                               " \"redact\": [\"a+\", \"b,c\"], \"no-cmdline\": true,\n"
                               " \"user\": \"u\", \"no-sandbox\": true }";
    struct options options = { 0 };
    struct config *config;
    struct error err = { 0 };

    (void)state;
    assert_int_equal(config_parse(&config, text, sizeof text - 1, &options, &err), STATUS_OK);
    assert_string_equal(options.output, "/x/y");
    assert_int_equal(options.interval_ns, SECOND / 4);
    assert_int_equal(options.duration_ns, 7200 * SECOND);
    assert_string_equal(options.collectors, "cpu,memory");
    assert_string_equal(options.process_source, "proc");
    assert_int_equal(options.sync_ns, 0);
    assert_int_equal(options.redact_count, 2);
    assert_string_equal(options.redact[1], "b,c");
    assert_true(options.no_cmdline && options.no_sandbox);
    assert_string_equal(options.user, "u");
    config_release(config);
}

static void what_is_null_or_absent_stays(void **state)
{
    static const char text[] = "{ \"output\": null, \"interval\": null, \"no-cmdline\": false }";
    struct options options = { .interval_ns = 7, .output = "o" };
    struct config *config;
    struct error err = { 0 };

    (void)state;
    assert_int_equal(config_parse(&config, text, sizeof text - 1, &options, &err), STATUS_OK);
    assert_string_equal(options.output, "o");
    assert_int_equal(options.interval_ns, 7);
    assert_false(options.no_cmdline);
    config_release(config);
    assert_int_equal(config_parse(&config, "{}", 2, &options, &err), STATUS_OK);
    config_release(config);
}

static void mistakes_name_line_and_key(void **state)
{
    (void)state;
    refuse("", "line 1: this is no JSON");
    refuse("{\n\"interval\": \"1s\",\n}", "line 3: this is no JSON");
    refuse("{} x", "this is no JSON");
    refuse("[1]", "wants one object");
    refuse("{\n\n\"intervall\": \"1s\" }", "line 3: \"intervall\": is no option");
    refuse("{ \"help\": true }", "line 1: \"help\": is for the command line only");
    refuse("{ \"config\": \"x\" }", "is for the command line only");
    refuse("{ \"interval\": \"1s\",\n  \"interval\": \"2s\" }",
           "line 2: \"interval\": comes twice");
    refuse("{ \"interval\": 1 }", "line 1: \"interval\": wants a string, as in \"1s\"");
    refuse("{ \"interval\": [\"1s\"] }", "wants a string, as in");
    refuse("{ \"interval\": \"1 parsec\" }", "\"1 parsec\" is no time span");
    refuse("{ \"no-cmdline\": \"yes\" }", "wants true or false");
    refuse("{ \"redact\": [1] }", "wants strings only");
    refuse("{ \"redact\": 1 }", "wants a string or an array of strings");
    refuse("{ \"collectors\": {} }", "wants a string or an array of strings");
    refuse("{ \"collectors\": [\"cpu\", null] }", "wants strings only");
    refuse("{ \"collectors\": [] }", "is empty");
    refuse("{ \"output\": \"a\\u0000b\" }", "NUL");
    refuse_text("{ \"output\": \"a\0b\" }", 19, "NUL");
}

/* Braces, quotes and line breaks in what comes before must not lead it astray. */
static void lines_are_counted_behind_anything(void **state)
{
    (void)state;
    refuse(
        "{ \"redact\": [\"{\", \"\\\"}\",\n\"[\\\\\"],\n\"output\":\n\"a,b:\\\"c\\\"\",\n\"x\": 1}",
        "line 5: \"x\": is no option");
    refuse("{ \"out\\u0070ut\": \"\\n\",\n \"\": 1 }", "line 2: \"\": is no option");
}

static void what_is_too_long_is_refused(void **state)
{
    size_t size = (1 << 20) + 1;
    char *text = malloc(size + 1);

    (void)state;
    assert_non_null(text);
    memset(text, ' ', size);
    memcpy(text, "{}", 2);
    text[size] = '\0';
    refuse_text(text, size, "longer than");
    free(text);
}

static void nesting_is_bounded(void **state)
{
    enum { DEEP = 200000 };
    char *text = malloc(DEEP + 20);

    (void)state;
    assert_non_null(text);
    (void)strcpy(text, "{\"redact\":");
    memset(text + strlen(text), '[', DEEP);
    text[10 + DEEP] = '\0';
    refuse(text, "this is no JSON");
    free(text);
}

static void what_is_printed_is_read_back(void **state)
{
    struct options options = { .interval_ns = 1500 * SECOND / 1000,
                               .duration_ns = SECOND / 8 + 1,
                               .output = "a \"b\"\n",
                               .process_source = "fds",
                               .collectors = "cpu,memory",
                               .redact = { "[0-9]+", "\\\\" },
                               .redact_count = 2,
                               .user = "u",
                               .no_sandbox = true,
                               .sync_ns = 0,
                               .budget_ppm = 12345,
                               .keep_ns = 36 * 3600 * SECOND,
                               .max_bytes = 5000001 };
    struct options again = { .sync_ns = 3, .keep_rollups_ns = 3 };
    struct config *config;
    struct error err = { 0 };
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    assert_non_null(out);
    assert_int_equal(config_print(&options, out, &err), STATUS_OK);
    assert_int_equal(fclose(out), 0);
    if (config_parse(&config, text, size, &again, &err) != STATUS_OK)
        fail_msg("%s: %s", text, err.message);
    assert_int_equal(again.interval_ns, options.interval_ns);
    assert_int_equal(again.duration_ns, options.duration_ns);
    assert_int_equal(again.sync_ns, 0);
    assert_int_equal(again.keep_ns, options.keep_ns);
    assert_int_equal(again.keep_rollups_ns, 0);
    assert_int_equal(again.max_bytes, 5000001);
    assert_int_equal(again.budget_ppm, 12345);
    assert_string_equal(again.output, options.output);
    assert_string_equal(again.process_source, "fds");
    assert_string_equal(again.user, "u");
    assert_true(again.no_sandbox);
    assert_string_equal(again.collectors, "cpu,memory");
    assert_int_equal(again.redact_count, 2);
    assert_string_equal(again.redact[1], "\\\\");
    config_release(config);
    free(text);
}

/* --- with the command line --- */

static void the_command_line_goes_first(void **state)
{
    static char program[] = "procscoped", c[] = "-c", i[] = "-i", span[] = "3s", r[] = "--redact",
                regex[] = "z";
    char path[] = "/tmp/procscope-config-XXXXXX";
    static const char text[] = "{\"interval\":\"1s\",\"sync\":\"5s\",\"redact\":\"y\"}";
    char *argv[] = { program, i, span, c, path, r, regex, NULL };
    struct options options;
    struct error err = { 0 };
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    assert_int_equal(close(fd), 0);
    assert_int_equal(recorder_options_parse(&options, 7, argv, &err), STATUS_OK);
    assert_int_equal(options.interval_ns, 3 * SECOND);
    assert_int_equal(options.sync_ns, 5 * SECOND);
    assert_int_equal(options.redact_count, 2);
    assert_string_equal(options.config_path, path);
    options_release(&options);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(recorder_options_parse(&options, 7, argv, &err), STATUS_IO);
    assert_non_null(strstr(err.message, path));
    options_release(&options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_options_are_read),
        cmocka_unit_test(what_is_null_or_absent_stays),
        cmocka_unit_test(mistakes_name_line_and_key),
        cmocka_unit_test(lines_are_counted_behind_anything),
        cmocka_unit_test(what_is_too_long_is_refused),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(what_is_printed_is_read_back),
        cmocka_unit_test(the_command_line_goes_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
