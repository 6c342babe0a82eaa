/*
 * Disks and other block devices.
 *
 *   source  /proc/diskstats (14 columns, 18 from Linux 4.18 with discards, 20 from 5.5 with flushes);
 *           /sys/block/NAME/size and, of SCSI, device/ioerr_cnt, at every tenth tick; diskseq (Linux
 *           5.15), which no two disks share, when the disk has done something
 *   units   sectors of 512 bytes; milliseconds in 32 bits (block/genhd.c), whose wraps are undone
 *   absent  partitions: their IO is that of the disk, which would count it twice, and idle ones would
 *           double the cost; loop, ram and other virtual devices until they have done IO
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recorder/collectors/collectors_linux.h"
#include "recorder/collectors/hostfs_linux.h"
#include "recorder/collectors/sysfs_linux.h"
#include "recorder/entity_set.h"
#include "recorder/textfile.h"

enum {
    DISKSTATS_ROOM = 16384,
    DISKSTATS_LIMIT = 1 << 22,
    VALUE_ROOM = 64,
    NAME_SIZE = 64,
    TEXT_SIZE = 256,
    SECTOR_BYTES = 512,
    MS_IN_US = 1000,
    SLOW_TICKS = 10, /* size and errors are read at every so many */
    DISKS_MAX = 4096,
    COUNT_START = 16,
};

/* A 32-bit counter of the kernel as one of 64 bits. */
struct wide {
    int64_t last, wraps;
};

struct disk {
    char name[NAME_SIZE]; /* "": free */
    char key[TEXT_SIZE], label[TEXT_SIZE];
    bool seen;  /* at this tick */
    bool known; /* from the tick before: what follows next is filled in */
    bool tried; /* its files were looked for */
    int64_t major, minor;
    struct hostfs_number field[DISKSTAT_FIELDS]; /* as last read */
    int64_t number;                              /* of diskseq; -1: not known */
    struct wide milliseconds[DISKSTAT_FIELDS];
    struct textfile size, errors, sequence;
};

struct disk_state {
    const struct collect_context *context;
    struct textfile stats;
    struct entity_set set;
    struct disk *disks;
    size_t count, size;
    size_t next; /* where the next line's disk most likely is */
    unsigned wait;
    bool slow; /* this tick reads size and errors */
};

static void forget(struct disk *disk)
{
    textfile_close(&disk->size);
    textfile_close(&disk->errors);
    textfile_close(&disk->sequence);
    *disk = (struct disk){ 0 };
}

static void disk_close(void *state)
{
    struct disk_state *all = state;

    if (all == NULL)
        return;
    for (size_t i = 0; i < all->count; i++)
        forget(&all->disks[i]);
    free(all->disks);
    textfile_close(&all->stats);
    entity_set_release(&all->set);
    free(all);
}

/* --- its files --- */

/* Why it failed stays in its `failure`. */
static void open_file(const struct disk_state *all, const struct disk *disk, struct textfile *file,
                      const char *what)
{
    char path[NAME_SIZE + 48];
    struct error err;
    int size = snprintf(path, sizeof path, "/sys/block/%s", disk->name);

    for (char *at = strchr(path + strlen("/sys/block/"), '/'); at != NULL; at = strchr(at, '/'))
        *at = '!'; /* as sysfs writes cciss/c0d0 */
    (void)snprintf(path + size, sizeof path - (size_t)size, "/%s", what);
    (void)!textfile_open(file, all->context->root, path, VALUE_ROOM, VALUE_ROOM, &err);
}

static struct hostfs_number read_value(struct textfile *file)
{
    struct hostfs_number number = { .missing = MISSING_NOT_THERE };
    struct error err;

    if (textfile_is_open(file) && textfile_read(file, &err) == STATUS_OK)
        number.missing = (uint8_t)hostfs_parse_value(file->text, file->size, &number.value);
    else if (file->failure != 0)
        number.missing = (uint8_t)textfile_missing(file->failure);
    return number;
}

/* --- which disk --- */

/*
 * What tells disks apart over reboots: the bus address with the kernel's name, so that neither another
 * disk of that name nor another name at that address is taken for it; the name a volume was given;
 * else the kernel's name.
 */
