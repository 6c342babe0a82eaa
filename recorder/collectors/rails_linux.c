/*
 * powercap (Documentation/power/powercap/powercap.rst), hwmon (Documentation/hwmon/sysfs-interface.rst),
 * power_supply (Documentation/ABI/testing/sysfs-class-power).
 */
#include "recorder/collectors/rails_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recorder/collectors/hwmon_linux.h"
#include "recorder/worker.h"

enum {
    ZONES_MAX = 1024,
    SUPPLIES_MAX = 128,
    CONSTRAINTS_MAX = 3,
    UW_IN_MW = 1000,
    UV_IN_MV = 1000,
    PPM_IN_PERCENT = 10000,
    /* Peaks exceed limits, not by this much; what tells no limit takes less than that. */
    BOUND_OF_LIMIT = 4,
    BOUND_LEAST_MW = 250 * 1000,
    BOUND_UNKNOWN_MW = 2000 * 1000,
};

static void put(struct reading *reading, enum power_metric metric, enum missing why, int64_t value)
{
    reading->missing[metric] = (uint8_t)why;
    reading->value[metric] = why == MISSING_NONE ? value : 0;
}

/* --- powercap --- */

/* The zone that "intel-rapl:0:1" is in is "intel-rapl:0"; "intel-rapl:0" is in none. */
static bool parent_zone(const char *zone, char parent[SYSFS_NAME_MAX])
{
    char *colon;

    (void)snprintf(parent, SYSFS_NAME_MAX, "%s", zone);
    colon = strrchr(parent, ':');
    if (colon != NULL)
        *colon = '\0';
    return colon != NULL && strchr(parent, ':') != NULL;
}

static void read_limits(struct reading *reading, const struct sysfs_directory *zone)
{
    int64_t most = 0;
    int64_t limit = 0;
    enum missing why = sysfs_number(zone, &limit, "constraint_0_power_limit_uw");

    if (why == MISSING_NONE && limit <= 0) /* none is set */
        why = MISSING_NOT_THERE;
    put(reading, POWER_LIMIT_MW, why, limit / UW_IN_MW);
    for (int i = 0; i < CONSTRAINTS_MAX; i++) {
        int64_t value = 0;

        if (sysfs_number(zone, &value, "constraint_%d_power_limit_uw", i) == MISSING_NONE &&
            value > most)
            most = value;
        if (sysfs_number(zone, &value, "constraint_%d_max_power_uw", i) == MISSING_NONE &&
            value > most)
            most = value;
    }
    if (most > 0 && most < INT64_MAX / BOUND_OF_LIMIT)
        reading->bound = most / UW_IN_MW * BOUND_OF_LIMIT;
    if (reading->bound < BOUND_LEAST_MW)
        reading->bound = most > 0 ? BOUND_LEAST_MW : BOUND_UNKNOWN_MW;
}

static void read_energy(struct reading *reading, const struct sysfs_directory *zone)
{
    int64_t value = 0;
    enum missing why = sysfs_number(zone, &value, "energy_uj");

    put(reading, POWER_ENERGY_UJ_TOTAL, why, value);
    if (sysfs_number(zone, &reading->range, "max_energy_range_uj") != MISSING_NONE)
        reading->range = 0;
    if (sysfs_number(zone, &value, "power_uw") == MISSING_NONE)
        put(reading, POWER_MW, MISSING_NONE, value / UW_IN_MW);
    read_limits(reading, zone);
}

/*
 * The key of a zone: its names from the top, as numbers are given in the order of loading. A second
 * zone of the same names (intel-rapl-mmio) meters the same.
 */
static void read_zone(struct rails *rails, const char *name)
{
    char key[READING_TEXT_MAX] = "rapl";
    char above[SYSFS_NAME_MAX], own[48];
    struct sysfs_directory zone;
    struct reading *reading;
    int parent = READING_NONE;
    size_t used;

    if (!sysfs_at(&zone, rails->root, "/sys/class/powercap/%s", name) ||
        !sysfs_text(&zone, own, sizeof own, "name"))
        return;
    if (parent_zone(name, above)) {
        struct sysfs_directory top;
        char top_name[48];

        if (!sysfs_at(&top, rails->root, "/sys/class/powercap/%s", above) ||
            !sysfs_text(&top, top_name, sizeof top_name, "name"))
            return;
        (void)snprintf(key, sizeof key, "rapl/%s", top_name);
        reading = readings_find(&rails->readings, key);
        parent = reading == NULL ? READING_NONE : (int)(reading - rails->readings.item);
    }
    used = strlen(key);
    (void)snprintf(key + used, sizeof key - used, "/%s", own);
    reading = readings_add(&rails->readings, "%s", key);
    if (reading == NULL)
        return;
    reading->parent = parent;
    memmove(reading->label, key + strlen("rapl/"), strlen(key) - strlen("rapl/") + 1);
    worker_at(worker_self(), key);
    read_energy(reading, &zone);
}

