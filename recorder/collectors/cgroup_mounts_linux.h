/* Where the hierarchies of cgroups are mounted, and what each of them can tell of. */
#ifndef RECORDER_CGROUP_MOUNTS_LINUX_H
#define RECORDER_CGROUP_MOUNTS_LINUX_H

#include "recorder/collectors/cgroup_text_linux.h"
#include "schema/error.h"

enum { CGROUP_HIERARCHIES_MAX = 6, CGROUP_PATH_MAX = 1024 };

struct cgroup_hierarchy {
    int fd;            /* of its root, by O_PATH */
    unsigned subjects; /* bits of enum cgroup_subject */
    char prefix
        [CGROUP_PATH_MAX]; /* what comes before the paths in it: "" unless a part is mounted */
};

/* Version 1 first: where both tell something, a controller's own file tells more. */
struct cgroup_mounts {
    struct cgroup_hierarchy hierarchy[CGROUP_HIERARCHIES_MAX];
    size_t count;
};

/*
 * Find them in root + /proc/self/mountinfo and open them.
 *
 *   errors  ABSENT (none is mounted, or none can be opened)
 *   owns    a descriptor for each, until cgroup_mounts_close
 */
MUST_USE enum status cgroup_mounts_open(struct cgroup_mounts *mounts, const char *root,
                                        struct error *err);
/* Accepts a zeroed one. */
void cgroup_mounts_close(struct cgroup_mounts *mounts);

/* Which controllers of cpu, memory, io and pids are nowhere: "memory, io"; "" when all are there. */
void cgroup_mounts_lacking(const struct cgroup_mounts *mounts, char *names, size_t size);

#endif
