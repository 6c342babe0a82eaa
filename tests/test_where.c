/* --where: what expressions mean, and what is said of those that mean nothing. */
#include "analyzer/where.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/select.h"
#include "schema/recording_private.h"

#define SECOND_NS INT64_C(1000000000)
#define TEXT(literal)                                                                              \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }

/* A recording that knows a user and two containers; of the later one the engine's name. */
static const struct recording_entity containers[] = {
    { .entity_id = 7, .kind = ENTITY_CONTAINER, .key = "abc", .label = "web (nginx:1 (x))" },
    { .entity_id = 9, .kind = ENTITY_CONTAINER, .key = "abcd", .label = "db" },
};
static const struct recording_entity *sorted[] = { &containers[0], &containers[1] };
static struct user_name users[] = { { 33, TEXT("www-data") } };
static const struct recording recording = {
    .users = users, .user_count = 1, .containers = sorted, .container_count = 2
};

/* 2026-01-05T14:03:05Z */
static const struct process process = {
    .process_id = 41, .pid = 300, .ppid = 1, .start_ns = INT64_C(1767621785) * SECOND_NS
};
static const struct version version = {
    .uid_known = true,
    .uid = 33,
    .text = { [PROCESS_COMM] = TEXT("nginx"),
              [PROCESS_CMDLINE] = TEXT("nginx: worker \"1\""),
              [PROCESS_EXE] = TEXT(""),
              [PROCESS_CGROUP] = TEXT("/system.slice/my\\x2dweb.service"),
              [PROCESS_CONTAINER] = TEXT("abc") },
};
static const struct version unknown = { .uid_known = false };
static const struct version other_user = { .uid_known = true, .uid = 34 };

static void parse(struct where *where, const char *text)
{
    const struct when_context context = { .utc = true,
                                          .first_ns = process.start_ns - 60 * SECOND_NS,
                                          .last_ns = process.start_ns + 60 * SECOND_NS };
    struct when_warning warning = { "" };
    struct error err = { 0 };

    *where = (struct where){ .given = false };
    if (where_parse(where, text, &err) != STATUS_OK ||
        where_bind(where, &context, &warning, &err) != STATUS_OK)
        fail_msg("%s: %s", text, err.message);
}

static bool matches(const char *text, const struct version *of)
{
    struct where where;

    parse(&where, text);
    return where_match(&where, &recording, &process, of);
}

#define assert_true_of(text) assert_holds(text, &version, true)
#define assert_false_of(text) assert_holds(text, &version, false)
static void assert_holds(const char *text, const struct version *of, bool expected)
{
    if (matches(text, of) != expected)
        fail_msg("%s is not %s", text, expected ? "true" : "false");
}

static void every_relation_of_numbers_holds_where_it_should(void **state)
{
    static const struct {
        const char *relation;
        bool less, same, more;
    } relations[] = { { "=", false, true, false }, { "!=", true, false, true },
                      { "<", true, false, false }, { "<=", true, true, false },
                      { ">", false, false, true }, { ">=", false, true, true } };
    char text[60];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(relations); i++) {
        (void)snprintf(text, sizeof text, "pid %s 301", relations[i].relation);
        assert_holds(text, &version, relations[i].less);
        (void)snprintf(text, sizeof text, "pid%s300", relations[i].relation);
        assert_holds(text, &version, relations[i].same);
        (void)snprintf(text, sizeof text, "pid\t%s\n-299", relations[i].relation);
        assert_holds(text, &version, relations[i].more);
        (void)snprintf(text, sizeof text, "comm %s 'nginy'", relations[i].relation);
        assert_holds(text, &version, relations[i].less);
        (void)snprintf(text, sizeof text, "comm %s \"nginx\"", relations[i].relation);
        assert_holds(text, &version, relations[i].same);
        (void)snprintf(text, sizeof text, "comm %s 'ngin'", relations[i].relation);
        assert_holds(text, &version, relations[i].more);
        (void)snprintf(text, sizeof text, "start_time %s '14:03:06'", relations[i].relation);
        assert_holds(text, &version, relations[i].less);
        (void)snprintf(text, sizeof text, "start_time %s '2026-01-05T14:03:05Z'",
                       relations[i].relation);
        assert_holds(text, &version, relations[i].same);
        (void)snprintf(text, sizeof text, "start_time %s '-61s'", relations[i].relation);
        assert_holds(text, &version, relations[i].more);
    }
}

