/* The registry of a simulated Mac, and the objects in which it tells of itself. */
#ifndef DARWIN_FAKE_IOKIT_H
#define DARWIN_FAKE_IOKIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <CoreFoundation/CoreFoundation.h>

#include "tests/darwin/fake_kernel.h"

struct cJSON;

/* For the analyzer: what is returned is the caller's to release; what is given is released here. */
#ifdef __clang__
#define CF_MADE __attribute__((cf_returns_retained))
#define CF_TAKEN __attribute__((cf_consumed))
#else
#define CF_MADE
#define CF_TAKEN
#endif

/* --- fake_cf.c --- */

CF_MADE CFTypeRef fake_cf_data(const void *bytes, size_t size);
CF_MADE CFTypeRef fake_cf_boolean(bool value);
/* Takes the value: what is created for it needs no release. */
void fake_cf_set(CFMutableDictionaryRef dictionary, const char *name, CFTypeRef CF_TAKEN value);

/* --- fake_value.c --- */

/*
 * What a scenario has for a property, now: tests/darwin/README.md. NULL: nothing. The caller's to
 * release.
 */
CF_MADE CFTypeRef fake_value(const struct cJSON *item);
/* The same of a number; false: it is none now. */
bool fake_value_number(const struct cJSON *item, int64_t *value);
const struct cJSON *fake_value_now(const struct cJSON *item);

/* --- fake_iokit.c --- */

/* Of scenarios made in C: their registry from JSON. Ends the program if it is none. */
const struct cJSON *fake_json(const char *json);
/* Whether a library is still open. */
int fake_ioreport_settle(FILE *out);
/* Entries of a registry that is about to be freed are forgotten. */
void fake_forget_registry(void);
/* How often a property of that name was read. */
int64_t fake_properties_read(const char *name);
/* How often services were searched for. */
int64_t fake_matches(void);

#endif
