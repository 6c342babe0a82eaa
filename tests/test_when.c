/* Times, durations and windows as users write them. */
#include "analyzer/when.h"
#include "tests/zone_fixture.h"

/* Berlin from a file; .last is 2026-11-20 14:03:05 UTC, .first an hour before. */
struct fixture {
    struct zone zone;
    struct when_context context;
};

static void fixture_open(struct fixture *f)
{
    uint8_t data[256];

    write_zone(data, make_zone_file(data, BERLIN_RULE));
    *f = (struct fixture){ .zone = { .name = "Berlin" } };
    assert_int_equal(zone_load(&f->zone, directory, NULL), STATUS_OK);
    f->context.zone = &f->zone;
    f->context.last_ns = 1795183385 * SECOND;
    f->context.first_ns = f->context.last_ns - HOUR;
}

static int64_t last_ns; /* of the time parsed last */

static int64_t parse(const struct when_context *context, const char *text, const char *warning)
{
    struct when_warning warned = { "" };
    struct error err = { 0 };
    struct when_time time = { -1, -1 };

    if (when_parse(text, context, &time, &warned, &err) != STATUS_OK)
        fail_msg("%s: %s", text, err.message);
    if (warning == NULL)
        assert_string_equal(warned.text, "");
    else
        assert_non_null(strstr(warned.text, warning));
    last_ns = time.last_ns;
    return time.first_ns;
}

static void refuse(const struct when_context *context, const char *text, const char *why)
{
    struct when_warning warning = { "" };
    struct error err = { 0 };
    struct when_time time;

    if (when_parse(text, context, &time, &warning, &err) != STATUS_INVALID)
        fail_msg("%s was accepted", text);
    if (strstr(err.message, why) == NULL)
        fail_msg("%s: %s", text, err.message);
    for (const char *p = err.message; *p != '\0'; p++)
        assert_true((unsigned char)*p >= 0x20);
}

static void rfc3339_is_understood(void **state)
{
    struct when_context utc = { 0 };
    int64_t at = 1795183385 * SECOND;
    (void)state;

    assert_int_equal(parse(&utc, "2026-11-20T14:03:05Z", NULL), at);
    assert_int_equal(parse(&utc, "2026-11-20t14:03:05z", NULL), at);
    assert_int_equal(parse(&utc, "2026-11-20 14:03:05Z", NULL), at);
    assert_int_equal(parse(&utc, "2026-11-20T14:03Z", NULL), at - 5 * SECOND);
    assert_int_equal(parse(&utc, "2026-11-20T14:03:05.123456789Z", NULL), at + 123456789);
    assert_int_equal(parse(&utc, "2026-11-20T14:03:05.5Z", NULL), at + SECOND / 2);
    assert_int_equal(parse(&utc, "2026-11-20T16:03:05+02:00", NULL), at);
    assert_int_equal(parse(&utc, "2026-11-20T16:03:05+0200", NULL), at);
    assert_int_equal(parse(&utc, "2026-11-20T08:33:05-05:30", NULL), at);
    assert_int_equal(parse(&utc, "1970-01-01T00:00:00Z", NULL), 0);
    assert_int_equal(parse(&utc, "1970-01-01T01:00:00+01:00", NULL), 0);
    assert_int_equal(parse(&utc, "2261-12-31T23:59:59.999999999Z", NULL),
                     INT64_C(9214646399999999999));
    assert_int_equal(parse(&utc, "2024-02-29", NULL), 1709164800 * SECOND);
}

