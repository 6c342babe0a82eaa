/* What groups are called: containers by the name that their engine gave them, services over restarts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/group_key.h"
#include "tests/support_recording.h"

/* A recording that only says what containers there were: "web" was made anew. */
static const struct {
    const char *key, *label;
} made[] = { { "c1", "web (nginx:1)" }, { "c3", "db" }, { "c2", "web (nginx:2 (test))" } };

static int open_recording(void **state)
{
    static struct made_directory directory;
    struct writer_options options = { .commit_ns = 1000 * SECOND_NS };
    struct session_facts facts;
    struct recording *recording;
    struct writer *writer;
    struct error err;
    struct tick tick;
    char path[256];

    made_directory_open(&directory);
    options.path = made_path(&directory, "names.pscope", path, sizeof path);
    made_facts(&facts, MADE_START_NS, 1);
    tick_init(&tick);
    assert_int_equal(writer_open(&writer, &options, &facts, &err), STATUS_OK);
    made_tick(&tick, MADE_START_NS + SECOND_NS);
    for (uint32_t i = 0; i < COUNT_OF(made); i++)
        made_entity(&tick, ENTITY_CONTAINER, i, made[i].key, made[i].label);
    made_entity(&tick, ENTITY_CGROUP, 0, "c9", "no container");
    assert_int_equal(writer_tick(writer, &tick, &err), STATUS_OK);
    assert_int_equal(writer_close(writer, "stop", &err), STATUS_OK);
    tick_release(&tick);
    assert_int_equal(recording_open(&recording, path, &err), STATUS_OK);
    made_directory_close(&directory);
    *state = recording;
    return 0;
}

static int close_recording(void **state)
{
    recording_close(*state);
    return 0;
}

static void assert_text(struct text text, const char *expected)
{
    if (expected == NULL) {
        assert_null(text.data);
        return;
    }
    assert_non_null(text.data);
    if (text.size != strlen(expected) || memcmp(text.data, expected, text.size) != 0)
        fail_msg("\"%.*s\" instead of \"%s\"", (int)text.size, text.data, expected);
}

static struct text container(void **state, const char *id)
{
    return recording_container(*state, (struct text){ id, (uint32_t)strlen(id) });
}

static void containers_are_called_as_their_engine_calls_them(void **state)
{
    assert_text(container(state, "c1"), "web");
    assert_text(container(state, "c2"), "web");
    assert_text(container(state, "c3"), "db");
    assert_text(container(state, "c9"), NULL);
    assert_text(container(state, "c"), NULL);
    assert_text(container(state, "c11"), NULL);
    assert_text(container(state, ""), NULL);
    assert_text(recording_container(*state, (struct text){ NULL, 0 }), NULL);
}

/* The key of a process with these versions, at the first of them. */
static void assert_key(void **state, enum group_by by, struct version versions[], size_t count,
                       const char *expected)
{
    const struct process process = { .version_count = count, .versions = versions };
    struct groups groups = { .by = by, .recording = *state };
    struct error err = { 0 };
    struct text key;

    assert_int_equal(group_key(&groups, &process, &versions[0], &key, &err), STATUS_OK);
    assert_text(key, expected);
    groups_release(&groups);
}

static struct version version_of(const char *comm, const char *exe, const char *user,
                                 const char *cgroup, const char *id)
{
    const char *texts[PROCESS_TEXT_COUNT] = { [PROCESS_COMM] = comm,
                                              [PROCESS_EXE] = exe,
                                              [PROCESS_USER] = user,
                                              [PROCESS_CGROUP] = cgroup,
                                              [PROCESS_CONTAINER] = id };
    struct version version = { .uid_known = true, .uid = 77 };

    for (size_t i = 0; i < PROCESS_TEXT_COUNT; i++)
        if (texts[i] != NULL)
            version.text[i] = (struct text){ texts[i], (uint32_t)strlen(texts[i]) };
    return version;
}

static void assert_lineage(void **state, struct version version, const char *expected)
{
    assert_key(state, BY_LINEAGE, &version, 1, expected);
}

static void a_lineage_is_a_program_its_user_and_its_place(void **state)
{
    assert_lineage(state, version_of("nginx", "/bin/nginx", "www", "/system.slice/a.service", ""),
                   "/bin/nginx (www, a.service)");
    assert_lineage(state, version_of("nginx", "/bin/nginx", NULL, "/docker/c1", "c1"),
                   "/bin/nginx (77, web)");
    assert_lineage(state, version_of("nginx", "/bin/nginx", "www", "/docker/c2", "c2"),
                   "/bin/nginx (www, web)");
    assert_lineage(state, version_of("a", "/a", "b", "/kubepods/pod1/c7", "c7"), "/a (b, pod1)");
    assert_lineage(state, version_of("a", "/a", "b", "/docker/c7", "c7"), "/a (b, c7)");
    assert_lineage(state, version_of("a", "/a", "b", "/other", ""), "/a (b, /other)");
    assert_lineage(state, version_of("kthread", "", "root", "/", ""), "kthread (root, /)");
    assert_lineage(state, version_of("short", NULL, "root", NULL, NULL), "short (root, ?)");
    assert_lineage(state, version_of(NULL, NULL, "root", "/", ""), NULL);
}

