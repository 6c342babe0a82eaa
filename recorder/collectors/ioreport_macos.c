/*
 *   source  /usr/lib/libIOReport.dylib, which is in no public header: prototypes are as several
 *           published programs have them. Its file is in the system's cache only, so it is looked
 *           for by dlopen
 *   units   of each channel its own, told by its label
 *
 * Samples that are taken, not the library's differences of two: those are since the host started,
 * so that whoever reads the recording can take the difference of any two.
 */
#include "recorder/collectors/ioreport_macos.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/collectors/ioregistry_macos.h"

static const char library_path[] = "/usr/lib/libIOReport.dylib";
static const char channels_key[] = "IOReportChannels";

struct library {
    void *handle;
    CFMutableDictionaryRef (*copy_channels)(CFStringRef group, CFStringRef subgroup, uint64_t,
                                            uint64_t, uint64_t);
    void (*merge)(CFMutableDictionaryRef into, CFDictionaryRef from, CFTypeRef);
    CFTypeRef (*subscribe)(void *, CFMutableDictionaryRef channels, CFMutableDictionaryRef *to,
                           uint64_t, CFTypeRef);
    CFDictionaryRef (*sample)(CFTypeRef subscription, CFMutableDictionaryRef channels, CFTypeRef);
    CFStringRef (*group)(CFDictionaryRef channel);
    CFStringRef (*subgroup)(CFDictionaryRef channel);
    CFStringRef (*name)(CFDictionaryRef channel);
    CFStringRef (*unit)(CFDictionaryRef channel);
    int (*format)(CFDictionaryRef channel);
    int64_t (*integer)(CFDictionaryRef channel, int32_t);
    int32_t (*state_count)(CFDictionaryRef channel);
    CFStringRef (*state_name)(CFDictionaryRef channel, int32_t place);
    int64_t (*residency)(CFDictionaryRef channel, int32_t place);
};

#define FUNCTION(member, name)                                                                     \
    {                                                                                              \
        offsetof(struct library, member), "IOReport" name                                          \
    }

static const struct {
    size_t at;
    const char *name;
} functions[] = {
    FUNCTION(copy_channels, "CopyChannelsInGroup"),
    FUNCTION(merge, "MergeChannels"),
    FUNCTION(subscribe, "CreateSubscription"),
    FUNCTION(sample, "CreateSamples"),
    FUNCTION(group, "ChannelGetGroup"),
    FUNCTION(subgroup, "ChannelGetSubGroup"),
    FUNCTION(name, "ChannelGetChannelName"),
    FUNCTION(unit, "ChannelGetUnitLabel"),
    FUNCTION(format, "ChannelGetFormat"),
    FUNCTION(integer, "SimpleGetIntegerValue"),
    FUNCTION(state_count, "StateGetCount"),
    FUNCTION(state_name, "StateGetNameForIndex"),
    FUNCTION(residency, "StateGetResidency"),
};

enum { FORMAT_SIMPLE = 1, FORMAT_STATE = 2 };

struct ioreport {
    struct library library;
    CFTypeRef subscription;
    CFMutableDictionaryRef subscribed;
    size_t count;
    struct ioreport_channel channel[IOREPORT_CHANNELS_MAX];
};

static enum status load(struct library *library, struct error *err)
{
    library->handle = dlopen(library_path, RTLD_NOW | RTLD_LOCAL);
    if (library->handle == NULL)
        return error_set(err, STATUS_ABSENT, "%s", dlerror());
    for (size_t i = 0; i < COUNT_OF(functions); i++) {
        void *address = dlsym(library->handle, functions[i].name);

        if (address == NULL)
            return error_set(err, STATUS_ABSENT, "%s has no %s", library_path, functions[i].name);
        memcpy((char *)library + functions[i].at, &address, sizeof address);
    }
    return STATUS_OK;
}

/* --- names --- */

static void copy_text(CFStringRef string, char *text, size_t size)
{
    (void)ioregistry_text(string, text, size); /* NULL is "" */
}

