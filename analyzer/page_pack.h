/*
 * Columns of whole numbers as few bytes, which analyzer/page/page.js reads.
 *
 *   column  u8 form, then varints (LEB128, zigzag): form 0 the values, 1 the first value and then differences.
 *           A 0 is followed by a varint: how many more zeros follow it.
 */
#ifndef ANALYZER_PAGE_PACK_H
#define ANALYZER_PAGE_PACK_H

#include "schema/bytes.h"

/* Append a column of `count` values, in the shorter form. `w->full` remembers when memory ran out. */
void page_pack(struct byte_writer *w, const int64_t value[], size_t count);

/* Append bytes as base64 (RFC 4648). */
void page_put_base64(struct byte_writer *w, const uint8_t *data, size_t size);

#endif
