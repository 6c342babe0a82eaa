/*
 * Frequencies of Apple's chips: the tables that the device tree has, and what comes out when a core spent so long in
 * each of its states.
 */
#ifndef RECORDER_FREQUENCY_TABLE_H
#define RECORDER_FREQUENCY_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "schema/metric.h"

enum { FREQUENCIES_MAX = 64, CLUSTERS_MAX = 16 };

/* Ascending as the chip has them; without the states in which it is off. */
struct frequency_table {
    size_t count; /* 0: there is none */
    int64_t hz[FREQUENCIES_MAX];
};

/*
 * The bytes of "voltage-statesN": pairs of frequency and voltage, 32 bits each, the lowest byte first. Newer chips
 * have kHz for CPUs, which is told by size alone.
 *
 *   shape   an empty table for what makes no sense
 */
void frequency_table_parse(const uint8_t *bytes, size_t size, struct frequency_table *table);

/* The bytes of "acc-clusters": which table a cluster of cores has, and its tier; higher is faster. */
struct frequency_cluster {
    uint8_t table, tier;
};
/* How many there are. */
size_t frequency_clusters_parse(const uint8_t *bytes, size_t size,
                                struct frequency_cluster cluster[CLUSTERS_MAX]);

/* One state, and the time in it: as it was before, and now. */
struct frequency_state {
    const char *name;
    int64_t before, now;
};
/*
 * The mean frequency of the time in which it was not idle.
 *
 *   errors  UNSUPPORTED: its states are not those of the table; FAILED: time went backwards;
 *           NOT_THERE: it was idle all the time
 */
enum missing frequency_mean(const struct frequency_state state[], size_t count,
                            const struct frequency_table *table, int64_t *hz);

#endif