static bool list_zones(struct rails *rails)
{
    struct sysfs_directory class;
    struct error err;

    return sysfs_at(&class, rails->root, "/sys/class/powercap") &&
           sysfs_list(&rails->names, &class, "", ZONES_MAX, &err) == STATUS_OK;
}

static bool is_zone(const struct rails *rails, const char *name)
{
    struct sysfs_directory zone;
    char file[SYSFS_PATH_MAX + 16];

    if (strchr(name, ':') == NULL || !sysfs_at(&zone, rails->root, "/sys/class/powercap/%s", name))
        return false;
    (void)snprintf(file, sizeof file, "%s/energy_uj", zone.path);
    return access(file, F_OK) == 0;
}

static bool is_first_choice(const char *name)
{
    return strncmp(name, "intel-rapl-mmio", 15) != 0;
}

static void read_zones(struct rails *rails)
{
    if (!list_zones(rails))
        return;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < rails->names.count; i++)
            if (is_first_choice(rails->names.name[i]) == (pass == 0) &&
                is_zone(rails, rails->names.name[i]))
                read_zone(rails, rails->names.name[i]);
}

/* --- hwmon --- */

struct input {
    const char *kind, *suffix;
    enum power_metric metric;
    int64_t divisor;
};

static const struct input inputs[] = {
    { "energy", "_input", POWER_ENERGY_UJ_TOTAL, 1 }, { "power", "_input", POWER_MW, UW_IN_MW },
    { "power", "_average", POWER_MW, UW_IN_MW },      { "in", "_input", POWER_VOLTAGE_MV, 1 },
    { "curr", "_input", POWER_CURRENT_MA, 1 },
};

static void read_input(struct rails *rails, const struct hwmon_chip *chip,
                       const struct input *input, int number)
{
    struct reading *reading = readings_add(&rails->readings, "hwmon/%s/%s/%s%d", chip->name,
                                           chip->device, input->kind, number);
    enum missing why = MISSING_NOT_SAMPLED, limit = MISSING_NOT_SAMPLED;
    int64_t value = 0, cap = 0;

    if (reading == NULL) /* power1_input, when there was a power1_average */
        return;
    hwmon_label(chip, input->kind, number, reading->label, sizeof reading->label);
    worker_at(worker_self(), reading->key);
    reading->bound = BOUND_UNKNOWN_MW;
    if (!chip->asleep)
        why = sysfs_number(&chip->at, &value, "%s%d%s", input->kind, number, input->suffix);
    put(reading, input->metric, why, value / input->divisor);
    if (input->metric != POWER_MW)
        return;
    if (!chip->asleep)
        limit = sysfs_number(&chip->at, &cap, "power%d_cap", number);
    put(reading, POWER_LIMIT_MW, limit, cap / UW_IN_MW);
}

static const struct input *input_of(const char *file, int *number)
{
    for (size_t i = 0; i < COUNT_OF(inputs); i++) {
        *number = hwmon_number(file, inputs[i].kind, inputs[i].suffix);
        if (*number >= 0)
            return &inputs[i];
    }
    return NULL;
}

/* A battery has a chip beside it that reads the same. */
static bool is_supply(const struct rails *rails, const struct hwmon_chip *chip)
{
    struct sysfs_directory supply;

    return sysfs_at(&supply, rails->root, "/sys/class/power_supply/%s", chip->device) &&
           access(supply.path, F_OK) == 0;
}

/* The inputs of all chips: read, or with `found` counted only. */
static void go_through_chips(struct rails *rails, struct rails_found *found)
{
    struct hwmon_chip chip;
    struct error err;

    if (hwmon_list(&rails->names, rails->root, &err) != STATUS_OK)
        return;
    for (size_t i = 0; i < rails->names.count; i++) {
        if (!hwmon_look(&chip, &rails->files, rails->root, rails->names.name[i]) ||
            is_supply(rails, &chip))
            continue;
        for (size_t k = 0; k < rails->files.count; k++) {
            int number;
            const struct input *input = input_of(rails->files.name[k], &number);

            if (input != NULL && found != NULL)
                found->others++;
            else if (input != NULL)
                read_input(rails, &chip, input, number);
        }
    }
}

/* --- batteries --- */

