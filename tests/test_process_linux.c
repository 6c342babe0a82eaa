/* The collector of processes on made-up trees of /proc, tick by tick. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recorder/collectors/process_stats.h"
#include "tests/support_process_linux.h"

enum { AT_START = 100000 }; /* clock ticks: when a fixture's first tick is */

static const char *const sources[] = { "fds", "proc" };

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

    uint32_t slot = rig_slot(&rig, 77);
    const struct tick_birth *birth = rig_birth(&rig, 77);
    assert_int_equal(birth->ppid, 1);
    assert_int_equal(birth->start_ticks, AT_START - 1);
    assert_true(birth->start_ns == rig.tick.start_ns - 10000000);
    assert_int_equal(birth->flags, 0);
    assert_int_equal(rig_row(&rig, slot)->flags, ROW_FIRST);
    assert_int_equal(rig_row(&rig, rig_slot(&rig, 1))->flags, ROW_FIRST);
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
    assert_int_equal(rig_value(&rig, slot, PROCESS_RESIDENT_BYTES), 3 * 4096 + 13 * 1024);
    assert_int_equal(rig_value(&rig, slot, PROCESS_IO_READ_CHARS_TOTAL), 1234);
    assert_int_equal(rig_value(&rig, slot, PROCESS_RESIDENT_ANONYMOUS_BYTES), 8192);
    assert_int_equal(rig_value(&rig, slot, PROCESS_RESIDENT_SHARED_BYTES), 17 * 1024);
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
        const struct tick_row *row = rig_row(&rig, rig_slot(&rig, 9));
        assert_int_equal(row->flags, ROW_FIRST | ROW_BORN);
        assert_true(row->start_ns == rig.tick.start_ns - 500000000);
        assert_true(rig_version(&rig, rig_slot(&rig, 9))->from_ns == row->start_ns);
        assert_int_equal(rig_row(&rig, rig_slot(&rig, 10))->flags, ROW_FIRST);
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
    uint32_t slot = rig_slot(&rig, 5);
    uint64_t all = rig.tick.table[TABLE_PROCESS].column_mask;
    rig_tick(&rig);       /* after the first time it is read once more */
    p.resident_pages = 7; /* others can change that */
    rig_put(&rig, &p);
    for (int tick = 2; tick < 10; tick++) {
        rig_tick(&rig);
        assert_true(is_same(&rig, slot));
        assert_true((rig.tick.table[TABLE_PROCESS].column_mask >> PROCESS_SWAP_BYTES & 1) == 0);
        assert_true((rig.tick.table[TABLE_PROCESS].column_mask & 1) != 0);
    }
    rig_tick(&rig);
    assert_true(rig.tick.table[TABLE_PROCESS].column_mask == all);
    assert_int_equal(rig_value(&rig, slot, PROCESS_RESIDENT_BYTES), 7 * 4096 + 13 * 1024);
    p.run_ns = 2000000;
    rig_put(&rig, &p);
    rig_tick(&rig);
    assert_int_equal(rig_value(&rig, slot, PROCESS_CPU_NS_TOTAL), 2000);
    rig_close(&rig);
}

