/* Requests and replies of the control socket: what is said is understood, all else is refused. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "schema/control.h"
#include "schema/control_address.h"

static enum status parse(const char *line, struct control_request *request, struct error *err)
{
    *err = (struct error){ 0 };
    return control_request_parse(request, line, strlen(line), err);
}

static void every_command_comes_back(void **state)
{
    (void)state;
    for (int c = 0; c < CONTROL_COMMAND_COUNT; c++) {
        struct control_request request = { .command = (enum control_command)c }, back;
        char line[CONTROL_REQUEST_MAX];
        struct error err = { 0 };
        size_t size;

        if (c == CONTROL_MARK) {
            request.text = "caf\xc3\xa9 \xff at 14:03";
            request.text_size = strlen(request.text);
        }
        assert_int_equal(control_request_put(line, &size, &request, &err), STATUS_OK);
        assert_int_equal(line[size - 1], '\n');
        assert_int_equal(control_request_parse(&back, line, size - 1, &err), STATUS_OK);
        assert_int_equal(back.command, c);
        assert_int_equal(back.text_size, request.text_size);
        if (request.text_size > 0)
            assert_memory_equal(back.text, request.text, request.text_size);
    }
}

static void the_longest_mark_fits_and_one_byte_more_does_not(void **state)
{
    (void)state;
    char text[CONTROL_TEXT_MAX + 1], line[CONTROL_REQUEST_MAX];
    struct control_request request = { CONTROL_MARK, text, CONTROL_TEXT_MAX }, back;
    struct error err;
    size_t size;

    memset(text, 'x', sizeof text);
    assert_int_equal(control_request_put(line, &size, &request, &err), STATUS_OK);
    assert_true(size <= CONTROL_REQUEST_MAX);
    assert_int_equal(control_request_parse(&back, line, size - 1, &err), STATUS_OK);
    assert_int_equal(back.text_size, CONTROL_TEXT_MAX);
    request.text_size++;
    assert_int_equal(control_request_put(line, &size, &request, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "1000"));
}

static void what_is_no_request_is_refused_with_words(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "status",
        "1",
        "1 ",
        "1 statu",
        "1 statuss",
        "1 STATUS",
        "1  status",
        " 1 status",
        "1 status now",
        "1 mark",
        "1 mark ",
        "x status",
        "-1 status",
        "1 stop it",
        "1 flush x",
        "1 mark a\tb",
        "1 mark \x1b[2J",
        "1 mark a\rb",
        "1 mark \x7f",
        "1234567890123 status",
    };

    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct control_request request;
        struct error err;

        if (parse(lines[i], &request, &err) != STATUS_INVALID || err.message[0] == '\0')
            fail_msg("\"%s\": %d \"%s\"", lines[i], err.status, err.message);
    }
}

static void another_version_is_named(void **state)
{
    (void)state;
    struct control_request request;
    struct control_reply reply;
    struct error err;

    assert_int_equal(parse("2 status", &request, &err), STATUS_UNSUPPORTED);
    assert_non_null(strstr(err.message, "version 2"));
    assert_int_equal(control_reply_parse(&reply, "2 ok 0\n", 7, &err), STATUS_UNSUPPORTED);
    assert_non_null(strstr(err.message, "version 2"));
}

static void a_reply_comes_back_and_every_cut_of_it_waits_for_more(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 1, 938, CONTROL_BODY_MAX };

    for (size_t i = 0; i < 2 * COUNT_OF(sizes); i++) {
        char head[CONTROL_HEAD_MAX];
        size_t size = control_reply_put(head, i % 2 == 0, sizes[i / 2]);
        struct control_reply reply;
        struct error err;

        for (size_t cut = 0; cut < size; cut++)
            assert_int_equal(control_reply_parse(&reply, head, cut, &err), STATUS_ABSENT);
        assert_int_equal(control_reply_parse(&reply, head, size, &err), STATUS_OK);
        assert_int_equal(reply.ok, i % 2 == 0);
        assert_int_equal(reply.head_size, size);
        assert_int_equal(reply.body_size, sizes[i / 2]);
    }
}

static void what_is_no_reply_is_damage(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "\n",
        "HTTP/1.1 400\n",
        "1 ok\n",
        "1 ok \n",
        "1 ok x\n",
        "1 ok 1x\n",
        "1 ok -1\n",
        "1 fine 0\n",
        "1 ok 1048577\n",
        "1 ok 99999999999\n",
        "1 error\n",
        "a line that has no end and goes on",
    };

    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct control_reply reply;
        struct error err;

        if (control_reply_parse(&reply, lines[i], strlen(lines[i]), &err) != STATUS_CORRUPT)
            fail_msg("\"%s\": %d \"%s\"", lines[i], err.status, err.message);
    }
}

static void a_path_that_fits_no_address_has_one_all_the_same(void **state)
{
    (void)state;
    char path[PATH_MAX] = "/tmp";
    struct control_address address;
    struct error err = { 0 };

    assert_int_equal(control_address_open(&address, "/tmp/x-control", &err), STATUS_OK);
    assert_string_equal(address.to.sun_path, "/tmp/x-control");
    control_address_close(&address);

    for (int i = 0; i < 60; i++)
        memcpy(path + strlen(path), "/.", 3);
    memcpy(path + strlen(path), "/x-control", sizeof "/x-control");
    assert_true(strlen(path) >= sizeof address.to.sun_path);
    assert_int_equal(control_address_open(&address, path, &err), STATUS_OK);
    assert_non_null(strstr(address.to.sun_path, "/x-control"));
    control_address_close(&address);
}

static void a_name_that_is_too_long_says_what_to_do(void **state)
{
    (void)state;
    char path[300] = "/tmp/";
    struct control_address address;
    struct error err = { 0 };

    memset(path + 5, 'n', 200);
    assert_int_equal(control_address_open(&address, path, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "--control PATH"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_comes_back),
        cmocka_unit_test(the_longest_mark_fits_and_one_byte_more_does_not),
        cmocka_unit_test(what_is_no_request_is_refused_with_words),
        cmocka_unit_test(another_version_is_named),
        cmocka_unit_test(a_reply_comes_back_and_every_cut_of_it_waits_for_more),
        cmocka_unit_test(what_is_no_reply_is_damage),
        cmocka_unit_test(a_path_that_fits_no_address_has_one_all_the_same),
        cmocka_unit_test(a_name_that_is_too_long_says_what_to_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
