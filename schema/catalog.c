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
    COUNTER("execs_lost_total", "", 1,
            "programs whose beginning was not reported, for lack of room"),
    COUNTER("walks_incomplete_total", "", 1, "ticks at which not all processes could be read"),
};

static const struct metric process_detail_metrics[] = {
    GAUGE("pss_bytes", "bytes", "resident memory, what is shared divided by its sharers"),
    GAUGE("open_fds", "", "open file descriptors"),
    GAUGE("sockets", "", "open sockets of any kind"),
    GAUGE("tcp_established", "", "TCP connections that are established"),
    GAUGE("tcp_listening", "", "TCP sockets that listen"),
    GAUGE("tcp_other", "", "TCP sockets in any other state"),
    GAUGE("udp", "", "UDP sockets"),
    GAUGE("unix", "", "local sockets"),
    GAUGE("tcp_receive_queue_bytes", "bytes", "received and not read yet, of all connections"),
    GAUGE("tcp_send_queue_bytes", "bytes", "sent and not acknowledged yet, of all connections"),
};

static const struct metric pressure_metrics[] = {
    COUNTER("some_us_total", "us", 1, "time in which at least one task waited for it"),
    COUNTER("full_us_total", "us", 1, "time in which all tasks that were not idle waited for it"),
    GAUGE("load_1m_ppm", "ppm", "tasks that run or wait for cpu, mean of about a minute"),
    GAUGE("load_5m_ppm", "ppm", "the same of about five minutes"),
    GAUGE("load_15m_ppm", "ppm", "the same of about a quarter of an hour"),
    STATE("level", "normal,warning,critical", "how scarce the kernel tells programs that it is"),
};

static const struct metric disk_metrics[] = {
    COUNTER("read_bytes_total", "bytes", 1, "bytes read"),
    COUNTER("written_bytes_total", "bytes", 1, "bytes written"),
    COUNTER("reads_total", "", 1, "reads completed"),
    COUNTER("writes_total", "", 1, "writes completed"),
    COUNTER("read_ns_total", "ns", 1000, "time of all reads, from queueing to completion"),
    COUNTER("write_ns_total", "ns", 1000, "time of all writes, from queueing to completion"),
    COUNTER("busy_ns_total", "ns", 1000, "time in which at least one request was in flight"),
    COUNTER("queued_ns_total", "ns", 1000, "time of all requests in flight, added up"),
    GAUGE("in_flight", "", "requests begun and not completed"),
    COUNTER("discarded_bytes_total", "bytes", 1, "bytes told to be unused"),
    COUNTER("discards_total", "", 1, "discards completed"),
    COUNTER("flushes_total", "", 1, "flushes of the device's cache completed"),
    COUNTER("flush_ns_total", "ns", 1000, "time of all flushes"),
    COUNTER("errors_total", "", 1, "requests that failed"),
    GAUGE("size_bytes", "bytes", "capacity of the device"),
};

static const struct metric filesystem_metrics[] = {
    GAUGE("total_bytes", "bytes", "size of the file system"),
    GAUGE("free_bytes", "bytes", "unused, what is kept for root included"),
    GAUGE("available_bytes", "bytes", "unused, for users without privileges"),
    GAUGE("files", "", "files and directories that it can hold"),
    GAUGE("files_free", "", "files and directories that it can still take"),
    STATE("access", "unknown,read-write,read-only", "how it is mounted"),
};

static const struct metric network_metrics[] = {
    COUNTER("received_bytes_total", "bytes", 1, "bytes received"),
    COUNTER("sent_bytes_total", "bytes", 1, "bytes sent"),
    COUNTER("received_packets_total", "", 1, "packets received"),
    COUNTER("sent_packets_total", "", 1, "packets sent"),
    COUNTER("received_errors_total", "", 1, "packets received damaged"),
    COUNTER("sent_errors_total", "", 1, "packets that could not be sent"),
    COUNTER("received_dropped_total", "", 1, "packets received and dropped for lack of room"),
    COUNTER("sent_dropped_total", "", 1, "packets dropped before they were sent"),
    COUNTER("multicast_total", "", 1, "multicast packets received"),
    COUNTER("collisions_total", "", 1, "collisions on the medium"),
    STATE("link", "unknown,not present,down,lower layer down,testing,dormant,up",
          "operational state as in RFC 2863"),
    GAUGE("speed_bits_per_second", "bits/s", "speed of the link"),
};

