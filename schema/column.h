/* Runs of integers <-> bytes: 4-bit byte lengths, then byte planes. The innermost codec. */
#ifndef SCHEMA_COLUMN_H
#define SCHEMA_COLUMN_H

#include "schema/bytes.h"
#include "schema/error.h"

/*
 * Write `count` signed integers.
 *
 *   shape   values[count]; count may be 0 (writes nothing)
 *   errors  NO_MEMORY through w->full
 *   source  schema/FORMAT.md, "Planes"
 */
void column_encode(const int64_t values[], size_t count, struct byte_writer *w);

/*
 * Read what column_encode wrote for the same count, and nothing after it.
 *
 *   errors  CORRUPT when the reader ends early or a length is above 8
 */
MUST_USE enum status column_decode(struct byte_reader *r, int64_t values[], size_t count,
                                   struct error *err);

/*
 * The same, but only values [first, end) are put into the array, at their places; all is checked.
 */
MUST_USE enum status column_decode_some(struct byte_reader *r, int64_t values[], size_t count,
                                        size_t first, size_t end, struct error *err);

#endif
