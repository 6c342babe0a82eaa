/* What the log says when recording begins: whole lines, however much is lacking. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "recorder/start_text.h"

static struct session session;
static char text[START_TEXT_SIZE];

static void add(const struct collector *collector, enum capability_status status,
                const char *reason)
{
    struct collect_entry *entry = &session.collect.entries[session.collect.count++];

    entry->collector = collector;
    entry->running = status == CAPABILITY_OK || status == CAPABILITY_PARTIAL;
    entry->capability.status = status;
    (void)snprintf(entry->capability.reason, sizeof entry->capability.reason, "%s", reason);
    (void)snprintf(entry->capability.enable, sizeof entry->capability.enable, "do this or that");
}

static void begin(const char *path)
{
    memset(&session, 0, sizeof session);
    session.context.interval_ns = 1000000000;
    (void)snprintf(session.path, sizeof session.path, "%s", path);
    (void)snprintf(session.facts.process_source, sizeof session.facts.process_source, "fds");
}

static void each_that_lacks_something_has_its_own_line(void **state)
{
    (void)state;
    static const struct collector process = { .name = "process" }, cpu = { .name = "cpu" },
                                  gpu = { .name = "gpu" }, power = { .name = "power" };

    begin("/tmp/a");
    add(&process, CAPABILITY_OK, "");
    add(&cpu, CAPABILITY_PARTIAL, "no frequency_hz");
    add(&power, CAPABILITY_OFF, "not named in --collectors");
    add(&gpu, CAPABILITY_NOT_THERE, "no GPU");
    start_text(&session, text);
    assert_string_equal(text, "recording to /tmp/a every 1 s: process, cpu; process source fds");
    assert_false(start_text_lack(&session, 0, text));
    assert_true(start_text_lack(&session, 1, text));
    assert_string_equal(text, "cpu partial: no frequency_hz");
    assert_false(start_text_lack(&session, 2, text));
    assert_true(start_text_lack(&session, 3, text));
    assert_string_equal(text, "gpu not there: no GPU");
}

static void the_longest_are_not_cut(void **state)
{
    (void)state;
    struct capability longest;
    char name[sizeof session.path], reason[sizeof longest.reason];
    struct collector collector = { .name = "process_detail" };

    memset(name, 'p', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    memset(reason, 'r', sizeof reason - 1);
    reason[sizeof reason - 1] = '\0';
    begin(name);
    for (int i = 0; i < COLLECTORS_MAX; i++)
        add(&collector, CAPABILITY_PARTIAL, reason);
    start_text(&session, text);
    assert_string_equal(text + strlen(text) - strlen("process_detail; process source fds"),
                        "process_detail; process source fds");
    assert_true(start_text_lack(&session, COLLECTORS_MAX - 1, text));
    assert_string_equal(text + strlen(text) - strlen(reason), reason);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_that_lacks_something_has_its_own_line),
        cmocka_unit_test(the_longest_are_not_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
