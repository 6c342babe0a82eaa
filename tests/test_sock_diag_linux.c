/* The kernel's lists of sockets: what is made of its answers, and what cannot be done by asking. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "recorder/collectors/sock_diag_linux.h"
#include "recorder/collectors/socket_table.h"

/* --- answers --- */

struct answer {
    uint8_t bytes[4096];
    size_t size;
};

static void put(struct answer *answer, uint16_t type, uint32_t sequence, const void *body,
                size_t size)
{
    struct nlmsghdr header = { .nlmsg_len = (uint32_t)(sizeof header + size),
                               .nlmsg_type = type,
                               .nlmsg_seq = sequence };

    memcpy(answer->bytes + answer->size, &header, sizeof header);
    memcpy(answer->bytes + answer->size + sizeof header, body, size);
    answer->size += (sizeof header + size + 3) & ~(size_t)3;
}

static void put_tcp(struct answer *answer, uint32_t sequence, uint32_t inode)
{
    const struct inet_diag_msg message = { .idiag_family = AF_INET,
                                           .idiag_state = SOCKET_ESTABLISHED,
                                           .idiag_inode = inode,
                                           .idiag_rqueue = 5,
                                           .idiag_wqueue = 6 };

    put(answer, SOCK_DIAG_BY_FAMILY, sequence, &message, sizeof message);
}

static void put_code(struct answer *answer, uint16_t type, int32_t code)
{
    put(answer, type, 1, &code, sizeof code);
}

struct seen {
    unsigned count;
    uint64_t inodes; /* added up */
    struct socket_found last;
};

static void see(void *self, const struct socket_found *found)
{
    struct seen *seen = self;

    seen->count++;
    seen->inodes += found->inode;
    seen->last = *found;
}

static void every_message_of_the_request_is_taken_until_the_end(void **state)
{
    (void)state;
    struct answer answer = { .size = 0 };
    struct seen seen = { 0 };
    struct error err;
    bool done;

    put_tcp(&answer, 1, 70);
    put_tcp(&answer, 2, 1000); /* of another request */
    put_tcp(&answer, 1, 0);    /* belongs to no process */
    put_tcp(&answer, 1, 7);
    assert_int_equal(
        sock_diag_parse(answer.bytes, answer.size, SOCKETS_TCP4, 1, see, &seen, &done, &err),
        STATUS_OK);
    assert_false(done);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.inodes, 77);
    assert_int_equal(seen.last.receive_bytes, 5);
    assert_int_equal(seen.last.send_bytes, 6);
    assert_int_equal(seen.last.state, SOCKET_ESTABLISHED);
    put_code(&answer, NLMSG_DONE, 0);
    put_tcp(&answer, 1, 100); /* after the end */
    seen = (struct seen){ 0 };
    assert_int_equal(
        sock_diag_parse(answer.bytes, answer.size, SOCKETS_TCP4, 1, see, &seen, &done, &err),
        STATUS_OK);
    assert_true(done);
    assert_int_equal(seen.inodes, 77);
}

static void every_truncation_is_corrupt_or_not_done(void **state)
{
    (void)state;
    struct answer answer = { .size = 0 };

    put_tcp(&answer, 1, 70);
    put_tcp(&answer, 1, 71);
    put_code(&answer, NLMSG_DONE, 0);
    for (size_t cut = 0; cut < answer.size; cut++) {
        struct seen seen = { 0 };
        struct error err;
        bool done;
        uint8_t *copy = malloc(cut + 1); /* of exactly that size, for the address sanitizer */

        memcpy(copy, answer.bytes, cut);
        if (sock_diag_parse(copy, cut, SOCKETS_TCP4, 1, see, &seen, &done, &err) != STATUS_OK)
            assert_int_equal(err.status, STATUS_CORRUPT);
        assert_false(done);
        assert_true(seen.count <= 2);
        free(copy);
    }
}