static void read_names(const struct library *library, CFDictionaryRef from,
                       struct ioreport_channel *channel)
{
    *channel = (struct ioreport_channel){ .value = INT64_MIN };
    copy_text(library->group(from), channel->group, sizeof channel->group);
    copy_text(library->subgroup(from), channel->subgroup, sizeof channel->subgroup);
    copy_text(library->name(from), channel->name, sizeof channel->name);
    copy_text(library->unit(from), channel->unit, sizeof channel->unit);
}

static CFArrayRef array_of(CFDictionaryRef channels)
{
    return ioregistry_get(channels, channels_key, CFArrayGetTypeID());
}

/* --- the subscription --- */

/* All channels of the groups that are there. NULL: of none. */
static CFMutableDictionaryRef copy_groups(const struct library *library,
                                          const struct ioreport_group groups[], size_t count)
{
    CFMutableDictionaryRef all = NULL;

    for (size_t i = 0; i < count; i++) {
        CFStringRef group =
            CFStringCreateWithCString(kCFAllocatorDefault, groups[i].group, kCFStringEncodingUTF8);
        CFStringRef subgroup =
            groups[i].subgroup == NULL
                ? NULL
                : CFStringCreateWithCString(kCFAllocatorDefault, groups[i].subgroup,
                                            kCFStringEncodingUTF8);
        CFMutableDictionaryRef more =
            group == NULL ? NULL : library->copy_channels(group, subgroup, 0, 0, 0);

        if (group != NULL)
            CFRelease(group);
        if (subgroup != NULL)
            CFRelease(subgroup);
        if (more != NULL && all != NULL) {
            library->merge(all, more, NULL);
            CFRelease(more);
        } else if (more != NULL) {
            all = more;
        }
    }
    return all;
}

/* Only what is wanted of them, which makes samples cheap; its names are kept. NULL: nothing is. */
static CFMutableDictionaryRef copy_chosen(struct ioreport *report, CFDictionaryRef all,
                                          bool (*wanted)(const struct ioreport_channel *channel))
{
    CFArrayRef from = array_of(all);
    CFMutableArrayRef kept = CFArrayCreateMutable(kCFAllocatorDefault, 0, &kCFTypeArrayCallBacks);
    CFStringRef key =
        CFStringCreateWithCString(kCFAllocatorDefault, channels_key, kCFStringEncodingUTF8);
    CFMutableDictionaryRef chosen = NULL;

    for (CFIndex i = 0; from != NULL && kept != NULL && i < CFArrayGetCount(from); i++) {
        struct ioreport_channel *channel = &report->channel[report->count];
        CFTypeRef item = CFArrayGetValueAtIndex(from, i);

        if (report->count == IOREPORT_CHANNELS_MAX)
            break;
        if (CFGetTypeID(item) != CFDictionaryGetTypeID())
            continue;
        read_names(&report->library, item, channel);
        if (channel->name[0] == '\0' || !wanted(channel))
            continue;
        CFArrayAppendValue(kept, item);
        report->count++;
    }
    if (report->count > 0 && key != NULL)
        chosen = CFDictionaryCreateMutableCopy(kCFAllocatorDefault, 0, all);
    if (chosen != NULL)
        CFDictionarySetValue(chosen, key, kept);
    if (kept != NULL)
        CFRelease(kept);
    if (key != NULL)
        CFRelease(key);
    return chosen;
}

static enum status subscribe(struct ioreport *report, const struct ioreport_group groups[],
                             size_t group_count,
                             bool (*wanted)(const struct ioreport_channel *channel),
                             struct error *err)
{
    CFMutableDictionaryRef all = copy_groups(&report->library, groups, group_count), chosen;

