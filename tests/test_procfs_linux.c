/* Parsers of /proc/PID files: whatever a process is called, whatever is cut off. */
#include "recorder/collectors/procfs_linux.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schema/metric.h"

static const char rest_of_stat[] =
    " S 7 1 1 0 -1 4194304 21 22 23 24 25 26 27 28 20 -5 3 0 1234567 4096000 99 "
    "18446744073709551615 31 32 33 34 35 36 37 38 39 40 41 42 17 1 0 0 55 0 0 1 2 3 4 5 6 7 0\n";

static enum status parse_stat(const char *comm, size_t comm_size, struct proc_stat *stat)
{
    char text[512];
    struct error err = { 0 };
    int head = snprintf(text, sizeof text, "4321 (");
    size_t used = (size_t)head;

    memcpy(text + used, comm, comm_size);
    used += comm_size;
    text[used++] = ')';
    memcpy(text + used, rest_of_stat, sizeof rest_of_stat - 1);
    used += sizeof rest_of_stat - 1;
    return procfs_parse_stat(text, used, stat, &err);
}

static void stat_fields_are_found(void **state)
{
    (void)state;
    struct proc_stat stat;

    assert_int_equal(parse_stat("cat", 3, &stat), STATUS_OK);
    assert_int_equal(stat.pid, 4321);
    assert_string_equal(stat.comm, "cat");
    assert_int_equal(stat.state, 'S');
    assert_int_equal(stat.ppid, 7);
    assert_int_equal(stat.flags, 4194304);
    assert_int_equal(stat.minor_faults, 21);
    assert_int_equal(stat.major_faults, 23);
    assert_int_equal(stat.user_ticks, 25);
    assert_int_equal(stat.system_ticks, 26);
    assert_int_equal(stat.nice, -5);
    assert_int_equal(stat.threads, 3);
    assert_int_equal(stat.start_ticks, 1234567);
    assert_int_equal(stat.virtual_bytes, 4096000);
    assert_int_equal(stat.resident_pages, 99);
    assert_int_equal(stat.start_code, 31);
    assert_int_equal(stat.start_stack, 33);
    assert_int_equal(stat.last_cpu, 1);
    assert_int_equal(stat.block_delay_ticks, 55);
}

static void a_comm_may_hold_anything(void **state)
{
    (void)state;
    static const char *const comms[] = {
        "a) R (b", ")", "(", "", "x\ny", " ) S 1 2 3", "\xff\x01"
    };
    struct proc_stat stat;

    for (size_t i = 0; i < COUNT_OF(comms); i++) {
        assert_int_equal(parse_stat(comms[i], strlen(comms[i]), &stat), STATUS_OK);
        assert_string_equal(stat.comm, comms[i]);
        assert_int_equal(stat.comm_size, strlen(comms[i]));
        assert_int_equal(stat.start_ticks, 1234567);
    }
    assert_int_equal(parse_stat("a\0b", 3, &stat), STATUS_OK);
    assert_int_equal(stat.comm_size, 3);
    assert_memory_equal(stat.comm, "a\0b", 3);
}

static void a_long_comm_is_cut(void **state)
{
    (void)state;
    char comm[100];
    struct proc_stat stat;

    memset(comm, 'k', sizeof comm);
    assert_int_equal(parse_stat(comm, sizeof comm, &stat), STATUS_OK);
    assert_int_equal(stat.comm_size, PROC_COMM_MAX);
    assert_int_equal(stat.comm[PROC_COMM_MAX], '\0');
}

/* Up to and including the last field that is read. */
static void every_cut_stat_is_corrupt(void **state)
{
    (void)state;
    char text[512];
    struct proc_stat stat;
    struct error err;
    size_t whole;

    snprintf(text, sizeof text, "4321 (cat)%s", rest_of_stat);
    whole = (size_t)(strstr(text, " 55 ") + 3 - text);
    for (size_t cut = 0; cut <= whole; cut++) {
        char *exact = malloc(cut == 0 ? 1 : cut); /* so that a sanitizer sees one byte too many */

        memcpy(exact, text, cut);
        assert_int_equal(procfs_parse_stat(exact, cut, &stat, &err), STATUS_CORRUPT);
        free(exact);
    }
    assert_int_equal(procfs_parse_stat(text, whole + 1, &stat, &err), STATUS_OK);
}

static void numbers_out_of_range_are_corrupt(void **state)
{
    (void)state;
    static const char *const texts[] = { "99999999999999999999 1 2\n", "1 x 2\n", "-1 2 3\n",
                                         "\n" };
    struct proc_schedstat sched;
    struct error err;

    for (size_t i = 0; i < COUNT_OF(texts); i++)
        assert_int_equal(procfs_parse_schedstat(texts[i], strlen(texts[i]), &sched, &err),
                         STATUS_CORRUPT);
    assert_int_equal(procfs_parse_schedstat("18446744073709551615 2 3\n", 25, &sched, &err),
                     STATUS_OK);
    assert_true(sched.run_ns == UINT64_MAX);
    assert_int_equal(sched.delay_ns, 2);
    assert_int_equal(sched.slices, 3);
    assert_int_equal(procfs_parse_schedstat("1 2 3", 5, &sched, &err), STATUS_CORRUPT);
}

static void io_needs_all_its_lines(void **state)
{
    (void)state;
    static const char text[] = "rchar: 10\nwchar: 20\nsyscr: 1\nsyscw: 2\nread_bytes: 30\n"
                               "write_bytes: 40\ncancelled_write_bytes: 5\n";
    size_t needed = (size_t)(strstr(text, "cancelled") - text);
    struct proc_io io;
    struct error err;

    assert_int_equal(procfs_parse_io(text, sizeof text - 1, &io, &err), STATUS_OK);
    assert_int_equal(io.read_chars, 10);
    assert_int_equal(io.written_chars, 20);
    assert_int_equal(io.read_bytes, 30);
    assert_int_equal(io.written_bytes, 40);
    for (size_t cut = 0; cut < needed; cut++)
        assert_int_equal(procfs_parse_io(text, cut, &io, &err), STATUS_CORRUPT);
}

