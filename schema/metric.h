/*
 * The catalog: which tables of samples exist, and what each metric in them is.
 *
 * A recording stores the catalog it was written with, so a reader needs no knowledge of a
 * collector. Tables and metrics are only ever appended: the position of a metric in its table
 * fixes its column id for good.
 */
#ifndef SCHEMA_METRIC_H
#define SCHEMA_METRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum metric_kind {
    METRIC_COUNTER, /* cumulative, grows; its difference is the fact */
    METRIC_GAUGE,   /* a level, may go both ways */
    METRIC_STATE,   /* an index into `labels` */
};

/* What a key of a samples table names. Values are stored: never renumber. */
enum entity_kind {
    ENTITY_NONE = 0, /* no key: one series for the whole host */
    ENTITY_PROCESS = 1,
    ENTITY_CORE = 2,
    ENTITY_DISK = 3,
    ENTITY_FILESYSTEM = 4,
    ENTITY_INTERFACE = 5,
    ENTITY_GPU = 6,
    ENTITY_RAIL = 7,
    ENTITY_SENSOR = 8,
    ENTITY_CGROUP = 9,
    ENTITY_CONTAINER = 10,
    ENTITY_COLLECTOR = 11,
    ENTITY_RESOURCE = 12,
    ENTITY_KIND_COUNT = 13,
};

/* Why a value is missing. Stored: never renumber. */
enum missing {
    MISSING_NONE = 0, /* the value is there */
    MISSING_NOT_PERMITTED = 1,
    MISSING_NOT_THERE = 2,
    MISSING_UNSUPPORTED = 3,
    MISSING_FAILED = 4,
    MISSING_NOT_SAMPLED = 5, /* this metric is read at some ticks only */
    MISSING_EXITED = 6,      /* the last sample of a process: counters are final, gauges gone */
    MISSING_DAMAGED = 7,     /* it was there, and the recording lost it: see salvage.h */
    MISSING_COUNT = 8,
};

struct metric {
    const char *name;
    enum metric_kind kind;
    const char *unit;        /* of the metric as exported: "ns", "bytes", "" for plain counts */
    int64_t scale;           /* exported value = stored value * scale */
    const char *labels;      /* METRIC_STATE: comma-separated, index 0 first; else "" */
    const char *description; /* one sentence */
};

/* A table holds at most 60 metrics, so that one tick's changes fit a 64-bit mask. */
enum { TABLE_METRICS_MAX = 60 };

struct samples_table {
    const char *name;
    enum entity_kind key[2]; /* key[1] is ENTITY_NONE unless two entities key a series */
    const struct metric *metrics;
    size_t metric_count;
    const char *description;
};

/* The tables this version can write. Stored ids: append only. */
enum table_id {
    TABLE_PROCESS = 0,
    TABLE_CPU = 1,
    TABLE_MEMORY = 2,
    TABLE_RECORDER = 3,
    TABLE_PROCESS_DETAIL = 4,
    TABLE_PRESSURE = 5,
    TABLE_DISK = 6,
    TABLE_FILESYSTEM = 7,
    TABLE_NETWORK = 8,
    TABLE_THERMAL = 9,
    TABLE_POWER = 10,
    TABLE_CGROUP = 11,
    TABLE_CONTAINER = 12,
    TABLE_GPU = 13,
    TABLE_GPU_PROCESS = 14,
    TABLE_COUNT = 15,
};

/* Metrics of process_samples, most often changing first (short masks). */
enum process_metric {
    PROCESS_CPU_NS_TOTAL,
    PROCESS_RUN_DELAY_NS_TOTAL,
    PROCESS_CONTEXT_SWITCHES_VOLUNTARY_TOTAL,
    PROCESS_CONTEXT_SWITCHES_INVOLUNTARY_TOTAL,
    PROCESS_MINOR_FAULTS_TOTAL,
    PROCESS_RESIDENT_BYTES,
    PROCESS_LAST_CPU,
    PROCESS_STATE,
    PROCESS_IO_READ_CHARS_TOTAL,
    PROCESS_IO_WRITTEN_CHARS_TOTAL,
    PROCESS_DISK_WRITTEN_BYTES_TOTAL,
    PROCESS_CPU_USER_NS_TOTAL,
    PROCESS_CPU_SYSTEM_NS_TOTAL,
    PROCESS_VIRTUAL_BYTES,
    PROCESS_DISK_READ_BYTES_TOTAL,
    PROCESS_MAJOR_FAULTS_TOTAL,
    PROCESS_THREADS,
    PROCESS_NICE,
    PROCESS_RESIDENT_ANONYMOUS_BYTES,
    PROCESS_RESIDENT_SHARED_BYTES,
    PROCESS_SWAP_BYTES,
    PROCESS_BLOCK_DELAY_NS_TOTAL,
    PROCESS_FOOTPRINT_BYTES,
    PROCESS_WAKEUPS_TOTAL,
    PROCESS_INSTRUCTIONS_TOTAL,
    PROCESS_CYCLES_TOTAL,
    PROCESS_ENERGY_NJ_TOTAL,
    PROCESS_METRIC_COUNT,
};

