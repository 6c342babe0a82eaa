/*
 * A table of a block: its directory and every column. A byte chooses table and level, a piece is
 * the tick axis, the rest are chunks in the order in which they are asked for, each
 * behind a byte that is 0 where there is none.
 */
#include "tests/fuzz/fuzz_input.h"

#include "schema/block_rebuild.h"

struct source {
    struct fuzz_input in;
    struct fuzz_chunks chunks;
};

static enum status give(void *context, const struct chunk_place *place, const uint8_t **data,
                        size_t *size, struct error *err)
{
    struct source *s = context;

    (void)err;
    if (fuzz_byte(&s->in) == 0)
        return STATUS_ABSENT;
    fuzz_wrap(&s->chunks, place, &s->in);
    *data = s->chunks.chunk.data;
    *size = s->chunks.chunk.used;
    return STATUS_OK;
}

static void read_columns(const struct block_table *table, struct source *s, struct decompressor *d)
{
    struct block_column column = { 0 };
    uint64_t sum = 0;

    for (size_t c = 0; c < table->shape->column_count; c++) {
        struct error err = { 0 };
        enum status st = block_column_decode(&column, table, c, SIZE_MAX, give, s, d, &err);

        fuzz_check(st, &err);
        for (size_t row = 0; st == STATUS_OK && row < table->row[table->series_count]; row++)
            sum += (uint64_t)column.value[row] + (column.missing == NULL ? 0 : column.missing[row]);
        for (size_t i = 0; st == STATUS_OK && i < table->series_count; i++)
            sum += (uint64_t)column.base[i] ^ (uint64_t)column.base_ns[i];
    }
    block_column_release(&column);
    if (sum == 1)
        (void)sum;
}

/* Recovery turns stored blocks back into builds. */
static void rebuild(const struct build_shape *shape, const struct chunk_place *place,
                    const struct block_ticks *ticks, const struct source *from,
                    struct decompressor *d)
{
    struct source s = { .in = from->in };
    struct build build;
    struct error err = { 0 };

    if (build_init(&build, shape, &err) == STATUS_OK)
        fuzz_check(block_rebuild(&build, place, ticks, give, &s, d, &err), &err);
    build_release(&build);
    fuzz_chunks_release(&s.chunks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source s = { .in = { data, size } };
    uint8_t which = fuzz_byte(&s.in);
    struct chunk_place place = { .level = which >> 4 & 1, .table_id = which & 3, .block_seq = 7 };
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
        st = block_table_decode(&table, &place, &shape, &ticks, give, &s, &d, &err);
        fuzz_check(st, &err);
        if (st == STATUS_OK)
            read_columns(&table, &s, &d);
    }
    block_table_release(&table);
    block_ticks_release(&ticks);
    decompressor_release(&d);
    fuzz_chunks_release(&s.chunks);
    return 0;
}
