/* A hash table that only grows while a block is encoded; a list of sizes and bytes in the file. */
#include "schema/strings.h"

#include <stdlib.h>

enum { STRING_BYTES_MAX = 65536 };

enum status strings_begin(struct string_numbers *numbers, size_t most, struct error *err)
{
    *numbers = (struct string_numbers){ .slot_count = 64 };
    while (numbers->slot_count < most * 2)
        numbers->slot_count *= 2;
    numbers->string = malloc((most + 1) * sizeof *numbers->string);
    numbers->slot = calloc(numbers->slot_count, sizeof *numbers->slot);
    if (numbers->string == NULL || numbers->slot == NULL) {
        strings_release(numbers);
        return error_set(err, STATUS_NO_MEMORY, "strings");
    }
    return STATUS_OK;
}

void strings_release(struct string_numbers *numbers)
{
    free(numbers->string);
    free(numbers->slot);
    *numbers = (struct string_numbers){ 0 };
}

static uint64_t hash_of(const struct text *text)
{
    uint64_t h = text->size, word = 0;
    uint32_t at = 0;

    for (; text->size - at >= sizeof word; at += sizeof word) {
        memcpy(&word, text->data + at, sizeof word);
        h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    word = 0;
    if (text->size > at)
        memcpy(&word, text->data + at, text->size - at);
    h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

uint32_t strings_number(struct string_numbers *numbers, const struct text *text)
{
    size_t at;

    if (text->data == NULL)
        return 0;
    for (at = (size_t)hash_of(text) & (numbers->slot_count - 1); numbers->slot[at] != 0;
         at = (at + 1) & (numbers->slot_count - 1)) {
        const struct text *known = &numbers->string[numbers->slot[at] - 1];

        if (known->size == text->size &&
            (text->size == 0 || memcmp(known->data, text->data, text->size) == 0))
            return numbers->slot[at];
    }
    numbers->string[numbers->count++] = *text;
    return numbers->slot[at] = (uint32_t)numbers->count;
}

void strings_put(const struct string_numbers *numbers, struct byte_writer *w)
{
    bytes_put_varint(w, numbers->count);
    for (size_t i = 0; i < numbers->count; i++)
        bytes_put_varint(w, numbers->string[i].size);
    for (size_t i = 0; i < numbers->count; i++)
        bytes_put(w, numbers->string[i].data, numbers->string[i].size);
}

enum status strings_get(struct byte_reader *r, struct text **strings, size_t *count,
                        struct error *err)
{
    uint64_t stored = bytes_get_varint(r);
    struct text *text;

    *strings = NULL;
    *count = 0;
    if (r->overrun || stored > bytes_left(r))
        return error_set(err, STATUS_CORRUPT, "number of strings");
    text = calloc((size_t)stored + 1, sizeof *text);
    if (text == NULL)
        return error_set(err, STATUS_NO_MEMORY, "strings");
    *strings = text;
    *count = (size_t)stored;
    for (uint64_t i = 0; i < stored; i++) {
        uint64_t size = bytes_get_varint(r);

        if (size > STRING_BYTES_MAX)
            return error_set(err, STATUS_CORRUPT, "a string is too long");
        text[i].size = (uint32_t)size;
    }
    for (uint64_t i = 0; i < stored; i++)
        text[i].data = (const char *)bytes_get(r, text[i].size);
    return r->overrun ? error_set(err, STATUS_CORRUPT, "strings are cut short") : STATUS_OK;
}
