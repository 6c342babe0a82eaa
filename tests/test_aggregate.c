/* Groups, windows that tile, selections, percentiles, and rows that add up to all cores. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/report.h"
#include "tests/support_recording.h"

/* --- percentiles --- */

static int by_value(const void *a, const void *b)
{
    const struct distribution_entry *x = a, *y = b;

    return x->value < y->value ? -1 : x->value > y->value;
}

static int64_t plain_p95(struct distribution_entry *all, size_t count)
{
    int64_t total = 0, below = 0;

    qsort(all, count, sizeof *all, by_value);
    for (size_t i = 0; i < count; i++)
        total += all[i].time_ns;
    for (size_t i = 0; i < count; i++) {
        below += all[i].time_ns;
        if (below * 100 >= total * 95)
            return all[i].value;
    }
    return 0;
}

static void percentiles_are_exact_in_bounded_memory(void **state)
{
    enum { ENTRIES = 60000, SECOND = 1000000000 };
    static struct distribution_entry all[ENTRIES];
    static const uint32_t kinds[][2] = { { 1000000, 1 }, { 7, 1 }, { 1000000, 10 }, { 50, 30 } };
    uint32_t random = 7;

    (void)state;
    for (size_t kind = 0; kind < COUNT_OF(kinds); kind++) {
        struct distribution d = { 0 };
        int64_t rest = (int64_t)ENTRIES * SECOND;

        for (size_t i = 0; i < ENTRIES; i++) {
            random = random * 1664525u + 1013904223u;
            all[i].value = random >> 8 & 0xff % kinds[kind][1] ? 0 : random / 7 % kinds[kind][0];
            all[i].time_ns = i % 9 == 0 ? SECOND / 2 : SECOND;
            rest -= all[i].time_ns;
            assert_true(distribution_add(&d, all[i].value, all[i].time_ns, rest));
        }
        assert_true(d.size <= 8192);
        assert_int_equal(distribution_p95(&d), plain_p95(all, ENTRIES));
        distribution_release(&d);
    }
}

static void the_percentile_of_nothing_is_zero(void **state)
{
    struct distribution d = { 0 };

    (void)state;
    assert_int_equal(distribution_p95(&d), 0);
    assert_true(distribution_add(&d, 0, 5, 0));
    assert_int_equal(distribution_p95(&d), 0);
    distribution_release(&d);
}

/* --- a made-up host --- */

struct host {
    struct made_directory directory;
    struct recording *recording;
    const struct recording_contents *contents;
};

static int open_host(void **state)
{
    static struct host host;
    struct error err;
    char path[256];

    made_directory_open(&host.directory);
    made_recording(made_path(&host.directory, "host.pscope", path, sizeof path), 3, 3, true);
    assert_int_equal(recording_open(&host.recording, path, &err), STATUS_OK);
    host.contents = recording_contents(host.recording);
    *state = &host;
    return 0;
}

static int close_host(void **state)
{
    struct host *host = *state;

    recording_close(host->recording);
    made_directory_close(&host->directory);
    return 0;
}

static void read_window(const struct host *host, enum group_by by, const struct select *select,
                        struct window window, struct report *report)
{
    struct subject subject = { .recording = host->recording,
                               .contents = host->contents,
                               .window = window };
    struct error err = { 0 };

    *report = (struct report){ .sort = &report_columns[0], .remainder = true };
    report->aggregate.by = by;
    report->aggregate.select = select;
    for (size_t m = 0; m < MEASURE_COUNT; m++)
        report->aggregate.want[m] = true;
    report->aggregate.want_p95 = report->aggregate.want_in_gaps = true;
    assert_int_equal(report_read(report, &subject, &err), STATUS_OK);
}

static struct window whole(const struct host *host)
{
    const struct recording_contents *c = host->contents;

    return (struct window){ c->blocks[0][0].start_ns - 1,
                            c->blocks[0][c->block_count[0] - 1].end_ns };
}

static int64_t sum_of(const struct report *r, enum measure m, bool in_gaps)
{
    const struct aggregate *a = in_gaps && r->aggregate.late != NULL ? &r->late : &r->aggregate;
    int64_t sum = 0;

    for (uint32_t g = 0; g < a->groups.count; g++) {
        const struct total *total = aggregate_total(a, g, m);

        sum += in_gaps ? total->in_gaps : total->increase;
    }
    return sum;
}

