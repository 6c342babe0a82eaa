/*
 * The made-up processes: who is born, who dies, who changes its name, and the rows they have in
 * each tick. Rules for slots are those of schema/tick.h.
 */
#ifndef TOOLS_GENERATE_PROCESS_H
#define TOOLS_GENERATE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "recorder/writer.h"
#include "schema/tick.h"
#include "tools/generate_behaviour.h"
#include "tools/generate_hours.h"
#include "tools/generate_options.h"
#include "tools/generate_random.h"
#include "tools/generate_text.h"

/* How a process left the recording. */
enum process_end {
    END_ALIVE,    /* it has not */
    END_REPORTED, /* a last row and an exit record */
    END_VANISHED, /* from one tick to the next there was no row */
    END_UNSEEN,   /* while no recorder ran */
};

enum process_failure { FAILURE_CPU, FAILURE_MEMORY, FAILURE_IO, FAILURE_COUNT };

struct process {
    struct activity activity;
    int64_t start_ns, end_ns; /* end INT64_MAX: not in this recording */
    bool live;                /* in its slot; otherwise the slot is free, or will be */
    bool fresh;               /* no row in this session yet */
    bool in_view;             /* with fresh: born while we watch */
    bool status_due;          /* a metric that is read at some ticks only has changed */
    bool forced;              /* its next row differs though it slept */
    bool io_denied;
    bool driven; /* what it does is told from outside: it does nothing by itself */
    bool killed; /* that is how it ends */
    enum process_failure failure;
    int failure_ticks; /* left */
    int32_t pid, ppid;
    uint64_t start_ticks;
    struct identity identity;
    int64_t truth_id, process_id;  /* process_id: as given by the writer; 0 not yet */
    int64_t first_tick, last_tick; /* index over all sessions */
    bool born;                     /* its first row had ROW_BORN */
    enum process_end end;
    int64_t sockets; /* to others, more than it always has */
    struct hours_process hours;
};

struct truth;
struct hours;
struct incidents;

/* One tick, as the generator sees it. */
struct moment {
    int64_t index; /* over all sessions */
    int64_t before_ns, now_ns;
    int64_t awake_ns; /* of the time between, what was not suspended */
    bool session_first;
    bool booted; /* with session_first: the host was restarted, nobody has survived */
    bool gap;
};

struct slot_list {
    uint32_t *slot;
    size_t count, size;
};

struct population {
    const struct generate_options *options;
    struct truth *truth;         /* or NULL */
    struct hours *hours;         /* or NULL */
    struct incidents *incidents; /* or NULL */
    struct random_source random;
    struct activity_host host;
    struct process *slots;
    size_t slot_count, slot_size;
    struct slot_list free, announced, gone,
        buried; /* gone: in this tick; buried: in the last two */
    uint8_t *pid_used;
    int32_t pid_limit, pid_next, pid_freed; /* pid_freed: the last that became free, or 0 */
    int64_t boot_ns;                        /* timeline time of boot */
    int64_t base_count, truth_count;
    int64_t mix_sum;
    struct identity_texts texts;
    bool no_memory;
};

MUST_USE enum status population_init(struct population *population,
                                     const struct generate_options *options, int64_t boot_ns,
                                     struct truth *truth, struct error *err);
void population_release(struct population *population);

/* The host was restarted at that time: before the tick that begins the session. */
void population_reboot(struct population *population, int64_t boot_ns);

/*
 * One more, which does nothing by itself; NULL: memory is out. While population_tick is at incidents.
 * number: of its unit and what else is made up of it; 0: any.
 */
struct process *population_add(struct population *population, const char *name, uint64_t number,
                               int32_t ppid, int64_t start_ns, const struct moment *moment,
                               struct tick *tick);
/* Who lives, by its number in the truth; NULL: it does not. */
struct process *population_find(struct population *population, int64_t truth_id);

/* Add all processes' rows; returns the CPU microseconds they consumed. */
int64_t population_tick(struct population *population, const struct moment *moment,
                        struct tick *tick);

/* After writer_tick: learn the ids it gave out, let go of who died. CORRUPT if an id changed. */
MUST_USE enum status population_after(struct population *population, const struct moment *moment,
                                      const struct writer *writer, struct error *err);

/* The last tick is written: those who still live go into the truth. */
void population_finish(struct population *population, int64_t last_tick);

#endif
