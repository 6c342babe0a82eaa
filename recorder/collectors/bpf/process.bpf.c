/*
 * Every process of the host in one system call, and the beginning and the end of each.
 *
 *   walk     rung 1, Linux 6.7: the kernel's list of threads from within one program
 *   iterate  rung 2, Linux 5.13: the same record for each of the threads that the kernel hands in
 *   on_exec, on_exit, on_free   tracepoints of the scheduler, to a ring
 *
 * Fields are read without the kernel's locks: each word is whole, a record can be torn between words.
 */
#include "kernel.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "records.h"

#define KERNEL_THREAD 0x00200000 /* PF_KTHREAD */
#define GROUP_EXIT 0x00000004    /* SIGNAL_GROUP_EXIT */
#define EXIT_DEAD 0x00000010

char licence[] SEC("license") = "Dual MIT/GPL"; /* the kernel lets no other read its memory */

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, WALK_RECORDS);
    __type(key, uint32_t);
    __type(value, struct walk_record);
} records SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, uint32_t);
    __type(value, struct walk_control);
} control SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, WALK_RING_BYTES);
} ring SEC(".maps");

/* Where a program fills in what does not fit on its stack. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, uint32_t);
    __type(value, struct walk_exec);
} scratch SEC(".maps");

/* Per-CPU memory of ours: how far apart the CPUs keep theirs is the same for all of it. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, uint32_t);
    __type(value, uint64_t);
} probe SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, WALK_CPUS_MAX);
    __type(key, uint32_t);
    __type(value, uint64_t);
} cpu_offsets SEC(".maps");

extern int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *task,
                             unsigned int flags) __ksym __weak;
extern struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it) __ksym __weak;
extern void bpf_iter_task_destroy(struct bpf_iter_task *it) __ksym __weak;
extern void bpf_rcu_read_lock(void) __ksym __weak;
extern void bpf_rcu_read_unlock(void) __ksym __weak;

static __always_inline struct walk_control *find_control(void)
{
    uint32_t zero = 0;

    return bpf_map_lookup_elem(&control, &zero);
}

/* --- one process --- */

static __always_inline uint32_t state_of(struct task_struct *t)
{
    if (bpf_core_field_exists(t->__state))
        return t->__state | (uint32_t)t->exit_state;
    return (uint32_t)BPF_CORE_READ((struct task_struct___old *)t, state) | (uint32_t)t->exit_state;
}

/*
 * What it used may be among what its process's left threads used, and count twice: release_task() of the
 * kernel adds it there before it takes the thread off the lists. To be asked after these were read: then
 * "no" says that they were without it.
 */
static __always_inline bool is_released(struct task_struct *t)
{
    return (*(volatile int *)&t->exit_state & EXIT_DEAD) != 0;
}

static __always_inline uint32_t cpu_of(struct task_struct *t)
{
    if (bpf_core_field_exists(t->thread_info.cpu))
        return t->thread_info.cpu;
    return BPF_CORE_READ((struct task_struct___cpu *)t, cpu);
}

static __always_inline void add_resident(struct walk_record *r, struct mm_struct *mm)
{
    if (bpf_core_field_exists(mm->rss_stat[0].count)) {
        r->resident[0] = mm->rss_stat[0].count;
        r->resident[1] = mm->rss_stat[1].count;
        r->resident[2] = mm->rss_stat[2].count;
        r->resident[3] = mm->rss_stat[3].count;
    } else {
        struct mm_struct___old *old = (void *)mm;

        r->resident[0] = BPF_CORE_READ(old, rss_stat.count[0].counter);
        r->resident[1] = BPF_CORE_READ(old, rss_stat.count[1].counter);
        r->resident[2] = BPF_CORE_READ(old, rss_stat.count[2].counter);
        r->resident[3] = BPF_CORE_READ(old, rss_stat.count[3].counter);
    }
}

/* The parts of the four counters that one CPU keeps lie side by side, or each by itself. */
struct apart {
    uint64_t base[RSS_KINDS];
    int32_t sum[RSS_KINDS];
    bool together;
};