static void status_says_what_it_found(void **state)
{
    (void)state;
    static const char kernel_thread[] = "Name:\tx\nUid:\t1\t2\t3\t4\nThreads:\t1\n"
                                        "voluntary_ctxt_switches:\t5\n"
                                        "nonvoluntary_ctxt_switches:\t6\n";
    static const char process[] = "Name:\tRssAnon:\nUid:\t1\t1000\t3\t4\nRssAnon:\t 112 kB\n"
                                  "RssFile:\t1616 kB\nRssShmem:\t 3 kB\nVmSwap:\t 4 kB\n";
    struct proc_status status;
    struct error err;

    assert_int_equal(procfs_parse_status(kernel_thread, sizeof kernel_thread - 1, &status, &err),
                     STATUS_OK);
    assert_false(status.has_memory);
    assert_true(status.has_switches && status.has_uid);
    assert_int_equal(status.uid, 2);
    assert_int_equal(status.switches_voluntary, 5);
    assert_int_equal(status.switches_involuntary, 6);

    assert_int_equal(procfs_parse_status(process, sizeof process - 1, &status, &err), STATUS_OK);
    assert_true(status.has_memory && !status.has_switches);
    assert_int_equal(status.uid, 1000);
    assert_int_equal(status.anonymous_bytes, 112 * 1024);
    assert_int_equal(status.file_bytes, 1616 * 1024);
    assert_int_equal(status.shared_bytes, 3 * 1024);
    assert_int_equal(status.swap_bytes, 4 * 1024);
    assert_int_equal(procfs_parse_status("", 0, &status, &err), STATUS_CORRUPT);
}

static void only_plain_numbers_are_pids(void **state)
{
    (void)state;
    assert_int_equal(procfs_pid("1"), 1);
    assert_int_equal(procfs_pid("2147483647"), INT32_MAX);
    assert_int_equal(procfs_pid("2147483648"), 0);
    assert_int_equal(procfs_pid("99999999999999999999999"), 0);
    assert_int_equal(procfs_pid("self"), 0);
    assert_int_equal(procfs_pid("12a"), 0);
    assert_int_equal(procfs_pid("-1"), 0);
    assert_int_equal(procfs_pid("012"), 0);
    assert_int_equal(procfs_pid(""), 0);
}

/* The n-th label of the catalog. */
static bool label_is(int64_t index, const char *wanted)
{
    const char *at = samples_tables[TABLE_PROCESS].metrics[PROCESS_STATE].labels;

    for (; index > 0; index--)
        at = strchr(at, ',') + 1;
    return strncmp(at, wanted, strlen(wanted)) == 0 && strchr(",", at[strlen(wanted)]) != NULL;
}

static void state_letters_match_the_labels(void **state)
{
    (void)state;
    assert_true(label_is(procfs_state_label('R'), "running"));
    assert_true(label_is(procfs_state_label('S'), "sleeping"));
    assert_true(label_is(procfs_state_label('D'), "disk-sleep"));
    assert_true(label_is(procfs_state_label('T'), "stopped"));
    assert_true(label_is(procfs_state_label('t'), "traced"));
    assert_true(label_is(procfs_state_label('Z'), "zombie"));
    assert_true(label_is(procfs_state_label('X'), "dead"));
    assert_true(label_is(procfs_state_label('I'), "idle"));
    assert_true(label_is(procfs_state_label('P'), "parked"));
    assert_true(label_is(procfs_state_label('?'), "unknown"));
    assert_true(label_is(procfs_state_label('\0'), "unknown"));
}

static size_t stable(const char *comm, uint64_t flags)
{
    struct proc_stat stat = { .flags = flags, .comm_size = strlen(comm) };

    memcpy(stat.comm, comm, strlen(comm) + 1);
    return procfs_stable_comm(&stat);
}

static void a_worker_is_called_the_same_whatever_it_works_on(void **state)
{
    (void)state;
    assert_int_equal(stable("kworker/0:1-events", PROC_FLAG_KERNEL_THREAD), 11);
    assert_int_equal(stable("kworker/0:1+events", PROC_FLAG_KERNEL_THREAD), 11);
    assert_int_equal(stable("kworker/0:1", PROC_FLAG_KERNEL_THREAD), 11);
    assert_int_equal(stable("kworker/R-netns", PROC_FLAG_KERNEL_THREAD), 15);
    assert_int_equal(stable("kworker/R-netns+netns", PROC_FLAG_KERNEL_THREAD), 15);
    assert_int_equal(stable("kworker/R", PROC_FLAG_KERNEL_THREAD), 9);
    assert_int_equal(stable("irq/24-ACPI", PROC_FLAG_KERNEL_THREAD), 11);
    assert_int_equal(stable("kworker/0:1-mine", 0), 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stat_fields_are_found),
        cmocka_unit_test(a_comm_may_hold_anything),
        cmocka_unit_test(a_long_comm_is_cut),
        cmocka_unit_test(every_cut_stat_is_corrupt),
        cmocka_unit_test(numbers_out_of_range_are_corrupt),
        cmocka_unit_test(io_needs_all_its_lines),
        cmocka_unit_test(status_says_what_it_found),
        cmocka_unit_test(only_plain_numbers_are_pids),
        cmocka_unit_test(state_letters_match_the_labels),
        cmocka_unit_test(a_worker_is_called_the_same_whatever_it_works_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
