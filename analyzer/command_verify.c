/* procscope verify: read everything, check everything, and say how much can be read. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/command.h"
#include "analyzer/escape.h"
#include "analyzer/options.h"
#include "analyzer/progress.h"
#include "analyzer/salvaging.h"

/* What is there, and of it what can be read. */
struct readable {
    size_t block_count, whole_count; /* of all levels */
    int64_t row_count;               /* samples, of every level, in tables that can be read */
};

static void print_finding(void *context, const char *part, const char *what)
{
    FILE *out = context;
    char shown[2][600];

    progress_clear();
    (void)fprintf(out, "damaged: %s: %s\n", escape_show(shown[0], sizeof shown[0], part),
                  escape_show(shown[1], sizeof shown[1], what));
}

/* Rows of a table in a block; with `columns`, only if all of its columns can be decoded too. */
static enum status count_table(struct recording *recording, const struct recording_block *block,
                               const struct recording_table *table, const struct block_ticks *ticks,
                               bool columns, int64_t *rows, struct error *err)
{
    struct block_column column = { 0 };
    struct block_table directory;
    enum status st = recording_directory(recording, block, table, ticks, &directory, err);

    *rows = 0;
    if (st != STATUS_OK)
        return st == STATUS_ABSENT ? STATUS_OK : st;
    for (size_t c = 0; c < directory.shape->column_count && columns && st == STATUS_OK; c++)
        st = recording_column(recording, &directory, c, series_all, &column, err);
    *rows = (int64_t)directory.row[directory.series_count];
    block_column_release(&column);
    block_table_release(&directory);
    return st;
}

static enum status count_block(const struct subject *subject, const struct recording_block *block,
                               bool columns, struct readable *readable, struct error *err)
{
    const struct recording_contents *c = subject->contents;
    const struct lifetimes *lifetimes;
    struct block_ticks ticks;
    bool whole = true;
    enum status st = recording_ticks(subject->recording, block, &ticks, err);

    readable->block_count++;
    if (st != STATUS_OK)
        return st == STATUS_CORRUPT ? STATUS_OK : st;
    for (size_t t = 0; t < c->table_count && st == STATUS_OK; t++) {
        int64_t rows;

        st = count_table(subject->recording, block, &c->tables[t], &ticks, columns, &rows, err);
        if (st == STATUS_OK)
            readable->row_count += rows;
        whole &= st == STATUS_OK;
        st = st == STATUS_CORRUPT ? STATUS_OK : st;
    }
    block_ticks_release(&ticks);
    if (st == STATUS_OK && columns && block->level == 0) {
        st = recording_lifetimes(subject->recording, block, &lifetimes, err);
        whole &= st == STATUS_OK;
        st = st == STATUS_CORRUPT ? STATUS_OK : st;
    }
    readable->whole_count += whole;
    return st;
}

/* Without `columns`: recording_verify() found nothing wrong, so directories say it all. */
static enum status count_readable(const struct subject *subject, bool columns,
                                  struct readable *readable, struct error *err)
{
    const struct recording_contents *c = subject->contents;

    *readable = (struct readable){ 0 };
    for (unsigned level = 0; level < LEVEL_COUNT; level++)
        for (size_t b = 0; b < c->block_count[level]; b++) {
            enum status st = count_block(subject, &c->blocks[level][b], columns, readable, err);

            if (st != STATUS_OK)
                return st;
        }
    return STATUS_OK;
}

static const char *ending(const struct recording_contents *c)
{
    return c->unclean ? "; the last session has no clean end: it is being written, or the "
                        "recorder was killed"
                      : "";
}

static enum status check(const struct subject *subject, FILE *out, struct error *err)
{
    const struct recording_contents *c = subject->contents;
    struct readable readable;
    size_t findings = 0;

    recording_watch(subject->recording, progress_show);
    if (recording_verify(subject->recording, print_finding, out, &findings, err) != STATUS_OK ||
        count_readable(subject, findings > 0, &readable, err) != STATUS_OK)
        return err->status;
    progress_clear();
    if (findings > 0)
        return error_set(err, STATUS_CORRUPT,
                         "%zu finding%s; %zu of %zu blocks are whole, %" PRId64 " rows can be read",
                         findings, findings == 1 ? "" : "s", readable.whole_count,
                         readable.block_count, readable.row_count);
    (void)fprintf(out, "ok: %zu blocks, %" PRId64 " rows, %zu sessions, %zu events%s\n",
                  readable.block_count, readable.row_count, c->session_count, c->event_count,
                  ending(c));
    return STATUS_OK;
}

static enum status verify_run(int argc, char **argv, struct error *err)
{
    struct options options;
    struct subject subject = { 0 };
    struct sink sink = { 0 };
    const char *quick = NULL, *salvage = NULL;
    const struct own_option own[] = { { "--quick", false, &quick },
                                      { "--salvage", true, &salvage } };
    enum status st = options_parse(&options, OPTIONS_OUTPUT, own, COUNT_OF(own), argc, argv, err);

    if (st == STATUS_OK && quick != NULL && salvage != NULL)
        st = error_set(err, STATUS_INVALID, "--quick or --salvage: one of them");
    if (st != STATUS_OK)
        return st;
    if (salvage != NULL)
        return salvaging_run(&options, salvage, err);
    st = subject_open(&subject, &options, err);
    if (st == STATUS_OK)
        st = sink_open(&sink, &options, &subject, err);
    if (st == STATUS_OK && quick == NULL)
        st = check(&subject, sink.file, err);
    else if (st == STATUS_OK)
        (void)fprintf(sink.file, "ok: it opens, with %zu sessions and %zu blocks%s\n",
                      subject.contents->session_count, subject.contents->block_count[0],
                      ending(subject.contents));
    st = sink_close(&sink, st, err);
    subject_close(&subject);
    return st;
}

const struct command command_verify = {
    .name = "verify",
    .summary = "check a recording for damage",
    .help =
        "usage: procscope verify [FILE] [--quick] [--salvage OUT.pscope] [-o OUT]\n"
        "\n"
        "Reads the whole recording and checks every checksum, count and reference. Prints one\n"
        "line per finding, and how much can be read; exit status 3 if anything is damaged.\n"
        "\n"
        "  --quick             only open it: catalog, sessions, events, block list and tail\n"
        "  --salvage OUT       write what can still be read to a new recording OUT, which is "
        "whole,\n"
        "                      and print a line for each thing that is gone; exit status 0: "
        "nothing "
        "is\n"
        "                      gone, 3: something is, or nothing could be read (then there is no "
        "OUT)\n"
        "  -o FILE             write there instead of standard output\n",
    .run = verify_run,
};
