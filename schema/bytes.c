/* Byte writer and reader, and the checksum of everything that zstd does not check. */
#include "schema/bytes.h"

#include <stdlib.h>

bool bytes_reserve(struct byte_writer *w, size_t more)
{
    size_t size = w->size < 256 ? 256 : w->size;
    uint8_t *data;

    if (w->size - w->used >= more)
        return true;
    if (w->full || more > SIZE_MAX / 4 - w->used) {
        w->full = true;
        return false;
    }
    while (size - w->used < more)
        size += size / 2;
    data = realloc(w->data, size);
    if (data == NULL) {
        w->full = true;
        return false;
    }
    w->data = data;
    w->size = size;
    return true;
}

void bytes_reset_lean(struct byte_writer *w)
{
    enum { MUCH = 1 << 18 };

    if (w->size > MUCH && w->used < w->size / 4)
        bytes_release(w);
    bytes_reset(w);
}

void bytes_release(struct byte_writer *w)
{
    free(w->data);
    *w = (struct byte_writer){ 0 };
}

void bytes_put(struct byte_writer *w, const void *data, size_t size)
{
    if (size == 0 || !bytes_reserve(w, size))
        return;
    memcpy(w->data + w->used, data, size);
    w->used += size;
}

void bytes_put_u32(struct byte_writer *w, uint32_t value)
{
    for (int shift = 0; shift < 32; shift += 8)
        bytes_put_u8(w, (uint8_t)(value >> shift));
}

void bytes_put_u64(struct byte_writer *w, uint64_t value)
{
    for (int shift = 0; shift < 64; shift += 8)
        bytes_put_u8(w, (uint8_t)(value >> shift));
}

void bytes_put_block(struct byte_writer *w, const void *data, size_t size)
{
    bytes_put_varint(w, size);
    bytes_put(w, data, size);
}

/* Eight bytes as they lie, the first one lowest. */
static uint64_t word_at(const uint8_t *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
           (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
           (uint64_t)p[7] << 56;
}

/* 7 bits of each byte, moved together: of two neighbours, then of pairs, then of fours. */
static uint64_t join_sevens(uint64_t word)
{
    word &= UINT64_C(0x7f7f7f7f7f7f7f7f);
    word = (word & UINT64_C(0x007f007f007f007f)) | (word & UINT64_C(0x7f007f007f007f00)) >> 1;
    word = (word & UINT64_C(0x00003fff00003fff)) | (word & UINT64_C(0x3fff00003fff0000)) >> 2;
    return (word & UINT64_C(0x000000000fffffff)) | (word & UINT64_C(0x0fffffff00000000)) >> 4;
}

uint64_t bytes_get_varint_slow(struct byte_reader *r)
{
    uint64_t value = 0;

    if (r->used <= r->size && r->size - r->used >= sizeof(uint64_t)) {
        uint64_t word = word_at(r->data + r->used);
        uint64_t ends = ~word & UINT64_C(0x8080808080808080);

        if (ends != 0) { /* the usual case: it ends in there */
            r->used += (unsigned)__builtin_ctzll(ends) / 8 + 1;
            return join_sevens(word & (ends ^ (ends - 1)));
        }
    }
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = bytes_get_u8(r);

        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return r->overrun ? 0 : value;
    }
    r->overrun = true;
    return 0;
}

void bytes_skip_varints(struct byte_reader *r, uint64_t count)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);

    while (count > 0 && r->used <= r->size && r->size - r->used >= sizeof(uint64_t)) {
        uint64_t word, ends;

        memcpy(&word, r->data + r->used, sizeof word);
        ends = (~word >> 7 & ones) * ones >> 56; /* the last byte of each lacks the highest bit */
        if (ends >= count)
            break;
        count -= ends;
        r->used += sizeof word;
    }
    for (; count > 0 && !r->overrun; count--)
        while (bytes_get_u8(r) >= 128 && !r->overrun)
            ;
}

uint32_t bytes_get_u32(struct byte_reader *r)
{
    uint32_t value = 0;

    for (int shift = 0; shift < 32; shift += 8)
        value |= (uint32_t)bytes_get_u8(r) << shift;
    return value;
}

uint64_t bytes_get_u64(struct byte_reader *r)
{
    uint64_t low = bytes_get_u32(r);

    return low | (uint64_t)bytes_get_u32(r) << 32;
}

const uint8_t *bytes_get(struct byte_reader *r, size_t size)
{
    const uint8_t *data = r->data;

    if (r->overrun || size > bytes_left(r)) {
        r->overrun = true;
        return NULL;
    }
    if (size > 0) /* an empty reader may have no data at all */
        data += r->used;
    r->used += size;
    return data;
}

const uint8_t *bytes_get_block(struct byte_reader *r, size_t *size)
{
    uint64_t length = bytes_get_varint(r);

    *size = 0;
    if (length > bytes_left(r)) {
        r->overrun = true;
        return NULL;
    }
    *size = (size_t)length;
    return bytes_get(r, (size_t)length);
}

/* Slicing by 8; the tables are made once, by a constructor, so that no call needs a lock. */
static uint32_t crc_table[8][256];

__attribute__((constructor)) static void crc_tables(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (0x82f63b78U & (0U - (crc & 1)));
        crc_table[0][i] = crc;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int t = 1; t < 8; t++)
            crc_table[t][i] = (crc_table[t - 1][i] >> 8) ^ crc_table[0][crc_table[t - 1][i] & 255];
}

uint32_t crc32c(uint32_t crc, const void *data, size_t size)
{
    const uint8_t *p = data;

    crc = ~crc;
    for (; size >= 8; size -= 8, p += 8) {
        uint32_t low = crc ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
                              (uint32_t)p[3] << 24);

        crc = crc_table[7][low & 255] ^ crc_table[6][low >> 8 & 255] ^
              crc_table[5][low >> 16 & 255] ^ crc_table[4][low >> 24] ^ crc_table[3][p[4]] ^
              crc_table[2][p[5]] ^ crc_table[1][p[6]] ^ crc_table[0][p[7]];
    }
    while (size-- > 0)
        crc = (crc >> 8) ^ crc_table[0][(crc ^ *p++) & 255];
    return ~crc;
}
