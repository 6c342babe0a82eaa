/*
 * Objects of IOKit and CoreFoundation: each comes back exactly once; a registry that changes under a walk costs no
 * value; disks that come, go, and tell nonsense.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "recorder/collectors/collectors_macos.h"
#include "recorder/collectors/ioregistry_macos.h"
#include "tests/darwin/fake_iokit.h"
#include "tests/darwin/support_mac.h"

#define SECOND INT64_C(1000000000)

static struct fake_process own;

static struct scenario host(const char *registry)
{
    struct scenario scenario;

    own = mac_process(1, 1, "own");
    scenario = mac_scenario(&own, 1);
    scenario.registry = fake_json(registry);
    return scenario;
}

static const char three_disks[] =
    "[{\"class\":\"IOBlockStorageDriver\",\"properties\":{\"Statistics\":{\"Bytes (Read)\":11}},"
    "\"children\":[{\"class\":\"IOMedia\",\"properties\":{\"BSD Name\":\"disk0\",\"Size\":99}}]},"
    "{\"class\":\"IONVMeBlockStorageDriver\",\"is\":[\"IOBlockStorageDriver\"],\"properties\":"
    "{\"Statistics\":{\"Bytes (Read)\":\"many\"}},"
    "\"children\":[{\"class\":\"IOMedia\",\"properties\":{\"BSD Name\":5,\"Size\":\"big\"}}]},"
    "{\"class\":\"IOBlockStorageDriver\",\"there\":[10,20],\"properties\":{\"Statistics\":7},"
    "\"children\":[{\"class\":\"IOMedia\",\"properties\":{\"BSD Name\":\"disk2\"}}]}]";

static int64_t read_bytes(const struct mac *mac, uint32_t slot, enum missing *why)
{
    return mac_value(mac, TABLE_DISK, slot, DISK_READ_BYTES_TOTAL, why);
}

static void properties_of_the_wrong_type_are_no_values(void **state)
{
    (void)state;
    struct scenario scenario = host(three_disks);
    enum missing why;
    struct mac mac;

    mac_open(&mac, &scenario, &disk_collector);
    assert_int_equal(mac_tick(&mac, 0), STATUS_OK);
    assert_int_equal(mac.tick.table[TABLE_DISK].row_count, 2);
    assert_int_equal(read_bytes(&mac, 0, &why), 11);
    assert_int_equal(mac_value(&mac, TABLE_DISK, 0, DISK_SIZE_BYTES, &why), 99);
    (void)mac_value(&mac, TABLE_DISK, 0, DISK_WRITES_TOTAL, &why);
    assert_int_equal(why, MISSING_UNSUPPORTED);
    (void)read_bytes(&mac, 1, &why);
    assert_int_equal(why, MISSING_FAILED);
    (void)mac_value(&mac, TABLE_DISK, 1, DISK_SIZE_BYTES, &why);
    assert_int_equal(why, MISSING_NOT_THERE);
    mac_close(&mac);
}

static void a_disk_has_rows_while_it_is_there(void **state)
{
    (void)state;
    struct scenario scenario = host(three_disks);
    enum missing why;
    struct mac mac;

    mac_open(&mac, &scenario, &disk_collector);
    for (int second = 0; second < 30; second++) {
        assert_int_equal(mac_tick(&mac, second * SECOND), STATUS_OK);
        assert_int_equal(mac.tick.table[TABLE_DISK].row_count, second >= 10 && second < 20 ? 3 : 2);
    }
    assert_int_equal(mac_tick(&mac, 15 * SECOND), STATUS_OK);
    (void)read_bytes(&mac, 2, &why); /* its Statistics are a number */
    assert_int_equal(why, MISSING_UNSUPPORTED);
    mac_close(&mac);
}

