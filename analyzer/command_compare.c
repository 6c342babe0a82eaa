/* procscope compare: which programs use more, or less, than they did in another window or recording. */
#include <stdlib.h>
#include <string.h>

#include "analyzer/command.h"
#include "analyzer/compare_private.h"
#include "analyzer/escape.h"
#include "analyzer/report_ask.h"

static const char help[] =
    "usage: procscope compare [FILE…] [--a FROM..TO] [--b FROM..TO] [SELECT] [OPTION…]\n"
    "       procscope compare [FILE…] --split TIME [--span DURATION]\n"
    "       procscope compare [FILE…] WINDOW\n"
    "       procscope compare FILE… --with FILE2 [WINDOW]\n"
    "\n"
    "Which programs are new, gone, or use more or less CPU, memory, disk and energy in window B "
    "than in\n"
    "window A; the largest part of the host first. A change counts only if it is more than the "
    "program\n"
    "differs between parts of the same window; otherwise nobody is named. Programs are lineages: "
    "a\n"
    "service with its restarts is one, under whatever pids. Figures are those of a report by "
    "lineage.\n"
    "A WINDOW is B, and the same time before it is A; without any, B is the second half. Of two\n"
    "recordings, which may be of different hosts and systems, both are whole, or the WINDOW of "
    "each.\n"
    "\n"
    "  --a FROM..TO      window A; alone, B is the same time after it\n"
    "  --b FROM..TO      window B; alone, A is the same time before it; FROM or TO may be left "
    "out\n"
    "  --split TIME      before it is A, after it is B; with --span so much of each\n"
    "  --with FILE2      B is of this recording\n"
    "  --by GROUP        comm, exe, user, cgroup, container, unit or lineage (default)\n"
    "  --sort METRIC     by this one only: cpu, memory, disk_read, disk_written, cpu_energy,\n"
    "                    gpu_energy or gpu; by default the largest of all\n"
    "  --top N           the first N programs (a table: 20); 0 for all\n"
    "  --all             also what is within noise (a table; machine formats have all)\n";

enum { TABLE_TOP = 20, BOUND_SIZE = 100 };

/* The bounds of a window in one word. */
struct bounds {
    char from[BOUND_SIZE], to[BOUND_SIZE];
};

struct words {
    struct options options;
    const char *window[COMPARE_SIDES], *split, *with, *by, *sort, *top, *all;
    struct bounds bounds[COMPARE_SIDES];
};

/* --- words --- */

static enum status parse_words(struct words *words, int argc, char **argv, struct error *err)
{
    const struct own_option own[] = {
        { "--a", true, &words->window[0] }, { "--b", true, &words->window[1] },
        { "--split", true, &words->split }, { "--with", true, &words->with },
        { "--by", true, &words->by },       { "--sort", true, &words->sort },
        { "--top", true, &words->top },     { "--all", false, &words->all }
    };

    return options_parse(&words->options, command_compare.options, own, COUNT_OF(own), argc, argv,
                         err);
}

static enum status parse_what(struct compare *c, struct compare_printing *how,
                              const struct words *words, struct error *err)
{
    struct report report = { .top = 0 };

    if (report_parse_by(&report, words->by == NULL ? "lineage" : words->by, err) != STATUS_OK ||
        report_parse_top(&report, words->top, words->options.format == OUTPUT_TABLE ? TABLE_TOP : 0,
                         err) != STATUS_OK)
        return err->status;
    if (report.devices || report.aggregate.by == BY_PROCESS)
        return error_set(err, STATUS_INVALID,
                         "--by %s: what is not there in both windows has to be told by a name: "
                         "comm, exe, user, cgroup, container, unit or lineage",
                         words->by);
    c->by = report.aggregate.by;
    c->sort = COMPARE_METRICS;
    how->top = report.top;
    how->all = words->all != NULL;
    if (words->options.file_count == OPTIONS_FILES_MOST && words->with != NULL)
        return error_set(err, STATUS_INVALID, "more than %d recordings", OPTIONS_FILES_MOST);
    return words->sort == NULL ? STATUS_OK : compare_metric_find(words->sort, &c->sort, err);
}

static bool asks_window(const struct window_options *w)
{
    return w->from != NULL || w->to != NULL || w->last != NULL || w->at != NULL || w->span != NULL;
}

