/*
 * Giving up what recording does not need, before any thread is there: capabilities are a thread's, and
 * threads get those of the one that starts them.
 */
#ifndef RECORDER_PRIVILEGES_H
#define RECORDER_PRIVILEGES_H

#include <stdbool.h>

#include "recorder/account.h"
#include "recorder/process_rungs.h"
#include "schema/error.h"

/*
 * Keep of the capabilities that the process has only those that reading other users' processes takes
 * (CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH); CAP_NET_ADMIN, for the kernel's reports of exits, if no source was
 * loaded that tells of them itself; and CAP_DAC_OVERRIDE if the recording lies where another user may write
 * and we otherwise could not. Forgo gaining any by exec. CAP_BPF and CAP_PERFMON too if `needs` says so, see
 * privileges_try_without_bpf.
 *
 *   shape   recording: the path, or NULL for the default
 *   errors  IO: the kernel refused; all capabilities are still there then
 *   source  capabilities(7), capset(2), PR_SET_NO_NEW_PRIVS(2const)
 */
MUST_USE enum status privileges_reduce(const char *recording, const struct process_needs *needs,
                                       struct error *err);

/*
 * The same, as that user for good, with its groups: what it may not write, we may not either.
 *
 *   errors  IO: the kernel refused; we may be anybody then, and must not go on
 *   source  also setresuid(2), PR_SET_KEEPCAPS(2const)
 */
MUST_USE enum status privileges_become(const struct account *account,
                                       const struct process_needs *needs, struct error *err);

/* Whether the calling thread has what loading a BPF program takes that reads kernel memory. */
bool privileges_may_load_bpf(void);

/* Whether `attempt` succeeds without CAP_BPF and CAP_PERFMON, which the thread has again afterwards. */
bool privileges_try_without_bpf(bool (*attempt)(void *self), void *self);

#endif
