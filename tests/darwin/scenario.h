/*
 * A simulated Mac: what it is, which processes it has over time, what they use, and what goes
 * wrong. Read from a JSON file (tests/darwin/README.md has its fields).
 *
 * Time is nanoseconds since the recording began, on the clock that goes on while the Mac sleeps.
 */
#ifndef DARWIN_SCENARIO_H
#define DARWIN_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FOREVER INT64_MAX

__extension__ typedef __int128 wide; /* a rate times a duration */

/* As near as there is one: a scenario's numbers are doubles, of which some are no int64_t. */
static inline int64_t scenario_integer(double value)
{
    if (!(value > -0x1p63))
        return INT64_MIN;
    return value < 0x1p63 ? (int64_t)value : INT64_MAX;
}

/* A quantity over time: base, and from each time on so much more a second. */
struct curve {
    int64_t base;
    struct rate {
        int64_t from_ns, per_second;
    } * rates;
    size_t count;
};

/* What the block of KERN_PROCARGS2 looks like, if not as usual. */
struct odd_arguments {
    int64_t count; /* -1: as it is */
    int alignment; /* 8 */
    bool no_final_nul;
};

struct program {
    int64_t from_ns;
    const char *comm, *path, *cwd;
    const char **args, **environment; /* NULL-terminated */
};

/* An app with its helpers, or a job of launchd. */
struct fake_coalition {
    uint64_t id;
    int64_t started, ended; /* members */
    struct curve cpu, read, written, footprint;
};

/* From one time to another. */
struct span {
    int64_t from_ns, to_ns;
};

/* An open descriptor, and what it is open to. */
struct fake_file {
    int32_t fd, type; /* of PROX_FDTYPE_... */
    uint32_t port;    /* not 0: a file port of that name, and no descriptor */
    struct span there;
    uint64_t socket; /* the same for each descriptor of a socket */
    int32_t family, protocol, kind;
    struct curve state, receive, send; /* of TCP; bytes in its queues */
};

struct fake_process {
    int32_t pid, ppid, status, threads, nice;
    int32_t group; /* 0: its pid */
    uint64_t coalition;
    uint32_t uid, real_uid, terminal; /* terminal 0: none */
    struct fake_file *files;
    size_t file_count;
    uint64_t unique_id;
    int64_t start_ns, end_ns, reaped_ns; /* end and reaped: FOREVER */
    bool path_gone, no_arguments;
    struct program *programs; /* the first is what it began as */
    size_t program_count;
    struct odd_arguments odd;
    struct curve cpu_user, cpu_system, footprint, resident, disk_read, disk_written, energy;
    struct curve wakeups, pageins, faults, instructions, cycles;
};

struct fake_core {
    struct curve user, system;
    uint32_t before
        [4]; /* ticks that were counted before the recording began: user, system, idle, nice */
    struct span off; /* off line */
};

struct fake_interface {
    const char *name; /* "": it is being detached */
    uint32_t flags;
    int64_t speed;
    struct span there;
    struct curve received_bytes, sent_bytes, received_packets, sent_packets;
};

struct cluster {
    const char *name;
    int64_t cores;
};

struct user {
    uint32_t uid;
    const char *name;
};

struct jump {
    int64_t at_ns, by_ns;
};

struct cJSON;

struct scenario {
    const char *name;
    /* machine */
    const char *host, *model, *brand, *arch, *release, *boot_id;
    int64_t tb_hz, memory_bytes, page_bytes, rusage_version, vm_words, wall_start_ns, uptime_ns;
    struct cluster *clusters; /* fastest first */
    size_t cluster_count;
    struct fake_core *cores;
    size_t core_count;
    struct curve memory[16]; /* by enum vm_field, pages */
    int64_t swap_total, swap_used;
    struct curve load[3]; /* of 1, 5 and 15 minutes, in 1/2048 */
    struct curve pressure_level;
    struct fake_interface *interfaces;
    size_t interface_count;
    const struct cJSON *registry;       /* of IOKit; NULL: nothing is in it */
    const struct cJSON *ioreport, *smc; /* NULL: there is none */
    const struct cJSON *iokit_faults;
    struct user *users;
    size_t user_count;
    struct fake_process *processes;
    size_t process_count;
    struct fake_coalition *coalitions;
    size_t coalition_count;
    int64_t coalition_bytes; /* as many of its answer as this kernel fills in */
    bool coalitions_refused;
    size_t self; /* which of them is the recorder */
    int64_t duration_ns;
    struct jump *sleeps, *wall_steps;
    size_t sleep_count, wall_step_count;
    /* what goes wrong */
    struct span cores_fail, memory_fails, usage_fails, task_fails, list_races, interfaces_race;
    struct span pids_race;    /* proc_listpids knows one process when asked for the size */
    struct span files_race;   /* descriptors are closed between the list and the question */
    bool odd_core_counts;     /* host_processor_info tells of one core too many */
    int64_t vm_fresh_answers; /* of host_statistics64 in a second */
};

enum vm_field {
    VM_FREE,
    VM_ACTIVE,
    VM_INACTIVE,
    VM_WIRE,
    VM_PURGEABLE,
    VM_SPECULATIVE,
    VM_COMPRESSOR,
    VM_EXTERNAL,
    VM_INTERNAL,
    VM_PAGEINS,
    VM_PAGEOUTS,
    VM_SWAPINS,
    VM_SWAPOUTS,
    VM_FIELD_COUNT,
};

/* Ends the program with a message if the file is not a scenario. Nothing is ever freed. */
struct scenario *scenario_load(const char *path);

/* The quantity at a time, of something that was there from `from_ns` on. */
int64_t curve_at(const struct curve *curve, int64_t from_ns, int64_t at_ns);

/* A quantity as JSON has it, which began with the recording, at a time without those asleep. */
int64_t scenario_quantity_at(const struct cJSON *item, int64_t awake_ns);

static inline bool span_has(const struct span *span, int64_t at_ns)
{
    return at_ns >= span->from_ns && at_ns < span->to_ns;
}

#endif
