/* procscope live: the host and its top processes, as the running recorder sees them at each tick. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "analyzer/command.h"
#include "analyzer/control_client.h"
#include "analyzer/live_print.h"
#include "analyzer/terminal.h"

enum {
    ASK_MS = 10000,
    LOOK_MS = 20,    /* between looks when a tick is due */
    KEY_MS = 200,    /* within which a key is heard */
    REJOIN_MS = 200, /* between attempts to find a recorder that began anew */
    REJOIN_MAX = 25, /* of them */
    TOP_DEFAULT = 20,
    HOST_LINES = 3, /* above the rows: host, blank, header */
    COUNT_MAX = 1000000000,
};

struct live {
    struct options options;
    const char *path; /* of the socket, or NULL */
    enum live_sort sort;
    size_t top;    /* 0: as many as there are */
    size_t count;  /* of frames; 0: until it is stopped */
    bool terminal; /* redraw it */
    struct control_client client;
    struct live_source source; /* of what it handed over */
    struct live_view now, before;
    bool has_before;
    uint64_t sequence; /* of the tick in `now` */
    struct live_frame frame;
    struct output output; /* csv, json, ndjson */
};

/* --- the command line --- */

static enum status parse_number(const char *name, const char *text, size_t *number,
                                struct error *err)
{
    char *end;
    unsigned long value;

    if (text == NULL)
        return STATUS_OK;
    errno = 0;
    value = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value > COUNT_MAX)
        return error_set(err, STATUS_INVALID, "%s %.40s: a whole number is wanted", name, text);
    *number = value;
    return STATUS_OK;
}

static enum status parse(struct live *l, int argc, char **argv, struct error *err)
{
    const char *top = NULL, *count = NULL, *sort = NULL;
    const struct own_option own[] = { { "--control", true, &l->path },
                                      { "--top", true, &top },
                                      { "--count", true, &count },
                                      { "--sort", true, &sort } };
    enum status st =
        options_parse(&l->options, OPTIONS_FORMAT, own, COUNT_OF(own), argc, argv, err);

    if (st == STATUS_OK)
        st = parse_number("--top", top, &l->top, err);
    if (st == STATUS_OK)
        st = parse_number("--count", count, &l->count, err);
    if (st == STATUS_OK && sort != NULL)
        st = live_sort_parse(sort, &l->sort, err);
    l->terminal = l->options.format == OUTPUT_TABLE && count == NULL && isatty(STDIN_FILENO) &&
                  isatty(STDOUT_FILENO);
    if (top == NULL && !l->terminal)
        l->top = TOP_DEFAULT;
    return st;
}

/* --- ticks --- */

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static enum status join(struct live *l, struct error *err)
{
    const struct control_request request = { .command = CONTROL_LIVE };
    enum status st = control_client_open(&l->client, &l->options, l->path, err);

    if (st == STATUS_OK)
        st = control_client_ask(&l->client, &request, ASK_MS, err);
    if (st == STATUS_OK && !l->client.passed)
        st = error_set(err, STATUS_CORRUPT, "%s: this is no recorder", l->client.path);
    if (st == STATUS_OK)
        st = live_source_open(&l->source, l->client.passed_fd, err);
    l->has_before = false;
    l->frame.tick = NULL;
    l->sequence = 0;
    return st;
}

/* The recorder hung up: it ended, or began anew with another configuration. */
static enum status rejoin(struct live *l, struct error *err)
{
    const struct timespec pause = { .tv_nsec = REJOIN_MS * 1000000L };
    enum status st = STATUS_ABSENT;

    for (int i = 0; i < REJOIN_MAX && st != STATUS_OK; i++) {
        live_source_close(&l->source);
        control_client_close(&l->client);
        if (l->terminal && terminal_ended())
            return STATUS_ABSENT;
        st = join(l, err);
        if (st != STATUS_OK)
            (void)nanosleep(&pause, NULL);
    }
    return st == STATUS_OK ? st : error_prefix(err, "the recorder has ended");
}

/* How long to sleep before the mapping is looked at again. */
static int patience_ms(const struct live *l, int64_t tick_ms)
{
    int64_t due_ms = tick_ms + l->now.interval_ns / 1000000 - now_ms();

    if (l->sequence == 0 || due_ms <= LOOK_MS)
        return LOOK_MS;
    return due_ms > KEY_MS ? KEY_MS : (int)due_ms;
}

/* Until another tick stands there. ABSENT: the user has seen enough. INVALID never. */
static enum status next_tick(struct live *l, int64_t *tick_ms, bool *fresh, struct error *err)
{
    uint64_t sequence = l->sequence;

    *fresh = false;
    while (!*fresh) {
        struct pollfd wait[] = { { .fd = l->client.fd, .events = POLLIN },
                                 { .fd = l->terminal ? STDIN_FILENO : -1, .events = POLLIN } };
        int ready = poll(wait, COUNT_OF(wait), patience_ms(l, *tick_ms));

        if (l->terminal && (terminal_ended() || terminal_resized()))
            return STATUS_OK;
        if (ready > 0 && wait[0].revents != 0) {
            enum status st = rejoin(l, err);

            if (st != STATUS_OK)
                return st;
        }
        if (live_sequence(&l->source, &sequence, err) != STATUS_OK)
            return err->status;
        *fresh = sequence != 0 && sequence / 2 != l->sequence / 2;
    }
    *tick_ms = now_ms();
    l->sequence = sequence;
    return STATUS_OK;
}

