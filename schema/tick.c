/* The tick: growable arrays that keep their memory from tick to tick. */
#include "schema/tick.h"

#include <stdlib.h>

/* Room for one more element of `width` bytes; NULL when memory is out. */
static void *grow(void **array, size_t *count, size_t *size, size_t width)
{
    if (*count == *size) {
        size_t more = *size + *size / 2 + 16;
        void *larger = realloc(*array, more * width);

        if (larger == NULL)
            return NULL;
        *array = larger;
        *size = more;
    }
    return memset((char *)*array + width * (*count)++, 0, width);
}

void tick_init(struct tick *tick)
{
    *tick = (struct tick){ 0 };
    for (size_t t = 0; t < TABLE_COUNT; t++)
        tick->table[t].width = samples_tables[t].metric_count;
}

void tick_release(struct tick *tick)
{
    for (size_t t = 0; t < TABLE_COUNT; t++) {
        free(tick->table[t].rows);
        free(tick->table[t].keys);
        free(tick->table[t].values);
        free(tick->table[t].missing);
    }
    free(tick->births);
    free(tick->versions);
    free(tick->exits);
    free(tick->entities);
    free(tick->events);
    bytes_release(&tick->text);
    tick_init(tick);
}

void tick_reset(struct tick *tick)
{
    for (size_t t = 0; t < TABLE_COUNT; t++) {
        tick->table[t].sampled = false;
        tick->table[t].column_mask = 0;
        tick->table[t].row_count = 0;
        tick->table[t].value_count = 0;
    }
    tick->birth_count = 0;
    tick->version_count = 0;
    tick->exit_count = 0;
    tick->entity_count = 0;
    tick->event_count = 0;
    tick->gap_before = false;
    tick->slots_held = false;
    tick->is_last = false;
    tick->no_memory = false;
    bytes_reset(&tick->text);
}

void tick_sampled(struct tick *tick, enum table_id table)
{
    tick->table[table].sampled = true;
    tick->table[table].column_mask = (UINT64_C(1) << tick->table[table].width) - 1;
}

static bool reserve(void **array, size_t *size, size_t count, size_t width)
{
    void *larger;

    if (count <= *size)
        return true;
    larger = realloc(*array, count * width);
    if (larger == NULL)
        return false;
    *array = larger;
    *size = count;
    return true;
}

static struct tick_row *add_row(struct tick *tick, enum table_id table, uint32_t slot)
{
    struct tick_table *t = &tick->table[table];
    struct tick_row *row = grow((void **)&t->rows, &t->row_count, &t->row_size, sizeof *t->rows);
    bool two_keys = samples_tables[table].key[1] != ENTITY_NONE;

    if (row == NULL ||
        (two_keys && !reserve((void **)&t->keys, &t->key_size, t->row_size, sizeof *t->keys))) {
        t->row_count -= row != NULL;
        tick->no_memory = true;
        return NULL;
    }
    row->slot = slot;
    row->at = ROW_SAME;
    if (two_keys)
        t->keys[t->row_count - 1][0] = t->keys[t->row_count - 1][1] = UINT32_MAX;
    return row;
}

void tick_row_keys(struct tick *tick, enum table_id table, uint32_t key0, uint32_t key1)
{
    struct tick_table *t = &tick->table[table];

    if (t->row_count == 0 || t->keys == NULL)
        return;
    t->keys[t->row_count - 1][0] = key0;
    t->keys[t->row_count - 1][1] = key1;
}

static bool reserve_values(struct tick_table *t, size_t count)
{
    size_t more = t->value_size == 0 ? 16 : t->value_size + t->value_size / 2;
    int64_t *values;
    uint8_t *missing;

    if (count <= t->value_size)
        return true;
    if (more < count)
        more = count;
    values = realloc(t->values, more * t->width * sizeof *values);
    if (values == NULL)
        return false;
    t->values = values;
    missing = realloc(t->missing, more * t->width);
    if (missing == NULL)
        return false;
    t->missing = missing;
    t->value_size = more;
    return true;
}