static void read_charge(struct reading *reading, const struct sysfs_directory *supply)
{
    static const char *const kinds[] = { "energy", "charge" };
    int64_t now = 0, full = 0;
    enum missing why;

    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (sysfs_number(supply, &now, "%s_now", kinds[i]) == MISSING_NONE &&
            sysfs_number(supply, &full, "%s_full", kinds[i]) == MISSING_NONE && full > 0) {
            put(reading, POWER_CHARGE_PPM, MISSING_NONE,
                (int64_t)((double)now / (double)full * 1e6));
            return;
        }
    }
    why = sysfs_number(supply, &now, "capacity");
    put(reading, POWER_CHARGE_PPM, why, now * PPM_IN_PERCENT);
}

/* Drivers differ in the sign of what flows; the status tells the direction. Charging is below 0. */
static int64_t directed(const char *status, int64_t value)
{
    value = value < 0 ? -value : value;
    return strcmp(status, "Charging") == 0 ? -value : value;
}

static void read_flow(struct reading *reading, const struct sysfs_directory *supply)
{
    int64_t voltage_uv = 0, current_ua = 0, power_uw = 0;
    enum missing voltage = sysfs_number(supply, &voltage_uv, "voltage_now");
    enum missing current = sysfs_number(supply, &current_ua, "current_now");
    enum missing power = sysfs_number(supply, &power_uw, "power_now");
    char status[24];

    (void)sysfs_text(supply, status, sizeof status, "status");
    if (power != MISSING_NONE && voltage == MISSING_NONE && current == MISSING_NONE) {
        power_uw = (int64_t)((double)voltage_uv * (double)current_ua / 1e6);
        power = MISSING_NONE;
    }
    put(reading, POWER_VOLTAGE_MV, voltage, voltage_uv / UV_IN_MV);
    put(reading, POWER_CURRENT_MA, current, directed(status, current_ua / 1000));
    put(reading, POWER_MW, power, directed(status, power_uw / UW_IN_MW));
}

/* Of the host: a mouse has a battery too, of scope "Device". */
static bool is_battery(const struct sysfs_directory *supply)
{
    char text[24];

    if (!sysfs_text(supply, text, sizeof text, "type") ||
        (strcmp(text, "Battery") != 0 && strcmp(text, "UPS") != 0))
        return false;
    return !sysfs_text(supply, text, sizeof text, "scope") || strcmp(text, "Device") != 0;
}

static void read_battery(struct rails *rails, const struct sysfs_directory *supply,
                         const char *name)
{
    struct reading *reading = readings_add(&rails->readings, "battery/%s", name);

    if (reading == NULL)
        return;
    (void)snprintf(reading->label, sizeof reading->label, "battery %s", name);
    worker_at(worker_self(), reading->key);
    read_charge(reading, supply);
    read_flow(reading, supply);
}

static void go_through_supplies(struct rails *rails, struct rails_found *found)
{
    struct sysfs_directory class, supply;
    struct error err;

    if (!sysfs_at(&class, rails->root, "/sys/class/power_supply") ||
        sysfs_list(&rails->names, &class, "", SUPPLIES_MAX, &err) != STATUS_OK)
        return;
    for (size_t i = 0; i < rails->names.count; i++) {
        if (!sysfs_at(&supply, class.path, "/%s", rails->names.name[i]) || !is_battery(&supply))
            continue;
        if (found != NULL)
            found->others++;
        else
            read_battery(rails, &supply, rails->names.name[i]);
    }
}

/* --- all --- */

/* By opening it, as access(2) heeds no capabilities; that reads nothing. */
static void try_zone(const struct rails *rails, const char *name, struct rails_found *found)
{
    char file[SYSFS_PATH_MAX + 16];
    struct sysfs_directory zone;
    int fd;

    if (!sysfs_at(&zone, rails->root, "/sys/class/powercap/%s", name))
        return;
    (void)snprintf(file, sizeof file, "%s/energy_uj", zone.path);
    fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
    found->energies += fd >= 0;
    found->refused += fd < 0 && (errno == EACCES || errno == EPERM);
}

void rails_look(struct rails *rails, struct rails_found *found)
{
    *found = (struct rails_found){ 0 };
    if (list_zones(rails))
        for (size_t i = 0; i < rails->names.count; i++)
            if (is_zone(rails, rails->names.name[i]))
                try_zone(rails, rails->names.name[i], found);
    go_through_chips(rails, found);
    go_through_supplies(rails, found);
}

enum status rails_read(void *self, struct error *err)
{
    struct rails *rails = self;

    (void)err;
    readings_reset(&rails->readings);
    read_zones(rails);
    go_through_chips(rails, NULL);
    go_through_supplies(rails, NULL);
    return STATUS_OK;
}

void rails_release(void *self)
{
    struct rails *rails = self;

    sysfs_names_release(&rails->names);
    sysfs_names_release(&rails->files);
    readings_release(&rails->readings);
    free(rails);
}
