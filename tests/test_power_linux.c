/* The collector of power: a laptop with RAPL, sensors and batteries; counters that wrap; no permission. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "recorder/collectors/collectors_linux.h"
#include "tests/support_root.h"

#define ENERGY POWER_ENERGY_UJ_TOTAL
#define ZONE "/sys/class/powercap/intel-rapl:0"
#define RANGE_UJ INT64_C(2000000123) /* small: it wraps every 40 s or so */

static void collect(struct test_collector *t)
{
    if (test_collector_tick(t) != STATUS_OK)
        fail_msg("%s", t->err.message);
}

static void write_number(const struct test_root *root, const char *path, int64_t value)
{
    char text[32];

    (void)snprintf(text, sizeof text, "%lld\n", (long long)value);
    test_root_write(root, path, text);
}

static void zones_are_nested_and_metered_once(void **state)
{
    (void)state;
    static const char *const inside[] = { "rapl/package-0/core", "rapl/package-0/uncore",
                                          "rapl/package-0/dram" };
    struct test_collector t;
    uint32_t package, slot;

    test_collector_open(&t, &power_collector, "tests/fixtures/host-laptop");
    assert_int_equal(t.capability.status, CAPABILITY_OK);
    collect(&t);
    package = test_slot(&t, "rapl/package-0");
    assert_int_equal(test_value(&t, package, ENERGY), 0); /* the first reading */
    assert_int_equal(test_value(&t, package, POWER_LIMIT_MW), 15000);
    assert_int_equal(test_missing(&t, package, POWER_MW), MISSING_UNSUPPORTED);
    for (size_t i = 0; i < COUNT_OF(inside); i++) {
        slot = test_slot(&t, inside[i]);
        assert_int_equal(test_value(&t, slot, ENERGY), 0);
        assert_int_equal(test_missing(&t, slot, POWER_LIMIT_MW), MISSING_NOT_THERE);
    }
    for (size_t i = 0; i < t.tick.entity_count; i++) {
        const struct tick_entity *entity = &t.tick.entities[i];
        bool nested = memcmp(tick_text_at(&t.tick, entity->key), "rapl/package-0/", 15) == 0;

        assert_int_equal(entity->parent_slot, nested ? package : UINT32_MAX);
    }
    (void)test_slot(&t, "rapl/psys");
    /* 5 zones, 1 of a GPU, 4 of a board, 2 batteries; neither mmio, a mouse, nor a battery's chip */
    assert_int_equal(t.tick.table[TABLE_POWER].row_count, 12);
    test_collector_close(&t);
}

static void sensors_and_batteries_are_read(void **state)
{
    (void)state;
    struct test_collector t;
    uint32_t slot;

    test_collector_open(&t, &power_collector, "tests/fixtures/host-laptop");
    collect(&t);
    slot = test_slot(&t, "hwmon/ina3221/1-0040/in1");
    assert_int_equal(test_value(&t, slot, POWER_VOLTAGE_MV), 5040);
    slot = test_slot(&t, "hwmon/ina3221/1-0040/curr1");
    assert_int_equal(test_value(&t, slot, POWER_CURRENT_MA), 1240);
    slot = test_slot(&t, "hwmon/ina3221/1-0040/power1");
    assert_int_equal(test_value(&t, slot, POWER_MW), 6249);
    slot = test_slot(&t, "hwmon/ina3221/1-0040/energy1");
    assert_int_equal(test_value(&t, slot, ENERGY), 0);
    slot = test_slot(&t, "hwmon/amdgpu/0000:01:00.0/power1"); /* asleep */
    assert_int_equal(test_missing(&t, slot, POWER_MW), MISSING_NOT_SAMPLED);
    slot = test_slot(&t, "battery/BAT0");
    assert_int_equal(test_value(&t, slot, POWER_CHARGE_PPM), 625000);
    assert_int_equal(test_value(&t, slot, POWER_MW), 9996);
    assert_int_equal(test_value(&t, slot, POWER_VOLTAGE_MV), 11900);
    assert_int_equal(test_missing(&t, slot, POWER_CURRENT_MA), MISSING_NOT_THERE);
    slot = test_slot(&t, "battery/BAT1"); /* charging */
    assert_int_equal(test_value(&t, slot, POWER_CHARGE_PPM), 250000);
    assert_int_equal(test_value(&t, slot, POWER_CURRENT_MA), -1500);
    assert_int_equal(test_value(&t, slot, POWER_MW), -18000);
    test_collector_close(&t);
}

