/* What a process is called, from its first tick through exec, setuid and death. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/support_process_linux.h"

static void exec_and_setuid_make_a_version_at_once_and_complete_it_later(void **state)
{
    struct process_rig rig;
    struct fake_process p = { .pid = 5,
                              .start_ticks = 5,
                              .run_ns = 1000,
                              .start_stack = 111,
                              .comm = "bash",
                              .cmdline = "bash|" };
    (void)state;

    rig_fixture(&rig);
    rig_put(&rig, &p);
    rig_open(&rig, "fds");
    rig_tick(&rig);
    uint32_t slot = rig_slot(&rig, 5);
    rig_tick(&rig);
    assert_true(rig_named(&rig, slot, PROCESS_CMDLINE, "bash"));

    p.run_ns = 2000; /* exec of a program with the same name: only its memory moved */
    p.start_stack = 222;
    p.cmdline = "bash|-c|exit|";
    rig_put(&rig, &p);
    rig_tick(&rig);
    int64_t from_ns = rig.tick.start_ns;
    assert_int_equal(rig.tick.version_count, 1);
    assert_true(rig_version(&rig, slot)->from_ns == from_ns);
    assert_true(rig_named(&rig, slot, PROCESS_COMM, "bash"));
    rig_tick(&rig);
    assert_int_equal(rig.tick.version_count, 1);
    assert_true(rig_version(&rig, slot)->from_ns == from_ns);
    assert_int_equal(rig_version(&rig, slot)->known, 1 << PROCESS_CMDLINE); /* what changed */
    assert_true(rig_named(&rig, slot, PROCESS_CMDLINE, "bash -c exit"));
    assert_int_equal(rig_version(&rig, slot)->cmdline_length, 12);
    assert_true(rig_version(&rig, slot)->cmdline_hash != 0);

    p.run_ns = 3000;
    p.uid = 65534;
    rig_put(&rig, &p);
    rig_tick(&rig);
    assert_int_equal(rig.tick.version_count, 1);
    assert_int_equal(rig_version(&rig, slot)->uid, 65534);
    p.run_ns = 4000;
    p.comm = "renamed";
    rig_put(&rig, &p);
    rig_tick(&rig);
    assert_true(rig_named(&rig, slot, PROCESS_COMM, "renamed"));
    rig_close(&rig);
}

/* Its stat is read first, so that the time of its exec can be in the schedstat that is read next. */
static void an_exec_amid_the_first_read_is_found_at_the_next_tick(void **state)
{
    struct process_rig rig;
    struct fake_process p = {
        .pid = 5, .start_ticks = 5, .run_ns = 1000, .start_stack = 111, .comm = "python3"
    };
    (void)state;

    rig_fixture(&rig);
    rig_put(&rig, &p);
    rig_open(&rig, "fds");
    rig_tick(&rig);
    uint32_t slot = rig_slot(&rig, 5);
    p.comm = "sleep";
    p.start_stack = 222;
    p.resident_pages = 30;
    rig_put(&rig, &p);
    rig_tick(&rig);
    assert_true(rig_named(&rig, slot, PROCESS_COMM, "sleep"));
    rig_close(&rig);
}

static void keeps_its_name(const struct fake_process *end, int64_t state)
{
    struct process_rig rig;
    struct fake_process p = {
        .pid = 5, .start_ticks = 5, .run_ns = 1000, .start_stack = 111, .cmdline = "sleep|1|"
    };

    rig_fixture(&rig);
    rig_put(&rig, &p);
    rig_open(&rig, "fds");
    rig_tick(&rig);
    uint32_t slot = rig_slot(&rig, 5);
    rig_tick(&rig);
    rig_put(&rig, end);
    rig_tick(&rig);
    assert_int_equal(rig_value(&rig, slot, PROCESS_STATE), state);
    for (int tick = 0; tick < 130; tick++) { /* it is read again within these */
        assert_int_equal(rig.tick.version_count, 0);
        rig_tick(&rig);
    }
    rig_close(&rig);
}

static void a_zombie_keeps_its_name(void **state)
{
    (void)state;
    keeps_its_name(
        &(struct fake_process){ .pid = 5, .start_ticks = 5, .run_ns = 2000, .state = 'Z' }, 6);
}

