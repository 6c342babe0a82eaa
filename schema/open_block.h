/*
 * The level-0 block that is being recorded: its ticks, its tables under construction, and the
 * processes that no row describes yet. Filled tick by tick by the writer, or from tail records
 * by whoever finds them: both go through the same functions, so both see the same block.
 */
#ifndef SCHEMA_OPEN_BLOCK_H
#define SCHEMA_OPEN_BLOCK_H

#include "schema/block.h"
#include "schema/build.h"
#include "schema/identity.h"
#include "schema/tick.h"

/* A process that has a series, or had one in this block. */
struct open_process {
    struct process process;
    bool stored;            /* it has a row: it lived through a seal */
    bool gone;              /* its exit was seen, or its series ended */
    size_t first_number;    /* ordinal of versions[0] among all it ever had */
    size_t stored_versions; /* rows in process_version */
    size_t changed_from;    /* first of versions[] that its rows do not have as it is now */
    uint32_t lifetime;      /* while sealing: its place among the lifetimes, + 1 */
};

struct open_block {
    int64_t session_id;
    int64_t block_seq;
    int64_t first_tick;
    int64_t previous_ns; /* time of the tick before, NO_TIME at the session's start */
    struct block_ticks ticks;
    size_t tick_size;
    struct build_shape shape[TABLE_COUNT];
    unsigned stored_metrics[TABLE_COUNT]; /* in the tail's records: an older catalog had fewer */
    struct build build[TABLE_COUNT];
    struct open_process *process;
    size_t process_count, process_size;
    size_t kept_count; /* of them, those that were there when the block began */
    uint32_t *hash;    /* process_id -> index + 1 */
    size_t hash_size;
    uint64_t samples; /* series x ticks of all tables */
    bool shrunk;      /* by the latest restart: much memory is free since */
    struct byte_writer
        scratch; /* of the tail: changes of a table, and its rows that begin or end */
    size_t *edge;
    size_t edge_size;
};

MUST_USE enum status open_block_init(struct open_block *block, struct error *err);
void open_block_release(struct open_block *block);

/* After sealing: the next block of the session begins where this one ended. */
MUST_USE enum status open_block_restart(struct open_block *block, struct error *err);

/*
 * Into which ticks of a table rates must not cross.
 *
 *   shape   gap[tick_count of the table]
 */
void open_block_gaps(const struct open_block *block, enum table_id table, uint8_t gap[]);

/* The process of that id, or NULL. Valid until one is added. */
struct open_process *open_block_process(const struct open_block *block, int64_t process_id);
MUST_USE enum status open_block_add_process(struct open_block *block, const struct process *process,
                                            struct open_process **added, struct error *err);

/* Take the next tick. */
MUST_USE enum status open_block_tick(struct open_block *block, int64_t start_ns, int64_t sweep_ns,
                                     bool gap, struct error *err);

/* Which series a slot's rows go to: the process id or entity id behind it; 0: not known. */
typedef int64_t slot_key(void *context, enum entity_kind kind, uint32_t slot);

/* What tail_id a record has: block and record number in one. */
static inline int64_t tail_id(int64_t block_seq, int64_t record)
{
    return block_seq << 20 | record;
}

/*
 * Tail records. The first of a block tells the state it begins with, each further one a tick.
 *
 *   errors  INVALID (the tick breaks the rules of tick.h), NO_MEMORY
 */
MUST_USE enum status tail_put_base(struct open_block *block, struct byte_writer *w,
                                   struct error *err);
MUST_USE enum status tail_put_tick(struct open_block *block, const struct tick *tick,
                                   slot_key *key_of, void *context, struct byte_writer *w,
                                   struct error *err);

/* Take what one of those wrote. errors CORRUPT, NO_MEMORY */
MUST_USE enum status tail_get(struct open_block *block, struct byte_reader *r, struct error *err);

/*
 * Around a record as it is stored: crc32c over id, previous crc and frame; previous crc; frame.
 *
 *   shape   *crc: of the record before (0 for a block's first) -> of this one
 */
MUST_USE enum status tail_seal(struct compressor *c, int64_t id, uint32_t *crc,
                               const struct byte_writer *record, struct byte_writer *out,
                               struct error *err);
MUST_USE enum status tail_unseal(struct decompressor *d, int64_t id, uint32_t *crc,
                                 const uint8_t *data, size_t size, struct byte_reader *record,
                                 struct error *err);

#endif