static void open_zone(struct test_root *root, struct test_collector *t, int64_t energy_uj)
{
    test_root_open(root);
    test_root_write(root, ZONE "/name", "package-0\n");
    write_number(root, ZONE "/max_energy_range_uj", RANGE_UJ);
    write_number(root, ZONE "/constraint_0_power_limit_uw", 45000000);
    write_number(root, ZONE "/energy_uj", energy_uj);
    test_collector_open(t, &power_collector, root->path);
    collect(t);
}

static void energy_over_wraps_equals_the_truth(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;
    int64_t truth = RANGE_UJ - 300000000;
    const int64_t begin = truth;

    open_zone(&root, &t, truth);
    for (int i = 0; i < 400; i++) {
        truth += 45000000 + i * 3700 % 1000003; /* 45 J and something in a second */
        if (i % 100 == 0)
            truth += 100000000;
        write_number(&root, ZONE "/energy_uj", truth % RANGE_UJ);
        collect(&t);
        assert_int_equal(test_value(&t, 0, ENERGY), truth - begin);
    }
    test_collector_close(&t);
    test_root_close(&root);
}

static void a_reading_too_late_is_told_as_a_reset(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;

    open_zone(&root, &t, 1000);
    write_number(&root, ZONE "/energy_uj", 46000000);
    collect(&t);
    assert_int_equal(test_value(&t, 0, ENERGY), 45999000);
    fake_clock_pass(&t.fake, INT64_C(2000) * 1000000000); /* suspended */
    write_number(&root, ZONE "/energy_uj", 90000000);
    collect(&t);
    assert_int_equal(test_value(&t, 0, ENERGY), 0); /* below what it was */
    write_number(&root, ZONE "/energy_uj", 90000007);
    collect(&t);
    assert_int_equal(test_value(&t, 0, ENERGY), 7);
    test_collector_close(&t);
    test_root_close(&root);
}

static void cut_and_absent_counters_are_missing_and_go_on(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;

    open_zone(&root, &t, 1000000);
    test_root_write(&root, ZONE "/energy_uj", "");
    collect(&t);
    assert_int_equal(test_missing(&t, 0, ENERGY), MISSING_NOT_THERE);
    write_number(&root, ZONE "/energy_uj", 1000099);
    collect(&t);
    assert_int_equal(test_value(&t, 0, ENERGY), 99);
    test_collector_close(&t);
    test_root_close(&root);
}

static void without_permission_it_says_why_and_how(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;
    char path[128];

    open_zone(&root, &t, 5);
    test_collector_close(&t);
    (void)snprintf(path, sizeof path, "%s%s/energy_uj", root.path, ZONE);
    assert_int_equal(chmod(path, 0), 0);
    assert_int_equal(chmod(root.path, 0755), 0);
    if (geteuid() == 0 && seteuid(65534) != 0)
        skip();
    test_collector_open(&t, &power_collector, root.path);
    (void)!seteuid(getuid());
    assert_int_equal(t.capability.status, CAPABILITY_NOT_PERMITTED);
    assert_non_null(strstr(t.capability.reason, "CVE-2020-8694"));
    assert_non_null(strstr(t.capability.enable, "CAP_DAC_READ_SEARCH"));
    test_collector_close(&t);
    /* With a sensor beside it the rest is recorded. */
    test_root_write(&root, "/sys/class/hwmon/hwmon0/name", "ina\n");
    test_root_write(&root, "/sys/class/hwmon/hwmon0/in1_input", "12\n");
    if (geteuid() == 0 && seteuid(65534) != 0)
        skip();
    test_collector_open(&t, &power_collector, root.path);
    assert_int_equal(t.capability.status, CAPABILITY_PARTIAL);
    collect(&t);
    assert_int_equal(test_missing(&t, test_slot(&t, "rapl/package-0"), ENERGY),
                     MISSING_NOT_PERMITTED);
    assert_int_equal(test_value(&t, test_slot(&t, "hwmon/ina/hwmon0/in1"), POWER_VOLTAGE_MV), 12);
    (void)!seteuid(getuid());
    test_collector_close(&t);
    test_root_close(&root);
}

static void a_virtual_machine_has_none(void **state)
{
    (void)state;
    struct test_collector t;

    test_collector_open(&t, &power_collector, "tests/fixtures/host-6.18");
    assert_int_equal(t.capability.status, CAPABILITY_NOT_THERE);
    test_collector_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zones_are_nested_and_metered_once),
        cmocka_unit_test(sensors_and_batteries_are_read),
        cmocka_unit_test(energy_over_wraps_equals_the_truth),
        cmocka_unit_test(a_reading_too_late_is_told_as_a_reset),
        cmocka_unit_test(cut_and_absent_counters_are_missing_and_go_on),
        cmocka_unit_test(without_permission_it_says_why_and_how),
        cmocka_unit_test(a_virtual_machine_has_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
