/* The writer's state, shared by its files. */
#ifndef RECORDER_WRITER_PRIVATE_H
#define RECORDER_WRITER_PRIVATE_H

#include "recorder/pending.h"
#include "recorder/retention.h"
#include "recorder/tick_check.h"
#include "recorder/writer.h"
#include "schema/block_sums.h"
#include "schema/compress.h"
#include "schema/database.h"
#include "schema/identity.h"
#include "schema/open_block.h"
#include "schema/rollup.h"

enum {
    BLOCK_SPAN_MAX_SECONDS = 3600,
    BLOCK_SAMPLES_MAX = 8000000, /* series x ticks */
    BLOCK_BIRTHS_MAX = 16384,    /* each takes some 3 kB of memory until the block is sealed */
    ENDED_SERIES_MAX = 1024,     /* in hours that are not sealed yet, beside as many as live */
    WALL_STEP_NS = 100000000,    /* a wall clock this far off the timeline is mapped anew */
};

#define PROCESS_ID_MAX (INT64_C(1) << 52) /* of a file: versions are numbered in their ids too */

struct slot_map {
    int64_t *id;
    size_t size;
};

/* The usage of blocks that follow each other within an hour; they go together. */
struct usage_run {
    struct usage usage;
    int64_t first_seq; /* 0: none is begun */
    int64_t session_id, hour_ns;
    int64_t bytes;       /* of their chunks */
    int64_t chunk_bytes; /* of its own, as it is stored now */
};

/* A process of this boot that an earlier session of the file has a row for. */
struct known_process {
    int64_t process_id;
    int32_t pid;
    uint64_t start_ticks;
};

/* An entity that the file has a row for, or will have. */
struct known_entity {
    int64_t entity_id;
    enum entity_kind kind;
    char *key;
    size_t key_size;
};

/*
 * What ticks and seals bring forth is noted in `pending` and kept in memory; only writer_commit
 * writes to the database. So a tick is taken whole or not at all, and a commit may be tried again.
 */
struct writer {
    struct database db;
    struct pending pending;
    bool commit_due;     /* a seal, or a commit that failed: nothing is taken before it is done */
    bool checkpoint_due; /* a seal was committed */
    bool broken;         /* memory ran out in the middle of a tick: only closing is left */
    char *path;
    int64_t commit_ns, sync_ns;
    uint32_t block_ticks;
    struct session_facts facts;
    int64_t session_id;
    int64_t last_id[CHECKED_COUNT]; /* rowid last given in each table */
    int64_t next_process_id;
    int64_t next_block_seq[LEVEL_COUNT];
    struct slot_map slots[ENTITY_KIND_COUNT];
    struct known_process *known;
    size_t known_count;
    struct known_entity *entity;
    size_t entity_count, entity_size;
    struct tick_check check;
    bool zone_changed;      /* since the session's start, and told */
    int64_t wall_offset_ns; /* wall clock minus timeline, as last mapped */
    int64_t last_tick_ns, last_commit_ns;
    int64_t first_unsynced_ns; /* the oldest tick that a power cut could take; NO_TIME: none */

    struct open_block block;
    int64_t tail_records; /* of this block, its base included */
    uint32_t tail_crc;
    struct byte_writer record, stored;
    struct compressor compressor;

    /* sealing */
    struct block_encoder encoder;
    struct rollup rollup[LEVEL_COUNT - 1][TABLE_COUNT]; /* levels 60, 3600 */
    struct block_ticks windows[LEVEL_COUNT - 1];        /* of the rollup blocks being built */
    size_t window_size[LEVEL_COUNT - 1];
    struct rollup_fold fold;
    struct rollup_fold life_fold;    /* the whole block as one window */
    struct byte_writer contents;     /* of the block being sealed */
    uint32_t chunk_count;            /* of the table being sealed */
    const struct process **lifetime; /* processes seen in this block only */
    size_t lifetime_count, lifetime_size;
    struct lifetime_columns lives; /* what they did */
    struct block_sums sums;        /* of the processes of the block being sealed */
    struct usage usage_block;
    struct usage_run usage_run;
    int64_t sealed_bytes[KEPT_COUNT];    /* of chunks that are noted in `pending` */
    int64_t tail_bytes, last_tail_bytes; /* of the block's tail so far; of the block before */
    struct retention retention;
    struct writer_stats stats;
};

