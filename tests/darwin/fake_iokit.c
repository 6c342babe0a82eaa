/*
 * IOKit: the registry of the scenario, whose entries come and go; iterators, which a change makes invalid; word of
 * arrivals and departures. Each object handed out has a name of its own, so that releasing another one is seen.
 */
#include <IOKit/IOKitLib.h>

#include "tests/darwin/fake_iokit.h"
#include "tests/darwin/fake_smc.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

enum { ENTRIES_MAX = 1024, NOTIFICATIONS_MAX = 16, READ_NAMES_MAX = 64, FIRST_NAME = 0x1003 };
enum kind { KIND_GONE, KIND_ENTRY, KIND_ITERATOR, KIND_CONNECTION, KIND_CLOSED };

static const double ns_per_s = 1e9;

struct entry {
    const cJSON *json;
    int parent; /* -1: none */
    uint64_t id;
};

struct handle {
    enum kind kind;
    int more;  /* references beyond the first */
    int entry; /* of an iterator over children: whose; -1: it is over services */
    char *class_name;
    int *list; /* of an iterator */
    size_t count, next;
    bool valid;
    int notification; /* whose iterator it is; -1: nobody's */
};

struct io_notification_port {
    dispatch_queue_t queue;
};

struct dispatch_queue {
    bool used;
};

struct notification {
    bool used, departures, armed;
    IONotificationPortRef port;
    IOServiceMatchingCallback callback;
    void *context;
    io_iterator_t iterator;
    char *class_name;
    bool known[ENTRIES_MAX];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const cJSON *built_of;
static struct entry entries[ENTRIES_MAX];
static int entry_count;
static struct handle *handles;
static size_t handle_count, handle_room;
static struct notification notifications[NOTIFICATIONS_MAX];
static int64_t changes_left; /* how often iterators are still to fail */
static int wrong_releases, woken, ports_out, queues_out;
static int64_t matches;
static _Thread_local bool delivering;
static struct {
    char name[128];
    int64_t count;
} reads[READ_NAMES_MAX];

const cJSON *fake_json(const char *json)
{
    const cJSON *parsed = cJSON_Parse(json);

    if (parsed == NULL) {
        fprintf(stderr, "scenario: not JSON: %.60s\n", json);
        exit(2);
    }
    return parsed;
}

/* --- what there is --- */

static const cJSON *get(const cJSON *from, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(from, name);
}

static const char *text(const cJSON *from, const char *name)
{
    const cJSON *item = get(from, name);

    return cJSON_IsString(item) ? item->valuestring : "";
}

static bool has_span(const cJSON *from, const char *name, bool otherwise)
{
    const cJSON *pair = get(from, name);
    int64_t begin, end;

    if (pair == NULL)
        return otherwise;
    begin = llround(cJSON_GetArrayItem(pair, 0)->valuedouble * ns_per_s);
    end = llround(cJSON_GetArrayItem(pair, 1)->valuedouble * ns_per_s);
    return begin <= fake_now_ns() && fake_now_ns() < end;
}

static void build_entries(const cJSON *array, int parent)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, array)
    {
        const cJSON *id = get(item, "id");
        int at = entry_count;

        if (entry_count == ENTRIES_MAX)
            abort();
        entries[entry_count++] =
            (struct entry){ item, parent,
                            id != NULL ? (uint64_t)id->valuedouble
                                       : UINT64_C(0x100000100) + (uint64_t)at };
        build_entries(get(item, "children"), at);
    }
}

static void build(void)
{
    const cJSON *times = get(fake->iokit_faults, "times");

    if (built_of == fake->registry && entry_count > 0)
        return;
    entry_count = 0;
    built_of = fake->registry;
    build_entries(fake->registry, -1);
    changes_left = times != NULL ? (int64_t)times->valuedouble : 0;
}

void fake_forget_registry(void)
{
    built_of = NULL;
    entry_count = 0;
}

static bool is_there(int at)
{
    for (; at >= 0; at = entries[at].parent)
        if (!has_span(entries[at].json, "there", true))
            return false;
    return true;
}