static void a_registry_that_changes_once_is_walked_again(void **state)
{
    (void)state;
    static const char *const faults[] = {
        "{\"iterators_invalid\":[0,100],\"after\":0,\"times\":1}",
        "{\"iterators_invalid\":[0,100],\"after\":1,\"times\":1}",
        "{\"iterators_invalid\":[0,100],\"after\":2,\"times\":2}",
    };

    for (size_t i = 0; i < COUNT_OF(faults); i++) {
        struct scenario scenario = host(three_disks);
        enum missing why;
        struct mac mac;

        scenario.iokit_faults = fake_json(faults[i]);
        mac_open(&mac, &scenario, &disk_collector);
        assert_int_equal(mac_tick(&mac, 0), STATUS_OK);
        assert_int_equal(mac.tick.table[TABLE_DISK].row_count, 2);
        assert_int_equal(read_bytes(&mac, 0, &why), 11);
        mac_close(&mac);
    }
}

static void a_registry_that_always_changes_costs_the_tick_and_no_more(void **state)
{
    (void)state;
    struct scenario scenario = host(three_disks);
    struct mac mac;

    scenario.iokit_faults = fake_json("{\"iterators_invalid\":[5,8],\"after\":1,\"times\":-1}");
    mac_open(&mac, &scenario, &disk_collector);
    for (int second = 0; second < 10; second++) {
        bool fails = second >= 5 && second < 8;

        assert_int_equal(mac_tick(&mac, second * SECOND), fails ? STATUS_IO : STATUS_OK);
        assert_true(mac.tick.table[TABLE_DISK].sampled != fails);
    }
    mac_close(&mac);
}

/* The account itself: else no imbalance would be found. */
static void what_is_left_or_released_twice_is_told(void **state)
{
    (void)state;
    struct scenario scenario = host(three_disks);
    CFStringRef string;
    io_iterator_t iterator;
    int faults;

    fake_boot(&scenario);
    string = CFStringCreateWithCString(NULL, "left", kCFStringEncodingUTF8);
    assert_int_equal(fake_settle(stderr), 1);
    CFRelease(string);
    assert_int_equal(fake_settle(stderr), 0);
    assert_int_equal(IOServiceGetMatchingServices(
                         MACH_PORT_NULL, IOServiceMatching("IOBlockStorageDriver"), &iterator),
                     KERN_SUCCESS);
    assert_int_not_equal(fake_settle(stderr), 0);
    assert_int_equal(IOObjectRelease(iterator), KERN_SUCCESS);
    assert_int_equal(fake_settle(stderr), 0);
    assert_int_not_equal(IOObjectRelease(iterator), KERN_SUCCESS);
    faults = fake_settle(stderr);
    assert_int_not_equal(faults, 0);
    CFRelease(string); /* a second time: NOLINT(clang-analyzer-osx.cocoa.RetainCount) */
    assert_true(fake_settle(stderr) > faults);
}

static void a_connection_is_closed_and_not_released(void **state)
{
    (void)state;
    struct scenario scenario = host("[{\"class\":\"AppleSMC\"}]");
    io_connect_t connection;
    io_iterator_t iterator;
    io_service_t service;
    int before = fake_settle(stderr);

    scenario.smc = fake_json("{}");
    fake_boot(&scenario);
    assert_int_equal(
        IOServiceGetMatchingServices(MACH_PORT_NULL, IOServiceMatching("AppleSMC"), &iterator),
        KERN_SUCCESS);
    service = IOIteratorNext(iterator);
    assert_int_equal(IOServiceOpen(service, mach_task_self(), 0, &connection), KERN_SUCCESS);
    assert_int_not_equal(IOObjectRelease(connection), KERN_SUCCESS);
    assert_int_equal(IOServiceClose(connection), KERN_SUCCESS);
    assert_int_equal(IOObjectRelease(service), KERN_SUCCESS);
    assert_int_equal(IOObjectRelease(iterator), KERN_SUCCESS);
    assert_int_equal(fake_settle(stderr), before + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(properties_of_the_wrong_type_are_no_values),
        cmocka_unit_test(a_disk_has_rows_while_it_is_there),
        cmocka_unit_test(a_registry_that_changes_once_is_walked_again),
        cmocka_unit_test(a_registry_that_always_changes_costs_the_tick_and_no_more),
        cmocka_unit_test(what_is_left_or_released_twice_is_told), /* from here on out of balance */
        cmocka_unit_test(a_connection_is_closed_and_not_released),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
