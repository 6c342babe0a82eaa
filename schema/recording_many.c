/* Several recordings as one: their order, whether they are one timeline, and their contents joined. */
#include "schema/recording_many.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct many_part *many_part_of(const struct recording *rec, const struct recording_block **block)
{
    unsigned level = (*block)->level;
    size_t index = (size_t)(*block - rec->contents.blocks[level]);
    size_t at = rec->many->count;

    while (at > 1 && rec->many->part[at - 1].first_block[level] > index)
        at--;
    index -= rec->many->part[at - 1].first_block[level];
    *block = &rec->many->part[at - 1].recording->contents.blocks[level][index];
    return &rec->many->part[at - 1];
}

static int64_t begin_of(const struct recording_contents *c)
{
    return c->block_count[0] > 0 ? c->blocks[0][0].start_ns : INT64_MAX;
}

static int by_begin(const void *a, const void *b)
{
    const struct many_part *x = a, *y = b;
    int64_t p = begin_of(&x->recording->contents), q = begin_of(&y->recording->contents);

    return (p > q) - (p < q);
}

/* --- whether they are one timeline --- */

static bool same_metrics(const struct recording_table *x, const struct recording_table *y)
{
    if (strcmp(x->name, y->name) != 0 || x->table_id != y->table_id || x->key[0] != y->key[0] ||
        x->key[1] != y->key[1] || x->metric_count != y->metric_count)
        return false;
    for (size_t m = 0; m < x->metric_count; m++)
        if (strcmp(x->metrics[m].name, y->metrics[m].name) != 0 ||
            x->metrics[m].kind != y->metrics[m].kind || x->metrics[m].scale != y->metrics[m].scale)
            return false;
    return true;
}

static bool same_catalog(const struct recording_contents *x, const struct recording_contents *y)
{
    if (x->table_count != y->table_count)
        return false;
    for (size_t t = 0; t < x->table_count; t++)
        if (!same_metrics(&x->tables[t], &y->tables[t]))
            return false;
    return true;
}

static enum status refuse(const struct recording_contents *x, const struct recording_contents *y,
                          const char *why, struct error *err)
{
    return error_set(err, STATUS_UNSUPPORTED, "%s and %s %s; ask each of them by itself", x->path,
                     y->path, why);
}

static enum status check_pair(const struct recording_contents *x,
                              const struct recording_contents *y, struct error *err)
{
    const struct recording_session *s = &x->sessions[x->session_count - 1];
    int64_t end_ns = x->blocks[0][x->block_count[0] - 1].end_ns;

    if (strcmp(s->host, y->sessions[0].host) != 0)
        return refuse(x, y, "are of different hosts", err);
    if (begin_of(x) == begin_of(y) && end_ns == y->blocks[0][y->block_count[0] - 1].end_ns)
        return refuse(x, y, "are the same recording twice", err);
    if (begin_of(y) <= end_ns)
        return refuse(x, y, "overlap in time", err);
    if (!same_catalog(x, y))
        return refuse(x, y, "do not have the same tables and metrics", err);
    if (y->blocks[0][0].block_seq != 1)
        return error_set(err, STATUS_UNSUPPORTED,
                         "%s has evicted hours between what is left of it and %s; ask each of "
                         "them by itself",
                         y->path, x->path);
    return STATUS_OK;
}

