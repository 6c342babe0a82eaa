/*
 * What processes had counted when an earlier session of the same boot ended: a new session knows
 * nothing before its first sample, but the kernel's counters went on.
 */
#ifndef ANALYZER_CARRY_H
#define ANALYZER_CARRY_H

#include "schema/recording.h"

struct carry_value {
    int64_t key[2]; /* of the series */
    int64_t value;
    size_t age; /* sessions ago: the nearest counts */
};

/* Zero-initialised is empty. */
struct carry {
    bool loaded;
    size_t session; /* before which the values were read */
    struct carry_value *values;
    size_t count, size;
};

/*
 * Read the last values of one metric of a table from the sessions of the same boot before
 * `session`; does nothing when they are loaded already.
 */
MUST_USE enum status carry_load(struct carry *carry, struct recording *recording,
                                const struct recording_table *table, size_t position,
                                size_t session, struct error *err);
bool carry_find(const struct carry *carry, const int64_t key[2], int64_t *value);
void carry_release(struct carry *carry);

#endif
