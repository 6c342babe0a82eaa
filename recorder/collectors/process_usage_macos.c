/*
 *   source  proc_pid_rusage: one call for all that a process has used. PROC_PIDTASKINFO for threads
 *           and faults.
 *   units   times are ticks of the Mach clock, energy is nanojoules, memory bytes
 *   absent  of other users' processes all but for root; energy on Intel; before macOS 13 energy,
 *           before 10.13 also instructions and cycles
 *
 * Not used: ri_runnable_time (it is not known whether it counts running), ri_logical_writes (not
 * what passes write calls), pti_csw (of both kinds of switches together).
 */
#include "recorder/collectors/process_usage_macos.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "recorder/sysctl_macos.h"
#include "schema/error.h"

/* Not in the system's headers: flavor 17 of proc_pidinfo. */
enum { UNIQUE_IDENTIFIER = 17, ALSO_ZOMBIES = 1, NS_PER_US = 1000 };
struct unique_identifier {
    uint8_t uuid[16];
    uint64_t unique, parent_unique;
    uint32_t version; /* bsd/kern/kern_exec.c gives it anew */
    uint8_t reserved[20];
};
_Static_assert(sizeof(struct unique_identifier) == 56, "flavor 17");

/* index into the labels of process_samples.state */
enum { STATE_RUNNING = 1, STATE_SLEEPING = 2 };

static const uint64_t intel_hz = 1000000000;

#define COLUMN(metric) (UINT64_C(1) << (metric))
const uint64_t usage_task_columns = COLUMN(PROCESS_THREADS) | COLUMN(PROCESS_STATE) |
                                    COLUMN(PROCESS_MINOR_FAULTS_TOTAL) |
                                    COLUMN(PROCESS_VIRTUAL_BYTES);
static const uint64_t usage_columns =
    COLUMN(PROCESS_CPU_NS_TOTAL) | COLUMN(PROCESS_CPU_USER_NS_TOTAL) |
    COLUMN(PROCESS_CPU_SYSTEM_NS_TOTAL) | COLUMN(PROCESS_RESIDENT_BYTES) |
    COLUMN(PROCESS_FOOTPRINT_BYTES) | COLUMN(PROCESS_DISK_READ_BYTES_TOTAL) |
    COLUMN(PROCESS_DISK_WRITTEN_BYTES_TOTAL) | COLUMN(PROCESS_MAJOR_FAULTS_TOTAL) |
    COLUMN(PROCESS_WAKEUPS_TOTAL);
static const uint64_t work_columns =
    COLUMN(PROCESS_INSTRUCTIONS_TOTAL) | COLUMN(PROCESS_CYCLES_TOTAL);

static int64_t clamp(uint64_t value)
{
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static enum usage_answer failure(void)
{
    return errno == EPERM ? USAGE_DENIED : errno == ESRCH ? USAGE_GONE : USAGE_FAILED;
}

bool usage_open(struct usage_source *source)
{
    static const int versions[] = { RUSAGE_INFO_V6, RUSAGE_INFO_V4, RUSAGE_INFO_V2 };
    struct rusage_info_v6 own;

    *source = (struct usage_source){ .hz = sysctl_mach_hz() };
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        source->version = versions[i];
        source->has_energy = versions[i] >= RUSAGE_INFO_V6 && source->hz != intel_hz;
        if (usage_read(source, getpid(), &own) == USAGE_OK)
            return true;
    }
    return false;
}

enum usage_answer usage_read(const struct usage_source *source, int32_t pid,
                             struct rusage_info_v6 *usage)
{
    memset(usage, 0, sizeof *usage);
    return proc_pid_rusage(pid, source->version, (rusage_info_t *)usage) == 0 ? USAGE_OK
                                                                              : failure();
}

enum usage_answer usage_read_task(int32_t pid, struct proc_taskinfo *task)
{
    errno = 0;
    return proc_pidinfo(pid, PROC_PIDTASKINFO, 0, task, sizeof *task) == (int)sizeof *task
               ? USAGE_OK
               : failure();
}

uint64_t usage_read_unique(int32_t pid, uint32_t *version)
{
    struct unique_identifier identifier;
    bool told = proc_pidinfo(pid, UNIQUE_IDENTIFIER, ALSO_ZOMBIES, &identifier,
                             sizeof identifier) == (int)sizeof identifier;

    if (version != NULL)
        *version = told ? identifier.version : 0;
    return told ? identifier.unique : 0;
}

