/*
 * Disks.
 *
 *   source  IOKit: services of class IOBlockStorageDriver (and those made from it), their property
 *           "Statistics"; their child IOMedia for "BSD Name" and "Size", their parent for the
 *           product's name
 *   units   bytes, operations, nanoseconds, all since the driver took the disk
 *   absent  volumes of APFS, whose IO is that of their disk; time busy and queued, requests in
 *           flight, discards and flushes: the driver does not tell
 *
 * A worker reads: each property is a message to the kernel and memory for its answer. So a row has
 * what was read at the tick before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/collectors/collectors_macos.h"
#include "recorder/collectors/ioregistry_macos.h"
#include "recorder/collectors/readings.h"
#include "recorder/worker.h"

enum { NS_PER_STORED = 1000, DISKS_MAX = 256, NAME_SIZE = 64 };

static const char driver_class[] = "IOBlockStorageDriver";

/* What is known of a driver for as long as it is there. */
struct known {
    uint64_t id; /* 0: free */
    bool seen, named;
    int64_t size_bytes; /* -1: not known */
    char key[NAME_SIZE], label[2 * NAME_SIZE];
};

/* The worker's between kick and take. */
struct scan {
    struct readings readings;
    struct known known[DISKS_MAX];
};

struct disk_state {
    struct entity_set set;
    struct worker *worker;
    struct scan *scan;
    uint64_t *driver; /* by slot: which had it; a name may go to another disk */
    size_t slot_count;
};

/* --- names --- */

static void begin_nothing(void *self)
{
    (void)self;
}

/* The whole disk is the driver's only child. */
static void see_media(void *self, io_registry_entry_t entry)
{
    struct known *known = self;
    CFTypeRef name = ioregistry_copy(entry, "BSD Name", CFStringGetTypeID());
    CFTypeRef size = ioregistry_copy(entry, "Size", CFNumberGetTypeID());
    char text[NAME_SIZE];
    int64_t bytes;

    if (ioregistry_text(name, text, sizeof text)) {
        (void)snprintf(known->key, sizeof known->key, "%s", text);
        known->named = true;
    }
    if (size != NULL && CFNumberGetValue(size, kCFNumberSInt64Type, &bytes) && bytes >= 0)
        known->size_bytes = bytes;
    if (name != NULL)
        CFRelease(name);
    if (size != NULL)
        CFRelease(size);
}

/* "" where none is told. */
static void read_product(io_registry_entry_t driver, char *product, size_t size)
{
    io_registry_entry_t device;
    CFTypeRef characteristics;

    product[0] = '\0';
    if (IORegistryEntryGetParentEntry(driver, kIOServicePlane, &device) != KERN_SUCCESS)
        return;
    characteristics = ioregistry_copy(device, "Device Characteristics", CFDictionaryGetTypeID());
    if (characteristics != NULL) {
        (void)ioregistry_text(ioregistry_get(characteristics, "Product Name", CFStringGetTypeID()),
                              product, size);
        CFRelease(characteristics);
    }
    (void)IOObjectRelease(device);
}

static void name_disk(struct known *known, io_registry_entry_t driver)
{
    const struct ioregistry_visitor visitor = { begin_nothing, see_media, known };
    char product[NAME_SIZE];
    struct error err;

    (void)snprintf(known->key, sizeof known->key, "driver/%llx", (unsigned long long)known->id);
    known->size_bytes = -1;
    (void)!ioregistry_children(driver, &visitor, &err);
    read_product(driver, product, sizeof product);
    if (product[0] != '\0')
        (void)snprintf(known->label, sizeof known->label, "%.60s (%.60s)", known->key, product);
    else
        (void)snprintf(known->label, sizeof known->label, "%s", known->key);
}

/* NULL: there are too many. Media come a moment after their driver: one without is asked again. */
static struct known *find(struct scan *scan, io_registry_entry_t driver)
{
    uint64_t id = ioregistry_id(driver);
    struct known *place = NULL;

    for (size_t i = 0; id != 0 && i < DISKS_MAX; i++) {
        if (scan->known[i].id == id) {
            place = &scan->known[i];
            break;
        }
        if (place == NULL && scan->known[i].id == 0)
            place = &scan->known[i];
    }
    if (id == 0 || place == NULL)
        return NULL;
    if (place->id == 0)
        *place = (struct known){ .id = id };
    if (!place->named)
        name_disk(place, driver);
    place->seen = true;
    return place;
}

/* --- values --- */

static void put(struct reading *reading, enum disk_metric metric, enum missing why, int64_t value)
{
    reading->missing[metric] = (uint8_t)why;
    reading->value[metric] = why == MISSING_NONE ? value : 0;
}

static void put_statistics(struct reading *reading, CFDictionaryRef statistics)
{
    static const struct {
        enum disk_metric metric;
        const char *key;
        int64_t divisor;
    } items[] = {
        { DISK_READ_BYTES_TOTAL, "Bytes (Read)", 1 },
        { DISK_WRITTEN_BYTES_TOTAL, "Bytes (Write)", 1 },
        { DISK_READS_TOTAL, "Operations (Read)", 1 },
        { DISK_WRITES_TOTAL, "Operations (Write)", 1 },
        { DISK_READ_NS_TOTAL, "Total Time (Read)", NS_PER_STORED },
        { DISK_WRITE_NS_TOTAL, "Total Time (Write)", NS_PER_STORED },
    };
    int64_t value = 0, more = 0;
    enum missing why;

    for (size_t i = 0; i < COUNT_OF(items); i++) {
        why = ioregistry_number(statistics, items[i].key, &value);
        put(reading, items[i].metric, why, value / items[i].divisor);
    }
    why = ioregistry_number(statistics, "Errors (Read)", &value);
    if (why == MISSING_NONE)
        why = ioregistry_number(statistics, "Errors (Write)", &more);
    if (why == MISSING_NONE && __builtin_add_overflow(value, more, &value))
        why = MISSING_FAILED;
    put(reading, DISK_ERRORS_TOTAL, why, value);
}