static void local_times_use_the_recorded_zone(void **state)
{
    struct fixture f;
    int64_t at = 1795183380 * SECOND; /* 14:03 UTC, 15:03 in Berlin */
    (void)state;

    fixture_open(&f);
    assert_int_equal(parse(&f.context, "2026-11-20 15:03", NULL), at);
    assert_int_equal(parse(&f.context, "2026-11-20T15:03", NULL), at);
    assert_int_equal(parse(&f.context, "2026-11-20 15:03:05.25", NULL), at + 5250000000);
    assert_int_equal(parse(&f.context, "2026-07-01 12:00", NULL), 1782900000 * SECOND);
    assert_int_equal(parse(&f.context, "2026-11-20", NULL), at - 15 * HOUR - 3 * MINUTE);
    assert_int_equal(parse(&f.context, "15:03", NULL), at);
    assert_int_equal(parse(&f.context, "15:03:01.5", NULL), at + 3 * SECOND / 2);
    assert_int_equal(parse(&f.context, "23:00", NULL), at + 7 * HOUR + 57 * MINUTE);
    f.context.utc = true;
    assert_int_equal(parse(&f.context, "2026-11-20 14:03", NULL), at);
    assert_int_equal(parse(&f.context, "14:03", NULL), at);
    zone_release(&f.zone);
}

static void the_last_day_is_the_zones_day(void **state)
{
    struct fixture f;
    (void)state;

    fixture_open(&f);
    f.context.last_ns = 1795217400 * SECOND; /* 2026-11-20T23:30Z, the 21st in Berlin */
    assert_int_equal(parse(&f.context, "00:10", NULL), 1795216200 * SECOND);
    f.context.utc = true;
    assert_int_equal(parse(&f.context, "00:10", NULL), (1795217400 - 84000) * SECOND);
    f.context.last_ns = INT64_MIN;
    refuse(&f.context, "00:10", "years");
    zone_release(&f.zone);
}

static void a_time_that_came_twice_is_both(void **state)
{
    struct fixture f;
    int64_t fold = 1792888200 * SECOND; /* 2026-10-25T00:30Z, 02:30 CEST */
    (void)state;

    fixture_open(&f);
    assert_int_equal(parse(&f.context, "2026-10-25 02:30", "came twice in Berlin"), fold);
    assert_int_equal(last_ns, fold + HOUR);
    assert_int_equal(parse(&f.context, "2026-10-25 02:00", "2026-10-25T01:00:00.000000000Z"),
                     fold - 30 * MINUTE);
    assert_int_equal(parse(&f.context, "2026-10-25 02:59:59.999999999", "twice"),
                     fold + 30 * MINUTE - 1);
    assert_int_equal(parse(&f.context, "2026-10-25 01:59:59.999999999", NULL),
                     fold - 30 * MINUTE - 1);
    assert_int_equal(parse(&f.context, "2026-10-25 03:00", NULL), fold + 90 * MINUTE);
    assert_int_equal(parse(&f.context, "2026-10-25 02:30+01:00", NULL), fold + HOUR);
    zone_release(&f.zone);
}

static void a_time_that_never_came_is_shifted(void **state)
{
    struct fixture f;
    int64_t gap = 1774746000 * SECOND; /* 2026-03-29T01:00Z: 02:00 becomes 03:00 */
    (void)state;

    fixture_open(&f);
    assert_int_equal(parse(&f.context, "2026-03-29 01:59:59", NULL), gap - SECOND);
    assert_int_equal(parse(&f.context, "2026-03-29 02:00", "never came"), gap);
    assert_int_equal(parse(&f.context, "2026-03-29 02:30", "never came"), gap + 30 * MINUTE);
    assert_int_equal(parse(&f.context, "2026-03-29 03:00", NULL), gap);
    zone_release(&f.zone);
}

static void without_a_zone_file_the_stored_offsets_answer(void **state)
{
    struct zone zone = { .name = "No/Such_Zone",
                         .offset_s = 7200,
                         .next_change_ns = 1792890000 * SECOND,
                         .next_offset_s = 3600 };
    struct when_context context = { .zone = &zone };
    (void)state;

    assert_int_equal(zone_load(&zone, directory, NULL), STATUS_ABSENT);
    assert_int_equal(parse(&context, "2026-10-24 12:00", NULL), 1792836000 * SECOND);
    assert_int_equal(parse(&context, "2026-10-26 12:00", NULL), 1793012400 * SECOND);
    assert_int_equal(parse(&context, "2026-10-25 02:30", "twice"), 1792888200 * SECOND);
    zone.next_change_ns = 0;
    assert_int_equal(parse(&context, "2026-10-26 12:00", NULL), 1793008800 * SECOND);
    zone.offset_s = INT32_MIN; /* a damaged recording */
    assert_int_equal(zone_offset(&zone, 0), 0);
    zone.offset_s = INT32_MAX;
    assert_int_equal(zone_offset(&zone, INT64_MIN), 0);
    assert_int_equal(zone_offset(NULL, INT64_MAX), 0);
}

