/* What a Perfetto trace has besides counters: processes, events, gaps, clocks. */
#ifndef ANALYZER_PERFETTO_WHO_H
#define ANALYZER_PERFETTO_WHO_H

#include "analyzer/coverage.h"
#include "analyzer/options.h"
#include "analyzer/perfetto_track.h"

struct perfetto_who {
    struct perfetto_tracks *tracks;
    const struct subject *subject;
    int64_t from_ns, to_ns; /* of what slices show */
    uint64_t gaps;          /* the track; 0: not begun */
    int64_t gaps_end_ns;    /* of the last gap on it */
};

/* The clocks, a packet each time the recorder began and the boot is the same. */
void perfetto_put_sessions(struct perfetto_who *who);

/* The window's events. */
void perfetto_put_events(struct perfetto_who *who);

/* Where no tick lies, in a block of the window. */
void perfetto_put_gaps(struct perfetto_who *who, const struct recording_block *block,
                       const struct block_ticks *ticks);

/*
 * A process that has samples until `last_ns`: told when it is seen first. Where its end is not known its
 * slices end with its last sample.
 *
 *   errors  NO_MEMORY
 */
MUST_USE enum status perfetto_put_life(struct perfetto_who *who, const struct process *process,
                                       int64_t last_ns, bool ended, struct error *err);

#endif
