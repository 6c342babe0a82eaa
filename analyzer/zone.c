/*
 * Time zones, from TZif files (usually /usr/share/zoneinfo) that are read here and not by the C
 * library: TZ and tzset() are state of the whole process, and this data is checked as what it is,
 * a file named by a recording that may come from anywhere.
 */
#include "analyzer/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/calendar.h"
#include "analyzer/zone_rule.h"

#define FILE_MAX (128 * 1024)
#define NAME_MAX_SIZE 64
#define RULE_MAX 128
#define CHANGES_MAX 4096
#define HEADER_SIZE 44
#define COUNTS_AT 20
#define TYPE_SIZE 6

struct zone_change {
    int64_t at_s;
    int32_t offset_s; /* from then on */
};

struct zone_table {
    int32_t first_offset_s;
    bool has_rule;
    struct zone_rule rule; /* after the last change */
    size_t count;
    struct zone_change changes[];
};

/* The six counts of a header, in their order in the file. */
struct tzif_counts {
    uint32_t isut, isstd, leap, time, type, letter;
};

/* One header and its data block inside the file's bytes. */
struct tzif_block {
    struct tzif_counts counts;
    const uint8_t *times;
    const uint8_t *types; /* one index per time */
    const uint8_t *infos; /* TYPE_SIZE bytes each */
    size_t time_size;     /* 4 in the first block, 8 in the second */
    size_t end;           /* offset of what follows */
};

static uint64_t get_big_endian(const uint8_t *p, size_t size)
{
    uint64_t value = 0;

    for (size_t i = 0; i < size; i++)
        value = value << 8 | p[i];
    return value;
}

static int64_t get_time(const uint8_t *p, size_t size)
{
    uint64_t value = get_big_endian(p, size);

    return size == 8 ? (int64_t)value : (int32_t)(uint32_t)value;
}

/* A name is part of a path: relative, of tzdata's characters, no component starts with a dot. */
static bool name_is_safe(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789_+-/.";
    size_t size = strlen(name);

    if (size > NAME_MAX_SIZE || strspn(name, allowed) != size)
        return false;
    if (name[0] == '/' || name[0] == '.' || name[size - 1] == '/')
        return false;
    return strstr(name, "/.") == NULL && strstr(name, "//") == NULL;
}

static enum status read_regular(int fd, const char *path, uint8_t *data, size_t *size,
                                struct error *err)
{
    struct stat info;
    ssize_t got = 1;

    *size = 0;
    if (fstat(fd, &info) != 0)
        return error_set(err, STATUS_IO, "stat %s: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return error_set(err, STATUS_ABSENT, "%s is not a regular file", path);
    while (*size < FILE_MAX && got > 0) {
        got = read(fd, data + *size, FILE_MAX - *size);
        if (got < 0)
            return error_set(err, STATUS_IO, "read %s: %s", path, strerror(errno));
        *size += (size_t)got;
    }
    if (*size == FILE_MAX)
        return error_set(err, STATUS_CORRUPT, "%s is too large for a time zone", path);
    return STATUS_OK;
}

static enum status read_file(const char *path, uint8_t *data, size_t *size, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    enum status st;

    if (fd < 0) {
        bool absent = errno == ENOENT || errno == ENOTDIR;

        return error_set(err, absent ? STATUS_ABSENT : STATUS_IO, "open %s: %s", path,
                         strerror(errno));
    }
    st = read_regular(fd, path, data, size, err);
    (void)close(fd);
    return st;
}

static bool block_find(const uint8_t *data, size_t size, size_t at, size_t time_size,
                       struct tzif_block *block)
{
    struct tzif_counts *counts = &block->counts;
    uint32_t *const fields[] = { &counts->isut, &counts->isstd, &counts->leap,
                                 &counts->time, &counts->type,  &counts->letter };
    size_t body;

    if (size - at < HEADER_SIZE || memcmp(data + at, "TZif", 4) != 0)
        return false;
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        *fields[i] = (uint32_t)get_big_endian(data + at + COUNTS_AT + 4 * i, 4);
        if (*fields[i] > FILE_MAX)
            return false;
    }
    body = counts->time * (time_size + 1) + (size_t)counts->type * TYPE_SIZE + counts->letter +
           counts->leap * (time_size + 4) + counts->isstd + counts->isut;
    if (body > size - at - HEADER_SIZE)
        return false;
    block->time_size = time_size;
    block->times = data + at + HEADER_SIZE;
    block->types = block->times + counts->time * time_size;
    block->infos = block->types + counts->time;
    block->end = at + HEADER_SIZE + body;
    return counts->type > 0 && counts->time <= CHANGES_MAX;
}

static bool info_offset(const struct tzif_block *block, size_t type, int32_t *offset_s)
{
    if (type >= block->counts.type)
        return false;
    *offset_s = (int32_t)get_time(block->infos + type * TYPE_SIZE, 4);
    return *offset_s >= -ZONE_OFFSET_LIMIT_S && *offset_s <= ZONE_OFFSET_LIMIT_S;
}

static bool table_fill(struct zone_table *table, const struct tzif_block *block)
{
    table->count = block->counts.time;
    if (!info_offset(block, 0, &table->first_offset_s))
        return false;
    for (size_t i = 0; i < table->count; i++) {
        struct zone_change *change = &table->changes[i];

        change->at_s = get_time(block->times + i * block->time_size, block->time_size);
        if (i > 0 && change->at_s <= table->changes[i - 1].at_s)
            return false;
        if (!info_offset(block, block->types[i], &change->offset_s))
            return false;
    }
    return true;
}

