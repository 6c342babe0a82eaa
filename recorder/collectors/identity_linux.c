/* Sources: /proc/PID/cmdline, exe, cwd, cgroup; stat once more at the end; the user database. */
#include "recorder/collectors/identity_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recorder/collectors/container_id.h"
#include "recorder/collectors/process_files_linux.h"
#include "recorder/collectors/procfs_linux.h"

enum status identity_open(void *source, void **opened, struct error *err)
{
    const struct identity_source *from = source;
    struct identity_reader *reader = calloc(1, sizeof *reader);
    char path[4096];

    *opened = reader;
    if (reader == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory for command lines");
    reader->source = from;
    reader->root = from->root;
    reader->no_cmdline = from->no_cmdline;
    reader->proc_fd = -1;
    if ((size_t)snprintf(path, sizeof path, "%s/proc", from->root) < sizeof path)
        reader->proc_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    else
        errno = ENAMETOOLONG;
    if (reader->proc_fd >= 0)
        return STATUS_OK;
    (void)error_set(err, STATUS_IO, "open %s: %s", path, strerror(errno));
    identity_close(reader);
    *opened = NULL;
    return STATUS_IO;
}

void identity_close(void *context)
{
    struct identity_reader *reader = context;

    if (reader->proc_fd >= 0)
        close(reader->proc_fd);
    bytes_release(&reader->redacted);
    free(reader);
}

/* All of a file up to `size` bytes; -errno when it cannot be read. */
static ssize_t read_file(int directory, const char *path, void *buffer, size_t size)
{
    int fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
    size_t used = 0;
    ssize_t got;

    if (fd < 0)
        return -errno;
    do {
        got = read(fd, (char *)buffer + used, size - used);
        used += got > 0 ? (size_t)got : 0;
    } while (got > 0 && used < size);
    got = got < 0 ? -errno : (ssize_t)used;
    close(fd);
    return got;
}

static ssize_t read_pid_file(struct identity_reader *reader, int32_t pid, const char *name,
                             void *buffer, size_t size)
{
    char path[PROCESS_PATH_SIZE];

    process_files_path(path, pid, name);
    return read_file(reader->proc_fd, path, buffer, size);
}

static void put_cmdline(struct identity_reader *reader, struct slow_answer *answer)
{
    ssize_t got = reader->raw.cmdline_size;

    if (got >= 0)
        identity_put_cmdline(reader->source, reader->raw.cmdline, (size_t)got,
                             got == CMDLINE_READ_MAX, &reader->redacted, answer);
}

static ssize_t read_link(struct identity_reader *reader, int32_t pid, const char *name,
                         char target[IDENTITY_TEXT_MAX])
{
    char path[PROCESS_PATH_SIZE];
    ssize_t size;

    process_files_path(path, pid, name);
    size = readlinkat(reader->proc_fd, path, target, IDENTITY_TEXT_MAX);
    return size < 0 ? -errno : size;
}

/* A link that leads nowhere, as a kernel thread's, is known to be empty. */
static void put_link(struct slow_answer *answer, enum process_text text, const char *target,
                     ssize_t size)
{
    if (size >= 0 || size == -ENOENT)
        identity_put_text(answer, text, target, size < 0 ? 0 : (size_t)size);
}

static size_t depth(const char *path, size_t size)
{
    size_t slashes = 0;

    for (size_t i = 1; i < size; i++) /* "/" is the root: depth 0 */
        slashes += i == 1 || path[i] == '/';
    return slashes;
}

static bool lists(const char *list, size_t size, const char *wanted)
{
    size_t length = strlen(wanted);

    for (size_t at = 0; at + length <= size; at++) {
        bool begins = at == 0 || list[at - 1] == ',';
        bool ends = at + length == size || list[at + length] == ',';

        if (begins && ends && memcmp(list + at, wanted, length) == 0)
            return true;
    }
    return false;
}

struct identity_slice identity_cgroup(const char *text, size_t size)
{
    const char *end = text + size;
    struct identity_slice best = { "", 0 };

