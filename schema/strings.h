/* Texts that are stored once and meant by number: those of lifetimes, and of usage. */
#ifndef SCHEMA_STRINGS_H
#define SCHEMA_STRINGS_H

#include "schema/bytes.h"
#include "schema/error.h"

/* A text that may be unknown (data NULL). Not terminated. */
struct text {
    const char *data;
    uint32_t size;
};

/* Unknown is the same as unknown, and not as empty. */
static inline bool text_same(const struct text *a, const struct text *b)
{
    if (a->data == NULL || b->data == NULL)
        return a->data == b->data;
    return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

/* Numbering texts. They must outlive the numbering. */
struct string_numbers {
    struct text *string; /* distinct, in order of first use */
    size_t count;
    uint32_t *slot; /* hash: number of a string, or 0 */
    size_t slot_count;
};

/* Room for that many texts, the same ones counted again. errors NO_MEMORY */
MUST_USE enum status strings_begin(struct string_numbers *numbers, size_t most, struct error *err);
/* The number of a text, from 1; 0 if it is unknown. */
uint32_t strings_number(struct string_numbers *numbers, const struct text *text);
/* How many, their sizes, their bytes: schema/FORMAT.md, "Lifetimes and strings". */
void strings_put(const struct string_numbers *numbers, struct byte_writer *w);
void strings_release(struct string_numbers *numbers);

/*
 * Read what strings_put wrote.
 *
 *   shape   (*strings)[*count], pointing into the reader's data
 *   errors  CORRUPT, saying what is wrong; NO_MEMORY
 *   owns    free(*strings)
 */
MUST_USE enum status strings_get(struct byte_reader *r, struct text **strings, size_t *count,
                                 struct error *err);

#endif
