/*
 * The files of /proc, read with as few system calls as the descriptor limit allows.
 *
 * A descriptor that is kept costs one pread a tick instead of open, read and close, and it belongs
 * to its process for good: once that has ended, reads fail with ESRCH, whoever has the pid then.
 */
#ifndef RECORDER_PROCESS_FILES_LINUX_H
#define RECORDER_PROCESS_FILES_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "schema/error.h"

enum {
    /* The kernel keeps a page per descriptor: 3 for each of 10 000 processes are 135 MB. */
    KEPT_DESCRIPTORS_MAX = 30000,
};

/* Files of a process; descriptors of the first three may be kept. */
enum process_file { FILE_STAT, FILE_SCHEDSTAT, FILE_IO, FILE_COUNT, FILE_STATUS = FILE_COUNT };

struct process_files {
    int proc_fd;
    bool real;    /* the host's own /proc, not a fixture */
    bool filters; /* schedstat tells whether a process ran: descriptors of it come first */
    long budget, kept[FILE_COUNT];
    size_t listed; /* processes, when all were */
    char *entries; /* getdents64 */

    int32_t *pids; /* of the last listing */
    size_t pid_count, pid_size;
    bool whole;        /* they are all there were */
    bool always_whole; /* a part would not do here: may be set by the caller */
    int loadavg_fd;    /* -1: there is no telling which pid is the newest */
    int32_t
        newest[2];    /* pid given out last, at noted_ns and at the time noted before; 0: unknown */
    int64_t noted_ns; /* time of a listing */
    int64_t pid_offset; /* position of each pid in the directory, less the pid; -1: it varies */
};

/*
 * Open ROOT/proc.
 *
 *   shape   keep: keep descriptors, as many as descriptors_for_processes allows
 *   errors  IO, NO_MEMORY
 *   owns    a descriptor and buffers until process_files_close, which accepts what a failed open
 *           left
 */
MUST_USE enum status process_files_open(struct process_files *files, const char *root, bool keep,
                                        struct error *err);
void process_files_close(struct process_files *files);

/*
 * Fill files->pids with the pids that are listed now.
 *
 *   shape   `all` false: those given out since the previous listing will do, where that can be
 *           told; some older ones may be among them. now_ns: of a clock that never goes back
 *   errors  IO, NO_MEMORY
 */
MUST_USE enum status process_files_list(struct process_files *files, bool all, int64_t now_ns,
                                        struct error *err);

/*
 * Read a file of /proc/PID from its beginning into buffer[size].
 *
 *   shape   *fd: the kept descriptor, or -1: then it is set when one is kept; NULL: keep none
 *   errors  returns the bytes read, or -errno
 */
ssize_t process_files_read(struct process_files *files, int32_t pid, enum process_file file,
                           int *fd, char *buffer, size_t size);
/* Close a kept descriptor, if there is one. */
void process_files_drop(struct process_files *files, enum process_file file, int *fd);

/* The effective uid of a process, as owner of /proc/PID; false when it is gone. */
bool process_files_uid(const struct process_files *files, int32_t pid, uint32_t *uid);

/* Write "PID/NAME" to path. */
enum { PROCESS_PATH_SIZE = 40 };
void process_files_path(char path[PROCESS_PATH_SIZE], int32_t pid, const char *name);

#endif
