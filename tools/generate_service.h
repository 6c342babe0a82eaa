/*
 * A service of the made-up host that uses about the same all the time, and from some second on more of one
 * thing: --service COMM[:METRIC@SECOND[:RESTART_SECONDS]], METRIC cpu, memory, io or none.
 *
 * Its name decides how much it uses, where it runs and how unsteady it is, so that recordings of other seeds
 * have the same service under other pids. From SECOND on it uses four times as much CPU time (and 150
 * thousandths of a core more), memory, or written bytes. With RESTART_SECONDS it ends that often, and begins
 * again under a new pid.
 */
#ifndef TOOLS_GENERATE_SERVICE_H
#define TOOLS_GENERATE_SERVICE_H

#include "schema/error.h"
#include "tools/generate_behaviour.h"

enum service_metric { SERVICE_NOTHING, SERVICE_CPU, SERVICE_MEMORY, SERVICE_IO };

struct service {
    enum service_metric metric; /* that is more from at_s on */
    int64_t at_s, restart_s;    /* restart_s 0: never */
    int64_t started_ns;         /* its process, at a tick */
    bool down;                  /* it ended, and begins again at the next tick */
};

/* What follows COMM, from the colon on or "". errors INVALID */
MUST_USE enum status service_parse(struct service *service, const char *text, struct error *err);

/* A number for a name: always the same. Never 0, and odd, so that it is in no container. */
uint64_t service_number(const char *name);

/*
 * A tick of it; returns the CPU time it took, in microseconds.
 *
 *   shape   run_ns: how long it could run; since_s: the recording's first tick
 */
int64_t service_run(const struct service *service, const char *name, struct activity *activity,
                    int64_t run_ns, int64_t since_s, int64_t now_ns, struct activity_host *host,
                    struct random_source *random);

#endif
