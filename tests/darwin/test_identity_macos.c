/*
 * Names of processes on a Mac: whose arguments are told, and that the environment behind them is
 * wiped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "recorder/collectors/identity_macos.h"
#include "tests/darwin/support_mac.h"

enum { WALL_START_US_PER_S = 1000000, PROCESSES = 6 };

static const char *arguments[] = { "", "--token=abcdefghij", "plain", NULL };
static const char *environment[] = { "SECRET=must-not-be-recorded", NULL };
static struct program program = { .comm = "test",
                                  .path = "/bin/test",
                                  .cwd = "/work",
                                  .args = arguments,
                                  .environment = environment };
static struct program kernel = {
    .comm = "kernel_task", .cwd = "/", .args = arguments, .environment = environment
};
static struct fake_process all[PROCESSES];
static struct scenario scenario;

enum { OWN, OTHERS, ZOMBIE, DELETED, KERNEL, ODD };

static int set_up(void **state)
{
    (void)state;
    for (int i = 0; i < PROCESSES; i++) {
        all[i] = mac_process(i + 1, (uint64_t)i + 1, "test");
        all[i].programs = &program;
        all[i].uid = 501;
    }
    all[OTHERS].uid = 0;
    all[ZOMBIE].end_ns = 0;
    all[DELETED].path_gone = true;
    all[KERNEL].pid = 0;
    all[KERNEL].programs = &kernel;
    all[KERNEL].no_arguments = true;
    all[ODD].odd.alignment = 1;
    scenario = mac_scenario(all, PROCESSES);
    fake_boot(&scenario);
    return 0;
}

static struct slow_answer answer;

static void ask(int which, bool as_it_is)
{
    static struct identity_source source = { .root = "" };
    int64_t wall_ns = fake_wall_at(all[which].start_ns);
    struct slow_request request = {
        .pid = all[which].pid,
        .uid = all[which].uid,
        .start_ticks = (uint64_t)(wall_ns / 1000000000) * WALL_START_US_PER_S + (as_it_is ? 0 : 1),
        .first = true,
    };
    struct error err;
    void *reader;

    bytes_release(&answer.bytes);
    answer = (struct slow_answer){ .request = request };
    fake_arguments_size = 0; /* nothing is put where the kernel refuses */
    assert_int_equal(identity_open(&source, &reader, &err), STATUS_OK);
    identity_read(reader, &request);
    identity_answer(reader, &request, &answer);
    for (size_t i = 0; i < fake_arguments_size; i++)
        assert_int_equal(fake_arguments_at[i], 0); /* of the reader's memory: there until close */
    identity_close(reader);
}

static bool knows(enum process_text text)
{
    return (answer.known & 1u << text) != 0;
}

static void assert_text(enum process_text text, const char *expected)
{
    assert_true(knows(text));
    assert_int_equal(answer.text[text].size, strlen(expected));
    assert_memory_equal(answer.bytes.data + answer.text[text].at, expected, strlen(expected));
}

static void own_arguments_are_told_redacted_and_the_rest_is_wiped(void **state)
{
    (void)state;
    ask(OWN, true);
    assert_true(fake_arguments_size > sizeof "SECRET=must-not-be-recorded");
    assert_text(PROCESS_EXE, "/bin/test");
    assert_text(PROCESS_CWD, "/work");
    assert_text(PROCESS_CMDLINE, " --token=[redacted] plain");
}

static void of_others_the_program_is_told_and_no_more(void **state)
{
    (void)state;
    ask(OTHERS, true);
    assert_text(PROCESS_EXE, "/bin/test");
    assert_text(PROCESS_USER, "root");
    assert_false(knows(PROCESS_CMDLINE));
    assert_false(knows(PROCESS_CWD));
}

static void of_a_zombie_nothing_is_known_and_of_the_kernel_that_there_is_nothing(void **state)
{
    (void)state;
    ask(ZOMBIE, true);
    assert_false(knows(PROCESS_EXE) || knows(PROCESS_CMDLINE) || knows(PROCESS_CWD));
    all[KERNEL].uid = 0;
    ask(KERNEL, true);
    assert_text(PROCESS_EXE, "");
    assert_false(knows(PROCESS_CMDLINE));
}

static void the_path_of_a_deleted_program_is_not_known(void **state)
{
    (void)state;
    ask(DELETED, true);
    assert_false(knows(PROCESS_EXE));
    assert_true(knows(PROCESS_CMDLINE));
}

static void another_padding_costs_the_arguments_and_tells_no_environment(void **state)
{
    (void)state;
    ask(ODD, true);
    assert_text(PROCESS_EXE, "/bin/test");
    assert_false(knows(PROCESS_CMDLINE));
}

static void a_pid_that_is_anothers_by_now_tells_its_user_only(void **state)
{
    (void)state;
    ask(OWN, false);
    assert_true(answer.gone);
    assert_int_equal(answer.known, 1u << PROCESS_USER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(own_arguments_are_told_redacted_and_the_rest_is_wiped, set_up),
        cmocka_unit_test_setup(of_others_the_program_is_told_and_no_more, set_up),
        cmocka_unit_test_setup(of_a_zombie_nothing_is_known_and_of_the_kernel_that_there_is_nothing,
                               set_up),
        cmocka_unit_test_setup(the_path_of_a_deleted_program_is_not_known, set_up),
        cmocka_unit_test_setup(another_padding_costs_the_arguments_and_tells_no_environment,
                               set_up),
        cmocka_unit_test_setup(a_pid_that_is_anothers_by_now_tells_its_user_only, set_up),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    bytes_release(&answer.bytes);
    return failed;
}
