/*
 * A table of a block: its directory and every column, with the lifetimes and reference values that
 * it leans on. A byte chooses table and level, a piece is the tick axis, the rest are chunks: see
 * struct fuzz_source.
 */
#include "tests/fuzz/fuzz_encode.h"
#include "tests/fuzz/fuzz_mutate.h"

#include <string.h>

#include "schema/block_rebuild.h"

/* Decoded alone, a group is what it was among all. */
static void compare_group(const struct block_table *table, const struct block_column *whole,
                          const struct block_column *part, size_t index)
{
    size_t first = index / GROUP_SERIES * GROUP_SERIES, end = first + GROUP_SERIES;
    size_t row, rows;

    if (end > table->series_count)
        end = table->series_count;
    row = table->row[first];
    rows = table->row[end] - row;
    if ((whole->missing == NULL) != (part->missing == NULL) ||
        memcmp(whole->value + row, part->value + row, rows * sizeof *whole->value) != 0 ||
        memcmp(whole->base + first, part->base + first, (end - first) * sizeof *whole->base) != 0 ||
        (whole->missing != NULL && memcmp(whole->missing + row, part->missing + row, rows) != 0))
        abort();
}

static void read_columns(const struct block_table *table, struct fuzz_source *s,
                         struct decompressor *d)
{
    struct block_column column = { 0 }, part = { 0 };
    size_t one = table->series_count - 1;
    uint64_t sum = 0;

    for (size_t c = 0; c < table->shape->column_count; c++) {
        struct error err = { 0 };
        enum status st = block_column_decode(&column, table, c, series_all, fuzz_give, s, d, &err);

        fuzz_check(st, &err);
        if (st != STATUS_OK)
            continue;
        for (size_t row = 0; row < table->row[table->series_count]; row++)
            sum += (uint64_t)column.value[row] + (column.missing == NULL ? 0 : column.missing[row]);
        for (size_t i = 0; i < table->series_count; i++)
            sum += (uint64_t)column.base[i] ^ (uint64_t)column.base_ns[i];
        if (block_column_decode(&part, table, c, series_group(one), fuzz_give, s, d, &err) !=
            STATUS_OK)
            abort();
        compare_group(table, &column, &part, one);
    }
    block_column_release(&column);
    block_column_release(&part);
    if (sum == 1)
        (void)sum;
}

/* Some series alone say what they say among all; what was damaged elsewhere is not seen. */
static void read_some(const struct block_table *whole, const struct block_ticks *ticks,
                      struct fuzz_source *s, struct decompressor *d)
{
    struct series_range some = { .first = whole->series_count / 3 };
    struct reference_keys keys = { 0 };
    struct block_table table = { 0 };
    struct block_column all = { 0 }, column = { 0 };
    struct error err = { 0 };
    enum status st =
        block_table_open(&table, &whole->place, whole->shape, ticks, &keys, fuzz_give, s, d, &err);

    some.end = some.first + 1 + whole->series_count / 5;
    if (st == STATUS_OK)
        st = block_table_activity(&table, some, d, &err);
    fuzz_check(st, &err);
    for (size_t c = 0; st == STATUS_OK && c < table.shape->column_count; c++) {
        if (block_column_decode(&all, whole, c, series_all, fuzz_give, s, d, &err) != STATUS_OK)
            continue;
        st = block_column_decode(&column, &table, c, some, fuzz_give, s, d, &err);
        if (st != STATUS_OK && st != STATUS_NO_MEMORY)
            abort();
        for (size_t i = some.first; st == STATUS_OK && i < some.end && i < table.series_count; i++)
            if (memcmp(all.value + whole->row[i], column.value + table.row[i],
                       table.series[i].count * sizeof *all.value) != 0)
                abort();
    }
    block_column_release(&all);
    block_column_release(&column);
    block_table_release(&table);
    reference_keys_release(&keys);
}

/* One key alone, too; of a key that nobody has there is nothing, whatever else is damaged. */
static void read_key(const struct block_table *whole, int64_t key, const struct block_ticks *ticks,
                     struct fuzz_source *s, struct decompressor *d)
{
    struct reference_keys keys = { 0 };
    struct block_table table = { 0 };
    struct block_column all = { 0 }, column = { 0 };
    struct error err = { 0 };
    enum status st = block_table_open_of(&table, key, &whole->place, whole->shape, ticks, &keys,
                                         fuzz_give, s, d, &err);

    if (st == STATUS_OK)
        st = block_table_activity(&table, table.known, d, &err);
    if (st != STATUS_ABSENT)
        fuzz_check(st, &err);
    for (size_t c = 0; st == STATUS_OK && c < table.shape->column_count; c++) {
        if (block_column_decode(&all, whole, c, series_all, fuzz_give, s, d, &err) != STATUS_OK)
            continue;
        st = block_column_decode(&column, &table, c, table.known, fuzz_give, s, d, &err);
        if (st != STATUS_OK && st != STATUS_NO_MEMORY)
            abort();
        for (size_t i = table.known.first; st == STATUS_OK && i < table.known.end; i++)
            if (table.series[i].key[0] != whole->series[i].key[0] ||
                memcmp(all.value + whole->row[i], column.value + table.row[i],
                       whole->series[i].count * sizeof *all.value) != 0)
                abort();
    }
    block_column_release(&all);
    block_column_release(&column);
    block_table_release(&table);
    reference_keys_release(&keys);
}

/* Recovery turns stored blocks back into builds, and folds these once more. */
static void rebuild(const struct build_shape *shape, const struct chunk_place *place,
                    const struct block_ticks *ticks, struct fuzz_source *s, struct decompressor *d)
{
    struct build build;
    struct error err = { 0 };
    enum status st = build_init(&build, shape, &err);

    if (st == STATUS_OK)
        st = block_rebuild(&build, place, ticks, fuzz_give, s, d, &err);
    fuzz_check(st, &err);
    if (st == STATUS_OK)
        fuzz_encode(&build, place, ticks);
    build_release(&build);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_source s = { .in = { data, size } };
    uint8_t which = fuzz_byte(&s.in);
    struct chunk_place place = { .level = (which >> 4 & 3) % LEVEL_COUNT,
                                 .table_id = which & 3,
                                 .block_seq = 7 };
    struct fuzz_input axis = fuzz_piece(&s.in);
    struct decompressor d = { 0 };
    struct build_shape shape;
    struct block_ticks ticks;
    struct block_table table = { 0 };
    struct error err = { 0 };
    enum status st = block_ticks_decode(&ticks, axis.data, axis.size, &err);

    build_shape_of_table(&shape, (enum table_id)place.table_id, place.level);
    if (st == STATUS_OK) {
        if ((which & 128) != 0)
            rebuild(&shape, &place, &ticks, &s, &d);
        st = block_table_decode(&table, &place, &shape, &ticks, fuzz_give, &s, &d, &err);
        fuzz_check(st, &err);
        if (st == STATUS_OK) {
            read_columns(&table, &s, &d);
            read_some(&table, &ticks, &s, &d);
            read_key(&table, table.series[table.series_count / 2].key[0], &ticks, &s, &d);
        }
    }
    block_table_release(&table);
    block_ticks_release(&ticks);
    decompressor_release(&d);
    fuzz_chunks_release(&s.chunks);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    struct fuzz_input in = { data, size };
    struct fuzz_pieces pieces = { .count = 0 };

    (void)fuzz_byte(&in);
    fuzz_note_piece(&pieces, &in);
    fuzz_note_chunks(&pieces, &in);
    return fuzz_mutate(&pieces, data, size, max_size, seed);
}
