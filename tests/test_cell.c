/* Lines that do not add up are told; putting lines together changes no sum. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/cell_private.h"

#define SECOND INT64_C(1000000000)

static const struct report_column *column_named(const char *name)
{
    const struct report_column *column = NULL;
    struct error err;

    assert_int_equal(report_column_find(name, &column, &err), STATUS_OK);
    return column;
}

/* --- the check --- */

/* A report of one row, whose totals are these. */
static uint32_t report_of(struct aggregate *a, const struct total *total)
{
    uint32_t group = 0;
    struct error err;

    a->groups.by = BY_PROCESS;
    a->groups.total_count = MEASURE_COUNT;
    for (size_t m = 0; m < MEASURE_COUNT; m++) {
        a->slot[m] = m;
        a->scale[m] = 1;
    }
    assert_int_equal(groups_begin(&a->groups, &err), STATUS_OK);
    assert_int_equal(groups_find(&a->groups, 7, NULL, NULL, &group, &err), STATUS_OK);
    for (size_t m = 0; m < MEASURE_COUNT; m++)
        *groups_total(&a->groups, group, m) = *total;
    return group;
}

/* Two lines of one process: an increase, a level, a rate. */
static void fill(struct cell_working *e)
{
    struct trace_item item = { .what = TRACE_RUN,
                               .which = e->column->which,
                               .process_id = 7,
                               .to_ns = SECOND,
                               .count = 1,
                               .known = true,
                               .value = 40,
                               .increase = 30,
                               .dt_ns = SECOND,
                               .covered_ns = SECOND,
                               .rate = 30,
                               .sum = (int128)40 * SECOND };
    struct error err;

    assert_int_equal(cell_take(&e->trace, &item, &err), STATUS_OK);
    item.to_ns = 2 * SECOND;
    assert_int_equal(cell_take(&e->trace, &item, &err), STATUS_OK);
    if (e->column->fact == FACT_IN_GAPS) {
        item.gap = true;
        item.increase = 60;
        assert_int_equal(cell_take(&e->trace, &item, &err), STATUS_OK);
    }
    cell_condense(e);
    cell_add_up(e);
}

static const struct total right = { .sum = (int128)80 * SECOND,
                                    .increase = 60,
                                    .in_gaps = 60,
                                    .covered_ns = 2 * SECOND,
                                    .weight_ns = 2 * SECOND,
                                    .max = 40,
                                    .present = true,
                                    .timed = true };

static enum status check(const char *name, const struct total *total, struct error *err)
{
    struct cell_working e = { .column = column_named(name) };
    struct aggregate a = { .by = BY_PROCESS };
    uint32_t group = report_of(&a, total);
    enum status st;

    e.view = cell_view_of(e.column);
    e.by = BY_PROCESS;
    fill(&e);
    st = cell_check(&e, &a, group, err);
    free(e.line);
    groups_release(&a.groups);
    return st;
}

static void lines_that_do_not_add_up_are_told(void **state)
{
    static const char *const names[] = { "cpu_seconds",         "cpu_seconds_in_gaps",
                                         "covered_seconds",     "cpu_percent_mean",
                                         "resident_bytes_mean", "resident_bytes_max",
                                         "threads_max",         "disk_read_bytes" };
    struct error err = { 0 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct total wrong = right;

        assert_int_equal(check(names[i], &right, &err), STATUS_OK);
        wrong.sum++;
        wrong.increase++;
        wrong.in_gaps++;
        wrong.covered_ns++;
        wrong.max++;
        assert_int_equal(check(names[i], &wrong, &err), STATUS_UNSUPPORTED);
        assert_non_null(strstr(err.message, "DO NOT ADD UP"));
    }
}

/* --- putting together --- */

static void many_lines_become_few_that_have_the_same_sums(void **state)
{
    enum { COUNT = 20000 };
    struct cell_working e = { .column = column_named("cpu_seconds"), .by = BY_PROCESS };
    int128 increase = 0, covered_ns = 0;
    uint64_t pieces = 0;
    uint32_t random = 5;
    struct error err;

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        struct trace_item item = { .what = TRACE_RUN,
                                   .which = MEASURE_CPU,
                                   .process_id = 7,
                                   .from_ns = i * SECOND,
                                   .to_ns = (i + 1) * SECOND,
                                   .count = 1,
                                   .known = true,
                                   .dt_ns = SECOND,
                                   .covered_ns = SECOND };

        random = random * 1664525u + 1013904223u;
        item.increase = random >> 8;
        item.reset = i % 5000 == 77;
        increase += item.increase;
        covered_ns += item.covered_ns;
        assert_int_equal(cell_take(&e.trace, &item, &err), STATUS_OK);
    }
    cell_condense(&e);
    cell_add_up(&e);
    assert_true(e.count <= 60);
    assert_true(e.sums.increase == increase);
    assert_true(e.sums.covered_ns == covered_ns);
    for (size_t i = 0; i < e.count; i++) {
        pieces += e.line[i].pieces;
        assert_true(e.line[i].resets == 0 || e.line[i].pieces == 1);
        assert_true(i == 0 || e.line[i].item.from_ns == e.line[i - 1].item.to_ns);
    }
    assert_int_equal(pieces, COUNT);
    free(e.line);
}

/* --- words and numbers --- */

static void every_figure_has_a_definition_and_nothing_else_has(void **state)
{
    (void)state;
    for (size_t i = 0; i < report_column_count; i++) {
        const struct report_column *c = &report_columns[i];
        bool figure =
            report_column_measured(c) || (report_column_energy(c) && c->fact != FACT_ENERGY_METHOD);

        assert_true((cell_formula(c, BY_PROCESS) != NULL) == figure);
        assert_true((cell_formula(c, BY_USER) != NULL) == figure);
    }
}

static void wide_numbers_are_written_exactly(void **state)
{
    static const struct {
        int64_t value;
        int exponent;
        const char *text;
    } cases[] = { { 0, 0, "0" },
                  { 0, -9, "0" },
                  { 1, -9, "0.000000001" },
                  { -1, -15, "-0.000000000000001" },
                  { 1500, -3, "1.5" },
                  { 1000, -3, "1" },
                  { INT64_MIN, -9, "-9223372036.854775808" } };
    int128 wide = (int128)INT64_MAX * INT64_MAX;
    char text[64];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        *cell_put_wide(text, cases[i].value, cases[i].exponent) = '\0';
        assert_string_equal(text, cases[i].text);
    }
    *cell_put_wide(text, wide, -18) = '\0';
    assert_string_equal(text, "85070591730234615847.396907784232501249");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_that_do_not_add_up_are_told),
        cmocka_unit_test(many_lines_become_few_that_have_the_same_sums),
        cmocka_unit_test(every_figure_has_a_definition_and_nothing_else_has),
        cmocka_unit_test(wide_numbers_are_written_exactly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
