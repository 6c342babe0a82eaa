/* Parsers of what the kernel tells of the host: lines of several kernels, damaged ones, every cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recorder/collectors/hostfs_linux.h"
#include "schema/error.h"

static struct hostfs_slice slice(const char *text)
{
    return (struct hostfs_slice){ text, strlen(text) };
}

/* A copy without room behind it, so that a sanitizer sees reads past its end. */
static char *exactly(const char *text, size_t size)
{
    char *copy = malloc(size + 1);

    assert_non_null(copy);
    copy = realloc(copy, size > 0 ? size : 1);
    assert_non_null(copy);
    memcpy(copy, text, size);
    return copy;
}

static void pressure_of_every_kernel_is_told(void **state)
{
    (void)state;
    static const char both[] = "some avg10=0.00 avg60=1.20 avg300=0.44 total=1234567\n"
                               "full avg10=0.00 avg60=0.00 avg300=0.00 total=89\n";
    static const char irq[] = "full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n";
    struct hostfs_pressure p;

    hostfs_parse_pressure(both, sizeof both - 1, &p);
    assert_int_equal(p.some_us.value, 1234567);
    assert_int_equal(p.full_us.value, 89);
    hostfs_parse_pressure(irq, sizeof irq - 1, &p);
    assert_int_equal(p.some_us.missing, MISSING_NOT_THERE);
    assert_int_equal(p.full_us.value, 7);
    for (size_t cut = 0; cut < sizeof both - 1; cut++) {
        char *text = exactly(both, cut);

        hostfs_parse_pressure(text, cut, &p);
        assert_int_equal(p.full_us.missing, MISSING_NOT_THERE); /* its line has no end */
        free(text);
    }
}

static void fields_that_a_kernel_lacks_are_not_there(void **state)
{
    (void)state;
    static const char line[] = " 8 0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17";
    const size_t counts[] = { 11, 15, 17 };
    struct hostfs_disk disk;

    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        const char *end = line + strlen(" 8 0 sda");

        for (size_t k = 0; k < counts[i]; k++)
            end += strcspn(end + 1, " ") + 1;
        assert_true(hostfs_parse_disk(line, end, &disk));
        assert_int_equal(disk.name.size, 3);
        for (size_t k = 0; k < DISKSTAT_FIELDS; k++) {
            assert_int_equal(disk.field[k].missing,
                             k < counts[i] ? MISSING_NONE : MISSING_NOT_THERE);
            assert_int_equal(disk.field[k].value, k < counts[i] ? k + 1 : 0);
        }
    }
}

static void damaged_lines_of_disks_are_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        " ",
        "8",
        "8 0",
        "8 0 sda",
        "8 0 sda 1 2 3 4",
        "8 0 sda 1 2 3 4 5 6 7 8 9 10",
        "x 0 sda 1 2 3 4 5 6 7 8 9 10 11",
        "8 -1 sda 1 2 3 4 5 6 7 8 9 10 11",
    };
    static const char odd[] = "8 0 sda 1x 99999999999999999999 3 4 5 6 7 8 9 10 -11";
    struct hostfs_disk disk;

    for (size_t i = 0; i < COUNT_OF(lines); i++)
        assert_false(hostfs_parse_disk(lines[i], lines[i] + strlen(lines[i]), &disk));
    assert_true(hostfs_parse_disk(odd, odd + sizeof odd - 1, &disk));
    assert_int_equal(disk.field[DISKSTAT_READS].missing, MISSING_FAILED);
    assert_int_equal(disk.field[DISKSTAT_READS_MERGED].missing, MISSING_FAILED);
    assert_int_equal(disk.field[DISKSTAT_QUEUED_MS].missing, MISSING_FAILED);
    assert_int_equal(disk.field[DISKSTAT_SECTORS_READ].value, 3);
}

static void partitions_are_told_from_disks(void **state)
{
    (void)state;
    static const struct {
        const char *disk, *name;
        bool is;
    } cases[] = {
        { "sda", "sda1", true },
        { "sda", "sdaa", false },
        { "sda", "sda", false },
        { "nvme0n1", "nvme0n1p12", true },
        { "nvme0n1", "nvme0n12", false },
        { "dm-1", "dm-10", false },
        { "mmcblk0", "mmcblk0p1", true },
        { "mmcblk0", "mmcblk0boot0", false },
        { "loop1", "loop1p", false },
        { "cciss/c0d0", "cciss/c0d0p1", true },
        { "", "sda1", false },
        { "md127", "md127p1", true },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(hostfs_is_partition(slice(cases[i].disk), slice(cases[i].name)),
                         cases[i].is);
}

static void interfaces_are_read_with_and_without_a_blank(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "  eth0:4294967296123 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
        "eth0: 4294967296123 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
    };
    static const char *const refused[] = {
        "",       "Inter-|   Receive                |  Transmit",
        ":1 2 3", "eth0: 1 2 3",
        "a b: 1", " face |bytes    packets errs drop fifo frame compressed multicast|bytes",
    };
    struct hostfs_interface interface;

    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        assert_true(hostfs_parse_interface(lines[i], lines[i] + strlen(lines[i]), &interface));
        assert_int_equal(interface.name.size, 4);
        assert_int_equal(interface.field[NETDEV_RECEIVED_BYTES].value, 4294967296123);
        assert_int_equal(interface.field[NETDEV_SENT_BYTES].value, 9);
        assert_int_equal(interface.field[NETDEV_COLLISIONS].value, 14);
    }
    for (size_t i = 0; i < COUNT_OF(refused); i++)
        assert_false(
            hostfs_parse_interface(refused[i], refused[i] + strlen(refused[i]), &interface));
}