static enum status check_parts(const struct many *many, struct error *err)
{
    for (size_t i = 0; i < many->count; i++) {
        const struct recording_contents *c = &many->part[i].recording->contents;

        if (c->session_count == 0 || c->block_count[0] == 0)
            return error_set(err, STATUS_UNSUPPORTED, "%s holds no samples yet; leave it out",
                             c->path);
        if (i > 0 && check_pair(&many->part[i - 1].recording->contents, c, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

/* --- joined contents --- */

/* Room for what all parts have; `owned` until close. */
static void *room_for(struct recording *rec, size_t offset, size_t width)
{
    size_t count = 1;

    for (size_t i = 0; i < rec->many->count; i++) {
        const char *c = (const char *)&rec->many->part[i].recording->contents;
        size_t more;

        memcpy(&more, c + offset, sizeof more);
        count += more;
    }
    return recording_own(rec, calloc(count, width));
}

static bool make_room(struct recording *rec)
{
    struct recording_contents *c = &rec->contents;
    bool all = true;

#define ROOM(list, counter)                                                                        \
    (c->list = room_for(rec, offsetof(struct recording_contents, counter), sizeof *c->list))
    all &= ROOM(sessions, session_count) != NULL;
    all &= ROOM(capabilities, capability_count) != NULL;
    all &= ROOM(entities, entity_count) != NULL;
    all &= ROOM(events, event_count) != NULL;
    all &= ROOM(timeline, timeline_count) != NULL;
    for (unsigned level = 0; level < LEVEL_COUNT; level++)
        all &= ROOM(blocks[level], block_count[level]) != NULL;
#undef ROOM
    return all;
}

/* Ids of a damaged file may be anything. */
static void add_to(int64_t *id, int64_t offset)
{
    *id = wrap_add(*id, offset);
}

static void join_rows(struct recording *rec, const struct recording_contents *of,
                      int64_t session_offset)
{
    struct recording_contents *c = &rec->contents;
    int64_t event_offset = c->event_count == 0 ? 0 : c->events[c->event_count - 1].event_id;

    for (size_t i = 0; i < of->session_count; i++) {
        c->sessions[c->session_count] = of->sessions[i];
        add_to(&c->sessions[c->session_count++].session_id, session_offset);
    }
    for (size_t i = 0; i < of->capability_count; i++) {
        c->capabilities[c->capability_count] = of->capabilities[i];
        add_to(&c->capabilities[c->capability_count++].session_id, session_offset);
    }
    for (size_t i = 0; i < of->event_count; i++) {
        c->events[c->event_count] = of->events[i];
        add_to(&c->events[c->event_count].session_id, session_offset);
        add_to(&c->events[c->event_count++].event_id, event_offset);
    }
    for (size_t i = 0; i < of->timeline_count; i++) {
        c->timeline[c->timeline_count] = of->timeline[i];
        add_to(&c->timeline[c->timeline_count++].session_id, session_offset);
    }
}

static void join_blocks(struct recording *rec, struct many_part *part, size_t sessions)
{
    const struct recording_contents *of = &part->recording->contents;
    struct recording_contents *c = &rec->contents;

    for (unsigned level = 0; level < LEVEL_COUNT; level++) {
        size_t count = c->block_count[level];
        int64_t offset = count == 0 ? 0 : c->blocks[level][count - 1].block_seq;

        part->first_block[level] = count;
        for (size_t i = 0; i < of->block_count[level]; i++) {
            c->blocks[level][count] = of->blocks[level][i];
            c->blocks[level][count].session += sessions;
            add_to(&c->blocks[level][count++].block_seq, offset);
        }
        c->block_count[level] = count;
    }
}

/* Entities of earlier parts by what they are called. */
struct known_entities {
    struct known_entity {
        struct recording_entity *entity;
        size_t taken; /* of those called the same, at the first of them: by entities of this part */
    } * list;         /* [count] those called the same: the latest first */
    size_t count;
};

static int by_name(const struct recording_entity *a, const struct recording_entity *b)
{
    return a->kind != b->kind ? (a->kind < b->kind ? -1 : 1) : strcmp(a->key, b->key);
}

static int by_name_and_age(const void *a, const void *b)
{
    const struct known_entity *x = a, *y = b;
    int order = by_name(x->entity, y->entity);

    return order != 0 ? order : (x->entity < y->entity) - (x->entity > y->entity);
}

static bool know_entities(struct known_entities *known, struct recording_contents *c)
{
    known->count = c->entity_count;
    known->list = calloc(known->count + 1, sizeof *known->list);
    if (known->list == NULL)
        return false;
    for (size_t i = 0; i < known->count; i++)
        known->list[i].entity = &c->entities[i];
    if (known->count > 1)
        qsort(known->list, known->count, sizeof *known->list, by_name_and_age);
    return true;
}

/* The latest one of that name that no other of this part is; NULL: there is none. */
static struct recording_entity *take_known(struct known_entities *known,
                                           const struct recording_entity *e)
{
    size_t low = 0, high = known->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (by_name(known->list[middle].entity, e) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == known->count)
        return NULL;
    high = low + known->list[low].taken;
    if (high >= known->count || by_name(known->list[high].entity, e) != 0)
        return NULL;
    known->list[low].taken++;
    return known->list[high].entity;
}

static enum status join_entities(struct recording *rec, struct many_part *part, struct error *err)
{
    const struct recording_contents *of = &part->recording->contents;
    struct recording_contents *c = &rec->contents;
    size_t before = c->entity_count;
    int64_t next = before == 0 ? 0 : c->entities[before - 1].entity_id;
    struct known_entities known;

    part->entity = calloc(of->entity_count + 1, sizeof *part->entity);
    if (!know_entities(&known, c) || part->entity == NULL) {
        free(known.list);
        return error_set(err, STATUS_NO_MEMORY, "entities");
    }
    for (size_t i = 0; i < of->entity_count; i++) {
        struct recording_entity *e = take_known(&known, &of->entities[i]);
        const struct recording_entity *parent =
            recording_entity(part->recording, of->entities[i].parent_id);

        if (e != NULL) {
            e->label = of->entities[i].label;
            e->last_ns = of->entities[i].last_ns;
        } else {
            e = &c->entities[c->entity_count++];
            *e = of->entities[i];
            e->entity_id = before == 0 ? e->entity_id : (next = wrap_add(next, 1));
            if (parent != NULL && parent < &of->entities[i])
                e->parent_id = part->entity[parent - of->entities];
        }
        part->entity[i] = e->entity_id;
    }
    free(known.list);
    return STATUS_OK;
}

static enum status join(struct recording *rec, struct error *err)
{
    struct recording_contents *c = &rec->contents;

    if (!make_room(rec))
        return error_set(err, STATUS_NO_MEMORY, "recordings");
    for (size_t i = 0; i < rec->many->count; i++) {
        struct many_part *part = &rec->many->part[i];
        const struct recording_contents *of = &part->recording->contents;
        size_t sessions = c->session_count;

        part->recording->session_offset = sessions == 0 ? 0 : c->sessions[sessions - 1].session_id;
        if (i == 0 || of->format_minor > c->format_minor)
            c->format_minor = of->format_minor;
        c->format_major = of->format_major;
        c->file_bytes += of->file_bytes;
        c->unclean = of->unclean;
        join_rows(rec, of, part->recording->session_offset);
        join_blocks(rec, part, sessions);
        if (join_entities(rec, part, err) != STATUS_OK || many_link(rec, i, err) != STATUS_OK)
            return err->status;
    }
    c->tables = rec->many->part[0].recording->contents.tables;
    c->table_count = rec->many->part[0].recording->contents.table_count;
    return recording_sort_containers(rec, err);
}

/* What messages call them. */
static char *name_all(const struct many *many)
{
    const char *first = many->part[0].recording->contents.path;
    size_t size = strlen(first) + 40;
    char *name = malloc(size);

    if (name != NULL)
        (void)snprintf(name, size, "%s and %zu more", first, many->count - 1);
    return name;
}

enum status recording_open_many(struct recording **recording, const char *const paths[],
                                size_t count, struct error *err)
{
    struct recording *rec = calloc(1, sizeof *rec);
    enum status st = STATUS_OK;

    *recording = NULL;
    if (rec != NULL)
        rec->many = calloc(1, sizeof *rec->many);
    if (rec != NULL && rec->many != NULL)
        rec->many->part = calloc(count + 1, sizeof *rec->many->part);
    if (rec == NULL || rec->many == NULL || rec->many->part == NULL)
        st = error_set(err, STATUS_NO_MEMORY, "recordings");
    for (size_t i = 0; i < count && st == STATUS_OK; i++) {
        st = recording_open(&rec->many->part[i].recording, paths[i], err);
        rec->many->count += st == STATUS_OK;
    }
    if (st == STATUS_OK) {
        qsort(rec->many->part, count, sizeof *rec->many->part, by_begin);
        st = check_parts(rec->many, err);
    }
    if (st == STATUS_OK) {
        rec->contents.path = recording_own(rec, name_all(rec->many));
        st = rec->contents.path == NULL ? error_set(err, STATUS_NO_MEMORY, "recordings")
                                        : join(rec, err);
    }
    if (st != STATUS_OK) {
        recording_close(rec);
        return st;
    }
    *recording = rec;
    return STATUS_OK;
}
