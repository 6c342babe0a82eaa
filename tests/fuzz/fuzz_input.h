/*
 * A fuzzer's bytes cut into pieces, and pieces wrapped as chunks with right checksums: what a
 * hostile writer could make, so that the fuzzer's time goes to what lies behind the checksums.
 */
#ifndef TESTS_FUZZ_INPUT_H
#define TESTS_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "schema/chunk.h"
#include "schema/identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_input {
    const uint8_t *data;
    size_t size;
};

static inline uint8_t fuzz_byte(struct fuzz_input *in)
{
    if (in->size == 0)
        return 0;
    in->size--;
    return *in->data++;
}

/* Two bytes, the lower first. */
static inline uint32_t fuzz_word(struct fuzz_input *in)
{
    uint32_t low = fuzz_byte(in);

    return low | (uint32_t)fuzz_byte(in) << 8;
}

/* A length, and so many bytes or what is left. */
static inline struct fuzz_input fuzz_piece(struct fuzz_input *in)
{
    size_t size = fuzz_word(in);
    struct fuzz_input piece = { in->data, size < in->size ? size : in->size };

    in->data += piece.size;
    in->size -= piece.size;
    return piece;
}

/* What wrapping needs and keeps; release with fuzz_chunks_release. */
struct fuzz_chunks {
    struct byte_writer base, groups, chunk;
};

static inline void fuzz_chunks_release(struct fuzz_chunks *c)
{
    bytes_release(&c->base);
    bytes_release(&c->groups);
    bytes_release(&c->chunk);
}

/* A piece in a plain frame: zstd would take most of the fuzzer's time. */
static inline void fuzz_frame(struct fuzz_input piece, struct byte_writer *w)
{
    bytes_put_u8(w, 0);
    bytes_put(w, piece.data, piece.size);
    bytes_put_u32(w, crc32c(0, piece.data, piece.size));
    if (w->full)
        abort();
}

/* The chunk of `place`: a piece for the base, a count, and a piece for each group. */
static inline void fuzz_wrap(struct fuzz_chunks *c, const struct chunk_place *place,
                             struct fuzz_input *in)
{
    size_t sizes[256] = { 0 }, count;

    bytes_reset(&c->base);
    bytes_reset(&c->groups);
    bytes_reset(&c->chunk);
    fuzz_frame(fuzz_piece(in), &c->base);
    count = fuzz_byte(in);
    for (size_t g = 0; g < count; g++) {
        struct fuzz_input group = fuzz_piece(in);
        size_t before = c->groups.used;

        if (group.size > 0)
            fuzz_frame(group, &c->groups);
        sizes[g] = c->groups.used - before;
    }
    chunk_put(&c->chunk, place, &c->base, sizes, count, &c->groups);
}

/* Past what fuzz_wrap takes. */
static inline void fuzz_skip(struct fuzz_input *in)
{
    (void)fuzz_piece(in);
    for (size_t count = fuzz_byte(in); count > 0; count--)
        (void)fuzz_piece(in);
}

/*
 * Chunks until the input's end, each behind a word that names it: the column in the lower twelve
 * bits, above them 0 for samples, 1 for lifetimes, 2 for strings. Their order means nothing, so
 * that a change of one does not move the others; of those with one name the first is given.
 */
struct fuzz_source {
    struct fuzz_input in;
    struct fuzz_chunks chunks;
};

/* A chunk_source. Any block's chunks are these. */
static inline enum status fuzz_give(void *context, const struct chunk_place *place,
                                    const uint8_t **data, size_t *size, struct error *err)
{
    struct fuzz_source *s = context;
    struct fuzz_input in = s->in;
    uint32_t table = place->table_id == LIFETIME_TABLE ? 1
                     : place->table_id == STRING_TABLE ? 2
                                                       : 0;

    (void)err;
    while (in.size > 0) {
        if (fuzz_word(&in) != (table << 12 | place->column_id)) {
            fuzz_skip(&in);
            continue;
        }
        fuzz_wrap(&s->chunks, place, &in);
        *data = s->chunks.chunk.data;
        *size = s->chunks.chunk.used;
        return STATUS_OK;
    }
    return STATUS_ABSENT;
}

/* An error has a message; anything else is a broken promise. */
static inline void fuzz_check(enum status st, const struct error *err)
{
    if (st != STATUS_OK && st != STATUS_ABSENT && (err->message[0] == '\0' || err->status != st))
        abort();
}

#endif
