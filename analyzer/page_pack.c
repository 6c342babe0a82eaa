#include "analyzer/page_pack.h"

enum { FORM_VALUES, FORM_DIFFERENCES };

static void put_number(struct byte_writer *w, int64_t value, uint64_t *zeros)
{
    if (value == 0) {
        ++*zeros;
        return;
    }
    if (*zeros > 0) {
        bytes_put_u8(w, 0);
        bytes_put_varint(w, *zeros - 1);
        *zeros = 0;
    }
    bytes_put_zigzag(w, value);
}

static void put_form(struct byte_writer *w, int form, const int64_t value[], size_t count)
{
    uint64_t zeros = 0;

    bytes_put_u8(w, (uint8_t)form);
    for (size_t i = 0; i < count; i++)
        put_number(
            w, form == FORM_DIFFERENCES && i > 0 ? wrap_subtract(value[i], value[i - 1]) : value[i],
            &zeros);
    if (zeros > 0) {
        bytes_put_u8(w, 0);
        bytes_put_varint(w, zeros - 1);
    }
}

void page_pack(struct byte_writer *w, const int64_t value[], size_t count)
{
    size_t before = w->used, plain;
    struct byte_writer other = { 0 };

    put_form(w, FORM_VALUES, value, count);
    plain = w->used - before;
    put_form(&other, FORM_DIFFERENCES, value, count);
    if (!w->full && !other.full && other.used < plain) {
        w->used = before;
        bytes_put(w, other.data, other.used);
    }
    w->full |= other.full;
    bytes_release(&other);
}

void page_put_base64(struct byte_writer *w, const uint8_t *data, size_t size)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    if (!bytes_reserve(w, size / 3 * 4 + 4))
        return;
    for (size_t i = 0; i < size; i += 3) {
        uint32_t word = (uint32_t)data[i] << 16;

        if (i + 1 < size)
            word |= (uint32_t)data[i + 1] << 8;
        if (i + 2 < size)
            word |= data[i + 2];
        w->data[w->used++] = (uint8_t)digit[word >> 18];
        w->data[w->used++] = (uint8_t)digit[word >> 12 & 63];
        w->data[w->used++] = i + 1 < size ? (uint8_t)digit[word >> 6 & 63] : '=';
        w->data[w->used++] = i + 2 < size ? (uint8_t)digit[word & 63] : '=';
    }
}
