/* Borders of buckets, in the zone of the recorded host. */
#include "analyzer/timeline_buckets.h"

#include <stdlib.h>

#include "analyzer/calendar.h"
#include "schema/bytes.h"

enum { STEPS_BY_DEFAULT = 60 };

static int64_t offset_ns(const struct zone *zone, int64_t at_ns)
{
    return zone_offset(zone, at_ns) * CALENDAR_SECOND_NS;
}

/* The first multiple of the step, on clocks that are `ahead_ns` of UTC, after a time. */
static int128 next_multiple(int128 after_ns, int64_t ahead_ns, int64_t step_ns)
{
    int128 local = after_ns + ahead_ns;
    int128 rest = local % step_ns;

    return after_ns + step_ns - (rest < 0 ? rest + step_ns : rest);
}

/* The border after another one. */
static int64_t next_border(int64_t after_ns, int64_t last_ns, int64_t step_ns,
                           const struct zone *zone)
{
    int64_t ahead_ns = offset_ns(zone, after_ns), then_ns;
    int128 next = next_multiple(after_ns, ahead_ns, step_ns);

    if (next >= last_ns)
        return last_ns;
    then_ns = offset_ns(zone, (int64_t)next);
    if ((next + then_ns) % step_ns != 0 && next + ahead_ns - then_ns > after_ns)
        next += ahead_ns - then_ns; /* the clocks were changed on the way */
    return next >= last_ns ? last_ns : (int64_t)next;
}

static enum status reserve(struct timeline_buckets *b, size_t size, struct error *err)
{
    int64_t *larger = realloc(b->end_ns, size * sizeof *larger);

    if (larger == NULL)
        return error_set(err, STATUS_NO_MEMORY, "%zu rows of time", size);
    b->end_ns = larger;
    return STATUS_OK;
}

enum status timeline_buckets_cut(struct timeline_buckets *b, const struct window *window,
                                 int64_t step_ns, const struct zone *zone, struct error *err)
{
    int128 least = ((int128)window->to_ns - window->from_ns) / step_ns;
    size_t size = least < TIMELINE_BUCKETS_MAX ? (size_t)least + 2 : TIMELINE_BUCKETS_MAX + 1;
    int64_t at_ns = window->from_ns;

    *b = (struct timeline_buckets){ .from_ns = at_ns };
    if (least > TIMELINE_BUCKETS_MAX)
        return error_set(err, STATUS_INVALID,
                         "--step: that is more than %d rows of time; take a longer one",
                         TIMELINE_BUCKETS_MAX);
    if (reserve(b, size, err) != STATUS_OK)
        return err->status;
    while (at_ns < window->to_ns) {
        at_ns = next_border(at_ns, window->to_ns, step_ns, zone);
        if (b->count == size && reserve(b, size *= 2, err) != STATUS_OK)
            return err->status;
        b->end_ns[b->count++] = at_ns;
    }
    b->ticks = calloc(b->count + 1, sizeof *b->ticks);
    return b->ticks != NULL ? STATUS_OK
                            : error_set(err, STATUS_NO_MEMORY, "%zu rows of time", b->count);
}

enum status timeline_buckets_one(struct timeline_buckets *b, const struct window *window,
                                 struct error *err)
{
    *b = (struct timeline_buckets){ .from_ns = window->from_ns,
                                    .end_ns = malloc(sizeof *b->end_ns),
                                    .ticks = calloc(1, sizeof *b->ticks) };
    if (b->end_ns == NULL || b->ticks == NULL)
        return error_set(err, STATUS_NO_MEMORY, "a step of time");
    b->end_ns[b->count++] = window->to_ns;
    return STATUS_OK;
}

void timeline_buckets_release(struct timeline_buckets *b)
{
    free(b->end_ns);
    free(b->ticks);
    *b = (struct timeline_buckets){ 0 };
}

size_t timeline_bucket(const struct timeline_buckets *b, int64_t time_ns)
{
    size_t low = 0, high = b->count - 1;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (b->end_ns[middle] < time_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int64_t timeline_step(const struct window *window)
{
    static const int64_t round_s[] = { 1,   2,   5,    10,   15,   30,    60,    120,  300,
                                       600, 900, 1800, 3600, 7200, 10800, 21600, 43200 };
    int128 length = (int128)window->to_ns - window->from_ns;

    for (size_t i = 0; i < COUNT_OF(round_s); i++)
        if (length <= (int128)round_s[i] * CALENDAR_SECOND_NS * STEPS_BY_DEFAULT)
            return round_s[i] * CALENDAR_SECOND_NS;
    return CALENDAR_DAY_NS;
}
