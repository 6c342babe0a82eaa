/*
 * What the BPF program hands to the recorder: both are built from this page, on the same machine, so
 * layouts are the compiler's.
 */
#ifndef RECORDER_BPF_RECORDS_H
#define RECORDER_BPF_RECORDS_H

#include <stdint.h>

enum {
    WALK_RECORDS = 8192, /* that one run of the walk can hold; the recorder may choose otherwise */
    WALK_RING_BYTES = 1 << 22,
    WALK_RING_WAKE = WALK_RING_BYTES / 4, /* so much in it: whoever waits for news is woken */
    WALK_COMM_SIZE = 16,
    WALK_ARGUMENTS_MAX = 4096,
    WALK_PATH_MAX = 1024, /* bytes of an executable's or a cgroup's path */
    WALK_NAME_SIZE = 256, /* of one name in it, with its NUL */
    WALK_DEPTH_MAX = 24,
    WALK_CPUS_MAX = 1024,
};

/* Indices of mm_struct.rss_stat */
enum { RSS_FILE, RSS_ANONYMOUS, RSS_SWAP, RSS_SHARED, RSS_KINDS };

enum walk_flags {
    WALK_KERNEL_THREAD = 1,
    WALK_HAS_MEMORY = 2,
    WALK_EXACT = 4,        /* `apart` holds what the per-CPU parts add */
    WALK_ZOMBIE = 8,       /* over, not reaped: nothing changes any more */
    WALK_BLOCK_DELAY = 16, /* block_delay_ns is counted */
    WALK_RUN_DELAY = 32,
    WALK_IO_CHARS = 64,
    WALK_IO_BYTES = 128,
    WALK_THREADS_LEFT = 256, /* the run delay of those is not known */
    WALK_SAME = 512,         /* it has not run since: the record is the one of the run before */
};

/* One process, its live threads summed with those that have left it: four lines of the cache. */
struct walk_record {
    int32_t pid, ppid;
    uint32_t uid; /* effective */
    int32_t threads;
    uint16_t state;       /* bits of the kernel's __state and exit_state */
    uint16_t static_prio; /* 120 + nice */
    uint16_t cpu;
    uint16_t flags;
    uint64_t start_boot_ns;
    uint64_t exec_ns, user_raw_ns, system_raw_ns; /* the last two sampled at clock ticks */
    uint64_t user_told_ns, system_told_ns;        /* what /proc told last: it never tells less */
    uint64_t minor_faults, major_faults;
    uint64_t switches_voluntary, switches_involuntary;
    uint64_t run_delay_ns;   /* of live threads only */
    uint64_t block_delay_ns; /* of the first thread only, as in /proc */
    uint64_t read_chars, written_chars, read_bytes, written_bytes;
    uint64_t virtual_pages;
    int64_t resident[RSS_KINDS]; /* pages; since 6.2 without what CPUs still count apart */
    int32_t apart[RSS_KINDS];    /* with WALK_EXACT: pages that CPUs count apart */
    uint64_t peak_pages;
    uint64_t program; /* another number when it runs another program; 0: not known */
    char comm[WALK_COMM_SIZE];
    uint64_t left_ns; /* of exec_ns: what threads used that have left it */
    uint64_t cgroups; /* another number when it was moved to another cgroup; 0: not asked for */
};

/* Written by the recorder before a run and by the program during one. */
struct walk_control {
    uint32_t capacity; /* records of one run, at most as many as the map has */
    /* Exact resident pages: of all; else of the larger and the younger ones. */
    uint32_t exact_all;
    int64_t exact_pages;
    uint64_t exact_since_boot_ns;
    uint32_t cpu_count; /* with per-CPU parts; 0: none are read */
    int32_t after_pid;  /* go on behind this process, which may be gone; 0: from the first */
    uint64_t after_start_boot_ns;
    uint32_t count;      /* records that the run made */
    uint32_t more;       /* there are others behind the last one */
    uint32_t cpus_found; /* by find_cpus */
    uint32_t begun;      /* during a run: after_pid was met */
    uint64_t address;    /* room for find_cpus */
    /* What else is to be read: each takes another line of the cache for each process. */
    uint32_t wants_cgroups, wants_block_delay;
    uint32_t wants_all;              /* fill in also what has not run: others may have changed it */
    uint64_t lost_execs, lost_exits; /* events without room */
};

enum walk_event_kind { WALK_EXEC = 1, WALK_EXIT = 2, WALK_FREE = 3 };

struct walk_event {
    uint32_t kind;
    int32_t pid;
    uint64_t start_boot_ns;
    uint64_t boot_ns; /* now */
};

/* Of which texts the beginning is left out: that many names are not looked at, or that many bytes. */
enum walk_exec_flags { WALK_PATH_CUT = 1, WALK_CGROUP_CUT = 2 };

/* A process runs another program. */
struct walk_exec {
    struct walk_event head;
    int32_t ppid;
    uint32_t uid;
    uint64_t program; /* as in walk_record */
    char comm[WALK_COMM_SIZE];
    uint32_t arguments_size;  /* in `text`, first; raw as in /proc/PID/cmdline */
    uint32_t arguments_whole; /* before they were cut */
    uint32_t path_size;       /* of the executable: names, the last one first, each with its NUL */
    uint32_t cgroup_size;     /* the same */
    uint32_t used;            /* of `text` */
    uint32_t flags;           /* enum walk_exec_flags */
    char text[WALK_ARGUMENTS_MAX + 2 * (WALK_PATH_MAX + WALK_NAME_SIZE)];
};

/*
 * The last thread of a process leaves it (WALK_EXIT): all that is known of the process. Its address
 * space is torn down later, at its cost, so its totals are final when the kernel forgets it
 * (WALK_FREE), which is after it was reaped.
 */
struct walk_exit {
    struct walk_event head;
    int32_t ppid; /* not at WALK_FREE */
    uint32_t uid;
    int32_t code; /* wait status */
    uint32_t flags;
    struct walk_totals {
        uint64_t exec_ns, user_raw_ns, system_raw_ns;
        uint64_t minor_faults, major_faults;
        uint64_t switches_voluntary, switches_involuntary;
        uint64_t run_delay_ns, block_delay_ns;
        uint64_t read_chars, written_chars, read_bytes, written_bytes;
    } totals;
    uint64_t peak_pages;
    uint64_t cgroups; /* as in walk_record; not at WALK_FREE */
    char comm[WALK_COMM_SIZE];
};

/* In the stream of the iterator (rung 2): a thread that is not the first of its process. */
struct walk_thread {
    int32_t pid; /* of the process, negated: so it is told from a walk_record */
    int32_t unused;
    uint64_t left_ns; /* as of now: as in the walk_record */
    uint64_t exec_ns, user_raw_ns, system_raw_ns;
    uint64_t minor_faults, major_faults;
    uint64_t switches_voluntary, switches_involuntary;
    uint64_t run_delay_ns;
    uint64_t read_chars, written_chars, read_bytes, written_bytes;
};

#endif
