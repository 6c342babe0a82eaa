/* Both threads of a recording, with collectors and a store that do as the test says. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "recorder/sampler.h"
#include "tests/support_clock.h"

#define MS INT64_C(1000000)
#define SECOND (1000 * MS)

enum { KEPT_MAX = 64, QUEUE_TICKS = 3 };

/* --- a collector that fails when told to ----------------------------------------------------- */

static atomic_bool collector_fails;

static enum status open_steady(void **state, const struct collect_context *context,
                               struct capability *capability, struct error *err)
{
    (void)context, (void)err;
    *state = &collector_fails;
    *capability = (struct capability){ .status = CAPABILITY_OK };
    return STATUS_OK;
}

static enum status open_absent(void **state, const struct collect_context *context,
                               struct capability *capability, struct error *err)
{
    (void)state, (void)context, (void)err;
    *capability = (struct capability){ CAPABILITY_NOT_THERE, "no such thing", "buy one" };
    return STATUS_OK;
}

static enum status open_broken(void **state, const struct collect_context *context,
                               struct capability *capability, struct error *err)
{
    (void)state, (void)context, (void)capability;
    return error_set(err, STATUS_CORRUPT, "bad news");
}

static enum status collect_rows(enum table_id table, struct tick *tick, struct error *err)
{
    int64_t *values;
    uint8_t *missing;

    if (tick_row_values(tick, table, 0, 0, &values, &missing) == NULL)
        return error_set(err, STATUS_NO_MEMORY, "row");
    tick_sampled(tick, table);
    return STATUS_OK;
}

static enum status collect_memory(void *state, struct tick *tick, struct error *err)
{
    (void)state;
    return collect_rows(TABLE_MEMORY, tick, err);
}

static enum status collect_cpu(void *state, struct tick *tick, struct error *err)
{
    enum status st = collect_rows(TABLE_CPU, tick, err);

    (void)state;
    return atomic_load(&collector_fails) ? error_set(err, STATUS_IO, "gone") : st;
}

static void close_nothing(void *state)
{
    (void)state;
}

static const struct collector cpu = {
    .name = "cpu",
    .description = "",
    .table = TABLE_CPU,
    .divisor = 1,
    .open = open_steady,
    .collect = collect_cpu,
    .close = close_nothing,
};
static const struct collector memory = {
    .name = "memory",
    .description = "",
    .table = TABLE_MEMORY,
    .divisor = 2,
    .open = open_steady,
    .collect = collect_memory,
    .close = close_nothing,
};
static const struct collector absent = {
    .name = "absent",
    .description = "",
    .table = TABLE_MEMORY,
    .divisor = 1,
    .open = open_absent,
    .collect = collect_memory,
    .close = close_nothing,
};
static const struct collector broken = {
    .name = "broken",
    .description = "",
    .table = TABLE_MEMORY,
    .divisor = 1,
    .open = open_broken,
    .collect = collect_memory,
    .close = close_nothing,
};
static const struct collector *const list[] = { &cpu, &memory, &absent, &broken };

/* --- a store and a clock --------------------------------------------------------------------- */

struct kept {
    int64_t seq, start_ns;
    bool gap_before, cpu, memory;
    size_t event_count;
    struct {
        char kind[16];
        int64_t at_ns, duration_ns, value;
    } event[4];
};

struct bench {
    struct fake_clock fake;
    struct clock clock;
    struct collect collect;
    struct collect_context context;
    struct sampler_options options;
    struct sampler *sampler;
    struct sampler_totals totals;
    struct error err;
    pthread_mutex_t lock; /* of what follows */
    enum status answer;   /* of the store */
    int attempts;
    struct kept kept[KEPT_MAX];
    size_t kept_count;
    int notices[2];
    size_t slept;
    int64_t sleeps_left; /* the clock's sleep fails after as many */
    void (*on_sleep)(struct bench *b);
};

static void keep_event(struct kept *kept, const struct tick *tick, size_t i)
{
    const struct tick_event *event = &tick->events[i];

    (void)snprintf(kept->event[i].kind, sizeof kept->event[i].kind, "%.*s", (int)event->kind.size,
                   tick_text_at(tick, event->kind));
    kept->event[i].at_ns = event->at_ns;
    kept->event[i].duration_ns = event->duration_ns;
    kept->event[i].value = event->value;
}

static enum status store(void *self, const struct tick *tick, struct error *err)
{
    struct bench *b = self;
    struct kept *kept;
    enum status answer;

