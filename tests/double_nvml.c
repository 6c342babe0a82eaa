/*
 * A double of NVIDIA's management library: as much of it as the recorder calls. It reads what it is to say
 * from the file that PROCSCOPE_DOUBLE_NVML names, at each call anew, one order a line:
 *
 *   gpus N                                how many there are
 *   gpu N METRIC VALUE...                 below; a metric that is not named is not supported
 *   process N LIST PID BYTES              LIST: compute, graphics, mps
 *   sample N PID SM MEMORY ENCODER DECODER [AGE_US]
 *   fail FUNCTION CODE                    the function returns that
 *   hang FUNCTION SECONDS
 *   driver VERSION                        535.54... has lists of its own
 *   count N                               what lists claim to hold, whatever they hold
 *   log FILE                              a line for each call of init, shutdown, a handle, and energy
 *
 * Metrics: bus, name, utilization (two), memory (used, total), power, limit, energy (start and step of each
 * call, in mJ), core_clock, memory_clock, temperature, fan, reasons, encoder, decoder, ecc, mig, lost.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "recorder/collectors/nvml.h"

enum { GPUS_MOST = 8, LINE_SIZE = 256 };

static unsigned long long energy_calls[GPUS_MOST];
static unsigned number[GPUS_MOST] = { 0, 1, 2, 3, 4, 5, 6, 7 }; /* what a device points to */
static int initialised;

typedef int line_taker(const char *line, void *context);

/* Each line; stops at the first one that is taken. */
static int each_line(line_taker *take, void *context)
{
    const char *path = getenv("PROCSCOPE_DOUBLE_NVML");
    FILE *file = path != NULL ? fopen(path, "re") : NULL;
    char line[LINE_SIZE];
    int taken = 0;

    while (file != NULL && taken == 0 && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        taken = take(line, context);
    }
    if (file != NULL)
        (void)fclose(file);
    return taken;
}

struct search {
    char prefix[2 * LINE_SIZE];
    char rest[LINE_SIZE];
};

static int take_prefix(const char *line, void *context)
{
    struct search *search = context;
    size_t size = strlen(search->prefix);

    if (strncmp(line, search->prefix, size) != 0 || (line[size] != ' ' && line[size] != '\0'))
        return 0;
    (void)snprintf(search->rest, sizeof search->rest, "%s",
                   line[size] == ' ' ? line + size + 1 : "");
    return 1;
}

/* The rest of the line that begins so; NULL: there is none. */
static const char *order(struct search *search, const char *first, const char *second)
{
    (void)snprintf(search->prefix, sizeof search->prefix, "%s%s%s", first,
                   second[0] != '\0' ? " " : "", second);
    return each_line(take_prefix, search) ? search->rest : NULL;
}

static void note(const char *what, unsigned gpu, unsigned long long value)
{
    struct search search;
    const char *path = order(&search, "log", "");
    FILE *file = path != NULL ? fopen(path, "ae") : NULL;

    if (file == NULL)
        return;
    fprintf(file, "%s %u %llu\n", what, gpu, value);
    (void)fclose(file);
}

/* What every function does first. */
static int enter(const char *function)
{
    struct search search;
    const char *seconds = order(&search, "hang", function);

    if (seconds != NULL) {
        struct timespec span = { .tv_sec = atoi(seconds) };

        while (nanosleep(&span, &span) != 0)
            ;
    }
    if (order(&search, "fail", function) != NULL)
        return atoi(search.rest);
    return NVML_SUCCESS;
}

/* The numbers of a metric of a GPU: how many of the two there are. */
static int numbers(nvml_device device, const char *metric, unsigned long long value[2])
{
    char first[LINE_SIZE];
    struct search search;
    const char *rest;

    (void)snprintf(first, sizeof first, "gpu %u", *(const unsigned *)device);
    rest = order(&search, first, metric);
    return rest == NULL ? 0 : sscanf(rest, "%llu %llu", &value[0], &value[1]);
}