static const struct metric thermal_metrics[] = {
    GAUGE("temperature_millicelsius", "millicelsius", "temperature"),
    GAUGE("critical_millicelsius", "millicelsius", "temperature at which the host protects itself"),
    GAUGE("fan_rpm", "rpm", "turns of a fan per minute"),
    COUNTER("throttles_total", "", 1, "times it was slowed down because of heat"),
    COUNTER("throttled_ns_total", "ns", 1000, "time that it was slowed down because of heat"),
};

static const struct metric power_metrics[] = {
    COUNTER("energy_uj_total", "uj", 1, "energy used since recording began, wraps undone"),
    GAUGE("power_mw", "mw", "power at the moment, where the rail tells it"),
    GAUGE("limit_mw", "mw", "power that it may take for long"),
    GAUGE("voltage_mv", "mv", "voltage"),
    GAUGE("current_ma", "ma", "current; of a battery below 0 while it is charged"),
    GAUGE("charge_ppm", "ppm", "what a battery holds, of what it can hold"),
};

static const struct metric cgroup_metrics[] = {
    COUNTER("cpu_ns_total", "ns", 1000, "CPU time of its tasks, those of groups below included"),
    COUNTER("cpu_user_ns_total", "ns", 1000, "CPU time in user mode"),
    COUNTER("cpu_system_ns_total", "ns", 1000, "CPU time in the kernel"),
    COUNTER("periods_total", "", 1, "periods in which its CPU limit was enforced"),
    COUNTER("throttled_total", "", 1, "periods in which it reached its CPU limit"),
    COUNTER("throttled_ns_total", "ns", 1000, "time its tasks were stopped for its CPU limit"),
    GAUGE("memory_bytes", "bytes", "memory charged to it"),
    GAUGE("memory_anonymous_bytes", "bytes", "of that, memory that is not a file's"),
    GAUGE("memory_file_bytes", "bytes", "of that, page cache"),
    GAUGE("memory_kernel_bytes", "bytes", "of that, memory of the kernel for it"),
    GAUGE("swap_bytes", "bytes", "swapped out"),
    GAUGE("memory_peak_bytes", "bytes", "largest memory charged so far"),
    COUNTER("major_faults_total", "", 1, "page faults that needed IO"),
    COUNTER("memory_high_total", "", 1, "times it was slowed down at its soft memory limit"),
    COUNTER("memory_max_total", "", 1, "times it reached its memory limit"),
    COUNTER("oom_kills_total", "", 1, "processes killed for lack of memory"),
    COUNTER("io_read_bytes_total", "bytes", 1, "bytes read from all devices"),
    COUNTER("io_written_bytes_total", "bytes", 1, "bytes written to all devices"),
    COUNTER("io_reads_total", "", 1, "reads of all devices"),
    COUNTER("io_writes_total", "", 1, "writes of all devices"),
    GAUGE("tasks", "", "processes and threads in it and below"),
    COUNTER("cpu_stall_us_total", "us", 1, "time in which some task waited for a CPU"),
    COUNTER("memory_stall_us_total", "us", 1, "time in which some task waited for memory"),
    COUNTER("io_stall_us_total", "us", 1, "time in which some task waited for IO"),
    GAUGE("cpu_limit_ppm", "ppm", "CPU time it may use; 1000000 is one core"),
    GAUGE("memory_limit_bytes", "bytes", "memory it may use"),
    GAUGE("tasks_limit", "", "tasks it may have"),
};

