/*
 * Giving up what recording does not need, before any thread is there: capabilities are a thread's, and
 * threads get those of the one that starts them.
 */
#ifndef RECORDER_PRIVILEGES_H
#define RECORDER_PRIVILEGES_H

#include <stdbool.h>

#include "recorder/account.h"
#include "schema/error.h"

/*
 * Keep of the capabilities that the process has only those that reading other users' processes and their
 * exits takes (CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, CAP_NET_ADMIN), and CAP_DAC_OVERRIDE if the
 * recording lies where another user may write and we otherwise could not; forgo gaining any by exec.
 * With `keep_bpf` also CAP_BPF and CAP_PERFMON, see privileges_try_without_bpf.
 *
 *   shape   recording: the path, or NULL for the default
 *   errors  IO: the kernel refused; all capabilities are still there then
 *   source  capabilities(7), capset(2), PR_SET_NO_NEW_PRIVS(2const)
 */
MUST_USE enum status privileges_reduce(const char *recording, bool keep_bpf, struct error *err);

/*
 * The same, as that user for good, with its groups: what it may not write, we may not either.
 *
 *   errors  IO: the kernel refused; we may be anybody then, and must not go on
 *   source  also setresuid(2), PR_SET_KEEPCAPS(2const)
 */
MUST_USE enum status privileges_become(const struct account *account, bool keep_bpf,
                                       struct error *err);

/* Whether the calling thread has what loading a BPF program takes that reads kernel memory. */
bool privileges_may_load_bpf(void);

/* Whether `attempt` succeeds without CAP_BPF and CAP_PERFMON, which the thread has again afterwards. */
bool privileges_try_without_bpf(bool (*attempt)(void *self), void *self);

#endif
