/* A heap of bounded size: the smallest of the largest is the first to go. */
#include "recorder/collectors/process_detail.h"

static void sink(struct detail_large *heap, size_t count, size_t at)
{
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        struct detail_large swapped = heap[at];

        if (child + 1 < count && heap[child + 1].resident_bytes < heap[child].resident_bytes)
            child++;
        if (heap[at].resident_bytes <= heap[child].resident_bytes)
            return;
        heap[at] = heap[child];
        heap[child] = swapped;
    }
}

void detail_largest_note(struct detail_largest *largest, int64_t resident_bytes, uint32_t candidate)
{
    const struct detail_large large = { resident_bytes, 0, candidate };

    if (resident_bytes < DETAIL_RESIDENT_MIN)
        return;
    if (largest->count < DETAIL_LARGEST) {
        largest->item[largest->count++] = large;
        for (size_t i = largest->count / 2; largest->count == DETAIL_LARGEST && i-- > 0;)
            sink(largest->item, largest->count, i);
    } else if (resident_bytes > largest->item[0].resident_bytes) {
        largest->item[0] = large;
        sink(largest->item, largest->count, 0);
    }
}
