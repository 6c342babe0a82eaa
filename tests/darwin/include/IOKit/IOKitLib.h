/*
 * IOKit: services, their properties, and word of their coming and going. An object that a call hands out is given back
 * by IOObjectRelease, a connection by IOServiceClose and by nothing else.
 */
#ifndef DARWIN_IOKIT_IOKITLIB_H
#define DARWIN_IOKIT_IOKITLIB_H

#include <stddef.h>
#include <stdint.h>

#include <CoreFoundation/CoreFoundation.h>
#include <dispatch/dispatch.h>
#include <mach/mach.h>

typedef mach_port_t io_object_t;
typedef io_object_t io_registry_entry_t;
typedef io_object_t io_service_t;
typedef io_object_t io_iterator_t;
typedef io_object_t io_connect_t;
typedef char io_name_t[128];
typedef uint32_t IOOptionBits;
typedef int boolean_t;
typedef struct io_notification_port *IONotificationPortRef;
typedef void (*IOServiceMatchingCallback)(void *context, io_iterator_t iterator);
typedef struct {
    unsigned tv_sec;
    int tv_nsec;
} mach_timespec_t;
/* A name that is given is an io_name_t there, of which nothing is read behind its end. */
_Static_assert(sizeof(mach_timespec_t) == 8, "mach_timespec_t");

#define IO_OBJECT_NULL 0U
#define kIOServicePlane "IOService"
#define kIOFirstMatchNotification "IOServiceFirstMatch"
#define kIOTerminatedNotification "IOServiceTerminate"
#define kIOReturnSuccess KERN_SUCCESS
#define kIOReturnBadArgument ((kern_return_t)0xe00002c2)
#define kIOReturnTimeout ((kern_return_t)0xe00002d6)
#define kIOReturnNotPermitted ((kern_return_t)0xe00002e2)
#define kIORegistryIterateRecursively 1U
#define kIORegistryIterateParents 2U

/* What matches a class and those made from it. The three calls that take it release it, always. */
CFMutableDictionaryRef IOServiceMatching(const char *class_name);
kern_return_t IOServiceGetMatchingServices(mach_port_t port, CFDictionaryRef matching,
                                           io_iterator_t *iterator);
kern_return_t IOServiceAddMatchingNotification(IONotificationPortRef port, const char *type,
                                               CFDictionaryRef matching,
                                               IOServiceMatchingCallback callback, void *context,
                                               io_iterator_t *iterator);
IONotificationPortRef IONotificationPortCreate(mach_port_t port);
void IONotificationPortSetDispatchQueue(IONotificationPortRef port, dispatch_queue_t queue);
void IONotificationPortDestroy(IONotificationPortRef port);

/* 0: the end, or the registry has changed. */
io_object_t IOIteratorNext(io_iterator_t iterator);
boolean_t IOIteratorIsValid(io_iterator_t iterator);
void IOIteratorReset(io_iterator_t iterator);
kern_return_t IOObjectRetain(io_object_t object);
kern_return_t IOObjectRelease(io_object_t object);
kern_return_t IOObjectGetClass(io_object_t object, io_name_t class_name);
boolean_t IOObjectConformsTo(io_object_t object, const char *class_name);

kern_return_t IORegistryEntryGetName(io_registry_entry_t entry, io_name_t name);
kern_return_t IORegistryEntryGetRegistryEntryID(io_registry_entry_t entry, uint64_t *id);
kern_return_t IORegistryEntryGetChildIterator(io_registry_entry_t entry, const char *plane,
                                              io_iterator_t *iterator);
kern_return_t IORegistryEntryGetParentEntry(io_registry_entry_t entry, const char *plane,
                                            io_registry_entry_t *parent);
/* NULL: there is none. Released by the caller. */
CFTypeRef IORegistryEntryCreateCFProperty(io_registry_entry_t entry, CFStringRef key,
                                          CFAllocatorRef allocator, IOOptionBits options);

/* Until it has nothing to do; kIOReturnTimeout: it has. NULL: for ever. */
kern_return_t IOServiceWaitQuiet(io_service_t service, mach_timespec_t *wait);
kern_return_t IOServiceOpen(io_service_t service, mach_port_t task, uint32_t type,
                            io_connect_t *connection);
kern_return_t IOServiceClose(io_connect_t connection);
kern_return_t IOConnectCallStructMethod(io_connect_t connection, uint32_t selector,
                                        const void *input, size_t input_size, void *output,
                                        size_t *output_size);

#endif
