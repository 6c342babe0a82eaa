/* The entries of the scenario's registry: a tree whose parts come and go. */
#include "tests/darwin/fake_registry.h"
#include "tests/darwin/scenario.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

static const double ns_per_s = 1e9;

enum { KEPT_MAX = 256 };
static const cJSON *kept[KEPT_MAX] __attribute__((used));

struct entry {
    const cJSON *json;
    int parent; /* -1: none */
    uint64_t id;
};

static const cJSON *built_of;
static struct entry entries[ENTRIES_MAX];
static int entry_count;

/* Kept to the end, like a scenario. */
const cJSON *fake_json(const char *json)
{
    static size_t count;
    const cJSON *parsed = cJSON_Parse(json);

    if (parsed == NULL) {
        fprintf(stderr, "scenario: not JSON: %.60s\n", json);
        exit(2);
    }
    kept[count++ % KEPT_MAX] = parsed;
    return parsed;
}

static const cJSON *get(const cJSON *from, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(from, name);
}

const char *fake_text(const cJSON *from, const char *name)
{
    const cJSON *item = get(from, name);

    return cJSON_IsString(item) ? item->valuestring : "";
}

bool fake_span(const cJSON *from, const char *name, bool otherwise)
{
    const cJSON *pair = get(from, name);
    int64_t begin, end;

    if (pair == NULL)
        return otherwise;
    begin = llround(cJSON_GetArrayItem(pair, 0)->valuedouble * ns_per_s);
    end = llround(cJSON_GetArrayItem(pair, 1)->valuedouble * ns_per_s);
    return begin <= fake_now_ns() && fake_now_ns() < end;
}

static void build_entries(const cJSON *array, int parent)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, array)
    {
        const cJSON *id = get(item, "id");
        int at = entry_count;

        if (entry_count == ENTRIES_MAX)
            abort();
        entries[entry_count++] =
            (struct entry){ item, parent,
                            id != NULL ? (uint64_t)scenario_integer(id->valuedouble)
                                       : UINT64_C(0x100000100) + (uint64_t)at };
        build_entries(get(item, "children"), at);
    }
}

void fake_entries_build(void)
{
    if (built_of == fake->registry && entry_count > 0)
        return;
    entry_count = 0;
    built_of = fake->registry;
    build_entries(fake->registry, -1);
}

void fake_forget_registry(void)
{
    built_of = NULL;
    entry_count = 0;
}

bool fake_entry_there(int at)
{
    for (; at >= 0; at = entries[at].parent)
        if (!fake_span(entries[at].json, "there", true))
            return false;
    return true;
}

bool fake_entry_conforms(int at, const char *class_name)
{
    const cJSON *name;

    if (strcmp(fake_text(entries[at].json, "class"), class_name) == 0)
        return true;
    cJSON_ArrayForEach(name, get(entries[at].json, "is"))
    {
        if (strcmp(name->valuestring, class_name) == 0)
            return true;
    }
    return false;
}

bool fake_entry_registered(int at)
{
    return !cJSON_IsFalse(get(entries[at].json, "registered"));
}

int fake_entry_count(void)
{
    return entry_count;
}

const cJSON *fake_entry_json(int at)
{
    return entries[at].json;
}

int fake_entry_parent(int at)
{
    return entries[at].parent;
}

uint64_t fake_entry_id(int at)
{
    return entries[at].id;
}
