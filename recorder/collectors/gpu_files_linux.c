/* See gpu_files_linux.h. */
#include "recorder/collectors/gpu_files_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "recorder/textfile.h"

enum { NUMBER_ROOM = 128 };

static bool full_path(char path[PATH_MAX], const char *root, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

static bool full_path(char path[PATH_MAX], const char *root, const char *format, va_list args)
{
    size_t used = (size_t)snprintf(path, PATH_MAX, "%s", root);

    return used < PATH_MAX &&
           (size_t)vsnprintf(path + used, PATH_MAX - used, format, args) < PATH_MAX - used;
}

static enum missing read_path(char *text, size_t size, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    size_t used = 0;
    ssize_t got = 1;
    int failure;

    text[0] = '\0';
    if (fd < 0)
        return textfile_missing(errno);
    while (used < size - 1 && got > 0) {
        got = read(fd, text + used, size - 1 - used);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0)
            used += (size_t)got;
    }
    failure = got < 0 ? errno : 0;
    close(fd);
    if (failure != 0)
        used = 0;
    text[used] = '\0';
    return textfile_missing(failure);
}

enum missing gpu_file_text(char *text, size_t size, const char *root, const char *path, ...)
{
    char full[PATH_MAX];
    va_list args;
    bool fits;

    text[0] = '\0';
    va_start(args, path);
    fits = full_path(full, root, path, args);
    va_end(args);
    return fits ? read_path(text, size, full) : MISSING_FAILED;
}

enum missing gpu_file_line(char *text, size_t size, const char *root, const char *path, ...)
{
    char full[PATH_MAX];
    enum missing why = MISSING_FAILED;
    va_list args;
    size_t used;

    text[0] = '\0';
    va_start(args, path);
    if (full_path(full, root, path, args))
        why = read_path(text, size, full);
    va_end(args);
    used = strlen(text);
    if (used > 0 && text[used - 1] == '\n')
        text[used - 1] = '\0';
    return why;
}

enum missing gpu_file_number(int64_t *value, const char *root, const char *path, ...)
{
    char full[PATH_MAX], text[NUMBER_ROOM];
    const char *at = text;
    enum missing why;
    va_list args;
    bool fits;

    va_start(args, path);
    fits = full_path(full, root, path, args);
    va_end(args);
    why = fits ? read_path(text, sizeof text, full) : MISSING_FAILED;
    if (why != MISSING_NONE)
        return why;
    at += *at == '-';
    why = textfile_number(&at, text + strlen(text), value);
    if (why != MISSING_NONE)
        return MISSING_FAILED;
    if (text[0] == '-')
        *value = -*value;
    return MISSING_NONE;
}

void gpu_file_link(char *name, size_t size, const char *root, const char *path, ...)
{
    char full[PATH_MAX], target[PATH_MAX];
    const char *slash;
    ssize_t length = -1;
    va_list args;

    va_start(args, path);
    if (full_path(full, root, path, args))
        length = readlink(full, target, sizeof target - 1);
    va_end(args);
    target[length > 0 ? length : 0] = '\0';
    slash = strrchr(target, '/');
    (void)snprintf(name, size, "%s", slash != NULL ? slash + 1 : target);
}
