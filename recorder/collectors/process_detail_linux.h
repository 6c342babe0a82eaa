/*
 * What the collector of process details on Linux is made of: private to
 * collectors/process_detail_linux.c and process_detail_*_linux.c.
 *
 * Three parts work on it. The sampling thread picks the processes, keeps who has a row, and adds rows
 * and events. The *look* (recorder/worker.h) counts descriptors and sockets: nothing in it waits for a
 * process. What may wait for one, memory maps and kernel stacks, goes by recorder/slow.h, where another
 * thread takes over from one that hangs.
 */
#ifndef RECORDER_PROCESS_DETAIL_LINUX_H
#define RECORDER_PROCESS_DETAIL_LINUX_H

#include "recorder/collector.h"
#include "recorder/collectors/process_detail.h"
#include "recorder/collectors/sock_diag_linux.h"
#include "recorder/collectors/socket_table.h"
#include "recorder/process_directory.h"
#include "recorder/slow.h"
#include "recorder/worker.h"

enum {
    DETAIL_FEW_FDS = 512,    /* up to so many are read on a budget of their own */
    DETAIL_BLOCKED_MAX = 64, /* processes watched for being blocked */
    DETAIL_BLOCKED_PER_RUN = 4,
};

/*
 * CPU time per run: the look has budgets of 3.5 ms in all; PSS has what the look before did not take of 5
 * ms, and no less than a fifth; at the first run more. What one run takes too much the next ones have
 * less.
 */
#define DETAIL_BUDGET_NS INT64_C(5000000)
#define DETAIL_FIRST_BUDGET_NS INT64_C(50000000)
/* PSS that would take longer is not read at all. */
#define DETAIL_MEMORY_READ_MAX_NS INT64_C(250000000)

/* --- process_detail_files_linux.c: the texts, and reading them ------------------------------- */

/* "Pss: N kB" of /proc/PID/smaps_rollup in bytes: NOT_THERE without the line, FAILED when cut. */
enum missing detail_parse_pss(const char *text, size_t size, int64_t *bytes);
/* The inode in "socket:[N]"; 0: it is something else. */
uint32_t detail_parse_socket(const char *link, size_t size);
/*
 * The functions of a kernel stack, "[<0>] NAME+0x1/0x2" per line, joined by ", ", as many as fit into
 * eight; returns the bytes put to text[room].
 */
size_t detail_parse_stack(const char *stack, size_t size, char *text, size_t room);

/* Read a small file whole, as far as it fits: its size or -errno. */
int detail_read_file(int directory, const char *path, char *buffer, size_t room);

/* Descriptors of /proc/PID/fd: how many, or -errno. `sized`: the directory's size tells (Linux 6.2). */
int64_t detail_count_fds(int proc_fd, int32_t pid, bool sized);
/* Whether a directory of descriptors tells their number by its size. */
bool detail_fds_are_sized(int proc_fd);

/* Called for each descriptor that is a socket; false: enough. */
typedef bool detail_socket_visit(void *self, uint32_t inode);
/* Look at each descriptor of a process, DETAIL_SCAN_FDS_MAX at most: how many, -E2BIG, or -errno. */
int64_t detail_scan_fds(int proc_fd, int32_t pid, detail_socket_visit *visit, void *self);
/* The network namespace a process is in: its inode, or 0. NULL: our own. */
uint64_t detail_network(int proc_fd, const int32_t *pid);

/* Our own pid as that /proc has it; 0: it does not tell. */
int32_t detail_own_pid(int proc_fd);

/* CPU time of the calling thread. */
int64_t detail_cpu_ns(void);

/* --- process_detail_look_linux.c: descriptors and sockets ------------------------------------- */

struct detail_look;

/* `root` as in collect_context; errors NO_MEMORY, IO (no /proc). */
MUST_USE enum status detail_look_open(struct detail_look **look, const char *root,
                                      struct error *err);
void detail_look_close(void *self);
/* struct worker_job.read. */
enum status detail_look_read(void *self, struct error *err);

/* Room for `count` candidates of the next read, to be filled in and counted; NULL: no memory. */
struct detail_candidate *detail_look_candidates(struct detail_look *look, size_t count);
void detail_look_set_count(struct detail_look *look, size_t count);

/* What the latest read found. */
const struct detail_row *detail_look_rows(const struct detail_look *look, size_t *count);
/* Whether it listed sockets; else what it tells of them is as old as the last that did. */
bool detail_look_dumped(const struct detail_look *look);
/* Why sockets cannot be listed here; OK: they can. */
const struct error *detail_look_refusal(const struct detail_look *look);

/* --- process_detail_slow_linux.c: what may wait for the process ------------------------------- */

/* The answer's bytes begin with this; after it, of what blocks a process, its text. */
struct detail_memory {
    int64_t pss_bytes, cost_ns;
    uint8_t missing;
};

/* struct slow_work; `root` is a const char **. A request with `first` is about what blocks a process. */
enum status detail_slow_open(void *root, void **opened, struct error *err);
void detail_slow_close(void *opened);
void detail_slow_read(void *opened, const struct slow_request *request);
void detail_slow_answer(void *opened, const struct slow_request *request,
                        struct slow_answer *answer);

/* --- process_detail_blocked_linux.c: processes in uninterruptible sleep ------------------------ */

enum blocked_phase {
    BLOCKED_NOBODY,
    BLOCKED_SUSPECT, /* seen so once */
    BLOCKED_ASKED,   /* seen so twice; where it waits is asked for */
    BLOCKED_TOLD,    /* the event is out */
    BLOCKED_QUIET,   /* more than DETAIL_BLOCKED_PER_RUN: seen twice, not told of in this run */
};

struct blocked {
    enum blocked_phase phase;
    struct detail_identity identity;
    int64_t since_ns;
    int64_t over_ns; /* of one that is ASKED: it is no longer so; 0: it is */
    char name[96];   /* "COMM(pid)", any bytes but NUL */
};

struct blocked_list {
    struct blocked item[DETAIL_BLOCKED_MAX];
    unsigned asked; /* in this run */
};

/* A new run: processes seen blocked are put down by blocked_suspect. */
void blocked_begin(struct blocked_list *list);
void blocked_suspect(struct blocked_list *list, const struct process_glance *glance,
                     int64_t now_ns);
/*
 * Each tick, after the processes were sampled: the second look, and who is blocked no longer. True: it
 * has asked `slow`.
 */
bool blocked_look(struct blocked_list *list, const struct process_directory *processes,
                  struct slow *slow, struct tick *tick);
/* What was asked for: the event. */
void blocked_answer(struct blocked_list *list, const struct slow_answer *answer, const char *text,
                    size_t size, struct tick *tick);

#endif
