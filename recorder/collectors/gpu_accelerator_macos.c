/*
 *   source  services of class IOAccelerator, whoever makes the GPU: PerformanceStatistics and, of
 *           Apple's, AGCInfo; "model" of them or of what they hang on
 *   units   percent, bytes, degrees Celsius, MHz, W: as the driver has them
 *   absent  what a driver does not tell: recorder/collectors/macos.md has it by maker
 *
 * Of a GPU that its driver has powered off nothing is asked but whether it still is: asking for
 * statistics refreshes them.
 */
#include "recorder/collectors/gpu_accelerator_macos.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/collectors/gpu_clients_macos.h"
#include "recorder/collectors/ioregistry_macos.h"

enum { ACCELERATORS_MAX = 16, PARENTS_MAX = 4, QUIET_SECONDS = 1, MHZ_IN_HZ = 1000000 };

static const char accelerator_class[] = "IOAccelerator";
static const int64_t mb = 1 << 20;

struct accelerator {
    io_service_t service; /* held */
    uint64_t id;
    char key[GPU_KEY_SIZE], label[GPU_LABEL_SIZE];
    struct gpu_clients *clients;
};

struct gpu_accelerators {
    struct accelerator item[ACCELERATORS_MAX];
    size_t count;
    io_service_t found[ACCELERATORS_MAX]; /* by the latest search, held */
    size_t found_count;
    bool searched;

    IONotificationPortRef port;
    dispatch_queue_t queue;
    io_iterator_t arrivals, departures;
    atomic_bool changed; /* set on the queue */
};

/* --- word of changes --- */

/* Only when all of it was taken the next one is told. */
static void drain(void *context, io_iterator_t iterator)
{
    struct gpu_accelerators *all = context;
    io_object_t object;

    while ((object = IOIteratorNext(iterator)) != IO_OBJECT_NULL)
        (void)IOObjectRelease(object);
    atomic_store(&all->changed, true);
}

static io_iterator_t listen(struct gpu_accelerators *all, const char *what)
{
    CFMutableDictionaryRef matching = IOServiceMatching(accelerator_class);
    io_iterator_t iterator = IO_OBJECT_NULL;

    if (matching == NULL || IOServiceAddMatchingNotification(all->port, what, matching, drain, all,
                                                             &iterator) != KERN_SUCCESS)
        return IO_OBJECT_NULL;
    drain(all, iterator);
    return iterator;
}

static void do_nothing(void *context)
{
    (void)context;
}

/* Without word of changes each reading searches anew. */
static void start_listening(struct gpu_accelerators *all)
{
    all->port = IONotificationPortCreate(MACH_PORT_NULL);
    all->queue = dispatch_queue_create("procscope.gpu", DISPATCH_QUEUE_SERIAL);
    if (all->port == NULL || all->queue == NULL)
        return;
    IONotificationPortSetDispatchQueue(all->port, all->queue);
    all->arrivals = listen(all, kIOFirstMatchNotification);
    all->departures = listen(all, kIOTerminatedNotification);
}

static void stop_listening(struct gpu_accelerators *all)
{
    if (all->arrivals != IO_OBJECT_NULL)
        (void)IOObjectRelease(all->arrivals);
    if (all->departures != IO_OBJECT_NULL)
        (void)IOObjectRelease(all->departures);
    if (all->port != NULL)
        IONotificationPortDestroy(all->port);
    if (all->queue == NULL)
        return;
    dispatch_sync_f(all->queue, NULL, do_nothing); /* a word that is on its way has come then */
    dispatch_release(all->queue);
}

/* --- which there are --- */

/* "model" is a string, or the bytes of one. */
static bool copy_model(io_registry_entry_t entry, char *text, size_t size)
{
    CFTypeRef string = ioregistry_copy(entry, "model", CFStringGetTypeID());
    CFTypeRef data = string == NULL ? ioregistry_copy(entry, "model", CFDataGetTypeID()) : NULL;

    text[0] = '\0';
    if (string != NULL) {
        (void)ioregistry_text(string, text, size);
        CFRelease(string);
    }
    if (data != NULL) {
        (void)snprintf(text, size, "%.*s", (int)CFDataGetLength(data),
                       (const char *)CFDataGetBytePtr(data));
        CFRelease(data);
    }
    return text[0] != '\0';
}

/* Of the service, or of what it hangs on, up to a few steps. */
static void name_model(io_service_t service, char *text, size_t size)
{
    io_registry_entry_t at = service, parent;

    for (int i = 0; i < PARENTS_MAX && !copy_model(at, text, size); i++) {
        if (IORegistryEntryGetParentEntry(at, kIOServicePlane, &parent) != KERN_SUCCESS)
            break;
        if (at != service)
            (void)IOObjectRelease(at);
        at = parent;
    }
    if (at != service)
        (void)IOObjectRelease(at);
}