static long add_cpu(uint32_t cpu, struct apart *apart)
{
    uint64_t *offset = bpf_map_lookup_elem(&cpu_offsets, &cpu);
    int32_t part[RSS_KINDS] = { 0 };

    if (offset == NULL)
        return 1;
    if (apart->together) {
        (void)bpf_probe_read_kernel(part, sizeof part, (void *)(apart->base[0] + *offset));
    } else {
        for (int i = 0; i < RSS_KINDS; i++)
            (void)bpf_probe_read_kernel(&part[i], sizeof part[i],
                                        (void *)(apart->base[i] + *offset));
    }
    for (int i = 0; i < RSS_KINDS; i++)
        apart->sum[i] += part[i];
    return 0;
}

static __always_inline void add_apart(struct walk_record *r, struct mm_struct *mm,
                                      const struct walk_control *c)
{
    struct apart apart = { .together = false };

    if (!bpf_core_field_exists(mm->rss_stat[0].counters))
        return;
    /* Written out: only an index that is known when compiled is adapted to the running kernel. */
    apart.base[0] = (uint64_t)mm->rss_stat[0].counters;
    apart.base[1] = (uint64_t)mm->rss_stat[1].counters;
    apart.base[2] = (uint64_t)mm->rss_stat[2].counters;
    apart.base[3] = (uint64_t)mm->rss_stat[3].counters;
    apart.together = apart.base[3] == apart.base[0] + 3 * sizeof(int32_t);
    bpf_loop(c->cpu_count, add_cpu, &apart, 0);
    for (int i = 0; i < RSS_KINDS; i++)
        r->apart[i] = apart.sum[i];
    r->flags |= WALK_EXACT;
}

static __always_inline bool wants_exact(const struct walk_record *r, const struct walk_control *c)
{
    if (c->cpu_count == 0)
        return false;
    return c->exact_all || r->start_boot_ns >= c->exact_since_boot_ns ||
           r->resident[RSS_FILE] + r->resident[RSS_ANONYMOUS] + r->resident[RSS_SHARED] >=
               c->exact_pages;
}

static __always_inline void fill_memory(struct walk_record *r, struct mm_struct *mm,
                                        const struct walk_control *c, bool may_exact)
{
    r->flags |= WALK_HAS_MEMORY;
    r->program = (uint64_t)mm; /* exec makes a new one */
    r->virtual_pages = mm->total_vm;
    add_resident(r, mm);
    if (r->peak_pages < mm->hiwater_rss)
        r->peak_pages = mm->hiwater_rss;
    if (may_exact && wants_exact(r, c))
        add_apart(r, mm, c);
}

static __always_inline void fill_io(struct walk_record *r, struct task_struct *t,
                                    struct signal_struct *s)
{
    if (bpf_core_field_exists(t->ioac.rchar)) {
        r->flags |= WALK_IO_CHARS;
        r->read_chars = s->ioac.rchar + t->ioac.rchar;
        r->written_chars = s->ioac.wchar + t->ioac.wchar;
    }
    if (bpf_core_field_exists(t->ioac.read_bytes)) {
        r->flags |= WALK_IO_BYTES;
        r->read_bytes = s->ioac.read_bytes + t->ioac.read_bytes;
        r->written_bytes = s->ioac.write_bytes + t->ioac.write_bytes;
    }
}

static __always_inline void fill_delays(struct walk_record *r, struct task_struct *t,
                                        const struct walk_control *c)
{
    if (bpf_core_field_exists(t->sched_info.run_delay)) {
        r->flags |= WALK_RUN_DELAY;
        r->run_delay_ns = t->sched_info.run_delay;
    }
    if (bpf_core_field_exists(t->delays) && c->wants_block_delay) {
        struct task_delay_info *delays = t->delays;

        if (delays != NULL) {
            r->flags |= WALK_BLOCK_DELAY;
            r->block_delay_ns = BPF_CORE_READ(delays, blkio_delay);
        }
    }
}

