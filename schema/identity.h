/*
 * Who a process is: identity, what it was called when, and the compact form in which processes
 * that were seen in one block only are kept with that block ("lifetimes").
 */
#ifndef SCHEMA_IDENTITY_H
#define SCHEMA_IDENTITY_H

#include "schema/block.h"
#include "schema/bytes.h"
#include "schema/error.h"
#include "schema/rollup.h"
#include "schema/strings.h"
#include "schema/tick.h"

enum { PROCESS_VERSIONS_MAX = 1000, PROCESS_TEXT_MAX = 65536 };
#define NO_TIME INT64_MIN

struct version {
    int64_t from_ns;
    bool uid_known;
    uint32_t uid;
    uint32_t cmdline_length; /* of the redacted whole; more than text[PROCESS_CMDLINE].size: cut */
    uint64_t cmdline_hash;   /* of the redacted whole; 0 where it is not cut */
    struct text text[PROCESS_TEXT_COUNT];
    void *owned; /* memory of the texts, where the version has its own */
};

struct process {
    int64_t process_id; /* of this file; from 1, never given twice */
    int64_t session_id; /* in which it was first seen */
    int32_t pid, ppid;
    uint64_t start_ticks;
    int64_t start_ns;
    int64_t end_ns;    /* NO_TIME: alive when last seen */
    int32_t exit_code; /* wait status; -1 unknown */
    uint8_t how;       /* enum exit_how */
    uint32_t flags;    /* enum birth_flags */
    size_t version_count;
    struct version *versions; /* by from_ns */
};

/* The version valid at a tick: the last with from_ns <= at_ns, else the first; NULL if none. */
const struct version *process_version_at(const struct process *process, int64_t at_ns);

/* The lifetimes of one block, decoded. Processes by ascending process_id. */
struct lifetimes {
    size_t count;
    struct process *process; /* [count] */
    struct version *version; /* of all, in order */
    size_t version_count;
    uint8_t *strings; /* the block's strings; texts point into it */
    size_t strings_size;
    /* [count][metrics of process_samples in the file], over the block; NULL: not asked for */
    struct rollup_cell *cell;
    uint64_t chunk_count; /* read */
};

/* A zeroed process with its own memory is ready; texts given to it are copied. */
void process_release(struct process *process);

/*
 * Say what the process is called from version->from_ns on. Texts with a NULL pointer, and an
 * unknown uid, are carried over from the version before. The same from_ns completes that version.
 *
 *   shape   *index: the version's place in process->versions, unchanged if nothing is new
 *   errors  NO_MEMORY; FULL beyond PROCESS_VERSIONS_MAX
 */
MUST_USE enum status process_name(struct process *process, const struct version *version,
                                  size_t *index, struct error *err);

/* Forget all versions but the last (the others are stored). */
void process_forget_names(struct process *process);

/*
 * What each metric of process_samples did over the whole block, life by life: the columns that
 * lifetimes are stored in. Zero-initialised is empty; memory is kept from block to block.
 */
struct lifetime_columns {
    const struct process *const *processes; /* [count] by ascending process_id */
    size_t count, size;
    const struct block_ticks *ticks;
    const struct build_shape *shape;    /* of the rollups */
    struct lifetime_expected *expected; /* [count] */
    int64_t *value;                     /* [column of the rollups][count] */
    uint8_t *reason;                    /* [metric][count] */
};

/* Nothing was sampled of any of them yet. What is given must outlive the columns. errors NO_MEMORY */
MUST_USE enum status lifetime_columns_begin(struct lifetime_columns *columns,
                                            const struct process *const processes[], size_t count,
                                            const struct block_ticks *ticks,
                                            const struct build_shape *rollup_shape,
                                            struct error *err);
/* cells[metric_count] of one of them, once; times in them are from the block's first tick. */
void lifetime_columns_put(struct lifetime_columns *columns, size_t life,
                          const struct rollup_cell cells[]);
void lifetime_columns_release(struct lifetime_columns *columns);

/*
 * Write lifetimes as the chunks of a block: strings, the columns, who they were, what they were
 * called. The columns are spent.
 */
struct lifetime_chunks {
    struct compressor *compressor;
    chunk_sink *sink; /* place.table_id is LIFETIME_TABLE or STRING_TABLE */
    void *sink_context;
};
enum { LIFETIME_TABLE = 0xfffe, STRING_TABLE = 0xffff, LIFETIME_METRICS_AT = 512 };
MUST_USE enum status lifetimes_encode(const struct lifetime_chunks *out, int64_t block_seq,
                                      struct lifetime_columns *columns, struct error *err);

/*
 * Whether the lifetime tells all that the series' last sample does, and when it begins and ends:
 * then the block need not (SERIES_TOLD), nor the values that gauges had last.
 *
 *   shape   cells[metric_count]
 */
void lifetime_tells(const struct series_changes *changes, const struct process *process,
                    const struct rollup_cell cells[], struct series_told *told);

/* errors ABSENT (the block has none), CORRUPT naming the chunk. owns: lifetimes_release */
MUST_USE enum status lifetimes_decode(struct lifetimes *lifetimes, int64_t block_seq,
                                      const struct block_ticks *ticks,
                                      const struct build_shape *rollup_shape, chunk_source *source,
                                      void *source_context, struct decompressor *d,
                                      struct error *err);
void lifetimes_release(struct lifetimes *lifetimes);

#endif
