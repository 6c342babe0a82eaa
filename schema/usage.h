/*
 * Usage: what all processes of one comm, user and cgroup did in an hour, added up. It is worked out
 * when a block is sealed, sample by sample as reports do, and stays when the block is evicted: so
 * sums over the whole time stay what they were.
 *
 * A run is the usage of level-0 blocks that follow each other within an hour and are still there;
 * they are evicted together, and their run is then added to the hour.
 */
#ifndef SCHEMA_USAGE_H
#define SCHEMA_USAGE_H

#include "schema/rollup.h"
#include "schema/strings.h"

enum {
    USAGE_RUN_TABLE = 0xfffd,  /* in process_usage_chunk, by its first block_seq */
    USAGE_HOUR_TABLE = 0xfffc, /* in process_hour_chunk, by the hours since 1970 of the timeline */
    USAGE_ROWS_MAX = 1024,     /* of an hour: then cgroups are put together, then all that comes */
    USAGE_THIN_ROWS_MAX = 256, /* the same, of one that was thinned */
};
/* How much is left of an hour: its column_id. */
enum usage_detail {
    USAGE_WHOLE,
    USAGE_THIN, /* increases of counters; lifetimes and others together */
    USAGE_BARE, /* CPU time, disk bytes; cgroups together */
    USAGE_DETAIL_COUNT
};

/* Of whom a row is, beyond its names. */
enum usage_flags {
    USAGE_LIFETIMES = 1,   /* processes that were seen in one block only; else all others */
    USAGE_REST = 2,        /* all for whom there was no room, whatever their names */
    USAGE_ALL_CGROUPS = 4, /* of whatever cgroup */
    USAGE_ALL_LIVES = 8,   /* lifetimes and others together */
};

struct usage_key {
    uint8_t flags;
    bool uid_known;
    uint32_t uid;
    struct text comm, user, cgroup;
};

/* One metric of one key. A state has none. */
struct usage_sum {
    int64_t covered_ns; /* of all its processes */
    int64_t increase;   /* counter: without falls, without what passed in gaps */
    int64_t rate_max;   /* counter: the largest of one process, stored units per second */
    int64_t max;        /* gauge: the largest of one process, if covered_ns is not 0 */
    int128 sum;         /* gauge: of value * dt */
};

struct usage_row {
    struct usage_key key;
    char *owned;           /* the key's texts */
    int64_t process_count; /* of lifetimes all; else the most that one block had */
};

struct usage {
    unsigned metric_count;
    uint8_t kind[TABLE_METRICS_MAX]; /* enum metric_kind */
    struct usage_row *row;
    size_t count, size;
    struct usage_sum *sum; /* [row][metric] */
    uint32_t *hash;        /* row + 1 */
    size_t hash_size;
    uint8_t together; /* usage_flags that all rows have, from now on: what is not told apart */
    size_t rows_max;
    enum usage_detail detail;
};

/* Empty, for the metrics of process_samples as `shape`, of any level, has them. */
void usage_init(struct usage *usage, const struct build_shape *shape);
/* Empty and whole again, for the same metrics. */
void usage_clear(struct usage *usage);
void usage_release(struct usage *usage);

/*
 * The row of a key, added if it is new; its texts are copied. Where there are too many, rows are put
 * together first. errors NO_MEMORY
 */
MUST_USE enum status usage_find(struct usage *usage, const struct usage_key *key, size_t *row,
                                struct error *err);
static inline struct usage_sum *usage_sums(const struct usage *usage, size_t row)
{
    return &usage->sum[row * usage->metric_count];
}
/* Add what one process did in one window. */
void usage_add_cells(struct usage *usage, size_t row, const struct rollup_cell cells[]);
/* Add all rows of another: of other blocks of the same hour. errors NO_MEMORY */
MUST_USE enum status usage_merge(struct usage *usage, const struct usage *other, struct error *err);

/* Leave only what `detail` tells. errors NO_MEMORY */
MUST_USE enum status usage_thin(struct usage *usage, enum usage_detail detail, struct error *err);

/* The content of the base frame: schema/FORMAT.md, "Usage". errors NO_MEMORY */
MUST_USE enum status usage_encode(const struct usage *usage, struct byte_writer *w,
                                  struct error *err);
/*
 * Read what is stored into an initialised usage, which is emptied first; metrics it does not know are
 * passed over.
 *
 *   errors  CORRUPT, saying what is wrong; NO_MEMORY
 */
MUST_USE enum status usage_decode(struct usage *usage, enum usage_detail detail,
                                  struct byte_reader *r, struct error *err);

#endif
