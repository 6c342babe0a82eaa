/*
 * Wraps undone. The kernel's range (max_energy_range_uj) is that of the hardware's 32 bits rounded down to
 * microjoules, so a wrap may be off by one unit of the hardware: 61 uJ in 262 kJ.
 */
#include "recorder/collectors/energy.h"

/* 1 mW for 1 ns is 1e-6 uJ. A bound: its rounding does not matter. */
static double most_uj(const struct energy *energy, int64_t now_ns, int64_t most_mw)
{
    return (double)(now_ns - energy->last_ns) * (double)most_mw / 1e6;
}

/* What was used since the last reading; false when that cannot be told. */
static bool increase(const struct energy *energy, int64_t read_uj, double most, int64_t range_uj,
                     int64_t *increase_uj)
{
    if (range_uj > 0 && most >= (double)range_uj)
        return false;
    *increase_uj = read_uj - energy->last_uj;
    if (*increase_uj >= 0)
        return true;
    *increase_uj += range_uj;
    return range_uj > 0 && energy->last_uj <= range_uj && *increase_uj >= 0 &&
           (double)*increase_uj <= most;
}

int64_t energy_read(struct energy *energy, int64_t read_uj, int64_t now_ns, int64_t range_uj,
                    int64_t most_mw)
{
    int64_t increase_uj = 0;

    if (!energy->known)
        energy->total_uj = 0;
    else if (increase(energy, read_uj, most_uj(energy, now_ns, most_mw), range_uj, &increase_uj))
        energy->total_uj += increase_uj;
    else /* lower than before, also than the 0 of the first reading */
        energy->total_uj = energy->total_uj > 0 ? 0 : energy->total_uj - 1;
    energy->known = true;
    energy->last_uj = read_uj;
    energy->last_ns = now_ns;
    return energy->total_uj;
}
