/* A thread for what may block: it is never waited for, and tells what it hangs at. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "recorder/worker.h"

#define SECOND INT64_C(1000000000)

/* A source that answers only while the gate is open. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;
    int reads, released, waiting;
};

static struct gate gate = { .lock = PTHREAD_MUTEX_INITIALIZER,
                            .changed = PTHREAD_COND_INITIALIZER };

static void set_gate(bool open)
{
    pthread_mutex_lock(&gate.lock);
    gate.open = open;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.lock);
}

static enum status read_gate(void *self, struct error *err)
{
    int *answer = self;

    worker_at(worker_self(), "the gate");
    pthread_mutex_lock(&gate.lock);
    gate.waiting++;
    pthread_cond_broadcast(&gate.changed);
    while (!gate.open)
        pthread_cond_wait(&gate.changed, &gate.lock);
    gate.waiting--;
    *answer = ++gate.reads;
    pthread_mutex_unlock(&gate.lock);
    return *answer == 3 ? error_set(err, STATUS_IO, "the third read fails") : STATUS_OK;
}

static void release_gate(void *self)
{
    pthread_mutex_lock(&gate.lock);
    gate.released++;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.lock);
    free(self);
}

/* Until a read waits at it. */
static void await_waiting(void)
{
    pthread_mutex_lock(&gate.lock);
    while (gate.waiting == 0)
        pthread_cond_wait(&gate.changed, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
}

static struct worker *start(bool thread, int **answer)
{
    struct worker_job job = { .name = "gates",
                              .read = read_gate,
                              .release = release_gate,
                              .self = calloc(1, sizeof **answer) };
    struct worker *worker;
    struct error err;

    assert_non_null(job.self);
    *answer = job.self;
    gate.reads = gate.released = 0;
    assert_int_equal(worker_start(&worker, &job, thread, &err), STATUS_OK);
    return worker;
}

/* Until it has ended, for a minute at most. */
static enum status take(struct worker *worker, struct error *err)
{
    const struct timespec pause = { .tv_nsec = 1000000 };
    enum status st;

    for (int i = 0; i < 60000; i++) {
        if (worker_take(worker, &st, err))
            return st;
        (void)nanosleep(&pause, NULL);
    }
    fail_msg("the worker never answers");
    return STATUS_IO;
}

static void each_kick_gives_one_answer(bool thread)
{
    struct error err = { 0 };
    enum status st;
    int *answer;
    struct worker *worker = start(thread, &answer);

    set_gate(true);
    assert_false(worker_take(worker, &st, &err));
    for (int i = 1; i <= 4; i++) {
        assert_true(worker_kick(worker, i * SECOND));
        assert_int_equal(take(worker, &err), i == 3 ? STATUS_IO : STATUS_OK);
        assert_int_equal(*answer, i);
        if (i == 3)
            assert_string_equal(err.message, "the third read fails");
        assert_false(worker_take(worker, &st, &err));
    }
    assert_true(worker_cpu_ns(worker) > 0);
    worker_stop(worker);
    assert_int_equal(gate.released, 1);
}

static void a_thread_answers_each_kick_once(void **state)
{
    (void)state;
    each_kick_gives_one_answer(true);
}

static void without_a_thread_the_answer_is_there_at_once(void **state)
{
    (void)state;
    each_kick_gives_one_answer(false);
}

static void an_answer_not_taken_is_not_overwritten(void **state)
{
    struct error err;
    int *answer;
    struct worker *worker = start(false, &answer);

    (void)state;
    set_gate(true);
    assert_true(worker_kick(worker, 0));
    assert_false(worker_kick(worker, 0));
    assert_int_equal(*answer, 1);
    assert_int_equal(take(worker, &err), STATUS_OK);
    assert_true(worker_kick(worker, 0));
    worker_stop(worker);
}

/* The events that reporting at that time adds: "kind detail at duration;" each. */
static void what_is_there_in_time_is_waited_for(void **state)
{
    (void)state;
    struct error err;
    enum status st;
    int *answer;
    struct worker *worker;

    set_gate(false);
    worker = start(true, &answer);
    assert_true(worker_kick(worker, SECOND));
    assert_false(worker_wait(worker)); /* and returns, with the gate shut */
    assert_false(worker_take(worker, &st, &err));
    set_gate(true);
    assert_int_equal(take(worker, &err), STATUS_OK);
    assert_true(worker_kick(worker, 2 * SECOND));
    while (!worker_wait(worker)) /* on a busy machine more than once */
        ;
    assert_true(worker_take(worker, &st, &err));
    assert_int_equal(*answer, 2);
    worker_stop(worker);
    worker = start(false, &answer);
    assert_true(worker_kick(worker, SECOND));
    assert_true(worker_wait(worker));
    worker_stop(worker);
}

static void reported(struct worker *worker, int64_t now_ns, char *text, size_t size)
{
    struct tick tick;

    tick_init(&tick);
    tick.start_ns = now_ns;
    worker_report(worker, &tick);
    text[0] = '\0';
    for (size_t i = 0; i < tick.event_count; i++) {
        const struct tick_event *e = &tick.events[i];
        size_t used = strlen(text);

        (void)snprintf(text + used, size - used, "%.*s %.*s %lld %lld;", (int)e->kind.size,
                       tick_text_at(&tick, e->kind), (int)e->detail.size,
                       tick_text_at(&tick, e->detail), (long long)(e->at_ns / SECOND),
                       (long long)(e->duration_ns / SECOND));
    }
    tick_release(&tick);
}

static void one_that_hangs_is_told_with_since_when_and_when_it_is_back(void **state)
{
    struct error err;
    enum status st;
    char text[200];
    int *answer;
    struct worker *worker = start(true, &answer);

    (void)state;
    set_gate(false);
    assert_true(worker_kick(worker, 10 * SECOND));
    await_waiting();
    for (int64_t now = 10; now < 12; now++) {
        reported(worker, now * SECOND, text, sizeof text);
        assert_string_equal(text, "");
        assert_int_equal(worker_late(worker), 0);
        assert_false(worker_take(worker, &st, &err));
        assert_false(worker_kick(worker, now * SECOND));
    }
    reported(worker, 12 * SECOND, text, sizeof text);
    assert_string_equal(text, "not_answering gates: the gate 10 0;");
    assert_int_equal(worker_late(worker), 1);
    reported(worker, 13 * SECOND, text, sizeof text);
    assert_string_equal(text, "");
    set_gate(true);
    assert_int_equal(take(worker, &err), STATUS_OK);
    reported(worker, 40 * SECOND, text, sizeof text);
    assert_string_equal(text, "answering gates: the gate 40 30;");
    assert_int_equal(worker_late(worker), 0);
    worker_stop(worker);
}

static void one_that_hangs_at_the_end_is_left_to_itself(void **state)
{
    char text[200];
    int *answer;
    struct worker *worker = start(true, &answer);

    (void)state;
    set_gate(false);
    assert_true(worker_kick(worker, 0));
    await_waiting();
    reported(worker, 5 * SECOND, text, sizeof text);
    worker_stop(worker); /* does not wait for what is known to hang */
    assert_int_equal(gate.released, 0);
    set_gate(true);
    pthread_mutex_lock(&gate.lock); /* it frees what it has when it is back */
    while (gate.released == 0)
        pthread_cond_wait(&gate.changed, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
}

/* A source that can be read, and hangs when it is closed. */
static void release_at_gate(void *self)
{
    (void)!read_gate(self, &(struct error){ 0 });
    release_gate(self);
}

static void one_that_hangs_when_it_is_released_is_left_to_itself(void **state)
{
    struct worker_job job = { .name = "gates",
                              .read = read_gate,
                              .release = release_at_gate,
                              .self = calloc(1, sizeof(int)) };
    struct error err = { 0 };
    struct worker *worker;

    (void)state;
    assert_non_null(job.self);
    gate.reads = gate.released = 0;
    assert_int_equal(worker_start(&worker, &job, true, &err), STATUS_OK);
    set_gate(true);
    assert_true(worker_kick(worker, 0));
    assert_int_equal(take(worker, &err), STATUS_OK);
    set_gate(false);
    worker_stop(worker);
    await_waiting(); /* it is at it still, with what it has */
    assert_int_equal(gate.released, 0);
    set_gate(true);
    pthread_mutex_lock(&gate.lock);
    while (gate.released == 0)
        pthread_cond_wait(&gate.changed, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
}

/* Until its read has ended: nothing waits at the gate, and so many reads were done. */
static void await_reads(int reads)
{
    const struct timespec pause = { .tv_nsec = 1000000 };
    bool done = false;

    for (int i = 0; i < 60000 && !done; i++) {
        pthread_mutex_lock(&gate.lock);
        done = gate.reads == reads;
        pthread_mutex_unlock(&gate.lock);
        (void)nanosleep(&pause, NULL);
    }
    assert_true(done);
}

static void rates_are_of_answers_that_are_taken_evenly(void **state)
{
    struct error err = { 0 };
    enum status st;
    int *answer;
    struct worker *worker = start(true, &answer);

    (void)state;
    set_gate(true);
    worker_due(worker, 10 * SECOND);
    await_reads(1);
    assert_false(worker_take_later(worker, 10 * SECOND, &st, &err)); /* quick as it was */
    worker_used(worker, 10 * SECOND);
    worker_due(worker, 11 * SECOND); /* it waits for what is not taken yet */
    assert_int_equal(worker_kicked_ns(worker), 10 * SECOND);
    while (!worker_take_later(worker, 11 * SECOND, &st, &err)) {
    }
    assert_int_equal(*answer, 1);
    worker_used(worker, 11 * SECOND);
    assert_int_equal(worker_kicked_ns(worker), 11 * SECOND);
    await_reads(2);
    assert_false(worker_take_later(worker, 11 * SECOND, &st, &err));
    while (!worker_take_later(worker, 12 * SECOND, &st, &err)) {
    }
    worker_used(worker, 12 * SECOND); /* nothing was due */
    assert_int_equal(worker_kicked_ns(worker), 11 * SECOND);
    worker_stop(worker);
}

static void rates_without_a_thread_are_of_the_tick_itself(void **state)
{
    struct error err = { 0 };
    enum status st;
    int *answer;
    struct worker *worker = start(false, &answer);

    (void)state;
    set_gate(true);
    for (int i = 1; i <= 2; i++) {
        worker_due(worker, i * SECOND);
        assert_true(worker_take_later(worker, i * SECOND, &st, &err));
        worker_used(worker, i * SECOND);
        assert_int_equal(*answer, i);
    }
    worker_stop(worker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_answers_each_kick_once),
        cmocka_unit_test(without_a_thread_the_answer_is_there_at_once),
        cmocka_unit_test(an_answer_not_taken_is_not_overwritten),
        cmocka_unit_test(what_is_there_in_time_is_waited_for),
        cmocka_unit_test(one_that_hangs_is_told_with_since_when_and_when_it_is_back),
        cmocka_unit_test(one_that_hangs_at_the_end_is_left_to_itself),
        cmocka_unit_test(one_that_hangs_when_it_is_released_is_left_to_itself),
        cmocka_unit_test(rates_are_of_answers_that_are_taken_evenly),
        cmocka_unit_test(rates_without_a_thread_are_of_the_tick_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
