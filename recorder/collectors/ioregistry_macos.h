/*
 * What the registry of IOKit tells: walks that begin anew when it changes, and properties of which only what has the
 * expected type is taken.
 */
#ifndef RECORDER_IOREGISTRY_MACOS_H
#define RECORDER_IOREGISTRY_MACOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <CoreFoundation/CoreFoundation.h>
#include <IOKit/IOKitLib.h>

#include "schema/error.h"
#include "schema/metric.h"

/* One pass over entries; `begin` forgets what an earlier one of the same walk has seen. */
struct ioregistry_visitor {
    void (*begin)(void *self);
    /* The entry is released afterwards. */
    void (*see)(void *self, io_registry_entry_t entry);
    void *self;
};

/*
 * All services of a class and of those made from it; all children of an entry.
 *
 *   errors  IO: it cannot be asked, or it changed at each of three attempts
 */
MUST_USE enum status ioregistry_services(const char *class_name,
                                         const struct ioregistry_visitor *visitor,
                                         struct error *err);
MUST_USE enum status ioregistry_children(io_registry_entry_t entry,
                                         const struct ioregistry_visitor *visitor,
                                         struct error *err);
/* Whether there is any; the registry is asked for no more than that. */
bool ioregistry_has(const char *class_name);

/* A property of that type, for CFRelease; NULL: there is none, or it is of another type. */
CFTypeRef ioregistry_copy(io_registry_entry_t entry, const char *key, CFTypeID type);
/* Its registry id; 0: it cannot be told. */
uint64_t ioregistry_id(io_registry_entry_t entry);

/* What a dictionary holds under a key, if it has that type; NULL otherwise. Not to be released. */
CFTypeRef ioregistry_get(CFDictionaryRef dictionary, const char *key, CFTypeID type);
/* UNSUPPORTED: it holds none; FAILED: it is no whole number, or below 0. */
enum missing ioregistry_number(CFDictionaryRef dictionary, const char *key, int64_t *value);
/* Cut to fit; false and "": there is none. */
bool ioregistry_text(CFTypeRef string, char *text, size_t size);

#endif
