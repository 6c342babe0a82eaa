/*
 * The values of one process.
 *
 *   source  /proc/PID/stat, schedstat, io; status at full passes
 *   units   stored units of schema/catalog.c: microseconds, bytes
 *   absent  io without permission and of kernel threads; run delay and context switches of a
 *           process with threads: schedstat and status tell those of its first thread only
 */
#include <errno.h>
#include <string.h>

#include "recorder/collectors/process_state_linux.h"

enum { NS_PER_US = 1000, US_PER_S = 1000000 };

/* The values being made, next to those of the previous row. */
struct reading {
    int64_t values[LINUX_METRICS];
    uint8_t missing[LINUX_METRICS];
    struct proc_schedstat sched;
    bool has_sched;
    bool ran; /* see has_run */
};

static int64_t clamp(uint64_t value)
{
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void set(struct reading *r, enum process_metric metric, int64_t value)
{
    r->values[metric] = value;
    r->missing[metric] = MISSING_NONE;
}

static void set_missing(struct reading *r, enum process_metric metric, enum missing reason)
{
    r->values[metric] = 0;
    r->missing[metric] = (uint8_t)reason;
}

static int64_t ticks_us(const struct process_state *s, uint64_t ticks)
{
    uint64_t us;

    if (__builtin_mul_overflow(ticks, (uint64_t)(US_PER_S / s->ticks_per_second), &us))
        return INT64_MAX;
    return clamp(us);
}

int process_read_stat(struct process_state *s, int32_t pid, int *fd)
{
    ssize_t got = process_files_read(&s->files, pid, FILE_STAT, fd, s->text, sizeof s->text);
    struct error err;

    if (got < 0)
        return (int)got;
    if (procfs_parse_stat(s->text, (size_t)got, &s->stat, &err) != STATUS_OK)
        return -EBADMSG;
    return 0;
}

/* 0, or -errno; r->has_sched says whether there is a schedstat. */
static int read_schedstat(struct process_state *s, struct process *p, struct reading *r)
{
    struct error err;
    ssize_t got;

    r->has_sched = false;
    if (!s->has_schedstat)
        return 0;
    got = process_files_read(&s->files, p->pid, FILE_SCHEDSTAT, &p->fd[FILE_SCHEDSTAT], s->text,
                             sizeof s->text);
    if (got < 0)
        return (int)got;
    r->has_sched = procfs_parse_schedstat(s->text, (size_t)got, &r->sched, &err) == STATUS_OK;
    return 0;
}

/*
 * Since Linux 6.2 stat leaves out what CPUs count apart. Status, at full passes, does not; how much that
 * was is the best guess until the next one.
 */
static int64_t resident_bytes(const struct process_state *s, const struct process *p)
{
    int64_t bytes = s->stat.resident_pages > INT64_MAX / 2 / s->page_bytes
                        ? INT64_MAX / 2
                        : s->stat.resident_pages * s->page_bytes;

    if (s->stat.virtual_bytes == 0) /* it has no memory: it is over, or the kernel's */
        return bytes;
    return larger(bytes + p->apart_bytes, 0);
}

static void take_stat(const struct process_state *s, struct process *p, struct reading *r)
{
    const struct proc_stat *stat = &s->stat;

    set(r, PROCESS_MINOR_FAULTS_TOTAL, clamp(stat->minor_faults));
    set(r, PROCESS_MAJOR_FAULTS_TOTAL, clamp(stat->major_faults));
    set(r, PROCESS_CPU_USER_NS_TOTAL, ticks_us(s, stat->user_ticks));
    set(r, PROCESS_CPU_SYSTEM_NS_TOTAL, ticks_us(s, stat->system_ticks));
    set(r, PROCESS_RESIDENT_BYTES, resident_bytes(s, p));
    set(r, PROCESS_VIRTUAL_BYTES, clamp(stat->virtual_bytes));
    set(r, PROCESS_LAST_CPU, stat->last_cpu);
    set(r, PROCESS_STATE, procfs_state_label(stat->state));
    set(r, PROCESS_THREADS, stat->threads);
    set(r, PROCESS_NICE, stat->nice);
    if (s->has_delayacct)
        set(r, PROCESS_BLOCK_DELAY_NS_TOTAL, ticks_us(s, stat->block_delay_ticks));
    else
        set_missing(r, PROCESS_BLOCK_DELAY_NS_TOTAL, MISSING_UNSUPPORTED);
    p->single = stat->threads <= 1;
    if (!p->single)
        p->flags |= PROCESS_THREADED;
}

/*
 * The CPU time of a process that never had another thread is its schedstat, exact. Else it is what
 * stat sums in clock ticks, or its first thread's alone if that is more. It never falls.
 */
static void take_cpu(const struct process_state *s, struct process *p, struct reading *r)
{
    uint64_t ticks;
    int64_t of_ticks, of_schedstat = 0, cpu;

    if (__builtin_add_overflow(s->stat.user_ticks, s->stat.system_ticks, &ticks))
        ticks = UINT64_MAX;
    of_ticks = ticks_us(s, ticks);
    if (r->has_sched) {
        of_schedstat = clamp(r->sched.run_ns / NS_PER_US);
        /* Two ticks more than its only thread used: there were others, before we looked. */
        if (of_ticks > of_schedstat && of_ticks - of_schedstat > ticks_us(s, 2))
            p->flags |= PROCESS_THREADED;
        if (r->sched.run_ns < p->run_ns) /* another thread called exec, and is the first now */
            p->flags |= PROCESS_THREADED;
        p->run_ns = r->sched.run_ns;
        p->slices = r->sched.slices;
    }
    cpu = r->has_sched && !(p->flags & PROCESS_THREADED) ? of_schedstat
                                                         : larger(of_ticks, of_schedstat);
    set(r, PROCESS_CPU_NS_TOTAL, larger(cpu, p->values[PROCESS_CPU_NS_TOTAL]));
    if (!s->has_schedstat)
        set_missing(r, PROCESS_RUN_DELAY_NS_TOTAL, MISSING_UNSUPPORTED);
    else if (p->flags & PROCESS_THREADED || !r->has_sched)
        set_missing(r, PROCESS_RUN_DELAY_NS_TOTAL, MISSING_NOT_THERE);
    else
        set(r, PROCESS_RUN_DELAY_NS_TOTAL, clamp(r->sched.delay_ns / NS_PER_US));
}

static const enum process_metric io_metrics[] = {
    PROCESS_IO_READ_CHARS_TOTAL,
    PROCESS_IO_WRITTEN_CHARS_TOTAL,
    PROCESS_DISK_READ_BYTES_TOTAL,
    PROCESS_DISK_WRITTEN_BYTES_TOTAL,
};

static void miss_io(struct reading *r, enum missing reason)
{
    for (size_t i = 0; i < COUNT_OF(io_metrics); i++)
        set_missing(r, io_metrics[i], reason);
}

static void take_io(struct process_state *s, struct process *p, struct reading *r)
{
    struct proc_io io;
    struct error err;
    ssize_t got;

    if (p->flags & PROCESS_KERNEL) {
        miss_io(r, MISSING_NOT_THERE);
        return;
    }
    if (p->flags & PROCESS_IO_DENIED && !s->full)
        return; /* still missing, as in the previous row */
    if (!r->ran && r->missing[PROCESS_IO_READ_CHARS_TOTAL] == MISSING_NONE)
        return; /* only what runs reads or writes */
    p->flags &= (uint16_t)~PROCESS_IO_DENIED;
    got = process_files_read(&s->files, p->pid, FILE_IO, &p->fd[FILE_IO], s->text, sizeof s->text);
    if (got == -EACCES || got == -EPERM) {
        p->flags |= PROCESS_IO_DENIED;
        miss_io(r, MISSING_NOT_PERMITTED);
    } else if (got == -ESRCH) {
        return; /* it ended just now: what was last seen holds */
    } else if (got < 0) {
        miss_io(r, got == -ENOENT ? MISSING_NOT_THERE : MISSING_FAILED);
    } else if (procfs_parse_io(s->text, (size_t)got, &io, &err) != STATUS_OK) {
        miss_io(r, MISSING_FAILED);
    } else {
        set(r, PROCESS_IO_READ_CHARS_TOTAL, clamp(io.read_chars));
        set(r, PROCESS_IO_WRITTEN_CHARS_TOTAL, clamp(io.written_chars));
        set(r, PROCESS_DISK_READ_BYTES_TOTAL, clamp(io.read_bytes));
        set(r, PROCESS_DISK_WRITTEN_BYTES_TOTAL, clamp(io.written_bytes));
    }
}

static const enum process_metric status_metrics[] = {
    PROCESS_CONTEXT_SWITCHES_VOLUNTARY_TOTAL,
    PROCESS_CONTEXT_SWITCHES_INVOLUNTARY_TOTAL,
    PROCESS_RESIDENT_ANONYMOUS_BYTES,
    PROCESS_RESIDENT_SHARED_BYTES,
    PROCESS_SWAP_BYTES,
};

static enum status read_status(struct process_state *s, int32_t pid, struct proc_status *status,
                               enum missing *reason)
{
    struct error err;
    ssize_t got = process_files_read(&s->files, pid, FILE_STATUS, NULL, s->text, sizeof s->text);

    *status = (struct proc_status){ 0 };
    *reason = MISSING_FAILED;
    if (got < 0) {
        *reason = got == -EACCES || got == -EPERM ? MISSING_NOT_PERMITTED : MISSING_NOT_THERE;
        return STATUS_ABSENT;
    }
    return procfs_parse_status(s->text, (size_t)got, status, &err);
}

static int64_t sum(int64_t a, int64_t b)
{
    return a > INT64_MAX - b ? INT64_MAX : a + b;
}

static void take_memory(const struct process_state *s, struct process *p,
                        const struct proc_status *status, struct reading *r)
{
    int64_t anonymous = clamp(status->anonymous_bytes);
    int64_t shared = sum(clamp(status->file_bytes), clamp(status->shared_bytes));
    int64_t resident = sum(anonymous, shared);

    p->apart_bytes = 0;
    p->apart_bytes = resident - resident_bytes(s, p);
    set(r, PROCESS_RESIDENT_BYTES, resident);
    set(r, PROCESS_RESIDENT_ANONYMOUS_BYTES, anonymous);
    set(r, PROCESS_RESIDENT_SHARED_BYTES, shared);
    set(r, PROCESS_SWAP_BYTES, clamp(status->swap_bytes));
}

static void take_status(struct process_state *s, struct process *p, struct reading *r)
{
    struct proc_status status;
    enum missing reason;

    if (read_status(s, p->pid, &status, &reason) != STATUS_OK) {
        for (size_t i = 0; i < COUNT_OF(status_metrics); i++)
            set_missing(r, status_metrics[i], reason);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(status_metrics); i++)
        set_missing(r, status_metrics[i], MISSING_NOT_THERE);
    if (status.has_switches && !(p->flags & PROCESS_THREADED)) {
        set(r, PROCESS_CONTEXT_SWITCHES_VOLUNTARY_TOTAL, clamp(status.switches_voluntary));
        set(r, PROCESS_CONTEXT_SWITCHES_INVOLUNTARY_TOTAL, clamp(status.switches_involuntary));
    }
    if (status.has_memory)
        take_memory(s, p, &status, r);
}

bool process_read_uid(struct process_state *s, int32_t pid, uint32_t *uid)
{
    struct proc_status status;
    enum missing reason;

    if (s->files.real)
        return process_files_uid(&s->files, pid, uid);
    if (read_status(s, pid, &status, &reason) != STATUS_OK || !status.has_uid)
        return false;
    *uid = status.uid;
    return true;
}

/*
 * Status is dear. A process that has not run since it was last read has the same switches, and with
 * the same resident size the same memory.
 */
static bool status_is_due(const struct process_state *s, const struct process *p,
                          const struct reading *r)
{
    return s->full &&
           (!r->has_sched || p->flags & PROCESS_THREADED || p->status_run_ns != p->run_ns ||
            r->missing[PROCESS_SWAP_BYTES] == MISSING_FAILED ||
            r->values[PROCESS_RESIDENT_BYTES] != p->values[PROCESS_RESIDENT_BYTES]);
}

/* Everything behind stat, and whether it differs from the previous row. */
static enum sample finish(struct process_state *s, struct process *p, struct reading *r,
                          bool with_status)
{
    int64_t used;

    take_stat(s, p, r);
    take_cpu(s, p, r);
    take_io(s, p, r);
    if (with_status || status_is_due(s, p, r)) {
        take_status(s, p, r);
        p->status_run_ns = p->run_ns;
    }
    if (memcmp(r->values, p->values, sizeof p->values) == 0 &&
        memcmp(r->missing, p->missing, sizeof p->missing) == 0)
        return SAMPLE_SAME;
    used = r->values[PROCESS_CPU_NS_TOTAL] - p->values[PROCESS_CPU_NS_TOTAL];
    s->stats.cpu_processes_us += used;
    memcpy(p->values, r->values, sizeof p->values);
    memcpy(p->missing, r->missing, sizeof p->missing);
    return SAMPLE_CHANGED;
}

/* Since it was last sampled, as far as can be told: other threads than the first are not seen. */
static bool has_run(const struct process *p, const struct reading *r)
{
    return !r->has_sched || !p->single || r->sched.run_ns != p->run_ns ||
           r->sched.slices != p->slices;
}

static enum sample failed(int error)
{
    return error == -ENOENT || error == -ESRCH ? SAMPLE_GONE : SAMPLE_FAILED;
}

bool process_is_idle(struct process_state *s, struct process *p)
{
    struct reading r;

    return process_is_filtered(p) && read_schedstat(s, p, &r) == 0 && !has_run(p, &r);
}

enum sample process_sample(struct process_state *s, struct process *p)
{
    struct reading r;
    bool filter = !s->full && process_is_filtered(p);
    /* First, so that what runs while the other files are read shows at the next tick. */
    int error = read_schedstat(s, p, &r);

    if (error == -ESRCH || (filter && error != 0))
        return failed(error);
    r.ran = has_run(p, &r);
    if (filter && !r.ran)
        return SAMPLE_SAME;
    error = process_read_stat(s, p->pid, &p->fd[FILE_STAT]);
    if (error != 0)
        return failed(error);
    if (s->stat.start_ticks != p->start_ticks)
        return SAMPLE_GONE;
    memcpy(r.values, p->values, sizeof r.values);
    memcpy(r.missing, p->missing, sizeof r.missing);
    return finish(s, p, &r, false);
}

void process_sample_first(struct process_state *s, struct process *p)
{
    struct reading r = { .ran = true };
    int64_t used_before = s->stats.cpu_processes_us;

    memset(r.missing, MISSING_NOT_THERE, sizeof r.missing);
    (void)read_schedstat(s, p, &r);
    (void)finish(s, p, &r, true);
    /* Its stat was read before its schedstat: what it did between the two shows at the next tick. */
    p->slices = UINT64_MAX;
    if (!(p->flags & PROCESS_BORN_IN_VIEW))
        s->stats.cpu_processes_us = used_before;
}
