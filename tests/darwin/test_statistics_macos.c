/*
 * Answers of the kernel that are shorter, older or fewer than what was asked for: statistics of memory
 * in every revision and from the cache, lists that do not fit, and that all comes back in any case.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysctl.h>

#include <mach/mach.h>
#include <net/if_mib.h>
#include <cmocka.h>

#include "recorder/collectors/collectors_macos.h"
#include "tests/darwin/support_mac.h"

#define SECOND INT64_C(1000000000)

static struct fake_process own;

static struct scenario host(void)
{
    own = mac_process(1, 1, "own");
    return mac_scenario(&own, 1);
}

static int64_t memory_value(const struct mac *mac, enum memory_metric metric)
{
    enum missing why;

    return mac_value(mac, TABLE_MEMORY, 0, metric, &why);
}

/* --- row 7: statistics of memory --- */

static kern_return_t ask_as_another(unsigned words, uint32_t *answer, unsigned *got)
{
    mach_port_t port = mach_host_self();
    kern_return_t result;

    *got = words;
    result = host_statistics64(port, HOST_VM_INFO64, (host_info64_t)answer, got);
    assert_int_equal(mach_port_deallocate(mach_task_self(), port), KERN_SUCCESS);
    return result;
}

static void the_newest_revision_that_fits_is_answered_and_nothing_behind_it(void **state)
{
    (void)state;
    static const struct {
        unsigned knows, asked, answered; /* words; 0: refused */
    } cases[] = { { 24, 23, 0 },  { 24, 24, 24 }, { 24, 38, 24 }, { 38, 38, 38 }, { 40, 38, 38 },
                  { 40, 40, 40 }, { 62, 38, 38 }, { 62, 61, 40 }, { 62, 62, 62 }, { 62, 30, 24 } };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct scenario scenario = host();
        uint32_t words[80];
        unsigned got;

        scenario.vm_words = cases[i].knows;
        fake_boot(&scenario);
        memset(words, 0xee, sizeof words);
        assert_int_equal(ask_as_another(cases[i].asked, words, &got),
                         cases[i].answered == 0 ? KERN_FAILURE : KERN_SUCCESS);
        if (cases[i].answered != 0)
            assert_int_equal(got, cases[i].answered);
        for (size_t k = cases[i].answered; k < COUNT_OF(words); k++)
            assert_int_equal(words[k], 0xeeeeeeeeu);
    }
}

static void what_an_old_revision_does_not_tell_is_missing_and_not_0(void **state)
{
    (void)state;
    static const enum memory_metric newer[] = {
        MEMORY_CACHED_BYTES,    MEMORY_ANONYMOUS_BYTES,     MEMORY_COMPRESSED_BYTES,
        MEMORY_AVAILABLE_BYTES, MEMORY_SWAP_IN_BYTES_TOTAL, MEMORY_SWAP_OUT_BYTES_TOTAL
    };
    static const enum memory_metric always[] = { MEMORY_FREE_BYTES, MEMORY_WIRED_BYTES,
                                                 MEMORY_PAGE_IN_BYTES_TOTAL,
                                                 MEMORY_PAGE_OUT_BYTES_TOTAL };
    struct scenario scenario = host();
    enum missing why;
    struct mac mac;

    scenario.vm_words = 24;
    for (size_t i = 0; i < VM_FIELD_COUNT; i++)
        scenario.memory[i].base = 1000;
    mac_open(&mac, &scenario, &memory_collector);
    assert_int_equal(mac_tick(&mac, 1000 * SECOND), STATUS_OK);
    for (size_t i = 0; i < COUNT_OF(newer); i++) {
        (void)mac_value(&mac, TABLE_MEMORY, 0, newer[i], &why);
        assert_int_equal(why, MISSING_UNSUPPORTED);
    }
    for (size_t i = 0; i < COUNT_OF(always); i++) {
        (void)mac_value(&mac, TABLE_MEMORY, 0, always[i], &why);
        assert_int_equal(why, MISSING_NONE);
    }
    mac_close(&mac);
}

