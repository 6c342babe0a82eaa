/* What SIGHUP asks for: the configuration once more. */
#ifndef RECORDER_RELOAD_H
#define RECORDER_RELOAD_H

#include "recorder/options.h"
#include "recorder/process_rungs.h"

/*
 * Read command line and configuration again, and check them as far as that goes without recording.
 *
 *   shape   rungs: as for session_prepare
 *   errors  ABSENT: they say what they said before; INVALID, IO, NO_MEMORY: they are not to be used
 *   owns    *fresh, until options_release, also after an error
 */
MUST_USE enum status reload_options(struct options *fresh, const struct options *before,
                                    const struct process_rungs *rungs, int argc, char **argv,
                                    struct error *err);

#endif
