/* Open addressing, by FNV-1a. */
#include "recorder/collectors/path_table.h"

#include <stdlib.h>
#include <string.h>

enum { SIZE_START = 64 };

void path_table_release(struct path_table *table)
{
    free(table->cell);
    *table = (struct path_table){ 0 };
}

bool path_table_begin(struct path_table *table, size_t count)
{
    size_t size = table->size == 0 ? SIZE_START : table->size;
    uint32_t *cell;

    while (size < count * 2)
        size *= 2;
    if (size != table->size) {
        cell = realloc(table->cell, size * sizeof *cell);
        if (cell == NULL)
            return false;
        table->cell = cell;
        table->size = size;
    }
    memset(table->cell, 0, size * sizeof *table->cell);
    return true;
}

/* The cell of that path, or the free one where it would be. */
static uint32_t *cell_of(const struct path_table *table, const void *array, size_t element,
                         const char *path)
{
    uint32_t hash = 2166136261u;
    size_t at;

    for (const char *byte = path; *byte != '\0'; byte++)
        hash = (hash ^ (uint8_t)*byte) * 16777619u;
    for (at = hash & (table->size - 1); table->cell[at] != 0; at = (at + 1) & (table->size - 1))
        if (strcmp((const char *)array + (table->cell[at] - 1) * element, path) == 0)
            break;
    return &table->cell[at];
}

size_t path_table_find(const struct path_table *table, const void *array, size_t element,
                       const char *path)
{
    uint32_t cell = table->size == 0 ? 0 : *cell_of(table, array, element, path);

    return cell == 0 ? PATH_NOWHERE : cell - 1;
}

void path_table_put(struct path_table *table, const void *array, size_t element, size_t place)
{
    const char *path = (const char *)array + place * element;

    *cell_of(table, array, element, path) = (uint32_t)place + 1;
}
