/* procscoped: options, signals, exit code. The only file of the recorder that prints. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "recorder/account.h"
#include "recorder/child.h"
#include "recorder/config.h"
#include "recorder/confine.h"
#include "recorder/descriptors.h"
#include "recorder/list_collectors.h"
#include "recorder/notices.h"
#include "recorder/options.h"
#include "recorder/reload.h"
#include "recorder/service.h"
#include "recorder/session.h"
#include "recorder/start_text.h"
#include "recorder/urgency.h"
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
    int argc;
    char **argv;
    struct options *options; /* that the session was started with */
    struct clock_host clock_host;
    struct clock clock;
    int64_t started_ns; /* boot clock */
    struct service service;
    struct process_rungs *rungs;
    struct session session;
    struct child child;
    struct child_surroundings surroundings;
    struct sampler_totals totals;
    const char *reason; /* why the recording ends; NULL: it goes on */
    bool terminated;    /* SIGTERM was passed on to the command */
    bool displaced;     /* told that the recording was removed with its directory */
};

/* One line to the log, in one piece, so that lines of two programs do not mix. */
static void PRINTF_LIKE(1, 2) say(const char *format, ...)
{
    char line[START_TEXT_SIZE + 64];
    size_t used = (size_t)snprintf(line, sizeof line, "procscoped: ");
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line + used, sizeof line - used - 1, format, args);
    va_end(args);
    used = strlen(line);
    for (size_t i = 0; i < used; i++) /* names are others' choice */
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            line[i] = '?';
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
    char text[START_TEXT_SIZE];
    bool lacking = false;

    start_text(session, text);
    say("%s", text);
    for (size_t i = 0; i < session->collect.count; i++) {
        if (!start_text_lack(session, i, text))
            continue;
        say("%s", text);
        lacking = true;
    }
    if (lacking)
        say("what that takes is told by procscoped --list-collectors");
}

static void say_end(const struct run *run, const char *reason, const char *path)
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
    say("stopped (%s): %" PRId64 " ticks%s, %" PRId64 " processes, %s is %lld bytes", reason,
        run->totals.ticks, lost, run->totals.processes, path, (long long)file.st_size);
}

static int failed(const struct error *err)
{
    say("%s", err->message);
    return err->status == STATUS_INVALID ? EXIT_USAGE : EXIT_FAILED;
}

/* --check-config and --print-config: as far as recording goes before it touches a file. */
static int check(const struct options *options)
{
    struct session session = { .wake = { -1, -1 } };
    struct account account;
    struct error err = { 0 };
    enum status st =
        options->user == NULL ? STATUS_OK : account_find(&account, options->user, &err);

    if (st == STATUS_OK)
        st = session_prepare(&session, options, NULL, &err);
    session_close(&session);
    if (st == STATUS_OK && options->print_config)
        st = config_print(options, stdout, &err);
    if (st != STATUS_OK)
        return failed(&err);
    if (!options->print_config)
        say("%s: ok", options->config_path == NULL ? "options" : options->config_path);
    return EXIT_DONE;
}

/* Give up what recording does not need, and tell what is kept against our will. */
static enum status give_up(struct confinement *kept, const struct options *options,
                           const struct process_rungs *rungs, struct error *err)
{
    struct process_needs needs = process_rungs_needs(rungs);
    enum status st = confine(kept, options, &needs, err);

    if (st != STATUS_OK)
        return st;
    if (kept->privileges.status != STATUS_OK && kept->privileges.status != STATUS_ABSENT)
        say("%s; recording goes on with all of them", kept->privileges.message);
    if (kept->sandbox.status != STATUS_OK && kept->sandbox.status != STATUS_ABSENT)
        say("no sandbox: %s; recording goes on without", kept->sandbox.message);
    return STATUS_OK;
}

static int list(const struct options *options)
{
    struct session session = { .wake = { -1, -1 } };
    struct confinement kept;
    struct process_rungs *rungs = NULL;
    struct error err = { 0 };
    enum status st = process_rungs_open(&rungs, options->process_source, &err);

    urgency_begin();
    if (st == STATUS_OK)
        st = give_up(&kept, options, rungs, &err);
    if (st == STATUS_OK)
        st = session_prepare(&session, options, rungs, &err);
    if (st == STATUS_OK)
        st = list_collectors(&session.collect, &session.context, options->json, stdout, &err);
    if (st == STATUS_OK && !options->json)
        printf("\nsandbox: %s%s\nsampling thread: %s\n",
               kept.sandbox.status == STATUS_OK ? "on, unexpected system calls are refused"
                                                : "off, ",
               kept.sandbox.status == STATUS_OK ? "" : kept.sandbox.message,
               urgency_name(urgency_raise(options->interval_ns)));
    session_close(&session);
    process_rungs_close(rungs);
    return st == STATUS_OK ? EXIT_DONE : failed(&err);
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
    if (session_control_message(session, text, sizeof text))
        say("%s", text);
}

