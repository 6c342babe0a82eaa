/* The collector of disks: kernels, counters that wrap or begin anew, disks that come and go. */
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

#define MS INT64_C(1000) /* stored in microseconds */

static void collect(struct test_collector *t)
{
    if (test_collector_tick(t) != STATUS_OK)
        fail_msg("%s", t->err.message);
}

static size_t rows(const struct test_collector *t)
{
    return t->tick.table[TABLE_DISK].row_count;
}

static void a_kernel_of_fourteen_columns_is_read(void **state)
{
    (void)state;
    static const char sda[] = "pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda";
    struct test_collector t;
    uint32_t slot;

    test_collector_open(&t, &disk_collector, "tests/fixtures/host-4.9");
    assert_int_equal(t.capability.status, CAPABILITY_OK);
    collect(&t);
    /* sda sdb loop1 dm-1 dm-10 nvme0n1 cciss/c0d0: no partition, nothing virtual that is unused */
    assert_int_equal(rows(&t), 7);
    slot = test_slot(&t, sda);
    assert_int_equal(test_row(&t, slot)->flags, ROW_FIRST);
    assert_int_equal(test_value(&t, slot, DISK_READS_TOTAL), 60301);
    assert_int_equal(test_value(&t, slot, DISK_READ_BYTES_TOTAL), 4821234 * INT64_C(512));
    assert_int_equal(test_value(&t, slot, DISK_WRITTEN_BYTES_TOTAL), 33445566 * INT64_C(512));
    assert_int_equal(test_value(&t, slot, DISK_READ_NS_TOTAL), 190332 * MS);
    assert_int_equal(test_value(&t, slot, DISK_BUSY_NS_TOTAL), 801200 * MS);
    assert_int_equal(test_value(&t, slot, DISK_QUEUED_NS_TOTAL), 4201600 * MS);
    assert_int_equal(test_value(&t, slot, DISK_ERRORS_TOTAL), 0x1c);
    assert_int_equal(test_value(&t, slot, DISK_SIZE_BYTES), 1953525168 * INT64_C(512));
    assert_int_equal(test_missing(&t, slot, DISK_DISCARDS_TOTAL), MISSING_NOT_THERE);
    assert_int_equal(test_missing(&t, slot, DISK_FLUSH_NS_TOTAL), MISSING_NOT_THERE);
    slot = test_slot(&t, "sdb"); /* unknown to /sys; in flight below 0 */
    assert_int_equal(test_missing(&t, slot, DISK_IN_FLIGHT), MISSING_FAILED);
    assert_int_equal(test_missing(&t, slot, DISK_SIZE_BYTES), MISSING_NOT_THERE);
    slot = test_slot(&t, "dm/vg-root");
    assert_int_equal(test_value(&t, slot, DISK_IN_FLIGHT), 2);
    slot = test_slot(&t, "cciss/c0d0");
    assert_int_equal(test_value(&t, slot, DISK_SIZE_BYTES), 2048 * 512);
    (void)test_slot(&t, "dm-10");
    (void)test_slot(&t, "loop1");
    test_collector_close(&t);
}

static void discards_and_flushes_of_new_kernels_are_read(void **state)
{
    (void)state;
    struct test_collector t;
    uint32_t slot;

    test_collector_open(&t, &disk_collector, "tests/fixtures/host-6.18");
    collect(&t);
    assert_int_equal(rows(&t), 1);
    slot = test_slot(&t, "pci0000:00/0000:00:02.0/virtio1/block/vda");
    assert_true(test_value(&t, slot, DISK_DISCARDED_BYTES_TOTAL) > 0);
    assert_true(test_value(&t, slot, DISK_FLUSHES_TOTAL) > 0);
    assert_true(test_value(&t, slot, DISK_FLUSH_NS_TOTAL) > 0);
    assert_int_equal(test_missing(&t, slot, DISK_ERRORS_TOTAL), MISSING_NOT_THERE);
    test_collector_close(&t);
}

static void size_and_errors_are_read_at_every_tenth_tick(void **state)
{
    (void)state;
    const uint64_t slow = UINT64_C(1) << DISK_SIZE_BYTES | UINT64_C(1) << DISK_ERRORS_TOTAL;
    struct test_collector t;

    test_collector_open(&t, &disk_collector, "tests/fixtures/host-4.9");
    for (int i = 0; i < 21; i++) {
        collect(&t);
        assert_int_equal(t.tick.table[TABLE_DISK].column_mask & slow, i % 10 == 0 ? slow : 0);
    }
    test_collector_close(&t);
}

/* 32 bits of milliseconds, as the kernel prints them. */
static void write_ms(const struct test_root *root, uint64_t ms, uint64_t reads)
{
    char text[200];

    (void)snprintf(text, sizeof text, "8 0 sda %llu 0 0 %u 0 0 0 0 0 0 0\n",
                   (unsigned long long)reads, (unsigned)(uint32_t)ms);
    test_root_write(root, "/proc/diskstats", text);
}