enum cpu_metric {
    CPU_USER_NS_TOTAL,
    CPU_NICE_NS_TOTAL,
    CPU_SYSTEM_NS_TOTAL,
    CPU_IDLE_NS_TOTAL,
    CPU_IOWAIT_NS_TOTAL,
    CPU_IRQ_NS_TOTAL,
    CPU_STEAL_NS_TOTAL,
    CPU_FREQUENCY_HZ,
    CPU_METRIC_COUNT,
};

enum memory_metric {
    MEMORY_TOTAL_BYTES,
    MEMORY_FREE_BYTES,
    MEMORY_AVAILABLE_BYTES,
    MEMORY_CACHED_BYTES,
    MEMORY_BUFFERS_BYTES,
    MEMORY_DIRTY_BYTES,
    MEMORY_WRITEBACK_BYTES,
    MEMORY_ANONYMOUS_BYTES,
    MEMORY_SHARED_BYTES,
    MEMORY_SLAB_BYTES,
    MEMORY_SWAP_TOTAL_BYTES,
    MEMORY_SWAP_FREE_BYTES,
    MEMORY_WIRED_BYTES,
    MEMORY_COMPRESSED_BYTES,
    MEMORY_PAGE_IN_BYTES_TOTAL,
    MEMORY_PAGE_OUT_BYTES_TOTAL,
    MEMORY_SWAP_IN_BYTES_TOTAL,
    MEMORY_SWAP_OUT_BYTES_TOTAL,
    MEMORY_MAJOR_FAULTS_TOTAL,
    MEMORY_OOM_KILLS_TOTAL,
    MEMORY_METRIC_COUNT,
};

/* One row per collector, and one named "recorder" for the program as a whole. */
enum recorder_metric {
    RECORDER_CPU_NS_TOTAL,
    RECORDER_CALLS_TOTAL,
    RECORDER_FAILURES_TOTAL,
    RECORDER_RESIDENT_BYTES,
    RECORDER_WRITTEN_BYTES_TOTAL,
    RECORDER_LATENESS_NS,
    RECORDER_TICKS_MISSED_TOTAL,
    RECORDER_TICKS_DROPPED_TOTAL,
    RECORDER_EXITS_LOST_TOTAL,
    RECORDER_PROCESSES_UNREADABLE_TOTAL,
    RECORDER_IDENTITIES_LATE_TOTAL,
    RECORDER_CPU_BUSY_TICKS_NS_TOTAL,
    RECORDER_CPU_BUSY_IDLE_NS_TOTAL,
    RECORDER_CPU_BUSY_CPUACCT_NS_TOTAL,
    RECORDER_CPU_PROCESSES_NS_TOTAL,
    RECORDER_NOT_ANSWERING,
    RECORDER_EXECS_LOST_TOTAL,
    RECORDER_WALKS_INCOMPLETE_TOTAL,
    RECORDER_METRIC_COUNT,
};

/* Of few processes at few ticks: what is dear to find out. */
enum process_detail_metric {
    DETAIL_PSS_BYTES,
    DETAIL_OPEN_FDS,
    DETAIL_SOCKETS,
    DETAIL_TCP_ESTABLISHED,
    DETAIL_TCP_LISTENING,
    DETAIL_TCP_OTHER,
    DETAIL_UDP,
    DETAIL_UNIX,
    DETAIL_TCP_RECEIVE_QUEUE_BYTES,
    DETAIL_TCP_SEND_QUEUE_BYTES,
    DETAIL_METRIC_COUNT,
};

