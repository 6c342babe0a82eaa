/*
 * Source: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/ of the kernel. Only whole lines count: a
 * text that was cut tells less, never something else.
 */
#include "recorder/collectors/cgroup_text_linux.h"

#include <string.h>

#include "recorder/textfile.h"

enum {
    USER_HZ_US = 10000 /* a tick of cpuacct.stat: USER_HZ is 100 on all that runs Linux today */
};

/* Limits of version 1 are page counts: "none" is the largest of them, in bytes. */
static const int64_t no_limit = INT64_C(1) << 62;

static void put(struct cgroup_values *values, const struct cgroup_key *key, enum missing why,
                int64_t number)
{
    int64_t value = 0;

    if (values->missing[key->metric] == MISSING_NONE)
        return;
    if (why == MISSING_NONE && __builtin_mul_overflow(number, key->multiply, &value))
        why = MISSING_FAILED;
    values->missing[key->metric] = (uint8_t)why;
    values->value[key->metric] = why == MISSING_NONE ? value / key->divide : 0;
}

/* The number at `at`. */
static void put_number(struct cgroup_values *values, const struct cgroup_key *key, const char *at,
                       const char *stop)
{
    int64_t number = 0;
    enum missing why = textfile_number(&at, stop, &number);

    put(values, key, why, number);
}

/* "N\n"; "max" and -1 are no limit, and not a number. */
static void parse_number(const struct cgroup_file *file, const char *text, size_t size,
                         const struct cgroup_devices *devices, struct cgroup_values *values)
{
    const char *stop = textfile_line_end(text, text + size);
    int64_t number = 0;
    enum missing why;

    (void)devices;
    if (stop == NULL) {
        put(values, file->keys, MISSING_FAILED, 0);
        return;
    }
    why = textfile_number(&text, stop, &number);
    put(values, file->keys, why == MISSING_NONE && number >= no_limit ? MISSING_NOT_THERE : why,
        number);
}

/* "name N\n" */
static void parse_keys(const struct cgroup_file *file, const char *text, size_t size,
                       const struct cgroup_devices *devices, struct cgroup_values *values)
{
    const char *end = text + size, *stop;

    (void)devices;
    for (const char *line = text; (stop = textfile_line_end(line, end)) != NULL; line = stop + 1) {
        const char *space = memchr(line, ' ', (size_t)(stop - line));
        size_t length = space == NULL ? 0 : (size_t)(space - line);

        for (const struct cgroup_key *key = file->keys; length > 0 && key->name != NULL; key++)
            if (strlen(key->name) == length && memcmp(key->name, line, length) == 0)
                put_number(values, key, space, stop);
    }
}

/* "QUOTA PERIOD\n" in microseconds, or "max PERIOD\n" */
static void parse_cpu_max(const struct cgroup_file *file, const char *text, size_t size,
                          const struct cgroup_devices *devices, struct cgroup_values *values)
{
    const char *stop = textfile_line_end(text, text + size);
    int64_t quota = 0, period = 0;
    enum missing why = MISSING_FAILED;

    (void)devices;
    if (stop != NULL)
        why = textfile_number(&text, stop, &quota);
    if (why == MISSING_NONE &&
        (textfile_number(&text, stop, &period) != MISSING_NONE || period == 0))
        why = MISSING_FAILED;
    if (why == MISSING_NONE) {
        struct cgroup_key key = *file->keys;

        key.divide = period;
        put(values, &key, why, quota);
        return;
    }
    put(values, file->keys, why, 0);
}

/* The period of version 1, after its quota, which is in the place of the limit until here. */
static void parse_period(const struct cgroup_file *file, const char *text, size_t size,
                         const struct cgroup_devices *devices, struct cgroup_values *values)
{
    const char *stop = textfile_line_end(text, text + size);
    enum cgroup_metric metric = file->keys[0].metric;
    int64_t period = 0;

    (void)devices;
    if (values->missing[metric] != MISSING_NONE)
        return;
    if (stop == NULL || textfile_number(&text, stop, &period) != MISSING_NONE || period == 0) {
        values->missing[metric] = MISSING_FAILED;
        values->value[metric] = 0;
        return;
    }
    values->value[metric] /= period;
}

