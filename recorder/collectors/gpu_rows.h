/* Rows and events of GPUs and of the processes on them, from what was read: the same on every system. */
#ifndef RECORDER_GPU_ROWS_H
#define RECORDER_GPU_ROWS_H

#include "recorder/collectors/gpu.h"
#include "recorder/collectors/gpu_pairs.h"
#include "recorder/entity_set.h"
#include "recorder/process_directory.h"
#include "schema/tick.h"

/* What was told of by events. */
struct gpu_told {
    int64_t slowed_ns, lost_ns; /* since when; 0: it is not */
};

struct gpu_rows {
    const struct collect_context *context;
    struct entity_set gpus;
    struct gpu_told told[GPU_MOST]; /* by slot */
    struct gpu_pairs pairs;
};

void gpu_rows_init(struct gpu_rows *rows, const struct collect_context *context);
void gpu_rows_release(struct gpu_rows *rows);

/* One sampled tick: begin, the GPUs, then the processes on them, end. */
void gpu_rows_begin(struct gpu_rows *rows);
/* NO_MEMORY. *slot: ENTITY_NO_SLOT if there is no room for it. */
MUST_USE enum status gpu_rows_add_gpu(struct gpu_rows *rows, struct tick *tick,
                                      const struct gpu_report *report, uint32_t *slot);
/*
 * No row for a process that the process collector does not know by that pid and start. Values that are not
 * `fresh` are not sampled. NO_MEMORY.
 */
MUST_USE enum status gpu_rows_add_use(struct gpu_rows *rows, struct tick *tick,
                                      const struct gpu_use *use, uint32_t gpu_slot, bool fresh);
void gpu_rows_end(struct gpu_rows *rows, struct tick *tick);

#endif
