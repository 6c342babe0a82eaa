/*
 * Energy of the parts of the chip, every ten seconds.
 *
 *   source  IOReport, group "Energy Model" (recorder/collectors/ioreport_macos.h)
 *   units   mJ, uJ or nJ, of each channel its own; since the host started
 *   absent  Intel, virtual machines; rails whose unit is not known; rails that stand still while the
 *           CPU works, as on macOS 27
 *
 * Clusters are in the energy of their CPU: do not add them up. The GPU's is in gpu_samples. A worker
 * reads, so a row has what was read at the tick at which it was asked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "recorder/collectors/collectors_macos.h"
#include "recorder/collectors/ioreport_macos.h"
#include "recorder/collectors/ioreport_name.h"
#include "recorder/collectors/readings.h"
#include "recorder/worker.h"

#define PERIOD_NS INT64_C(10000000000)
#define STALL_NS INT64_C(5000000000)

static const struct ioreport_group energy_model = { "Energy Model", NULL };

/* The worker's between kick and take. */
struct scan {
    struct ioreport *report;
    struct readings readings;
    struct {
        int64_t value,
            since_ns; /* since when it has not changed, on the clock that stops in sleep */
    } last[IOREPORT_CHANNELS_MAX];
};

struct power_state {
    struct entity_set set;
    struct worker *worker;
    struct scan *scan;
};

/* --- the worker's side --- */

static bool is_wanted(const struct ioreport_channel *channel)
{
    enum ioreport_rail rail = ioreport_rail_of(channel->name);

    return rail != IOREPORT_RAIL_NONE && rail != IOREPORT_RAIL_GPU;
}

static bool stands_still(const struct scan *scan, size_t place, int64_t now_ns)
{
    return scan->last[place].since_ns != 0 && now_ns - scan->last[place].since_ns >= STALL_NS;
}

static void note_changes(struct scan *scan, int64_t now_ns)
{
    for (size_t i = 0; i < ioreport_count(scan->report); i++) {
        int64_t value = ioreport_at(scan->report, i)->value;

        if (scan->last[i].since_ns != 0 && scan->last[i].value == value)
            continue;
        scan->last[i].value = value;
        scan->last[i].since_ns = now_ns;
    }
}

/* We run on a CPU: if none has used any energy, nobody counts it. */
static bool has_stalled(const struct scan *scan, int64_t now_ns)
{
    bool any = false;

    for (size_t i = 0; i < ioreport_count(scan->report); i++) {
        if (ioreport_rail_of(ioreport_at(scan->report, i)->name) != IOREPORT_RAIL_CPU)
            continue;
        if (!stands_still(scan, i, now_ns))
            return false;
        any = true;
    }
    return any;
}

static int parent_of(const struct readings *readings, const char *name)
{
    char key[READING_TEXT_MAX];
    const char *die = strncmp(name, "DIE_", 4) == 0 ? strchr(name + 4, '_') : NULL;
    int size = die != NULL ? (int)(die + 1 - name) : 0;
    const struct reading *parent;

    (void)snprintf(key, sizeof key, "ioreport/%.*sCPU Energy", size, name);
    parent = readings_find(readings, key);
    return parent != NULL ? (int)(parent - readings->item) : READING_NONE;
}

static void add_rail(struct scan *scan, size_t place, bool stalled)
{
    const struct ioreport_channel *channel = ioreport_at(scan->report, place);
    struct reading *reading = readings_add(&scan->readings, "ioreport/%s", channel->name);
    int64_t uj = 0;
    enum missing why;

    if (reading == NULL)
        return;
    (void)snprintf(reading->label, sizeof reading->label, "%s", channel->name);
    if (ioreport_rail_of(channel->name) == IOREPORT_RAIL_CLUSTER)
        reading->parent = parent_of(&scan->readings, channel->name);
    why = ioreport_energy_uj(channel->unit, channel->value, &uj);
    if (why == MISSING_NONE && stalled)
        why = MISSING_FAILED;
    if (!channel->there)
        why = MISSING_NOT_THERE;
    reading->missing[POWER_ENERGY_UJ_TOTAL] = (uint8_t)why;
    reading->value[POWER_ENERGY_UJ_TOTAL] = why == MISSING_NONE ? uj : 0;
}

/* Clusters last: what they are a part of comes before them. */
static enum status scan_read(void *self, struct error *err)
{
    struct scan *scan = self;
    int64_t now_ns = (int64_t)clock_gettime_nsec_np(CLOCK_UPTIME_RAW);
    size_t count = ioreport_count(scan->report);
    bool stalled;