static void every_field_is_what_reports_show(void **state)
{
    (void)state;
    assert_true_of("process_id = 41 and pid = 300 and ppid = 1 and uid = 33");
    assert_true_of("user = 'www-data' and comm = 'nginx' and exe = ''");
    assert_true_of(
        "cmdline = 'nginx: worker \"1\"' and cgroup = '/system.slice/my\\x2dweb.service'");
    assert_true_of("unit = 'my-web.service'");
    assert_holds("user = '34'", &other_user, true);
    assert_holds("user = 'www-data'", &other_user, false);
}

static void a_container_is_its_id_or_its_name(void **state)
{
    (void)state;
    assert_true_of("container = 'abc' and container = 'web' and container ~ 'w?b'");
    assert_true_of("not container = 'db' and container != 'db' and container < 'abd'");
    assert_false_of("container = 'web (nginx:1 (x))' or container = 'abcd'");
    assert_false_of("container != 'abc' or container != 'web'");
}

static void what_is_not_known_makes_comparisons_false(void **state)
{
    static const char *const fields[] = { "user",   "comm", "exe",      "cmdline",
                                          "cgroup", "unit", "container" };
    char text[60];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        (void)snprintf(text, sizeof text, "%s = 'x' or %s != 'x' or %s ~ '*'", fields[i], fields[i],
                       fields[i]);
        assert_holds(text, &unknown, false);
        assert_holds(text, NULL, false);
        (void)snprintf(text, sizeof text, "not %s ~ '*'", fields[i]);
        assert_holds(text, &unknown, true);
    }
    assert_holds("uid >= 0", &unknown, false);
    assert_holds("pid = 300 and not uid >= 0", NULL, true);
}

static void and_binds_closer_than_or_and_not_closest(void **state)
{
    (void)state;
    assert_true_of("pid = 300 or pid = 1 and pid = 2");
    assert_false_of("(pid = 300 or pid = 1) and pid = 2");
    assert_true_of("not pid = 1 and pid = 300");
    assert_false_of("not (pid = 1 or pid = 300)");
    assert_true_of("not not pid = 300");
    assert_true_of("pid = 1 and pid = 1 or pid = 300 and pid = 300");
    assert_true_of("NOT pid = 1 AND (pid = 5 Or PID = 300)");
    assert_true_of("not(pid=1)and(pid=300)");
}

/* Another way to find it: what the pattern's first character stands for, and the rest. */
static bool plainly_like(const char *pattern, const char *text)
{
    if (*pattern == '\0')
        return *text == '\0';
    if (*pattern == '*')
        return plainly_like(pattern + 1, text) ||
               (*text != '\0' && plainly_like(pattern, text + 1));
    return *text != '\0' && (*pattern == '?' || *pattern == *text) &&
           plainly_like(pattern + 1, text + 1);
}

/* All patterns of up to 5 of a, b, * and ?, with all texts of up to 5 of a and b. */
static void patterns_are_like_what_they_say(void **state)
{
    static const char of_pattern[] = "ab*?", of_text[] = "ab";
    char pattern[6], text[6];
    size_t count = 0;

    (void)state;
    for (unsigned p = 0; p < 6 * 1024; p++)
        for (unsigned t = 0; t < 6 * 32; t++) {
            unsigned p_size = p / 1024, t_size = t / 32;
            struct text a = { pattern, p_size }, b = { text, t_size };

            for (unsigned i = 0; i < 5; i++) {
                pattern[i] = i < p_size ? of_pattern[p >> 2 * i & 3] : '\0';
                text[i] = i < t_size ? of_text[t >> i & 1] : '\0';
            }
            pattern[5] = text[5] = '\0';
            if (where_like(&a, &b) != plainly_like(pattern, text))
                fail_msg("%s is%s like %s", text, plainly_like(pattern, text) ? "" : " not",
                         pattern);
            count += where_like(&a, &b);
        }
    assert_true(count > 1000);
}

