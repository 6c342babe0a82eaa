/*
 *   source  IOConnectCallStructMethod on the service AppleSMC, selector 2: one structure of 80 bytes
 *           in each direction, as several published programs have it
 *   units   of each key its own, by its type: smc_value.h
 */
#include "recorder/collectors/smc_macos.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/collectors/ioregistry_macos.h"
#include "recorder/collectors/smc_value.h"

enum { SELECTOR = 2, READ_BYTES = 5, READ_KEY = 8, READ_INFO = 9, VALUE_SIZE = 32 };

struct call {
    uint32_t key;
    uint8_t version[6];
    uint8_t reserved_limits[18];
    uint32_t data_size;
    uint32_t data_type;
    uint8_t attributes;
    uint8_t reserved_info[3];
    uint8_t result; /* 0: it is done */
    uint8_t status;
    uint8_t command;
    uint8_t reserved_command;
    uint32_t place;
    uint8_t bytes[VALUE_SIZE];
};
_Static_assert(sizeof(struct call) == 80, "structure of the SMC");
_Static_assert(offsetof(struct call, data_size) == 28, "data_size");
_Static_assert(offsetof(struct call, data_type) == 32, "data_type");
_Static_assert(offsetof(struct call, result) == 40, "result");
_Static_assert(offsetof(struct call, command) == 42, "command");
_Static_assert(offsetof(struct call, place) == 44, "place");
_Static_assert(offsetof(struct call, bytes) == 48, "bytes");

struct smc {
    io_connect_t connection; /* closed, never released */
};

static bool call(struct smc *smc, const struct call *in, struct call *out)
{
    size_t size = sizeof *out;

    *out = (struct call){ .key = 0 };
    return IOConnectCallStructMethod(smc->connection, SELECTOR, in, sizeof *in, out, &size) ==
               KERN_SUCCESS &&
           size == sizeof *out && out->result == 0;
}

/* The one that Apple Silicon has for keys, else the first. */
struct search {
    io_service_t service; /* held */
    bool best;
};

static void begin(void *self)
{
    struct search *search = self;

    if (search->service != IO_OBJECT_NULL)
        (void)IOObjectRelease(search->service);
    *search = (struct search){ .service = IO_OBJECT_NULL };
}

static void see(void *self, io_registry_entry_t entry)
{
    struct search *search = self;
    io_name_t name = "";
    bool best = IORegistryEntryGetName(entry, name) == KERN_SUCCESS &&
                strcmp(name, "AppleSMCKeysEndpoint") == 0;

    if (search->service != IO_OBJECT_NULL && (search->best || !best))
        return;
    begin(search);
    if (IOObjectRetain(entry) == KERN_SUCCESS)
        *search = (struct search){ .service = entry, .best = best };
}

enum status smc_open(struct smc **opened, struct error *err)
{
    struct search search = { .service = IO_OBJECT_NULL };
    const struct ioregistry_visitor visitor = { begin, see, &search };
    struct smc *smc = calloc(1, sizeof *smc);
    enum status st = STATUS_OK;

    *opened = NULL;
    if (smc == NULL)
        return error_set(err, STATUS_NO_MEMORY, "SMC");
    if (ioregistry_services("AppleSMC", &visitor, err) != STATUS_OK ||
        search.service == IO_OBJECT_NULL)
        st = error_set(err, STATUS_ABSENT, "no AppleSMC in the IO registry");
    else if (IOServiceOpen(search.service, mach_task_self(), 0, &smc->connection) != KERN_SUCCESS)
        st = error_set(err, STATUS_ABSENT, "AppleSMC refuses");
    begin(&search);
    if (st == STATUS_OK)
        *opened = smc;
    else
        free(smc);
    return st;
}

void smc_close(struct smc *smc)
{
    if (smc == NULL)
        return;
    (void)IOServiceClose(smc->connection);
    free(smc);
}

bool smc_find(struct smc *smc, uint32_t key, struct smc_key *found)
{
    const struct call in = { .key = key, .command = READ_INFO };
    struct call out;

    if (!call(smc, &in, &out) || out.data_size == 0 || out.data_size > VALUE_SIZE)
        return false;
    *found = (struct smc_key){ key, out.data_type, out.data_size };
    return true;
}

bool smc_read(struct smc *smc, const struct smc_key *key, int64_t *milli)
{
    const struct call in = { .key = key->key, .data_size = key->size, .command = READ_BYTES };
    struct call out;

    return call(smc, &in, &out) && smc_value_milli(key->type, out.bytes, key->size, milli);
}

uint32_t smc_count(struct smc *smc)
{
    struct smc_key key;
    int64_t milli;

    if (!smc_find(smc, SMC_KEY('#', 'K', 'E', 'Y'), &key) || !smc_read(smc, &key, &milli) ||
        milli < 0 || milli / 1000 > UINT32_MAX)
        return 0;
    return (uint32_t)(milli / 1000);
}

uint32_t smc_key_at(struct smc *smc, uint32_t place)
{
    const struct call in = { .command = READ_KEY, .place = place };
    struct call out;

    return call(smc, &in, &out) ? out.key : 0;
}
