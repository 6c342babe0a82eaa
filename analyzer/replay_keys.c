/* Each key does one thing. */
#include <stdio.h>
#include <string.h>

#include "analyzer/replay_view.h"
#include "analyzer/screen.h"

enum { PAGE_TICKS = 10, LONG_TICKS = 60, PAGE_EDGE = REPLAY_FOOT_LINES + 6 };
#define SPEED_MOST 86400.0
#define SPEED_LEAST 0.125

enum action {
    GO_ON,
    GO_BACK,
    GO_PAGE_ON,
    GO_PAGE_BACK,
    GO_LONG_ON,
    GO_LONG_BACK,
    GO_FIRST,
    GO_LAST,
    GO_EVENT_ON,
    GO_EVENT_BACK,
    GO_SPIKE_ON,
    GO_SPIKE_BACK,
    GO_TIME,
    GO_CLICK,
    PLAY,
    FASTER,
    SLOWER,
    SET_STEP,
    SET_FILTER,
    SORT_CPU,
    SORT_RESIDENT,
    SORT_READ,
    SORT_WRITTEN,
    SORT_PID,
    NEXT_GROUP,
    REMAINDER,
    ROW_UP,
    ROW_DOWN,
    ROWS_UP,
    ROWS_DOWN,
    HELP,
    REDRAW,
    QUIT,
};

/* The order is that of help; a second key for the same has no words. */
static const struct binding {
    int key;
    enum action action;
    const char *shown, *what;
} bindings[] = {
    { SCREEN_RIGHT, GO_ON, "right, l", "next tick, or step" },
    { 'l', GO_ON, NULL, NULL },
    { SCREEN_LEFT, GO_BACK, "left, h", "the one before" },
    { 'h', GO_BACK, NULL, NULL },
    { ']', GO_PAGE_ON, "] [", "10 ticks on, back" },
    { '[', GO_PAGE_BACK, NULL, NULL },
    { '}', GO_LONG_ON, "} {", "60 ticks on, back" },
    { '{', GO_LONG_BACK, NULL, NULL },
    { SCREEN_HOME, GO_FIRST, "Home, g", "first tick" },
    { 'g', GO_FIRST, NULL, NULL },
    { SCREEN_LAST, GO_LAST, "End, G", "last tick" },
    { 'G', GO_LAST, NULL, NULL },
    { 'b', GO_TIME, "b", "go to a time: 14:03, -15m, 2026-11-20 14:03:05" },
    { 'e', GO_EVENT_ON, "e E", "next event, the one before" },
    { 'E', GO_EVENT_BACK, NULL, NULL },
    { 'x', GO_SPIKE_ON, "x X",
      "next part of the strip that is busier than its neighbours, the one before" },
    { 'X', GO_SPIKE_BACK, NULL, NULL },
    { SCREEN_CLICK, GO_CLICK, "click", "into the strip: go there" },
    { ' ', PLAY, "space", "play, stop" },
    { '>', FASTER, "> <", "twice as fast, half as fast" },
    { '<', SLOWER, NULL, NULL },
    { 's', SET_STEP, "s", "how much time a frame is over: 10s; empty: a tick" },
    { '/', SET_FILTER, "/", "only processes of that name, * for any text; empty: all" },
    { 'C', SORT_CPU, "C", "sort by CPU time" },
    { 'M', SORT_RESIDENT, "M", "by memory" },
    { 'R', SORT_READ, "R", "by what was read" },
    { 'W', SORT_WRITTEN, "W", "by what was written" },
    { 'P', SORT_PID, "P", "by pid" },
    { 't', NEXT_GROUP, "t", "rows by process, comm, exe, user, cgroup, container, unit, lineage" },
    { 'r', REMAINDER, "r", "with others, idle and not attributed, or without" },
    { SCREEN_UP, ROW_UP, "up, k", "rows further up" },
    { 'k', ROW_UP, NULL, NULL },
    { SCREEN_DOWN, ROW_DOWN, "down, j", "rows further down" },
    { 'j', ROW_DOWN, NULL, NULL },
    { SCREEN_PAGE_UP, ROWS_UP, "PgUp PgDn", "a screen of them" },
    { SCREEN_PAGE_DOWN, ROWS_DOWN, NULL, NULL },
    { '?', HELP, "?", "these keys" },
    { 'q', QUIT, "q", "quit" },
    { 3, QUIT, NULL, NULL }, /* Ctrl-C */
    { SCREEN_END, QUIT, NULL, NULL },
    { SCREEN_RESIZED, REDRAW, NULL, NULL },
    { 12, REDRAW, NULL, NULL }, /* Ctrl-L */
};

const char *replay_key_words(size_t line, const char **what)
{
    for (size_t i = 0; i < COUNT_OF(bindings); i++) {
        if (bindings[i].what == NULL || line-- > 0)
            continue;
        *what = bindings[i].what;
        return bindings[i].shown;
    }
    return NULL;
}

/* --- moving --- */

enum status replay_move(struct replay_view *v, int64_t frames, struct error *err)
{
    struct replay *r = v->replay;
    int64_t now_ns = replay_cursor_ns(&r->cursor), to_ns;

