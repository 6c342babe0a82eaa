/* The rows of a report while they are added up: a process each, or all that share a name. */
#ifndef ANALYZER_GROUP_H
#define ANALYZER_GROUP_H

#include "analyzer/distribution.h"
#include "schema/identity.h"
#include "schema/recording.h"

enum group_by {
    BY_PROCESS,
    BY_COMM,
    BY_EXE,
    BY_USER,
    BY_CGROUP,
    BY_CONTAINER,
    BY_UNIT,    /* analyzer/unit_name.h */
    BY_LINEAGE, /* analyzer/group_key.h */
    BY_COUNT,
};

/* What one metric came to, in stored units. */
struct total {
    int128 sum;         /* gauge: of value * dt */
    int64_t increase;   /* counter: outside gaps */
    int64_t in_gaps;    /* counter: across gaps */
    int64_t covered_ns; /* no moment twice */
    int64_t weight_ns;  /* gauge: of dt in the sum */
    int64_t until_ns;   /* covered so far; NO_TIME: nothing is */
    int64_t max;        /* CPU: rate per second; gauge: value */
    bool present;       /* some sample had a value */
    bool timed;         /* some of them with covered time */
    uint8_t reason;     /* while none is present: why */
};

/* What of a group's figures is told by less than its samples. */
enum group_coarse {
    COARSE_NOT,
    COARSE_WINDOWS, /* rollups: no distribution over time, nothing of gaps */
    COARSE_SUMS,    /* usage by name: increases only */
};

/* What is not in a process's version, but made of it. */
struct group_names {
    struct text unit, lineage;
    char bytes[];
};

struct group {
    int64_t process_id;                  /* BY_PROCESS, else 0 */
    struct text key;                     /* else: what they share; data NULL: not known */
    const struct recording_block *block; /* of its last sample in the window */
    int64_t last_ns;                     /* when that was */
    const struct process *process;       /* BY_PROCESS, once looked up */
    size_t process_count;
    enum group_coarse coarse;
    uint32_t late; /* its number in aggregate.late; 0: none */
    void *own;     /* the key, where it is ours; BY_PROCESS: group_names, once they are asked for */
    struct distribution rates; /* CPU, if asked for */
};

/* Zero-initialised is empty. Number 0 is for samples that were not selected. */
struct groups {
    enum group_by by;
    const struct recording *recording;
    size_t total_count; /* totals per group */
    struct group *group;
    struct total *total; /* [group][total_count] */
    size_t count, size;
    uint32_t *hash; /* number */
    size_t hash_size;
    struct group_member {
        int64_t process_id;
        uint32_t group; /* 0: free */
    } * member;         /* hash of who was counted where */
    size_t member_count, member_size;
    char *scratch; /* a key, until it is found to be new */
    size_t scratch_size;
};

/* Once by, recording and total_count are set: make number 0. */
MUST_USE enum status groups_begin(struct groups *groups, struct error *err);
/* Make room for as many as there may be; it costs nothing until it is used. errors NO_MEMORY */
MUST_USE enum status groups_reserve(struct groups *groups, size_t count, struct error *err);
/*
 * The group of a process under one of its versions (NULL: it has none); made if it is new. By process
 * `process` is not needed.
 */
MUST_USE enum status groups_find(struct groups *groups, int64_t process_id,
                                 const struct process *process, const struct version *version,
                                 uint32_t *number, struct error *err);
/* The same by the name that a version gives, which need not last. */
MUST_USE enum status groups_find_named(struct groups *groups, const struct version *version,
                                       uint32_t *number, struct error *err);
/* Count a process as the group's, once. */
MUST_USE enum status groups_count(struct groups *groups, uint32_t number, int64_t process_id,
                                  struct error *err);
/* BY_PROCESS: the group of a process if there is one, else 0. */
uint32_t groups_known(const struct groups *groups, int64_t process_id);
void groups_release(struct groups *groups);

static inline struct total *groups_total(const struct groups *groups, uint32_t number, size_t which)
{
    return &groups->total[number * groups->total_count + which];
}

#endif
