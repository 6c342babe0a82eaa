/* The lifetimes of a block: chunks in the order in which they are asked for, 0 where there is none. */
#include "tests/fuzz/fuzz_input.h"

#include "schema/identity.h"

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

/* Touch every byte of every name. */
static void read_names(const struct lifetimes *lifetimes)
{
    uint32_t crc = 0;

    for (size_t i = 0; i < lifetimes->count; i++)
        for (size_t v = 0; v < lifetimes->process[i].version_count; v++)
            for (size_t t = 0; t < PROCESS_TEXT_COUNT; t++) {
                const struct text *text = &lifetimes->process[i].versions[v].text[t];

                if (text->data != NULL)
                    crc = crc32c(crc, text->data, text->size);
            }
    if (crc == 1)
        (void)crc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source s = { .in = { data, size } };
    struct decompressor d = { 0 };
    struct lifetimes lifetimes;
    struct build_shape shape;
    struct error err = { 0 };
    enum status st;

    build_shape_of_table(&shape, TABLE_PROCESS, 1);
    st = lifetimes_decode(&lifetimes, 3, &shape, give, &s, &d, &err);
    fuzz_check(st, &err);
    if (st == STATUS_OK)
        read_names(&lifetimes);
    lifetimes_release(&lifetimes);
    decompressor_release(&d);
    fuzz_chunks_release(&s.chunks);
    return 0;
}
