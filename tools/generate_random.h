/*
 * Random numbers that depend on nothing but the seed: integers only, so that every compiler and
 * C library makes the same recording.
 *
 *   source  splitmix64, Steele, Lea, Flood: "Fast splittable pseudorandom number generators"
 */
#ifndef TOOLS_GENERATE_RANDOM_H
#define TOOLS_GENERATE_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random_source {
    uint64_t state;
};

static inline uint64_t random_next(struct random_source *random)
{
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* 0 .. limit - 1; limit below 2^32 */
static inline int64_t random_below(struct random_source *random, int64_t limit)
{
    return (int64_t)((random_next(random) >> 32) * (uint64_t)limit >> 32);
}

/* low .. high, both included; any distance */
static inline int64_t random_between(struct random_source *random, int64_t low, int64_t high)
{
    return low + (int64_t)(random_next(random) % (uint64_t)(high - low + 1));
}

static inline bool random_chance(struct random_source *random, int64_t ppm)
{
    return random_below(random, 1000000) < ppm;
}

/* About log2(value) * 65536, straight between the powers of two; value at least 1. */
static inline int64_t random_log2(int64_t value)
{
    int bits = 63 - __builtin_clzll((uint64_t)value);
    uint64_t fraction =
        bits >= 16 ? (uint64_t)value >> (bits - 16) : (uint64_t)value << (16 - bits);

    return ((int64_t)bits << 16) + (int64_t)(fraction & 0xffff);
}

static inline int64_t random_exp2(int64_t log2)
{
    int64_t bits = log2 >> 16;
    int64_t fraction = 65536 + (log2 & 0xffff);

    return bits >= 16 ? fraction << (bits - 16) : fraction >> (16 - bits);
}

/* Evenly spread over the orders of magnitude from low to high. */
static inline int64_t random_log_between(struct random_source *random, int64_t low, int64_t high)
{
    return random_exp2(random_between(random, random_log2(low), random_log2(high)));
}

/* The same, but the middle is more likely than the ends: much like log-normal. */
static inline int64_t random_log_middle(struct random_source *random, int64_t low, int64_t high)
{
    int64_t from = random_log2(low), to = random_log2(high);

    return random_exp2((random_between(random, from, to) + random_between(random, from, to) +
                        random_between(random, from, to)) /
                       3);
}

#endif