static void milliseconds_that_wrap_go_on(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;
    const int64_t step = INT64_C(1500000000); /* 17 days of requests at a time */

    test_root_open(&root);
    write_ms(&root, 0, 0);
    test_collector_open(&t, &disk_collector, root.path);
    assert_int_equal(t.capability.status, CAPABILITY_PARTIAL); /* no /sys */
    for (int64_t i = 0; i < 12; i++) {
        write_ms(&root, (uint64_t)(i * step), (uint64_t)i);
        collect(&t);
        assert_int_equal(test_value(&t, 0, DISK_READ_NS_TOTAL), i * step * MS);
        assert_int_equal(test_value(&t, 0, DISK_READS_TOTAL), i);
    }
    test_collector_close(&t);
    test_root_close(&root);
}

static void counters_that_begin_anew_fall(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;

    test_root_open(&root);
    write_ms(&root, 5000, 70);
    test_collector_open(&t, &disk_collector, root.path);
    collect(&t);
    write_ms(&root, 3, 2);
    collect(&t);
    assert_int_equal(test_value(&t, 0, DISK_READ_NS_TOTAL), 3 * MS);
    assert_int_equal(test_value(&t, 0, DISK_READS_TOTAL), 2);
    test_collector_close(&t);
    test_root_close(&root);
}

#define IO " 1 0 8 1 1 0 8 1 0 1 1\n"
#define NONE " 0 0 0 0 0 0 0 0 0 0 0\n"

static void disks_come_and_go(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;
    uint32_t sdb;

    test_root_open(&root);
    test_root_write(&root, "/proc/diskstats", "8 0 sda" IO);
    test_root_write(&root, "/sys/block/sda/size", "2\n");
    test_collector_open(&t, &disk_collector, root.path);
    collect(&t);
    assert_int_equal(rows(&t), 1);
    /* One comes before the known one, and its files with it. */
    test_root_write(&root, "/proc/diskstats", "8 16 sdb" IO "8 0 sda" IO "7 0 loop0" NONE);
    test_root_write(&root, "/sys/block/sdb/size", "4\n");
    collect(&t);
    assert_int_equal(rows(&t), 2);
    sdb = test_slot(&t, "sdb");
    assert_int_equal(test_row(&t, sdb)->flags, ROW_FIRST);
    assert_int_equal(test_missing(&t, sdb, DISK_SIZE_BYTES), MISSING_NOT_SAMPLED);
    for (int i = 2; i <= 10; i++)
        collect(&t);
    assert_int_equal(test_value(&t, sdb, DISK_SIZE_BYTES), 4 * 512);
    assert_int_equal(test_row(&t, sdb)->flags, 0);
    /* It goes, a virtual one is used, and all are gone. */
    test_root_write(&root, "/proc/diskstats", "8 0 sda" IO "7 0 loop0" IO);
    collect(&t);
    assert_int_equal(rows(&t), 2);
    assert_null(test_row(&t, sdb));
    (void)test_slot(&t, "loop0");
    test_root_write(&root, "/proc/diskstats", "");
    collect(&t);
    assert_int_equal(rows(&t), 0);
    assert_true(t.tick.table[TABLE_DISK].sampled);
    test_root_write(&root, "/proc/diskstats", "8 0 sda" IO);
    collect(&t);
    assert_int_equal(rows(&t), 1);
    assert_int_equal(t.tick.table[TABLE_DISK].rows[0].flags, ROW_FIRST);
    test_collector_close(&t);
    test_root_close(&root);
}

#define FIRST_DISK " 900 0 9000 1 800 0 8000 1 0 1 1\n"
#define BUSIER_DISK " 5000 0 50000 1 4000 0 40000 1 0 1 1\n"

/* What the only disk is at the next tick: whether its counters are compared with those before. */
static bool goes_on(struct test_collector *t, const struct test_root *root, const char *diskstats)
{
    test_root_write(root, "/proc/diskstats", diskstats);
    collect(t);
    assert_int_equal(rows(t), 1);
    return (t->tick.table[TABLE_DISK].rows[0].flags & ROW_FIRST) == 0;
}

