/* Every parser of what the kernel tells of the host, on any bytes; each line as every kind of line. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/collectors/hostfs_linux.h"
#include "recorder/collectors/mounts_linux.h"
#include "recorder/textfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void check_slice(struct hostfs_slice slice, const char *at, const char *end)
{
    check(slice.at >= at && slice.size <= (size_t)(end - at) && slice.at + slice.size <= end);
}

static void check_numbers(const struct hostfs_number *number, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check(number[i].missing < MISSING_COUNT);
        check(number[i].missing == MISSING_NONE ? number[i].value >= 0 : number[i].value == 0);
    }
}

static void parse_line(const char *at, const char *end)
{
    struct hostfs_disk disk;
    struct hostfs_interface interface;
    struct hostfs_mount mount;
    char path[64];

    if (hostfs_parse_disk(at, end, &disk)) {
        check_slice(disk.name, at, end);
        check_numbers(disk.field, DISKSTAT_FIELDS);
        check(!hostfs_is_partition(disk.name, disk.name));
        (void)hostfs_is_partition(disk.name, (struct hostfs_slice){ at, (size_t)(end - at) });
    }
    if (hostfs_parse_interface(at, end, &interface)) {
        check_slice(interface.name, at, end);
        check(interface.name.size > 0 && interface.name.size <= 64);
        check_numbers(interface.field, NETDEV_FIELDS);
    }
    if (hostfs_parse_mount(at, end, &mount)) {
        check_slice(mount.point, at, end);
        check_slice(mount.type, at, end);
        check_slice(mount.source, at, end);
        if (hostfs_unescape(mount.point, path, sizeof path))
            check(memchr(path, '\0', sizeof path) != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data;
    const char *end = at + size;
    const char *line_end;
    struct hostfs_pressure pressure;
    struct hostfs_number load[LOAD_MEANS];
    struct mounts mounts = { 0 };
    struct error err;
    int64_t value;

    hostfs_parse_pressure(at, size, &pressure);
    check_numbers(&pressure.some_us, 1);
    check_numbers(&pressure.full_us, 1);
    hostfs_parse_load(at, size, load);
    check_numbers(load, LOAD_MEANS);
    check(hostfs_parse_value(at, size, &value) < MISSING_COUNT);
    if (mounts_parse(&mounts, at, size, &err) == STATUS_OK)
        check(mounts.count <= MOUNTS_MAX);
    for (size_t i = 0; i < mounts.count; i++)
        for (size_t k = 0; k < i; k++)
            check(mounts.mount[i].major != mounts.mount[k].major ||
                  mounts.mount[i].minor != mounts.mount[k].minor);
    mounts_release(&mounts);
    for (; (line_end = textfile_line_end(at, end)) != NULL; at = line_end + 1)
        parse_line(at, line_end);
    parse_line(at, end);
    return 0;
}
