/* procscope verify: read everything, check everything. */
#include <stdio.h>
#include <string.h>

#include "analyzer/command.h"
#include "analyzer/options.h"

static const char help[] =
    "usage: procscope verify [FILE] [--quick]\n\n"
    "Reads the whole recording and checks every checksum, count and reference. Prints what it\n"
    "finds; exit status 3 if anything is damaged.\n\n"
    "  --quick   only open it: catalog, sessions, events, block list and tail\n";

static void print_finding(void *context, const char *part, const char *what)
{
    (void)context;
    (void)printf("damaged: %s: %s\n", part, what);
}

static enum status check(struct subject *subject, bool quick, struct error *err)
{
    const struct recording_contents *c = subject->contents;
    size_t findings = 0;

    if (!quick && recording_verify(subject->recording, print_finding, NULL, &findings, err) !=
                      STATUS_OK)
        return err->status;
    if (findings > 0)
        return error_set(err, STATUS_CORRUPT, "%s: %zu finding%s; the rest, of %zu blocks, can be read",
                         c->path, findings, findings == 1 ? "" : "s", c->block_count[0]);
    (void)printf("ok: %zu sessions, %zu + %zu + %zu blocks (every tick, 60 s, 3600 s), %zu events%s\n",
                 c->session_count, c->block_count[0], c->block_count[1], c->block_count[2],
                 c->event_count,
                 c->unclean ? "; the last session has no clean end: it is being written, or the "
                              "recorder was killed"
                            : "");
    return STATUS_OK;
}

static enum status run(int argc, char **argv, struct error *err)
{
    struct options options;
    struct subject subject = { 0 };
    const char *quick = NULL;
    const struct own_option own[] = { { "--quick", false, &quick } };
    enum status st = options_parse(&options, 0, own, COUNT_OF(own), argc, argv, err);

    if (st == STATUS_OK)
        st = subject_open(&subject, &options, err);
    if (st == STATUS_OK)
        st = check(&subject, quick != NULL, err);
    subject_close(&subject);
    return st;
}

const struct command command_verify = { "verify", "check a recording for damage", help, run, 0 };