/* One row per resource: cpu, memory, io, irq. */
enum pressure_metric {
    PRESSURE_SOME_US_TOTAL,
    PRESSURE_FULL_US_TOTAL,
    PRESSURE_LOAD_1M_PPM, /* of cpu only */
    PRESSURE_LOAD_5M_PPM,
    PRESSURE_LOAD_15M_PPM,
    PRESSURE_LEVEL, /* of memory only */
    PRESSURE_METRIC_COUNT,
};

enum disk_metric {
    DISK_READ_BYTES_TOTAL,
    DISK_WRITTEN_BYTES_TOTAL,
    DISK_READS_TOTAL,
    DISK_WRITES_TOTAL,
    DISK_READ_NS_TOTAL,
    DISK_WRITE_NS_TOTAL,
    DISK_BUSY_NS_TOTAL,
    DISK_QUEUED_NS_TOTAL,
    DISK_IN_FLIGHT,
    DISK_DISCARDED_BYTES_TOTAL,
    DISK_DISCARDS_TOTAL,
    DISK_FLUSHES_TOTAL,
    DISK_FLUSH_NS_TOTAL,
    DISK_ERRORS_TOTAL,
    DISK_SIZE_BYTES,
    DISK_METRIC_COUNT,
};

enum filesystem_metric {
    FILESYSTEM_TOTAL_BYTES,
    FILESYSTEM_FREE_BYTES,
    FILESYSTEM_AVAILABLE_BYTES,
    FILESYSTEM_FILES,
    FILESYSTEM_FILES_FREE,
    FILESYSTEM_ACCESS,
    FILESYSTEM_METRIC_COUNT,
};

enum network_metric {
    NETWORK_RECEIVED_BYTES_TOTAL,
    NETWORK_SENT_BYTES_TOTAL,
    NETWORK_RECEIVED_PACKETS_TOTAL,
    NETWORK_SENT_PACKETS_TOTAL,
    NETWORK_RECEIVED_ERRORS_TOTAL,
    NETWORK_SENT_ERRORS_TOTAL,
    NETWORK_RECEIVED_DROPPED_TOTAL,
    NETWORK_SENT_DROPPED_TOTAL,
    NETWORK_MULTICAST_TOTAL,
    NETWORK_COLLISIONS_TOTAL,
    NETWORK_LINK,
    NETWORK_SPEED_BITS_PER_SECOND,
    NETWORK_METRIC_COUNT,
};

/* One row per sensor: a thermal zone, an input of hwmon, a core's throttling. */
enum thermal_metric {
    THERMAL_TEMPERATURE_MILLICELSIUS,
    THERMAL_CRITICAL_MILLICELSIUS,
    THERMAL_FAN_RPM,
    THERMAL_THROTTLES_TOTAL,
    THERMAL_THROTTLED_NS_TOTAL,
    THERMAL_METRIC_COUNT,
};

/* One row per rail: what meters the energy of a part of the host. */
enum power_metric {
    POWER_ENERGY_UJ_TOTAL,
    POWER_MW,
    POWER_LIMIT_MW,
    POWER_VOLTAGE_MV,
    POWER_CURRENT_MA,
    POWER_CHARGE_PPM,
    POWER_METRIC_COUNT,
};

enum cgroup_metric {
    CGROUP_CPU_NS_TOTAL,
    CGROUP_CPU_USER_NS_TOTAL,
    CGROUP_CPU_SYSTEM_NS_TOTAL,
    CGROUP_PERIODS_TOTAL,
    CGROUP_THROTTLED_TOTAL,
    CGROUP_THROTTLED_NS_TOTAL,
    CGROUP_MEMORY_BYTES,
    CGROUP_MEMORY_ANONYMOUS_BYTES,
    CGROUP_MEMORY_FILE_BYTES,
    CGROUP_MEMORY_KERNEL_BYTES,
    CGROUP_SWAP_BYTES,
    CGROUP_MEMORY_PEAK_BYTES,
    CGROUP_MAJOR_FAULTS_TOTAL,
    CGROUP_MEMORY_HIGH_TOTAL,
    CGROUP_MEMORY_MAX_TOTAL,
    CGROUP_OOM_KILLS_TOTAL,
    CGROUP_IO_READ_BYTES_TOTAL,
    CGROUP_IO_WRITTEN_BYTES_TOTAL,
    CGROUP_IO_READS_TOTAL,
    CGROUP_IO_WRITES_TOTAL,
    CGROUP_TASKS,
    CGROUP_CPU_STALL_US_TOTAL,
    CGROUP_MEMORY_STALL_US_TOTAL,
    CGROUP_IO_STALL_US_TOTAL,
    CGROUP_CPU_LIMIT_PPM,
    CGROUP_MEMORY_LIMIT_BYTES,
    CGROUP_TASKS_LIMIT,
    CGROUP_METRIC_COUNT,
};

