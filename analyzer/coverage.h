/* How much of a window the recording's ticks cover, and where the gaps are. */
#ifndef ANALYZER_COVERAGE_H
#define ANALYZER_COVERAGE_H

#include "analyzer/when.h"
#include "schema/recording.h"

enum { COVERAGE_GAPS = 4 };

struct coverage_gap {
    int64_t from_ns, to_ns;
    const char *cause;
};

/* Zero-initialised is empty. */
struct coverage {
    int64_t covered_ns; /* inside the window */
    int64_t ticks_ns;   /* intervals of all ticks in the window: the first may begin before it */
    size_t tick_count;
    size_t gap_count;
    struct coverage_gap gap[COVERAGE_GAPS]; /* the first of them */
    int64_t first_ns, last_ns;              /* first and last tick in the window */
    size_t first_session, last_session;
    int64_t tail_ns; /* length of what was not sealed yet */
};

/* Add a block; blocks come in their order. */
void coverage_block(struct coverage *coverage, const struct recording_contents *contents,
                    const struct recording_block *block, const struct block_ticks *ticks,
                    const struct window *window);

/* The same of a block without a gap or a session's begin in it, all of whose ticks lie in the window. */
void coverage_even_block(struct coverage *coverage, const struct recording_block *block,
                         const struct window *window);

/* Why no tick lies between those two of a session. */
const char *coverage_cause(const struct recording_contents *contents, size_t session,
                           int64_t from_ns, int64_t to_ns);

/* Why none lies between a session's first block and the block before; NULL: that is no other one. */
const char *coverage_restart(const struct recording_contents *contents,
                             const struct recording_block *block, int64_t *from_ns);

#endif
