/*
 * Pressure: time in which tasks waited for a resource of the host, and the load averages as part of
 * cpu's.
 *
 *   source  /proc/pressure/{cpu,memory,io,irq}, lines "some" and "full", field "total"
 *           (Linux 4.20; "full" of cpu 5.13; irq, which has "full" only, 6.1)
 *           /proc/loadavg
 *   units   microseconds since boot; millionths of a task
 *   absent  times without CONFIG_PSI, where it is off until asked for (psi=1), and in most containers;
 *           level, for which Linux has no word
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/collectors/collectors_linux.h"
#include "recorder/collectors/hostfs_linux.h"
#include "recorder/entity_set.h"
#include "recorder/textfile.h"

enum { PRESSURE_ROOM = 512, LOAD_OF = 0 /* cpu */ };

static const char *const resources[] = { "cpu", "memory", "io", "irq" };

struct pressure_state {
    struct textfile file[COUNT_OF(resources)]; /* closed: it cannot be read here */
    struct textfile load;
    struct entity_set set;
};

static void pressure_close(void *state)
{
    struct pressure_state *pressure = state;

    if (pressure == NULL)
        return;
    for (size_t i = 0; i < COUNT_OF(resources); i++)
        textfile_close(&pressure->file[i]);
    textfile_close(&pressure->load);
    entity_set_release(&pressure->set);
    free(pressure);
}

/* Kernels without accounting of a kind have its file and refuse the read: so both are tried. */
static bool open_text(struct textfile *file, const char *root, const char *path, struct error *why)
{
    if (textfile_open(file, root, path, PRESSURE_ROOM, PRESSURE_ROOM, why) != STATUS_OK)
        return false;
    if (textfile_read(file, why) == STATUS_OK)
        return true;
    (void)error_prefix(why, "%s", path);
    textfile_close(file);
    return false;
}

static void describe(struct capability *capability, unsigned found, bool load,
                     const struct error *why)
{
    *capability = (struct capability){ .status = CAPABILITY_OK };
    if (found > 0)
        return;
    capability->status = load ? CAPABILITY_PARTIAL : CAPABILITY_NOT_THERE;
    (void)snprintf(capability->reason, sizeof capability->reason, "%s%.160s",
                   load ? "load averages only: " : "", why->message);
    (void)snprintf(capability->enable, sizeof capability->enable,
                   "a kernel of 4.20 or later with CONFIG_PSI, booted with psi=1 where it is off");
}

static enum status pressure_open(void **state, const struct collect_context *context,
                                 struct capability *capability, struct error *err)
{
    struct pressure_state *pressure = calloc(1, sizeof *pressure);
    struct error first = { 0 }, ignored = { 0 };
    unsigned found = 0;
    bool load;

    if (pressure == NULL)
        return error_set(err, STATUS_NO_MEMORY, "pressure collector");
    *state = pressure;
    pressure->set.kind = ENTITY_RESOURCE;
    for (size_t i = 0; i < COUNT_OF(resources); i++) {
        struct error why = { 0 };
        char path[64];

        (void)snprintf(path, sizeof path, "/proc/pressure/%s", resources[i]);
        if (open_text(&pressure->file[i], context->root, path, &why))
            found++;
        else if (i == 0)
            first = why;
    }
    load = open_text(&pressure->load, context->root, "/proc/loadavg", &ignored);
    describe(capability, found, load, &first);
    return STATUS_OK;
}

static void fill(struct textfile *file, int64_t *values, uint8_t *missing)
{
    struct hostfs_pressure parsed;
    struct error err;

    if (!textfile_is_open(file))
        return;
    if (textfile_read(file, &err) != STATUS_OK) {
        missing[PRESSURE_SOME_US_TOTAL] = missing[PRESSURE_FULL_US_TOTAL] =
            (uint8_t)textfile_missing(file->failure);
        return;
    }
    hostfs_parse_pressure(file->text, file->size, &parsed);
    values[PRESSURE_SOME_US_TOTAL] = parsed.some_us.value;
    missing[PRESSURE_SOME_US_TOTAL] = parsed.some_us.missing;
    values[PRESSURE_FULL_US_TOTAL] = parsed.full_us.value;
    missing[PRESSURE_FULL_US_TOTAL] = parsed.full_us.missing;
}

static void fill_load(struct textfile *file, int64_t *values, uint8_t *missing)
{
    struct hostfs_number ppm[LOAD_MEANS];
    struct error err;
    bool read = textfile_read(file, &err) == STATUS_OK;

    if (read)
        hostfs_parse_load(file->text, file->size, ppm);
    for (int i = 0; i < LOAD_MEANS; i++) {
        values[PRESSURE_LOAD_1M_PPM + i] = read ? ppm[i].value : 0;
        missing[PRESSURE_LOAD_1M_PPM + i] =
            read ? ppm[i].missing : (uint8_t)textfile_missing(file->failure);
    }
}

static enum status pressure_collect(void *state, struct tick *tick, struct error *err)
{
    struct pressure_state *pressure = state;

    entity_set_begin(&pressure->set);
    for (size_t i = 0; i < COUNT_OF(resources); i++) {
        bool load = i == LOAD_OF && textfile_is_open(&pressure->load);
        struct entity_seen seen;
        int64_t *values;
        uint8_t *missing;

        if (!textfile_is_open(&pressure->file[i]) && !load)
            continue;
        seen = entity_set_see(&pressure->set, tick, resources[i], resources[i], ENTITY_NO_SLOT);
        if (seen.slot == ENTITY_NO_SLOT ||
            tick_row_values(tick, TABLE_PRESSURE, seen.slot, seen.flags, &values, &missing) == NULL)
            return error_set(err, STATUS_NO_MEMORY, "row of pressure_samples");
        memset(values, 0, PRESSURE_METRIC_COUNT * sizeof *values);
        memset(missing, MISSING_UNSUPPORTED, PRESSURE_METRIC_COUNT);
        fill(&pressure->file[i], values, missing);
        if (load)
            fill_load(&pressure->load, values, missing);
    }
    entity_set_end(&pressure->set, tick);
    tick_sampled(tick, TABLE_PRESSURE);
    return STATUS_OK;
}

const struct collector pressure_collector = {
    .name = "pressure",
    .description = "time that tasks waited for CPU, memory, IO and interrupts; load averages",
    .source = "/proc/pressure/cpu, memory, io, irq; /proc/loadavg",
    .needs = "nothing; Linux 4.20 with CONFIG_PSI",
    .absence = "the kernel does not count it: too old, or booted with psi=0",
    .table = TABLE_PRESSURE,
    .divisor = 1,
    .open = pressure_open,
    .collect = pressure_collect,
    .close = pressure_close,
};
