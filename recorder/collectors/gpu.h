/*
 * What GPUs and the processes on them tell, and the back ends that read it: each driver's own way lies
 * in one file. A back end is read in a worker's thread (recorder/worker.h), where it may block; it knows
 * nothing of ticks and slots. recorder/collectors/gpu_linux.c puts together what they read.
 */
#ifndef RECORDER_GPU_H
#define RECORDER_GPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recorder/collector.h"

enum {
    GPU_MOST = 64,        /* GPUs of one reading */
    GPU_USES_MOST = 4096, /* processes on them, in one reading */
    GPU_KEY_SIZE = 64,
    GPU_LABEL_SIZE = 128,
    GPU_TROUBLE_SIZE = 96,
};

/* Labels of the metric power_state. */
enum gpu_power_state { GPU_POWER_UNKNOWN, GPU_AWAKE, GPU_ASLEEP };

/* One GPU, as one back end knows it; what it does not know is MISSING_UNSUPPORTED. */
struct gpu_report {
    char key[GPU_KEY_SIZE];     /* its PCI address, "0000:01:00.0"; else what its driver calls it */
    char label[GPU_LABEL_SIZE]; /* for people; "" when this back end knows none */
    char slowed[GPU_TROUBLE_SIZE]; /* why heat or a fault slows it down; "" when nothing does */
    bool lost;                     /* it does not answer its driver any more */
    int64_t values[GPU_METRIC_COUNT];
    uint8_t missing[GPU_METRIC_COUNT];
};

/* A process on a GPU. */
struct gpu_use {
    uint32_t gpu; /* its place among the reading's GPUs */
    int32_t pid;
    uint64_t start_ticks; /* 0: not known */
    /* Told once: it began on the GPU after that time, with counters of 0. 0: not known, or told. */
    int64_t born_ns;
    int64_t values[GPU_PROCESS_METRIC_COUNT];
    uint8_t missing[GPU_PROCESS_METRIC_COUNT];
};

/* All that was read at one time. */
struct gpu_reading {
    size_t gpu_count, use_count;
    int64_t refused; /* GPUs and processes that there was no room for */
    struct gpu_report gpu[GPU_MOST];
    struct gpu_use use[GPU_USES_MOST];
};

void gpu_reading_reset(struct gpu_reading *reading);
/* The GPU of that key, a new one if it was not there; NULL: there is no room. */
struct gpu_report *gpu_reading_gpu(struct gpu_reading *reading, const char *key);
/* The same for a process on `gpu`, which is of this reading. */
struct gpu_use *gpu_reading_use(struct gpu_reading *reading, const struct gpu_report *gpu,
                                int32_t pid, uint64_t start_ticks);

static inline void gpu_put(struct gpu_report *gpu, enum gpu_metric metric, int64_t value)
{
    gpu->values[metric] = value;
    gpu->missing[metric] = MISSING_NONE;
}

/* All metrics of the GPU but power_state are missing for that reason. */
void gpu_put_all_missing(struct gpu_report *gpu, enum missing why);

/* Units per million of a percentage; FAILED, and nothing put, for what is none. */
enum missing gpu_percent_ppm(int64_t percent, int64_t *ppm);

/* A process of the host that may have a GPU open; pid 0: none has this slot. */
struct gpu_candidate {
    int32_t pid;
    uint64_t start_ticks;
};

/* As of one kick. */
struct gpu_candidates {
    int64_t now_ns; /* timeline */
    struct gpu_candidate *by_slot;
    size_t count, size;
};

/* What a back end is opened with; it outlives the back end. */
struct gpu_setting {
    const char *root;         /* "" on a real host */
    const char *nvml_library; /* what dlopen finds it by */
    const struct gpu_candidates *candidates;
    struct gpu_pci *pci; /* the PCI devices; each thread has its own */
};

struct gpu_backend {
    const char *name;
    /*
     * Get ready without blocking and without touching a GPU.
     *
     *   errors  ABSENT: there is nothing for it on this host; NO_MEMORY
     */
    enum status (*open)(void **state, const struct gpu_setting *setting, struct error *err);
    /*
     * Add what there is to the reading; may block. What does not work at all, or not for all, goes into
     * `found`, which is CAPABILITY_OK before.
     */
    void (*read)(void *state, struct gpu_reading *reading, struct capability *found);
    void (*close)(void *state);
};

extern const struct gpu_backend gpu_nvidia, gpu_sysfs, gpu_drm;

/* What one back end found is added to what others did: the worst status, all reasons that fit. */
void gpu_found(struct capability *found, enum capability_status status, const char *reason,
               const char *enable);

#endif
