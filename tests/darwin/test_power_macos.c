/*
 * Energy of a Mac's chip: an IOReport that is not there, not whole, refuses, lies, stands still, or names its channels
 * as another chip does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "recorder/collectors/collectors_macos.h"
#include "recorder/collectors/ioreport_name.h"
#include "tests/darwin/fake_iokit.h"
#include "tests/darwin/support_mac.h"

#define SECOND INT64_C(1000000000)

static struct fake_process own;

static struct scenario host(const char *ioreport)
{
    struct scenario scenario;

    own = mac_process(1, 1, "own");
    scenario = mac_scenario(&own, 1);
    scenario.ioreport = ioreport != NULL ? fake_json(ioreport) : NULL;
    return scenario;
}

#define CHANNEL(name, unit, value)                                                                 \
    "{\"group\":\"Energy Model\",\"name\":\"" name "\",\"unit\":\"" unit "\",\"value\":" value "}"
#define REPORT(more, channels) "{" more "\"channels\":[" channels "]}"

static int64_t energy_uj(const struct mac *mac, uint32_t slot, enum missing *why)
{
    return mac_value(mac, TABLE_POWER, slot, POWER_ENERGY_UJ_TOTAL, why);
}

static void without_the_library_it_is_not_there_and_why_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *ioreport, *reason;
    } cases[] = {
        { NULL, "dlopen" },
        { REPORT("\"missing_symbol\":\"IOReportStateGetResidency\",",
                 CHANNEL("CPU Energy", "mJ", "5")),
          "has no IOReportStateGetResidency" },
        { REPORT("", "{\"group\":\"GPU Stats\",\"name\":\"GPUPH\",\"value\":1}"),
          "no group \"Energy Model\"" },
        { REPORT("\"refuses\":true,", CHANNEL("CPU Energy", "mJ", "5")), "refuses" },
        { REPORT("", CHANNEL("ECPU0", "mJ", "5")), "no channel that is known" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct scenario scenario = host(cases[i].ioreport);
        struct mac mac;

        mac_open(&mac, &scenario, &power_collector);
        assert_int_equal(mac.capability.status, CAPABILITY_NOT_THERE);
        assert_non_null(strstr(mac.capability.reason, cases[i].reason));
        mac_close(&mac);
    }
}

static void units_are_by_label_with_or_without_blanks(void **state)
{
    (void)state;
    struct scenario scenario = host(
        REPORT("", CHANNEL("CPU Energy", "mJ", "7") "," CHANNEL("DRAM", " uJ ", "7") "," CHANNEL(
                       "ANE", "nJ ", "7999") "," CHANNEL("GPU SRAM", "parsec", "7")));
    static const int64_t expected[] = { 7000, 7, 7, -1 };
    enum missing why;
    struct mac mac;

    mac_open(&mac, &scenario, &power_collector);
    assert_int_equal(mac.capability.status, CAPABILITY_PARTIAL);
    assert_non_null(strstr(mac.capability.reason, "\"parsec\""));
    assert_int_equal(mac_tick(&mac, 0), STATUS_OK);
    for (uint32_t i = 0; i < COUNT_OF(expected); i++)
        assert_int_equal(energy_uj(&mac, i, &why), expected[i]);
    assert_int_equal(why, MISSING_UNSUPPORTED);
    mac_close(&mac);
}

static void samples_in_another_order_are_of_the_same_channels(void **state)
{
    (void)state;
    struct scenario scenario =
        host(REPORT("\"reversed\":true,", CHANNEL("CPU Energy", "uJ", "1") "," CHANNEL(
                                              "DRAM", "uJ", "2") "," CHANNEL("ANE", "uJ", "3")));
    enum missing why;
    struct mac mac;

    mac_open(&mac, &scenario, &power_collector);
    assert_int_equal(mac_tick(&mac, 0), STATUS_OK);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(energy_uj(&mac, i, &why), i + 1);
    mac_close(&mac);
}

static void an_invalid_value_is_missing_and_one_that_falls_stays_as_it_is_told(void **state)
{
    (void)state;
    struct scenario scenario = host(
        REPORT("", CHANNEL("CPU Energy", "uJ", "{\"rates\":[[0,10]]}") "," CHANNEL(
                       "DRAM", "uJ", "{\"steps\":[[0,50],[10,null],[20,60],[30,3],[40,-1]]}")));
    static const int64_t expected[] = { 50, -1, 60, 3, -1 }; /* 3: a reset, as any counter's */
    enum missing why;
    struct mac mac;

    mac_open(&mac, &scenario, &power_collector);
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_int_equal(mac_tick(&mac, (int64_t)i * 10 * SECOND), STATUS_OK);
        assert_int_equal(energy_uj(&mac, 1, &why), expected[i]);
        assert_int_equal(why, expected[i] < 0 ? MISSING_FAILED : MISSING_NONE);
    }
    mac_close(&mac);
}

