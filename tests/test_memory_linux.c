/* The collector of memory, on fixtures and on files that change under it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "recorder/collectors/collectors_linux.h"
#include "tests/support_root.h"

#define KIB INT64_C(1024)

static void collect(struct test_collector *t)
{
    if (test_collector_tick(t) != STATUS_OK)
        fail_msg("%s", t->err.message);
}

static void every_field_is_read_in_bytes(void **state)
{
    (void)state;
    const int64_t page = sysconf(_SC_PAGESIZE);
    const struct {
        enum memory_metric metric;
        int64_t value;
    } expected[] = {
        { MEMORY_TOTAL_BYTES, 16123456 * KIB },
        { MEMORY_FREE_BYTES, 1234567 * KIB },
        { MEMORY_AVAILABLE_BYTES, 9876543 * KIB },
        { MEMORY_CACHED_BYTES, 7654321 * KIB },
        { MEMORY_BUFFERS_BYTES, 345678 * KIB },
        { MEMORY_DIRTY_BYTES, 1544 * KIB },
        { MEMORY_WRITEBACK_BYTES, 12 * KIB },
        { MEMORY_ANONYMOUS_BYTES, 3087654 * KIB },
        { MEMORY_SHARED_BYTES, 765432 * KIB },
        { MEMORY_SLAB_BYTES, 765000 * KIB },
        { MEMORY_SWAP_TOTAL_BYTES, 8388604 * KIB },
        { MEMORY_SWAP_FREE_BYTES, 8001234 * KIB },
        { MEMORY_PAGE_IN_BYTES_TOTAL, 12345678 * KIB },
        { MEMORY_PAGE_OUT_BYTES_TOTAL, 23456789 * KIB },
        { MEMORY_SWAP_IN_BYTES_TOTAL, 4567 * page },
        { MEMORY_SWAP_OUT_BYTES_TOTAL, 98765 * page },
        { MEMORY_MAJOR_FAULTS_TOTAL, 54321 },
        { MEMORY_OOM_KILLS_TOTAL, 3 },
    };
    struct test_collector t;

    test_collector_open(&t, &memory_collector, "tests/fixtures/host-laptop");
    assert_int_equal(t.capability.status, CAPABILITY_OK);
    collect(&t);
    assert_int_equal(t.tick.table[TABLE_MEMORY].row_count, 1);
    assert_int_equal(t.tick.entity_count, 0);
    assert_int_equal(test_row(&t, 0)->flags, ROW_FIRST);
    for (size_t i = 0; i < COUNT_OF(expected); i++)
        assert_int_equal(test_value(&t, 0, expected[i].metric), expected[i].value);
    assert_int_equal(test_missing(&t, 0, MEMORY_WIRED_BYTES), MISSING_UNSUPPORTED);
    assert_int_equal(test_missing(&t, 0, MEMORY_COMPRESSED_BYTES), MISSING_UNSUPPORTED);
    collect(&t);
    assert_int_equal(test_row(&t, 0)->flags, 0);
    test_collector_close(&t);
}

static void lines_an_old_kernel_lacks_are_not_zero(void **state)
{
    (void)state;
    struct test_collector t;

    test_collector_open(&t, &memory_collector, "tests/fixtures/host-old");
    collect(&t);
    assert_int_equal(test_missing(&t, 0, MEMORY_AVAILABLE_BYTES), MISSING_NOT_THERE);
    assert_int_equal(test_missing(&t, 0, MEMORY_SHARED_BYTES), MISSING_NOT_THERE);
    assert_int_equal(test_missing(&t, 0, MEMORY_OOM_KILLS_TOTAL), MISSING_NOT_THERE);
    assert_int_equal(test_value(&t, 0, MEMORY_SWAP_TOTAL_BYTES), 0);
    test_collector_close(&t);
}

static void one_file_is_enough(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;

    test_root_open(&root);
    test_root_write(&root, "/proc/meminfo", "MemTotal: 7 kB\n");
    test_collector_open(&t, &memory_collector, root.path);
    assert_int_equal(t.capability.status, CAPABILITY_PARTIAL);
    assert_non_null(strstr(t.capability.reason, "/proc/vmstat: No such file"));
    collect(&t);
    assert_int_equal(test_value(&t, 0, MEMORY_TOTAL_BYTES), 7 * KIB);
    assert_int_equal(test_missing(&t, 0, MEMORY_MAJOR_FAULTS_TOTAL), MISSING_NOT_THERE);
    test_collector_close(&t);
    test_root_close(&root);
}

/* With the thread that reads /proc/vmstat; on a busy machine some ticks may go without. */
static void paging_of_this_host_is_read_beside(void **state)
{
    (void)state;
    struct test_collector t;
    int ticks = 0;

    test_collector_open(&t, &memory_collector, "");
    do
        collect(&t);
    while (test_missing(&t, 0, MEMORY_PAGE_IN_BYTES_TOTAL) == MISSING_NOT_SAMPLED &&
           ++ticks < 1000);
    assert_int_equal(test_missing(&t, 0, MEMORY_PAGE_IN_BYTES_TOTAL), MISSING_NONE);
    assert_int_equal(test_missing(&t, 0, MEMORY_TOTAL_BYTES), MISSING_NONE);
    test_collector_close(&t);
}

