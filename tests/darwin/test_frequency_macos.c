/*
 * Frequencies and heat of a Mac: tables in Hz and kHz, with states that are off, of clusters that share a tier; states
 * that are not those of the table; an SMC of which keys cannot be read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "recorder/collectors/collectors_macos.h"
#include "recorder/collectors/frequency_table.h"
#include "recorder/collectors/pmgr_macos.h"
#include "recorder/collectors/smc_value.h"
#include "tests/darwin/fake_iokit.h"
#include "tests/darwin/support_mac.h"

#define SECOND INT64_C(1000000000)
#define MHZ INT64_C(1000000)

static struct fake_process own;

static struct scenario host(const char *registry)
{
    struct scenario scenario;

    own = mac_process(1, 1, "own");
    scenario = mac_scenario(&own, 1);
    scenario.registry = fake_json(registry);
    return scenario;
}

static void put_word(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static struct frequency_table table_of(const uint32_t words[], size_t count)
{
    uint8_t bytes[256] = { 0 };
    struct frequency_table table;

    for (size_t i = 0; i < count; i++)
        put_word(bytes + 8 * i, words[i]);
    frequency_table_parse(bytes, 8 * count, &table);
    return table;
}

static void tables_are_in_hz_or_khz_and_off_is_no_frequency(void **state)
{
    (void)state;
    static const uint32_t in_hz[] = { 0, 396000000, 1278000000 };
    static const uint32_t in_khz[] = { 1020000, 4404000 };
    static const uint32_t periods[] = { 109226, 67423 }; /* too low for kHz, the second */
    uint8_t odd[12] = { 0 };
    struct frequency_table table = table_of(in_hz, 3);

    assert_int_equal(table.count, 2);
    assert_int_equal(table.hz[0], 396 * MHZ);
    table = table_of(in_khz, 2);
    assert_int_equal(table.count, 2);
    assert_int_equal(table.hz[1], 4404 * MHZ);
    assert_int_equal(table_of(periods, 2).count, 0);
    frequency_table_parse(odd, sizeof odd, &table);
    assert_int_equal(table.count, 0);
}

static void the_mean_is_of_the_time_that_it_worked(void **state)
{
    (void)state;
    const struct frequency_table table = { 2, { 600 * MHZ, 1200 * MHZ } };
    struct frequency_state s[] = { { "DOWN", 0, 1000 },
                                   { "IDLE", 5, 50000 },
                                   { "V0P1", 100, 130 },
                                   { "V1P0", 7, 17 },
                                   { "V2P2", 0, 0 } };
    int64_t hz = 0;

    assert_int_equal(frequency_mean(s, 4, &table, &hz), MISSING_NONE);
    assert_int_equal(hz, 750 * MHZ); /* 30 at 600, 10 at 1200 */
    assert_int_equal(frequency_mean(s, 5, &table, &hz), MISSING_UNSUPPORTED);
    assert_int_equal(frequency_mean(s, 3, &table, &hz), MISSING_UNSUPPORTED);
    s[0].name = "NON_IDLE";
    assert_int_equal(frequency_mean(s, 4, &table, &hz), MISSING_NONE);
    assert_int_equal(hz, 750 * MHZ);
    s[2].now = 100;
    s[3].now = 7;
    assert_int_equal(frequency_mean(s, 4, &table, &hz), MISSING_NOT_THERE);
    s[3].now = 6; /* it began anew */
    assert_int_equal(frequency_mean(s, 4, &table, &hz), MISSING_FAILED);
    s[3].now = INT64_MAX;
    s[3].before = INT64_MIN;
    assert_int_equal(frequency_mean(s, 4, &table, &hz), MISSING_FAILED);
    s[0].name = "";
    s[3].before = s[3].now = 0;
    assert_int_equal(frequency_mean(s, 4, &table, &hz), MISSING_UNSUPPORTED);
}

static void clusters_have_the_tables_that_the_chip_says(void **state)
{
    (void)state;
    struct scenario scenario =
        host("[{\"class\":\"AppleARMIODevice\",\"name\":\"other\",\"properties\":{\"voltage-"
             "states1-sram\":"
             "{\"words\":[999000000,1]}}},"
             "{\"class\":\"AppleARMIODevice\",\"name\":\"pmgr\",\"properties\":{"
             "\"acc-clusters\":{\"bytes\":[1,2,0,0,0,0,0,0, 5,9,0,0,0,0,0,0, 13,9,0,0,0,0,0,0]},"
             "\"voltage-states1-sram\":{\"words\":[100000000,1]},"
             "\"voltage-states5-sram\":{\"words\":[500000000,1]},"
             "\"voltage-states13-sram\":{\"words\":[1300000000,1]}}}]");
    struct pmgr pmgr;

    fake_boot(&scenario);
    pmgr_read(&pmgr);
    assert_int_equal(pmgr_table(&pmgr, "EP", 'E', 0)->hz[0], 100 * MHZ);
    assert_int_equal(pmgr_table(&pmgr, "EP", 'P', 0)->hz[0], 500 * MHZ);
    assert_int_equal(pmgr_table(&pmgr, "EP", 'P', 1)->hz[0], 1300 * MHZ);
    assert_int_equal(pmgr_table(&pmgr, "EMP", 'P', 0)->count, 0); /* two tiers are not three */
    assert_int_equal(pmgr_table(&pmgr, "EP", 'M', 0)->count, 0);
    pmgr.cluster_count = 0; /* M1: by the usual numbers */
    assert_int_equal(pmgr_table(&pmgr, "EP", 'P', 1)->hz[0], 500 * MHZ);
    assert_int_equal(fake_settle(stderr), 0);
}

