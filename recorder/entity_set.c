/* Items by slot, and a hash of their keys with open addressing. */
#include "recorder/entity_set.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_DEFAULT = 4096, COUNT_START = 16 };

static uint32_t hash_of(const char *key) /* FNV-1a */
{
    uint32_t hash = 2166136261u;

    for (; *key != '\0'; key++)
        hash = (hash ^ (uint8_t)*key) * 16777619u;
    return hash;
}

void entity_set_release(struct entity_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        free(set->item[i].key);
    free(set->item);
    free(set->cell);
    *set = (struct entity_set){ .kind = set->kind, .most = set->most };
}

static void put_cell(struct entity_set *set, uint32_t slot)
{
    size_t at = set->item[slot].hash & (set->cell_count - 1);

    while (set->cell[at] != 0)
        at = (at + 1) & (set->cell_count - 1);
    set->cell[at] = slot + 1;
}

static void fill_cells(struct entity_set *set)
{
    memset(set->cell, 0, set->cell_count * sizeof *set->cell);
    for (size_t i = 0; i < set->count; i++)
        if (set->item[i].key != NULL)
            put_cell(set, (uint32_t)i);
}

static uint32_t find(const struct entity_set *set, const char *key, uint32_t hash)
{
    if (set->cell_count == 0)
        return ENTITY_NO_SLOT;
    for (size_t at = hash & (set->cell_count - 1); set->cell[at] != 0;
         at = (at + 1) & (set->cell_count - 1)) {
        const struct entity_item *item = &set->item[set->cell[at] - 1];

        if (item->hash == hash && strcmp(item->key, key) == 0)
            return set->cell[at] - 1;
    }
    return ENTITY_NO_SLOT;
}

uint32_t entity_set_find(const struct entity_set *set, const char *key)
{
    return find(set, key, hash_of(key));
}

/* Twice the room, for items and for at least twice as many cells. */
static bool grow(struct entity_set *set)
{
    size_t size = set->size == 0 ? COUNT_START : set->size * 2;
    struct entity_item *item = realloc(set->item, size * sizeof *item);
    uint32_t *cell;

    if (item == NULL)
        return false;
    set->item = item;
    cell = realloc(set->cell, size * 2 * sizeof *cell);
    if (cell == NULL)
        return false;
    set->cell = cell;
    set->cell_count = size * 2;
    set->size = size;
    fill_cells(set);
    return true;
}

static uint32_t free_slot(struct entity_set *set, struct tick *tick)
{
    size_t most = set->most == 0 ? MOST_DEFAULT : set->most;

    for (size_t i = 0; i < set->count; i++)
        if (set->item[i].key == NULL)
            return (uint32_t)i;
    if (set->count >= most) {
        set->refused++;
        return ENTITY_NO_SLOT;
    }
    if (set->count == set->size && !grow(set)) {
        tick->no_memory = true;
        return ENTITY_NO_SLOT;
    }
    set->item[set->count] = (struct entity_item){ 0 };
    return (uint32_t)set->count++;
}

static bool announce(struct entity_set *set, struct tick *tick, uint32_t slot, const char *label,
                     uint32_t parent)
{
    struct tick_entity *entity = tick_add_entity(tick);
    const char *key = set->item[slot].key;

    if (entity == NULL)
        return false;
    entity->kind = set->kind;
    entity->slot = slot;
    entity->parent_slot = parent;
    entity->key = tick_add_text(tick, key, strlen(key));
    entity->label = tick_add_text(tick, label, strlen(label));
    return true;
}

static uint32_t add(struct entity_set *set, struct tick *tick, const char *key, const char *label,
                    uint32_t parent)
{
    uint32_t slot = free_slot(set, tick);
    struct entity_item *item;

    if (slot == ENTITY_NO_SLOT)
        return ENTITY_NO_SLOT;
    item = &set->item[slot];
    item->key = strdup(key);
    item->hash = hash_of(key);
    if (item->key == NULL || !announce(set, tick, slot, label, parent)) {
        free(item->key);
        item->key = NULL;
        tick->no_memory = true;
        return ENTITY_NO_SLOT;
    }
    put_cell(set, slot);
    return slot;
}

void entity_set_begin(struct entity_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        set->item[i].seen = false;
}

struct entity_seen entity_set_see(struct entity_set *set, struct tick *tick, const char *key,
                                  const char *label, uint32_t parent)
{
    struct entity_seen seen = { .slot = entity_set_find(set, key) };
    struct entity_item *item;

    if (seen.slot == ENTITY_NO_SLOT) {
        seen.slot = add(set, tick, key, label, parent);
        seen.fresh = true;
    }
    if (seen.slot == ENTITY_NO_SLOT)
        return seen;
    item = &set->item[seen.slot];
    if (item->seen) {
        seen.slot = ENTITY_NO_SLOT;
        return seen;
    }
    item->seen = true;
    seen.flags = item->present ? 0 : ROW_FIRST;
    return seen;
}

void entity_set_end(struct entity_set *set, const struct tick *tick)
{
    bool freed = false;

    for (size_t i = 0; i < set->count; i++) {
        struct entity_item *item = &set->item[i];

        item->absent = item->seen ? 0 : item->absent + 1;
        item->present = item->seen;
        if (item->key == NULL || item->absent < 2 || tick->slots_held)
            continue;
        free(item->key);
        *item = (struct entity_item){ 0 };
        freed = true;
    }
    if (freed)
        fill_cells(set);
}
