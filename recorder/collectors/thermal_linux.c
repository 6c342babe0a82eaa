/*
 * Heat: temperatures, fans, and how often and how long heat slowed cores down. Every ten seconds.
 *
 *   source  /sys/class/thermal/thermal_zone*: temp, type, trip points of type "critical";
 *           /sys/class/hwmon: temp*_input, temp*_crit, fan*_input;
 *           /sys/devices/system/cpu/cpu*: thermal_throttle of x86, which has times since 5.5; of cores and
 *           packages, whose CPUs all tell the same
 *   units   millidegrees Celsius, turns per minute, milliseconds
 *   absent  in most virtual machines
 *
 * Sensors may be slow (a chip on a bus, a firmware's method): a worker reads them. That a count of
 * throttling rose is an event, one for each package.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/collectors/collectors_linux.h"
#include "recorder/collectors/hwmon_linux.h"
#include "recorder/collectors/readings.h"
#include "recorder/worker.h"

enum {
    ZONES_MAX = 512,
    TRIP_POINTS_MAX = 16,
    CPU_ENTRIES_MAX = 8192,
    MS_IN_US = 1000,
    EVENTS_MAX = 16, /* packages told of at one tick */
};

#define PERIOD_NS INT64_C(10000000000)

/* Of the worker between kick and take. */
struct scan {
    char root[SYSFS_PATH_MAX];
    struct sysfs_names names, files;
    struct readings readings;
};

struct thermal_state {
    struct entity_set set;
    struct worker *worker;
    struct scan *scan;
    int64_t *throttles; /* by slot: the count last seen, or -1 */
    size_t slot_count;
};

static void put(struct reading *reading, enum thermal_metric metric, enum missing why,
                int64_t value)
{
    reading->missing[metric] = (uint8_t)why;
    reading->value[metric] = why == MISSING_NONE ? value : 0;
}

/* --- zones --- */

static void read_critical(struct reading *reading, const struct sysfs_directory *zone)
{
    char type[32];
    int64_t value = 0;

    put(reading, THERMAL_CRITICAL_MILLICELSIUS, MISSING_NOT_THERE, 0);
    for (int i = 0; i < TRIP_POINTS_MAX; i++) {
        if (!sysfs_text(zone, type, sizeof type, "trip_point_%d_type", i))
            return;
        if (strcmp(type, "critical") == 0) {
            enum missing why = sysfs_number(zone, &value, "trip_point_%d_temp", i);

            put(reading, THERMAL_CRITICAL_MILLICELSIUS, why, value);
            return;
        }
    }
}

static void read_zone(struct scan *scan, const char *name)
{
    struct sysfs_directory zone;
    struct reading *reading;
    char type[64];
    int64_t value = 0;
    enum missing why;

    if (!sysfs_at(&zone, scan->root, "/sys/class/thermal/%s", name))
        return;
    if (!sysfs_text(&zone, type, sizeof type, "type"))
        (void)snprintf(type, sizeof type, "%s", name);
    reading = readings_add(&scan->readings, "%s/%s", name, type);
    if (reading == NULL)
        return;
    (void)snprintf(reading->label, sizeof reading->label, "%s (%s)", type, name);
    worker_at(worker_self(), reading->key);
    why = sysfs_number(&zone, &value, "temp");
    put(reading, THERMAL_TEMPERATURE_MILLICELSIUS, why, value);
    read_critical(reading, &zone);
}

static void read_zones(struct scan *scan)
{
    struct sysfs_directory class;
    struct error err;

    if (!sysfs_at(&class, scan->root, "/sys/class/thermal") ||
        sysfs_list(&scan->names, &class, "thermal_zone", ZONES_MAX, &err) != STATUS_OK)
        return;
    for (size_t i = 0; i < scan->names.count; i++)
        read_zone(scan, scan->names.name[i]);
}

/* --- hwmon --- */

