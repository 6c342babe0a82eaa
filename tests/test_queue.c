/* The queue between the two threads; worth running with -fsanitize=thread. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "recorder/queue.h"

enum { SIZE = 4, MANY = 20000 };

static void open_queue(struct queue *queue)
{
    struct error err;

    assert_int_equal(queue_init(queue, SIZE, &err), STATUS_OK);
}

static void fill(struct tick *tick, int64_t seq)
{
    tick->seq = seq;
    assert_non_null(tick_add_event(tick));
}

static void ticks_come_out_in_order(void **state)
{
    (void)state;
    struct queue queue;

    open_queue(&queue);
    for (int64_t round = 0; round < 5; round++) {
        for (int64_t i = 0; i < SIZE; i++) {
            struct tick *tick = queue_spare(&queue);

            assert_non_null(tick);
            assert_int_equal(tick->event_count, 0);
            fill(tick, i);
            queue_put(&queue, tick);
        }
        for (int64_t i = 0; i < SIZE; i++) {
            struct tick *tick = queue_take(&queue);

            assert_int_equal(tick->seq, i);
            queue_give_back(&queue, tick);
        }
    }
    queue_release(&queue);
}

static void a_closed_queue_is_emptied_first(void **state)
{
    (void)state;
    struct queue queue;
    struct tick *tick;

    open_queue(&queue);
    queue_put(&queue, queue_spare(&queue));
    queue_close(&queue);
    tick = queue_take(&queue);
    assert_non_null(tick);
    queue_give_back(&queue, tick);
    assert_null(queue_take(&queue));
    assert_true(queue_pause(&queue, INT64_C(3600) * 1000000000));
    queue_release(&queue);
}

static void one_tick_in_flight_uses_one_buffer(void **state)
{
    (void)state;
    struct queue queue;
    const struct tick *first;

    open_queue(&queue);
    first = queue_spare(&queue);
    queue_give_back(&queue, (struct tick *)(uintptr_t)first);
    for (int i = 0; i < 10; i++) {
        struct tick *tick = queue_spare(&queue);

        assert_ptr_equal(tick, first);
        if (i > 0)
            assert_non_null(tick->events); /* kept from the round before */
        fill(tick, i);
        queue_put(&queue, tick);
        queue_give_back(&queue, queue_take(&queue));
    }
    queue_release(&queue);
}

static void a_backlog_gives_its_memory_back(void **state)
{
    (void)state;
    struct queue queue;
    size_t warm = 0;

    open_queue(&queue);
    for (int i = 0; i < SIZE; i++) {
        struct tick *tick = queue_spare(&queue);

        fill(tick, i);
        queue_put(&queue, tick);
    }
    for (int i = 0; i < SIZE; i++)
        queue_give_back(&queue, queue_take(&queue));
    for (int i = 0; i < SIZE; i++)
        warm += queue.ticks[i].events != NULL;
    assert_int_equal(warm, QUEUE_WARM);
    assert_non_null(queue_spare(&queue)->events);
    assert_non_null(queue_spare(&queue)->events);
    assert_null(queue_spare(&queue)->events);
    queue_release(&queue);
}

struct tally {
    struct queue queue;
    int64_t taken, events, last_seq;
    bool ordered;
};

static void *consume(void *self)
{
    struct tally *tally = self;
    struct tick *tick;

    tally->ordered = true;
    tally->last_seq = -1;
    while ((tick = queue_take(&tally->queue)) != NULL) {
        tally->ordered = tally->ordered && tick->seq > tally->last_seq;
        tally->events += (int64_t)tick->event_count;
        tally->last_seq = tick->seq;
        tally->taken++;
        queue_give_back(&tally->queue, tick);
    }
    return NULL;
}

static void two_threads_lose_nothing_that_was_put(void **state)
{
    (void)state;
    struct tally tally = { 0 };
    pthread_t thread;

    open_queue(&tally.queue);
    assert_int_equal(pthread_create(&thread, NULL, consume, &tally), 0);
    for (int64_t i = 0; i < MANY; i++) {
        struct tick *tick = queue_spare(&tally.queue);

        assert_non_null(tick);
        fill(tick, i);
        queue_put(&tally.queue, tick);
    }
    queue_close(&tally.queue);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(tally.taken + tally.queue.loss.ticks, MANY);
    assert_int_equal(tally.events, MANY);
    assert_int_equal(tally.last_seq, MANY - 1);
    assert_true(tally.ordered);
    queue_release(&tally.queue);
    queue_release(&tally.queue); /* accepts a zeroed one */
}

