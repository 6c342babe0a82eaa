/*
 * CoreFoundation, as far as it carries what IOKit and IOReport tell. What a function with Create or Copy in its name
 * returns is given back by CFRelease; what one with Get returns is not.
 */
#ifndef DARWIN_COREFOUNDATION_H
#define DARWIN_COREFOUNDATION_H

#include <stdint.h>

typedef const void *CFTypeRef;
typedef const struct cf_allocator *CFAllocatorRef;
typedef const struct cf_string *CFStringRef;
typedef const struct cf_number *CFNumberRef;
typedef const struct cf_boolean *CFBooleanRef;
typedef const struct cf_data *CFDataRef;
typedef const struct cf_array *CFArrayRef;
typedef struct cf_array *CFMutableArrayRef;
typedef const struct cf_dictionary *CFDictionaryRef;
typedef struct cf_dictionary *CFMutableDictionaryRef;
typedef unsigned long CFTypeID;
typedef unsigned long CFOptionFlags;
typedef long CFIndex;
typedef long CFNumberType;
typedef uint32_t CFStringEncoding;
typedef unsigned char Boolean;
typedef unsigned char UInt8;

typedef struct {
    CFIndex version;
    const void *reserved[5];
} CFDictionaryKeyCallBacks;
typedef struct {
    CFIndex version;
    const void *reserved[4];
} CFDictionaryValueCallBacks, CFArrayCallBacks;
_Static_assert(sizeof(CFDictionaryKeyCallBacks) == 48, "CFDictionaryKeyCallBacks");
_Static_assert(sizeof(CFDictionaryValueCallBacks) == 40, "CFDictionaryValueCallBacks");

#define kCFAllocatorDefault ((CFAllocatorRef)0)
#define kCFStringEncodingUTF8 0x08000100U
#define kCFNumberSInt64Type 4
#define kCFNumberDoubleType 13

extern const CFDictionaryKeyCallBacks kCFTypeDictionaryKeyCallBacks;
extern const CFDictionaryValueCallBacks kCFTypeDictionaryValueCallBacks;
extern const CFArrayCallBacks kCFTypeArrayCallBacks;

CFTypeRef CFRetain(CFTypeRef reference);
void CFRelease(CFTypeRef reference); /* not NULL */
CFTypeID CFGetTypeID(CFTypeRef reference);
CFTypeID CFStringGetTypeID(void);
CFTypeID CFNumberGetTypeID(void);
CFTypeID CFBooleanGetTypeID(void);
CFTypeID CFDataGetTypeID(void);
CFTypeID CFArrayGetTypeID(void);
CFTypeID CFDictionaryGetTypeID(void);

CFStringRef CFStringCreateWithCString(CFAllocatorRef allocator, const char *text,
                                      CFStringEncoding encoding);
/* False: it does not fit, or cannot be encoded. */
Boolean CFStringGetCString(CFStringRef string, char *text, CFIndex size, CFStringEncoding encoding);
CFNumberRef CFNumberCreate(CFAllocatorRef allocator, CFNumberType type, const void *value);
/* False: the value was changed by the conversion. */
Boolean CFNumberGetValue(CFNumberRef number, CFNumberType type, void *value);
Boolean CFBooleanGetValue(CFBooleanRef boolean);
CFIndex CFDataGetLength(CFDataRef data);
const UInt8 *CFDataGetBytePtr(CFDataRef data);
CFMutableArrayRef CFArrayCreateMutable(CFAllocatorRef allocator, CFIndex capacity,
                                       const CFArrayCallBacks *callbacks);
void CFArrayAppendValue(CFMutableArrayRef array, const void *value);
CFIndex CFArrayGetCount(CFArrayRef array);
const void *CFArrayGetValueAtIndex(CFArrayRef array, CFIndex index);
CFMutableDictionaryRef CFDictionaryCreateMutable(CFAllocatorRef allocator, CFIndex capacity,
                                                 const CFDictionaryKeyCallBacks *key_callbacks,
                                                 const CFDictionaryValueCallBacks *value_callbacks);
CFMutableDictionaryRef CFDictionaryCreateMutableCopy(CFAllocatorRef allocator, CFIndex capacity,
                                                     CFDictionaryRef dictionary);
const void *CFDictionaryGetValue(CFDictionaryRef dictionary, const void *key);
void CFDictionarySetValue(CFMutableDictionaryRef dictionary, const void *key, const void *value);

#endif
