/* Kernel text files: kept open, read with pread from the start at each tick. */
#include "recorder/textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum missing textfile_missing(int failure)
{
    switch (failure) {
    case 0:
        return MISSING_NONE;
    case EACCES:
    case EPERM:
        return MISSING_NOT_PERMITTED;
    case ENOENT:
    case ENOTDIR:
    case ENODEV:
    case ENXIO:
    case ESRCH:
        return MISSING_NOT_THERE;
    case EOPNOTSUPP:
    case ENOSYS:
        return MISSING_UNSUPPORTED;
    default:
        return MISSING_FAILED;
    }
}

static enum status failed(struct textfile *file, int failure, const char *what, struct error *err)
{
    enum status st = textfile_missing(failure) == MISSING_NOT_THERE ? STATUS_ABSENT : STATUS_IO;

    file->failure = failure;
    return error_set(err, st, "%s: %s", what, strerror(failure));
}

enum status textfile_open(struct textfile *file, const char *root, const char *path, size_t room,
                          size_t limit, struct error *err)
{
    char full[PATH_MAX];

    *file = (struct textfile){ .room = room, .limit = limit };
    if ((size_t)snprintf(full, sizeof full, "%s%s", root, path) >= sizeof full)
        return failed(file, ENAMETOOLONG, path, err);
    file->fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file->fd < 0)
        return failed(file, errno, full, err);
    file->text = malloc(room + 1);
    if (file->text == NULL) {
        close(file->fd);
        file->failure = ENOMEM;
        return error_set(err, STATUS_NO_MEMORY, "%zu bytes to read %s", room + 1, full);
    }
    file->text[0] = '\0';
    return STATUS_OK;
}

enum status textfile_read(struct textfile *file, struct error *err)
{
    size_t size = 0;

    if (!textfile_is_open(file))
        return error_set(err, STATUS_ABSENT, "not open");
    file->size = 0;
    file->text[0] = '\0';
    while (size < file->room) {
        ssize_t got = pread(file->fd, file->text + size, file->room - size, (off_t)size);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return failed(file, errno, "read", err);
        if (got == 0)
            break;
        size += (size_t)got;
    }
    file->cut = size == file->room;
    file->size = size;
    file->text[size] = '\0';
    file->failure = 0;
    return STATUS_OK;
}

bool textfile_grow(struct textfile *file)
{
    size_t room = file->room * 2 < file->limit ? file->room * 2 : file->limit;
    char *larger;

    if (room <= file->room)
        return false;
    larger = realloc(file->text, room + 1);
    if (larger == NULL)
        return false;
    file->text = larger;
    file->room = room;
    return true;
}

void textfile_close(struct textfile *file)
{
    if (!textfile_is_open(file))
        return;
    close(file->fd);
    free(file->text);
    *file = (struct textfile){ 0 };
}

enum missing textfile_number(const char **at, const char *end, int64_t *value)
{
    const char *p = *at;
    int64_t sum = 0;
    bool fits = true;

    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    if (p == end || *p < '0' || *p > '9')
        return MISSING_NOT_THERE;
    for (; p < end && *p >= '0' && *p <= '9'; p++)
        fits = fits && !__builtin_mul_overflow(sum, 10, &sum) &&
               !__builtin_add_overflow(sum, *p - '0', &sum);
    *at = p;
    if (!fits)
        return MISSING_FAILED;
    *value = sum;
    return MISSING_NONE;
}

enum missing textfile_scaled(const char **at, const char *end, int64_t multiplier, int64_t *value)
{
    int64_t number = 0;
    enum missing why = textfile_number(at, end, &number);

    if (why != MISSING_NONE)
        return why;
    return __builtin_mul_overflow(number, multiplier, value) ? MISSING_FAILED : MISSING_NONE;
}

const char *textfile_line_end(const char *at, const char *end)
{
    return at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
}
