/* From one block to the next: which series go on, and what they begin with. */
#include <stdlib.h>
#include <string.h>

#include "schema/build.h"

/* Less is not worth giving back. */
enum { ROOM_LEAST = 2048, ROOM_SHARE = 4 };

size_t build_less_room(size_t room, size_t had)
{
    size_t enough = had * 2 < ROOM_LEAST ? ROOM_LEAST : had * 2;

    return room > enough && room / ROOM_SHARE >= had ? enough : room;
}

void build_go_on(struct build *build, uint32_t index)
{
    struct build_series *s = &build->series[index];

    for (unsigned m = 0; m < build->shape->metric_count; m++)
        if (build->column_ns[m] != INT64_MIN && build->column_ns[m] < s->since_ns) {
            s->series.flags = SERIES_YOUNG;
            s->series.start_ns = s->since_ns;
            return;
        }
}

static bool misses_nothing(const uint8_t missing[], size_t metrics)
{
    unsigned any = 0;

    for (size_t m = 0; m < metrics; m++)
        any |= missing[m];
    return any == MISSING_NONE;
}

/* A series that has ended leaves its room to others. */
static void drop_series(struct build *build, size_t index)
{
    known_times_clear(&build->known, index);
    if (build->shape->level > 0)
        packed_rows_clear(&build->rows, index);
    else
        packed_rows_clear(&build->references, index);
}

static void move_series(struct build *build, size_t to, size_t from)
{
    size_t columns = build->shape->column_count, metrics = build->shape->metric_count;
    struct build_series *s = &build->series[to];

    *s = build->series[from];
    s->series.first = 0;
    s->series.count = 0;
    s->series.flags = 0;
    s->series.start_ns = 0;
    s->newest = 0;
    s->end_tick = 0;
    s->missing_changed = false;
    if (s->slot != BUILD_NO_SERIES)
        build->slot_series[s->slot] = (uint32_t)to;
    if (to != from) {
        memcpy(build->missing + to * metrics, build->missing + from * metrics, metrics);
        if (build->shape->level == 0)
            memcpy(build->value + to * columns, build->value + from * columns,
                   columns * sizeof *build->value);
        else
            packed_rows_move(&build->rows, to, from);
        if (build->shape->level == 0)
            packed_rows_move(&build->references, to, from);
    }
    memcpy(build->base_missing + to * metrics, build->missing + to * metrics, metrics);
    known_times_restart(&build->known, to, from);
    if (misses_nothing(build->missing + to * metrics, metrics))
        known_times_clear(&build->known, to);
    build_go_on(build, (uint32_t)to);
}

/* Many births in some earlier block made room that a block like the latest does not need. */
static void shrink(struct build *build, size_t had)
{
    size_t size = build_less_room(build->series_size, had);

    if (size == build->series_size)
        return;
    (void)build_resize(build, size);
    build->series_size = size; /* what could not be made smaller is larger */
}

void build_restart(struct build *build, int64_t block_seq)
{
    size_t kept = 0, referenced = 0, had = build->series_count;

    for (size_t i = 0; i < build->series_count; i++)
        if (build->series[i].open) {
            referenced += build->series[i].referenced;
            move_series(build, kept++, i);
        } else {
            drop_series(build, i);
        }
    if (referenced == 0)
        build->reference_period = INT64_MIN;
    if (build->reference_seq == 0)
        build->reference_seq = block_seq;
    build->series_count = build->open_count = kept;
    build->tick_count = 0;
    build->now = 0;
    build->samples = 0;
    build->masked = false;
    while (build->segment_count > 1)
        free(build->segment[--build->segment_count]);
    build->arena_used = 0;
    memcpy(build->column_base_ns, build->column_ns,
           build->shape->metric_count * sizeof *build->column_ns);
    shrink(build, had);
}