static void what_only_status_counts_is_remembered_until_exec(void **state)
{
    struct process_rig rig;
    struct fake_process p = {
        .pid = 5, .start_ticks = 5, .run_ns = 1000000, .resident_pages = 3, .start_stack = 111
    };
    (void)state;

    rig_fixture(&rig);
    rig_put(&rig, &p);
    rig_open(&rig, "fds");
    rig_tick(&rig);
    uint32_t slot = rig_slot(&rig, 5);
    p.run_ns += 1000000;
    p.resident_pages = 5;
    rig_put(&rig, &p);
    rig_tick(&rig);
    assert_int_equal(rig_value(&rig, slot, PROCESS_RESIDENT_BYTES), 5 * 4096 + 13 * 1024);
    p.run_ns += 1000000;
    p.start_stack = 222;
    rig_put(&rig, &p);
    rig_tick(&rig);
    p.run_ns += 1000000;
    p.resident_pages = 4;
    rig_put(&rig, &p);
    rig_tick(&rig);
    assert_int_equal(rig_value(&rig, slot, PROCESS_RESIDENT_BYTES), 4 * 4096);
    for (int tick = 4; tick <= 10; tick++)
        rig_tick(&rig);
    assert_int_equal(rig_value(&rig, slot, PROCESS_RESIDENT_BYTES), 4 * 4096 + 13 * 1024);
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
    uint32_t slot = rig_slot(&rig, 5);
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
        uint32_t slot = rig_slot(&rig, 5);
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
    assert_int_equal(rig_value(&rig, rig_slot(&rig, 5), PROCESS_CPU_NS_TOTAL), 500000);
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
        uint32_t slot = rig_slot(&rig, 5);
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
        assert_int_equal(rig_slot(&rig, 8), slot); /* the smallest that is free */
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
        uint32_t before = rig_slot(&rig, 5);
        rig_put(&rig,
                &(struct fake_process){
                    .pid = 5, .start_ticks = AT_START + 20, .run_ns = 1000000, .comm = "new" });
        rig_tick(&rig);
        uint32_t after = rig_slot(&rig, 5);
        assert_int_not_equal(before, after);
        assert_null(rig_row(&rig, before));
        assert_int_equal(rig_exit(&rig, before)->how, EXIT_UNKNOWN);
        assert_true(rig_named(&rig, after, PROCESS_COMM, "new"));
        assert_int_equal(rig_value(&rig, after, PROCESS_CPU_NS_TOTAL), 1000);
        rig_close(&rig);
    }
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
        uint32_t slot = rig_slot(&rig, 5);
        assert_int_equal(rig_missing(&rig, slot, PROCESS_IO_READ_CHARS_TOTAL), MISSING_NOT_THERE);
        assert_int_equal(rig_missing(&rig, slot, PROCESS_SWAP_BYTES), MISSING_NOT_THERE);
        assert_int_equal(rig_value(&rig, slot, PROCESS_CPU_NS_TOTAL), 30000);
        assert_int_equal(rig_missing(&rig, rig_slot(&rig, 6), PROCESS_IO_READ_CHARS_TOTAL),
                         MISSING_FAILED);
        assert_null(rig_birth(&rig, 7));
        assert_null(rig_birth(&rig, 8));
        assert_int_equal(rig_birth(&rig, 9)->flags, BIRTH_KERNEL_THREAD);
        assert_int_equal(rig_missing(&rig, rig_slot(&rig, 9), PROCESS_IO_READ_CHARS_TOTAL),
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
    uint32_t slot = rig_slot(&rig, 5);
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

static void a_captured_tree_tells_what_was_captured(void **state)
{
    struct process_rig rig;
    (void)state;

    rig_captured(&rig, "tests/fixtures/proc-small");
    rig_open(&rig, "auto");
    assert_string_equal(process_collector_source(rig.state), "proc");
    rig_tick(&rig);
    assert_int_equal(rig.tick.table[TABLE_PROCESS].row_count, 3);
    uint32_t slot = rig_slot(&rig, 4242);
    assert_true(rig_named(&rig, slot, PROCESS_COMM, "sleep"));
    assert_int_equal(rig_birth(&rig, 2)->flags, BIRTH_KERNEL_THREAD);
    assert_true(rig_value(&rig, slot, PROCESS_RESIDENT_BYTES) > 0);
    rig_tick(&rig);
    assert_true(rig_named(&rig, slot, PROCESS_CMDLINE, "sleep 300"));
    assert_true(rig_named(&rig, slot, PROCESS_USER, "root"));
    assert_int_equal(rig_version(&rig, slot)->text[PROCESS_CONTAINER].size, 64);
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
        cmocka_unit_test(what_only_status_counts_is_remembered_until_exec),
        cmocka_unit_test(threads_are_never_filtered),
        cmocka_unit_test(cpu_time_never_falls),
        cmocka_unit_test(threads_gone_before_we_looked_are_noticed),
        cmocka_unit_test(a_process_that_vanishes_ends_unknown),
        cmocka_unit_test(a_reused_pid_is_another_process),
        cmocka_unit_test(what_cannot_be_read_is_missing_and_costs_nothing_else),
        cmocka_unit_test(an_unreadable_moment_does_not_end_a_process),
        cmocka_unit_test(a_captured_tree_tells_what_was_captured),
        cmocka_unit_test(a_hidden_process_is_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
