/* See nvml.h. */
#include "recorder/collectors/nvml.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Names of a function, the newest first; only those with the types of nvml.h. */
static const struct {
    size_t at; /* in struct nvml */
    bool needed;
    const char *names[2];
} functions[] = {
    { offsetof(struct nvml, init), true, { "nvmlInit_v2", NULL } },
    { offsetof(struct nvml, shutdown), true, { "nvmlShutdown", NULL } },
    { offsetof(struct nvml, driver_version), false, { "nvmlSystemGetDriverVersion", NULL } },
    { offsetof(struct nvml, count), true, { "nvmlDeviceGetCount_v2", NULL } },
    { offsetof(struct nvml, by_index), true, { "nvmlDeviceGetHandleByIndex_v2", NULL } },
    { offsetof(struct nvml, by_bus_id), true, { "nvmlDeviceGetHandleByPciBusId_v2", NULL } },
    { offsetof(struct nvml, pci), false, { "nvmlDeviceGetPciInfo_v3", NULL } },
    { offsetof(struct nvml, name), false, { "nvmlDeviceGetName", NULL } },
    { offsetof(struct nvml, uuid), false, { "nvmlDeviceGetUUID", NULL } },
    { offsetof(struct nvml, utilization), false, { "nvmlDeviceGetUtilizationRates", NULL } },
    { offsetof(struct nvml, memory), false, { "nvmlDeviceGetMemoryInfo", NULL } },
    { offsetof(struct nvml, memory_v2), false, { "nvmlDeviceGetMemoryInfo_v2", NULL } },
    { offsetof(struct nvml, power), false, { "nvmlDeviceGetPowerUsage", NULL } },
    { offsetof(struct nvml, power_limit), false, { "nvmlDeviceGetEnforcedPowerLimit", NULL } },
    { offsetof(struct nvml, fan), false, { "nvmlDeviceGetFanSpeed", NULL } },
    { offsetof(struct nvml, energy), false, { "nvmlDeviceGetTotalEnergyConsumption", NULL } },
    { offsetof(struct nvml, reasons),
      false,
      { "nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons" } },
    { offsetof(struct nvml, clock), false, { "nvmlDeviceGetClockInfo", NULL } },
    { offsetof(struct nvml, temperature), false, { "nvmlDeviceGetTemperature", NULL } },
    { offsetof(struct nvml, encoder), false, { "nvmlDeviceGetEncoderUtilization", NULL } },
    { offsetof(struct nvml, decoder), false, { "nvmlDeviceGetDecoderUtilization", NULL } },
    { offsetof(struct nvml, mig), false, { "nvmlDeviceGetMigMode", NULL } },
    { offsetof(struct nvml, ecc), false, { "nvmlDeviceGetTotalEccErrors", NULL } },
    { offsetof(struct nvml, process_utilization),
      false,
      { "nvmlDeviceGetProcessUtilization", NULL } },
};

static const char *const lists[NVML_LISTS][3] = {
    { "nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2",
      "nvmlDeviceGetComputeRunningProcesses" },
    { "nvmlDeviceGetGraphicsRunningProcesses_v3", "nvmlDeviceGetGraphicsRunningProcesses_v2",
      "nvmlDeviceGetGraphicsRunningProcesses" },
    { "nvmlDeviceGetMPSComputeRunningProcesses_v3", "nvmlDeviceGetMPSComputeRunningProcesses_v2",
      "nvmlDeviceGetMPSComputeRunningProcesses" },
};

/* A function's address, into a pointer of any function type: POSIX has them of one size. */
static bool find(const struct nvml *nvml, void *pointer, const char *name)
{
    void *address = name != NULL ? dlsym(nvml->library, name) : NULL;

    memcpy(pointer, &address, sizeof address);
    return address != NULL;
}

enum status nvml_load(struct nvml *nvml, const char *library, struct error *err)
{
    *nvml = (struct nvml){ .library = dlopen(library, RTLD_NOW | RTLD_LOCAL) };
    if (nvml->library == NULL)
        return error_set(err, STATUS_ABSENT, "%s", dlerror());
    for (size_t i = 0; i < COUNT_OF(functions); i++) {
        char *pointer = (char *)nvml + functions[i].at;

        if (!find(nvml, pointer, functions[i].names[0]) &&
            !find(nvml, pointer, functions[i].names[1]) && functions[i].needed) {
            nvml_unload(nvml);
            return error_set(err, STATUS_UNSUPPORTED, "%s has no %s", library,
                             functions[i].names[0]);
        }
    }
    for (unsigned i = 0; i < NVML_LISTS; i++)
        for (unsigned j = 0; j < 3; j++)
            (void)find(nvml, &nvml->list[i][j], lists[i][j]);
    return STATUS_OK;
}

void nvml_unload(struct nvml *nvml)
{
    if (nvml->library != NULL)
        dlclose(nvml->library);
    *nvml = (struct nvml){ .library = NULL };
}

/* The first drivers of the series 535 have longer elements in _v3 than before and after. */
static bool has_odd_lists(const struct nvml *nvml)
{
    static const char *const odd[] = { "535.43", "535.54", "535.86" };
    char version[NVML_NAME_SIZE] = "";
    bool is_odd = false;

    if (nvml->driver_version == NULL ||
        nvml->driver_version(version, sizeof version) != NVML_SUCCESS)
        return false;
    version[sizeof version - 1] = '\0';
    for (size_t i = 0; i < COUNT_OF(odd); i++)
        is_odd = is_odd || strncmp(version, odd[i], strlen(odd[i])) == 0;
    return is_odd;
}

struct nvml_list nvml_list_of(const struct nvml *nvml, unsigned which)
{
    nvml_get_list *const *get = nvml->list[which];

    if (get[0] != NULL && (get[1] == NULL || !has_odd_lists(nvml)))
        return (struct nvml_list){ get[0], sizeof(struct nvml_process) };
    if (get[1] != NULL)
        return (struct nvml_list){ get[1], sizeof(struct nvml_process) };
    return (struct nvml_list){ get[2], sizeof(struct nvml_process_v1) };
}

enum missing nvml_missing(int returned)
{
    switch (returned) {
    case NVML_SUCCESS:
        return MISSING_NONE;
    case NVML_ERROR_NO_PERMISSION:
        return MISSING_NOT_PERMITTED;
    case NVML_ERROR_NOT_FOUND:
    case NVML_ERROR_DRIVER_NOT_LOADED:
        return MISSING_NOT_THERE;
    case NVML_ERROR_NOT_SUPPORTED:
    case NVML_ERROR_FUNCTION_NOT_FOUND:
    case NVML_ERROR_ARGUMENT_VERSION_MISMATCH:
    case NVML_ERROR_DEPRECATED:
        return MISSING_UNSUPPORTED;
    default:
        return MISSING_FAILED;
    }
}

bool nvml_is_lost(int returned)
{
    return returned == NVML_ERROR_GPU_IS_LOST || returned == NVML_ERROR_RESET_REQUIRED;
}