static void name_disk(const struct disk_state *all, struct disk *disk)
{
    char file[NAME_SIZE];
    char volume[TEXT_SIZE / 2];
    char target[PATH_MAX];
    struct sysfs_directory block;
    const char *device;
    ssize_t size;

    (void)snprintf(disk->key, sizeof disk->key, "%s", disk->name);
    (void)snprintf(disk->label, sizeof disk->label, "%s", disk->name);
    memcpy(file, disk->name, sizeof file);
    for (char *at = strchr(file, '/'); at != NULL; at = strchr(at, '/'))
        *at = '!'; /* as sysfs writes cciss/c0d0 */
    if (!sysfs_at(&block, all->context->root, "/sys/block/%s", file))
        return;
    if (sysfs_text(&block, volume, sizeof volume, "dm/name")) {
        (void)snprintf(disk->key, sizeof disk->key, "dm/%s", volume);
        (void)snprintf(disk->label, sizeof disk->label, "%s (%s)", volume, disk->name);
        return;
    }
    size = readlink(block.path, target, sizeof target - 1);
    target[size > 0 ? size : 0] = '\0';
    device = strstr(target, "devices/");
    if (device == NULL || strncmp(device, "devices/virtual/", 16) == 0)
        return;
    device += strlen("devices/");
    if (strlen(device) < sizeof disk->key)
        (void)snprintf(disk->key, sizeof disk->key, "%s", device);
}

static bool is_named(const struct disk *disk, struct hostfs_slice name)
{
    return strlen(disk->name) == name.size && memcmp(disk->name, name.at, name.size) == 0;
}

/* A place for one more. NULL: too many, or no memory. */
static struct disk *place(struct disk_state *all)
{
    size_t size = all->size == 0 ? COUNT_START : all->size * 2;
    struct disk *larger;

    for (size_t i = 0; i < all->count; i++)
        if (all->disks[i].name[0] == '\0')
            return &all->disks[i];
    if (all->count == DISKS_MAX)
        return NULL;
    if (all->count == all->size) {
        larger = realloc(all->disks, size * sizeof *larger);
        if (larger == NULL)
            return NULL;
        all->disks = larger;
        all->size = size;
    }
    all->disks[all->count] = (struct disk){ 0 };
    return &all->disks[all->count++];
}

static void begin(const struct disk_state *all, struct disk *disk, struct hostfs_slice name)
{
    struct hostfs_number number;

    memcpy(disk->name, name.at, name.size);
    name_disk(all, disk);
    open_file(all, disk, &disk->sequence, "diskseq");
    number = read_value(&disk->sequence);
    disk->number = number.missing == MISSING_NONE ? number.value : -1;
}

/* The disk of that name, known or new. Lines mostly come in the order of the tick before. */
static struct disk *find(struct disk_state *all, struct hostfs_slice name)
{
    struct disk *disk;

    for (size_t i = 0; i < all->count; i++) {
        size_t at = (all->next + i) % all->count;

        if (is_named(&all->disks[at], name)) {
            all->next = at + 1;
            return &all->disks[at];
        }
    }
    disk = place(all);
    if (disk == NULL)
        return NULL;
    begin(all, disk, name);
    all->next = (size_t)(disk - all->disks) + 1;
    return disk;
}

/* Whether a counter has changed since the tick before, and one of 64 bits has fallen. */
static bool has_changed(const struct disk *disk, const struct hostfs_disk *line, bool *fell)
{
    static const enum hostfs_disk_field counters[] = {
        DISKSTAT_READS,           DISKSTAT_SECTORS_READ, DISKSTAT_WRITES,
        DISKSTAT_SECTORS_WRITTEN, DISKSTAT_DISCARDS,     DISKSTAT_SECTORS_DISCARDED,
    };
    bool changed = false;

    *fell = false;
    for (size_t i = 0; i < COUNT_OF(counters); i++) {
        int64_t before = disk->field[counters[i]].value, now = line->field[counters[i]].value;

        changed = changed || now != before;
        *fell = *fell || now < before;
    }
    return changed;
}

/*
 * Whether another disk has come in its place, within one tick: it has another device or sequence number, or
 * counts from the beginning. Only of one that has done something the kernel is asked.
 */
static bool is_another(struct disk *disk, const struct hostfs_disk *line)
{
    struct hostfs_number number;
    bool fell;

    if (line->major != disk->major || line->minor != disk->minor)
        return true;
    if (!has_changed(disk, line, &fell))
        return false;
    number = read_value(&disk->sequence);
    return fell ||
           (disk->number >= 0 && (number.missing != MISSING_NONE || number.value != disk->number));
}

/* Whether it is a virtual device that was never used, of which many hosts have dozens. */
static bool is_unused(const struct hostfs_disk *line)
{
    static const char *const prefixes[] = { "loop", "ram", "zram", "nbd", "fd", "sr" };
    bool is_virtual = false;

    for (size_t i = 0; i < COUNT_OF(prefixes); i++)
        is_virtual = is_virtual || (line->name.size > strlen(prefixes[i]) &&
                                    memcmp(line->name.at, prefixes[i], strlen(prefixes[i])) == 0);
    return is_virtual && line->field[DISKSTAT_READS].value == 0 &&
           line->field[DISKSTAT_WRITES].value == 0 && line->field[DISKSTAT_DISCARDS].value == 0;
}

