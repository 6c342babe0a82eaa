/* Which processes are asked for: --pid, --comm, --user, --cgroup, --container, --where. */
#ifndef ANALYZER_SELECT_H
#define ANALYZER_SELECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/where.h"
#include "schema/error.h"
#include "schema/identity.h"
#include "schema/recording.h"

enum { SELECT_MAX = 64 };

/* Values of one option are alternatives; different options must all match. */
struct select {
    int64_t pid[SELECT_MAX];
    size_t pid_count;
    const char *comm[SELECT_MAX]; /* exact, or with * at either end */
    size_t comm_count;
    const char *user[SELECT_MAX]; /* a name, or a uid */
    size_t user_count;
    const char *cgroup[SELECT_MAX]; /* a path, as comm */
    size_t cgroup_count;
    const char *container[SELECT_MAX]; /* an id or a name, as comm */
    size_t container_count;
    struct where where;
};

/* Take one of these options; INVALID when it is no value for it, or one too many. */
MUST_USE enum status select_add(struct select *select, const char *option, const char *value,
                                struct error *err);

static inline bool select_all(const struct select *select)
{
    return select->pid_count + select->comm_count + select->user_count + select->cgroup_count +
                   select->container_count ==
               0 &&
           !select->where.given;
}

/* Can it be told from comm and user alone? */
bool select_by_name(const struct select *select);

/* Does the process, called as `version` says (may be NULL), match? */
bool select_match(const struct select *select, const struct recording *recording,
                  const struct process *process, const struct version *version);

#endif
