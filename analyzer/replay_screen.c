/* A replay on a terminal: keys, and time that passes while it plays. */
#include <stdlib.h>

#include "analyzer/progress.h"
#include "analyzer/replay_view.h"
#include "analyzer/screen.h"
#include "analyzer/terminal.h"

enum { PLAY_MS_LEAST = 40, PLAY_MS_MOST = 5000 };

/* How long until the next frame is due, and how many ticks it is on. */
static int play_ms(const struct replay_view *v, int64_t *frames)
{
    struct window window = replay_window(v->replay);
    double ms = ((double)window.to_ns - (double)window.from_ns) / 1e6 / v->replay->speed;

    *frames = 1;
    if (ms < PLAY_MS_LEAST && ms > 0)
        *frames = (int64_t)(PLAY_MS_LEAST / ms);
    return ms < PLAY_MS_LEAST ? PLAY_MS_LEAST : ms > PLAY_MS_MOST ? PLAY_MS_MOST : (int)ms;
}

static enum status play(struct replay_view *v, int64_t frames, struct error *err)
{
    if (replay_cursor_at_end(&v->replay->cursor)) {
        v->playing = false;
        return STATUS_OK;
    }
    return replay_move(v, frames, err);
}

static enum status watch(struct replay_view *v, struct error *err)
{
    enum status st = replay_draw(v, err);

    while (st == STATUS_OK && !v->quit) {
        bool playing = v->playing && v->asking == REPLAY_ASK_NOTHING && !v->help;
        int64_t frames = 1;
        int key = screen_key(playing ? play_ms(v, &frames) : -1);

        st = key == SCREEN_NONE ? STATUS_OK : replay_press(v, key, err);
        if (st == STATUS_OK && playing && key == SCREEN_NONE)
            st = play(v, frames, err);
        if (st == STATUS_OK && !v->quit)
            st = replay_draw(v, err);
    }
    return st;
}

enum status replay_on_screen(struct replay *replay, struct error *err)
{
    struct replay_view *v = calloc(1, sizeof *v);
    enum status st;

    if (v == NULL)
        return error_set(err, STATUS_NO_MEMORY, "a screen");
    v->replay = replay;
    st = replay_strip_read(&v->strip, &replay->subject, terminal_size().columns, err);
    progress_off(); /* it is written where the screen is */
    if (st == STATUS_OK)
        st = screen_open(getenv("NO_COLOR") == NULL, err);
    if (st == STATUS_OK)
        st = watch(v, err);
    screen_close();
    free(v);
    return st;
}
