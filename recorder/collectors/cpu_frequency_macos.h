/*
 * At which frequency the cores of Apple's chips worked, read by a worker of its own at most once a second: the time
 * that each spent in each of its states is told by IOReport, the states' frequencies by the power manager.
 */
#ifndef RECORDER_CPU_FREQUENCY_MACOS_H
#define RECORDER_CPU_FREQUENCY_MACOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recorder/worker.h"

enum { CPU_CORES_MAX = 256 };

/* Zeroed is closed. */
struct cpu_frequency {
    struct worker *worker; /* NULL: there is none to be had */
    struct cpu_residency *residency;
    int64_t kicked_ns;
    bool kicked;
};

struct cpu_core_frequency {
    int64_t hz;
    enum missing missing;
};

/*
 * Start.
 *
 *   shape   thread: false reads in the caller's thread, for tests
 *   errors  ABSENT: it cannot be told here, `err` says why; NO_MEMORY, IO
 */
MUST_USE enum status cpu_frequency_open(struct cpu_frequency *frequency, bool thread,
                                        struct error *err);
void cpu_frequency_close(struct cpu_frequency *frequency);

/* At the beginning of a tick. */
void cpu_frequency_begin(struct cpu_frequency *frequency, int64_t now_ns);
/* Later in it: those of *count cores by number, or NULL when nothing new is there at this tick. */
const struct cpu_core_frequency *cpu_frequency_take(struct cpu_frequency *frequency,
                                                    struct tick *tick, size_t *count);
/* What was taken is used up. */
void cpu_frequency_used(struct cpu_frequency *frequency, int64_t now_ns);

#endif
