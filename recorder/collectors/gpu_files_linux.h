/* Small files of sysfs and procfs, opened anew at each read: for the worker's thread only. */
#ifndef RECORDER_GPU_FILES_LINUX_H
#define RECORDER_GPU_FILES_LINUX_H

#include <stddef.h>
#include <stdint.h>

#include "schema/error.h"
#include "schema/metric.h"

/*
 * The file root + path, up to size - 1 bytes of it, NUL-terminated. `path` is written like a printf
 * format. On a failure why, and text is "".
 */
enum missing gpu_file_text(char *text, size_t size, const char *root, const char *path, ...)
    PRINTF_LIKE(4, 5);

/* The same, without the newline at its end. */
enum missing gpu_file_line(char *text, size_t size, const char *root, const char *path, ...)
    PRINTF_LIKE(4, 5);

/* The whole number, or one with a sign, that such a file begins with; FAILED when there is none. */
enum missing gpu_file_number(int64_t *value, const char *root, const char *path, ...)
    PRINTF_LIKE(3, 4);

/* The last part of what the link root + path names; "" when it is none. */
void gpu_file_link(char *name, size_t size, const char *root, const char *path, ...)
    PRINTF_LIKE(4, 5);

#endif
