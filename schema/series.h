/* One entity's samples in one block. */
#ifndef SCHEMA_SERIES_H
#define SCHEMA_SERIES_H

#include <stdint.h>

enum series_flags {
    SERIES_FIRST = 1,     /* it begins in this block: nothing is known before its first sample */
    SERIES_BORN = 2,      /* and it began in view: its counters were 0 at start_ns */
    SERIES_ENDED = 4,     /* its last sample is final: it ended at end_ns */
    SERIES_YOUNG = 8,     /* it began before this block, but after some metric was last read */
    SERIES_TOLD = 16,     /* stored only: begin, end and last sample are told by its lifetime */
    SERIES_REFERRED = 32, /* stored only: its bases are relative to reference values */
};

struct series {
    int64_t key[2]; /* process id or entity id; key[1] is 0 in tables with one key */
    uint32_t first; /* its first sample's index among the table's ticks */
    uint32_t count; /* samples, one at each table tick from there; at least 1 */
    uint8_t flags;
    int64_t start_ns; /* with SERIES_BORN: its start; with SERIES_YOUNG: its first sample; else 0 */
    int64_t end_ns;   /* with SERIES_ENDED, else 0 */
};

#endif
