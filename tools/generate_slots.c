/* Slots and process ids of the made-up processes: who gets which, and when one is free again. */
#include "tools/generate_slots.h"

#include <stdlib.h>

void slots_push(struct population *pop, struct slot_list *list, uint32_t slot)
{
    if (list->count == list->size) {
        size_t more = list->size == 0 ? 64 : list->size * 2;
        uint32_t *larger = realloc(list->slot, more * sizeof *larger);

        if (larger == NULL) {
            pop->no_memory = true;
            return;
        }
        list->slot = larger;
        list->size = more;
    }
    list->slot[list->count++] = slot;
}

int32_t slots_pid(struct population *pop)
{
    int32_t pid = pop->pid_freed;

    if (!pop->options->pid_reuse || pid == 0 || pop->pid_used[pid] ||
        !random_chance(&pop->random, 250000)) {
        while (pop->pid_used[pop->pid_next])
            pop->pid_next = pop->pid_next + 1 < pop->pid_limit ? pop->pid_next + 1 : PID_FIRST;
        pid = pop->pid_next;
        pop->pid_next = pid + 1 < pop->pid_limit ? pid + 1 : PID_FIRST;
    }
    pop->pid_used[pid] = 1;
    return pid;
}

void slots_free_pid(struct population *pop, int32_t pid)
{
    pop->pid_used[pid] = 0;
    pop->pid_freed = pid;
}

/* An empty slot; NULL when memory is out. */
struct process *slots_take(struct population *pop, uint32_t *slot)
{
    if (pop->free.count > 0) {
        *slot = pop->free.slot[--pop->free.count];
        return &pop->slots[*slot];
    }
    if (pop->slot_count == pop->slot_size) {
        size_t more = pop->slot_size == 0 ? 256 : pop->slot_size * 2;
        struct process *larger = realloc(pop->slots, more * sizeof *larger);

        if (larger == NULL) {
            pop->no_memory = true;
            return NULL;
        }
        pop->slots = larger;
        pop->slot_size = more;
    }
    *slot = (uint32_t)pop->slot_count;
    return &pop->slots[pop->slot_count++];
}
