/* Values in an array that is sorted, merged and cut whenever it is full. */
#include "analyzer/distribution.h"

#include <stdlib.h>

#include "schema/bytes.h"

enum { START = 16, CUT_FROM = 1024, SHARE_ABOVE = 20 }; /* 1/20 of the time lies above */

void distribution_release(struct distribution *d)
{
    free(d->entries);
    *d = (struct distribution){ 0 };
}

static int by_value_down(const void *a, const void *b)
{
    const struct distribution_entry *x = a, *y = b;

    return x->value > y->value ? -1 : x->value < y->value;
}

/* Largest value first, each once. */
static void merge(struct distribution *d)
{
    size_t kept = 0;

    if (d->count == 0)
        return;
    qsort(d->entries, d->count, sizeof *d->entries, by_value_down);
    for (size_t i = 1; i < d->count; i++) {
        if (d->entries[i].value == d->entries[kept].value)
            d->entries[kept].time_ns = wrap_add(d->entries[kept].time_ns, d->entries[i].time_ns);
        else
            d->entries[++kept] = d->entries[i];
    }
    d->count = kept + 1;
}

/* Values with more than a 20th of all time that can ever be above them are never asked for. */
static void cut(struct distribution *d, int64_t rest_ns)
{
    int128 limit = ((int128)d->time_ns + rest_ns) / SHARE_ABOVE + 1;
    int128 above = 0;
    size_t kept = 0;

    while (kept < d->count && above <= limit)
        above += d->entries[kept++].time_ns;
    d->count = kept;
    if (above > limit)
        d->floor = d->entries[kept - 1].value;
}

static bool make_room(struct distribution *d, int64_t rest_ns)
{
    size_t more = d->size == 0 ? START : d->size * 2;
    struct distribution_entry *larger;

    if (d->size >= CUT_FROM) {
        merge(d);
        cut(d, rest_ns);
        if (d->count <= d->size / 2)
            return true;
    }
    larger = realloc(d->entries, more * sizeof *larger);
    if (larger == NULL)
        return false;
    d->entries = larger;
    d->size = more;
    return true;
}

bool distribution_add(struct distribution *d, int64_t value, int64_t time_ns, int64_t rest_ns)
{
    d->time_ns = wrap_add(d->time_ns, time_ns);
    if (value == 0 || value < d->floor)
        return true;
    if (d->count == d->size && !make_room(d, rest_ns))
        return false;
    d->entries[d->count++] = (struct distribution_entry){ value, time_ns };
    return true;
}

int64_t distribution_p95(struct distribution *d)
{
    int128 above = 0;

    merge(d);
    for (size_t i = 0; i < d->count; i++) {
        above += d->entries[i].time_ns;
        if (above * SHARE_ABOVE > d->time_ns)
            return d->entries[i].value;
    }
    return 0;
}
