/* What a replay is of and how it is shown, shared by frames as text and the screen. */
#ifndef ANALYZER_REPLAY_H
#define ANALYZER_REPLAY_H

#include "analyzer/replay_cursor.h"
#include "analyzer/replay_frame.h"
#include "analyzer/report_ask.h"

struct replay {
    struct options options;
    const char *columns; /* as given, or NULL */
    int64_t step_ns;     /* what a frame is over; 0: one tick */
    double speed;        /* of the screen's playing: seconds of the recording in one */
    struct report asked; /* the rows, before they are read */
    struct subject subject;
    struct replay_cursor cursor;
};

/* The columns that asked->by has unless they are named. errors never but on a name of the program's own */
MUST_USE enum status replay_default_columns(struct report *asked, struct error *err);

/* The window of a frame that ends with the cursor's tick: step_ns long where there is so much. */
struct window replay_window(const struct replay *replay);

/* On standard output, a terminal, until the user has seen enough. errors as replay_frame_make; IO */
MUST_USE enum status replay_on_screen(struct replay *replay, struct error *err);

#endif
