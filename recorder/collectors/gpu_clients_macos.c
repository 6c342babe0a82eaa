/*
 *   source  children of the accelerator in the IO registry: of class AGXDeviceUserClient… with
 *           AppUsage[].accumulatedGPUTime (Apple), IGAccel… with accumulatedGPUTime (Intel); all
 *           with IOUserClientCreator
 *   units   ns, since the client was opened
 *   absent  AMD, NVIDIA, virtual machines; what a client did between our last look and its closing
 *
 * They are not services that can be matched. Everybody may read them, those of other users too.
 */
#include "recorder/collectors/gpu_clients_macos.h"

#include <stdlib.h>
#include <string.h>

#include "recorder/collectors/gpu_creator.h"
#include "recorder/collectors/ioregistry_macos.h"

enum { CLIENTS_MAX = 4096, NOBODY = -1, NS_PER_STORED = 1000 };

struct client {
    uint64_t id;
    int32_t pid; /* NOBODY: it is no client that tells of its time */
    bool direct; /* accumulatedGPUTime is its own property */
    bool told;   /* ns is known */
    bool seen;
    int64_t ns;
};

/* What a process has used, of all clients that it had at one time. */
struct total {
    int32_t pid;
    uint64_t number; /* which user of that pid */
    bool seen, had;  /* had: one of its clients of before is still there */
    int64_t ns, born_ns;
};

struct gpu_clients {
    struct client *known, *now; /* by the reading before, and by this one */
    size_t known_count, now_count, refused;
    struct total *total;
    size_t total_count;
    uint64_t numbers;
    bool walked;
    int64_t walked_ns, busy_ns;
};

struct gpu_clients *gpu_clients_open(void)
{
    struct gpu_clients *clients = calloc(1, sizeof *clients);

    if (clients == NULL)
        return NULL;
    clients->known = calloc(CLIENTS_MAX, sizeof *clients->known);
    clients->now = calloc(CLIENTS_MAX, sizeof *clients->now);
    clients->total = calloc(CLIENTS_MAX, sizeof *clients->total);
    if (clients->known == NULL || clients->now == NULL || clients->total == NULL) {
        gpu_clients_close(clients);
        return NULL;
    }
    return clients;
}

void gpu_clients_close(struct gpu_clients *clients)
{
    if (clients == NULL)
        return;
    free(clients->known);
    free(clients->now);
    free(clients->total);
    free(clients);
}

/* --- one client --- */

static const struct client *find_known(const struct gpu_clients *clients, uint64_t id)
{
    for (size_t i = 0; i < clients->known_count; i++)
        if (clients->known[i].id == id)
            return &clients->known[i];
    return NULL;
}

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Who opened it, and where its time is: neither changes. */
static struct client identify(io_registry_entry_t entry, uint64_t id)
{
    struct client client = { .id = id, .pid = NOBODY };
    io_name_t class_name = "";
    char text[512];
    CFTypeRef creator;

    if (IOObjectGetClass(entry, class_name) != KERN_SUCCESS)
        return client;
    client.direct = begins(class_name, "IGAccel");
    if (!client.direct && !begins(class_name, "AGXDeviceUserClient"))
        return client;
    creator = ioregistry_copy(entry, "IOUserClientCreator", CFStringGetTypeID());
    if (ioregistry_text(creator, text, sizeof text))
        client.pid = gpu_creator_pid(text);
    if (creator != NULL)
        CFRelease(creator);
    return client;
}

/* The sum of what each use of it took; false: there is no such list. Without one it took nothing. */
static bool read_usage(io_registry_entry_t entry, int64_t *ns)
{
    CFTypeRef usage = ioregistry_copy(entry, "AppUsage", CFArrayGetTypeID());
    bool whole = usage != NULL;
    int64_t one;

    *ns = 0;
    for (CFIndex i = 0; whole && i < CFArrayGetCount(usage); i++) {
        CFTypeRef item = CFArrayGetValueAtIndex(usage, i);

        whole = CFGetTypeID(item) == CFDictionaryGetTypeID() &&
                ioregistry_number(item, "accumulatedGPUTime", &one) == MISSING_NONE &&
                !__builtin_add_overflow(*ns, one, ns);
    }
    if (usage != NULL)
        CFRelease(usage);
    return whole;
}

static bool read_direct(io_registry_entry_t entry, int64_t *ns)
{
    CFTypeRef number = ioregistry_copy(entry, "accumulatedGPUTime", CFNumberGetTypeID());
    bool told = number != NULL && CFNumberGetValue(number, kCFNumberSInt64Type, ns) && *ns >= 0;

    if (number != NULL)
        CFRelease(number);
    return told;
}

static void begin_walk(void *self)
{
    struct gpu_clients *clients = self;

    clients->now_count = clients->refused = 0;
}