/* Its first thread, and those that have left it. */
static __always_inline void fill(struct walk_record *r, struct task_struct *t,
                                 const struct walk_control *c, bool may_exact)
{
    struct signal_struct *s = t->signal;
    struct mm_struct *mm = t->mm;

    __builtin_memset(r, 0, sizeof *r);
    r->pid = t->tgid;
    r->ppid = t->real_parent->tgid;
    r->uid = t->real_cred->euid.val;
    r->state = (uint16_t)state_of(t);
    r->threads = s->nr_threads;
    r->cpu = (uint16_t)cpu_of(t);
    r->static_prio = (uint16_t)t->static_prio;
    r->start_boot_ns = t->start_boottime;
    r->left_ns = s->sum_sched_runtime;
    r->exec_ns = r->left_ns + t->se.sum_exec_runtime;
    r->user_raw_ns = s->utime + t->utime;
    r->system_raw_ns = s->stime + t->stime;
    r->user_told_ns = s->prev_cputime.utime;
    r->system_told_ns = s->prev_cputime.stime;
    r->minor_faults = s->min_flt + t->min_flt;
    r->major_faults = s->maj_flt + t->maj_flt;
    r->switches_voluntary = s->nvcsw + t->nvcsw;
    r->switches_involuntary = s->nivcsw + t->nivcsw;
    r->peak_pages = s->maxrss;
    if (c->wants_cgroups)
        r->cgroups = (uint64_t)t->cgroups;
    __builtin_memcpy(r->comm, t->comm, sizeof r->comm);
    fill_io(r, t, s);
    fill_delays(r, t, c);
    if (t->flags & KERNEL_THREAD)
        r->flags |= WALK_KERNEL_THREAD;
    else if (mm != NULL)
        fill_memory(r, mm, c, may_exact);
    if (t->exit_state != 0 && r->threads <= 1)
        r->flags |= WALK_ZOMBIE;
    if (r->left_ns != 0)
        r->flags |= WALK_THREADS_LEFT;
}

/* --- rung 1 --- */

static __always_inline void add_thread(struct walk_record *r, struct task_struct *t,
                                       const struct walk_control *c)
{
    struct mm_struct *mm = t->mm;

    r->exec_ns += t->se.sum_exec_runtime;
    r->user_raw_ns += t->utime;
    r->system_raw_ns += t->stime;
    r->minor_faults += t->min_flt;
    r->major_faults += t->maj_flt;
    r->switches_voluntary += t->nvcsw;
    r->switches_involuntary += t->nivcsw;
    if (bpf_core_field_exists(t->sched_info.run_delay))
        r->run_delay_ns += t->sched_info.run_delay;
    if (bpf_core_field_exists(t->ioac.rchar)) {
        r->read_chars += t->ioac.rchar;
        r->written_chars += t->ioac.wchar;
    }
    if (bpf_core_field_exists(t->ioac.read_bytes)) {
        r->read_bytes += t->ioac.read_bytes;
        r->written_bytes += t->ioac.write_bytes;
    }
    /* The first thread has left the memory that the others still have. */
    if (mm != NULL && (r->flags & (WALK_HAS_MEMORY | WALK_KERNEL_THREAD)) == 0)
        fill_memory(r, mm, c, false);
}

/* What counts from run to run is kept in memory, not on the stack: the kernel checks the loop sooner. */
static __always_inline bool is_behind(struct walk_control *c, struct task_struct *t)
{
    if (c->begun)
        return true;
    if (t->start_boottime > c->after_start_boot_ns) {
        c->begun = 1;
        return true;
    }
    if (t->pid == c->after_pid && t->start_boottime == c->after_start_boot_ns)
        c->begun = 1;
    return false;
}

/*
 * The run before left the same process here, and it has not run since: of one without other threads all
 * that it does itself is as it was. What others do to it (its nice value, its group, its parent, pages
 * that are taken from it) is seen when all are wanted. Three quarters of what a walk takes is waiting for
 * memory: this looks at five lines of the cache instead of twenty.
 */
