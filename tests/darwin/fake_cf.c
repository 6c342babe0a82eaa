/*
 * CoreFoundation, with a count of references that has to come out even: what is released once too often, or is still
 * there at the end, is told by fake_settle.
 */
#include "tests/darwin/fake_iokit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum cf_type {
    CF_STRING = 7,
    CF_NUMBER = 22,
    CF_BOOLEAN = 21,
    CF_DATA = 20,
    CF_ARRAY = 19,
    CF_DICTIONARY = 18
};
enum { QUARANTINE = 4096, NAMED_MAX = 5 };

/* All kinds of objects are this one. */
struct object {
    struct object *next, *previous; /* of those that live */
    CFTypeID type;
    int references; /* 0: it is gone, and waits in quarantine */
    bool is_double;
    int64_t integer; /* of a boolean, too */
    double real;
    char *bytes; /* of a string and of data */
    size_t count, room;
    const struct object **values, **keys;
};

const CFDictionaryKeyCallBacks kCFTypeDictionaryKeyCallBacks;
const CFDictionaryValueCallBacks kCFTypeDictionaryValueCallBacks;
const CFArrayCallBacks kCFTypeArrayCallBacks;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct object *living;
static struct object *gone[QUARANTINE];
static size_t gone_next;
static int wrong_releases;

