/*
 * libIOReport.dylib: channels of the scenario, their values as they are now. A library that is not there, lacks a
 * function or refuses is the scenario's, too.
 */
#include "tests/darwin/fake_iokit.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#undef dlopen
#undef dlsym
#undef dlclose
#undef dlerror

static const char library_path[] = "/usr/lib/libIOReport.dylib";
static char library; /* its address is the handle */
static int opened;
static bool failed_here;

static const cJSON *get(const cJSON *from, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(from, name);
}

/* --- dictionaries --- */

static CFTypeRef under(CFDictionaryRef dictionary, const char *name)
{
    CFStringRef key = CFStringCreateWithCString(NULL, name, kCFStringEncodingUTF8);
    CFTypeRef value = CFDictionaryGetValue(dictionary, key);

    CFRelease(key);
    return value;
}

CF_MADE static CFMutableDictionaryRef dictionary(void)
{
    return CFDictionaryCreateMutable(NULL, 0, &kCFTypeDictionaryKeyCallBacks,
                                     &kCFTypeDictionaryValueCallBacks);
}

static void set_number(CFMutableDictionaryRef to, const char *name, int64_t value)
{
    fake_cf_set(to, name, CFNumberCreate(NULL, kCFNumberSInt64Type, &value));
}

static int64_t number(CFDictionaryRef from, const char *name)
{
    CFTypeRef value = under(from, name);
    int64_t told = 0;

    if (value != NULL)
        (void)CFNumberGetValue(value, kCFNumberSInt64Type, &told);
    return told;
}

static void set_text(CFMutableDictionaryRef to, const char *name, const cJSON *value)
{
    if (cJSON_IsString(value))
        fake_cf_set(to, name,
                    CFStringCreateWithCString(NULL, value->valuestring, kCFStringEncodingUTF8));
}

static const cJSON *channel_at(int64_t place)
{
    return cJSON_GetArrayItem(get(fake->ioreport, "channels"), (int)place);
}

/* What the kernel tells of it now; `sampled` is false of a legend. */
CF_MADE static CFMutableDictionaryRef channel(int64_t place, bool sampled)
{
    static const char *const texts[] = { "group", "subgroup", "name", "unit" };
    const cJSON *json = channel_at(place), *state;
    CFMutableDictionaryRef made = dictionary();
    CFMutableArrayRef names = CFArrayCreateMutable(NULL, 0, &kCFTypeArrayCallBacks);
    CFMutableArrayRef values = CFArrayCreateMutable(NULL, 0, &kCFTypeArrayCallBacks);
    int64_t value = INT64_MIN;

    set_number(made, "place", place);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        set_text(made, texts[i], get(json, texts[i]));
    (void)fake_value_number(get(json, "value"), &value);
    set_number(made, "value", sampled ? value : 0);
    cJSON_ArrayForEach(state, get(json, "states"))
    {
        CFTypeRef name = fake_value(cJSON_GetArrayItem(state, 0)), spent;

        value = 0;
        (void)fake_value_number(cJSON_GetArrayItem(state, 1), &value);
        spent = CFNumberCreate(NULL, kCFNumberSInt64Type, &value);
        CFArrayAppendValue(names, name);
        CFArrayAppendValue(values, spent);
        CFRelease(name);
        CFRelease(spent);
    }
    fake_cf_set(made, "names", names);
    fake_cf_set(made, "values", values);
    return made;
}

CF_MADE static CFMutableDictionaryRef channels_of(CFMutableArrayRef CF_TAKEN array)
{
    CFMutableDictionaryRef made = dictionary();

    fake_cf_set(made, "IOReportChannels", array);
    return made;
}

static void append(CFMutableArrayRef array, CFMutableDictionaryRef CF_TAKEN item)
{
    CFArrayAppendValue(array, item);
    CFRelease(item);
}

static bool text_is(CFStringRef string, const cJSON *text)
{
    char told[128];

    return string == NULL ||
           (cJSON_IsString(text) &&
            CFStringGetCString(string, told, sizeof told, kCFStringEncodingUTF8) &&
            strcmp(told, text->valuestring) == 0);
}

/* --- the library --- */

static CFMutableDictionaryRef copy_channels(CFStringRef group, CFStringRef subgroup, uint64_t a,
                                            uint64_t b, uint64_t c)
{
    CFMutableArrayRef array = CFArrayCreateMutable(NULL, 0, &kCFTypeArrayCallBacks);
    const cJSON *item;
    int64_t place = 0;

    (void)a, (void)b, (void)c;
    cJSON_ArrayForEach(item, get(fake->ioreport, "channels"))
    {
        if (text_is(group, get(item, "group")) && text_is(subgroup, get(item, "subgroup")))
            append(array, channel(place, false));
        place++;
    }
    if (CFArrayGetCount(array) > 0)
        return channels_of(array);
    CFRelease(array);
    return NULL;
}

static void merge_channels(CFMutableDictionaryRef into, CFDictionaryRef from, CFTypeRef none)
{
    CFArrayRef more = under(from, "IOReportChannels");

    (void)none;
    for (CFIndex i = 0; i < CFArrayGetCount(more); i++)
        CFArrayAppendValue((CFMutableArrayRef)under(into, "IOReportChannels"),
                           CFArrayGetValueAtIndex(more, i));
}

