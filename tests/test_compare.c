/* When a change is more than a program changes by itself: compare_judge and compare_rank over made-up parts. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/compare_private.h"
#include "analyzer/human.h"
#include "analyzer/shell.h"

enum { PARTS = 8 };

static const struct recording_session session = { .core_count = 4, .memory_bytes = 1 << 30 };
static const struct recording_contents contents = { .sessions =
                                                        (struct recording_session *)&session,
                                                    .session_count = 1 };
static const struct subject subject = { .contents = &contents };

static void begin(struct compare *c, size_t parts)
{
    *c = (struct compare){ .asked = { &subject, &subject }, .sort = COMPARE_METRICS };
    for (size_t s = 0; s < COMPARE_SIDES; s++) {
        c->side[s].part_count = parts;
        for (size_t p = 0; p < parts; p++)
            c->side[s].part_seconds[p] = 60;
    }
    for (size_t m = 0; m < COMPARE_METRICS; m++)
        c->whole[m] = 1;
}

/* The rate is the mean of its parts. */
static void set(struct compare_value *value, const double parts[PARTS])
{
    double sum = 0;

    for (size_t p = 0; p < PARTS; p++)
        sum += value->part[p] = parts[p];
    value->known = true;
    value->rate = value->figure = sum / PARTS;
}

static struct compare_change judge(const double a[PARTS], const double b[PARTS], double least)
{
    struct compare c;
    struct compare_change change = { .effect = 0 }, back = { .effect = 0 };

    begin(&c, PARTS);
    set(&change.side[0], a);
    set(&change.side[1], b);
    set(&back.side[0], b);
    set(&back.side[1], a);
    compare_judge(&c, &change, least, 2, false);
    compare_judge(&c, &back, least, 2, false);
    assert_int_equal(change.verdict, back.verdict); /* less is judged as more is */
    assert_true(change.noise == back.noise);
    assert_true(change.effect == fabs(change.change) / 2);
    return change;
}

static const double zero[PARTS] = { 0 };

static void a_step_that_lasts_is_beyond_noise(void **state)
{
    (void)state;
    const double a[PARTS] = { 1.0, 1.1, 0.9, 1.0, 1.2, 1.0, 0.8, 1.0 };
    const double b[PARTS] = { 2.0, 2.1, 1.9, 2.0, 2.2, 2.0, 1.8, 2.0 };
    struct compare_change change = judge(a, b, 0.02);

    assert_int_equal(change.verdict, COMPARE_BEYOND);
    assert_true(fabs(change.change - 1) < 1e-9);
    assert_true(fabs(change.noise - 0.6) < 1e-9); /* 0.2 to its highest, and 0.4 more */
}

static void a_step_within_a_window_is_beyond_noise(void **state)
{
    (void)state;
    const double b[PARTS] = { 0, 0, 1, 1, 1, 1, 1, 1 };

    assert_int_equal(judge(zero, b, 0.02).verdict, COMPARE_BEYOND);
}

static void what_runs_half_of_the_time_is_noise(void **state)
{
    (void)state;
    const double spike[PARTS] = { 0, 0, 0, 50, 0, 0, 0, 0 };
    const double half[PARTS] = { 0, 1, 0, 1, 0, 1, 1, 1 };

    assert_int_equal(judge(zero, spike, 0.02).verdict, COMPARE_WITHIN);
    assert_int_equal(judge(zero, half, 0.02).verdict, COMPARE_WITHIN);
    assert_int_equal(judge(spike, half, 0.02).verdict, COMPARE_WITHIN);
}

static void steady_growth_is_noise(void **state)
{
    (void)state;
    const double a[PARTS] = { 0, 1, 2, 3, 4, 5, 6, 7 }, b[PARTS] = { 8, 9, 10, 11, 12, 13, 14, 15 };

    assert_int_equal(judge(a, b, 0.02).verdict, COMPARE_WITHIN);
}

/* Windows of 8 s; B begins `apart_s` after A ends. */
static enum compare_verdict grown(const double a[PARTS], const double b[PARTS], int64_t apart_s)
{
    struct compare c;
    struct compare_change change = { .effect = 0 };
    struct subject sides[COMPARE_SIDES] = { subject, subject };

    begin(&c, PARTS);
    set(&change.side[0], a);
    set(&change.side[1], b);
    for (size_t s = 0; s < COMPARE_SIDES; s++) {
        int64_t from_ns = s == 0 ? 0 : (PARTS + apart_s) * INT64_C(1000000000);

        c.side[s].subject = &sides[s];
        sides[s].window = (struct window){ from_ns, from_ns + PARTS * INT64_C(1000000000) };
        for (int64_t p = 0; p < PARTS; p++)
            c.side[s].part[p] = (struct window){ from_ns + p * INT64_C(1000000000),
                                                 from_ns + (p + 1) * INT64_C(1000000000) };
    }
    compare_judge(&c, &change, 0.02, 1, true);
    return change.verdict;
}

