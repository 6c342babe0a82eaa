/* The lifetimes of a block. A piece is the tick axis, the rest chunks: see struct fuzz_source. */
#include "tests/fuzz/fuzz_mutate.h"

/* Touch every byte of every name, and every figure. */
static void read_all(const struct lifetimes *lifetimes, const struct build_shape *shape)
{
    uint32_t crc = crc32c(0, lifetimes->process, lifetimes->count * sizeof *lifetimes->process);

    for (size_t i = 0; i < lifetimes->count; i++)
        for (size_t v = 0; v < lifetimes->process[i].version_count; v++)
            for (size_t t = 0; t < PROCESS_TEXT_COUNT; t++) {
                const struct text *text = &lifetimes->process[i].versions[v].text[t];

                if (text->data != NULL)
                    crc = crc32c(crc, text->data, text->size);
            }
    crc = crc32c(crc, lifetimes->cell,
                 lifetimes->count * shape->metric_count * sizeof *lifetimes->cell);
    if (crc == 1)
        (void)crc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_source s = { .in = { data, size } };
    struct fuzz_input axis = fuzz_piece(&s.in);
    struct decompressor d = { 0 };
    struct lifetimes lifetimes = { 0 };
    struct build_shape shape;
    struct block_ticks ticks;
    struct error err = { 0 };
    enum status st = block_ticks_decode(&ticks, axis.data, axis.size, &err);

    build_shape_of_table(&shape, TABLE_PROCESS, 1);
    if (st == STATUS_OK) {
        st = lifetimes_decode(&lifetimes, 3, &ticks, &shape, fuzz_give, &s, &d, &err);
        fuzz_check(st, &err);
    }
    if (st == STATUS_OK)
        read_all(&lifetimes, &shape);
    lifetimes_release(&lifetimes);
    block_ticks_release(&ticks);
    decompressor_release(&d);
    fuzz_chunks_release(&s.chunks);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    struct fuzz_input in = { data, size };
    struct fuzz_pieces pieces = { .count = 0 };

    fuzz_note_piece(&pieces, &in);
    fuzz_note_chunks(&pieces, &in);
    return fuzz_mutate(&pieces, data, size, max_size, seed);
}
