/* The collector of heat: sensors of a laptop, throttling as events, sensors that come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "recorder/collectors/collectors_linux.h"
#include "tests/support_root.h"

#define TEMPERATURE THERMAL_TEMPERATURE_MILLICELSIUS
#define CRITICAL THERMAL_CRITICAL_MILLICELSIUS

static void collect(struct test_collector *t)
{
    if (test_collector_tick(t) != STATUS_OK)
        fail_msg("%s", t->err.message);
}

static size_t rows(const struct test_collector *t)
{
    return t->tick.table[TABLE_THERMAL].row_count;
}

static void zones_chips_and_fans_are_read(void **state)
{
    (void)state;
    struct test_collector t;
    uint32_t slot;

    test_collector_open(&t, &thermal_collector, "tests/fixtures/host-laptop");
    assert_int_equal(t.capability.status, CAPABILITY_OK);
    collect(&t);
    /* 2 zones, 3 of coretemp, 1 fan, 1 of a GPU, 1 package, 2 cores; not the chip beside a zone */
    assert_int_equal(rows(&t), 10);
    slot = test_slot(&t, "thermal_zone0/acpitz");
    assert_int_equal(test_value(&t, slot, TEMPERATURE), 47000);
    assert_int_equal(test_value(&t, slot, CRITICAL), 103000);
    assert_int_equal(test_missing(&t, slot, THERMAL_FAN_RPM), MISSING_UNSUPPORTED);
    slot = test_slot(&t, "thermal_zone1/x86_pkg_temp");
    assert_int_equal(test_value(&t, slot, TEMPERATURE), 52000);
    assert_int_equal(test_missing(&t, slot, CRITICAL), MISSING_NOT_THERE);
    slot = test_slot(&t, "hwmon/coretemp/coretemp.0/temp1");
    assert_int_equal(test_value(&t, slot, TEMPERATURE), 53000);
    assert_int_equal(test_value(&t, slot, CRITICAL), 100000);
    slot = test_slot(&t, "hwmon/coretemp/coretemp.0/temp10");
    assert_int_equal(test_value(&t, slot, TEMPERATURE), -5000);
    assert_int_equal(test_missing(&t, slot, CRITICAL), MISSING_NOT_THERE);
    slot = test_slot(&t, "hwmon/thinkpad/thinkpad_hwmon/fan1");
    assert_int_equal(test_value(&t, slot, THERMAL_FAN_RPM), 2870);
    assert_int_equal(test_missing(&t, slot, TEMPERATURE), MISSING_UNSUPPORTED);
    test_collector_close(&t);
}

static void a_sleeping_chip_is_not_read(void **state)
{
    (void)state;
    struct test_collector t;
    uint32_t slot;

    test_collector_open(&t, &thermal_collector, "tests/fixtures/host-laptop");
    collect(&t);
    slot = test_slot(&t, "hwmon/amdgpu/0000:01:00.0/temp1");
    assert_int_equal(test_missing(&t, slot, TEMPERATURE), MISSING_NOT_SAMPLED);
    test_collector_close(&t);
}

static void siblings_are_one_core_and_tell_the_larger_count(void **state)
{
    (void)state;
    struct test_collector t;
    uint32_t slot;

    test_collector_open(&t, &thermal_collector, "tests/fixtures/host-laptop");
    collect(&t);
    slot = test_slot(&t, "core/0/0");
    assert_int_equal(test_value(&t, slot, THERMAL_THROTTLES_TOTAL), 12);
    assert_int_equal(test_value(&t, slot, THERMAL_THROTTLED_NS_TOTAL), 340 * 1000);
    slot = test_slot(&t, "core/0/1");
    assert_int_equal(test_value(&t, slot, THERMAL_THROTTLES_TOTAL), 3);
    slot = test_slot(&t, "package/0");
    assert_int_equal(test_value(&t, slot, THERMAL_THROTTLES_TOTAL), 20);
    assert_int_equal(test_value(&t, slot, THERMAL_THROTTLED_NS_TOTAL), 901 * 1000);
    assert_null(test_event(&t, "throttle", 0)); /* counted before we came */
    test_collector_close(&t);
}