static void windows_tile(void **state)
{
    const struct select all = { .pid_count = 0 };
    struct report one, part;
    struct window window = whole(*state);

    read_window(*state, BY_PROCESS, &all, window, &one);
    assert_true(sum_of(&one, MEASURE_CPU, false) > 0);
    for (int64_t pieces = 2; pieces < 9; pieces++) {
        int64_t cpu = 0, in_gaps = 0, faults = 0, busy = 0;

        for (int64_t i = 0; i < pieces; i++) {
            int64_t span = window.to_ns - window.from_ns;

            read_window(*state, BY_PROCESS, &all,
                        (struct window){ window.from_ns + span / pieces * i,
                                         i + 1 == pieces
                                             ? window.to_ns
                                             : window.from_ns + span / pieces * (i + 1) },
                        &part);
            cpu += sum_of(&part, MEASURE_CPU, false);
            in_gaps += sum_of(&part, MEASURE_CPU, true);
            faults += sum_of(&part, MEASURE_MINOR_FAULTS, false);
            busy += part.host.busy_us;
            report_release(&part);
        }
        assert_int_equal(cpu, sum_of(&one, MEASURE_CPU, false));
        assert_int_equal(in_gaps, sum_of(&one, MEASURE_CPU, true));
        assert_int_equal(faults, sum_of(&one, MEASURE_MINOR_FAULTS, false));
        assert_int_equal(busy, one.host.busy_us);
    }
    report_release(&one);
}

static void every_grouping_has_the_same_sum(void **state)
{
    static const enum group_by groupings[] = { BY_PROCESS, BY_COMM,      BY_EXE,  BY_USER,
                                               BY_CGROUP,  BY_CONTAINER, BY_UNIT, BY_LINEAGE };
    const struct select all = { .pid_count = 0 };
    const struct select some = { .comm = { "*1*" }, .comm_count = 1 };
    int64_t cpu = 0, faults = 0;

    for (size_t i = 0; i < COUNT_OF(groupings) * 2; i++) {
        struct report r;

        read_window(*state, groupings[i / 2], i % 2 == 0 ? &all : &some, whole(*state), &r);
        if (i == 0) {
            cpu = aggregate_all_cpu(&r.aggregate);
            faults = sum_of(&r, MEASURE_MINOR_FAULTS, false);
        }
        assert_int_equal(aggregate_all_cpu(&r.aggregate), cpu);
        if (i % 2 == 0)
            assert_int_equal(sum_of(&r, MEASURE_MINOR_FAULTS, false), faults);
        report_release(&r);
    }
}

/* Nothing is covered twice, however many members a group has. */
static void no_group_covers_more_than_the_window(void **state)
{
    const struct select all = { .pid_count = 0 };
    struct report r;

    read_window(*state, BY_USER, &all, whole(*state), &r);
    for (uint32_t g = 1; g < r.aggregate.groups.count; g++) {
        const struct total *total = aggregate_total(&r.aggregate, g, MEASURE_CPU);

        assert_true(total->covered_ns <= r.coverage.ticks_ns);
    }
    report_release(&r);
}

/* --- what is printed --- */

static double decimal_field(const char *line, size_t field)
{
    for (; field > 0; field--)
        line = strchr(line, ',') + 1;
    return strtod(line, NULL);
}

static void rows_and_remainder_add_up_to_the_total(void **state)
{
    const struct host *host = *state;
    const struct select all = { .pid_count = 0 };
    struct subject subject = { .recording = host->recording,
                               .contents = host->contents,
                               .window = whole(host),
                               .whole = true };
    struct output_options options = { .format = OUTPUT_CSV };
    struct error err = { 0 };
    struct report r;
    double sum = 0, total = -1;
    char line[4096];
    FILE *file = tmpfile();

    assert_non_null(file);
    read_window(*state, BY_PROCESS, &all, whole(host), &r);
    assert_int_equal(report_column_find("row", &r.column[0], &err), STATUS_OK);
    assert_int_equal(report_column_find("cpu_seconds", &r.column[1], &err), STATUS_OK);
    r.sort = r.column[1];
    r.column_count = 2;
    r.top = 3;
    assert_int_equal(report_print(&r, &subject, file, &options, &err), STATUS_OK);
    rewind(file);
    assert_non_null(fgets(line, sizeof line, file));
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "total,", 6) == 0)
            total = decimal_field(line, 1);
        else
            sum += decimal_field(line, 1);
    }
    (void)fclose(file);
    assert_true(total > 0);
    assert_true(total - sum < 1e-6 && sum - total < 1e-6);
    report_release(&r);
}

