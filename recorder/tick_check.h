/*
 * Does a tick keep the rules of schema/tick.h? Asked before anything of it is taken, so that one
 * that is refused leaves no trace.
 */
#ifndef RECORDER_TICK_CHECK_H
#define RECORDER_TICK_CHECK_H

#include "schema/open_block.h"

enum { SLOTS_MAX = 1 << 22 };

/* Which slots were met in this round; zero-initialised is empty. */
struct slot_marks {
    uint32_t *round;
    size_t size;
};

struct tick_check {
    struct slot_marks announced[ENTITY_KIND_COUNT], rows;
    uint32_t round;
};
void tick_check_release(struct tick_check *check);

/*
 * Check a tick that is to follow what `block` holds.
 *
 *   shape   key_of as for tail_put_tick, before this tick's slots are mapped
 *   errors  INVALID: the rule that it breaks; NO_MEMORY
 */
MUST_USE enum status tick_check(struct tick_check *check, const struct tick *tick,
                                struct open_block *block, slot_key *key_of, void *context,
                                struct error *err);

#endif
