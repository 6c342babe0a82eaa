/* Quantities for people. Rounding comes before the choice of the unit: never "1024.0 KiB". */
#include "analyzer/human.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/calendar.h"
#include "analyzer/decimal.h"
#include "schema/error.h"

#define COUNT_EXACT_BELOW 100000.0
#define SECONDS_LIMIT 9e15

static char *put_text(char *out, const char *text)
{
    size_t size = strlen(text);

    memcpy(out, text, size);
    return out + size;
}

/* Divide by `step` until one digit after the dot shows less than `step`. */
static char *put_stepped(char *out, double value, double step, const char *const units[],
                         size_t count)
{
    size_t unit = 0;

    while (unit + 1 < count && round(fabs(value) * 10) >= step * 10) {
        value /= step;
        unit++;
    }
    out = decimal_put_fixed(out, value, unit == 0 ? 0 : 1);
    return put_text(out, units[unit]);
}

char *human_put_bytes(char *out, double bytes)
{
    static const char *const units[] = { " B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB" };

    return put_stepped(out, bytes, 1024, units, COUNT_OF(units));
}

char *human_put_count(char *out, double count)
{
    static const char *const units[] = { "", " k", " M", " G", " T", " P", " E" };

    if (fabs(count) < COUNT_EXACT_BELOW)
        return decimal_put_fixed(out, count, trunc(count) == count ? 0 : 1);
    return put_stepped(out, count, 1000, units, COUNT_OF(units));
}

char *human_put_watts(char *out, double watts)
{
    return put_text(decimal_put_fixed(out, watts, 1), " W");
}

char *human_put_joules(char *out, double joules)
{
    static const char *const units[] = { " J", " kJ", " MJ", " GJ", " TJ", " PJ", " EJ" };

    if (round(fabs(joules) * 10) < 10000)
        return put_text(decimal_put_fixed(out, joules, 1), " J");
    return put_stepped(out, joules, 1000, units, COUNT_OF(units));
}

char *human_put_percent(char *out, double percent)
{
    return decimal_put_fixed(out, percent, 1);
}

/* "3 h 02 m": a count of the larger unit and two digits of the smaller. */
static char *put_pair(char *out, uint64_t total, uint64_t ratio, const char *large,
                      const char *small)
{
    out = put_text(decimal_put_u64(out, total / ratio), large);
    return put_text(decimal_put_padded(out, total % ratio, 2), small);
}

char *human_put_seconds(char *out, double seconds)
{
    double size = fabs(seconds);

    if (size >= SECONDS_LIMIT)
        return put_text(decimal_put_real(out, seconds), " s");
    if (size == 0)
        return put_text(out, "0 s");
    if (seconds < 0)
        *out++ = '-';
    if (round(size * 1e7) < 10000)
        return put_text(decimal_put_fixed(out, size * 1e6, 1), " us");
    if (round(size * 1e4) < 1000)
        return put_text(decimal_put_fixed(out, size * 1e3, 1), " ms");
    if (round(size * 100) < 6000)
        return put_text(decimal_put_fixed(out, size, 2), " s");
    if (round(size) < 3600)
        return put_pair(out, (uint64_t)round(size), 60, " m ", " s");
    if (round(size / 60) < 24 * 60)
        return put_pair(out, (uint64_t)round(size / 60), 60, " h ", " m");
    return put_pair(out, (uint64_t)round(size / 3600), 24, " d ", " h");
}

char *human_put_time(char *out, const struct zone *zone, int64_t utc_ns)
{
    int64_t second = calendar_floor(utc_ns, CALENDAR_SECOND_NS) + zone_offset(zone, utc_ns);
    struct decimal_clock clock = { 0 };

    decimal_clock_move(&clock, second);
    clock.text[10] = ' ';
    memcpy(out, clock.text, 19);
    return out + 19;
}

void human_put_unit(char *text, size_t size, double amount, const char *unit)
{
    char number[HUMAN_ROOM];
    bool bytes = strncmp(unit, "bytes", 5) == 0;

    if (bytes)
        *human_put_bytes(number, amount) = '\0';
    else if (amount != 0 && fabs(amount) < 10 && amount != trunc(amount))
        (void)snprintf(number, sizeof number, "%.*f", fabs(amount) < 0.1 ? 3 : 2, amount);
    else
        *human_put_count(number, amount) = '\0';
    (void)snprintf(text, size, "%s%s%s", number,
                   unit[0] == '/' || bytes || unit[0] == '\0' ? "" : " ",
                   bytes ? unit + strlen("bytes") : unit);
}
