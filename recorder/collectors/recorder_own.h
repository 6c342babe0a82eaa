/*
 * What the system says of the recorder's own process, and of all there are: recorder_own_SYSTEM.c.
 */
#ifndef RECORDER_COLLECTORS_RECORDER_OWN_H
#define RECORDER_COLLECTORS_RECORDER_OWN_H

#include "recorder/collector.h"

struct own_number {
    int64_t value; /* stored unit of its metric */
    enum missing why;
};

struct own_numbers {
    struct own_number resident_bytes, written_bytes;
    struct own_number busy_us; /* CPU time of all processes as the scheduler charged it */
};

struct recorder_own;

/*
 * What cannot be read is missing at each tick, and `capability` says so.
 *
 *   shape   `root` comes before paths, "" on a real host
 *   errors  NO_MEMORY
 *   owns    *own until recorder_own_close, which accepts NULL
 */
MUST_USE enum status recorder_own_open(struct recorder_own **own, const char *root,
                                       struct capability *capability, struct error *err);
void recorder_own_close(struct recorder_own *own);

void recorder_own_read(struct recorder_own *own, struct own_numbers *numbers);

/* For --list-collectors. */
extern const char recorder_own_source[];
extern const char recorder_own_absence[];

#endif
