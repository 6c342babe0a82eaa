/* One frame of a replay: the host, what happened to it, and its processes, over the ticks of a window. */
#ifndef ANALYZER_REPLAY_FRAME_H
#define ANALYZER_REPLAY_FRAME_H

#include "analyzer/replay_host.h"
#include "analyzer/report.h"

struct replay_frame {
    struct subject subject; /* a copy: its window is the frame's */
    struct report report;
    struct replay_host host;
};

/*
 * Work out the frame of a window. Its rows are those of `asked`, a report that was asked for and not read.
 *
 *   errors  whatever reading returns
 *   owns    until replay_frame_release, also after an error
 */
MUST_USE enum status replay_frame_make(struct replay_frame *frame, const struct subject *subject,
                                       const struct window *window, const struct report *asked,
                                       struct error *err);
void replay_frame_release(struct replay_frame *frame);

/* What stands over the rows: lines of the host, then of events, each cut to options->width. */
enum { REPLAY_EVENTS_MAX = 4 }; /* of them; more are counted */
void replay_frame_print_head(const struct replay_frame *frame, const struct output_options *options,
                             FILE *out);
/* Head, a blank line, the rows. errors IO, NO_MEMORY */
MUST_USE enum status replay_frame_print(struct replay_frame *frame,
                                        const struct output_options *options, FILE *out,
                                        struct error *err);

#endif
