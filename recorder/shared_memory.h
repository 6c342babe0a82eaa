/*
 * Memory that this process writes and others can be given to read, and not to change:
 * shared_memory_SYSTEM.c.
 */
#ifndef RECORDER_SHARED_MEMORY_H
#define RECORDER_SHARED_MEMORY_H

#include <stddef.h>

#include "schema/error.h"

/* Zeroed: there is none. */
struct shared_memory {
    void *data; /* NULL: there is none */
    size_t size;
    int fd; /* to hand over: reads it, cannot write it, cannot change its size */
};

/*
 * Zeroes, of which only what is written takes memory.
 *
 *   errors  IO, UNSUPPORTED where the system has nothing of the kind
 *   owns    mapping and descriptor, until shared_memory_close; others keep what they were handed
 */
MUST_USE enum status shared_memory_open(struct shared_memory *memory, size_t size,
                                        struct error *err);
void shared_memory_close(struct shared_memory *memory);

#endif