static void one_whose_memory_is_gone_already_keeps_its_name(void **state)
{
    (void)state;
    keeps_its_name(
        &(struct fake_process){
            .pid = 5, .start_ticks = 5, .run_ns = 2000, .state = 'R', .ending = true },
        1);
}

static void a_move_to_another_cgroup_is_found_within_a_minute(void **state)
{
    struct process_rig rig;
    struct fake_process p = { .pid = 5, .start_ticks = 5, .cgroup = "0::/user.slice\n" };
    (void)state;

    rig_fixture(&rig);
    rig_put(&rig, &p);
    rig_open(&rig, "fds");
    rig_tick(&rig);
    uint32_t slot = rig_slot(&rig, 5);
    rig_tick(&rig);
    assert_true(rig_named(&rig, slot, PROCESS_CGROUP, "/user.slice"));
    p.cgroup = "0::/system.slice/x.service\n";
    rig_put(&rig, &p);
    for (int tick = 0;
         tick < 62 && !rig_named(&rig, slot, PROCESS_CGROUP, "/system.slice/x.service"); tick++)
        rig_tick(&rig);
    assert_true(rig_named(&rig, slot, PROCESS_CGROUP, "/system.slice/x.service"));
    assert_int_equal(rig_version(&rig, slot)->known, 1 << PROCESS_CGROUP);
    rig_close(&rig);
}

static void what_was_read_of_a_process_that_no_longer_idles_is_read_anew(void **state)
{
    struct process_rig rig;
    struct fake_process p = { .pid = 5, .start_ticks = 5, .run_ns = 1000, .cmdline = "a|" };
    (void)state;

    rig_fixture(&rig);
    rig_put(&rig, &p);
    rig_open(&rig, "fds");
    rig_tick(&rig);
    uint32_t slot = rig_slot(&rig, 5);
    for (int tick = 0; tick < 62; tick++) /* the only process: it is read again at each */
        rig_tick(&rig);
    p.run_ns = 2000;
    p.cmdline = "b|";
    rig_put(&rig, &p);
    rig_tick(&rig);
    rig_tick(&rig);
    assert_true(rig_named(&rig, slot, PROCESS_CMDLINE, "b"));
    rig_close(&rig);
}

/* So many that run a program with a command line of 4096 times that letter. */
static void put_lengthy(struct process_rig *rig, int count, char letter)
{
    char line[4097];

    memset(line, letter, sizeof line - 1);
    line[sizeof line - 1] = '\0';
    for (int n = 0; n < count; n++) {
        rig_put(rig, &(struct fake_process){ .pid = 100 + n,
                                             .start_ticks = 5,
                                             .run_ns = 1000ULL * (unsigned char)letter,
                                             .start_stack = (unsigned char)letter });
        rig_put_file(rig, 100 + n, "cmdline", line);
    }
}

static void a_late_answer_is_not_told_of_the_program_before(void **state)
{
    enum { MANY = 90 }; /* not all answers fit at once: of some processes they are a tick late */
    struct process_rig rig;
    size_t told = 0;
    (void)state;

    rig_fixture(&rig);
    put_lengthy(&rig, MANY, 'x');
    rig_open(&rig, "fds");
    rig_tick(&rig);
    put_lengthy(&rig, MANY, 'y');
    rig_tick(&rig);
    int64_t from_ns = rig.tick.start_ns;
    for (int tick = 0; tick < 6; tick++) {
        rig_tick(&rig);
        for (size_t i = 0; i < rig.tick.version_count; i++) {
            const struct tick_version *version = &rig.tick.versions[i];

            if ((version->known & 1u << PROCESS_CMDLINE) == 0 ||
                *tick_text_at(&rig.tick, version->text[PROCESS_CMDLINE]) != 'y')
                continue;
            assert_true(version->from_ns >= from_ns);
            told++;
        }
    }
    assert_int_equal(told, MANY);
    rig_close(&rig);
}

