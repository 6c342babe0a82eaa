/*
 * The registry of IOKit, read. A registry that changes makes iterators invalid, which look as if they had come to
 * their end: what was seen until then is forgotten, and the walk begins anew.
 */
#include "recorder/collectors/ioregistry_macos.h"

#include <stdio.h>
#include <string.h>

enum { ATTEMPTS = 3 };

static bool pass(io_iterator_t iterator, const struct ioregistry_visitor *visitor)
{
    io_registry_entry_t entry;

    visitor->begin(visitor->self);
    while ((entry = IOIteratorNext(iterator)) != IO_OBJECT_NULL) {
        visitor->see(visitor->self, entry);
        (void)IOObjectRelease(entry);
    }
    return IOIteratorIsValid(iterator);
}

/* Releases the iterator, which is 0 on some systems where nothing matches. */
static enum status walk(io_iterator_t iterator, const struct ioregistry_visitor *visitor,
                        const char *what, struct error *err)
{
    bool whole = false;

    if (iterator == IO_OBJECT_NULL) {
        visitor->begin(visitor->self);
        return STATUS_OK;
    }
    for (int i = 0; i < ATTEMPTS && !whole; i++) {
        if (i > 0)
            IOIteratorReset(iterator);
        whole = pass(iterator, visitor);
    }
    (void)IOObjectRelease(iterator);
    if (whole)
        return STATUS_OK;
    visitor->begin(visitor->self);
    return error_set(err, STATUS_IO, "%s: the IO registry changed at each of %d attempts", what,
                     ATTEMPTS);
}

enum status ioregistry_services(const char *class_name, const struct ioregistry_visitor *visitor,
                                struct error *err)
{
    io_iterator_t iterator = IO_OBJECT_NULL;
    CFMutableDictionaryRef matching = IOServiceMatching(class_name);
    kern_return_t result;

    if (matching == NULL)
        return error_set(err, STATUS_NO_MEMORY, "matching %s", class_name);
    result =
        IOServiceGetMatchingServices(MACH_PORT_NULL, matching, &iterator); /* and releases it */
    if (result != KERN_SUCCESS)
        return error_set(err, STATUS_IO, "IOServiceGetMatchingServices(%s): %#x", class_name,
                         (unsigned)result);
    return walk(iterator, visitor, class_name, err);
}

enum status ioregistry_children(io_registry_entry_t entry, const struct ioregistry_visitor *visitor,
                                struct error *err)
{
    io_iterator_t iterator = IO_OBJECT_NULL;
    kern_return_t result = IORegistryEntryGetChildIterator(entry, kIOServicePlane, &iterator);

    if (result != KERN_SUCCESS)
        return error_set(err, STATUS_IO, "IORegistryEntryGetChildIterator: %#x", (unsigned)result);
    return walk(iterator, visitor, "children", err);
}

static void begin_count(void *self)
{
    *(size_t *)self = 0;
}

static void count(void *self, io_registry_entry_t entry)
{
    (void)entry;
    ++*(size_t *)self;
}

bool ioregistry_has(const char *class_name)
{
    size_t found = 0;
    const struct ioregistry_visitor counter = { begin_count, count, &found };
    struct error err;

    return ioregistry_services(class_name, &counter, &err) == STATUS_OK && found > 0;
}

CFTypeRef ioregistry_copy(io_registry_entry_t entry, const char *key, CFTypeID type)
{
    CFStringRef name = CFStringCreateWithCString(kCFAllocatorDefault, key, kCFStringEncodingUTF8);
    CFTypeRef value;

    if (name == NULL)
        return NULL;
    value = IORegistryEntryCreateCFProperty(entry, name, kCFAllocatorDefault, 0);
    CFRelease(name);
    if (value != NULL && CFGetTypeID(value) != type) {
        CFRelease(value);
        value = NULL;
    }
    return value;
}

uint64_t ioregistry_id(io_registry_entry_t entry)
{
    uint64_t id = 0;

    return IORegistryEntryGetRegistryEntryID(entry, &id) == KERN_SUCCESS ? id : 0;
}

/* NULL: there is nothing under the key. */
static CFTypeRef look_up(CFDictionaryRef dictionary, const char *key)
{
    CFStringRef name = CFStringCreateWithCString(kCFAllocatorDefault, key, kCFStringEncodingUTF8);
    CFTypeRef value;

    if (name == NULL)
        return NULL;
    value = CFDictionaryGetValue(dictionary, name);
    CFRelease(name);
    return value;
}

CFTypeRef ioregistry_get(CFDictionaryRef dictionary, const char *key, CFTypeID type)
{
    CFTypeRef value = look_up(dictionary, key);

    return value != NULL && CFGetTypeID(value) == type ? value : NULL;
}

enum missing ioregistry_number(CFDictionaryRef dictionary, const char *key, int64_t *value)
{
    CFTypeRef found = look_up(dictionary, key);
    int64_t number = 0;

    if (found == NULL)
        return MISSING_UNSUPPORTED;
    if (CFGetTypeID(found) != CFNumberGetTypeID() ||
        !CFNumberGetValue(found, kCFNumberSInt64Type, &number) || number < 0)
        return MISSING_FAILED;
    *value = number;
    return MISSING_NONE;
}

bool ioregistry_text(CFTypeRef string, char *text, size_t size)
{
    char whole[512];

    text[0] = '\0';
    if (string == NULL || CFGetTypeID(string) != CFStringGetTypeID() ||
        !CFStringGetCString(string, whole, sizeof whole, kCFStringEncodingUTF8))
        return false;
    (void)snprintf(text, size, "%s", whole);
    return text[0] != '\0';
}
