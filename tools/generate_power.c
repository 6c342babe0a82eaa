/*
 * A package each, and a rail "core" below it that holds most of the package's energy, which must not be
 * added to it.
 */
#include "tools/generate_power.h"

#include <stdio.h>
#include <string.h>

#include "tools/generate_truth.h"

#define IDLE_MW INT64_C(9000)
#define CORE_MW INT64_C(14000) /* of one that is busy */

void power_init(struct power *power, const struct generate_options *options, struct truth *truth)
{
    *power = (struct power){ .options = options,
                             .truth = truth,
                             .random = { options->seed ^ UINT64_C(0x706f776572) } };
}

static void announce(struct tick *tick, uint32_t slot, uint32_t parent, const char *key)
{
    struct tick_text text = tick_add_text(tick, key, strlen(key));
    struct tick_entity *entity = tick_add_entity(tick);

    if (entity != NULL)
        *entity = (struct tick_entity){
            .kind = ENTITY_RAIL, .slot = slot, .parent_slot = parent, .key = text, .label = text
        };
}

static void add_row(struct tick *tick, uint32_t slot, int64_t energy_uj, uint8_t missing_energy)
{
    int64_t *values;
    uint8_t *missing;

    if (tick_row_values(tick, TABLE_POWER, slot, tick->seq == 0 ? ROW_FIRST : 0, &values,
                        &missing) == NULL)
        return;
    values[POWER_ENERGY_UJ_TOTAL] = missing_energy == MISSING_NONE ? energy_uj : 0;
    missing[POWER_ENERGY_UJ_TOTAL] = missing_energy;
}

static void work(struct power *power, uint32_t p, const struct moment *moment, int64_t run_us)
{
    int64_t idle_mw = IDLE_MW + random_between(&power->random, -400, 400);

    power->energy_uj[p] += idle_mw * (moment->awake_ns / 1000) / 1000;
    power->energy_uj[p] += run_us / power->options->packages * CORE_MW / 1000;
    if (!power->options->missing)
        return;
    power->failing[p] = random_chance(&power->random, power->failing[p] ? 500000 : 30000);
    if (random_chance(&power->random, 6000))
        power->energy_uj[p] /= 2;
}

void power_tick(struct power *power, const struct moment *moment, int64_t run_us, struct tick *tick)
{
    const struct generate_options *o = power->options;
    int64_t ticks = o->power_interval_ns / o->interval_ns;
    bool due = ticks <= 1 || tick->seq % ticks == 0;
    char key[32];

    if (moment->session_first)
        memset(power->energy_uj, 0, sizeof power->energy_uj);
    if (due && o->packages > 0)
        tick_sampled(tick, TABLE_POWER);
    for (uint32_t p = 0; p < (uint32_t)o->packages; p++) {
        uint8_t missing;

        work(power, p, moment, run_us);
        if (tick->seq == 0) {
            (void)snprintf(key, sizeof key, "rapl/package-%u", (unsigned)p);
            announce(tick, 2 * p, UINT32_MAX, key);
            (void)snprintf(key, sizeof key, "rapl/package-%u/core", (unsigned)p);
            announce(tick, 2 * p + 1, 2 * p, key);
        }
        if (!due)
            continue;
        missing = power->failing[p] ? MISSING_FAILED : MISSING_NONE;
        add_row(tick, 2 * p, power->energy_uj[p], missing);
        add_row(tick, 2 * p + 1, power->energy_uj[p] / 4 * 3, MISSING_NONE);
        if (power->truth != NULL)
            truth_power(power->truth, moment->index, p, power->energy_uj[p], missing);
    }
}
