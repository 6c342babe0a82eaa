/* What the files of attribution share: reading uses, sharing intervals, laying powers side by side. */
#ifndef ANALYZER_ATTRIBUTION_PRIVATE_H
#define ANALYZER_ATTRIBUTION_PRIVATE_H

#include "analyzer/attribution.h"

/* Time of one process in one interval of a rail. */
struct energy_use {
    uint32_t rail;
    size_t interval;
    int64_t process_id;
    int128 weight;                       /* millionths of a nanosecond */
    unsigned timed;                      /* 1: counted; 2: utilization x time */
    const struct recording_block *block; /* that knows who it is */
};

enum segment_kind { SEGMENT_POWER, SEGMENT_TIME };

/* A group has a power, or is there, for a time; several may overlap. */
struct energy_segment {
    uint32_t group;
    enum segment_kind kind;
    int64_t from_ns, to_ns, power_uw;
};

/* Read the processes of one block, and how far they are complete. */
MUST_USE enum status attribution_read_uses(struct attribution *a,
                                           const struct recording_block *block, struct error *err);

/* The group of a process at a time; 0: it is not asked for. */
MUST_USE enum status attribution_group(struct attribution *a, const struct recording_block *block,
                                       int64_t process_id, int64_t at_ns, uint32_t *group,
                                       struct error *err);
MUST_USE enum status attribution_segment(struct attribution *a, struct energy_segment segment,
                                         struct error *err);
/* Share out the intervals that nothing more is to come of: up to hold_ns. */
MUST_USE enum status attribution_share(struct attribution *a, struct error *err);

/* What a group had for a time that none of its segments overlaps. */
MUST_USE enum status attribution_stretch(struct attribution *a,
                                         const struct energy_segment *segment, struct error *err);

/* Add up the segments of groups up to a time, and keep the rest. */
MUST_USE enum status attribution_lay(struct attribution *a, int64_t until_ns, struct error *err);

#endif
