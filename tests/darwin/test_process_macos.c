/*
 * Lists that do not fit, zombies, pids that go to others, and who may read what: the collector of
 * processes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recorder/collectors/collectors_macos.h"
#include "recorder/collectors/process_list_macos.h"
#include "recorder/collectors/process_usage_macos.h"
#include "recorder/sysctl_macos.h"
#include "tests/darwin/support_mac.h"

enum { MANY = 400 };
#define SECOND INT64_C(1000000000)

static void a_list_that_does_not_fit_is_asked_for_again(void **state)
{
    (void)state;
    static struct fake_process all[MANY];
    struct scenario scenario = mac_scenario(all, MANY);
    struct process_list list = { 0 };
    struct error err;

    for (int i = 0; i < MANY; i++) {
        all[i] = mac_process(i + 1, (uint64_t)i + 1, "many");
        all[i].start_ns = i < 10 ? -SECOND : SECOND;
    }
    fake_boot(&scenario);
    assert_int_equal(process_list_read(&list, &err), STATUS_OK);
    assert_true(list.complete);
    assert_int_equal(list.count, 10);
    fake_set_now(2 * SECOND);
    assert_int_equal(process_list_read(&list, &err), STATUS_OK);
    assert_true(list.complete);
    assert_int_equal(list.count, MANY);
    process_list_release(&list);
}

/* The size that comes back with ENOMEM is 0: who believes it has no processes. */
static void a_list_that_never_fits_is_a_prefix_and_said_to_be(void **state)
{
    (void)state;
    static struct fake_process all[MANY];
    struct scenario scenario = mac_scenario(all, MANY);
    struct process_list list = { 0 };
    struct error err;

    for (int i = 0; i < MANY; i++)
        all[i] = mac_process(i + 1, (uint64_t)i + 1, "many");
    scenario.list_races = (struct span){ 0, FOREVER };
    fake_boot(&scenario);
    assert_int_equal(process_list_read(&list, &err), STATUS_OK);
    assert_false(list.complete);
    assert_in_range(list.count, 10, MANY - 1);
    for (size_t i = 0; i < list.count; i++)
        assert_in_range(list.items[i].kp_proc.p_pid, 1, MANY);
    process_list_release(&list);
}

static void a_pid_that_nobody_has_is_success_and_nothing(void **state)
{
    (void)state;
    struct fake_process one = mac_process(1, 1, "one");
    struct scenario scenario = mac_scenario(&one, 1);
    struct kinfo_proc item;

    fake_boot(&scenario);
    assert_true(process_list_find(1, &item));
    assert_false(process_list_find(2, &item));
}

static void the_newest_version_of_rusage_that_is_known_is_used(void **state)
{
    (void)state;
    static const int expected[] = { 0, 0, 2, 2, 4, 4, 6, 6 };
    struct fake_process one = mac_process(1, 1, "one");
    struct scenario scenario = mac_scenario(&one, 1);
    struct usage_source source;

    for (int version = 0; version < 8; version++) {
        scenario.rusage_version = version;
        fake_boot(&scenario);
        assert_int_equal(usage_open(&source), expected[version] != 0);
        if (expected[version] != 0)
            assert_int_equal(source.version, expected[version]);
        assert_int_equal(source.has_energy, version >= 6);
    }
}

static void ticks_become_nanoseconds_without_overflow(void **state)
{
    (void)state;
    assert_true(mach_ns(24000000, 24000000) == UINT64_C(1000000000));
    assert_true(mach_ns(1, 24000000) == 41);
    assert_true(mach_ns(3, 24000000) == 125);
    assert_true(mach_ns(12345, 1000000000) == 12345);
    /* 10 years of Apple Silicon: times 10^9 does not fit 64 bits */
    assert_true(mach_ns(UINT64_C(315360000) * 24000000 + 3, 24000000) ==
                UINT64_C(315360000) * 1000000000 + 125);
}

static void others_may_be_listed_and_told_apart_but_not_read(void **state)
{
    (void)state;
    struct fake_process all[] = { mac_process(1, 1, "own"), mac_process(2, 9, "other") };
    struct scenario scenario = mac_scenario(all, COUNT_OF(all));
    struct usage_source source;
    struct rusage_info_v6 usage;
    struct proc_taskinfo task;

    all[0].uid = 501;
    fake_boot(&scenario);
    assert_true(usage_open(&source));
    assert_int_equal(usage_read(&source, 1, &usage), USAGE_OK);
    assert_int_equal(usage_read(&source, 2, &usage), USAGE_DENIED);
    assert_int_equal(usage_read_task(2, &task), USAGE_DENIED);
    assert_int_equal(usage_read_status(2), -1);
    assert_int_equal(usage_read_unique(2, NULL), 9);
    assert_int_equal(usage_read(&source, 3, &usage), USAGE_GONE);
}

static void a_zombie_keeps_what_it_used_and_loses_its_threads(void **state)
{
    (void)state;
    struct fake_process all[] = { mac_process(1, 1, "own"), mac_process(2, 2, "zombie") };
    struct scenario scenario = mac_scenario(all, COUNT_OF(all));
    struct rate working = { 0, SECOND / 2 };
    struct usage_source source;
    struct rusage_info_v6 usage;
    struct proc_taskinfo task;

    all[1].cpu_user = (struct curve){ 0, &working, 1 };
    all[1].end_ns = 2 * SECOND;
    all[1].status = 9;
    fake_boot(&scenario);
    assert_true(usage_open(&source));
    fake_set_now(10 * SECOND);
    assert_int_equal(usage_read(&source, 2, &usage), USAGE_OK);
    assert_int_equal(mach_ns(usage.ri_user_time, source.hz), SECOND);
    assert_int_equal(usage_read_task(2, &task), USAGE_GONE);
    assert_int_equal(usage_read_status(2), 9);
    assert_int_equal(usage_read_unique(2, NULL), 2);
}