static void without_proc_it_says_so(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;

    test_root_open(&root);
    test_collector_open(&t, &memory_collector, root.path);
    assert_int_equal(t.capability.status, CAPABILITY_NOT_THERE);
    assert_int_not_equal(test_collector_tick(&t), STATUS_OK);
    assert_int_equal(t.tick.table[TABLE_MEMORY].row_count, 0);
    test_collector_close(&t);
    test_root_close(&root);
}

static void similar_names_and_bad_numbers_are_told_apart(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;

    test_root_open(&root);
    test_root_write(&root, "/proc/meminfo",
                    "\n\nMemTotalX: 1 kB\nMemTotal 2 kB\nxMemTotal: 3 kB\n"
                    "MemFree: many kB\nCached:\nBuffers: 99999999999999999999999 kB\n"
                    "Dirty: 9223372036854775807 kB\nSlab:\t\t5 kB\nShmem: -4 kB\n"
                    "SwapCached: 6 kB\nSwapTotal:    8 kB trailing\n");
    test_root_write(&root, "/proc/vmstat", "pgpginx 1\npgpgin 18446744073709551615\noom_kill 2");
    test_collector_open(&t, &memory_collector, root.path);
    collect(&t);
    assert_int_equal(test_missing(&t, 0, MEMORY_TOTAL_BYTES), MISSING_NOT_THERE);
    assert_int_equal(test_missing(&t, 0, MEMORY_FREE_BYTES), MISSING_NOT_THERE);
    assert_int_equal(test_missing(&t, 0, MEMORY_CACHED_BYTES), MISSING_NOT_THERE);
    assert_int_equal(test_missing(&t, 0, MEMORY_BUFFERS_BYTES), MISSING_FAILED);
    assert_int_equal(test_missing(&t, 0, MEMORY_DIRTY_BYTES), MISSING_FAILED);
    assert_int_equal(test_missing(&t, 0, MEMORY_SHARED_BYTES), MISSING_NOT_THERE);
    assert_int_equal(test_value(&t, 0, MEMORY_SLAB_BYTES), 5 * KIB);
    assert_int_equal(test_value(&t, 0, MEMORY_SWAP_TOTAL_BYTES), 8 * KIB);
    assert_int_equal(test_missing(&t, 0, MEMORY_PAGE_IN_BYTES_TOTAL), MISSING_FAILED);
    /* Its line has no end: perhaps it went on. */
    assert_int_equal(test_missing(&t, 0, MEMORY_OOM_KILLS_TOTAL), MISSING_NOT_THERE);
    test_collector_close(&t);
    test_root_close(&root);
}