static bool conforms(int at, const char *class_name)
{
    const cJSON *name;

    if (strcmp(text(entries[at].json, "class"), class_name) == 0)
        return true;
    cJSON_ArrayForEach(name, get(entries[at].json, "is"))
    {
        if (strcmp(name->valuestring, class_name) == 0)
            return true;
    }
    return false;
}

static bool is_registered(int at)
{
    return !cJSON_IsFalse(get(entries[at].json, "registered"));
}

/* --- what is handed out --- */

static io_object_t hand_out(struct handle handle)
{
    if (handle_count == handle_room) {
        handle_room = handle_room == 0 ? 256 : handle_room * 2;
        handles = realloc(handles, handle_room * sizeof *handles);
        if (handles == NULL)
            abort();
    }
    handles[handle_count] = handle;
    return (io_object_t)(FIRST_NAME + 4 * handle_count++);
}

static struct handle *find(io_object_t object, enum kind kind)
{
    size_t at = (object - FIRST_NAME) / 4;

    if (object < FIRST_NAME || at >= handle_count || handles[at].kind != kind)
        return NULL;
    return &handles[at];
}

static struct handle *need(io_object_t object, enum kind kind)
{
    struct handle *handle = find(object, kind);

    if (handle == NULL) {
        fprintf(stderr, "fake kernel: object %#x is used, which is not there or of another kind\n",
                object);
        abort();
    }
    return handle;
}

static void fill(struct handle *iterator)
{
    iterator->count = iterator->next = 0;
    iterator->valid = true;
    for (int i = 0; i < entry_count; i++) {
        bool wanted = iterator->class_name != NULL
                          ? conforms(i, iterator->class_name) && is_registered(i)
                          : entries[i].parent == iterator->entry;

        if (wanted && is_there(i))
            iterator->list[iterator->count++] = i;
    }
}

static io_iterator_t iterate(const char *class_name, int parent)
{
    struct handle iterator = { .kind = KIND_ITERATOR,
                               .entry = parent,
                               .class_name = class_name != NULL ? strdup(class_name) : NULL,
                               .list = malloc(ENTRIES_MAX * sizeof(int)),
                               .notification = -1 };

    if (iterator.list == NULL)
        abort();
    fill(&iterator);
    return hand_out(iterator);
}

static void forget(struct handle *handle)
{
    if (handle->notification >= 0)
        notifications[handle->notification].used = false;
    free(handle->class_name);
    free(handle->list);
    *handle = (struct handle){ .kind = KIND_GONE };
}

kern_return_t IOObjectRelease(io_object_t object)
{
    struct handle *handle;
    kern_return_t result = KERN_SUCCESS;

    pthread_mutex_lock(&lock);
    handle = find(object, KIND_ENTRY);
    if (handle == NULL)
        handle = find(object, KIND_ITERATOR);
    if (handle != NULL && handle->more > 0) {
        handle->more--;
    } else if (handle != NULL) {
        forget(handle);
    } else {
        /* Of a connection, too: on macOS 27 that ends the program. */
        wrong_releases++;
        result = KERN_INVALID_RIGHT;
    }
    pthread_mutex_unlock(&lock);
    return result;
}

kern_return_t IOObjectRetain(io_object_t object)
{
    pthread_mutex_lock(&lock);
    need(object, KIND_ENTRY)->more++;
    pthread_mutex_unlock(&lock);
    return KERN_SUCCESS;
}

/* --- word of changes --- */

static bool is_pending(const struct notification *n, int at)
{
    bool now = conforms(at, n->class_name) && is_registered(at) && is_there(at);

    return n->departures ? n->known[at] && !now : !n->known[at] && now;
}

static bool take_pending(struct notification *n, int *at)
{
    for (*at = 0; *at < entry_count; (*at)++) {
        bool now = conforms(*at, n->class_name) && is_there(*at);
        bool pending = is_pending(n, *at);

        if (pending)
            n->known[*at] = !n->departures;
        else if (!n->departures)
            n->known[*at] = n->known[*at] && now;
        if (pending)
            return true;
    }
    return false;
}

static bool has_pending(const struct notification *n)
{
    for (int i = 0; i < entry_count; i++)
        if (is_pending(n, i))
            return true;
    return false;
}