/* Each size has answers of its own; whoever asks for ours too takes some of them. */
static void an_answer_that_others_used_up_is_the_last_one_again(void **state)
{
    (void)state;
    struct rate growing = { 0, 10 };
    struct scenario scenario = host();
    uint32_t words[62];
    unsigned got;
    struct mac mac;

    scenario.memory[VM_WIRE] = (struct curve){ 100, &growing, 1 };
    scenario.memory[VM_PAGEINS] = (struct curve){ 5000, &growing, 1 };
    mac_open(&mac, &scenario, &memory_collector);
    fake_set_now(2000 * SECOND);
    for (int i = 0; i < 2; i++) /* as many as are fresh in a second */
        assert_int_equal(ask_as_another(38, words, &got), KERN_SUCCESS);
    assert_int_equal(mac_tick(&mac, 2000 * SECOND + SECOND / 2), STATUS_OK);
    assert_int_equal(memory_value(&mac, MEMORY_WIRED_BYTES), (100 + 20000) * 16384);
    assert_int_equal(memory_value(&mac, MEMORY_PAGE_IN_BYTES_TOTAL), (5000 + 20000) * 16384);
    assert_int_equal(mac_tick(&mac, 2001 * SECOND), STATUS_OK);
    assert_int_equal(memory_value(&mac, MEMORY_WIRED_BYTES), (100 + 20010) * 16384);
    for (int i = 0; i < 10; i++) /* of another size */
        assert_int_equal(ask_as_another(24, words, &got), KERN_SUCCESS);
    assert_int_equal(mac_tick(&mac, 2001 * SECOND + SECOND / 2), STATUS_OK);
    assert_int_equal(memory_value(&mac, MEMORY_WIRED_BYTES), (100 + 20015) * 16384);
    mac_close(&mac);
}

static void no_sum_of_pages_falls_below_0(void **state)
{
    (void)state;
    struct scenario scenario = host();
    struct mac mac;

    scenario.memory[VM_FREE].base = 3;
    scenario.memory[VM_SPECULATIVE].base = 5;   /* counted a moment later */
    scenario.memory[VM_WIRE].base = UINT32_MAX; /* more than there is */
    scenario.memory[VM_COMPRESSOR].base = UINT32_MAX;
    mac_open(&mac, &scenario, &memory_collector);
    assert_int_equal(mac_tick(&mac, 3000 * SECOND), STATUS_OK);
    assert_int_equal(memory_value(&mac, MEMORY_FREE_BYTES), 0);
    assert_int_equal(memory_value(&mac, MEMORY_AVAILABLE_BYTES), 0);
    assert_int_equal(memory_value(&mac, MEMORY_WIRED_BYTES), INT64_C(0xffffffff) * 16384);
    mac_close(&mac);
}

static void a_refusal_costs_a_tick_and_the_next_is_there(void **state)
{
    (void)state;
    struct scenario scenario = host();
    struct mac mac;

    scenario.memory_fails = (struct span){ 4000 * SECOND, 4001 * SECOND };
    mac_open(&mac, &scenario, &memory_collector);
    assert_int_equal(mac_tick(&mac, 4000 * SECOND), STATUS_IO);
    assert_false(mac.tick.table[TABLE_MEMORY].sampled);
    assert_int_equal(mac_tick(&mac, 4001 * SECOND), STATUS_OK);
    assert_int_equal(mac_row(&mac, TABLE_MEMORY, 0)->flags, ROW_FIRST);
    mac_close(&mac);
}

/* --- row 5: lists that do not fit --- */

static void a_list_of_processes_that_does_not_fit_is_whole_elements_and_says_0(void **state)
{
    (void)state;
    int name[] = { CTL_KERN, KERN_PROC, KERN_PROC_ALL };
    struct fake_process all[] = { mac_process(1, 1, "a"), mac_process(2, 2, "b"),
                                  mac_process(3, 3, "c") };
    struct scenario scenario = mac_scenario(all, COUNT_OF(all));
    struct kinfo_proc items[4];
    size_t bytes = 2 * sizeof items[0] + 647;

    fake_boot(&scenario);
    memset(items, 0xee, sizeof items);
    assert_int_equal(sysctl(name, 3, items, &bytes, NULL, 0), -1);
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(bytes, 0);
    assert_int_equal(items[0].kp_proc.p_pid, 3);
    assert_int_equal(items[1].kp_proc.p_pid, 2);
    assert_int_equal((uint8_t)items[2].kp_proc.p_stat, 0xee);
}