/* --- the service manager --- */

static void say_ready(const struct run *run)
{
    service_say(&run->service, "READY=1\nSTATUS=recording to %s", run->session.path);
}

/* As long as ticks come: a service manager that hears nothing starts us anew. */
static void say_alive(const struct run *run)
{
    if (run->service.watchdog_ns > 0 &&
        sampler_on_time(run->session.sampler, run->service.watchdog_ns / 2))
        service_say(&run->service, "WATCHDOG=1");
}

/* --- sessions --- */

static enum status start_session(struct run *run, const struct options *options, struct error *err)
{
    enum status st = session_prepare(&run->session, options, run->rungs, err);

    if (st == STATUS_OK)
        st = session_start(&run->session, options, err);
    if (st == STATUS_OK)
        say_start(&run->session);
    else
        session_close(&run->session);
    return st;
}

static enum status stop_session(struct run *run, const char *reason, struct error *err)
{
    char path[PATH_MAX];
    enum status st;

    memcpy(path, run->session.path, sizeof path);
    st = session_stop(&run->session, reason, &run->totals, err);
    if (st != STATUS_OK) {
        reason = "failed";
        say("%s", err->message);
    }
    say_end(run, reason, path);
    session_close(&run->session);
    notices_forget_sampler();
    return st;
}

/* --- SIGHUP --- */

/* The new configuration, if there is one that is good and says something else. */
static bool reread(const struct run *run, struct options *fresh)
{
    struct error err = { 0 };
    enum status st = reload_options(fresh, run->options, run->rungs, run->argc, run->argv, &err);

    if (st == STATUS_ABSENT)
        say("%s says nothing new", run->options->config_path);
    else if (st != STATUS_OK)
        say("going on as before: %s", err.message);
    return st == STATUS_OK;
}

/* What is left of --duration; false when that is nothing. */
static bool set_rest(const struct run *run, const struct options *options, struct options *rest)
{
    *rest = *options;
    if (options->duration_ns == 0)
        return true;
    rest->duration_ns -= run->clock.boot_ns(run->clock.self) - run->started_ns;
    return rest->duration_ns > 0;
}

/* A new session in place of this one; with the old options if the new ones do not work out. */
static void restart(struct run *run, struct options *fresh)
{
    struct options rest;
    struct error err = { 0 };

    if (!set_rest(run, fresh, &rest)) {
        run->reason = "duration";
        return;
    }
    if (stop_session(run, "reconfigured", &err) == STATUS_OK &&
        start_session(run, &rest, &err) == STATUS_OK) {
        struct options old = *run->options;

        *run->options = *fresh;
        *fresh = old;
        return;
    }
    say("going on as before: %s", err.message);
    if (set_rest(run, run->options, &rest) && start_session(run, &rest, &err) == STATUS_OK)
        return;
    say("%s", err.message);
    run->reason = "failed";
}

static void reload(struct run *run)
{
    struct options fresh;

    service_say(&run->service, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
                run->clock.awake_ns(run->clock.self) / 1000);
    if (reread(run, &fresh))
        restart(run, &fresh);
    options_release(&fresh);
    if (run->reason == NULL)
        say_ready(run);
}

/* --- a recording that is not where it was --- */

/* What is recorded has no name there any more: begin anew, as soon as there is a place for it. */
static void begin_anew(struct run *run)
{
    struct options rest;
    struct error err = { 0 };
    bool told = run->displaced;

    run->displaced = true;
    if (!session_place_exists(&run->session)) {
        if (!told)
            say("%s was removed with its directory; a new recording begins once that is there",
                run->session.path);
        return;
    }
    say("%s was removed or replaced; a new recording begins there", run->session.path);
    run->displaced = false;
    if (!set_rest(run, run->options, &rest)) {
        run->reason = "duration";
        return;
    }
    (void)!stop_session(run, "removed", &err); /* it says what went wrong */
    if (start_session(run, &rest, &err) != STATUS_OK) {
        say("%s", err.message);
        run->reason = "failed";
    }
}

/* --- the run --- */

