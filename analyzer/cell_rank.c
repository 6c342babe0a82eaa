/* Values by size about a percentile. */
#include <stdlib.h>
#include <string.h>

#include "analyzer/cell_private.h"

enum { RANKS_BESIDE = 12 }; /* values to either side of the percentile */

static int compare(int64_t x, int64_t y)
{
    return (x > y) - (x < y);
}

static int by_peak_down(const void *a, const void *b)
{
    const struct cell_line *x = a, *y = b;

    return x->peak != y->peak ? compare(y->peak, x->peak) : compare(x->item.to_ns, y->item.to_ns);
}

/* Lines without time are of no value; equal values are one line. */
static size_t put_values(struct cell_line line[], size_t count, int64_t *all_ns)
{
    size_t kept = 0;

    *all_ns = 0;
    for (size_t i = 0; i < count; i++)
        if (line[i].item.dt_ns > 0)
            line[kept++] = line[i];
    count = kept;
    if (count > 1)
        qsort(line, count, sizeof *line, by_peak_down);
    kept = 0;
    for (size_t i = 0; i < count; i++) {
        *all_ns = wrap_add(*all_ns, line[i].item.dt_ns);
        if (kept > 0 && line[kept - 1].peak == line[i].peak)
            cell_join(&line[kept - 1], &line[i]);
        else
            line[kept++] = line[i];
        line[kept - 1].label = "value";
    }
    return kept;
}

static void join_range(struct cell_working *e, size_t first, size_t end, const char *label)
{
    struct cell_line *line = &e->line[first];

    if (end - first < 2)
        return;
    for (size_t i = first + 1; i < end; i++) {
        cell_join(line, &e->line[i]);
        line->peak = e->line[i].peak > line->peak ? e->line[i].peak : line->peak;
        line->reach_ns =
            e->line[i].reach_ns > line->reach_ns ? e->line[i].reach_ns : line->reach_ns;
    }
    line->label = label;
    memmove(line + 1, &e->line[end], (e->count - end) * sizeof *line);
    e->count -= end - first - 1;
}

void cell_rank(struct cell_working *e)
{
    int64_t all_ns, above_ns = 0;
    size_t rank = SIZE_MAX;

    e->count = put_values(e->line, e->count, &all_ns);
    for (size_t i = 0; i < e->count; i++) {
        e->line[i].reach_ns = wrap_subtract(all_ns, above_ns);
        above_ns = wrap_add(above_ns, e->line[i].item.dt_ns);
        if (rank == SIZE_MAX && (int128)above_ns * 20 > all_ns)
            rank = i;
    }
    if (rank == SIZE_MAX)
        return;
    e->line[rank].decides = true;
    for (size_t i = 0; i < e->count / 2; i++) {
        struct cell_line swap = e->line[i];

        e->line[i] = e->line[e->count - 1 - i];
        e->line[e->count - 1 - i] = swap;
    }
    rank = e->count - 1 - rank;
    if (e->count <= CELL_LINES_MOST)
        return;
    if (rank + 1 + RANKS_BESIDE < e->count)
        join_range(e, rank + 1 + RANKS_BESIDE, e->count, "higher");
    if (rank > RANKS_BESIDE)
        join_range(e, 0, rank - RANKS_BESIDE, "lower");
}
