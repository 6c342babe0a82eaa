#include "schema/packed_rows.h"

#include <stdlib.h>
#include <string.h>

#include "schema/build.h"
#include "schema/bytes.h"

enum { ROOM_BYTES = 2, PACKED_MAX = BUILD_COLUMNS_MAX / 8 + 1 + BUILD_COLUMNS_MAX * 10 };
enum { GARBAGE_LEAST = 1 << 16 };

static size_t room_of(const struct packed_rows *rows, uint32_t at)
{
    return (size_t)rows->data[at] | (size_t)rows->data[at + 1] << 8;
}

void packed_rows_release(struct packed_rows *rows)
{
    free(rows->data);
    free(rows->at);
    *rows = (struct packed_rows){ .columns = rows->columns };
}

bool packed_rows_resize(struct packed_rows *rows, size_t row_size)
{
    uint32_t *at = realloc(rows->at, row_size * sizeof *at);

    if (at == NULL)
        return false;
    if (row_size > rows->row_size)
        memset(at + rows->row_size, 0, (row_size - rows->row_size) * sizeof *at);
    rows->at = at;
    rows->row_size = row_size;
    return true;
}

void packed_rows_get(const struct packed_rows *rows, size_t row, int64_t values[])
{
    size_t mask_bytes = (rows->columns + 7) / 8;
    struct byte_reader r = { 0 };
    const uint8_t *mask;

    memset(values, 0, rows->columns * sizeof *values);
    if (rows->at[row] == 0)
        return;
    mask = rows->data + rows->at[row] + ROOM_BYTES;
    r.data = mask + mask_bytes;
    r.size = room_of(rows, rows->at[row]) - mask_bytes;
    for (size_t byte = 0; byte < mask_bytes; byte++)
        for (unsigned rest = mask[byte]; rest != 0; rest &= rest - 1)
            values[byte * 8 + (size_t)__builtin_ctz(rest)] = bytes_get_zigzag(&r);
}

/* Bytes used. */
static size_t pack(size_t columns, const int64_t values[], uint8_t packed[])
{
    size_t mask_bytes = (columns + 7) / 8;
    uint8_t *p = packed + mask_bytes;

    memset(packed, 0, mask_bytes);
    for (size_t c = 0; c < columns; c++) {
        uint64_t rest = zigzag((uint64_t)values[c]);

        if (rest == 0)
            continue;
        packed[c / 8] |= (uint8_t)(1u << c % 8);
        for (; rest >= 128; rest >>= 7)
            *p++ = (uint8_t)(rest | 128);
        *p++ = (uint8_t)rest;
    }
    return (size_t)(p - packed);
}

/* Put the rows that are left side by side in new memory. If there is none, they stay as they are. */
static void compact(struct packed_rows *rows)
{
    size_t used = 1, size = rows->used - rows->garbage + rows->used / 4 + 1;
    uint8_t *data = malloc(size);

    if (data == NULL)
        return;
    for (size_t row = 0; row < rows->row_size; row++) {
        uint32_t at = rows->at[row];
        size_t bytes = at == 0 ? 0 : ROOM_BYTES + room_of(rows, at);

        if (at == 0)
            continue;
        memcpy(data + used, rows->data + at, bytes);
        rows->at[row] = (uint32_t)used;
        used += bytes;
    }
    free(rows->data);
    rows->data = data;
    rows->used = used;
    rows->size = size;
    rows->garbage = 0;
}

static bool reserve(struct packed_rows *rows, size_t bytes)
{
    size_t size = rows->size == 0 ? 4096 : rows->size;
    uint8_t *larger;

    if (rows->garbage > GARBAGE_LEAST && rows->garbage > rows->used / 2)
        compact(rows);
    rows->used += rows->used == 0;
    if (bytes <= rows->size && rows->used <= rows->size - bytes)
        return true;
    if (rows->used > UINT32_MAX - bytes)
        return false;
    while (size < rows->used + bytes)
        size += size / 2;
    larger = realloc(rows->data, size);
    if (larger == NULL)
        return false;
    rows->data = larger;
    rows->size = size;
    return true;
}

bool packed_rows_put(struct packed_rows *rows, size_t row, const int64_t values[])
{
    uint8_t packed[PACKED_MAX];
    size_t bytes = pack(rows->columns, values, packed), room;
    uint8_t *data;

    if (rows->at[row] != 0 && bytes <= room_of(rows, rows->at[row])) {
        memcpy(rows->data + rows->at[row] + ROOM_BYTES, packed, bytes);
        return true;
    }
    room = bytes + bytes / 8 + 2; /* counters grow */
    if (!reserve(rows, ROOM_BYTES + room))
        return false;
    packed_rows_clear(rows, row);
    data = rows->data + rows->used;
    data[0] = (uint8_t)room;
    data[1] = (uint8_t)(room >> 8);
    memcpy(data + ROOM_BYTES, packed, bytes);
    memset(data + ROOM_BYTES + bytes, 0, room - bytes);
    rows->at[row] = (uint32_t)rows->used;
    rows->used += ROOM_BYTES + room;
    return true;
}

void packed_rows_clear(struct packed_rows *rows, size_t row)
{
    if (rows->at[row] == 0)
        return;
    rows->garbage += ROOM_BYTES + room_of(rows, rows->at[row]);
    rows->at[row] = 0;
}

void packed_rows_move(struct packed_rows *rows, size_t to, size_t from)
{
    if (to == from)
        return;
    packed_rows_clear(rows, to);
    rows->at[to] = rows->at[from];
    rows->at[from] = 0;
}
