/* What it says is of one container: five tasks, 7 us of CPU time, 300 bytes received and 40 sent. */
#include "tests/support_engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const char stats[] = "{\"id\":\"%s\",\"RestartCount\":1,\"pids_stats\":{\"current\":5},"
                            "\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":7000}},%s}";
static const char networks[] = "\"networks\":{\"eth0\":{\"rx_bytes\":300,\"tx_bytes\":40}}";
static const char nulls[] = "\"networks\":null,\"memory_stats\":null,"
                            "\"blkio_stats\":{\"io_service_bytes_recursive\":null}";

static void send_text(int connection, const char *text)
{
    (void)!write(connection, text, strlen(text));
}

static void send_body(const struct test_engine *engine, int connection, int code, const char *body)
{
    char head[160];

    if (atomic_load(&engine->does) != ENGINE_CHUNKS) {
        (void)snprintf(head, sizeof head,
                       "HTTP/1.1 %d X\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n", code,
                       strlen(body));
        send_text(connection, head);
        send_text(connection, body);
        return;
    }
    send_text(connection,
              "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (; *body != '\0'; body++) {
        (void)snprintf(head, sizeof head, "1\r\n%c\r\n", *body);
        send_text(connection, head);
    }
    send_text(connection, "0\r\n\r\n");
}

static void hang(const struct test_engine *engine)
{
    static const struct timespec pause = { 0, 5000000 };

    while (!atomic_load(&engine->ending))
        (void)nanosleep(&pause, NULL);
}

static void answer(const struct test_engine *engine, int connection)
{
    char request[1024] = "", body[512];
    int does = atomic_load(&engine->does);
    size_t used = 0;
    ssize_t got = 1;
    bool listing;

    while (got > 0 && used < sizeof request - 1 && strstr(request, "\r\n\r\n") == NULL) {
        got = read(connection, request + used, sizeof request - 1 - used);
        used += got > 0 ? (size_t)got : 0;
        request[used] = '\0';
    }
    if (does == ENGINE_HANGS)
        hang(engine);
    if (got <= 0 || does == ENGINE_CLOSES || does == ENGINE_HANGS)
        return;
    listing = strncmp(request, "GET /containers/json", 20) == 0;
    if (!listing)
        (void)snprintf(body, sizeof body, stats, engine->id,
                       does == ENGINE_NULLS ? nulls : networks);
    else if (does == ENGINE_IS_EMPTY)
        (void)snprintf(body, sizeof body, "[]");
    else
        (void)snprintf(body, sizeof body, "[{\"Id\":\"%s\",\"State\":\"running\"}]", engine->id);
    send_body(engine, connection, does == ENGINE_LOSES_THEM && !listing ? 404 : 200, body);
}

static void *serve(void *self)
{
    const struct test_engine *engine = self;
    int connection;

    while ((connection = accept(engine->listener, NULL, NULL)) >= 0) {
        answer(engine, connection);
        close(connection);
    }
    return NULL;
}

void test_engine_begin(struct test_engine *engine, const struct test_root *root, const char *path,
                       const char *id)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    *engine = (struct test_engine){ .id = id, .listener = socket(AF_UNIX, SOCK_STREAM, 0) };
    test_root_write(root, path, ""); /* and the directories above it */
    test_root_remove(root, path);
    assert_true((size_t)snprintf(address.sun_path, sizeof address.sun_path, "%s%s", root->path,
                                 path) < sizeof address.sun_path);
    assert_int_equal(bind(engine->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(engine->listener, 8), 0);
    assert_int_equal(pthread_create(&engine->thread, NULL, serve, engine), 0);
}

void test_engine_end(struct test_engine *engine)
{
    atomic_store(&engine->ending, true);
    (void)shutdown(engine->listener, SHUT_RDWR);
    pthread_join(engine->thread, NULL);
    close(engine->listener);
}