static void a_core_without_its_table_has_time_and_no_frequency(void **state)
{
    (void)state;
    struct scenario scenario = host("[]");
    enum missing why;
    struct mac mac;

    mac_open(&mac, &scenario, &cpu_collector);
    assert_int_equal(mac.capability.status, CAPABILITY_PARTIAL);
    assert_non_null(strstr(mac.capability.reason, "no frequency_hz"));
    assert_int_equal(mac_tick(&mac, SECOND), STATUS_OK);
    (void)mac_value(&mac, TABLE_CPU, 0, CPU_FREQUENCY_HZ, &why);
    assert_int_equal(why, MISSING_UNSUPPORTED);
    (void)mac_value(&mac, TABLE_CPU, 0, CPU_IDLE_NS_TOTAL, &why);
    assert_int_equal(why, MISSING_NONE);
    mac_close(&mac);
}

static void values_of_the_smc_are_by_type(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        uint8_t bytes[4];
        size_t size;
        int64_t milli; /* -1: none */
    } values[] = {
        { "flt ", { 0, 0, 0x26, 0x42 }, 4, 41500 },
        { "flt ", { 0, 0, 0xc0, 0x7f }, 4, -1 }, /* not a number */
        { "flt ", { 0, 0, 0x80, 0x7f }, 4, -1 }, /* infinite */
        { "flt ", { 0, 0 }, 2, -1 },
        { "sp78", { 0x2a, 0x80 }, 2, 42500 },
        { "sp78", { 0xff, 0x80 }, 2, -500 },
        { "fpe2", { 0x15, 0x1a }, 2, 1350500 },
        { "ui8 ", { 7 }, 1, 7000 },
        { "ui16", { 1, 2 }, 2, 258000 },
        { "ui32", { 0, 0, 1, 0 }, 4, 256000 },
        { "ch8*", { 1, 2, 3, 4 }, 4, -1 },
        { "ui16", { 1 }, 1, -1 },
    };

    for (size_t i = 0; i < COUNT_OF(values); i++) {
        const char *t = values[i].type;
        int64_t milli = -1;

        (void)smc_value_milli(SMC_KEY(t[0], t[1], t[2], t[3]), values[i].bytes, values[i].size,
                              &milli);
        assert_int_equal(milli, values[i].milli);
    }
}

static void what_cannot_be_a_temperature_has_failed(void **state)
{
    (void)state;
    struct scenario scenario = host("[{\"class\":\"AppleSMC\"}]");
    static const int64_t expected[] = { 42000, -1, -1, -1, -1, 150000 };
    enum missing why;
    struct mac mac;

    scenario.smc =
        fake_json("{\"keys\":{\"Tp01\":{\"type\":\"flt \",\"milli\":{\"steps\":[[0,42000],"
                  "[10,0],[20,128000],[30,150001],[40,null],[50,150000]]}},"
                  "\"Xp01\":{\"type\":\"flt \",\"milli\":5}}}");
    mac_open(&mac, &scenario, &thermal_collector);
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_int_equal(mac_tick(&mac, (int64_t)i * 10 * SECOND), STATUS_OK);
        assert_int_equal(mac.tick.table[TABLE_THERMAL].row_count, 1);
        assert_int_equal(mac_value(&mac, TABLE_THERMAL, 0, THERMAL_TEMPERATURE_MILLICELSIUS, &why),
                         expected[i]);
        assert_int_equal(why, expected[i] < 0 ? MISSING_FAILED : MISSING_NONE);
    }
    mac_close(&mac);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_in_hz_or_khz_and_off_is_no_frequency),
        cmocka_unit_test(the_mean_is_of_the_time_that_it_worked),
        cmocka_unit_test(clusters_have_the_tables_that_the_chip_says),
        cmocka_unit_test(a_core_without_its_table_has_time_and_no_frequency),
        cmocka_unit_test(values_of_the_smc_are_by_type),
        cmocka_unit_test(what_cannot_be_a_temperature_has_failed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
