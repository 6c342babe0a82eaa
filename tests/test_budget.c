/* What recording may cost, decided from made figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recorder/budget.h"
#include "schema/error.h"

enum { PROCESS, GPU, DISK, COUNT };

static const int64_t window_ns = BUDGET_WINDOW_NS;

/* A recorder whose collectors cost that many ppm of a core at level 0. */
struct load {
    struct budget budget;
    struct recorder_stats stats;
    struct tick tick;
    int64_t now_ns, cpu_ns;
    int64_t full_ppm[COUNT];
    char log[300];     /* the latest line for it */
    char events[4096]; /* "kind detail\n" of all so far */
};

static void begin(struct load *load, int64_t limit_ppm)
{
    static const char *const names[COUNT] = { "process", "gpu", "disk" };

    memset(load, 0, sizeof *load);
    tick_init(&load->tick);
    load->budget.limit_ppm = limit_ppm;
    load->budget.count = load->stats.collector_count = COUNT;
    for (size_t i = 0; i < COUNT; i++)
        load->budget.item[i] = (struct budget_item){ .name = names[i], .optional = i != PROCESS };
    load->now_ns = window_ns;
}

static void note_events(struct load *load)
{
    for (size_t i = 0; i < load->tick.event_count; i++) {
        const struct tick_event *event = &load->tick.events[i];
        size_t used = strlen(load->events);

        assert_true(budget_text(&load->tick, event, load->log, sizeof load->log));
        (void)snprintf(load->events + used, sizeof load->events - used, "%.*s %.*s\n",
                       (int)event->kind.size, tick_text_at(&load->tick, event->kind),
                       (int)event->detail.size, tick_text_at(&load->tick, event->detail));
    }
    tick_reset(&load->tick);
}

/* Let windows pass; the recorder costs what its collectors cost. */
static void pass(struct load *load, int windows)
{
    for (int w = 0; w < windows; w++) {
        budget_look(&load->budget, &load->stats, load->now_ns, load->cpu_ns, &load->tick);
        note_events(load);
        for (size_t i = 0; i < COUNT; i++) {
            int64_t factor = budget_factor(load->budget.item[i].level);
            int64_t cost_ns = factor == 0 ? 0 : load->full_ppm[i] * (window_ns / 1000000) / factor;

            load->stats.collector[i].cpu_ns += cost_ns;
            load->cpu_ns += cost_ns;
        }
        load->now_ns += window_ns;
    }
}

static size_t count(const struct load *load, const char *word)
{
    size_t found = 0;

    for (const char *at = load->events; (at = strstr(at, word)) != NULL; at++)
        found++;
    return found;
}

static void nothing_is_done_within_the_budget(void **state)
{
    struct load load;

    (void)state;
    begin(&load, 10000);
    load.full_ppm[PROCESS] = 5000;
    load.full_ppm[GPU] = 4900;
    pass(&load, 100);
    assert_string_equal(load.events, "");
    tick_release(&load.tick);
}

static void the_dearest_optional_one_is_slowed_then_left_out(void **state)
{
    struct load load;

    (void)state;
    begin(&load, 10000);
    load.full_ppm[PROCESS] = 9000;
    load.full_ppm[GPU] = 64000;
    load.full_ppm[DISK] = 600;
    pass(&load, 2);
    assert_int_equal(load.budget.item[GPU].level, 1);
    assert_string_equal(load.events,
                        "shed gpu: 4 times as seldom; recording took 7.36 % of a core, "
                        "--budget 1.00 %\n");
    assert_string_equal(load.log,
                        "for its cost, gpu: 4 times as seldom; recording took 7.36 % of a "
                        "core, --budget 1.00 %");
    pass(&load, 2);
    assert_int_equal(load.budget.item[GPU].level, 3);
    assert_int_equal(load.budget.item[DISK].level, 0);
    assert_int_equal(count(&load, "gpu: left out"), 1);
    tick_release(&load.tick);
}

static void it_returns_when_there_is_room(void **state)
{
    struct load load;

    (void)state;
    begin(&load, 10000);
    load.full_ppm[PROCESS] = 12000;
    load.full_ppm[GPU] = 3000;
    pass(&load, 10);
    assert_int_equal(load.budget.item[GPU].level, 3);
    load.full_ppm[PROCESS] = 2000;
    pass(&load, 40);
    assert_int_equal(load.budget.item[GPU].level, 0);
    assert_int_equal(count(&load, "restored gpu: as often as by default"), 1);
    tick_release(&load.tick);
}

static void what_does_not_fit_does_not_flap(void **state)
{
    struct load load;

    (void)state;
    begin(&load, 10000);
    load.full_ppm[PROCESS] = 3000;
    load.full_ppm[GPU] = 8000; /* 4 times as seldom fits, in full it does not */
    pass(&load, 1000);
    assert_int_equal(load.budget.item[GPU].level, 1);
    assert_int_equal(count(&load, "\n"), 1);
    tick_release(&load.tick);
}

static void one_that_is_dear_again_waits_longer_each_time(void **state)
{
    struct load load;

    (void)state;
    begin(&load, 10000);
    load.full_ppm[PROCESS] = 3000;
    for (int i = 0; i < 1000; i++) { /* dear whenever it runs in full, cheap when it does not */
        load.full_ppm[GPU] = load.budget.item[GPU].level == 0 ? 9000 : 900;
        pass(&load, 1);
        if (load.budget.item[GPU].level > 0)
            load.budget.item[GPU].full_cost_ppm = 900;
    }
    assert_in_range(count(&load, "restored"), 5, 20);
    tick_release(&load.tick);
}

static void what_cannot_be_left_out_is_told_once(void **state)
{
    struct load load;

    (void)state;
    begin(&load, 10000);
    load.full_ppm[PROCESS] = 50000;
    pass(&load, 100);
    assert_int_equal(count(&load, "over_budget"), 1);
    assert_int_equal(count(&load, "shed"), 0);
    tick_release(&load.tick);
}

static void without_a_budget_nothing_is_done(void **state)
{
    struct load load;

    (void)state;
    begin(&load, 0);
    load.full_ppm[GPU] = 900000;
    pass(&load, 10);
    assert_string_equal(load.events, "");
    tick_release(&load.tick);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_done_within_the_budget),
        cmocka_unit_test(the_dearest_optional_one_is_slowed_then_left_out),
        cmocka_unit_test(it_returns_when_there_is_room),
        cmocka_unit_test(what_does_not_fit_does_not_flap),
        cmocka_unit_test(one_that_is_dear_again_waits_longer_each_time),
        cmocka_unit_test(what_cannot_be_left_out_is_told_once),
        cmocka_unit_test(without_a_budget_nothing_is_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