static void read_input(struct scan *scan, const struct hwmon_chip *chip, const char *kind,
                       int number, enum thermal_metric metric)
{
    struct reading *reading =
        readings_add(&scan->readings, "hwmon/%s/%s/%s%d", chip->name, chip->device, kind, number);
    bool temperature = metric == THERMAL_TEMPERATURE_MILLICELSIUS;
    enum missing why = MISSING_NOT_SAMPLED, limit = MISSING_NOT_SAMPLED;
    int64_t value = 0, critical = 0;

    if (reading == NULL)
        return;
    hwmon_label(chip, kind, number, reading->label, sizeof reading->label);
    worker_at(worker_self(), reading->key);
    if (!chip->asleep) {
        why = sysfs_number(&chip->at, &value, "%s%d_input", kind, number);
        limit = temperature ? sysfs_number(&chip->at, &critical, "temp%d_crit", number) : limit;
    }
    put(reading, metric, why, value);
    if (temperature)
        put(reading, THERMAL_CRITICAL_MILLICELSIUS, limit, critical);
}

static void read_chips(struct scan *scan)
{
    struct hwmon_chip chip;
    struct error err;

    if (hwmon_list(&scan->names, scan->root, &err) != STATUS_OK)
        return;
    for (size_t i = 0; i < scan->names.count; i++) {
        /* A zone has a chip beside it that reads the same sensor. */
        if (!hwmon_look(&chip, &scan->files, scan->root, scan->names.name[i]) ||
            strncmp(chip.device, "thermal_zone", 12) == 0)
            continue;
        for (size_t k = 0; k < scan->files.count; k++) {
            int temperature = hwmon_number(scan->files.name[k], "temp", "_input");
            int fan = hwmon_number(scan->files.name[k], "fan", "_input");

            if (temperature >= 0)
                read_input(scan, &chip, "temp", temperature, THERMAL_TEMPERATURE_MILLICELSIUS);
            else if (fan >= 0)
                read_input(scan, &chip, "fan", fan, THERMAL_FAN_RPM);
        }
    }
}

/* --- throttling --- */

/* The larger of what was there and what this CPU tells: not all of a core's have counted all. */
static void put_larger(struct reading *reading, enum thermal_metric metric, enum missing why,
                       int64_t value)
{
    if (why == MISSING_NONE &&
        (reading->missing[metric] != MISSING_NONE || reading->value[metric] < value))
        put(reading, metric, why, value);
    else if (reading->missing[metric] != MISSING_NONE)
        put(reading, metric, why, 0);
}

static void read_throttle(struct scan *scan, const struct sysfs_directory *cpu, const char *part,
                          const char *key, const char *label, int64_t package)
{
    struct reading *reading = readings_find(&scan->readings, key);
    int64_t value = 0;
    enum missing why = sysfs_number(cpu, &value, "thermal_throttle/%s_throttle_count", part);

    if (reading == NULL)
        reading = why == MISSING_NONE ? readings_add(&scan->readings, "%s", key) : NULL;
    if (reading == NULL)
        return;
    (void)snprintf(reading->label, sizeof reading->label, "%s", label);
    reading->group = (int)package;
    put_larger(reading, THERMAL_THROTTLES_TOTAL, why, value);
    why = sysfs_number(cpu, &value, "thermal_throttle/%s_throttle_total_time_ms", part);
    if (why == MISSING_NONE && __builtin_mul_overflow(value, MS_IN_US, &value))
        why = MISSING_FAILED;
    put_larger(reading, THERMAL_THROTTLED_NS_TOTAL, why, value);
}

static void read_cpu(struct scan *scan, const char *name)
{
    struct sysfs_directory cpu;
    int64_t core = 0, package = 0;
    char key[64], label[64];
    int number = hwmon_number(name, "cpu", "");

    if (number < 0 || !sysfs_at(&cpu, scan->root, "/sys/devices/system/cpu/%s", name))
        return;
    if (sysfs_number(&cpu, &core, "topology/core_id") != MISSING_NONE)
        core = number;
    if (sysfs_number(&cpu, &package, "topology/physical_package_id") != MISSING_NONE ||
        package < 0 || package > INT32_MAX)
        package = 0;
    (void)snprintf(key, sizeof key, "package/%d", (int)package);
    (void)snprintf(label, sizeof label, "package %d", (int)package);
    worker_at(worker_self(), name);
    read_throttle(scan, &cpu, "package", key, label, package);
    (void)snprintf(key, sizeof key, "core/%d/%lld", (int)package, (long long)core);
    (void)snprintf(label, sizeof label, "core %lld of package %d", (long long)core, (int)package);
    read_throttle(scan, &cpu, "core", key, label, package);
}

