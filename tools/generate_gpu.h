/*
 * The GPUs of a made-up host, and the processes on them: the first ones of the population, each on all
 * GPUs, of which the last one sleeps: it holds memory and never works.
 *
 * GPUs with an even number count energy and the time they worked, some of it for nobody that is seen,
 * and tell of processes the time. The others tell power, and of processes the share of their time.
 */
#ifndef TOOLS_GENERATE_GPU_H
#define TOOLS_GENERATE_GPU_H

#include <stdint.h>

#include "schema/tick.h"
#include "tools/generate_process.h"
#include "tools/generate_random.h"
#include "tools/generate_shape.h"

enum { GPUS_MAX = 8, GPU_PROCESSES_MAX = 16 };

/* A process on a GPU. */
struct gpu_use {
    int64_t truth_id; /* who it is; 0: nobody */
    uint32_t slot;
    bool seen;          /* has a row in this session */
    int64_t gpu_us;     /* since it began */
    int64_t share_ppm;  /* of the GPU's time, at the moment */
    int64_t done_ppmns; /* share x time since its last row */
    int64_t memory_bytes;
};

struct gpu {
    int64_t energy_uj, busy_us, power_mw;
    bool failing; /* energy or power cannot be read at the moment */
    bool silent;  /* nor the time that it worked */
    struct gpu_use use[GPU_PROCESSES_MAX];
};

struct gpus {
    const struct generate_options *options;
    struct truth *truth;
    struct random_source random;
    struct gpu gpu[GPUS_MAX];
    const struct strain *strain; /* of this tick, or NULL */
    uint32_t next_slot;          /* of pairs, in this session */
    int64_t used_ns;             /* when rows of processes were written last */
};

void gpus_init(struct gpus *gpus, const struct generate_options *options, struct truth *truth);

/* Let them work until this tick, and add their rows as they are due. After population_tick. */
void gpus_tick(struct gpus *gpus, const struct population *population, const struct moment *moment,
               struct tick *tick);

#endif