/* The footer: "\nRULE\n"; an empty rule says nothing about later times. */
static enum status rule_read(struct zone_table *table, const uint8_t *data, size_t size,
                             struct error *err)
{
    char text[RULE_MAX];
    const uint8_t *end;

    if (size < 2 || data[0] != '\n')
        return error_set(err, STATUS_CORRUPT, "the time zone file has no rule at its end");
    end = memchr(data + 1, '\n', size - 1);
    if (end == NULL || (size_t)(end - data) > sizeof text)
        return error_set(err, STATUS_CORRUPT, "the time zone file's rule does not end");
    size = (size_t)(end - data) - 1;
    memcpy(text, data + 1, size);
    text[size] = '\0';
    if (size == 0)
        return STATUS_OK;
    table->has_rule = true;
    return zone_rule_parse(text, &table->rule, err);
}

static enum status table_parse(const uint8_t *data, size_t size, struct zone_table **table,
                               struct error *err)
{
    struct tzif_block block;
    bool wide;

    if (!block_find(data, size, 0, 4, &block))
        return error_set(err, STATUS_CORRUPT, "not a time zone file, or a damaged one");
    wide = data[4] >= '2'; /* version 2 and later repeat everything with 8-byte times */
    if (wide && !block_find(data, size, block.end, 8, &block))
        return error_set(err, STATUS_CORRUPT, "the time zone file's second part is damaged");
    if (block.counts.leap > 0)
        return error_set(err, STATUS_UNSUPPORTED, "the time zone file counts leap seconds");
    *table = calloc(1, sizeof **table + block.counts.time * sizeof(struct zone_change));
    if (*table == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory for a time zone");
    if (!table_fill(*table, &block))
        return error_set(err, STATUS_CORRUPT, "the time zone file's changes are damaged");
    return wide ? rule_read(*table, data + block.end, size - block.end, err) : STATUS_OK;
}

enum status zone_load(struct zone *zone, const char *directory, struct error *err)
{
    struct zone_table *table = NULL;
    char path[1024];
    uint8_t *data = NULL;
    size_t size = 0;
    enum status st;
    int length;

    if (zone->name == NULL || zone->name[0] == '\0')
        return error_set(err, STATUS_ABSENT, "the recording names no time zone");
    if (!name_is_safe(zone->name))
        return error_set(err, STATUS_INVALID, "the recording's time zone name is not one");
    length = snprintf(path, sizeof path, "%s/%s", directory == NULL ? ZONE_DIRECTORY : directory,
                      zone->name);
    if (length < 0 || (size_t)length >= sizeof path)
        return error_set(err, STATUS_INVALID, "the time zone directory's path is too long");
    data = malloc(FILE_MAX);
    if (data == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory for a time zone");
    st = read_file(path, data, &size, err);
    if (st == STATUS_OK)
        st = table_parse(data, size, &table, err);
    if (st == STATUS_OK) {
        zone_release(zone);
        zone->table = table;
        table = NULL;
    }
    free(table);
    free(data);
    return st;
}

void zone_release(struct zone *zone)
{
    free(zone->table);
    zone->table = NULL;
}

static int32_t table_offset(const struct zone_table *table, int64_t utc_s)
{
    size_t low = 0; /* the first change after the time lies in low..high */
    size_t high = table->count;

    if (table->has_rule && (high == 0 || utc_s >= table->changes[high - 1].at_s))
        return zone_rule_offset(&table->rule, utc_s);
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (table->changes[middle].at_s <= utc_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? table->first_offset_s : table->changes[low - 1].offset_s;
}

static int32_t bounded(int32_t offset_s)
{
    bool sane = offset_s >= -ZONE_OFFSET_LIMIT_S && offset_s <= ZONE_OFFSET_LIMIT_S;

    return sane ? offset_s : 0;
}

int32_t zone_offset(const struct zone *zone, int64_t utc_ns)
{
    if (zone == NULL)
        return 0;
    if (zone->table != NULL)
        return table_offset(zone->table, calendar_floor(utc_ns, CALENDAR_SECOND_NS));
    if (zone->next_change_ns <= 0 || utc_ns < zone->next_change_ns)
        return bounded(zone->offset_s);
    return bounded(zone->next_offset_s);
}

/*
 * The offset is one of those a day before and a day after; a change between them makes the local
 * time fit both (it comes twice) or none (it is skipped).
 */
enum zone_fit zone_from_local(const struct zone *zone, int64_t local_ns, int64_t *utc_ns,
                              int64_t *second_ns)
{
    int32_t before_s = zone_offset(zone, local_ns - CALENDAR_DAY_NS);
    int32_t after_s = zone_offset(zone, local_ns + CALENDAR_DAY_NS);
    int64_t early_ns = local_ns - before_s * CALENDAR_SECOND_NS;
    int64_t late_ns = local_ns - after_s * CALENDAR_SECOND_NS;
    bool early_fits = zone_offset(zone, early_ns) == before_s;
    bool late_fits = zone_offset(zone, late_ns) == after_s;

    *utc_ns = early_fits || !late_fits ? early_ns : late_ns;
    *second_ns = *utc_ns;
    if (!early_fits && !late_fits)
        return ZONE_NEVER;
    if (!early_fits || !late_fits || early_ns == late_ns)
        return ZONE_ONCE;
    *second_ns = late_ns;
    return ZONE_TWICE;
}
