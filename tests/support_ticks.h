/*
 * A host that changes at random, tick by tick, by all the rules of tick.h; and a tail as the file
 * holds it.
 */
#ifndef TESTS_SUPPORT_TICKS_H
#define TESTS_SUPPORT_TICKS_H

#include "schema/open_block.h"
#include "support_chunks.h"

enum { SLOTS = 60, RECORDS_MAX = 100 };

struct slot {
    bool used, began; /* began: it has had its first row */
    int64_t process_id;
    int64_t value[PROCESS_METRIC_COUNT];
    uint8_t missing[PROCESS_METRIC_COUNT];
};

struct host {
    uint32_t random;
    struct slot slot[SLOTS];
    int64_t next_process_id, next_entity_id;
    int64_t entity_id[ENTITY_KIND_COUNT][8];
    struct tick tick;
    int64_t now_ns;
};

struct stored_tail {
    int64_t id[RECORDS_MAX];
    struct byte_writer data[RECORDS_MAX];
    size_t count;
    uint32_t crc;
};

/* Also sets up the open block that its ticks go to. Release: tick_release(&h->tick). */
void host_begin(struct host *h, struct open_block *block, uint32_t seed);
uint32_t host_random(struct host *h, uint32_t limit);
/* A slot_key; context is the host. */
int64_t host_key(void *context, enum entity_kind kind, uint32_t slot);
/* Fill h->tick with its next tick; number counts from 0. */
void host_tick(struct host *h, uint32_t number);

/* As sealing does: who goes on has a row from now on. */
void host_seal(struct open_block *block);
/* All tables of the open block as chunks. */
enum status host_encode(const struct open_block *block, struct chunks *chunks, struct error *err);

/* Begin the tail of a block; add the host's tick to block and tail. */
void stored_tail_base(struct stored_tail *tail, struct open_block *block);
void stored_tail_tick(struct stored_tail *tail, struct open_block *block, struct host *h);
/* What its records make of a fresh block: release it also after an error. */
enum status stored_tail_replay(struct open_block *block, const struct stored_tail *tail,
                               struct error *err);
void stored_tail_release(struct stored_tail *tail);

#endif
