/*
 * Containers, as their engine tells of them: Docker, Podman, and who else speaks Docker's API.
 *
 *   source  GET /containers/json, /containers/ID/stats, /containers/ID/json on the engines' local sockets, by
 *           a thread: an engine may take its time, or never answer
 *   units   see schema/catalog.c; times are kept in us
 *   absent  without a socket, or without the right to use it; the network of one that uses the host's; IO
 *           before there was any; restarts are asked for once a minute
 *
 * See cgroup.md beside this file.
 */
#include "recorder/collectors/container.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/collectors/container_round.h"
#include "recorder/collectors/docker_socket.h"
#include "recorder/entity_set.h"
#include "recorder/unanswered.h"
#include "recorder/worker.h"

enum { WHAT_SIZE = 280 };

struct containers {
    struct worker *worker;
    struct container_round *round; /* the worker's while it reads */
    size_t engine_count;
    struct entity_set set;
    int64_t quiet_since_ns[DOCKER_SOCKETS_MAX]; /* 0: it answers */
    bool told_left_out;
};

/* --- opening --- */

void container_close(void *state)
{
    struct containers *all = state;

    if (all == NULL)
        return;
    worker_stop(all->worker);
    entity_set_release(&all->set);
    free(all);
}

static bool may_not(const struct docker_socket *socket)
{
    return socket->failure == EACCES || socket->failure == EPERM;
}

static void describe_absence(struct capability *capability, const struct error *why)
{
    capability->status =
        why->status == STATUS_ABSENT ? CAPABILITY_NOT_THERE : CAPABILITY_UNSUPPORTED;
    (void)snprintf(capability->reason, sizeof capability->reason, "%.190s", why->message);
    (void)snprintf(capability->enable, sizeof capability->enable,
                   "start the engine's socket before the recorder, or name it: "
                   "DOCKER_HOST=unix:///PATH in the recorder's environment");
}

/* What is wrong with one of the sockets; the last one's word stands. */
static void describe_socket(struct capability *capability, const struct docker_socket *socket)
{
    (void)snprintf(capability->reason, sizeof capability->reason, "%.107s: %.80s", socket->path,
                   socket->failure == ECONNREFUSED ? "nobody listens there yet"
                                                   : strerror(socket->failure));
    if (may_not(socket))
        (void)snprintf(
            capability->enable, sizeof capability->enable,
            "make the recorder's user a member of the socket's group (of docker's: as good "
            "as root); a service: SupplementaryGroups=docker");
}

/* A client for each socket that we may use. */
static enum status open_engines(struct container_round *round, const struct docker_socket *sockets,
                                size_t count, struct capability *capability, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct container_engine *engine = &round->engine[round->engine_count];
        enum status st = STATUS_OK;

        if (sockets[i].failure != 0) {
            capability->status = CAPABILITY_PARTIAL;
            describe_socket(capability, &sockets[i]);
        }
        if (may_not(&sockets[i]))
            continue;
        memcpy(engine->socket, sockets[i].path, sizeof engine->socket);
        st = docker_client_open(&engine->client, engine->socket, err);
        if (st != STATUS_OK)
            return st;
        round->engine_count++;
    }
    if (round->engine_count == 0)
        capability->status = CAPABILITY_NOT_PERMITTED;
    return STATUS_OK;
}

/* OK also when there is nothing to do here: round->engine_count is 0, and `capability` says why. */
static enum status find_engines(struct container_round *round,
                                const struct collect_context *context,
                                struct capability *capability, struct error *err)
{
    const struct docker_surroundings around = docker_surroundings_here(context->root);
    struct docker_socket sockets[DOCKER_SOCKETS_MAX];
    struct error why = { 0 };
    size_t count = 0;
    enum status st;

    *capability = (struct capability){ .status = CAPABILITY_OK };
    if (docker_client_missing() != NULL) {
        capability->status = CAPABILITY_UNSUPPORTED;
        (void)snprintf(capability->reason, sizeof capability->reason, "%s",
                       docker_client_missing());
        (void)snprintf(capability->enable, sizeof capability->enable, "build it with libcurl");
        return STATUS_OK;
    }
    st = docker_sockets_find(sockets, &count, &around, &why);
    if (st == STATUS_OK)
        st = open_engines(round, sockets, count, capability, &why);
    else
        describe_absence(capability, &why);
    if (st == STATUS_NO_MEMORY)
        return error_set(err, st, "%s", why.message);
    if (st == STATUS_UNSUPPORTED && count > 0) {
        capability->status = CAPABILITY_UNSUPPORTED;
        (void)snprintf(capability->reason, sizeof capability->reason, "%.190s", why.message);
        (void)snprintf(capability->enable, sizeof capability->enable,
                       "install libcurl, then start the recorder anew: it loads nothing later");
    }
    return STATUS_OK;
}

enum status container_open(void **state, const struct collect_context *context,
                           struct capability *capability, struct error *err)
{
    struct containers *all = calloc(1, sizeof *all);
    struct container_round *round = calloc(1, sizeof *round);
    struct worker_job job = { .name = "container",
                              .read = container_round_read,
                              .release = container_round_release,
                              .self = round };
    enum status st = STATUS_NO_MEMORY;