    pthread_mutex_lock(&b->lock);
    answer = b->answer;
    b->attempts++;
    if (answer == STATUS_OK && b->kept_count < KEPT_MAX) {
        kept = &b->kept[b->kept_count++];
        *kept = (struct kept){ .seq = tick->seq,
                               .start_ns = tick->start_ns,
                               .gap_before = tick->gap_before,
                               .cpu = tick->table[TABLE_CPU].sampled,
                               .memory = tick->table[TABLE_MEMORY].sampled,
                               .event_count = tick->event_count };
        for (size_t i = 0; i < tick->event_count && i < 4; i++)
            keep_event(kept, tick, i);
    }
    pthread_mutex_unlock(&b->lock);
    return answer == STATUS_OK ? STATUS_OK : error_set(err, answer, "no room on the disk");
}

static void notify(void *self, enum sampler_notice notice)
{
    struct bench *b = self;

    pthread_mutex_lock(&b->lock);
    b->notices[notice]++;
    pthread_mutex_unlock(&b->lock);
}

static void wake(void *self)
{
    (void)self;
}

static bool (*plain_sleep)(void *self, int64_t deadline_ns);

/* As many sleeps as the test has set, each telling it; then the sleep is interrupted for good. */
static bool counted_sleep(void *self, int64_t deadline_ns)
{
    struct bench *b = (struct bench *)((char *)self - offsetof(struct bench, fake));

    if (b->sleeps_left == 0) {
        usleep(1000);
        return false;
    }
    b->sleeps_left--;
    if (b->on_sleep != NULL)
        b->on_sleep(b);
    return plain_sleep(self, deadline_ns);
}

static void prepare(struct bench *b, int64_t sleeps)
{
    memset(b, 0, sizeof *b);
    b->fake = (struct fake_clock){ .boot_ns = 100 * SECOND,
                                   .awake_ns = 100 * SECOND,
                                   .wall_ns = 5000 * SECOND };
    b->clock = fake_clock_interface(&b->fake);
    plain_sleep = b->clock.sleep_until;
    b->clock.sleep_until = counted_sleep;
    b->sleeps_left = sleeps;
    pthread_mutex_init(&b->lock, NULL);
    b->context = (struct collect_context){ .clock = &b->clock,
                                           .timebase = { 100 * SECOND, 5000 * SECOND },
                                           .root = "",
                                           .interval_ns = SECOND };
    assert_int_equal(collect_open(&b->collect, list, COUNT_OF(list), &b->context, NULL, &b->err),
                     STATUS_OK);
    b->options = (struct sampler_options){
        .clock = &b->clock,
        .timebase = b->context.timebase,
        .interval_ns = SECOND,
        .last_apart_ns = 100 * MS,
        .queue_ticks = QUEUE_TICKS,
        .retry_ns = 50 * MS,
        .message_ns = 60 * SECOND,
        .collect = &b->collect,
        .store = store,
        .store_self = b,
        .notify = notify,
        .wake = wake,
        .notify_self = b,
    };
}

static void wait_for(struct bench *b, size_t ticks)
{
    for (int i = 0; i < 5000; i++) {
        size_t have;

        pthread_mutex_lock(&b->lock);
        have = b->kept_count;
        pthread_mutex_unlock(&b->lock);
        if (have >= ticks)
            return;
        usleep(1000);
    }
    fail_msg("%zu ticks did not come", ticks);
}

static enum status stop(struct bench *b)
{
    enum status st = sampler_stop(b->sampler, &b->totals, &b->err);

    collect_close(&b->collect);
    pthread_mutex_destroy(&b->lock);
    return st;
}

static void begin(struct bench *b)
{
    if (sampler_start(&b->sampler, &b->options, &b->err) != STATUS_OK)
        fail_msg("%s", b->err.message);
}

/* Lets the writer thread catch up before each deadline. */
static void let_it_write(struct bench *b)
{
    wait_for(b, ++b->slept);
}

static void ticks_are_numbered_and_on_the_timeline(void **state)
{
    (void)state;
    struct bench b;

    prepare(&b, 5);
    b.on_sleep = let_it_write;
    begin(&b);
    wait_for(&b, 6);
    assert_int_equal(stop(&b), STATUS_OK);
    assert_int_equal(b.totals.ticks, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(b.kept[i].seq, i);
        assert_int_equal(b.kept[i].start_ns, (5000 + (int64_t)i) * SECOND);
        assert_true(b.kept[i].cpu);
        assert_int_equal(b.kept[i].memory, i % 2 == 0); /* its divisor is 2 */
        assert_int_equal(b.kept[i].event_count, 0);
    }
    assert_int_equal(b.notices[SAMPLER_ENDED], 1);
}