static void see_driver(void *self, io_registry_entry_t driver)
{
    struct scan *scan = self;
    struct known *known = find(scan, driver);
    CFTypeRef statistics;
    struct reading *reading;

    reading = known != NULL ? readings_add(&scan->readings, "%s", known->key) : NULL;
    if (reading == NULL)
        return;
    (void)snprintf(reading->label, sizeof reading->label, "%s", known->label);
    reading->range = (int64_t)known->id;
    statistics = ioregistry_copy(driver, "Statistics", CFDictionaryGetTypeID());
    if (statistics != NULL) {
        put_statistics(reading, statistics);
        CFRelease(statistics);
    }
    put(reading, DISK_SIZE_BYTES, known->size_bytes >= 0 ? MISSING_NONE : MISSING_NOT_THERE,
        known->size_bytes);
}

static void begin_scan(void *self)
{
    struct scan *scan = self;

    readings_reset(&scan->readings);
    for (size_t i = 0; i < DISKS_MAX; i++)
        scan->known[i].seen = false;
}

static enum status scan_read(void *self, struct error *err)
{
    struct scan *scan = self;
    const struct ioregistry_visitor visitor = { begin_scan, see_driver, scan };
    enum status st = ioregistry_services(driver_class, &visitor, err);

    for (size_t i = 0; st == STATUS_OK && i < DISKS_MAX; i++)
        if (!scan->known[i].seen)
            scan->known[i] = (struct known){ .id = 0 };
    return st;
}

static void scan_release(void *self)
{
    struct scan *scan = self;

    readings_release(&scan->readings);
    free(scan);
}

/* --- the sampling thread's side --- */

/* A disk of the same name with another driver has counters of its own. */
static void begin_series(struct disk_state *disk, struct reading *reading)
{
    uint32_t slot = reading->seen.slot;
    uint64_t id = (uint64_t)reading->range;
    size_t count = (size_t)slot + 16;
    uint64_t *larger;

    if (slot == ENTITY_NO_SLOT)
        return;
    if (slot >= disk->slot_count) {
        larger = realloc(disk->driver, count * sizeof *larger);
        if (larger == NULL)
            return;
        memset(larger + disk->slot_count, 0, (count - disk->slot_count) * sizeof *larger);
        disk->driver = larger;
        disk->slot_count = count;
    }
    if (disk->driver[slot] != id)
        reading->seen.flags |= ROW_FIRST;
    disk->driver[slot] = id;
}

static void disk_begin(void *state, const struct tick *tick)
{
    worker_due(((struct disk_state *)state)->worker, tick->start_ns);
}

static enum status add_rows(struct disk_state *disk, struct tick *tick, struct error *err)
{
    struct readings *readings = &disk->scan->readings;

    readings_see(readings, &disk->set, tick);
    for (size_t i = 0; i < readings->count; i++)
        begin_series(disk, &readings->item[i]);
    return readings_add_rows(readings, tick, TABLE_DISK, DISK_METRIC_COUNT, err);
}

static enum status disk_collect(void *state, struct tick *tick, struct error *err)
{
    struct disk_state *disk = state;
    enum status st;

    worker_report(disk->worker, tick);
    if (!worker_take_later(disk->worker, tick->start_ns, &st, err))
        return STATUS_OK;
    if (st == STATUS_OK)
        st = add_rows(disk, tick, err);
    worker_used(disk->worker, tick->start_ns);
    return st;
}

static void disk_close(void *state)
{
    struct disk_state *disk = state;

    if (disk == NULL)
        return;
    worker_stop(disk->worker);
    entity_set_release(&disk->set);
    free(disk->driver);
    free(disk);
}

static enum status disk_open(void **state, const struct collect_context *context,
                             struct capability *capability, struct error *err)
{
    struct disk_state *disk = calloc(1, sizeof *disk);
    struct scan *scan = calloc(1, sizeof *scan);
    const struct worker_job job = {
        .name = "disk", .read = scan_read, .release = scan_release, .self = scan
    };

    *state = disk;
    if (disk == NULL || scan == NULL) {
        free(scan);
        return error_set(err, STATUS_NO_MEMORY, "disk collector");
    }
    *capability = (struct capability){ .status = CAPABILITY_OK };
    disk->set.kind = ENTITY_DISK;
    disk->scan = scan;
    return worker_start(&disk->worker, &job, context->root[0] == '\0', err);
}

static int64_t disk_not_answering(const void *state)
{
    return worker_late(((const struct disk_state *)state)->worker);
}

static int64_t disk_other_cpu_ns(const void *state)
{
    return worker_cpu_ns(((const struct disk_state *)state)->worker);
}

const struct collector disk_collector = {
    .name = "disk",
    .description = "bytes, operations and their time of every disk",
    .source = "IOKit: IOBlockStorageDriver, its Statistics",
    .needs = "nothing",
    .absence = "time busy and queued, discards and flushes: the driver does not tell them",
    .table = TABLE_DISK,
    .divisor = 1,
    .optional = true,
    .open = disk_open,
    .begin = disk_begin,
    .collect = disk_collect,
    .close = disk_close,
    .not_answering = disk_not_answering,
    .other_cpu_ns = disk_other_cpu_ns,
};
