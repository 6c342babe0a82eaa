/* The collector of processes on made-up trees of /proc, tick by tick. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "recorder/process_stats.h"
#include "tests/support_process_linux.h"

enum { AT_START = 100000 }; /* clock ticks: when a fixture's first tick is */

static const char *const sources[] = { "fds", "proc" };

static uint32_t slot_of(const struct process_rig *rig, int pid)
{
    const struct tick_birth *birth = rig_birth(rig, pid);

    assert_non_null(birth);
    return birth->slot;
}

static bool is_same(const struct process_rig *rig, uint32_t slot)
{
    const struct tick_row *row = rig_row(rig, slot);

    return row != NULL && row->at == ROW_SAME;
}

static void the_first_sweep_tells_all_and_bears_none(void **state)
{
    struct process_rig rig;
    (void)state;

    rig_fixture(&rig);
    rig_put(&rig, &(struct fake_process){ .pid = 1, .comm = "init", .start_ticks = 5 });
    rig_put(&rig, &(struct fake_process){ .pid = 77,
                                          .ppid = 1,
                                          .comm = "a) R (b",
                                          .state = 'R',
                                          .start_ticks = AT_START - 1,
                                          .user_ticks = 2,
                                          .system_ticks = 1,
                                          .minor_faults = 9,
                                          .resident_pages = 3,
                                          .run_ns = 34567890,
                                          .delay_ns = 5999,
                                          .read_chars = 1234,
                                          .uid = 1000 });
    rig_open(&rig, "fds");
    rig_tick(&rig);

    uint32_t slot = slot_of(&rig, 77);
    const struct tick_birth *birth = rig_birth(&rig, 77);
    assert_int_equal(birth->ppid, 1);
    assert_int_equal(birth->start_ticks, AT_START - 1);
    assert_true(birth->start_ns == rig.tick.start_ns - 10000000);
    assert_int_equal(birth->flags, 0);
    assert_int_equal(rig_row(&rig, slot)->flags, ROW_FIRST);
    assert_int_equal(rig_row(&rig, slot_of(&rig, 1))->flags, ROW_FIRST);
    assert_true(rig_named(&rig, slot, PROCESS_COMM, "a) R (b"));
    assert_int_equal(rig_version(&rig, slot)->uid, 1000);
    assert_true(rig_version(&rig, slot)->from_ns == rig.tick.start_ns);

    assert_int_equal(rig_value(&rig, slot, PROCESS_CPU_NS_TOTAL), 34567);
    assert_int_equal(rig_value(&rig, slot, PROCESS_RUN_DELAY_NS_TOTAL), 5);
    assert_int_equal(rig_value(&rig, slot, PROCESS_CPU_USER_NS_TOTAL), 20000);
    assert_int_equal(rig_value(&rig, slot, PROCESS_CPU_SYSTEM_NS_TOTAL), 10000);
    assert_int_equal(rig_value(&rig, slot, PROCESS_MINOR_FAULTS_TOTAL), 9);
    assert_int_equal(rig_value(&rig, slot, PROCESS_STATE), 1);
    assert_int_equal(rig_value(&rig, slot, PROCESS_VIRTUAL_BYTES), 4096000);
    assert_int_equal(rig_value(&rig, slot, PROCESS_RESIDENT_BYTES), 3 * 4096);
    assert_int_equal(rig_value(&rig, slot, PROCESS_IO_READ_CHARS_TOTAL), 1234);
    assert_int_equal(rig_value(&rig, slot, PROCESS_RESIDENT_ANONYMOUS_BYTES), 8192);
    assert_int_equal(rig_value(&rig, slot, PROCESS_RESIDENT_SHARED_BYTES), 5 * 1024);
    assert_int_equal(rig_value(&rig, slot, PROCESS_SWAP_BYTES), 2048);
    assert_int_equal(rig_value(&rig, slot, PROCESS_CONTEXT_SWITCHES_VOLUNTARY_TOTAL), 11);
    assert_int_equal(rig_missing(&rig, slot, PROCESS_BLOCK_DELAY_NS_TOTAL), MISSING_UNSUPPORTED);
    assert_int_equal(rig_missing(&rig, slot, PROCESS_ENERGY_NJ_TOTAL), MISSING_UNSUPPORTED);
    rig_close(&rig);
}

