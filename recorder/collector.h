/* The interface that one collector fills in, and what it is given. */
#ifndef RECORDER_COLLECTOR_H
#define RECORDER_COLLECTOR_H

#include "recorder/clock.h"
#include "schema/error.h"
#include "schema/metric.h"
#include "schema/tick.h"

/* How well a collector works here. Stored by name in the capability table. */
enum capability_status {
    CAPABILITY_OK,
    CAPABILITY_PARTIAL, /* works, some metrics or processes are missing: the reason says which */
    CAPABILITY_NOT_PERMITTED,
    CAPABILITY_NOT_THERE,
    CAPABILITY_UNSUPPORTED,
    CAPABILITY_FAILED,
    CAPABILITY_OFF, /* switched off by the user */
};

struct capability {
    enum capability_status status;
    char reason[200]; /* in words; "" when ok */
    char enable[200]; /* how to get it; "" when there is nothing to do */
};

const char *capability_name(enum capability_status status);

struct process_directory;
struct redactor;
struct process_source;

/* What every collector is opened with; it outlives them all. */
struct collect_context {
    const struct clock *clock;
    struct timebase timebase;
    const char *root; /* "" on a real host; a fixture's directory in tests: root + "/proc/stat" */
    int64_t interval_ns;
    const char *process_source; /* "auto", "bpf", "iter", "fds", "proc" */
    const char
        *resident; /* "auto" (or NULL), "exact", "approximate": recorder/collectors/process.md */
    const struct process_source *source; /* of the first three; NULL: /proc is read */
    const char *source_reason; /* why it is no better one; "" or NULL when there is none */
    const struct redactor *redactor;
    bool no_cmdline;
    struct process_directory *processes; /* filled in by the process collector; NULL: none wanted */
};

struct collector {
    const char *name;        /* "process", "cpu", … */
    const char *description; /* one line for --list-collectors */
    /* Also for --list-collectors, each a phrase: where it reads, what for, what its silence means. */
    const char *source;
    const char *needs;
    const char *absence;
    enum table_id table;
    enum table_id second_table; /* that it also has rows in; TABLE_PROCESS: none */
    unsigned divisor;           /* runs at every divisor-th tick */
    int64_t period_ns;          /* and not more often than that; 0: any */
    bool optional;              /* may be slowed down or left out when recording costs too much */

    /*
     * Get ready. OK with `capability` filled in, also when it can do nothing here
     * (NOT_PERMITTED, NOT_THERE, …): then it is not run. An error is for what should not happen.
     */
    enum status (*open)(void **state, const struct collect_context *context,
                        struct capability *capability, struct error *err);
    /*
     * NULL, or for a collector with a worker: called when it is due, before any collects, to kick the
     * worker. Its `collect` then runs at every tick, and adds rows when there is something to take.
     */
    void (*begin)(void *state, const struct tick *tick);
    /* Add this tick's rows; tick->start_ns and seq are set. Never blocks, no allocation in steady state. */
    enum status (*collect)(void *state, struct tick *tick, struct error *err);
    void (*close)(void *state);
    /* Reads past their time that are still waited for. NULL: it never waits. */
    int64_t (*not_answering)(const void *state);
    /* CPU time of threads of its own, in ns, all so far. NULL: it has none. */
    int64_t (*other_cpu_ns)(const void *state);
};

/* The only list of collectors of this system, in recording order (registry_SYSTEM.c). */
extern const struct collector *const collectors[];
extern const unsigned collector_count;

#endif