static void mounts_have_tags_escapes_and_no_source(void **state)
{
    (void)state;
    static const char tags[] = "26 22 0:41 /a /mnt/x\\040y rw,relatime shared:30 master:3 - nfs4 "
                               "server:/x ro,vers=4.2";
    static const char empty[] = "32 22 0:46 / /mnt/empty rw,relatime - fuse.sshfs  rw,user_id=1";
    static const char robust[] = "32 22 0:46 / /r rw - ext4 /dev/a robust,rw";
    struct hostfs_mount mount;
    char path[64];

    assert_true(hostfs_parse_mount(tags, tags + sizeof tags - 1, &mount));
    assert_int_equal(mount.minor, 41);
    assert_true(mount.read_only);
    assert_true(hostfs_unescape(mount.point, path, sizeof path));
    assert_string_equal(path, "/mnt/x y");
    assert_true(hostfs_parse_mount(empty, empty + sizeof empty - 1, &mount));
    assert_int_equal(mount.source.size, 0);
    assert_false(mount.read_only);
    assert_true(hostfs_parse_mount(robust, robust + sizeof robust - 1, &mount));
    assert_false(mount.read_only);
    for (size_t cut = 0;
         cut < strlen("26 22 0:41 /a /mnt/x\\040y rw,relatime shared:30 master:3 - nfs4 "
                      "server:/x");
         cut++) {
        char *text = exactly(tags, cut);

        /* Cut within the source, that is taken for the options of a mount without one. */
        if (hostfs_parse_mount(text, text + cut, &mount))
            assert_memory_equal(mount.type.at, "nfs4", 4);
        free(text);
    }
}

static void escapes_that_are_none_stay(void **state)
{
    (void)state;
    char path[8];

    assert_true(hostfs_unescape(slice("\\134\\\\04"), path, sizeof path));
    assert_string_equal(path, "\\\\\\04");
    assert_true(hostfs_unescape(slice("a\\"), path, sizeof path));
    assert_string_equal(path, "a\\");
    assert_true(hostfs_unescape(slice("\\000"), path, sizeof path)); /* no end in the middle */
    assert_string_equal(path, "\\000");
    assert_true(hostfs_unescape(slice("1234567"), path, sizeof path));
    assert_false(hostfs_unescape(slice("12345678"), path, sizeof path));
    assert_false(hostfs_unescape(slice(""), path, 0));
}

static void single_values_are_decimal_or_hexadecimal(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum missing why;
        int64_t value;
    } cases[] = {
        { "42\n", MISSING_NONE, 42 },
        { "-5000\n", MISSING_NONE, -5000 },
        { "0x1c\n", MISSING_NONE, 28 },
        { "0xFf", MISSING_NONE, 255 },
        { "0x", MISSING_NONE, 0 },
        { "0xzz", MISSING_NOT_THERE, 0 },
        { "", MISSING_NOT_THERE, 0 },
        { "-", MISSING_NOT_THERE, 0 },
        { "- 5", MISSING_NOT_THERE, 0 },
        { "<unknown>\n", MISSING_NOT_THERE, 0 },
        { "99999999999999999999", MISSING_FAILED, 0 },
        { "0xffffffffffffffff", MISSING_FAILED, 0 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t size = strlen(cases[i].text);
        char *text = exactly(cases[i].text, size);
        int64_t value = 0;

        assert_int_equal(hostfs_parse_value(text, size, &value), cases[i].why);
        assert_int_equal(value, cases[i].value);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pressure_of_every_kernel_is_told),
        cmocka_unit_test(fields_that_a_kernel_lacks_are_not_there),
        cmocka_unit_test(damaged_lines_of_disks_are_refused),
        cmocka_unit_test(partitions_are_told_from_disks),
        cmocka_unit_test(interfaces_are_read_with_and_without_a_blank),
        cmocka_unit_test(mounts_have_tags_escapes_and_no_source),
        cmocka_unit_test(escapes_that_are_none_stay),
        cmocka_unit_test(single_values_are_decimal_or_hexadecimal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
