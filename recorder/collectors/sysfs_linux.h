/*
 * Files of sysfs with one value each, opened, read and closed: for devices that come and go and are
 * looked at seldom. What may block belongs into a worker (recorder/worker.h).
 */
#ifndef RECORDER_SYSFS_LINUX_H
#define RECORDER_SYSFS_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/error.h"
#include "schema/metric.h"

enum { SYSFS_PATH_MAX = 512, SYSFS_NAME_MAX = 96 };

/* A directory below the root that the values lie in. */
struct sysfs_directory {
    char path[SYSFS_PATH_MAX];
};

/* Each tells false when the path would be too long. */
bool sysfs_at(struct sysfs_directory *directory, const char *root, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* The value of a file in it; why not, else. `format` names the file. */
enum missing sysfs_number(const struct sysfs_directory *directory, int64_t *value,
                          const char *format, ...) PRINTF_LIKE(3, 4);
/* Its first line, cut at room - 1; empty when it cannot be read. False then. */
bool sysfs_text(const struct sysfs_directory *directory, char *text, size_t room,
                const char *format, ...) PRINTF_LIKE(4, 5);
/* The last part of what a link in it points to; false, and empty, when it is none. */
bool sysfs_link(const struct sysfs_directory *directory, char *text, size_t room, const char *name);

/* Names in a directory, in order: numbers in them by their value. Zeroed is empty. */
struct sysfs_names {
    char (*name)[SYSFS_NAME_MAX];
    size_t count, size;
};

/*
 * Those that begin with `prefix`; at most `most`.
 *
 *   errors  ABSENT (no such directory), IO, NO_MEMORY
 *   owns    names->name, until sysfs_names_release; used again by the next list
 */
MUST_USE enum status sysfs_list(struct sysfs_names *names, const struct sysfs_directory *directory,
                                const char *prefix, size_t most, struct error *err);
void sysfs_names_release(struct sysfs_names *names);

#endif