static __always_inline bool has_not_run(struct walk_record *r, struct task_struct *t,
                                        const struct walk_control *c)
{
    if (c->wants_all || r->pid != t->tgid || r->start_boot_ns != t->start_boottime ||
        r->exec_ns != t->se.sum_exec_runtime || r->state != (uint16_t)state_of(t) ||
        r->threads != 1 || (r->flags & (WALK_ZOMBIE | WALK_THREADS_LEFT)))
        return false;
    r->flags |= WALK_SAME;
    return true;
}

/*
 * False: there is no room for it. A function of its own, so that nothing of what it keeps on the stack
 * makes one turn of the loop differ from another for the kernel's check.
 */
static __noinline bool take(struct walk_control *c, struct task_struct *t)
{
    bool leads = t->pid == t->tgid;
    uint32_t at = leads ? c->count : c->count - 1;
    struct walk_record *r;

    if (leads && (t->pid == 0 || !is_behind(c, t))) /* the idle task heads the list */
        return true;
    if (leads && at >= c->capacity)
        return false;
    r = bpf_map_lookup_elem(&records, &at);
    if (r == NULL)
        return true;
    if (leads) {
        if (!has_not_run(r, t, c))
            fill(r, t, c, true);
        if (!is_released(t)) /* else its end is told by an event */
            c->count = at + 1;
    } else if (r->pid == t->tgid && !is_released(t)) {
        add_thread(r, t, c);
    }
    return true;
}

SEC("syscall")
int walk(void *context)
{
    struct walk_control *c = find_control();
    struct bpf_iter_task it;
    struct task_struct *t;

    if (c == NULL)
        return 0;
    c->begun = c->after_pid == 0;
    c->count = c->more = 0;
    bpf_rcu_read_lock();
    bpf_iter_task_new(&it, NULL, TASK_ITER_ALL_THREADS);
    while ((t = bpf_iter_task_next(&it))) {
        if (!take(c, t)) {
            c->more = 1;
            break;
        }
    }
    bpf_iter_task_destroy(&it);
    bpf_rcu_read_unlock();
    return 0;
}

/* --- how far apart the CPUs keep their part of the same per-CPU memory --- */

struct finding {
    struct walk_control *control;
    uint64_t base;
};

static long find_cpu(uint32_t cpu, struct finding *finding)
{
    uint32_t zero = 0;
    void *part = bpf_map_lookup_percpu_elem(&probe, &zero, cpu);
    uint64_t *offset = bpf_map_lookup_elem(&cpu_offsets, &cpu);

    if (part == NULL || offset == NULL)
        return 1;
    finding->control->address = (uint64_t)part; /* a number, once it is read again */
    barrier();
    *offset = *(volatile uint64_t *)&finding->control->address - finding->base;
    finding->control->cpus_found = cpu + 1;
    return 0;
}

SEC("syscall")
int find_cpus(void *context)
{
    struct finding finding = { .control = find_control() };
    uint64_t array;

    if (finding.control == NULL)
        return 0;
    finding.control->cpus_found = 0;
    if (!bpf_core_field_exists(((struct bpf_array *)0)->pptrs))
        return 0;
    finding.control->address = (uint64_t)&probe;
    barrier();
    array = *(volatile uint64_t *)&finding.control->address;
    if (bpf_probe_read_kernel(&finding.base, sizeof finding.base,
                              (void *)(array + bpf_core_field_offset(struct bpf_array, pptrs))) ==
        0)
        bpf_loop(WALK_CPUS_MAX, find_cpu, &finding, 0);
    finding.control->address = 0;
    return 0;
}

/* --- rung 2 --- */

static __always_inline void put_thread(struct seq_file *seq, struct task_struct *t)
{
    struct walk_thread thread = {
        .pid = -t->tgid,
        .left_ns = t->signal->sum_sched_runtime,
        .exec_ns = t->se.sum_exec_runtime,
        .user_raw_ns = t->utime,
        .system_raw_ns = t->stime,
        .minor_faults = t->min_flt,
        .major_faults = t->maj_flt,
        .switches_voluntary = t->nvcsw,
        .switches_involuntary = t->nivcsw,
    };

    if (bpf_core_field_exists(t->sched_info.run_delay))
        thread.run_delay_ns = t->sched_info.run_delay;
    if (bpf_core_field_exists(t->ioac.rchar)) {
        thread.read_chars = t->ioac.rchar;
        thread.written_chars = t->ioac.wchar;
    }
    if (bpf_core_field_exists(t->ioac.read_bytes)) {
        thread.read_bytes = t->ioac.read_bytes;
        thread.written_bytes = t->ioac.write_bytes;
    }
    bpf_seq_write(seq, &thread, sizeof thread);
}

