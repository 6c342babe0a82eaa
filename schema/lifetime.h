/*
 * Lifetimes as they are stored: what encoding, decoding and the directory of process_samples share.
 * Layout: schema/FORMAT.md, "Lifetimes and strings".
 */
#ifndef SCHEMA_LIFETIME_H
#define SCHEMA_LIFETIME_H

#include "schema/chunk.h"
#include "schema/identity.h"

enum lifetime_column { LIFETIME_WHO = 1, LIFETIME_CALLED = 2 };

enum lifetime_field { /* of column LIFETIME_WHO, in order */
                      LIFETIME_PROCESS_ID,
                      LIFETIME_SESSION_ID,
                      LIFETIME_PID,
                      LIFETIME_PPID,
                      LIFETIME_START_TICKS,
                      LIFETIME_START_REST, /* ns after the clock tick */
                      LIFETIME_LENGTH,
                      LIFETIME_EXIT_CODE,
                      LIFETIME_HOW,
                      LIFETIME_FLAGS,
                      LIFETIME_VERSION_COUNT,
                      LIFETIME_FIELD_COUNT
};

enum lifetime_called { /* of column LIFETIME_CALLED, in order */
                       LIFETIME_FROM,
                       LIFETIME_UID,
                       LIFETIME_CMDLINE_LENGTH,
                       LIFETIME_CMDLINE_HASH,
                       LIFETIME_TEXT,
                       LIFETIME_CALLED_COUNT = LIFETIME_TEXT + PROCESS_TEXT_COUNT
};

enum { START_TICK_NS = 10000000, LIFETIMES_MAX = 1 << 22 };

/* Fields that are stored as difference to the row before. */
static inline bool lifetime_ascends(unsigned field)
{
    return field <= LIFETIME_PID || field == LIFETIME_START_TICKS;
}

/* What a life makes one expect of its metrics; only what differs takes bytes. */
struct lifetime_expected {
    uint32_t ticks_before; /* of the block, before its start */
    uint32_t ticks_seen;   /* before its end */
    uint8_t reason[2];     /* [is a counter] */
    int64_t covered_ns[2]; /* [is a counter] */
};
struct lifetime_expected lifetime_expect(const struct process *process,
                                         const struct block_ticks *ticks);

/* Where a block's lifetimes are read from. */
struct lifetime_source {
    int64_t block_seq;
    chunk_source *source;
    void *source_context;
    struct decompressor *d;
    uint64_t chunk_count; /* read so far */
    int64_t *scratch;     /* [count] */
};

/* Column LIFETIME_WHO. Free process (its versions are counted, not set) and from->scratch. */
struct lifetime_who {
    size_t count;
    struct process *process; /* [count] by ascending process_id */
    unsigned metric_count;
    uint8_t metric_state[TABLE_METRICS_MAX];
};

/* errors ABSENT (the block has no lifetimes), CORRUPT naming the chunk, NO_MEMORY */
MUST_USE enum status lifetime_who_decode(struct lifetime_source *from, struct lifetime_who *who,
                                         struct error *err);

/*
 * The first parts of a metric.
 *
 *   shape   parts[part_count][who->count]; reason[who->count], xor what was to be expected;
 *           *ticks: part 1 may count ticks before the last one seen
 *   errors  CORRUPT naming the chunk
 */
MUST_USE enum status lifetime_metric_decode(struct lifetime_source *from,
                                            const struct lifetime_who *who, unsigned metric,
                                            unsigned part_count, int64_t parts[], uint8_t reason[],
                                            bool *ticks, struct error *err);

#endif
