/* Tries rung 1, then rung 2; only in the initial pid namespace, whose numbers the programs see. */
#include "recorder/process_rungs.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "recorder/collectors/bpf_walk_linux.h"
#include "recorder/privileges.h"

/* Inode numbers of the initial namespaces: include/linux/proc_ns.h of the kernel. */
static const ino_t initial_pid_namespace = 0xEFFFFFFC;
static const ino_t initial_time_namespace = 0xEFFFFFFA;

struct process_rungs {
    struct bpf_walk *walk; /* NULL: none works, or none was wanted */
    enum bpf_rung rung;
    struct process_source source;
    bool keeps_capabilities;
    char reason[160];
};

static enum status check_surroundings(struct error *err)
{
    struct stat own;

    if (stat("/proc/self/ns/pid", &own) != 0)
        return error_set(err, STATUS_ABSENT, "no /proc/self/ns");
    if (own.st_ino != initial_pid_namespace)
        return error_set(err, STATUS_ABSENT, "in a pid namespace");
    if (stat("/proc/self/ns/time", &own) == 0 && own.st_ino != initial_time_namespace)
        return error_set(err, STATUS_ABSENT, "in a time namespace");
    if (!privileges_may_load_bpf())
        return error_set(err, STATUS_ABSENT, "needs CAP_BPF and CAP_PERFMON");
    return STATUS_OK;
}

static bool runs(void *self)
{
    return bpf_walk_runs(self);
}

static enum status try_rung(struct process_rungs *rungs, enum bpf_rung rung, struct error *err)
{
    enum status st = bpf_walk_open(&rungs->walk, rung, err);

    if (st != STATUS_OK)
        return st;
    rungs->rung = rung;
    rungs->source = bpf_walk_source(rungs->walk);
    rungs->keeps_capabilities = !privileges_try_without_bpf(runs, rungs->walk);
    return STATUS_OK;
}

static bool is(const char *wanted, const char *name)
{
    return wanted == NULL ? strcmp(name, "auto") == 0 : strcmp(wanted, name) == 0;
}

/* The first that works; why the one before did not stays in rungs->reason. */
static enum status try_all(struct process_rungs *rungs, const char *wanted, struct error *err)
{
    enum status st = check_surroundings(err);

    if (st == STATUS_OK && !is(wanted, "iter"))
        st = try_rung(rungs, BPF_WALKS, err);
    if (st != STATUS_OK)
        (void)snprintf(rungs->reason, sizeof rungs->reason, "no BPF: %.150s", err->message);
    if (st == STATUS_UNSUPPORTED && is(wanted, "auto"))
        st = try_rung(rungs, BPF_ITERATES, err);
    else if (st == STATUS_OK && is(wanted, "iter"))
        st = try_rung(rungs, BPF_ITERATES, err);
    return st;
}

enum status process_rungs_open(struct process_rungs **opened, const char *wanted, struct error *err)
{
    struct process_rungs *rungs = calloc(1, sizeof *rungs);
    enum status st;

    *opened = rungs;
    if (rungs == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory for BPF");
    if (!is(wanted, "auto") && !is(wanted, "bpf") && !is(wanted, "iter"))
        return STATUS_OK;
    st = try_all(rungs, wanted, err);
    if (st == STATUS_OK || (st != STATUS_NO_MEMORY && is(wanted, "auto")))
        return STATUS_OK;
    process_rungs_close(rungs);
    *opened = NULL;
    return error_prefix(err, "--process-source %s", wanted);
}

void process_rungs_close(struct process_rungs *rungs)
{
    if (rungs == NULL)
        return;
    bpf_walk_close(rungs->walk);
    free(rungs);
}

struct process_needs process_rungs_needs(const struct process_rungs *rungs)
{
    if (rungs == NULL || rungs->walk == NULL)
        return (struct process_needs){ 0 };
    return (struct process_needs){ .programs = rungs->rung == BPF_WALKS,
                                   .iterators = rungs->rung == BPF_ITERATES,
                                   .capabilities = rungs->keeps_capabilities };
}

const struct process_source *process_rungs_source(const struct process_rungs *rungs,
                                                  const char *wanted)
{
    if (rungs == NULL || rungs->walk == NULL)
        return NULL;
    return is(wanted, "auto") || is(wanted, rungs->source.name) ? &rungs->source : NULL;
}

bool process_rungs_has(const struct process_rungs *rungs, const char *wanted)
{
    bool named = is(wanted, "bpf") || is(wanted, "iter");

    return !named || process_rungs_source(rungs, wanted) != NULL;
}

const char *process_rungs_reason(const struct process_rungs *rungs)
{
    return rungs == NULL ? "" : rungs->reason;
}