static void relative_and_epoch_times(void **state)
{
    struct when_context context = { .last_ns = 1795183385 * SECOND };
    (void)state;

    assert_int_equal(parse(&context, "-15m", NULL), context.last_ns - 15 * MINUTE);
    assert_int_equal(parse(&context, "-2h30m", NULL), context.last_ns - 150 * MINUTE);
    assert_int_equal(parse(&context, "-0s", NULL), context.last_ns);
    assert_int_equal(parse(&context, "@0", NULL), 0);
    assert_int_equal(parse(&context, "@1795183385", NULL), context.last_ns);
    assert_int_equal(parse(&context, "@1795183385.000000001", NULL), context.last_ns + 1);
    assert_int_equal(parse(&context, "@9214646399.999999999", NULL), INT64_C(9214646399999999999));
    refuse(&context, "@9214646400", "years 1970 to 2261");
    refuse(&context, "@99999999999999999999999999", "years");
    refuse(&context, "@-1", "not a time");
    refuse(&context, "@1.1234567890", "not a time");
    refuse(&context, "@", "not a time");
    refuse(&context, "-1000000d", "duration");
    refuse(&context, "-50000d", "years");
    refuse(&context, "--5m", "duration");
    context.last_ns = INT64_MIN;
    refuse(&context, "-1s", "years");
    context.last_ns = INT64_MAX;
    refuse(&context, "-1s", "years");
}

static void nonsense_is_refused_by_name(void **state)
{
    static const char *const texts[] = {
        "",
        "x",
        "2026",
        "2026-11",
        "2026-1-1",
        "2026-00-01",
        "2026-13-01",
        "2026-02-29",
        "2026-11-00",
        "2026-11-31",
        "1969-12-31",
        "2262-01-01",
        "9999-12-31",
        "2026-11-20 ",
        "2026-11-20 14",
        "2026-11-20 24:00",
        "2026-11-20 14:60",
        "2026-11-20 14:03:60",
        "2026-11-20 14:03:05.",
        "2026-11-20 14:03:05.1234567890",
        "2026-11-20 14:03 ",
        "2026-11-20Z",
        "2026-11-20 14:03+2",
        "2026-11-20 14:03+25:00",
        "2026-11-20 14:03+01:60",
        "14:0",
        "14:",
        "25:00",
        "14:03Z",
        "1:03",
        "now",
        "12:00:",
        "2026/11/20",
        " 14:03",
        "-",
        "a,\"b\n=1+1\x1b[31m",
        "\xff\xfe",
        "14:03\n",
    };
    struct when_context context = { .last_ns = 1795183385 * SECOND };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(texts); i++)
        refuse(&context, texts[i], "write one like");
    refuse(&context, "1970-01-01T00:00:00+00:01", "years 1970 to 2261");
    refuse(&context, "2261-12-31T23:59:59-00:01", "years 1970 to 2261");
    refuse(&context, "a\x1b[31m", "\"a\\x1b[31m\"");
}

static void every_truncation_of_a_time_is_safe(void **state)
{
    static const char whole[] = "2026-11-20T14:03:05.123456789+01:00";
    struct when_context context = { 0 };
    (void)state;

    for (size_t cut = 0; cut < sizeof whole; cut++) {
        char *text = strndup(whole, cut);
        struct when_warning warning = { "" };
        struct when_time time;

        assert_non_null(text);
        (void)!when_parse(text, &context, &time, &warning, NULL);
        free(text);
    }
}

