/* Facts of the host, the default path, and the lock file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "recorder/host.h"
#include "recorder/lockfile.h"
#include "recorder/output_path.h"
#include "tests/support_root.h"

#define SECOND INT64_C(1000000000)

static void set_zone(const char *tz)
{
    if (tz != NULL)
        setenv("TZ", tz, 1);
    else
        unsetenv("TZ");
    tzset();
}

static void the_next_change_of_the_zone_is_found_to_the_second(void **state)
{
    (void)state;
    struct session_facts facts = { 0 };

    set_zone("CET-1CEST,M3.5.0,M10.5.0/3");
    host_zone_rules(&facts, INT64_C(1795183385) * SECOND); /* 2026-11-20: winter */
    assert_int_equal(facts.zone_offset_s, 3600);
    assert_int_equal(facts.zone_next_change_ns,
                     INT64_C(1806195600) * SECOND); /* 2027-03-28 01:00 */
    assert_int_equal(facts.zone_next_offset_s, 7200);
    host_zone_rules(&facts, INT64_C(1806195600) * SECOND);
    assert_int_equal(facts.zone_offset_s, 7200);
    assert_int_equal(facts.zone_next_change_ns,
                     INT64_C(1824944400) * SECOND); /* 2027-10-31 01:00 */
    facts = (struct session_facts){ 0 };
    set_zone("UTC0");
    host_zone_rules(&facts, INT64_C(1795183385) * SECOND);
    assert_int_equal(facts.zone_offset_s, 0);
    assert_int_equal(facts.zone_next_change_ns, 0);
    set_zone(NULL);
}

static void zone_is(const char *root, const char *tz, const char *name)
{
    struct session_facts facts;

    set_zone(tz);
    host_facts(&facts, root, INT64_C(1795183385) * SECOND);
    assert_string_equal(facts.zone, name);
    set_zone(NULL);
}

static void the_zone_has_its_iana_name(void **state)
{
    (void)state;
    struct test_root root;
    char link[128];

    test_root_open(&root);
    zone_is(root.path, NULL, "");
    test_root_write(&root, "/etc/timezone", "Asia/Tokyo\n");
    zone_is(root.path, NULL, "Asia/Tokyo");
    (void)snprintf(link, sizeof link, "%s/etc/localtime", root.path);
    assert_int_equal(symlink("../usr/share/zoneinfo/posix/Europe/Berlin", link), 0);
    zone_is(root.path, NULL, "Europe/Berlin");
    zone_is(root.path, ":America/New_York", "America/New_York");
    zone_is(root.path, "America/Argentina/Ushuaia", "America/Argentina/Ushuaia");
    zone_is(root.path, "/usr/share/zoneinfo/Asia/Kolkata", "Asia/Kolkata");
    zone_is(root.path, "Etc/GMT+5", "Etc/GMT+5");
    zone_is(root.path, "CET-1CEST,M3.5.0,M10.5.0/3", "");
    zone_is(root.path, "/etc/mine", "");
    zone_is(root.path, "", "UTC");
    test_root_close(&root);
}

static void facts_come_from_the_root(void **state)
{
    (void)state;
    struct test_root root;
    struct session_facts facts;
    char line[600];

    test_root_open(&root);
    host_facts(&facts, root.path, 0);
    assert_string_equal(facts.boot_id, "");
    assert_string_equal(facts.hardware, "");
    assert_string_equal(facts.os, "Linux");
    assert_int_equal(facts.pid, getpid());
    assert_true(facts.core_count > 0 && facts.page_bytes > 0 && facts.memory_bytes > 0);
    test_root_write(&root, "/proc/sys/kernel/random/boot_id",
                    "ca5b3d7b-0b48-4c73-b573-0c54795c8db7\n");
    test_root_write(&root, "/proc/cpuinfo",
                    "processor\t: 0\nmodel\t\t: 167\n"
                    "model name\t: Fast CPU @ 3 GHz\n");
    host_facts(&facts, root.path, 0);
    assert_string_equal(facts.boot_id, "ca5b3d7b-0b48-4c73-b573-0c54795c8db7");
    assert_string_equal(facts.hardware, "Fast CPU @ 3 GHz");
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\0';
    test_root_write(&root, "/proc/cpuinfo", "processor\t: 0\n");
    test_root_write(&root, "/proc/device-tree/model", line);
    test_root_write(&root, "/proc/sys/kernel/random/boot_id", line);
    host_facts(&facts, root.path, 0); /* cut, never overrun */
    assert_int_equal(strlen(facts.hardware), sizeof facts.hardware - 1);
    assert_int_equal(strlen(facts.boot_id), sizeof facts.boot_id - 1);
    test_root_close(&root);
}

static void path_is(struct output_surroundings around, const char *expected)
{
    char path[200];
    struct error err;

    assert_int_equal(output_path_default(path, sizeof path, &around, &err), STATUS_OK);
    assert_string_equal(path, expected);
}

