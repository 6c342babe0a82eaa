/* Which collectors run at a tick, and what is left of one that fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "recorder/collect.h"
#include "tests/support_clock.h"

#define SECOND INT64_C(1000000000)

static struct counts {
    int begun, collected;
    bool fails;
} plain, seldom, threaded;

static enum status open_plain(void **state, const struct collect_context *context,
                              struct capability *capability, struct error *err)
{
    (void)context, (void)err;
    *state = &plain;
    *capability = (struct capability){ .status = CAPABILITY_OK };
    return STATUS_OK;
}

static enum status open_seldom(void **state, const struct collect_context *context,
                               struct capability *capability, struct error *err)
{
    enum status st = open_plain(state, context, capability, err);

    *state = &seldom;
    return st;
}

static enum status open_threaded(void **state, const struct collect_context *context,
                                 struct capability *capability, struct error *err)
{
    enum status st = open_plain(state, context, capability, err);

    *state = &threaded;
    return st;
}

static void begin(void *state, const struct tick *tick)
{
    struct counts *counts = state;

    (void)tick;
    counts->begun++;
}

static enum status collect_both(void *state, struct tick *tick, struct error *err)
{
    struct counts *counts = state;
    int64_t *values;
    uint8_t *missing;

    counts->collected++;
    assert_non_null(tick_row_values(tick, TABLE_GPU, 0, ROW_FIRST, &values, &missing));
    assert_non_null(tick_row_values(tick, TABLE_GPU_PROCESS, 0, ROW_FIRST, &values, &missing));
    tick_sampled(tick, TABLE_GPU);
    tick_sampled(tick, TABLE_GPU_PROCESS);
    return counts->fails ? error_set(err, STATUS_IO, "gone") : STATUS_OK;
}

static enum status collect_nothing(void *state, struct tick *tick, struct error *err)
{
    struct counts *counts = state;

    (void)tick, (void)err;
    counts->collected++;
    return STATUS_OK;
}

static void close_nothing(void *state)
{
    (void)state;
}

static int64_t thread_cpu(const void *state)
{
    (void)state;
    return 5 * SECOND;
}

static const struct collector plain_collector = {
    .name = "plain",
    .table = TABLE_GPU,
    .second_table = TABLE_GPU_PROCESS,
    .divisor = 1,
    .open = open_plain,
    .collect = collect_both,
    .close = close_nothing,
};
static const struct collector seldom_collector = {
    .name = "seldom",
    .table = TABLE_DISK,
    .divisor = 2,
    .period_ns = 3 * SECOND,
    .optional = true,
    .open = open_seldom,
    .collect = collect_nothing,
    .close = close_nothing,
};
static const struct collector threaded_collector = {
    .name = "threaded",
    .table = TABLE_NETWORK,
    .divisor = 5,
    .open = open_threaded,
    .begin = begin,
    .collect = collect_nothing,
    .close = close_nothing,
    .other_cpu_ns = thread_cpu,
};
static const struct collector *const list[] = { &plain_collector, &seldom_collector,
                                                &threaded_collector };

struct rig {
    struct fake_clock fake;
    struct clock clock;
    struct collect_context context;
    struct collect collect;
    struct tick tick;
};

static void rig_begin(struct rig *rig, int64_t interval_ns)
{
    struct error err;

    plain = seldom = threaded = (struct counts){ 0 };
    rig->fake = (struct fake_clock){ .boot_ns = SECOND };
    rig->clock = fake_clock_interface(&rig->fake);
    rig->context = (struct collect_context){ .clock = &rig->clock, .interval_ns = interval_ns };
    assert_int_equal(collect_open(&rig->collect, list, COUNT_OF(list), &rig->context, NULL, &err),
                     STATUS_OK);
    tick_init(&rig->tick);
}

static void rig_end(struct rig *rig)
{
    collect_close(&rig->collect);
    tick_release(&rig->tick);
}

static void pass(struct rig *rig, int ticks)
{
    for (int i = 0; i < ticks; i++) {
        int64_t seq = rig->tick.seq;

        tick_reset(&rig->tick);
        (void)collect_tick(&rig->collect, &rig->tick);
        rig->tick.seq = seq + 1;
    }
}

static void each_runs_at_its_own_ticks(void **state)
{
    struct rig rig;

    (void)state;
    rig_begin(&rig, SECOND);
    pass(&rig, 30);
    assert_int_equal(plain.collected, 30);
    assert_int_equal(seldom.collected, 10); /* not more often than every 3 s */
    assert_int_equal(threaded.begun, 6);
    assert_int_equal(threaded.collected, 30); /* what its thread has may be there at any tick */
    rig_end(&rig);
}

static void a_long_interval_is_no_reason_to_run_more_seldom(void **state)
{
    struct rig rig;

    (void)state;
    rig_begin(&rig, 60 * SECOND);
    pass(&rig, 30);
    assert_int_equal(seldom.collected, 15); /* at every second tick, as it wants */
    rig_end(&rig);
}

static void one_over_budget_runs_less_or_not_at_all(void **state)
{
    struct rig rig;

    (void)state;
    rig_begin(&rig, SECOND);
    assert_string_equal(rig.collect.budget.item[1].name, "seldom");
    assert_true(rig.collect.budget.item[1].optional);
    rig.collect.budget.item[1].level = 1;
    pass(&rig, 120);
    assert_int_equal(seldom.collected, 10);
    rig.collect.budget.item[1].level = BUDGET_LEVELS - 1;
    pass(&rig, 120);
    assert_int_equal(seldom.collected, 10);
    rig.collect.budget.item[2].level = BUDGET_LEVELS - 1;
    threaded.begun = 0;
    pass(&rig, 10);
    assert_int_equal(threaded.begun, 0);
    rig_end(&rig);
}

static void one_that_fails_loses_its_rows_of_both_tables(void **state)
{
    struct rig rig;

    (void)state;
    rig_begin(&rig, SECOND);
    pass(&rig, 1);
    assert_true(rig.tick.table[TABLE_GPU].sampled && rig.tick.table[TABLE_GPU_PROCESS].sampled);
    plain.fails = true;
    pass(&rig, 1);
    assert_false(rig.tick.table[TABLE_GPU].sampled || rig.tick.table[TABLE_GPU_PROCESS].sampled);
    assert_int_equal(rig.tick.table[TABLE_GPU_PROCESS].row_count, 0);
    assert_int_equal(rig.collect.stats.collector[0].failures, 1);
    rig_end(&rig);
}

static void the_cost_of_a_thread_is_its_collectors(void **state)
{
    struct rig rig;

    (void)state;
    rig_begin(&rig, SECOND);
    pass(&rig, 1);
    assert_true(rig.collect.stats.collector[2].cpu_ns >= 5 * SECOND);
    assert_true(rig.collect.stats.collector[0].cpu_ns < 5 * SECOND);
    pass(&rig, 1);
    assert_true(rig.collect.stats.collector[2].cpu_ns < 10 * SECOND); /* all so far, once */
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_runs_at_its_own_ticks),
        cmocka_unit_test(a_long_interval_is_no_reason_to_run_more_seldom),
        cmocka_unit_test(one_over_budget_runs_less_or_not_at_all),
        cmocka_unit_test(one_that_fails_loses_its_rows_of_both_tables),
        cmocka_unit_test(the_cost_of_a_thread_is_its_collectors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
