/*
 * Lists of pids that change between two calls, and who may ask what: the rules that all collectors
 * rest on.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <libproc.h>
#include <cmocka.h>

#include "recorder/collectors/pid_list_macos.h"
#include "recorder/collectors/process_list_macos.h"
#include "recorder/collectors/process_usage_macos.h"
#include "tests/darwin/support_mac.h"

static const int64_t second_ns = 1000000000;

static void boot(struct scenario *scenario, struct fake_process *processes, size_t count)
{
    *scenario = mac_scenario(processes, count);
    fake_boot(scenario);
    fake_set_now(0);
}

static struct fake_process *crowd(size_t count)
{
    struct fake_process *all = calloc(count, sizeof *all);

    assert_non_null(all);
    for (size_t i = 0; i < count; i++)
        all[i] = mac_process((int32_t)i + 1, i + 2, "one");
    return all;
}

/* --- row 1: lists --- */

static void a_list_that_grew_since_its_size_was_asked_for_is_asked_for_again(void **state)
{
    (void)state;
    enum { COUNT = 300 };
    struct fake_process *all = crowd(COUNT);
    struct pid_list list = { .pids = NULL };
    struct scenario scenario;
    struct error err;

    boot(&scenario, all, COUNT);
    scenario.pids_race = (struct span){ INT64_MIN, FOREVER };
    assert_int_equal(pid_list_read(&list, PIDS_ALL, 0, &err), STATUS_OK);
    assert_true(list.complete);
    assert_int_equal(list.count, COUNT);
    assert_true(fake_counted(CALL_LISTPIDS) > 2);
    pid_list_release(&list);
    free(all);
}

/* What fills the room to the last may have been cut: the kernel does not say. */
static void a_list_that_fits_exactly_is_not_taken_for_whole(void **state)
{
    (void)state;
    enum { COUNT = 400 };
    struct fake_process *all = crowd(COUNT);
    struct pid_list list = { .pids = NULL };
    struct scenario scenario;
    struct error err;
    int64_t before;

    boot(&scenario, all, COUNT);
    assert_int_equal(pid_list_read(&list, PIDS_ALL, 0, &err), STATUS_OK);
    list.room = COUNT; /* as if it had been made for so many */
    before = fake_counted(CALL_LISTPIDS);
    assert_int_equal(pid_list_read(&list, PIDS_ALL, 0, &err), STATUS_OK);
    assert_true(list.complete && list.count == COUNT);
    assert_int_equal(fake_counted(CALL_LISTPIDS) - before, 3); /* the list, the size, the list */
    list.room = COUNT + 1;
    before = fake_counted(CALL_LISTPIDS);
    assert_int_equal(pid_list_read(&list, PIDS_ALL, 0, &err), STATUS_OK);
    assert_int_equal(fake_counted(CALL_LISTPIDS) - before, 1);
    pid_list_release(&list);
    free(all);
}

static void zombies_are_in_the_list_behind_the_living(void **state)
{
    (void)state;
    struct fake_process all[] = { mac_process(1, 2, "launchd"), mac_process(5, 6, "zombie"),
                                  mac_process(4, 9, "young") };
    struct pid_list list = { .pids = NULL };
    struct scenario scenario;
    struct error err;

    all[1].end_ns = -1;
    boot(&scenario, all, COUNT_OF(all));
    assert_int_equal(pid_list_read(&list, PIDS_OF_USER, 0, &err), STATUS_OK);
    assert_int_equal(list.count, 3);
    assert_int_equal(list.pids[0], 4);
    assert_int_equal(list.pids[2], 5);
    pid_list_release(&list);
}

static void nobody_is_an_answer_and_no_failure(void **state)
{
    (void)state;
    struct fake_process one = mac_process(1, 2, "launchd");
    struct pid_list list = { .pids = NULL };
    struct scenario scenario;
    struct error err;

    boot(&scenario, &one, 1);
    for (enum pid_criterion by = PIDS_OF_GROUP; by <= PIDS_OF_PARENT; by++) {
        errno = ERANGE; /* of whatever was before */
        assert_int_equal(pid_list_read(&list, by, 31337, &err), STATUS_OK);
        assert_true(list.complete);
        assert_int_equal(list.count, 0);
    }
    pid_list_release(&list);
}

