/* statvfs(3) of some file systems. */
#include "recorder/collectors/statvfs_linux.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "recorder/textfile.h"
#include "recorder/worker.h"

void statvfs_batch_release(void *self)
{
    struct statvfs_batch *batch = self;

    free(batch->item);
    free(batch);
}

static void put(struct room *room, enum filesystem_metric metric, uint64_t count, uint64_t unit)
{
    uint64_t bytes;

    if (__builtin_mul_overflow(count, unit, &bytes) || bytes > INT64_MAX) {
        room->missing[metric] = MISSING_FAILED;
        return;
    }
    room->value[metric] = (int64_t)bytes;
    room->missing[metric] = MISSING_NONE;
}

static struct room read_room(const char *path)
{
    struct room room = { .value = { 0 } };
    struct statvfs about;

    memset(room.missing, MISSING_UNSUPPORTED, sizeof room.missing);
    if (statvfs(path, &about) != 0) {
        memset(room.missing, (int)textfile_missing(errno), sizeof room.missing);
        return room;
    }
    if (about.f_blocks > 0) { /* a tmpfs without a limit tells 0 */
        put(&room, FILESYSTEM_TOTAL_BYTES, about.f_blocks, about.f_frsize);
        put(&room, FILESYSTEM_FREE_BYTES, about.f_bfree, about.f_frsize);
        put(&room, FILESYSTEM_AVAILABLE_BYTES, about.f_bavail, about.f_frsize);
    }
    if (about.f_files > 0) { /* btrfs, vfat: no number is fixed */
        put(&room, FILESYSTEM_FILES, about.f_files, 1);
        put(&room, FILESYSTEM_FILES_FREE, about.f_ffree, 1);
    }
    return room;
}

enum status statvfs_batch_read(void *self, struct error *err)
{
    struct statvfs_batch *batch = self;
    char path[SYSFS_PATH_MAX + MOUNT_PATH_MAX];

    (void)err;
    for (size_t i = 0; i < batch->count && i < atomic_load(&batch->stop); i++) {
        struct statvfs_item *item = &batch->item[i];

        worker_at(worker_self(), item->path);
        (void)snprintf(path, sizeof path, "%s%s", batch->root, item->path);
        item->room = read_room(path);
        atomic_store(&batch->done, i + 1);
    }
    return STATUS_OK;
}