    readings_reset(&scan->readings);
    if (ioreport_sample(scan->report, err) != STATUS_OK)
        return err->status;
    note_changes(scan, now_ns);
    stalled = has_stalled(scan, now_ns);
    for (int clusters = 0; clusters < 2; clusters++)
        for (size_t i = 0; i < count; i++)
            if (clusters ==
                (ioreport_rail_of(ioreport_at(scan->report, i)->name) == IOREPORT_RAIL_CLUSTER))
                add_rail(scan, i, stalled && stands_still(scan, i, now_ns));
    return STATUS_OK;
}

static void scan_release(void *self)
{
    struct scan *scan = self;

    ioreport_close(scan->report);
    readings_release(&scan->readings);
    free(scan);
}

/* --- the sampling thread's side --- */

static void power_begin(void *state, const struct tick *tick)
{
    worker_due(((struct power_state *)state)->worker, tick->start_ns);
}

static enum status power_collect(void *state, struct tick *tick, struct error *err)
{
    struct power_state *power = state;
    enum status st;

    worker_report(power->worker, tick);
    if (!worker_take_later(power->worker, tick->start_ns, &st, err))
        return STATUS_OK;
    if (st == STATUS_OK) {
        readings_see(&power->scan->readings, &power->set, tick);
        st = readings_add_rows(&power->scan->readings, tick, TABLE_POWER, POWER_METRIC_COUNT, err);
    }
    worker_used(power->worker, tick->start_ns);
    return st;
}

static void power_close(void *state)
{
    struct power_state *power = state;

    if (power == NULL)
        return;
    worker_stop(power->worker);
    entity_set_release(&power->set);
    free(power);
}

/* Rails whose unit nobody knows are there, without a value. */
static void describe(const struct ioreport *report, struct capability *capability)
{
    *capability = (struct capability){ .status = CAPABILITY_OK };
    for (size_t i = 0; i < ioreport_count(report); i++) {
        const struct ioreport_channel *channel = ioreport_at(report, i);
        int64_t uj;

        if (ioreport_energy_uj(channel->unit, 0, &uj) == MISSING_NONE)
            continue;
        capability->status = CAPABILITY_PARTIAL;
        (void)snprintf(capability->reason, sizeof capability->reason,
                       "no energy of \"%.40s\": its unit \"%.15s\" is not known", channel->name,
                       channel->unit);
        return;
    }
}

static void describe_absence(struct capability *capability, const struct error *why)
{
    *capability = (struct capability){ .status = CAPABILITY_NOT_THERE };
    (void)snprintf(capability->reason, sizeof capability->reason,
                   "no energy: %.120s, as on Intel and in virtual machines", why->message);
}

static enum status power_open(void **state, const struct collect_context *context,
                              struct capability *capability, struct error *err)
{
    struct power_state *power = calloc(1, sizeof *power);
    struct scan *scan = calloc(1, sizeof *scan);
    const struct worker_job job = {
        .name = "power", .read = scan_read, .release = scan_release, .self = scan
    };
    struct error why = { 0 };

    *state = power;
    if (power == NULL || scan == NULL) {
        free(scan);
        return error_set(err, STATUS_NO_MEMORY, "power collector");
    }
    power->set.kind = ENTITY_RAIL;
    if (ioreport_open(&scan->report, &energy_model, 1, is_wanted, &why) != STATUS_OK) {
        describe_absence(capability, &why);
        free(scan);
        return STATUS_OK;
    }
    describe(scan->report, capability);
    power->scan = scan;
    return worker_start(&power->worker, &job, context->root[0] == '\0', err);
}

static int64_t power_not_answering(const void *state)
{
    return worker_late(((const struct power_state *)state)->worker);
}

static int64_t power_other_cpu_ns(const void *state)
{
    return worker_cpu_ns(((const struct power_state *)state)->worker);
}

const struct collector power_collector = {
    .name = "power",
    .description = "energy of CPU, neural engine and memory, every 10 s",
    .source = "IOReport (libIOReport.dylib), Energy Model",
    .needs = "nothing",
    .absence = "Intel, virtual machines; failed: the counter stands still, as on macOS 27",
    .table = TABLE_POWER,
    .divisor = 1,
    .period_ns = PERIOD_NS,
    .optional = true,
    .open = power_open,
    .begin = power_begin,
    .collect = power_collect,
    .close = power_close,
    .not_answering = power_not_answering,
    .other_cpu_ns = power_other_cpu_ns,
};