static void a_pid_that_was_used_again_is_told_by_its_start(void **state)
{
    (void)state;
    struct fake_process all[] = { mac_process(1, 2, "launchd"), mac_process(7, 8, "same"),
                                  mac_process(7, 9, "same") };
    struct pid_list list = { .pids = NULL };
    struct kinfo_proc first, second;
    struct scenario scenario;
    struct error err;

    all[1].end_ns = all[1].reaped_ns = second_ns;
    all[2].start_ns = 2 * second_ns;
    boot(&scenario, all, COUNT_OF(all));
    assert_true(process_list_find(7, &first));
    assert_int_equal(usage_read_unique(7, NULL), 8);
    fake_set_now(second_ns);
    assert_int_equal(pid_list_read(&list, PIDS_ALL, 0, &err), STATUS_OK);
    assert_int_equal(list.count, 1);
    fake_set_now(3 * second_ns);
    assert_int_equal(pid_list_read(&list, PIDS_ALL, 0, &err), STATUS_OK);
    assert_int_equal(list.count, 2);
    assert_true(process_list_find(7, &second));
    assert_int_not_equal(process_list_start_us(&first), process_list_start_us(&second));
    assert_int_equal(usage_read_unique(7, NULL), 9);
    pid_list_release(&list);
}

/* --- row 2: who may ask --- */

static void expect(int pid, int flavor, uint64_t argument, int code)
{
    static uint8_t answer[4096];

    errno = 0;
    (void)proc_pidinfo(pid, flavor, argument, answer, sizeof answer);
    if (errno != code)
        fail_msg("flavor %d of %d: errno %d, not %d", flavor, pid, errno, code);
}

static void of_other_users_only_some_flavors_answer(void **state)
{
    (void)state;
    static const int refused[] = { 1, 2, 3, 4, 9 }, told[] = { 11, 13, 17, 20 };
    struct fake_process all[] = { mac_process(1, 2, "we"), mac_process(5, 6, "other") };
    struct usage_source source;
    struct rusage_info_v6 usage;
    struct scenario scenario;

    all[0].uid = 501;
    boot(&scenario, all, COUNT_OF(all));
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        expect(5, refused[i], 0, EPERM);
        expect(1, refused[i], 0, 0);
    }
    for (size_t i = 0; i < COUNT_OF(told); i++)
        expect(5, told[i], 0, 0);
    assert_true(usage_open(&source));
    assert_int_equal(usage_read(&source, 5, &usage), USAGE_DENIED);
    assert_int_equal(usage_read(&source, 1, &usage), USAGE_OK);
    all[0].uid = 0; /* root may ask all */
    for (size_t i = 0; i < COUNT_OF(refused); i++)
        expect(5, refused[i], 0, 0);
}

static void a_zombie_answers_only_who_asks_for_zombies_too(void **state)
{
    (void)state;
    static const int only_asked_so[] = { 3, 13, 17 }, never[] = { 1, 2, 4, 9, 11, 20 };
    struct fake_process all[] = { mac_process(1, 2, "we"), mac_process(5, 6, "zombie") };
    struct usage_source source;
    struct rusage_info_v6 usage;
    struct scenario scenario;

    all[1].end_ns = -1;
    boot(&scenario, all, COUNT_OF(all));
    for (size_t i = 0; i < COUNT_OF(only_asked_so); i++) {
        expect(5, only_asked_so[i], 0, ESRCH);
        expect(5, only_asked_so[i], 1, 0);
    }
    for (size_t i = 0; i < COUNT_OF(never); i++) {
        expect(5, never[i], 0, ESRCH);
        expect(5, never[i], 1, ESRCH);
    }
    assert_true(usage_open(&source));
    assert_int_equal(usage_read(&source, 5, &usage), USAGE_OK); /* its last values */
    assert_int_equal(usage_read_unique(5, NULL), 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_that_grew_since_its_size_was_asked_for_is_asked_for_again),
        cmocka_unit_test(a_list_that_fits_exactly_is_not_taken_for_whole),
        cmocka_unit_test(zombies_are_in_the_list_behind_the_living),
        cmocka_unit_test(nobody_is_an_answer_and_no_failure),
        cmocka_unit_test(a_pid_that_was_used_again_is_told_by_its_start),
        cmocka_unit_test(of_other_users_only_some_flavors_answer),
        cmocka_unit_test(a_zombie_answers_only_who_asks_for_zombies_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
