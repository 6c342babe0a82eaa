/* See frequency_table.h. */
#include "recorder/collectors/frequency_table.h"

#include "recorder/collectors/ioreport_name.h"

enum { PAIR_SIZE = 8, CLUSTER_SIZE = 8 };

static const int64_t least_hz = 100000000, least_khz = 100000, hz_per_khz = 1000;

static int64_t word(const uint8_t *bytes)
{
    return (int64_t)((uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
                     (uint32_t)bytes[3] << 24);
}

/* 0: it is too low to be any. */
static int64_t hz_of(int64_t told)
{
    if (told >= least_hz)
        return told;
    return told >= least_khz ? told * hz_per_khz : 0;
}

void frequency_table_parse(const uint8_t *bytes, size_t size, struct frequency_table *table)
{
    *table = (struct frequency_table){ .count = 0 };
    if (size % PAIR_SIZE != 0)
        return;
    for (size_t at = 0; at < size; at += PAIR_SIZE) {
        int64_t told = word(bytes + at), hz = hz_of(told);

        if (told == 0) /* off */
            continue;
        if (hz == 0 || table->count == FREQUENCIES_MAX) {
            table->count = 0;
            return;
        }
        table->hz[table->count++] = hz;
    }
}

size_t frequency_clusters_parse(const uint8_t *bytes, size_t size,
                                struct frequency_cluster cluster[CLUSTERS_MAX])
{
    size_t count = 0;

    if (size % CLUSTER_SIZE != 0)
        return 0;
    for (size_t at = 0; at < size && count < CLUSTERS_MAX; at += CLUSTER_SIZE)
        cluster[count++] = (struct frequency_cluster){ bytes[at], bytes[at + 1] };
    return count;
}

enum missing frequency_mean(const struct frequency_state state[], size_t count,
                            const struct frequency_table *table, int64_t *hz)
{
    __extension__ typedef __int128 wide;
    wide sum = 0, active = 0;
    size_t place = 0;

    for (size_t i = 0; i < count; i++) {
        int64_t spent;

        if (__builtin_sub_overflow(state[i].now, state[i].before, &spent) || spent < 0)
            return MISSING_FAILED;
        if (state[i].name[0] == '\0')
            return MISSING_UNSUPPORTED;
        if (ioreport_state_is_idle(state[i].name))
            continue;
        if (place == table->count)
            return MISSING_UNSUPPORTED;
        sum += (wide)spent * table->hz[place++];
        active += spent;
    }
    if (place == 0 || place != table->count)
        return MISSING_UNSUPPORTED;
    if (active == 0)
        return MISSING_NOT_THERE;
    *hz = (int64_t)(sum / active);
    return MISSING_NONE;
}
