/*
 * NVIDIA's GPUs by its management library, which comes with the driver and is opened when recording starts.
 *
 *   source  libnvidia-ml.so.1 (recorder/collectors/nvml.h)
 *   units   energy is told in mJ, power in mW, clocks in MHz, temperature in degrees, shares in percent;
 *           throttle_reasons are the bits nvmlClocksEventReason...
 *   needs   /dev/nvidiactl and /dev/nvidiaN, which all may open by default
 *   absent  energy before Volta; utilization, encoder and decoder in MIG mode; what a GPU does not have
 *
 * The library keeps its GPUs awake while it has them open. So it is not even initialised while all sleep or
 * are left alone (gpu_pci_linux.h), and shut down when one of those that it has open is to be left alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/collectors/gpu_nvidia.h"
#include "recorder/collectors/gpu_pci_linux.h"
#include "recorder/worker.h"

enum {
    INIT_APART = 30, /* readings between two attempts */
    UJ_PER_MJ = 1000,
    HZ_PER_MHZ = 1000000,
    MILLI = 1000,
    /* More is no power, clock or temperature of anything. */
    POWER_MOST_MW = 100000000,
    CLOCK_MOST_MHZ = 100000,
    TEMPERATURE_MOST = 250,
};

/* Bits of the reasons that tell of heat or a fault; a limit of power is met by every GPU that works. */
static const struct {
    unsigned long long bit;
    const char *name;
} trouble[] = {
    { 0x08, "hardware slowdown" },
    { 0x20, "software thermal slowdown" },
    { 0x40, "hardware thermal slowdown" },
    { 0x80, "hardware power brake" },
};

/* What is kept of a GPU from reading to reading, by key. */
struct kept {
    char key[GPU_KEY_SIZE];
    uint64_t seen_us;
    bool attached; /* the library has it open */
};

struct nvidia_state {
    struct nvml nvml;
    struct gpu_pci *pci;
    bool initialised;
    int wait;                   /* readings until the next attempt to initialise */
    int failure;                /* of the last one */
    uint64_t before_us, now_us; /* when the reading before began, and this one */
    size_t kept_count;
    struct kept kept[GPU_MOST];
    struct nvidia_room room;
};

static struct kept *keep(struct nvidia_state *n, const char *key)
{
    for (size_t i = 0; i < n->kept_count; i++)
        if (strcmp(n->kept[i].key, key) == 0)
            return &n->kept[i];
    if (n->kept_count == GPU_MOST)
        return NULL;
    (void)snprintf(n->kept[n->kept_count].key, GPU_KEY_SIZE, "%s", key);
    return &n->kept[n->kept_count++];
}

/* --- one GPU --- */

/* `most` and less is believed. */
static void put(struct nvidia_subject *s, enum gpu_metric metric, int returned,
                unsigned long long value, unsigned long long multiplier, unsigned long long most)
{
    enum missing why = nvml_missing(returned);

    s->gpu->lost = s->gpu->lost || nvml_is_lost(returned);
    if (why == MISSING_NONE && value > most)
        why = MISSING_FAILED;
    if (why == MISSING_NONE)
        gpu_put(s->gpu, metric, (int64_t)(value * multiplier));
    else
        s->gpu->missing[metric] = (uint8_t)why;
}

static void put_unsigned(struct nvidia_subject *s, enum gpu_metric metric, nvml_get_unsigned *get,
                         unsigned multiplier, unsigned most)
{
    unsigned value = 0;
    int returned = get == NULL ? NVML_ERROR_FUNCTION_NOT_FOUND : get(s->device, &value);

    put(s, metric, returned, value, multiplier, most);
}

static void put_kind(struct nvidia_subject *s, enum gpu_metric metric, nvml_get_kind *get, int kind,
                     unsigned multiplier, unsigned most)
{
    unsigned value = 0;
    int returned = get == NULL ? NVML_ERROR_FUNCTION_NOT_FOUND : get(s->device, kind, &value);

    put(s, metric, returned, value, multiplier, most);
}

static void put_percent(struct nvidia_subject *s, enum gpu_metric metric, int returned,
                        unsigned percent)
{
    const unsigned ppm_per_percent = 10000;

    put(s, metric, returned, percent, ppm_per_percent, 100);
}

static void put_video(struct nvidia_subject *s, enum gpu_metric metric, nvml_get_two *get)
{
    unsigned percent = 0, period_us = 0;
    int returned =
        get == NULL ? NVML_ERROR_FUNCTION_NOT_FOUND : get(s->device, &percent, &period_us);

    put_percent(s, metric, returned, percent);
}

