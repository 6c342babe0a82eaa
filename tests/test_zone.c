/* Time zone files, whole and damaged, and the rules at their end. */
#include <time.h>

#include "analyzer/zone.h"
#include "analyzer/zone_rule.h"
#include "tests/zone_fixture.h"

static void hostile_zone_names_open_nothing(void **state)
{
    static const char *const names[] = {
        "../etc/passwd",
        "/etc/passwd",
        "Europe/../../x",
        ".hidden",
        "a/./b",
        "a//b",
        "a/",
        "a\nb",
        "\xff",
        "a b",
        "%s%n",
        "a/.b",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    struct zone zone = { 0 };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        zone.name = names[i];
        assert_int_equal(zone_load(&zone, NULL, NULL), STATUS_INVALID);
        assert_null(zone.table);
    }
    zone.name = "";
    assert_int_equal(zone_load(&zone, NULL, NULL), STATUS_ABSENT);
    zone.name = NULL;
    assert_int_equal(zone_load(&zone, NULL, NULL), STATUS_ABSENT);
    zone.name = "tmp"; /* a directory */
    assert_int_equal(zone_load(&zone, "/", NULL), STATUS_ABSENT);
}

static void every_truncation_of_a_zone_file_is_corrupt(void **state)
{
    uint8_t data[256];
    size_t whole = make_zone_file(data, BERLIN_RULE);
    struct zone zone = { .name = "Berlin" };
    (void)state;

    for (size_t cut = 0; cut < whole; cut++) {
        write_zone(data, cut);
        assert_int_equal(zone_load(&zone, directory, NULL), STATUS_CORRUPT);
        assert_null(zone.table);
    }
}

static void damaged_zone_files_never_crash(void **state)
{
    uint8_t data[256];
    size_t whole = make_zone_file(data, BERLIN_RULE);
    (void)state;

    for (size_t at = 0; at < whole; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            struct zone zone = { .name = "Berlin" };

            data[at] ^= (uint8_t)(1U << bit);
            write_zone(data, whole);
            data[at] ^= (uint8_t)(1U << bit);
            (void)!zone_load(&zone, directory, NULL);
            for (int64_t year = -200; year < 280; year += 40)
                (void)zone_offset(&zone, year * 365 * DAY);
            zone_release(&zone);
        }
    }
}

static void rules_of_all_forms(void **state)
{
    static const struct {
        const char *text;
        int64_t utc_s;
        int32_t offset_s;
    } good[] = {
        { "<+0530>-5:30", 0, 19800 },
        { "EST5EDT,M3.2.0,M11.1.0", 1782900000, -4 * 3600 },
        { "EST5EDT,M3.2.0,M11.1.0", 1795183385, -5 * 3600 },
        { "AEST-10AEDT,M10.1.0,M4.1.0/3", 1795183385, 11 * 3600 }, /* southern: over new year */
        { "AEST-10AEDT,M10.1.0,M4.1.0/3", 1798718400, 11 * 3600 }, /* 2026-12-31T12:00Z */
        { "AEST-10AEDT,M10.1.0,M4.1.0/3", 1782900000, 10 * 3600 },
        { "IST-1GMT0,M10.5.0,M3.5.0/1", 1795183385, 0 }, /* winter is the exception */
        { "IST-1GMT0,M10.5.0,M3.5.0/1", 1782900000, 3600 },
        { "XXX0YYY,J60/0,J61/0", 1709251200, 3600 }, /* 2024-03-01 in a leap year */
        { "XXX0YYY,J60/0,J61/0", 1709251199, 0 },    /* February 29 does not count */
        { "XXX0YYY,59/0,60/0", 1709164800, 3600 },   /* it does: 2024-02-29 */
        { "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 1774745999, -7200 },
        { "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 1774746000, -3600 },
    };
    static const char *const bad[] = { "",
                                       "C1",
                                       "CET",
                                       "CET-",
                                       "CET-25",
                                       "CET-1CEST",
                                       "CET-1CEST,",
                                       "CET-1CEST,M3.5.0",
                                       "CET-1CEST,M13.5.0,J1",
                                       "CET-1CEST,M3.6.0,J1",
                                       "CET-1CEST,J0,J1",
                                       "CET-1CEST,J366,J1",
                                       "CET-1CEST,M3.5.7,J1",
                                       "CET-1CEST,J1/168,J2",
                                       "CET-1x",
                                       "CET-1CEST,J1,J2x",
                                       "<>1",
                                       "CET-1:60",
                                       "<+01-1",
                                       "CET-99999999999999999999" };
    struct zone_rule rule;
    (void)state;

    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_int_equal(zone_rule_parse(good[i].text, &rule, NULL), STATUS_OK);
        if (zone_rule_offset(&rule, good[i].utc_s) != good[i].offset_s)
            fail_msg("%s at %lld: %d", good[i].text, (long long)good[i].utc_s,
                     zone_rule_offset(&rule, good[i].utc_s));
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (zone_rule_parse(bad[i], &rule, NULL) != STATUS_CORRUPT)
            fail_msg("%s was accepted", bad[i]);
}

/* Against this machine's C library, where it has the zones. */
static void zones_agree_with_the_c_library(void **state)
{
    static const char *const names[] = {
        "Europe/Berlin", "America/New_York",  "Australia/Lord_Howe",
        "Europe/Dublin", "Africa/Casablanca", "Asia/Kolkata",
        "Pacific/Apia",  "America/Sao_Paulo", "UTC"
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct zone zone = { .name = names[i] };

        if (zone_load(&zone, NULL, NULL) == STATUS_ABSENT)
            continue;
        assert_non_null(zone.table);
        (void)setenv("TZ", names[i], 1);
        tzset();
        for (time_t at = -2000000000; at < 9214646400; at += 1234567) {
            struct tm local;

            assert_non_null(localtime_r(&at, &local));
            if (zone_offset(&zone, at * SECOND) != local.tm_gmtoff)
                fail_msg("%s at %lld", names[i], (long long)at);
        }
        zone_release(&zone);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_zone_names_open_nothing),
        cmocka_unit_test(every_truncation_of_a_zone_file_is_corrupt),
        cmocka_unit_test(damaged_zone_files_never_crash),
        cmocka_unit_test(rules_of_all_forms),
        cmocka_unit_test(zones_agree_with_the_c_library),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
