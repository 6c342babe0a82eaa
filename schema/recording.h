/*
 * A recording opened for reading: catalog, sessions, blocks, and the samples of any block. The
 * unsealed tail of a running or killed recorder appears as one more level-0 block.
 *
 * The file is treated as hostile: what is read is checked against its checksums, counts are
 * bounded, and damage is an error (CORRUPT) that names the damaged part.
 */
#ifndef SCHEMA_RECORDING_H
#define SCHEMA_RECORDING_H

#include "schema/block.h"
#include "schema/block_sums.h"
#include "schema/error.h"
#include "schema/identity.h"
#include "schema/metric.h"
#include "schema/usage.h"

struct recording_session {
    int64_t session_id;
    const char *boot_id, *host, *os, *release, *machine, *hardware, *version, *process_source;
    const char *zone; /* IANA name or "" */
    int32_t zone_offset_s, zone_next_offset_s;
    int64_t zone_next_change_ns; /* 0: none */
    int64_t core_count, page_bytes, memory_bytes, clock_ticks_per_second, interval_ns, pid;
    int64_t wall_start_ns, boot_start_ns;
    int64_t end_ns;         /* NO_TIME: no clean end (running or killed) */
    const char *end_reason; /* "" then */
};

struct recording_capability {
    int64_t session_id;
    const char *collector, *status, *reason, *enable;
};

struct recording_entity {
    int64_t entity_id;
    enum entity_kind kind;
    const char *key, *label;
    int64_t parent_id;         /* 0 none */
    int64_t first_ns, last_ns; /* last: NO_TIME while it is there */
};

struct recording_event {
    int64_t event_id, session_id, at_ns, duration_ns, value;
    const char *kind, *detail;
};

/* Wall clock as the host saw it: from timeline_ns on, wall = timeline + (wall_ns - timeline_ns). */
struct recording_timeline {
    int64_t session_id, timeline_ns, wall_ns;
};

struct recording_metric {
    const char *name;
    enum metric_kind kind;
    const char *unit;
    int64_t scale; /* exported = stored * scale */
    const char *labels, *description;
};

/* A samples table as the file declares it. */
struct recording_table {
    uint32_t table_id;
    const char *name; /* "process_samples" */
    enum entity_kind key[2];
    const char *description;
    size_t metric_count;
    struct recording_metric *metrics; /* by position */
    struct build_shape shape[LEVEL_COUNT];
};

struct recording_block {
    unsigned level;
    int64_t block_seq;
    size_t session;      /* index into sessions */
    int64_t first_tick;  /* of the session, at level 0 */
    int64_t previous_ns; /* time of the session's tick before this block; NO_TIME if none */
    int64_t start_ns,
        end_ns; /* level 0: first and last tick; else first window's start, last window's end */
    uint32_t tick_count;
    bool tail; /* not sealed yet */
    /* stored sizes, for reports about the file */
    size_t lifetime_count;
};

struct recording; /* private: recording.c */

struct recording_contents {
    const char *path;
    struct recording_session *sessions;
    size_t session_count;
    struct recording_capability *capabilities;
    size_t capability_count;
    struct recording_entity *entities;
    size_t entity_count;
    struct recording_event *events;
    size_t event_count;
    struct recording_timeline *timeline;
    size_t timeline_count;
    struct recording_table *tables;
    size_t table_count;
    struct recording_block *blocks[LEVEL_COUNT];
    size_t block_count[LEVEL_COUNT];
    int format_major, format_minor;
    int64_t file_bytes;
    bool unclean; /* the last session has no clean end */
};

/*
 * Open read-only, as any user who may read the file, also on read-only media, while it is being
 * written, or with a WAL left by a killed recorder.
 *
 *   errors  IO (cannot be opened), INVALID (not a recording), UNSUPPORTED (newer major version),
 *           CORRUPT (what is damaged), NO_MEMORY
 */
MUST_USE enum status recording_open(struct recording **recording, const char *path,
                                    struct error *err);
/*
 * Open recordings of one host that follow each other, in any order, as one. Damage and rows of the file
 * (recording_verify, extract_write) are asked of one file only.
 *
 *   errors  as recording_open; UNSUPPORTED: they are not one timeline (both files are named)
 */
MUST_USE enum status recording_open_many(struct recording **recording, const char *const paths[],
                                         size_t count, struct error *err);
void recording_close(struct recording *recording);
const struct recording_contents *recording_contents(const struct recording *recording);

/*
 * Does a block of rollups lack what level 0 may still have, because it was salvaged from a damaged
 * recording (salvage.h)?
 */
bool recording_block_lacks(const struct recording *recording, const struct recording_block *block);

/* The table of that name, or NULL. */
const struct recording_table *recording_table(const struct recording *recording, const char *name);
/* Position of a metric in a table, SIZE_MAX if the file has none of that name. */
size_t recording_metric(const struct recording_table *table, const char *name);

/*
 * What the block's row tells of its processes; false: a recorder before version 1.3 wrote it, or it is the
 * tail.
 */
bool recording_block_sums(const struct recording *recording, const struct recording_block *block,
                          struct block_sums *sums);

/*
 * Reads between the two are one read transaction: much fewer system calls, but the recorder's WAL cannot
 * be emptied meanwhile. For one block at a time, and not while output is written. Holding twice is
 * holding once.
 */
MUST_USE enum status recording_hold(struct recording *recording, struct error *err);
void recording_let_go(struct recording *recording);