SEC("iter/task")
int iterate(struct bpf_iter__task *ctx)
{
    struct task_struct *t = ctx->task;
    struct walk_control *c = find_control();
    struct seq_file *seq = ctx->meta->seq;
    uint32_t zero = 0;
    struct walk_record *r;

    if (t == NULL || c == NULL)
        return 0;
    if (t->pid != t->tgid) {
        if (!is_released(t))
            put_thread(seq, t);
        return 0;
    }
    r = bpf_map_lookup_elem(&records, &zero); /* room: there is but one reader */
    if (r == NULL)
        return 0;
    fill(r, t, c, true);
    if (!is_released(t))
        bpf_seq_write(seq, r, sizeof *r);
    return 0;
}

/* --- beginnings and ends --- */

static __always_inline void fill_head(struct walk_event *head, uint32_t kind,
                                      struct task_struct *leader)
{
    head->kind = kind;
    head->pid = leader->tgid;
    head->start_boot_ns = leader->start_boottime;
    head->boot_ns = bpf_ktime_get_boot_ns();
}

static __always_inline void count_lost(uint32_t kind)
{
    struct walk_control *c = find_control();

    if (c == NULL)
        return;
    if (kind == WALK_EXEC)
        __sync_fetch_and_add(&c->lost_execs, 1);
    else
        __sync_fetch_and_add(&c->lost_exits, 1);
}

/* The recorder looks at every tick; it is woken only where the ring would not last until then. */
static __always_inline uint64_t wakes(void)
{
    return bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) < WALK_RING_WAKE ? BPF_RB_NO_WAKEUP
                                                                        : BPF_RB_FORCE_WAKEUP;
}

enum { TEXT_MAX = sizeof(((struct walk_exec *)0)->text) - WALK_NAME_SIZE };

/*
 * Append one name of a path. How much is used is kept in memory, where the kernel does not follow it
 * while it checks: else each turn of a loop would be another case.
 */
static __always_inline void put_name(struct walk_exec *e, const void *name)
{
    uint32_t at = *(volatile uint32_t *)&e->used;
    long size;

    if (at >= TEXT_MAX)
        return;
    size = bpf_probe_read_kernel_str(&e->text[at], WALK_NAME_SIZE, name);
    if (size > 0)
        *(volatile uint32_t *)&e->used = at + (uint32_t)size;
}

static __always_inline bool is_long(const struct walk_exec *e, uint32_t start)
{
    return *(const volatile uint32_t *)&e->used - start >= WALK_PATH_MAX;
}

/* In memory for the same reason. A text is taken for cut until its beginning is found. */
static __always_inline void set_cut(struct walk_exec *e, uint32_t flag, bool cut)
{
    uint32_t flags = *(volatile uint32_t *)&e->flags;

    *(volatile uint32_t *)&e->flags = cut ? flags | flag : flags & ~flag;
}

/* The executable's name, its directory's, and so on, across mounts. */
static __always_inline void put_path(struct walk_exec *e, struct file *file)
{
    struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
    struct vfsmount *vfs = BPF_CORE_READ(file, f_path.mnt);
    struct mount *mount = (void *)vfs - bpf_core_field_offset(struct mount, mnt);
    uint32_t start = e->used;

    set_cut(e, WALK_PATH_CUT, true);
    for (int i = 0; i < WALK_DEPTH_MAX && !is_long(e, start); i++) {
        struct dentry *parent = BPF_CORE_READ(dentry, d_parent);

        if (dentry == BPF_CORE_READ(mount, mnt.mnt_root) || dentry == parent) {
            struct mount *above = BPF_CORE_READ(mount, mnt_parent);

            if (above == mount || above == NULL) {
                set_cut(e, WALK_PATH_CUT, false);
                break;
            }
            dentry = BPF_CORE_READ(mount, mnt_mountpoint);
            mount = above;
        } else {
            put_name(e, BPF_CORE_READ(dentry, d_name.name));
            dentry = parent;
        }
    }
    e->path_size = e->used - start;
}

