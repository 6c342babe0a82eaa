/*
 * The GPUs of a Mac as their drivers tell of them in the IO registry, read at one go by a worker. Word of arrivals and
 * departures comes from the system, so that the registry is searched only when there is another one.
 */
#ifndef RECORDER_GPU_ACCELERATOR_MACOS_H
#define RECORDER_GPU_ACCELERATOR_MACOS_H

#include "recorder/collectors/gpu.h"

struct gpu_accelerators;

/* NULL: no memory. */
struct gpu_accelerators *gpu_accelerators_open(void);
/* Accepts NULL. */
void gpu_accelerators_close(struct gpu_accelerators *all);

/*
 * One reading.
 *
 *   shape   now_ns: of the kick
 *   errors  IO: the registry cannot be read; the reading is empty then
 */
MUST_USE enum status gpu_accelerators_read(struct gpu_accelerators *all, int64_t now_ns,
                                           struct gpu_reading *reading, struct error *err);

#endif
