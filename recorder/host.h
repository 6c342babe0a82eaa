/* The facts of the host and of this start that a session is stored with. */
#ifndef RECORDER_HOST_H
#define RECORDER_HOST_H

#include "recorder/writer.h"

/*
 * Fill in what can be found out; the rest stays empty or 0. The caller adds process_source,
 * interval_ns and timebase.
 *
 *   shape   `root` comes before /proc, /sys and /etc; "" on a real host
 */
void host_facts(struct session_facts *facts, const char *root, int64_t wall_ns);

/* The zone's offset at wall_ns, and its next change within 400 days, by the C library's rules. */
void host_zone_rules(struct session_facts *facts, int64_t wall_ns);

/* Physical memory of this process, /proc/self/statm; -1 where it cannot be read. */
int64_t host_own_resident_bytes(void);

#endif