    for (const char *line = text, *stop; line < end; line = stop + 1) {
        stop = memchr(line, '\n', (size_t)(end - line));
        if (stop == NULL)
            stop = end;
        const char *list = memchr(line, ':', (size_t)(stop - line));
        const char *path = list == NULL ? NULL : memchr(list + 1, ':', (size_t)(stop - list - 1));
        if (path == NULL)
            continue;
        size_t list_size = (size_t)(path - ++list), path_size = (size_t)(stop - ++path);
        struct identity_slice here = { path, path_size };

        if (list_size == 0 && depth(path, path_size) > 0)
            return here;
        if (list_size != 0 && (list_size < 5 || memcmp(list, "name=", 5) != 0) &&
            !lists(list, list_size, "memory") && !lists(list, list_size, "cpu"))
            continue;
        if (best.size == 0 || depth(path, path_size) > depth(best.at, best.size))
            best = here;
    }
    return best;
}

static void put_cgroup(const struct identity_raw *raw, struct slow_answer *answer)
{
    char container[CONTAINER_ID_MAX];
    struct identity_slice cgroup;

    if (raw->cgroup_size < 0)
        return;
    cgroup = identity_cgroup(raw->cgroup, (size_t)raw->cgroup_size);
    identity_put_text(answer, PROCESS_CGROUP, cgroup.at,
                      cgroup.size < IDENTITY_TEXT_MAX ? cgroup.size : IDENTITY_TEXT_MAX);
    identity_put_text(answer, PROCESS_CONTAINER, container,
                      container_id(cgroup.at, cgroup.size, container));
}

/* The fixture's user database, so that a captured tree says the same everywhere. */
void identity_fixture_user(const char *root, uint32_t uid, char *name, size_t size)
{
    char path[4096];
    FILE *file = NULL;
    struct passwd *entry;

    if ((size_t)snprintf(path, sizeof path, "%s/etc/passwd", root) < sizeof path)
        file = fopen(path, "re");
    if (file == NULL)
        return;
    while ((entry = fgetpwent(file)) != NULL) {
        if (entry->pw_uid == uid) {
            snprintf(name, size, "%s", entry->pw_name);
            break;
        }
    }
    fclose(file);
}

static const char *user_name(struct identity_reader *reader, const struct slow_request *request)
{
    return identity_user_name(&reader->users, reader->root, request->uid, request->asked_ns);
}

/*
 * Its memory is gone, and with it what it was called: it is a zombie, or on the way there, when its state is still
 * that of one that runs. Without memory is a kernel thread, too, which has no such names.
 */
static bool has_lost_names(const struct proc_stat *stat)
{
    return stat->state == 'Z' || stat->state == 'X' || stat->virtual_bytes == 0;
}

/* Only what it still has replaces what is known of it. */
static void forget_empty(struct slow_answer *answer)
{
    for (unsigned text = 0; text < PROCESS_TEXT_COUNT; text++) {
        if (answer->text[text].size == 0)
            answer->known &= ~(1u << text);
    }
    if (!(answer->known & 1u << PROCESS_CMDLINE)) {
        answer->cmdline_length = 0;
        answer->cmdline_hash = 0;
    }
}

void identity_read(void *context, const struct slow_request *request)
{
    struct identity_reader *reader = context;
    struct identity_raw *raw = &reader->raw;
    int32_t pid = request->pid;

    if (request->user_only) {
        raw->user = user_name(reader, request);
        return;
    }
    raw->cgroup_size = read_pid_file(reader, pid, "cgroup", raw->cgroup, sizeof raw->cgroup);
    if (request->idle) /* who asked can tell whose this is without another look at stat */
        return;
    raw->exe_size = read_link(reader, pid, "exe", raw->exe);
    raw->cwd_size = read_link(reader, pid, "cwd", raw->cwd);
    raw->cmdline_size = -ENOENT;
    if (!reader->no_cmdline)
        raw->cmdline_size =
            read_pid_file(reader, pid, "cmdline", raw->cmdline, sizeof raw->cmdline);
    raw->user = user_name(reader, request);
    raw->stat_size = read_pid_file(reader, pid, "stat", raw->stat, sizeof raw->stat);
}

void identity_answer(void *context, const struct slow_request *request, struct slow_answer *answer)
{
    struct identity_reader *reader = context;
    const struct identity_raw *raw = &reader->raw;
    struct proc_stat stat;
    struct error err;
    bool gone;

    if (request->user_only) {
        identity_put_text(answer, PROCESS_USER, raw->user, strlen(raw->user));
        return;
    }
    put_cgroup(raw, answer);
    if (request->idle)
        return;
    put_link(answer, PROCESS_EXE, raw->exe, raw->exe_size);
    put_link(answer, PROCESS_CWD, raw->cwd, raw->cwd_size);
    put_cmdline(reader, answer);
    gone = raw->stat_size < 0 ||
           procfs_parse_stat(raw->stat, (size_t)raw->stat_size, &stat, &err) != STATUS_OK ||
           stat.start_ticks != request->start_ticks;
    if (gone) {
        answer->gone = true;
        answer->known = 0;
        bytes_reset(&answer->bytes);
    }
    identity_put_text(answer, PROCESS_USER, raw->user,
                      strlen(raw->user)); /* of the uid: it stays right */
    if (!gone && !request->first && has_lost_names(&stat))
        forget_empty(answer);
}
