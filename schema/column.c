/*
 * Planes: each zigzag integer is cut to the bytes it needs. All lengths come first, two to a
 * byte; then all lowest bytes, all second bytes, and so on. zstd's entropy stage then sees bytes
 * of one significance side by side (facts: 4-5 % smaller than varints, decodes faster).
 */
#include "schema/column.h"

static inline unsigned byte_length(uint64_t value)
{
    return value == 0 ? 0 : (unsigned)(71 - __builtin_clzll(value)) >> 3;
}

/* Lengths two to a byte; longer[k]: how many values are longer than k bytes. Returns the most. */
static unsigned put_lengths(const int64_t values[], size_t count, uint8_t *nibbles, size_t longer[])
{
    size_t lengths[9] = { 0 };
    unsigned most = 0;

    for (size_t i = 0; i < count; i++) {
        unsigned length = byte_length(zigzag((uint64_t)values[i]));

        lengths[length]++;
        if (i & 1)
            nibbles[i >> 1] |= (uint8_t)(length << 4);
        else
            nibbles[i >> 1] = (uint8_t)length;
    }
    for (unsigned k = 8; k > 0; k--) {
        longer[k - 1] = (k == 8 ? 0 : longer[k]) + lengths[k];
        if (most == 0 && lengths[k] > 0)
            most = k;
    }
    return most;
}

void column_encode(const int64_t values[], size_t count, struct byte_writer *w)
{
    size_t longer[8];
    uint8_t *nibbles, *plane;
    uint64_t any = 0;
    unsigned most;

    /* One byte more: a plane is written without asking whether it is full. */
    if (count == 0 || !bytes_reserve(w, (count + 1) / 2 + count * 8 + 1))
        return;
    nibbles = w->data + w->used;
    w->used += (count + 1) / 2;
    for (size_t i = 0; i < count; i++)
        any |= (uint64_t)values[i];
    if (any == 0) { /* as many columns are */
        memset(nibbles, 0, (count + 1) / 2);
        return;
    }
    most = put_lengths(values, count, nibbles, longer);
    for (unsigned k = 0; k < most; k++) {
        plane = w->data + w->used;
        for (size_t i = 0; i < count; i++) {
            uint64_t rest = zigzag((uint64_t)values[i]) >> (8 * k);

            *plane = (uint8_t)rest;
            plane += rest != 0;
        }
        w->used += longer[k];
    }
}

/* Where the values' planes are. */
struct planes {
    const uint8_t *nibbles;
    const uint8_t *plane[8];
};

/* Sixteen lengths, or as many as there are and then zeros. */
static inline uint64_t lengths_at(const uint8_t *nibbles, size_t i, size_t count)
{
    uint64_t lengths = 0;

    if (count - i >= 16) {
        memcpy(&lengths, nibbles + i / 2, sizeof lengths);
        return lengths;
    }
    memcpy(&lengths, nibbles + i / 2, (count - i + 1) / 2);
    if (((count - i) & 1) != 0) /* the spare half of the last byte */
        ((uint8_t *)&lengths)[(count - i) / 2] &= 15;
    return lengths;
}

/* Sixteen bytes of lengths side by side: an extension of gcc and clang, for any processor. */
typedef uint8_t lengths_32 __attribute__((vector_size(16)));
typedef int8_t compared_32 __attribute__((vector_size(16))); /* with sign there is an instruction */

enum { LENGTHS_32_SIZE = sizeof(lengths_32), SUMS_MAX = 126 }; /* and one more, of 2 lengths: 254 */

static inline lengths_32 load_lengths(const uint8_t *nibbles, size_t size)
{
    lengths_32 lengths = { 0 };

    memcpy(&lengths, nibbles, size);
    return lengths;
}

/* In each byte, how many of its two lengths are longer than k. */
static inline lengths_32 longer_than(lengths_32 lengths, unsigned k)
{
    compared_32 odd = (compared_32)(lengths >> 4), even = (compared_32)(lengths & 15);

    return (lengths_32) -
           ((odd > (int8_t)k) + (even > (int8_t)k)); /* a comparison that holds is -1 */
}

/* Of all bytes: in fours of two bytes, which a product adds up. */
static size_t sum_bytes(lengths_32 bytes)
{
    const uint64_t low = UINT64_C(0x00ff00ff00ff00ff), ones = UINT64_C(0x0001000100010001);
    uint64_t half[2];

    memcpy(half, &bytes, sizeof half);
    for (size_t i = 0; i < 2; i++)
        half[i] = ((half[i] & low) + (half[i] >> 8 & low)) * ones >> 48;
    return (size_t)(half[0] + half[1]);
}

/*
 * longer[k], zeros before: how many of the first `count` lengths are longer than k bytes, k < 16. Hardly any column
 * has values of many bytes, and no more k are looked at than occur.
 */
