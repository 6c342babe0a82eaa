/* Containers by id: what the engine called them, as their entities' labels say. */
#include <stdlib.h>
#include <string.h>

#include "schema/recording_private.h"

static int by_key(const void *a, const void *b)
{
    const struct recording_entity *x = *(const struct recording_entity *const *)a;
    const struct recording_entity *y = *(const struct recording_entity *const *)b;
    int order = strcmp(x->key, y->key);

    return order != 0 ? order : (x->entity_id > y->entity_id) - (x->entity_id < y->entity_id);
}

enum status recording_sort_containers(struct recording *rec, struct error *err)
{
    const struct recording_contents *c = &rec->contents;
    size_t count = 0;

    for (size_t i = 0; i < c->entity_count; i++)
        count += c->entities[i].kind == ENTITY_CONTAINER;
    if (count == 0)
        return STATUS_OK;
    rec->containers = malloc(count * sizeof *rec->containers);
    if (rec->containers == NULL)
        return error_set(err, STATUS_NO_MEMORY, "containers");
    for (size_t i = 0; i < c->entity_count; i++)
        if (c->entities[i].kind == ENTITY_CONTAINER)
            rec->containers[rec->container_count++] = &c->entities[i];
    qsort(rec->containers, count, sizeof *rec->containers, by_key);
    return STATUS_OK;
}

static int compare(const char *key, const struct text *id)
{
    size_t size = strlen(key);
    int order = memcmp(key, id->data, size < id->size ? size : id->size);

    return order != 0 ? order : (size > id->size) - (size < id->size);
}

struct text recording_container(const struct recording *rec, struct text id)
{
    size_t low = 0, high = rec->container_count;
    const char *label, *image;

    if (id.data == NULL)
        return (struct text){ NULL, 0 };
    while (low < high) { /* the first of which the key is greater */
        size_t middle = low + (high - low) / 2;

        if (compare(rec->containers[middle]->key, &id) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || compare(rec->containers[low - 1]->key, &id) != 0)
        return (struct text){ NULL, 0 };
    label = rec->containers[low - 1]->label;
    image = strstr(label, " (");
    return (struct text){ label,
                          (uint32_t)(image == NULL ? strlen(label) : (size_t)(image - label)) };
}
