/* Which mounts are read, and the collector of file systems on trees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/statvfs.h>

#include "recorder/collectors/collectors_linux.h"
#include "recorder/collectors/mounts_linux.h"
#include "tests/support_root.h"

enum { READ_WRITE = 1, READ_ONLY = 2 };

static void collect(struct test_collector *t)
{
    if (test_collector_tick(t) != STATUS_OK)
        fail_msg("%s", t->err.message);
}

static size_t parse(struct mounts *mounts, const char *text)
{
    struct error err;

    assert_int_equal(mounts_parse(mounts, text, strlen(text), &err), STATUS_OK);
    return mounts->count;
}

static void file_systems_with_room_are_listed_once(void **state)
{
    (void)state;
    static const char *const expected[] = {
        "/ ext4 /dev/sda1",      "/mnt/top btrfs /dev/sda2", "/run tmpfs",
        "/mnt/with blank nfs4",  "/mnt/covered tmpfs",       "/dev/shm tmpfs",
        "/mnt/empty fuse.sshfs",
    };
    struct test_collector t;

    test_collector_open(&t, &filesystem_collector, "tests/fixtures/host-4.9");
    assert_int_equal(t.capability.status, CAPABILITY_OK);
    collect(&t);
    assert_int_equal(t.tick.table[TABLE_FILESYSTEM].row_count, COUNT_OF(expected));
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        bool found = false;

        for (size_t k = 0; k < t.tick.entity_count; k++) {
            struct tick_text label = t.tick.entities[k].label;

            found = found || (label.size == strlen(expected[i]) &&
                              memcmp(tick_text_at(&t.tick, label), expected[i], label.size) == 0);
        }
        if (!found)
            fail_msg("no %s", expected[i]);
    }
    /* Read-only is the file system, not one of its mounts. */
    assert_int_equal(test_value(&t, test_slot(&t, "/"), FILESYSTEM_ACCESS), READ_ONLY);
    assert_int_equal(test_value(&t, test_slot(&t, "/run"), FILESYSTEM_ACCESS), READ_WRITE);
    test_collector_close(&t);
}

static void a_covered_mount_and_its_device_are_left_out(void **state)
{
    (void)state;
    struct mounts mounts = { 0 };

    assert_int_equal(parse(&mounts, "1 0 8:1 / / rw - ext4 /dev/a rw\n"
                                    "2 1 8:2 / /x rw - ext4 /dev/b rw\n"
                                    "3 2 0:9 / /x rw - proc proc rw\n"),
                     1);
    assert_string_equal(mounts.mount[0].path, "/");
    assert_int_equal(parse(&mounts, "1 0 0:5 / / rw - overlay overlay rw\n"), 1);
    assert_int_equal(parse(&mounts, ""), 0);
    assert_int_equal(parse(&mounts, "1 0 8:1 / / rw - ext4 /dev/a rw"), 0); /* a cut line */
    mounts_release(&mounts);
}

static void a_source_that_may_hold_a_password_is_not_kept(void **state)
{
    (void)state;
    struct mounts mounts = { 0 };

    assert_int_equal(parse(&mounts, "1 0 0:5 / /m rw - cifs //u:secret@host/share rw,username=u\n"),
                     1);
    assert_string_equal(mounts.mount[0].label, "/m cifs");
    mounts_release(&mounts);
}

static void many_and_long_mounts_are_bounded(void **state)
{
    (void)state;
    enum { COUNT = MOUNTS_MAX + 10, LINE = 64 };
    struct mounts mounts = { 0 };
    char *text = calloc(COUNT + MOUNT_PATH_MAX, LINE);
    size_t used = 0;

    assert_non_null(text);
    for (int i = 0; i < COUNT; i++)
        used += (size_t)snprintf(text + used, LINE, "1 0 0:%d / /m%d rw - xfs a rw\n", i, i);
    used += (size_t)sprintf(text + used, "1 0 0:99999 / /");
    memset(text + used, 'x', MOUNT_PATH_MAX);
    strcpy(text + used + MOUNT_PATH_MAX, " rw - xfs a rw\n");
    assert_int_equal(parse(&mounts, text), MOUNTS_MAX);
    assert_int_equal(mounts.left_out, 11);
    mounts_release(&mounts);
    free(text);
}

static void mounts_that_cover_each_other_do_not_add_up(void **state)
{
    (void)state;
    enum { ROUNDS = 3, LINE = 64 };
    struct mounts mounts = { 0 };
    char *text = calloc((size_t)ROUNDS * MOUNTS_MAX + 1, LINE);
    size_t used = 0;

    assert_non_null(text);
    for (int round = 0; round < ROUNDS; round++) /* each covers the round before */
        for (int i = 0; i < MOUNTS_MAX; i++)
            used += (size_t)snprintf(text + used, LINE, "1 0 %d:%d / /m%d rw - xfs a rw\n", round,
                                     i, i);
    for (int pass = 0; pass < 2; pass++) { /* and the first's again */
        assert_int_equal(parse(&mounts, text), MOUNTS_MAX);
        assert_int_equal(mounts.left_out, 0);
        for (int i = 0; i < MOUNTS_MAX; i++) {
            assert_int_equal(mounts.mount[i].major, ROUNDS - 1);
            assert_int_equal(mounts.mount[i].minor, i);
        }
    }
    mounts_release(&mounts);
    free(text);
}

static void room_is_what_statvfs_tells(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;
    struct statvfs about;
    uint32_t here, gone;

    test_root_open(&root);
    test_root_write(&root, "/here/file", "");
    test_root_write(&root, "/proc/self/mountinfo",
                    "1 0 8:1 / /here rw - ext4 /dev/a rw\n1 0 8:2 / /gone rw - ext4 /dev/b rw\n");
    test_collector_open(&t, &filesystem_collector, root.path);
    collect(&t);
    here = test_slot(&t, "/here");
    gone = test_slot(&t, "/gone");
    assert_int_equal(statvfs(root.path, &about), 0);
    assert_int_equal(test_value(&t, here, FILESYSTEM_TOTAL_BYTES),
                     (int64_t)(about.f_blocks * about.f_frsize));
    assert_true(test_value(&t, here, FILESYSTEM_AVAILABLE_BYTES) <=
                test_value(&t, here, FILESYSTEM_FREE_BYTES));
    assert_int_equal(test_missing(&t, gone, FILESYSTEM_TOTAL_BYTES), MISSING_NOT_THERE);
    assert_int_equal(test_value(&t, gone, FILESYSTEM_ACCESS), READ_WRITE);
    /* One goes, one becomes read-only. */
    test_root_write(&root, "/proc/self/mountinfo", "1 0 8:1 / /here rw - ext4 /dev/a ro\n");
    collect(&t);
    assert_int_equal(t.tick.table[TABLE_FILESYSTEM].row_count, 1);
    assert_int_equal(test_value(&t, here, FILESYSTEM_ACCESS), READ_ONLY);
    test_collector_close(&t);
    test_root_close(&root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_systems_with_room_are_listed_once),
        cmocka_unit_test(a_covered_mount_and_its_device_are_left_out),
        cmocka_unit_test(a_source_that_may_hold_a_password_is_not_kept),
        cmocka_unit_test(many_and_long_mounts_are_bounded),
        cmocka_unit_test(mounts_that_cover_each_other_do_not_add_up),
        cmocka_unit_test(room_is_what_statvfs_tells),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
