/* Single values of sysfs: open, read, close. */
#include "recorder/collectors/sysfs_linux.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recorder/collectors/hostfs_linux.h"
#include "recorder/textfile.h"

enum { VALUE_ROOM = 128, COUNT_START = 16 };

bool sysfs_at(struct sysfs_directory *directory, const char *root, const char *format, ...)
{
    size_t used = strlen(root);
    va_list arguments;
    int size;

    if (used >= sizeof directory->path)
        return false;
    memmove(directory->path, root, used + 1); /* the root may be the directory itself */
    va_start(arguments, format);
    size = vsnprintf(directory->path + used, sizeof directory->path - used, format, arguments);
    va_end(arguments);
    return size >= 0 && (size_t)size < sizeof directory->path - used;
}

/* directory/NAME in `full`; false when that is too long. */
PRINTF_LIKE(3, 0)
static bool full_path(char full[SYSFS_PATH_MAX + SYSFS_NAME_MAX],
                      const struct sysfs_directory *directory, const char *format,
                      va_list arguments)
{
    const size_t room = SYSFS_PATH_MAX + SYSFS_NAME_MAX;
    size_t used = strlen(directory->path);
    int size;

    memcpy(full, directory->path, used);
    full[used++] = '/';
    size = vsnprintf(full + used, room - used, format, arguments);
    return size >= 0 && (size_t)size < room - used;
}

/* Up to `room` bytes of the file, errno or 0 as the result. */
static int read_file(const char *path, char *text, size_t room, size_t *size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t got;
    int failure;

    *size = 0;
    if (fd < 0)
        return errno;
    do {
        got = read(fd, text, room);
    } while (got < 0 && errno == EINTR);
    failure = got < 0 ? errno : 0;
    *size = got > 0 ? (size_t)got : 0;
    close(fd);
    return failure;
}

enum missing sysfs_number(const struct sysfs_directory *directory, int64_t *value,
                          const char *format, ...)
{
    char full[SYSFS_PATH_MAX + SYSFS_NAME_MAX];
    char text[VALUE_ROOM];
    size_t size;
    va_list arguments;
    bool fits;
    int failure;

    va_start(arguments, format);
    fits = full_path(full, directory, format, arguments);
    va_end(arguments);
    if (!fits)
        return MISSING_FAILED;
    failure = read_file(full, text, sizeof text, &size);
    return failure != 0 ? textfile_missing(failure) : hostfs_parse_value(text, size, value);
}

bool sysfs_text(const struct sysfs_directory *directory, char *text, size_t room,
                const char *format, ...)
{
    char full[SYSFS_PATH_MAX + SYSFS_NAME_MAX];
    size_t size = 0;
    va_list arguments;
    bool read;

    va_start(arguments, format);
    read = full_path(full, directory, format, arguments);
    va_end(arguments);
    read = read && read_file(full, text, room - 1, &size) == 0;
    text[size] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return read && text[0] != '\0';
}

bool sysfs_link(const struct sysfs_directory *directory, char *text, size_t room, const char *name)
{
    char full[SYSFS_PATH_MAX + SYSFS_NAME_MAX];
    char target[PATH_MAX];
    const char *last;
    ssize_t size;

    text[0] = '\0';
    (void)snprintf(full, sizeof full, "%s/%s", directory->path, name);
    size = readlink(full, target, sizeof target - 1);
    if (size <= 0)
        return false;
    target[size] = '\0';
    last = strrchr(target, '/');
    last = last == NULL ? target : last + 1;
    return last[0] != '\0' && (size_t)snprintf(text, room, "%s", last) < room;
}

/* "temp9" before "temp10". */
static int compare(const void *a, const void *b)
{
    const char *one = a;
    const char *two = b;

    while (*one != '\0' && *two != '\0') {
        size_t digits_one = strspn(one, "0123456789");
        size_t digits_two = strspn(two, "0123456789");

        if (digits_one != digits_two && digits_one > 0 && digits_two > 0)
            return digits_one < digits_two ? -1 : 1;
        if (*one != *two)
            break;
        one++;
        two++;
    }
    return (int)(unsigned char)*one - (int)(unsigned char)*two;
}

static bool add(struct sysfs_names *names, const char *name)
{
    size_t size = names->size == 0 ? COUNT_START : names->size * 2;
    char(*larger)[SYSFS_NAME_MAX];

    if (names->count == names->size) {
        larger = realloc(names->name, size * sizeof *larger);
        if (larger == NULL)
            return false;
        names->name = larger;
        names->size = size;
    }
    (void)snprintf(names->name[names->count++], SYSFS_NAME_MAX, "%.*s", SYSFS_NAME_MAX - 1, name);
    return true;
}

enum status sysfs_list(struct sysfs_names *names, const struct sysfs_directory *directory,
                       const char *prefix, size_t most, struct error *err)
{
    DIR *stream = opendir(directory->path);
    const struct dirent *entry;
    bool fits = true;

    names->count = 0;
    if (stream == NULL) {
        enum missing why = textfile_missing(errno);

        return error_set(err, why == MISSING_NOT_THERE ? STATUS_ABSENT : STATUS_IO, "%s: %s",
                         directory->path, strerror(errno));
    }
    while (fits && names->count < most && (entry = readdir(stream)) != NULL) {
        size_t size = strlen(entry->d_name);

        if (entry->d_name[0] != '.' && size < SYSFS_NAME_MAX &&
            strncmp(entry->d_name, prefix, strlen(prefix)) == 0)
            fits = add(names, entry->d_name);
    }
    closedir(stream);
    if (!fits)
        return error_set(err, STATUS_NO_MEMORY, "names in %s", directory->path);
    if (names->count > 1)
        qsort(names->name, names->count, sizeof *names->name, compare);
    return STATUS_OK;
}

void sysfs_names_release(struct sysfs_names *names)
{
    free(names->name);
    *names = (struct sysfs_names){ 0 };
}
