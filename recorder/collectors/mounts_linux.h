/*
 * Which file systems of a host have room that can run out: the mounts of /proc/self/mountinfo without
 * those that hold no data, each file system once.
 */
#ifndef RECORDER_MOUNTS_LINUX_H
#define RECORDER_MOUNTS_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recorder/collectors/path_table.h"
#include "schema/error.h"

enum { MOUNT_PATH_MAX = 512, MOUNT_LABEL_MAX = 768, MOUNTS_MAX = 1024 };

struct mount {
    char path[MOUNT_PATH_MAX]; /* where it is mounted; first, for path_table.h */
    char label[MOUNT_LABEL_MAX];
    int64_t major, minor; /* of its device */
    bool whole;           /* it is all of the file system, not a directory in it */
    bool read_only;       /* the file system, not just this mount of it */
    bool covered;         /* within mounts_parse: another is mounted over it */
};

/* Zeroed is empty. */
struct mounts {
    struct mount *mount; /* in the order of the text */
    size_t count, size;
    struct path_table table;
    size_t covered;  /* of those in the table, within mounts_parse */
    size_t left_out; /* beyond MOUNTS_MAX, or with longer paths */
};

/*
 * The mounts of a text: where a file system is mounted several times, the first place of all of it. A
 * mount that a later one at the same place covers is left out.
 *
 *   errors  NO_MEMORY
 *   owns    mounts->mount, until mounts_release; used again by the next parse
 */
MUST_USE enum status mounts_parse(struct mounts *mounts, const char *text, size_t size,
                                  struct error *err);
void mounts_release(struct mounts *mounts);

#endif