static void assert_refused(const char *text, const char *why)
{
    struct where where = { .given = false };
    struct error err = { 0 };

    assert_int_equal(where_parse(&where, text, &err), STATUS_INVALID);
    if (strstr(err.message, why) == NULL)
        fail_msg("%s: \"%s\" lacks \"%s\"", text, err.message, why);
    assert_false(where.given);
}

static void what_means_nothing_is_told_with_its_place(void **state)
{
    (void)state;
    assert_refused("", "expected a comparison of process_id,");
    assert_refused("  ", "at its end");
    assert_refused("nmae = 'x'", "character 1: expected a comparison of");
    assert_refused("comm 'x'", "character 6: expected one of = != < <= > >= and ~, not 'x'");
    assert_refused("comm =", "expected a text in quotes to compare comm with at its end");
    assert_refused("comm = nginx", "character 8: expected a text in quotes to compare comm with");
    assert_refused("comm = 5", "character 8");
    assert_refused("pid = 'x'", "character 7: expected a number to compare pid with, not 'x'");
    assert_refused("pid = 5x", "character 7: expected a number to compare pid with, not 5x");
    assert_refused("pid = 9223372036854775808", "character 7");
    assert_refused("pid = 111111111111111111111111111111111111111111111111111111111",
                   "character 7");
    assert_refused("pid ~ 5", "character 5: expected = != < <= > or >= (~ is for texts), not ~");
    assert_refused("start_time ~ '*'", "character 12");
    assert_refused("start_time > 5", "expected a time in quotes to compare start_time with, not 5");
    assert_refused("comm = 'x", "character 8: the quote is not closed");
    assert_refused("(pid = 1", "expected and, or or ) at its end");
    assert_refused("pid = 1)", "character 8: expected and, or or the end, not )");
    assert_refused("pid = 1 pid = 2", "character 9");
    assert_refused("pid = 1 and", "at its end");
    assert_refused("not", "at its end");
    assert_refused("and", "character 1");
    assert_refused("comm = '\xc3\xa9\xe2\x82\xac' ; x",
                   "character 13: expected and, or or the end");
    assert_refused("comm == 'x'", "character 7");
    assert_refused("pid = \x1b[31m", "\\x1b");
}

static void assert_no_time(const char *text, const char *why)
{
    const struct when_context context = { .utc = true };
    struct when_warning warning = { "" };
    static struct where where;
    struct error err = { 0 };

    assert_int_equal(where_parse(&where, text, &err), STATUS_OK);
    assert_int_equal(where_bind(&where, &context, &warning, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, why));
}

static char *repeated(const char *first, const char *each, size_t count, const char *last)
{
    char *text = malloc(strlen(first) + count * strlen(each) + strlen(last) + 1), *at = text;

    assert_non_null(text);
    at = stpcpy(at, first);
    for (size_t i = 0; i < count; i++)
        at = stpcpy(at, each);
    (void)stpcpy(at, last);
    return text;
}

static void a_time_that_is_none_is_told_with_its_place(void **state)
{
    char *long_one = repeated("pid = 1 or start_time < '@5", " ", 200, "x'");

    (void)state;
    assert_no_time("pid = 1 or start_time < 'noon'",
                   "--where, character 25: \"noon\" is not a time");
    assert_no_time(long_one, "--where, character 25: too long for a time");
    free(long_one);
}