static void a_refusal_tells_whether_there_is_such_a_list_at_all(void **state)
{
    (void)state;
    static const struct {
        int32_t code;
        enum status status;
    } expected[] = {
        { -ENOENT, STATUS_ABSENT }, { -EOPNOTSUPP, STATUS_ABSENT },
        { -EPERM, STATUS_IO },      { -EINVAL, STATUS_IO },
        { 7, STATUS_IO },           { INT32_MIN, STATUS_IO },
        { 0, STATUS_OK },
    };

    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        struct answer answer = { .size = 0 };
        struct seen seen = { 0 };
        struct error err;
        bool done;

        put_code(&answer, NLMSG_ERROR, expected[i].code);
        assert_int_equal(
            sock_diag_parse(answer.bytes, answer.size, SOCKETS_UNIX, 1, see, &seen, &done, &err),
            expected[i].status);
    }
}

static void sockets_of_another_family_are_not_taken(void **state)
{
    (void)state;
    struct answer answer = { .size = 0 };
    struct seen seen = { 0 };
    struct error err;
    bool done;

    put_tcp(&answer, 1, 70);
    assert_int_equal(
        sock_diag_parse(answer.bytes, answer.size, SOCKETS_TCP6, 1, see, &seen, &done, &err),
        STATUS_OK);
    assert_int_equal(seen.count, 0);
    assert_int_equal(
        sock_diag_parse(answer.bytes, answer.size, SOCKETS_UNIX, 1, see, &seen, &done, &err),
        STATUS_OK);
    assert_int_equal(seen.count, 0);
}

/* --- the host --- */

static void open_host(struct sock_diag *diag)
{
    struct error err;

    if (sock_diag_open(diag, "", &err) == STATUS_OK)
        return;
    print_message("SKIP: %s\n", err.message);
    skip();
}

struct wanted {
    uint32_t inode;
    struct socket_found found;
};

static void look_for(void *self, const struct socket_found *found)
{
    struct wanted *wanted = self;

    if (found->inode == wanted->inode)
        wanted->found = *found;
}

static int listening(uint16_t *port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 5), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static void a_socket_of_ours_is_in_the_hosts_list(void **state)
{
    (void)state;
    struct sock_diag diag;
    struct wanted wanted = { 0 };
    struct error err;
    struct stat info;
    uint16_t port;
    int fd;
    enum status st;

    open_host(&diag);
    fd = listening(&port);
    assert_int_equal(fstat(fd, &info), 0);
    wanted.inode = (uint32_t)info.st_ino;
    st = sock_diag_dump(&diag, SOCKETS_TCP4, look_for, &wanted, &err);
    if (st == STATUS_ABSENT) {
        print_message("SKIP: %s\n", err.message);
        close(fd);
        sock_diag_close(&diag);
        skip();
    }
    assert_int_equal(st, STATUS_OK);
    assert_int_equal(wanted.found.inode, wanted.inode);
    assert_int_equal(wanted.found.state, SOCKET_LISTENING);
    close(fd);
    wanted.found.inode = 0;
    assert_int_equal(sock_diag_dump(&diag, SOCKETS_TCP4, look_for, &wanted, &err), STATUS_OK);
    assert_int_equal(wanted.found.inode, 0);
    sock_diag_close(&diag);
}

/* The answer to a request to end the listening socket: 0, or the error; -1: none. */
static int destroy(int fd, uint16_t port)
{
    struct {
        struct nlmsghdr header;
        struct inet_diag_req_v2 body;
    } request = { .header = { .nlmsg_len = sizeof request,
                              .nlmsg_type = SOCK_DESTROY,
                              .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
                              .nlmsg_seq = 99 },
                  .body = { .sdiag_family = AF_INET,
                            .sdiag_protocol = IPPROTO_TCP,
                            .idiag_states = UINT32_MAX } };
    _Alignas(struct nlmsghdr) char answer[1024];
    struct nlmsgerr told;

    request.body.id.idiag_sport = htons(port);
    request.body.id.idiag_src[0] = htonl(INADDR_LOOPBACK);
    request.body.id.idiag_cookie[0] = request.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    if (send(fd, &request, sizeof request, 0) != sizeof request ||
        recv(fd, answer, sizeof answer, 0) < (ssize_t)(NLMSG_HDRLEN + sizeof told))
        return -1;
    memcpy(&told, answer + NLMSG_HDRLEN, sizeof told);
    return -told.error;
}