enum container_metric {
    CONTAINER_CPU_NS_TOTAL,
    CONTAINER_MEMORY_BYTES,
    CONTAINER_MEMORY_LIMIT_BYTES,
    CONTAINER_RECEIVED_BYTES_TOTAL,
    CONTAINER_SENT_BYTES_TOTAL,
    CONTAINER_IO_READ_BYTES_TOTAL,
    CONTAINER_IO_WRITTEN_BYTES_TOTAL,
    CONTAINER_TASKS,
    CONTAINER_THROTTLED_NS_TOTAL,
    CONTAINER_STATE,
    CONTAINER_RESTARTS_TOTAL,
    CONTAINER_METRIC_COUNT,
};

enum gpu_metric {
    GPU_UTILIZATION_PPM,
    GPU_MEMORY_UTILIZATION_PPM,
    GPU_MEMORY_USED_BYTES,
    GPU_MEMORY_TOTAL_BYTES,
    GPU_POWER_MW,
    GPU_POWER_LIMIT_MW,
    GPU_ENERGY_UJ_TOTAL,
    GPU_BUSY_NS_TOTAL,
    GPU_CORE_CLOCK_HZ,
    GPU_MEMORY_CLOCK_HZ,
    GPU_TEMPERATURE_MILLICELSIUS,
    GPU_FAN_PPM,
    GPU_THROTTLE_REASONS,
    GPU_ENCODER_PPM,
    GPU_DECODER_PPM,
    GPU_ECC_ERRORS_TOTAL,
    GPU_POWER_STATE,
    GPU_METRIC_COUNT,
};

/* A process on a gpu. */
enum gpu_process_metric {
    GPU_PROCESS_GPU_NS_TOTAL,
    GPU_PROCESS_UTILIZATION_PPM,
    GPU_PROCESS_MEMORY_UTILIZATION_PPM,
    GPU_PROCESS_MEMORY_BYTES,
    GPU_PROCESS_ENCODER_PPM,
    GPU_PROCESS_DECODER_PPM,
    GPU_PROCESS_METRIC_COUNT,
};

extern const struct samples_table samples_tables[TABLE_COUNT];

/* What rollups keep of a metric; part 0 is also the only one at level 0. Stored in column ids. */
enum rollup_part {
    PART_LAST = 0,        /* counter: running total without falls; else the last value */
    PART_UNCOVERED = 1,   /* the window's covered ns minus this series' covered ns */
    PART_RATE_ABOVE = 2,  /* counter: largest rate - rate over all that is covered */
    PART_RATE_MAX_AT = 3, /* counter: ms from the window's start to the tick of that rate */
    PART_MIN_BELOW = 2,   /* gauge: last - min */
    PART_MAX_ABOVE = 3,   /* gauge: max - last */
    PART_SUM_LOW = 4,     /* gauge: low 64 bits of (sum of value*dt) - last*covered */
    PART_SUM_HIGH = 5,    /* gauge: what the high 64 bits add to PART_SUM_LOW's sign extension */
    PART_COUNT = 6,
};

/* Parts that a metric of this kind has in a rollup: 4 for counters, 6 for gauges, 2 for states. */
unsigned metric_part_count(enum metric_kind kind);
const char *metric_part_name(enum metric_kind kind, unsigned part);

/* The column id of one part of the metric at `position` in its table; 0 is the directory. */
static inline uint32_t metric_column_id(size_t position, unsigned part)
{
    return (uint32_t)((position + 1) << 3 | part);
}

const char *metric_kind_name(enum metric_kind kind);
const char *entity_kind_name(enum entity_kind kind);
const char *missing_name(enum missing reason);

/* The levels of aggregation, coarsest last; an index is a level, the seconds are in the names. */
enum { LEVEL_COUNT = 3 };
extern const int64_t level_seconds[LEVEL_COUNT]; /* 0 (every tick), 60, 3600 */

#endif