static void a_process_that_appears_later_is_born(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        struct process_rig rig;

        rig_fixture(&rig);
        rig_open(&rig, sources[i]);
        rig_tick(&rig);
        rig_put(&rig, &(struct fake_process){ .pid = 9, .start_ticks = AT_START + 50 });
        rig_put(&rig, &(struct fake_process){ .pid = 10, .start_ticks = 70 }); /* was hidden */
        rig_tick(&rig);
        const struct tick_row *row = rig_row(&rig, slot_of(&rig, 9));
        assert_int_equal(row->flags, ROW_FIRST | ROW_BORN);
        assert_true(row->start_ns == rig.tick.start_ns - 500000000);
        assert_true(rig_version(&rig, slot_of(&rig, 9))->from_ns == row->start_ns);
        assert_int_equal(rig_row(&rig, slot_of(&rig, 10))->flags, ROW_FIRST);
        rig_close(&rig);
    }
}

static void what_did_not_run_is_the_same_until_a_full_pass(void **state)
{
    struct process_rig rig;
    struct fake_process p = { .pid = 5, .start_ticks = 5, .run_ns = 1000, .slices = 1 };
    (void)state;

    rig_fixture(&rig);
    rig_put(&rig, &p);
    rig_open(&rig, "fds");
    rig_tick(&rig);
    uint32_t slot = slot_of(&rig, 5);
    uint64_t all = rig.tick.table[TABLE_PROCESS].column_mask;
    p.resident_pages = 7; /* others can change that */
    rig_put(&rig, &p);
    for (int tick = 1; tick < 10; tick++) {
        rig_tick(&rig);
        assert_true(is_same(&rig, slot));
        assert_true((rig.tick.table[TABLE_PROCESS].column_mask >> PROCESS_SWAP_BYTES & 1) == 0);
        assert_true((rig.tick.table[TABLE_PROCESS].column_mask & 1) != 0);
    }
    rig_tick(&rig);
    assert_true(rig.tick.table[TABLE_PROCESS].column_mask == all);
    assert_int_equal(rig_value(&rig, slot, PROCESS_RESIDENT_BYTES), 7 * 4096);
    p.run_ns = 2000000;
    rig_put(&rig, &p);
    rig_tick(&rig);
    assert_int_equal(rig_value(&rig, slot, PROCESS_CPU_NS_TOTAL), 2000);
    rig_close(&rig);
}

static void threads_are_never_filtered(void **state)
{
    struct process_rig rig;
    struct fake_process p = {
        .pid = 5, .start_ticks = 5, .run_ns = 1000000, .slices = 1, .user_ticks = 7, .threads = 2
    };
    (void)state;

    rig_fixture(&rig);
    rig_put(&rig, &p);
    rig_open(&rig, "fds");
    rig_tick(&rig);
    uint32_t slot = slot_of(&rig, 5);
    assert_int_equal(rig_value(&rig, slot, PROCESS_CPU_NS_TOTAL), 70000);
    assert_int_equal(rig_missing(&rig, slot, PROCESS_RUN_DELAY_NS_TOTAL), MISSING_NOT_THERE);
    assert_int_equal(rig_missing(&rig, slot, PROCESS_CONTEXT_SWITCHES_VOLUNTARY_TOTAL),
                     MISSING_NOT_THERE);
    p.user_ticks = 9; /* the first thread slept */
    rig_put(&rig, &p);
    rig_tick(&rig);
    assert_int_equal(rig_value(&rig, slot, PROCESS_CPU_NS_TOTAL), 90000);
    p.threads = 1;
    p.run_ns = 95000000;
    rig_put(&rig, &p);
    rig_tick(&rig);
    assert_int_equal(rig_value(&rig, slot, PROCESS_CPU_NS_TOTAL), 95000);
    assert_int_equal(rig_missing(&rig, slot, PROCESS_RUN_DELAY_NS_TOTAL), MISSING_NOT_THERE);
    rig_close(&rig);
}