/* Who wants to be told how far recording_verify and extract_write are, in blocks; NULL: nobody. */
typedef void recording_progress(size_t done, size_t all);
void recording_watch(struct recording *recording, recording_progress *tell);

/* The tick axis of a block. owns: the caller, block_ticks_release */
/* Whether a gap lies before any of a block's ticks. errors CORRUPT */
MUST_USE enum status recording_gaps(struct recording *recording,
                                    const struct recording_block *block, bool *any,
                                    struct error *err);
MUST_USE enum status recording_ticks(struct recording *recording,
                                     const struct recording_block *block, struct block_ticks *ticks,
                                     struct error *err);

/* The same without sweep_ns. */
MUST_USE enum status recording_tick_times(struct recording *recording,
                                          const struct recording_block *block,
                                          struct block_ticks *ticks, struct error *err);

/* Directory of a table in a block. ABSENT: the block has no sample of it. block_table_release */
MUST_USE enum status recording_directory(struct recording *recording,
                                         const struct recording_block *block,
                                         const struct recording_table *table,
                                         const struct block_ticks *ticks,
                                         struct block_table *directory, struct error *err);

/* The same in two steps, where only some series are of interest. Activity before columns: see block.h. */
MUST_USE enum status recording_directory_open(struct recording *recording,
                                              const struct recording_block *block,
                                              const struct recording_table *table,
                                              const struct block_ticks *ticks,
                                              struct block_table *directory, struct error *err);
/*
 * The first step, where only series with that first key are of interest, as block_table_open_of. ABSENT also
 * if there is none; of several files all series are known.
 */
MUST_USE enum status recording_directory_of(struct recording *recording,
                                            const struct recording_block *block,
                                            const struct recording_table *table,
                                            const struct block_ticks *ticks, int64_t key,
                                            struct block_table *directory, struct error *err);
MUST_USE enum status recording_activity(struct recording *recording, struct block_table *directory,
                                        struct series_range which, struct error *err);

/* One column of it, by position in directory->shape; `which` as in block_column_decode. */
MUST_USE enum status recording_column(struct recording *recording,
                                      const struct block_table *directory, size_t position,
                                      struct series_range which, struct block_column *column,
                                      struct error *err);

/*
 * A process by its id. Processes that lived through a seal come from their rows, those seen in
 * one block only from that block (pass it; NULL looks at rows alone). The result lasts until
 * recording_close.
 *
 *   errors  CORRUPT: the block names a process that is not stored
 */
MUST_USE enum status recording_process(struct recording *recording,
                                       const struct recording_block *block, int64_t process_id,
                                       const struct process **process, struct error *err);

/* How many processes lived through a seal: no others are in rollups. */
size_t recording_process_rows(const struct recording *recording);

/*
 * Who goes on to the next block need not keep whom he met in this one only: what was handed out of them is
 * gone. It is read again if it is asked for.
 */
void recording_forget_lives(struct recording *recording, const struct recording_block *block);

/* What some process of the recording called the user of that uid; data NULL if none did. */
struct text recording_user(const struct recording *recording, uint32_t uid);

/* What its engine called the container of that id; data NULL: that was not recorded. */
struct text recording_container(const struct recording *recording, struct text id);

/* All processes, rows first, then block by block; stops at a visitor's error. */
typedef enum status process_visit(void *context, const struct process *process, struct error *err);
MUST_USE enum status recording_processes(struct recording *recording, process_visit *visit,
                                         void *context, struct error *err);

/*
 * Lifetimes of a block (empty for a block without). Who they were lasts until recording_close, their
 * cells until the next call.
 */
MUST_USE enum status recording_lifetimes(struct recording *recording,
                                         const struct recording_block *block,
                                         const struct lifetimes **lifetimes, struct error *err);

/* Usage by name (schema/usage.h): of an hour of which blocks were evicted, or of a run of blocks. */
struct recording_usage {
    int64_t number; /* hours since 1970, or the run's first block */
    bool run;
    enum usage_detail detail;
    int64_t start_ns; /* of the hour; ticks up to an hour later are in it */
};
/*
 * Which there are, oldest first; a file of version 1.0 has none.
 *
 *   shape   (*list)[*count]
 *   owns    free(*list), also after an error
 */
MUST_USE enum status recording_usages(struct recording *recording, bool runs,
                                      struct recording_usage **list, size_t *count,
                                      struct error *err);
/* One of them into an initialised usage. errors ABSENT, CORRUPT */
MUST_USE enum status recording_usage(struct recording *recording, const struct recording_usage *of,
                                     struct usage *usage, struct error *err);

/* Label of an entity, "" if unknown. */
const struct recording_entity *recording_entity(const struct recording *recording,
                                                int64_t entity_id);

/*
 * Read everything and check every checksum, count and reference. Each finding is a line for
 * `report`; returns the number through *findings.
 */
typedef void finding_report(void *context, const char *part, const char *what);
MUST_USE enum status recording_verify(struct recording *recording, finding_report *report,
                                      void *context, size_t *findings, struct error *err);

/* Bytes by part of the file: "process_samples level 0", "lifetimes", "strings", "tail", "rows", "free" … */
struct recording_size {
    char part[64];
    int64_t bytes, rows;
};
MUST_USE enum status recording_sizes(struct recording *recording, struct recording_size **sizes,
                                     size_t *count, struct error *err);

#endif
