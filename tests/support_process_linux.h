/* Trees of /proc made up by a test, and a process collector that reads them tick by tick. */
#ifndef TESTS_SUPPORT_PROCESS_LINUX_H
#define TESTS_SUPPORT_PROCESS_LINUX_H

#include "recorder/collector.h"
#include "schema/tick.h"

/* A process as its files tell it; zero fields are written as they are. */
struct fake_process {
    int pid, ppid;
    const char *comm; /* default "fake" */
    char state;       /* default 'S' */
    unsigned long flags;
    unsigned long user_ticks, system_ticks, minor_faults;
    int threads; /* default 1 */
    unsigned long start_ticks;
    long resident_pages; /* of 4 kB; status counts 13 kB more */
    unsigned long start_stack;
    unsigned long long run_ns, delay_ns, slices;
    unsigned long read_chars;
    unsigned uid;
    bool ending;         /* it has no memory any more, whatever its state */
    const char *cmdline; /* its NULs written as '|'; default none */
    const char *cgroup;  /* default "0::/\n" */
};

/* One collector, reading a directory of its own below the temporary one or the host's /proc. */
struct process_rig {
    char root[64]; /* "" on the host */
    bool made;     /* by rig_fixture: to be removed */
    struct clock clock;
    struct collect_context context;
    struct capability capability;
    void *state;
    struct tick tick;
    int64_t seq, now_ns; /* of the next tick; now_ns is boot time */
    bool is_last;        /* the next tick */
};

/* A new, empty tree; the clock says 1000 s after boot, 1 s per tick. */
void rig_fixture(struct process_rig *rig);
/* A captured tree, "tests/fixtures/NAME"; as rig_fixture, but it is left as it is. */
void rig_captured(struct process_rig *rig, const char *root);
/* The host's /proc and its clocks. */
void rig_host(struct process_rig *rig);
void rig_open(struct process_rig *rig, const char *source);
/* Collect one tick into rig->tick. */
void rig_tick(struct process_rig *rig);
void rig_close(struct process_rig *rig);

void rig_put(struct process_rig *rig, const struct fake_process *process);
void rig_remove(struct process_rig *rig, int pid);
/* Replace or, with NULL, remove one file of a process. */
void rig_put_file(struct process_rig *rig, int pid, const char *name, const char *text);

/* What the latest tick has of a pid or a slot; NULL and UINT32_MAX: nothing. */
const struct tick_birth *rig_birth(const struct process_rig *rig, int pid);
/* The slot of a pid that the latest tick bears; fails the test when it does not. */
uint32_t rig_slot(const struct process_rig *rig, int pid);
const struct tick_row *rig_row(const struct process_rig *rig, uint32_t slot);
const struct tick_exit *rig_exit(const struct process_rig *rig, uint32_t slot);
const struct tick_version *rig_version(const struct process_rig *rig, uint32_t slot);
int64_t rig_value(const struct process_rig *rig, uint32_t slot, enum process_metric metric);
enum missing rig_missing(const struct process_rig *rig, uint32_t slot, enum process_metric metric);
/* Whether the latest tick has a version of the slot that says so. */
bool rig_named(const struct process_rig *rig, uint32_t slot, enum process_text text,
               const char *value);

#endif
