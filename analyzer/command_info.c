/* procscope info: what a recording holds, and what it does not and why. */
#include "analyzer/command.h"
#include "analyzer/info.h"

static enum status print(const struct info *info, const struct options *options, struct error *err)
{
    struct sink sink;
    enum status st = sink_open(&sink, options, &info->subject, err);

    if (st != STATUS_OK)
        return st;
    if (options->format == OUTPUT_JSON)
        st = info_print_json(info, sink.file, err);
    else
        info_print(info, sink.file);
    return sink_close(&sink, st, err);
}

static enum status info_run(int argc, char **argv, struct error *err)
{
    struct info info = { 0 };
    struct options options;
    enum status st =
        options_parse(&options, OPTIONS_FORMAT | OPTIONS_OUTPUT, NULL, 0, argc, argv, err);

    if (st == STATUS_OK && options.format != OUTPUT_TABLE && options.format != OUTPUT_JSON)
        st = error_set(err, STATUS_INVALID, "--format: info is printed as table or json only");
    if (st != STATUS_OK)
        return st;
    st = subject_open(&info.subject, &options, err);
    if (st == STATUS_OK)
        st = info_gather(&info, err);
    if (st == STATUS_OK)
        st = print(&info, &options, err);
    if (st == STATUS_OK && info.damaged_count > 0)
        st = error_set(
            err, STATUS_CORRUPT, "%zu of %zu blocks are damaged and not counted, the first: %s",
            info.damaged_count, info.subject.contents->block_count[0], info.damage.message);
    info_release(&info);
    subject_close(&info.subject);
    return st;
}

const struct command command_info = {
    .name = "info",
    .summary = "what a recording holds, and what not and why",
    .help = "usage: procscope info [FILE] [--format table|json] [-o OUT]\n"
            "\n"
            "Tells what the recording holds: host, sessions and why they ended, the time they\n"
            "cover, collectors and why some are absent, samples per table, what the recorder\n"
            "itself cost, and the file's size by part.\n"
            "\n"
            "  --format FORMAT   table (for people) or json\n"
            "  -o FILE           write there instead of standard output\n",
    .run = info_run,
};
