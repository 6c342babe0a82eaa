/*
 * What sealing and recovery do with a build, should it come from hostile bytes: fold each series
 * into one window, encode the table, throw all away.
 */
#ifndef TESTS_FUZZ_ENCODE_H
#define TESTS_FUZZ_ENCODE_H

#include "tests/fuzz/fuzz_input.h"

static inline enum status fuzz_drop(void *context, const struct chunk_place *place,
                                    const struct byte_writer *chunk, struct error *err)
{
    (void)context;
    (void)place;
    (void)chunk;
    (void)err;
    return STATUS_OK;
}

static inline enum status fuzz_fold(void *context, const struct series_changes *changes,
                                    struct series_told *told, struct error *err)
{
    struct rollup_fold *fold = context;
    struct rollup_cell cells[TABLE_METRICS_MAX];

    (void)told;
    (void)err;
    if (changes->build->shape->level == 0) {
        (void)rollup_fold_quiet(fold, changes);
        rollup_fold_series(fold, changes);
    } else if (changes->build->shape->level == 1) {
        rollup_combine(changes, 0, cells);
    }
    return STATUS_OK;
}

static inline void fuzz_encode(const struct build *build, const struct chunk_place *place,
                               const struct block_ticks *ticks)
{
    const struct rollup_span whole = { .end = build->tick_count, .start_ns = ticks->start_ns[0] };
    uint8_t *gap = calloc((size_t)build->tick_count + 1, 1);
    int64_t covered_ns[TABLE_METRICS_MAX];
    struct rollup_fold fold = { 0 };
    struct block_encoder encoder = { .sink = fuzz_drop,
                                     .visit = fuzz_fold,
                                     .visit_context = &fold };
    struct error err = { 0 };
    enum status st = STATUS_OK;

    for (uint32_t i = 0; gap != NULL && i < build->tick_count; i++)
        gap[i] = ticks->gap[build->block_tick[i]];
    if (build->shape->level == 0 && gap != NULL) {
        rollup_covered(build, gap, &whole, 1, covered_ns);
        st = rollup_fold_begin(&fold, build, gap, &whole, 1, covered_ns, &err);
    }
    if (st == STATUS_OK && gap != NULL)
        fuzz_check(block_encode(&encoder, build, place, ticks, &err), &err);
    block_encoder_release(&encoder);
    rollup_fold_release(&fold);
    free(gap);
}

#endif
