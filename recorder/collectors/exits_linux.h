/*
 * The kernel's report of every process that ended, with its final totals: taskstats over netlink.
 *
 * The kernel reports each thread; here they are summed, and a process is reported when its last
 * thread has left. Needs CAP_NET_ADMIN in the initial pid, user and network namespaces.
 */
#ifndef RECORDER_EXITS_LINUX_H
#define RECORDER_EXITS_LINUX_H

#include <stdbool.h>
#include <stdint.h>

#include "schema/error.h"

/*
 * IO is what the kernel reports: of each thread, rounded down to 1024 bytes. User and system time
 * are left out: their report is in raw clock ticks, which a short process has none or too many of.
 */
struct exit_totals {
    uint64_t cpu_ns, run_delay_ns, block_delay_ns;
    uint64_t minor_faults, major_faults;
    uint64_t read_chars, written_chars, read_bytes, written_bytes;
    uint64_t switches_voluntary, switches_involuntary;
};

struct exit_record {
    int32_t pid, ppid;
    uint32_t uid;
    int32_t code; /* wait status */
    char comm[16];
    bool threaded;      /* more than one thread left it within our sight */
    int64_t elapsed_us; /* it lived, suspend left out */
    int64_t begin_s;    /* wall clock, may be 1 s off */
    struct exit_totals totals;
};

struct exits;

/*
 * Start to listen.
 *
 *   errors  ABSENT or UNSUPPORTED with the reason, and in `enable` what would help: then *exits is
 *           NULL and stays without use; NO_MEMORY
 *   owns    *exits until exits_close, which accepts NULL
 */
MUST_USE enum status exits_open(struct exits **exits, char *enable, size_t enable_size,
                                struct error *err);
void exits_close(struct exits *exits);

/* Called for each process that ended. */
typedef void exits_report(void *self, const struct exit_record *record);

/*
 * Report all that has ended since the last call; never waits.
 *
 *   errors  returns how often the kernel had to drop reports (1 or more were lost each time)
 */
int64_t exits_drain(struct exits *exits, exits_report *report, void *self);

/* A process is known to be over, without a report: drop what was summed of its threads. */
void exits_forget(struct exits *exits, int32_t pid);

#endif
