/*
 * Details of processes as each system has them: which processes have a row, and what their sockets
 * add to it (process_detail.c, process_detail_largest.c).
 */
#ifndef RECORDER_PROCESS_DETAIL_H
#define RECORDER_PROCESS_DETAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/metric.h"

enum {
    DETAIL_ROWS_MAX = 512,       /* processes that have a row */
    DETAIL_LARGEST = 128,        /* of them, for their resident memory */
    DETAIL_MANY_FDS = 64,        /* from so many on a process has a row for its descriptors */
    DETAIL_SCAN_FDS_MAX = 16384, /* of more descriptors it is not told which are sockets */
};

/* Less resident memory is not worth a row. */
#define DETAIL_RESIDENT_MIN INT64_C(1048576)

#define DETAIL_PERIOD_NS INT64_C(10000000000)

struct detail_identity {
    uint32_t slot;
    int32_t pid;
    uint64_t start_ticks;
};

static inline bool detail_same(const struct detail_identity *a, const struct detail_identity *b)
{
    return a->slot == b->slot && a->pid == b->pid && a->start_ticks == b->start_ticks;
}

/* --- the processes with the largest resident memory --- */

struct detail_large {
    int64_t resident_bytes, read_run;
    uint32_t candidate;
};

struct detail_largest {
    struct detail_large item[DETAIL_LARGEST]; /* when full a heap, the smallest first */
    size_t count;
};

void detail_largest_note(struct detail_largest *largest, int64_t resident_bytes,
                         uint32_t candidate);

/* --- one row --- */

struct detail_candidate {
    struct detail_identity identity;
    int64_t resident_bytes;
    bool largest; /* among the DETAIL_LARGEST */
};

/* Those of one read, by ascending slot. Zero-initialised is empty; owns: candidate, for free() */
struct detail_list {
    struct detail_candidate *candidate;
    size_t count, size;
};

/* Room for that many, to be filled in and counted; NULL: no memory. */
struct detail_candidate *detail_list_room(struct detail_list *list, size_t count);

struct detail_row {
    struct detail_identity identity;
    int64_t values[DETAIL_METRIC_COUNT]; /* all but PSS */
    uint8_t missing[DETAIL_METRIC_COUNT];
};

/* What the kinds of sockets tell, as bits of enum process_detail_metric. */
#define DETAIL_COLUMN(metric) (UINT64_C(1) << (metric))
#define DETAIL_TCP_COLUMNS                                                                         \
    (DETAIL_COLUMN(DETAIL_TCP_ESTABLISHED) | DETAIL_COLUMN(DETAIL_TCP_LISTENING) |                 \
     DETAIL_COLUMN(DETAIL_TCP_OTHER) | DETAIL_COLUMN(DETAIL_TCP_RECEIVE_QUEUE_BYTES) |             \
     DETAIL_COLUMN(DETAIL_TCP_SEND_QUEUE_BYTES))
#define DETAIL_KIND_COLUMNS                                                                        \
    (DETAIL_TCP_COLUMNS | DETAIL_COLUMN(DETAIL_UDP) | DETAIL_COLUMN(DETAIL_UNIX))

enum detail_socket_kind {
    DETAIL_SOCKET_TCP_ESTABLISHED,
    DETAIL_SOCKET_TCP_LISTENING, /* its queues are of connections, not of bytes, and are left out */
    DETAIL_SOCKET_TCP_OTHER,
    DETAIL_SOCKET_UDP,
    DETAIL_SOCKET_UNIX,
    DETAIL_SOCKET_OTHER, /* of a kind that is not told apart */
};

/* Count one socket by its kind, in all columns but `sockets`. */
void detail_row_add_socket(struct detail_row *row, enum detail_socket_kind kind,
                           int64_t receive_bytes, int64_t send_bytes);
/* These columns are missing for that reason; MISSING_NONE: leave them as they are. */
void detail_row_miss(struct detail_row *row, uint64_t columns, enum missing reason);

/* --- who has a row --- */

struct detail_pick {
    uint32_t candidate;
    uint8_t score;
    bool has_row;
};

/* How much a row of it is worth: 0 nothing. `fds` below 0: not known. */
uint8_t detail_score(bool largest, bool has_sockets, int64_t fds);
/* The most worthy come first, those with a row before others; how many have room. */
size_t detail_picks_best(struct detail_pick *picks, size_t count);

#endif