/* How long the next notice may take to come. */
static int patience_ms(const struct run *run)
{
    int64_t watchdog_ms = run->service.watchdog_ns / 2000000;

    if (run->terminated)
        return STOP_GRACE_MS;
    if (run->service.watchdog_ns == 0)
        return -1;
    return watchdog_ms < 1 ? 1 : watchdog_ms > INT_MAX ? INT_MAX : (int)watchdog_ms;
}

/* Until there is a reason to stop recording. */
static void watch(struct run *run)
{
    while (run->reason == NULL) {
        struct notice notice = notices_wait(patience_ms(run));

        switch (notice.kind) {
        case NOTICE_TIMEOUT:
            if (run->terminated) /* the command takes its time to end */
                run->reason = "stop";
            break;
        case NOTICE_ENDED:
            run->reason = "duration";
            break;
        case NOTICE_TROUBLE:
            say_trouble(&run->session);
            break;
        case NOTICE_DISPLACED:
            begin_anew(run);
            break;
        case NOTICE_SIGNAL:
            if (notice.signal == SIGHUP)
                reload(run);
            else
                on_signal(run, &notice);
            break;
        }
        if (run->reason == NULL)
            say_alive(run);
    }
}

/* The recording is closed; the command may go on for as long as it likes. */
static void await_command(struct run *run)
{
    while (run->child.pid > 0 && !child_poll(&run->child, false)) {
        struct notice notice = notices_wait(-1);

        if (notice.kind == NOTICE_SIGNAL && notice.signal != SIGHUP)
            on_signal(run, &notice);
    }
}

static enum status start(struct run *run, const struct options *options, struct error *err)
{
    enum status st = start_session(run, options, err);

    run->started_ns = run->session.context.timebase.boot_start_ns;
    if (st != STATUS_OK || options->command == NULL)
        return st;
    st = child_start(&run->child, options->command, &run->surroundings, err);
    if (st == STATUS_OK && run->child.ended) {
        say("cannot run %s", err->message);
        run->reason = "command not run";
    }
    return st;
}

/* From start to end; the exit status. */
static int record_until_end(struct run *run)
{
    struct error err = { 0 };
    enum status st = start(run, run->options, &err);

    if (st != STATUS_OK) {
        session_close(&run->session);
        return failed(&err);
    }
    say_ready(run);
    watch(run);
    service_say(&run->service, "STOPPING=1");
    if (run->session.sampler != NULL)
        st = stop_session(run, run->reason, &err);
    else
        st = STATUS_IO; /* the configuration could not be changed, nor changed back */
    await_command(run);
    if (run->child.pid > 0 && (run->child.exit_code != 0 || st == STATUS_OK))
        return run->child.exit_code;
    return st == STATUS_OK && run->totals.lost == 0 ? EXIT_DONE : EXIT_FAILED;
}

static int record(int argc, char **argv, struct options *options)
{
    struct run run = { .argc = argc, .argv = argv, .options = options, .session.wake = { -1, -1 } };
    struct confinement kept;
    struct error err = { 0 };
    int code;

    child_remember(&run.surroundings);
    if (options->command == NULL) /* a command is to be as it would be without us */
        urgency_begin();
    (void)descriptors_raise(); /* before the sandbox, which has no need to allow it then */
    /* Loading takes a while: a signal that comes meanwhile is not lost. */
    if (notices_open(options->config_path != NULL, &err) != STATUS_OK ||
        process_rungs_open(&run.rungs, options->process_source, &err) != STATUS_OK)
        return failed(&err);
    if (give_up(&kept, options, run.rungs, &err) != STATUS_OK) {
        process_rungs_close(run.rungs);
        return failed(&err);
    }
    (void)umask(FILE_UMASK);
    service_open(&run.service);
    run.clock = clock_open(&run.clock_host, -1);
    code = record_until_end(&run);
    clock_close(&run.clock_host);
    process_rungs_close(run.rungs);
    return code;
}

static int print_version(void)
{
    printf("procscoped %s\n", PROCSCOPE_VERSION);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}

static int print_help(void)
{
    options_print_help(stdout);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}

int main(int argc, char **argv)
{
    struct options options;
    struct error err = { 0 };
    int code;

    if (recorder_options_parse(&options, argc, argv, &err) != STATUS_OK)
        return failed(&err);
    if (options.help)
        code = print_help();
    else if (options.version)
        code = print_version();
    else if (options.check_config || options.print_config)
        code = check(&options);
    else
        code = options.list_collectors ? list(&options) : record(argc, argv, &options);
    options_release(&options);
    return code;
}
