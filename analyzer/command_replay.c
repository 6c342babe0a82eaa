/* procscope replay: the recording frame by frame, as if it happened again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/command.h"
#include "analyzer/replay.h"
#include "analyzer/screen.h"

static const char help[] =
    "usage: procscope replay [FILE…] [WINDOW] [SELECT] [OPTION…]\n"
    "\n"
    "Prints a frame for each tick of the window: the host, the events, and the top processes "
    "since\n"
    "the tick before. With --at TIME and no --span it is the frame of the last tick at or before\n"
    "that time. The figures are those that report tells of the same window.\n"
    "\n"
    "  --step DURATION   a frame for every DURATION, over all of its ticks\n"
    "  --count N         as text, and end after N frames\n"
    "  --speed X         play X times as fast as it was (1)\n"
    "  --by GROUP        as in report: process, comm, exe, user, cgroup, container, unit, lineage\n"
    "  --columns A,B,C   these columns of report; --columns help lists all\n"
    "  --sort COLUMN     largest first (texts: A first); -COLUMN largest, +COLUMN smallest first\n"
    "  --top N           the first N rows (20); 0 for all\n"
    "  --remainder       with the rows for others, idle, not attributed and the total\n";

enum { TOP_DEFAULT = 20, COUNT_MAX = 1000000000 };

/* Columns of processes; of groups what names them stands before those from the figures on. */
static const char *const process_columns[] = { "pid", "user", "comm" };
static const char *const figure_columns[] = { "cpu_percent_mean", "resident_bytes_max",
                                              "disk_read_bytes", "disk_written_bytes",
                                              "threads_max" };

/* Frames as text, and what was asked for. */
struct frames {
    struct replay replay;
    const char *step, *count, *by, *sort, *top, *remainder, *speed;
    size_t most; /* SIZE_MAX: as many as there are */
    size_t shown;
    bool at; /* a moment was asked for, not a window */
};

/* --- the command line --- */

enum status replay_default_columns(struct report *asked, struct error *err)
{
    bool groups = asked->aggregate.by != BY_PROCESS;
    enum status st = STATUS_OK;

    asked->titles = true;
    for (size_t i = 0; !groups && i < COUNT_OF(process_columns) && st == STATUS_OK; i++)
        st = report_add_column(asked, process_columns[i], err);
    if (groups)
        st = report_add_column(asked, report_group_names[asked->aggregate.by], err);
    if (groups && st == STATUS_OK)
        st = report_add_column(asked, "processes", err);
    for (size_t i = 0; i < COUNT_OF(figure_columns) && st == STATUS_OK; i++)
        st = report_add_column(asked, figure_columns[i], err);
    if (!groups && st == STATUS_OK)
        st = report_add_column(asked, "cmdline", err);
    return st;
}

static enum status parse_count(struct frames *f, struct error *err)
{
    const struct window_options *window = &f->replay.options.window;
    unsigned long value;
    char *end;

    f->at = window->at != NULL && window->span == NULL;
    f->most = f->at ? 1 : SIZE_MAX;
    if (f->count == NULL)
        return STATUS_OK;
    errno = 0;
    value = strtoul(f->count, &end, 10);
    if (*f->count < '1' || *f->count > '9' || *end != '\0' || errno != 0 || value > COUNT_MAX)
        return error_set(err, STATUS_INVALID, "--count %.40s: not a number of frames", f->count);
    f->most = value;
    return STATUS_OK;
}

static enum status parse_step(struct frames *f, struct error *err)
{
    if (f->step == NULL)
        return STATUS_OK;
    if (duration_parse(f->step, &f->replay.step_ns, err) != STATUS_OK)
        return error_prefix(err, "--step");
    return f->replay.step_ns > 0
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, "--step %.40s: no time passes in it", f->step);
}

static enum status parse_speed(struct frames *f, struct error *err)
{
    char *end = NULL;
    double speed = f->speed == NULL ? 1 : strtod(f->speed, &end);

    if (f->speed != NULL && (end == f->speed || *end != '\0' || !(speed > 0 && speed <= 1e6)))
        return error_set(err, STATUS_INVALID, "--speed %.40s: not how many times as fast",
                         f->speed);
    f->replay.speed = speed;
    return STATUS_OK;
}

static enum status parse_rows(struct frames *f, struct error *err)
{
    struct report *asked = &f->replay.asked;

    if (report_parse_by(asked, f->by, err) != STATUS_OK ||
        report_parse_sort(asked, f->sort, err) != STATUS_OK ||
        report_parse_top(asked, f->top, TOP_DEFAULT, err) != STATUS_OK)
        return err->status;
    if (asked->devices)
        return error_set(err, STATUS_INVALID, "--by gpu: procscope report has it");
    asked->remainder = f->remainder != NULL;
    asked->aggregate.select = &f->replay.options.select;
    return f->replay.columns == NULL ? replay_default_columns(asked, err)
                                     : report_name_columns(asked, f->replay.columns, err);
}

static enum status parse(struct frames *f, int argc, char **argv, struct error *err)
{
    struct replay *r = &f->replay;
    const struct own_option own[] = {
        { "--step", true, &f->step },       { "--count", true, &f->count },
        { "--speed", true, &f->speed },     { "--by", true, &f->by },
        { "--columns", true, &r->columns }, { "--sort", true, &f->sort },
        { "--top", true, &f->top },         { "--remainder", false, &f->remainder }
    };

