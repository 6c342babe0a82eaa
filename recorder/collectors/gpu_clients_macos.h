/*
 * What processes make the GPUs of a Mac work: the children of an accelerator that programs opened, each with the time
 * that it has used. A client's time goes with it when it is closed, so sums are kept by process.
 */
#ifndef RECORDER_GPU_CLIENTS_MACOS_H
#define RECORDER_GPU_CLIENTS_MACOS_H

#include <IOKit/IOKitLib.h>

#include "recorder/collectors/gpu.h"

struct gpu_clients;

/* Those of one accelerator. NULL: no memory. */
struct gpu_clients *gpu_clients_open(void);
void gpu_clients_close(struct gpu_clients *clients);

/*
 * Read them all. `start_ticks` of a use is not the process's start: it tells apart those that had the same pid one
 * after another. Of what an accelerator of another driver than Apple's and Intel's was used for, nothing is told.
 *
 *   shape   now_ns: of the kick. `report` gets busy_ns_total
 *   errors  IO: the registry changes all the time; what was known stays
 */
MUST_USE enum status gpu_clients_read(struct gpu_clients *clients, io_service_t accelerator,
                                      int64_t now_ns, struct gpu_reading *reading,
                                      struct gpu_report *report, struct error *err);
/* They are as before, and not looked at: the GPU sleeps, or they cannot be read. */
void gpu_clients_repeat(struct gpu_clients *clients, struct gpu_reading *reading,
                        struct gpu_report *report);

#endif
