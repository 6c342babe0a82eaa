/*
 * A block: a run of ticks of all samples tables. One table of one block is a directory chunk
 * (series, which ticks they were active at) and one chunk per column that holds anything.
 *
 * Series are in ascending key order within two classes, those alive through the whole block
 * first; GROUP_SERIES of them share a zstd frame.
 */
#ifndef SCHEMA_BLOCK_H
#define SCHEMA_BLOCK_H

#include "schema/build.h"
#include "schema/bytes.h"
#include "schema/compress.h"
#include "schema/error.h"
#include "schema/metric.h"
#include "schema/series.h"

enum {
    GROUP_SERIES = 64,
    COLUMN_DIRECTORY = 0,
    COLUMN_REFERENCE = 2048, /* whom reference values are of; added to a column's id: its values */
    CHUNK_CODEC_PLANES = 1,
    CHUNK_CODEC_PARTED = 2,   /* of directories whose series are in two parts */
    BLOCK_TICKS_MAX = 360000, /* 1 h at 10 ms */
    BLOCK_SERIES_MAX = 1 << 22,
};
#define BLOCK_UNCHANGED UINT32_MAX

/* Where a chunk belongs; repeated in its header. */
struct chunk_place {
    unsigned level; /* 0, 1, 2: see level_seconds */
    uint32_t table_id;
    int64_t block_seq;
    uint32_t column_id;
    /* Of its groups only these are asked for: a source may leave others undefined. end 0: all are */
    uint32_t first_group, end_group;
};

static inline int64_t chunk_row_id(const struct chunk_place *place)
{
    return place->block_seq << 12 | place->column_id;
}

/* Takes one finished chunk; data is the callee's to copy. */
typedef enum status chunk_sink(void *context, const struct chunk_place *place,
                               const struct byte_writer *chunk, struct error *err);

/* Gives one chunk's bytes, valid until the next call; ABSENT if there is none. */
typedef enum status chunk_source(void *context, const struct chunk_place *place,
                                 const uint8_t **data, size_t *size, struct error *err);

/* Series [first, end) of a table; an end beyond the last means that one. */
struct series_range {
    size_t first, end;
};
static const struct series_range series_all = { 0, SIZE_MAX };

/* One table of one block, its directory decoded. Release with block_table_release. */
struct block_table {
    struct chunk_place place; /* column_id 0 */
    void *reader;             /* the recording that it was read of, where that is one of several */
    const struct build_shape *shape;
    uint32_t tick_count;  /* ticks (at level 1, 2: windows) this table was sampled at */
    uint32_t *tick;       /* [tick_count] index among the block's ticks */
    int64_t *tick_ns;     /* [tick_count] time of every sample there; window start at level 1, 2 */
    uint8_t *gap;         /* [tick_count] 1: rates must not cross into this tick */
    uint64_t *mask;       /* [tick_count] metrics read there; NULL: all at every tick */
    uint64_t mask_always; /* metrics read at every tick */
    int64_t *covered_ns; /* level 1, 2: [tick_count][metric] what a full series covers; else NULL */
    int64_t
        *column_previous_ns; /* [metric] when it was last read before this block, or INT64_MIN */
    uint8_t *
        column_state; /* [column] 0: has a chunk; 1: all present, 0, unchanging; 2 + reason: all missing */
    size_t series_count;
    struct series_range known; /* the directory tells of these: all, but for block_table_open_of */
    struct series *series;     /* [series_count] */
    size_t *row;       /* [series_count + 1] first row of each series; rows are its samples */
    size_t *active_at; /* [series_count + 1] into active */
    uint32_t *active;  /* samples (index in their series) at which any column changed */
    uint8_t
        *left_out; /* [group of series] 1: not even where it is among those asked for; NULL: none */
    struct series_range active_for;  /* the two tell of these series: see block_table_activity */
    uint8_t *kinds;                  /* [series_count] how their activity is told */
    struct block_activity *activity; /* block_activity.c: what they are decoded from */
    int64_t reference_seq;           /* block of the reference values of bases; 0: there are none */
    unsigned stored_metrics;         /* that the table had when the block was written */
    size_t reference_count;
    uint32_t *reference_at;   /* [series_count] place among the reference values + 1; 0: none */
    uint8_t *reference_state; /* [column] whether it has reference values */
    struct reference_keys *references; /* that tell of them, unless others are there by now */
    uint32_t *told_at; /* [series_count] lifetime that tells the last sample, + 1; NULL: none */
    struct lifetime_who *told;
    uint8_t *told_reason; /* [lifetimes] why gauges are to be expected to be missing */
};

