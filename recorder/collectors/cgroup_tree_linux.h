/*
 * The groups that hold processes, and those above them: a walk through all hierarchies, and what the files
 * of each group say. For a thread of its own: it opens hundreds of files.
 *
 * A group is a path; what several hierarchies tell of one path is put together.
 */
#ifndef RECORDER_CGROUP_TREE_LINUX_H
#define RECORDER_CGROUP_TREE_LINUX_H

#include "recorder/collectors/cgroup_mounts_linux.h"

enum {
    CGROUP_GROUPS_MAX = 1000, /* of one walk; those nearer to the root come first */
    CGROUP_DEPTH_MAX =
        8, /* below the root; what is deeper is part of the sums of the group there */
    CGROUP_DEVICES_MAX = 64,
};

#define CGROUP_NO_PARENT UINT32_MAX

struct cgroup_group {
    size_t path_at; /* in tree->paths */
    size_t path_size;
    uint64_t
        inode; /* of its directory, in version 2 where it is there; else in the first that has it */
    uint32_t parent; /* in tree->group, before this one; or CGROUP_NO_PARENT */
    uint32_t hash;
    uint8_t depth;
    bool visited, populated;
    bool
        looked_below; /* its groups were listed; not those of one that holds no process, in version 2 */
    bool kills_of_all; /* oom_kills_total counts those of groups below, too: version 2 */
    struct cgroup_values values;
};

struct cgroup_device {
    int64_t major, minor;
    bool counts;
};

/* Zeroed is empty but for root. */
struct cgroup_tree {
    const char *root; /* static, or outlives it */
    struct cgroup_mounts mounts;
    struct cgroup_group *group;
    size_t count, size;
    char *paths;
    size_t paths_used, paths_size;
    uint32_t *cell; /* hash of a path -> index + 1 */
    uint32_t *queue;
    int64_t left_out; /* of the last walk: groups beyond the limits, as far as they were seen */
    char *text;       /* of one file */
    struct cgroup_device device[CGROUP_DEVICES_MAX];
    size_t device_count;
};

/* errors: ABSENT (nothing is mounted), NO_MEMORY; owns descriptors and memory until cgroup_tree_close */
MUST_USE enum status cgroup_tree_open(struct cgroup_tree *tree, const char *root,
                                      struct error *err);
void cgroup_tree_close(struct cgroup_tree *tree);

/* Walk, read all. errors: IO (no root can be read), NO_MEMORY */
MUST_USE enum status cgroup_tree_read(struct cgroup_tree *tree, struct error *err);

static inline const char *cgroup_path(const struct cgroup_tree *tree,
                                      const struct cgroup_group *group)
{
    return tree->paths + group->path_at;
}

/* Whether it belongs among the samples: it was there, and a process is in it or below. */
static inline bool cgroup_counts(const struct cgroup_group *group)
{
    return group->visited && group->populated;
}

#endif
