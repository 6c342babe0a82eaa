/* procscope growth: who takes more and more. */
#include "analyzer/command.h"
#include "analyzer/growth.h"
#include "analyzer/report_ask.h"

static const char help[] =
    "usage: procscope growth [FILE…] [WINDOW] [SELECT] [OPTION…]\n"
    "\n"
    "Lists what takes more and more memory, threads, open files or sockets throughout the window:\n"
    "how much an hour, between what bounds, and how long that can go on. A service that is\n"
    "restarted is one row. What jumps once, fills up, or goes up and down does not grow.\n"
    "\n"
    "  --step DURATION   of so much time a mean is taken (60 of them or fewer make a window)\n"
    "  --all             what does not grow, too\n"
    "  --top N           the first N rows (a table: 20); 0 for all\n";

enum { TABLE_TOP = 20 };

struct words {
    struct options options;
    const char *step, *all, *top;
};

static enum status parse(struct growth *g, const struct words *words, struct error *err)
{
    struct report counted = { .top = 0 };
    size_t usual = words->options.format == OUTPUT_TABLE ? TABLE_TOP : 0;

    if (report_parse_top(&counted, words->top, usual, err) != STATUS_OK)
        return err->status;
    g->top = counted.top;
    g->all = words->all != NULL;
    g->select = &words->options.select;
    if (words->step == NULL)
        return STATUS_OK;
    if (duration_parse(words->step, &g->step_ns, err) != STATUS_OK)
        return error_prefix(err, "--step");
    return g->step_ns > 0
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, "--step %.40s: no time passes in it", words->step);
}

static enum status print(const struct growth *g, const struct words *words, struct error *err)
{
    struct output_options options;
    struct sink sink;

    if (sink_open(&sink, &words->options, g->asked, err) != STATUS_OK)
        return err->status;
    options = sink_options(&sink, &words->options, g->asked);
    return sink_close(&sink, growth_print(g, sink.file, &options, err), err);
}

static enum status run(int argc, char **argv, struct error *err)
{
    struct words words = { .step = NULL };
    const struct own_option own[] = { { "--step", true, &words.step },
                                      { "--all", false, &words.all },
                                      { "--top", true, &words.top } };
    struct subject subject = { 0 };
    struct growth g = { .asked = &subject };
    enum status st =
        options_parse(&words.options, command_growth.options, own, COUNT_OF(own), argc, argv, err);

    if (st == STATUS_OK)
        st = parse(&g, &words, err);
    if (st == STATUS_OK)
        st = subject_open(&subject, &words.options, err);
    if (st == STATUS_OK)
        st = growth_read(&g, err);
    if (st == STATUS_OK)
        st = print(&g, &words, err);
    growth_release(&g);
    subject_close(&subject);
    return st;
}

const struct command command_growth = { "growth", "who takes more and more", help, run,
                                        OPTIONS_SEVERAL | OPTIONS_WINDOW | OPTIONS_SELECT |
                                            OPTIONS_FORMAT | OPTIONS_OUTPUT };