int32_t usage_read_status(int32_t pid)
{
    struct proc_bsdinfo info;

    if (proc_pidinfo(pid, PROC_PIDTBSDINFO, ALSO_ZOMBIES, &info, sizeof info) != (int)sizeof info)
        return -1;
    return (int32_t)info.pbi_xstatus;
}

static void put(int64_t values[], uint8_t missing[], enum process_metric metric, uint64_t value)
{
    values[metric] = clamp(value);
    missing[metric] = MISSING_NONE;
}

static void miss(int64_t values[], uint8_t missing[], uint64_t columns, enum missing why)
{
    for (unsigned metric = 0; metric < PROCESS_METRIC_COUNT; metric++) {
        if ((columns & COLUMN(metric)) == 0)
            continue;
        values[metric] = 0;
        missing[metric] = (uint8_t)why;
    }
}

void usage_put(const struct usage_source *source, const struct rusage_info_v6 *usage,
               int64_t values[PROCESS_METRIC_COUNT], uint8_t missing[PROCESS_METRIC_COUNT])
{
    uint64_t user_ns = mach_ns(usage->ri_user_time, source->hz);
    uint64_t system_ns = mach_ns(usage->ri_system_time, source->hz);

    put(values, missing, PROCESS_CPU_NS_TOTAL,
        mach_ns(usage->ri_user_time + usage->ri_system_time, source->hz) / NS_PER_US);
    put(values, missing, PROCESS_CPU_USER_NS_TOTAL, user_ns / NS_PER_US);
    put(values, missing, PROCESS_CPU_SYSTEM_NS_TOTAL, system_ns / NS_PER_US);
    put(values, missing, PROCESS_RESIDENT_BYTES, usage->ri_resident_size);
    put(values, missing, PROCESS_FOOTPRINT_BYTES, usage->ri_phys_footprint);
    put(values, missing, PROCESS_DISK_READ_BYTES_TOTAL, usage->ri_diskio_bytesread);
    put(values, missing, PROCESS_DISK_WRITTEN_BYTES_TOTAL, usage->ri_diskio_byteswritten);
    put(values, missing, PROCESS_MAJOR_FAULTS_TOTAL, usage->ri_pageins);
    put(values, missing, PROCESS_WAKEUPS_TOTAL, usage->ri_interrupt_wkups);
    if (source->version >= RUSAGE_INFO_V4) {
        put(values, missing, PROCESS_INSTRUCTIONS_TOTAL, usage->ri_instructions);
        put(values, missing, PROCESS_CYCLES_TOTAL, usage->ri_cycles);
    }
    if (source->has_energy)
        put(values, missing, PROCESS_ENERGY_NJ_TOTAL, usage->ri_energy_nj);
}

void usage_put_task(const struct proc_taskinfo *task, int64_t values[PROCESS_METRIC_COUNT],
                    uint8_t missing[PROCESS_METRIC_COUNT])
{
    put(values, missing, PROCESS_THREADS, (uint64_t)task->pti_threadnum);
    put(values, missing, PROCESS_STATE, task->pti_numrunning > 0 ? STATE_RUNNING : STATE_SLEEPING);
    put(values, missing, PROCESS_VIRTUAL_BYTES, task->pti_virtual_size);
    /* These stop at the largest number of 32 bits: then nothing is known. */
    if (task->pti_faults >= task->pti_pageins && task->pti_pageins >= 0 &&
        task->pti_faults < INT32_MAX)
        put(values, missing, PROCESS_MINOR_FAULTS_TOTAL,
            (uint64_t)(task->pti_faults - task->pti_pageins));
    else
        miss(values, missing, COLUMN(PROCESS_MINOR_FAULTS_TOTAL), MISSING_FAILED);
}

void usage_miss_task(enum missing why, int64_t values[PROCESS_METRIC_COUNT],
                     uint8_t missing[PROCESS_METRIC_COUNT])
{
    miss(values, missing, usage_task_columns, why);
}

void usage_miss(const struct usage_source *source, enum missing why,
                int64_t values[PROCESS_METRIC_COUNT], uint8_t missing[PROCESS_METRIC_COUNT])
{
    uint64_t columns = usage_columns | usage_task_columns;

    if (source->version >= RUSAGE_INFO_V4)
        columns |= work_columns;
    if (source->has_energy)
        columns |= COLUMN(PROCESS_ENERGY_NJ_TOTAL);
    miss(values, missing, columns, why);
}
