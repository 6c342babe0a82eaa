/*
 * Giving up the system calls that recording does not make: what a flaw in us could do then is less
 * than what the kernel offers.
 */
#ifndef RECORDER_SANDBOX_H
#define RECORDER_SANDBOX_H

#include "recorder/process_rungs.h"
#include "schema/error.h"

/* Why this build has none, or NULL. */
const char *sandbox_missing(void);

/*
 * From now on, in this thread and those that it starts, refuse every call that is not on the list in
 * sandbox_linux.c: the kernel answers ENOSYS, so that libc takes an older call where it knows one,
 * and logs it where it keeps an audit log. For good. Needs no privilege. What it cannot do: tell
 * which files are written, since the kernel looks at no path here. Of bpf(2) it leaves what `needs` names,
 * which loads nothing. Libraries that this host needs are loaded before (recorder/libraries.h).
 *
 *   errors  UNSUPPORTED: not in this build; IO: the kernel refused. Nothing is changed then.
 *   source  seccomp(2), libseccomp
 */
MUST_USE enum status sandbox_enter(const struct process_needs *needs, struct error *err);

#endif