static const struct metric container_metrics[] = {
    COUNTER("cpu_ns_total", "ns", 1000, "CPU time as the container engine tells it"),
    GAUGE("memory_bytes", "bytes", "memory, page cache that can be dropped left out"),
    GAUGE("memory_limit_bytes", "bytes", "memory it may use"),
    COUNTER("received_bytes_total", "bytes", 1, "bytes received over all its interfaces"),
    COUNTER("sent_bytes_total", "bytes", 1, "bytes sent over all its interfaces"),
    COUNTER("io_read_bytes_total", "bytes", 1, "bytes read from all devices"),
    COUNTER("io_written_bytes_total", "bytes", 1, "bytes written to all devices"),
    GAUGE("tasks", "", "processes and threads in it"),
    COUNTER("throttled_ns_total", "ns", 1000, "time its tasks were stopped for its CPU limit"),
    STATE("state", "unknown,created,running,paused,restarting,removing,exited,dead",
          "state as the container engine tells it"),
    COUNTER("restarts_total", "", 1, "times the container engine started it again"),
};

static const struct metric gpu_metrics[] = {
    GAUGE("utilization_ppm", "ppm", "time in which something ran on it, in the driver's window"),
    GAUGE("memory_utilization_ppm", "ppm", "time in which its memory was read or written"),
    GAUGE("memory_used_bytes", "bytes", "memory in use"),
    GAUGE("memory_total_bytes", "bytes", "memory that it has"),
    GAUGE("power_mw", "mw", "power at the moment"),
    GAUGE("power_limit_mw", "mw", "power that it may take"),
    COUNTER("energy_uj_total", "uj", 1, "energy used"),
    COUNTER("busy_ns_total", "ns", 1000, "time that it worked, where the driver counts it"),
    GAUGE("core_clock_hz", "hz", "clock of the cores"),
    GAUGE("memory_clock_hz", "hz", "clock of the memory"),
    GAUGE("temperature_millicelsius", "millicelsius", "temperature of the chip"),
    GAUGE("fan_ppm", "ppm", "speed of its fan, of the highest"),
    GAUGE("throttle_reasons", "", "why it is slowed down, bits as its driver has them"),
    GAUGE("encoder_ppm", "ppm", "time in which its video encoders worked"),
    GAUGE("decoder_ppm", "ppm", "time in which its video decoders worked"),
    COUNTER("ecc_errors_total", "", 1, "memory errors that could not be corrected"),
    STATE("power_state", "unknown,awake,asleep", "a sleeping one is not read, which would wake it"),
};

static const struct metric gpu_process_metrics[] = {
    COUNTER("gpu_ns_total", "ns", 1000, "time that its engines worked for the process"),
    GAUGE("utilization_ppm", "ppm", "share of its time that the process used, as the driver says"),
    GAUGE("memory_utilization_ppm", "ppm", "time in which the process used its memory"),
    GAUGE("memory_bytes", "bytes", "its memory that the process holds"),
    GAUGE("encoder_ppm", "ppm", "time in which its video encoders worked for the process"),
    GAUGE("decoder_ppm", "ppm", "time in which its video decoders worked for the process"),
};

