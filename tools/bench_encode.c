/*
 * What the writer costs: CPU time of ticks into tail records, commits, sealed chunks and rollups.
 * Takes the options of make_recording; the time in which ticks are made up is left out.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "tools/generate_ticks.h"

static int64_t cpu_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

struct cost {
    int64_t tail_ns, tail_ticks; /* calls that sealed nothing */
    int64_t seal_ns, seal_ticks; /* calls that sealed a block before they took the tick */
    struct writer_stats stats;
};

static enum status one_tick(struct generate_ticks *ticks, struct writer *writer, struct cost *cost,
                            struct error *err)
{
    int64_t blocks = cost->stats.blocks;
    int64_t before_ns, spent_ns;
    enum status st = generate_ticks_next(ticks, err);

    if (st != STATUS_OK)
        return st;
    before_ns = cpu_ns();
    st = writer_tick(writer, &ticks->tick, err);
    spent_ns = cpu_ns() - before_ns;
    if (st != STATUS_OK)
        return st;
    writer_stats(writer, &cost->stats);
    *(cost->stats.blocks > blocks ? &cost->seal_ns : &cost->tail_ns) += spent_ns;
    ++*(cost->stats.blocks > blocks ? &cost->seal_ticks : &cost->tail_ticks);
    return generate_ticks_after(ticks, writer, err);
}

static void print_cost(const struct cost *cost)
{
    double samples = (double)cost->stats.process_samples;
    double tick_ns = (double)cost->tail_ns / (double)cost->tail_ticks;
    double tail_ns = tick_ns * (double)(cost->tail_ticks + cost->seal_ticks);
    double all_ns = (double)(cost->tail_ns + cost->seal_ns);

    printf("tail_ns=%.1f seal_ns=%.1f all_ns=%.1f samples=%.0f blocks=%" PRId64 "\n",
           tail_ns / samples, (all_ns - tail_ns) / samples, all_ns / samples, samples,
           cost->stats.blocks);
}

static enum status measure(const struct generate_options *options, struct cost *cost,
                           struct error *err)
{
    struct writer_options to = { .path = options->path,
                                 .commit_ns = options->commit_ns,
                                 .sync_ns = options->sync_ns };
    struct session_facts facts;
    struct generate_ticks ticks;
    struct writer *writer = NULL;
    struct error unused = { 0 };
    int64_t before_ns;
    enum status st = generate_ticks_init(&ticks, options, &facts, err);

    if (st == STATUS_OK)
        st = writer_open(&writer, &to, &facts, err);
    for (int64_t s = 0; s < options->seconds && st == STATUS_OK; s++)
        st = one_tick(&ticks, writer, cost, err);
    before_ns = cpu_ns();
    if (writer != NULL) {
        enum status closed = writer_close(writer, "stop", st == STATUS_OK ? err : &unused);

        st = st == STATUS_OK ? closed : st;
    }
    cost->seal_ns += cpu_ns() - before_ns; /* the last block, and the hours */
    generate_ticks_release(&ticks);
    return st;
}

int main(int argc, char *argv[])
{
    struct generate_options options;
    struct error err = { 0 };
    struct cost cost = { 0 };

    if (generate_options_parse(&options, argc, argv, &err) != STATUS_OK) {
        fprintf(stderr, "bench_encode: %s\n%s", err.message, generate_usage);
        return 2;
    }
    if (measure(&options, &cost, &err) != STATUS_OK) {
        fprintf(stderr, "bench_encode: %s\n", err.message);
        return 1;
    }
    print_cost(&cost);
    return 0;
}
