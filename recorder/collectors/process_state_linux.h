/*
 * What the collector of processes on Linux keeps: private to collectors/process_linux.c and
 * process_*_linux.c.
 */
#ifndef RECORDER_PROCESS_STATE_LINUX_H
#define RECORDER_PROCESS_STATE_LINUX_H

#include "recorder/collector.h"
#include "recorder/collectors/exits_linux.h"
#include "recorder/collectors/identity_linux.h"
#include "recorder/collectors/process_answer.h"
#include "recorder/collectors/process_files_linux.h"
#include "recorder/collectors/process_source_linux.h"
#include "recorder/collectors/process_stats.h"
#include "recorder/collectors/process_table.h"
#include "recorder/collectors/procfs_linux.h"
#include "recorder/slow.h"
#include "schema/tick.h"

enum {
    LINUX_METRICS = PROCESS_BLOCK_DELAY_NS_TOTAL + 1, /* the others need a Mac or more privileges */
    FULL_PASS_TICKS = 10, /* everything is read at every so many ticks, status only then */
    REREAD_TICKS = 60,    /* within which each identity is read again */
    REREAD_TOLD_TICKS =
        600,         /* the same where programs and moves are told: it finds directories only */
    REREAD_MAX = 20, /* identities read again per tick, at most */
    WITHHELD_MAX = 16,
    FILE_MAX = 8192, /* bytes read of one file: a status with many groups is long */
};

enum process_flags {
    PROCESS_OVER = 1,     /* it had its last row; its zombie may still be listed */
    PROCESS_KERNEL = 2,   /* a kernel thread */
    PROCESS_THREADED = 4, /* has or had other threads: its first thread's figures are not its own */
    PROCESS_IO_DENIED = 8, /* until the next full pass */
    PROCESS_BORN_IN_VIEW = 16,
    PROCESS_WANTS_NAME = 32,   /* the slow thread is still to be asked */
    PROCESS_NAMED = 64,        /* it has answered once */
    PROCESS_APPROXIMATE = 128, /* never seen alive: start_ticks is a guess */
    PROCESS_ASKED = 256,       /* the slow thread has not answered yet */
    PROCESS_UNSEEN = 512,      /* it has had no row yet: it is known by an event */
    PROCESS_ENDING = 1024,     /* the kernel said that it ended; what it used may still grow */
    PROCESS_FINAL = 2048,      /* it does not any more */
    PROCESS_DISPLACED = 4096,  /* its pid is another's: it is not found by it */
};

/* What is kept of a process from tick to tick. */
struct process {
    /* All that is looked at while it does not run, close together for the cache. */
    int32_t pid; /* 0: nothing is in this slot */
    int fd[FILE_COUNT];
    uint16_t flags;
    bool single;             /* it had one thread when stat was last read */
    uint32_t sweep;          /* the last one that found it */
    uint64_t run_ns, slices; /* schedstat as of the latest read: unchanged means it did not run */
    int64_t sampled_ns;      /* the tick that last saw it alive */
    int64_t row_seq;         /* the tick of its latest row */
    /* of rungs 1 and 2 */
    uint64_t start_boot_ns;
    uint64_t record_hash; /* of what was handed out last */

    uint32_t unseen; /* walks in a row that did not find it */
    uint32_t generation;
    uint32_t uid, comm_hash, exec_hash;
    uint64_t start_ticks;
    int64_t start_ns;
    int64_t name_from_ns;   /* since when it is called so: its latest version, or one to come */
    uint64_t status_run_ns; /* run_ns when status was last read */
    int64_t apart_bytes;    /* resident by status, less by stat, when status was last read */
    uint64_t asked_run_ns;  /* run_ns when the slow thread was last asked for all of its name */
    uint32_t text_hash[PROCESS_TEXT_COUNT];
    uint8_t missing[LINUX_METRICS];
    int64_t values[LINUX_METRICS]; /* of its latest row */
};

/* What rungs 1 and 2 keep of a process besides, by slot. */
struct walked {
    uint64_t program, cgroups;  /* for which it has its name */
    int64_t apart[RSS_KINDS];   /* pages that CPUs counted apart when that was last asked for */
    int64_t end_ns, peak_bytes; /* with PROCESS_ENDING */
    int64_t end_cpu_us;         /* what it had used by then: the rest is what its end itself took */
    int32_t code;
    bool announced, named; /* its birth is told; it has a version */
};

