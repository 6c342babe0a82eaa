/*
 * Numbers and times as text, fast and without a locale.
 *
 * Every put writes at `out`, never a terminating NUL, and returns the end of what it wrote. The
 * caller has made room: DECIMAL_ROOM bytes are enough for any of them.
 */
#ifndef ANALYZER_DECIMAL_H
#define ANALYZER_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "analyzer/calendar.h"

#define DECIMAL_ROOM 48
#define DECIMAL_RFC3339_SIZE 30 /* 2026-11-20T14:03:05.123456789Z */
#define DECIMAL_CLOCK_SIZE 20   /* 2026-11-20T14:03:05. */
#define DECIMAL_EPOCH_ROOM 24   /* digits of a second since 1970, and what their writing takes */

extern const char decimal_pairs[201]; /* "00" "01" ... "99" */
extern const uint64_t decimal_powers[20];

/* Remembers the second written last; zero-initialised is ready. */
struct decimal_clock {
    bool set;
    int64_t second;
    int64_t day;
    char text[DECIMAL_CLOCK_SIZE];
    unsigned epoch_size; /* of the second since 1970; 0: it is before */
    char epoch[DECIMAL_EPOCH_ROOM];
};

/* Bring the texts to another second; the date is worked out only when the day changes. */
void decimal_clock_move(struct decimal_clock *clock, int64_t second);

/*
 * Write value * 10^exponent exactly: "1.5", "2", "-0.000001"; a fraction never ends in zeros.
 *
 *   units   exponent from -19 to 19
 */
char *decimal_put_scaled(char *out, int64_t value, int exponent);

/* Write a finite number so that strtod() reads the same one back; -0 is "0". */
char *decimal_put_real(char *out, double value);

/* Write a finite number with `digits` (0..9) digits after the dot, rounded half away from zero. */
char *decimal_put_fixed(char *out, double value, unsigned digits);

static inline unsigned decimal_digits(uint64_t value)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    unsigned low = bits * 1233 >> 12; /* log10(2) is about 1233 / 4096 */

    return low + ((value | 1) >= decimal_powers[low]);
}

/*
 * Eight digits of a value below 10^8: fours, then pairs, then digits side by side in one word, each
 * divided by a multiplication with its inverse.
 */
static inline void decimal_put_eight(char *out, uint64_t value)
{
    uint64_t digits = value / 10000 | value % 10000 << 32, high;

    high = digits * 10486 >> 20 & UINT64_C(0x0000007f0000007f);
    digits = high | (digits - 100 * high) << 16;
    high = digits * 103 >> 10 & UINT64_C(0x000f000f000f000f);
    digits = high | (digits - 10 * high) << 8;
    digits += UINT64_C(0x3030303030303030);
    out[0] = (char)digits; /* written out, compilers make one store of them */
    out[1] = (char)(digits >> 8);
    out[2] = (char)(digits >> 16);
    out[3] = (char)(digits >> 24);
    out[4] = (char)(digits >> 32);
    out[5] = (char)(digits >> 40);
    out[6] = (char)(digits >> 48);
    out[7] = (char)(digits >> 56);
}

/* The last `count` digits, with leading zeros. */
static inline char *decimal_put_padded(char *out, uint64_t value, unsigned count)
{
    char *at = out + count;

    while (at - out >= 8) {
        at -= 8;
        decimal_put_eight(at, value % 100000000);
        value /= 100000000;
    }
    while (at - out >= 4) { /* four at a time: two divisions that do not wait for each other */
        unsigned four = (unsigned)(value % 10000);

        at -= 4;
        memcpy(at, &decimal_pairs[four / 100 * 2], 2);
        memcpy(at + 2, &decimal_pairs[four % 100 * 2], 2);
        value /= 10000;
    }
    if (at - out >= 2) {
        at -= 2;
        memcpy(at, &decimal_pairs[value % 100 * 2], 2);
        value /= 100;
    }
    if (at > out)
        *out = (char)('0' + value % 10);
    return out + count;
}

/*
 * Eight digits of a value below 10^8, as bytes from 0 to 9, the first lowest: halves of four, of two,
 * and of one digit are parted side by side, by products instead of divisions.
 */
static inline uint64_t decimal_eight(uint64_t value)
{
    uint64_t fours = value / 10000 | value % 10000 << 32;
    uint64_t high = (fours * 10486 >> 20) & UINT64_C(0x0000007f0000007f);
    uint64_t twos = high | (fours - 100 * high) << 16;
    uint64_t tens = (twos * 103 >> 10) & UINT64_C(0x000f000f000f000f);

    return tens | (twos - 10 * tens) << 8;
}

#define DECIMAL_ZEROS UINT64_C(0x3030303030303030) /* "00000000" */

/* Writes up to 8 bytes behind what it returns, as there is DECIMAL_ROOM. */
static inline char *decimal_put_u64(char *out, uint64_t value)
{
    uint64_t digits, rest = 0;
    unsigned zeros;

    if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__ || value >= UINT64_C(10000000000000000))
        return decimal_put_padded(out, value, decimal_digits(value));
    if (value >= 100000000) {
        rest = value % 100000000;
        value /= 100000000;
        digits = decimal_eight(value);
        zeros = (unsigned)__builtin_ctzll(digits) / 8; /* the first digit is not 0 */
        digits = (digits | DECIMAL_ZEROS) >> zeros * 8;
        memcpy(out, &digits, 8);
        out += 8 - zeros;
        digits = decimal_eight(rest) | DECIMAL_ZEROS;
        memcpy(out, &digits, 8);
        return out + 8;
    }
    digits = decimal_eight(value);
    zeros = (unsigned)__builtin_ctzll(digits | UINT64_C(1) << 56) / 8; /* but for the last */
    digits = (digits | DECIMAL_ZEROS) >> zeros * 8;
    memcpy(out, &digits, 8);
    return out + 8 - zeros;
}

/* |value|, also of INT64_MIN. */
static inline uint64_t decimal_magnitude(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

static inline char *decimal_put_i64(char *out, int64_t value)
{
    if (value < 0)
        *out++ = '-';
    return decimal_put_u64(out, decimal_magnitude(value));
}

/* RFC 3339 in UTC with nine fraction digits: always DECIMAL_RFC3339_SIZE bytes. */
static inline char *decimal_put_rfc3339(struct decimal_clock *clock, char *out, int64_t ns)
{
    int64_t second = calendar_floor(ns, CALENDAR_SECOND_NS);
    uint64_t fraction = (uint64_t)ns - (uint64_t)second * (uint64_t)CALENDAR_SECOND_NS;

    if (second != clock->second || !clock->set)
        decimal_clock_move(clock, second);
    memcpy(out, clock->text, DECIMAL_CLOCK_SIZE);
    out = decimal_put_padded(out + DECIMAL_CLOCK_SIZE, fraction, 9);
    *out = 'Z';
    return out + 1;
}

#endif
