/* Last values of a block's series, by process. */
#include "analyzer/carry.h"

#include <stdlib.h>

#include "analyzer/rate.h"

static int by_process(const void *a, const void *b)
{
    const struct carried *x = a, *y = b;

    return x->process_id < y->process_id ? -1 : x->process_id > y->process_id;
}

static enum status take(struct carry *carry, const struct block_table *directory,
                        const struct block_column *column, struct error *err)
{
    carry->list = calloc(directory->series_count + 1, sizeof *carry->list);
    if (carry->list == NULL)
        return error_set(err, STATUS_NO_MEMORY, "last values");
    for (size_t i = 0; i < directory->series_count; i++) {
        struct rate_walk walk;
        struct interval in;
        bool any = false;

        rate_begin(&walk, directory, column, i);
        while (rate_next(&walk, &in))
            any = true;
        if (any)
            carry->list[carry->count++] =
                (struct carried){ directory->series[i].key[0], in.value };
    }
    if (carry->count > 1)
        qsort(carry->list, carry->count, sizeof *carry->list, by_process);
    return STATUS_OK;
}

enum status carry_load(struct carry *carry, struct recording *rec,
                       const struct recording_block *block, const struct recording_table *table,
                       size_t metric, struct error *err)
{
    struct block_ticks ticks;
    struct block_table directory = { 0 };
    struct block_column column = { 0 };
    enum status st = recording_ticks(rec, block, &ticks, err);

    carry_release(carry);
    if (st != STATUS_OK)
        return st;
    st = recording_directory(rec, block, table, &ticks, &directory, err);
    if (st == STATUS_OK)
        st = recording_column(rec, &directory, directory.shape->first_column[metric], SIZE_MAX,
                              &column, err);
    if (st == STATUS_OK)
        st = take(carry, &directory, &column, err);
    block_column_release(&column);
    block_table_release(&directory);
    block_ticks_release(&ticks);
    return st == STATUS_ABSENT ? STATUS_OK : st;
}

const struct carried *carry_find(const struct carry *carry, int64_t process_id)
{
    const struct carried key = { .process_id = process_id };

    if (carry->count == 0)
        return NULL;
    return bsearch(&key, carry->list, carry->count, sizeof *carry->list, by_process);
}

void carry_release(struct carry *carry)
{
    free(carry->list);
    *carry = (struct carry){ 0 };
}
