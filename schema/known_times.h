/*
 * When values that are missing were last known, now and before the block: of few series, as most miss
 * nothing, or what they never had. A series has a row of times only if it needs one.
 */
#ifndef SCHEMA_KNOWN_TIMES_H
#define SCHEMA_KNOWN_TIMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialised, then `metrics` set, is empty. INT64_MIN is never. */
struct known_times {
    size_t metrics;
    int64_t *time_ns;  /* [rows][2][metric]: now, before the block */
    size_t rows, size; /* used so far, room */
    uint32_t free;     /* the first row that is free, + 1; the rest follow by their first time */
    uint32_t *row;     /* [series_size] row + 1; 0: it has none */
    int64_t *begin_ns; /* [series_size] what its times are until they are set */
    size_t series_size;
};
void known_times_release(struct known_times *times);

/* Make room for that many series; false when memory is out. */
bool known_times_resize(struct known_times *times, size_t series_size);

static inline int64_t known_now_ns(const struct known_times *times, size_t series, size_t metric)
{
    uint32_t row = times->row[series];

    return row == 0 ? times->begin_ns[series]
                    : times->time_ns[(row - 1) * 2 * times->metrics + metric];
}

static inline int64_t known_before_ns(const struct known_times *times, size_t series, size_t metric)
{
    uint32_t row = times->row[series];

    return row == 0 ? times->begin_ns[series]
                    : times->time_ns[((row - 1) * 2 + 1) * times->metrics + metric];
}

/* Set what is known now; false when memory is out. */
bool known_times_set(struct known_times *times, size_t series, size_t metric, int64_t time_ns);
/* Set that, and the time before the block too. */
bool known_times_set_both(struct known_times *times, size_t series, size_t metric, int64_t time_ns);

/* All times of a series that is new. */
void known_times_begin(struct known_times *times, size_t series, int64_t begin_ns);
/* The series has no times: nothing is missing of it, or it is gone. */
void known_times_clear(struct known_times *times, size_t series);

/* A series takes the place of another, which is gone, and what was before the block is what is now. */
void known_times_restart(struct known_times *times, size_t to, size_t from);

#endif
