/* Hashes that do not depend on the order of rows. */
#include "tests/support_truth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static uint64_t mix(int64_t faults, int64_t cpu)
{
    uint64_t z = (uint64_t)faults * UINT64_C(0xbf58476d1ce4e5b9) + (uint64_t)cpu;

    return (z ^ (z >> 31)) * UINT64_C(0x94d049bb133111eb);
}

uint64_t truth_of_tick(struct truth *truth, const struct tick *tick)
{
    const struct tick_table *from = &tick->table[TABLE_PROCESS];
    uint64_t hash = 0;

    for (size_t i = 0; i < from->row_count; i++) {
        int64_t *last = truth->last[from->rows[i].slot];
        size_t at = from->rows[i].at * from->width;

        if ((from->rows[i].flags & ROW_LAST) != 0)
            continue;
        if (from->rows[i].at != ROW_SAME) {
            last[0] = from->values[at + PROCESS_MINOR_FAULTS_TOTAL];
            last[1] = from->missing[at + PROCESS_CPU_NS_TOTAL] == MISSING_NONE
                          ? from->values[at + PROCESS_CPU_NS_TOTAL]
                          : -1;
        }
        hash += 1 + mix(last[0], last[1]);
    }
    return hash;
}

static void hash_block(struct recording *rec, const struct recording_block *block,
                       const struct block_ticks *ticks, uint64_t *hash)
{
    const struct recording_table *table = recording_table(rec, "process_samples");
    struct block_column faults = { 0 }, cpu = { 0 };
    struct block_table d;
    struct error err = { 0 };
    enum status st = recording_directory(rec, block, table, ticks, &d, &err);

    if (st == STATUS_ABSENT)
        return;
    if (st != STATUS_OK ||
        recording_column(rec, &d, PROCESS_MINOR_FAULTS_TOTAL, series_all, &faults, &err) !=
            STATUS_OK ||
        recording_column(rec, &d, PROCESS_CPU_NS_TOTAL, series_all, &cpu, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    for (size_t s = 0; s < d.series_count; s++) {
        bool ended = (d.series[s].flags & SERIES_ENDED) != 0;

        for (size_t row = d.row[s]; row < d.row[s + 1] - ended; row++) {
            uint32_t at = d.tick[d.series[s].first + (row - d.row[s])];
            bool none = cpu.missing != NULL && cpu.missing[row] != MISSING_NONE;

            hash[at] += 1 + mix(faults.value[row], none ? -1 : cpu.value[row]);
        }
    }
    block_column_release(&faults);
    block_column_release(&cpu);
    block_table_release(&d);
}

void truth_read(struct recording *rec, truth_visit *visit, void *context)
{
    const struct recording_contents *c = recording_contents(rec);

    for (size_t b = 0; b < c->block_count[0]; b++) {
        struct block_ticks ticks;
        struct error err = { 0 };
        uint64_t *hash;

        if (recording_ticks(rec, &c->blocks[0][b], &ticks, &err) != STATUS_OK)
            fail_msg("%s", err.message);
        hash = calloc(ticks.count + 1, sizeof *hash);
        assert_non_null(hash);
        hash_block(rec, &c->blocks[0][b], &ticks, hash);
        for (uint32_t i = 0; i < ticks.count; i++)
            visit(context, ticks.start_ns[i], hash[i]);
        free(hash);
        block_ticks_release(&ticks);
    }
}

int64_t truth_cpu_ns(const char *path)
{
    struct recording *rec;
    struct usage usage;
    struct error err = { 0 };
    int64_t sum = 0;

    if (recording_open(&rec, path, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    usage_init(&usage, &recording_table(rec, "process_samples")->shape[0]);
    for (int runs = 0; runs < 2; runs++) {
        struct recording_usage *list;
        size_t count;

        if (recording_usages(rec, runs != 0, &list, &count, &err) != STATUS_OK)
            fail_msg("%s", err.message);
        for (size_t i = 0; i < count; i++) {
            if (recording_usage(rec, &list[i], &usage, &err) != STATUS_OK)
                fail_msg("%s", err.message);
            for (size_t row = 0; row < usage.count; row++)
                sum += usage_sums(&usage, row)[PROCESS_CPU_NS_TOTAL].increase;
        }
        free(list);
    }
    usage_release(&usage);
    if (recording_contents(rec)->unclean)
        sum = -1;
    recording_close(rec);
    return sum;
}
