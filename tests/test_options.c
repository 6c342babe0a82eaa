/* The command line: every option in every spelling, and every mistake with its message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recorder/options.h"

#define MS INT64_C(1000000)
#define SECOND (1000 * MS)

enum { ARGUMENTS_MAX = 80 };

/* Parse "procscoped" and the words of `line`, split at blanks, which must outlive *options. */
static enum status parse(struct options *options, char *line, struct error *err)
{
    static char program[] = "procscoped";
    static char *argv[ARGUMENTS_MAX];
    int argc = 0;

    argv[argc++] = program;
    for (char *word = strtok(line, " "); word != NULL && argc < ARGUMENTS_MAX - 1;
         word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    return recorder_options_parse(options, argc, argv, err);
}

static struct options accept(char *line)
{
    struct options options;
    struct error err = { 0 };

    if (parse(&options, line, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    return options;
}

static void refuse(const char *text, const char *why)
{
    char line[2000];
    struct options options;
    struct error err = { 0 };

    (void)snprintf(line, sizeof line, "%s", text);
    assert_int_equal(parse(&options, line, &err), STATUS_INVALID);
    if (strstr(err.message, why) == NULL)
        fail_msg("\"%s\": \"%s\" lacks \"%s\"", text, err.message, why);
}

static void defaults_are_those_of_the_help(void **state)
{
    (void)state;
    char line[] = "";
    struct options options = accept(line);

    assert_null(options.output);
    assert_int_equal(options.interval_ns, SECOND);
    assert_int_equal(options.duration_ns, 0);
    assert_null(options.collectors);
    assert_string_equal(options.process_source, "auto");
    assert_int_equal(options.sync_ns, 10 * SECOND);
    assert_int_equal(options.keep_ns, 7 * 86400 * SECOND);
    assert_int_equal(options.keep_rollups_ns, 90 * 86400 * SECOND);
    assert_int_equal(options.max_bytes, INT64_C(2) << 30);
    assert_int_equal(options.redact_count, 0);
    assert_false(options.no_cmdline || options.list_collectors || options.json);
    assert_false(options.version || options.help);
    assert_null(options.command);
}

static void values_follow_in_every_spelling(void **state)
{
    (void)state;
    char lines[][60] = { "-i 250ms -o x -d 2m", "-i250ms -ox -d2m",
                         "--interval 250ms --output x --duration 2m",
                         "--interval=250ms --output=x --duration=2m" };

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct options options = accept(lines[i]);

        assert_int_equal(options.interval_ns, 250 * MS);
        assert_int_equal(options.duration_ns, 120 * SECOND);
        assert_string_equal(options.output, "x");
    }
}

static void all_other_options_are_read(void **state)
{
    (void)state;
    char line[] = "--keep 0 --keep-rollups=36h --max-size 300M --budget 0.25% "
                  "--collectors cpu,memory --process-source=proc --sync 0 --redact a --redact=b=c "
                  "--no-cmdline --user u --no-sandbox --list-collectors --format json -V -h";
    struct options options = accept(line);

    assert_string_equal(options.collectors, "cpu,memory");
    assert_string_equal(options.process_source, "proc");
    assert_int_equal(options.sync_ns, 0);
    assert_int_equal(options.keep_ns, 0);
    assert_int_equal(options.keep_rollups_ns, 36 * 3600 * SECOND);
    assert_int_equal(options.max_bytes, 300 << 20);
    assert_int_equal(options.budget_ppm, 2500);
    assert_int_equal(options.redact_count, 2);
    assert_string_equal(options.redact[0], "a");
    assert_string_equal(options.redact[1], "b=c");
    assert_true(options.no_cmdline && options.list_collectors && options.json);
    assert_true(options.version && options.help && options.no_sandbox);
    assert_string_equal(options.user, "u");
}

static void the_command_begins_at_two_dashes_or_the_first_word(void **state)
{
    (void)state;
    char lines[][40] = { "-i 2s -- make -j2 -o y", "-i 2s make -j2 -o y" };

    for (size_t i = 0; i < 2; i++) {
        struct options options = accept(lines[i]);

        assert_non_null(options.command);
        assert_string_equal(options.command[0], "make");
        assert_string_equal(options.command[3], "y");
        assert_null(options.command[4]);
        assert_null(options.output);
    }
    assert_null(accept((char[]){ "-i 2s --" }).command);
    assert_string_equal(accept((char[]){ "-- -x" }).command[0], "-x");
    assert_string_equal(accept((char[]){ "-" }).command[0], "-");
}

static void mistakes_name_the_option_and_what_is_accepted(void **state)
{
    (void)state;
    refuse("-i", "--interval needs a value: SPAN");
    refuse("--interval", "--interval needs a value: SPAN");
    refuse("-i 9ms", "--interval: 9ms: accepted is 10ms to 1h");
    refuse("-i 61m", "--interval: 61m: accepted is 10ms to 1h");
    refuse("-i 0s", "accepted is 10ms to 1h");
    refuse("--interval=", "--interval: \"\" is no time span");
    refuse("-d 0s", "--duration: 0s: accepted is any time span longer than 0");
    refuse("-d 5", "--duration: \"5\" is no time span: write a number and a unit");
    refuse("-d -5s", "\"-5s\" is no time span");
    refuse("--budget 5", "--budget: 5: accepted is 0.01% to 100% of a core, or none");
    refuse("--budget 101%", "--budget: 101%: accepted is");
    refuse("--budget -1%", "--budget: -1%: accepted is");
    refuse("--budget nan%", "--budget: nan%: accepted is");
    refuse("--process-source ps",
           "--process-source: \"ps\": accepted is auto, bpf, iter, fds or proc");
    refuse("--sync often", "--sync: \"often\" is no time span");
    refuse("--keep long", "--keep: \"long\" is no time span");
    refuse("--keep-rollups 5", "--keep-rollups: \"5\" is no time span");
    refuse("--max-size big", "--max-size: \"big\" is no size: write a number of bytes");
    refuse("--max-size 1G5", "--max-size: \"1G5\" is no size");
    refuse("--max-size 1M", "--max-size: 1M: accepted is 2M and more, or 0 for no limit");
    refuse("--max-size 9223372036854775808", "is no size");
    refuse("--max-size 99999999T", "--max-size: \"99999999T\" is no size");
    refuse("--redact=", "--redact: is empty");
    refuse("--output=", "--output: is empty");
    refuse("--collectors=", "--collectors: is empty");
    refuse("--format json", "--format goes with --list-collectors only");
    refuse("--list-collectors --format yaml", "--format: \"yaml\": accepted is table or json");
    refuse("--user=", "--user: is empty");
    refuse("--user u make", "--user: a COMMAND runs as who starts procscoped");
    refuse("--no-cmdline=yes", "--no-cmdline takes no value");
    refuse("-hx", "--help takes no value");
    refuse("-x", "-x is no option; see procscoped --help");
}

static void spans_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ns;
    } spans[] = {
        { "10ms", 10 * MS },     { "1s", SECOND },          { "1.5s", 1500 * MS },
        { "0.010s", 10 * MS },   { ".5s", 500 * MS },       { "90m", 5400 * SECOND },
        { "1h", 3600 * SECOND }, { "2d", 172800 * SECOND }, { "0.000000001s", 1 },
    };
    static const char *const bad[] = { "",       "s",
                                       "1",      ".",
                                       ".s",     "1.2.3s",
                                       "1 s",    "1sec",
                                       "1S",     "+1s",
                                       "-1s",    "0x10s",
                                       "1e3s",   "nans",
                                       "1us",    "99999999999999999999s",
                                       "36501d", "9223372036854775807ms",
                                       "\xff" };
    struct error err;
    int64_t ns;

