/* How many files may be open, and how many of these are for processes. */
#include "recorder/descriptors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Limits are a process's own: in a child that begins with these, the exit status of `check`. */
static int with_limit(rlim_t soft, rlim_t hard, int (*check)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        struct rlimit limit = { soft, hard };

        _exit(setrlimit(RLIMIT_NOFILE, &limit) == 0 ? check() : 77);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int is_raised_to_hard(void)
{
    struct rlimit limit;
    long now = descriptors_raise();

    return now == 600 && getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == 600 &&
                   limit.rlim_max == 600
               ? 0
               : 1;
}

static int is_raised_within_bounds(void)
{
    return descriptors_raise() == DESCRIPTORS_MAX ? 0 : 1;
}

static int leaves_a_quarter(void)
{
    return descriptors_for_processes() == 300 ? 0 : 1;
}

static int leaves_sixty_four(void)
{
    return descriptors_for_processes() == 36 ? 0 : 1;
}

static int leaves_none(void)
{
    return descriptors_for_processes() == 0 ? 0 : 1;
}

static void the_limit_is_raised_as_far_as_it_may_be(void **state)
{
    (void)state;
    assert_int_equal(with_limit(100, 600, is_raised_to_hard), 0);
    int bounded = with_limit(100, 2 * DESCRIPTORS_MAX, is_raised_within_bounds);
    assert_true(bounded == 0 || bounded == 77); /* not everybody may have such a limit */
}

static void some_are_left_for_all_else(void **state)
{
    (void)state;
    assert_int_equal(with_limit(400, 400, leaves_a_quarter), 0);
    assert_int_equal(with_limit(100, 100, leaves_sixty_four), 0);
    assert_int_equal(with_limit(50, 50, leaves_none), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limit_is_raised_as_far_as_it_may_be),
        cmocka_unit_test(some_are_left_for_all_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
