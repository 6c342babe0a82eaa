/*
 * Source: the Engine API, https://docs.docker.com/reference/api/engine/, ContainerList, ContainerStats and
 * ContainerInspect.
 */
#include "recorder/collectors/docker_json.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { NS_PER_US = 1000, SHORT_ID = 12 };

static const double two_to_63 = 9223372036854775808.0;
/* Engines tell a limit that is not set as 0, or as the largest number there is, rounded to pages. */
static const int64_t no_limit = INT64_C(1) << 62;

/* --- bounds, before anything is built of it --- */

struct scan {
    const char *at, *end;
    const char *token; /* where the last one began */
    unsigned depth;
    size_t values;
    bool beyond; /* a bound */
};

/* Behind the string that begins at scan->at; false when it does not end. */
static bool skip_string(struct scan *scan)
{
    for (scan->at++; scan->at < scan->end; scan->at++) {
        if (*scan->at == '"') {
            scan->at++;
            return true;
        }
        if (*scan->at == '\\' && scan->at + 1 < scan->end)
            scan->at++;
    }
    return false;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next token's first character; '\0' at the end, at a NUL, in a string without end, beyond a bound. */
static char next_token(struct scan *scan)
{
    char c;

    while (scan->at < scan->end && is_blank(*scan->at))
        scan->at++;
    scan->token = scan->at;
    if (scan->at == scan->end)
        return '\0';
    c = *scan->at;
    if (c == '"')
        return skip_string(scan) ? c : '\0';
    if (c == '{' || c == '[')
        scan->depth++;
    else if ((c == '}' || c == ']') && scan->depth > 0)
        scan->depth--;
    scan->values += c == ',' || c == ':' || c == '{' || c == '[';
    scan->beyond = scan->depth > DOCKER_DEPTH_MAX || scan->values > DOCKER_VALUES_MAX;
    if (scan->beyond)
        return '\0';
    scan->at += c != '\0';
    return c;
}

static enum status parse(const char *text, size_t size, cJSON **root, struct error *err)
{
    struct scan scan = { .at = text, .end = text + size };

    *root = NULL;
    while (next_token(&scan) != '\0')
        ;
    if (scan.beyond)
        return error_set(err, STATUS_CORRUPT, "larger than what an engine answers");
    if (scan.at == scan.end && scan.depth == 0)
        *root = cJSON_ParseWithOpts(text, NULL, true);
    return *root != NULL ? STATUS_OK : error_set(err, STATUS_CORRUPT, "not JSON");
}

/* --- values --- */

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

/* A count of something: not below 0, not beyond 63 bits; null is nothing. */
static enum missing count_of(const cJSON *item, int64_t *value)
{
    if (item == NULL || cJSON_IsNull(item))
        return MISSING_NOT_THERE;
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0) || item->valuedouble >= two_to_63)
        return MISSING_FAILED;
    *value = (int64_t)item->valuedouble;
    return MISSING_NONE;
}

static void put(struct docker_container *container, enum container_metric metric, enum missing why,
                int64_t value)
{
    container->missing[metric] = (uint8_t)why;
    container->value[metric] = why == MISSING_NONE ? value : 0;
}

static void put_count(struct docker_container *container, enum container_metric metric,
                      const cJSON *item, int64_t divide)
{
    int64_t value = 0;
    enum missing why = count_of(item, &value);

    put(container, metric, why, value / divide);
}

void docker_all_missing(struct docker_container *container, enum missing why)
{
    for (unsigned metric = 0; metric < CONTAINER_METRIC_COUNT; metric++)
        if (metric != CONTAINER_STATE)
            put(container, (enum container_metric)metric, why, 0);
}

/* --- the list --- */

static bool is_id(const char *id)
{
    size_t size = id == NULL ? 0 : strspn(id, "0123456789abcdef");

    return size >= DOCKER_ID_MIN && size <= DOCKER_ID_MAX && id[size] == '\0';
}

static bool is_known(const struct docker_list *list, const char *id)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->container[i].id, id) == 0)
            return true;
    return false;
}

static int64_t state_of(const char *name)
{
    static const char *const states[] = { "unknown",    "created",  "running", "paused",
                                          "restarting", "removing", "exited",  "dead" };

    for (size_t i = 0; name != NULL && i < COUNT_OF(states); i++)
        if (strcasecmp(states[i], name) == 0)
            return (int64_t)i;
    return CONTAINER_UNKNOWN;
}

