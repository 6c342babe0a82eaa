/* Checks: what their texts mean, and what is said of those that mean nothing. */
#include "analyzer/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct check parsed(const char *text)
{
    struct check check;
    struct error err = { 0 };

    if (check_parse(&check, text, &err) != STATUS_OK)
        fail_msg("%s: %s", text, err.message);
    return check;
}

static void a_function_is_of_a_column(void **state)
{
    static const struct {
        const char *text, *column;
        enum check_figure figure;
    } examples[] = {
        { "max(resident_bytes) < 5", "resident_bytes_max", CHECK_COLUMN },
        { " mean ( cpu_percent{} )<5", "cpu_percent_mean", CHECK_COLUMN },
        { "p95(gpu_power_watts) < 5", "gpu_power_watts_p95", CHECK_COLUMN },
        { "sum(cpu_seconds) < 5", "cpu_seconds", CHECK_SUM },
        { "cpu_percent_max < 5", "cpu_percent_max", CHECK_COLUMN },
        { "exit_code == 0", "exit_code", CHECK_COLUMN },
        { "processes < 5", "processes", CHECK_COLUMN },
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        struct check check = parsed(examples[i].text);

        assert_string_equal(check.column->output.name, examples[i].column);
        assert_int_equal(check.figure, examples[i].figure);
        assert_null(check.where);
        check_release(&check);
    }
}

static void counts_and_facts_have_no_column(void **state)
{
    struct check check = parsed("count() == 3");
    (void)state;

    assert_true(check.figure == CHECK_COUNT && check.column == NULL && check.bound == 3);
    for (size_t i = 0; i < FACT_COUNT_OF_FACTS; i++) {
        char text[80];

        (void)snprintf(text, sizeof text, "%s <= 1", check_fact_names[i]);
        check = parsed(text);
        assert_true(check.figure == CHECK_FACT && check.fact == (enum check_fact)i);
    }
}

static void a_selector_is_an_expression_of_where(void **state)
{
    static const struct {
        const char *text, *where;
    } examples[] = {
        { "count({comm=\"x\"}) > 0", "comm=\"x\"" },
        { "count({ comm = 'a \"b\"' , uid >= 10 }) > 0", "comm='a \"b\"' and uid>=10" },
        { "count({cmdline!~\"*x*\",user!=\"root\"}) > 0",
          "not cmdline~\"*x*\" and user!=\"root\"" },
        { "count({pid!=3}) > 0", "pid!=3" },
        { "count({comm=\"} < 5\"}) > 0", "comm=\"} < 5\"" },
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        struct check check = parsed(examples[i].text);

        assert_string_equal(check.where, examples[i].where);
        check_release(&check);
    }
}

static void bounds_have_units_of_the_figure(void **state)
{
    static const struct {
        const char *text;
        long double bound;
        enum check_relation relation;
    } examples[] = {
        { "max(resident_bytes) < 500MB", 500e6L, CHECK_BELOW },
        { "max(resident_bytes) <= 1.5 KiB", 1536, CHECK_AT_MOST },
        { "max(resident_bytes) > 7", 7, CHECK_ABOVE },
        { "cpu_seconds >= 2min", 120, CHECK_AT_LEAST },
        { "cpu_seconds == 1500 ms", 1.5L, CHECK_EQUAL },
        { "mean(cpu_percent) != 2 cores", 200, CHECK_DIFFERENT },
        { "not_attributed_percent > -2.5%", -2.5L, CHECK_ABOVE },
        { "mean(cpu_power_watts) < 0.5kW", 500, CHECK_BELOW },
        { "sum(cpu_energy_joules) < 2 kJ", 2000, CHECK_BELOW },
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        struct check check = parsed(examples[i].text);

        if (check.bound - examples[i].bound > 1e-12L || examples[i].bound - check.bound > 1e-12L)
            fail_msg("%s: %Lg", examples[i].text, check.bound);
        assert_int_equal(check.relation, examples[i].relation);
    }
}

