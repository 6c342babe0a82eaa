/* Reads the last block of each earlier session of a boot. */
#include "analyzer/carry.h"

#include <stdlib.h>
#include <string.h>

void carry_release(struct carry *carry)
{
    free(carry->values);
    *carry = (struct carry){ 0 };
}

static int compare_keys(const int64_t a[2], const int64_t b[2])
{
    int which = a[0] == b[0];

    return (a[which] > b[which]) - (a[which] < b[which]);
}

static int by_key(const void *a, const void *b)
{
    const struct carry_value *x = a, *y = b;
    int order = compare_keys(x->key, y->key);

    return order != 0 ? order : (x->age > y->age) - (x->age < y->age);
}

bool carry_find(const struct carry *carry, const int64_t key[2], int64_t *value)
{
    size_t low = 0, high = carry->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_keys(carry->values[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == carry->count || compare_keys(carry->values[low].key, key) != 0)
        return false;
    *value = carry->values[low].value;
    return true;
}

static enum status add(struct carry *carry, const int64_t key[2], int64_t value, size_t age,
                       struct error *err)
{
    if (carry->count == carry->size) {
        size_t more = carry->size == 0 ? 256 : carry->size * 2;
        struct carry_value *larger = realloc(carry->values, more * sizeof *larger);

        if (larger == NULL)
            return error_set(err, STATUS_NO_MEMORY, "values of an earlier session");
        carry->values = larger;
        carry->size = more;
    }
    carry->values[carry->count++] = (struct carry_value){ { key[0], key[1] }, value, age };
    return STATUS_OK;
}

/* The last present value of each series that goes on after the block. */
static enum status take_block(struct carry *carry, const struct block_table *d,
                              const struct block_column *column, size_t age, struct error *err)
{
    for (size_t i = 0; i < d->series_count; i++) {
        const struct series *s = &d->series[i];
        const uint8_t *missing = column->missing == NULL ? NULL : column->missing + d->row[i];
        uint32_t k = s->count;
        bool known = (s->flags & SERIES_BORN) != 0 || column->base_ns[i] != INT64_MIN;
        int64_t value = (s->flags & SERIES_BORN) != 0 ? 0 : column->base[i];

        while (k > 0 && missing != NULL && missing[k - 1] != MISSING_NONE)
            k--;
        if (k > 0)
            value = column->value[d->row[i] + k - 1];
        if ((s->flags & SERIES_ENDED) == 0 && (known || k > 0) &&
            add(carry, s->key, value, age, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

/* ABSENT: the block has nothing of the table. */
static enum status read_block(struct carry *carry, struct recording *recording,
                              const struct recording_block *block,
                              const struct recording_table *table, size_t position, size_t age,
                              struct error *err)
{
    struct block_ticks ticks = { 0 };
    struct block_table directory = { 0 };
    struct block_column column = { 0 };
    enum status st = recording_ticks(recording, block, &ticks, err);

    if (st == STATUS_OK)
        st = recording_directory(recording, block, table, &ticks, &directory, err);
    if (st == STATUS_OK)
        st = recording_column(recording, &directory, directory.shape->first_column[position],
                              series_all, &column, err);
    if (st == STATUS_OK)
        st = take_block(carry, &directory, &column, age, err);
    block_column_release(&column);
    block_table_release(&directory);
    block_ticks_release(&ticks);
    return st;
}

enum status carry_load(struct carry *carry, struct recording *recording,
                       const struct recording_table *table, size_t position, size_t session,
                       struct error *err)
{
    const struct recording_contents *c = recording_contents(recording);
    size_t read = session; /* the session whose end was read last */

    if (carry->loaded && carry->session == session)
        return STATUS_OK;
    carry->loaded = true;
    carry->session = session;
    carry->count = 0;
    for (size_t b = c->block_count[0]; b > 0; b--) {
        const struct recording_block *block = &c->blocks[0][b - 1];
        enum status st;

        if (block->session >= read ||
            strcmp(c->sessions[block->session].boot_id, c->sessions[session].boot_id) != 0)
            continue;
        st = read_block(carry, recording, block, table, position, session - block->session, err);
        if (st != STATUS_OK && st != STATUS_ABSENT)
            return st;
        if (st == STATUS_OK)
            read = block->session;
    }
    if (carry->count > 1)
        qsort(carry->values, carry->count, sizeof *carry->values, by_key);
    return STATUS_OK;
}
