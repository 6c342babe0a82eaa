/* getdents64 of /proc, and kept descriptors on /proc/PID/NAME. */
#include "recorder/process_files_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "recorder/procfs_linux.h"

enum { ENTRIES_SIZE = 256 * 1024 };

/* As getdents64(2) fills the buffer; libc has no name for it that old versions know. */
struct entry {
    uint64_t inode;
    int64_t offset;
    uint16_t size;
    uint8_t type;
    char name[];
};

static long descriptor_budget(void)
{
    struct rlimit limit;
    rlim_t budget;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    if (limit.rlim_cur < limit.rlim_max) {
        struct rlimit raised = { limit.rlim_max, limit.rlim_max };

        if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
            limit = raised;
    }
    if (limit.rlim_cur <= SPARE_DESCRIPTORS)
        return 0;
    budget = limit.rlim_cur - SPARE_DESCRIPTORS;
    return budget < KEPT_DESCRIPTORS_MAX ? (long)budget : KEPT_DESCRIPTORS_MAX;
}

enum status process_files_open(struct process_files *files, const char *root, bool keep,
                               struct error *err)
{
    char path[4096];

    *files = (struct process_files){ .proc_fd = -1, .real = *root == '\0' };
    if ((size_t)snprintf(path, sizeof path, "%s/proc", root) >= sizeof path)
        return error_set(err, STATUS_INVALID, "root directory name too long");
    files->proc_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (files->proc_fd < 0)
        return error_set(err, STATUS_IO, "open %s: %s", path, strerror(errno));
    files->entries = malloc(ENTRIES_SIZE);
    if (files->entries == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory to list %s", path);
    files->budget = keep ? descriptor_budget() : 0;
    return STATUS_OK;
}

void process_files_close(struct process_files *files)
{
    if (files->entries != NULL || files->proc_fd > 0)
        close(files->proc_fd);
    free(files->entries);
    free(files->pids);
    *files = (struct process_files){ .proc_fd = -1 };
}

static bool add_pid(struct process_files *files, int32_t pid)
{
    if (files->pid_count == files->pid_size) {
        size_t size = files->pid_size == 0 ? 1024 : files->pid_size * 2;
        int32_t *pids = realloc(files->pids, size * sizeof *pids);

        if (pids == NULL)
            return false;
        files->pids = pids;
        files->pid_size = size;
    }
    files->pids[files->pid_count++] = pid;
    return true;
}

enum status process_files_list(struct process_files *files, struct error *err)
{
    long size;

    files->pid_count = 0;
    if (lseek(files->proc_fd, 0, SEEK_SET) != 0)
        return error_set(err, STATUS_IO, "seek /proc: %s", strerror(errno));
    while ((size = syscall(SYS_getdents64, files->proc_fd, files->entries, ENTRIES_SIZE)) > 0) {
        for (long at = 0; at < size;) {
            const struct entry *entry = (const void *)(files->entries + at);
            int32_t pid = procfs_pid(entry->name);

            if (pid != 0 && !add_pid(files, pid))
                return error_set(err, STATUS_NO_MEMORY, "no memory for %zu pids", files->pid_count);
            at += entry->size;
        }
    }
    if (size < 0)
        return error_set(err, STATUS_IO, "list /proc: %s", strerror(errno));
    return STATUS_OK;
}

void process_files_path(char path[PROCESS_PATH_SIZE], int32_t pid, const char *name)
{
    char digits[12];
    size_t count = 0, at = 0, size = strnlen(name, PROCESS_PATH_SIZE - sizeof digits - 2);

    for (uint32_t rest = (uint32_t)pid; rest != 0 || count == 0; rest /= 10)
        digits[count++] = (char)('0' + rest % 10);
    while (count > 0)
        path[at++] = digits[--count];
    if (size > 0)
        path[at++] = '/';
    memcpy(path + at, name, size);
    path[at + size] = '\0';
}

ssize_t process_files_read(struct process_files *files, int32_t pid, int *fd, const char *name,
                           char *buffer, size_t size)
{
    char path[PROCESS_PATH_SIZE];
    ssize_t got;
    int opened;

    if (fd != NULL && *fd >= 0) {
        got = pread(*fd, buffer, size, 0);
        return got < 0 ? -errno : got;
    }
    process_files_path(path, pid, name);
    opened = openat(files->proc_fd, path, O_RDONLY | O_CLOEXEC);
    if (opened < 0)
        return -errno;
    got = pread(opened, buffer, size, 0);
    if (got < 0)
        got = -errno;
    if (got >= 0 && fd != NULL && files->kept < files->budget) {
        files->kept++;
        *fd = opened;
    } else {
        close(opened);
    }
    return got;
}

void process_files_drop(struct process_files *files, int *fd)
{
    if (*fd < 0)
        return;
    close(*fd);
    *fd = -1;
    files->kept--;
}

bool process_files_uid(const struct process_files *files, int32_t pid, uint32_t *uid)
{
    char path[PROCESS_PATH_SIZE];
    struct stat st;

    process_files_path(path, pid, "");
    if (fstatat(files->proc_fd, path, &st, 0) != 0)
        return false;
    *uid = st.st_uid;
    return true;
}