/* --- frames --- */

static enum status draw(struct live *l, struct error *err)
{
    struct terminal_size size = terminal_size();
    size_t rows = size.rows > HOST_LINES ? size.rows - HOST_LINES : 1;
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    enum status st;

    if (out == NULL)
        return error_set(err, STATUS_NO_MEMORY, "frame");
    if (l->top > 0 && l->top < rows)
        rows = l->top;
    st = live_print_table(&l->frame, &l->now, rows, size.columns, getenv("NO_COLOR") == NULL, out,
                          err);
    if (fclose(out) != 0 && st == STATUS_OK)
        st = error_set(err, STATUS_NO_MEMORY, "frame");
    if (st == STATUS_OK)
        st = terminal_draw(text, length, err);
    free(text);
    return st;
}

static enum status print(struct live *l, struct error *err)
{
    size_t rows = l->top > 0 ? l->top : SIZE_MAX;

    if (l->terminal)
        return draw(l, err);
    if (l->options.format != OUTPUT_TABLE)
        return live_print_rows(&l->output, &l->frame, rows, err);
    if (live_print_table(&l->frame, &l->now, rows, 0, false, stdout, err) != STATUS_OK)
        return err->status;
    (void)putchar('\n');
    return fflush(stdout) == 0 ? STATUS_OK
                               : error_set(err, STATUS_IO, "output: %s", strerror(errno));
}

/* The tick that was shown becomes the one before. */
static void step(struct live *l)
{
    struct live_view kept = l->before;

    l->before = l->now;
    l->now = kept;
    l->has_before = true;
}

static enum status take(struct live *l, struct error *err)
{
    enum status st;

    if (l->frame.tick != NULL)
        step(l);
    l->frame.tick = NULL;
    st = live_read(&l->now, &l->source, err);
    if (st != STATUS_OK)
        return st;
    return live_frame_make(&l->frame, &l->now, l->has_before ? &l->before : NULL, l->sort, err);
}

/* Frames until there are enough. As text they begin with the first that has rates. */
static enum status watch(struct live *l, struct error *err)
{
    int64_t tick_ms = now_ms();
    size_t shown = 0;

    while (l->count == 0 || shown < l->count) {
        bool fresh;
        enum status st = next_tick(l, &tick_ms, &fresh, err);

        if (l->terminal && terminal_ended())
            return STATUS_OK;
        if (st == STATUS_OK && fresh)
            st = take(l, err);
        if (st == STATUS_OK && l->frame.tick != NULL && (l->terminal || l->has_before)) {
            st = print(l, err);
            shown++;
        }
        if (st != STATUS_OK)
            return st;
    }
    return STATUS_OK;
}

static enum status show(struct live *l, struct error *err)
{
    const struct output_options how = { .format = l->options.format,
                                        .csv_safe = l->options.csv_safe,
                                        .notes = stderr };
    struct error closing = { 0 };
    enum status st;

    if (l->terminal)
        st = terminal_open(err);
    else if (l->options.format != OUTPUT_TABLE)
        st = live_print_begin(&l->output, stdout, &how, err);
    else
        st = STATUS_OK;
    if (st == STATUS_OK)
        st = watch(l, err);
    terminal_close();
    if (l->output.writer != NULL && output_close(&l->output, &closing) != STATUS_OK &&
        st == STATUS_OK)
        *err = closing;
    return st == STATUS_OK ? closing.status : st;
}

static enum status live_run(int argc, char **argv, struct error *err)
{
    struct live l = { .sort = LIVE_SORT_CPU };
    enum status st = parse(&l, argc, argv, err);

    if (st == STATUS_OK)
        st = join(&l, err);
    if (st == STATUS_OK)
        st = show(&l, err);
    live_frame_release(&l.frame);
    live_view_release(&l.now);
    live_view_release(&l.before);
    live_source_close(&l.source);
    control_client_close(&l.client);
    return st;
}

const struct command command_live = {
    .name = "live",
    .summary = "what a running recorder sees now",
    .help =
        "usage: procscope live [FILE] [--top N] [--sort WHAT] [--count N] [--format FORMAT]\n"
        "\n"
        "Shows the host and its top processes at each tick of the running recorder. On a\n"
        "terminal it redraws itself, and q or Ctrl-C ends it; elsewhere, or with --count or\n"
        "another format, it prints frames as text, from the first that has rates.\n"
        "Rates are those since the tick shown before: of processes, CPU% where 100 is one\n"
        "core, and bytes a second from and to storage.\n"
        "\n"
        "FILE is what procscoped records to; without it, this host's own recording. Allowed to\n"
        "root, to the recorder's user, and to members of its control group.\n"
        "\n"
        "  --top N           at most N processes, 0: all (20; on a terminal what fits)\n"
        "  --sort WHAT       cpu, resident, read, written or pid (cpu)\n"
        "  --count N         end after N frames\n"
        "  --control PATH    the socket, where procscoped was started with --control PATH\n",
    .run = live_run,
    .options = OPTIONS_FORMAT,
};
