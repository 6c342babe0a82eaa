/*
 * What other collectors may know of the processes of this tick. The process collector, which comes
 * first, fills it in when it is opened; without it `glance` is NULL and no process is known.
 */
#ifndef RECORDER_PROCESS_DIRECTORY_H
#define RECORDER_PROCESS_DIRECTORY_H

#include <stdbool.h>
#include <stdint.h>

struct process_glance {
    uint32_t slot;
    int32_t pid;
    uint64_t start_ticks;   /* with pid: which process; a slot is given to another one later */
    uint32_t uid;           /* UINT32_MAX: not known */
    int64_t resident_bytes; /* -1: not known */
    int64_t state;          /* as in process_samples */
    bool kernel_thread;
};

struct process_directory {
    const void *self;
    /* Every slot in use is below. */
    uint32_t (*end)(const void *self);
    /* False: nobody is in the slot, or it is over. */
    bool (*glance)(const void *self, uint32_t slot, struct process_glance *glance);
    /* The same by pid, in the pid namespace of the recorder. */
    bool (*find)(const void *self, int32_t pid, struct process_glance *glance);
};

#endif