/* "some avg10=N avg60=N avg300=N total=N\n" */
static void parse_pressure(const struct cgroup_file *file, const char *text, size_t size,
                           const struct cgroup_devices *devices, struct cgroup_values *values)
{
    static const char word[] = " total=";
    const size_t length = sizeof word - 1;
    const char *stop = textfile_line_end(text, text + size);

    (void)devices;
    if (stop == NULL || stop - text < 5 || memcmp(text, "some ", 5) != 0)
        return;
    for (const char *at = text; at + length <= stop; at++) {
        if (memcmp(at, word, length) != 0)
            continue;
        put_number(values, file->keys, at + length, stop);
        return;
    }
}

/* "MAJOR:MINOR " at the beginning of a line; whether that device counts. */
static bool take_device(const char **at, const char *stop, const struct cgroup_devices *devices)
{
    int64_t major = 0, minor = 0;

    if (textfile_number(at, stop, &major) != MISSING_NONE || *at == stop || *(*at)++ != ':' ||
        textfile_number(at, stop, &minor) != MISSING_NONE || *at == stop || **at != ' ')
        return false;
    return devices == NULL || devices->counts(devices->self, major, minor);
}

/* Sums over devices. A sum that does not fit has failed. */
struct sums {
    int64_t sum[CGROUP_KEYS_MAX];
    enum missing why[CGROUP_KEYS_MAX];
};

static void add_to(struct sums *sums, const struct cgroup_key *keys, const char *name, size_t size,
                   char after, const char *at, const char *stop)
{
    int64_t number = 0;

    for (size_t k = 0; keys[k].name != NULL; k++) {
        if (strlen(keys[k].name) != size || memcmp(keys[k].name, name, size) != 0 || *at != after)
            continue;
        at++;
        if (textfile_number(&at, stop, &number) != MISSING_NONE ||
            __builtin_add_overflow(sums->sum[k], number, &sums->sum[k]))
            sums->why[k] = MISSING_FAILED;
        return;
    }
}

/*
 * Version 2: "8:0 rbytes=N wbytes=N rios=N wios=N dbytes=N dios=N\n"
 * Version 1: "8:0 Read N\n8:0 Write N\n8:0 Sync N\n...Total N\n"
 * No device: nothing was read or written.
 */
static void parse_io(const struct cgroup_file *file, const char *text, size_t size,
                     const struct cgroup_devices *devices, struct cgroup_values *values)
{
    char after = (file->subjects & CGROUP_V2) != 0 ? '=' : ' ';
    const char *end = text + size, *stop;
    struct sums sums = { { 0 }, { MISSING_NONE } };

    for (const char *line = text; (stop = textfile_line_end(line, end)) != NULL; line = stop + 1) {
        const char *at = line;

        if (!take_device(&at, stop, devices))
            continue;
        while (at < stop) {
            const char *name = ++at;

            while (at < stop && *at != ' ' && *at != '=')
                at++;
            if (at < stop)
                add_to(&sums, file->keys, name, (size_t)(at - name), after, at, stop);
            while (at < stop && *at != ' ')
                at++;
        }
    }
    for (size_t k = 0; file->keys[k].name != NULL; k++)
        put(values, &file->keys[k], sums.why[k], sums.sum[k]);
}

#define ONE(key_name, key_metric)                                                                  \
    {                                                                                              \
        key_name, key_metric, 1, 1                                                                 \
    }
#define NS_TO_US(key_name, key_metric)                                                             \
    {                                                                                              \
        key_name, key_metric, 1, 1000                                                              \
    }

