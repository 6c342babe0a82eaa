/* The slots of gpu_process_samples: one for each process on a GPU (schema/tick.h, two keys). */
#ifndef RECORDER_GPU_PAIRS_H
#define RECORDER_GPU_PAIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/tick.h"

#define GPU_PAIR_NONE UINT32_MAX

struct gpu_pair {
    bool used, seen, present; /* present: it had a row at the sampled tick before */
    uint32_t gpu, process;    /* their slots */
    uint64_t start_ticks;     /* of the process: its slot may be another's later */
    unsigned absent;          /* sampled ticks since it was last seen */
};

/* Zeroed is empty. */
struct gpu_pairs {
    struct gpu_pair *pair; /* by slot */
    size_t count, size;
    size_t next; /* where the next one most likely is: they come in the same order each time */
};

void gpu_pairs_release(struct gpu_pairs *pairs);
void gpu_pairs_begin(struct gpu_pairs *pairs);
/*
 * The slot of that process on that GPU, a new one if it was not there; *first: its row begins a series.
 * GPU_PAIR_NONE: it was seen before at this tick, or there is no memory (tick->no_memory).
 */
uint32_t gpu_pairs_see(struct gpu_pairs *pairs, struct tick *tick, uint32_t gpu, uint32_t process,
                       uint64_t start_ticks, bool *first);
/* The others are gone. */
void gpu_pairs_end(struct gpu_pairs *pairs, const struct tick *tick);

#endif