/* macOS 27: we use the CPU, so its energy cannot stand still. Others may: the neural engine idles. */
static void a_counter_that_stands_still_is_missing_and_not_zero(void **state)
{
    (void)state;
    static const char *const cpu[] = { "5", "{\"rates\":[[0,1],[20,0],[40,1]]}",
                                       "{\"rates\":[[0,1]]}" };

    for (size_t i = 0; i < COUNT_OF(cpu); i++) {
        char text[512];
        struct scenario scenario;
        struct mac mac;

        (void)snprintf(
            text, sizeof text,
            "{\"channels\":[{\"group\":\"Energy Model\",\"name\":\"CPU Energy\",\"unit\":"
            "\"uJ\",\"value\":%s}," CHANNEL("ANE", "uJ", "9") "]}",
            cpu[i]);
        scenario = host(text);
        mac_open(&mac, &scenario, &power_collector);
        for (int64_t second = 0; second <= 60; second += 10) {
            bool stalled = (i == 0 && second > 0) || (i == 1 && second > 20 && second <= 40);

            assert_int_equal(mac_tick(&mac, second * SECOND), STATUS_OK);
            for (uint32_t slot = 0; slot < 2; slot++) {
                enum missing why;

                (void)energy_uj(&mac, slot, &why);
                assert_int_equal(why, stalled ? MISSING_FAILED : MISSING_NONE);
            }
        }
        mac_close(&mac);
    }
}

static void a_sample_that_fails_costs_one_reading(void **state)
{
    (void)state;
    struct scenario scenario =
        host(REPORT("\"samples_fail\":{\"steps\":[[0,false],[10,true],[20,false]]},",
                    CHANNEL("CPU Energy", "uJ", "{\"rates\":[[0,1]]}")));
    struct mac mac;

    mac_open(&mac, &scenario, &power_collector);
    assert_int_equal(mac_tick(&mac, 0), STATUS_OK);
    assert_int_equal(mac_tick(&mac, 10 * SECOND), STATUS_IO);
    assert_false(mac.tick.table[TABLE_POWER].sampled);
    assert_int_equal(mac_tick(&mac, 20 * SECOND), STATUS_OK);
    mac_close(&mac);
}

