/*
 * What the collector of processes on a Mac keeps: private to collectors/process_macos.c,
 * process_entry_macos.c and process_name_macos.c.
 */
#ifndef RECORDER_COLLECTORS_PROCESS_STATE_MACOS_H
#define RECORDER_COLLECTORS_PROCESS_STATE_MACOS_H

#include "recorder/collector.h"
#include "recorder/collectors/identity_macos.h"
#include "recorder/collectors/process_answer.h"
#include "recorder/collectors/process_list_macos.h"
#include "recorder/collectors/process_stats.h"
#include "recorder/collectors/process_table.h"
#include "recorder/collectors/process_usage_macos.h"
#include "recorder/slow.h"
#include "schema/tick.h"

enum {
    FULL_PASS_TICKS =
        10,        /* threads, faults, and what was refused, are read at every so many ticks */
    COMM_MAX = 17, /* of kinfo_proc, NUL included */
    KERNEL_KEY = INT32_MAX, /* of pid 0 in the table, which keeps 0 for nobody */
    SLOTS_HELD_MAX = 16384, /* so many slots that have ended wait for their ticks to be stored */
};

enum process_flags {
    PROCESS_OVER = 1,   /* it had its last row, or never one: its zombie is still listed */
    PROCESS_DENIED = 2, /* until the next full pass */
    PROCESS_BORN_IN_VIEW = 4,
    PROCESS_WANTS_NAME = 8, /* the slow thread is still to be asked */
    PROCESS_NAMED = 16,     /* it has answered once */
    PROCESS_ASKED = 32,     /* it has not answered yet */
};

/* What is kept of a process from tick to tick. */
struct process {
    bool used; /* false: nothing is in this slot */
    uint8_t flags;
    int32_t pid;
    uint32_t sweep; /* the last one that found it */
    uint32_t generation, uid, comm_hash;
    uint64_t start_us;   /* wall clock at its fork */
    uint64_t unique;     /* 0: not known */
    uint64_t start_mach; /* 0: not known */
    uint8_t program[16]; /* uuid of its executable; all 0: not known */
    int64_t start_ns, sampled_ns, name_from_ns;
    uint32_t text_hash[PROCESS_TEXT_COUNT];
    int64_t values[PROCESS_METRIC_COUNT]; /* of its latest row */
    uint8_t missing[PROCESS_METRIC_COUNT];
};

struct process_state {
    struct collect_context context;
    struct usage_source source;
    struct process_list list;
    struct process_table table;
    struct process *processes; /* by slot */
    size_t process_size;
    struct identity_source identity;
    struct slow *slow;
    bool asked; /* the slow thread, since its last wake-up */

    bool swept; /* the sweep before saw all processes */
    bool full;  /* this sweep reads everything */
    uint32_t sweep, generation;
    int64_t previous_ns; /* the previous tick */
    int64_t now_ns;      /* this one */
    struct process_stats stats;
};

static inline struct process *process_at(struct process_state *s, uint32_t slot)
{
    return &s->processes[slot];
}

static inline uint32_t process_slot(const struct process_state *s, const struct process *p)
{
    return (uint32_t)(p - s->processes);
}

/* Its key in the table. */
static inline int32_t process_key(int32_t pid)
{
    return pid == 0 ? KERNEL_KEY : pid;
}

/* What a process has used, read at this tick. */
struct reading {
    enum usage_answer answer, task_answer;
    bool with_task;
    struct rusage_info_v6 usage;
    struct proc_taskinfo task;
};

/* process_macos.c */

/*
 * What was read as the values of its next row; false: they are those of its latest one. What it
 * used since then is counted if that row said what it had used, or it began in view.
 */
bool process_put_values(struct process_state *s, struct process *p, const struct kinfo_proc *item,
                        const struct reading *r);

/* process_entry_macos.c */

/*
 * A slot for a new process; NULL, and tick->no_memory set, when memory is out. Pointers to other
 * processes are invalid afterwards.
 */
struct process *process_enter(struct process_state *s, int32_t pid, struct tick *tick);
/* Announce it: birth, first version, first row, which is the last one too if it is a zombie. */
void process_announce(struct process_state *s, struct process *p, const struct kinfo_proc *item,
                      const struct reading *r, struct tick *tick);
/* Its values as a row; NULL when memory is out. */
struct tick_row *process_put_row(struct process_state *s, struct process *p, uint8_t flags,
                                 struct tick *tick);
/* A last row with what a zombie used. */
void process_end_zombie(struct process_state *s, struct process *p, const struct reading *r,
                        uint8_t flags, struct tick *tick);
/* It is gone, and nobody saw what it used at last: its slot is free. */
void process_vanish(struct process_state *s, struct process *p, struct tick *tick);

/* process_directory_macos.c */

/* What the context's directory is to know of processes from now on. */
void process_enter_directory(const struct process_state *s);

/* process_name_macos.c */

/* A version with the comm and the uid that the list tells; and ask for the rest. */
void process_rename(struct process_state *s, struct process *p, const struct kinfo_proc *item,
                    int64_t from_ns, struct tick *tick);
/* See whether the list, or the program's uuid, still tell the name it has. */
void process_check_name(struct process_state *s, struct process *p, const struct kinfo_proc *item,
                        const struct rusage_info_v6 *usage, struct tick *tick);
void process_ask(struct process_state *s, struct process *p);
void process_take_answers(struct process_state *s, struct tick *tick);

#endif
