/*
 * The System Management Controller: sensors behind keys of four letters. Its protocol is in no public header, and all
 * of it is behind this. Only reading is done, which everybody may.
 */
#ifndef RECORDER_SMC_MACOS_H
#define RECORDER_SMC_MACOS_H

#include <stdbool.h>
#include <stdint.h>

#include "schema/error.h"

struct smc; /* one connection; used by one thread at a time */

/* A key that is there, and how it is read: asked for once. */
struct smc_key {
    uint32_t key, type, size;
};

/* errors  ABSENT: there is none, or it refuses; NO_MEMORY */
MUST_USE enum status smc_open(struct smc **opened, struct error *err);
/* Accepts NULL. */
void smc_close(struct smc *smc);

/* 0: it does not tell. */
uint32_t smc_count(struct smc *smc);
/* The key at a place below that; 0: it cannot be told. */
uint32_t smc_key_at(struct smc *smc, uint32_t place);
/* False: there is no such key. */
bool smc_find(struct smc *smc, uint32_t key, struct smc_key *found);
/* Thousandths; false: it cannot be read, or is no number. */
bool smc_read(struct smc *smc, const struct smc_key *key, int64_t *milli);

#endif
