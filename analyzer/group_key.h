/*
 * What a group is called.
 *
 * A sample belongs to the group of the version that is valid at its time; but lineages, which are of
 * whole processes. A lineage is a service over its restarts and exec chains: all processes whose last
 * version is the same program (exe; of those without one, comm) of the same user in the same place. A
 * place is the first of these that there is: the name of their container, as its engine calls it; their
 * unit or pod; the container's id; the path of the cgroup. It is written "PROGRAM (USER, PLACE)", "?" for
 * what is not known; where neither exe nor comm is, there is no lineage.
 */
#ifndef ANALYZER_GROUP_KEY_H
#define ANALYZER_GROUP_KEY_H

#include "analyzer/group.h"

/*
 * The key under groups->by, which is not BY_PROCESS.
 *
 *   shape   version NULL: the process has none; process NULL: only the version is known.
 *           *key: data NULL: not known. It lasts as the version does, or is in groups->scratch until
 *           the next call
 *   errors  NO_MEMORY
 */
MUST_USE enum status group_key(struct groups *groups, const struct process *process,
                               const struct version *version, struct text *key, struct error *err);

/* Fill in the unit and the lineage of a group that is a process, which has been looked up. */
MUST_USE enum status group_key_names(struct groups *groups, struct group *group, struct error *err);

#endif