struct tick_row *tick_row_values(struct tick *tick, enum table_id table, uint32_t slot,
                                 uint8_t flags, int64_t **values, uint8_t **missing)
{
    struct tick_table *t = &tick->table[table];
    struct tick_row *row = NULL;

    if (reserve_values(t, t->value_count + 1))
        row = add_row(tick, table, slot);
    if (row == NULL) {
        tick->no_memory = true;
        return NULL;
    }
    row->flags = flags;
    row->at = (uint32_t)t->value_count++;
    *values = memset(t->values + row->at * t->width, 0, t->width * sizeof **values);
    *missing = memset(t->missing + row->at * t->width, MISSING_UNSUPPORTED, t->width);
    return row;
}

void tick_row_same(struct tick *tick, enum table_id table, uint32_t slot)
{
    (void)add_row(tick, table, slot);
}

#define RESERVE(to, more, list)                                                                    \
    reserve((void **)&(to)->list##s, &(to)->list##_size,                                           \
            (to)->list##_count + (more)->list##_count, sizeof *(to)->list##s)

bool tick_reserve(struct tick *tick, const struct tick *more)
{
    for (size_t t = 0; t < TABLE_COUNT; t++) {
        struct tick_table *to = &tick->table[t];

        if (!RESERVE(to, &more->table[t], row) ||
            (more->table[t].keys != NULL &&
             !reserve((void **)&to->keys, &to->key_size, to->row_size, sizeof *to->keys)) ||
            !reserve_values(to, to->value_count + more->table[t].value_count))
            return false;
    }
    if (!bytes_reserve(&tick->text, more->text.used)) {
        tick->text.full = false; /* nothing was dropped */
        return false;
    }
    return RESERVE(tick, more, birth) && RESERVE(tick, more, version) &&
           RESERVE(tick, more, exit) && RESERVE(tick, more, event) &&
           reserve((void **)&tick->entities, &tick->entity_size,
                   tick->entity_count + more->entity_count, sizeof *tick->entities);
}

size_t tick_bytes(const struct tick *tick)
{
    size_t bytes =
        tick->birth_size * sizeof *tick->births + tick->version_size * sizeof *tick->versions +
        tick->exit_size * sizeof *tick->exits + tick->entity_size * sizeof *tick->entities +
        tick->event_size * sizeof *tick->events + tick->text.size;

    for (size_t t = 0; t < TABLE_COUNT; t++) {
        const struct tick_table *table = &tick->table[t];

        bytes += table->row_size * sizeof *table->rows + table->key_size * sizeof *table->keys +
                 table->value_size * table->width * (sizeof *table->values + 1);
    }
    return bytes;
}

#define ADD(tick, list)                                                                            \
    grow((void **)&(tick)->list##s, &(tick)->list##_count, &(tick)->list##_size,                   \
         sizeof *(tick)->list##s)

struct tick_birth *tick_add_birth(struct tick *tick)
{
    struct tick_birth *birth = ADD(tick, birth);

    tick->no_memory |= birth == NULL;
    return birth;
}

struct tick_version *tick_add_version(struct tick *tick)
{
    struct tick_version *version = ADD(tick, version);

    tick->no_memory |= version == NULL;
    return version;
}

struct tick_exit *tick_add_exit(struct tick *tick)
{
    struct tick_exit *exit_record = ADD(tick, exit);

    tick->no_memory |= exit_record == NULL;
    return exit_record;
}

struct tick_entity *tick_add_entity(struct tick *tick)
{
    struct tick_entity *entity = grow((void **)&tick->entities, &tick->entity_count,
                                      &tick->entity_size, sizeof *tick->entities);

    tick->no_memory |= entity == NULL;
    return entity;
}

struct tick_event *tick_add_event(struct tick *tick)
{
    struct tick_event *event = ADD(tick, event);

    tick->no_memory |= event == NULL;
    return event;
}

struct tick_text tick_add_text(struct tick *tick, const void *text, size_t size)
{
    struct tick_text slice = { (uint32_t)tick->text.used, (uint32_t)size };

    bytes_put(&tick->text, text, size);
    if (tick->text.full) {
        tick->no_memory = true;
        return (struct tick_text){ 0 };
    }
    return slice;
}