static enum status check(const struct words *words, struct error *err)
{
    bool named = words->window[0] != NULL || words->window[1] != NULL;

    if (named && asks_window(&words->options.window))
        return error_set(err, STATUS_INVALID,
                         "--a and --b are windows themselves: without --from, --to, --last, --at "
                         "and --span");
    if (words->split != NULL && (named || words->with != NULL))
        return error_set(err, STATUS_INVALID,
                         "--split cuts one window in two: without --a, --b and --with");
    if (words->split != NULL && words->options.window.at != NULL)
        return error_set(err, STATUS_INVALID, "--split or --at: both say around what");
    return STATUS_OK;
}

/* "FROM..TO" as window options, either may be left out. */
static enum status parse_bounds(struct words *words, size_t side, struct window_options *window,
                                struct error *err)
{
    const char *text = words->window[side], *dots = strstr(text, "..");
    struct bounds *bounds = &words->bounds[side];
    char shown[BOUND_SIZE];

    if (dots == NULL || (size_t)(dots - text) >= BOUND_SIZE || strlen(dots + 2) >= BOUND_SIZE ||
        (dots == text && dots[2] == '\0'))
        return error_set(err, STATUS_INVALID,
                         "--%c %s: a window is FROM..TO, as 14:00..14:30, -2h..-1h or 14:30..",
                         'a' + (int)side, escape_show(shown, sizeof shown, text));
    (void)snprintf(bounds->from, BOUND_SIZE, "%.*s", (int)(dots - text), text);
    (void)snprintf(bounds->to, BOUND_SIZE, "%s", dots + 2);
    *window = (struct window_options){ .from = bounds->from[0] == '\0' ? NULL : bounds->from,
                                       .to = bounds->to[0] == '\0' ? NULL : bounds->to };
    return STATUS_OK;
}

/* --- windows --- */

static enum status named_window(struct words *words, size_t side, struct subject *subject,
                                struct error *err)
{
    struct options options = words->options;

    if (words->window[side] == NULL)
        return STATUS_OK;
    if (parse_bounds(words, side, &options.window, err) != STATUS_OK)
        return err->status;
    if (subject_window(subject, &options, err) != STATUS_OK)
        return error_prefix(err, "--%c", 'a' + (int)side);
    return STATUS_OK;
}

/* A time so much later, or as late as can be. */
static int64_t later(int64_t ns, int64_t by_ns)
{
    int64_t sum;

    return __builtin_add_overflow(ns, by_ns, &sum) ? (by_ns < 0 ? INT64_MIN : INT64_MAX) : sum;
}

/* What lies before `of`, or after, as long as it is. */
static void next_to(struct subject *subject, const struct window *of, bool after)
{
    int64_t length_ns = compare_length(of);

    subject->whole = false;
    subject->window = after ? (struct window){ of->to_ns, later(of->to_ns, length_ns) }
                            : (struct window){ later(of->from_ns, -length_ns), of->from_ns };
}

static enum status split(struct subject sides[COMPARE_SIDES], const struct words *words,
                         struct error *err)
{
    struct window w = sides[0].window;
    int64_t at_ns = compare_middle(&w), span_ns;

    if (words->split != NULL &&
        subject_time(&sides[0], &words->options, words->split, &at_ns, err) != STATUS_OK)
        return error_prefix(err, "--split");
    if (words->split != NULL && words->options.window.span != NULL) {
        if (duration_parse(words->options.window.span, &span_ns, err) != STATUS_OK)
            return error_prefix(err, "--span");
        w = (struct window){ later(at_ns, -span_ns), later(at_ns, span_ns) };
    }
    if (at_ns <= w.from_ns || at_ns >= w.to_ns)
        return error_set(err, STATUS_INVALID, "--split %.60s: it is not in the window",
                         words->split == NULL ? "" : words->split);
    sides[0].window = (struct window){ w.from_ns, at_ns };
    sides[1].window = (struct window){ at_ns, w.to_ns };
    sides[0].whole = sides[1].whole = false;
    return STATUS_OK;
}