static void count_longer(const uint8_t *nibbles, size_t count, size_t longer[16])
{
    size_t whole = count / 2 / LENGTHS_32_SIZE * LENGTHS_32_SIZE;
    lengths_32 rest = load_lengths(nibbles + whole, (count + 1) / 2 - whole);

    if ((count & 1) != 0) /* the spare half of the last byte */
        rest[count / 2 - whole] &= 15;
    for (unsigned k = 0; k < 16 && (k == 0 || longer[k - 1] != 0); k++) {
        lengths_32 sums = longer_than(rest, k);
        size_t at = 0;

        do {
            size_t more =
                whole - at < SUMS_MAX * LENGTHS_32_SIZE ? whole - at : SUMS_MAX * LENGTHS_32_SIZE;

            for (size_t end = at + more; at < end; at += LENGTHS_32_SIZE)
                sums += longer_than(load_lengths(nibbles + at, LENGTHS_32_SIZE), k);
            longer[k] += sum_bytes(sums);
            sums = (lengths_32){ 0 };
        } while (at < whole);
    }
}

static enum status find_planes(struct byte_reader *r, size_t count, struct planes *p,
                               struct error *err)
{
    size_t longer[17] = { 0 };

    p->nibbles = bytes_get(r, count / 2 + (count & 1));
    if (p->nibbles == NULL)
        return error_set(err, STATUS_CORRUPT, "lengths of %zu values are cut short", count);
    count_longer(p->nibbles, count, longer);
    for (unsigned k = 9; k < 16; k++)
        if (longer[k - 1] != longer[k])
            return error_set(err, STATUS_CORRUPT, "a value of %u bytes", k);
    for (int k = 0; k < 8; k++) {
        p->plane[k] = bytes_get(r, longer[k]);
        if (p->plane[k] == NULL)
            return error_set(err, STATUS_CORRUPT, "plane %d of %zu values is cut short", k, count);
    }
    return STATUS_OK;
}

/* Pass over the first values. */
static void skip_values(struct planes *p, size_t count)
{
    size_t longer[17] = { 0 };

    count_longer(p->nibbles, count, longer);
    for (int k = 0; k < 8; k++)
        p->plane[k] += longer[k];
}

#define ALL_ONE_BYTE UINT64_C(0x1111111111111111)

/* Those of sixteen values that are not 0, by their lengths. */
static inline void get_sixteen(struct planes *p, uint64_t lengths, int64_t values[])
{
    while (lengths != 0) {
        unsigned place = (unsigned)__builtin_ctzll(lengths) / 4;
        unsigned length = lengths >> place * 4 & 15;
        uint64_t value = *p->plane[0]++;

        for (unsigned k = 1; k < length; k++)
            value |= (uint64_t)*p->plane[k]++ << (8 * k);
        values[place] = (int64_t)unzigzag(value);
        lengths &= ~(UINT64_C(15) << place * 4);
    }
}

/* Sixteen values of one byte each, of which compilers make a few instructions. */
static inline void get_bytes(struct planes *p, int64_t values[])
{
    for (size_t k = 0; k < 16; k++)
        values[k] = (int64_t)unzigzag(p->plane[0][k]);
    p->plane[0] += 16;
}

/* Most values are 0 and take no byte: of sixteen at a time only the others are looked at. */
static void get_values(struct planes *p, int64_t values[], size_t count, size_t first, size_t end)
{
    for (size_t at = first / 16 * 16; at < end; at += 16) {
        uint64_t lengths = lengths_at(p->nibbles, at, count);

        if (at >= first && end - at >= 16) {
            if (lengths == ALL_ONE_BYTE) {
                get_bytes(p, &values[at]);
                continue;
            }
            memset(&values[at], 0, 16 * sizeof *values);
        } else {
            size_t from = at < first ? first : at, to = end - at < 16 ? end : at + 16;

            memset(&values[from], 0, (to - from) * sizeof *values);
            lengths &= UINT64_MAX << (from - at) * 4;
            lengths &= UINT64_MAX >> (at + 16 - to) * 4;
        }
        get_sixteen(p, lengths, &values[at]);
    }
}

enum status column_decode_some(struct byte_reader *r, int64_t values[], size_t count, size_t first,
                               size_t end, struct error *err)
{
    struct planes p;

    if (count == 0)
        return STATUS_OK;
    if (find_planes(r, count, &p, err) != STATUS_OK)
        return err->status;
    if (first >= end)
        return STATUS_OK;
    skip_values(&p, first);
    get_values(&p, values, count, first, end);
    return STATUS_OK;
}

enum status column_decode(struct byte_reader *r, int64_t values[], size_t count, struct error *err)
{
    return column_decode_some(r, values, count, 0, count, err);
}
