/* The slots (schema/tick.h) and process ids that a made-up population hands out. */
#ifndef TOOLS_GENERATE_SLOTS_H
#define TOOLS_GENERATE_SLOTS_H

#include "tools/generate_process.h"

enum { PID_FIRST = 300 };

/* Without memory, population->no_memory is set. */
void slots_push(struct population *population, struct slot_list *list, uint32_t slot);
/* An empty slot; NULL when memory is out. */
struct process *slots_take(struct population *population, uint32_t *slot);

/* A free process id: the next one, or with --pid-reuse at times the one that was freed last. */
int32_t slots_pid(struct population *population);
void slots_free_pid(struct population *population, int32_t pid);

#endif
