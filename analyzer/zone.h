/*
 * The recorded host's time zone: what the recording says, or better, this machine's tzdata for it.
 *
 * A recording stores the zone's IANA name, its offset, and the next change of it. With zone_load()
 * the file of that name answers for every time; without it the two stored offsets do.
 */
#ifndef ANALYZER_ZONE_H
#define ANALYZER_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/error.h"

#define ZONE_DIRECTORY "/usr/share/zoneinfo"

struct zone_table;

/* Zero-initialised is UTC. */
struct zone {
    const char *name;       /* "Europe/Berlin"; NULL or empty when not known */
    int32_t offset_s;       /* east of Greenwich, until next_change_ns */
    int64_t next_change_ns; /* 0 when none is known */
    int32_t next_offset_s;
    struct zone_table *table; /* NULL until zone_load() found the file */
};

/*
 * Read the zone's file below `directory` (NULL: ZONE_DIRECTORY), so that zone_offset() uses it.
 *
 *   errors  ABSENT without a name or a file of it; INVALID for a name that is not a plain relative
 *           path; CORRUPT, UNSUPPORTED (leap seconds), IO, NO_MEMORY; after any of them the stored
 *           offsets stay in use
 *   owns    the table, until zone_release()
 *   source  RFC 9636 (TZif versions 1 to 4)
 */
MUST_USE enum status zone_load(struct zone *zone, const char *directory, struct error *err);
void zone_release(struct zone *zone);

/* Seconds east of Greenwich at a time; NULL is UTC. */
int32_t zone_offset(const struct zone *zone, int64_t utc_ns);

enum zone_fit {
    ZONE_ONCE,
    ZONE_TWICE, /* clocks went back */
    ZONE_NEVER, /* clocks went forward: shifted by as much as they did */
};

/*
 * The UTC time at which clocks of the zone show a local time.
 *
 *   units   local_ns: nanoseconds since 1970-01-01 00:00 on those clocks; both within a week of
 *           the int64 range's ends is the caller's fault
 *   shape   *second_ns: the later of two answers, only for ZONE_TWICE
 */
enum zone_fit zone_from_local(const struct zone *zone, int64_t local_ns, int64_t *utc_ns,
                              int64_t *second_ns);

#endif
