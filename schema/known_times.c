#include "schema/known_times.h"

#include <stdlib.h>
#include <string.h>

void known_times_release(struct known_times *times)
{
    free(times->time_ns);
    free(times->row);
    free(times->begin_ns);
    *times = (struct known_times){ .metrics = times->metrics };
}

bool known_times_resize(struct known_times *times, size_t series_size)
{
    uint32_t *row = realloc(times->row, series_size * sizeof *row);
    int64_t *begin_ns;

    if (row == NULL)
        return false;
    times->row = row;
    begin_ns = realloc(times->begin_ns, series_size * sizeof *begin_ns);
    if (begin_ns == NULL)
        return false;
    times->begin_ns = begin_ns;
    for (size_t i = times->series_size; i < series_size; i++) {
        row[i] = 0;
        begin_ns[i] = INT64_MIN;
    }
    times->series_size = series_size;
    return true;
}

static int64_t *row_at(struct known_times *times, uint32_t row)
{
    return times->time_ns + (size_t)(row - 1) * 2 * times->metrics;
}

/* The series' row, made if need be; NULL when memory is out. */
static int64_t *row_of(struct known_times *times, size_t series)
{
    uint32_t *row = &times->row[series];

    if (*row != 0)
        return row_at(times, *row);
    if (times->free != 0) {
        *row = times->free;
        times->free = (uint32_t)*row_at(times, *row);
    } else {
        if (times->rows == times->size) {
            size_t more = times->size == 0 ? 16 : times->size + times->size / 2;
            int64_t *larger = realloc(times->time_ns, more * 2 * times->metrics * sizeof *larger);

            if (larger == NULL)
                return NULL;
            times->time_ns = larger;
            times->size = more;
        }
        *row = (uint32_t)++times->rows;
    }
    for (size_t i = 0; i < 2 * times->metrics; i++)
        row_at(times, *row)[i] = times->begin_ns[series];
    return row_at(times, *row);
}

bool known_times_set(struct known_times *times, size_t series, size_t metric, int64_t time_ns)
{
    int64_t *row;

    if (times->row[series] == 0 && time_ns == times->begin_ns[series])
        return true;
    row = row_of(times, series);
    if (row != NULL)
        row[metric] = time_ns;
    return row != NULL;
}

bool known_times_set_both(struct known_times *times, size_t series, size_t metric, int64_t time_ns)
{
    if (!known_times_set(times, series, metric, time_ns))
        return false;
    if (times->row[series] != 0)
        row_at(times, times->row[series])[times->metrics + metric] = time_ns;
    return true;
}

void known_times_clear(struct known_times *times, size_t series)
{
    uint32_t row = times->row[series];

    times->begin_ns[series] = INT64_MIN;
    if (row == 0)
        return;
    *row_at(times, row) = times->free;
    times->free = row;
    times->row[series] = 0;
}

void known_times_begin(struct known_times *times, size_t series, int64_t begin_ns)
{
    known_times_clear(times, series);
    times->begin_ns[series] = begin_ns;
}

void known_times_restart(struct known_times *times, size_t to, size_t from)
{
    int64_t *row;

    if (to != from) {
        known_times_clear(times, to);
        times->row[to] = times->row[from];
        times->begin_ns[to] = times->begin_ns[from];
        times->row[from] = 0;
        times->begin_ns[from] = INT64_MIN;
    }
    if (times->row[to] == 0)
        return;
    row = row_at(times, times->row[to]);
    memcpy(row + times->metrics, row, times->metrics * sizeof *row);
}