static int ask(const char *function, nvml_device device, const char *metric, int count,
               unsigned long long value[2])
{
    unsigned long long lost[2] = { 0, 0 };
    int failure = enter(function);

    if (failure != NVML_SUCCESS)
        return failure;
    if (numbers(device, "lost", lost) > 0 && lost[0] != 0)
        return NVML_ERROR_GPU_IS_LOST;
    return numbers(device, metric, value) >= count ? NVML_SUCCESS : NVML_ERROR_NOT_SUPPORTED;
}

static int ask_one(const char *function, nvml_device device, const char *metric, unsigned *value)
{
    unsigned long long found[2] = { 0, 0 };
    int failure = ask(function, device, metric, 1, found);

    *value = (unsigned)found[0];
    return failure;
}

#define EXPORT __attribute__((visibility("default")))
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

EXPORT int nvmlInit_v2(void)
{
    int failure = enter("nvmlInit_v2");

    note("init", 0, (unsigned long long)failure);
    initialised += failure == NVML_SUCCESS;
    return failure;
}

EXPORT int nvmlShutdown(void)
{
    note("shutdown", 0, 0);
    initialised--;
    return enter("nvmlShutdown");
}

EXPORT int nvmlSystemGetDriverVersion(char *text, unsigned size)
{
    struct search search;
    const char *version = order(&search, "driver", "");

    (void)snprintf(text, size, "%s", version != NULL ? version : "580.95.05");
    return NVML_SUCCESS;
}

EXPORT int nvmlDeviceGetCount_v2(unsigned *count)
{
    struct search search;
    const char *gpus = order(&search, "gpus", "");

    *count = gpus != NULL ? (unsigned)strtoul(gpus, NULL, 10) : 0;
    return initialised > 0 ? enter("nvmlDeviceGetCount_v2") : 1;
}

EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned index, nvml_device *device)
{
    if (index >= GPUS_MOST)
        return NVML_ERROR_NOT_FOUND;
    note("handle", index, 0);
    *device = &number[index];
    return enter("nvmlDeviceGetHandleByIndex_v2");
}

EXPORT int nvmlDeviceGetHandleByPciBusId_v2(const char *bus_id, nvml_device *device)
{
    unsigned domain = 0, bus = 0;
    int failure = enter("nvmlDeviceGetHandleByPciBusId_v2");

    if (sscanf(bus_id, "%x:%x", &domain, &bus) != 2)
        return NVML_ERROR_NOT_FOUND;
    for (unsigned i = 0; failure == NVML_SUCCESS && i < GPUS_MOST; i++) {
        unsigned long long at[2] = { 0, 0 };

        if (numbers(&number[i], "bus", at) > 0 && at[0] == bus) {
            note("handle", i, 0);
            *device = &number[i];
            return NVML_SUCCESS;
        }
    }
    return failure != NVML_SUCCESS ? failure : NVML_ERROR_NOT_FOUND;
}

EXPORT int nvmlDeviceGetPciInfo_v3(nvml_device device, struct nvml_pci *pci)
{
    return ask_one("nvmlDeviceGetPciInfo_v3", device, "bus", &pci->bus);
}

EXPORT int nvmlDeviceGetName(nvml_device device, char *name, unsigned size)
{
    char first[LINE_SIZE];
    struct search search;
    const char *rest;

    (void)snprintf(first, sizeof first, "gpu %u", *(const unsigned *)device);
    rest = order(&search, first, "name");
    if (rest == NULL)
        return NVML_ERROR_NOT_SUPPORTED;
    memset(name, 'X', size); /* no end, as a liar leaves it */
    if (strcmp(rest, "endless") != 0)
        (void)snprintf(name, size, "%s", rest);
    return enter("nvmlDeviceGetName");
}

EXPORT int nvmlDeviceGetUUID(nvml_device device, char *uuid, unsigned size)
{
    (void)snprintf(uuid, size, "GPU-double-%u", *(const unsigned *)device);
    return enter("nvmlDeviceGetUUID");
}

EXPORT int nvmlDeviceGetUtilizationRates(nvml_device device, struct nvml_utilization *utilization)
{
    unsigned long long value[2] = { 0, 0 };
    int failure = ask("nvmlDeviceGetUtilizationRates", device, "utilization", 2, value);

    utilization->gpu = (unsigned)value[0];
    utilization->memory = (unsigned)value[1];
    return failure;
}

