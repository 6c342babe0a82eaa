/* What Apple's GPU used, and at which frequency it worked: what IOReport tells of it beside its driver's statistics. */
#ifndef RECORDER_GPU_ENERGY_MACOS_H
#define RECORDER_GPU_ENERGY_MACOS_H

#include "recorder/collectors/gpu.h"

struct gpu_energy;

/*
 * Start.
 *
 *   errors  ABSENT: it cannot be told here, `err` says why; NO_MEMORY
 *   owns    *opened until gpu_energy_close, which accepts NULL
 */
MUST_USE enum status gpu_energy_open(struct gpu_energy **opened, struct error *err);
void gpu_energy_close(struct gpu_energy *energy);

/* Read, and put what is told into the report; what cannot be read is missing there. */
void gpu_energy_read(struct gpu_energy *energy, struct gpu_report *gpu);

#endif
