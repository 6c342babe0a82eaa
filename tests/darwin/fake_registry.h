/* What the parts of the simulated IOKit share: entries by number, and word of their coming and going. */
#ifndef DARWIN_FAKE_REGISTRY_H
#define DARWIN_FAKE_REGISTRY_H

#include <IOKit/IOKitLib.h>

#include "tests/darwin/fake_iokit.h"

enum { ENTRIES_MAX = 1024 };

/* --- fake_registry.c --- */

/* Those of the scenario that is on, if they are not yet. */
void fake_entries_build(void);
int fake_entry_count(void);
const struct cJSON *fake_entry_json(int at);
int fake_entry_parent(int at); /* -1: none */
uint64_t fake_entry_id(int at);
bool fake_entry_there(int at);
bool fake_entry_conforms(int at, const char *class_name);
bool fake_entry_registered(int at);
/* Whether it is now within the times of that name. */
bool fake_span(const struct cJSON *from, const char *name, bool otherwise);
const char *fake_text(const struct cJSON *from, const char *name);

/* --- fake_iokit.c --- */

/* An iterator over what a notification has to tell. */
io_iterator_t fake_iterator_of(int notification);
/* The class that is to be matched. Releases it. */
void fake_class_of(CFDictionaryRef matching, char name[128]);

/* --- fake_notify.c --- */

/* The next entry to tell of; false: there is none, and the next word can come. */
bool fake_notify_take(int notification, int *at);
void fake_notify_drop(int notification);
int fake_notify_settle(FILE *out);

#endif