/* --- a renamed process, by hand --- */

static void make_renamed(const char *path)
{
    struct writer_options options = { .path = path, .commit_ns = 1000 * SECOND_NS };
    struct session_facts facts;
    struct writer *writer;
    struct error err;
    struct tick tick;

    made_facts(&facts, MADE_START_NS, 1);
    tick_init(&tick);
    assert_int_equal(writer_open(&writer, &options, &facts, &err), STATUS_OK);
    for (int64_t i = 1; i <= 10; i++) {
        made_tick(&tick, MADE_START_NS + i * SECOND_NS);
        tick.seq = i - 1;
        if (i == 1) {
            made_birth(&tick, 0, 100, 5, MADE_START_NS - SECOND_NS);
            made_name(&tick, 0, MADE_START_NS - SECOND_NS, "sh", NULL);
        }
        if (i == 6)
            made_name(&tick, 0, MADE_START_NS + 6 * SECOND_NS, "make", NULL);
        (void)made_row(&tick, 0, i == 1 ? ROW_FIRST : 0, i * i * 1000, i * 4096);
        assert_int_equal(writer_tick(writer, &tick, &err), STATUS_OK);
    }
    assert_int_equal(writer_close(writer, "stop", &err), STATUS_OK);
    tick_release(&tick);
}

static void a_renamed_process_counts_for_the_name_of_each_tick(void **state)
{
    const struct select all = { .pid_count = 0 };
    const struct select make = { .comm = { "ma*" }, .comm_count = 1 };
    struct host host = { 0 };
    struct report r;
    struct error err;
    char path[256];

    (void)state;
    made_directory_open(&host.directory);
    make_renamed(made_path(&host.directory, "renamed.pscope", path, sizeof path));
    assert_int_equal(recording_open(&host.recording, path, &err), STATUS_OK);
    host.contents = recording_contents(host.recording);
    read_window(&host, BY_COMM, &all, whole(&host), &r);
    assert_int_equal(r.aggregate.groups.count, 3);
    assert_int_equal(aggregate_total(&r.aggregate, 1, MEASURE_CPU)->increase, (25 - 1) * 1000);
    assert_int_equal(aggregate_total(&r.aggregate, 2, MEASURE_CPU)->increase, (100 - 25) * 1000);
    assert_int_equal(aggregate_total(&r.aggregate, 2, MEASURE_CPU)->covered_ns, 5 * SECOND_NS);
    assert_int_equal(aggregate_total(&r.aggregate, 1, MEASURE_RESIDENT)->max, 5 * 4096);
    report_release(&r);
    read_window(&host, BY_PROCESS, &make, whole(&host), &r);
    assert_int_equal(r.aggregate.groups.count, 2);
    assert_int_equal(aggregate_total(&r.aggregate, 1, MEASURE_CPU)->increase, (100 - 25) * 1000);
    assert_int_equal(aggregate_total(&r.aggregate, 0, MEASURE_CPU)->increase, (25 - 1) * 1000);
    report_release(&r);
    recording_close(host.recording);
    made_directory_close(&host.directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_are_exact_in_bounded_memory),
        cmocka_unit_test(the_percentile_of_nothing_is_zero),
        cmocka_unit_test(a_renamed_process_counts_for_the_name_of_each_tick),
        cmocka_unit_test_setup_teardown(windows_tile, open_host, close_host),
        cmocka_unit_test_setup_teardown(every_grouping_has_the_same_sum, open_host, close_host),
        cmocka_unit_test_setup_teardown(no_group_covers_more_than_the_window, open_host,
                                        close_host),
        cmocka_unit_test_setup_teardown(rows_and_remainder_add_up_to_the_total, open_host,
                                        close_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