static void *need(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

static struct object *create(CFTypeID type)
{
    struct object *object = need(calloc(1, sizeof *object));

    object->type = type;
    object->references = 1;
    pthread_mutex_lock(&lock);
    object->next = living;
    if (living != NULL)
        living->previous = object;
    living = object;
    pthread_mutex_unlock(&lock);
    return object;
}

static void unlink_object(struct object *object)
{
    if (object->previous != NULL)
        object->previous->next = object->next;
    else
        living = object->next;
    if (object->next != NULL)
        object->next->previous = object->previous;
}

/* With the lock held. Its memory stays for a while, so that another release of it is seen. */
static void drop(struct object *object)
{
    if (object->references < 1) {
        wrong_releases++;
        return;
    }
    if (--object->references > 0)
        return;
    unlink_object(object);
    for (size_t i = 0; i < object->count && object->values != NULL; i++) {
        drop((struct object *)object->values[i]);
        if (object->keys != NULL)
            drop((struct object *)object->keys[i]);
    }
    free(object->values);
    free(object->keys);
    free(object->bytes);
    object->values = object->keys = NULL;
    object->bytes = NULL;
    free(gone[gone_next]);
    gone[gone_next] = object;
    gone_next = (gone_next + 1) % QUARANTINE;
}

/* Of one that is gone nothing may be asked; of another type it would be nonsense. */
static const struct object *of_type(CFTypeRef reference, CFTypeID type)
{
    const struct object *object = reference;

    if (object == NULL || object->references < 1 || object->type != type) {
        fputs("fake kernel: an object of CoreFoundation is used that is gone, or of another type\n",
              stderr);
        abort();
    }
    return object;
}

CFTypeRef CFRetain(CFTypeRef reference)
{
    struct object *object = (struct object *)reference;

    pthread_mutex_lock(&lock);
    wrong_releases += object->references < 1;
    object->references++;
    pthread_mutex_unlock(&lock);
    return reference;
}

void CFRelease(CFTypeRef reference)
{
    if (reference == NULL)
        abort();
    pthread_mutex_lock(&lock);
    drop((struct object *)reference);
    pthread_mutex_unlock(&lock);
}

CFTypeID CFGetTypeID(CFTypeRef reference)
{
    const struct object *object = reference;

    return of_type(reference, object->type)->type;
}

CFTypeID CFStringGetTypeID(void)
{
    return CF_STRING;
}

CFTypeID CFNumberGetTypeID(void)
{
    return CF_NUMBER;
}

CFTypeID CFBooleanGetTypeID(void)
{
    return CF_BOOLEAN;
}

CFTypeID CFDataGetTypeID(void)
{
    return CF_DATA;
}

CFTypeID CFArrayGetTypeID(void)
{
    return CF_ARRAY;
}

CFTypeID CFDictionaryGetTypeID(void)
{
    return CF_DICTIONARY;
}

static struct object *create_bytes(CFTypeID type, const void *bytes, size_t size)
{
    struct object *object = create(type);

    object->bytes = need(malloc(size + 1));
    memcpy(object->bytes, bytes, size);
    object->bytes[size] = '\0';
    object->count = size;
    return object;
}

CFStringRef CFStringCreateWithCString(CFAllocatorRef allocator, const char *text,
                                      CFStringEncoding encoding)
{
    (void)allocator;
    if (encoding != kCFStringEncodingUTF8)
        abort();
    return (CFStringRef)create_bytes(CF_STRING, text, strlen(text));
}

Boolean CFStringGetCString(CFStringRef string, char *text, CFIndex size, CFStringEncoding encoding)
{
    const struct object *object = of_type(string, CF_STRING);

    if (encoding != kCFStringEncodingUTF8)
        abort();
    if (size < 1 || object->count >= (size_t)size)
        return 0;
    memcpy(text, object->bytes, object->count + 1);
    return 1;
}

CFTypeRef fake_cf_data(const void *bytes, size_t size)
{
    return create_bytes(CF_DATA, bytes, size);
}

CFIndex CFDataGetLength(CFDataRef data)
{
    return (CFIndex)of_type(data, CF_DATA)->count;
}

const UInt8 *CFDataGetBytePtr(CFDataRef data)
{
    return (const UInt8 *)of_type(data, CF_DATA)->bytes;
}

CFTypeRef fake_cf_boolean(bool value)
{
    struct object *object = create(CF_BOOLEAN);

    object->integer = value;
    return object;
}

Boolean CFBooleanGetValue(CFBooleanRef boolean)
{
    return of_type(boolean, CF_BOOLEAN)->integer != 0;
}

CFNumberRef CFNumberCreate(CFAllocatorRef allocator, CFNumberType type, const void *value)
{
    struct object *object = create(CF_NUMBER);

    (void)allocator;
    object->is_double = type == kCFNumberDoubleType;
    if (object->is_double)
        memcpy(&object->real, value, sizeof object->real);
    else if (type == kCFNumberSInt64Type)
        memcpy(&object->integer, value, sizeof object->integer);
    else
        abort();
    return (CFNumberRef)object;
}

Boolean CFNumberGetValue(CFNumberRef number, CFNumberType type, void *value)
{
    const struct object *object = of_type(number, CF_NUMBER);
    int64_t integer = object->is_double ? (int64_t)object->real : object->integer;
    double real = object->is_double ? object->real : (double)object->integer;

    if (type == kCFNumberSInt64Type)
        memcpy(value, &integer, sizeof integer);
    else if (type == kCFNumberDoubleType)
        memcpy(value, &real, sizeof real);
    else
        abort();
    return type == kCFNumberDoubleType || !object->is_double || (double)integer == object->real;
}

/* --- collections --- */

static void add(struct object *object, const void *key, const void *value)
{
    if (object->count == object->room) {
        object->room = object->room == 0 ? 4 : object->room * 2;
        object->values = need(realloc(object->values, object->room * sizeof *object->values));
        if (object->type == CF_DICTIONARY)
            object->keys = need(realloc(object->keys, object->room * sizeof *object->keys));
    }
    object->values[object->count] = CFRetain(value);
    if (key != NULL)
        object->keys[object->count] = CFRetain(key);
    object->count++;
}

CFMutableArrayRef CFArrayCreateMutable(CFAllocatorRef allocator, CFIndex capacity,
                                       const CFArrayCallBacks *callbacks)
{
    (void)allocator, (void)capacity;
    if (callbacks != &kCFTypeArrayCallBacks)
        abort(); /* it would not hold on to what is in it */
    return (CFMutableArrayRef)create(CF_ARRAY);
}

void CFArrayAppendValue(CFMutableArrayRef array, const void *value)
{
    add((struct object *)of_type(array, CF_ARRAY), NULL, value);
}

CFIndex CFArrayGetCount(CFArrayRef array)
{
    return (CFIndex)of_type(array, CF_ARRAY)->count;
}

const void *CFArrayGetValueAtIndex(CFArrayRef array, CFIndex index)
{
    const struct object *object = of_type(array, CF_ARRAY);

    if (index < 0 || (size_t)index >= object->count)
        abort();
    return object->values[index];
}

CFMutableDictionaryRef CFDictionaryCreateMutable(CFAllocatorRef allocator, CFIndex capacity,
                                                 const CFDictionaryKeyCallBacks *key_callbacks,
                                                 const CFDictionaryValueCallBacks *value_callbacks)
{
    (void)allocator, (void)capacity;
    if (key_callbacks != &kCFTypeDictionaryKeyCallBacks ||
        value_callbacks != &kCFTypeDictionaryValueCallBacks)
        abort();
    return (CFMutableDictionaryRef)create(CF_DICTIONARY);
}

CFMutableDictionaryRef CFDictionaryCreateMutableCopy(CFAllocatorRef allocator, CFIndex capacity,
                                                     CFDictionaryRef dictionary)
{
    const struct object *from = of_type(dictionary, CF_DICTIONARY);
    struct object *copy = create(CF_DICTIONARY);

    (void)allocator, (void)capacity;
    for (size_t i = 0; i < from->count; i++)
        add(copy, from->keys[i], from->values[i]);
    return (CFMutableDictionaryRef)copy;
}

/* Keys are strings. */
static size_t place_of(const struct object *object, const void *key)
{
    const struct object *name = of_type(key, CF_STRING);
    size_t i = 0;

    while (i < object->count && strcmp(object->keys[i]->bytes, name->bytes) != 0)
        i++;
    return i;
}

const void *CFDictionaryGetValue(CFDictionaryRef dictionary, const void *key)
{
    const struct object *object = of_type(dictionary, CF_DICTIONARY);
    size_t i = place_of(object, key);

    return i < object->count ? object->values[i] : NULL;
}

void CFDictionarySetValue(CFMutableDictionaryRef dictionary, const void *key, const void *value)
{
    struct object *object = (struct object *)of_type(dictionary, CF_DICTIONARY);
    size_t i = place_of(object, key);

    if (i == object->count) {
        add(object, key, value);
        return;
    }
    (void)CFRetain(value);
    CFRelease(object->values[i]);
    object->values[i] = value;
}

void fake_cf_set(CFMutableDictionaryRef dictionary, const char *name, CFTypeRef value)
{
    CFStringRef key = CFStringCreateWithCString(NULL, name, kCFStringEncodingUTF8);

    CFDictionarySetValue(dictionary, key, value);
    CFRelease(key);
    CFRelease(value);
}

/* --- the account --- */

int fake_cf_settle(FILE *out)
{
    int faults = wrong_releases, left = 0;

    pthread_mutex_lock(&lock);
    if (wrong_releases > 0)
        fprintf(out, "fake kernel: %d objects of CoreFoundation released too often\n",
                wrong_releases);
    for (const struct object *object = living; object != NULL; object = object->next)
        if (++left <= NAMED_MAX)
            fprintf(out, "fake kernel: an object of CoreFoundation is left: type %lu, %d, %.60s\n",
                    object->type, object->references,
                    object->type == CF_STRING ? object->bytes : "");
    if (left > 0)
        fprintf(out, "fake kernel: %d objects of CoreFoundation are left\n", left);
    pthread_mutex_unlock(&lock);
    return faults + left;
}
