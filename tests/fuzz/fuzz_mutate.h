/*
 * Changes inside of pieces: libFuzzer's own would need luck to make a piece longer and its length
 * right at once. Three times out of four one piece is changed and its length set, else any byte is.
 */
#ifndef TESTS_FUZZ_MUTATE_H
#define TESTS_FUZZ_MUTATE_H

#include <string.h>

#include "tests/fuzz/fuzz_input.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

enum { FUZZ_PIECE_MAX = 65535, FUZZ_PIECES_MAX = 1024 };

/* Where the pieces begin of which an input is made. */
struct fuzz_pieces {
    const uint8_t *start[FUZZ_PIECES_MAX];
    size_t count;
};

static inline void fuzz_note_piece(struct fuzz_pieces *pieces, struct fuzz_input *in)
{
    if (in->size >= 2 && pieces->count < FUZZ_PIECES_MAX)
        pieces->start[pieces->count++] = in->data;
    (void)fuzz_piece(in);
}

/* Those of what struct fuzz_source takes. */
static inline void fuzz_note_chunks(struct fuzz_pieces *pieces, struct fuzz_input *in)
{
    while (in->size > 0) {
        (void)fuzz_word(in);
        fuzz_note_piece(pieces, in);
        for (size_t count = fuzz_byte(in); count > 0 && in->size > 0; count--)
            fuzz_note_piece(pieces, in);
    }
}

/* Change one of the pieces of data[size], which lie in it; the answer is the new size. */
static inline size_t fuzz_mutate(const struct fuzz_pieces *pieces, uint8_t *data, size_t size,
                                 size_t max_size, unsigned int seed)
{
    static uint8_t changed[FUZZ_PIECE_MAX];
    struct fuzz_input in, piece;
    size_t at, after, room, now;

    if (seed % 4 == 0 || pieces->count == 0 || size >= max_size)
        return LLVMFuzzerMutate(data, size, max_size);
    at = (size_t)(pieces->start[seed / 4 % pieces->count] - data);
    in = (struct fuzz_input){ data + at, size - at };
    piece = fuzz_piece(&in);
    after = in.size;
    room = piece.size + max_size - size;
    memcpy(changed, piece.data, piece.size);
    now = LLVMFuzzerMutate(changed, piece.size, room < sizeof changed ? room : sizeof changed);
    memmove(data + at + 2 + now, data + size - after, after);
    memcpy(data + at + 2, changed, now);
    data[at] = (uint8_t)now;
    data[at + 1] = (uint8_t)(now >> 8);
    return at + 2 + now + after;
}

#endif
