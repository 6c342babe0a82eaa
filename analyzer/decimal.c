/* Numbers and times as text: what is too long or too rare to be inline. */
#include "analyzer/decimal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Above this the product with a power of ten could leave int64_t. */
#define FIXED_LIMIT 9e18
#define REAL_INTEGER_LIMIT 9007199254740992.0 /* 2^53: every integer below has its own double */

const char decimal_pairs[201] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";

const uint64_t decimal_powers[20] = {
    UINT64_C(1),
    UINT64_C(10),
    UINT64_C(100),
    UINT64_C(1000),
    UINT64_C(10000),
    UINT64_C(100000),
    UINT64_C(1000000),
    UINT64_C(10000000),
    UINT64_C(100000000),
    UINT64_C(1000000000),
    UINT64_C(10000000000),
    UINT64_C(100000000000),
    UINT64_C(1000000000000),
    UINT64_C(10000000000000),
    UINT64_C(100000000000000),
    UINT64_C(1000000000000000),
    UINT64_C(10000000000000000),
    UINT64_C(100000000000000000),
    UINT64_C(1000000000000000000),
    UINT64_C(10000000000000000000),
};

/* int64 nanoseconds reach from 1677 to 2262, so a year always has four digits. */
static void put_date(char *out, int64_t day)
{
    struct calendar_date date = calendar_date(day);

    out = decimal_put_padded(out, (uint64_t)date.year, 4);
    *out++ = '-';
    out = decimal_put_padded(out, (uint64_t)date.month, 2);
    *out++ = '-';
    out = decimal_put_padded(out, (uint64_t)date.day, 2);
    *out = 'T';
}

static void put_epoch(struct decimal_clock *clock, int64_t second)
{
    char *end = clock->epoch;

    if (second > 0)
        end = decimal_put_u64(clock->epoch, (uint64_t)second);
    clock->epoch_size = (unsigned)(end - clock->epoch);
}

/* The next second mostly is another last digit. */
static bool move_to_next(struct decimal_clock *clock)
{
    char *of_minute = &clock->text[DECIMAL_CLOCK_SIZE - 2];
    char *of_epoch = &clock->epoch[clock->epoch_size - 1];

    if (clock->epoch_size == 0 || *of_minute == '9' || *of_epoch == '9')
        return false;
    ++*of_minute;
    ++*of_epoch;
    clock->second++;
    return true;
}

void decimal_clock_move(struct decimal_clock *clock, int64_t second)
{
    int64_t day;
    uint64_t of_day;
    char *out = clock->text + 11;

    if (clock->set && second == clock->second + 1 && move_to_next(clock))
        return;
    day = calendar_floor(second, CALENDAR_DAY_S);
    of_day = (uint64_t)(second - day * CALENDAR_DAY_S);
    if (day != clock->day || !clock->set)
        put_date(clock->text, day);
    out = decimal_put_padded(out, of_day / 3600, 2);
    *out++ = ':';
    out = decimal_put_padded(out, of_day / 60 % 60, 2);
    *out++ = ':';
    out = decimal_put_padded(out, of_day % 60, 2);
    *out = '.';
    put_epoch(clock, second);
    clock->set = true;
    clock->day = day;
    clock->second = second;
}

char *decimal_put_scaled(char *out, int64_t value, int exponent)
{
    uint64_t magnitude = decimal_magnitude(value);
    unsigned fraction = exponent < 0 ? (unsigned)-exponent : 0;

    if (value < 0)
        *out++ = '-';
    if (magnitude == 0 || exponent >= 0) {
        out = decimal_put_u64(out, magnitude);
        for (; magnitude != 0 && exponent > 0; exponent--)
            *out++ = '0';
        return out;
    }
    while (fraction > 0 && magnitude % 10 == 0) {
        magnitude /= 10;
        fraction--;
    }
    out = decimal_put_u64(out, magnitude / decimal_powers[fraction]);
    if (fraction == 0)
        return out;
    *out++ = '.';
    return decimal_put_padded(out, magnitude % decimal_powers[fraction], fraction);
}

/* Copy what printf made of a number; a locale's decimal point, of any length, becomes a dot. */
static char *put_without_locale(char *out, const char *text)
{
    bool dot = false;

    for (; *text != '\0'; text++) {
        bool ours = strchr("0123456789+-e", *text) != NULL;

        if (ours || !dot)
            *out++ = ours ? *text : '.';
        dot = dot || !ours;
    }
    return out;
}

char *decimal_put_real(char *out, double value)
{
    char text[DECIMAL_ROOM];

    if (fabs(value) < REAL_INTEGER_LIMIT && trunc(value) == value)
        return decimal_put_i64(out, (int64_t)value);
    for (int precision = 15; precision <= 17; precision++) {
        (void)snprintf(text, sizeof text, "%.*g", precision, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return put_without_locale(out, text);
}

char *decimal_put_fixed(char *out, double value, unsigned digits)
{
    double scaled = round(fabs(value) * (double)decimal_powers[digits]);
    uint64_t units;

    if (!(scaled < FIXED_LIMIT))
        return decimal_put_real(out, value);
    units = (uint64_t)scaled;
    if (value < 0 && units != 0)
        *out++ = '-';
    out = decimal_put_u64(out, units / decimal_powers[digits]);
    if (digits == 0)
        return out;
    *out++ = '.';
    return decimal_put_padded(out, units % decimal_powers[digits], digits);
}