    if (options_parse(&r->options, command_replay.options, own, COUNT_OF(own), argc, argv, err) !=
            STATUS_OK ||
        parse_count(f, err) != STATUS_OK || parse_step(f, err) != STATUS_OK ||
        parse_speed(f, err) != STATUS_OK)
        return err->status;
    if (r->columns != NULL && strcmp(r->columns, "help") == 0)
        return STATUS_OK;
    return parse_rows(f, err);
}

/* --- frames as text --- */

static enum status show(struct frames *f, const struct window *window, const struct sink *sink,
                        struct error *err)
{
    struct replay *r = &f->replay;
    struct output_options options = sink_options(sink, &r->options, &r->subject);
    struct replay_frame frame = { .report.column_count = 0 };
    enum status st = replay_frame_make(&frame, &r->subject, window, &r->asked, err);

    if (f->shown++ > 0)
        (void)fputc('\n', sink->file);
    if (st == STATUS_OK)
        st = replay_frame_print(&frame, &options, sink->file, err);
    replay_frame_release(&frame);
    return st;
}

struct window replay_window(const struct replay *replay)
{
    struct window window = replay_cursor_window(&replay->cursor);
    int64_t from_ns = wrap_subtract(window.to_ns, replay->step_ns);

    if (replay->step_ns > 0 && from_ns < window.from_ns)
        window.from_ns =
            from_ns < replay->subject.first_ns ? replay->subject.first_ns - 1 : from_ns;
    return window;
}

/* On to the last tick of the step that begins with the cursor's; the window is that of all of them. */
static enum status take_step(struct replay *r, struct window *window, struct error *err)
{
    int64_t first_ns = replay_cursor_ns(&r->cursor);
    int64_t until_ns;

    if (__builtin_add_overflow(window->from_ns, r->step_ns, &until_ns) ||
        until_ns > r->subject.window.to_ns)
        until_ns = r->subject.window.to_ns;
    if (until_ns > first_ns && replay_cursor_seek(&r->cursor, until_ns, err) != STATUS_OK)
        return err->status;
    window->to_ns = replay_cursor_ns(&r->cursor);
    return STATUS_OK;
}

/* The window's first tick, or of a moment the last one up to it; then the window has all after it. */
static enum status go_to_first(struct frames *f, struct error *err)
{
    struct replay *r = &f->replay;
    struct window *window = &r->subject.window;
    int64_t time_ns = window->from_ns;

    if (f->at) {
        time_ns = window->from_ns + (window->to_ns - window->from_ns) / 2;
        window->to_ns = r->subject.last_ns > time_ns ? r->subject.last_ns : time_ns;
    }
    if (replay_cursor_seek(&r->cursor, time_ns, err) != STATUS_OK)
        return err->status;
    if (!f->at && replay_cursor_ns(&r->cursor) <= time_ns)
        return replay_cursor_step(&r->cursor, 1, err);
    return STATUS_OK;
}

static enum status print_frames(struct frames *f, const struct sink *sink, struct error *err)
{
    struct replay *r = &f->replay;
    int64_t last_ns = r->subject.window.to_ns;
    enum status st = STATUS_OK;

    while (st == STATUS_OK && f->shown < f->most && replay_cursor_ns(&r->cursor) <= last_ns) {
        struct window window = replay_cursor_window(&r->cursor);

        if (r->step_ns > 0)
            st = take_step(r, &window, err);
        if (st == STATUS_OK)
            st = show(f, &window, sink, err);
        if (st != STATUS_OK || replay_cursor_at_end(&r->cursor))
            break;
        st = replay_cursor_step(&r->cursor, 1, err);
    }
    return st;
}

static bool is_on_terminal(const struct frames *f)
{
    return f->count == NULL && f->replay.options.output == NULL && isatty(STDIN_FILENO) &&
           isatty(STDOUT_FILENO);
}

static enum status replay(struct frames *f, struct error *err)
{
    struct replay *r = &f->replay;
    struct sink sink;

    if (replay_cursor_open(&r->cursor, r->subject.recording, err) != STATUS_OK ||
        go_to_first(f, err) != STATUS_OK)
        return err->status;
    if (is_on_terminal(f) && screen_missing() == NULL)
        return replay_on_screen(r, err);
    if (is_on_terminal(f))
        (void)fprintf(stderr, "procscope: frames as text: %s\n", screen_missing());
    if (sink_open(&sink, &r->options, &r->subject, err) != STATUS_OK)
        return err->status;
    return sink_close(&sink, print_frames(f, &sink, err), err);
}

static enum status list_columns(void)
{
    for (size_t i = 0; i < report_column_count; i++)
        if (report_columns[i].fact != FACT_NOT_RECORDED)
            (void)printf("%s\n", report_columns[i].output.name);
    return STATUS_OK;
}

static enum status run(int argc, char **argv, struct error *err)
{
    struct frames f = { .replay.cursor.loaded = SIZE_MAX };
    enum status st = parse(&f, argc, argv, err);

    if (st == STATUS_OK && f.replay.asked.column_count == 0)
        return list_columns();
    if (st == STATUS_OK)
        st = subject_open(&f.replay.subject, &f.replay.options, err);
    if (st == STATUS_OK)
        st = replay(&f, err);
    replay_cursor_close(&f.replay.cursor);
    subject_close(&f.replay.subject);
    return st;
}

const struct command command_replay = { "replay", "the recording again, frame by frame", help, run,
                                        OPTIONS_SEVERAL | OPTIONS_WINDOW | OPTIONS_SELECT |
                                            OPTIONS_OUTPUT };