    if (r->step_ns == 0)
        return replay_cursor_step(&r->cursor, frames, err);
    if (__builtin_mul_overflow(frames, r->step_ns, &to_ns) ||
        __builtin_add_overflow(to_ns, now_ns, &to_ns))
        to_ns = frames < 0 ? INT64_MIN : INT64_MAX;
    if (replay_cursor_seek(&r->cursor, to_ns, err) != STATUS_OK)
        return err->status;
    if (replay_cursor_ns(&r->cursor) == now_ns) /* there is a gap */
        return replay_cursor_step(&r->cursor, frames < 0 ? -1 : 1, err);
    return STATUS_OK;
}

/* The first tick at or after that time, which has told of what was then. */
static enum status go_to(struct replay_view *v, int64_t time_ns, struct error *err)
{
    struct replay_cursor *cursor = &v->replay->cursor;

    if (replay_cursor_seek(cursor, time_ns, err) != STATUS_OK)
        return err->status;
    return replay_cursor_ns(cursor) < time_ns ? replay_cursor_step(cursor, 1, err) : STATUS_OK;
}

static enum status go_to_event(struct replay_view *v, bool on, struct error *err)
{
    const struct recording_contents *contents = v->replay->subject.contents;
    struct window now = replay_cursor_window(&v->replay->cursor);
    const struct recording_event *found = NULL;

    for (size_t i = 0; i < contents->event_count; i++) {
        const struct recording_event *event = &contents->events[i];

        if (on ? event->at_ns > now.to_ns && (found == NULL || event->at_ns < found->at_ns)
               : event->at_ns <= now.from_ns && (found == NULL || event->at_ns > found->at_ns))
            found = event;
    }
    if (found == NULL) {
        (void)snprintf(v->message, sizeof v->message, "no event %s", on ? "after this" : "before");
        return STATUS_OK;
    }
    return go_to(v, found->at_ns, err);
}

/* A part of the strip that is busier than those on both sides, and than half of the busiest. */
static bool is_spike(const struct replay_strip *s, size_t i)
{
    return s->known[i] && s->busy[i] > s->most / 2 && (i == 0 || s->busy[i] > s->busy[i - 1]) &&
           (i + 1 == s->columns || s->busy[i] >= s->busy[i + 1]);
}

static enum status go_to_spike(struct replay_view *v, bool on, struct error *err)
{
    const struct replay_strip *s = &v->strip;
    size_t at = replay_strip_column(s, replay_cursor_ns(&v->replay->cursor));

    for (size_t i = on ? at + 1 : at - 1; i < s->columns; i = on ? i + 1 : i - 1)
        if (is_spike(s, i))
            return go_to(v, replay_strip_ns(s, i), err);
    (void)snprintf(v->message, sizeof v->message, "no spike %s", on ? "after this" : "before");
    return STATUS_OK;
}

static enum status go_to_click(struct replay_view *v, struct error *err)
{
    size_t row, column;

    screen_click(&row, &column);
    if (row + REPLAY_FOOT_LINES != screen_size().rows || column >= v->strip.columns)
        return STATUS_OK;
    return replay_cursor_seek(&v->replay->cursor, replay_strip_ns(&v->strip, column), err);
}

/* --- what was typed --- */

static void ask(struct replay_view *v, enum replay_asking asking)
{
    v->asking = asking;
    v->typed_size = 0;
    v->typed[0] = '\0';
}

static void set_filter(struct replay_view *v)
{
    struct select *select = &v->replay->options.select;

    (void)snprintf(v->filter, sizeof v->filter, "%s", v->typed);
    select->comm_count = v->filter[0] != '\0';
    select->comm[0] = v->filter;
    v->scroll = 0;
}

static void set_step(struct replay_view *v, struct error *err)
{
    int64_t step_ns = 0;

    if (v->typed[0] != '\0' && duration_parse(v->typed, &step_ns, err) != STATUS_OK)
        (void)snprintf(v->message, sizeof v->message, "%s", err->message);
    else
        v->replay->step_ns = step_ns;
}

static enum status set_time(struct replay_view *v, struct error *err)
{
    int64_t time_ns;

    if (subject_time(&v->replay->subject, &v->replay->options, v->typed, &time_ns, err) ==
        STATUS_OK)
        return replay_cursor_seek(&v->replay->cursor, time_ns, err);
    (void)snprintf(v->message, sizeof v->message, "%s", err->message);
    return STATUS_OK;
}

static enum status take_typed(struct replay_view *v, struct error *err)
{
    enum replay_asking asked = v->asking;

    v->asking = REPLAY_ASK_NOTHING;
    if (asked == REPLAY_ASK_FILTER)
        set_filter(v);
    else if (asked == REPLAY_ASK_STEP)
        set_step(v, err);
    else if (v->typed[0] != '\0')
        return set_time(v, err);
    return STATUS_OK;
}

