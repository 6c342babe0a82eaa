/* From the JSON of a scenario to what IOKit would tell at this time. */
#include "tests/darwin/fake_iokit.h"
#include "tests/darwin/scenario.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

static const double ns_per_s = 1e9;

static const cJSON *get(const cJSON *from, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(from, name);
}

static bool is_pair(const cJSON *item)
{
    return cJSON_GetArraySize(item) == 2 && cJSON_IsNumber(cJSON_GetArrayItem(item, 0));
}

/* A number, or a base and rates. */
static bool is_quantity(const cJSON *item)
{
    const cJSON *rates = cJSON_IsObject(item) ? get(item, "rates") : NULL, *rate;

    if (rates == NULL || (get(item, "base") != NULL && !cJSON_IsNumber(get(item, "base"))))
        return cJSON_IsNumber(item);
    cJSON_ArrayForEach(rate, rates)
    {
        if (!is_pair(rate) || !cJSON_IsNumber(cJSON_GetArrayItem(rate, 1)))
            return false;
    }
    return cJSON_IsArray(rates);
}

/* { "steps": [[0, 5], [60, "text"], [120, null]] } is what its latest step says. */
const cJSON *fake_value_now(const cJSON *item)
{
    const cJSON *steps = cJSON_IsObject(item) ? get(item, "steps") : NULL, *step, *now = NULL;

    if (steps == NULL)
        return item;
    cJSON_ArrayForEach(step, steps)
    {
        if (!is_pair(step))
            continue;
        if (llround(cJSON_GetArrayItem(step, 0)->valuedouble * ns_per_s) <= fake_now_ns())
            now = cJSON_GetArrayItem(step, 1);
    }
    return now;
}

bool fake_value_number(const cJSON *item, int64_t *value)
{
    item = fake_value_now(item);
    if (!is_quantity(item))
        return false;
    *value = scenario_quantity_at(item, fake_awake_at(fake_now_ns()));
    return true;
}

CF_MADE static CFTypeRef number_of(int64_t value)
{
    return CFNumberCreate(NULL, kCFNumberSInt64Type, &value);
}

/* Numbers of 32 bits, the lowest byte first. */
CF_MADE static CFTypeRef words_of(const cJSON *array)
{
    size_t count = (size_t)cJSON_GetArraySize(array), i = 0;
    uint8_t *bytes = malloc(count * 4 + 1);
    const cJSON *item;
    CFTypeRef data;

    if (bytes == NULL)
        abort();
    cJSON_ArrayForEach(item, array)
    {
        uint32_t word = (uint32_t)scenario_integer(item->valuedouble);

        for (int k = 0; k < 4; k++)
            bytes[i++] = (uint8_t)(word >> (8 * k));
    }
    data = fake_cf_data(bytes, i);
    free(bytes);
    return data;
}

CF_MADE static CFTypeRef bytes_of(const cJSON *array)
{
    uint8_t bytes[256];
    size_t count = 0;
    const cJSON *item;

    cJSON_ArrayForEach(item, array)
    {
        if (count < sizeof bytes)
            bytes[count++] = (uint8_t)scenario_integer(item->valuedouble);
    }
    return fake_cf_data(bytes, count);
}

CF_MADE static CFTypeRef array_of(const cJSON *item)
{
    CFMutableArrayRef array = CFArrayCreateMutable(NULL, 0, &kCFTypeArrayCallBacks);
    const cJSON *element;

    cJSON_ArrayForEach(element, item)
    {
        CFTypeRef value = fake_value(element);

        if (value == NULL)
            continue;
        CFArrayAppendValue(array, value);
        CFRelease(value);
    }
    return array;
}

CF_MADE static CFTypeRef dictionary_of(const cJSON *item)
{
    CFMutableDictionaryRef dictionary = CFDictionaryCreateMutable(
        NULL, 0, &kCFTypeDictionaryKeyCallBacks, &kCFTypeDictionaryValueCallBacks);
    const cJSON *element;

    cJSON_ArrayForEach(element, item)
    {
        CFTypeRef value = fake_value(element);

        if (value != NULL)
            fake_cf_set(dictionary, element->string, value);
    }
    return dictionary;
}

CFTypeRef fake_value(const cJSON *item)
{
    int64_t number;

    item = fake_value_now(item);
    if (item == NULL || cJSON_IsNull(item))
        return NULL;
    if (cJSON_IsString(item))
        return CFStringCreateWithCString(NULL, item->valuestring, kCFStringEncodingUTF8);
    if (cJSON_IsBool(item))
        return fake_cf_boolean(cJSON_IsTrue(item));
    if (cJSON_IsArray(item))
        return array_of(item);
    if (cJSON_IsNumber(item) && item->valuedouble != floor(item->valuedouble))
        return CFNumberCreate(NULL, kCFNumberDoubleType, &item->valuedouble);
    if (fake_value_number(item, &number))
        return number_of(number);
    if (get(item, "words") != NULL)
        return words_of(get(item, "words"));
    if (get(item, "bytes") != NULL)
        return bytes_of(get(item, "bytes"));
    return dictionary_of(item);
}