static void read_work(struct nvidia_subject *s)
{
    struct nvml_utilization u = { 0 };
    int returned = s->nvml->utilization == NULL ? NVML_ERROR_FUNCTION_NOT_FOUND
                                                : s->nvml->utilization(s->device, &u);

    put_percent(s, GPU_UTILIZATION_PPM, returned, u.gpu);
    put_percent(s, GPU_MEMORY_UTILIZATION_PPM, returned, u.memory);
    put_video(s, GPU_ENCODER_PPM, s->nvml->encoder);
    put_video(s, GPU_DECODER_PPM, s->nvml->decoder);
}

/* The newer call leaves out of "used" what the driver reserves. */
static void read_memory(struct nvidia_subject *s)
{
    struct nvml_memory_v2 newer = { .version = NVML_MEMORY_VERSION_2 };
    struct nvml_memory older = { 0 };
    int returned = NVML_ERROR_FUNCTION_NOT_FOUND;

    if (s->nvml->memory_v2 != NULL)
        returned = s->nvml->memory_v2(s->device, &newer);
    if (nvml_missing(returned) == MISSING_UNSUPPORTED && s->nvml->memory != NULL) {
        returned = s->nvml->memory(s->device, &older);
        newer.total = older.total;
        newer.used = older.used;
    }
    put(s, GPU_MEMORY_TOTAL_BYTES, returned, newer.total, 1, INT64_MAX);
    put(s, GPU_MEMORY_USED_BYTES, returned, newer.used, 1, newer.total);
}

static void read_reasons(struct nvidia_subject *s)
{
    unsigned long long bits = 0;
    int returned = s->nvml->reasons == NULL ? NVML_ERROR_FUNCTION_NOT_FOUND
                                            : s->nvml->reasons(s->device, &bits);
    char *text = s->gpu->slowed;

    put(s, GPU_THROTTLE_REASONS, returned, bits, 1, INT64_MAX);
    for (size_t i = 0; returned == NVML_SUCCESS && i < COUNT_OF(trouble); i++) {
        size_t used = strlen(text);

        if ((bits & trouble[i].bit) != 0)
            (void)snprintf(text + used, sizeof s->gpu->slowed - used, "%s%s", used > 0 ? ", " : "",
                           trouble[i].name);
    }
}

static void read_board(struct nvidia_subject *s)
{
    unsigned long long count = 0, energy_mj = 0;
    int returned = s->nvml->energy == NULL ? NVML_ERROR_FUNCTION_NOT_FOUND
                                           : s->nvml->energy(s->device, &energy_mj);

    put(s, GPU_ENERGY_UJ_TOTAL, returned, energy_mj, UJ_PER_MJ, INT64_MAX / UJ_PER_MJ);
    put_unsigned(s, GPU_POWER_MW, s->nvml->power, 1, POWER_MOST_MW);
    put_unsigned(s, GPU_POWER_LIMIT_MW, s->nvml->power_limit, 1, POWER_MOST_MW);
    put_unsigned(s, GPU_FAN_PPM, s->nvml->fan, 10000, 100);
    put_kind(s, GPU_CORE_CLOCK_HZ, s->nvml->clock, NVML_CLOCK_SM, HZ_PER_MHZ, CLOCK_MOST_MHZ);
    put_kind(s, GPU_MEMORY_CLOCK_HZ, s->nvml->clock, NVML_CLOCK_MEM, HZ_PER_MHZ, CLOCK_MOST_MHZ);
    put_kind(s, GPU_TEMPERATURE_MILLICELSIUS, s->nvml->temperature, NVML_TEMPERATURE_GPU, MILLI,
             TEMPERATURE_MOST);
    returned = s->nvml->ecc == NULL ? NVML_ERROR_FUNCTION_NOT_FOUND
                                    : s->nvml->ecc(s->device, NVML_MEMORY_ERROR_UNCORRECTED,
                                                   NVML_AGGREGATE_ECC, &count);
    put(s, GPU_ECC_ERRORS_TOTAL, returned, count, 1, INT64_MAX);
    read_reasons(s);
}

