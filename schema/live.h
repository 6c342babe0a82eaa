/*
 * The live mapping: the latest tick of a running recorder, in memory that others may read.
 *
 * A fixed layout in the host's own byte order, for programs on one host: struct live_map. Everything
 * from `tick` on changes, between two changes of `sequence`: odd while it is being written. A reader
 * copies what it wants and takes the copy only if sequence was even and is the same afterwards
 * (live_read). So the recorder never waits for a reader.
 */
#ifndef SCHEMA_LIVE_H
#define SCHEMA_LIVE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/error.h"
#include "schema/metric.h"

enum {
    LIVE_LAYOUT = 1, /* of the structs below; the catalog is told by its hash */
    LIVE_PROCESSES_MAX = 65536,
    LIVE_CORES_MAX = 1024,
    LIVE_TEXT_BYTES = 256,
    LIVE_CMDLINE_BYTES = 256,
    LIVE_NAME_BYTES = 64,
};

/* A value that is missing has its reason (enum missing) and is otherwise to be ignored. */
struct live_core {
    int64_t entity_id;
    char name[LIVE_NAME_BYTES]; /* "0", "1", ... */
    int64_t value[CPU_METRIC_COUNT];
    uint8_t missing[CPU_METRIC_COUNT];
};

struct live_memory {
    int64_t value[MEMORY_METRIC_COUNT];
    uint8_t missing[MEMORY_METRIC_COUNT];
    uint8_t padding[4];
};

/* Text that is longer is cut between two characters; its size is that before the cut. */
struct live_process {
    int64_t process_id; /* in the recording; 0: this place was never used */
    int64_t since_ns;   /* its first sample */
    int64_t start_ns;
    uint64_t start_ticks;
    int32_t pid, ppid;
    uint32_t uid;
    uint8_t uid_known;
    uint8_t
        born_in_view; /* its counters were 0 when it began; told of those that begin from now on */
    uint8_t kernel_thread, padding;
    uint32_t comm_size, user_size, cmdline_size;
    uint32_t padding_2;
    char comm[LIVE_NAME_BYTES], user[LIVE_NAME_BYTES], cmdline[LIVE_CMDLINE_BYTES];
    int64_t value[PROCESS_METRIC_COUNT]; /* the last known ones; stored units: see metric.h */
    uint8_t missing[PROCESS_METRIC_COUNT];
    uint8_t padding_3[5];
};

/* When, and how many of what. */
struct live_tick {
    int64_t seq; /* of the session */
    int64_t start_ns, end_ns, wall_ns;
    int64_t last_gap_ns; /* no rate may be taken across this tick's begin; INT64_MIN: none */
    uint32_t core_count;
    uint32_t process_count; /* entries of `process_at` */
    uint32_t process_end;   /* no process is at this place or behind it */
    uint32_t unlisted;      /* processes for which there was no place */
};

struct live_map {
    char magic[8];
    uint64_t layout_hash; /* live_layout_hash() of who wrote it */
    uint64_t size_bytes;
    int64_t interval_ns;
    int64_t boot_start_ns, wall_start_ns; /* the timeline of the session */
    int64_t pid;                          /* of the recorder */
    int64_t zone_offset_s;
    char version[LIVE_NAME_BYTES], host[LIVE_TEXT_BYTES], zone[LIVE_NAME_BYTES];
    _Atomic uint64_t sequence; /* 0: nothing yet; odd: being written */
    struct live_tick tick;
    struct live_memory memory;
    struct live_core core[LIVE_CORES_MAX];
    uint32_t process_at[LIVE_PROCESSES_MAX]; /* who is alive: index into `process` */
    struct live_process process[LIVE_PROCESSES_MAX];
};

extern const char live_magic[8];

/*
 * What is read and written before it is so before all that follows, for the other side too. Not C's
 * atomic_thread_fence, which gcc refuses to compile for the thread sanitizer.
 */
static inline void live_barrier(void)
{
    __sync_synchronize();
}

/* A number for the layout and the catalog: two programs with the same understand each other. */
uint64_t live_layout_hash(void);

/* One tick, copied out of a mapping. Zero-initialised is empty. */
struct live_view {
    struct live_tick tick;
    int64_t interval_ns, zone_offset_s;
    char version[LIVE_NAME_BYTES], host[LIVE_TEXT_BYTES], zone[LIVE_NAME_BYTES];
    struct live_memory memory;
    struct live_core *core;       /* [tick.core_count] */
    struct live_process *process; /* [tick.process_count] */
    size_t core_size, process_size;
    uint8_t *scratch; /* what was read, before it is known to be whole */
    size_t scratch_size;
};

/* Where a live mapping is read from. */
struct live_source {
    int fd;
    const void *memory; /* NULL: read fd */
    size_t size;        /* of the memory */
    bool mapped;        /* by live_source_open */
};

/*
 * From a descriptor that a recorder handed over. It is read, not mapped, so that whoever made the file
 * can do nothing by cutting it short. Shared memory of macOS cannot be read and never changes its size:
 * that is mapped.
 *
 *   errors  IO
 *   owns    a mapping, until live_source_close; the descriptor stays the caller's
 */
MUST_USE enum status live_source_open(struct live_source *source, int fd, struct error *err);
void live_source_close(struct live_source *source);

/* Which tick stands in the mapping: another number, another tick. errors IO, CORRUPT */
MUST_USE enum status live_sequence(const struct live_source *source, uint64_t *sequence,
                                   struct error *err);

/*
 * Copy the tick that stands in the mapping.
 *
 *   errors  ABSENT: no tick yet, or it is being written for longer than a moment;
 *           UNSUPPORTED: another version wrote it; CORRUPT: it cannot be one; IO, NO_MEMORY
 *   owns    what `view` points to, until live_view_release
 */
MUST_USE enum status live_read(struct live_view *view, const struct live_source *source,
                               struct error *err);
void live_view_release(struct live_view *view);

#endif