/* The wall clock is set back so that the second one has the same pid and the same start. */
static void a_pid_with_the_same_start_that_went_to_another_is_told_apart(void **state)
{
    (void)state;
    struct fake_process all[] = { mac_process(1, 1, "own"), mac_process(2, 2, "old"),
                                  mac_process(2, 3, "new") };
    struct scenario scenario = mac_scenario(all, COUNT_OF(all));
    struct jump step = { 3 * SECOND, -2 * SECOND };
    struct mac mac;

    all[1].start_ns = SECOND;
    all[1].end_ns = all[1].reaped_ns = 3 * SECOND;
    all[2].start_ns = 3 * SECOND;
    scenario.wall_steps = &step;
    scenario.wall_step_count = 1;
    mac_open(&mac, &scenario, &process_collector);
    assert_int_equal(mac_tick(&mac, SECOND / 2), STATUS_OK);
    assert_int_equal(mac.tick.birth_count, 1);
    assert_int_equal(mac_tick(&mac, 2 * SECOND), STATUS_OK);
    assert_int_equal(mac.tick.birth_count, 1);
    assert_int_equal(mac_tick(&mac, 4 * SECOND), STATUS_OK);
    assert_int_equal(mac.tick.exit_count, 1);
    assert_int_equal(mac_tick(&mac, 5 * SECOND), STATUS_OK);
    assert_int_equal(mac.tick.birth_count, 1);
    assert_int_equal(mac.tick.exit_count, 0);
    mac_close(&mac);
}

static void what_cannot_be_read_is_missing_and_goes_on_later(void **state)
{
    (void)state;
    struct fake_process all[] = { mac_process(1, 1, "own"), mac_process(2, 2, "busy") };
    struct scenario scenario = mac_scenario(all, COUNT_OF(all));
    struct rate working = { 0, SECOND / 4 };
    enum missing why;
    struct mac mac;

    all[1].cpu_user = (struct curve){ SECOND, &working, 1 };
    scenario.usage_fails = (struct span){ 2 * SECOND, 3 * SECOND };
    mac_open(&mac, &scenario, &process_collector);
    assert_int_equal(mac_tick(&mac, 0), STATUS_OK);
    assert_int_equal(mac_value(&mac, TABLE_PROCESS, 0, PROCESS_CPU_NS_TOTAL, &why), 1000000);
    assert_int_equal(mac_tick(&mac, 2 * SECOND), STATUS_OK);
    (void)mac_value(&mac, TABLE_PROCESS, 0, PROCESS_CPU_NS_TOTAL, &why);
    assert_int_equal(why, MISSING_FAILED);
    assert_int_equal(mac_tick(&mac, 4 * SECOND), STATUS_OK);
    assert_int_equal(mac_value(&mac, TABLE_PROCESS, 0, PROCESS_CPU_NS_TOTAL, &why), 2000000);
    mac_close(&mac);
}

static void threads_that_cannot_be_read_are_missing_and_the_rest_is_there(void **state)
{
    (void)state;
    struct fake_process one = mac_process(1, 1, "own");
    struct scenario scenario = mac_scenario(&one, 1);
    enum missing why;
    struct mac mac;

    scenario.task_fails = (struct span){ 0, SECOND };
    mac_open(&mac, &scenario, &process_collector);
    assert_int_equal(mac_tick(&mac, 0), STATUS_OK);
    (void)mac_value(&mac, TABLE_PROCESS, 0, PROCESS_THREADS, &why);
    assert_int_equal(why, MISSING_FAILED);
    assert_int_equal(mac_value(&mac, TABLE_PROCESS, 0, PROCESS_CPU_NS_TOTAL, &why), 0);
    for (int second = 1; second <= 10; second++)
        assert_int_equal(mac_tick(&mac, second * SECOND), STATUS_OK);
    assert_int_equal(mac_value(&mac, TABLE_PROCESS, 0, PROCESS_THREADS, &why), 1);
    mac_close(&mac);
}

/* One of the columns that are read at full passes: it stops at the largest number of 32 bits. */
static void faults_that_stopped_counting_are_missing(void **state)
{
    (void)state;
    struct fake_process one = mac_process(1, 1, "own");
    struct scenario scenario = mac_scenario(&one, 1);
    enum missing why;
    struct mac mac;

    one.faults.base = INT64_C(5000000000);
    mac_open(&mac, &scenario, &process_collector);
    assert_int_equal(mac_tick(&mac, 0), STATUS_OK);
    (void)mac_value(&mac, TABLE_PROCESS, 0, PROCESS_MINOR_FAULTS_TOTAL, &why);
    assert_int_equal(why, MISSING_FAILED);
    mac_close(&mac);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_that_does_not_fit_is_asked_for_again),
        cmocka_unit_test(a_list_that_never_fits_is_a_prefix_and_said_to_be),
        cmocka_unit_test(a_pid_that_nobody_has_is_success_and_nothing),
        cmocka_unit_test(the_newest_version_of_rusage_that_is_known_is_used),
        cmocka_unit_test(ticks_become_nanoseconds_without_overflow),
        cmocka_unit_test(others_may_be_listed_and_told_apart_but_not_read),
        cmocka_unit_test(a_zombie_keeps_what_it_used_and_loses_its_threads),
        cmocka_unit_test(a_pid_with_the_same_start_that_went_to_another_is_told_apart),
        cmocka_unit_test(what_cannot_be_read_is_missing_and_goes_on_later),
        cmocka_unit_test(threads_that_cannot_be_read_are_missing_and_the_rest_is_there),
        cmocka_unit_test(faults_that_stopped_counting_are_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
