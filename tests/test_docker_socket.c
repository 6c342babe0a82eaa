/* Which sockets of container engines are found. */
#include "recorder/collectors/docker_socket.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support_root.h"

#define DOCKER "/var/run/docker.sock"
#define PODMAN "/run/podman/podman.sock"

static struct docker_socket found[DOCKER_SOCKETS_MAX];
static size_t count;
static struct error err;

static void full_path(char full[128], const struct test_root *root, const char *path)
{
    (void)snprintf(full, 128, "%s%s", root->path, path);
}

/* A socket in that place; the descriptor listens. */
static int listen_at(const struct test_root *root, const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char full[128];
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    test_root_write(root, path, ""); /* and the directories above it */
    test_root_remove(root, path);
    full_path(full, root, path);
    assert_true(strlen(full) < sizeof address.sun_path);
    memcpy(address.sun_path, full, strlen(full) + 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static enum status find(const struct test_root *root, const char *host, const char *runtime)
{
    const struct docker_surroundings around = { root->path, host, runtime, NULL };

    err = (struct error){ 0 };
    return docker_sockets_find(found, &count, &around, &err);
}

static void assert_found(const struct test_root *root, size_t i, const char *path, int failure)
{
    char full[128];

    full_path(full, root, path);
    assert_true(i < count);
    assert_string_equal(found[i].path, full);
    assert_int_equal(found[i].failure, failure);
}

static void all_that_are_there_are_found(void **state)
{
    (void)state;
    struct test_root root;
    int listening[4];

    test_root_open(&root);
    assert_int_equal(find(&root, NULL, "/run/user/1"), STATUS_ABSENT);
    assert_non_null(strstr(err.message, DOCKER));
    listening[0] = listen_at(&root, DOCKER);
    listening[1] = listen_at(&root, PODMAN);
    listening[2] = listen_at(&root, "/run/user/1/docker.sock");
    listening[3] = listen_at(&root, "/run/user/1/podman/podman.sock");
    assert_int_equal(find(&root, NULL, "/run/user/1"), STATUS_OK);
    assert_int_equal(count, 4);
    assert_found(&root, 0, DOCKER, 0);
    assert_found(&root, 1, PODMAN, 0);
    assert_found(&root, 2, "/run/user/1/docker.sock", 0);
    assert_found(&root, 3, "/run/user/1/podman/podman.sock", 0);
    assert_int_equal(find(&root, "", NULL), STATUS_OK);
    assert_int_equal(count, 2);
    for (size_t i = 0; i < 4; i++)
        close(listening[i]);
    assert_int_equal(find(&root, NULL, NULL), STATUS_OK);
    assert_found(&root, 0, DOCKER, ECONNREFUSED);
    test_root_close(&root);
}

static void docker_host_is_the_only_one_then(void **state)
{
    (void)state;
    static const char *const others[] = {
        "tcp://127.0.0.1:2375", "ssh://u:secret@h", "fd://", "unix", "unix:/x",
        "/run/docker.sock",     "http://x"
    };
    struct test_root root;
    int docker, mine;

    test_root_open(&root);
    docker = listen_at(&root, DOCKER);
    mine = listen_at(&root, "/mine.sock");
    assert_int_equal(find(&root, "unix:///mine.sock", "/run/user/1"), STATUS_OK);
    assert_int_equal(count, 1);
    assert_found(&root, 0, "/mine.sock", 0);
    assert_int_equal(find(&root, "unix:///gone.sock", NULL), STATUS_ABSENT);
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        assert_int_equal(find(&root, others[i], NULL), STATUS_UNSUPPORTED);
        assert_int_equal(count, 0);
        assert_null(strstr(err.message, "secret"));
    }
    close(docker);
    close(mine);
    test_root_close(&root);
}

static void a_link_to_a_socket_is_no_second_one(void **state)
{
    (void)state;
    struct test_root root;
    char docker[128], podman[128];
    int listening;

    test_root_open(&root);
    listening = listen_at(&root, PODMAN);
    test_root_write(&root, DOCKER, "");
    test_root_remove(&root, DOCKER);
    full_path(docker, &root, DOCKER);
    full_path(podman, &root, PODMAN);
    assert_int_equal(symlink(podman, docker), 0);
    assert_int_equal(find(&root, NULL, NULL), STATUS_OK);
    assert_int_equal(count, 1);
    assert_found(&root, 0, DOCKER, 0);
    close(listening);
    test_root_close(&root);
}

static void what_is_no_socket_is_none(void **state)
{
    (void)state;
    struct test_root root;
    char long_path[300] = "unix:///";

    test_root_open(&root);
    test_root_write(&root, DOCKER, "a file");
    test_root_write(&root, PODMAN "/file", "a directory");
    assert_int_equal(find(&root, NULL, NULL), STATUS_ABSENT);
    memset(long_path + strlen(long_path), 'x', 200);
    assert_int_equal(find(&root, long_path, NULL), STATUS_ABSENT);
    test_root_close(&root);
}

/* A queue that is full would make a connect wait. */
static void connecting_does_not_wait(void **state)
{
    (void)state;
    struct test_root root;
    int listening;

    test_root_open(&root);
    listening = listen_at(&root, DOCKER);
    for (int i = 0; i < 8; i++)
        assert_int_equal(find(&root, NULL, NULL), STATUS_OK);
    close(listening);
    test_root_close(&root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_are_there_are_found),
        cmocka_unit_test(docker_host_is_the_only_one_then),
        cmocka_unit_test(a_link_to_a_socket_is_no_second_one),
        cmocka_unit_test(what_is_no_socket_is_none),
        cmocka_unit_test(connecting_does_not_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
