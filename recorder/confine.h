/* What the recorder takes from itself at its start: user, privileges, system calls. */
#ifndef RECORDER_CONFINE_H
#define RECORDER_CONFINE_H

#include "recorder/options.h"
#include "recorder/process_rungs.h"

/* Why something was not given up: ABSENT when that is wanted, OK when it is gone. */
struct confinement {
    struct error privileges, sandbox;
};

/*
 * Give up what recording does not need, before a thread or a file is there, but after what `needs` speaks
 * of was loaded. With a command nothing: it is to run as if it had been started without us. The default path's directory is made, if --user
 * names somebody, while we still can.
 *
 *   errors  of --user only, where going on would be as somebody else: INVALID, IO. The rest is told in
 *           *confinement, and recording can go on
 */
MUST_USE enum status confine(struct confinement *confinement, const struct options *options,
                             const struct process_needs *needs, struct error *err);

#endif