EXPORT int nvmlDeviceGetMemoryInfo(nvml_device device, struct nvml_memory *memory)
{
    unsigned long long value[2] = { 0, 0 };
    int failure = ask("nvmlDeviceGetMemoryInfo", device, "memory", 2, value);

    memory->used = value[0];
    memory->total = value[1];
    memory->free = value[1] - value[0];
    return failure;
}

EXPORT int nvmlDeviceGetMemoryInfo_v2(nvml_device device, struct nvml_memory_v2 *memory)
{
    unsigned long long value[2] = { 0, 0 };
    int failure = memory->version == NVML_MEMORY_VERSION_2
                      ? ask("nvmlDeviceGetMemoryInfo_v2", device, "memory", 2, value)
                      : NVML_ERROR_ARGUMENT_VERSION_MISMATCH;

    memory->used = value[0];
    memory->total = value[1];
    return failure;
}

EXPORT int nvmlDeviceGetPowerUsage(nvml_device device, unsigned *mw)
{
    return ask_one("nvmlDeviceGetPowerUsage", device, "power", mw);
}

EXPORT int nvmlDeviceGetEnforcedPowerLimit(nvml_device device, unsigned *mw)
{
    return ask_one("nvmlDeviceGetEnforcedPowerLimit", device, "limit", mw);
}

EXPORT int nvmlDeviceGetTotalEnergyConsumption(nvml_device device, unsigned long long *mj)
{
    unsigned long long value[2] = { 0, 0 };
    unsigned gpu = *(const unsigned *)device;
    int failure = ask("nvmlDeviceGetTotalEnergyConsumption", device, "energy", 2, value);

    if (failure != NVML_SUCCESS)
        return failure;
    *mj = value[0] + value[1] * energy_calls[gpu]++;
    note("energy", gpu, *mj);
    return NVML_SUCCESS;
}

EXPORT int nvmlDeviceGetClockInfo(nvml_device device, int kind, unsigned *mhz)
{
    return ask_one("nvmlDeviceGetClockInfo", device,
                   kind == NVML_CLOCK_MEM ? "memory_clock" : "core_clock", mhz);
}

EXPORT int nvmlDeviceGetTemperature(nvml_device device, int sensor, unsigned *degrees)
{
    (void)sensor;
    return ask_one("nvmlDeviceGetTemperature", device, "temperature", degrees);
}

EXPORT int nvmlDeviceGetFanSpeed(nvml_device device, unsigned *percent)
{
    return ask_one("nvmlDeviceGetFanSpeed", device, "fan", percent);
}

EXPORT int nvmlDeviceGetCurrentClocksThrottleReasons(nvml_device device, unsigned long long *bits)
{
    unsigned long long value[2] = { 0, 0 };
    int failure = ask("nvmlDeviceGetCurrentClocksThrottleReasons", device, "reasons", 1, value);

    *bits = value[0];
    return failure;
}

EXPORT int nvmlDeviceGetEncoderUtilization(nvml_device device, unsigned *percent, unsigned *us)
{
    *us = 0;
    return ask_one("nvmlDeviceGetEncoderUtilization", device, "encoder", percent);
}

EXPORT int nvmlDeviceGetDecoderUtilization(nvml_device device, unsigned *percent, unsigned *us)
{
    *us = 0;
    return ask_one("nvmlDeviceGetDecoderUtilization", device, "decoder", percent);
}

EXPORT int nvmlDeviceGetTotalEccErrors(nvml_device device, int error, int counter,
                                       unsigned long long *count)
{
    unsigned long long value[2] = { 0, 0 };
    int failure = ask("nvmlDeviceGetTotalEccErrors", device, "ecc", 1, value);

    *count = value[0];
    return error == NVML_MEMORY_ERROR_UNCORRECTED && counter == NVML_AGGREGATE_ECC ? failure : 2;
}

EXPORT int nvmlDeviceGetMigMode(nvml_device device, unsigned *current, unsigned *pending)
{
    *pending = 0;
    return ask_one("nvmlDeviceGetMigMode", device, "mig", current);
}

/* --- lists --- */

