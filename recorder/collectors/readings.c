/* Lists of readings, and their rows. */
#include "recorder/collectors/readings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT_START = 32 };

void readings_reset(struct readings *readings)
{
    readings->count = 0;
}

void readings_release(struct readings *readings)
{
    free(readings->item);
    *readings = (struct readings){ 0 };
}

struct reading *readings_find(const struct readings *readings, const char *key)
{
    for (size_t i = 0; i < readings->count; i++)
        if (strcmp(readings->item[i].key, key) == 0)
            return &readings->item[i];
    return NULL;
}

struct reading *readings_add(struct readings *readings, const char *format, ...)
{
    size_t size = readings->size == 0 ? COUNT_START : readings->size * 2;
    char key[READING_TEXT_MAX];
    struct reading *item;
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(key, sizeof key, format, arguments);
    va_end(arguments);
    if (readings->count == READINGS_MAX || readings_find(readings, key) != NULL)
        return NULL;
    if (readings->count == readings->size) {
        item = realloc(readings->item, size * sizeof *item);
        if (item == NULL)
            return NULL;
        readings->item = item;
        readings->size = size;
    }
    item = &readings->item[readings->count++];
    *item = (struct reading){ .parent = READING_NONE, .group = READING_NONE };
    memcpy(item->key, key, sizeof key);
    memcpy(item->label, key, sizeof key);
    memset(item->missing, MISSING_UNSUPPORTED, sizeof item->missing);
    return item;
}

void readings_see(struct readings *readings, struct entity_set *set, struct tick *tick)
{
    entity_set_begin(set);
    for (size_t i = 0; i < readings->count; i++) {
        struct reading *item = &readings->item[i];
        uint32_t parent =
            item->parent < 0 ? ENTITY_NO_SLOT : readings->item[item->parent].seen.slot;

        item->seen = entity_set_see(set, tick, item->key, item->label, parent);
    }
    entity_set_end(set, tick);
}

enum status readings_add_rows(const struct readings *readings, struct tick *tick,
                              enum table_id table, size_t metric_count, struct error *err)
{
    for (size_t i = 0; i < readings->count; i++) {
        const struct reading *item = &readings->item[i];
        int64_t *values;
        uint8_t *missing;

        if (item->seen.slot == ENTITY_NO_SLOT)
            continue;
        if (tick_row_values(tick, table, item->seen.slot, item->seen.flags, &values, &missing) ==
            NULL)
            return error_set(err, STATUS_NO_MEMORY, "row of %s", samples_tables[table].name);
        memcpy(values, item->value, metric_count * sizeof *values);
        memcpy(missing, item->missing, metric_count * sizeof *missing);
    }
    tick_sampled(tick, table);
    return STATUS_OK;
}