static void depth_and_size_are_bounded(void **state)
{
    static struct where where;
    struct error err;
    char *fits = repeated("", "not ", WHERE_DEPTH_MAX, "pid = 300");
    char *deep = repeated("", "not ", WHERE_DEPTH_MAX + 1, "pid = 300");
    char *deeper = repeated("", "(", 100000, "");
    char *long_one = repeated("pid = 300", " or pid = 1", WHERE_NODES_MAX / 2 - 1, "");
    char *longer = repeated("pid = 300", " or pid = 1", WHERE_NODES_MAX / 2, "");

    (void)state;
    assert_true(matches(fits, &version));
    assert_refused(deep, "nested too deep");
    assert_refused(deeper, "nested too deep");
    assert_true(matches(long_one, &version));
    assert_refused(longer, "more than 256 comparisons");
    assert_int_equal(where_parse(&where, long_one, &err), STATUS_OK);
    free(fits);
    free(deep);
    free(deeper);
    free(long_one);
    free(longer);
}

/* --- the options beside it --- */

static bool selected(const char *option, const char *value, const struct version *of)
{
    static struct select select;
    struct error err = { 0 };

    select = (struct select){ .pid_count = 0 };
    assert_true(select_all(&select));
    if (select_add(&select, option, value, &err) != STATUS_OK)
        fail_msg("%s %s: %s", option, value, err.message);
    assert_false(select_all(&select));
    return select_match(&select, &recording, &process, of);
}

static void cgroups_and_containers_are_selected_by_their_ends(void **state)
{
    (void)state;
    assert_true(selected("--cgroup", "/system.slice/*", &version));
    assert_true(selected("--cgroup", "*.service", &version));
    assert_false(selected("--cgroup", "/system.slice", &version));
    assert_false(selected("--cgroup", "*", &unknown));
    assert_false(selected("--cgroup", "*", NULL));
    assert_true(selected("--container", "ab*", &version));
    assert_true(selected("--container", "web", &version));
    assert_true(selected("--container", "*eb", &version));
    assert_false(selected("--container", "db", &version));
    assert_false(selected("--container", "*", &unknown));
    assert_true(selected("--where", "pid = 300", NULL));
}

static void where_is_given_once(void **state)
{
    static struct select select;
    struct error err = { 0 };

    (void)state;
    assert_int_equal(select_add(&select, "--where", "pid = 1", &err), STATUS_OK);
    assert_int_equal(select_add(&select, "--where", "pid = 1", &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "--where is given twice"));
}

static void names_alone_tell_what_asks_for_comm_and_user(void **state)
{
    static const struct {
        const char *option, *value;
        bool by_name;
    } all[] = { { "--comm", "x", true },
                { "--user", "x", true },
                { "--pid", "1", false },
                { "--cgroup", "/", false },
                { "--container", "x", false },
                { "--where", "comm = 'a' and not (user = 'b' or uid < 5)", true },
                { "--where", "comm = 'a' and not (user = 'b' or pid < 5)", false },
                { "--where", "exe = 'a'", false } };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        static struct select select;
        struct error err = { 0 };

        select = (struct select){ .pid_count = 0 };
        assert_true(select_by_name(&select));
        assert_int_equal(select_add(&select, all[i].option, all[i].value, &err), STATUS_OK);
        assert_int_equal(select_by_name(&select), all[i].by_name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_relation_of_numbers_holds_where_it_should),
        cmocka_unit_test(every_field_is_what_reports_show),
        cmocka_unit_test(a_container_is_its_id_or_its_name),
        cmocka_unit_test(what_is_not_known_makes_comparisons_false),
        cmocka_unit_test(and_binds_closer_than_or_and_not_closest),
        cmocka_unit_test(patterns_are_like_what_they_say),
        cmocka_unit_test(what_means_nothing_is_told_with_its_place),
        cmocka_unit_test(a_time_that_is_none_is_told_with_its_place),
        cmocka_unit_test(depth_and_size_are_bounded),
        cmocka_unit_test(cgroups_and_containers_are_selected_by_their_ends),
        cmocka_unit_test(where_is_given_once),
        cmocka_unit_test(names_alone_tell_what_asks_for_comm_and_user),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
