/*
 * The two rings between the sampling thread and those that may block: requests are an array of fixed
 * records; answers are records of varying size in a ring of bytes, so that memory is bounded by bytes
 * and not by the longest answer times their number.
 *
 * Each ring has one side that asks and one that works. The asking side is one thread and takes no
 * lock; of several threads on the working side one at a time may call in.
 */
#ifndef RECORDER_SLOW_RING_H
#define RECORDER_SLOW_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recorder/slow.h"

enum {
    SLOW_REQUESTS = 1024,           /* a power of two */
    SLOW_ANSWER_BYTES = 256 * 1024, /* a power of two */
    SLOW_ANSWER_LARGEST = 40 * 1024,
};

/* Zeroed is empty. Head and tail only grow; an index is one of them modulo the ring's size. */
struct slow_ring {
    struct slow_request requests[SLOW_REQUESTS];
    _Atomic size_t request_head, request_tail; /* head: next to write; tail: next to read */
    uint8_t answers[SLOW_ANSWER_BYTES];
    _Atomic size_t answer_head, answer_tail;

    /* of the asking side */
    struct slow_answer view;
    size_t view_size; /* bytes of the ring that `view` still holds */
};

/* The asking side. False: the ring is full. */
bool slow_ring_ask(struct slow_ring *ring, const struct slow_request *request);
/* The oldest answer; its texts hold until the next call. NULL: there is none. */
const struct slow_answer *slow_ring_next(struct slow_ring *ring);

/* The working side. False: nothing is asked. */
bool slow_ring_take(struct slow_ring *ring, struct slow_request *request);
/* Copy an answer in; false when there is no room. */
bool slow_ring_answer(struct slow_ring *ring, const struct slow_answer *answer);

/* Any thread: whether something is asked, and whether there is room for any answer. */
bool slow_ring_is_asked(struct slow_ring *ring);
bool slow_ring_has_room(struct slow_ring *ring);

#endif
