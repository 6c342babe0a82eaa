/* See gpu_pairs.h. */
#include "recorder/collectors/gpu_pairs.h"

#include <stdlib.h>

enum { COUNT_START = 64 };

void gpu_pairs_release(struct gpu_pairs *pairs)
{
    free(pairs->pair);
    *pairs = (struct gpu_pairs){ .count = 0 };
}

void gpu_pairs_begin(struct gpu_pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++)
        pairs->pair[i].seen = false;
    pairs->next = 0;
}

static bool is(const struct gpu_pair *pair, uint32_t gpu, uint32_t process, uint64_t start_ticks)
{
    return pair->used && pair->gpu == gpu && pair->process == process &&
           pair->start_ticks == start_ticks;
}

static size_t find(const struct gpu_pairs *pairs, uint32_t gpu, uint32_t process,
                   uint64_t start_ticks)
{
    for (size_t i = 0; i < pairs->count; i++) {
        size_t at = (pairs->next + i) % pairs->count;

        if (is(&pairs->pair[at], gpu, process, start_ticks))
            return at;
    }
    return pairs->count;
}

/* A free slot, or the end. */
static size_t find_free(const struct gpu_pairs *pairs)
{
    size_t at = 0;

    while (at < pairs->count && pairs->pair[at].used)
        at++;
    return at;
}

static bool grow(struct gpu_pairs *pairs)
{
    size_t size = pairs->size == 0 ? COUNT_START : pairs->size * 2;
    struct gpu_pair *larger = realloc(pairs->pair, size * sizeof *larger);

    if (larger == NULL)
        return false;
    pairs->pair = larger;
    pairs->size = size;
    return true;
}

uint32_t gpu_pairs_see(struct gpu_pairs *pairs, struct tick *tick, uint32_t gpu, uint32_t process,
                       uint64_t start_ticks, bool *first)
{
    size_t at = find(pairs, gpu, process, start_ticks);

    if (at == pairs->count) {
        at = find_free(pairs);
        if (at == pairs->size && !grow(pairs)) {
            tick->no_memory = true;
            return GPU_PAIR_NONE;
        }
        pairs->count += at == pairs->count;
        pairs->pair[at] = (struct gpu_pair){
            .used = true, .gpu = gpu, .process = process, .start_ticks = start_ticks
        };
    }
    if (pairs->pair[at].seen)
        return GPU_PAIR_NONE;
    pairs->pair[at].seen = true;
    pairs->next = at + 1;
    *first = !pairs->pair[at].present;
    return (uint32_t)at;
}

void gpu_pairs_end(struct gpu_pairs *pairs, const struct tick *tick)
{
    for (size_t i = 0; i < pairs->count; i++) {
        struct gpu_pair *pair = &pairs->pair[i];

        pair->absent = pair->seen ? 0 : pair->absent + 1;
        pair->present = pair->seen;
        /* Its series ended with its last row, but ticks that wait may still hold that. */
        if (pair->absent >= 2 && !tick->slots_held)
            pair->used = false;
    }
}