/* On a Mac they come on their queue; here when time has passed. */
void fake_iokit_deliver(void)
{
    if (delivering)
        return;
    delivering = true;
    for (size_t i = 0; i < NOTIFICATIONS_MAX; i++) {
        struct notification *n = &notifications[i];
        bool due;

        pthread_mutex_lock(&lock);
        for (int k = 0; n->used && n->departures && k < entry_count; k++)
            n->known[k] = n->known[k] || (conforms(k, n->class_name) && is_there(k));
        due = n->used && n->armed && n->port->queue != NULL && has_pending(n);
        n->armed = n->armed && !due;
        pthread_mutex_unlock(&lock);
        if (due)
            n->callback(n->context, n->iterator);
    }
    delivering = false;
}

IONotificationPortRef IONotificationPortCreate(mach_port_t port)
{
    IONotificationPortRef created = calloc(1, sizeof *created);

    if (created == NULL || port != MACH_PORT_NULL)
        abort();
    ports_out++;
    return created;
}

void IONotificationPortSetDispatchQueue(IONotificationPortRef port, dispatch_queue_t queue)
{
    port->queue = queue;
}

void IONotificationPortDestroy(IONotificationPortRef port)
{
    ports_out--;
    free(port);
}

dispatch_queue_t dispatch_queue_create(const char *label, void *attribute)
{
    dispatch_queue_t queue = calloc(1, sizeof *queue);

    (void)label, (void)attribute;
    if (queue == NULL)
        abort();
    queues_out++;
    return queue;
}

void dispatch_sync_f(dispatch_queue_t queue, void *context, void (*work)(void *context))
{
    (void)queue;
    work(context);
}

void dispatch_release(dispatch_queue_t queue)
{
    queues_out--;
    free(queue);
}

/* --- matching --- */

CFMutableDictionaryRef IOServiceMatching(const char *class_name)
{
    CFMutableDictionaryRef matching = CFDictionaryCreateMutable(
        NULL, 0, &kCFTypeDictionaryKeyCallBacks, &kCFTypeDictionaryValueCallBacks);

    fake_cf_set(matching, "IOProviderClass",
                CFStringCreateWithCString(NULL, class_name, kCFStringEncodingUTF8));
    return matching;
}

/* Releases it. */
static void class_of(CFDictionaryRef matching, char name[128])
{
    CFStringRef key = CFStringCreateWithCString(NULL, "IOProviderClass", kCFStringEncodingUTF8);

    (void)CFStringGetCString(CFDictionaryGetValue(matching, key), name, 128, kCFStringEncodingUTF8);
    CFRelease(key);
    CFRelease(matching);
}

kern_return_t IOServiceGetMatchingServices(mach_port_t port, CFDictionaryRef matching,
                                           io_iterator_t *iterator)
{
    char name[128];

    if (matching == NULL || port != MACH_PORT_NULL)
        return kIOReturnBadArgument;
    class_of(matching, name);
    pthread_mutex_lock(&lock);
    build();
    *iterator = iterate(name, -1);
    matches++;
    pthread_mutex_unlock(&lock);
    return KERN_SUCCESS;
}

int64_t fake_matches(void)
{
    return matches;
}

kern_return_t IOServiceAddMatchingNotification(IONotificationPortRef port, const char *type,
                                               CFDictionaryRef matching,
                                               IOServiceMatchingCallback callback, void *context,
                                               io_iterator_t *iterator)
{
    int i = 0;
    struct notification *n;
    char name[128];

    if (matching == NULL)
        return kIOReturnBadArgument;
    class_of(matching, name);
    pthread_mutex_lock(&lock);
    build();
    while (i < NOTIFICATIONS_MAX && notifications[i].used)
        i++;
    if (i == NOTIFICATIONS_MAX)
        abort();
    n = &notifications[i];
    free(n->class_name);
    *n = (struct notification){ .used = true,
                                .departures = strcmp(type, kIOTerminatedNotification) == 0,
                                .port = port,
                                .callback = callback,
                                .context = context,
                                .class_name = strdup(name) };
    for (int k = 0; k < entry_count && n->departures; k++)
        n->known[k] = conforms(k, name) && is_there(k);
    n->iterator = *iterator = iterate(name, -1);
    need(n->iterator, KIND_ITERATOR)->notification = i;
    pthread_mutex_unlock(&lock);
    return KERN_SUCCESS;
}

