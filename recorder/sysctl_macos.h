/* Single facts by sysctlbyname(3): sysctl_macos.c. */
#ifndef RECORDER_SYSCTL_MACOS_H
#define RECORDER_SYSCTL_MACOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A number of 4 or 8 bytes; false when there is none of that name. */
bool sysctl_number(const char *name, int64_t *value);
/* A text, cut to fit; false and "" when there is none. */
bool sysctl_text(const char *name, char *text, size_t size);

/*
 * Ticks of the Mach clock in a second. By hw.tbfrequency: mach_timebase_info tells translated
 * programs (Rosetta) 1/1 while the kernel goes on counting its own ticks.
 */
uint64_t sysctl_mach_hz(void);

/* Never multiplies first, which would overflow. */
static inline uint64_t mach_ns(uint64_t ticks, uint64_t hz)
{
    return ticks / hz * UINT64_C(1000000000) + ticks % hz * UINT64_C(1000000000) / hz;
}

#endif
