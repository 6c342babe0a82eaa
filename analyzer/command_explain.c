/* procscope explain: what went wrong, and who it was. */
#include "analyzer/command.h"
#include "analyzer/explain.h"
#include "analyzer/report_ask.h"

static const char help[] =
    "usage: procscope explain [FILE…] [WINDOW] [OPTION…]\n"
    "\n"
    "Finds the minutes in which the host felt something that it did not feel in the hour before\n"
    "(pressure, busy cores, lack of memory, slow disks, throttled GPUs, …), and names who used "
    "more\n"
    "than usual then, or the device that was slow by itself. Each incident has its figures, those\n"
    "before, and a command that shows it. Where nothing stands out, nobody is named.\n"
    "A window of 15 minutes or less is one incident; of a longer one, and of the whole recording,\n"
    "the most severe are found. Figures are those of a report by lineage, and of timeline, over "
    "the\n"
    "same time.\n"
    "\n"
    "  --step DURATION   what is compared with the 60 before it (1m; less in short recordings)\n"
    "  --top N           the N most severe incidents (5); 0 for all\n";

#define MOMENT_NS (INT64_C(900) * 1000000000)

enum { TOP_DEFAULT = 5 };

struct words {
    struct options options;
    const char *step, *top;
};

static enum status parse(struct explain *e, const struct words *words, struct error *err)
{
    struct report counted = { .top = 0 };

    if (report_parse_top(&counted, words->top, TOP_DEFAULT, err) != STATUS_OK)
        return err->status;
    e->top = counted.top;
    if (words->step == NULL)
        return STATUS_OK;
    if (duration_parse(words->step, &e->step_ns, err) != STATUS_OK)
        return error_prefix(err, "--step");
    return e->step_ns > 0
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, "--step %.40s: no time passes in it", words->step);
}

static enum status print(const struct explain *e, const struct words *words, struct error *err)
{
    const char *usual = e->asked->contents->path;
    const char *const *files = words->options.file_count == 0 ? &usual : words->options.files;
    size_t count = words->options.file_count == 0 ? 1 : words->options.file_count;
    struct output_options options;
    struct sink sink;

    if (sink_open(&sink, &words->options, e->asked, err) != STATUS_OK)
        return err->status;
    options = sink_options(&sink, &words->options, e->asked);
    return sink_close(&sink, explain_print(e, files, count, sink.file, &options, err), err);
}

static enum status run(int argc, char **argv, struct error *err)
{
    struct words words = { .step = NULL };
    const struct own_option own[] = { { "--step", true, &words.step },
                                      { "--top", true, &words.top } };
    struct subject subject = { 0 };
    struct explain e = { .asked = &subject };
    enum status st =
        options_parse(&words.options, command_explain.options, own, COUNT_OF(own), argc, argv, err);

    if (st == STATUS_OK)
        st = parse(&e, &words, err);
    if (st == STATUS_OK)
        st = subject_open(&subject, &words.options, err);
    if (st == STATUS_OK) {
        e.moment = !subject.whole && subject.window.to_ns - subject.window.from_ns <= MOMENT_NS;
        st = explain_read(&e, err);
    }
    if (st == STATUS_OK)
        st = print(&e, &words, err);
    explain_release(&e);
    subject_close(&subject);
    return st;
}

const struct command command_explain = { "explain", "what went wrong, and who it was", help, run,
                                         OPTIONS_SEVERAL | OPTIONS_WINDOW | OPTIONS_FORMAT |
                                             OPTIONS_OUTPUT };
