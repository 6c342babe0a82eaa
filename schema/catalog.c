/* The written-out catalog: every table of samples and every metric, in column order. */
#include "schema/error.h"
#include "schema/metric.h"

#define COUNTER(name, unit, scale, text)                                                           \
    {                                                                                              \
        name, METRIC_COUNTER, unit, scale, "", text                                                \
    }
#define GAUGE(name, unit, text)                                                                    \
    {                                                                                              \
        name, METRIC_GAUGE, unit, 1, "", text                                                      \
    }
#define STATE(name, labels, text)                                                                  \
    {                                                                                              \
        name, METRIC_STATE, "", 1, labels, text                                                    \
    }

/* Nanosecond counters are kept as whole microseconds: cumulative, rounded down, so no drift. */
static const struct metric process_metrics[] = {
    COUNTER("cpu_ns_total", "ns", 1000, "CPU time of all threads, live and exited"),
    COUNTER("run_delay_ns_total", "ns", 1000, "time runnable but waiting for a CPU"),
    COUNTER("context_switches_voluntary_total", "", 1, "times it gave the CPU up to wait"),
    COUNTER("context_switches_involuntary_total", "", 1, "times the CPU was taken from it"),
    COUNTER("minor_faults_total", "", 1, "page faults served without IO"),
    GAUGE("resident_bytes", "bytes", "physical memory mapped by the process"),
    GAUGE("last_cpu", "", "the core it last ran on"),
    STATE("state", "unknown,running,sleeping,disk-sleep,stopped,traced,zombie,dead,idle,parked",
          "scheduling state of the first thread"),
    COUNTER("io_read_chars_total", "bytes", 1, "bytes passed to read calls, cached or not"),
    COUNTER("io_written_chars_total", "bytes", 1, "bytes passed to write calls, cached or not"),
    COUNTER("disk_written_bytes_total", "bytes", 1, "bytes it caused to be sent to storage"),
    COUNTER("cpu_user_ns_total", "ns", 1000, "CPU time in user mode"),
    COUNTER("cpu_system_ns_total", "ns", 1000, "CPU time in the kernel"),
    GAUGE("virtual_bytes", "bytes", "size of the address space"),
    COUNTER("disk_read_bytes_total", "bytes", 1, "bytes it caused to be fetched from storage"),
    COUNTER("major_faults_total", "", 1, "page faults that needed IO"),
    GAUGE("threads", "", "number of threads"),
    GAUGE("nice", "", "nice value, -20 to 19"),
    GAUGE("resident_anonymous_bytes", "bytes", "resident memory that is not a file's"),
    GAUGE("resident_shared_bytes", "bytes", "resident memory of files and shared memory"),
    GAUGE("swap_bytes", "bytes", "anonymous memory that is swapped out"),
    COUNTER("block_delay_ns_total", "ns", 1000, "time waiting for block IO"),
    GAUGE("footprint_bytes", "bytes", "memory charged to the process as macOS counts it"),
    COUNTER("wakeups_total", "", 1, "interrupts that woke the CPU for it"),
    COUNTER("instructions_total", "", 1, "instructions retired"),
    COUNTER("cycles_total", "", 1, "CPU cycles"),
    COUNTER("energy_nj_total", "nj", 1, "energy the kernel charged to it"),
};

static const struct metric cpu_metrics[] = {
    COUNTER("user_ns_total", "ns", 1000, "user mode, nice 0 or less"),
    COUNTER("nice_ns_total", "ns", 1000, "user mode, positive nice"),
    COUNTER("system_ns_total", "ns", 1000, "kernel mode"),
    COUNTER("idle_ns_total", "ns", 1000, "nothing to run"),
    COUNTER("iowait_ns_total", "ns", 1000, "nothing to run while IO was pending"),
    COUNTER("irq_ns_total", "ns", 1000, "hard and soft interrupts"),
    COUNTER("steal_ns_total", "ns", 1000, "taken by the hypervisor"),
    GAUGE("frequency_hz", "hz", "current clock frequency"),
};

static const struct metric memory_metrics[] = {
    GAUGE("total_bytes", "bytes", "usable physical memory"),
    GAUGE("free_bytes", "bytes", "not used for anything"),
    GAUGE("available_bytes", "bytes", "could be given to programs without swapping"),
    GAUGE("cached_bytes", "bytes", "page cache"),
    GAUGE("buffers_bytes", "bytes", "block device cache"),
    GAUGE("dirty_bytes", "bytes", "waiting to be written back"),
    GAUGE("writeback_bytes", "bytes", "being written back"),
    GAUGE("anonymous_bytes", "bytes", "anonymous memory in page tables"),
    GAUGE("shared_bytes", "bytes", "shared memory and tmpfs"),
    GAUGE("slab_bytes", "bytes", "kernel object caches"),
    GAUGE("swap_total_bytes", "bytes", "swap space"),
    GAUGE("swap_free_bytes", "bytes", "unused swap space"),
    GAUGE("wired_bytes", "bytes", "memory that cannot be paged out"),
    GAUGE("compressed_bytes", "bytes", "memory held by the compressor"),
    COUNTER("page_in_bytes_total", "bytes", 1, "read from storage into memory"),
    COUNTER("page_out_bytes_total", "bytes", 1, "written from memory to storage"),
    COUNTER("swap_in_bytes_total", "bytes", 1, "read back from swap"),
    COUNTER("swap_out_bytes_total", "bytes", 1, "written to swap"),
    COUNTER("major_faults_total", "", 1, "page faults that needed IO"),
    COUNTER("oom_kills_total", "", 1, "processes killed for lack of memory"),
};