static void cpu_time_never_falls(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        struct process_rig rig;
        struct fake_process p = { .pid = 5, .start_ticks = 5, .run_ns = 9000000, .slices = 3 };
        struct process_stats stats;

        rig_fixture(&rig);
        rig_put(&rig, &p);
        rig_open(&rig, sources[i]);
        rig_tick(&rig);
        uint32_t slot = slot_of(&rig, 5);
        p.run_ns = 4000000; /* another thread called exec and became the first */
        p.minor_faults = 1;
        rig_put(&rig, &p);
        rig_tick(&rig);
        assert_int_equal(rig_value(&rig, slot, PROCESS_CPU_NS_TOTAL), 9000);
        assert_int_equal(rig_missing(&rig, slot, PROCESS_RUN_DELAY_NS_TOTAL), MISSING_NOT_THERE);
        p.user_ticks = 2;
        p.run_ns = 5000000;
        rig_put(&rig, &p);
        rig_tick(&rig);
        assert_int_equal(rig_value(&rig, slot, PROCESS_CPU_NS_TOTAL), 20000);
        process_collector_stats(rig.state, &stats);
        assert_int_equal(stats.cpu_processes_us, 11000); /* since we look */
        rig_close(&rig);
    }
}

static void threads_gone_before_we_looked_are_noticed(void **state)
{
    struct process_rig rig;
    (void)state;

    rig_fixture(&rig);
    rig_put(&rig, &(struct fake_process){
                      .pid = 5, .start_ticks = 5, .run_ns = 1000000, .user_ticks = 50 });
    rig_open(&rig, "fds");
    rig_tick(&rig);
    assert_int_equal(rig_value(&rig, slot_of(&rig, 5), PROCESS_CPU_NS_TOTAL), 500000);
    rig_close(&rig);
}

static void a_process_that_vanishes_ends_unknown(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        struct process_rig rig;

        rig_fixture(&rig);
        rig_put(&rig, &(struct fake_process){ .pid = 5, .start_ticks = 5 });
        rig_put(&rig, &(struct fake_process){ .pid = 6, .start_ticks = 6 });
        rig_open(&rig, sources[i]);
        rig_tick(&rig);
        uint32_t slot = slot_of(&rig, 5);
        rig_remove(&rig, 5);
        rig_tick(&rig);
        assert_null(rig_row(&rig, slot));
        const struct tick_exit *end = rig_exit(&rig, slot);
        assert_non_null(end);
        assert_int_equal(end->how, EXIT_UNKNOWN);
        assert_int_equal(end->code, -1);
        assert_true(end->end_ns == rig.tick.start_ns);
        assert_int_equal(rig.tick.exit_count, 1);
        rig_tick(&rig);
        assert_int_equal(rig.tick.exit_count, 0);
        rig_put(&rig, &(struct fake_process){ .pid = 8, .start_ticks = 8 });
        rig_tick(&rig);
        assert_int_equal(slot_of(&rig, 8), slot); /* the smallest that is free */
        rig_close(&rig);
    }
}

static void a_reused_pid_is_another_process(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        struct process_rig rig;

        rig_fixture(&rig);
        rig_put(&rig, &(struct fake_process){
                          .pid = 5, .start_ticks = 5, .run_ns = 8000000, .comm = "old" });
        rig_open(&rig, sources[i]);
        rig_tick(&rig);
        uint32_t before = slot_of(&rig, 5);
        rig_put(&rig, &(struct fake_process){ .pid = 5,
                                              .start_ticks = AT_START + 20,
                                              .run_ns = 1000000,
                                              .comm = "new" });
        rig_tick(&rig);
        uint32_t after = slot_of(&rig, 5);
        assert_int_not_equal(before, after);
        assert_null(rig_row(&rig, before));
        assert_int_equal(rig_exit(&rig, before)->how, EXIT_UNKNOWN);
        assert_true(rig_named(&rig, after, PROCESS_COMM, "new"));
        assert_int_equal(rig_value(&rig, after, PROCESS_CPU_NS_TOTAL), 1000);
        rig_close(&rig);
    }
}

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
    uint32_t slot = slot_of(&rig, 5);
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

