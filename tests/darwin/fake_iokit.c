/*
 * IOKit: objects handed out, iterators that a change makes invalid, properties of entries. Each object has a name of its
 * own, so that releasing another one is seen.
 */
#include "tests/darwin/fake_registry.h"
#include "tests/darwin/fake_smc.h"
#include "tests/darwin/scenario.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

enum { READ_NAMES_MAX = 64, FIRST_NAME = 0x1003 };
enum kind { KIND_GONE, KIND_ENTRY, KIND_ITERATOR, KIND_CONNECTION, KIND_CLOSED };

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

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct handle *handles;
static size_t handle_count, handle_room;
static const cJSON *faults_of;
static int64_t changes_left; /* how often iterators are still to fail: of faults_of */
static int wrong_releases, woken;
static int64_t matches;
static struct {
    char name[128];
    int64_t count;
} reads[READ_NAMES_MAX];

static const cJSON *get(const cJSON *from, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(from, name);
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
    for (int i = 0; i < fake_entry_count(); i++) {
        bool wanted = iterator->class_name != NULL
                          ? fake_entry_conforms(i, iterator->class_name) && fake_entry_registered(i)
                          : fake_entry_parent(i) == iterator->entry;

        if (wanted && fake_entry_there(i))
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

io_iterator_t fake_iterator_of(int notification)
{
    io_iterator_t iterator;

    pthread_mutex_lock(&lock);
    iterator = iterate("", -1);
    need(iterator, KIND_ITERATOR)->notification = notification;
    pthread_mutex_unlock(&lock);
    return iterator;
}

static void forget(struct handle *handle)
{
    if (handle->notification >= 0)
        fake_notify_drop(handle->notification);
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
void fake_class_of(CFDictionaryRef matching, char name[128])
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
    fake_class_of(matching, name);
    pthread_mutex_lock(&lock);
    fake_entries_build();
    *iterator = iterate(name, -1);
    matches++;
    pthread_mutex_unlock(&lock);
    return KERN_SUCCESS;
}

int64_t fake_matches(void)
{
    return matches;
}

/* --- iterators --- */

/* After so many objects, in the scenario's time for it, and so many times. */
static bool changes_now(const struct handle *iterator)
{
    const cJSON *after = get(fake->iokit_faults, "after"), *times;

    if (faults_of != fake->iokit_faults) {
        faults_of = fake->iokit_faults;
        times = get(faults_of, "times");
        changes_left = times != NULL ? scenario_integer(times->valuedouble) : 0;
    }
    if (changes_left == 0 || !fake_span(fake->iokit_faults, "iterators_invalid", false) ||
        after == NULL || iterator->next != (size_t)scenario_integer(after->valuedouble))
        return false;
    changes_left--;
    return true;
}

static int next_of(struct handle *iterator)
{
    int at;

    if (iterator->notification >= 0) {
        return fake_notify_take(iterator->notification, &at) ? at : -1;
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
    copy_name(class_name, fake_text(fake_entry_json(entry_of(object)), "class"));
    return KERN_SUCCESS;
}

boolean_t IOObjectConformsTo(io_object_t object, const char *class_name)
{
    return fake_entry_conforms(entry_of(object), class_name);
}

kern_return_t IORegistryEntryGetName(io_registry_entry_t entry, io_name_t name)
{
    copy_name(name, fake_text(fake_entry_json(entry_of(entry)), "name"));
    return KERN_SUCCESS;
}

kern_return_t IORegistryEntryGetRegistryEntryID(io_registry_entry_t entry, uint64_t *id)
{
    *id = fake_entry_id(entry_of(entry));
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
    int at = fake_entry_parent(entry_of(entry));

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
    woken += strcmp(name, "PerformanceStatistics") == 0 &&
             fake_span(fake_entry_json(at), "asleep", false);
    pthread_mutex_unlock(&lock);
    return fake_entry_there(at) ? fake_value(get(get(fake_entry_json(at), "properties"), name))
                                : NULL;
}

kern_return_t IOServiceWaitQuiet(io_service_t service, mach_timespec_t *wait)
{
    if (wait == NULL) {
        fputs("fake kernel: a wait without an end\n", stderr);
        abort();
    }
    return fake_span(fake_entry_json(entry_of(service)), "busy", false) ? kIOReturnTimeout
                                                                        : KERN_SUCCESS;
}

/* --- connections: of the SMC --- */

kern_return_t IOServiceOpen(io_service_t service, mach_port_t task, uint32_t type,
                            io_connect_t *connection)
{
    int at = entry_of(service);

    if (task != mach_task_self() || type != 0)
        return kIOReturnBadArgument;
    if (!fake_entry_conforms(at, "AppleSMC") || fake->smc == NULL)
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
                handles[i].entry >= 0 ? fake_text(fake_entry_json(handles[i].entry), "class") : "");
    }
    if (left == 0)
        handle_count = 0;
    if (wrong_releases > 0)
        fprintf(out, "fake kernel: %d objects of IOKit released that were not held\n",
                wrong_releases);
    if (woken > 0)
        fprintf(out, "fake kernel: a sleeping GPU was woken %d times\n", woken);
    return left + wrong_releases + woken + fake_notify_settle(out) + fake_ioreport_settle(out) +
           fake_cf_settle(out);
}
