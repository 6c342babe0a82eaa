/* The slow thread's rings: order, bounds, wrap-around, with and without the thread. */
#include "recorder/slow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* Answers with a text whose size and bytes follow from the pid. */
static void echo(void *self, const struct slow_request *request, struct slow_answer *answer)
{
    uint8_t bytes[17000];
    size_t size = (size_t)request->pid * 37 % (sizeof bytes + 1);

    (void)self;
    memset(bytes, request->pid, sizeof bytes);
    bytes_put(&answer->bytes, bytes, size);
    answer->text[PROCESS_CMDLINE].size = (uint32_t)size;
    answer->known = 1u << PROCESS_CMDLINE;
}

static void check(const struct slow_answer *answer, int32_t pid)
{
    size_t size = (size_t)pid * 37 % 17001;

    assert_int_equal(answer->request.pid, pid);
    assert_int_equal(answer->text[PROCESS_CMDLINE].size, size);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(answer->bytes.data[i], (uint8_t)pid);
}

static void a_full_ring_refuses_and_nothing_is_lost(void **state)
{
    struct slow *slow;
    struct error err;
    int32_t asked = 0, taken = 0;
    (void)state;

    assert_int_equal(slow_start(&slow, echo, NULL, false, &err), STATUS_OK);
    assert_null(slow_next(slow));
    while (taken < 5000) {
        const struct slow_answer *answer;

        while (slow_ask(slow, &(struct slow_request){ .pid = asked }))
            asked++;
        assert_true(asked - taken >= 1024);
        slow_run_pending(slow); /* stops when the answers are full */
        while ((answer = slow_next(slow)) != NULL)
            check(answer, taken++);
    }
    slow_stop(slow);
}

static void the_thread_answers_in_order(void **state)
{
    struct slow *slow;
    struct error err;
    int32_t asked = 0, taken = 0;
    (void)state;

    assert_int_equal(slow_start(&slow, echo, NULL, true, &err), STATUS_OK);
    while (taken < 5000) {
        const struct slow_answer *answer;

        for (int i = 0; i < 100 && slow_ask(slow, &(struct slow_request){ .pid = asked }); i++)
            asked++;
        slow_wake(slow);
        while ((answer = slow_next(slow)) != NULL)
            check(answer, taken++);
        nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
    }
    slow_stop(slow);
}

static void stopping_drops_what_was_not_answered(void **state)
{
    struct slow *slow;
    struct error err;
    (void)state;

    assert_int_equal(slow_start(&slow, echo, NULL, true, &err), STATUS_OK);
    for (int32_t pid = 0; slow_ask(slow, &(struct slow_request){ .pid = pid }); pid++) {
        if (pid == 3000)
            break;
    }
    slow_stop(slow);
    slow_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_ring_refuses_and_nothing_is_lost),
        cmocka_unit_test(the_thread_answers_in_order),
        cmocka_unit_test(stopping_drops_what_was_not_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
