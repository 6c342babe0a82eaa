/*
 * Cores and memory of a Mac: counters that wrap, cores that go, calls that fail, revisions and
 * repeated answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <mach/mach.h>

#include "recorder/collectors/collectors_macos.h"
#include "tests/darwin/support_mac.h"

#define SECOND INT64_C(1000000000)
enum { TICK_US = 10000 };

static struct fake_process own;

static struct scenario host(void)
{
    own = mac_process(1, 1, "own");
    return mac_scenario(&own, 1);
}

static int64_t core_value(const struct mac *mac, enum cpu_metric metric)
{
    enum missing why;

    return mac_value(mac, TABLE_CPU, 0, metric, &why);
}

static void ticks_of_32_bits_begin_anew_and_sums_go_on(void **state)
{
    (void)state;
    struct rate busy = { 0, SECOND };
    struct fake_core core = { .user = { 0, &busy, 1 },
                              .before = { UINT32_MAX - 10, 5, UINT32_MAX, 0 },
                              .off = { FOREVER, FOREVER } };
    struct scenario scenario = host();
    int64_t before;
    struct mac mac;

    scenario.cores = &core;
    mac_open(&mac, &scenario, &cpu_collector);
    assert_int_equal(mac_tick(&mac, 0), STATUS_OK);
    before = core_value(&mac, CPU_USER_NS_TOTAL);
    for (int second = 1; second <= 3; second++) {
        assert_int_equal(mac_tick(&mac, second * SECOND), STATUS_OK);
        assert_int_equal(core_value(&mac, CPU_USER_NS_TOTAL) - before,
                         second * INT64_C(100) * TICK_US);
    }
    mac_close(&mac);
}

static void a_core_that_is_off_line_gains_nothing(void **state)
{
    (void)state;
    struct fake_core core = { .off = { SECOND, 5 * SECOND } };
    struct scenario scenario = host();
    struct mac mac;

    scenario.cores = &core;
    mac_open(&mac, &scenario, &cpu_collector);
    assert_int_equal(mac_tick(&mac, SECOND), STATUS_OK);
    assert_int_equal(core_value(&mac, CPU_IDLE_NS_TOTAL), 100 * TICK_US);
    assert_int_equal(mac_tick(&mac, 3 * SECOND), STATUS_OK);
    assert_int_equal(core_value(&mac, CPU_IDLE_NS_TOTAL), 100 * TICK_US);
    assert_int_equal(mac_tick(&mac, 6 * SECOND), STATUS_OK);
    assert_int_equal(core_value(&mac, CPU_IDLE_NS_TOTAL), 200 * TICK_US);
    mac_close(&mac);
}

static void nice_which_is_always_0_is_missing(void **state)
{
    (void)state;
    struct fake_core core = { .off = { FOREVER, FOREVER } };
    struct scenario scenario = host();
    enum missing why;
    struct mac mac;

    scenario.cores = &core;
    mac_open(&mac, &scenario, &cpu_collector);
    assert_int_equal(mac_tick(&mac, SECOND), STATUS_OK);
    (void)mac_value(&mac, TABLE_CPU, 0, CPU_NICE_NS_TOTAL, &why);
    assert_int_equal(why, MISSING_UNSUPPORTED);
    mac_close(&mac);
}

static void cores_that_cannot_be_read_cost_a_tick_and_nothing_stays_out(void **state)
{
    (void)state;
    struct fake_core core = { .off = { FOREVER, FOREVER } };
    struct scenario scenario = host();
    struct mac mac;

    scenario.cores = &core;
    scenario.cores_fail = (struct span){ SECOND, 2 * SECOND };
    mac_open(&mac, &scenario, &cpu_collector);
    assert_int_equal(mac_tick(&mac, SECOND), STATUS_IO);
    assert_false(mac.tick.table[TABLE_CPU].sampled);
    assert_int_equal(mac_tick(&mac, 2 * SECOND), STATUS_OK);
    scenario.odd_core_counts = true;
    assert_int_equal(mac_tick(&mac, 3 * SECOND), STATUS_CORRUPT);
    scenario.odd_core_counts = false;
    assert_int_equal(mac_tick(&mac, 4 * SECOND), STATUS_OK);
    mac_close(&mac);
}

static int64_t memory_value(const struct mac *mac, enum memory_metric metric)
{
    enum missing why;

    return mac_value(mac, TABLE_MEMORY, 0, metric, &why);
}

static void every_revision_of_the_statistics_is_read(void **state)
{
    (void)state;
    static const struct {
        int64_t words;
        bool newer, read;
    } revisions[] = { { 23, false, false },
                      { 24, false, true },
                      { 38, true, true },
                      { 40, true, true },
                      { 62, true, true } };

    for (size_t i = 0; i < COUNT_OF(revisions); i++) {
        struct scenario scenario = host();
        struct mac mac;

        scenario.vm_words = revisions[i].words;
        scenario.memory[VM_WIRE].base = 7;
        scenario.memory[VM_COMPRESSOR].base = 9;
        mac_open(&mac, &scenario, &memory_collector);
        assert_int_equal(mac_tick(&mac, (int64_t)i * 10 * SECOND),
                         revisions[i].read ? STATUS_OK : STATUS_IO);
        if (revisions[i].read) {
            assert_int_equal(memory_value(&mac, MEMORY_WIRED_BYTES), 7 * 16384);
            assert_int_equal(memory_value(&mac, MEMORY_COMPRESSED_BYTES),
                             revisions[i].newer ? 9 * 16384 : -1);
        }
        mac_close(&mac);
    }
}

/*
 * Others may ask too, so the answers of a second are few: the collector asks once, and no more
 * often.
 */
