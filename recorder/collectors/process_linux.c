/*
 * Every process, at every tick: by BPF ("bpf", "iter": process_walk_linux.c), or
 *
 *   source  /proc listed by getdents64; /proc/PID/stat, schedstat, io by kept descriptors ("fds")
 *           or opened each time ("proc"); exits by taskstats; names by the slow thread
 *   units   stored units of schema/catalog.c
 *   absent  io of other users' processes without CAP_SYS_PTRACE; exits without CAP_NET_ADMIN;
 *           block delay while the sysctl kernel.task_delayacct is 0
 *
 * With kept descriptors a process whose schedstat did not move is not read further: it did not run.
 * Other processes can still change its memory, so every tenth tick reads everything. Between these
 * only the newest pids are listed where that is possible: all others are known.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "recorder/collectors/collectors_linux.h"
#include "recorder/collectors/process_state_linux.h"
#include "recorder/process_directory.h"

/* In a longer time pids might begin anew and pass by where they were. */
static const int64_t longest_part_ns = 2000000000;
static const int64_t part_slack_ns = 200000000;

static const uint64_t status_columns = UINT64_C(1) << PROCESS_CONTEXT_SWITCHES_VOLUNTARY_TOTAL |
                                       UINT64_C(1) << PROCESS_CONTEXT_SWITCHES_INVOLUNTARY_TOTAL |
                                       UINT64_C(1) << PROCESS_RESIDENT_ANONYMOUS_BYTES |
                                       UINT64_C(1) << PROCESS_RESIDENT_SHARED_BYTES |
                                       UINT64_C(1) << PROCESS_SWAP_BYTES;

/* The pid of this process is another's now. */
static void end_replaced(struct process_state *s, uint32_t slot, struct tick *tick)
{
    struct process *p;

    process_exits(s, tick); /* the report on it may be waiting */
    p = process_at(s, slot);
    if (p->pid == 0)
        return;
    if (!(p->flags & PROCESS_OVER))
        process_vanished(s, p, tick);
    process_leave(s, p);
}

/* A pid that is not the one of a living process we know: a new one, or gone again. */
static void sweep_new(struct process_state *s, int32_t pid, uint32_t old, struct tick *tick)
{
    int fd = -1, error = process_read_stat(s, pid, &fd);
    struct process *p;

    if (error != 0) {
        process_files_drop(&s->files, FILE_STAT, &fd);
        if (error != -ENOENT && error != -ESRCH)
            s->stats.processes_unreadable++;
        return;
    }
    if (old != SLOT_NONE)
        end_replaced(s, old, tick);
    p = process_table_find(&s->table, pid) == SLOT_NONE ? process_enter(s, pid, tick) : NULL;
    if (p == NULL) {
        process_files_drop(&s->files, FILE_STAT, &fd);
        return;
    }
    p->fd[FILE_STAT] = fd;
    p->sweep = s->sweep;
    process_announce(s, p, tick);
    process_ask(s, p);
    /* It was there at the previous tick: pids do not ascend here (clone3 can choose them). */
    if (s->swept && p->start_ns < s->previous_ns - part_slack_ns)
        s->files.always_whole = true;
}

/* Whether a process that had its last row is still listed, as a zombie. */
static bool is_zombie(struct process_state *s, struct process *p, const struct tick *tick)
{
    if (process_read_stat(s, p->pid, &p->fd[FILE_STAT]) != 0)
        return false;
    if (p->flags & PROCESS_APPROXIMATE) {
        if ((s->stat.state != 'Z' && s->stat.state != 'X') ||
            process_start_ns(s, s->stat.start_ticks) > tick->start_ns)
            return false;
        p->start_ticks = s->stat.start_ticks;
        p->flags &= (uint16_t)~PROCESS_APPROXIMATE;
    }
    return s->stat.start_ticks == p->start_ticks;
}

