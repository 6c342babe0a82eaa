/*
 * Heat and fans, every ten seconds.
 *
 *   source  the System Management Controller (recorder/collectors/smc_macos.h): keys Tp, Te and Ts
 *           of CPUs, Tg of GPUs, TGDD and TCGC of GPUs in Intel Macs; FnAc of fans
 *   units   degrees Celsius, turns a minute
 *   absent  M1 before macOS 14, whose SMC has no such keys; virtual machines; a sensor that tells
 *           what cannot be (0, 128, over 150 degrees) has failed
 *
 * Which keys there are is looked at once, by the worker that also reads them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/collectors/collectors_macos.h"
#include "recorder/collectors/readings.h"
#include "recorder/collectors/smc_macos.h"
#include "recorder/collectors/smc_value.h"
#include "recorder/worker.h"

enum { SENSORS_MAX = 256, FANS_MAX = 10, KEYS_MAX = 8192, MOST_MILLI = 150000, NO_MILLI = 128000 };

#define PERIOD_NS INT64_C(10000000000)

struct sensor {
    struct smc_key key;
    enum thermal_metric metric;
    char name[16], label[32];
};

/* The worker's between kick and take. */
struct scan {
    struct smc *smc;
    bool looked;
    size_t count;
    struct sensor sensor[SENSORS_MAX];
    struct readings readings;
};

struct thermal_state {
    struct entity_set set;
    struct worker *worker;
    struct scan *scan;
};

/* --- the worker's side --- */

static void add_sensor(struct scan *scan, uint32_t key, enum thermal_metric metric,
                       const char *what)
{
    struct sensor *sensor = &scan->sensor[scan->count];

    if (scan->count == SENSORS_MAX || !smc_find(scan->smc, key, &sensor->key))
        return;
    sensor->metric = metric;
    for (int i = 0; i < 4; i++)
        sensor->name[i] = (char)(key >> (24 - 8 * i) & UINT8_MAX);
    (void)snprintf(sensor->label, sizeof sensor->label, "%s %c%c%c%c", what, sensor->name[0],
                   sensor->name[1], sensor->name[2], sensor->name[3]);
    scan->count++;
}

static void look(struct scan *scan)
{
    uint32_t keys = smc_count(scan->smc);

    for (uint32_t i = 0; i < keys && i < KEYS_MAX; i++) {
        uint32_t key = smc_key_at(scan->smc, i);
        enum smc_kind kind = smc_kind_of(key);

        if (kind != SMC_NOTHING)
            add_sensor(scan, key, THERMAL_TEMPERATURE_MILLICELSIUS,
                       kind == SMC_CPU_HEAT ? "CPU" : "GPU");
    }
    for (int i = 0; i < FANS_MAX; i++)
        add_sensor(scan, SMC_KEY('F', '0' + i, 'A', 'c'), THERMAL_FAN_RPM, "fan");
    scan->looked = true;
}

static void read_sensor(struct scan *scan, const struct sensor *sensor)
{
    struct reading *reading = readings_add(&scan->readings, "smc/%s", sensor->name);
    bool heat = sensor->metric == THERMAL_TEMPERATURE_MILLICELSIUS;
    int64_t milli = 0;
    bool told;

    if (reading == NULL)
        return;
    (void)snprintf(reading->label, sizeof reading->label, "%s", sensor->label);
    told = smc_read(scan->smc, &sensor->key, &milli) &&
           (heat ? milli > 0 && milli <= MOST_MILLI && milli != NO_MILLI : milli >= 0);
    reading->missing[sensor->metric] = told ? MISSING_NONE : MISSING_FAILED;
    reading->value[sensor->metric] = !told ? 0 : heat ? milli : milli / 1000;
}

static enum status scan_read(void *self, struct error *err)
{
    struct scan *scan = self;

    (void)err;
    if (!scan->looked)
        look(scan);
    readings_reset(&scan->readings);
    for (size_t i = 0; i < scan->count; i++)
        read_sensor(scan, &scan->sensor[i]);
    return STATUS_OK;
}

static void scan_release(void *self)
{
    struct scan *scan = self;

    smc_close(scan->smc);
    readings_release(&scan->readings);
    free(scan);
}

/* --- the sampling thread's side --- */

static void thermal_begin(void *state, const struct tick *tick)
{
    worker_due(((struct thermal_state *)state)->worker, tick->start_ns);
}

static enum status thermal_collect(void *state, struct tick *tick, struct error *err)
{
    struct thermal_state *thermal = state;
    enum status st;

    worker_report(thermal->worker, tick);
    if (!worker_take_later(thermal->worker, tick->start_ns, &st, err))
        return STATUS_OK;
    if (st == STATUS_OK) {
        readings_see(&thermal->scan->readings, &thermal->set, tick);
        st = readings_add_rows(&thermal->scan->readings, tick, TABLE_THERMAL, THERMAL_METRIC_COUNT,
                               err);
    }
    worker_used(thermal->worker, tick->start_ns);
    return st;
}

static void thermal_close(void *state)
{
    struct thermal_state *thermal = state;

    if (thermal == NULL)
        return;
    worker_stop(thermal->worker);
    entity_set_release(&thermal->set);
    free(thermal);
}

static enum status thermal_open(void **state, const struct collect_context *context,
                                struct capability *capability, struct error *err)
{
    struct thermal_state *thermal = calloc(1, sizeof *thermal);
    struct scan *scan = calloc(1, sizeof *scan);
    const struct worker_job job = {
        .name = "thermal", .read = scan_read, .release = scan_release, .self = scan
    };
    struct error why = { 0 };

    *state = thermal;
    if (thermal == NULL || scan == NULL) {
        free(scan);
        return error_set(err, STATUS_NO_MEMORY, "thermal collector");
    }
    *capability = (struct capability){ .status = CAPABILITY_OK };
    thermal->set.kind = ENTITY_SENSOR;
    if (smc_open(&scan->smc, &why) != STATUS_OK) {
        capability->status = CAPABILITY_NOT_THERE;
        (void)snprintf(capability->reason, sizeof capability->reason,
                       "no temperatures: %.120s, as in virtual machines", why.message);
        free(scan);
        return STATUS_OK;
    }
    if (smc_count(scan->smc) == 0) {
        capability->status = CAPABILITY_PARTIAL;
        (void)snprintf(capability->reason, sizeof capability->reason,
                       "no temperatures: the SMC does not list its keys, as before macOS 14");
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
    .description = "temperatures and fans, every 10 s",
    .source = "the System Management Controller (AppleSMC)",
    .needs = "nothing",
    .absence = "virtual machines; M1 before macOS 14: its SMC has no keys of temperatures",
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