/* The first name, which Docker writes with a slash before it; without one the id's beginning. */
static void put_label(struct docker_container *container, const cJSON *item)
{
    const cJSON *names = member(item, "Names");
    const char *name =
        cJSON_IsArray(names) ? cJSON_GetStringValue(cJSON_GetArrayItem(names, 0)) : NULL;
    const char *image = cJSON_GetStringValue(member(item, "Image"));
    char short_id[SHORT_ID + 1];

    (void)snprintf(short_id, sizeof short_id, "%.*s", SHORT_ID, container->id);
    if (name != NULL)
        name += *name == '/';
    if (name == NULL || *name == '\0')
        name = short_id;
    if (image == NULL || *image == '\0')
        (void)snprintf(container->label, sizeof container->label, "%s", name);
    else
        (void)snprintf(container->label, sizeof container->label, "%.120s (%.120s)", name, image);
}

static void add_container(struct docker_list *list, const cJSON *item)
{
    const char *id = cJSON_GetStringValue(member(item, "Id"));
    struct docker_container *container;

    if (!is_id(id) || is_known(list, id) || list->count == DOCKER_CONTAINERS_MAX) {
        list->left_out++;
        return;
    }
    container = &list->container[list->count++];
    *container = (struct docker_container){ .id = "" };
    (void)snprintf(container->id, sizeof container->id, "%s", id);
    put_label(container, item);
    docker_all_missing(container, MISSING_NOT_SAMPLED);
    put(container, CONTAINER_STATE, MISSING_NONE,
        state_of(cJSON_GetStringValue(member(item, "State"))));
}

enum status docker_parse_list(const char *text, size_t size, struct docker_list *list,
                              struct error *err)
{
    cJSON *root;
    const cJSON *item;
    enum status st = parse(text, size, &root, err);

    if (st == STATUS_OK && !cJSON_IsArray(root))
        st = error_set(err, STATUS_CORRUPT, "the list of containers is no list");
    if (st == STATUS_OK)
        cJSON_ArrayForEach(item, root) add_container(list, item);
    cJSON_Delete(root);
    return st;
}

/* --- what one used --- */

static enum missing add(int64_t *sum, const cJSON *item)
{
    int64_t value = 0;
    enum missing why = count_of(item, &value);

    if (why != MISSING_NONE)
        return MISSING_FAILED;
    return __builtin_add_overflow(*sum, value, sum) ? MISSING_FAILED : MISSING_NONE;
}

/* { "eth0": { "rx_bytes": N, "tx_bytes": N, ... }, ... }; none in the host's network */
static void put_networks(struct docker_container *container, const cJSON *networks)
{
    enum missing received = MISSING_NONE, sent = MISSING_NONE;
    int64_t received_bytes = 0, sent_bytes = 0;
    const cJSON *network;

    if (!cJSON_IsObject(networks) || networks->child == NULL)
        received = sent = networks == NULL || cJSON_IsNull(networks) || cJSON_IsObject(networks)
                              ? MISSING_NOT_THERE
                              : MISSING_FAILED;
    else
        cJSON_ArrayForEach(network, networks)
        {
            if (received == MISSING_NONE)
                received = add(&received_bytes, member(network, "rx_bytes"));
            if (sent == MISSING_NONE)
                sent = add(&sent_bytes, member(network, "tx_bytes"));
        }
    put(container, CONTAINER_RECEIVED_BYTES_TOTAL, received, received_bytes);
    put(container, CONTAINER_SENT_BYTES_TOTAL, sent, sent_bytes);
}

/* [ { "major": N, "minor": N, "op": "read", "value": N }, ... ]; null where there was no IO yet */
static void put_io(struct docker_container *container, const cJSON *entries)
{
    enum missing read = MISSING_NONE, written = MISSING_NONE;
    int64_t read_bytes = 0, written_bytes = 0;
    const cJSON *entry;

    if (!cJSON_IsArray(entries))
        read = written =
            entries == NULL || cJSON_IsNull(entries) ? MISSING_NOT_THERE : MISSING_FAILED;
    else
        cJSON_ArrayForEach(entry, entries)
        {
            const char *op = cJSON_GetStringValue(member(entry, "op"));

            if (op != NULL && strcasecmp(op, "read") == 0 && read == MISSING_NONE)
                read = add(&read_bytes, member(entry, "value"));
            if (op != NULL && strcasecmp(op, "write") == 0 && written == MISSING_NONE)
                written = add(&written_bytes, member(entry, "value"));
        }
    put(container, CONTAINER_IO_READ_BYTES_TOTAL, read, read_bytes);
    put(container, CONTAINER_IO_WRITTEN_BYTES_TOTAL, written, written_bytes);
}