static void sweep_known(struct process_state *s, struct process *p, struct tick *tick)
{
    uint32_t slot = process_slot(s, p);
    int32_t pid = p->pid;

    switch (process_sample(s, p)) {
    case SAMPLE_SAME:
        tick_row_same(tick, TABLE_PROCESS, slot);
        break;
    case SAMPLE_CHANGED:
        (void)process_put_row(s, p, 0, tick);
        process_check_name(s, p, tick);
        break;
    case SAMPLE_FAILED: /* it is there: its values are missing, its counters go on later */
        s->stats.processes_unreadable++;
        memset(p->missing, MISSING_FAILED, sizeof p->missing);
        p->flags &= (uint16_t)~PROCESS_IO_DENIED;
        (void)process_put_row(s, p, 0, tick);
        break;
    case SAMPLE_GONE:
        sweep_new(s, pid, slot, tick);
        return;
    }
    p->row_seq = tick->seq;
    p->sampled_ns = tick->start_ns;
    p->sweep = s->sweep;
    process_ask(s, p);
}

static void sweep_process(struct process_state *s, struct process *p, struct tick *tick)
{
    int32_t pid = p->pid;

    if (!(p->flags & PROCESS_OVER)) {
        sweep_known(s, p, tick);
    } else if (is_zombie(s, p, tick)) {
        p->sweep = s->sweep;
    } else {
        process_leave(s, p);
        sweep_new(s, pid, SLOT_NONE, tick);
    }
}

static bool is_unseen(const struct process_state *s, const struct process *p)
{
    return p->pid != 0 && p->sweep != s->sweep;
}

void process_sweep_pid(struct process_state *s, int32_t pid, struct tick *tick)
{
    uint32_t slot = process_table_find(&s->table, pid);

    if (slot == SLOT_NONE)
        sweep_new(s, pid, SLOT_NONE, tick);
    else if (is_unseen(s, process_at(s, slot)))
        sweep_process(s, process_at(s, slot), tick);
}

static void sweep(struct process_state *s, struct tick *tick)
{
    for (uint32_t slot = 0; !s->files.whole && slot < process_end(s); slot++) {
        if (is_unseen(s, process_at(s, slot)))
            sweep_process(s, process_at(s, slot), tick);
    }
    for (size_t i = 0; i < s->files.pid_count; i++) {
        int32_t pid = s->files.pids[i];

        if (pid != s->hidden_pid)
            process_sweep_pid(s, pid, tick);
    }
}

/* End what is no longer listed, if possible by the report that came during the sweep. */
static void end_unseen(struct process_state *s, struct tick *tick)
{
    bool unreported = false;

    for (uint32_t slot = 0; slot < process_end(s) && !unreported; slot++)
        unreported =
            is_unseen(s, process_at(s, slot)) && !(process_at(s, slot)->flags & PROCESS_OVER);
    if (unreported)
        process_exits(s, tick);
    for (uint32_t slot = 0; slot < process_end(s); slot++) {
        struct process *p = process_at(s, slot);

        if (!is_unseen(s, p))
            continue;
        if (!(p->flags & PROCESS_OVER))
            process_vanished(s, p, tick);
        process_leave(s, p);
    }
}

/* So many slots that have ended wait for the ticks that name them to be stored; then they return. */
enum { SLOTS_HELD_MAX = 16384 };

/* Rungs 3 and 4. */
static enum status collect_files(struct process_state *s, struct tick *tick, struct error *err)
{
    enum status st;
    bool all;

    all = s->full || tick->start_ns - s->previous_ns > longest_part_ns;
    st = process_files_list(&s->files, all, tick->start_ns, err);
    if (st != STATUS_OK)
        return st;
    process_take_answers(s, tick);
    process_exits(s, tick);
    tick_sampled(tick, TABLE_PROCESS);
    if (!s->full)
        tick->table[TABLE_PROCESS].column_mask &= ~status_columns;
    sweep(s, tick);
    end_unseen(s, tick);
    return STATUS_OK;
}

static enum status process_collect(void *state, struct tick *tick, struct error *err)
{
    struct process_state *s = state;
    enum status st = STATUS_OK;

    s->full = tick->seq % FULL_PASS_TICKS == 0;
    s->now_ns = tick->start_ns;
    if (!tick->slots_held || s->table.returned_count > SLOTS_HELD_MAX)
        process_table_tick(&s->table);
    s->sweep++;
    if (s->source == NULL) {
        st = collect_files(s, tick, err);
    } else {
        process_take_answers(s, tick);
        process_walk(s, tick);
    }
    if (st != STATUS_OK)
        return st;
    process_reread(s, tick);
    if (*s->context.root != '\0')
        slow_run_pending(s->slow);
    else if (s->asked)
        slow_wake(s->slow);
    s->asked = false;
    s->swept = true;
    s->previous_ns = tick->start_ns;
    return STATUS_OK;
}

