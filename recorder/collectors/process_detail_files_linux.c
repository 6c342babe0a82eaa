/*
 * Sources: /proc/PID/smaps_rollup (Linux 4.14), /proc/PID/fd and its links, /proc/PID/ns/net,
 * /proc/PID/stack. Nothing here but smaps_rollup and stack can wait for the process.
 */
#include "recorder/collectors/process_detail_linux.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "recorder/collectors/process_files_linux.h"
#include "recorder/collectors/procfs_linux.h"
#include "recorder/textfile.h"

enum { STACK_FRAMES = 8, ENTRIES_SIZE = 8192, LINK_SIZE = 32, KIB = 1024 };

/* As getdents64(2) fills the buffer. */
struct entry {
    uint64_t inode;
    int64_t offset;
    uint16_t size;
    uint8_t type;
    char name[];
};

/* --- texts --- */

static bool begins(const char *at, const char *end, const char *with, size_t size)
{
    return (size_t)(end - at) >= size && memcmp(at, with, size) == 0;
}

enum missing detail_parse_pss(const char *text, size_t size, int64_t *bytes)
{
    static const char name[] = "Pss:";
    const char *at = text, *end = text + size, *line_end;

    for (; (line_end = textfile_line_end(at, end)) != NULL; at = line_end + 1) {
        if (!begins(at, line_end, name, sizeof name - 1))
            continue;
        at += sizeof name - 1;
        return textfile_scaled(&at, line_end, KIB, bytes);
    }
    return at < end && begins(at, end, name, sizeof name - 1) ? MISSING_FAILED : MISSING_NOT_THERE;
}

uint32_t detail_parse_socket(const char *link, size_t size)
{
    static const char name[] = "socket:[";
    const char *at = link + sizeof name - 1, *end = link + size;
    int64_t inode = 0;

    if (!begins(link, end, name, sizeof name - 1) || at == end || *at < '0' || *at > '9')
        return 0;
    if (textfile_number(&at, end, &inode) != MISSING_NONE || at + 1 != end || *at != ']')
        return 0;
    return inode <= UINT32_MAX ? (uint32_t)inode : 0;
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.';
}

size_t detail_parse_stack(const char *stack, size_t size, char *text, size_t room)
{
    const char *at = stack, *end = stack + size, *line_end;
    size_t used = 0;

    for (int frames = 0; frames < STACK_FRAMES; at = line_end + 1) {
        const char *name;
        size_t length, separator = used > 0 ? 2 : 0;

        line_end = textfile_line_end(at, end);
        if (line_end == NULL)
            break;
        name = memchr(at, ' ', (size_t)(line_end - at));
        name = name == NULL ? at : name + 1;
        for (at = name; at < line_end && is_name(*at);)
            at++;
        length = (size_t)(at - name);
        if (length == 0)
            continue;
        if (length + separator > room - used)
            break;
        memcpy(text + used, ", ", separator);
        memcpy(text + used + separator, name, length);
        used += separator + length;
        frames++;
    }
    return used;
}

/* --- files --- */

int64_t detail_cpu_ns(void)
{
    struct timespec now = { 0 };

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int detail_read_file(int directory, const char *path, char *buffer, size_t room)
{
    int fd = openat(directory, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    size_t used = 0;
    ssize_t got = 0;

    if (fd < 0)
        return -errno;
    do {
        got = read(fd, buffer + used, room - used);
        used += got > 0 ? (size_t)got : 0;
    } while ((got > 0 && used < room) || (got < 0 && errno == EINTR));
    got = got < 0 ? -errno : (ssize_t)used;
    close(fd);
    return (int)got;
}

static int open_fds(int proc_fd, int32_t pid)
{
    char path[PROCESS_PATH_SIZE];
    int fd;

    process_files_path(path, pid, "fd");
    fd = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 ? fd : -errno;
}

/* One descriptor: 0, or -errno, which ends the list. */
typedef int fd_visit(void *self, int directory, const char *name);

static int64_t list_fds(int proc_fd, int32_t pid, fd_visit *visit, void *self)
{
    _Alignas(struct entry) char buffer[ENTRIES_SIZE];
    int directory = open_fds(proc_fd, pid), failure = 0;
    int64_t count = 0;
    long got = 1;

    if (directory < 0)
        return directory;
    while (failure == 0 && (got = syscall(SYS_getdents64, directory, buffer, sizeof buffer)) > 0) {
        for (long at = 0; at < got && failure == 0;) {
            const struct entry *entry = (const struct entry *)(const void *)(buffer + at);

            at += entry->size;
            if (entry->name[0] == '.')
                continue;
            count++;
            failure = visit == NULL ? 0 : visit(self, directory, entry->name);
        }
    }
    if (got < 0)
        failure = -errno;
    close(directory);
    return failure != 0 ? failure : count;
}

bool detail_fds_are_sized(int proc_fd)
{
    struct stat info;

    return fstatat(proc_fd, "self/fd", &info, 0) == 0 && info.st_size > 0;
}

int64_t detail_count_fds(int proc_fd, int32_t pid, bool sized)
{
    char path[PROCESS_PATH_SIZE];
    struct stat info;

    if (!sized)
        return list_fds(proc_fd, pid, NULL, NULL);
    process_files_path(path, pid, "fd");
    return fstatat(proc_fd, path, &info, 0) == 0 ? (int64_t)info.st_size : -errno;
}

struct scan {
    detail_socket_visit *visit;
    void *self;
    int64_t left;
};

/* A directory may be listed whose links may not be read: then nothing is known of its sockets. */
static int scan_fd(void *self, int directory, const char *name)
{
    struct scan *scan = self;
    char link[LINK_SIZE];
    ssize_t size;
    uint32_t inode;

    if (scan->left-- == 0)
        return -E2BIG;
    size = readlinkat(directory, name, link, sizeof link);
    if (size < 0) /* or it was closed meanwhile */
        return errno == ENOENT ? 0 : -errno;
    inode = detail_parse_socket(link, (size_t)size);
    return inode == 0 || scan->visit(scan->self, inode) ? 0 : -ENOMEM;
}

int64_t detail_scan_fds(int proc_fd, int32_t pid, detail_socket_visit *visit, void *self)
{
    struct scan scan = { visit, self, DETAIL_SCAN_FDS_MAX };

    return list_fds(proc_fd, pid, scan_fd, &scan);
}

uint64_t detail_network(int proc_fd, const int32_t *pid)
{
    char path[PROCESS_PATH_SIZE] = "self/ns/net";
    struct stat info;

    if (pid != NULL)
        process_files_path(path, *pid, "ns/net");
    return fstatat(proc_fd, path, &info, 0) == 0 ? (uint64_t)info.st_ino : 0;
}

int32_t detail_own_pid(int proc_fd)
{
    char self[16];
    ssize_t size = readlinkat(proc_fd, "self", self, sizeof self - 1);

    self[size < 0 ? 0 : size] = '\0';
    return procfs_pid(self);
}
