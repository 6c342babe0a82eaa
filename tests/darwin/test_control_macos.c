/* Who is at the other end of the control socket, and that a stranger is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "recorder/control.h"
#include "recorder/control_socket.h"
#include "tests/darwin/support_mac.h"
#include "tests/support_recording.h"

static void pair(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
}

static struct control_peer peer_of(int fd)
{
    struct control_peer peer;
    struct error err = { 0 };

    if (control_peer_of(fd, &peer, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    return peer;
}

static void the_user_is_who_connected_and_the_pid_is_told_if_it_is_his(void **state)
{
    (void)state;
    struct fake_peer who = { .there = true, .uid = 501, .gid = 20, .token_uid = 501, .pid = 4711 };
    int fds[2];

    pair(fds);
    fake_set_peer(&who);
    assert_int_equal(peer_of(fds[0]).uid, 501);
    assert_int_equal(peer_of(fds[0]).gid, 20);
    assert_int_equal(peer_of(fds[0]).pid, 4711);
    who.token_uid = 0; /* its end was handed to a program of root's: it is not asked as root */
    fake_set_peer(&who);
    assert_int_equal(peer_of(fds[0]).uid, 501);
    assert_int_equal(peer_of(fds[0]).pid, 0);
    who.no_token = true;
    fake_set_peer(&who);
    assert_int_equal(peer_of(fds[0]).pid, 4711);
    fake_set_peer(NULL);
    assert_int_equal(peer_of(fds[0]).uid, getuid());
    close(fds[0]);
    close(fds[1]);
}

static void what_is_no_socket_has_no_peer(void **state)
{
    (void)state;
    struct control_peer peer;
    struct error err = { 0 };
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    assert_int_equal(control_peer_of(fds[0], &peer, &err), STATUS_IO);
    assert_int_equal(peer.uid, (uid_t)-1);
    assert_non_null(strstr(err.message, "getpeereid"));
    close(fds[0]);
    close(fds[1]);
}

static void a_member_of_the_group_is_told_by_its_first_sixteen_groups(void **state)
{
    (void)state;
    struct fake_peer who = { .there = true, .uid = 501, .gid = 20, .group_count = 18 };
    struct control_peer peer;
    int fds[2];

    for (int i = 0; i < who.group_count; i++)
        who.groups[i] = 100 + (unsigned)i;
    pair(fds);
    fake_set_peer(&who);
    peer = peer_of(fds[0]);
    assert_true(control_peer_in_group(fds[0], &peer, 20));
    assert_true(control_peer_in_group(fds[0], &peer, 114));
    assert_false(control_peer_in_group(fds[0], &peer, 115));
    assert_false(control_peer_in_group(fds[0], &peer, 99));
    who.odd_version = 7; /* of a kernel that tells it otherwise */
    fake_set_peer(&who);
    assert_false(control_peer_in_group(fds[0], &peer, 101));
    fake_set_peer(NULL);
    close(fds[0]);
    close(fds[1]);
}

static void only_a_socket_is_opened_to_everybody(void **state)
{
    (void)state;
    struct made_directory directory;
    char path[256], other[256];
    struct stat info;
    FILE *file;

    made_directory_open(&directory);
    made_path(&directory, "file", path, sizeof path);
    made_path(&directory, "link", other, sizeof other);
    file = fopen(path, "we");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(symlink(path, other), 0);
    assert_false(control_socket_publish(path));
    assert_false(control_socket_publish(other));
    assert_false(control_socket_publish("/nowhere/at/all"));
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(unlink(other), 0);
    assert_int_equal(unlink(path), 0);
    made_directory_close(&directory);
}

/* --- the whole of it --- */

static char *status(void *self)
{
    (void)self;
    return strdup("{}");
}

static void ignore(void *self)
{
    (void)self;
}

static void keep_log(void *self, const char *text)
{
    (void)snprintf(self, 200, "%s", text);
}

static void ask(const char *path, char *reply, size_t size)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t got = 0;
    ssize_t more;

    (void)snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    (void)send(fd, "1 status\n", 9, MSG_NOSIGNAL);
    while (got + 1 < size && (more = recv(fd, reply + got, size - 1 - got, 0)) > 0)
        got += (size_t)more;
    reply[got] = '\0';
    close(fd);
}

static void a_stranger_is_refused_and_our_own_user_is_served(void **state)
{
    (void)state;
    struct fake_process self = mac_process(1, 2, "procscoped");
    struct scenario scenario = mac_scenario(&self, 1);
    struct fake_peer stranger = {
        .there = true, .uid = 4242, .gid = 4242, .token_uid = 4242, .pid = 4711
    };
    char path[256], reply[600], log[200] = "";
    struct control_options options = {
        .path = path,
        .ask_ns = 1000000000,
        .answer_ns = 1000000000,
        .flush_ns = 1000000000,
        .calls = { .status = status, .stop = ignore, .log = keep_log, .self = log },
    };
    struct made_directory directory;
    struct clock_host host;
    struct clock clock;
    struct control *control;
    struct error err = { 0 };

    made_directory_open(&directory);
    made_path(&directory, "control", path, sizeof path);
    fake_boot(&scenario);
    clock = clock_open(&host, -1);
    options.clock = &clock;
    fake_set_peer(&stranger);
    if (control_open(&control, &options, &err) != STATUS_OK ||
        control_start(control, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    ask(path, reply, sizeof reply);
    assert_int_equal(strncmp(reply, "1 error ", 8), 0);
    assert_non_null(strstr(log, "4242"));
    assert_non_null(strstr(log, "4711"));
    fake_set_now(1000000000); /* strangers make it rest for a moment */
    fake_set_peer(NULL);
    ask(path, reply, sizeof reply);
    assert_string_equal(reply, "1 ok 2\n{}");
    control_stop(control);
    control_close(control, true, "");
    clock_close(&host);
    made_directory_close(&directory);
    assert_int_equal(fake_settle(stderr), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_user_is_who_connected_and_the_pid_is_told_if_it_is_his),
        cmocka_unit_test(what_is_no_socket_has_no_peer),
        cmocka_unit_test(a_member_of_the_group_is_told_by_its_first_sixteen_groups),
        cmocka_unit_test(only_a_socket_is_opened_to_everybody),
        cmocka_unit_test(a_stranger_is_refused_and_our_own_user_is_served),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