/* Names of users, learnt from the slow thread. */
enum { KNOWN_USERS = 32 };
#define KNOWN_USER_NS INT64_C(60000000000) /* then the slow thread is asked again */
struct known_user {
    int64_t until_ns;
    uint32_t uid;
    bool taken, known;
    uint8_t size; /* 0: it has no name */
    char name[63];
};

struct process_state {
    struct collect_context context;
    struct process_files files;
    struct process_table table;
    struct process *processes; /* by slot */
    size_t process_size;

    struct exits *exits;          /* NULL: no reports here */
    struct exit_record *deferred; /* reports on processes that already have a row in this tick */
    size_t deferred_count, deferred_size;

    struct identity_source identity;
    struct slow *slow;
    bool asked;           /* the slow thread, since its last wake-up */
    uint32_t reread_next; /* slot */

    const struct process_source *source; /* rungs 1 and 2; NULL: /proc */
    struct walked *walked;
    size_t walked_size;
    struct tick *walk_tick;    /* where what is handed out goes */
    struct walk_losses losses; /* as of the previous tick */
    int64_t losses_seq;        /* the latest tick with new ones */
    bool incomplete;           /* this walk */
    bool own_cgroups;          /* cgroup paths are shown to us below another root */
    size_t seen;               /* pids of this walk */
    uint32_t expected;         /* slot of what probably is handed out next */
    bool ending;               /* somebody's end was told and is not settled */
    uint32_t *displaced;       /* slots whose pid is another's now, and that may get a last row */
    size_t displaced_count, displaced_size;
    int32_t withheld[WITHHELD_MAX]; /* pids that the source does not hand out */
    size_t withheld_count;
    struct byte_writer redacted;
    struct known_user users[KNOWN_USERS];
    unsigned next_user;

    long cpu_count;
    bool keeps, has_schedstat, has_delayacct;
    int64_t page_bytes, ticks_per_second;
    int32_t hidden_pid; /* test hook, see process_open */

    bool swept; /* there was a sweep before */
    bool full;  /* this sweep reads everything */
    uint32_t sweep, generation;
    int64_t previous_ns; /* the previous tick */
    int64_t now_ns;      /* this one */
    struct process_stats stats;

    struct proc_stat stat; /* of the process at hand */
    char text[FILE_MAX];
};

static inline struct process *process_at(struct process_state *s, uint32_t slot)
{
    return &s->processes[slot];
}

static inline uint32_t process_slot(const struct process_state *s, const struct process *p)
{
    return (uint32_t)(p - s->processes);
}

/* Every slot in use is below. */
static inline uint32_t process_end(const struct process_state *s)
{
    return s->table.slot_end < s->process_size ? s->table.slot_end : (uint32_t)s->process_size;
}

/* process_sample_linux.c: the values of one process */

enum sample {
    SAMPLE_SAME,    /* nothing changed, or nothing ran */
    SAMPLE_CHANGED, /* s->stat and p->values are new */
    SAMPLE_GONE,    /* the process ended, or its pid belongs to another one */
    SAMPLE_FAILED,
};

/* Read what is due at this tick. */
enum sample process_sample(struct process_state *s, struct process *p);
/* Whether it is alive and has not run since it was last sampled; false when that is not known. */
bool process_is_idle(struct process_state *s, struct process *p);
/*
 * Whether its schedstat says if it ran. Not without a descriptor of its own: the answer could be
 * another process's.
 */
static inline bool process_is_filtered(const struct process *p)
{
    return p->fd[FILE_SCHEDSTAT] >= 0 && p->single;
}
/* The first read of a new process, whose stat was just parsed into s->stat. */
void process_sample_first(struct process_state *s, struct process *p);
/* Read and parse a process's stat into s->stat: 0 or -errno; -EBADMSG when it makes no sense. */
int process_read_stat(struct process_state *s, int32_t pid, int *fd);
/* The effective uid, as the owner of /proc/PID, or in a fixture as its status says. */
bool process_read_uid(struct process_state *s, int32_t pid, uint32_t *uid);

/* process_entry_linux.c: slots, rows, the beginning and end of a process */

/*
 * A slot for a new process; NULL, and tick->no_memory set, when memory is out. Pointers to other
 * processes are invalid afterwards; an older process with this pid is no longer found by it.
 */
