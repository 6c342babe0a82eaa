/* The tables of frequencies of the chip's power manager in the IO registry, read once: they do not change. */
#ifndef RECORDER_PMGR_MACOS_H
#define RECORDER_PMGR_MACOS_H

#include "recorder/collectors/frequency_table.h"

enum { PMGR_TABLES_MAX = 32 };

/* Zeroed is of a chip that tells none. */
struct pmgr {
    struct frequency_cluster cluster[CLUSTERS_MAX];
    size_t cluster_count;
    struct frequency_table table[PMGR_TABLES_MAX]; /* of CPUs, by the number in its name */
    struct frequency_table gpu;
};

void pmgr_read(struct pmgr *pmgr);
/*
 * The table of a cluster, counted among those of its tier on a die. `tiers` has a letter for each tier of the chip's
 * cores, slowest first. An empty table: it is not known.
 */
const struct frequency_table *pmgr_table(const struct pmgr *pmgr, const char *tiers, char tier,
                                         int cluster);

#endif