/* --- iterators --- */

/* After so many objects, in the scenario's time for it, and so many times. */
static bool changes_now(const struct handle *iterator)
{
    const cJSON *after = get(fake->iokit_faults, "after");

    if (changes_left == 0 || !has_span(fake->iokit_faults, "iterators_invalid", false) ||
        after == NULL || iterator->next != (size_t)after->valuedouble)
        return false;
    changes_left--;
    return true;
}

static int next_of(struct handle *iterator)
{
    struct notification *n;
    int at;

    if (iterator->notification >= 0) {
        n = &notifications[iterator->notification];
        if (take_pending(n, &at))
            return at;
        n->armed = true;
        return -1;
    }
    iterator->valid = iterator->valid && !changes_now(iterator);
    if (!iterator->valid || iterator->next >= iterator->count)
        return -1;
    return iterator->list[iterator->next++];
}

io_object_t IOIteratorNext(io_iterator_t iterator)
{
    io_object_t object = IO_OBJECT_NULL;
    int at;

    pthread_mutex_lock(&lock);
    at = next_of(need(iterator, KIND_ITERATOR));
    if (at >= 0)
        object = hand_out((struct handle){ .kind = KIND_ENTRY, .entry = at, .notification = -1 });
    pthread_mutex_unlock(&lock);
    return object;
}

boolean_t IOIteratorIsValid(io_iterator_t iterator)
{
    boolean_t valid;

    pthread_mutex_lock(&lock);
    valid = need(iterator, KIND_ITERATOR)->valid;
    pthread_mutex_unlock(&lock);
    return valid;
}

void IOIteratorReset(io_iterator_t iterator)
{
    pthread_mutex_lock(&lock);
    fill(need(iterator, KIND_ITERATOR));
    pthread_mutex_unlock(&lock);
}

/* --- entries --- */

static int entry_of(io_object_t object)
{
    int at;

    pthread_mutex_lock(&lock);
    at = need(object, KIND_ENTRY)->entry;
    pthread_mutex_unlock(&lock);
    return at;
}

static void copy_name(io_name_t to, const char *name)
{
    (void)snprintf(to, sizeof(io_name_t), "%s", name);
}

kern_return_t IOObjectGetClass(io_object_t object, io_name_t class_name)
{
    copy_name(class_name, text(entries[entry_of(object)].json, "class"));
    return KERN_SUCCESS;
}

boolean_t IOObjectConformsTo(io_object_t object, const char *class_name)
{
    return conforms(entry_of(object), class_name);
}

kern_return_t IORegistryEntryGetName(io_registry_entry_t entry, io_name_t name)
{
    copy_name(name, text(entries[entry_of(entry)].json, "name"));
    return KERN_SUCCESS;
}

kern_return_t IORegistryEntryGetRegistryEntryID(io_registry_entry_t entry, uint64_t *id)
{
    *id = entries[entry_of(entry)].id;
    return KERN_SUCCESS;
}

kern_return_t IORegistryEntryGetChildIterator(io_registry_entry_t entry, const char *plane,
                                              io_iterator_t *iterator)
{
    int at = entry_of(entry);

    if (strcmp(plane, kIOServicePlane) != 0)
        return kIOReturnBadArgument;
    pthread_mutex_lock(&lock);
    *iterator = iterate(NULL, at);
    pthread_mutex_unlock(&lock);
    return KERN_SUCCESS;
}

kern_return_t IORegistryEntryGetParentEntry(io_registry_entry_t entry, const char *plane,
                                            io_registry_entry_t *parent)
{
    int at = entries[entry_of(entry)].parent;

    (void)plane;
    if (at < 0)
        return KERN_FAILURE;
    pthread_mutex_lock(&lock);
    *parent = hand_out((struct handle){ .kind = KIND_ENTRY, .entry = at, .notification = -1 });
    pthread_mutex_unlock(&lock);
    return KERN_SUCCESS;
}