    if (all == NULL)
        return error_set(err, STATUS_ABSENT, "IOReport has no group \"%s\"", groups[0].group);
    chosen = copy_chosen(report, all, wanted);
    CFRelease(all);
    if (chosen == NULL)
        return error_set(err, STATUS_ABSENT, "IOReport's group \"%s\" has no channel that is known",
                         groups[0].group);
    report->subscription = report->library.subscribe(NULL, chosen, &report->subscribed, 0, NULL);
    CFRelease(chosen);
    if (report->subscription == NULL || report->subscribed == NULL)
        return error_set(err, STATUS_ABSENT, "IOReport refuses its group \"%s\"", groups[0].group);
    return STATUS_OK;
}

enum status ioreport_open(struct ioreport **opened, const struct ioreport_group groups[],
                          size_t group_count,
                          bool (*wanted)(const struct ioreport_channel *channel), struct error *err)
{
    struct ioreport *report = calloc(1, sizeof *report);
    enum status st;

    *opened = NULL;
    if (report == NULL)
        return error_set(err, STATUS_NO_MEMORY, "IOReport");
    st = load(&report->library, err);
    if (st == STATUS_OK)
        st = subscribe(report, groups, group_count, wanted, err);
    if (st == STATUS_OK)
        *opened = report;
    else
        ioreport_close(report);
    return st;
}

void ioreport_close(struct ioreport *report)
{
    if (report == NULL)
        return;
    if (report->subscription != NULL)
        CFRelease(report->subscription);
    if (report->subscribed != NULL)
        CFRelease(report->subscribed);
    if (report->library.handle != NULL)
        (void)dlclose(report->library.handle);
    free(report);
}

/* --- samples --- */

static void read_states(const struct library *library, CFDictionaryRef from,
                        struct ioreport_channel *channel)
{
    int32_t count = library->state_count(from);

    channel->state_count = count < 0 || count > IOREPORT_STATES_MAX ? 0 : (int)count;
    for (int i = 0; i < channel->state_count; i++) {
        copy_text(library->state_name(from, i), channel->state[i].name,
                  sizeof channel->state[i].name);
        channel->state[i].residency = library->residency(from, i);
    }
}

static bool is_same(const struct ioreport_channel *a, const struct ioreport_channel *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->group, b->group) == 0 &&
           strcmp(a->subgroup, b->subgroup) == 0;
}

/* Mostly they come in the order in which they were subscribed. */
static struct ioreport_channel *find(struct ioreport *report, CFDictionaryRef item, size_t place)
{
    struct ioreport_channel told;

    read_names(&report->library, item, &told);
    for (size_t i = 0; i < report->count; i++) {
        struct ioreport_channel *channel = &report->channel[(place + i) % report->count];

        if (is_same(channel, &told))
            return channel;
    }
    return NULL;
}

static void take(struct ioreport *report, CFDictionaryRef item, size_t place)
{
    const struct library *library = &report->library;
    struct ioreport_channel *channel = find(report, item, place);
    int format = library->format(item);

    if (channel == NULL || channel->there)
        return;
    channel->there = true;
    if (format == FORMAT_SIMPLE)
        channel->value = library->integer(item, 0);
    else if (format == FORMAT_STATE)
        read_states(library, item, channel);
}

enum status ioreport_sample(struct ioreport *report, struct error *err)
{
    CFDictionaryRef sample = report->library.sample(report->subscription, report->subscribed, NULL);
    CFArrayRef items;

    for (size_t i = 0; i < report->count; i++) {
        report->channel[i].there = false;
        report->channel[i].value = INT64_MIN;
        report->channel[i].state_count = 0;
    }
    if (sample == NULL)
        return error_set(err, STATUS_IO, "IOReportCreateSamples gives none");
    items = array_of(sample);
    for (CFIndex i = 0; items != NULL && i < CFArrayGetCount(items); i++) {
        CFTypeRef item = CFArrayGetValueAtIndex(items, i);

        if (CFGetTypeID(item) == CFDictionaryGetTypeID())
            take(report, item, (size_t)i);
    }
    CFRelease(sample);
    return STATUS_OK;
}

size_t ioreport_count(const struct ioreport *report)
{
    return report->count;
}

const struct ioreport_channel *ioreport_at(const struct ioreport *report, size_t place)
{
    return &report->channel[place];
}
