/*
 * The times, durations and windows that users write.
 *
 * A time is one of
 *   2026-11-20T14:03:05.123456789Z, also with +02:00; seconds and fraction may be left out
 *   2026-11-20 14:03[:SS[.FRACTION]], and 2026-11-20 for its midnight: on the recorded host's
 *       clocks (UTC with .utc); "T" does as well as the space
 *   14:03[:SS[.FRACTION]]: on the last recorded day of those clocks
 *   -15m: a duration before the recording's end
 *   @1795183385[.FRACTION]: seconds since 1970 on the recording's timeline, as in time_ns
 * All but the last two are what the host's wall clock showed: where it was set, the timeline went on,
 * and a time may be none, or two.
 * A duration is numbers with units, the larger unit first: 1d 2h30m 90s 500ms 250us 100ns 1.5h.
 */
#ifndef ANALYZER_WHEN_H
#define ANALYZER_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/zone.h"
#include "schema/error.h"

#define WHEN_SPAN_DEFAULT_NS (INT64_C(300) * 1000000000)

/* From timeline_ns on, until the next, the wall clock showed timeline + offset. */
struct when_wall {
    int64_t timeline_ns, offset_ns;
};

struct when_context {
    const struct zone *zone;      /* of the recorded host; NULL: UTC */
    const struct when_wall *wall; /* [wall_count] by timeline_ns; none: it was never set */
    size_t wall_count;
    bool utc;         /* times without an offset are UTC */
    int64_t first_ns; /* the recording's first and last sample */
    int64_t last_ns;
};

/* What a person should know about a time that was accepted; empty when nothing. */
struct when_warning {
    char text[480]; /* several are joined by "; " */
};

/* Samples with from_ns <= time <= to_ns. */
struct window {
    int64_t from_ns;
    int64_t to_ns;
};

/* The options as the user gave them; NULL where not. */
struct window_options {
    const char *from;
    const char *to;
    const char *last;
    const char *at;
    const char *span;
};

/* On the timeline. A time of the wall clock may have come several times: the first, the last. */
struct when_time {
    int64_t first_ns, last_ns;
};

/*
 * Understand a time; the years 1970 to 2261.
 *
 *   shape   `warning` is added to: a local time that came twice, or never (shifted by as much as the
 *           clocks were)
 *   errors  INVALID, naming the text and the accepted forms
 */
MUST_USE enum status when_parse(const char *text, const struct when_context *context,
                                struct when_time *time, struct when_warning *warning,
                                struct error *err);

/* Understand a duration; INVALID for a negative one, one beyond int64, and anything else. */
MUST_USE enum status duration_parse(const char *text, int64_t *ns, struct error *err);

/*
 * The window that the options ask for, by default the whole recording.
 *
 *   shape   from/to: each alone is allowed. last: that long before the recording's end.
 *           at: half of span (default 5 m) to each side. The window may reach beyond the recording.
 *           A time that came twice is in it both times.
 *           `warning` is added to
 *   errors  INVALID: options that contradict each other, an empty window, a time not understood
 */
MUST_USE enum status window_resolve(const struct window_options *options,
                                    const struct when_context *context, struct window *window,
                                    struct when_warning *warning, struct error *err);

#endif