static void growth_that_goes_on_is_no_change_however_far_apart(void **state)
{
    (void)state;
    const double a[PARTS] = { 0, 1, 2, 3, 4, 5, 6, 7 };
    const double waver[PARTS] = { 0, 1, 2, 3, 3, 5, 6, 7 };
    double begins[PARTS];

    for (int apart = 0; apart < 100; apart++) {
        double b[PARTS], steep[PARTS];

        for (int p = 0; p < PARTS; p++) {
            b[p] = PARTS + apart + p;
            steep[p] = 4 * (PARTS + apart + p);
        }
        assert_int_equal(grown(a, b, apart), COMPARE_WITHIN);
        assert_int_equal(grown(a, steep, apart), COMPARE_BEYOND);
    }
    for (int p = 0; p < PARTS; p++)
        begins[p] = 10 * p;
    assert_int_equal(grown(zero, begins, 0), COMPARE_BEYOND);   /* it grows only now */
    assert_int_equal(grown(waver, begins, 80), COMPARE_BEYOND); /* it does not always */
}

static void a_short_window_may_have_met_what_comes_and_goes(void **state)
{
    (void)state;
    const double high[PARTS] = { 5, 5, 5, 5, 5, 5, 5, 5 };

    for (int comes = 0; comes < 2; comes++) {
        struct compare c;
        struct compare_change change = { .effect = 0 };

        begin(&c, PARTS);
        c.side[0].part_count = COMPARE_PARTS;
        set(&change.side[0], zero);
        for (size_t p = 0; p < COMPARE_PARTS; p++) {
            c.side[0].part_seconds[p] = 60;
            change.side[0].part[p] = comes && p == COMPARE_PARTS / 2 ? 5 : 0;
        }
        set(&change.side[1], high);
        compare_judge(&c, &change, 0.02, 1, false);
        assert_int_equal(change.verdict, comes ? COMPARE_WITHIN : COMPARE_BEYOND);
    }
}

static void what_is_wide_apart_but_means_nothing_is_noise(void **state)
{
    (void)state;
    const double b[PARTS] = { 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01 };

    assert_int_equal(judge(zero, b, 0.02).verdict, COMPARE_WITHIN);
    assert_int_equal(judge(zero, b, 0.009).verdict, COMPARE_BEYOND);
}

static void few_parts_tell_nothing(void **state)
{
    (void)state;
    const double b[PARTS] = { 5, 5, 5, 5, 5, 5, 5, 5 };

    for (size_t parts = 0; parts <= PARTS; parts++) {
        struct compare c;
        struct compare_change change = { .effect = 0 };

        begin(&c, parts);
        set(&change.side[0], zero);
        set(&change.side[1], b);
        compare_judge(&c, &change, 0.02, 1, false);
        assert_int_equal(change.verdict,
                         parts < COMPARE_PARTS_LEAST ? COMPARE_SHORT : COMPARE_BEYOND);
        assert_true(isnan(change.noise) == (parts < COMPARE_PARTS_LEAST));
    }
}

static void parts_that_are_not_known_do_not_count(void **state)
{
    (void)state;
    const double a[PARTS] = { 0, 0, NAN, 0, 0, 99, 0, 0 }, b[PARTS] = { 5, 5, 5, NAN, 5, 5, 5, 5 };
    struct compare c;
    struct compare_change change = { .effect = 0 };

    begin(&c, PARTS);
    c.side[0].part_seconds[5] = 0;
    set(&change.side[0], a);
    set(&change.side[1], b);
    change.side[0].rate = 0;
    change.side[1].rate = 5;
    compare_judge(&c, &change, 0.02, 1, false);
    assert_int_equal(change.verdict, COMPARE_BEYOND);
    assert_true(change.noise == 0.02);
}

static void what_one_side_lacks_is_missing_and_not_zero(void **state)
{
    (void)state;
    const double b[PARTS] = { 5, 5, 5, 5, 5, 5, 5, 5 };

    for (size_t side = 0; side < COMPARE_SIDES; side++) {
        struct compare c;
        struct compare_change change = { .effect = 0 };

        begin(&c, PARTS);
        set(&change.side[side], b);
        change.side[1 - side].rate = NAN;
        compare_judge(&c, &change, 0.02, 1, false);
        assert_int_equal(change.verdict, COMPARE_MISSING);
        assert_true(isnan(change.change) && isnan(change.noise) && change.effect == 0);
    }
}

/* A program of which some metrics step up. */
static void step(struct compare_program *program, const char *name, enum compare_metric metric,
                 double by)
{
    double b[PARTS];

    for (size_t p = 0; p < PARTS; p++)
        b[p] = by;
    program->name = (struct text){ name, (uint32_t)strlen(name) };
    for (size_t m = 0; m < COMPARE_METRICS; m++) {
        if (!program->of[m].side[0].known)
            set(&program->of[m].side[0], zero);
        if (!program->of[m].side[1].known || m == metric)
            set(&program->of[m].side[1], m == metric ? b : zero);
    }
}

