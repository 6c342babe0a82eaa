/*
 * A part of a recording as a recording of its own: the blocks of level 0 that share time with a
 * span, whole, and the rows that they need. Rollups and usage by name stay behind: samples say the
 * same.
 *
 * What came before the span and still counts in it is taken along: the block before (counters go
 * on across the start of a session), and all blocks back to a gap that lies between a value and
 * the one before it; and the next block if the span reaches beyond the last one in it. So every
 * figure of the span is that of the whole recording.
 */
#ifndef SCHEMA_EXTRACT_H
#define SCHEMA_EXTRACT_H

#include "schema/recording.h"

/*
 * Puts what is to stand instead of a text; `changed` false: it may stay.
 *
 *   errors  NO_MEMORY
 */
struct extract_redactor {
    enum status (*redact)(void *self, const char *text, size_t size, struct byte_writer *instead,
                          bool *changed, struct error *err);
    void *self;
};

struct extract_result {
    size_t block_count, process_count, redacted_count;
    int64_t from_ns, to_ns; /* first and last tick of the blocks */
};

/*
 * Write the part with from_ns < time <= to_ns to a new file.
 *
 *   errors  INVALID (there is such a file), ABSENT (no sample lies there), CORRUPT, IO, FULL; then
 *           no file is left there that this call made
 */
MUST_USE enum status extract_write(struct recording *recording, int64_t from_ns, int64_t to_ns,
                                   const struct extract_redactor *redactor, const char *path,
                                   struct extract_result *result, struct error *err);

#endif