struct writer_event_row {
    int64_t at_ns, duration_ns, value;
    const char *kind, *detail;
    size_t kind_size, detail_size;
};

/* Rows: writer_rows.c */
enum status writer_put_catalog(struct writer *writer, struct error *err);
enum status writer_load_entities(struct writer *writer, struct error *err);
/* The row of the tick's entity, found or noted. errors NO_MEMORY */
enum status writer_entity(struct writer *writer, const struct tick *tick,
                          const struct tick_entity *entity, int64_t parent_id, int64_t *id,
                          struct error *err);
enum status writer_put_session(struct writer *writer, int64_t end_ns, const char *reason,
                               struct error *err);
enum status writer_load_known(struct writer *writer, struct error *err);
enum status writer_adopt(struct writer *writer, int64_t process_id, struct error *err);
/* What a process that has rows was called at a time, as its only version. */
enum status writer_load_name(struct writer *writer, struct open_process *process, int64_t at_ns,
                             struct error *err);
enum status writer_store_process(struct writer *writer, struct open_process *process,
                                 struct error *err);
enum status writer_event(struct writer *writer, const struct writer_event_row *event,
                         struct error *err);

/* An event of the writer's own, without a duration. */
enum status writer_note(struct writer *writer, const char *kind, int64_t at_ns, int64_t value,
                        const char *detail, struct error *err);

/* Transactions and tail: writer.c */
enum status writer_commit(struct writer *writer, struct error *err);
enum status writer_put_tail(struct writer *writer, struct error *err);
/* Move what is in the WAL into the file; false: somebody still reads it there. */
bool writer_checkpoint(struct writer *writer);
void writer_free(struct writer *writer);

/*
 * Usage: writer_usage.c. What a series did counts for what its process, or NULL, was called then.
 *
 *   shape   gap[ticks of the table]; cells[windows][metric] that make up the block;
 *           covered_ns[metric] by the block
 */
enum status writer_usage_series(struct writer *writer, const struct series_changes *changes,
                                const struct open_process *p, const uint8_t gap[],
                                const struct rollup_cell cells[], size_t windows,
                                struct error *err);
/* One that did nothing throughout. */
enum status writer_usage_quiet(struct writer *writer, const struct series_changes *changes,
                               const struct open_process *p, const uint8_t gap[],
                               const int64_t covered_ns[], struct error *err);
/* The block is sealed: add it to its run. */
enum status writer_usage_seal(struct writer *writer, struct error *err);

/*
 * Who is gone becomes a lifetime if no row tells of it; who goes on gets a row: writer_settle.c.
 * Leaves writer->lifetime and the columns of `lives` begun.
 */
enum status writer_settle(struct writer *writer, struct error *err);

/* Sealing: writer_seal.c */
bool writer_seal_due(const struct writer *writer, int64_t next_tick_ns);
enum status writer_seal(struct writer *writer, struct error *err);
enum status writer_seal_block(struct writer *writer, struct error *err);
enum status writer_seal_all(struct writer *writer, struct error *err);
/* Fold writer->block, which is sealed already, into minutes once more. */
enum status writer_refold_block(struct writer *writer, struct error *err);
/* Fold the table's minutes, which are sealed already, into their hour once more. */
enum status writer_refold_hour(struct writer *writer, enum table_id table,
                               const struct block_ticks *windows, struct error *err);
enum status writer_init_levels(struct writer *writer, struct error *err);

/* What a killed recorder left: writer_recover.c */
enum status writer_recover(struct writer *writer, struct error *err);

#endif