/* Both windows of one recording, which is open as sides[0]. */
static enum status find_windows(struct subject sides[COMPARE_SIDES], struct words *words,
                                struct error *err)
{
    sides[1] = sides[0];
    if (words->split != NULL || (words->window[0] == NULL && words->window[1] == NULL &&
                                 !asks_window(&words->options.window)))
        return split(sides, words, err);
    if (words->window[0] == NULL && words->window[1] == NULL) {
        next_to(&sides[0], &sides[1].window, false);
        return STATUS_OK;
    }
    for (size_t s = 0; s < COMPARE_SIDES; s++)
        if (named_window(words, s, &sides[s], err) != STATUS_OK)
            return err->status;
    for (size_t s = 0; s < COMPARE_SIDES; s++)
        if (words->window[s] == NULL)
            next_to(&sides[s], &sides[1 - s].window, s == 1);
    return STATUS_OK;
}

/* opened: how many of the sides are to be closed. */
static enum status open_sides(struct subject sides[COMPARE_SIDES], struct words words[],
                              size_t *opened, struct error *err)
{
    struct options *b = &words[1].options;
    struct options whole = words[0].options;

    if (words[0].split != NULL) /* its --span is another */
        whole.window.span = NULL;
    *opened = 1;
    if (subject_open(&sides[0], &whole, err) != STATUS_OK)
        return err->status;
    words[0].options.select = whole.select;
    if (words[0].with == NULL) {
        words[1].options.select = whole.select;
        return find_windows(sides, &words[0], err);
    }
    b->file = b->files[0] = words[0].with;
    b->file_count = 1;
    *opened = 2;
    if (subject_open(&sides[1], b, err) != STATUS_OK)
        return err->status;
    for (size_t s = 0; s < COMPARE_SIDES; s++)
        if (named_window(&words[s], s, &sides[s], err) != STATUS_OK)
            return err->status;
    return STATUS_OK;
}

/* --- all of it --- */

static enum status print(const struct compare *c, const struct compare_printing *asked,
                         const struct words words[], struct error *err)
{
    const char *usual = c->asked[0]->contents->path;
    struct compare_printing how = *asked;
    struct options all = words[0].options; /* no recording may be written to */
    struct output_options options;
    struct sink sink;

    for (size_t s = 0; s < COMPARE_SIDES; s++) {
        const struct options *o = &words[words[0].with == NULL ? 0 : s].options;

        how.files[s] = o->file_count == 0 ? &usual : o->files;
        how.file_count[s] = o->file_count == 0 ? 1 : o->file_count;
    }
    if (all.file_count == 0)
        all.files[all.file_count++] = usual;
    if (words[0].with != NULL)
        all.files[all.file_count++] = words[0].with;
    if (sink_open(&sink, &all, c->asked[0], err) != STATUS_OK)
        return err->status;
    options = sink_options(&sink, &words[0].options, c->asked[0]);
    return sink_close(&sink, compare_print(c, &how, sink.file, &options, err), err);
}

static enum status run(int argc, char **argv, struct error *err)
{
    struct words *words = calloc(COMPARE_SIDES, sizeof *words); /* times are worked out per side */
    struct subject sides[COMPARE_SIDES] = { { 0 } };
    struct compare c = { .asked = { &sides[0], &sides[1] } };
    struct compare_printing how = { .top = 0 };
    size_t opened = 0;
    enum status st = words == NULL ? error_set(err, STATUS_NO_MEMORY, "options") : STATUS_OK;

    for (size_t s = 0; s < COMPARE_SIDES && st == STATUS_OK; s++) {
        st = parse_words(&words[s], argc, argv, err);
        c.select[s] = &words[s].options.select;
    }
    if (st == STATUS_OK)
        st = parse_what(&c, &how, &words[0], err);
    if (st == STATUS_OK)
        st = check(&words[0], err);
    if (st == STATUS_OK)
        st = open_sides(sides, words, &opened, err);
    if (st == STATUS_OK)
        st = compare_read(&c, err);
    if (st == STATUS_OK)
        st = print(&c, &how, words, err);
    compare_release(&c);
    for (size_t s = 0; s < opened; s++)
        subject_close(&sides[s]);
    free(words);
    return st;
}

const struct command command_compare = { "compare", "which programs changed, and by how much", help,
                                         run,
                                         OPTIONS_SEVERAL | OPTIONS_WINDOW | OPTIONS_SELECT |
                                             OPTIONS_FORMAT | OPTIONS_OUTPUT };