/* As "docker stats" shows it: without page cache that was not used lately, by either version of cgroups. */
static void put_memory(struct docker_container *container, const cJSON *memory)
{
    const cJSON *stats = member(memory, "stats");
    const cJSON *cache = member(stats, "total_inactive_file");
    int64_t used = 0, inactive = 0, limit = 0;
    enum missing why = count_of(member(memory, "usage"), &used);
    enum missing limited = count_of(member(memory, "limit"), &limit);

    if (cache == NULL || cJSON_IsNull(cache))
        cache = member(stats, "inactive_file");
    if (why == MISSING_NONE && count_of(cache, &inactive) == MISSING_FAILED)
        why = MISSING_FAILED;
    put(container, CONTAINER_MEMORY_BYTES, why, inactive < used ? used - inactive : used);
    if (limited == MISSING_NONE && (limit == 0 || limit >= no_limit))
        limited = MISSING_NOT_THERE;
    if (limited == MISSING_FAILED && cJSON_IsNumber(member(memory, "limit")) &&
        member(memory, "limit")->valuedouble >= two_to_63)
        limited = MISSING_NOT_THERE; /* Podman writes 2^64 - 1 */
    put(container, CONTAINER_MEMORY_LIMIT_BYTES, limited, limit);
}

enum status docker_parse_stats(const char *text, size_t size, struct docker_container *container,
                               struct error *err)
{
    cJSON *root;
    const cJSON *cpu;
    const char *id;
    enum status st = parse(text, size, &root, err);

    if (st != STATUS_OK)
        return st;
    id = cJSON_GetStringValue(member(root, "id"));
    cpu = member(root, "cpu_stats");
    if (!cJSON_IsObject(root) || (id != NULL && strcmp(id, container->id) != 0)) {
        cJSON_Delete(root);
        return error_set(err, STATUS_CORRUPT, "statistics of %s are not its own", container->id);
    }
    put_count(container, CONTAINER_CPU_NS_TOTAL, member(member(cpu, "cpu_usage"), "total_usage"),
              NS_PER_US);
    put_count(container, CONTAINER_THROTTLED_NS_TOTAL,
              member(member(cpu, "throttling_data"), "throttled_time"), NS_PER_US);
    put_count(container, CONTAINER_TASKS, member(member(root, "pids_stats"), "current"), 1);
    put_memory(container, member(root, "memory_stats"));
    put_networks(container, member(root, "networks"));
    put_io(container, member(member(root, "blkio_stats"), "io_service_bytes_recursive"));
    cJSON_Delete(root);
    return STATUS_OK;
}

/* --- how often it was started again --- */

/* The number that a value at `at` is, as cJSON reads it: a copy of it alone is given to cJSON. */
static enum missing number_at(const char *at, const char *end, int64_t *value)
{
    enum { NUMBER_MAX = 32 };
    char copy[NUMBER_MAX] = "";
    enum missing why;
    cJSON *item;

    for (size_t i = 0; i + 1 < sizeof copy && at + i < end && strchr(",} \t\r\n", at[i]) == NULL;
         i++)
        copy[i] = at[i];
    item = cJSON_ParseWithOpts(copy, NULL, true);
    why = item == NULL ? MISSING_FAILED : count_of(item, value);
    cJSON_Delete(item);
    return why;
}

enum status docker_parse_inspect(const char *text, size_t size, struct docker_container *container,
                                 struct error *err)
{
    static const char name[] = "\"RestartCount\"";
    struct scan scan = { .at = text, .end = text + size };
    int64_t value = 0;
    enum missing why = MISSING_NOT_THERE;
    char token = next_token(&scan);

    if (token != '{')
        return error_set(err, STATUS_CORRUPT, "what is told of %s is no object", container->id);
    while (token != '\0') {
        const char *key;

        token = next_token(&scan);
        key = scan.token;
        if (token != '"' || scan.depth != 1 || (size_t)(scan.at - key) != sizeof name - 1 ||
            memcmp(key, name, sizeof name - 1) != 0 || next_token(&scan) != ':')
            continue;
        while (scan.at < scan.end && is_blank(*scan.at))
            scan.at++;
        why = number_at(scan.at, scan.end, &value);
    }
    if (scan.at < scan.end || scan.depth != 0 || scan.beyond)
        return error_set(err, STATUS_CORRUPT, "what is told of %s is not JSON", container->id);
    put(container, CONTAINER_RESTARTS_TOTAL, why, value);
    return STATUS_OK;
}