    for (size_t i = 0; i < COUNT_OF(spans); i++) {
        assert_int_equal(options_parse_span(spans[i].text, &ns, &err), STATUS_OK);
        assert_int_equal(ns, spans[i].ns);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (options_parse_span(bad[i], &ns, &err) != STATUS_INVALID)
            fail_msg("\"%s\" was accepted", bad[i]);
    }
}

static void too_many_patterns_are_refused(void **state)
{
    (void)state;
    char line[2000] = "";

    for (int i = 0; i <= OPTIONS_REDACT_MAX; i++)
        strcat(line, "--redact=a ");
    refuse(line, "at most 64 are accepted");
}

static void the_help_names_every_option_once(void **state)
{
    (void)state;
    static const char *const names[] = { "--output",         "--interval",   "--duration",
                                         "--collectors",     "--sync",       "--redact",
                                         "--process-source", "--format",     "--no-cmdline",
                                         "--keep-rollups",   "--max-size",   "--list-collectors",
                                         "--user",           "--no-sandbox", "--budget" };
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    options_print_help(out);
    fclose(out);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_non_null(strstr(text, names[i]));
    for (const char *line = text; line != NULL && *line != '\0';) {
        const char *end = strchr(line, '\n');

        assert_true(end - line <= 84);
        line = end + 1;
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_help),
        cmocka_unit_test(values_follow_in_every_spelling),
        cmocka_unit_test(all_other_options_are_read),
        cmocka_unit_test(the_command_begins_at_two_dashes_or_the_first_word),
        cmocka_unit_test(mistakes_name_the_option_and_what_is_accepted),
        cmocka_unit_test(spans_are_exact),
        cmocka_unit_test(too_many_patterns_are_refused),
        cmocka_unit_test(the_help_names_every_option_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
