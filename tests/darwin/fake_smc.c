/*
 * The System Management Controller: keys of four letters, each with a type and a value in thousandths. A value that is
 * null cannot be read.
 */
#include <IOKit/IOKitLib.h>

#include "tests/darwin/fake_smc.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "tests/darwin/fake_iokit.h"

enum {
    SIZE = 80,
    KEY_AT = 0,
    SIZE_AT = 28,
    TYPE_AT = 32,
    RESULT_AT = 40,
    COMMAND_AT = 42,
    PLACE_AT = 44,
    BYTES_AT = 48,
    NOT_FOUND = 132,
};

static const cJSON *get(const cJSON *from, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(from, name);
}

static uint32_t word(const uint8_t *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof value);
    return value;
}

static void put_word(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, sizeof value);
}

static uint32_t four(const char *text)
{
    return (uint32_t)(uint8_t)text[0] << 24 | (uint32_t)(uint8_t)text[1] << 16 |
           (uint32_t)(uint8_t)text[2] << 8 | (uint32_t)(uint8_t)text[3];
}

static void put_big(uint8_t *at, uint32_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
}

/* The size of a type's value. */
static uint32_t size_of(const char *type)
{
    return strcmp(type, "ui8 ") == 0                                ? 1
           : strcmp(type, "flt ") == 0 || strcmp(type, "ui32") == 0 ? 4
                                                                    : 2;
}

static void put_value(uint8_t *at, const char *type, int64_t milli)
{
    float real = (float)((double)milli / 1000);

    if (strcmp(type, "flt ") == 0)
        memcpy(at, &real, sizeof real);
    else if (strcmp(type, "sp78") == 0)
        put_big(at, (uint32_t)(milli * 256 / 1000), 2);
    else if (strcmp(type, "fpe2") == 0)
        put_big(at, (uint32_t)(milli * 4 / 1000), 2);
    else
        put_big(at, (uint32_t)(milli / 1000), size_of(type));
}

static const cJSON *find(uint32_t key)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, get(fake->smc, "keys"))
    {
        if (four(item->string) == key)
            return item;
    }
    return NULL;
}

static void answer(uint8_t *out, uint32_t key, uint8_t command, uint32_t place)
{
    static const char counter[] = "#KEY";
    const cJSON *keys = get(fake->smc, "keys"), *item = find(key);
    bool counts = key == four(counter) && !cJSON_IsTrue(get(fake->smc, "no_count"));
    const char *type = counts ? "ui32" : item != NULL ? get(item, "type")->valuestring : "";
    int64_t milli = (int64_t)cJSON_GetArraySize(keys) * 1000;

    enum { READ_BYTES = 5, READ_KEY = 8, READ_INFO = 9 };

    if (command == READ_KEY && place < (uint32_t)cJSON_GetArraySize(keys)) {
        put_word(out + KEY_AT, four(cJSON_GetArrayItem(keys, (int)place)->string));
    } else if (command == READ_INFO && type[0] != '\0') {
        put_word(out + SIZE_AT, size_of(type));
        put_word(out + TYPE_AT, four(type));
    } else if (command == READ_BYTES && type[0] != '\0' &&
               (counts || fake_value_number(get(item, "milli"), &milli))) {
        put_value(out + BYTES_AT, type, milli);
    } else {
        out[RESULT_AT] = NOT_FOUND;
    }
}

kern_return_t fake_smc_call(uint32_t selector, const void *input, size_t input_size, void *output,
                            size_t *output_size)
{
    const uint8_t *in = input;

    if (selector != 2 || input_size != SIZE || *output_size < SIZE)
        return kIOReturnBadArgument;
    memset(output, 0, SIZE);
    *output_size = SIZE;
    answer(output, word(in + KEY_AT), in[COMMAND_AT], word(in + PLACE_AT));
    return KERN_SUCCESS;
}