static void every_truncation_is_read_without_harm(void **state)
{
    (void)state;
    static const char whole[] = "MemTotal: 1234 kB\nMemFree: 5678 kB\nSlab: 9 kB\n";
    const size_t total_line = strlen("MemTotal: 1234 kB\n");
    struct test_root root;
    struct test_collector t;
    char text[sizeof whole];

    test_root_open(&root);
    test_root_write(&root, "/proc/meminfo", whole);
    test_collector_open(&t, &memory_collector, root.path);
    for (size_t cut = 0; cut < sizeof whole; cut++) {
        memcpy(text, whole, cut);
        text[cut] = '\0';
        test_root_write(&root, "/proc/meminfo", text);
        collect(&t);
        if (cut < total_line)
            assert_int_equal(test_missing(&t, 0, MEMORY_TOTAL_BYTES), MISSING_NOT_THERE);
        else
            assert_int_equal(test_value(&t, 0, MEMORY_TOTAL_BYTES), 1234 * KIB);
    }
    test_collector_close(&t);
    test_root_close(&root);
}

static void a_long_file_is_read_to_its_end(void **state)
{
    (void)state;
    enum { LINES = 4000, LINE = 40 };
    struct test_root root;
    struct test_collector t;
    char *text = calloc(LINES + 1, LINE);
    size_t used = 0;

    assert_non_null(text);
    for (int i = 0; i < LINES; i++)
        used += (size_t)sprintf(text + used, "nr_something_%d 12345\n", i);
    strcpy(text + used, "oom_kill 17\n");
    test_root_open(&root);
    test_root_write(&root, "/proc/meminfo", "MemTotal: 1 kB\n");
    test_root_write(&root, "/proc/vmstat", text);
    test_collector_open(&t, &memory_collector, root.path);
    collect(&t);
    assert_int_equal(test_value(&t, 0, MEMORY_OOM_KILLS_TOTAL), 17);
    test_collector_close(&t);
    test_root_close(&root);
    free(text);
}

static void kills_for_lack_of_memory_are_events(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;
    const struct tick_event *event;

    test_root_open(&root);
    test_root_write(&root, "/proc/vmstat", "oom_kill 7\n");
    test_collector_open(&t, &memory_collector, root.path);
    collect(&t);
    assert_null(test_event(&t, "oom_kill", 0)); /* of earlier times */
    test_root_write(&root, "/proc/vmstat", "oom_kill 1");
    collect(&t); /* a cut line: not known, not fallen */
    test_root_write(&root, "/proc/vmstat", "oom_kill 10\n");
    collect(&t);
    event = test_event(&t, "oom_kill", 0);
    assert_non_null(event);
    assert_int_equal(event->value, 3);
    assert_int_equal(event->at_ns, t.tick.start_ns);
    assert_non_null(strstr(tick_text_at(&t.tick, event->detail), "10 since boot"));
    assert_null(test_event(&t, "oom_kill", 1));
    collect(&t);
    assert_null(test_event(&t, "oom_kill", 0));
    test_root_write(&root, "/proc/vmstat", "oom_kill 2\n");
    collect(&t);
    assert_null(test_event(&t, "oom_kill", 0));
    test_collector_close(&t);
    test_root_close(&root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_is_read_in_bytes),
        cmocka_unit_test(lines_an_old_kernel_lacks_are_not_zero),
        cmocka_unit_test(one_file_is_enough),
        cmocka_unit_test(without_proc_it_says_so),
        cmocka_unit_test(paging_of_this_host_is_read_beside),
        cmocka_unit_test(similar_names_and_bad_numbers_are_told_apart),
        cmocka_unit_test(every_truncation_is_read_without_harm),
        cmocka_unit_test(a_long_file_is_read_to_its_end),
        cmocka_unit_test(kills_for_lack_of_memory_are_events),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
