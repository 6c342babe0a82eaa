/* Bytes <-> frames: zstd with a content checksum, contexts kept; or plain, for a few bytes. */
#ifndef SCHEMA_COMPRESS_H
#define SCHEMA_COMPRESS_H

#include <zstd.h>

#include "schema/bytes.h"
#include "schema/error.h"

/* Zero-initialised is ready; contexts are made at first use. */
struct compressor {
    ZSTD_CCtx *context;
    int level; /* the level the context is set to */
};

struct decompressor {
    ZSTD_DCtx *context;
    struct byte_writer out;             /* the last frame's content */
    uint64_t read_bytes, content_bytes; /* of all frames so far */
};

/*
 * Levels of zstd. Each question reads the bases of all its blocks, of a thousand processes 2 kB a column: at level 3
 * they are 9 % smaller, but of the 3.4 us that reading one takes 2.8 go into Huffman's tables, which
 * the levels below 0 do without.
 */
enum { COMPRESS_TAIL = -3, COMPRESS_BASE = -1, COMPRESS_SEAL = 3 };

/* Append one frame holding data[size] to `w`. errors NO_MEMORY */
MUST_USE enum status compress_frame(struct compressor *c, int level, const void *data, size_t size,
                                    struct byte_writer *w, struct error *err);
void compressor_release(struct compressor *c);

/*
 * The content of exactly one frame, into d->out (valid until the next call).
 *
 *   errors  CORRUPT (not a frame, checksum, trailing bytes, content above `limit` bytes), NO_MEMORY
 */
MUST_USE enum status decompress_frame(struct decompressor *d, const void *frame, size_t size,
                                      size_t limit, struct byte_reader *content, struct error *err);
void decompressor_release(struct decompressor *d);

#endif