static void name_it(struct nvidia_subject *s)
{
    char name[NVML_NAME_SIZE + 1] = "";
    unsigned current = 0, pending = 0;

    if (s->nvml->name == NULL || s->nvml->name(s->device, name, NVML_NAME_SIZE) != NVML_SUCCESS)
        (void)snprintf(name, sizeof name, "NVIDIA GPU");
    name[NVML_NAME_SIZE] = '\0'; /* whatever the library did */
    s->mig = s->nvml->mig != NULL && s->nvml->mig(s->device, &current, &pending) == NVML_SUCCESS &&
             current == 1;
    (void)snprintf(s->gpu->label, sizeof s->gpu->label, "%s%s", name, s->mig ? " (MIG mode)" : "");
}

/* True: it has something to do. */
static bool read_device(struct nvidia_state *n, nvml_device device, const char *key,
                        struct gpu_reading *reading, struct capability *found)
{
    struct nvidia_subject s = { .nvml = &n->nvml, .device = device, .before_us = n->before_us };
    struct kept *kept = keep(n, key);
    bool computing = false;

    s.gpu = gpu_reading_gpu(reading, key);
    if (s.gpu == NULL || kept == NULL)
        return true;
    worker_at(worker_self(), key);
    kept->attached = true;
    gpu_put(s.gpu, GPU_POWER_STATE, GPU_AWAKE);
    name_it(&s);
    read_work(&s);
    if (!s.gpu->lost)
        read_memory(&s);
    if (!s.gpu->lost)
        read_board(&s);
    if (!s.gpu->lost)
        computing = nvidia_processes(&s, &n->room, &kept->seen_us, reading, found);
    if (s.gpu->lost)
        gpu_put_all_missing(s.gpu, MISSING_FAILED);
    if (s.mig)
        gpu_found(found, CAPABILITY_PARTIAL,
                  "a GPU is in MIG mode: no utilization, its instances are not told apart", "");
    return computing || s.gpu->missing[GPU_UTILIZATION_PPM] != MISSING_NONE ||
           s.gpu->values[GPU_UTILIZATION_PPM] > 0;
}

/* --- all of them --- */

static void tell_missing(struct gpu_reading *reading, const char *key, enum missing why)
{
    struct gpu_report *gpu = gpu_reading_gpu(reading, key);

    if (gpu != NULL)
        gpu_put_all_missing(gpu, why);
}

/* What is known to be there, of an NVIDIA GPU of sysfs. */
static bool is_ours(const struct gpu_device *device)
{
    return device->vendor == GPU_VENDOR_NVIDIA && strcmp(device->driver, "nouveau") != 0;
}

static void read_by_address(struct nvidia_state *n, struct gpu_reading *reading,
                            struct capability *found)
{
    for (size_t i = 0; i < n->pci->count; i++) {
        struct gpu_device *gpu = &n->pci->device[i];
        nvml_device device = NULL;
        int returned;

        if (!is_ours(gpu))
            continue;
        if (!gpu_device_readable(gpu)) {
            tell_missing(reading, gpu->address, MISSING_NOT_SAMPLED);
            continue;
        }
        worker_at(worker_self(), gpu->address);
        returned = n->nvml.by_bus_id(gpu->address, &device);
        if (returned == NVML_SUCCESS) {
            gpu_device_was(gpu, read_device(n, device, gpu->address, reading, found));
            continue;
        }
        tell_missing(reading, gpu->address, nvml_missing(returned));
        if (nvml_is_lost(returned) && gpu_reading_gpu(reading, gpu->address) != NULL)
            gpu_reading_gpu(reading, gpu->address)->lost = true;
    }
}

/* Where /sys is not there, or the GPUs are on no PCI bus. */
static void read_by_index(struct nvidia_state *n, struct gpu_reading *reading,
                          struct capability *found)
{
    unsigned count = 0;

    if (n->nvml.count(&count) != NVML_SUCCESS)
        return;
    for (unsigned i = 0; i < count && i < GPU_MOST; i++) {
        struct nvml_pci pci = { .domain = 0 };
        nvml_device device = NULL;
        char key[GPU_KEY_SIZE];

        if (n->nvml.by_index(i, &device) != NVML_SUCCESS)
            continue;
        if (n->nvml.pci != NULL && n->nvml.pci(device, &pci) == NVML_SUCCESS)
            (void)snprintf(key, sizeof key, "%04x:%02x:%02x.0", pci.domain, pci.bus, pci.device);
        else if (n->nvml.uuid == NULL || n->nvml.uuid(device, key, sizeof key - 1) != NVML_SUCCESS)
            (void)snprintf(key, sizeof key, "nvidia-%u", i);
        key[sizeof key - 1] = '\0';
        (void)read_device(n, device, key, reading, found);
    }
}

