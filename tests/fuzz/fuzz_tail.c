/*
 * Tail records, a piece each, behind their checksums. What they make is encoded as a reader would,
 * so that a hostile tail cannot build what sealing trips over.
 */
#include "tests/fuzz/fuzz_input.h"

#include "schema/open_block.h"

static enum status drop(void *context, const struct chunk_place *place,
                        const struct byte_writer *chunk, struct error *err)
{
    (void)context;
    (void)place;
    (void)chunk;
    (void)err;
    return STATUS_OK;
}

static void encode(struct open_block *block)
{
    struct block_encoder encoder = { .sink = drop };
    struct error err = { 0 };

    for (uint32_t t = 0; t < TABLE_COUNT; t++) {
        struct chunk_place place = { .table_id = t, .block_seq = 1 };

        fuzz_check(block_encode(&encoder, &block->build[t], &place, &block->ticks, &err), &err);
    }
    block_encoder_release(&encoder);
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
