/* Source: GET /containers/json, /containers/ID/stats, /containers/ID/json of each engine. */
#include "recorder/collectors/container_round.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "recorder/worker.h"

enum {
    ROUND_MS = 1500,    /* for all engines together: below WORKER_PATIENCE_NS */
    ONE_MS = 500,       /* for one container: the others have their turn */
    LEAST_MS = 20,      /* with less than that nothing more is asked for */
    RESTARTS_EVERY = 6, /* rounds */
    LIST_MAX = 2 << 20, /* bytes */
    STATS_MAX = 512 << 10,
    INSPECT_MAX = 1 << 20,
    PATH_SIZE = 160,
    HTTP_OK = 200,
    HTTP_NOT_FOUND = 404,
};

static int64_t now_ms(void)
{
    struct timespec now = { 0 };

    (void)clock_gettime(CLOCK_MONOTONIC_RAW,
                        &now); /* the other one of a Mac follows its wall clock */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One answer about one container. NOT_THERE: it is gone meanwhile. */
static enum missing ask(struct container_engine *engine, const struct docker_container *container,
                        const char *what, size_t limit, int64_t deadline_ms,
                        struct docker_answer *answer)
{
    char path[PATH_SIZE];
    int64_t left_ms = deadline_ms - now_ms();
    struct docker_request request = { path, left_ms < ONE_MS ? left_ms : ONE_MS, limit };
    struct error err;

    if (left_ms < LEAST_MS)
        return MISSING_NOT_SAMPLED;
    (void)snprintf(path, sizeof path, "/containers/%s/%s", container->id, what);
    if (docker_client_get(engine->client, &request, answer, &err) != STATUS_OK)
        return MISSING_FAILED;
    if (answer->code == HTTP_NOT_FOUND)
        return MISSING_NOT_THERE;
    return answer->code == HTTP_OK ? MISSING_NONE : MISSING_FAILED;
}

static void read_stats(struct container_engine *engine, struct docker_container *container,
                       int64_t deadline_ms)
{
    int64_t state = container->value[CONTAINER_STATE];
    enum missing why = MISSING_NOT_THERE; /* of one that does not run */
    struct docker_answer answer;
    struct error err;

    if (state == CONTAINER_RUNNING || state == CONTAINER_PAUSED)
        why = ask(engine, container, "stats?stream=false&one-shot=true", STATS_MAX, deadline_ms,
                  &answer);
    if (why == MISSING_NONE &&
        docker_parse_stats(answer.text, answer.size, container, &err) != STATUS_OK)
        why = MISSING_FAILED;
    if (why != MISSING_NONE)
        docker_all_missing(container, why);
    container->missing[CONTAINER_RESTARTS_TOTAL] = MISSING_NOT_SAMPLED;
}

static void read_restarts(struct container_engine *engine, struct docker_container *container,
                          int64_t deadline_ms)
{
    struct docker_answer answer;
    struct error err;
    enum missing why = ask(engine, container, "json", INSPECT_MAX, deadline_ms, &answer);

    if (why == MISSING_NONE &&
        docker_parse_inspect(answer.text, answer.size, container, &err) != STATUS_OK)
        why = MISSING_FAILED;
    if (why != MISSING_NONE)
        container->missing[CONTAINER_RESTARTS_TOTAL] = (uint8_t)why;
    docker_client_forget(engine->client);
}

static enum status read_list(struct container_engine *engine, struct docker_list *list,
                             int64_t deadline_ms, struct error *err)
{
    struct docker_request request = { "/containers/json", deadline_ms - now_ms(), LIST_MAX };
    struct docker_answer answer;
    enum status st;

    if (request.timeout_ms < LEAST_MS)
        request.timeout_ms = LEAST_MS;
    st = docker_client_get(engine->client, &request, &answer, err);
    if (st == STATUS_OK && answer.code != HTTP_OK)
        st = error_set(err, STATUS_CORRUPT, "%s: HTTP %ld", request.path, answer.code);
    if (st == STATUS_OK && docker_parse_list(answer.text, answer.size, list, err) != STATUS_OK)
        st = error_prefix(err, "%s", request.path);
    docker_client_forget(engine->client);
    return st;
}

/* The engine tells nothing: what it told of last is there until it says otherwise. */
static void carry_over(struct container_round *round, struct container_engine *engine)
{
    size_t from = engine->first;
    size_t count = engine->count;

    engine->first = round->list.count;
    for (size_t i = 0; i < count && round->list.count < DOCKER_CONTAINERS_MAX; i++) {
        struct docker_container *container = &round->list.container[round->list.count++];

        *container = round->before.container[from + i];
        docker_all_missing(container, MISSING_FAILED);
        container->missing[CONTAINER_STATE] = MISSING_FAILED;
    }
    engine->count = round->list.count - engine->first;
    round->list.left_out += (int64_t)(count - engine->count);
}

static void read_engine(struct container_round *round, struct container_engine *engine,
                        int64_t deadline_ms)
{
    size_t first = round->list.count, done = 0;
    int64_t left_out = round->list.left_out;

    worker_at(worker_self(), engine->socket);
    engine->status = read_list(engine, &round->list, deadline_ms, &engine->err);
    if (engine->status != STATUS_OK) {
        round->list.count = first;
        round->list.left_out = left_out;
        (void)error_prefix(&engine->err, "%s", engine->socket);
        carry_over(round, engine);
        return;
    }
    engine->first = first;
    engine->count = round->list.count - first;
    for (; done < engine->count && deadline_ms - now_ms() >= LEAST_MS; done++) {
        struct docker_container *container =
            &round->list.container[first + (engine->turn + done) % engine->count];

        read_stats(engine, container, deadline_ms);
        if (round->restarts)
            read_restarts(engine, container, deadline_ms);
    }
    engine->turn = done < engine->count ? (engine->turn + done) % engine->count : 0;
}

enum status container_round_read(void *self, struct error *err)
{
    struct container_round *round = self;
    int64_t start_ms = now_ms();

    (void)err;
    round->before = round->list;
    round->list.count = 0;
    round->list.left_out = 0;
    round->restarts = round->count++ % RESTARTS_EVERY == 0;
    for (size_t i = 0; i < round->engine_count; i++)
        read_engine(round, &round->engine[i],
                    start_ms + ROUND_MS * (int64_t)(i + 1) / (int64_t)round->engine_count);
    return STATUS_OK;
}

void container_round_release(void *self)
{
    struct container_round *round = self;

    for (size_t i = 0; i < round->engine_count; i++)
        docker_client_close(round->engine[i].client);
    free(round);
}