static void shut_down(struct nvidia_state *n)
{
    if (n->initialised)
        (void)n->nvml.shutdown();
    n->initialised = false;
    for (size_t i = 0; i < n->kept_count; i++)
        n->kept[i].attached = false;
}

/* How many of the PCI buses' are ours, and how many of those may be asked. One to be left alone is let go. */
static void count_ours(struct nvidia_state *n, size_t *all, size_t *readable)
{
    bool let_go = false;

    *all = *readable = 0;
    for (size_t i = 0; i < n->pci->count; i++) {
        const struct gpu_device *gpu = &n->pci->device[i];
        const struct kept *kept = is_ours(gpu) ? keep(n, gpu->address) : NULL;

        *all += is_ours(gpu);
        *readable += is_ours(gpu) && gpu_device_readable(gpu);
        let_go = let_go || (kept != NULL && kept->attached && !gpu_device_readable(gpu));
    }
    if (let_go)
        shut_down(n);
}

static void tell_failure(int returned, struct capability *found)
{
    char reason[96];

    if (returned == NVML_ERROR_NO_PERMISSION) {
        gpu_found(found, CAPABILITY_NOT_PERMITTED, "NVML: no permission",
                  "let the recorder open /dev/nvidiactl and /dev/nvidia*");
        return;
    }
    if (returned == NVML_ERROR_DRIVER_NOT_LOADED) {
        gpu_found(found, CAPABILITY_NOT_THERE, "NVML: the NVIDIA driver is not loaded",
                  "load it, and let the recorder open /dev/nvidiactl");
        return;
    }
    if (returned == NVML_ERROR_LIB_RM_VERSION_MISMATCH) {
        gpu_found(found, CAPABILITY_FAILED, "NVML: driver and library are of different versions",
                  "load the new driver, or restart the host");
        return;
    }
    (void)snprintf(reason, sizeof reason, "NVML cannot be initialised: its error %d", returned);
    gpu_found(found, CAPABILITY_FAILED, reason, "");
}

static bool initialise(struct nvidia_state *n, struct capability *found)
{
    if (n->initialised)
        return true;
    if (n->wait > 0) {
        n->wait--;
        return false;
    }
    worker_at(worker_self(), "NVML initialises");
    n->failure = n->nvml.init();
    n->initialised = n->failure == NVML_SUCCESS;
    if (!n->initialised) {
        n->wait = INIT_APART;
        tell_failure(n->failure, found);
        return false;
    }
    for (unsigned i = 0; i < NVML_LISTS; i++)
        n->room.lists[i] = nvml_list_of(&n->nvml, i);
    return true;
}

static void nvidia_read(void *state, struct gpu_reading *reading, struct capability *found)
{
    struct nvidia_state *n = state;
    size_t all, readable;

    n->before_us = n->now_us;
    n->now_us = nvidia_wall_us();
    count_ours(n, &all, &readable);
    if ((all == 0 || readable > 0) && initialise(n, found)) {
        if (all > 0)
            read_by_address(n, reading, found);
        else
            read_by_index(n, reading, found);
        return;
    }
    for (size_t i = 0; i < n->pci->count; i++)
        if (is_ours(&n->pci->device[i]))
            tell_missing(reading, n->pci->device[i].address,
                         gpu_device_readable(&n->pci->device[i]) ? nvml_missing(n->failure)
                                                                 : MISSING_NOT_SAMPLED);
}

static void nvidia_close(void *state)
{
    struct nvidia_state *n = state;

    if (n == NULL)
        return;
    shut_down(n);
    nvml_unload(&n->nvml);
    nvidia_room_close(&n->room);
    free(n);
}

static enum status nvidia_open(void **state, const struct gpu_setting *setting, struct error *err)
{
    struct nvidia_state *n = calloc(1, sizeof *n);
    enum status st;

    if (n == NULL)
        return error_set(err, STATUS_NO_MEMORY, "NVIDIA GPUs");
    n->pci = setting->pci;
    st = nvml_load(&n->nvml, setting->nvml_library, err);
    if (st == STATUS_OK)
        st = nvidia_room_open(&n->room, err);
    if (st != STATUS_OK)
        nvidia_close(n);
    else
        *state = n;
    return st;
}

const struct gpu_backend gpu_nvidia = {
    .name = "nvml",
    .open = nvidia_open,
    .read = nvidia_read,
    .close = nvidia_close,
};