/* The series that share frames with this one. */
static inline struct series_range series_group(size_t series)
{
    size_t first = series / GROUP_SERIES * GROUP_SERIES;

    return (struct series_range){ first, first + GROUP_SERIES };
}

/* Does a lifetime tell the last sample of a series? */
static inline bool block_is_told(const struct block_table *table, size_t index)
{
    return table->told_at != NULL && table->told_at[index] != 0;
}

/* Active samples of a series that its columns tell of: the first so many. */
static inline size_t block_stored_changes(const struct block_table *table, size_t index)
{
    return table->active_at[index + 1] - table->active_at[index] - block_is_told(table, index);
}

/*
 * One decoded column; [rows] are those of block_table.row.
 *
 * With `changes_only`, set by who asks, it stays as it is stored: `value` is not made, `base` is what
 * the first sample was before its change, and of `missing` there is only what the chunk itself
 * tells: neither ticks at which the metric was not read, nor the last samples that lifetimes tell.
 */
struct block_column {
    bool changes_only;
    uint32_t *change_at; /* [series] its changes in delta, or BLOCK_UNCHANGED */
    int64_t *value;      /* [rows] */
    uint8_t *missing;    /* [rows] enum missing; NULL: none is */
    int64_t *base;       /* [series] value before its first sample of this block */
    int64_t *base_ns;    /* [series] when that was; INT64_MIN: there is none (see series.flags) */
    uint8_t *missing_store; /* memory of `missing` */
    int64_t *delta;         /* changes_only: by how much it changed at active samples; or scratch */
    int64_t *scratch;       /* reference values, where they are not kept */
    const int64_t *reference; /* the reference values of the column decoded last */
    int64_t *told;            /* [lifetimes] what they tell of the column */
    uint8_t *told_missing;    /* [lifetimes] or why they do not */
    size_t row_size, value_size, change_size, change_at_size, series_size, scratch_size, told_size;
    struct series_range which; /* that were decoded */
};

/* The block's own ticks, shared by its tables. */
struct block_ticks {
    uint32_t count;
    int64_t *start_ns; /* level 0: sweep start; level 1, 2: window start */
    int64_t *sweep_ns; /* level 0: length of the sweep; else 0 */
    uint8_t *gap;
};

/* The tick axis as it is stored in the block row. */
MUST_USE enum status block_ticks_encode(const struct block_ticks *ticks, struct byte_writer *w,
                                        struct error *err);
MUST_USE enum status block_ticks_decode(struct block_ticks *ticks, const uint8_t *data, size_t size,
                                        struct error *err);
/* The same without the lengths of the sweeps, which are NULL then: half of the cost. */
MUST_USE enum status block_tick_times_decode(struct block_ticks *ticks, const uint8_t *data,
                                             size_t size, struct error *err);
/* Whether a gap lies before any of them, at a tenth of the cost. errors CORRUPT */
MUST_USE enum status block_ticks_gaps(const uint8_t *data, size_t size, bool *any,
                                      struct error *err);
void block_ticks_release(struct block_ticks *ticks);

/*
 * Sees each series with its changes while they are at hand: rollups are made from it. Fills *told
 * if a lifetime of the block tells how the series begins and ends: see lifetime_tells.
 */
