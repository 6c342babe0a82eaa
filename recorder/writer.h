/*
 * Ticks into a recording: tail records, commits, sealing of blocks and rollups.
 *
 * Not thread-safe: one thread owns a writer and its database. The recorder gives it a thread of
 * its own; the generator and tests call it directly, with their own clock.
 */
#ifndef RECORDER_WRITER_H
#define RECORDER_WRITER_H

#include "recorder/clock.h"
#include "recorder/collector.h"
#include "schema/error.h"
#include "schema/tick.h"

struct open_block;
struct writer;

/* Facts of one recorder start; text is copied. */
struct session_facts {
    char boot_id[64];
    char host[256];
    char os[64];       /* "Linux", "Darwin" */
    char release[128]; /* kernel release */
    char machine[64];
    char hardware[128]; /* CPU model */
    char version[64];
    char process_source[16]; /* the rung chosen: "fds", "proc" */
    char zone[64];           /* IANA name; "" when unknown */
    int32_t zone_offset_s;
    int64_t zone_next_change_ns; /* 0: none known */
    int32_t zone_next_offset_s;
    int64_t core_count, page_bytes, memory_bytes, clock_ticks_per_second;
    int64_t interval_ns;
    int64_t pid; /* of the recorder */
    struct timebase timebase;
};

/* What the recording may hold: see recorder/retention.h. */
struct retention_options {
    int64_t keep_ns;         /* level 0; 0: for ever */
    int64_t keep_rollups_ns; /* levels 60 and 3600, usage by the hour; 0: for ever */
    int64_t max_bytes;       /* of file, WAL and its index; 0: any */
};
enum { RETENTION_BYTES_MIN = 2 << 20 }; /* a smaller limit makes no sense */

struct writer_options {
    const char *path;
    int64_t commit_ns; /* commit when this much timeline has passed since the last; 0: each tick */
    int64_t sync_ns;   /* a power cut costs no tick older than that; 0: there is no sync */
    uint32_t block_ticks; /* 0: the default of 300 */
    struct retention_options retention;
};

/*
 * Open or create the recording, recover what a killed recorder left, begin a session.
 *
 *   errors  IO (cannot be created, locked, full), CORRUPT (not a recording, damaged),
 *           UNSUPPORTED (another major version), NO_MEMORY
 *   owns    *writer until writer_close, which frees it whatever it returns
 */
MUST_USE enum status writer_open(struct writer **writer, const struct writer_options *options,
                                 const struct session_facts *facts, struct error *err);

/* Store what a collector can do here; once per collector after writer_open. */
MUST_USE enum status writer_capability(struct writer *writer, const char *collector,
                                       const struct capability *capability, struct error *err);

/*
 * Store one tick: process ids are given out, versions and events recorded, the tail appended; a
 * full block is sealed. Ticks come in order of time.
 *
 *   errors  IO, FULL (disk): the tick is not stored and may be given again; INVALID: the tick
 *           breaks the rules of tick.h
 */
MUST_USE enum status writer_tick(struct writer *writer, const struct tick *tick, struct error *err);

/* Counters of what was written so far. */
struct writer_stats {
    int64_t ticks, blocks, commits, syncs;
    int64_t written_bytes;   /* sent to storage by this process, where the system says; else -1 */
    int64_t process_samples; /* rows of process_samples */
};
void writer_stats(const struct writer *writer, struct writer_stats *stats);

/*
 * Commit all ticks so far and have the system bring them to storage, now.
 *
 *   errors  IO, FULL: what is not stored stays noted, and is tried again with the next tick
 */
MUST_USE enum status writer_flush(struct writer *writer, struct error *err);

/* The block being recorded: who is alive, and the last value of everything. Until the next call. */
const struct open_block *writer_block(const struct writer *writer);
/* The key of an entity, cut to `size` with its NUL; "" when there is no such entity. */
void writer_entity_name(const struct writer *writer, int64_t entity_id, char *name, size_t size);

/* The process id given to a live slot, 0 if it has none (for the generator's ground truth). */
int64_t writer_process_id(const struct writer *writer, uint32_t slot);

/*
 * Seal what is open, end the session with `reason` ("stop", "duration", "command ended", …),
 * checkpoint and leave one self-contained file. With reason NULL everything is dropped as a
 * kill would (for tests).
 */
MUST_USE enum status writer_close(struct writer *writer, const char *reason, struct error *err);

#endif