static void the_duration_ends_it_with_a_last_tick(void **state)
{
    (void)state;
    struct bench b;

    prepare(&b, INT64_MAX);
    b.on_sleep = let_it_write;
    b.options.duration_ns = 2500 * MS;
    begin(&b);
    wait_for(&b, 4);
    assert_int_equal(stop(&b), STATUS_OK);
    assert_int_equal(b.totals.ticks, 4);
    assert_int_equal(b.kept[3].start_ns, 5002 * SECOND + 500 * MS);
}

static void suspend_after_three_ticks(struct bench *b)
{
    let_it_write(b);
    if (b->fake.boot_ns == 102 * SECOND)
        fake_clock_suspend(&b->fake, 600 * SECOND);
}

static void a_suspend_is_an_event_and_a_gap(void **state)
{
    (void)state;
    struct bench b;

    prepare(&b, 4);
    b.options.queue_ticks = 16;
    b.on_sleep = suspend_after_three_ticks;
    begin(&b);
    wait_for(&b, 4);
    assert_int_equal(stop(&b), STATUS_OK);
    assert_true(b.kept[3].gap_before);
    assert_int_equal(b.kept[3].event_count, 1);
    assert_string_equal(b.kept[3].event[0].kind, "suspend");
    assert_int_equal(b.kept[3].event[0].duration_ns, 600 * SECOND);
    assert_false(b.kept[2].gap_before);
}

static void step_and_be_late(struct bench *b)
{
    let_it_write(b);
    if (b->fake.boot_ns == 102 * SECOND) {
        b->fake.wall_ns += 7 * SECOND;
        fake_clock_pass(&b->fake, 4 * SECOND);
    }
}

static void lateness_and_clock_steps_are_events(void **state)
{
    (void)state;
    struct bench b;

    prepare(&b, 3);
    b.options.queue_ticks = 16;
    b.on_sleep = step_and_be_late;
    begin(&b);
    wait_for(&b, 4);
    assert_int_equal(stop(&b), STATUS_OK);
    assert_int_equal(b.totals.missed, 3);
    assert_int_equal(b.kept[3].event_count, 2);
    assert_string_equal(b.kept[3].event[0].kind, "late");
    assert_int_equal(b.kept[3].event[0].value, 3);
    assert_int_equal(b.kept[3].event[0].at_ns, 5003 * SECOND);
    assert_int_equal(b.kept[3].event[0].duration_ns, 3 * SECOND);
    assert_string_equal(b.kept[3].event[1].kind, "clock_step");
    assert_int_equal(b.kept[3].event[1].value, 7 * SECOND);
    assert_false(b.kept[3].gap_before);
}

static void wait_for_message(struct bench *b, char *text, size_t size)
{
    text[0] = '\0';
    for (int i = 0; i < 5000 && !sampler_message(b->sampler, text, size); i++)
        usleep(1000);
}

/* The writer thread has felt it at least once. */
static void wait_for_attempt(struct bench *b)
{
    bool attempted = false;

    for (int i = 0; i < 5000 && !attempted; i++) {
        pthread_mutex_lock(&b->lock);
        attempted = b->attempts > 0;
        pthread_mutex_unlock(&b->lock);
        usleep(1000);
    }
}

static void heal_at_110(struct bench *b)
{
    bool heal = b->fake.boot_ns == 110 * SECOND;

    wait_for_attempt(b); /* so the writer, and not the queue, has the first tick */
    if (heal) {
        pthread_mutex_lock(&b->lock);
        b->answer = STATUS_OK;
        pthread_mutex_unlock(&b->lock);
        wait_for(b, QUEUE_TICKS);
    }
}

/* The one event of that kind; -1: none. */
static int64_t find_dropped(const struct bench *b, int64_t *from_ns, int64_t *duration_ns)
{
    int64_t value = -1;

    for (size_t i = 0; i < b->kept_count; i++)
        for (size_t e = 0; e < b->kept[i].event_count; e++) {
            if (strcmp(b->kept[i].event[e].kind, "dropped") != 0)
                continue;
            assert_int_equal(value, -1);
            value = b->kept[i].event[e].value;
            *from_ns = b->kept[i].event[e].at_ns;
            *duration_ns = b->kept[i].event[e].duration_ns;
        }
    return value;
}

