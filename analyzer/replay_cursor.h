/* Where a replay stands: one tick of the recording's level 0, and the way to the others. */
#ifndef ANALYZER_REPLAY_CURSOR_H
#define ANALYZER_REPLAY_CURSOR_H

#include "analyzer/when.h"
#include "schema/recording.h"

struct replay_cursor {
    struct recording *recording;
    const struct recording_contents *contents;
    size_t block;  /* number of the block that has the tick */
    uint32_t tick; /* in it */
    /* private: one block's ticks are at hand */
    struct block_ticks ticks;
    size_t loaded; /* number of that block; SIZE_MAX: none */
};

/*
 * Stand at the first tick.
 *
 *   errors  ABSENT: the recording has none; whatever reading returns
 *   owns    until replay_cursor_close, also after an error
 */
MUST_USE enum status replay_cursor_open(struct replay_cursor *cursor, struct recording *recording,
                                        struct error *err);
void replay_cursor_close(struct replay_cursor *cursor);

/* Go to the last tick at or before that time, or to the first of all. */
MUST_USE enum status replay_cursor_seek(struct replay_cursor *cursor, int64_t time_ns,
                                        struct error *err);

/* Go so many ticks on, or back; at the first and the last of all it stops. */
MUST_USE enum status replay_cursor_step(struct replay_cursor *cursor, int64_t ticks,
                                        struct error *err);

int64_t replay_cursor_ns(const struct replay_cursor *cursor);
bool replay_cursor_at_end(const struct replay_cursor *cursor);

/*
 * From the tick before, of whatever session, to this one, which alone is in the window: what it stands for, if
 * no gap lies between them.
 */
struct window replay_cursor_window(const struct replay_cursor *cursor);

#endif