static CFTypeRef create_subscription(void *none, CFMutableDictionaryRef channels,
                                     CFMutableDictionaryRef *subscribed, uint64_t id,
                                     CFTypeRef options)
{
    (void)none, (void)id, (void)options;
    *subscribed = NULL;
    if (cJSON_IsTrue(get(fake->ioreport, "refuses")) ||
        under(channels, "IOReportChannels") == NULL ||
        CFArrayGetCount(under(channels, "IOReportChannels")) == 0)
        return NULL;
    *subscribed = CFDictionaryCreateMutableCopy(NULL, 0, channels);
    return CFStringCreateWithCString(NULL, "subscription", kCFStringEncodingUTF8);
}

/* In another order than the one they were subscribed in, where the scenario says so. */
static CFDictionaryRef create_samples(CFTypeRef subscription, CFMutableDictionaryRef channels,
                                      CFTypeRef none)
{
    CFMutableArrayRef array;
    CFArrayRef wanted = under(channels, "IOReportChannels");
    CFIndex count = CFArrayGetCount(wanted);
    bool reversed = cJSON_IsTrue(get(fake->ioreport, "reversed"));

    (void)CFGetTypeID(subscription), (void)none;
    if (cJSON_IsTrue(fake_value_now(get(fake->ioreport, "samples_fail"))))
        return NULL;
    array = CFArrayCreateMutable(NULL, 0, &kCFTypeArrayCallBacks);
    for (CFIndex i = 0; i < count; i++)
        append(array, channel(number(CFArrayGetValueAtIndex(wanted, reversed ? count - 1 - i : i),
                                     "place"),
                              true));
    return channels_of(array);
}

static CFStringRef get_group(CFDictionaryRef item)
{
    return under(item, "group");
}

static CFStringRef get_subgroup(CFDictionaryRef item)
{
    return under(item, "subgroup");
}

static CFStringRef get_name(CFDictionaryRef item)
{
    return under(item, "name");
}

static CFStringRef get_unit(CFDictionaryRef item)
{
    return under(item, "unit");
}

static int get_format(CFDictionaryRef item)
{
    return CFArrayGetCount(under(item, "names")) > 0 ? 2 : 1;
}

static int64_t get_value(CFDictionaryRef item, int32_t none)
{
    (void)none;
    return number(item, "value");
}

static int32_t get_state_count(CFDictionaryRef item)
{
    return (int32_t)CFArrayGetCount(under(item, "names"));
}

static CFStringRef get_state_name(CFDictionaryRef item, int32_t place)
{
    return CFArrayGetValueAtIndex(under(item, "names"), place);
}

static int64_t get_residency(CFDictionaryRef item, int32_t place)
{
    int64_t value = 0;

    (void)CFNumberGetValue(CFArrayGetValueAtIndex(under(item, "values"), place),
                           kCFNumberSInt64Type, &value);
    return value;
}

/* --- the loader --- */

typedef void function(void);

static const struct {
    const char *name;
    function *address;
} functions[] = {
    { "IOReportCopyChannelsInGroup", (function *)copy_channels },
    { "IOReportMergeChannels", (function *)merge_channels },
    { "IOReportCreateSubscription", (function *)create_subscription },
    { "IOReportCreateSamples", (function *)create_samples },
    { "IOReportChannelGetGroup", (function *)get_group },
    { "IOReportChannelGetSubGroup", (function *)get_subgroup },
    { "IOReportChannelGetChannelName", (function *)get_name },
    { "IOReportChannelGetUnitLabel", (function *)get_unit },
    { "IOReportChannelGetFormat", (function *)get_format },
    { "IOReportSimpleGetIntegerValue", (function *)get_value },
    { "IOReportStateGetCount", (function *)get_state_count },
    { "IOReportStateGetNameForIndex", (function *)get_state_name },
    { "IOReportStateGetResidency", (function *)get_residency },
};

void *fake_dlopen(const char *path, int mode)
{
    failed_here = false;
    if (strcmp(path, library_path) != 0)
        return dlopen(path, mode);
    failed_here = fake->ioreport == NULL;
    if (failed_here)
        return NULL;
    opened++;
    return &library;
}

void *fake_dlsym(void *handle, const char *name)
{
    const cJSON *missing = get(fake->ioreport, "missing_symbol");
    void *address = NULL;

    if (handle != &library)
        return dlsym(handle, name);
    if (cJSON_IsString(missing) && strcmp(missing->valuestring, name) == 0)
        return NULL;
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        if (strcmp(functions[i].name, name) == 0)
            memcpy(&address, &functions[i].address, sizeof address);
    return address;
}

int fake_dlclose(void *handle)
{
    if (handle != &library)
        return dlclose(handle);
    opened--;
    return 0;
}

char *fake_dlerror(void)
{
    static char text[] = "dlopen(/usr/lib/libIOReport.dylib, 0x0006): tried: no such file";

    return failed_here ? text : dlerror();
}

int fake_ioreport_settle(FILE *out)
{
    if (opened != 0)
        fprintf(out, "fake kernel: libIOReport was opened %d times more than closed\n", opened);
    return abs(opened);
}
