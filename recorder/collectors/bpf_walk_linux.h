/*
 * Rungs 1 and 2 of the ladder by BPF: loads recorder/collectors/bpf/process.bpf.c, runs it, reads its ring.
 */
#ifndef RECORDER_BPF_WALK_LINUX_H
#define RECORDER_BPF_WALK_LINUX_H

#include "recorder/collectors/process_source_linux.h"

struct bpf_walk;

enum bpf_rung {
    BPF_WALKS = 1,    /* one program walks the kernel's list: Linux 6.7 */
    BPF_ITERATES = 2, /* the kernel's iterator: Linux 5.13 */
};

/*
 * Load, attach, and do it once, to see that it works. Takes tens of milliseconds of CPU.
 *
 *   errors  ABSENT or UNSUPPORTED with the reason; NO_MEMORY
 *   owns    *walk until bpf_walk_close
 */
MUST_USE enum status bpf_walk_open(struct bpf_walk **walk, enum bpf_rung rung, struct error *err);
/* Accepts NULL. */
void bpf_walk_close(struct bpf_walk *walk);

/* Valid as long as `walk`. */
struct process_source bpf_walk_source(struct bpf_walk *walk);

/* Whether it can be run now, with the capabilities that the thread has. */
bool bpf_walk_runs(struct bpf_walk *walk);

#endif