static void rows_may_be_groups(void **state)
{
    (void)state;

    assert_int_equal(parsed("max(resident_bytes) < 5").by, BY_PROCESS);
    assert_int_equal(parsed("max(resident_bytes) by comm < 5").by, BY_COMM);
    assert_int_equal(parsed("count() by (lineage) < 5").by, BY_LINEAGE);
    assert_int_equal(parsed("cpu_seconds by(unit)<5s").by, BY_UNIT);
}

static void what_means_nothing_is_refused_at_its_place(void **state)
{
    static const struct {
        const char *text, *message;
    } examples[] = {
        { "", "max(, mean(" },
        { "< 5", "character 1: expected max(" },
        { "max(resident_bytes", "expected { or ) at its end" },
        { "max(resident_bytes)", "expected < <= > >= == or != at its end" },
        { "max(resident_bytes) <", "expected a number at its end" },
        { "max(resident_bytes) < x", "character 23: expected a number" },
        { "max(resident_bytes) < 5 s", "character 25: expected the end, B" },
        { "max(resident_bytes) < 5MB x", "character 27: expected the end, not x" },
        { "max(resident_bytes) < 0x10", "digits and a point" },
        { "max(resident_bytes) < 1e9", "digits and a point" },
        { "max(resident_bytes) < inf", "expected a number" },
        { "max(cpu_seconds) < 5", "character 5: expected a figure that has a max; there are" },
        { "sum(resident_bytes_max) < 5", "character 5: expected a figure that has a sum" },
        { "comm == 5", "character 1: expected a figure; there are" },
        { "count({comm}) < 5", "character 12: expected = != ~ or !~" },
        { "count({comm=~\"x\"}) < 5", "expected = != ~ or !~ (a pattern" },
        { "count({comm=x}) < 5", "character 13: expected a text in quotes" },
        { "count({comm=\"x}) < 5", "character 13: expected the end of what is quoted" },
        { "count({pid=\"x\"}) < 5", "character 12: expected a number" },
        { "count({pid~3}) < 5", "character 11: expected = != < <= > or >=" },
        { "count({name=\"x\"}) < 5", "character 8: expected process_id, pid" },
        { "count({comm=\"x\" user=\"y\"}) < 5", "character 17: expected a comma or }" },
        { "count() by gpu < 5", "character 12: expected process, comm" },
        { "count() by (comm < 5", "character 18: expected )" },
        { "count({comm=\"ä\"}) = 5", "character 19: expected < <=" },
        { "ticks_missed{comm=\"x\"} < 5", "character 13: expected < <=" },
    };
    struct check check;
    struct error err;
    (void)state;

    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        err.message[0] = '\0';
        assert_int_equal(check_parse(&check, examples[i].text, &err), STATUS_INVALID);
        if (strstr(err.message, examples[i].message) == NULL)
            fail_msg("%s: %s", examples[i].text, err.message);
        check_release(&check);
    }
}

static void relations_are_what_they_look_like(void **state)
{
    static const bool holds[][3] = {
        /* 1 to 2, 2 to 2, 3 to 2 */
        [CHECK_BELOW] = { true, false, false }, [CHECK_AT_MOST] = { true, true, false },
        [CHECK_ABOVE] = { false, false, true }, [CHECK_AT_LEAST] = { false, true, true },
        [CHECK_EQUAL] = { false, true, false }, [CHECK_DIFFERENT] = { true, false, true }
    };
    (void)state;

    for (size_t r = 0; r < COUNT_OF(holds); r++)
        for (int v = 0; v < 3; v++)
            assert_int_equal(check_compare((enum check_relation)r, v + 1, 2), holds[r][v]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_function_is_of_a_column),
        cmocka_unit_test(counts_and_facts_have_no_column),
        cmocka_unit_test(a_selector_is_an_expression_of_where),
        cmocka_unit_test(bounds_have_units_of_the_figure),
        cmocka_unit_test(rows_may_be_groups),
        cmocka_unit_test(what_means_nothing_is_refused_at_its_place),
        cmocka_unit_test(relations_are_what_they_look_like),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