/* A class is as much of a name as there is; of several of one class the later ones have a number. */
static void name_accelerator(const struct gpu_accelerators *all, struct accelerator *item)
{
    io_name_t class_name = "";
    size_t alike = 0;
    char model[GPU_LABEL_SIZE / 2], key[GPU_KEY_SIZE], label[GPU_LABEL_SIZE];

    (void)IOObjectGetClass(item->service, class_name);
    for (size_t i = 0; i < all->count; i++)
        alike += strncmp(all->item[i].key, class_name, strlen(class_name)) == 0;
    if (alike > 0)
        (void)snprintf(key, sizeof key, "%.50s#%d", class_name, (int)(alike + 1) % 100);
    else
        (void)snprintf(key, sizeof key, "%.60s", class_name);
    name_model(item->service, model, sizeof model);
    if (model[0] != '\0')
        (void)snprintf(label, sizeof label, "%.50s (%.60s)", model, key);
    else
        (void)snprintf(label, sizeof label, "%s", key);
    memcpy(item->key, key, sizeof key);
    memcpy(item->label, label, sizeof label);
}

static void drop(struct accelerator *item)
{
    (void)IOObjectRelease(item->service);
    gpu_clients_close(item->clients);
    *item = (struct accelerator){ .id = 0 };
}

static void begin_search(void *self)
{
    struct gpu_accelerators *all = self;

    for (size_t i = 0; i < all->found_count; i++)
        (void)IOObjectRelease(all->found[i]);
    all->found_count = 0;
}

static void see_accelerator(void *self, io_registry_entry_t entry)
{
    struct gpu_accelerators *all = self;

    if (all->found_count < ACCELERATORS_MAX && IOObjectRetain(entry) == KERN_SUCCESS)
        all->found[all->found_count++] = entry;
}

/* Its driver may still be at work when the host has just started: for a moment that is waited for. */
static void take(struct gpu_accelerators *all, io_service_t service)
{
    mach_timespec_t wait = { .tv_sec = QUIET_SECONDS };
    struct accelerator *item = &all->item[all->count];
    struct gpu_clients *clients = gpu_clients_open();

    if (clients == NULL || all->count == ACCELERATORS_MAX) {
        gpu_clients_close(clients);
        return;
    }
    (void)IOObjectRetain(service);
    *item = (struct accelerator){ .service = service,
                                  .id = ioregistry_id(service),
                                  .clients = clients };
    (void)IOServiceWaitQuiet(service, &wait);
    name_accelerator(all, item);
    all->count++;
}

static bool is_among(const struct gpu_accelerators *all, uint64_t id)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->item[i].id == id)
            return true;
    return false;
}

static bool is_found(const struct gpu_accelerators *all, uint64_t id)
{
    for (size_t i = 0; i < all->found_count; i++)
        if (ioregistry_id(all->found[i]) == id)
            return true;
    return false;
}

/* Those that are gone are released, those that are new are taken. */
static enum status search(struct gpu_accelerators *all, struct error *err)
{
    const struct ioregistry_visitor visitor = { begin_search, see_accelerator, all };
    size_t kept = 0;
    enum status st;

    atomic_store(&all->changed, false); /* what changes from now on is searched for again */
    st = ioregistry_services(accelerator_class, &visitor, err);
    if (st != STATUS_OK) {
        atomic_store(&all->changed, true);
        return st;
    }
    for (size_t i = 0; i < all->count; i++) {
        if (is_found(all, all->item[i].id))
            all->item[kept++] = all->item[i];
        else
            drop(&all->item[i]);
    }
    all->count = kept;
    for (size_t i = 0; i < all->found_count; i++)
        if (!is_among(all, ioregistry_id(all->found[i])))
            take(all, all->found[i]);
    begin_search(all);
    all->searched = true;
    return STATUS_OK;
}

struct gpu_accelerators *gpu_accelerators_open(void)
{
    struct gpu_accelerators *all = calloc(1, sizeof *all);

    if (all != NULL)
        start_listening(all);
    return all;
}

void gpu_accelerators_close(struct gpu_accelerators *all)
{
    if (all == NULL)
        return;
    stop_listening(all);
    for (size_t i = 0; i < all->count; i++)
        drop(&all->item[i]);
    free(all);
}

/* --- what they tell --- */

static void put(struct gpu_report *gpu, enum gpu_metric metric, enum missing why, int64_t value,
                int64_t scale)
{
    if (why == MISSING_NONE && __builtin_mul_overflow(value, scale, &value))
        why = MISSING_FAILED;
    gpu->missing[metric] = (uint8_t)why;
    gpu->values[metric] = why == MISSING_NONE ? value : 0;
}

/* The first of them that the driver tells. */
static enum missing first_of(CFDictionaryRef from, const char *const keys[], size_t count,
                             int64_t *value)
{
    enum missing why = MISSING_UNSUPPORTED;

    for (size_t i = 0; i < count && why == MISSING_UNSUPPORTED; i++)
        why = ioregistry_number(from, keys[i], value);
    return why;
}

static void put_percent(struct gpu_report *gpu, enum gpu_metric metric, enum missing why,
                        int64_t percent)
{
    int64_t ppm = 0;

    if (why == MISSING_NONE)
        why = gpu_percent_ppm(percent, &ppm);
    put(gpu, metric, why, ppm, 1);
}

