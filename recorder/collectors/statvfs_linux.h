/*
 * The room in some file systems, read one after the other by a worker (recorder/worker.h): each read may
 * block for ever, so what was read before can be had while it goes on.
 */
#ifndef RECORDER_STATVFS_LINUX_H
#define RECORDER_STATVFS_LINUX_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "recorder/collectors/mounts_linux.h"
#include "recorder/collectors/sysfs_linux.h"
#include "schema/error.h"
#include "schema/metric.h"

/* What statvfs tells, in the order of enum filesystem_metric. */
enum { ROOM_VALUES = FILESYSTEM_FILES_FREE + 1 };

struct room {
    int64_t value[ROOM_VALUES];
    uint8_t missing[ROOM_VALUES];
};

struct statvfs_item {
    char path[MOUNT_PATH_MAX];
    int64_t major, minor; /* of what was mounted there when it was asked for */
    struct room room;
};

/* Its memory is the worker's from kick to take, but for what is said here. */
struct statvfs_batch {
    char root[SYSFS_PATH_MAX];
    struct statvfs_item *item; /* paths are not changed in the meantime */
    size_t count, size;
    atomic_size_t done; /* items below it are complete */
    atomic_size_t stop; /* no item from there on is begun; may be lowered any time */
};

/* For struct worker_job. */
enum status statvfs_batch_read(void *self, struct error *err);
void statvfs_batch_release(void *self);

#endif
