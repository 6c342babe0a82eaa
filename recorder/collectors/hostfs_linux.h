/*
 * The texts by which the kernel tells of a host's pressure, load, disks, interfaces and mounts, and the single
 * values of sysfs, parsed: text in, struct out.
 *
 * No parser reads a system, allocates, or looks past the end it is given; no text needs a final NUL.
 */
#ifndef RECORDER_HOSTFS_LINUX_H
#define RECORDER_HOSTFS_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/metric.h"

struct hostfs_slice {
    const char *at;
    size_t size;
};

struct hostfs_number {
    int64_t value;
    uint8_t missing; /* enum missing */
};

/* /proc/pressure/X: lines "some avg10=.. avg60=.. avg300=.. total=N" and "full ..." (4.20; cpu full 5.13) */
struct hostfs_pressure {
    struct hostfs_number some_us, full_us;
};
void hostfs_parse_pressure(const char *text, size_t size, struct hostfs_pressure *pressure);

/* /proc/loadavg: "0.20 0.18 0.12 1/80 11206", the means of 1, 5 and 15 minutes in millionths. */
enum { LOAD_MEANS = 3 };
void hostfs_parse_load(const char *text, size_t size, struct hostfs_number ppm[LOAD_MEANS]);

/*
 * A line of /proc/diskstats, "MAJOR MINOR NAME" and these fields, as
 * Documentation/admin-guide/iostats.rst numbers them; a sector is 512 bytes whatever the disk has.
 */
enum hostfs_disk_field {
    DISKSTAT_READS,
    DISKSTAT_READS_MERGED,
    DISKSTAT_SECTORS_READ,
    DISKSTAT_READ_MS,
    DISKSTAT_WRITES,
    DISKSTAT_WRITES_MERGED,
    DISKSTAT_SECTORS_WRITTEN,
    DISKSTAT_WRITE_MS,
    DISKSTAT_IN_FLIGHT,
    DISKSTAT_BUSY_MS,
    DISKSTAT_QUEUED_MS,
    DISKSTAT_DISCARDS, /* 4.18 and later */
    DISKSTAT_DISCARDS_MERGED,
    DISKSTAT_SECTORS_DISCARDED,
    DISKSTAT_DISCARD_MS,
    DISKSTAT_FLUSHES, /* 5.5 and later */
    DISKSTAT_FLUSH_MS,
    DISKSTAT_FIELDS,
};
struct hostfs_disk {
    int64_t major, minor;
    struct hostfs_slice name;
    struct hostfs_number field[DISKSTAT_FIELDS];
};
/* False for what is not such a line: no name, or fewer fields than any kernel since 2.6.25 gives. */
bool hostfs_parse_disk(const char *at, const char *end, struct hostfs_disk *disk);
/* Whether a line of that name behind the disk's is one of its partitions: sda1, nvme0n1p1, not dm-10. */
bool hostfs_is_partition(struct hostfs_slice disk, struct hostfs_slice name);

/* A line of /proc/net/dev, "NAME: " and these fields. */
enum hostfs_interface_field {
    NETDEV_RECEIVED_BYTES,
    NETDEV_RECEIVED_PACKETS,
    NETDEV_RECEIVED_ERRORS,
    NETDEV_RECEIVED_DROPPED,
    NETDEV_RECEIVED_FIFO,
    NETDEV_RECEIVED_FRAME,
    NETDEV_RECEIVED_COMPRESSED,
    NETDEV_MULTICAST,
    NETDEV_SENT_BYTES,
    NETDEV_SENT_PACKETS,
    NETDEV_SENT_ERRORS,
    NETDEV_SENT_DROPPED,
    NETDEV_SENT_FIFO,
    NETDEV_COLLISIONS,
    NETDEV_SENT_CARRIER,
    NETDEV_SENT_COMPRESSED,
    NETDEV_FIELDS,
};
struct hostfs_interface {
    struct hostfs_slice name;
    struct hostfs_number field[NETDEV_FIELDS];
};
/* False for a heading and for what has no counters behind the name. */
bool hostfs_parse_interface(const char *at, const char *end, struct hostfs_interface *interface);

/*
 * A line of /proc/PID/mountinfo: "ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAG...] - TYPE SOURCE SUPER".
 * Paths are as the kernel escapes them (hostfs_unescape).
 */
struct hostfs_mount {
    int64_t major, minor;
    struct hostfs_slice root, point, type, source;
    bool read_only; /* the file system itself, whatever this one mount of it is */
};
bool hostfs_parse_mount(const char *at, const char *end, struct hostfs_mount *mount);
/* Blank, tab, newline and backslash are written as \ooo. False when `text` is too small. */
bool hostfs_unescape(struct hostfs_slice path, char *text, size_t room);

/* The single decimal or 0x... value of a sysfs file. NOT_THERE where there is none, FAILED beyond 63 bits. */
enum missing hostfs_parse_value(const char *text, size_t size, int64_t *value);

#endif
