/* The collector of containers, with two engines of which one falls silent. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "recorder/collectors/collectors_linux.h"
#include "recorder/collectors/docker_client.h"
#include "tests/support_root.h"

#define WEB "aaaaaaaaaaaa"
#define MAIL "bbbbbbbbbbbb"

/* An engine in a thread of its own, with one container or none. */
struct engine {
    const char *id;
    int listener;
    pthread_t thread;
    atomic_bool silent, empty;
};

static void answer(const struct engine *engine, int connection)
{
    char request[1024] = "", body[256], head[128];
    size_t used = 0;
    ssize_t got = 1;

    while (got > 0 && used < sizeof request - 1 && strstr(request, "\r\n\r\n") == NULL) {
        got = read(connection, request + used, sizeof request - 1 - used);
        used += got > 0 ? (size_t)got : 0;
        request[used] = '\0';
    }
    if (got <= 0 || atomic_load(&engine->silent))
        return;
    if (strncmp(request, "GET /containers/json", 20) != 0)
        (void)snprintf(body, sizeof body,
                       "{\"id\":\"%s\",\"RestartCount\":1,\"pids_stats\":{\"current\":5}}",
                       engine->id);
    else if (atomic_load(&engine->empty))
        (void)snprintf(body, sizeof body, "[]");
    else
        (void)snprintf(body, sizeof body, "[{\"Id\":\"%s\",\"State\":\"running\"}]", engine->id);
    (void)snprintf(head, sizeof head,
                   "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
                   strlen(body));
    (void)!write(connection, head, strlen(head));
    (void)!write(connection, body, strlen(body));
}

static void *serve(void *self)
{
    const struct engine *engine = self;
    int connection;

    while ((connection = accept(engine->listener, NULL, NULL)) >= 0) {
        answer(engine, connection);
        close(connection);
    }
    return NULL;
}

static void engine_begin(struct engine *engine, const struct test_root *root, const char *path,
                         const char *id)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    *engine = (struct engine){ .id = id, .listener = socket(AF_UNIX, SOCK_STREAM, 0) };
    test_root_write(root, path, ""); /* and the directories above it */
    test_root_remove(root, path);
    assert_true((size_t)snprintf(address.sun_path, sizeof address.sun_path, "%s%s", root->path,
                                 path) < sizeof address.sun_path);
    assert_int_equal(bind(engine->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(engine->listener, 8), 0);
    assert_int_equal(pthread_create(&engine->thread, NULL, serve, engine), 0);
}

static void engine_end(struct engine *engine)
{
    (void)shutdown(engine->listener, SHUT_RDWR);
    pthread_join(engine->thread, NULL);
    close(engine->listener);
}

static void collect(struct test_collector *t)
{
    if (test_collector_tick(t) != STATUS_OK)
        fail_msg("%s", t->err.message);
}

static size_t row_count(const struct test_collector *t)
{
    return t->tick.table[TABLE_CONTAINER].row_count;
}

static void the_containers_of_a_silent_engine_are_not_taken_as_gone(void **state)
{
    (void)state;
    struct engine docker, podman;
    struct test_root root;
    struct test_collector t;
    uint32_t web, mail;

    if (docker_client_missing() != NULL)
        skip();
    test_root_open(&root);
    engine_begin(&docker, &root, "/var/run/docker.sock", WEB);
    engine_begin(&podman, &root, "/run/podman/podman.sock", MAIL);
    test_collector_open(&t, &container_collector, root.path);
    collect(&t);
    web = test_slot(&t, WEB);
    mail = test_slot(&t, MAIL);
    assert_int_equal(test_value(&t, mail, CONTAINER_TASKS), 5);
    for (int i = 0; i < 4; i++) { /* slots of what is gone would be free again by then */
        atomic_store(&docker.silent, i % 2 == 0);
        atomic_store(&podman.silent, i % 2 == 1);
        collect(&t);
        assert_int_equal(row_count(&t), 2);
        assert_int_equal(test_missing(&t, i % 2 == 0 ? web : mail, CONTAINER_TASKS),
                         MISSING_FAILED);
        assert_int_equal(test_missing(&t, i % 2 == 0 ? web : mail, CONTAINER_STATE),
                         MISSING_FAILED);
        assert_int_equal(test_value(&t, i % 2 == 0 ? mail : web, CONTAINER_TASKS), 5);
    }
    for (int i = 0; i < 3; i++) { /* and while both are */
        atomic_store(&docker.silent, true);
        collect(&t);
        assert_false(t.tick.table[TABLE_CONTAINER].sampled);
    }
    atomic_store(&podman.silent, false);
    atomic_store(&podman.empty, true);
    collect(&t);
    assert_int_equal(row_count(&t), 1); /* its own answer says that there is none */
    assert_int_equal(test_missing(&t, web, CONTAINER_TASKS), MISSING_FAILED);
    atomic_store(&docker.silent, false);
    collect(&t);
    assert_int_equal(test_row(&t, web)->flags, 0); /* it was there all the time */
    assert_int_equal(test_value(&t, web, CONTAINER_TASKS), 5);
    test_collector_close(&t);
    engine_end(&docker);
    engine_end(&podman);
    test_root_close(&root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_containers_of_a_silent_engine_are_not_taken_as_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
