/*
 * What one look told of the counters of cgroups that become events, by group, for the next look to compare
 * with; also of groups that hold no process, which have no row.
 */
#ifndef RECORDER_CGROUP_PAST_H
#define RECORDER_CGROUP_PAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CGROUP_NOT_KNOWN = -1 };

struct cgroup_before {
    uint64_t key; /* of cgroup_past_key; 0: the cell is free */
    int64_t kills, throttled_us;
    bool throttled;
    bool looked_below; /* the groups below it are there, too */
};

/* Zeroed is empty. */
struct cgroup_past {
    struct cgroup_before *cell; /* a hash with open addressing; size is 0 or a power of two */
    size_t size, count;
};

void cgroup_past_release(struct cgroup_past *past);
uint64_t cgroup_past_key(const char *path, uint64_t inode);
/* NULL: it was not there. */
const struct cgroup_before *cgroup_past_find(const struct cgroup_past *past, uint64_t key);
/* Make it empty, with room for so many; false: memory is out, and nothing has changed. */
bool cgroup_past_begin(struct cgroup_past *past, size_t count);
/* One more, whose key is not there yet and for which there is room. */
void cgroup_past_add(struct cgroup_past *past, const struct cgroup_before *before);

#endif