static void read_throttles(struct scan *scan)
{
    struct sysfs_directory cpus;
    struct error err;

    if (!sysfs_at(&cpus, scan->root, "/sys/devices/system/cpu") ||
        sysfs_list(&scan->names, &cpus, "cpu", CPU_ENTRIES_MAX, &err) != STATUS_OK)
        return;
    for (size_t i = 0; i < scan->names.count; i++)
        read_cpu(scan, scan->names.name[i]);
}

static enum status scan_read(void *self, struct error *err)
{
    struct scan *scan = self;

    (void)err;
    readings_reset(&scan->readings);
    read_zones(scan);
    read_chips(scan);
    read_throttles(scan);
    return STATUS_OK;
}

static void scan_release(void *self)
{
    struct scan *scan = self;

    sysfs_names_release(&scan->names);
    sysfs_names_release(&scan->files);
    readings_release(&scan->readings);
    free(scan);
}

/* --- events --- */

struct rise {
    int package;
    int64_t times, cores;
};

/* Keeps the count; the result is by how much it rose. */
static int64_t rise_of(struct thermal_state *thermal, const struct reading *reading)
{
    uint32_t slot = reading->seen.slot;
    size_t count = (size_t)slot + 64;
    int64_t before, *larger;

    if (reading->group == READING_NONE || slot == ENTITY_NO_SLOT ||
        reading->missing[THERMAL_THROTTLES_TOTAL] != MISSING_NONE)
        return 0;
    if (slot >= thermal->slot_count) {
        larger = realloc(thermal->throttles, count * sizeof *larger);
        if (larger == NULL)
            return 0;
        for (size_t i = thermal->slot_count; i < count; i++)
            larger[i] = -1;
        thermal->throttles = larger;
        thermal->slot_count = count;
    }
    before = reading->seen.fresh ? -1 : thermal->throttles[slot];
    thermal->throttles[slot] = reading->value[THERMAL_THROTTLES_TOTAL];
    return before < 0 || thermal->throttles[slot] < before ? 0 : thermal->throttles[slot] - before;
}

static void add_rise(struct rise rises[EVENTS_MAX], size_t *count, const struct reading *reading,
                     int64_t times)
{
    size_t i = 0;

    while (i < *count && rises[i].package != reading->group)
        i++;
    if (i == EVENTS_MAX)
        return;
    if (i == *count)
        rises[(*count)++] = (struct rise){ .package = reading->group };
    rises[i].times += times;
    rises[i].cores += strncmp(reading->key, "core/", 5) == 0;
}

static void add_events(struct thermal_state *thermal, struct tick *tick)
{
    static const char kind[] = "throttle";
    const struct readings *readings = &thermal->scan->readings;
    struct rise rises[EVENTS_MAX];
    size_t count = 0;

    for (size_t i = 0; i < readings->count; i++) {
        int64_t times = rise_of(thermal, &readings->item[i]);

        if (times > 0)
            add_rise(rises, &count, &readings->item[i], times);
    }
    for (size_t i = 0; i < count; i++) {
        struct tick_event *event = tick_add_event(tick);
        char detail[120];
        int size = snprintf(detail, sizeof detail,
                            "package %d: heat slowed it down, and %lld of its cores",
                            rises[i].package, (long long)rises[i].cores);

        if (event == NULL)
            return;
        event->at_ns = tick->start_ns;
        event->value = rises[i].times;
        event->kind = tick_add_text(tick, kind, sizeof kind - 1);
        event->detail = tick_add_text(tick, detail, (size_t)size);
    }
}

/* --- the sampling thread's side --- */

static void thermal_begin(void *state, const struct tick *tick)
{
    worker_due(((struct thermal_state *)state)->worker, tick->start_ns);
}

static enum status add_rows(struct thermal_state *thermal, struct tick *tick, struct error *err)
{
    readings_see(&thermal->scan->readings, &thermal->set, tick);
    add_events(thermal, tick);
    return readings_add_rows(&thermal->scan->readings, tick, TABLE_THERMAL, THERMAL_METRIC_COUNT,
                             err);
}