static void memory_is_asked_for_once_a_second_at_most(void **state)
{
    (void)state;
    assert_true(memory_collector.period_ns >= SECOND);
}

static void memory_that_is_purgeable_may_be_more_than_the_rest(void **state)
{
    (void)state;
    struct scenario scenario = host();
    struct mac mac;

    scenario.memory[VM_INTERNAL].base = 10;
    scenario.memory[VM_PURGEABLE].base = 50;
    scenario.memory[VM_EXTERNAL].base = 5;
    mac_open(&mac, &scenario, &memory_collector);
    assert_int_equal(mac_tick(&mac, 100 * SECOND), STATUS_OK);
    assert_int_equal(memory_value(&mac, MEMORY_AVAILABLE_BYTES), scenario.memory_bytes);
    assert_int_equal(memory_value(&mac, MEMORY_CACHED_BYTES), 55 * 16384);
    mac_close(&mac);
}

static void pages_are_the_kernels(void **state)
{
    (void)state;
    struct scenario scenario = host();
    struct mac mac;

    scenario.page_bytes = 4096;
    scenario.memory[VM_WIRE].base = 3;
    mac_open(&mac, &scenario, &memory_collector);
    assert_int_equal(mac_tick(&mac, 200 * SECOND), STATUS_OK);
    assert_int_equal(memory_value(&mac, MEMORY_WIRED_BYTES), 3 * 4096);
    mac_close(&mac);
}

/*
 * The list that did not fit is a prefix with its size, and the next question for the size is exact.
 */
static void interfaces_that_do_not_fit_are_asked_for_again(void **state)
{
    (void)state;
    enum { MANY = 40 };
    static struct fake_interface all[MANY];
    static char names[MANY][16];
    struct scenario scenario = host();
    struct mac mac;

    for (int i = 0; i < MANY; i++) {
        (void)snprintf(names[i], sizeof names[i], "en%d", i);
        all[i] = (struct fake_interface){ .name = names[i], .there = { i * SECOND, FOREVER } };
    }
    scenario.interfaces = all;
    scenario.interface_count = MANY;
    scenario.interfaces_race = (struct span){ 30 * SECOND, 35 * SECOND };
    mac_open(&mac, &scenario, &network_collector);
    for (int i = 0; i < MANY; i += 6) {
        assert_int_equal(mac_tick(&mac, i * SECOND), STATUS_OK);
        assert_int_equal(mac.tick.table[TABLE_NETWORK].row_count, i + 1);
    }
    mac_close(&mac);
}

static void an_interface_that_is_being_detached_has_no_row(void **state)
{
    (void)state;
    static struct fake_interface all[] = { { .name = "", .there = { 0, FOREVER } },
                                           { .name = "en0", .there = { 0, FOREVER } } };
    struct scenario scenario = host();
    enum missing why;
    struct mac mac;

    all[1].received_bytes.base = INT64_C(0x123456789ab);
    scenario.interfaces = all;
    scenario.interface_count = 2;
    mac_open(&mac, &scenario, &network_collector);
    assert_int_equal(mac_tick(&mac, 0), STATUS_OK);
    assert_int_equal(mac.tick.table[TABLE_NETWORK].row_count, 1);
    assert_int_equal(mac_value(&mac, TABLE_NETWORK, 0, NETWORK_RECEIVED_BYTES_TOTAL, &why),
                     INT64_C(0x123456789ab));
    (void)mac_value(&mac, TABLE_NETWORK, 0, NETWORK_SENT_DROPPED_TOTAL, &why);
    assert_int_equal(why, MISSING_UNSUPPORTED);
    mac_close(&mac);
}

/* The account itself: else no imbalance would be found. */
static void what_is_given_back_twice_is_refused(void **state)
{
    (void)state;
    mach_port_t port = mach_host_self();

    assert_int_equal(mach_port_deallocate(mach_task_self(), port), KERN_SUCCESS);
    assert_int_equal(fake_settle(stderr), 0);
    (void)mach_host_self();
    assert_int_not_equal(fake_settle(stderr), 0);
    assert_int_equal(mach_port_deallocate(mach_task_self(), port), KERN_SUCCESS);
    assert_int_equal(fake_settle(stderr), 0);
    assert_int_equal(mach_port_deallocate(mach_task_self(), port), KERN_INVALID_NAME);
    assert_int_not_equal(fake_settle(stderr), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_of_32_bits_begin_anew_and_sums_go_on),
        cmocka_unit_test(a_core_that_is_off_line_gains_nothing),
        cmocka_unit_test(nice_which_is_always_0_is_missing),
        cmocka_unit_test(cores_that_cannot_be_read_cost_a_tick_and_nothing_stays_out),
        cmocka_unit_test(every_revision_of_the_statistics_is_read),
        cmocka_unit_test(memory_is_asked_for_once_a_second_at_most),
        cmocka_unit_test(memory_that_is_purgeable_may_be_more_than_the_rest),
        cmocka_unit_test(pages_are_the_kernels),
        cmocka_unit_test(interfaces_that_do_not_fit_are_asked_for_again),
        cmocka_unit_test(an_interface_that_is_being_detached_has_no_row),
        cmocka_unit_test(what_is_given_back_twice_is_refused), /* last: it stays out of balance */
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
