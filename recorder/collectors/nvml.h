/*
 * As much of NVIDIA's management library as is used here. Its header is not needed to build: the library
 * promises that a function of one name keeps its types (NVML API reference, "nvml.h" of CUDA 8 to 13).
 */
#ifndef RECORDER_NVML_H
#define RECORDER_NVML_H

#include <stdbool.h>

#include "schema/error.h"
#include "schema/metric.h"

enum nvml_return {
    NVML_SUCCESS = 0,
    NVML_ERROR_NOT_SUPPORTED = 3,
    NVML_ERROR_NO_PERMISSION = 4,
    NVML_ERROR_NOT_FOUND = 6,
    NVML_ERROR_INSUFFICIENT_SIZE = 7,
    NVML_ERROR_DRIVER_NOT_LOADED = 9,
    NVML_ERROR_FUNCTION_NOT_FOUND = 13,
    NVML_ERROR_GPU_IS_LOST = 15,
    NVML_ERROR_RESET_REQUIRED = 16,
    NVML_ERROR_LIB_RM_VERSION_MISMATCH = 18,
    NVML_ERROR_ARGUMENT_VERSION_MISMATCH = 25,
    NVML_ERROR_DEPRECATED = 26,
};

enum {
    NVML_TEMPERATURE_GPU = 0,
    NVML_CLOCK_SM = 1,
    NVML_CLOCK_MEM = 2,
    NVML_MEMORY_ERROR_UNCORRECTED = 1,
    NVML_AGGREGATE_ECC = 1, /* over the device's life, not since the driver was loaded */
    NVML_NAME_SIZE = 96,
};

#define NVML_VALUE_NOT_AVAILABLE UINT64_MAX

typedef void *nvml_device; /* the library's own: a pointer that only it looks behind */

struct nvml_pci {
    char bus_id_legacy[16];
    unsigned domain, bus, device, device_id, subsystem_id;
    char bus_id[32];
};

struct nvml_utilization {
    unsigned gpu, memory; /* percent */
};

struct nvml_memory {
    unsigned long long total, free, used; /* used with what the driver keeps for itself */
};

struct nvml_memory_v2 {
    unsigned version;
    unsigned long long total, reserved, free, used;
};

#define NVML_MEMORY_VERSION_2 ((unsigned)sizeof(struct nvml_memory_v2) | 2u << 24)

/* A process in the lists of _v2 and _v3; the first ones end behind the memory. */
struct nvml_process {
    unsigned pid;
    unsigned long long memory;
    unsigned gpu_instance, compute_instance;
};

struct nvml_process_v1 {
    unsigned pid;
    unsigned long long memory;
};

struct nvml_process_utilization {
    unsigned pid;
    unsigned long long time_us; /* since 1970 */
    unsigned sm, memory, encoder, decoder;
};

typedef int nvml_get_unsigned(nvml_device device, unsigned *value);
typedef int nvml_get_long(nvml_device device, unsigned long long *value);
typedef int nvml_get_kind(nvml_device device, int kind, unsigned *value);
typedef int nvml_get_two(nvml_device device, unsigned *value, unsigned *other);
typedef int nvml_get_text(nvml_device device, char *text, unsigned size);
typedef int nvml_get_list(nvml_device device, unsigned *count, void *list);

/* A list of processes: the function, and the bytes of an element. */
struct nvml_list {
    nvml_get_list *get;
    size_t stride;
};

enum { NVML_COMPUTE, NVML_GRAPHICS, NVML_MPS, NVML_LISTS };

/* The functions, NULL where the library has none. */
struct nvml {
    void *library;
    int (*init)(void);
    int (*shutdown)(void);
    int (*driver_version)(char *text, unsigned size);
    int (*count)(unsigned *count);
    int (*by_index)(unsigned index, nvml_device *device);
    int (*by_bus_id)(const char *bus_id, nvml_device *device);
    int (*pci)(nvml_device device, struct nvml_pci *pci);
    nvml_get_text *name, *uuid;
    int (*utilization)(nvml_device device, struct nvml_utilization *utilization);
    int (*memory)(nvml_device device, struct nvml_memory *memory);
    int (*memory_v2)(nvml_device device, struct nvml_memory_v2 *memory);
    nvml_get_unsigned *power, *power_limit, *fan;
    nvml_get_long *energy, *reasons;
    nvml_get_kind *clock, *temperature;
    nvml_get_two *encoder, *decoder, *mig;
    int (*ecc)(nvml_device device, int error, int counter, unsigned long long *count);
    int (*process_utilization)(nvml_device device, struct nvml_process_utilization *samples,
                               unsigned *count, unsigned long long since_us);
    nvml_get_list *list[NVML_LISTS][3]; /* newest first */
};

/*
 * Open the library; no GPU is touched.
 *
 *   errors  ABSENT: there is none; UNSUPPORTED: it lacks what nothing goes without
 *   owns    *nvml until nvml_unload
 */
MUST_USE enum status nvml_load(struct nvml *nvml, const char *library, struct error *err);
/* Accepts a zeroed one. */
void nvml_unload(struct nvml *nvml);

/* The function that gives such a list in this driver; get is NULL when there is none. */
struct nvml_list nvml_list_of(const struct nvml *nvml, unsigned which);

/* How what such a call returned is recorded. */
enum missing nvml_missing(int returned);
bool nvml_is_lost(int returned);

#endif