static void a_zombie_keeps_its_name(void **state)
{
    struct process_rig rig;
    struct fake_process p = {
        .pid = 5, .start_ticks = 5, .run_ns = 1000, .start_stack = 111, .cmdline = "sleep|1|"
    };
    (void)state;

    rig_fixture(&rig);
    rig_put(&rig, &p);
    rig_open(&rig, "fds");
    rig_tick(&rig);
    uint32_t slot = slot_of(&rig, 5);
    rig_tick(&rig);
    p = (struct fake_process){ .pid = 5, .start_ticks = 5, .run_ns = 2000, .state = 'Z' };
    rig_put(&rig, &p);
    rig_tick(&rig);
    assert_int_equal(rig_value(&rig, slot, PROCESS_STATE), 6);
    for (int tick = 0; tick < 130; tick++) { /* it is read again within these */
        assert_int_equal(rig.tick.version_count, 0);
        rig_tick(&rig);
    }
    rig_close(&rig);
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
    uint32_t slot = slot_of(&rig, 5);
    rig_tick(&rig);
    assert_true(rig_named(&rig, slot, PROCESS_CGROUP, "/user.slice"));
    p.cgroup = "0::/system.slice/x.service\n";
    rig_put(&rig, &p);
    for (int tick = 0; tick < 62 && !rig_named(&rig, slot, PROCESS_CGROUP,
                                               "/system.slice/x.service");
         tick++)
        rig_tick(&rig);
    assert_true(rig_named(&rig, slot, PROCESS_CGROUP, "/system.slice/x.service"));
    assert_int_equal(rig_version(&rig, slot)->known, 1 << PROCESS_CGROUP);
    rig_close(&rig);
}

static void what_cannot_be_read_is_missing_and_costs_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        struct process_rig rig;

        rig_fixture(&rig);
        rig_put(&rig, &(struct fake_process){ .pid = 5, .start_ticks = 5, .user_ticks = 3 });
        rig_put_file(&rig, 5, "io", NULL);
        rig_put_file(&rig, 5, "status", NULL);
        rig_put_file(&rig, 5, "schedstat", NULL);
        rig_put(&rig, &(struct fake_process){ .pid = 6, .start_ticks = 6 });
        rig_put_file(&rig, 6, "io", "rchar: x");
        rig_put(&rig, &(struct fake_process){ .pid = 7, .start_ticks = 7 });
        rig_put_file(&rig, 7, "stat", "7 (cut) S 1 2");
        rig_put(&rig, &(struct fake_process){ .pid = 8, .start_ticks = 8 });
        rig_put_file(&rig, 8, "stat", NULL);
        rig_put(&rig, &(struct fake_process){
                          .pid = 9, .start_ticks = 9, .flags = 0x00200000, .comm = "kthread" });
        rig_open(&rig, sources[i]);
        rig_tick(&rig);
        uint32_t slot = slot_of(&rig, 5);
        assert_int_equal(rig_missing(&rig, slot, PROCESS_IO_READ_CHARS_TOTAL), MISSING_NOT_THERE);
        assert_int_equal(rig_missing(&rig, slot, PROCESS_SWAP_BYTES), MISSING_NOT_THERE);
        assert_int_equal(rig_value(&rig, slot, PROCESS_CPU_NS_TOTAL), 30000);
        assert_int_equal(rig_missing(&rig, slot_of(&rig, 6), PROCESS_IO_READ_CHARS_TOTAL),
                         MISSING_FAILED);
        assert_null(rig_birth(&rig, 7));
        assert_null(rig_birth(&rig, 8));
        assert_int_equal(rig_birth(&rig, 9)->flags, BIRTH_KERNEL_THREAD);
        assert_int_equal(rig_missing(&rig, slot_of(&rig, 9), PROCESS_IO_READ_CHARS_TOTAL),
                         MISSING_NOT_THERE);
        struct process_stats stats;
        process_collector_stats(rig.state, &stats);
        assert_int_equal(stats.processes_unreadable, 1); /* 8 vanished, for all we know */
        rig_tick(&rig);
        assert_int_equal(rig.tick.exit_count, 0);
        rig_close(&rig);
    }
}