struct process *process_enter(struct process_state *s, int32_t pid, struct tick *tick);
/* Announce it: birth, its first row, its first version. s->stat is its own. */
void process_announce(struct process_state *s, struct process *p, struct tick *tick);
/* Give its slot and descriptors back. */
void process_leave(struct process_state *s, struct process *p);
/* Close its descriptors, except that on stat when it is to be recognised as a zombie. */
void process_drop_files(struct process_state *s, struct process *p, bool keep_stat);
/* When it was last seen it had ended: all that it used is known, and of its end no report is to come. */
bool process_was_zombie(const struct process *p);
/* It is gone and nothing was reported: an exit record with nothing known. */
void process_vanished(struct process_state *s, struct process *p, struct tick *tick);
/* Its values as a row; NULL when memory is out. */
struct tick_row *process_put_row(struct process_state *s, struct process *p, uint8_t flags,
                                 struct tick *tick);
/* Timeline ns of a start in clock ticks after boot. */
int64_t process_start_ns(const struct process_state *s, uint64_t start_ticks);

/* process_directory_linux.c: tell other collectors of this one's processes, where they want that. */
void process_enter_directory(const struct process_state *s);

/* process_exit_linux.c: exits that the kernel reports */

/*
 * Record what has ended; reports on processes with a row in this tick wait for the next. Pointers
 * to processes are invalid afterwards.
 */
void process_exits(struct process_state *s, struct tick *tick);
/* It has ended: only its counters still say something. */
void process_end_gauges(struct process *p);

/* process_name_linux.c: versions, and the slow thread's answers */

/* A version with the comm of s->stat and the uid; and ask for the rest. */
void process_rename(struct process_state *s, struct process *p, int64_t from_ns, struct tick *tick);
/* See whether s->stat and the uid still tell the name it has. */
void process_check_name(struct process_state *s, struct process *p, struct tick *tick);
/* Ask for what was not asked yet. */
void process_ask(struct process_state *s, struct process *p);
/* Ask for some known names again: a cgroup or directory may have changed. */
void process_reread(struct process_state *s, const struct tick *tick);
void process_take_answers(struct process_state *s, struct tick *tick);

/* process_walk_linux.c: rungs 1 and 2 */

/* process_withheld_linux.c: rows of processes that the source should have handed out and did not */
void process_withheld(struct process_state *s, struct tick *tick);
/* Whether /proc tells of the process with that pid: then events do not. */
bool process_is_withheld(const struct process_state *s, int32_t pid);
/* process_linux.c: a process as rungs 3 and 4 read it, unless this tick has it. */
void process_sweep_pid(struct process_state *s, int32_t pid, struct tick *tick);

/* One tick of them, between the slow thread's answers and what it is asked next. */
void process_walk(struct process_state *s, struct tick *tick);
/* A process that a record or an event speaks of: its slot, without a row or a name yet. */
struct process *process_walk_enter(struct process_state *s, int32_t pid, uint64_t start_boot_ns,
                                   struct tick *tick);
/* Its birth; its row follows in this tick. */
void process_walk_birth(struct process_state *s, struct process *p, int32_t ppid, bool kernel,
                        struct tick *tick);
/* The pid is another's now that began then; pointers to processes stay valid. */
void process_walk_displace(struct process_state *s, int32_t pid, uint64_t start_boot_ns,
                           struct tick *tick);
/* The living or ending process with that pid and start; NULL: none. */
struct process *process_walk_find(struct process_state *s, int32_t pid, uint64_t start_boot_ns);
/* process_record_linux.c: the values of rungs 1 and 2 */

/* All that a record says. */
void process_walk_values(struct process_state *s, struct process *p, const struct walk_record *r);
/* Two records with the same one are the same, but for `cgroups`. */
uint64_t process_walk_hash(const struct walk_record *r);
/* A counter, which never falls. */
void process_walk_count(struct process *p, enum process_metric metric, uint64_t value);
/* User and system time as /proc divides what was used. */
void process_walk_split(struct process *p, uint64_t exec_ns, uint64_t user_raw_ns,
                        uint64_t system_raw_ns, uint64_t user_told_ns, uint64_t system_told_ns);

static inline struct walked *walked_at(struct process_state *s, const struct process *p)
{
    return &s->walked[process_slot(s, p)];
}

/* process_event_linux.c: what the source tells of beginnings and ends */

/*
 * One that was born in view and began no program is called what the process that forked it is, if that
 * has its comm still and, where that is known, its cgroup: else the one that it was left to after that
 * process ended may be another program.
 */
void process_inherit(struct process_state *s, const struct process *p, int32_t ppid,
                     uint64_t cgroups, struct tick_version *version);
void process_events(struct process_state *s, struct tick *tick);
void process_learn_user(struct process_state *s, uint32_t uid, const void *name, size_t size);

#endif
