/* What `procscope info` tells, gathered once and printed for people or as JSON. */
#ifndef ANALYZER_INFO_H
#define ANALYZER_INFO_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "analyzer/options.h"

/* Directories are read of at most so many blocks; the samples of the others are estimated. */
enum { INFO_BLOCKS_MAX = 1000 };

/* A fact about the recorder, from its own samples in the last session. */
struct info_own {
    bool known;
    int64_t first, last; /* as exported, of its first and last sample there */
};

struct info {
    struct subject subject;
    int64_t tick_count;
    int64_t gap_count, gap_ns;   /* inside sessions */
    int64_t pause_ns;            /* between sessions */
    int64_t span_ns, covered_ns; /* from the first tick to the last; without gaps and pauses */
    int64_t lifetime_count;
    size_t process_table; /* its index; SIZE_MAX: none */
    int64_t *samples;     /* per table, at level 0 */
    bool exact;           /* no block was estimated */
    struct recording_size *sizes;
    size_t size_count;
    int64_t own_ticks, cpu_used_ns; /* between the two samples of info_own */
    struct info_own cpu_ns, resident_bytes, written_bytes, ticks_missed, ticks_dropped;
    size_t damaged_count; /* blocks that could not be read */
    struct error damage;  /* the first */
};

/* errors IO, NO_MEMORY; a damaged block is counted. owns: info_release, also after an error */
MUST_USE enum status info_gather(struct info *info, struct error *err);
void info_release(struct info *info);

void info_print(const struct info *info, FILE *out);
MUST_USE enum status info_print_json(const struct info *info, FILE *out, struct error *err);

#endif
