/*
 * Bounded byte writer and reader: little-endian scalars and varints.
 *
 * Both remember the first overrun in a flag, so that a run of puts or gets needs one check at its
 * end. After an overrun a reader returns zeros, a writer drops bytes.
 */
#ifndef SCHEMA_BYTES_H
#define SCHEMA_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "schema/error.h"

__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

/* Grows by reallocation up to `limit`; zero-initialised is empty and ready. */
struct byte_writer {
    uint8_t *data;
    size_t used;
    size_t size;
    bool full; /* an allocation failed; bytes were dropped */
};

struct byte_reader {
    const uint8_t *data;
    size_t size;
    size_t used;
    bool overrun; /* a get went past the end or found no valid varint */
};

/* Room for `more` bytes; false and `full` set when memory ran out. */
bool bytes_reserve(struct byte_writer *w, size_t more);
void bytes_release(struct byte_writer *w);

/* bytes_reset; but what was exceptionally much, most of which the latest use had no need for, is freed. */
void bytes_reset_lean(struct byte_writer *w);

static inline void bytes_reset(struct byte_writer *w)
{
    w->used = 0;
    w->full = false;
}

static inline uint64_t zigzag(uint64_t value)
{
    return (value << 1) ^ (uint64_t)((int64_t)value >> 63);
}

static inline uint64_t unzigzag(uint64_t value)
{
    return (value >> 1) ^ (~(value & 1) + 1);
}

/* Sum and difference that wrap: figures of a damaged file may be anything. */
static inline int64_t wrap_add(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static inline int64_t wrap_subtract(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static inline void bytes_put_u8(struct byte_writer *w, uint8_t value)
{
    if (w->used == w->size && !bytes_reserve(w, 1))
        return;
    w->data[w->used++] = value;
}

/* LEB128: 7 bits a byte, low bits first, at most 10 bytes. */
static inline void bytes_put_varint(struct byte_writer *w, uint64_t value)
{
    if (w->size - w->used < 10 && !bytes_reserve(w, 10))
        return;
    while (value >= 128) {
        w->data[w->used++] = (uint8_t)(value | 128);
        value >>= 7;
    }
    w->data[w->used++] = (uint8_t)value;
}

static inline void bytes_put_zigzag(struct byte_writer *w, int64_t value)
{
    bytes_put_varint(w, zigzag((uint64_t)value));
}

void bytes_put_u32(struct byte_writer *w, uint32_t value);
void bytes_put_u64(struct byte_writer *w, uint64_t value);
void bytes_put(struct byte_writer *w, const void *data, size_t size);
/* A varint length, then the bytes. */
void bytes_put_block(struct byte_writer *w, const void *data, size_t size);

static inline uint8_t bytes_get_u8(struct byte_reader *r)
{
    if (r->used >= r->size) {
        r->overrun = true;
        return 0;
    }
    return r->data[r->used++];
}

uint64_t bytes_get_varint_slow(struct byte_reader *r);

static inline uint64_t bytes_get_varint(struct byte_reader *r)
{
    if (r->used < r->size && r->data[r->used] < 128)
        return r->data[r->used++];
    return bytes_get_varint_slow(r);
}

/* Leave out so many, of whatever length; what a longest one would overrun is not looked at. */
void bytes_skip_varints(struct byte_reader *r, uint64_t count);

static inline int64_t bytes_get_zigzag(struct byte_reader *r)
{
    return (int64_t)unzigzag(bytes_get_varint(r));
}

uint32_t bytes_get_u32(struct byte_reader *r);
uint64_t bytes_get_u64(struct byte_reader *r);
/* `size` bytes inside the reader's data; NULL and `overrun` when fewer are left. */
const uint8_t *bytes_get(struct byte_reader *r, size_t size);
/* What bytes_put_block wrote; NULL when the length runs past the end. */
const uint8_t *bytes_get_block(struct byte_reader *r, size_t *size);

static inline size_t bytes_left(const struct byte_reader *r)
{
    return r->size - r->used;
}

/* CRC-32C (Castagnoli, RFC 3720 B.4), of `size` bytes continuing from `crc`; start with 0. */
uint32_t crc32c(uint32_t crc, const void *data, size_t size);

#endif
