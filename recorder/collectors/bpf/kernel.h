/*
 * The kernel's structures, as far as process.bpf.c reads them. Where a field is in the running kernel
 * is found out when the program is loaded (CO-RE); names behind ___ are those of older kernels.
 */
#ifndef RECORDER_BPF_KERNEL_H
#define RECORDER_BPF_KERNEL_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
    int counter;
} atomic_t;

typedef struct {
    long counter;
} atomic_long_t;

typedef struct {
    unsigned val;
} kuid_t;

struct sched_entity {
    uint64_t sum_exec_runtime;
};

struct sched_info {
    unsigned long long run_delay;
};

struct thread_info {
    uint32_t cpu;
};

struct cred {
    kuid_t euid;
};

struct task_io_accounting {
    uint64_t rchar, wchar;            /* CONFIG_TASK_XACCT */
    uint64_t read_bytes, write_bytes; /* CONFIG_TASK_IO_ACCOUNTING */
};

struct task_delay_info {
    uint64_t blkio_delay;
};

struct prev_cputime {
    uint64_t utime, stime;
};

struct signal_struct {
    atomic_t live;
    int nr_threads;
    unsigned flags;
    int group_exit_code;
    uint64_t utime, stime;
    struct prev_cputime prev_cputime;
    unsigned long nvcsw, nivcsw, min_flt, maj_flt;
    struct task_io_accounting ioac;
    unsigned long long sum_sched_runtime;
    unsigned long maxrss;
};

/* Since 6.2; before, each counter is a plain number. */
struct percpu_counter {
    int64_t count;
    int32_t *counters;
};

struct dentry;

struct vfsmount {
    struct dentry *mnt_root;
};

struct mount {
    struct mount *mnt_parent;
    struct dentry *mnt_mountpoint;
    struct vfsmount mnt;
};

struct qstr {
    const unsigned char *name;
};

struct dentry {
    struct dentry *d_parent;
    struct qstr d_name;
};

struct path {
    struct vfsmount *mnt;
    struct dentry *dentry;
};

struct file {
    struct path f_path;
};

struct mm_struct {
    unsigned long total_vm, hiwater_rss;
    unsigned long arg_start, arg_end;
    struct percpu_counter rss_stat[4];
    struct file *exe_file;
};

struct mm_rss_stat___old {
    atomic_long_t count[4];
};

struct mm_struct___old {
    struct mm_rss_stat___old rss_stat;
};

struct kernfs_node {
    struct kernfs_node *__parent;
    const char *name;
};

struct kernfs_node___old {
    struct kernfs_node *parent;
};

struct cgroup {
    struct kernfs_node *kn;
};

struct cgroup_subsys_state {
    struct cgroup *cgroup;
};

struct css_set {
    struct cgroup_subsys_state *subsys[1];
    struct cgroup *dfl_cgrp;
};

enum cgroup_subsys_id { cpu_cgrp_id, memory_cgrp_id };

struct task_struct {
    struct thread_info thread_info;
    unsigned __state;
    unsigned flags;
    int static_prio;
    struct sched_entity se;
    struct sched_info sched_info;
    struct mm_struct *mm;
    int exit_state, exit_code;
    int pid, tgid;
    struct task_struct *real_parent, *group_leader;
    uint64_t utime, stime;
    unsigned long nvcsw, nivcsw, min_flt, maj_flt;
    uint64_t start_boottime;
    const struct cred *real_cred;
    char comm[16];
    struct signal_struct *signal;
    struct task_io_accounting ioac;
    struct css_set *cgroups;
    struct task_delay_info *delays;
};

struct task_struct___old {
    long state; /* before 5.14 */
};

struct task_struct___cpu {
    unsigned cpu; /* before 5.16 */
};

struct bpf_array {
    void *pptrs[1];
};

struct linux_binprm;
struct seq_file;

struct bpf_iter_meta {
    struct seq_file *seq;
};

struct bpf_iter__task {
    struct bpf_iter_meta *meta;
    struct task_struct *task;
};

#pragma clang attribute pop

/* 6.7; its size is part of the interface */
struct bpf_iter_task {
    uint64_t opaque[3];
} __attribute__((aligned(8)));

enum { TASK_ITER_ALL_THREADS = 1 }; /* BPF_TASK_ITER_ALL_THREADS */

#endif
