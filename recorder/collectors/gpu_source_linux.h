/*
 * Back ends that are read together, in a worker's thread. What one of them hangs in keeps the others of
 * its source waiting, so that each library that may hang is a source of its own.
 */
#ifndef RECORDER_GPU_SOURCE_LINUX_H
#define RECORDER_GPU_SOURCE_LINUX_H

#include "recorder/collectors/gpu.h"
#include "recorder/process_directory.h"
#include "recorder/worker.h"

enum { GPU_BACKENDS_MOST = 2 };

struct gpu_job; /* what belongs to the thread */

/* Zeroed is closed. */
struct gpu_source {
    struct worker *worker; /* NULL: there is nothing to read */
    struct gpu_job *job;
    struct gpu_reading *taken; /* the latest one that was taken */
    struct capability found;   /* with it */
    bool kicked;               /* a reading goes on, or waits to be taken */
    bool fresh;                /* `taken` is new since gpu_source_used */
    bool ever;                 /* something was taken */
};

struct gpu_source_options {
    const char *name; /* for events */
    const char *root;
    const char *nvml_library;
    const struct gpu_backend *backend[GPU_BACKENDS_MOST];
    size_t backend_count;
    bool thread;       /* false: gpu_source_kick reads at once */
    bool foreign_pids; /* the pids told without a start are not those of this pid namespace */
};

/*
 * Open those of the back ends that find something here.
 *
 *   errors  ABSENT: none does, `err` says why the first did not; NO_MEMORY, IO
 *   owns    *source until gpu_source_close
 */
MUST_USE enum status gpu_source_open(struct gpu_source *source,
                                     const struct gpu_source_options *options, struct error *err);
void gpu_source_close(struct gpu_source *source);

/* Begin a reading unless one goes on. `processes` may be NULL. */
void gpu_source_kick(struct gpu_source *source, int64_t now_ns,
                     const struct process_directory *processes);
/* Take the reading if it has ended. */
void gpu_source_take(struct gpu_source *source);
/* All of `taken` is written down. */
void gpu_source_used(struct gpu_source *source);

#endif