static void command_lines_are_redacted_cut_and_hashed_or_left_out(void **state)
{
    struct process_rig rig;
    char line[5001];
    (void)state;

    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    rig_fixture(&rig);
    rig_put(&rig, &(struct fake_process){ .pid = 5, .cmdline = "mysql|--password=geheim|" });
    rig_put(&rig, &(struct fake_process){ .pid = 6 });
    rig_put_file(&rig, 6, "cmdline", line);
    rig_open(&rig, "fds");
    rig_tick(&rig);
    uint32_t redacted = rig_slot(&rig, 5), lengthy = rig_slot(&rig, 6);
    rig_tick(&rig);
    assert_true(rig_named(&rig, redacted, PROCESS_CMDLINE, "mysql --password=[redacted]"));
    assert_int_equal(rig_version(&rig, lengthy)->text[PROCESS_CMDLINE].size, 4096);
    assert_int_equal(rig_version(&rig, lengthy)->cmdline_length, 5000);
    rig_close(&rig);

    rig_fixture(&rig);
    rig.context.no_cmdline = true;
    rig_put(&rig, &(struct fake_process){ .pid = 5, .cmdline = "mysql|" });
    rig_open(&rig, "fds");
    rig_tick(&rig);
    rig_tick(&rig);
    assert_int_equal(rig.tick.version_count, 1);
    assert_int_equal(rig.tick.versions[0].known & 1 << PROCESS_CMDLINE, 0);
    assert_true(rig.tick.versions[0].cmdline_hash == 0);
    rig_close(&rig);
}

static void put_passwd(struct process_rig *rig, const char *text)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s/etc", rig->root);
    (void)mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/etc/passwd", rig->root);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void a_user_who_has_no_name_may_have_one_later(void **state)
{
    struct process_rig rig;
    struct fake_process p = { .pid = 5, .start_ticks = 5, .uid = 99 };
    bool named = false;
    (void)state;

    rig_fixture(&rig);
    rig_put(&rig, &p);
    rig_open(&rig, "fds");
    rig_tick(&rig);
    uint32_t slot = rig_slot(&rig, 5);
    rig_tick(&rig);
    assert_true(rig_named(&rig, slot, PROCESS_USER, ""));
    put_passwd(&rig, "late:x:99:99::/:/bin/sh\n");
    for (int tick = 0; tick < 130 && !named; tick++) {
        p.run_ns += 1000000;
        rig_put(&rig, &p);
        rig_tick(&rig);
        named = rig_named(&rig, slot, PROCESS_USER, "late");
    }
    assert_true(named);
    rig_close(&rig);
}

static void users_come_from_the_fixture(void **state)
{
    struct process_rig rig;
    (void)state;

    rig_fixture(&rig);
    put_passwd(&rig, "root:x:0:0::/:/bin/sh\nanna:x:1234:1234::/:/bin/sh\n");
    rig_put(&rig, &(struct fake_process){ .pid = 5, .uid = 1234 });
    rig_put(&rig, &(struct fake_process){ .pid = 6, .uid = 99 });
    rig_open(&rig, "fds");
    rig_tick(&rig);
    uint32_t anna = rig_slot(&rig, 5), nobody = rig_slot(&rig, 6);
    rig_tick(&rig);
    assert_true(rig_named(&rig, anna, PROCESS_USER, "anna"));
    assert_true(rig_named(&rig, nobody, PROCESS_USER, ""));
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exec_and_setuid_make_a_version_at_once_and_complete_it_later),
        cmocka_unit_test(an_exec_amid_the_first_read_is_found_at_the_next_tick),
        cmocka_unit_test(a_zombie_keeps_its_name),
        cmocka_unit_test(one_whose_memory_is_gone_already_keeps_its_name),
        cmocka_unit_test(a_move_to_another_cgroup_is_found_within_a_minute),
        cmocka_unit_test(what_was_read_of_a_process_that_no_longer_idles_is_read_anew),
        cmocka_unit_test(a_late_answer_is_not_told_of_the_program_before),
        cmocka_unit_test(command_lines_are_redacted_cut_and_hashed_or_left_out),
        cmocka_unit_test(a_user_who_has_no_name_may_have_one_later),
        cmocka_unit_test(users_come_from_the_fixture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