static void the_largest_share_of_any_metric_is_first(void **state)
{
    (void)state;
    struct compare c;
    struct compare_program programs[3] = { { .effect = 0 } };

    begin(&c, PARTS);
    c.program = programs;
    c.program_count = COUNT_OF(programs);
    c.whole[COMPARE_MEMORY] = 1e9;
    step(&programs[0], "b", COMPARE_CPU, 0.1);
    step(&programs[1], "c", COMPARE_READ, 0);
    step(&programs[2], "a", COMPARE_MEMORY, 5e8);
    step(&programs[2], "a", COMPARE_CPU, 0.2);
    compare_rank(&c);
    assert_string_equal(programs[0].name.data, "a");
    assert_int_equal(programs[0].first, COMPARE_MEMORY);
    assert_string_equal(programs[1].name.data, "b");
    assert_false(programs[2].beyond);
    c.sort = COMPARE_READ;
    compare_rank(&c);
    assert_string_equal(programs[0].name.data, "a"); /* none has any: by name */
    assert_false(programs[0].beyond);
}

static void a_devices_energy_is_whose_time_on_it_has_changed(void **state)
{
    (void)state;

    for (int shared = 0; shared < 2; shared++) {
        struct compare c;
        struct compare_program programs[2] = { { .effect = 0 } };

        begin(&c, PARTS);
        c.program = programs;
        c.program_count = COUNT_OF(programs);
        c.side[0].absent_is_zero[COMPARE_CPU_ENERGY] = shared != 0;
        step(&programs[0], "same time", COMPARE_CPU_ENERGY, 5);
        step(&programs[1], "works", COMPARE_CPU_ENERGY, 2);
        step(&programs[1], "works", COMPARE_CPU, 0.5);
        compare_rank(&c);
        assert_string_equal(programs[0].name.data, shared ? "works" : "same time");
        assert_int_equal(programs[1].of[COMPARE_CPU_ENERGY].verdict,
                         shared ? COMPARE_SHARED : COMPARE_BEYOND);
    }
}

static void a_metric_that_there_is_not_is_named(void **state)
{
    (void)state;
    enum compare_metric metric = COMPARE_METRICS;
    struct error err = { 0 };

    for (size_t m = 0; m < COMPARE_METRICS; m++) {
        assert_int_equal(compare_metric_find(compare_metrics[m].name, &metric, &err), STATUS_OK);
        assert_int_equal(metric, m);
    }
    assert_int_equal(compare_metric_find("joules", &metric, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "cpu_energy, gpu_energy or gpu"));
}

static void a_shell_gets_back_every_file(void **state)
{
    (void)state;
    const char *const files[] = { "run.pscope", "it's $(here).pscope", "-o", "" };
    char *text = shell_command("procscope replay", files, COUNT_OF(files));

    assert_non_null(text);
    assert_string_equal(text, "procscope replay run.pscope 'it'\\''s $(here).pscope' -o ''");
    free(text);
}

static void amounts_have_their_unit(void **state)
{
    (void)state;
    static const struct {
        double amount;
        const char *unit, *text;
    } amounts[] = {
        { 0.0271, "cores", "0.027 cores" },
        { 1.267, "cores", "1.27 cores" },
        { 12, "W", "12 W" },
        { 2048, "bytes", "2.0 KiB" },
        { 2048, "bytes/s", "2.0 KiB/s" },
        { 0.5, "/s", "0.50/s" },
        { 7, "", "7" },
        { 40.27, "%", "40.3 %" },
    };
    char text[100];

    for (size_t i = 0; i < COUNT_OF(amounts); i++) {
        human_put_unit(text, sizeof text, amounts[i].amount, amounts[i].unit);
        assert_string_equal(text, amounts[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_that_lasts_is_beyond_noise),
        cmocka_unit_test(a_step_within_a_window_is_beyond_noise),
        cmocka_unit_test(what_runs_half_of_the_time_is_noise),
        cmocka_unit_test(steady_growth_is_noise),
        cmocka_unit_test(growth_that_goes_on_is_no_change_however_far_apart),
        cmocka_unit_test(a_short_window_may_have_met_what_comes_and_goes),
        cmocka_unit_test(what_is_wide_apart_but_means_nothing_is_noise),
        cmocka_unit_test(few_parts_tell_nothing),
        cmocka_unit_test(parts_that_are_not_known_do_not_count),
        cmocka_unit_test(what_one_side_lacks_is_missing_and_not_zero),
        cmocka_unit_test(the_largest_share_of_any_metric_is_first),
        cmocka_unit_test(a_devices_energy_is_whose_time_on_it_has_changed),
        cmocka_unit_test(a_metric_that_there_is_not_is_named),
        cmocka_unit_test(a_shell_gets_back_every_file),
        cmocka_unit_test(amounts_have_their_unit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