static void rails_of_every_chip_are_known_and_none_counts_twice(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum ioreport_rail rail;
    } names[] = {
        { "CPU Energy", IOREPORT_RAIL_CPU },
        { "DIE_0_CPU Energy", IOREPORT_RAIL_CPU },
        { "DIE_1_CPU Energy", IOREPORT_RAIL_CPU },
        { "EACC_CPU", IOREPORT_RAIL_CLUSTER },
        { "PACC0_CPU", IOREPORT_RAIL_CLUSTER },
        { "DIE_1_PACC1_CPU", IOREPORT_RAIL_CLUSTER },
        { "ECPU", IOREPORT_RAIL_CLUSTER },
        { "MCPU", IOREPORT_RAIL_CLUSTER },
        { "GPU Energy", IOREPORT_RAIL_GPU },
        { "DIE_1_GPU Energy", IOREPORT_RAIL_GPU },
        { "ANE0_1", IOREPORT_RAIL_OTHER },
        { "DRAM0", IOREPORT_RAIL_OTHER },
        { "GPU SRAM0", IOREPORT_RAIL_OTHER },
        { "DIE_0_ANE", IOREPORT_RAIL_OTHER },
        { "PACC_CPU7", IOREPORT_RAIL_NONE },
        { "ECPU0", IOREPORT_RAIL_NONE },
        { "PACC0_CPM", IOREPORT_RAIL_NONE },
        { "PACC0_CPU_DTL", IOREPORT_RAIL_NONE },
        { "GPU", IOREPORT_RAIL_NONE },
        { "GPU0_0", IOREPORT_RAIL_NONE },
        { "DIE_", IOREPORT_RAIL_NONE },
        { "DIE_x_CPU Energy", IOREPORT_RAIL_NONE },
        { "", IOREPORT_RAIL_NONE },
        { "P", IOREPORT_RAIL_NONE },
        { "PCPU1", IOREPORT_RAIL_NONE },
        { "apciec0 Energy", IOREPORT_RAIL_NONE },
        { "DIE_9999999999_CPU Energy", IOREPORT_RAIL_NONE },
    };

    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_int_equal(ioreport_rail_of(names[i].name), names[i].rail);
}

static void cores_of_every_chip_are_known(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct ioreport_core core;
    } names[] = {
        { "ECPU3", { 'E', 0, 0, 3 } },           { "PCPU0", { 'P', 0, 0, 0 } },
        { "ECPU01", { 'E', 0, 0, 1 } },          { "PCPU110", { 'P', 0, 1, 1 } },
        { "MCPU05", { 'M', 0, 0, 5 } },          { "DIE_1_PCPU1_CPU3", { 'P', 1, 1, 3 } },
        { "DIE_0_ECPU_CPU0", { 'E', 0, 0, 0 } },
    };
    static const char *const none[] = { "",      "ECPM",     "PCPU",        "PCPUx",
                                        "CPU0",  "PCPU1111", "PCPU1_CPU",   "DIE_1_",
                                        "GPUPH", "XCPU0",    "PCPU_CPU1_2", "PCPU 1" };
    struct ioreport_core core;

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        assert_true(ioreport_core_of(names[i].name, &core));
        assert_int_equal(core.tier, names[i].core.tier);
        assert_int_equal(core.die, names[i].core.die);
        assert_int_equal(core.cluster, names[i].core.cluster);
        assert_int_equal(core.core, names[i].core.core);
    }
    for (size_t i = 0; i < COUNT_OF(none); i++)
        assert_false(ioreport_core_of(none[i], &core));
}

static void energy_beyond_64_bits_is_no_value(void **state)
{
    (void)state;
    int64_t uj;

    assert_int_equal(ioreport_energy_uj("mJ", INT64_MAX / 1000, &uj), MISSING_NONE);
    assert_int_equal(ioreport_energy_uj("mJ", INT64_MAX / 1000 + 1, &uj), MISSING_FAILED);
    assert_int_equal(ioreport_energy_uj("nJ", INT64_MIN, &uj), MISSING_FAILED);
    assert_int_equal(ioreport_energy_uj("\xc2\xb5J", 3, &uj), MISSING_NONE);
    assert_int_equal(uj, 3);
    assert_int_equal(ioreport_energy_uj("", 3, &uj), MISSING_UNSUPPORTED);
    assert_int_equal(ioreport_energy_uj("mJm", 3, &uj), MISSING_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_the_library_it_is_not_there_and_why_is_told),
        cmocka_unit_test(units_are_by_label_with_or_without_blanks),
        cmocka_unit_test(samples_in_another_order_are_of_the_same_channels),
        cmocka_unit_test(an_invalid_value_is_missing_and_one_that_falls_stays_as_it_is_told),
        cmocka_unit_test(a_counter_that_stands_still_is_missing_and_not_zero),
        cmocka_unit_test(a_sample_that_fails_costs_one_reading),
        cmocka_unit_test(rails_of_every_chip_are_known_and_none_counts_twice),
        cmocka_unit_test(cores_of_every_chip_are_known),
        cmocka_unit_test(energy_beyond_64_bits_is_no_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