static __always_inline struct kernfs_node *parent_of(struct kernfs_node *node)
{
    if (bpf_core_field_exists(node->__parent))
        return BPF_CORE_READ(node, __parent);
    return BPF_CORE_READ((struct kernfs_node___old *)node, parent);
}

static __always_inline struct cgroup *cgroup_of(struct css_set *set, uint32_t subsystem)
{
    struct cgroup_subsys_state *css = NULL;
    void *list = (void *)set + bpf_core_field_offset(struct css_set, subsys);

    (void)bpf_probe_read_kernel(&css, sizeof css, list + subsystem * sizeof css);
    return BPF_CORE_READ(css, cgroup);
}

static __always_inline bool is_root(struct kernfs_node *node)
{
    return node == NULL || parent_of(node) == NULL;
}

/* Version 2's if that says more than "/", else the first of version 1's that does. */
static __always_inline struct kernfs_node *find_cgroup(struct task_struct *t)
{
    struct css_set *set = BPF_CORE_READ(t, cgroups);
    struct cgroup *cgroup = BPF_CORE_READ(set, dfl_cgrp);
    struct kernfs_node *node = BPF_CORE_READ(cgroup, kn);

    if (is_root(node) && bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id)) {
        cgroup = cgroup_of(set, bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id));
        node = BPF_CORE_READ(cgroup, kn);
    }
    if (is_root(node) && bpf_core_enum_value_exists(enum cgroup_subsys_id, cpu_cgrp_id)) {
        cgroup = cgroup_of(set, bpf_core_enum_value(enum cgroup_subsys_id, cpu_cgrp_id));
        node = BPF_CORE_READ(cgroup, kn);
    }
    return node;
}

static __always_inline void put_cgroup(struct walk_exec *e, struct kernfs_node *node)
{
    uint32_t start = e->used;

    set_cut(e, WALK_CGROUP_CUT, true);
    for (int i = 0; i < WALK_DEPTH_MAX && !is_long(e, start); i++) {
        if (is_root(node)) { /* it has no name */
            set_cut(e, WALK_CGROUP_CUT, false);
            break;
        }
        put_name(e, BPF_CORE_READ(node, name));
        node = parent_of(node);
    }
    e->cgroup_size = e->used - start;
}

static __always_inline void put_arguments(struct walk_exec *e, struct mm_struct *mm)
{
    uint64_t start = BPF_CORE_READ(mm, arg_start), size = BPF_CORE_READ(mm, arg_end) - start;

    e->arguments_whole = (uint32_t)size;
    if (size > WALK_ARGUMENTS_MAX)
        size = WALK_ARGUMENTS_MAX;
    if (bpf_probe_read_user(e->text, (uint32_t)size, (void *)start) != 0)
        size = e->arguments_whole = 0;
    e->arguments_size = e->used = (uint32_t)size;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *t, int old_pid, struct linux_binprm *binary)
{
    struct mm_struct *mm = t->mm;
    uint32_t zero = 0, used;
    struct walk_exec *e = bpf_map_lookup_elem(&scratch, &zero);

    if (e == NULL || mm == NULL)
        return 0;
    fill_head(&e->head, WALK_EXEC, t);
    e->ppid = t->real_parent->tgid;
    e->uid = t->real_cred->euid.val;
    e->program = (uint64_t)mm;
    e->flags = 0;
    __builtin_memcpy(e->comm, t->comm, sizeof e->comm);
    put_arguments(e, mm);
    put_path(e, BPF_CORE_READ(mm, exe_file));
    put_cgroup(e, find_cgroup(t));
    used = *(volatile uint32_t *)&e->used;
    if (used > sizeof e->text)
        return 0;
    if (bpf_ringbuf_output(&ring, e, offsetof(struct walk_exec, text) + used, wakes()) != 0)
        count_lost(WALK_EXEC);
    return 0;
}

