/* CPU packages of a made-up host that count energy, and what else rails tell. */
#ifndef TOOLS_GENERATE_POWER_H
#define TOOLS_GENERATE_POWER_H

#include <stdint.h>

#include "schema/tick.h"
#include "tools/generate_options.h"
#include "tools/generate_process.h"
#include "tools/generate_random.h"

enum { PACKAGES_MAX = 4 };

struct power {
    const struct generate_options *options;
    struct truth *truth;
    struct random_source random;
    int64_t energy_uj[PACKAGES_MAX]; /* since recording began */
    bool failing[PACKAGES_MAX];
};

void power_init(struct power *power, const struct generate_options *options, struct truth *truth);

/* Use energy for what processes ran in this tick, and add the rows if they are due. */
void power_tick(struct power *power, const struct moment *moment, int64_t run_us,
                struct tick *tick);

#endif