    if (all != NULL && round != NULL)
        st = find_engines(round, context, capability, err);
    else
        (void)error_set(err, st, "container collector");
    if (st != STATUS_OK || capability->status > CAPABILITY_PARTIAL) {
        if (round != NULL)
            container_round_release(round);
        free(all);
        return st;
    }
    all->round = round;
    all->engine_count = round->engine_count;
    all->set.kind = ENTITY_CONTAINER;
    *state = all;
    return worker_start(&all->worker, &job, *context->root == '\0', err);
}

/* --- at a tick --- */

void container_begin(void *state, const struct tick *tick)
{
    worker_due(((struct containers *)state)->worker, tick->start_ns);
}

static void report_engine(struct containers *all, struct tick *tick, size_t i)
{
    const struct container_engine *engine = &all->round->engine[i];
    bool quiet = engine->status != STATUS_OK;
    int64_t asked_ns = worker_kicked_ns(all->worker);
    char what[WHAT_SIZE];

    (void)snprintf(what, sizeof what, "container: %s", engine->socket);
    if (quiet && all->quiet_since_ns[i] == 0) {
        all->quiet_since_ns[i] = asked_ns;
        (void)snprintf(what, sizeof what, "container: %.*s", WHAT_SIZE - 20, engine->err.message);
        unanswered_begins(tick, asked_ns, 0, what);
    } else if (!quiet && all->quiet_since_ns[i] != 0) {
        unanswered_ends(tick, all->quiet_since_ns[i], 0, what);
        all->quiet_since_ns[i] = 0;
    }
}

static void add_row(struct containers *all, struct tick *tick,
                    const struct docker_container *container)
{
    struct entity_seen seen =
        entity_set_see(&all->set, tick, container->id, container->label, ENTITY_NO_SLOT);
    int64_t *values;
    uint8_t *missing;

    if (seen.slot == ENTITY_NO_SLOT ||
        tick_row_values(tick, TABLE_CONTAINER, seen.slot, seen.flags, &values, &missing) == NULL)
        return;
    memcpy(values, container->value, sizeof container->value);
    memcpy(missing, container->missing, sizeof container->missing);
}

static void tell_left_out(struct containers *all, struct tick *tick)
{
    static const char kind[] = "left_out", detail[] = "container: too many, or without an id";
    struct tick_event *event;

    if (all->round->list.left_out == 0 || all->told_left_out)
        return;
    event = tick_add_event(tick);
    if (event == NULL)
        return;
    all->told_left_out = true;
    event->at_ns = tick->start_ns;
    event->value = all->round->list.left_out;
    event->kind = tick_add_text(tick, kind, sizeof kind - 1);
    event->detail = tick_add_text(tick, detail, sizeof detail - 1);
}

static void add_rows(struct containers *all, struct tick *tick)
{
    const struct docker_list *list = &all->round->list;

    entity_set_begin(&all->set);
    for (size_t i = 0; i < list->count; i++)
        add_row(all, tick, &list->container[i]);
    entity_set_end(&all->set, tick);
    tick_sampled(tick, TABLE_CONTAINER);
    if (!all->round->restarts)
        tick->table[TABLE_CONTAINER].column_mask &= ~(UINT64_C(1) << CONTAINER_RESTARTS_TOTAL);
    tell_left_out(all, tick);
}

/*
 * While no engine answers nothing is sampled, and nothing taken as gone. Silence is told by events, with
 * the reason; so is an answer that is none, which also counts as a failure.
 */
static enum status use_round(struct containers *all, struct tick *tick, struct error *err)
{
    const struct container_engine *nonsense = NULL;
    bool answered = false;

    for (size_t i = 0; i < all->engine_count; i++) {
        const struct container_engine *engine = &all->round->engine[i];

        report_engine(all, tick, i);
        answered = answered || engine->status == STATUS_OK;
        if (engine->status != STATUS_OK && engine->status != STATUS_ABSENT)
            nonsense = engine;
    }
    if (answered)
        add_rows(all, tick);
    else if (nonsense != NULL)
        return error_set(err, nonsense->status, "%s", nonsense->err.message);
    return STATUS_OK;
}

enum status container_collect(void *state, struct tick *tick, struct error *err)
{
    struct containers *all = state;
    enum status st;

    worker_report(all->worker, tick);
    if (!worker_take_later(all->worker, tick->start_ns, &st, err))
        return STATUS_OK;
    st = use_round(all, tick, err);
    worker_used(all->worker, tick->start_ns);
    return st;
}

int64_t container_not_answering(const void *state)
{
    const struct containers *all = state;
    int64_t quiet = worker_late(all->worker);

    for (size_t i = 0; i < all->engine_count; i++)
        quiet += all->quiet_since_ns[i] != 0;
    return quiet;
}

int64_t container_other_cpu_ns(const void *state)
{
    return worker_cpu_ns(((const struct containers *)state)->worker);
}