static void a_full_disk_thins_ticks_and_one_event_tells_it(void **state)
{
    (void)state;
    struct bench b;
    char text[512];
    int64_t from_ns = 0, duration_ns = 0;

    prepare(&b, 12);
    b.answer = STATUS_FULL;
    b.on_sleep = heal_at_110;
    begin(&b);
    wait_for(&b, QUEUE_TICKS + 2);
    wait_for_message(&b, text, sizeof text); /* told after the tick is kept */
    assert_string_equal(text, "writing works again");
    assert_int_equal(stop(&b), STATUS_OK);
    assert_int_equal(b.totals.lost, 0);
    assert_int_equal(b.totals.dropped, 8); /* of 101 to 109: the writer has that of 100 */
    for (size_t i = 1; i < b.kept_count; i++)
        assert_true(b.kept[i].seq > b.kept[i - 1].seq);
    assert_int_equal(b.kept[0].start_ns, 5000 * SECOND);
    assert_int_equal(b.kept[b.kept_count - 1].start_ns, 5012 * SECOND);
    assert_int_equal(find_dropped(&b, &from_ns, &duration_ns), 8);
    assert_int_equal(from_ns, 5001 * SECOND);
    assert_in_range(duration_ns, 8 * SECOND, 9 * SECOND);
}

static void a_disk_that_stays_full_is_given_up_at_the_end(void **state)
{
    (void)state;
    struct bench b;
    char text[512];

    prepare(&b, 5);
    b.answer = STATUS_IO;
    begin(&b);
    wait_for_message(&b, text, sizeof text);
    for (int i = 0; i < 5000 && b.fake.boot_ns < 105 * SECOND; i++)
        usleep(1000); /* until the queue is full */
    assert_string_equal(text, "cannot write, will go on trying: no room on the disk");
    assert_int_equal(stop(&b), STATUS_OK);
    assert_int_equal(b.totals.lost, QUEUE_TICKS);
    assert_int_equal(b.kept_count, 0);
}

static void what_can_never_work_ends_the_recording(void **state)
{
    (void)state;
    struct bench b;
    bool ended = false;

    prepare(&b, INT64_MAX);
    b.answer = STATUS_INVALID;
    begin(&b);
    for (int i = 0; i < 5000 && !ended; i++) {
        pthread_mutex_lock(&b.lock);
        ended = b.notices[SAMPLER_ENDED] > 0;
        pthread_mutex_unlock(&b.lock);
        usleep(1000);
    }
    assert_true(ended);
    assert_int_equal(stop(&b), STATUS_INVALID);
    assert_string_equal(b.err.message, "no room on the disk");
    assert_true(b.totals.lost > 0);
}

static void a_failing_collector_costs_only_its_own_rows(void **state)
{
    (void)state;
    struct bench b;

    prepare(&b, 0);
    assert_int_equal(b.collect.count, 4);
    assert_int_equal(b.collect.stats.collector_count, 2);
    assert_int_equal(b.collect.entries[2].capability.status, CAPABILITY_NOT_THERE);
    assert_int_equal(b.collect.entries[3].capability.status, CAPABILITY_FAILED);
    assert_string_equal(b.collect.entries[3].capability.reason, "bad news");
    atomic_store(&collector_fails, true);
    begin(&b);
    wait_for(&b, 1);
    assert_int_equal(b.collect.stats.collector[0].failures, 1);
    assert_int_equal(b.collect.stats.collector[1].failures, 0);
    assert_int_equal(stop(&b), STATUS_OK);
    atomic_store(&collector_fails, false);
    assert_false(b.kept[0].cpu);
    assert_true(b.kept[0].memory);
}

/* After three ticks its sleep does not end by itself any more. */
static void a_tick_that_does_not_come_is_seen(void **state)
{
    (void)state;
    struct bench b;

    prepare(&b, 2);
    b.on_sleep = let_it_write;
    begin(&b);
    wait_for(&b, 3);
    assert_true(sampler_on_time(b.sampler, 0));
    fake_clock_pass(&b.fake, 5 * SECOND); /* the fourth was due after one */
    assert_false(sampler_on_time(b.sampler, 3900 * MS));
    assert_true(sampler_on_time(b.sampler, 4 * SECOND));
    assert_int_equal(stop(&b), STATUS_OK);
}

static atomic_int attended;