static void put_memory(struct gpu_report *gpu, CFDictionaryRef from)
{
    static const char *const used_keys[] = { "vramUsedBytes", "inUseVidMemoryBytes",
                                             "In use system memory" };
    int64_t used = 0, unused = 0, total = 0;
    enum missing why = first_of(from, used_keys, COUNT_OF(used_keys), &used);

    put(gpu, GPU_MEMORY_USED_BYTES, why, used, 1);
    why = ioregistry_number(from, "VRAM,totalMB", &total);
    if (why != MISSING_UNSUPPORTED) {
        put(gpu, GPU_MEMORY_TOTAL_BYTES, why, total, mb);
        return;
    }
    why = ioregistry_number(from, "vramUsedBytes", &used);
    if (why == MISSING_NONE)
        why = ioregistry_number(from, "vramFreeBytes", &unused);
    if (why == MISSING_NONE && __builtin_add_overflow(used, unused, &used))
        why = MISSING_FAILED;
    put(gpu, GPU_MEMORY_TOTAL_BYTES, why, used, 1);
}

static void put_statistics(struct gpu_report *gpu, CFDictionaryRef from)
{
    static const char *const busy_keys[] = { "Device Utilization %", "GPU Activity(%)" };
    enum { NO_TEMPERATURE = 128 };
    int64_t value = 0;
    enum missing why = first_of(from, busy_keys, COUNT_OF(busy_keys), &value);

    put_percent(gpu, GPU_UTILIZATION_PPM, why, value);
    put_memory(gpu, from);
    why = ioregistry_number(from, "Temperature(C)", &value);
    if (why == MISSING_NONE && value >= NO_TEMPERATURE)
        why = MISSING_FAILED;
    put(gpu, GPU_TEMPERATURE_MILLICELSIUS, why, value, 1000);
    why = ioregistry_number(from, "Fan Speed(%)", &value);
    put_percent(gpu, GPU_FAN_PPM, why, value);
    why = ioregistry_number(from, "Core Clock(MHz)", &value);
    put(gpu, GPU_CORE_CLOCK_HZ, why, value, MHZ_IN_HZ);
    why = ioregistry_number(from, "Memory Clock(MHz)", &value);
    put(gpu, GPU_MEMORY_CLOCK_HZ, why, value, MHZ_IN_HZ);
    why = ioregistry_number(from, "Total Power(W)", &value);
    put(gpu, GPU_POWER_MW, why, value, 1000);
}

/* Whether Apple's driver has powered it off; another's does not tell. */
static bool is_asleep(io_service_t service, struct gpu_report *gpu)
{
    CFTypeRef info = ioregistry_copy(service, "AGCInfo", CFDictionaryGetTypeID());
    int64_t off = 0;
    enum missing why = MISSING_UNSUPPORTED;

    if (info != NULL) {
        why = ioregistry_number(info, "poweredOffByAGC", &off);
        CFRelease(info);
    }
    put(gpu, GPU_POWER_STATE, why, off != 0 ? GPU_ASLEEP : GPU_AWAKE, 1);
    return why == MISSING_NONE && off != 0;
}

/* Of other makers they do not tell what they used. */
static bool has_clients(const struct accelerator *item)
{
    return strncmp(item->key, "AGX", 3) == 0 || strncmp(item->key, "Intel", 5) == 0;
}

static void read_one(struct accelerator *item, int64_t now_ns, struct gpu_reading *reading)
{
    struct gpu_report *gpu = gpu_reading_gpu(reading, item->key);
    CFTypeRef statistics;
    struct error err;

    if (gpu == NULL)
        return;
    (void)snprintf(gpu->label, sizeof gpu->label, "%s", item->label);
    if (is_asleep(item->service, gpu)) {
        gpu_put_all_missing(gpu, MISSING_NOT_SAMPLED);
        gpu_clients_repeat(item->clients, reading, gpu);
        return;
    }
    statistics = ioregistry_copy(item->service, "PerformanceStatistics", CFDictionaryGetTypeID());
    if (statistics != NULL) {
        put_statistics(gpu, statistics);
        CFRelease(statistics);
    }
    if (!has_clients(item))
        return;
    if (gpu_clients_read(item->clients, item->service, now_ns, reading, gpu, &err) != STATUS_OK)
        gpu_clients_repeat(item->clients, reading, gpu);
}

enum status gpu_accelerators_read(struct gpu_accelerators *all, int64_t now_ns,
                                  struct gpu_reading *reading, struct error *err)
{
    bool listens = all->arrivals != IO_OBJECT_NULL && all->departures != IO_OBJECT_NULL;
    enum status st = STATUS_OK;

    gpu_reading_reset(reading);
    if (!all->searched || !listens || atomic_load(&all->changed))
        st = search(all, err);
    for (size_t i = 0; st == STATUS_OK && i < all->count; i++)
        read_one(&all->item[i], now_ns, reading);
    return st;
}
