/* What the two files of the NVIDIA back end share. */
#ifndef RECORDER_GPU_NVIDIA_H
#define RECORDER_GPU_NVIDIA_H

#include "recorder/collectors/gpu.h"
#include "recorder/collectors/nvml.h"

/* Where the library writes lists: room for elements of 32 bytes, the longest there ever were. */
struct nvidia_room {
    void *list;
    size_t size;                        /* elements */
    struct nvml_list lists[NVML_LISTS]; /* of the driver that is running */
};

MUST_USE enum status nvidia_room_open(struct nvidia_room *room, struct error *err);
void nvidia_room_close(struct nvidia_room *room);

/* One GPU that is being read. */
struct nvidia_subject {
    const struct nvml *nvml;
    nvml_device device;
    struct gpu_report *gpu;
    uint64_t before_us; /* when the reading before began, by the wall clock; 0: there was none */
    bool mig;
};

/* The wall clock, by which the library's samples are stamped. */
uint64_t nvidia_wall_us(void);

/*
 * Add the processes on it to the reading. *seen_us is the time of the newest sample of their utilization,
 * 0 at first. True: there are such that compute.
 */
bool nvidia_processes(const struct nvidia_subject *subject, struct nvidia_room *room,
                      uint64_t *seen_us, struct gpu_reading *reading, struct capability *found);

#endif