static void a_full_queue_thins_itself_evenly(void **state)
{
    (void)state;
    enum { PUT = 1000, WAIT = 16 };
    struct queue queue;
    struct error err;
    int64_t events = 0, before = -1, least = PUT, most = 0;

    assert_int_equal(queue_init(&queue, WAIT, &err), STATUS_OK);
    for (int64_t i = 0; i < PUT; i++) {
        struct tick *tick = queue_spare(&queue);

        tick->start_ns = i;
        fill(tick, i);
        queue_put(&queue, tick);
    }
    assert_int_equal(queue_waiting(&queue), WAIT);
    assert_int_equal(queue.loss.ticks, PUT - WAIT);
    assert_int_equal(queue.loss.from_ns, 0);
    for (size_t i = 0; i < WAIT; i++) {
        struct tick *tick = queue_take(&queue);
        int64_t apart = tick->seq - before;

        before = tick->seq;
        events += (int64_t)tick->event_count;
        if (i < WAIT - 2) { /* the latest are few yet */
            least = apart < least ? apart : least;
            most = apart > most ? apart : most;
        }
        queue_give_back(&queue, tick);
    }
    assert_int_equal(before, PUT - 1);
    assert_int_equal(events, PUT);
    assert_true(least >= PUT / WAIT / 2 && most <= 4 * least);
    queue_release(&queue);
}

/* As many processes as a large host has, each with new values and three in a thousand in and out. */
static void fill_large(struct tick *tick, uint32_t processes)
{
    tick_sampled(tick, TABLE_PROCESS);
    for (uint32_t slot = 0; slot < processes + processes / 300; slot++) {
        int64_t *values;
        uint8_t *missing;
        uint8_t flags = slot < processes ? 0 : ROW_FIRST | ROW_LAST;

        assert_non_null(tick_row_values(tick, TABLE_PROCESS, slot, flags, &values, &missing));
        if (flags != 0) {
            struct tick_birth *birth = tick_add_birth(tick);

            assert_non_null(birth);
            birth->slot = slot;
        }
    }
}

static void a_backlog_of_a_large_host_is_bounded_in_bytes(void **state)
{
    (void)state;
    enum { PROCESSES = 20000, PUT = 100, WAIT = QUEUE_TICKS_DEFAULT };
    struct queue queue;
    struct error err;
    size_t most = 0;

    assert_int_equal(queue_init(&queue, WAIT, &err), STATUS_OK);
    for (int64_t i = 0; i < PUT; i++) {
        struct tick *tick = queue_spare(&queue);
        size_t bytes = 0;

        assert_non_null(tick);
        tick->start_ns = i;
        fill_large(tick, PROCESSES);
        queue_put(&queue, tick);
        for (size_t t = 0; t < WAIT; t++)
            bytes += tick_bytes(&queue.ticks[t]);
        most = bytes > most ? bytes : most;
    }
    print_message("%zu ticks wait, at most %zu bytes\n", queue_waiting(&queue), most);
    assert_true(most < 64 << 20);
    assert_true(queue_waiting(&queue) >= 2);
    queue_release(&queue);
}

static void a_poke_is_heard_once_and_after_all_that_waits(void **state)
{
    (void)state;
    struct queue queue;
    struct tick *tick;

    open_queue(&queue);
    assert_false(queue_poked(&queue));
    tick = queue_spare(&queue);
    queue_poke(&queue);
    queue_put(&queue, tick);
    assert_int_equal(queue_waiting(&queue), 1);
    assert_ptr_equal(queue_take(&queue), tick);
    queue_give_back(&queue, tick);
    assert_null(queue_take(&queue)); /* without waiting */
    assert_true(queue_poked(&queue));
    assert_false(queue_poked(&queue));
    queue_close(&queue);
    queue_poke(&queue);
    assert_null(queue_take(&queue));
    assert_true(queue_poked(&queue));
    assert_null(queue_take(&queue));
    assert_false(queue_poked(&queue));
    queue_release(&queue);
}

static void it_is_for_sixteen_seconds_or_as_many_ticks(void **state)
{
    (void)state;
    assert_int_equal(queue_ticks_for(INT64_C(3600) * 1000000000), 16);
    assert_int_equal(queue_ticks_for(1000000000), 16);
    assert_int_equal(queue_ticks_for(100000000), 160);
    assert_int_equal(queue_ticks_for(10000000), QUEUE_TICKS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_for_sixteen_seconds_or_as_many_ticks),
        cmocka_unit_test(ticks_come_out_in_order),
        cmocka_unit_test(a_poke_is_heard_once_and_after_all_that_waits),
        cmocka_unit_test(a_closed_queue_is_emptied_first),
        cmocka_unit_test(one_tick_in_flight_uses_one_buffer),
        cmocka_unit_test(a_backlog_gives_its_memory_back),
        cmocka_unit_test(a_full_queue_thins_itself_evenly),
        cmocka_unit_test(a_backlog_of_a_large_host_is_bounded_in_bytes),
        cmocka_unit_test(two_threads_lose_nothing_that_was_put),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
