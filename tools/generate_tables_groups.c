/* Control groups and containers of a made-up host; their names are those of generate_text.c. */
#include "tools/generate_tables.h"

#define SECOND_NS INT64_C(1000000000)
#define MEBIBYTE (INT64_C(1) << 20)

static const struct made_name cgroups[] = {
    { "/system.slice", "system.slice", -1 },
    { "/system.slice/service-3.service", "service-3.service", 0 },
    { "/system.slice/docker-0123456789ab.scope", "docker-0123456789ab.scope", 0 },
    { "/user.slice", "user.slice", -1 },
};
static const struct shape cgroup_shapes[CGROUP_METRIC_COUNT] = {
    [CGROUP_CPU_NS_TOTAL] = { MOVE_LATER, 0, 0 },
    [CGROUP_CPU_USER_NS_TOTAL] = { MOVE_COUNT, 100, 300000 },
    [CGROUP_CPU_SYSTEM_NS_TOTAL] = { MOVE_COUNT, 100, 60000 },
    [CGROUP_PERIODS_TOTAL] = { MOVE_COUNT, 9, 11 },
    [CGROUP_THROTTLED_TOTAL] = { MOVE_RARE, 40000, 0 },
    [CGROUP_THROTTLED_NS_TOTAL] = { MOVE_LATER, 0, 0 },
    [CGROUP_MEMORY_BYTES] = { MOVE_LATER, 0, 0 },
    [CGROUP_MEMORY_ANONYMOUS_BYTES] = { MOVE_WALK, 50 * MEBIBYTE, 400 * MEBIBYTE },
    [CGROUP_MEMORY_FILE_BYTES] = { MOVE_WALK, 10 * MEBIBYTE, 900 * MEBIBYTE },
    [CGROUP_MEMORY_KERNEL_BYTES] = { MOVE_WALK, 2 * MEBIBYTE, 9 * MEBIBYTE },
    [CGROUP_SWAP_BYTES] = { MOVE_FIXED, 0, 0 },
    [CGROUP_MEMORY_PEAK_BYTES] = { MOVE_LATER, 0, 0 },
    [CGROUP_MAJOR_FAULTS_TOTAL] = { MOVE_COUNT, 0, 2 },
    [CGROUP_MEMORY_HIGH_TOTAL] = { MOVE_RARE, 4000, 0 },
    [CGROUP_MEMORY_MAX_TOTAL] = { MOVE_RARE, 1000, 0 },
    [CGROUP_OOM_KILLS_TOTAL] = { MOVE_FIXED, 0, 0 },
    [CGROUP_IO_READ_BYTES_TOTAL] = { MOVE_LATER, 0, 0 },
    [CGROUP_IO_WRITTEN_BYTES_TOTAL] = { MOVE_LATER, 0, 0 },
    [CGROUP_IO_READS_TOTAL] = { MOVE_COUNT, 0, 20 },
    [CGROUP_IO_WRITES_TOTAL] = { MOVE_COUNT, 0, 60 },
    [CGROUP_TASKS] = { MOVE_WALK, 3, 160 },
    [CGROUP_CPU_STALL_US_TOTAL] = { MOVE_COUNT, 0, 2000 },
    [CGROUP_MEMORY_STALL_US_TOTAL] = { MOVE_COUNT, 0, 40 },
    [CGROUP_IO_STALL_US_TOTAL] = { MOVE_COUNT, 0, 900 },
    [CGROUP_CPU_LIMIT_PPM] = { MOVE_FIXED, 2000000, 0 },
    [CGROUP_MEMORY_LIMIT_BYTES] = { MOVE_ABSENT, MISSING_NOT_THERE, 0 },
    [CGROUP_TASKS_LIMIT] = { MOVE_FIXED, 4915, 0 },
};

static void derive_cgroup(const struct making *making, int64_t v[])
{
    int64_t throttled = v[CGROUP_THROTTLED_TOTAL] - making->before[CGROUP_THROTTLED_TOTAL];

    v[CGROUP_CPU_NS_TOTAL] = v[CGROUP_CPU_USER_NS_TOTAL] + v[CGROUP_CPU_SYSTEM_NS_TOTAL];
    v[CGROUP_THROTTLED_NS_TOTAL] += throttled > 0 ? throttled * 35000 : 0;
    v[CGROUP_MEMORY_BYTES] = v[CGROUP_MEMORY_ANONYMOUS_BYTES] + v[CGROUP_MEMORY_FILE_BYTES] +
                             v[CGROUP_MEMORY_KERNEL_BYTES];
    if (v[CGROUP_MEMORY_BYTES] > v[CGROUP_MEMORY_PEAK_BYTES])
        v[CGROUP_MEMORY_PEAK_BYTES] = v[CGROUP_MEMORY_BYTES];
    v[CGROUP_IO_READ_BYTES_TOTAL] = v[CGROUP_IO_READS_TOTAL] * 16384;
    v[CGROUP_IO_WRITTEN_BYTES_TOTAL] = v[CGROUP_IO_WRITES_TOTAL] * 16384;
}

const struct made_table made_cgroup = {
    .table = TABLE_CGROUP,
    .kind = ENTITY_CGROUP,
    .every_ns = 10 * SECOND_NS,
    .names = cgroups,
    .count = COUNT_OF(cgroups),
    .shapes = cgroup_shapes,
    .derive = derive_cgroup,
};

static const struct made_name containers[] = { { "0123456789ab", "web", -1 },
                                               { "02468acf1356", "database", -1 } };
static const struct shape container_shapes[CONTAINER_METRIC_COUNT] = {
    [CONTAINER_CPU_NS_TOTAL] = { MOVE_COUNT, 100, 300000 },
    [CONTAINER_MEMORY_BYTES] = { MOVE_WALK, 60 * MEBIBYTE, 400 * MEBIBYTE },
    [CONTAINER_MEMORY_LIMIT_BYTES] = { MOVE_FIXED, 1024 * MEBIBYTE, 0 },
    [CONTAINER_RECEIVED_BYTES_TOTAL] = { MOVE_COUNT, 0, 90000 },
    [CONTAINER_SENT_BYTES_TOTAL] = { MOVE_COUNT, 0, 70000 },
    [CONTAINER_IO_READ_BYTES_TOTAL] = { MOVE_COUNT, 0, 200000 },
    [CONTAINER_IO_WRITTEN_BYTES_TOTAL] = { MOVE_COUNT, 0, 500000 },
    [CONTAINER_TASKS] = { MOVE_WALK, 1, 40 },
    [CONTAINER_THROTTLED_NS_TOTAL] = { MOVE_COUNT, 0, 20 },
    [CONTAINER_STATE] = { MOVE_FIXED, 2, 0 },
    [CONTAINER_RESTARTS_TOTAL] = { MOVE_RARE, 200, 0 },
};

const struct made_table made_container = {
    .table = TABLE_CONTAINER,
    .kind = ENTITY_CONTAINER,
    .every_ns = 10 * SECOND_NS,
    .names = containers,
    .count = COUNT_OF(containers),
    .shapes = container_shapes,
};
