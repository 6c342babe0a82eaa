/*
 * What has to go so that the recording stays small: blocks by age and by size, oldest first, and the
 * rows that only they needed. What processes did is kept by the hour (schema/usage.h).
 *
 * Works inside the writer's transaction, before what is new is stored: that takes the pages which
 * become free here, so a file that has reached its size does not grow.
 */
#ifndef RECORDER_RETENTION_H
#define RECORDER_RETENTION_H

#include "recorder/writer.h"
#include "schema/chunk_store.h"
#include "schema/compress.h"
#include "schema/database.h"
#include "schema/usage.h"

/* A process that is gone though its row does not say so: no block tells of it after last_ns. */
struct unseen_end {
    int64_t process_id, last_ns;
};

/* What is kept, and goes, apart. */
enum kept { KEPT_LEVEL_0, KEPT_LEVEL_60, KEPT_LEVEL_3600, KEPT_HOURS, KEPT_COUNT };

struct retention {
    struct retention_options options;
    struct database *db;
    struct chunk_store store;
    struct decompressor d;
    struct compressor c;
    struct usage run, hour;
    int64_t page_bytes;
    int64_t wal_bytes;         /* to which the WAL is held between transactions */
    int64_t largest_bytes;     /* that one transaction was seen to store: the WAL takes those too */
    int64_t largest_wal_bytes; /* that the WAL was seen to have after one */
    int64_t stored_bytes[KEPT_COUNT];  /* chunks, in the committed file */
    int64_t evicted_bytes[KEPT_COUNT]; /* in the open transaction */
    int64_t oldest_60_ns;              /* start of the oldest hour of level 60; INT64_MAX: none */
    bool evicted[KEPT_COUNT];          /* in the open transaction */
    struct unseen_end *unseen;         /* in order of last_ns */
    size_t unseen_count, unseen_size;
    size_t unseen_evicted; /* the first of them, in the open transaction */
    bool told[KEPT_COUNT]; /* an event says that it has begun */
    bool held;             /* somebody reads the WAL: it cannot begin anew, and is not measured */
    bool too_small;        /* max_bytes cannot be kept: there is nothing left to evict */
    bool told_small;
    bool damaged; /* evicting met damage: it is over for this session */
    bool told_damaged;
};

/* What is about to be stored. */
struct retention_need {
    int64_t new_bytes;               /* of chunks and rows */
    int64_t added_bytes[KEPT_COUNT]; /* of chunks, of them */
    int64_t tail_bytes;              /* of the tail: what it is now, and will be again */
    int64_t newest_ns;               /* timeline */
    int64_t unsealed_ns; /* start of what rollups in memory tell of; INT64_MAX: nothing */
    int64_t wall_ns;     /* the wall clock then */
    int64_t run_seq;     /* of the run that goes on; 0: none does */
};

/*
 * Measure what the file holds; the catalog must be stored.
 *
 *   errors  what the database says
 *   owns    until retention_close, also after an error
 */
MUST_USE enum status retention_open(struct retention *retention, struct database *db,
                                    const struct retention_options *options, struct error *err);
void retention_close(struct retention *retention);

/* A run of blocks is ended when it is that large: blocks are evicted by runs. */
int64_t retention_run_bytes(const struct retention *retention);

/*
 * A process with a row that names no end is gone: blocks up to the one that ends at last_ns may tell of it.
 *
 *   shape   called in order of last_ns
 *   errors  NO_MEMORY
 */
MUST_USE enum status retention_unseen_end(struct retention *retention, int64_t process_id,
                                          int64_t last_ns, struct error *err);

/* Evict, in the open transaction, until what is needed fits. errors: what the database says */
MUST_USE enum status retention_make_room(struct retention *retention,
                                         const struct retention_need *need, struct error *err);
/* The transaction was committed, with so many more bytes of chunks; or rolled back. */
void retention_committed(struct retention *retention, const int64_t added_bytes[KEPT_COUNT]);
void retention_rolled_back(struct retention *retention);

/*
 * Whether a transaction of so many bytes would take all files over the limit. What is in the WAL already
 * need not stay there: it does as long as somebody reads it.
 */
bool retention_full(const struct retention *retention, int64_t new_bytes);
/*
 * Somebody reads what the WAL has, or no longer: one that grows for that is no reason to evict, which
 * would only make it grow faster.
 */
void retention_held(struct retention *retention, bool held);
/* Somebody does, and it has grown beyond that. */
bool retention_holds_much(const struct retention *retention, int64_t bytes);

/*
 * Where eviction of a level has begun, once: a sentence for an event.
 *
 *   shape   text[size]; false: nothing to tell
 */
bool retention_tell(struct retention *retention, char *text, size_t size);

/*
 * Give pages back that a smaller max_bytes than before leaves over, outside of transactions. Needs
 * as much room again as the file then takes.
 */
MUST_USE enum status retention_shrink(struct retention *retention, struct error *err);

#endif
