/* Lines of text, as the frame prints them, onto the screen. */
#include <stdlib.h>
#include <string.h>

#include "analyzer/replay_view.h"
#include "analyzer/screen.h"

static size_t next_line(const char *text, size_t size)
{
    const char *end = memchr(text, '\n', size);

    return end == NULL ? size : (size_t)(end - text);
}

/* Lines of a text from a row on, up to one; returns the row after. `skip` of them are left out. */
static size_t draw_lines(const char *text, size_t row, size_t end, size_t skip,
                         enum screen_style style)
{
    size_t left = strlen(text);

    while (left > 0 && row < end) {
        size_t size = next_line(text, left);

        if (skip > 0)
            skip--;
        else
            screen_line(row++, text, size, style);
        if (size == left)
            break;
        text += size + 1;
        left -= size + 1;
    }
    return row;
}

/* What was written to a stream, as one text. owns: free() */
struct text_of {
    FILE *stream;
    char *text;
    size_t size;
};

static enum status text_begin(struct text_of *t, struct error *err)
{
    *t = (struct text_of){ .text = NULL };
    t->stream = open_memstream(&t->text, &t->size);
    return t->stream != NULL ? STATUS_OK : error_set(err, STATUS_NO_MEMORY, "a frame");
}

static enum status text_end(struct text_of *t, enum status so_far, struct error *err)
{
    if (fclose(t->stream) == 0 || so_far != STATUS_OK)
        return so_far;
    return error_set(err, STATUS_NO_MEMORY, "a frame");
}

static void draw_help(size_t end)
{
    const char *what;
    size_t row = 0;
    char line[200];

    for (const char *key; row < end && (key = replay_key_words(row, &what)) != NULL; row++) {
        (void)snprintf(line, sizeof line, "  %-10s %s", key, what);
        screen_line(row, line, strlen(line), SCREEN_NORMAL);
    }
}

static void draw_foot(const struct replay_view *v, size_t row, const struct screen_size *size)
{
    char line[4 * REPLAY_STRIP_MAX + 1];
    size_t mark = replay_strip_column(&v->strip, replay_cursor_ns(&v->replay->cursor));
    const char *end = replay_strip_put(line, &v->strip, screen_is_utf8());

    screen_line(row, line, (size_t)(end - line), SCREEN_BAR);
    memset(line, ' ', mark);
    line[mark] = '^';
    screen_line(row + 1, line, mark + 1, SCREEN_HEAD);
    if (v->asking != REPLAY_ASK_NOTHING)
        (void)snprintf(line, sizeof line, "%s%s_",
                       v->asking == REPLAY_ASK_TIME   ? "go to: "
                       : v->asking == REPLAY_ASK_STEP ? "step: "
                                                      : "names: ",
                       v->typed);
    else if (v->message[0] != '\0')
        (void)snprintf(line, sizeof line, "%s", v->message);
    else if (v->playing)
        (void)snprintf(line, sizeof line, "playing, %g times as fast; space stops",
                       v->replay->speed);
    else
        (void)snprintf(line, sizeof line, "%s%s%s? keys  q quit",
                       v->filter[0] != '\0' ? "names: " : "", v->filter,
                       v->filter[0] != '\0' ? "  " : "");
    screen_line(size->rows - 1, line, strlen(line),
                v->message[0] != '\0' ? SCREEN_ALERT : SCREEN_DIM);
}

/* The rows below a header line, which stays; scrolled no further than to the last of them. */
static void draw_rows(struct replay_view *v, const char *text, size_t row, size_t end)
{
    size_t header = next_line(text, strlen(text)), rows = 0, room = end - row - 1;

    for (const char *at = text + header; *at != '\0'; at++)
        rows += *at == '\n' && at[1] != '\0';
    if (v->scroll + room > rows)
        v->scroll = rows > room ? rows - room : 0;
    screen_line(row, text, header, SCREEN_TITLE);
    if (text[header] != '\0')
        (void)draw_lines(text + header + 1, row + 1, end, v->scroll, SCREEN_NORMAL);
}

static enum status draw_frame(struct replay_view *v, struct replay_frame *frame,
                              const struct screen_size *size, struct error *err)
{
    const struct output_options options = { .format = OUTPUT_TABLE,
                                            .width = size->columns,
                                            .zone = v->replay->options.utc
                                                        ? NULL
                                                        : &v->replay->subject.zone };
    size_t end = size->rows > REPLAY_FOOT_LINES ? size->rows - REPLAY_FOOT_LINES : size->rows;
    size_t row = 0;
    struct text_of head, rows;
    enum status st = text_begin(&head, err);

    if (st != STATUS_OK)
        return st;
    replay_frame_print_head(frame, &options, head.stream);
    st = text_end(&head, STATUS_OK, err);
    if (st == STATUS_OK)
        row = draw_lines(head.text, 0, end, 0, SCREEN_HEAD);
    free(head.text);
    if (st != STATUS_OK || text_begin(&rows, err) != STATUS_OK)
        return err->status;
    st = report_print(&frame->report, &frame->subject, rows.stream, &options, err);
    st = text_end(&rows, st, err);
    if (st == STATUS_OK && row + 1 < end)
        draw_rows(v, rows.text, row + 1, end);
    free(rows.text);
    return st;
}

enum status replay_draw(struct replay_view *v, struct error *err)
{
    struct screen_size size = screen_size();
    struct window window = replay_window(v->replay);
    struct replay_frame frame = { .report.column_count = 0 };
    enum status st = STATUS_OK;

    if (v->strip.columns != size.columns && size.columns <= REPLAY_STRIP_MAX)
        st = replay_strip_read(&v->strip, &v->replay->subject, size.columns, err);
    screen_begin();
    v->replay->asked.top = v->scroll + size.rows; /* no others are put in order */
    if (st == STATUS_OK && !v->help)
        st = replay_frame_make(&frame, &v->replay->subject, &window, &v->replay->asked, err);
    if (st == STATUS_OK && !v->help)
        st = draw_frame(v, &frame, &size, err);
    else if (st == STATUS_OK)
        draw_help(size.rows - 1);
    if (st == STATUS_OK && size.rows > REPLAY_FOOT_LINES && !v->help)
        draw_foot(v, size.rows - REPLAY_FOOT_LINES, &size);
    screen_show();
    replay_frame_release(&frame);
    return st;
}