static void durations_are_exact(void **state)
{
    static const struct {
        const char *text;
        int64_t ns;
    } good[] = {
        { "15m", 15 * MINUTE },
        { "1h30m", 90 * MINUTE },
        { "90s", 90 * SECOND },
        { "500ms", SECOND / 2 },
        { "2d", 2 * DAY },
        { "1.5h", 90 * MINUTE },
        { "250us", 250000 },
        { "1ns", 1 },
        { "0s", 0 },
        { "1d2h3m4s5ms6us7ns", DAY + 2 * HOUR + 3 * MINUTE + 4 * SECOND + 5006007 },
        { "0.000000001s", 1 },
        { "0.1d", 8640 * SECOND },
        { "1.000ns", 1 },
        { "9223372036854775807ns", INT64_MAX },
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(good); i++) {
        int64_t ns = -1;

        assert_int_equal(duration_parse(good[i].text, &ns, NULL), STATUS_OK);
        assert_int_equal(ns, good[i].ns);
    }
}

static void what_is_no_duration_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "15",
        "m",
        "-5m",
        "+5m",
        "1.m",
        ".5s",
        "1m1h",
        "1m1m",
        "1h 30m",
        "5min",
        "5x",
        "1.5",
        "1.5ns",
        "1.01ns",
        "0.0000000001s",
        "9223372036854775808ns",
        "106752d",
        "99999999999999999999d",
        "1e3s",
        "0x10s",
        "15m\n",
        "nan",
        "106751d86400s",
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct error err = { 0 };
        int64_t ns;

        if (duration_parse(bad[i], &ns, &err) != STATUS_INVALID)
            fail_msg("%s was accepted", bad[i]);
        assert_non_null(strstr(err.message, "2h30m"));
    }
}

static const struct when_context hour = {
    .first_ns = 1795179785 * SECOND,
    .last_ns = 1795183385 * SECOND,
};

static void windows_are_resolved(void **state)
{
    static const struct {
        struct window_options options;
        struct window window;
    } good[] = {
        { { 0 }, { 1795179785 * SECOND, 1795183385 * SECOND } },
        { { .from = "@1795180000" }, { 1795180000 * SECOND, 1795183385 * SECOND } },
        { { .to = "-1m" }, { 1795179785 * SECOND, 1795183325 * SECOND } },
        { { .from = "-10m", .to = "-5m" }, { 1795182785 * SECOND, 1795183085 * SECOND } },
        { { .last = "15m" }, { 1795182485 * SECOND, 1795183385 * SECOND } },
        { { .last = "106751d" }, { 0, 1795183385 * SECOND } },
        { { .at = "-30m" }, { 1795181435 * SECOND, 1795181735 * SECOND } },
        { { .at = "-30m", .span = "3ns" }, { 1795181585 * SECOND - 1, 1795181585 * SECOND + 2 } },
        { { .at = "@1795180000", .span = "106751d" },
          { 0, 1795180000 * SECOND + 106751 * DAY / 2 } },
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(good); i++) {
        struct when_warning warning = { "" };
        struct window window;

        assert_int_equal(window_resolve(&good[i].options, &hour, &window, &warning, NULL),
                         STATUS_OK);
        assert_int_equal(window.from_ns, good[i].window.from_ns);
        assert_int_equal(window.to_ns, good[i].window.to_ns);
        assert_string_equal(warning.text, "");
    }
}

static void windows_that_contradict_are_refused(void **state)
{
    static const struct window_options bad[] = {
        { .from = "-5m", .last = "5m" },
        { .to = "-5m", .at = "-5m" },
        { .last = "5m", .at = "-5m" },
        { .span = "5m" },
        { .from = "-5m", .span = "5m" },
        { .from = "-5m", .to = "-5m" },
        { .from = "-5m", .to = "-6m" },
        { .from = "2030-01-01" },
        { .to = "2020-01-01" },
        { .last = "0s" },
        { .last = "-5m" },
        { .at = "x" },
        { .at = "-5m", .span = "0s" },
        { .at = "-5m", .span = "x" },
        { .from = "x" },
        { .to = "x" },
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct when_warning warning = { "" };
        struct error err = { 0 };
        struct window window;

        assert_int_equal(window_resolve(&bad[i], &hour, &window, &warning, &err), STATUS_INVALID);
        assert_true(err.message[0] != '\0');
    }
}

