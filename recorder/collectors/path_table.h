/*
 * Where in an array the element of a path is: a hash of places. Elements are of one size and begin with their
 * path, NUL-terminated; the array may move, and is given with each call.
 */
#ifndef RECORDER_PATH_TABLE_H
#define RECORDER_PATH_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATH_NOWHERE SIZE_MAX

/* Zeroed is empty. */
struct path_table {
    uint32_t *cell; /* place + 1; 0: free */
    size_t size;    /* 0, or a power of two */
};

void path_table_release(struct path_table *table);
/* Make it empty, with room for so many paths; false: memory is out. */
bool path_table_begin(struct path_table *table, size_t count);
/* The place of a path, or PATH_NOWHERE. */
size_t path_table_find(const struct path_table *table, const void *array, size_t element,
                       const char *path);
/* That place is from now on the one of its path. */
void path_table_put(struct path_table *table, const void *array, size_t element, size_t place);

#endif
