/* The collector of network interfaces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recorder/collectors/collectors_linux.h"
#include "tests/support_root.h"

#define SPEED NETWORK_SPEED_BITS_PER_SECOND
#define ZERO " 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"

enum { LINK_UNKNOWN = 0, LINK_DOWN = 2, LINK_LOWER_LAYER_DOWN = 3, LINK_UP = 6 };

static void collect(struct test_collector *t)
{
    if (test_collector_tick(t) != STATUS_OK)
        fail_msg("%s", t->err.message);
}

static size_t rows(const struct test_collector *t)
{
    return t->tick.table[TABLE_NETWORK].row_count;
}

static void every_field_is_read(void **state)
{
    (void)state;
    static const int64_t expected[] = {
        [NETWORK_RECEIVED_BYTES_TOTAL] = 4294967296123,
        [NETWORK_SENT_BYTES_TOTAL] = 75722,
        [NETWORK_RECEIVED_PACKETS_TOTAL] = 1164,
        [NETWORK_SENT_PACKETS_TOTAL] = 761,
        [NETWORK_RECEIVED_ERRORS_TOTAL] = 1,
        [NETWORK_SENT_ERRORS_TOTAL] = 7,
        [NETWORK_RECEIVED_DROPPED_TOTAL] = 2,
        [NETWORK_SENT_DROPPED_TOTAL] = 8,
        [NETWORK_MULTICAST_TOTAL] = 6,
        [NETWORK_COLLISIONS_TOTAL] = 10,
        [NETWORK_LINK] = LINK_UP,
        [SPEED] = 10000000000,
    };
    struct test_collector t;
    uint32_t eth0, lo, wlan0;

    test_collector_open(&t, &network_collector, "tests/fixtures/host-4.9");
    assert_int_equal(t.capability.status, CAPABILITY_OK);
    collect(&t);
    assert_int_equal(rows(&t), 3);
    eth0 = test_slot(&t, "eth0");
    lo = test_slot(&t, "lo");
    wlan0 = test_slot(&t, "wlan0");
    for (size_t i = 0; i < COUNT_OF(expected); i++)
        assert_int_equal(test_value(&t, eth0, i), expected[i]);
    assert_int_equal(test_value(&t, lo, NETWORK_LINK), LINK_UNKNOWN);
    assert_int_equal(test_missing(&t, lo, SPEED), MISSING_NOT_THERE);
    assert_int_equal(test_value(&t, wlan0, NETWORK_LINK), LINK_LOWER_LAYER_DOWN);
    assert_int_equal(test_missing(&t, wlan0, SPEED), MISSING_NOT_THERE); /* -1 in 32 bits */
    test_collector_close(&t);
}

static void this_kernel_is_read(void **state)
{
    (void)state;
    struct test_collector t;
    uint32_t eth0;

    test_collector_open(&t, &network_collector, "tests/fixtures/host-6.18");
    collect(&t);
    eth0 = test_slot(&t, "eth0");
    assert_true(test_value(&t, eth0, NETWORK_RECEIVED_BYTES_TOTAL) > 0);
    assert_int_equal(test_value(&t, eth0, NETWORK_LINK), LINK_UP);
    assert_int_equal(test_missing(&t, eth0, SPEED), MISSING_NOT_THERE); /* "-1" */
    test_collector_close(&t);
}

static void speeds_are_read_every_ten_seconds(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;

    test_root_open(&root);
    test_root_write(&root, "/proc/net/dev", "eth0:" ZERO);
    test_root_write(&root, "/sys/class/net/eth0/operstate", "up\n");
    test_root_write(&root, "/sys/class/net/eth0/speed", "100\n");
    test_collector_open(&t, &network_collector, root.path);
    collect(&t);
    assert_int_equal(test_value(&t, 0, SPEED), 100000000);
    test_root_write(&root, "/sys/class/net/eth0/speed", "1000\n");
    for (int i = 1; i < 10; i++) { /* a tick is a second */
        collect(&t);
        assert_int_equal(t.tick.table[TABLE_NETWORK].column_mask >> SPEED & 1, 0);
    }
    collect(&t);
    assert_int_equal(t.tick.table[TABLE_NETWORK].column_mask >> SPEED & 1, 1);
    assert_int_equal(test_value(&t, 0, SPEED), 1000000000);
    test_collector_close(&t);
    test_root_close(&root);
}

static void interfaces_come_go_and_come_again(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;
    uint32_t veth;

    test_root_open(&root);
    test_root_write(&root, "/proc/net/dev", "lo:" ZERO);
    test_collector_open(&t, &network_collector, root.path);
    assert_int_equal(t.capability.status, CAPABILITY_PARTIAL); /* no /sys */
    collect(&t);
    assert_int_equal(test_missing(&t, 0, NETWORK_LINK), MISSING_NOT_THERE);
    test_root_write(&root, "/proc/net/dev", "veth1: 9 9 0 0 0 0 0 0 9 9 0 0 0 0 0 0\nlo:" ZERO);
    test_root_write(&root, "/sys/class/net/veth1/operstate", "down\n");
    collect(&t);
    veth = test_slot(&t, "veth1");
    assert_int_equal(rows(&t), 2);
    assert_int_equal(test_value(&t, veth, NETWORK_LINK), LINK_DOWN);
    test_root_write(&root, "/proc/net/dev", "lo:" ZERO);
    collect(&t);
    assert_int_equal(rows(&t), 1);
    test_root_write(&root, "/proc/net/dev", "lo:" ZERO "veth1: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n");
    test_root_write(&root, "/sys/class/net/veth1/operstate", "up\n");
    collect(&t); /* its counters began anew */
    assert_int_equal(test_row(&t, veth)->flags, ROW_FIRST);
    assert_int_equal(test_value(&t, veth, NETWORK_RECEIVED_BYTES_TOTAL), 1);
    assert_int_equal(test_value(&t, veth, NETWORK_LINK), LINK_UP);
    test_collector_close(&t);
    test_root_close(&root);
}

static void every_truncation_is_read_without_harm(void **state)
{
    (void)state;
    static const char whole[] =
        "Inter-|   Receive |  Transmit\n face |bytes\n  eth0: 1 2 3 4 5 6 7 8 9"
        " 10 11 12 13 14 15 16\n    lo:" ZERO;
    struct test_root root;
    struct test_collector t;
    char text[sizeof whole];

    test_root_open(&root);
    test_root_write(&root, "/proc/net/dev", whole);
    test_collector_open(&t, &network_collector, root.path);
    for (size_t cut = 0; cut < sizeof whole; cut++) {
        memcpy(text, whole, cut);
        text[cut] = '\0';
        test_root_write(&root, "/proc/net/dev", text);
        collect(&t);
        assert_int_equal(rows(&t), cut == sizeof whole - 1
                                       ? 2
                                       : strchr(text, '6') != NULL && strstr(text, "16\n") != NULL);
    }
    test_collector_close(&t);
    test_root_close(&root);
}

static void without_proc_it_says_so(void **state)
{
    (void)state;
    struct test_collector t;

    test_collector_open(&t, &network_collector, "tests/fixtures/host-old");
    assert_int_equal(t.capability.status, CAPABILITY_NOT_THERE);
    test_collector_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_is_read),
        cmocka_unit_test(this_kernel_is_read),
        cmocka_unit_test(speeds_are_read_every_ten_seconds),
        cmocka_unit_test(interfaces_come_go_and_come_again),
        cmocka_unit_test(every_truncation_is_read_without_harm),
        cmocka_unit_test(without_proc_it_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
