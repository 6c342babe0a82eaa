/* How much a service uses, from its name, a random source, and what it was told to do. */
#include "tools/generate_service.h"

#include <stdio.h>
#include <string.h>

#define SECOND_NS INT64_C(1000000000)
#define MEBIBYTE (INT64_C(1) << 20)
#define PAGE_BYTES INT64_C(4096)

enum { TIMES_AS_MUCH = 4, MORE_PERMILLE = 150, BURST_PPM = 20000 };

enum status service_parse(struct service *service, const char *text, struct error *err)
{
    static const char *const metrics[] = { "none", "cpu", "memory", "io" };
    char name[8], after;
    long long at = 0, restart = 0;
    int fields =
        text[0] == '\0' ? 0 : sscanf(text, ":%7[a-z]@%lld:%lld%c", name, &at, &restart, &after);

    *service = (struct service){ .at_s = at, .restart_s = restart };
    if (text[0] == '\0')
        return STATUS_OK;
    for (size_t m = 0; m < COUNT_OF(metrics) && (fields == 2 || fields == 3); m++)
        if (strcmp(name, metrics[m]) == 0 && at >= 0 && restart >= 0) {
            service->metric = (enum service_metric)m;
            return STATUS_OK;
        }
    return error_set(err, STATUS_INVALID, "\"%s\" is not :METRIC@SECOND[:RESTART_SECONDS]", text);
}

uint64_t service_number(const char *name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

    for (const char *c = name; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    return (hash ^ (hash >> 29)) | 1;
}

static int64_t page_bytes(int64_t bytes)
{
    return bytes / PAGE_BYTES * PAGE_BYTES;
}

int64_t service_run(const struct service *service, const char *name, struct activity *activity,
                    int64_t run_ns, int64_t since_s, int64_t now_ns, struct activity_host *host,
                    struct random_source *random)
{
    uint64_t number = service_number(name);
    enum service_metric more = since_s > service->at_s ? service->metric : SERVICE_NOTHING;
    int64_t permille = 20 + (int64_t)(number >> 8 & 63),
            mebibytes = 60 + (int64_t)(number >> 16 & 127);
    int64_t bytes = (100 + (int64_t)(number >> 24 & 255)) * 1024;
    int64_t swing = 200 + (int64_t)(number >> 32 & 511); /* permille of it, up and down */
    int64_t *v = activity->value;
    int64_t noise = random_between(random, 1000 - swing, 1000 + swing);

    permille = permille * noise / 1000 + (random_chance(random, BURST_PPM) ? 300 : 0);
    if (more == SERVICE_CPU)
        permille = permille * TIMES_AS_MUCH + MORE_PERMILLE;
    if (more == SERVICE_MEMORY)
        mebibytes *= TIMES_AS_MUCH;
    if (more == SERVICE_IO)
        bytes *= TIMES_AS_MUCH;
    bytes = page_bytes(bytes * noise / 1000 * (run_ns / 1000000) / 1000);
    v[PROCESS_RESIDENT_BYTES] = page_bytes(mebibytes * MEBIBYTE / 1000 * (950 + noise / 20));
    v[PROCESS_VIRTUAL_BYTES] = 2 * v[PROCESS_RESIDENT_BYTES];
    v[PROCESS_DISK_WRITTEN_BYTES_TOTAL] += bytes;
    v[PROCESS_IO_WRITTEN_CHARS_TOTAL] += bytes;
    return activity_drive(activity, run_ns / 1000000 * permille, now_ns, host);
}