static void a_list_of_interfaces_that_does_not_fit_is_a_prefix_with_its_size(void **state)
{
    (void)state;
    int name[] = { CTL_NET, PF_LINK, NETLINK_GENERIC, IFMIB_IFALLDATA, 0, IFDATA_GENERAL };
    static struct fake_interface all[] = { { .name = "lo0", .there = { INT64_MIN, FOREVER } },
                                           { .name = "en0", .there = { INT64_MIN, FOREVER } },
                                           { .name = "en1", .there = { INT64_MIN, FOREVER } } };
    struct scenario scenario = host();
    struct ifmibdata items[3];
    size_t bytes = 2 * sizeof items[0] + 100;

    scenario.interfaces = all;
    scenario.interface_count = COUNT_OF(all);
    fake_boot(&scenario);
    assert_int_equal(sysctl(name, COUNT_OF(name), items, &bytes, NULL, 0), -1);
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(bytes, 2 * sizeof items[0]);
    assert_string_equal(items[1].ifmd_name, "en0");
}

/* --- load and pressure --- */

static void load_and_pressure_are_what_the_kernel_says_and_else_missing(void **state)
{
    (void)state;
    static const struct {
        int64_t kernel, level; /* -1: not known */
    } levels[] = { { 1, 0 }, { 2, 1 }, { 4, 2 }, { 0, -1 }, { 3, -1 }, { 5, -1 }, { -1, -1 } };
    struct scenario scenario = host();
    enum missing why;
    struct mac mac;

    scenario.load[0].base = 2048 * 3 + 1;
    scenario.load[2].base = UINT32_MAX;
    mac_open(&mac, &scenario, &pressure_collector);
    for (size_t i = 0; i < COUNT_OF(levels); i++) {
        scenario.pressure_level.base = levels[i].kernel;
        assert_int_equal(mac_tick(&mac, (int64_t)i * SECOND), STATUS_OK);
        assert_int_equal(mac_value(&mac, TABLE_PRESSURE, 1, PRESSURE_LEVEL, &why), levels[i].level);
        assert_int_equal(why, levels[i].level < 0 ? MISSING_FAILED : MISSING_NONE);
    }
    assert_int_equal(mac_value(&mac, TABLE_PRESSURE, 0, PRESSURE_LOAD_1M_PPM, &why), 3000488);
    assert_int_equal(mac_value(&mac, TABLE_PRESSURE, 0, PRESSURE_LOAD_5M_PPM, &why), 0);
    assert_int_equal(mac_value(&mac, TABLE_PRESSURE, 0, PRESSURE_LOAD_15M_PPM, &why),
                     INT64_C(4294967295) * 1000000 / 2048);
    (void)mac_value(&mac, TABLE_PRESSURE, 0, PRESSURE_LEVEL, &why);
    assert_int_equal(why, MISSING_UNSUPPORTED);
    mac_close(&mac);
}

/* --- row 8: what was handed out --- */

static void every_collector_gives_all_back_also_when_calls_fail(void **state)
{
    (void)state;
    static const struct collector *const all[] = { &process_collector, &cpu_collector,
                                                   &memory_collector, &pressure_collector,
                                                   &network_collector };

    for (size_t i = 0; i < COUNT_OF(all); i++) {
        struct scenario scenario = host();
        struct mac mac;

        scenario.cores_fail = (struct span){ 5001 * SECOND, 5002 * SECOND };
        scenario.memory_fails = scenario.usage_fails = scenario.task_fails = scenario.cores_fail;
        scenario.list_races = scenario.interfaces_race = scenario.cores_fail;
        mac_open(&mac, &scenario, all[i]);
        mac_close(&mac);
        mac_open(&mac, &scenario, all[i]);
        for (int64_t second = 5000; second < 5004; second++) {
            scenario.odd_core_counts = second == 5002;
            (void)mac_tick(&mac, second * SECOND);
        }
        mac_close(&mac); /* fails the test if something is out */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_revision_that_fits_is_answered_and_nothing_behind_it),
        cmocka_unit_test(what_an_old_revision_does_not_tell_is_missing_and_not_0),
        cmocka_unit_test(an_answer_that_others_used_up_is_the_last_one_again),
        cmocka_unit_test(no_sum_of_pages_falls_below_0),
        cmocka_unit_test(a_refusal_costs_a_tick_and_the_next_is_there),
        cmocka_unit_test(a_list_of_processes_that_does_not_fit_is_whole_elements_and_says_0),
        cmocka_unit_test(a_list_of_interfaces_that_does_not_fit_is_a_prefix_with_its_size),
        cmocka_unit_test(load_and_pressure_are_what_the_kernel_says_and_else_missing),
        cmocka_unit_test(every_collector_gives_all_back_also_when_calls_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
