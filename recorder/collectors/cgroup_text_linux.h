/* The files of a cgroup: which there are in version 1 and 2, and what their texts say. */
#ifndef RECORDER_CGROUP_TEXT_LINUX_H
#define RECORDER_CGROUP_TEXT_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/metric.h"

/* What a hierarchy can tell of; version 2 is one hierarchy with all of it. */
enum cgroup_subject {
    CGROUP_CPU = 1,
    CGROUP_CPUACCT = 2,
    CGROUP_MEMORY = 4,
    CGROUP_BLKIO = 8,
    CGROUP_PIDS = 16,
    CGROUP_V2 = 32,
    CGROUP_COMPLETES = 64, /* of a file: to be read after another that told a part of its metric */
};

/* In stored units. What is already there is never replaced: the files are read in order of preference. */
struct cgroup_values {
    int64_t value[CGROUP_METRIC_COUNT];
    uint8_t missing[CGROUP_METRIC_COUNT];
};

/* Whether IO of that device is to be added up; NULL: all is. */
struct cgroup_devices {
    bool (*counts)(void *self, int64_t major, int64_t minor);
    void *self;
};

struct cgroup_key {
    const char *name;
    enum cgroup_metric metric;
    int64_t multiply, divide; /* from the file's unit to the stored one */
};

enum { CGROUP_KEYS_MAX = 7 /* with the one that ends them */ };

struct cgroup_file {
    const char *name;
    unsigned subjects; /* of the hierarchies that have it: bits of enum cgroup_subject */
    void (*parse)(const struct cgroup_file *file, const char *text, size_t size,
                  const struct cgroup_devices *devices, struct cgroup_values *values);
    struct cgroup_key keys[CGROUP_KEYS_MAX]; /* what it tells; ends with name NULL */
};

/* Of all versions, in order of preference. */
extern const struct cgroup_file cgroup_files[];
extern const size_t cgroup_file_count;

/* Nothing is known. */
void cgroup_values_clear(struct cgroup_values *values);
/* Whether `file` could tell anything that is not known yet. */
bool cgroup_file_wanted(const struct cgroup_file *file, const struct cgroup_values *values);
/* It could not be read: what it would have told is missing for that reason. */
void cgroup_file_failed(const struct cgroup_file *file, enum missing why,
                        struct cgroup_values *values);

#endif
