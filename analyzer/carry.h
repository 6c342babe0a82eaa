/*
 * What processes had used when the session before ended: the same process of the same boot goes
 * on in the next session, and what it used in between is told apart as used in a gap.
 */
#ifndef ANALYZER_CARRY_H
#define ANALYZER_CARRY_H

#include "schema/recording.h"

struct carried {
    int64_t process_id;
    int64_t value; /* stored units */
};

struct carry {
    struct carried *list; /* by process_id */
    size_t count;
};

/* Take the last values of a metric in a block; what was there is forgotten. */
MUST_USE enum status carry_load(struct carry *carry, struct recording *rec,
                                const struct recording_block *block,
                                const struct recording_table *table, size_t metric,
                                struct error *err);
/* NULL: the process was not there. */
const struct carried *carry_find(const struct carry *carry, int64_t process_id);
void carry_release(struct carry *carry);

#endif
