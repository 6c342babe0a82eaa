/*
 * One recorder per recording: FILE.lock, locked for as long as the process lives, with its pid and
 * start in it for whom it turns away.
 */
#ifndef RECORDER_LOCKFILE_H
#define RECORDER_LOCKFILE_H

#include <limits.h>
#include <stdint.h>

#include "schema/error.h"

/* Zeroed: none is held. */
struct lockfile {
    int fd;
    char path[PATH_MAX]; /* "" while none is held */
};

/*
 * Lock the recording at `recording`, taking over what a recorder that is gone has left.
 *
 *   errors  IO, also for "... is being recorded by pid N since T"; INVALID: path too long
 *   owns    the lock, until lockfile_release
 */
MUST_USE enum status lockfile_acquire(struct lockfile *lock, const char *recording, int64_t wall_ns,
                                      struct error *err);

/* Remove the file and unlock. */
void lockfile_release(struct lockfile *lock);

#endif
