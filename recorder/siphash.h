/* SipHash-2-4: a short keyed hash that cannot be reversed or predicted without the key. */
#ifndef RECORDER_SIPHASH_H
#define RECORDER_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012. */
uint64_t siphash(const uint64_t key[2], const void *data, size_t size);

#endif