static void an_unreadable_moment_does_not_end_a_process(void **state)
{
    struct process_rig rig;
    struct fake_process p = { .pid = 5, .start_ticks = 5, .run_ns = 5000000, .slices = 1 };
    (void)state;

    rig_fixture(&rig);
    rig_put(&rig, &p);
    rig_open(&rig, "proc");
    rig_tick(&rig);
    uint32_t slot = slot_of(&rig, 5);
    rig_put_file(&rig, 5, "stat", "5 (");
    rig_tick(&rig);
    assert_int_equal(rig_missing(&rig, slot, PROCESS_CPU_NS_TOTAL), MISSING_FAILED);
    assert_int_equal(rig.tick.exit_count, 0);
    p.run_ns = 7000000;
    rig_put(&rig, &p);
    rig_tick(&rig);
    assert_int_equal(rig_value(&rig, slot, PROCESS_CPU_NS_TOTAL), 7000);
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
    uint32_t redacted = slot_of(&rig, 5), lengthy = slot_of(&rig, 6);
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

static void users_come_from_the_fixture(void **state)
{
    struct process_rig rig;
    char path[128];
    FILE *file;
    (void)state;

    rig_fixture(&rig);
    snprintf(path, sizeof path, "%s/etc", rig.root);
    assert_int_equal(mkdir(path, 0755), 0);
    snprintf(path, sizeof path, "%s/etc/passwd", rig.root);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("root:x:0:0::/:/bin/sh\nanna:x:1234:1234::/:/bin/sh\n", file);
    fclose(file);
    rig_put(&rig, &(struct fake_process){ .pid = 5, .uid = 1234 });
    rig_put(&rig, &(struct fake_process){ .pid = 6, .uid = 99 });
    rig_open(&rig, "fds");
    rig_tick(&rig);
    uint32_t anna = slot_of(&rig, 5), nobody = slot_of(&rig, 6);
    rig_tick(&rig);
    assert_true(rig_named(&rig, anna, PROCESS_USER, "anna"));
    assert_true(rig_named(&rig, nobody, PROCESS_USER, ""));
    rig_close(&rig);
}

static void a_hidden_process_is_not_there(void **state)
{
    struct process_rig rig;
    (void)state;

    rig_fixture(&rig);
    rig_put(&rig, &(struct fake_process){ .pid = 5 });
    rig_put(&rig, &(struct fake_process){ .pid = 6 });
    setenv("PROCSCOPE_TEST_HIDE_PID", "5", 1);
    rig_open(&rig, "fds");
    unsetenv("PROCSCOPE_TEST_HIDE_PID");
    rig_tick(&rig);
    assert_null(rig_birth(&rig, 5));
    assert_non_null(rig_birth(&rig, 6));
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_sweep_tells_all_and_bears_none),
        cmocka_unit_test(a_process_that_appears_later_is_born),
        cmocka_unit_test(what_did_not_run_is_the_same_until_a_full_pass),
        cmocka_unit_test(threads_are_never_filtered),
        cmocka_unit_test(cpu_time_never_falls),
        cmocka_unit_test(threads_gone_before_we_looked_are_noticed),
        cmocka_unit_test(a_process_that_vanishes_ends_unknown),
        cmocka_unit_test(a_reused_pid_is_another_process),
        cmocka_unit_test(exec_and_setuid_make_a_version_at_once_and_complete_it_later),
        cmocka_unit_test(a_zombie_keeps_its_name),
        cmocka_unit_test(a_move_to_another_cgroup_is_found_within_a_minute),
        cmocka_unit_test(what_cannot_be_read_is_missing_and_costs_nothing_else),
        cmocka_unit_test(an_unreadable_moment_does_not_end_a_process),
        cmocka_unit_test(command_lines_are_redacted_cut_and_hashed_or_left_out),
        cmocka_unit_test(users_come_from_the_fixture),
        cmocka_unit_test(a_hidden_process_is_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