/* What the process used: of the threads that left it, and of its first one unless that has, too. */
static __always_inline void fill_totals(struct walk_exit *e, struct task_struct *leader,
                                        bool first_counts)
{
    struct signal_struct *s = leader->signal;
    struct walk_totals *to = &e->totals;
    uint64_t one = first_counts;

    e->uid = leader->real_cred->euid.val;
    __builtin_memcpy(e->comm, leader->comm, sizeof e->comm);
    e->code = s->flags & GROUP_EXIT ? s->group_exit_code : leader->exit_code;
    e->peak_pages = s->maxrss;
    to->exec_ns = s->sum_sched_runtime + one * leader->se.sum_exec_runtime;
    to->user_raw_ns = s->utime + one * leader->utime;
    to->system_raw_ns = s->stime + one * leader->stime;
    to->minor_faults = s->min_flt + one * leader->min_flt;
    to->major_faults = s->maj_flt + one * leader->maj_flt;
    to->switches_voluntary = s->nvcsw + one * leader->nvcsw;
    to->switches_involuntary = s->nivcsw + one * leader->nivcsw;
    if (bpf_core_field_exists(leader->ioac.rchar)) {
        e->flags |= WALK_IO_CHARS;
        to->read_chars = s->ioac.rchar + one * leader->ioac.rchar;
        to->written_chars = s->ioac.wchar + one * leader->ioac.wchar;
    }
    if (bpf_core_field_exists(leader->ioac.read_bytes)) {
        e->flags |= WALK_IO_BYTES;
        to->read_bytes = s->ioac.read_bytes + one * leader->ioac.read_bytes;
        to->written_bytes = s->ioac.write_bytes + one * leader->ioac.write_bytes;
    }
    if (bpf_core_field_exists(leader->sched_info.run_delay)) {
        e->flags |= WALK_RUN_DELAY;
        to->run_delay_ns = leader->sched_info.run_delay;
    }
    if (bpf_core_field_exists(leader->delays)) {
        struct task_delay_info *delays = leader->delays;

        if (delays != NULL) {
            e->flags |= WALK_BLOCK_DELAY;
            to->block_delay_ns = BPF_CORE_READ(delays, blkio_delay);
        }
    }
    if (leader->flags & KERNEL_THREAD)
        e->flags |= WALK_KERNEL_THREAD;
}

static __always_inline struct walk_exit *reserve_exit(uint32_t kind, struct task_struct *leader)
{
    struct walk_exit *e = bpf_ringbuf_reserve(&ring, sizeof *e, 0);

    if (e == NULL) {
        count_lost(kind);
        return NULL;
    }
    __builtin_memset(e, 0, sizeof *e);
    fill_head(&e->head, kind, leader);
    return e;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *t)
{
    struct task_struct *leader = t->group_leader;
    struct walk_exit *e;

    if (t->signal->live.counter != 0) /* other threads go on */
        return 0;
    e = reserve_exit(WALK_EXIT, leader);
    if (e == NULL)
        return 0;
    fill_totals(e, leader, true);
    if (t != leader)
        e->totals.exec_ns += t->se.sum_exec_runtime;
    e->ppid = leader->real_parent->tgid;
    e->cgroups = (uint64_t)leader->cgroups;
    bpf_ringbuf_submit(e, wakes());
    return 0;
}

SEC("tp_btf/sched_process_free")
int BPF_PROG(on_free, struct task_struct *t)
{
    struct walk_exit *e;

    if (t->pid != t->tgid)
        return 0;
    e = reserve_exit(WALK_FREE, t);
    if (e == NULL)
        return 0;
    fill_totals(e, t, false);
    /*
     * One that nobody waits for was summed up while it still ran, with what the scheduler knew at the
     * last clock tick. Its own figure is complete.
     */
    if (e->totals.exec_ns < t->se.sum_exec_runtime)
        e->totals.exec_ns = t->se.sum_exec_runtime;
    bpf_ringbuf_submit(e, wakes());
    return 0;
}