static void another_disk_of_that_name_begins_anew(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;

    test_root_open(&root);
    test_root_write(&root, "/proc/diskstats", "8 0 sda" FIRST_DISK);
    test_root_write(&root, "/sys/block/sda/diskseq", "9\n");
    test_root_write(&root, "/sys/block/sda/size", "2\n");
    test_collector_open(&t, &disk_collector, root.path);
    collect(&t);
    assert_int_equal(test_value(&t, 0, DISK_SIZE_BYTES), 2 * 512);
    assert_true(goes_on(&t, &root, "8 0 sda" BUSIER_DISK));
    assert_false(goes_on(&t, &root, "8 16 sda" BUSIER_DISK)); /* another device */
    assert_true(goes_on(&t, &root, "8 16 sda" BUSIER_DISK));
    assert_false(goes_on(&t, &root, "8 16 sda" FIRST_DISK)); /* it has done less */
    assert_int_equal(t.tick.table[TABLE_DISK].rows[0].slot, 0);
    test_root_write(&root, "/sys/block/sda/diskseq", "10\n"); /* it has done more */
    assert_false(goes_on(&t, &root, "8 16 sda" BUSIER_DISK));
    assert_true(goes_on(&t, &root, "8 16 sda" BUSIER_DISK));
    assert_int_equal(t.tick.entity_count, 0); /* at the same address, as far as can be known */
    test_collector_close(&t);
    test_root_close(&root);
}

static void another_disk_at_another_address_is_another_entity(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;
    char path[512];
    uint32_t first;

    test_root_open(&root);
    test_root_write(&root, "/proc/diskstats", "8 0 sda" FIRST_DISK);
    test_root_write(&root, "/sys/devices/pci0/ata1/block/sda/diskseq", "1\n");
    test_root_write(&root, "/sys/devices/pci0/ata2/block/sda/diskseq", "2\n");
    test_root_write(&root, "/sys/block/x", "");
    (void)snprintf(path, sizeof path, "%s/sys/block/sda", root.path);
    assert_int_equal(symlink("../devices/pci0/ata1/block/sda", path), 0);
    test_collector_open(&t, &disk_collector, root.path);
    collect(&t);
    first = test_slot(&t, "pci0/ata1/block/sda");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("../devices/pci0/ata2/block/sda", path), 0);
    /* As the kernel has it: what was opened of a disk that is gone tells nothing. */
    test_root_write(&root, "/sys/devices/pci0/ata1/block/sda/diskseq", "");
    assert_false(goes_on(&t, &root, "8 0 sda" BUSIER_DISK));
    assert_int_not_equal(test_slot(&t, "pci0/ata2/block/sda"), first);
    assert_null(test_row(&t, first));
    test_collector_close(&t);
    test_root_close(&root);
}

static void every_truncation_is_read_without_harm(void **state)
{
    (void)state;
    static const char whole[] = "8 0 sda" IO "8 1 sda1" IO "8 16 sdb" IO;
    struct test_root root;
    struct test_collector t;
    char text[sizeof whole];

    test_root_open(&root);
    test_root_write(&root, "/proc/diskstats", whole);
    test_collector_open(&t, &disk_collector, root.path);
    for (size_t cut = 0; cut < sizeof whole; cut++) {
        memcpy(text, whole, cut);
        text[cut] = '\0';
        test_root_write(&root, "/proc/diskstats", text);
        collect(&t);
        assert_true(rows(&t) <= 2);
        assert_int_equal(rows(&t) > 0, cut >= strlen("8 0 sda" IO));
    }
    test_collector_close(&t);
    test_root_close(&root);
}

static void a_thousand_disks_are_read_to_the_last(void **state)
{
    (void)state;
    enum { COUNT = 1000, LINE = 64 };
    struct test_root root;
    struct test_collector t;
    char *text = calloc(COUNT, LINE);
    size_t used = 0;

    assert_non_null(text);
    for (int i = 0; i < COUNT; i++)
        used += (size_t)snprintf(text + used, LINE, "253 %d dm-%d" IO, i, i);
    test_root_open(&root);
    test_root_write(&root, "/proc/diskstats", text);
    test_collector_open(&t, &disk_collector, root.path);
    for (int i = 0; i < 3; i++) {
        collect(&t);
        assert_int_equal(rows(&t), COUNT);
    }
    test_collector_close(&t);
    test_root_close(&root);
    free(text);
}

static void without_diskstats_it_says_so(void **state)
{
    (void)state;
    struct test_collector t;

    test_collector_open(&t, &disk_collector, "tests/fixtures/host-old");
    assert_int_equal(t.capability.status, CAPABILITY_NOT_THERE);
    assert_non_null(strstr(t.capability.reason, "/proc/diskstats"));
    test_collector_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kernel_of_fourteen_columns_is_read),
        cmocka_unit_test(discards_and_flushes_of_new_kernels_are_read),
        cmocka_unit_test(size_and_errors_are_read_at_every_tenth_tick),
        cmocka_unit_test(milliseconds_that_wrap_go_on),
        cmocka_unit_test(counters_that_begin_anew_fall),
        cmocka_unit_test(disks_come_and_go),
        cmocka_unit_test(another_disk_of_that_name_begins_anew),
        cmocka_unit_test(another_disk_at_another_address_is_another_entity),
        cmocka_unit_test(every_truncation_is_read_without_harm),
        cmocka_unit_test(a_thousand_disks_are_read_to_the_last),
        cmocka_unit_test(without_diskstats_it_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
