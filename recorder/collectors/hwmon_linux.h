/* The chips of /sys/class/hwmon and their inputs (Documentation/hwmon/sysfs-interface.rst). */
#ifndef RECORDER_HWMON_LINUX_H
#define RECORDER_HWMON_LINUX_H

#include <stdbool.h>

#include "recorder/collectors/sysfs_linux.h"

enum { HWMON_CHIPS_MAX = 512, HWMON_FILES_MAX = 2048 };

struct hwmon_chip {
    struct sysfs_directory at;   /* of its inputs */
    char name[SYSFS_NAME_MAX];   /* "coretemp" */
    char device[SYSFS_NAME_MAX]; /* "coretemp.0"; without one, "hwmon3" */
    bool asleep;                 /* reading it would wake it */
};

/* Names of all chips. ABSENT, IO, NO_MEMORY as sysfs_list. */
MUST_USE enum status hwmon_list(struct sysfs_names *chips, const char *root, struct error *err);
/* Look at a chip; its files are in `files`. False: it is gone, or there is no memory. */
bool hwmon_look(struct hwmon_chip *chip, struct sysfs_names *files, const char *root,
                const char *name);
/* The number of a file PREFIX<number>SUFFIX, as in temp1_input; -1 for any other. */
int hwmon_number(const char *file, const char *prefix, const char *suffix);
/* What an input is called: "CHIP LABEL", or "CHIP temp1" where it has no label. */
void hwmon_label(const struct hwmon_chip *chip, const char *kind, int number, char *text,
                 size_t room);

#endif