static void the_default_path_follows_the_user(void **state)
{
    (void)state;
    char path[200];
    struct error err;
    struct output_surroundings homeless = { .host = "h" };

    path_is((struct output_surroundings){ true, "/s", "/root", "web-1", NULL },
            "/var/lib/procscope/web-1.pscope");
    path_is((struct output_surroundings){ true, "/s", "/root", "h", "/service" },
            "/service/h.pscope");
    path_is((struct output_surroundings){ true, NULL, NULL, "h", "/one:/other" },
            "/var/lib/procscope/h.pscope");
    path_is((struct output_surroundings){ false, "/s", "/home/u", "h", NULL },
            "/s/procscope/h.pscope");
    path_is((struct output_surroundings){ false, "relative", "/home/u", "h", NULL },
            "/home/u/.local/state/procscope/h.pscope");
    path_is((struct output_surroundings){ false, NULL, "/home/u", "../x", NULL },
            "/home/u/.local/state/procscope/host.pscope");
    path_is((struct output_surroundings){ false, NULL, "/home/u", "a/b", NULL },
            "/home/u/.local/state/procscope/a_b.pscope");
    assert_int_equal(output_path_default(path, sizeof path, &homeless, &err), STATUS_INVALID);
    homeless.home = "/a";
    assert_int_equal(output_path_default(path, 20, &homeless, &err), STATUS_INVALID);
}

static void a_state_directory_is_that_of_our_own_service(void **state)
{
    char pid[20];
    (void)state;

    assert_int_equal(setenv("STATE_DIRECTORY", "/service", 1), 0);
    assert_int_equal(unsetenv("SYSTEMD_EXEC_PID"), 0);
    assert_string_equal(output_surroundings("h").state_directory, "/service");
    assert_int_equal(setenv("SYSTEMD_EXEC_PID", "1", 1), 0);
    assert_null(output_surroundings("h").state_directory);
    (void)snprintf(pid, sizeof pid, "%ld", (long)getpid());
    assert_int_equal(setenv("SYSTEMD_EXEC_PID", pid, 1), 0);
    assert_string_equal(output_surroundings("h").state_directory, "/service");
    assert_int_equal(unsetenv("SYSTEMD_EXEC_PID"), 0);
    assert_int_equal(unsetenv("STATE_DIRECTORY"), 0);
    assert_null(output_surroundings("h").state_directory);
}

static void a_recording_is_locked_once_and_a_stale_lock_is_taken_over(void **state)
{
    (void)state;
    struct test_root root;
    struct lockfile lock;
    struct lockfile other;
    struct error err = { 0 };
    char path[128];
    char lock_path[140];
    char expected[200];

    test_root_open(&root);
    (void)snprintf(path, sizeof path, "%s/x.pscope", root.path);
    (void)snprintf(lock_path, sizeof lock_path, "%s.lock", path);
    test_root_write(&root, "/x.pscope.lock",
                    "1 2020-01-01T00:00:00Z and what a longer file held\n");
    assert_int_equal(lockfile_acquire(&lock, path, INT64_C(1795183385) * SECOND, &err), STATUS_OK);
    assert_int_equal(lockfile_acquire(&other, path, 0, &err), STATUS_IO);
    (void)snprintf(expected, sizeof expected,
                   "%s is being recorded by pid %d since 2026-11-20T14:03:05Z", path, getpid());
    assert_string_equal(err.message, expected);
    lockfile_release(&other); /* holds nothing */
    lockfile_release(&lock);
    assert_int_not_equal(access(lock_path, F_OK), 0);
    assert_int_equal(lockfile_acquire(&lock, path, 0, &err), STATUS_OK);
    lockfile_release(&lock);
    test_root_close(&root);
}

static void a_lock_that_is_a_link_is_not_followed(void **state)
{
    (void)state;
    struct test_root root;
    struct lockfile lock;
    struct error err;
    char path[128];
    char lock_path[140];

    test_root_open(&root);
    (void)snprintf(path, sizeof path, "%s/x", root.path);
    (void)snprintf(lock_path, sizeof lock_path, "%s.lock", path);
    assert_int_equal(symlink("/tmp/elsewhere", lock_path), 0);
    assert_int_equal(lockfile_acquire(&lock, path, 0, &err), STATUS_IO);
    test_root_close(&root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_change_of_the_zone_is_found_to_the_second),
        cmocka_unit_test(the_zone_has_its_iana_name),
        cmocka_unit_test(facts_come_from_the_root),
        cmocka_unit_test(the_default_path_follows_the_user),
        cmocka_unit_test(a_state_directory_is_that_of_our_own_service),
        cmocka_unit_test(a_recording_is_locked_once_and_a_stale_lock_is_taken_over),
        cmocka_unit_test(a_lock_that_is_a_link_is_not_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