static void count_read(const char *name)
{
    size_t i = 0;

    while (i < READ_NAMES_MAX && reads[i].count > 0 && strcmp(reads[i].name, name) != 0)
        i++;
    if (i == READ_NAMES_MAX)
        return;
    (void)snprintf(reads[i].name, sizeof reads[i].name, "%s", name);
    reads[i].count++;
}

int64_t fake_properties_read(const char *name)
{
    for (size_t i = 0; i < READ_NAMES_MAX; i++)
        if (strcmp(reads[i].name, name) == 0)
            return reads[i].count;
    return 0;
}

CFTypeRef IORegistryEntryCreateCFProperty(io_registry_entry_t entry, CFStringRef key,
                                          CFAllocatorRef allocator, IOOptionBits options)
{
    int at = entry_of(entry);
    char name[128];

    (void)allocator, (void)options;
    if (!CFStringGetCString(key, name, sizeof name, kCFStringEncodingUTF8))
        return NULL;
    pthread_mutex_lock(&lock);
    count_read(name);
    /* It would make a sleeping GPU answer. */
    woken +=
        strcmp(name, "PerformanceStatistics") == 0 && has_span(entries[at].json, "asleep", false);
    pthread_mutex_unlock(&lock);
    return is_there(at) ? fake_value(get(get(entries[at].json, "properties"), name)) : NULL;
}

kern_return_t IOServiceWaitQuiet(io_service_t service, mach_timespec_t *wait)
{
    if (wait == NULL) {
        fputs("fake kernel: a wait without an end\n", stderr);
        abort();
    }
    return has_span(entries[entry_of(service)].json, "busy", false) ? kIOReturnTimeout
                                                                    : KERN_SUCCESS;
}

/* --- connections: of the SMC --- */

kern_return_t IOServiceOpen(io_service_t service, mach_port_t task, uint32_t type,
                            io_connect_t *connection)
{
    int at = entry_of(service);

    if (task != mach_task_self() || type != 0)
        return kIOReturnBadArgument;
    if (!conforms(at, "AppleSMC") || fake->smc == NULL)
        return kIOReturnNotPermitted;
    pthread_mutex_lock(&lock);
    *connection =
        hand_out((struct handle){ .kind = KIND_CONNECTION, .entry = at, .notification = -1 });
    pthread_mutex_unlock(&lock);
    return KERN_SUCCESS;
}

kern_return_t IOServiceClose(io_connect_t connection)
{
    struct handle *handle;

    pthread_mutex_lock(&lock);
    handle = find(connection, KIND_CONNECTION);
    wrong_releases += handle == NULL;
    if (handle != NULL)
        forget(handle);
    pthread_mutex_unlock(&lock);
    return handle != NULL ? KERN_SUCCESS : KERN_INVALID_RIGHT;
}

kern_return_t IOConnectCallStructMethod(io_connect_t connection, uint32_t selector,
                                        const void *input, size_t input_size, void *output,
                                        size_t *output_size)
{
    pthread_mutex_lock(&lock);
    (void)need(connection, KIND_CONNECTION);
    pthread_mutex_unlock(&lock);
    return fake_smc_call(selector, input, input_size, output, output_size);
}

/* --- the account --- */

int fake_iokit_settle(FILE *out)
{
    static const char *const kinds[] = { "", "entry", "iterator", "connection", "" };
    int left = 0;

    for (size_t i = 0; i < handle_count; i++) {
        if (handles[i].kind == KIND_GONE)
            continue;
        left++;
        fprintf(out, "fake kernel: an object of IOKit is left: %s %s\n", kinds[handles[i].kind],
                handles[i].entry >= 0 ? text(entries[handles[i].entry].json, "class") : "");
    }
    if (left == 0)
        handle_count = 0;
    if (wrong_releases > 0)
        fprintf(out, "fake kernel: %d objects of IOKit released that were not held\n",
                wrong_releases);
    if (woken > 0)
        fprintf(out, "fake kernel: a sleeping GPU was woken %d times\n", woken);
    if (ports_out != 0 || queues_out != 0)
        fprintf(out, "fake kernel: %d ports for notifications and %d queues are left\n", ports_out,
                queues_out);
    return left + wrong_releases + woken + abs(ports_out) + abs(queues_out) +
           fake_ioreport_settle(out) + fake_cf_settle(out);
}