static const struct metric recorder_metrics[] = {
    COUNTER("cpu_ns_total", "ns", 1000, "CPU time this collector, or the whole recorder, cost"),
    COUNTER("calls_total", "", 1, "times it collected"),
    COUNTER("failures_total", "", 1, "times it could not"),
    GAUGE("resident_bytes", "bytes", "physical memory of the recorder"),
    COUNTER("written_bytes_total", "bytes", 1, "bytes the recorder sent to storage"),
    GAUGE("lateness_ns", "ns", "how long after its deadline the tick began"),
    COUNTER("ticks_missed_total", "", 1, "deadlines that passed before a tick could begin"),
    COUNTER("ticks_dropped_total", "", 1, "ticks thinned out because the writer fell behind"),
    COUNTER("exits_lost_total", "", 1, "times exit records were lost for lack of room"),
    COUNTER("processes_unreadable_total", "", 1, "processes listed but gone or closed to us"),
    COUNTER("identities_late_total", "", 1, "processes gone before their identity was read"),
    COUNTER("cpu_busy_ticks_ns_total", "ns", 1000, "busy time of all cores by their tick fields"),
    COUNTER("cpu_busy_idle_ns_total", "ns", 1000, "cores x elapsed - idle - iowait - steal"),
    COUNTER("cpu_busy_cpuacct_ns_total", "ns", 1000, "usage of the root cpuacct cgroup"),
    COUNTER("cpu_processes_ns_total", "ns", 1000,
            "CPU time attributed to processes, exited included"),
    GAUGE("not_answering", "", "reads that block for longer than they may, still waited for"),
    COUNTER("execs_lost_total", "", 1, "programs whose beginning was not reported, for lack of room"),
    COUNTER("walks_incomplete_total", "", 1, "ticks at which not all processes could be read"),
};

_Static_assert(COUNT_OF(process_metrics) == PROCESS_METRIC_COUNT, "process_metrics");
_Static_assert(COUNT_OF(cpu_metrics) == CPU_METRIC_COUNT, "cpu_metrics");
_Static_assert(COUNT_OF(memory_metrics) == MEMORY_METRIC_COUNT, "memory_metrics");
_Static_assert(COUNT_OF(recorder_metrics) == RECORDER_METRIC_COUNT, "recorder_metrics");

#define TABLE(name, key, list, text)                                                               \
    {                                                                                              \
        name, { key, ENTITY_NONE }, list, COUNT_OF(list), text                                     \
    }

const struct samples_table samples_tables[TABLE_COUNT] = {
    [TABLE_PROCESS] = TABLE("process_samples", ENTITY_PROCESS, process_metrics,
                            "CPU, memory and IO of every process"),
    [TABLE_CPU] = TABLE("cpu_samples", ENTITY_CORE, cpu_metrics, "time of every core"),
    [TABLE_MEMORY] = TABLE("memory_samples", ENTITY_NONE, memory_metrics, "memory of the host"),
    [TABLE_RECORDER] = TABLE("recorder_samples", ENTITY_COLLECTOR, recorder_metrics,
                             "what the recorder itself costs, misses and cannot attribute"),
};

const int64_t level_seconds[LEVEL_COUNT] = { 0, 60, 3600 };

unsigned metric_part_count(enum metric_kind kind)
{
    switch (kind) {
    case METRIC_COUNTER:
        return 4;
    case METRIC_GAUGE:
        return 6;
    case METRIC_STATE:
        break;
    }
    return 2;
}

const char *metric_part_name(enum metric_kind kind, unsigned part)
{
    static const char *const counter[] = { "last", "uncovered_ns", "rate_above", "rate_max_at_ms" };
    static const char *const gauge[] = { "last",      "uncovered_ns", "min_below",
                                         "max_above", "sum_low",      "sum_high" };

    if (part >= metric_part_count(kind))
        return "unknown";
    return kind == METRIC_COUNTER ? counter[part] : gauge[part];
}

const char *metric_kind_name(enum metric_kind kind)
{
    static const char *const names[] = { "counter", "gauge", "state" };

    return (size_t)kind < COUNT_OF(names) ? names[kind] : "unknown";
}

const char *entity_kind_name(enum entity_kind kind)
{
    static const char *const names[ENTITY_KIND_COUNT] = {
        "none", "process", "core",   "disk",      "filesystem", "interface", "gpu",
        "rail", "sensor",  "cgroup", "container", "collector",  "resource",
    };

    return (size_t)kind < COUNT_OF(names) ? names[kind] : "unknown";
}

const char *missing_name(enum missing reason)
{
    static const char *const names[MISSING_COUNT] = {
        "", "not permitted", "not there", "unsupported", "failed", "not sampled", "exited",
    };

    return (size_t)reason < COUNT_OF(names) ? names[reason] : "unknown";
}
