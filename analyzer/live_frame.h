/* What happened between two ticks of the live mapping: rates of the host and of each process. */
#ifndef ANALYZER_LIVE_FRAME_H
#define ANALYZER_LIVE_FRAME_H

#include "schema/live.h"

enum live_sort {
    LIVE_SORT_CPU,
    LIVE_SORT_RESIDENT,
    LIVE_SORT_READ,
    LIVE_SORT_WRITTEN,
    LIVE_SORT_PID
};

/* A figure that may be missing. */
struct live_figure {
    bool known;
    double value;
};

struct live_row {
    const struct live_process *process;
    struct live_figure cpu_percent; /* 100: one core */
    struct live_figure resident_bytes;
    struct live_figure read_bytes, written_bytes; /* a second, from and to storage */
};

struct live_frame {
    const struct live_tick *tick;
    struct live_figure cpu_percent; /* of all cores: what was not idle, nor waiting for IO */
    struct live_figure memory_bytes, memory_used_bytes; /* used: not available to programs */
    struct live_figure swap_used_bytes;
    struct live_row *row; /* [row_count] in the order asked for */
    size_t row_count, row_size;
};

/* INVALID, naming what there is, when `text` is none of them. */
MUST_USE enum status live_sort_parse(const char *text, enum live_sort *sort, struct error *err);

/*
 * Work out a frame. What is unknown without a tick before, or across a gap, is missing.
 *
 *   shape   `before`: an earlier tick of the same session, or NULL; both are put in order by id
 *   errors  NO_MEMORY
 *   owns    rows, until live_frame_release; they point into `now`
 */
MUST_USE enum status live_frame_make(struct live_frame *frame, struct live_view *now,
                                     const struct live_view *before, enum live_sort sort,
                                     struct error *err);
void live_frame_release(struct live_frame *frame);

#endif
