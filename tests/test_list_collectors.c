/* What the list of collectors says of their cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recorder/list_collectors.h"

enum { READ_COSTS_NS = 700000000, LOOKS = 3 };

/* One whose thread answers at the third look after it was asked, and refuses to begin until then. */
static struct {
    int looks; /* 0: it does nothing */
    int64_t cpu_ns;
    bool silent;
} slow;

static enum status open_slow(void **state, const struct collect_context *context,
                             struct capability *capability, struct error *err)
{
    (void)context, (void)err;
    *state = &slow;
    *capability = (struct capability){ .status = CAPABILITY_OK };
    return STATUS_OK;
}

static void begin_slow(void *state, const struct tick *tick)
{
    (void)state, (void)tick;
    if (slow.looks == 0)
        slow.looks = 1;
}

static enum status collect_slow(void *state, struct tick *tick, struct error *err)
{
    (void)state, (void)err;
    if (slow.silent || slow.looks == 0 || ++slow.looks <= LOOKS)
        return STATUS_OK;
    slow.looks = 0;
    slow.cpu_ns += READ_COSTS_NS;
    tick_sampled(tick, TABLE_POWER);
    return STATUS_OK;
}

static void close_slow(void *state)
{
    (void)state;
}

static int64_t other_cpu_ns(const void *state)
{
    (void)state;
    return slow.cpu_ns;
}

static const struct collector slow_collector = {
    .name = "slow",
    .description = "a double",
    .table = TABLE_POWER,
    .divisor = 1,
    .open = open_slow,
    .begin = begin_slow,
    .collect = collect_slow,
    .close = close_slow,
    .other_cpu_ns = other_cpu_ns,
};

/* The cost in ms, as listed. */
static double listed_cost(void)
{
    const struct collector *const list[] = { &slow_collector };
    struct clock_host host;
    struct clock clock = clock_open(&host, -1);
    struct collect_context context = { .clock = &clock, .root = "", .interval_ns = 1000000000 };
    struct collect collect;
    struct error err = { 0 };
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    const char *at;
    double cost;

    assert_non_null(out);
    assert_int_equal(collect_open(&collect, list, 1, &context, NULL, &err), STATUS_OK);
    assert_int_equal(list_collectors(&collect, &context, false, out, &err), STATUS_OK);
    fclose(out);
    at = strstr(text, "costs");
    assert_non_null(at);
    cost = strtod(at + strlen("costs"), NULL);
    free(text);
    collect_close(&collect);
    clock_close(&host);
    return cost;
}

static void a_thread_that_takes_its_time_is_waited_for(void **state)
{
    (void)state;
    double cost_ms;

    memset(&slow, 0, sizeof slow);
    cost_ms = listed_cost();
    /* What the thread took, and what looking at it took. */
    assert_true(cost_ms >= READ_COSTS_NS / 1e6 && cost_ms < READ_COSTS_NS / 1e6 * 1.3);
    assert_int_equal(slow.cpu_ns, INT64_C(4) * READ_COSTS_NS);
}

static void one_that_never_answers_is_listed_all_the_same(void **state)
{
    (void)state;
    memset(&slow, 0, sizeof slow);
    slow.silent = true;
    assert_true(listed_cost() < 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_that_takes_its_time_is_waited_for),
        cmocka_unit_test(one_that_never_answers_is_listed_all_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
