/*
 * Tail records, a piece each, behind their checksums. What they make is encoded as a reader would,
 * so that a hostile tail cannot build what sealing trips over.
 */
#include "tests/fuzz/fuzz_encode.h"
#include "tests/fuzz/fuzz_mutate.h"

#include "schema/open_block.h"

static void encode(struct open_block *block)
{
    for (uint32_t t = 0; t < TABLE_COUNT; t++) {
        struct chunk_place place = { .table_id = t, .block_seq = 1 };

        fuzz_encode(&block->build[t], &place, &block->ticks);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };
    struct open_block block;
    struct error err = { 0 };
    enum status st = open_block_init(&block, &err);

    while (st == STATUS_OK && in.size > 0) {
        struct fuzz_input piece = fuzz_piece(&in);
        struct byte_reader record = { .data = piece.data, .size = piece.size };

        st = tail_get(&block, &record, &err);
        fuzz_check(st, &err);
    }
    if (st == STATUS_OK && block.ticks.count > 0)
        encode(&block);
    open_block_release(&block);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    struct fuzz_input in = { data, size };
    struct fuzz_pieces pieces = { .count = 0 };

    while (in.size > 0)
        fuzz_note_piece(&pieces, &in);
    return fuzz_mutate(&pieces, data, size, max_size, seed);
}
