/* procscope replay: the recording frame by frame, as if it happened again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/command.h"
#include "analyzer/replay_cursor.h"
#include "analyzer/replay_frame.h"
#include "analyzer/report_ask.h"

static const char help[] =
    "usage: procscope replay [FILE…] [WINDOW] [SELECT] [OPTION…]\n"
    "\n"
    "Prints a frame for each tick of the window: the host, the events, and the top processes "
    "since\n"
    "the tick before. With --at TIME and no --span it is the frame of the last tick at or before\n"
    "that time. The figures are those that report tells of the same window.\n"
    "\n"
    "  --step DURATION   a frame for every DURATION, over all of its ticks\n"
    "  --count N         end after N frames\n"
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

struct replay {
    struct options options;
    const char *step, *count, *by, *columns, *sort, *top, *remainder;
    int64_t step_ns; /* 0: a frame for each tick */
    size_t most;     /* frames; SIZE_MAX: as many as there are */
    struct report asked;
    struct subject subject;
    struct replay_cursor cursor;
    struct replay_frame frame;
    size_t shown;
};

/* --- the command line --- */

static enum status default_columns(struct report *asked, struct error *err)
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

static enum status parse_count(struct replay *r, struct error *err)
{
    unsigned long value;
    char *end;

    r->most = SIZE_MAX;
    if (r->options.window.at != NULL && r->options.window.span == NULL)
        r->most = 1;
    if (r->count == NULL)
        return STATUS_OK;
    errno = 0;
    value = strtoul(r->count, &end, 10);
    if (*r->count < '1' || *r->count > '9' || *end != '\0' || errno != 0 || value > COUNT_MAX)
        return error_set(err, STATUS_INVALID, "--count %.40s: not a number of frames", r->count);
    r->most = value;
    return STATUS_OK;
}

static enum status parse_step(struct replay *r, struct error *err)
{
    if (r->step == NULL)
        return STATUS_OK;
    if (duration_parse(r->step, &r->step_ns, err) != STATUS_OK)
        return error_prefix(err, "--step");
    return r->step_ns > 0
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, "--step %.40s: no time passes in it", r->step);
}

static enum status parse_rows(struct replay *r, struct error *err)
{
    struct report *asked = &r->asked;

    if (report_parse_by(asked, r->by, err) != STATUS_OK ||
        report_parse_sort(asked, r->sort, err) != STATUS_OK ||
        report_parse_top(asked, r->top, TOP_DEFAULT, err) != STATUS_OK)
        return err->status;
    if (asked->devices)
        return error_set(err, STATUS_INVALID, "--by gpu: procscope report has it");
    asked->remainder = r->remainder != NULL;
    asked->aggregate.select = &r->options.select;
    return r->columns == NULL ? default_columns(asked, err)
                              : report_name_columns(asked, r->columns, err);
}

static enum status parse(struct replay *r, int argc, char **argv, struct error *err)
{
    const struct own_option own[] = { { "--step", true, &r->step },
                                      { "--count", true, &r->count },
                                      { "--by", true, &r->by },
                                      { "--columns", true, &r->columns },
                                      { "--sort", true, &r->sort },
                                      { "--top", true, &r->top },
                                      { "--remainder", false, &r->remainder } };

    if (options_parse(&r->options, command_replay.options, own, COUNT_OF(own), argc, argv, err) !=
            STATUS_OK ||
        parse_count(r, err) != STATUS_OK || parse_step(r, err) != STATUS_OK)
        return err->status;
    if (r->columns != NULL && strcmp(r->columns, "help") == 0)
        return STATUS_OK;
    return parse_rows(r, err);
}

/* --- frames --- */

static enum status show(struct replay *r, const struct window *window, struct sink *sink,
                        struct error *err)
{
    struct output_options options = sink_options(sink, &r->options, &r->subject);
    enum status st = replay_frame_make(&r->frame, &r->subject, window, &r->asked, err);

    if (r->shown++ > 0)
        (void)fputc('\n', sink->file);
    if (st == STATUS_OK)
        st = replay_frame_print(&r->frame, &options, sink->file, err);
    replay_frame_release(&r->frame);
    return st;
}

/* On to the last tick of the step that begins with the cursor's; the window is that of all of them. */
static enum status take_step(struct replay *r, struct window *window, struct error *err)
{
    int64_t first_ns = replay_cursor_ns(&r->cursor);
    int64_t until_ns = wrap_add(window->from_ns, r->step_ns);

    if (until_ns > r->subject.window.to_ns)
        until_ns = r->subject.window.to_ns;
    if (until_ns > first_ns && replay_cursor_seek(&r->cursor, until_ns, err) != STATUS_OK)
        return err->status;
    window->to_ns = replay_cursor_ns(&r->cursor);
    return STATUS_OK;
}

/* The window's first tick, or of a time without a span the last one up to it. */
static enum status go_to_first(struct replay *r, struct error *err)
{
    struct window *window = &r->subject.window;
    bool at = r->options.window.at != NULL && r->options.window.span == NULL;
    int64_t time_ns = window->from_ns;

    if (at) {
        time_ns = window->from_ns + (window->to_ns - window->from_ns) / 2;
        window->to_ns = r->subject.last_ns > time_ns ? r->subject.last_ns : time_ns;
    }
    if (replay_cursor_seek(&r->cursor, time_ns, err) != STATUS_OK)
        return err->status;
    if (!at && replay_cursor_ns(&r->cursor) <= time_ns)
        return replay_cursor_step(&r->cursor, 1, err);
    return STATUS_OK;
}

static enum status print_frames(struct replay *r, struct sink *sink, struct error *err)
{
    const struct window *all = &r->subject.window;
    enum status st = go_to_first(r, err);

    while (st == STATUS_OK && r->shown < r->most && replay_cursor_ns(&r->cursor) <= all->to_ns) {
        struct window window = replay_cursor_window(&r->cursor);
        int64_t shown_ns;

        if (r->step_ns > 0)
            st = take_step(r, &window, err);
        if (st == STATUS_OK)
            st = show(r, &window, sink, err);
        shown_ns = replay_cursor_ns(&r->cursor);
        if (st == STATUS_OK)
            st = replay_cursor_step(&r->cursor, 1, err);
        if (st == STATUS_OK && replay_cursor_ns(&r->cursor) == shown_ns)
            break; /* that was the last */
    }
    if (st == STATUS_OK && r->shown == 0)
        st = error_set(err, STATUS_ABSENT, "%s: no tick lies in that window",
                       r->subject.contents->path);
    return st;
}

static enum status replay(struct replay *r, struct error *err)
{
    struct sink sink;
    enum status st = replay_cursor_open(&r->cursor, r->subject.recording, err);

    if (st == STATUS_OK)
        st = sink_open(&sink, &r->options, &r->subject, err);
    if (st != STATUS_OK)
        return st;
    st = print_frames(r, &sink, err);
    return sink_close(&sink, st, err);
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
    struct replay r = { .step_ns = 0, .cursor.loaded = SIZE_MAX };
    enum status st = parse(&r, argc, argv, err);

    if (st == STATUS_OK && r.asked.column_count == 0)
        return list_columns();
    if (st == STATUS_OK)
        st = subject_open(&r.subject, &r.options, err);
    if (st == STATUS_OK)
        st = replay(&r, err);
    replay_cursor_close(&r.cursor);
    subject_close(&r.subject);
    return st;
}

const struct command command_replay = { "replay", "the recording again, frame by frame", help, run,
                                        OPTIONS_SEVERAL | OPTIONS_WINDOW | OPTIONS_SELECT |
                                            OPTIONS_OUTPUT };