const struct cgroup_file cgroup_files[] = {
    { "cpuacct.usage", CGROUP_CPUACCT, parse_number, { NS_TO_US("", CGROUP_CPU_NS_TOTAL) } },
    { "cpuacct.usage_user",
      CGROUP_CPUACCT,
      parse_number,
      { NS_TO_US("", CGROUP_CPU_USER_NS_TOTAL) } },
    { "cpuacct.usage_sys",
      CGROUP_CPUACCT,
      parse_number,
      { NS_TO_US("", CGROUP_CPU_SYSTEM_NS_TOTAL) } },
    { "cpuacct.stat", /* before Linux 4.7 all there is of the two */
      CGROUP_CPUACCT,
      parse_keys,
      { { "user", CGROUP_CPU_USER_NS_TOTAL, USER_HZ_US, 1 },
        { "system", CGROUP_CPU_SYSTEM_NS_TOTAL, USER_HZ_US, 1 } } },
    { "cpu.stat",
      CGROUP_CPU,
      parse_keys,
      { ONE("nr_periods", CGROUP_PERIODS_TOTAL), ONE("nr_throttled", CGROUP_THROTTLED_TOTAL),
        NS_TO_US("throttled_time", CGROUP_THROTTLED_NS_TOTAL) } },
    { "cpu.cfs_quota_us", CGROUP_CPU, parse_number, { { "", CGROUP_CPU_LIMIT_PPM, 1000000, 1 } } },
    { "cpu.cfs_period_us",
      CGROUP_CPU | CGROUP_COMPLETES,
      parse_period,
      { ONE("", CGROUP_CPU_LIMIT_PPM) } },
    { "memory.usage_in_bytes", CGROUP_MEMORY, parse_number, { ONE("", CGROUP_MEMORY_BYTES) } },
    { "memory.stat",
      CGROUP_MEMORY,
      parse_keys,
      { ONE("total_rss", CGROUP_MEMORY_ANONYMOUS_BYTES),
        ONE("total_cache", CGROUP_MEMORY_FILE_BYTES), ONE("total_swap", CGROUP_SWAP_BYTES),
        ONE("total_pgmajfault", CGROUP_MAJOR_FAULTS_TOTAL) } },
    { "memory.kmem.usage_in_bytes",
      CGROUP_MEMORY,
      parse_number,
      { ONE("", CGROUP_MEMORY_KERNEL_BYTES) } },
    { "memory.max_usage_in_bytes",
      CGROUP_MEMORY,
      parse_number,
      { ONE("", CGROUP_MEMORY_PEAK_BYTES) } },
    { "memory.failcnt", CGROUP_MEMORY, parse_number, { ONE("", CGROUP_MEMORY_MAX_TOTAL) } },
    { "memory.oom_control",
      CGROUP_MEMORY,
      parse_keys,
      { ONE("oom_kill", CGROUP_OOM_KILLS_TOTAL) } },
    { "memory.limit_in_bytes",
      CGROUP_MEMORY,
      parse_number,
      { ONE("", CGROUP_MEMORY_LIMIT_BYTES) } },
    { "blkio.throttle.io_service_bytes_recursive",
      CGROUP_BLKIO,
      parse_io,
      { ONE("Read", CGROUP_IO_READ_BYTES_TOTAL), ONE("Write", CGROUP_IO_WRITTEN_BYTES_TOTAL) } },
    { "blkio.throttle.io_service_bytes", /* of the group alone, before Linux 4.18 */
      CGROUP_BLKIO,
      parse_io,
      { ONE("Read", CGROUP_IO_READ_BYTES_TOTAL), ONE("Write", CGROUP_IO_WRITTEN_BYTES_TOTAL) } },
    { "blkio.throttle.io_serviced_recursive",
      CGROUP_BLKIO,
      parse_io,
      { ONE("Read", CGROUP_IO_READS_TOTAL), ONE("Write", CGROUP_IO_WRITES_TOTAL) } },
    { "blkio.throttle.io_serviced",
      CGROUP_BLKIO,
      parse_io,
      { ONE("Read", CGROUP_IO_READS_TOTAL), ONE("Write", CGROUP_IO_WRITES_TOTAL) } },
    { "pids.current", CGROUP_PIDS | CGROUP_V2, parse_number, { ONE("", CGROUP_TASKS) } },
    { "pids.max", CGROUP_PIDS | CGROUP_V2, parse_number, { ONE("", CGROUP_TASKS_LIMIT) } },
    { "cpu.stat",
      CGROUP_V2,
      parse_keys,
      { ONE("usage_usec", CGROUP_CPU_NS_TOTAL), ONE("user_usec", CGROUP_CPU_USER_NS_TOTAL),
        ONE("system_usec", CGROUP_CPU_SYSTEM_NS_TOTAL), ONE("nr_periods", CGROUP_PERIODS_TOTAL),
        ONE("nr_throttled", CGROUP_THROTTLED_TOTAL),
        ONE("throttled_usec", CGROUP_THROTTLED_NS_TOTAL) } },
    { "cpu.max", CGROUP_V2, parse_cpu_max, { { "", CGROUP_CPU_LIMIT_PPM, 1000000, 1 } } },
    { "memory.current", CGROUP_V2, parse_number, { ONE("", CGROUP_MEMORY_BYTES) } },
    { "memory.stat",
      CGROUP_V2,
      parse_keys,
      { ONE("anon", CGROUP_MEMORY_ANONYMOUS_BYTES), ONE("file", CGROUP_MEMORY_FILE_BYTES),
        ONE("kernel", CGROUP_MEMORY_KERNEL_BYTES), ONE("pgmajfault", CGROUP_MAJOR_FAULTS_TOTAL) } },
    { "memory.swap.current", CGROUP_V2, parse_number, { ONE("", CGROUP_SWAP_BYTES) } },
    { "memory.peak", CGROUP_V2, parse_number, { ONE("", CGROUP_MEMORY_PEAK_BYTES) } },
    { "memory.events",
      CGROUP_V2,
      parse_keys,
      { ONE("high", CGROUP_MEMORY_HIGH_TOTAL), ONE("max", CGROUP_MEMORY_MAX_TOTAL),
        ONE("oom_kill", CGROUP_OOM_KILLS_TOTAL) } },
    { "memory.max", CGROUP_V2, parse_number, { ONE("", CGROUP_MEMORY_LIMIT_BYTES) } },
    { "io.stat",
      CGROUP_V2,
      parse_io,
      { ONE("rbytes", CGROUP_IO_READ_BYTES_TOTAL), ONE("wbytes", CGROUP_IO_WRITTEN_BYTES_TOTAL),
        ONE("rios", CGROUP_IO_READS_TOTAL), ONE("wios", CGROUP_IO_WRITES_TOTAL) } },
    { "cpu.pressure", CGROUP_V2, parse_pressure, { ONE("", CGROUP_CPU_STALL_US_TOTAL) } },
    { "memory.pressure", CGROUP_V2, parse_pressure, { ONE("", CGROUP_MEMORY_STALL_US_TOTAL) } },
    { "io.pressure", CGROUP_V2, parse_pressure, { ONE("", CGROUP_IO_STALL_US_TOTAL) } },
};
const size_t cgroup_file_count = sizeof cgroup_files / sizeof cgroup_files[0];

void cgroup_values_clear(struct cgroup_values *values)
{
    memset(values->value, 0, sizeof values->value);
    memset(values->missing, MISSING_NOT_THERE, sizeof values->missing);
}

bool cgroup_file_wanted(const struct cgroup_file *file, const struct cgroup_values *values)
{
    bool wanted = (file->subjects & CGROUP_COMPLETES) != 0;

    for (const struct cgroup_key *key = file->keys; key->name != NULL; key++)
        wanted = wanted || values->missing[key->metric] != MISSING_NONE;
    return wanted;
}

void cgroup_file_failed(const struct cgroup_file *file, enum missing why,
                        struct cgroup_values *values)
{
    bool completes = (file->subjects & CGROUP_COMPLETES) != 0;

    for (const struct cgroup_key *key = file->keys; key->name != NULL; key++) {
        bool there = values->missing[key->metric] == MISSING_NONE;

        /* What is missing is so for NOT_THERE already, or for a reason that tells more. */
        if (there != completes || (!there && why == MISSING_NOT_THERE))
            continue;
        values->missing[key->metric] = (uint8_t)why;
        values->value[key->metric] = 0;
    }
}