static void a_process_is_of_the_lineage_of_what_it_became(void **state)
{
    struct version versions[] = { version_of("sh", "/bin/sh", "root", "/a.service", ""),
                                  version_of("run", "/bin/run", "www", "/b.service", "") };

    assert_key(state, BY_LINEAGE, versions, 2, "/bin/run (www, b.service)");
    assert_key(state, BY_UNIT, versions, 2, "a.service");
    assert_key(state, BY_EXE, versions, 2, "/bin/sh");
}

static void a_key_is_empty_where_there_is_none_and_missing_where_it_is_not_known(void **state)
{
    struct version none = version_of("a", "/a", "b", "/", "");
    struct version unknown = { .uid_known = false };

    assert_key(state, BY_UNIT, &none, 1, "");
    assert_key(state, BY_CONTAINER, &none, 1, "");
    for (int by = BY_COMM; by < BY_COUNT; by++)
        assert_key(state, (enum group_by)by, &unknown, 1, NULL);
}

static void processes_without_versions_share_a_group(void **state)
{
    struct error err = { 0 };
    uint32_t first, second;

    for (int by = BY_COMM; by < BY_COUNT; by++) {
        const struct process process = { .process_id = 1 };
        struct groups groups = { .by = (enum group_by)by, .recording = *state };

        assert_int_equal(groups_begin(&groups, &err), STATUS_OK);
        assert_int_equal(groups_find(&groups, 1, &process, NULL, &first, &err), STATUS_OK);
        assert_int_equal(groups_find(&groups, 2, &process, NULL, &second, &err), STATUS_OK);
        assert_int_equal(first, second);
        assert_text(groups.group[first].key, NULL);
        groups_release(&groups);
    }
}

/* Made keys are copied: the buffer that they came in is used again. */
static void groups_keep_the_names_that_were_made_for_them(void **state)
{
    static const char *const cgroups[] = { "/x/a.service", "/y/b.service", "/x/a.service", "/" };
    static const char *const names[] = { "a.service", "b.service", "a.service", "" };
    struct groups groups = { .by = BY_UNIT, .recording = *state };
    uint32_t number[COUNT_OF(cgroups)];
    struct error err = { 0 };

    assert_int_equal(groups_begin(&groups, &err), STATUS_OK);
    for (size_t i = 0; i < COUNT_OF(cgroups); i++) {
        struct version version = version_of("a", "/a", "b", cgroups[i], "");

        assert_int_equal(groups_find(&groups, 1, NULL, &version, &number[i], &err), STATUS_OK);
    }
    assert_int_equal(groups.count, 4);
    assert_int_equal(number[0], number[2]);
    for (size_t i = 0; i < COUNT_OF(cgroups); i++)
        assert_text(groups.group[number[i]].key, names[i]);
    groups_release(&groups);
}

static void a_process_is_told_with_its_unit_and_lineage(void **state)
{
    struct version versions[] = { version_of("sh", "/bin/sh", "root", "/a.service", ""),
                                  version_of("run", "/bin/run", "www", "/b.service", "") };
    const struct process process = { .version_count = 2, .versions = versions };
    struct groups groups = { .by = BY_PROCESS, .recording = *state };
    struct error err = { 0 };
    struct group *group;
    const struct group_names *names;
    uint32_t number;

    versions[1].from_ns = 100;
    assert_int_equal(groups_begin(&groups, &err), STATUS_OK);
    assert_int_equal(groups_find(&groups, 1, NULL, NULL, &number, &err), STATUS_OK);
    group = &groups.group[number];
    group->process = &process;
    group->last_ns = 99;
    assert_int_equal(group_key_names(&groups, group, &err), STATUS_OK);
    assert_int_equal(group_key_names(&groups, group, &err), STATUS_OK);
    names = group->own;
    assert_non_null(names);
    assert_text(names->unit, "a.service");
    assert_text(names->lineage, "/bin/run (www, b.service)");
    groups_release(&groups);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(containers_are_called_as_their_engine_calls_them),
        cmocka_unit_test(a_lineage_is_a_program_its_user_and_its_place),
        cmocka_unit_test(a_process_is_of_the_lineage_of_what_it_became),
        cmocka_unit_test(a_key_is_empty_where_there_is_none_and_missing_where_it_is_not_known),
        cmocka_unit_test(processes_without_versions_share_a_group),
        cmocka_unit_test(groups_keep_the_names_that_were_made_for_them),
        cmocka_unit_test(a_process_is_told_with_its_unit_and_lineage),
    };

    return cmocka_run_group_tests(tests, open_recording, close_recording);
}