/* The number that a small file holds; -1 when it cannot be read. */
static int64_t read_number(const char *root, const char *path)
{
    char name[4096], text[64];
    int64_t value = -1;
    FILE *file;

    if ((size_t)snprintf(name, sizeof name, "%s%s", root, path) >= sizeof name)
        return -1;
    file = fopen(name, "re");
    if (file == NULL)
        return -1;
    if (fgets(text, sizeof text, file) != NULL)
        value = strtoll(text, NULL, 10);
    fclose(file);
    return value;
}

/*
 * Without CONFIG_SCHED_INFO the file is missing or all zero, even for us. The time in it can be 0
 * while we run for the first time; that we were let run once is counted from the beginning.
 */
static bool has_schedstat(const struct process_state *s)
{
    uint64_t run_ns = 0, slices = 0;
    FILE *file;

    if (!s->files.real)
        return true;
    file = fopen("/proc/self/schedstat", "re");
    if (file == NULL)
        return false;
    if (fscanf(file, "%" SCNu64 " %*u %" SCNu64, &run_ns, &slices) != 2)
        run_ns = slices = 0;
    fclose(file);
    return run_ns > 0 || slices > 0;
}

static bool may_read_others(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

    return syscall(SYS_capget, &header, data) == 0 &&
           (data[0].effective & UINT32_C(1) << CAP_SYS_PTRACE) != 0;
}

/* Add to what is said; what does not fit is cut. */
static void add_words(char *text, size_t size, const char *words)
{
    size_t used = strlen(text);

    if (used + 1 < size)
        (void)snprintf(text + used, size - used, "%s%s", used > 0 && *words != '\0' ? "; " : "",
                       words);
}

static void describe_source(const struct process_state *s, struct capability *capability)
{
    const char *name = process_collector_source(s);
    const char *words = strcmp(name, "bpf") == 0    ? "BPF walk"
                        : strcmp(name, "iter") == 0 ? "BPF iterator"
                        : s->keeps                  ? "kept descriptors"
                                                    : "files opened at each tick";

    capability->reason[0] = capability->enable[0] = '\0';
    add_words(capability->reason, sizeof capability->reason, words);
    if (s->context.source_reason != NULL)
        add_words(capability->reason, sizeof capability->reason, s->context.source_reason);
}

static void describe(const struct process_state *s, const char *exits, const char *enable,
                     struct capability *capability)
{
    bool walks = s->source != NULL;
    bool others = walks || !s->files.real || may_read_others();
    bool ok = walks || (others && s->exits != NULL && s->has_schedstat);
    char *reason = capability->reason;
    size_t size = sizeof capability->reason;

    capability->status = ok ? CAPABILITY_OK : CAPABILITY_PARTIAL;
    describe_source(s, capability);
    if (!walks)
        add_words(reason, size, exits);
    if (!others)
        add_words(reason, size, "no io of others' processes");
    if (!walks && !s->has_schedstat)
        add_words(reason, size, "CPU time in clock ticks");
    if (!s->has_delayacct)
        add_words(reason, size, "no block delay (kernel.task_delayacct=0)");
    if (!others)
        add_words(
            capability->enable, sizeof capability->enable,
            "run as root or with CAP_BPF and CAP_PERFMON, or CAP_SYS_PTRACE and CAP_NET_ADMIN");
    else if (!walks && s->exits == NULL)
        add_words(capability->enable, sizeof capability->enable, enable);
    else if (!s->has_delayacct)
        add_words(capability->enable, sizeof capability->enable,
                  "sysctl kernel.task_delayacct=1 for block delay");
}

static enum status start_slow(struct process_state *s, struct error *err)
{
    const struct clock *clock = s->context.clock;
    const struct slow_work work = {
        .open = identity_open,
        .close = identity_close,
        .read = identity_read,
        .answer = identity_answer,
        .self = &s->identity,
    };

    s->identity = (struct identity_source){
        .root = s->context.root,
        .redactor = s->context.redactor,
        .no_cmdline = s->context.no_cmdline,
        .key = { clock->random(clock->self), clock->random(clock->self) },
    };
    return slow_start(&s->slow, &work, s->files.real, err);
}

static int64_t process_not_answering(const void *state)
{
    const struct process_state *s = state;

    return slow_late_count(s->slow);
}