static void attend(void *self)
{
    (void)self;
    atomic_fetch_add(&attended, 1);
}

static void add_mark(void *self, struct tick *tick)
{
    struct tick_event *event = tick_add_event(tick);

    (void)self;
    assert_non_null(event);
    event->at_ns = tick->start_ns;
    event->kind = tick_add_text(tick, "mark", 4);
}

static void what_others_ask_for_is_done_between_ticks(void **state)
{
    (void)state;
    struct sampler_state told;
    struct bench b;

    atomic_store(&attended, 0);
    prepare(&b, 2);
    b.options.attend = attend;
    b.options.add_events = add_mark;
    b.on_sleep = let_it_write;
    begin(&b);
    wait_for(&b, 3);
    sampler_poke(b.sampler);
    for (int i = 0; i < 5000 && atomic_load(&attended) == 0; i++)
        usleep(1000);
    assert_int_equal(atomic_load(&attended), 1);
    sampler_state(b.sampler, &told);
    assert_int_equal(told.totals.ticks, 3);
    assert_int_equal(told.tick_ns, 5002 * SECOND);
    assert_int_equal(told.queued, 0);
    assert_int_equal(told.trouble_since_ns, INT64_MIN);
    assert_int_equal(stop(&b), STATUS_OK);
    assert_int_equal(b.kept[2].event_count, 1);
    assert_string_equal(b.kept[2].event[0].kind, "mark");
}

static void that_nothing_can_be_written_is_told_as_long_as_it_lasts(void **state)
{
    (void)state;
    struct sampler_state told = { .trouble = "" };
    struct bench b;

    prepare(&b, 12);
    b.answer = STATUS_FULL;
    begin(&b);
    for (int i = 0; i < 5000 && told.trouble[0] == '\0'; i++) {
        usleep(1000);
        sampler_state(b.sampler, &told);
    }
    assert_string_equal(told.trouble, "no room on the disk");
    assert_true(told.trouble_since_ns >= 100 * SECOND);
    pthread_mutex_lock(&b.lock);
    b.answer = STATUS_OK;
    pthread_mutex_unlock(&b.lock);
    for (int i = 0; i < 5000 && told.trouble[0] != '\0'; i++) {
        usleep(1000);
        sampler_state(b.sampler, &told);
    }
    assert_int_equal(told.trouble_since_ns, INT64_MIN);
    assert_int_equal(stop(&b), STATUS_OK);
}

static void names_of_collectors_are_checked(void **state)
{
    (void)state;
    struct collect collect;
    struct collect_context context = { .root = "" };
    struct error err;

    assert_int_equal(collect_open(&collect, list, COUNT_OF(list), &context, "memory,", &err),
                     STATUS_OK);
    assert_int_equal(collect.stats.collector_count, 1);
    assert_int_equal(collect.entries[0].capability.status, CAPABILITY_OFF);
    assert_null(collect_state(&collect, &cpu));
    assert_non_null(collect_state(&collect, &memory));
    collect_close(&collect);
    assert_int_equal(collect_open(&collect, list, COUNT_OF(list), &context, "cpu,gpu", &err),
                     STATUS_INVALID);
    assert_string_equal(err.message,
                        "--collectors: \"gpu\" is not known; accepted are cpu, memory, "
                        "absent, broken");
    assert_int_equal(collect_open(&collect, list, COUNT_OF(list), &context, ",", &err),
                     STATUS_INVALID);
    assert_int_equal(collect_open(&collect, list, COUNT_OF(list), &context, "cp", &err),
                     STATUS_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_are_numbered_and_on_the_timeline),
        cmocka_unit_test(the_duration_ends_it_with_a_last_tick),
        cmocka_unit_test(what_others_ask_for_is_done_between_ticks),
        cmocka_unit_test(that_nothing_can_be_written_is_told_as_long_as_it_lasts),
        cmocka_unit_test(a_suspend_is_an_event_and_a_gap),
        cmocka_unit_test(lateness_and_clock_steps_are_events),
        cmocka_unit_test(a_full_disk_thins_ticks_and_one_event_tells_it),
        cmocka_unit_test(a_disk_that_stays_full_is_given_up_at_the_end),
        cmocka_unit_test(what_can_never_work_ends_the_recording),
        cmocka_unit_test(a_failing_collector_costs_only_its_own_rows),
        cmocka_unit_test(a_tick_that_does_not_come_is_seen),
        cmocka_unit_test(names_of_collectors_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
