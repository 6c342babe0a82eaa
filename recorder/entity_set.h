/*
 * The entities of one kind that a collector knows: disks, cgroups, GPUs. Gives each a slot
 * (schema/tick.h), announces it at its first row of the session, and tells which rows are a first one.
 *
 * One sampled tick: entity_set_begin, entity_set_see for each that is there, entity_set_end. What
 * the collector keeps of an entity lies in an array of its own, by slot; `fresh` says when that is to be
 * emptied.
 */
#ifndef RECORDER_ENTITY_SET_H
#define RECORDER_ENTITY_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/error.h"
#include "schema/tick.h"

#define ENTITY_NO_SLOT UINT32_MAX

struct entity_item {
    char *key; /* NULL: the slot is free */
    uint32_t hash;
    uint32_t absent; /* sampled ticks since it was last there */
    bool seen;       /* at this tick */
    bool present;    /* it had a row at the sampled tick before */
};

/* Zeroed is empty but for kind and most. */
struct entity_set {
    enum entity_kind kind;
    size_t most;              /* entities at one time; more are counted in `refused`. 0: 4096 */
    struct entity_item *item; /* by slot */
    size_t count, size;
    uint32_t *cell; /* hash -> slot + 1 */
    size_t cell_count;
    int64_t refused;
};

struct entity_seen {
    uint32_t slot; /* ENTITY_NO_SLOT: there is no room, or no memory (tick->no_memory) */
    uint8_t flags; /* of its row: ROW_FIRST or 0 */
    bool fresh;    /* it is new in this slot */
};

void entity_set_release(struct entity_set *set);

void entity_set_begin(struct entity_set *set);
/*
 * The entity with that key is there. `key` is stable over restarts and reboots as far as possible: an
 * address, a number, a path; `label` is for people. parent: the slot of one of the same kind seen before,
 * or ENTITY_NO_SLOT. Seen twice in a tick, the second time slot is ENTITY_NO_SLOT.
 */
struct entity_seen entity_set_see(struct entity_set *set, struct tick *tick, const char *key,
                                  const char *label, uint32_t parent);
/* The others are gone. Slots of those that were gone before are free again, unless ticks wait. */
void entity_set_end(struct entity_set *set, const struct tick *tick);

/* The slot of a key, or ENTITY_NO_SLOT; also of one that is gone, for some ticks. */
uint32_t entity_set_find(const struct entity_set *set, const char *key);

#endif
