/* procscoped: options, signals, exit code. The only file of the recorder that prints. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "recorder/child.h"
#include "recorder/list_collectors.h"
#include "recorder/notices.h"
#include "recorder/options.h"
#include "recorder/session.h"
#include "version.h"

enum {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    FILE_UMASK = 027,    /* recordings are for their owner and group */
    STOP_GRACE_MS = 1000 /* for the command to end after SIGTERM while it is still recorded */
};

/* How far this run has come. */
struct run {
    struct session session;
    struct child child;
    struct child_surroundings surroundings;
    struct sampler_totals totals;
    const char *reason; /* why the recording ends; NULL: it goes on */
    bool terminated;    /* SIGTERM was passed on to the command */
};

/* One line to the log, in one piece, so that lines of two programs do not mix. */
static void PRINTF_LIKE(1, 2) say(const char *format, ...)
{
    char line[1200];
    size_t used = (size_t)snprintf(line, sizeof line, "procscoped: ");
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line + used, sizeof line - used - 1, format, args);
    va_end(args);
    used = strlen(line);
    line[used++] = '\n';
    (void)fwrite(line, 1, used, stderr);
}

static void PRINTF_LIKE(3, 4) append(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text + used, size - used, format, args);
    va_end(args);
}

static void say_start(const struct session *session)
{
    char interval[32];
    char works[200] = "";
    char lacks[800] = "";

    options_print_span(interval, sizeof interval, session->context.interval_ns);
    for (size_t i = 0; i < session->collect.count; i++) {
        const struct collect_entry *entry = &session->collect.entries[i];
        const struct capability *capability = &entry->capability;

        if (entry->running)
            append(works, sizeof works, "%s%s", works[0] != '\0' ? ", " : "",
                   entry->collector->name);
        if (capability->status == CAPABILITY_OK || capability->status == CAPABILITY_OFF)
            continue;
        append(lacks, sizeof lacks, "; %s %s: %s", entry->collector->name,
               capability_name(capability->status), capability->reason);
        if (capability->enable[0] != '\0')
            append(lacks, sizeof lacks, " (%s)", capability->enable);
    }
    say("recording to %s every %s: %s%s%s%s", session->path, interval, works,
        session->facts.process_source[0] != '\0' ? "; process source " : "",
        session->facts.process_source, lacks);
}

static void say_end(const struct run *run, const char *path)
{
    struct stat file = { 0 };
    char lost[120] = "";

    (void)stat(path, &file);
    if (run->totals.missed > 0)
        append(lost, sizeof lost, ", %" PRId64 " missed", run->totals.missed);
    if (run->totals.dropped > 0)
        append(lost, sizeof lost, ", %" PRId64 " dropped", run->totals.dropped);
    if (run->totals.lost > 0)
        append(lost, sizeof lost, ", %" PRId64 " lost", run->totals.lost);
    say("stopped (%s): %" PRId64 " ticks%s, %" PRId64 " processes, %s is %lld bytes", run->reason,
        run->totals.ticks, lost, run->totals.processes, path, (long long)file.st_size);
}

static int list(const struct options *options)
{
    struct session session;
    struct error err = { 0 };
    enum status st = session_prepare(&session, options, &err);

    if (st == STATUS_OK)
        st = list_collectors(&session.collect, options->json, stdout, &err);
    session_close(&session);
    if (st == STATUS_OK)
        return EXIT_DONE;
    say("%s", err.message);
    return st == STATUS_INVALID ? EXIT_USAGE : EXIT_FAILED;
}

/*
 * A signal that asks us to end goes to the command first. What the terminal sends has reached it
 * already, and what it makes of an interrupt is its own affair: it is recorded until it ends.
 */
static void on_signal(struct run *run, const struct notice *notice)
{
    bool has_command = run->child.pid > 0 && !run->child.ended;

    if (notice->signal == SIGCHLD) {
        if (has_command && child_poll(&run->child, false) && run->reason == NULL)
            run->reason = "command ended";
        return;
    }
    if (!has_command) {
        if (run->reason == NULL)
            run->reason = "stop";
        return;
    }
    if (notice->from_user)
        child_signal(&run->child, notice->signal);
    run->terminated = run->terminated || notice->signal == SIGTERM;
}

static void say_trouble(struct session *session)
{
    char text[512];

    if (sampler_message(session->sampler, text, sizeof text))
        say("%s", text);
}

/* Until there is a reason to stop recording. */
static void watch(struct run *run)
{
    while (run->reason == NULL) {
        struct notice notice = notices_wait(run->terminated ? STOP_GRACE_MS : -1);

        switch (notice.kind) {
        case NOTICE_TIMEOUT: /* the command takes its time to end */
            run->reason = "stop";
            break;
        case NOTICE_ENDED:
            run->reason = "duration";
            break;
        case NOTICE_TROUBLE:
            say_trouble(&run->session);
            break;
        case NOTICE_SIGNAL:
            on_signal(run, &notice);
            break;
        }
    }
}

/* The recording is closed; the command may go on for as long as it likes. */
static void await_command(struct run *run)
{
    while (run->child.pid > 0 && !child_poll(&run->child, false)) {
        struct notice notice = notices_wait(-1);

        if (notice.kind == NOTICE_SIGNAL)
            on_signal(run, &notice);
    }
}

static enum status start(struct run *run, const struct options *options, struct error *err)
{
    enum status st = session_prepare(&run->session, options, err);

    if (st == STATUS_OK)
        st = session_start(&run->session, options, err);
    if (st != STATUS_OK)
        return st;
    say_start(&run->session);
    if (options->command == NULL)
        return STATUS_OK;
    st = child_start(&run->child, options->command, &run->surroundings, err);
    if (st == STATUS_OK && run->child.ended) {
        say("cannot run %s", err->message);
        run->reason = "command not run";
    }
    return st;
}

static int record(const struct options *options)
{
    struct run run = { .session.wake = { -1, -1 } };
    char path[PATH_MAX];
    struct error err = { 0 };
    enum status st;

    child_remember(&run.surroundings);
    (void)umask(FILE_UMASK);
    st = notices_open(&err);
    if (st == STATUS_OK)
        st = start(&run, options, &err);
    if (st != STATUS_OK) {
        session_close(&run.session);
        say("%s", err.message);
        return st == STATUS_INVALID ? EXIT_USAGE : EXIT_FAILED;
    }
    watch(&run);
    memcpy(path, run.session.path, sizeof path);
    st = session_stop(&run.session, run.reason, &run.totals, &err);
    if (st != STATUS_OK) {
        run.reason = "failed";
        say("%s", err.message);
    }
    say_end(&run, path);
    session_close(&run.session);
    await_command(&run);
    if (run.child.pid > 0 && (run.child.exit_code != 0 || st == STATUS_OK))
        return run.child.exit_code;
    return st == STATUS_OK && run.totals.lost == 0 ? EXIT_DONE : EXIT_FAILED;
}

int main(int argc, char **argv)
{
    struct options options;
    struct error err = { 0 };

    if (recorder_options_parse(&options, argc, argv, &err) != STATUS_OK) {
        say("%s", err.message);
        return EXIT_USAGE;
    }
    if (options.help) {
        options_print_help(stdout);
        return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
    }
    if (options.version) {
        printf("procscoped %s\n", PROCSCOPE_VERSION);
        return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
    }
    return options.list_collectors ? list(&options) : record(&options);
}
