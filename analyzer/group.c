/* Groups by number, found by process id or by name. */
#include "analyzer/group.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/group_key.h"

enum { RESERVE_MOST = 1 << 16 };

void groups_release(struct groups *groups)
{
    for (size_t i = 0; i < groups->count; i++) {
        distribution_release(&groups->group[i].rates);
        free(groups->group[i].own);
    }
    free(groups->group);
    free(groups->total);
    free(groups->hash);
    free(groups->member);
    free(groups->scratch);
    *groups = (struct groups){ 0 };
}

static size_t hash_of(int64_t process_id, const struct text *key)
{
    uint64_t h = (uint64_t)process_id * 0x9e3779b97f4a7c15u ^ (key->data == NULL);

    for (uint32_t i = 0; key->data != NULL && i < key->size; i++)
        h = (h ^ (uint8_t)key->data[i]) * 0x100000001b3u;
    return (size_t)(h ^ h >> 29);
}

static bool same(const struct group *g, int64_t process_id, const struct text *key)
{
    return g->process_id == process_id && (g->key.data == NULL) == (key->data == NULL) &&
           g->key.size == key->size &&
           (key->data == NULL || key->size == 0 || memcmp(g->key.data, key->data, key->size) == 0);
}

static uint32_t *place(const struct groups *groups, int64_t process_id, const struct text *key)
{
    size_t at = hash_of(process_id, key) & (groups->hash_size - 1);

    while (groups->hash[at] != 0 && !same(&groups->group[groups->hash[at]], process_id, key))
        at = (at + 1) & (groups->hash_size - 1);
    return &groups->hash[at];
}

static enum status grow_hash(struct groups *groups, size_t size, struct error *err)
{
    uint32_t *hash = calloc(size, sizeof *hash);

    if (hash == NULL)
        return error_set(err, STATUS_NO_MEMORY, "%zu groups", groups->count);
    free(groups->hash);
    groups->hash = hash;
    groups->hash_size = size;
    for (size_t i = 1; i < groups->count; i++)
        *place(groups, groups->group[i].process_id, &groups->group[i].key) = (uint32_t)i;
    return STATUS_OK;
}

static enum status grow(struct groups *groups, size_t size, struct error *err)
{
    struct group *group = realloc(groups->group, size * sizeof *group);
    struct total *total;

    if (group != NULL)
        groups->group = group;
    total =
        group == NULL ? NULL : realloc(groups->total, size * groups->total_count * sizeof *total);
    if (total == NULL)
        return error_set(err, STATUS_NO_MEMORY, "%zu groups", size);
    groups->total = total;
    groups->size = size;
    return STATUS_OK;
}

enum status groups_reserve(struct groups *groups, size_t count, struct error *err)
{
    size_t size = 1024;

    count = count < RESERVE_MOST ? count : RESERVE_MOST;
    while (count * 2 >= size)
        size *= 2;
    if (size > groups->hash_size && grow_hash(groups, size, err) != STATUS_OK)
        return err->status;
    return count <= groups->size ? STATUS_OK : grow(groups, count, err);
}

static enum status add(struct groups *groups, int64_t process_id, struct text key,
                       struct error *err)
{
    if (groups->count == groups->size &&
        grow(groups, groups->size == 0 ? 256 : groups->size * 2, err) != STATUS_OK)
        return err->status;
    groups->group[groups->count] =
        (struct group){ .process_id = process_id, .key = key, .last_ns = NO_TIME };
    for (size_t t = 0; t < groups->total_count; t++)
        *groups_total(groups, (uint32_t)groups->count, t) =
            (struct total){ .until_ns = NO_TIME, .reason = MISSING_NOT_SAMPLED };
    groups->count++;
    return STATUS_OK;
}

enum status groups_begin(struct groups *groups, struct error *err)
{
    return add(groups, 0, (struct text){ 0 }, err);
}

static bool own_key(struct group *group)
{
    char *own = malloc((size_t)group->key.size + 1);

    if (own != NULL && group->key.size > 0)
        memcpy(own, group->key.data, group->key.size);
    group->own = own;
    group->key.data = own == NULL ? "" : own;
    return own != NULL;
}

/* `lasts`: the key's text stays where it is. */
static enum status find(struct groups *groups, int64_t id, struct text key, bool lasts,
                        uint32_t *number, struct error *err)
{
    uint32_t *at;

    if (groups->count * 2 >= groups->hash_size &&
        grow_hash(groups, groups->hash_size == 0 ? 1024 : groups->hash_size * 4, err) != STATUS_OK)
        return err->status;
    at = place(groups, id, &key);
    if (*at == 0) {
        if (add(groups, id, key, err) != STATUS_OK)
            return err->status;
        *at = (uint32_t)groups->count - 1;
        if (!lasts && key.data != NULL && !own_key(&groups->group[*at]))
            return error_set(err, STATUS_NO_MEMORY, "groups");
    }
    *number = *at;
    return STATUS_OK;
}

enum status groups_find(struct groups *groups, int64_t process_id, const struct process *process,
                        const struct version *version, uint32_t *number, struct error *err)
{
    struct text key = { NULL, 0 };

    if (groups->by != BY_PROCESS)
        process_id = 0;
    if (groups->by != BY_PROCESS && group_key(groups, process, version, &key, err) != STATUS_OK)
        return err->status;
    return find(groups, process_id, key, key.data != groups->scratch, number, err);
}

uint32_t groups_known(const struct groups *groups, int64_t process_id)
{
    const struct text none = { 0 };

    return groups->hash_size == 0 ? 0 : *place(groups, process_id, &none);
}

enum status groups_find_named(struct groups *groups, const struct version *version,
                              uint32_t *number, struct error *err)
{
    struct text key;

    if (group_key(groups, NULL, version, &key, err) != STATUS_OK)
        return err->status;
    return find(groups, 0, key, false, number, err);
}

static struct group_member *member_place(struct group_member *member, size_t size, uint32_t number,
                                         int64_t process_id)
{
    uint64_t h = ((uint64_t)process_id << 20 ^ number) * 0x9e3779b97f4a7c15u;
    size_t at = (size_t)(h >> 20) & (size - 1);

    while (member[at].group != 0 &&
           (member[at].group != number || member[at].process_id != process_id))
        at = (at + 1) & (size - 1);
    return &member[at];
}

static enum status grow_members(struct groups *groups, struct error *err)
{
    size_t size = groups->member_size == 0 ? 1024 : groups->member_size * 2;
    struct group_member *member = calloc(size, sizeof *member);

    if (member == NULL)
        return error_set(err, STATUS_NO_MEMORY, "members of groups");
    for (size_t i = 0; i < groups->member_size; i++)
        if (groups->member[i].group != 0)
            *member_place(member, size, groups->member[i].group, groups->member[i].process_id) =
                groups->member[i];
    free(groups->member);
    groups->member = member;
    groups->member_size = size;
    return STATUS_OK;
}

enum status groups_count(struct groups *groups, uint32_t number, int64_t process_id,
                         struct error *err)
{
    struct group_member *at;

    if (groups->by == BY_PROCESS) {
        groups->group[number].process_count = 1;
        return STATUS_OK;
    }
    if (groups->member_count * 2 >= groups->member_size && grow_members(groups, err) != STATUS_OK)
        return err->status;
    at = member_place(groups->member, groups->member_size, number, process_id);
    if (at->group != 0)
        return STATUS_OK;
    *at = (struct group_member){ process_id, number };
    groups->member_count++;
    groups->group[number].process_count++;
    return STATUS_OK;
}
