/*
 * The rails of a host, as powercap, hwmon and power_supply of sysfs tell of them, read at one go by a
 * worker. Values are by enum power_metric; energy is as read, with `range` where it wraps (uJ, 0: never)
 * and `bound`, more than which the rail cannot take (mW).
 */
#ifndef RECORDER_RAILS_LINUX_H
#define RECORDER_RAILS_LINUX_H

#include "recorder/collectors/readings.h"
#include "recorder/collectors/sysfs_linux.h"

struct rails {
    char root[SYSFS_PATH_MAX];
    struct sysfs_names names, files;
    struct readings readings;
};

/* What there is, without a reading that may block. */
struct rails_found {
    size_t energies; /* zones of powercap whose energy we may read */
    size_t refused;  /* and may not */
    size_t others;   /* power sensors of hwmon, batteries */
};
void rails_look(struct rails *rails, struct rails_found *found);

/* For struct worker_job. */
enum status rails_read(void *self, struct error *err);
void rails_release(void *self);

#endif
