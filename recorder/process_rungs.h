/*
 * What reads all processes at once, loaded while there are privileges to load it: before confine, and kept
 * as long as the program runs, so that every session can use it.
 */
#ifndef RECORDER_PROCESS_RUNGS_H
#define RECORDER_PROCESS_RUNGS_H

#include <stdbool.h>

#include "schema/error.h"

/* What running it takes of privileges and of the sandbox. */
struct process_needs {
    bool programs;     /* a program is run by bpf(2) at each tick */
    bool iterators;    /* an iterator is opened by bpf(2) at each tick */
    bool capabilities; /* CAP_BPF and CAP_PERFMON also after loading, as before Linux 5.19 */
};

struct process_rungs;

/*
 * Load the highest rung of the ladder that works here, if `wanted` leaves the choice ("auto"), or the one
 * that it names ("bpf", "iter"); nothing for lower ones.
 *
 *   errors  ABSENT or UNSUPPORTED with the reason, when the one named does not work; NO_MEMORY
 *   owns    *rungs until process_rungs_close, which accepts NULL
 */
MUST_USE enum status process_rungs_open(struct process_rungs **rungs, const char *wanted,
                                        struct error *err);
void process_rungs_close(struct process_rungs *rungs);

struct process_needs process_rungs_needs(const struct process_rungs *rungs);

struct process_source;
/* The source that was loaded for `wanted`; NULL: none, and process_rungs_reason says why. */
const struct process_source *process_rungs_source(const struct process_rungs *rungs,
                                                  const char *wanted);
/* Whether what `wanted` names was loaded, or it leaves the choice. */
bool process_rungs_has(const struct process_rungs *rungs, const char *wanted);
/* Why no higher rung is used; "" when there is none. Accepts NULL. */
const char *process_rungs_reason(const struct process_rungs *rungs);

#endif