static void process_close(void *state)
{
    struct process_state *s = state;

    if (s == NULL)
        return;
    if (s->context.processes != NULL)
        *s->context.processes = (struct process_directory){ 0 };
    slow_stop(s->slow);
    exits_close(s->exits);
    for (size_t slot = 0; slot < s->process_size; slot++) {
        if (s->processes[slot].pid != 0)
            process_drop_files(s, &s->processes[slot], false);
    }
    process_files_close(&s->files);
    process_table_release(&s->table);
    bytes_release(&s->redacted);
    free(s->displaced);
    free(s->walked);
    free(s->processes);
    free(s->deferred);
    free(s);
}

/* In a fixture descriptors are kept only on demand: its files are replaced, not rewritten. */
static bool wants_descriptors(const struct collect_context *context)
{
    if (context->process_source == NULL || strcmp(context->process_source, "auto") == 0)
        return *context->root == '\0';
    return strcmp(context->process_source, "proc") != 0;
}

/* Where a cgroup namespace shows us paths below another root than the kernel's. */
static bool has_own_cgroups(void)
{
    const ino_t initial_cgroup_namespace = 0xEFFFFFFB; /* include/linux/proc_ns.h of the kernel */
    struct stat own;

    return stat("/proc/self/ns/cgroup", &own) == 0 && own.st_ino != initial_cgroup_namespace;
}

static void set_host(struct process_state *s)
{
    const char *hidden = getenv("PROCSCOPE_TEST_HIDE_PID"); /* tests only: as if it did not exist */

    s->page_bytes = sysconf(_SC_PAGESIZE);
    s->cpu_count = sysconf(_SC_NPROCESSORS_CONF);
    s->own_cgroups = has_own_cgroups();
    s->ticks_per_second = sysconf(_SC_CLK_TCK);
    s->has_schedstat = has_schedstat(s);
    s->files.filters = s->keeps && s->has_schedstat;
    if (s->source != NULL) /* it withholds a few at most */
        s->files.budget = WITHHELD_MAX * FILE_COUNT;
    s->has_delayacct = read_number(s->context.root, "/proc/sys/kernel/task_delayacct") == 1;
    s->hidden_pid = hidden == NULL ? 0 : procfs_pid(hidden);
}

static enum status process_open(void **state, const struct collect_context *context,
                                struct capability *capability, struct error *err)
{
    struct process_state *s = calloc(1, sizeof *s);
    struct error reason = { .message = "no exit reports from a fixture" };
    char enable[sizeof capability->enable] = "";
    enum status st;

    *state = s;
    if (s == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory for processes");
    s->context = *context;
    s->losses_seq = INT64_MIN / 2;
    s->source = context->source;
    s->keeps = s->source == NULL && wants_descriptors(context);
    st = process_files_open(&s->files, context->root, s->keeps, err);
    if (st == STATUS_OK) {
        set_host(s);
        st = start_slow(s, err);
    }
    if (st == STATUS_OK && s->files.real && s->source == NULL)
        st = exits_open(&s->exits, enable, sizeof enable, &reason) == STATUS_NO_MEMORY
                 ? error_set(err, STATUS_NO_MEMORY, "%s", reason.message)
                 : STATUS_OK;
    if (st != STATUS_OK) {
        process_close(s);
        *state = NULL;
        return st;
    }
    process_enter_directory(s);
    describe(s, s->exits != NULL ? "exits by taskstats" : reason.message, enable, capability);
    return STATUS_OK;
}

void process_collector_stats(const void *state, struct process_stats *stats)
{
    const struct process_state *s = state;

    *stats = s->stats;
}

const char *process_collector_source(const void *state)
{
    const struct process_state *s = state;

    return s->source != NULL ? s->source->name : s->keeps ? "fds" : "proc";
}

const struct collector process_collector = {
    .name = "process",
    .description = "CPU time, memory, IO and identity of every process",
    .source =
        "/proc/PID/stat, schedstat, io, status, cmdline, exe, cwd, cgroup; taskstats for exits",
    .needs = "nothing for what is public; CAP_SYS_PTRACE for io of others, CAP_NET_ADMIN for exits",
    .absence = "io missing: not permitted; without exits what a process used after its last tick "
               "is not attributed",
    .table = TABLE_PROCESS,
    .divisor = 1,
    .open = process_open,
    .collect = process_collect,
    .close = process_close,
    .not_answering = process_not_answering,
};
