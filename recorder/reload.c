/* Good options that differ from those in effect: compared as the configuration they make. */
#include "recorder/reload.h"

#include <stdlib.h>
#include <string.h>

#include "recorder/config.h"
#include "recorder/session.h"

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* What was given up at the start does not come back. */
static enum status check_kept(const struct options *before, const struct options *now,
                              const struct process_rungs *rungs, struct error *err)
{
    if (process_rungs_source(rungs, before->process_source) != NULL &&
        process_rungs_source(rungs, now->process_source) == NULL)
        return error_set(err, STATUS_INVALID,
                         "\"process-source\": what %s takes was given up at the start: restart "
                         "procscoped",
                         now->process_source);
    if (same_text(before->user, now->user) && before->no_sandbox == now->no_sandbox)
        return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "\"user\" and \"no-sandbox\" are settled at the start: restart procscoped");
}

enum status reload_options(struct options *fresh, const struct options *before,
                           const struct process_rungs *rungs, int argc, char **argv,
                           struct error *err)
{
    struct session probe;
    char *was = NULL, *is = NULL;
    enum status st = recorder_options_parse(fresh, argc, argv, err);

    if (st == STATUS_OK)
        st = check_kept(before, fresh, rungs, err);
    if (st == STATUS_OK) {
        st = session_prepare(&probe, fresh, rungs, err);
        session_close(&probe);
    }
    if (st == STATUS_OK)
        st = config_text(before, &was, err);
    if (st == STATUS_OK)
        st = config_text(fresh, &is, err);
    if (st == STATUS_OK && strcmp(was, is) == 0)
        st = error_set(err, STATUS_ABSENT, "nothing new");
    free(was);
    free(is);
    return st;
}
