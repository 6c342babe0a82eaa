/* Chips that measure: temperatures, fans, voltages, currents, power, energy. */
#include "recorder/collectors/hwmon_linux.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MAX = 9999 };

enum status hwmon_list(struct sysfs_names *chips, const char *root, struct error *err)
{
    struct sysfs_directory class;

    if (!sysfs_at(&class, root, "/sys/class/hwmon"))
        return error_set(err, STATUS_INVALID, "path too long");
    return sysfs_list(chips, &class, "hwmon", HWMON_CHIPS_MAX, err);
}

static bool has_inputs(const struct sysfs_names *files)
{
    for (size_t i = 0; i < files->count; i++) {
        const char *suffix = strrchr(files->name[i], '_');

        if (suffix != NULL && (strcmp(suffix, "_input") == 0 || strcmp(suffix, "_average") == 0))
            return true;
    }
    return false;
}

/* Until Linux 3.13 most drivers had their files in the device's directory. */
static bool list_files(struct hwmon_chip *chip, struct sysfs_names *files, const char *root,
                       const char *name)
{
    struct error err;

    if (!sysfs_at(&chip->at, root, "/sys/class/hwmon/%s", name) ||
        sysfs_list(files, &chip->at, "", HWMON_FILES_MAX, &err) != STATUS_OK)
        return false;
    if (has_inputs(files))
        return true;
    return sysfs_at(&chip->at, root, "/sys/class/hwmon/%s/device", name) &&
           sysfs_list(files, &chip->at, "", HWMON_FILES_MAX, &err) == STATUS_OK;
}

bool hwmon_look(struct hwmon_chip *chip, struct sysfs_names *files, const char *root,
                const char *name)
{
    struct sysfs_directory top;
    char status[16];

    if (!sysfs_at(&top, root, "/sys/class/hwmon/%s", name) || !list_files(chip, files, root, name))
        return false;
    if (!sysfs_text(&top, chip->name, sizeof chip->name, "name") &&
        !sysfs_text(&chip->at, chip->name, sizeof chip->name, "name"))
        (void)snprintf(chip->name, sizeof chip->name, "%s", name);
    if (!sysfs_link(&top, chip->device, sizeof chip->device, "device"))
        (void)snprintf(chip->device, sizeof chip->device, "%s", name);
    /* The power management of a GPU or disk would wake it for the reading. */
    chip->asleep = sysfs_text(&top, status, sizeof status, "device/power/runtime_status") &&
                   strcmp(status, "suspended") == 0;
    return true;
}

int hwmon_number(const char *file, const char *prefix, const char *suffix)
{
    size_t size = strlen(prefix);
    char *end;
    long number;

    if (strncmp(file, prefix, size) != 0 || file[size] < '0' || file[size] > '9')
        return -1;
    number = strtol(file + size, &end, 10);
    return strcmp(end, suffix) == 0 && number <= NUMBER_MAX ? (int)number : -1;
}

void hwmon_label(const struct hwmon_chip *chip, const char *kind, int number, char *text,
                 size_t room)
{
    char label[48];

    if (sysfs_text(&chip->at, label, sizeof label, "%s%d_label", kind, number))
        (void)snprintf(text, room, "%s %s", chip->name, label);
    else
        (void)snprintf(text, room, "%s %s%d", chip->name, kind, number);
}