static void see_client(void *self, io_registry_entry_t entry)
{
    struct gpu_clients *clients = self;
    uint64_t id = ioregistry_id(entry);
    const struct client *known = find_known(clients, id);
    struct client *client;

    if (id == 0)
        return;
    if (clients->now_count == CLIENTS_MAX) {
        clients->refused++;
        return;
    }
    client = &clients->now[clients->now_count++];
    *client = known != NULL ? *known : identify(entry, id);
    client->told = false;
    if (client->pid == NOBODY)
        return;
    client->told = client->direct ? read_direct(entry, &client->ns) : false;
    if (!client->told) /* never both: they tell the same */
        client->told = read_usage(entry, &client->ns);
}

/* --- sums --- */

static struct total *find_total(struct gpu_clients *clients, int32_t pid)
{
    struct total *total;

    for (size_t i = 0; i < clients->total_count; i++)
        if (clients->total[i].pid == pid)
            return &clients->total[i];
    if (clients->total_count == CLIENTS_MAX)
        return NULL;
    total = &clients->total[clients->total_count++];
    *total = (struct total){ .pid = pid };
    return total;
}

/* Of a pid none of whose clients is left another process may have them now. */
static void find_heirs(struct gpu_clients *clients)
{
    for (size_t i = 0; i < clients->total_count; i++)
        clients->total[i].seen = clients->total[i].had = false;
    for (size_t i = 0; i < clients->now_count; i++) {
        const struct client *client = &clients->now[i];
        struct total *total = NULL;

        if (client->pid != NOBODY && find_known(clients, client->id) != NULL)
            total = find_total(clients, client->pid);
        if (total != NULL)
            total->had = true;
    }
}

/* What it has used since the reading before: all of one that is younger than that. */
static int64_t used(const struct client *client, const struct client *known)
{
    if (known == NULL || !known->told)
        return client->ns;
    return client->ns > known->ns ? client->ns - known->ns : 0;
}

static void add_client(struct gpu_clients *clients, struct client *client)
{
    const struct client *known = find_known(clients, client->id);
    struct total *total = find_total(clients, client->pid);

    if (total == NULL) {
        clients->refused++;
        return;
    }
    if (total->number == 0 || (!total->seen && !total->had))
        *total = (struct total){ .pid = client->pid,
                                 .number = ++clients->numbers,
                                 .born_ns = clients->walked ? clients->walked_ns : 0 };
    total->seen = true;
    if (!client->told) { /* it goes on where it was */
        client->ns = known != NULL ? known->ns : 0;
        client->told = known != NULL && known->told;
        return;
    }
    total->ns += used(client, known);
    clients->busy_ns += used(client, known);
}

static void drop_unseen(struct gpu_clients *clients)
{
    size_t kept = 0;

    for (size_t i = 0; i < clients->total_count; i++)
        if (clients->total[i].seen)
            clients->total[kept++] = clients->total[i];
    clients->total_count = kept;
}

static void add_up(struct gpu_clients *clients)
{
    struct client *before = clients->known;

    find_heirs(clients);
    for (size_t i = 0; i < clients->now_count; i++)
        if (clients->now[i].pid != NOBODY)
            add_client(clients, &clients->now[i]);
    drop_unseen(clients);
    clients->known = clients->now;
    clients->known_count = clients->now_count;
    clients->now = before;
}

/* --- what is told --- */

static void put_uses(struct gpu_clients *clients, struct gpu_reading *reading,
                     const struct gpu_report *report, bool fresh)
{
    for (size_t i = 0; i < clients->total_count; i++) {
        struct total *total = &clients->total[i];
        struct gpu_use *use = gpu_reading_use(reading, report, total->pid, total->number);

        if (use == NULL)
            return;
        use->missing[GPU_PROCESS_GPU_NS_TOTAL] = fresh ? MISSING_NONE : MISSING_NOT_SAMPLED;
        use->values[GPU_PROCESS_GPU_NS_TOTAL] = fresh ? total->ns / NS_PER_STORED : 0;
        use->born_ns = fresh ? total->born_ns : 0;
        total->born_ns = fresh ? 0 : total->born_ns;
    }
}

enum status gpu_clients_read(struct gpu_clients *clients, io_service_t accelerator, int64_t now_ns,
                             struct gpu_reading *reading, struct gpu_report *report,
                             struct error *err)
{
    const struct ioregistry_visitor visitor = { begin_walk, see_client, clients };
    enum status st = ioregistry_children(accelerator, &visitor, err);

    if (st != STATUS_OK)
        return st;
    add_up(clients);
    clients->walked = true;
    clients->walked_ns = now_ns;
    reading->refused += (int64_t)clients->refused;
    gpu_put(report, GPU_BUSY_NS_TOTAL, clients->busy_ns / NS_PER_STORED);
    put_uses(clients, reading, report, true);
    return STATUS_OK;
}

void gpu_clients_repeat(struct gpu_clients *clients, struct gpu_reading *reading,
                        struct gpu_report *report)
{
    report->missing[GPU_BUSY_NS_TOTAL] = MISSING_NOT_SAMPLED;
    put_uses(clients, reading, report, false);
}
