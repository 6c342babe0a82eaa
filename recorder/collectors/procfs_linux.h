/*
 * The texts of /proc/PID/stat, io, schedstat and status, parsed: text in, struct out.
 *
 * No parser reads a system, allocates, or looks past text[size]; the text needs no final NUL.
 */
#ifndef RECORDER_PROCFS_LINUX_H
#define RECORDER_PROCFS_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/error.h"

/* A kernel worker's name reaches 63 bytes, everything else 15. */
enum { PROC_COMM_MAX = 63 };

/* The kernel's task flag PF_KTHREAD, in field 9 of stat. */
enum { PROC_FLAG_KERNEL_THREAD = 0x00200000 };

/* Of /proc/PID/stat, named after proc_pid_stat(5). Ticks are 1/CLK_TCK seconds. */
struct proc_stat {
    char comm[PROC_COMM_MAX + 1]; /* any bytes; NUL-terminated */
    size_t comm_size;
    char state; /* the kernel's letter */
    int32_t pid, ppid;
    uint64_t flags;
    uint64_t minor_faults, major_faults;
    uint64_t user_ticks, system_ticks;
    int64_t nice, threads;
    uint64_t start_ticks; /* after boot */
    uint64_t virtual_bytes;
    int64_t resident_pages;
    uint64_t start_code, start_stack; /* 0 or 1 when not permitted */
    int64_t last_cpu;
    uint64_t block_delay_ticks;
};

/* Of /proc/PID/io. */
struct proc_io {
    uint64_t read_chars, written_chars;
    uint64_t read_bytes, written_bytes;
};

/* Of /proc/PID/schedstat: of the first thread only. */
struct proc_schedstat {
    uint64_t run_ns, delay_ns, slices;
};

/* Of /proc/PID/status; memory is absent for kernel threads and zombies. */
struct proc_status {
    bool has_memory, has_switches, has_uid;
    uint64_t anonymous_bytes, file_bytes, shared_bytes, swap_bytes;
    uint64_t switches_voluntary, switches_involuntary; /* of the first thread only */
    uint32_t uid;                                      /* effective */
};

/*
 * Parse one file.
 *
 *   shape   text[size] as one read returned it; a cut text is CORRUPT, except that status
 *           says by has_... what it found
 *   units   as the kernel prints them; status's kB as bytes
 *   errors  CORRUPT; the struct's content is then undefined
 */
MUST_USE enum status procfs_parse_stat(const char *text, size_t size, struct proc_stat *stat,
                                       struct error *err);
MUST_USE enum status procfs_parse_io(const char *text, size_t size, struct proc_io *io,
                                     struct error *err);
MUST_USE enum status procfs_parse_schedstat(const char *text, size_t size,
                                            struct proc_schedstat *sched, struct error *err);
MUST_USE enum status procfs_parse_status(const char *text, size_t size, struct proc_status *status,
                                         struct error *err);

/* A directory entry's name as a pid: digits only, 1 to INT32_MAX; 0 for every other name. */
int32_t procfs_pid(const char *name);

/* The index of a kernel's state letter among the labels of PROCESS_STATE; 0 is unknown. */
int64_t procfs_state_label(char letter);

/*
 * The length of the part of a comm that names the process. A worker thread shows what it works on
 * behind its name ("kworker/0:1-events"), which changes many times a second.
 */
size_t procfs_stable_comm(const struct proc_stat *stat);

#endif
