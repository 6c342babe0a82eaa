/* How urgent a thread may make itself, each time in a thread of its own. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "recorder/urgency.h"

struct raised {
    int64_t interval_ns;
    int policy_before; /* -1: as it comes */
    enum urgency urgency;
    int policy, nice;
    int child_policy;
};

static void *look(void *policy)
{
    *(int *)policy = sched_getscheduler(0);
    return NULL;
}

static void *raise_it(void *self)
{
    struct raised *r = self;
    const struct sched_param none = { 0 };
    pthread_t child;

    if (r->policy_before >= 0)
        (void)sched_setscheduler(0, r->policy_before, &none);
    r->urgency = urgency_raise(r->interval_ns);
    r->policy = sched_getscheduler(0);
    r->nice = getpriority(PRIO_PROCESS, 0); /* of this thread: see its page, "BUGS" */
    if (pthread_create(&child, NULL, look, &r->child_policy) == 0)
        (void)pthread_join(child, NULL);
    return NULL;
}

static struct raised raised(int64_t interval_ns, int policy_before)
{
    struct raised r = { .interval_ns = interval_ns, .policy_before = policy_before };
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, raise_it, &r), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    return r;
}

static void what_it_says_is_what_the_kernel_says(void **state)
{
    (void)state;
    struct raised r = raised(100000000, -1);

    print_message("here: %s\n", urgency_name(r.urgency));
    assert_int_equal(r.policy & ~SCHED_RESET_ON_FORK,
                     r.urgency == URGENCY_REALTIME ? SCHED_FIFO : SCHED_OTHER);
    assert_int_equal(r.child_policy, SCHED_OTHER);
    assert_int_equal(sched_getscheduler(0), SCHED_OTHER); /* only that thread */
}

static void once_a_second_takes_no_real_time(void **state)
{
    (void)state;
    assert_int_not_equal(raised(1000000000, -1).urgency, URGENCY_REALTIME);
}

static void what_was_started_otherwise_stays_so(void **state)
{
    (void)state;
    struct raised r = raised(100000000, SCHED_BATCH);

    assert_int_equal(r.urgency, URGENCY_USUAL);
    assert_int_equal(r.policy, SCHED_BATCH);
}

static void *begin(void *unused)
{
    struct raised after = { .interval_ns = 1000000000, .policy_before = -1 };
    int *nice = unused;

    urgency_begin();
    nice[0] = getpriority(PRIO_PROCESS, 0);
    (void)raise_it(&after);
    nice[1] = after.nice;
    urgency_lower();
    nice[2] = getpriority(PRIO_PROCESS, 0);
    urgency_give_up();
    nice[3] = getpriority(PRIO_PROCESS, 0);
    return NULL;
}

static void what_may_be_nice_is(void **state)
{
    int nice[4] = { 0 };
    pthread_t thread;
    (void)state;

    assert_int_equal(pthread_create(&thread, NULL, begin, nice), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    if (nice[0] == 0 || getpriority(PRIO_PROCESS, 0) != 0) {
        print_message("skipped: nice values below 0 are not allowed here\n");
        skip();
    }
    assert_int_equal(nice[0], -20);
    assert_int_equal(nice[1], -20);
    assert_int_equal(nice[2], -10);
    assert_int_equal(nice[3], 0);
}

static void a_nice_thread_stays_nice(void **state)
{
    (void)state;
    int before = getpriority(PRIO_PROCESS, 0);

    assert_int_equal(setpriority(PRIO_PROCESS, 0, before + 1), 0);
    (void)urgency_raise(1000000000);
    assert_int_equal(getpriority(PRIO_PROCESS, 0), before + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_says_is_what_the_kernel_says),
        cmocka_unit_test(once_a_second_takes_no_real_time),
        cmocka_unit_test(what_was_started_otherwise_stays_so),
        cmocka_unit_test(what_may_be_nice_is),
        cmocka_unit_test(a_nice_thread_stays_nice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
