/*
 * A source that hands out all processes at once, and tells of each that begins another program or ends:
 * rungs 1 and 2 of the ladder. Tests put one in its place that misbehaves.
 */
#ifndef RECORDER_PROCESS_SOURCE_LINUX_H
#define RECORDER_PROCESS_SOURCE_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recorder/collectors/bpf/records.h"
#include "schema/error.h"

/* Of which processes resident pages are to be exact, where the kernel counts them apart per CPU. */
struct walk_wish {
    bool exact_all;
    bool cgroups, block_delay; /* whether these are to be read */
    bool all;                  /* of what has not run, too: else its record may be the last one */
    int64_t exact_pages;       /* else of those that have so many, */
    int64_t exact_since_ns;    /* and those that began since then (boot clock) */
};

/* What was left out since the source was opened. */
struct walk_losses {
    uint64_t execs, exits;
};

/* They hold until the call returns. The same process may come twice. */
typedef void walk_take(void *to, const struct walk_record *records, size_t count);
/* A walk_exec, whose text is cut to what is used, or a walk_exit. */
typedef void walk_event_take(void *to, const struct walk_event *event, size_t size);

struct process_source {
    const char *name; /* "bpf" or "iter" */
    /*
     * Hand out every process of the host; never blocks.
     *
     *   errors  IO: not all of them were handed out
     */
    enum status (*walk)(void *self, const struct walk_wish *wish, walk_take *take, void *to,
                        struct error *err);
    /* Hand out what happened since the last call, oldest first. */
    void (*drain)(void *self, walk_event_take *take, void *to);
    struct walk_losses (*losses)(const void *self);
    void *self;
};

#endif
