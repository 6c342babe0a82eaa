/*
 * What can still be read of a damaged recording, as a recording of its own that has no damage, and what
 * is gone. The smallest part that is lost is what one checksum covers: a row; a column of a table of a
 * block, or of 64 series of it. Values of those are missing then (MISSING_DAMAGED), everything else
 * of the block stays.
 *
 *   - A block whose row is lost leaves one tick behind, its last, with a gap before it and an event
 *     `damaged`; of a table whose directory is lost nothing stays in that block.
 *   - Rows that others need get a substitute in which nothing is known: sessions, entities, processes.
 *   - A block of rollups that lacks something has an event `damaged`, so that reports ask level 0.
 *   - Of a tail stays what lies before the first damaged record. It becomes a block.
 */
#ifndef SCHEMA_SALVAGE_H
#define SCHEMA_SALVAGE_H

#include <stddef.h>
#include <stdint.h>

#include "schema/error.h"

/* Something that is gone. Texts last for the call. */
struct salvage_gone {
    const char *table;      /* as export names it */
    int64_t block_seq;      /* 0: it is of no block */
    int64_t from_ns, to_ns; /* first and last tick of the block; NO_TIME: not known */
    const char *what, *why;
};
typedef void salvage_report(void *context, const struct salvage_gone *gone);

struct salvage_result {
    size_t gone_count; /* reported */
    uint64_t chunk_count,
        chunks_kept;              /* of blocks that are known; parts of a chunk count as kept */
    int64_t row_count, rows_kept; /* of checked tables */
    int64_t lost_ns, whole_ns;    /* time of which no table tells any more, and of the recording */
};

/*
 * Write it to a new file.
 *
 *   errors  INVALID (there is such a file), CORRUPT (nothing can be read), UNSUPPORTED, IO, FULL,
 *           NO_MEMORY; then no file is left there that this call made
 */
MUST_USE enum status salvage_write(const char *from, const char *to, salvage_report *report,
                                   void *context, struct salvage_result *result, struct error *err);

#endif
