/* A hash of keys that are hashes themselves. */
#include "recorder/collectors/cgroup_past.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE_START = 64 };

void cgroup_past_release(struct cgroup_past *past)
{
    free(past->cell);
    *past = (struct cgroup_past){ 0 };
}

uint64_t cgroup_past_key(const char *path, uint64_t inode)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */

    for (; *path != '\0'; path++)
        hash = (hash ^ (uint8_t)*path) * UINT64_C(1099511628211);
    for (int i = 0; i < 8; i++, inode >>= 8)
        hash = (hash ^ (inode & 0xFF)) * UINT64_C(1099511628211);
    return hash != 0 ? hash : 1;
}

/* Its cell, or the free one where it would be. */
static struct cgroup_before *cell_of(const struct cgroup_past *past, uint64_t key)
{
    size_t at = key & (past->size - 1);

    while (past->cell[at].key != 0 && past->cell[at].key != key)
        at = (at + 1) & (past->size - 1);
    return &past->cell[at];
}

const struct cgroup_before *cgroup_past_find(const struct cgroup_past *past, uint64_t key)
{
    const struct cgroup_before *cell = past->size == 0 ? NULL : cell_of(past, key);

    return cell != NULL && cell->key == key ? cell : NULL;
}

bool cgroup_past_begin(struct cgroup_past *past, size_t count)
{
    size_t size = past->size == 0 ? SIZE_START : past->size;
    struct cgroup_before *cell;

    while (size < count * 2)
        size *= 2;
    if (size != past->size) {
        cell = realloc(past->cell, size * sizeof *cell);
        if (cell == NULL)
            return false;
        past->cell = cell;
        past->size = size;
    }
    memset(past->cell, 0, past->size * sizeof *past->cell);
    past->count = 0;
    return true;
}

void cgroup_past_add(struct cgroup_past *past, const struct cgroup_before *before)
{
    assert(past->count < past->size / 2);
    *cell_of(past, before->key) = *before;
    past->count++;
}