static void a_window_beside_the_recording_is_warned_of(void **state)
{
    struct window_options options = { .from = "2027-01-01", .to = "2027-01-02" };
    struct when_context one = { .first_ns = 5, .last_ns = 5 };
    struct when_warning warning = { "" };
    struct window window;
    (void)state;

    assert_int_equal(window_resolve(&options, &hour, &window, &warning, NULL), STATUS_OK);
    assert_non_null(strstr(warning.text, "nothing of the recording"));
    options = (struct window_options){ 0 };
    assert_int_equal(window_resolve(&options, &one, &window, &warning, NULL), STATUS_OK);
    assert_true(window.from_ns == 5 && window.to_ns == 5);
}

static void the_wall_clock_may_be_set(void **state)
{
    /* Half an hour on, it is set back an hour; an hour later forward by two. */
    static const struct when_wall wall[] = { { 0, 0 },
                                             { 1800 * SECOND, -3600 * SECOND },
                                             { 5400 * SECOND, 3600 * SECOND } };
    struct when_context context = {
        .utc = true, .first_ns = 0, .last_ns = 9000 * SECOND, .wall = wall, .wall_count = 3
    };
    struct window_options options = { .from = "1970-01-01 00:10", .to = "1970-01-01 00:20" };
    struct when_warning warning = { "" };
    struct window window;
    (void)state;

    assert_int_equal(parse(&context, "1970-01-01T00:10Z", "showed"), 600 * SECOND);
    assert_int_equal(last_ns, 4200 * SECOND);
    assert_int_equal(parse(&context, "1970-01-01T01:00Z", "never showed"), 5400 * SECOND);
    assert_int_equal(last_ns, 5400 * SECOND);
    assert_int_equal(parse(&context, "1970-01-01T03:00Z", NULL), 7200 * SECOND);
    assert_int_equal(parse(&context, "@600", NULL), 600 * SECOND);
    assert_int_equal(last_ns, 600 * SECOND);
    assert_int_equal(window_resolve(&options, &context, &window, &warning, NULL), STATUS_OK);
    assert_true(window.from_ns == 600 * SECOND && window.to_ns == 4800 * SECOND);
    options = (struct window_options){ .at = "1970-01-01 00:10", .span = "2m" };
    assert_int_equal(window_resolve(&options, &context, &window, &warning, NULL), STATUS_OK);
    assert_true(window.from_ns == 540 * SECOND && window.to_ns == 4260 * SECOND);
}

static void warnings_are_joined_and_bounded(void **state)
{
    struct window_options options = { .from = "2026-03-29 02:30", .to = "2026-10-25 02:30" };
    struct when_warning warning = { "" };
    struct window window;
    struct fixture f;
    (void)state;

    fixture_open(&f);
    for (int i = 0; i < 5; i++)
        assert_int_equal(window_resolve(&options, &f.context, &window, &warning, NULL), STATUS_OK);
    assert_non_null(strstr(warning.text, "; \"2026-10-25 02:30\" came twice"));
    assert_true(strlen(warning.text) < sizeof warning.text);
    zone_release(&f.zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc3339_is_understood),
        cmocka_unit_test(local_times_use_the_recorded_zone),
        cmocka_unit_test(the_last_day_is_the_zones_day),
        cmocka_unit_test(a_time_that_came_twice_is_both),
        cmocka_unit_test(a_time_that_never_came_is_shifted),
        cmocka_unit_test(without_a_zone_file_the_stored_offsets_answer),
        cmocka_unit_test(relative_and_epoch_times),
        cmocka_unit_test(nonsense_is_refused_by_name),
        cmocka_unit_test(every_truncation_of_a_time_is_safe),
        cmocka_unit_test(durations_are_exact),
        cmocka_unit_test(what_is_no_duration_is_refused),
        cmocka_unit_test(windows_are_resolved),
        cmocka_unit_test(windows_that_contradict_are_refused),
        cmocka_unit_test(a_window_beside_the_recording_is_warned_of),
        cmocka_unit_test(the_wall_clock_may_be_set),
        cmocka_unit_test(warnings_are_joined_and_bounded),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