static enum status thermal_collect(void *state, struct tick *tick, struct error *err)
{
    struct thermal_state *thermal = state;
    enum status st;

    worker_report(thermal->worker, tick);
    if (!worker_take_later(thermal->worker, tick->start_ns, &st, err))
        return STATUS_OK;
    if (st == STATUS_OK)
        st = add_rows(thermal, tick, err);
    worker_used(thermal->worker, tick->start_ns);
    return st;
}

static void thermal_close(void *state)
{
    struct thermal_state *thermal = state;

    if (thermal == NULL)
        return;
    worker_stop(thermal->worker);
    free(thermal->throttles);
    entity_set_release(&thermal->set);
    free(thermal);
}

/* Whether there is any sensor; none is read, which might take its time. */
static bool is_there(struct scan *scan)
{
    struct sysfs_directory class, cpu;
    struct hwmon_chip chip;
    struct error err;

    if (sysfs_at(&class, scan->root, "/sys/class/thermal") &&
        sysfs_list(&scan->names, &class, "thermal_zone", 1, &err) == STATUS_OK &&
        scan->names.count > 0)
        return true;
    if (sysfs_at(&cpu, scan->root, "/sys/devices/system/cpu/cpu0") &&
        sysfs_list(&scan->names, &cpu, "thermal_throttle", 1, &err) == STATUS_OK &&
        scan->names.count > 0)
        return true;
    if (hwmon_list(&scan->names, scan->root, &err) != STATUS_OK)
        return false;
    for (size_t i = 0; i < scan->names.count; i++) {
        if (!hwmon_look(&chip, &scan->files, scan->root, scan->names.name[i]))
            continue;
        for (size_t k = 0; k < scan->files.count; k++)
            if (hwmon_number(scan->files.name[k], "temp", "_input") >= 0 ||
                hwmon_number(scan->files.name[k], "fan", "_input") >= 0)
                return true;
    }
    return false;
}

static enum status thermal_open(void **state, const struct collect_context *context,
                                struct capability *capability, struct error *err)
{
    struct thermal_state *thermal = calloc(1, sizeof *thermal);
    struct scan *scan = calloc(1, sizeof *scan);
    const struct worker_job job = {
        .name = "thermal", .read = scan_read, .release = scan_release, .self = scan
    };

    *state = thermal;
    if (thermal == NULL || scan == NULL) {
        free(scan);
        return error_set(err, STATUS_NO_MEMORY, "thermal collector");
    }
    *capability = (struct capability){ .status = CAPABILITY_OK };
    thermal->set.kind = ENTITY_SENSOR;
    (void)snprintf(scan->root, sizeof scan->root, "%s", context->root);
    if (!is_there(scan)) {
        capability->status = CAPABILITY_NOT_THERE;
        (void)snprintf(capability->reason, sizeof capability->reason,
                       "no thermal zone, sensor of hwmon or thermal_throttle in /sys, as in most "
                       "virtual machines");
        (void)snprintf(capability->enable, sizeof capability->enable,
                       "load the drivers of the board's sensors (sensors-detect names them)");
        scan_release(scan);
        return STATUS_OK;
    }
    thermal->scan = scan;
    return worker_start(&thermal->worker, &job, context->root[0] == '\0', err);
}

static int64_t thermal_not_answering(const void *state)
{
    return worker_late(((const struct thermal_state *)state)->worker);
}

static int64_t thermal_other_cpu_ns(const void *state)
{
    return worker_cpu_ns(((const struct thermal_state *)state)->worker);
}

const struct collector thermal_collector = {
    .name = "thermal",
    .description = "temperatures, fans and throttling by heat, every 10 s",
    .source = "/sys/class/thermal, hwmon, thermal_throttle of /sys/devices/system/cpu",
    .needs = "nothing",
    .absence = "no sensor that the kernel has a driver for, as in most virtual machines",
    .table = TABLE_THERMAL,
    .divisor = 1,
    .period_ns = PERIOD_NS,
    .optional = true,
    .open = thermal_open,
    .begin = thermal_begin,
    .collect = thermal_collect,
    .close = thermal_close,
    .not_answering = thermal_not_answering,
    .other_cpu_ns = thermal_other_cpu_ns,
};
