/* See smc_value.h. */
#include "recorder/collectors/smc_value.h"

#include <math.h>
#include <string.h>

static const double most = 1e12;

static uint32_t big_endian(const uint8_t *bytes, size_t size)
{
    uint32_t value = 0;

    for (size_t i = 0; i < size; i++)
        value = value << 8 | bytes[i];
    return value;
}

static bool float_of(const uint8_t *bytes, int64_t *milli)
{
    uint32_t bits = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
                    (uint32_t)bytes[3] << 24;
    float value;

    memcpy(&value, &bits, sizeof value);
    if (!isfinite(value) || fabs((double)value) > most)
        return false;
    *milli = (int64_t)llround((double)value * 1000);
    return true;
}

bool smc_value_milli(uint32_t type, const uint8_t *bytes, size_t size, int64_t *milli)
{
    uint32_t raw;

    if (type == SMC_KEY('f', 'l', 't', ' '))
        return size == 4 && float_of(bytes, milli);
    if (size < 1 || size > 4)
        return false;
    raw = big_endian(bytes, size);
    if (type == SMC_KEY('s', 'p', '7', '8') && size == 2)
        *milli = (int64_t)(int16_t)raw * 1000 / 256;
    else if (type == SMC_KEY('f', 'p', 'e', '2') && size == 2)
        *milli = (int64_t)raw * 1000 / 4;
    else if ((type == SMC_KEY('u', 'i', '8', ' ') && size == 1) ||
             (type == SMC_KEY('u', 'i', '1', '6') && size == 2) ||
             (type == SMC_KEY('u', 'i', '3', '2') && size == 4))
        *milli = (int64_t)raw * 1000;
    else
        return false;
    return true;
}

enum smc_kind smc_kind_of(uint32_t key)
{
    if (key == SMC_KEY('T', 'G', 'D', 'D') || key == SMC_KEY('T', 'C', 'G', 'C'))
        return SMC_GPU_HEAT;
    switch (key >> 16) {
    case 'T' << 8 | 'p':
    case 'T' << 8 | 'e':
    case 'T' << 8 | 's':
        return SMC_CPU_HEAT;
    case 'T' << 8 | 'g':
        return SMC_GPU_HEAT;
    default:
        return SMC_NOTHING;
    }
}