typedef enum status series_visit(void *context, const struct series_changes *changes,
                                 struct series_told *told, struct error *err);

/* What encoding needs and keeps between blocks; zero-initialised, then the callbacks set. */
struct block_encoder {
    struct compressor compressor;
    struct build_reader reader;
    chunk_sink *sink;
    void *sink_context;
    series_visit *visit; /* may be NULL */
    void *visit_context;
};

/*
 * Encode one table of a block: its columns in order, then its directory. Series without a sample
 * in the block are left out; a table without series or ticks gives no chunk.
 *
 *   errors  NO_MEMORY, and whatever the sink or visitor returns
 */
MUST_USE enum status block_encode(struct block_encoder *encoder, const struct build *build,
                                  const struct chunk_place *place, const struct block_ticks *ticks,
                                  struct error *err);
void block_encoder_release(struct block_encoder *encoder);

/*
 * Decode a table's directory.
 *
 *   errors  ABSENT (the block has nothing of this table), CORRUPT naming the chunk, NO_MEMORY
 *   owns    *table until block_table_release, also after an error
 */
MUST_USE enum status block_table_decode(struct block_table *table, const struct chunk_place *place,
                                        const struct build_shape *shape,
                                        const struct block_ticks *ticks, chunk_source *source,
                                        void *source_context, struct decompressor *d,
                                        struct error *err);
/*
 * Whom reference values are of, and the values that were asked for. Many blocks refer to the same: kept from
 * block to block. A table that was opened with it may use it: it lasts longer, and is not copied.
 */
struct reference_keys {
    uint32_t table_id;
    int64_t block_seq;
    unsigned stored_metrics;
    size_t count;
    struct reference_key {
        int64_t key[2];
    } * list;                          /* ascending; NULL: there are none */
    uint8_t state[TABLE_METRICS_MAX];  /* [column] */
    int64_t *value[TABLE_METRICS_MAX]; /* [column][count]; NULL: not decoded yet */
};
void reference_keys_release(struct reference_keys *keys);

/* The same, but nothing is known of which samples changed: columns can be decoded after that. */
MUST_USE enum status block_table_open(struct block_table *table, const struct chunk_place *place,
                                      const struct build_shape *shape,
                                      const struct block_ticks *ticks, struct reference_keys *keys,
                                      chunk_source *source, void *source_context,
                                      struct decompressor *d, struct error *err);
/*
 * The same for the series with that first key: of these, and of those that share frames with them or lie
 * between them, the table knows, and only they may be asked for. Damage in others may go unseen.
 *
 *   errors  ABSENT also if there is no such series
 */
MUST_USE enum status
block_table_open_of(struct block_table *table, int64_t key, const struct chunk_place *place,
                    const struct build_shape *shape, const struct block_ticks *ticks,
                    struct reference_keys *keys, chunk_source *source, void *source_context,
                    struct decompressor *d, struct error *err);
/*
 * Which samples of those series changed, into active and active_at, instead of what they told before.
 * Groups of GROUP_SERIES are decoded, and what lies between the first and the last.
 *
 *   errors  CORRUPT, NO_MEMORY
 */
MUST_USE enum status block_table_activity(struct block_table *table, struct series_range which,
                                          struct decompressor *d, struct error *err);
void block_table_release(struct block_table *table);

/*
 * Decode one column, by its position among the shape's columns, for some series, of which the table must
 * know the activity: rows and bases of others are left undefined.
 *
 *   errors  CORRUPT naming the chunk, NO_MEMORY
 *   owns    *column, whose memory is reused from call to call; block_column_release at the end
 */
MUST_USE enum status block_column_decode(struct block_column *column,
                                         const struct block_table *table, size_t position,
                                         struct series_range which, chunk_source *source,
                                         void *source_context, struct decompressor *d,
                                         struct error *err);
void block_column_release(struct block_column *column);

#endif
