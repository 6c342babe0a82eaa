/* procscope mark, flush and stop: one request each to a running recorder. */
#include <stdio.h>
#include <string.h>

#include "analyzer/command.h"
#include "analyzer/control_client.h"

enum { MARK_MS = 10000, FLUSH_MS = 30000, STOP_MS = 120000 };

static enum status ask(const struct options *options, const char *path,
                       const struct control_request *request, int timeout_ms, struct error *err)
{
    struct control_client client;
    enum status st = control_client_open(&client, options, path, err);

    if (st == STATUS_OK)
        st = control_client_ask(&client, request, timeout_ms, err);
    control_client_close(&client);
    return st;
}

static enum status parse(struct options *options, unsigned sets, const char **path, int argc,
                         char **argv, struct error *err)
{
    const struct own_option own[] = { { "--control", true, path } };

    *path = NULL;
    return options_parse(options, sets, own, COUNT_OF(own), argc, argv, err);
}

static enum status mark_run(int argc, char **argv, struct error *err)
{
    struct control_request request = { .command = CONTROL_MARK };
    struct options options;
    const char *path;

    if (parse(&options, OPTIONS_TEXT, &path, argc, argv, err) != STATUS_OK)
        return err->status;
    if (options.text == NULL)
        return error_set(err, STATUS_INVALID, "mark wants a TEXT");
    request.text = options.text;
    request.text_size = strlen(options.text);
    return ask(&options, path, &request, MARK_MS, err);
}

static enum status flush_run(int argc, char **argv, struct error *err)
{
    const struct control_request request = { .command = CONTROL_FLUSH };
    struct options options;
    const char *path;

    if (parse(&options, 0, &path, argc, argv, err) != STATUS_OK)
        return err->status;
    return ask(&options, path, &request, FLUSH_MS, err);
}

/* The reply comes when the file is complete and the lock is gone. */
static enum status stop_run(int argc, char **argv, struct error *err)
{
    const struct control_request request = { .command = CONTROL_STOP };
    struct options options;
    const char *path;

    if (parse(&options, 0, &path, argc, argv, err) != STATUS_OK)
        return err->status;
    return ask(&options, path, &request, STOP_MS, err);
}

#define CONTROL_HELP                                                                               \
    "\n"                                                                                           \
    "FILE is what procscoped records to; without it, this host's own recording. Allowed to "       \
    "root,\n"                                                                                      \
    "to the recorder's user, and to members of its control group.\n"                               \
    "\n"                                                                                           \
    "  --control PATH    the socket, where procscoped was started with --control PATH\n"

const struct command command_mark = {
    .name = "mark",
    .summary = "put a note into a running recording",
    .help = "usage: procscope mark [FILE] TEXT\n"
            "\n"
            "Has the running recorder store TEXT, one line of at most 1000 bytes, as an event of\n"
            "kind \"mark\" with its next tick; the event's value is the uid of who asked.\n"
            "The table \"event\" of procscope export shows it.\n" CONTROL_HELP,
    .run = mark_run,
};

const struct command command_flush = {
    .name = "flush",
    .summary = "have a running recorder write all it has to disk",
    .help = "usage: procscope flush [FILE]\n"
            "\n"
            "Returns when all ticks so far are in the file and synced to storage; exit status 1\n"
            "if that fails or takes longer than 20 s.\n" CONTROL_HELP,
    .run = flush_run,
};

const struct command command_stop = {
    .name = "stop",
    .summary = "end a running recording",
    .help = "usage: procscope stop [FILE]\n"
            "\n"
            "Ends the recording as SIGTERM does; a COMMAND that is recorded gets a SIGTERM.\n"
            "Returns when FILE is complete; exit status 1 if that fails or takes longer than\n"
            "2 minutes.\n" CONTROL_HELP,
    .run = stop_run,
};
