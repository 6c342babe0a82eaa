/*
 * What a Mac's chip calls things: a text as the name of a channel, a unit, a state and a creator; bytes as a table of
 * frequencies, a list of clusters and a sensor's value. Nothing that comes out may be below 0 or out of its table.
 */
#include "tests/fuzz/fuzz_input.h"

#include <stdlib.h>
#include <string.h>

#include "recorder/collectors/frequency_table.h"
#include "recorder/collectors/gpu_creator.h"
#include "recorder/collectors/ioreport_name.h"
#include "recorder/collectors/smc_value.h"

enum { TEXT_MOST = 256 };

static void name_things(const char *text)
{
    struct ioreport_core core = { 0 };
    int64_t uj = 0;

    if (ioreport_energy_uj(text, INT64_MAX / 3, &uj) == MISSING_NONE && uj < 0)
        abort();
    if (ioreport_core_of(text, &core) &&
        (core.die < 0 || core.cluster < 0 || core.core < 0 || strchr("EMP", core.tier) == NULL))
        abort();
    (void)ioreport_rail_of(text);
    if (gpu_creator_pid(text) < -1)
        abort();
}

static void read_table(const uint8_t *data, size_t size, const char *name)
{
    struct frequency_state state[FREQUENCIES_MAX];
    struct frequency_cluster cluster[CLUSTERS_MAX];
    struct frequency_table table;
    size_t count = size < FREQUENCIES_MAX ? size : FREQUENCIES_MAX;
    int64_t hz = 0, milli;

    frequency_table_parse(data, size, &table);
    for (size_t i = 0; i < table.count; i++)
        if (table.hz[i] < 100000000)
            abort();
    if (frequency_clusters_parse(data, size, cluster) > CLUSTERS_MAX)
        abort();
    for (size_t i = 0; i < count; i++)
        state[i] = (struct frequency_state){ i % 3 == 0 ? "IDLE" : name, -(int64_t)data[i],
                                             (int64_t)((uint64_t)data[i] << (i % 64)) };
    if (frequency_mean(state, count, &table, &hz) == MISSING_NONE && hz < 100000000)
        abort();
    (void)smc_value_milli(SMC_KEY('f', 'l', 't', ' '), data, size, &milli);
    (void)smc_value_milli(SMC_KEY('s', 'p', '7', '8'), data, size, &milli);
    (void)smc_value_milli(SMC_KEY('u', 'i', '3', '2'), data, size, &milli);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[TEXT_MOST] = "";

    memcpy(text, data, size < sizeof text ? size : sizeof text - 1);
    name_things(text);
    read_table(data, size, text);
    return 0;
}
