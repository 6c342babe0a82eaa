/*
 * The screen of a replay: head, rows, the whole recording as a strip with a mark at the cursor, a line of
 * what was typed. replay_keys.c changes what is shown, replay_draw.c shows it.
 */
#ifndef ANALYZER_REPLAY_VIEW_H
#define ANALYZER_REPLAY_VIEW_H

#include "analyzer/replay.h"
#include "analyzer/replay_strip.h"

enum {
    REPLAY_TYPED_MAX = 100,
    REPLAY_FOOT_LINES = 3, /* strip, mark, message */
};

/* What is being typed for. */
enum replay_asking { REPLAY_ASK_NOTHING, REPLAY_ASK_TIME, REPLAY_ASK_STEP, REPLAY_ASK_FILTER };

struct replay_view {
    struct replay *replay;
    struct replay_strip strip;
    size_t scroll; /* rows that are further up */
    bool playing, help, quit;
    char message[480]; /* of struct error, too */
    char filter[REPLAY_TYPED_MAX + 1];
    enum replay_asking asking;
    char typed[REPLAY_TYPED_MAX + 1];
    size_t typed_size;
};

/* Show the frame, or help. */
MUST_USE enum status replay_draw(struct replay_view *view, struct error *err);

/* A key was pressed (screen.h). */
MUST_USE enum status replay_press(struct replay_view *view, int key, struct error *err);
/* So many frames on, or back: ticks, or as many times step_ns. */
MUST_USE enum status replay_move(struct replay_view *view, int64_t frames, struct error *err);

/* The lines of help: key and what it does; NULL behind the last. */
const char *replay_key_words(size_t line, const char **what);

#endif
