/* One recording from start to end: collectors, writer and sampler, in the right order. */
#ifndef RECORDER_SESSION_H
#define RECORDER_SESSION_H

#include <limits.h>
#include <sys/types.h>

#include "recorder/clock.h"
#include "recorder/collect.h"
#include "recorder/lockfile.h"
#include "recorder/options.h"
#include "recorder/process_directory.h"
#include "recorder/process_rungs.h"
#include "recorder/redact.h"
#include "recorder/sampler.h"
#include "recorder/session_control.h"
#include "recorder/writer.h"

struct session {
    char path[PATH_MAX];
    int wake[2]; /* a pipe: a byte in it ends every sleep of `clock` */
    struct clock_host clock_host;
    struct clock clock;
    struct redactor redactor;
    struct collect_context context;
    struct process_directory processes;
    struct collect collect;
    struct session_facts facts;
    struct lockfile lock;
    dev_t file_dev; /* of the recording, as it was opened */
    ino_t file_ino;
    int64_t looked_ns; /* the tick at which it was last seen to be in its place */
    struct writer *writer;
    struct sampler *sampler;
    struct session_control control;
};

/*
 * Open the collectors and nothing else, for --list-collectors. `rungs`, or NULL, outlive the session.
 *
 *   errors  INVALID for what the user can put right on the command line; IO, NO_MEMORY
 *   owns    everything in `session`, until session_close, also after an error
 */
MUST_USE enum status session_prepare(struct session *session, const struct options *options,
                                     const struct process_rungs *rungs, struct error *err);

/* Lock and open the recording, take the first tick and go on in the background. */
MUST_USE enum status session_start(struct session *session, const struct options *options,
                                   struct error *err);

/*
 * End the recording, if one was started: last tick, seal, one self-contained file.
 * Reports the first thing that went wrong; all is tried nevertheless.
 */
MUST_USE enum status session_stop(struct session *session, const char *reason,
                                  struct sampler_totals *totals, struct error *err);

/* Whether there is a directory to make the recording in. */
bool session_place_exists(const struct session *session);

/* Accepts a zeroed session. */
void session_close(struct session *session);

#endif
