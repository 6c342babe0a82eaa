/*
 * What questions to a recording cost inside a process that has it open: CPU time, median of 20 runs
 * after one. The questions are those of the goals: the day's 20 largest by four columns, the same of
 * five minutes in its middle, the whole default report, and one process throughout, by one column and by all.
 * With a name of one of them that one alone, for a profiler.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "analyzer/capture.h"
#include "analyzer/export.h"
#include "analyzer/heap.h"
#include "analyzer/report.h"

enum { RUNS = 20, FIVE_MINUTES_S = 300 };

static const char *const four[] = { "cpu_seconds", "cpu_percent_mean", "cpu_percent_max",
                                    "resident_bytes_max", NULL };

static double cpu_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

struct question {
    const char *name;
    const char *const *columns; /* of a report; NULL: all of the contract */
    bool five_minutes, one_process;
    uint64_t metrics; /* of one process */
};

static enum status add_columns(struct report *r, const char *const columns[], struct error *err)
{
    enum status st = report_column_find("cpu_seconds", &r->sort, err);

    for (size_t i = 0; columns != NULL && columns[i] != NULL && st == STATUS_OK; i++)
        st = report_column_find(columns[i], &r->column[r->column_count++], err);
    for (size_t i = 0; columns == NULL && i < report_column_count; i++)
        if (report_columns[i].contract)
            r->column[r->column_count++] = &report_columns[i];
    return st;
}

static enum status report(const struct subject *subject, const struct question *q, FILE *out,
                          struct error *err)
{
    static const struct select all;
    const struct output_options options = { .format = OUTPUT_CSV };
    struct report r = { .top = 20, .aggregate = { .by = BY_PROCESS, .select = &all } };
    enum status st = add_columns(&r, q->columns, err);

    if (st == STATUS_OK) {
        report_want(&r);
        st = report_read(&r, subject, err);
    }
    if (st == STATUS_OK)
        st = report_print(&r, subject, out, &options, err);
    report_release(&r);
    return st;
}

static enum status one_process(const struct subject *subject, const struct question *q, FILE *out,
                               struct error *err)
{
    static const struct select all;
    struct export e = { .subject = subject,
                        .select = &all,
                        .file = out,
                        .output = { .format = OUTPUT_CSV },
                        .only = 1,
                        .metrics = q->metrics };

    return export_samples(&e, recording_table(subject->recording, "process_samples"), err);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static enum status ask(const struct subject *whole, const struct question *q, FILE *out,
                       struct error *err)
{
    struct subject subject = *whole;
    int64_t middle_ns = whole->first_ns + (whole->last_ns - whole->first_ns) / 2;
    double cost[RUNS + 1];
    enum status st = STATUS_OK;

    if (q->five_minutes) {
        subject.whole = false;
        subject.window =
            (struct window){ middle_ns, middle_ns + FIVE_MINUTES_S * INT64_C(1000000000) };
    }
    for (int run = 0; run <= RUNS && st == STATUS_OK; run++) {
        double before = cpu_ms();

        st = q->one_process ? one_process(&subject, q, out, err) : report(&subject, q, out, err);
        cost[run] = cpu_ms() - before;
    }
    if (st != STATUS_OK)
        return st;
    qsort(cost + 1, RUNS, sizeof *cost, ascending); /* the first is the warm-up */
    printf("%s_ms=%.2f ", q->name, cost[1 + RUNS / 2]);
    return STATUS_OK;
}

int main(int argc, char *argv[])
{
    static const struct question questions[] = {
        { .name = "top", .columns = four },
        { .name = "window", .columns = four, .five_minutes = true },
        { .name = "report" },
        { .name = "process_column", .one_process = true, .metrics = 1 },
        { .name = "process", .one_process = true, .metrics = UINT64_MAX },
    };
    struct options options = { .file = argc > 1 ? argv[1] : NULL };
    struct subject subject = { 0 };
    struct error err;
    enum status st;
    FILE *out = fopen("/dev/null", "we");

    if (argc < 2 || argc > 3 || out == NULL) {
        fprintf(stderr, "usage: bench_query RECORDING [QUESTION]\n");
        return 2;
    }
    heap_keep(); /* as procscope itself does */
    st = subject_open(&subject, &options, &err);
    for (size_t i = 0; i < COUNT_OF(questions) && st == STATUS_OK; i++)
        if (argc < 3 || strcmp(argv[2], questions[i].name) == 0)
            st = ask(&subject, &questions[i], out, &err);
    (void)printf("\n");
    if (st != STATUS_OK)
        fprintf(stderr, "bench_query: %s\n", err.message);
    subject_close(&subject);
    (void)fclose(out);
    return st == STATUS_OK ? 0 : 1;
}
