/* Metrics that count, walk and stay. */
#include "tools/generate_shape.h"

#include "schema/bytes.h"

#define SECOND_NS INT64_C(1000000000)

void shapes_begin(const struct shape shapes[], size_t count, int64_t values[],
                  struct random_source *random)
{
    for (size_t m = 0; m < count; m++) {
        const struct shape *s = &shapes[m];

        if (s->move == MOVE_FIXED)
            values[m] = s->low;
        else if (s->move == MOVE_WALK)
            values[m] = random_between(random, s->low, s->high);
        else if (s->move == MOVE_COUNT)
            values[m] = s->high * random_between(random, 10, 100000);
        else
            values[m] = 0;
    }
}

static int64_t walk(const struct shape *s, int64_t value, struct random_source *random)
{
    int64_t step = (s->high - s->low) / 16 + 1;

    if (!random_chance(random, 400000))
        return value;
    value += random_between(random, -step, step);
    return value < s->low ? s->low : value > s->high ? s->high : value;
}

void shapes_move(const struct shape shapes[], size_t count, int64_t dt_ns, int64_t values[],
                 struct random_source *random)
{
    for (size_t m = 0; m < count; m++) {
        const struct shape *s = &shapes[m];

        if (s->move == MOVE_COUNT)
            values[m] +=
                (int64_t)((int128)random_between(random, s->low, s->high) * dt_ns / SECOND_NS);
        else if (s->move == MOVE_RARE)
            values[m] += random_chance(random, s->low * (dt_ns / 1000000) / 1000);
        else if (s->move == MOVE_WALK)
            values[m] = walk(s, values[m], random);
    }
}