struct listing {
    const char *name; /* "process 0 compute" or "sample 0" */
    void *list;
    unsigned room, count;
    size_t stride; /* of processes */
};

static int take_process(const char *line, void *context)
{
    struct listing *l = context;
    struct nvml_process process = { 0 };
    size_t size = strlen(l->name);
    unsigned long long pid, bytes;

    if (strncmp(line, l->name, size) != 0 || sscanf(line + size, "%llu %llu", &pid, &bytes) != 2)
        return 0;
    process.pid = (unsigned)pid;
    process.memory = bytes;
    if (l->count < l->room)
        memcpy((char *)l->list + l->count * l->stride, &process,
               l->stride < sizeof process ? l->stride : sizeof process);
    l->count++;
    return 0;
}

static int claim(struct listing *l, unsigned *count)
{
    struct search search;
    const char *claimed = order(&search, "count", "");

    *count = l->count;
    if (claimed != NULL)
        *count = (unsigned)strtoul(claimed, NULL, 10);
    return l->count > l->room ? NVML_ERROR_INSUFFICIENT_SIZE : NVML_SUCCESS;
}

static int give_list(const char *function, const char *which, nvml_device device, unsigned *count,
                     void *list, size_t stride)
{
    char name[LINE_SIZE];
    struct listing l = { .name = name, .list = list, .room = *count, .stride = stride };
    unsigned long long none[2];
    int failure = ask(function, device, "bus", 1, none);

    if (failure != NVML_SUCCESS)
        return failure;
    (void)snprintf(name, sizeof name, "process %u %s", *(const unsigned *)device, which);
    (void)each_line(take_process, &l);
    return claim(&l, count);
}

/* The first drivers of the series 535 have longer elements here. */
EXPORT int nvmlDeviceGetComputeRunningProcesses_v3(nvml_device device, unsigned *count, void *list)
{
    struct search search;
    const char *driver = order(&search, "driver", "");
    size_t more = driver != NULL && strncmp(driver, "535.54", 6) == 0 ? 8 : 0;

    return give_list("nvmlDeviceGetComputeRunningProcesses_v3", "compute", device, count, list,
                     sizeof(struct nvml_process) + more);
}

EXPORT int nvmlDeviceGetComputeRunningProcesses_v2(nvml_device device, unsigned *count, void *list)
{
    return give_list("nvmlDeviceGetComputeRunningProcesses_v2", "compute", device, count, list,
                     sizeof(struct nvml_process));
}

/* As before there was a second version. */
EXPORT int nvmlDeviceGetGraphicsRunningProcesses(nvml_device device, unsigned *count, void *list)
{
    return give_list("nvmlDeviceGetGraphicsRunningProcesses", "graphics", device, count, list,
                     sizeof(struct nvml_process_v1));
}

static int take_sample(const char *line, void *context)
{
    struct listing *l = context;
    struct nvml_process_utilization *list = l->list;
    struct nvml_process_utilization sample = { 0 };
    size_t size = strlen(l->name);
    unsigned long long age_us = 0;
    struct timespec now;

    if (strncmp(line, l->name, size) != 0 ||
        sscanf(line + size, "%u %u %u %u %u %llu", &sample.pid, &sample.sm, &sample.memory,
               &sample.encoder, &sample.decoder, &age_us) < 5)
        return 0;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    sample.time_us =
        (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000 - age_us;
    if (l->count < l->room)
        list[l->count] = sample;
    l->count++;
    return 0;
}

EXPORT int nvmlDeviceGetProcessUtilization(nvml_device device,
                                           struct nvml_process_utilization *samples,
                                           unsigned *count, unsigned long long since_us)
{
    char name[LINE_SIZE];
    struct listing l = { .name = name, .list = samples, .room = *count };
    unsigned long long none[2];
    int failure = ask("nvmlDeviceGetProcessUtilization", device, "bus", 1, none);

    (void)since_us;
    if (failure != NVML_SUCCESS)
        return failure;
    (void)snprintf(name, sizeof name, "sample %u ", *(const unsigned *)device);
    (void)each_line(take_sample, &l);
    if (l.count == 0)
        return NVML_ERROR_NOT_FOUND;
    return claim(&l, count);
}