static void write_core(const struct test_root *root, int cpu, int package, int count)
{
    char path[128], text[16];

    (void)snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/core_id", cpu);
    (void)snprintf(text, sizeof text, "%d\n", cpu);
    test_root_write(root, path, text);
    (void)snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/physical_package_id",
                   cpu);
    (void)snprintf(text, sizeof text, "%d\n", package);
    test_root_write(root, path, text);
    (void)snprintf(path, sizeof path,
                   "/sys/devices/system/cpu/cpu%d/thermal_throttle/core_throttle_count", cpu);
    (void)snprintf(text, sizeof text, "%d\n", count);
    test_root_write(root, path, text);
}

static void throttling_is_an_event_of_each_package(void **state)
{
    (void)state;
    enum { CORES = 40 };
    struct test_root root;
    struct test_collector t;
    const struct tick_event *event;

    test_root_open(&root);
    for (int i = 0; i < CORES; i++)
        write_core(&root, i, i % 2, 5);
    test_collector_open(&t, &thermal_collector, root.path);
    collect(&t);
    assert_int_equal(rows(&t), CORES);
    for (int i = 0; i < CORES; i++)
        write_core(&root, i, i % 2, i % 2 == 1 ? 8 : 5);
    write_core(&root, 0, 0, 4); /* began anew */
    collect(&t);
    event = test_event(&t, "throttle", 0);
    assert_non_null(event);
    assert_int_equal(event->value, 3 * CORES / 2);
    assert_int_equal(event->at_ns, t.tick.start_ns);
    assert_non_null(strstr(tick_text_at(&t.tick, event->detail), "package 1"));
    assert_null(test_event(&t, "throttle", 1));
    collect(&t);
    assert_null(test_event(&t, "throttle", 0));
    write_core(&root, 0, 0, 5);
    collect(&t);
    assert_int_equal(test_event(&t, "throttle", 0)->value, 1);
    /* A kernel before 5.5 counts no time. */
    assert_int_equal(test_missing(&t, 0, THERMAL_THROTTLED_NS_TOTAL), MISSING_NOT_THERE);
    test_collector_close(&t);
    test_root_close(&root);
}

static void sensors_come_and_go_and_fail(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;
    uint32_t zone, nvme;

    test_root_open(&root);
    test_root_write(&root, "/sys/class/thermal/thermal_zone0/type", "soc\n");
    test_root_write(&root, "/sys/class/thermal/thermal_zone0/temp", "30000\n");
    test_collector_open(&t, &thermal_collector, root.path);
    collect(&t);
    zone = test_slot(&t, "thermal_zone0/soc");
    /* An old driver has its files beside the device; one without a link is known by its number. */
    test_root_write(&root, "/sys/class/hwmon/hwmon7/device/name", "lm75\n");
    test_root_write(&root, "/sys/class/hwmon/hwmon7/device/temp1_input", "21500\n");
    test_root_write(&root, "/sys/class/thermal/thermal_zone0/temp", "");
    collect(&t);
    nvme = test_slot(&t, "hwmon/lm75/hwmon7/temp1");
    assert_int_equal(test_value(&t, nvme, TEMPERATURE), 21500);
    assert_int_equal(test_missing(&t, zone, TEMPERATURE), MISSING_NOT_THERE);
    test_root_remove(&root, "/sys/class/hwmon/hwmon7/device/temp1_input");
    test_root_write(&root, "/sys/class/thermal/thermal_zone0/temp", "31000\n");
    collect(&t);
    assert_int_equal(rows(&t), 1);
    assert_int_equal(test_value(&t, zone, TEMPERATURE), 31000);
    test_collector_close(&t);
    test_root_close(&root);
}

static void a_virtual_machine_has_none(void **state)
{
    (void)state;
    struct test_collector t;

    test_collector_open(&t, &thermal_collector, "tests/fixtures/host-6.18");
    assert_int_equal(t.capability.status, CAPABILITY_NOT_THERE);
    assert_non_null(strstr(t.capability.reason, "virtual machines"));
    test_collector_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zones_chips_and_fans_are_read),
        cmocka_unit_test(a_sleeping_chip_is_not_read),
        cmocka_unit_test(siblings_are_one_core_and_tell_the_larger_count),
        cmocka_unit_test(throttling_is_an_event_of_each_package),
        cmocka_unit_test(sensors_come_and_go_and_fail),
        cmocka_unit_test(a_virtual_machine_has_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