_Static_assert(COUNT_OF(process_metrics) == PROCESS_METRIC_COUNT, "process_metrics");
_Static_assert(COUNT_OF(cpu_metrics) == CPU_METRIC_COUNT, "cpu_metrics");
_Static_assert(COUNT_OF(memory_metrics) == MEMORY_METRIC_COUNT, "memory_metrics");
_Static_assert(COUNT_OF(recorder_metrics) == RECORDER_METRIC_COUNT, "recorder_metrics");
_Static_assert(COUNT_OF(process_detail_metrics) == DETAIL_METRIC_COUNT, "process_detail_metrics");
_Static_assert(COUNT_OF(pressure_metrics) == PRESSURE_METRIC_COUNT, "pressure_metrics");
_Static_assert(COUNT_OF(disk_metrics) == DISK_METRIC_COUNT, "disk_metrics");
_Static_assert(COUNT_OF(filesystem_metrics) == FILESYSTEM_METRIC_COUNT, "filesystem_metrics");
_Static_assert(COUNT_OF(network_metrics) == NETWORK_METRIC_COUNT, "network_metrics");
_Static_assert(COUNT_OF(thermal_metrics) == THERMAL_METRIC_COUNT, "thermal_metrics");
_Static_assert(COUNT_OF(power_metrics) == POWER_METRIC_COUNT, "power_metrics");
_Static_assert(COUNT_OF(cgroup_metrics) == CGROUP_METRIC_COUNT, "cgroup_metrics");
_Static_assert(COUNT_OF(container_metrics) == CONTAINER_METRIC_COUNT, "container_metrics");
_Static_assert(COUNT_OF(gpu_metrics) == GPU_METRIC_COUNT, "gpu_metrics");
_Static_assert(COUNT_OF(gpu_process_metrics) == GPU_PROCESS_METRIC_COUNT, "gpu_process_metrics");

#define TABLE_OF_TWO(name, key, other_key, list, text)                                             \
    {                                                                                              \
        name, { key, other_key }, list, COUNT_OF(list), text                                       \
    }
#define TABLE(name, key, list, text) TABLE_OF_TWO(name, key, ENTITY_NONE, list, text)

const struct samples_table samples_tables[TABLE_COUNT] = {
    [TABLE_PROCESS] = TABLE("process_samples", ENTITY_PROCESS, process_metrics,
                            "CPU, memory and IO of every process"),
    [TABLE_CPU] = TABLE("cpu_samples", ENTITY_CORE, cpu_metrics, "time of every core"),
    [TABLE_MEMORY] = TABLE("memory_samples", ENTITY_NONE, memory_metrics, "memory of the host"),
    [TABLE_RECORDER] = TABLE("recorder_samples", ENTITY_COLLECTOR, recorder_metrics,
                             "what the recorder itself costs, misses and cannot attribute"),
    [TABLE_PROCESS_DETAIL] = TABLE("process_detail_samples", ENTITY_PROCESS, process_detail_metrics,
                                   "shared memory, descriptors and sockets of processes"),
    [TABLE_PRESSURE] = TABLE("pressure_samples", ENTITY_RESOURCE, pressure_metrics,
                             "time that tasks waited for a resource of the host"),
    [TABLE_DISK] = TABLE("disk_samples", ENTITY_DISK, disk_metrics, "IO of every block device"),
    [TABLE_FILESYSTEM] = TABLE("filesystem_samples", ENTITY_FILESYSTEM, filesystem_metrics,
                               "room in every mounted file system"),
    [TABLE_NETWORK] = TABLE("network_samples", ENTITY_INTERFACE, network_metrics,
                            "traffic of every network interface"),
    [TABLE_THERMAL] = TABLE("thermal_samples", ENTITY_SENSOR, thermal_metrics,
                            "temperatures, fans, and slowing down because of heat"),
    [TABLE_POWER] =
        TABLE("power_samples", ENTITY_RAIL, power_metrics, "energy and power by rail of the host"),
    [TABLE_CGROUP] = TABLE("cgroup_samples", ENTITY_CGROUP, cgroup_metrics,
                           "CPU, memory, IO and limits of control groups"),
    [TABLE_CONTAINER] = TABLE("container_samples", ENTITY_CONTAINER, container_metrics,
                              "containers as their engine tells of them"),
    [TABLE_GPU] = TABLE("gpu_samples", ENTITY_GPU, gpu_metrics,
                        "work, memory, power, clocks and heat of GPUs"),
    [TABLE_GPU_PROCESS] = TABLE_OF_TWO("gpu_process_samples", ENTITY_GPU, ENTITY_PROCESS,
                                       gpu_process_metrics, "what processes use of a GPU"),
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
        "",       "not permitted", "not there", "unsupported",
        "failed", "not sampled",   "exited",    "damaged",
    };

    return (size_t)reason < COUNT_OF(names) ? names[reason] : "unknown";
}
