/* Shared by the two halves of decoding: the directory and the columns. */
#ifndef SCHEMA_BLOCK_DECODE_H
#define SCHEMA_BLOCK_DECODE_H

#include "schema/block.h"
#include "schema/chunk.h"

enum { BLOCK_FRAME_MAX = 1 << 27 }; /* no frame unpacks to more bytes */

/* CORRUPT with a message that names the chunk. */
enum status block_corrupt(const struct block_table *table, const struct chunk_place *place,
                          const char *what, struct error *err);

/* Fetch a chunk and take its header apart; the message of an error names the chunk. */
enum status block_fetch(const struct block_table *table, const struct chunk_place *place,
                        chunk_source *source, void *source_context, struct chunk *chunk,
                        struct error *err);

#endif
