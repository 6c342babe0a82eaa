/*
 * What loading costs: CPU time to decode every column of every level-0 block of process_samples,
 * and with --sizes the bytes of the file by part instead.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "schema/recording.h"

static int64_t cpu_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

struct totals {
    uint64_t samples, values;
    uint64_t sum; /* of all values: nothing is optimised away, and runs can be compared */
};

static void add_values(struct totals *totals, const struct block_table *directory,
                       const struct block_column *column)
{
    size_t rows = directory->row[directory->series_count];

    totals->values += rows;
    if (rows > 0)
        totals->sum += (uint64_t)column->value[0] + (uint64_t)column->value[rows - 1];
}

static enum status decode_block(struct recording *recording, const struct recording_table *table,
                                const struct recording_block *block, struct block_column *column,
                                struct totals *totals, struct error *err)
{
    struct block_ticks ticks = { 0 };
    struct block_table directory = { 0 };
    enum status st = recording_ticks(recording, block, &ticks, err);

    if (st == STATUS_OK)
        st = recording_directory(recording, block, table, &ticks, &directory, err);
    for (size_t c = 0; st == STATUS_OK && c < directory.shape->column_count; c++) {
        st = recording_column(recording, &directory, c, series_all, column, err);
        if (st == STATUS_OK)
            add_values(totals, &directory, column);
    }
    if (st == STATUS_OK)
        totals->samples += directory.row[directory.series_count];
    block_table_release(&directory);
    block_ticks_release(&ticks);
    return st == STATUS_ABSENT ? STATUS_OK : st;
}

static enum status decode_all(struct recording *recording, struct error *err)
{
    const struct recording_contents *contents = recording_contents(recording);
    const struct recording_table *table = recording_table(recording, "process_samples");
    struct block_column column = { 0 };
    struct totals totals = { 0 };
    int64_t before_ns = cpu_ns();
    enum status st = STATUS_OK;

    if (table == NULL)
        return error_set(err, STATUS_INVALID, "there are no process_samples");
    for (size_t b = 0; b < contents->block_count[0] && st == STATUS_OK; b++)
        st = decode_block(recording, table, &contents->blocks[0][b], &column, &totals, err);
    block_column_release(&column);
    if (st == STATUS_OK)
        printf("decode_ns=%.1f samples=%" PRIu64 " values=%" PRIu64 " sum=%" PRIx64 "\n",
               (double)(cpu_ns() - before_ns) / (double)totals.samples, totals.samples,
               totals.values, totals.sum);
    return st;
}

static enum status print_sizes(struct recording *recording, struct error *err)
{
    struct recording_size *sizes;
    size_t count;
    enum status st = recording_sizes(recording, &sizes, &count, err);

    for (size_t i = 0; st == STATUS_OK && i < count; i++)
        printf("%" PRId64 "\t%" PRId64 "\t%s\n", sizes[i].bytes, sizes[i].rows, sizes[i].part);
    return st;
}

int main(int argc, char *argv[])
{
    bool sizes = argc == 3 && strcmp(argv[1], "--sizes") == 0;
    struct recording *recording = NULL;
    struct error err = { 0 };
    enum status st;

    if (argc != 2 && !sizes) {
        fprintf(stderr, "usage: bench_decode [--sizes] FILE.pscope\n");
        return 2;
    }
    st = recording_open(&recording, argv[argc - 1], &err);
    if (st == STATUS_OK)
        st = sizes ? print_sizes(recording, &err) : decode_all(recording, &err);
    recording_close(recording);
    if (st != STATUS_OK)
        fprintf(stderr, "bench_decode: %s\n", err.message);
    return st == STATUS_OK ? 0 : 1;
}
