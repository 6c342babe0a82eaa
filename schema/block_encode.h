/* Shared by the two halves of encoding: the columns and the directory. */
#ifndef SCHEMA_BLOCK_ENCODE_H
#define SCHEMA_BLOCK_ENCODE_H

#include "schema/block.h"

/* One column while its chunk grows, group by group. */
struct column_out {
    struct byte_writer bases;      /* per series, a zigzag varint: less its reference value */
    struct byte_writer patterns;   /* distinct missing patterns, one after the other */
    struct byte_writer pattern_of; /* per series: 0 nothing missing, else number of its pattern */
    struct byte_writer known;      /* series whose base is not as old as is usual */
    struct byte_writer groups;     /* compressed frames */
    size_t *group_sizes;
    int64_t *delta; /* of the current group */
    size_t delta_count, delta_size;
    uint8_t flags[GROUP_SERIES / 8];
    size_t pattern_count, last_pattern_at, known_count;
    size_t last_known;
    int64_t any_value; /* not 0: some base or change is not */
    bool any_pattern, any_sample, all_missing;
    uint8_t reason; /* of all_missing */
};

struct order {
    int64_t key[2];
    uint32_t index;
    uint8_t part; /* 0: alive through the whole block */
    bool told;    /* its lifetime tells begin, end and last sample */
};

struct encoding {
    struct block_encoder *encoder;
    const struct build *build;
    struct chunk_place place;
    const struct block_ticks *ticks;
    struct order *order;
    size_t series_count, group_count;
    size_t
        first_part; /* series in the directory's base frame: all, or those of whole groups that are always there */
    struct column_out *column;  /* [column_count] */
    int64_t *fact;              /* [series] scratch */
    bool referenced;            /* some series has reference values */
    struct byte_writer kinds;   /* activity kind per series */
    struct byte_writer bitmaps; /* of the current group */
    struct byte_writer directory_groups;
    size_t *directory_sizes;
    size_t group_active; /* active series in the current group so far */
    struct byte_writer raw, frame, chunk;
};

static inline uint32_t block_sample_count(const struct build_series *s)
{
    return s->end_tick - s->series.first;
}

/* Series alive through the whole block first, then by key, then by time. For qsort. */
void block_sort_order(struct order *order, size_t count);

/*
 * Column state: 0: has a chunk. 1: none, all is present, 0 and unchanging. 2 + reason: none, all is
 * missing.
 */
uint8_t block_column_state(const struct column_out *o);

/* Hand one chunk to the sink: raw base bytes are in e->raw. Without sizes it has no groups. */
MUST_USE enum status block_emit(struct encoding *e, uint32_t column_id, const size_t sizes[],
                                const struct byte_writer *groups, struct error *err);
/* The directory's, where its series are in two parts; groups begins with the second. */
MUST_USE enum status block_emit_parted(struct encoding *e, const size_t sizes[],
                                       const struct byte_writer *groups, struct error *err);

MUST_USE enum status block_emit_directory(struct encoding *e, struct error *err);
/* The values that the bases of this block, and of those after it, are relative to. */
MUST_USE enum status block_emit_reference(struct encoding *e, struct error *err);

#endif