/* --- its values --- */

struct values {
    int64_t *value;
    uint8_t *missing;
};

static void put(struct values to, enum disk_metric metric, struct hostfs_number number,
                int64_t multiplier)
{
    to.missing[metric] = number.missing;
    if (number.missing == MISSING_NONE &&
        __builtin_mul_overflow(number.value, multiplier, &to.value[metric])) {
        to.value[metric] = 0;
        to.missing[metric] = MISSING_FAILED;
    }
}

/* A fall by more than half of the range is a wrap, one by less a device that began anew. */
static struct hostfs_number widen(struct wide *wide, struct hostfs_number number)
{
    const int64_t range = INT64_C(1) << 32;

    if (number.missing != MISSING_NONE)
        return number;
    if (number.value < wide->last)
        wide->wraps =
            wide->last < range && wide->last - number.value > range / 2 ? wide->wraps + 1 : 0;
    wide->last = number.value;
    number.value += wide->wraps * range;
    return number;
}

static void put_milliseconds(struct values to, enum disk_metric metric, struct disk *disk,
                             const struct hostfs_disk *line, enum hostfs_disk_field field)
{
    put(to, metric, widen(&disk->milliseconds[field], line->field[field]), MS_IN_US);
}

static void put_line(struct values to, struct disk *disk, const struct hostfs_disk *line)
{
    const struct hostfs_number *field = line->field;

    put(to, DISK_READ_BYTES_TOTAL, field[DISKSTAT_SECTORS_READ], SECTOR_BYTES);
    put(to, DISK_WRITTEN_BYTES_TOTAL, field[DISKSTAT_SECTORS_WRITTEN], SECTOR_BYTES);
    put(to, DISK_READS_TOTAL, field[DISKSTAT_READS], 1);
    put(to, DISK_WRITES_TOTAL, field[DISKSTAT_WRITES], 1);
    put_milliseconds(to, DISK_READ_NS_TOTAL, disk, line, DISKSTAT_READ_MS);
    put_milliseconds(to, DISK_WRITE_NS_TOTAL, disk, line, DISKSTAT_WRITE_MS);
    put_milliseconds(to, DISK_BUSY_NS_TOTAL, disk, line, DISKSTAT_BUSY_MS);
    put_milliseconds(to, DISK_QUEUED_NS_TOTAL, disk, line, DISKSTAT_QUEUED_MS);
    put(to, DISK_IN_FLIGHT, field[DISKSTAT_IN_FLIGHT], 1);
    if (field[DISKSTAT_IN_FLIGHT].value > INT32_MAX) /* kernels that count below 0 */
        to.missing[DISK_IN_FLIGHT] = MISSING_FAILED;
    put(to, DISK_DISCARDED_BYTES_TOTAL, field[DISKSTAT_SECTORS_DISCARDED], SECTOR_BYTES);
    put(to, DISK_DISCARDS_TOTAL, field[DISKSTAT_DISCARDS], 1);
    put(to, DISK_FLUSHES_TOTAL, field[DISKSTAT_FLUSHES], 1);
    put_milliseconds(to, DISK_FLUSH_NS_TOTAL, disk, line, DISKSTAT_FLUSH_MS);
}

static void put_files(const struct disk_state *all, struct values to, struct disk *disk)
{
    if (!all->slow) {
        to.missing[DISK_SIZE_BYTES] = to.missing[DISK_ERRORS_TOTAL] = MISSING_NOT_SAMPLED;
        return;
    }
    if (!disk->tried) {
        open_file(all, disk, &disk->size, "size");
        open_file(all, disk, &disk->errors, "device/ioerr_cnt");
        disk->tried = true;
    }
    put(to, DISK_SIZE_BYTES, read_value(&disk->size), SECTOR_BYTES);
    put(to, DISK_ERRORS_TOTAL, read_value(&disk->errors), 1);
}

/* --- the tick --- */

