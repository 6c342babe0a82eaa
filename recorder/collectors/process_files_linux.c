/* getdents64 of /proc, and kept descriptors on /proc/PID/NAME. */
#include "recorder/collectors/process_files_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "recorder/collectors/procfs_linux.h"
#include "recorder/descriptors.h"

enum { ENTRIES_SIZE = 256 * 1024 };

/* A pid is given out a moment before its process is listed: a listing overlaps others by this. */
static const int64_t overlap_ns = 500000000;

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
    long allowed = descriptors_for_processes();

    return allowed < KEPT_DESCRIPTORS_MAX ? allowed : KEPT_DESCRIPTORS_MAX;
}

/*
 * The last number in it is the pid given out last, in our pid namespace. That is of no use when
 * /proc shows another one, and not to be believed when the file is another file system's (lxcfs).
 */
static void open_loadavg(struct process_files *files)
{
    char self[12];
    ssize_t size = readlinkat(files->proc_fd, "self", self, sizeof self - 1);
    struct stat proc, loadavg;

    self[size < 0 ? 0 : size] = '\0';
    if (procfs_pid(self) != getpid())
        return;
    files->loadavg_fd = openat(files->proc_fd, "loadavg", O_RDONLY | O_CLOEXEC);
    if (files->loadavg_fd >= 0 && fstat(files->proc_fd, &proc) == 0 &&
        fstat(files->loadavg_fd, &loadavg) == 0 && proc.st_dev == loadavg.st_dev)
        return;
    if (files->loadavg_fd >= 0)
        close(files->loadavg_fd);
    files->loadavg_fd = -1;
}

enum status process_files_open(struct process_files *files, const char *root, bool keep,
                               struct error *err)
{
    char path[4096];

    *files = (struct process_files){
        .proc_fd = -1,
        .loadavg_fd = -1,
        .real = *root == '\0',
        .pid_offset = -1,
    };
    if ((size_t)snprintf(path, sizeof path, "%s/proc", root) >= sizeof path)
        return error_set(err, STATUS_INVALID, "root directory name too long");
    files->proc_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (files->proc_fd < 0)
        return error_set(err, STATUS_IO, "open %s: %s", path, strerror(errno));
    files->entries = malloc(ENTRIES_SIZE);
    if (files->entries == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory to list %s", path);
    files->budget = keep ? descriptor_budget() : 0;
    if (files->real)
        open_loadavg(files);
    return STATUS_OK;
}

void process_files_close(struct process_files *files)
{
    if (files->entries != NULL || files->proc_fd > 0)
        close(files->proc_fd);
    if (files->entries != NULL && files->loadavg_fd >= 0)
        close(files->loadavg_fd);
    free(files->entries);
    free(files->pids);
    *files = (struct process_files){ .proc_fd = -1, .loadavg_fd = -1 };
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

static int32_t newest_pid(const struct process_files *files)
{
    char text[80];
    ssize_t size = files->loadavg_fd < 0 ? -1 : pread(files->loadavg_fd, text, sizeof text, 0);
    const char *blank;

    if (size <= 0 || text[size - 1] != '\n')
        return 0;
    text[size - 1] = '\0';
    blank = strrchr(text, ' ');
    return blank == NULL ? 0 : procfs_pid(blank + 1);
}

/*
 * The position in the directory from which to list; 0 for all. Pids are given out in ascending
 * order, until they begin anew, and listed in that order; so new ones follow what was the newest.
 */
static int64_t first_position(const struct process_files *files, int32_t newest)
{
    int32_t since = files->newest[1];
    bool ascends = since > 0 && since <= files->newest[0] && files->newest[0] <= newest;

    if (files->always_whole || !ascends || files->pid_offset < 0)
        return 0;
    return since + 1 + files->pid_offset;
}

/* Take the pids among entries[size]; *position is that of the first entry, then of the next one. */
static bool take_entries(struct process_files *files, long size, int64_t *position)
{
    for (long at = 0; at < size;) {
        const struct entry *entry = (const void *)(files->entries + at);
        int32_t pid = procfs_pid(entry->name);

        if (pid != 0 && files->whole) {
            if (files->pid_count == 0)
                files->pid_offset = *position - pid;
            else if (files->pid_offset != *position - pid)
                files->pid_offset = -1;
        }
        if (pid != 0 && !add_pid(files, pid))
            return false;
        *position = entry->offset;
        at += entry->size;
    }
    return true;
}

enum status process_files_list(struct process_files *files, bool all, int64_t now_ns,
                               struct error *err)
{
    int32_t newest = newest_pid(files); /* before listing: what comes during it is listed twice */
    int64_t position = all ? 0 : first_position(files, newest);
    long size;

    files->pid_count = 0;
    files->whole = position == 0;
    if (lseek(files->proc_fd, position, SEEK_SET) != position)
        return error_set(err, STATUS_IO, "seek /proc: %s", strerror(errno));
    while ((size = syscall(SYS_getdents64, files->proc_fd, files->entries, ENTRIES_SIZE)) > 0) {
        if (!take_entries(files, size, &position))
            return error_set(err, STATUS_NO_MEMORY, "no memory for %zu pids", files->pid_count);
    }
    if (size < 0)
        return error_set(err, STATUS_IO, "list /proc: %s", strerror(errno));
    if (files->whole)
        files->listed = files->pid_count;
    if (newest < files->newest[0] || now_ns - files->noted_ns >= overlap_ns) {
        files->newest[1] = files->newest[0];
        files->newest[0] = newest;
        files->noted_ns = now_ns;
    }
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

/*
 * A process that did not run is told by its schedstat alone, so that each should have that one before any
 * has the others.
 */
static bool may_keep(const struct process_files *files, enum process_file file)
{
    long free_count = files->budget, to_come = 0;

    for (int i = 0; i < FILE_COUNT; i++)
        free_count -= files->kept[i];
    if (file != FILE_SCHEDSTAT && files->filters)
        to_come = (long)(files->listed + files->listed / 8) - files->kept[FILE_SCHEDSTAT];
    return free_count > (to_come > 0 ? to_come : 0);
}

ssize_t process_files_read(struct process_files *files, int32_t pid, enum process_file file,
                           int *fd, char *buffer, size_t size)
{
    static const char *const names[] = {
        [FILE_STAT] = "stat",
        [FILE_SCHEDSTAT] = "schedstat",
        [FILE_IO] = "io",
        [FILE_STATUS] = "status",
    };
    char path[PROCESS_PATH_SIZE];
    ssize_t got;
    int opened;

    if (fd != NULL && *fd >= 0) {
        got = pread(*fd, buffer, size, 0);
        return got < 0 ? -errno : got;
    }
    process_files_path(path, pid, names[file]);
    opened = openat(files->proc_fd, path, O_RDONLY | O_CLOEXEC);
    if (opened < 0)
        return -errno;
    got = pread(opened, buffer, size, 0);
    if (got < 0)
        got = -errno;
    if (got >= 0 && fd != NULL && file < FILE_COUNT && may_keep(files, file)) {
        files->kept[file]++;
        *fd = opened;
    } else {
        close(opened);
    }
    return got;
}

void process_files_drop(struct process_files *files, enum process_file file, int *fd)
{
    if (*fd < 0)
        return;
    close(*fd);
    *fd = -1;
    files->kept[file]--;
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