/* Letters, digits and signs; a name of others is found by * in their place. */
static enum status type(struct replay_view *v, int key, struct error *err)
{
    if (key == '\n' || key == '\r')
        return take_typed(v, err);
    if (key == 27 || key == 3 || key == SCREEN_END)
        v->asking = REPLAY_ASK_NOTHING;
    else if (key == SCREEN_BACKSPACE && v->typed_size > 0)
        v->typed_size--;
    else if (key >= ' ' && key < 127 && v->typed_size < REPLAY_TYPED_MAX)
        v->typed[v->typed_size++] = (char)key;
    v->typed[v->typed_size] = '\0';
    v->quit |= key == SCREEN_END;
    return STATUS_OK;
}

/* --- keys --- */

static enum status sort_by(struct replay_view *v, const char *column, struct error *err)
{
    v->scroll = 0;
    return report_parse_sort(&v->replay->asked, column, err);
}

static enum status next_group(struct replay_view *v, struct error *err)
{
    struct report *asked = &v->replay->asked;

    asked->aggregate.by = (enum group_by)((asked->aggregate.by + 1) % BY_COUNT);
    v->scroll = 0;
    if (v->replay->columns != NULL)
        return STATUS_OK;
    asked->column_count = 0;
    return replay_default_columns(asked, err);
}

static void change_speed(struct replay_view *v, double factor)
{
    double speed = v->replay->speed * factor;

    if (speed >= SPEED_LEAST && speed <= SPEED_MOST)
        v->replay->speed = speed;
    (void)snprintf(v->message, sizeof v->message, "%g times as fast", v->replay->speed);
}

static void scroll(struct replay_view *v, bool down, size_t rows)
{
    if (down)
        v->scroll += rows;
    else
        v->scroll -= rows < v->scroll ? rows : v->scroll;
}

static enum status go(struct replay_view *v, enum action action, struct error *err)
{
    switch (action) {
    case GO_ON:
        return replay_move(v, 1, err);
    case GO_BACK:
        return replay_move(v, -1, err);
    case GO_PAGE_ON:
        return replay_move(v, PAGE_TICKS, err);
    case GO_PAGE_BACK:
        return replay_move(v, -PAGE_TICKS, err);
    case GO_LONG_ON:
        return replay_move(v, LONG_TICKS, err);
    case GO_LONG_BACK:
        return replay_move(v, -LONG_TICKS, err);
    case GO_FIRST:
        return replay_cursor_seek(&v->replay->cursor, INT64_MIN, err);
    case GO_LAST:
        return replay_cursor_seek(&v->replay->cursor, INT64_MAX, err);
    case GO_EVENT_ON:
    case GO_EVENT_BACK:
        return go_to_event(v, action == GO_EVENT_ON, err);
    case GO_SPIKE_ON:
    case GO_SPIKE_BACK:
        return go_to_spike(v, action == GO_SPIKE_ON, err);
    default:
        return go_to_click(v, err);
    }
}

static enum status act(struct replay_view *v, enum action action, struct error *err)
{
    size_t page = screen_size().rows > PAGE_EDGE ? screen_size().rows - PAGE_EDGE : 1;

    switch (action) {
    case GO_TIME:
        ask(v, REPLAY_ASK_TIME);
        break;
    case SET_STEP:
        ask(v, REPLAY_ASK_STEP);
        break;
    case SET_FILTER:
        ask(v, REPLAY_ASK_FILTER);
        break;
    case PLAY:
        v->playing = !v->playing;
        break;
    case FASTER:
    case SLOWER:
        change_speed(v, action == FASTER ? 2 : 0.5);
        break;
    case SORT_CPU:
        return sort_by(v, "cpu_seconds", err);
    case SORT_RESIDENT:
        return sort_by(v, "resident_bytes_max", err);
    case SORT_READ:
        return sort_by(v, "disk_read_bytes", err);
    case SORT_WRITTEN:
        return sort_by(v, "disk_written_bytes", err);
    case SORT_PID:
        return sort_by(v, "+pid", err);
    case NEXT_GROUP:
        return next_group(v, err);
    case REMAINDER:
        v->replay->asked.remainder = !v->replay->asked.remainder;
        break;
    case ROW_UP:
    case ROW_DOWN:
        scroll(v, action == ROW_DOWN, 1);
        break;
    case ROWS_UP:
    case ROWS_DOWN:
        scroll(v, action == ROWS_DOWN, page);
        break;
    case HELP:
        v->help = true;
        break;
    case REDRAW:
        break;
    case QUIT:
        v->quit = true;
        break;
    default:
        return go(v, action, err);
    }
    return STATUS_OK;
}

enum status replay_press(struct replay_view *v, int key, struct error *err)
{
    v->message[0] = '\0';
    if (v->asking != REPLAY_ASK_NOTHING)
        return type(v, key, err);
    if (v->help && key != SCREEN_END) { /* any key leaves it */
        v->help = false;
        return STATUS_OK;
    }
    for (size_t i = 0; i < COUNT_OF(bindings); i++)
        if (bindings[i].key == key)
            return act(v, bindings[i].action, err);
    (void)snprintf(v->message, sizeof v->message, "no such key: ? shows them");
    return STATUS_OK;
}