static enum status add_disk(struct disk_state *all, struct tick *tick,
                            const struct hostfs_disk *line, struct error *err)
{
    struct disk *disk = find(all, line->name);
    struct entity_seen seen;
    struct values to;
    bool another;

    if (disk == NULL || disk->seen)
        return STATUS_OK;
    another = disk->known && is_another(disk, line);
    if (another) {
        forget(disk);
        begin(all, disk, line->name);
    }
    disk->known = true;
    disk->major = line->major;
    disk->minor = line->minor;
    memcpy(disk->field, line->field, sizeof disk->field);
    seen = entity_set_see(&all->set, tick, disk->key, disk->label, ENTITY_NO_SLOT);
    disk->seen = true;
    if (seen.slot == ENTITY_NO_SLOT)
        return STATUS_OK;
    if (another) /* also where its address is the same: its counters have nothing to do with those before */
        seen.flags |= ROW_FIRST;
    if (tick_row_values(tick, TABLE_DISK, seen.slot, seen.flags, &to.value, &to.missing) == NULL)
        return error_set(err, STATUS_NO_MEMORY, "row of disk_samples");
    put_line(to, disk, line);
    put_files(all, to, disk);
    return STATUS_OK;
}

static enum status read_whole(struct textfile *file, struct error *err)
{
    enum status st;

    do {
        st = textfile_read(file, err);
    } while (st == STATUS_OK && file->cut && textfile_grow(file));
    return st;
}

static enum status add_disks(struct disk_state *all, struct tick *tick, struct error *err)
{
    const char *at = all->stats.text;
    const char *end = at + all->stats.size;
    struct hostfs_slice disk = { 0 }; /* the latest that is not a partition */
    const char *line_end;

    for (; (line_end = textfile_line_end(at, end)) != NULL; at = line_end + 1) {
        struct hostfs_disk line;

        if (!hostfs_parse_disk(at, line_end, &line) || line.name.size >= NAME_SIZE)
            continue;
        if (hostfs_is_partition(disk, line.name))
            continue;
        disk = line.name;
        if (!is_unused(&line) && add_disk(all, tick, &line, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

static enum status disk_collect(void *state, struct tick *tick, struct error *err)
{
    struct disk_state *all = state;

    if (read_whole(&all->stats, err) != STATUS_OK)
        return error_prefix(err, "/proc/diskstats");
    all->slow = all->wait == 0;
    all->wait = all->slow ? SLOW_TICKS - 1 : all->wait - 1;
    all->next = 0;
    for (size_t i = 0; i < all->count; i++)
        all->disks[i].seen = false;
    entity_set_begin(&all->set);
    if (add_disks(all, tick, err) != STATUS_OK)
        return err->status;
    entity_set_end(&all->set, tick);
    for (size_t i = 0; i < all->count; i++)
        if (!all->disks[i].seen && all->disks[i].name[0] != '\0')
            forget(&all->disks[i]);
    tick_sampled(tick, TABLE_DISK);
    if (!all->slow)
        tick->table[TABLE_DISK].column_mask &=
            ~(UINT64_C(1) << DISK_SIZE_BYTES | UINT64_C(1) << DISK_ERRORS_TOTAL);
    return STATUS_OK;
}

static enum status disk_open(void **state, const struct collect_context *context,
                             struct capability *capability, struct error *err)
{
    struct disk_state *all = calloc(1, sizeof *all);
    struct sysfs_directory block;
    struct error why = { 0 };

    if (all == NULL)
        return error_set(err, STATUS_NO_MEMORY, "disk collector");
    *state = all;
    *capability = (struct capability){ .status = CAPABILITY_OK };
    all->context = context;
    all->set.kind = ENTITY_DISK;
    if (textfile_open(&all->stats, context->root, "/proc/diskstats", DISKSTATS_ROOM,
                      DISKSTATS_LIMIT, &why) != STATUS_OK) {
        capability->status = CAPABILITY_NOT_THERE;
        (void)snprintf(capability->reason, sizeof capability->reason, "%.190s", why.message);
        (void)snprintf(capability->enable, sizeof capability->enable, "mount procfs on /proc");
    } else if (!sysfs_at(&block, context->root, "/sys/block") || access(block.path, R_OK) != 0) {
        capability->status = CAPABILITY_PARTIAL;
        (void)snprintf(capability->reason, sizeof capability->reason,
                       "no /sys/block: size_bytes and errors_total are not known");
        (void)snprintf(capability->enable, sizeof capability->enable, "mount sysfs on /sys");
    }
    return STATUS_OK;
}

const struct collector disk_collector = {
    .name = "disk",
    .description = "IO, time, errors and size of every disk",
    .source = "/proc/diskstats; size and ioerr_cnt of /sys/block",
    .needs = "nothing",
    .absence = "no errors: the driver counts none; no discards, flushes: before Linux 4.18, 5.5",
    .table = TABLE_DISK,
    .divisor = 1,
    .optional = true,
    .open = disk_open,
    .collect = disk_collect,
    .close = disk_close,
};
