/* The slow threads: order, bounds, wrap-around, and what becomes of a read that hangs. */
#include "recorder/slow.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* Reads of these pids hang until `let_go`; opened and closed contexts are counted. */
enum { HANGING = 1000000 };

struct hangs {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool let_go;
    int hanging, contexts;
};

static void count_context(struct hangs *hangs, int more)
{
    pthread_mutex_lock(&hangs->lock);
    hangs->contexts += more;
    pthread_cond_broadcast(&hangs->changed);
    pthread_mutex_unlock(&hangs->lock);
}

static enum status open_context(void *self, void **context, struct error *err)
{
    (void)err;
    count_context(self, 1);
    *context = self;
    return STATUS_OK;
}

static void close_context(void *context)
{
    count_context(context, -1);
}

static void hang(void *context, const struct slow_request *request)
{
    struct hangs *hangs = context;

    if (request->pid < HANGING)
        return;
    pthread_mutex_lock(&hangs->lock);
    hangs->hanging++;
    pthread_cond_broadcast(&hangs->changed);
    while (!hangs->let_go)
        pthread_cond_wait(&hangs->changed, &hangs->lock);
    hangs->hanging--;
    pthread_mutex_unlock(&hangs->lock);
}

static void let_go(struct hangs *hangs)
{
    pthread_mutex_lock(&hangs->lock);
    hangs->let_go = true;
    pthread_cond_broadcast(&hangs->changed);
    pthread_mutex_unlock(&hangs->lock);
}

static void await(struct hangs *hangs, const int *number, int value)
{
    pthread_mutex_lock(&hangs->lock);
    while (*number != value)
        pthread_cond_wait(&hangs->changed, &hangs->lock);
    pthread_mutex_unlock(&hangs->lock);
}

/* Answers with a text whose size and bytes follow from the pid. */
static void echo(void *context, const struct slow_request *request, struct slow_answer *answer)
{
    uint8_t bytes[17000];
    size_t size = (size_t)request->pid * 37 % (sizeof bytes + 1);

    (void)context;
    memset(bytes, request->pid, sizeof bytes);
    bytes_put(&answer->bytes, bytes, size);
    answer->text[PROCESS_CMDLINE].size = (uint32_t)size;
    answer->known = 1u << PROCESS_CMDLINE;
}

static struct slow *start(struct hangs *hangs, bool thread)
{
    const struct slow_work work = { open_context, close_context, hang, echo, hangs };
    struct slow *slow;
    struct error err;

    *hangs = (struct hangs){ 0 };
    pthread_mutex_init(&hangs->lock, NULL);
    pthread_cond_init(&hangs->changed, NULL);
    assert_int_equal(slow_start(&slow, &work, thread, &err), STATUS_OK);
    return slow;
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
    struct hangs hangs;
    struct slow *slow = start(&hangs, false);
    int32_t asked = 0, taken = 0;
    (void)state;

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
    struct hangs hangs;
    struct slow *slow = start(&hangs, true);
    int32_t asked = 0, taken = 0;
    (void)state;

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
    struct hangs hangs;
    struct slow *slow = start(&hangs, true);
    (void)state;

    for (int32_t pid = 0; slow_ask(slow, &(struct slow_request){ .pid = pid }); pid++) {
        if (pid == 3000)
            break;
    }
    slow_stop(slow);
    slow_stop(NULL);
    assert_int_equal(hangs.contexts, 0);
}

static void ask(struct slow *slow, int32_t pid)
{
    assert_true(slow_ask(slow, &(struct slow_request){ .pid = pid }));
    slow_wake(slow);
}

static void await_answer(struct slow *slow, int32_t pid)
{
    const struct slow_answer *answer;

    while ((answer = slow_next(slow)) == NULL)
        nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
    assert_int_equal(answer->request.pid, pid);
}

static void a_hanging_read_is_told_of_and_others_are_answered(void **state)
{
    const int64_t tick = 100, late = tick + SLOW_PATIENCE_NS;
    struct slow_notice notice;
    struct hangs hangs;
    struct slow *slow = start(&hangs, true);
    (void)state;

    assert_false(slow_look(slow, tick, &notice));
    ask(slow, HANGING);
    await(&hangs, &hangs.hanging, 1);
    ask(slow, 7);
    assert_false(slow_look(slow, late - 1, &notice));
    assert_null(slow_next(slow)); /* the only worker hangs */
    assert_true(slow_look(slow, late, &notice));
    assert_true(notice.late);
    assert_false(notice.exhausted);
    assert_int_equal(notice.since_ns, tick);
    assert_int_equal(notice.pid, HANGING);
    assert_int_equal(slow_late_count(slow), 1);
    assert_false(slow_look(slow, late, &notice)); /* once */
    await_answer(slow, 7);
    let_go(&hangs);
    await_answer(slow, HANGING);
    assert_true(slow_look(slow, late + 5, &notice));
    assert_false(notice.late);
    assert_int_equal(notice.since_ns, tick);
    assert_int_equal(notice.pid, HANGING);
    assert_int_equal(slow_late_count(slow), 0);
    assert_false(slow_look(slow, late + 5, &notice));
    slow_stop(slow);
    assert_int_equal(hangs.contexts, 0);
}

static void no_more_threads_hang_than_allowed(void **state)
{
    int64_t now_ns = 0;
    struct slow_notice notice;
    struct hangs hangs;
    struct slow *slow = start(&hangs, true);
    (void)state;

    for (int i = 0; i < SLOW_WORKERS_MAX; i++) {
        ask(slow, HANGING + i);
        await(&hangs, &hangs.hanging, i + 1);
        now_ns += SLOW_PATIENCE_NS;
        assert_true(slow_look(slow, now_ns, &notice));
        assert_int_equal(notice.pid, HANGING + i);
        assert_int_equal(notice.exhausted, i + 1 == SLOW_WORKERS_MAX);
    }
    ask(slow, 7);
    assert_false(slow_look(slow, now_ns + SLOW_PATIENCE_NS, &notice));
    assert_int_equal(hangs.contexts, SLOW_WORKERS_MAX);
    assert_null(slow_next(slow));
    let_go(&hangs);
    for (int i = 0; i < SLOW_WORKERS_MAX + 1; i++) {
        while (slow_next(slow) == NULL)
            nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
    }
    slow_stop(slow);
    assert_int_equal(hangs.contexts, 0);
}

static void stopping_does_not_wait_for_a_hanging_read(void **state)
{
    struct slow_notice notice;
    struct hangs hangs;
    struct slow *slow = start(&hangs, true);
    (void)state;

    assert_false(slow_look(slow, 0, &notice));
    ask(slow, HANGING);
    await(&hangs, &hangs.hanging, 1);
    assert_true(slow_look(slow, SLOW_PATIENCE_NS, &notice));
    ask(slow, HANGING + 1); /* of this nobody has been told yet */
    await(&hangs, &hangs.hanging, 2);
    slow_stop(slow);
    assert_int_equal(hangs.contexts, 2);
    let_go(&hangs);
    await(&hangs, &hangs.contexts, 0); /* they have released what was theirs */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_ring_refuses_and_nothing_is_lost),
        cmocka_unit_test(the_thread_answers_in_order),
        cmocka_unit_test(stopping_drops_what_was_not_answered),
        cmocka_unit_test(a_hanging_read_is_told_of_and_others_are_answered),
        cmocka_unit_test(no_more_threads_hang_than_allowed),
        cmocka_unit_test(stopping_does_not_wait_for_a_hanging_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