/* In a child: it gives up CAP_NET_ADMIN, lists sockets, and tries to end one. */
static int try_without_net_admin(uint16_t port, uint32_t inode)
{
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct own[_LINUX_CAPABILITY_U32S_3] = { 0 };
    struct wanted wanted = { .inode = inode };
    struct sock_diag diag;
    struct error err;

    if (syscall(SYS_capget, &head, own) != 0)
        return 1;
    own[0].effective = own[0].permitted &= ~(UINT32_C(1) << CAP_NET_ADMIN);
    if (syscall(SYS_capset, &head, own) != 0 || sock_diag_open(&diag, "", &err) != STATUS_OK)
        return 2;
    if (sock_diag_dump(&diag, SOCKETS_TCP4, look_for, &wanted, &err) != STATUS_OK ||
        wanted.found.inode != inode)
        return 3;
    return destroy(diag.fd, port) == EPERM ? 0 : 4;
}

static void without_net_admin_sockets_are_listed_and_cannot_be_ended(void **state)
{
    (void)state;
    struct sock_diag diag;
    struct stat info;
    uint16_t port;
    int fd, status = -1;
    pid_t pid;

    open_host(&diag);
    sock_diag_close(&diag);
    fd = listening(&port);
    assert_int_equal(fstat(fd, &info), 0);
    pid = fork();
    if (pid == 0)
        _exit(try_without_net_admin(port, (uint32_t)info.st_ino));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(fd);
}

/* --- the table --- */

static void put_socket(struct socket_table *table, uint32_t inode, uint8_t kind)
{
    const struct socket_entry entry = { .inode = inode, .kind = kind };

    socket_table_put(table, &entry);
}

static void what_was_known_of_a_socket_is_kept_while_it_is_listed(void **state)
{
    (void)state;
    struct socket_table table = { 0 };

    assert_null(socket_table_find(&table, 5));
    socket_table_begin(&table);
    for (uint32_t inode = 1; inode <= 10000; inode++)
        put_socket(&table, inode, inode % 2);
    put_socket(&table, 0, 0);
    socket_table_end(&table);
    assert_int_equal(table.used, 10000);
    socket_table_find(&table, 77)->settled = true;
    socket_table_begin(&table);
    socket_table_keep(&table, 1); /* could not be listed this time */
    put_socket(&table, 2, 0);
    put_socket(&table, 20000, 0);
    socket_table_end(&table);
    assert_int_equal(table.used, 5002);
    assert_true(socket_table_find(&table, 77)->settled);
    assert_int_equal(socket_table_find(&table, 77)->since, 1);
    assert_int_equal(socket_table_find(&table, 20000)->since, 2);
    assert_null(socket_table_find(&table, 4));
    socket_table_begin(&table);
    socket_table_end(&table);
    socket_table_begin(&table);
    put_socket(&table, 77, 1);
    socket_table_end(&table);
    assert_false(socket_table_find(&table, 77)->settled); /* another socket of that number */
    socket_table_release(&table);
}

static void more_sockets_than_there_is_room_for_are_told_of(void **state)
{
    (void)state;
    struct socket_table table = { 0 };

    socket_table_begin(&table);
    for (uint32_t inode = 1; inode <= SOCKETS_MAX; inode++)
        put_socket(&table, inode, 0);
    assert_false(table.overflown);
    put_socket(&table, SOCKETS_MAX + 1, 0);
    assert_true(table.overflown);
    socket_table_end(&table);
    socket_table_begin(&table);
    assert_false(table.overflown);
    socket_table_release(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_of_the_request_is_taken_until_the_end),
        cmocka_unit_test(every_truncation_is_corrupt_or_not_done),
        cmocka_unit_test(a_refusal_tells_whether_there_is_such_a_list_at_all),
        cmocka_unit_test(sockets_of_another_family_are_not_taken),
        cmocka_unit_test(a_socket_of_ours_is_in_the_hosts_list),
        cmocka_unit_test(without_net_admin_sockets_are_listed_and_cannot_be_ended),
        cmocka_unit_test(what_was_known_of_a_socket_is_kept_while_it_is_listed),
        cmocka_unit_test(more_sockets_than_there_is_room_for_are_told_of),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
