/*
 * What a worker read of sensors or rails at one go: a list of entities, each with the values of a row.
 * The worker fills it, the sampling thread makes rows of it.
 */
#ifndef RECORDER_READINGS_H
#define RECORDER_READINGS_H

#include <stddef.h>
#include <stdint.h>

#include "recorder/entity_set.h"
#include "schema/error.h"
#include "schema/tick.h"

enum { READINGS_MAX = 4096, READING_VALUES = 16, READING_TEXT_MAX = 160, READING_NONE = -1 };

struct reading {
    char key[READING_TEXT_MAX], label[READING_TEXT_MAX]; /* as entity_set_see has them */
    int parent;                    /* index of an earlier one, or READING_NONE */
    int group;                     /* the collector's: what it belongs to; READING_NONE at first */
    int64_t value[READING_VALUES]; /* by metric of the table */
    uint8_t missing[READING_VALUES];
    int64_t range, bound;    /* the collector's */
    struct entity_seen seen; /* after readings_see */
};

/* Zeroed is empty. */
struct readings {
    struct reading *item;
    size_t count, size;
};

void readings_reset(struct readings *readings); /* keeps the memory */
void readings_release(struct readings *readings);
/*
 * One more, all its values unsupported; holds until the next is added. NULL: there is one of that key,
 * there are too many, or memory is out.
 */
struct reading *readings_add(struct readings *readings, const char *format, ...) PRINTF_LIKE(2, 3);
/* That of a key, or NULL. */
struct reading *readings_find(const struct readings *readings, const char *key);

/*
 * Give each a slot, in order: `seen` of each. Between this and readings_add_rows the collector may still
 * change values.
 */
void readings_see(struct readings *readings, struct entity_set *set, struct tick *tick);
/* A row for each; the table is then sampled. NO_MEMORY. */
MUST_USE enum status readings_add_rows(const struct readings *readings, struct tick *tick,
                                       enum table_id table, size_t metric_count, struct error *err);

#endif
