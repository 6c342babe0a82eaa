/*
 * Rails: devices that tell what energy they use, interval by interval between two readings.
 *
 * One that counts energy used what its counter gained; one that tells power only, what a straight line from
 * reading to reading comes to. No interval crosses a gap, a session's begin, a counter's fall, or, of power,
 * a device's sleep. It belongs to the window that its second reading lies in.
 *
 * How long the device worked in an interval is known where readings of that tile it.
 */
#ifndef ANALYZER_RAIL_H
#define ANALYZER_RAIL_H

#include "analyzer/distribution.h"
#include "analyzer/rate.h"

enum rail_method { RAIL_COUNTER, RAIL_POWER, RAIL_METHOD_COUNT };

struct rail_interval {
    int64_t from_ns, to_ns;
    int64_t uj;
    int64_t busy_ns;         /* that the device worked in it; -1: not told */
    int64_t before, reading; /* of a counter microjoules, of power milliwatts */
};

/* Time that the device worked, from one reading of that to the next. */
struct rail_busy {
    int64_t from_ns, to_ns, ns;
};

/* Power that it had for a time. */
struct rail_level {
    int64_t power_uw, time_ns;
};

/* What one method says of a rail. */
struct rail_readings {
    struct rail_interval *interval; /* [count] in the window, oldest first */
    size_t count, size;
    struct rail_level *level; /* [level_count] of the whole recording */
    size_t level_count, level_size;
};

struct rail {
    int64_t entity_id;
    bool told;               /* some reading gave energy */
    enum rail_method method; /* the counter, where there is one */
    struct rail_interval *interval;
    size_t count;
    size_t level_count; /* intervals of the whole recording that the idle floor is of */
    int64_t idle_uw;
    /* sums over the intervals; the last three add up to uj */
    int64_t uj, covered_ns, max_uw;
    int64_t processes_uj, idle_uj, unattributed_uj;
    struct distribution watts; /* in microwatts */
    /* private */
    struct rail_readings readings[RAIL_METHOD_COUNT];
    struct rail_busy *busy; /* [busy_count] oldest first, from HOLD before the window on */
    size_t busy_count, busy_size;
    int64_t asleep_ns; /* the latest tick at which it slept */
};

/* Which table, and what of it. */
struct rail_source {
    const char *table, *energy, *power, *busy, *state; /* metrics; NULL: none */
    const char
        *key; /* how keys of its entities begin; those with a "/" behind it are parts of them */
};
extern const struct rail_source rail_gpu, rail_package;

/* Zero-initialised is empty. */
struct rails {
    struct rail *rail; /* by entity_id */
    size_t count, size;
    bool given;      /* the idle floor was */
    int64_t from_ns; /* of the earliest interval in the window; INT64_MAX: there is none */
};

/*
 * Read a source's rails: the intervals of the window, and the idle floor of the whole recording.
 *
 *   shape   idle_uw: the idle floor of each; -1: the power that 1 % of the time was at or below
 *   errors  CORRUPT, NO_MEMORY; without such a table there are no rails
 *   owns    until rails_release, also after an error
 */
MUST_USE enum status rails_read(struct rails *rails, struct recording *recording,
                                const struct rail_source *source, const struct window *window,
                                int64_t idle_uw, struct error *err);
void rails_release(struct rails *rails);

/* Is an entity of that key one of the source's? */
bool rail_is_of(const struct rail_source *source, const char *key);

/* NULL: it is none of them. */
struct rail *rails_find(const struct rails *rails, int64_t entity_id);

#endif
