/* Puts collectors, writer and sampler together, and takes them apart. */
#include "recorder/session.h"
#include "recorder/heap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recorder/collectors/process_stats.h"
#include "recorder/collectors/recorder_collector.h"
#include "recorder/host.h"
#include "recorder/notices.h"
#include "recorder/output_path.h"
#include "recorder/queue.h"
#include "recorder/schedule.h"
#include "recorder/urgency.h"

/* Commit each second, and with ticks of a second each tick, also one that came a little early. */
enum {
    COMMIT_NS = 900000000,
    LAST_APART_NS = 1000000,
    RETRY_NS = 1000000000,
    LOOK_NS = 1000000000
};
static const int64_t message_ns = INT64_C(60) * 1000000000;

static enum status open_wake(struct session *session, struct error *err)
{
    if (pipe(session->wake) != 0) {
        session->wake[0] = session->wake[1] = -1;
        return error_set(err, STATUS_IO, "pipe: %s", strerror(errno));
    }
    for (int i = 0; i < 2; i++) {
        (void)fcntl(session->wake[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(session->wake[i], F_SETFL, O_NONBLOCK);
    }
    return STATUS_OK;
}

static void wake(void *self)
{
    const struct session *session = self;
    ssize_t sent = write(session->wake[1], "", 1);

    (void)sent; /* full: the sleep ends all the same */
}

static void notify(void *self, enum sampler_notice notice)
{
    (void)self;
    notices_send(notice == SAMPLER_ENDED ? NOTICE_ENDED : NOTICE_TROUBLE);
}

static void be_urgent(int64_t interval_ns)
{
    (void)urgency_raise(interval_ns); /* --list-collectors tells what can be had */
}

/* A file that was removed is written to as before, and nobody will ever find it. */
static bool in_place(const struct session *session)
{
    struct stat info;

    return stat(session->path, &info) == 0
               ? info.st_dev == session->file_dev && info.st_ino == session->file_ino
               : errno != ENOENT && errno != ENOTDIR;
}

bool session_place_exists(const struct session *session)
{
    const char *slash = strrchr(session->path, '/');
    char directory[PATH_MAX] = ".";

    if (slash != NULL)
        (void)snprintf(directory, sizeof directory, "%.*s", (int)(slash - session->path + 1),
                       session->path);
    return access(directory, X_OK) == 0;
}

static enum status store(void *self, const struct tick *tick, struct error *err)
{
    struct session *session = self;
    enum status st = writer_tick(session->writer, tick, err);

    if (st != STATUS_OK)
        return st;
    session_control_publish(session, tick);
    if (tick->start_ns - session->looked_ns >= LOOK_NS) {
        session->looked_ns = tick->start_ns;
        if (!in_place(session))
            notices_send(NOTICE_DISPLACED);
    }
    return STATUS_OK;
}

enum status session_prepare(struct session *session, const struct options *options,
                            const struct process_rungs *rungs, struct error *err)
{
    const struct clock *clock = &session->clock;
    enum status st;

    *session = (struct session){ .wake = { -1, -1 } };
    st = open_wake(session, err);
    if (st != STATUS_OK)
        return st;
    session->clock = clock_open(&session->clock_host, session->wake[0]);
    if (options->control_group != NULL &&
        session_control_group(options->control_group, &(gid_t){ 0 }, err) != STATUS_OK)
        return error_prefix(err, "--control-group");
    st = redactor_init(&session->redactor, options->redact, options->redact_count, err);
    if (st != STATUS_OK)
        return error_prefix(err, "--redact");
    if (rungs != NULL && !process_rungs_has(rungs, options->process_source))
        return error_set(err, STATUS_INVALID,
                         "--process-source %s is loaded at the start only: restart procscoped",
                         options->process_source);
    session->context = (struct collect_context){
        .clock = clock,
        .timebase = { .boot_start_ns = clock->boot_ns(clock->self),
                      .wall_start_ns = clock->wall_ns(clock->self) },
        .root = "",
        .interval_ns = options->interval_ns,
        .process_source = options->process_source,
        .resident = options->resident,
        .source = process_rungs_source(rungs, options->process_source),
        .source_reason = process_rungs_reason(rungs),
        .redactor = &session->redactor,
        .no_cmdline = options->no_cmdline,
        .processes = &session->processes,
    };
    st = collect_open(&session->collect, collectors, collector_count, &session->context,
                      options->collectors, err);
    session->collect.budget.limit_ppm = options->budget_ppm;
    return st;
}

/* The facts of this start, and what the collectors must know of each other. */
static void introduce(struct session *session)
{
    struct session_facts *facts = &session->facts;
    const void *process = collect_state(&session->collect, &process_collector);
    void *recorder = collect_state(&session->collect, &recorder_collector);

    host_facts(facts, session->context.root, session->context.timebase.wall_start_ns);
    facts->interval_ns = session->context.interval_ns;
    facts->timebase = session->context.timebase;
    if (process != NULL)
        (void)snprintf(facts->process_source, sizeof facts->process_source, "%s",
                       process_collector_source(process));
    if (recorder != NULL)
        recorder_collector_attach(recorder, &session->collect.stats, process);
}

static enum status choose_path(struct session *session, const struct options *options,
                               struct error *err)
{
    const char *output = options->output;
    struct output_surroundings around = output_surroundings(session->facts.host);
    enum status st;

    around.root = around.root || options->user != NULL; /* it was root who started us */
    if (output == NULL) {
        st = output_path_default(session->path, sizeof session->path, &around, err);
        return st == STATUS_OK ? output_path_make_directory(session->path, NULL, err) : st;
    }
    if ((size_t)snprintf(session->path, sizeof session->path, "%s", output) >= sizeof session->path)
        return error_set(err, STATUS_INVALID, "--output: the path is too long");
    return STATUS_OK;
}

static enum status open_recording(struct session *session, const struct options *options,
                                  struct error *err)
{
    struct writer_options how = {
        .path = session->path,
        .commit_ns = COMMIT_NS,
        .sync_ns = options->sync_ns,
        .retention = { .keep_ns = options->keep_ns,
                       .keep_rollups_ns = options->keep_rollups_ns,
                       .max_bytes = options->max_bytes },
    };
    enum status st = writer_open(&session->writer, &how, &session->facts, err);
    struct stat info;

    if (st == STATUS_OK && stat(session->path, &info) == 0) {
        session->file_dev = info.st_dev;
        session->file_ino = info.st_ino;
    }
    for (size_t i = 0; st == STATUS_OK && i < session->collect.count; i++)
        st = writer_capability(session->writer, session->collect.entries[i].collector->name,
                               &session->collect.entries[i].capability, err);
    return st;
}

enum status session_start(struct session *session, const struct options *options, struct error *err)
{
    struct sampler_options how = {
        .clock = &session->clock,
        .timebase = session->context.timebase,
        .interval_ns = options->interval_ns,
        .duration_ns = options->duration_ns,
        /* What a command did last is always seen, however short it was; and what has ended. */
        .last_apart_ns = LAST_APART_NS,
        .queue_ticks = queue_ticks_for(options->interval_ns),
        .retry_ns = RETRY_NS,
        .message_ns = message_ns,
        .collect = &session->collect,
        .store = store,
        .store_self = session,
        .attend = session_control_attend,
        .prepare_thread = be_urgent,
        .prepare_writer = urgency_lower,
        .add_events = session_control_add_events,
        .events_self = session,
        .notify = notify,
        .wake = wake,
        .notify_self = session,
    };
    enum status st;

    heap_begin();
    introduce(session);
    st = choose_path(session, options, err);
    if (st == STATUS_OK)
        st = output_path_check(session->path, err);
    if (st == STATUS_OK && options->user != NULL)
        st = output_path_check_access(session->path, options->user, err);
    if (st == STATUS_OK)
        st = lockfile_acquire(&session->lock, session->path,
                              session->context.timebase.wall_start_ns, err);
    if (st == STATUS_OK)
        st = open_recording(session, options, err);
    if (st != STATUS_OK)
        return st;
    session_control_open(session, options);
    st = sampler_start(&session->sampler, &how, err);
    if (st == STATUS_OK)
        session_control_start(session);
    return st;
}

enum status session_stop(struct session *session, const char *reason, struct sampler_totals *totals,
                         struct error *err)
{
    struct error closing = { 0 };
    enum status closed = STATUS_OK;
    enum status st;

    session_control_stop(session);
    st = sampler_stop(session->sampler, totals, err);
    session->sampler = NULL;
    if (session->writer != NULL)
        closed = writer_close(session->writer, st == STATUS_OK ? reason : "failed", &closing);
    session->writer = NULL;
    lockfile_release(&session->lock);
    session_control_close(session, st == STATUS_OK && closed == STATUS_OK,
                          st != STATUS_OK       ? err->message
                          : closed != STATUS_OK ? closing.message
                                                : reason);
    if (st != STATUS_OK || closed == STATUS_OK)
        return st;
    *err = closing;
    return closed;
}

void session_close(struct session *session)
{
    struct sampler_totals totals;
    struct error err;

    (void)!session_stop(session, "failed", &totals, &err);
    collect_close(&session->collect);
    redactor_release(&session->redactor);
    clock_close(&session->clock_host);
    for (int i = 0; i < 2; i++) {
        if (session->wake[i] > 0)
            close(session->wake[i]);
    }
    *session = (struct session){ .wake = { -1, -1 } };
}
