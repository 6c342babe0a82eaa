/* See slow_ring.h. */
#include "recorder/slow_ring.h"

#include <string.h>

enum { ALIGNMENT = 16 };

/* What stands before the texts of an answer in the ring. */
struct record {
    size_t size; /* with this header and padding */
    bool skip;   /* nothing here: go on at the ring's beginning */
    struct slow_answer answer;
};

static size_t padded(size_t size)
{
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

bool slow_ring_ask(struct slow_ring *ring, const struct slow_request *request)
{
    size_t head = atomic_load_explicit(&ring->request_head, memory_order_relaxed);
    size_t tail = atomic_load_explicit(&ring->request_tail, memory_order_acquire);

    if (head - tail == SLOW_REQUESTS)
        return false;
    ring->requests[head % SLOW_REQUESTS] = *request;
    atomic_store_explicit(&ring->request_head, head + 1, memory_order_release);
    return true;
}

bool slow_ring_answer(struct slow_ring *ring, const struct slow_answer *answer)
{
    size_t head = atomic_load_explicit(&ring->answer_head, memory_order_relaxed);
    size_t tail = atomic_load_explicit(&ring->answer_tail, memory_order_acquire);
    size_t at = head % SLOW_ANSWER_BYTES, skipped = 0;
    struct record record = {
        .size = padded(sizeof record + answer->bytes.used),
        .answer = *answer,
    };

    if (record.size > SLOW_ANSWER_BYTES - at)
        skipped = SLOW_ANSWER_BYTES - at;
    if (SLOW_ANSWER_BYTES - (head - tail) < skipped + record.size)
        return false;
    if (skipped >= sizeof record)
        memcpy(ring->answers + at, &(struct record){ .skip = true }, sizeof record);
    at = (at + skipped) % SLOW_ANSWER_BYTES;
    memcpy(ring->answers + at, &record, sizeof record);
    if (answer->bytes.used > 0)
        memcpy(ring->answers + at + sizeof record, answer->bytes.data, answer->bytes.used);
    atomic_store_explicit(&ring->answer_head, head + skipped + record.size, memory_order_release);
    return true;
}

const struct slow_answer *slow_ring_next(struct slow_ring *ring)
{
    size_t tail = atomic_load_explicit(&ring->answer_tail, memory_order_relaxed) + ring->view_size;
    size_t head = atomic_load_explicit(&ring->answer_head, memory_order_acquire);
    size_t at = tail % SLOW_ANSWER_BYTES, left = SLOW_ANSWER_BYTES - at;
    struct record record;

    ring->view_size = 0;
    atomic_store_explicit(&ring->answer_tail, tail, memory_order_release);
    if (head == tail)
        return NULL;
    if (left >= sizeof record)
        memcpy(&record, ring->answers + at, sizeof record);
    if (left < sizeof record || record.skip) {
        tail += left;
        at = 0;
        memcpy(&record, ring->answers, sizeof record);
    }
    atomic_store_explicit(&ring->answer_tail, tail, memory_order_release);
    ring->view_size = record.size;
    ring->view = record.answer;
    ring->view.bytes.data = ring->answers + at + sizeof record;
    return &ring->view;
}

bool slow_ring_take(struct slow_ring *ring, struct slow_request *request)
{
    size_t tail = atomic_load_explicit(&ring->request_tail, memory_order_relaxed);

    if (tail == atomic_load_explicit(&ring->request_head, memory_order_acquire))
        return false;
    *request = ring->requests[tail % SLOW_REQUESTS];
    atomic_store_explicit(&ring->request_tail, tail + 1, memory_order_release);
    return true;
}

bool slow_ring_is_asked(struct slow_ring *ring)
{
    return atomic_load(&ring->request_head) != atomic_load(&ring->request_tail);
}

bool slow_ring_has_room(struct slow_ring *ring)
{
    return SLOW_ANSWER_BYTES -
               (atomic_load(&ring->answer_head) - atomic_load(&ring->answer_tail)) >=
           2 * SLOW_ANSWER_LARGEST;
}
