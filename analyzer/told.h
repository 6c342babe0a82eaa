/*
 * Which samples of a window need not be read, because rollups and the rows of blocks say the same of
 * them, to the last unit.
 *
 * Blocks lie within one hour and split no minute, so rollups of a level tell of whole blocks: those of
 * an hour that lies all in the window by its one window of level 3600, others by windows of level 60
 * where that is less to read. The blocks at the window's ends, the tail, and what older recorders wrote
 * are left to be read.
 */
#ifndef ANALYZER_TOLD_H
#define ANALYZER_TOLD_H

#include "analyzer/when.h"
#include "schema/recording.h"

/* Rollups of one level of one session, for blocks that follow each other. */
struct told_span {
    unsigned level;
    size_t session;
    int64_t from_ns, to_ns; /* starts of windows: from the first to before the second */
    int64_t last_ns;        /* the last tick that they tell of */
    bool rough; /* a gap or a session's begin lies in there, of which rollups do not tell */
};

/* Zero-initialised: nothing is told. */
struct told {
    uint8_t *level; /* [blocks of level 0] of the rollups that tell of it; 0: read its samples */
    bool *rough;    /* [blocks of level 0] as in its span */
    bool *even;     /* [blocks of level 0] no gap and no session's begin lies in it */
    struct told_span *span;
    size_t span_count;
};

/* errors CORRUPT, NO_MEMORY. owns: told_release, also after an error */
MUST_USE enum status told_find(struct told *told, struct recording *recording,
                               const struct window *window, struct error *err);
void told_release(struct told *told);

/* The span that a window of a rollup block belongs to; NULL: it is not to be read. */
const struct told_span *told_by(const struct told *told, const struct recording_block *rollup,
                                int64_t window_ns);

#endif
