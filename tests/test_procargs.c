/*
 * The block of KERN_PROCARGS2: its rows in every form, and that nothing behind the arguments is
 * ever taken.
 */
#include "recorder/collectors/procargs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { ROOM = 4096 };

static uint8_t block[ROOM];

struct build {
    int32_t count;
    const char *path;
    size_t align;        /* of where the arguments begin, behind the count */
    const char *strings; /* arguments and environment, each with its NUL */
    size_t size;
};

static size_t build(const struct build *b)
{
    size_t path = strlen(b->path) + 1, begin = 4 + (path + b->align - 1) / b->align * b->align;

    memset(block, 0, sizeof block);
    memcpy(block, &b->count, sizeof b->count);
    memcpy(block + 4, b->path, path);
    memcpy(block + begin, b->strings, b->size);
    return begin + b->size;
}

#define STRINGS(text) .strings = (text), .size = sizeof(text)

static void assert_arguments(const struct build *b, const char *expected, size_t size, bool cut)
{
    struct procargs args;
    struct error err;

    assert_int_equal(procargs_parse(&args, block, build(b), ROOM, &err), STATUS_OK);
    assert_int_equal(args.path_size, strlen(b->path));
    assert_memory_equal(args.path, b->path, args.path_size);
    assert_int_equal(args.size, size);
    if (size > 0)
        assert_memory_equal(args.arguments, expected, size);
    assert_int_equal(args.cut, cut);
}

static void arguments_end_where_the_environment_begins(void **state)
{
    (void)state;
    for (size_t length = 1; length < 40; length++) {
        char path[41] = "";
        struct build b = {
            .count = 2, .path = path, .align = 8, STRINGS("ls\0-l\0HOME=/root\0A=b")
        };

        memset(path, 'p', length);
        assert_arguments(&b, "ls\0-l", 6, false);
    }
}

static void an_empty_first_argument_lets_no_environment_through(void **state)
{
    (void)state;
    for (size_t length = 1; length < 40; length++) {
        char path[41] = "";
        struct build one = { .count = 1, .path = path, .align = 8, STRINGS("\0SECRET=x") };
        struct build all = { .count = 3, .path = path, .align = 8, STRINGS("\0\0\0SECRET=x") };
        struct build more = { .count = 2, .path = path, .align = 8, STRINGS("\0second\0SECRET=x") };

        memset(path, 'p', length);
        assert_arguments(&one, "", 1, false);
        assert_arguments(&all, "\0\0", 3, false);
        assert_arguments(&more, "\0second", 8, false);
    }
}

static void without_arguments_all_that_follows_is_environment(void **state)
{
    (void)state;
    struct build b = { .count = 0, .path = "/bin/x", .align = 8, STRINGS("SECRET=x") };

    assert_arguments(&b, "", 0, false);
}

static void fewer_arguments_than_counted_are_kept_and_said_to_be_cut(void **state)
{
    (void)state;
    struct build b = { .count = 3, .path = "/bin/x", .align = 8, .strings = "a\0bc", .size = 4 };

    assert_arguments(&b, "a\0bc", 4, true); /* no NUL at the end */
    b.size = 2;
    assert_arguments(&b, "a", 2, true);
}

static void assert_refused(size_t size, size_t room)
{
    struct procargs args;
    struct error err;

    assert_int_equal(procargs_parse(&args, block, size, room, &err), STATUS_CORRUPT);
    assert_int_equal(args.size, 0);
}

static void a_block_as_large_as_its_room_is_its_end_and_refused(void **state)
{
    (void)state;
    struct build b = { .count = 1, .path = "/bin/x", .align = 8, STRINGS("x\0SECRET=x") };
    size_t size = build(&b);

    assert_refused(size, size);
    assert_refused(size, size - 1);
}

static void another_padding_is_refused(void **state)
{
    (void)state;
    struct build b = { .count = 2, .path = "/bin/unpadded", .align = 1, STRINGS("a\0b\0SECRET=x") };

    assert_refused(build(&b), ROOM);
    b.align = 4;
    b.path = "/x"; /* 3 bytes: 4 of 8 */
    assert_refused(build(&b), ROOM);
}

static void absurd_counts_and_paths_without_end_are_refused(void **state)
{
    (void)state;
    struct build b = { .count = -1, .path = "/bin/x", .align = 8, STRINGS("x") };
    size_t size = build(&b);

    assert_refused(size, ROOM);
    b.count = INT32_MAX;
    (void)build(&b);
    assert_refused(size, ROOM);
    for (size_t cut = 0; cut < 4 + 7; cut++) /* count and path */
        assert_refused(cut, ROOM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_end_where_the_environment_begins),
        cmocka_unit_test(an_empty_first_argument_lets_no_environment_through),
        cmocka_unit_test(without_arguments_all_that_follows_is_environment),
        cmocka_unit_test(fewer_arguments_than_counted_are_kept_and_said_to_be_cut),
        cmocka_unit_test(a_block_as_large_as_its_room_is_its_end_and_refused),
        cmocka_unit_test(another_padding_is_refused),
        cmocka_unit_test(absurd_counts_and_paths_without_end_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
