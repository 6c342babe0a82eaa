/* There is one way to read processes here, and nothing to load for it. */
#include "recorder/process_rungs.h"

#include <string.h>

struct process_rungs {
    bool nothing;
};

static struct process_rungs none;

static bool is_auto(const char *wanted)
{
    return strcmp(wanted, "auto") == 0;
}

enum status process_rungs_open(struct process_rungs **rungs, const char *wanted, struct error *err)
{
    *rungs = NULL;
    if (!is_auto(wanted))
        return error_set(err, STATUS_UNSUPPORTED,
                         "--process-source %s: Linux only, here processes are read by libproc",
                         wanted);
    *rungs = &none;
    return STATUS_OK;
}

void process_rungs_close(struct process_rungs *rungs)
{
    (void)rungs;
}

struct process_needs process_rungs_needs(const struct process_rungs *rungs)
{
    (void)rungs;
    return (struct process_needs){ 0 };
}

const struct process_source *process_rungs_source(const struct process_rungs *rungs,
                                                  const char *wanted)
{
    (void)rungs;
    (void)wanted;
    return NULL;
}

bool process_rungs_has(const struct process_rungs *rungs, const char *wanted)
{
    (void)rungs;
    return is_auto(wanted);
}

const char *process_rungs_reason(const struct process_rungs *rungs)
{
    (void)rungs;
    return "";
}
