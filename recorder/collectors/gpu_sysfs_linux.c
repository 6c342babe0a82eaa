/*
 * GPUs as their kernel drivers tell of them in sysfs, and which GPUs there are at all.
 *
 *   source  below /sys/bus/pci/devices/ADDRESS:
 *           amdgpu   gpu_busy_percent, mem_busy_percent, mem_info_vram_used and _total (bytes)
 *                    (drivers/gpu/drm/amd/pm/amdgpu_pm.c); vcn_busy_percent
 *           i915     drm/cardN/gt/gt0/rps_act_freq_mhz, throttle_reason_*
 *                    (Documentation/ABI/testing/sysfs-driver-intel-i915-hwmon, i915/gt/intel_gt_sysfs_pm.c)
 *           xe       tile0/gt0/freq0/act_freq (MHz), freq0/throttle/reason_*
 *           all      hwmon/hwmonN: power1_average, power1_input, power1_cap, power1_max (uW),
 *                    energy1_input (uJ), temp1_input (millicelsius), fan1_input and fan1_max (rpm), pwm1
 *                    (of pwm1_max or 255), freq1_input and freq2_input (Hz)
 *   absent  what a driver has no file for is unsupported
 *
 * NVIDIA's own driver has none of these: of its GPUs only the state of power is told here.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/collectors/gpu_files_linux.h"
#include "recorder/collectors/gpu_pci_linux.h"

#define OF_DEVICE "/sys/bus/pci/devices/%s/"

enum { PWM_MOST = 255, US_PER_MS = 1000, HZ_PER_MHZ = 1000000, NAME_SIZE = 32 };

static const int64_t ppm = 1000000;

struct sysfs_state {
    const char *root;
    struct gpu_pci *pci;
};

/* A GPU that is being read. */
struct subject {
    const char *root, *address;
    struct gpu_report *gpu;
    char hwmon[NAME_SIZE]; /* "hwmon3"; "" when it has none */
    char card[NAME_SIZE];  /* "card0" */
};

/* The first name in a directory of the device that begins so; the lowest, as order means nothing. */
static void first_name(char name[NAME_SIZE], const struct subject *s, const char *directory,
                       const char *prefix)
{
    char path[512];
    const struct dirent *entry;
    DIR *opened;

    name[0] = '\0';
    (void)snprintf(path, sizeof path, "%s" OF_DEVICE "%s", s->root, s->address, directory);
    opened = opendir(path);
    if (opened == NULL)
        return;
    while ((entry = readdir(opened)) != NULL) {
        size_t length = strlen(entry->d_name);

        if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0 || length >= NAME_SIZE)
            continue;
        if (name[0] == '\0' || length < strlen(name) ||
            (length == strlen(name) && strcmp(entry->d_name, name) < 0))
            memcpy(name, entry->d_name, length + 1);
    }
    closedir(opened);
}

/*
 * What is not there is a file that this driver lacks. The first file that is there counts, also if it
 * cannot be read now: another one's counter began elsewhere.
 */
static void put_number(struct subject *s, enum gpu_metric metric, enum missing why, int64_t value,
                       int64_t multiplier, int64_t divisor)
{
    if (s->gpu->missing[metric] != MISSING_UNSUPPORTED || why == MISSING_NOT_THERE)
        return;
    if (why == MISSING_NONE && __builtin_mul_overflow(value, multiplier, &value))
        why = MISSING_FAILED;
    if (why == MISSING_NONE)
        gpu_put(s->gpu, metric, value / divisor);
    else
        s->gpu->missing[metric] = (uint8_t)why;
}

static void put_file(struct subject *s, enum gpu_metric metric, const char *file,
                     int64_t multiplier, int64_t divisor)
{
    int64_t value = 0;
    enum missing why = gpu_file_number(&value, s->root, OF_DEVICE "%s", s->address, file);

    put_number(s, metric, why, value, multiplier, divisor);
}

static void put_percent(struct subject *s, enum gpu_metric metric, const char *file)
{
    int64_t value = 0;
    enum missing why = gpu_file_number(&value, s->root, OF_DEVICE "%s", s->address, file);

    if (why == MISSING_NONE)
        why = gpu_percent_ppm(value, &value);
    put_number(s, metric, why, value, 1, 1);
}

/* Power, energy, heat: the same names with all drivers. */
static void read_hwmon(struct subject *s)
{
    static const struct {
        const char *file;
        enum gpu_metric metric;
        int64_t divisor;
    } numbers[] = {
        { "power1_average", GPU_POWER_MW, US_PER_MS },
        { "power1_input", GPU_POWER_MW, US_PER_MS },
        { "power1_cap", GPU_POWER_LIMIT_MW, US_PER_MS },
        { "power1_max", GPU_POWER_LIMIT_MW, US_PER_MS },
        { "energy1_input", GPU_ENERGY_UJ_TOTAL, 1 },
        { "energy2_input", GPU_ENERGY_UJ_TOTAL, 1 },
        { "temp1_input", GPU_TEMPERATURE_MILLICELSIUS, 1 },
        { "temp2_input", GPU_TEMPERATURE_MILLICELSIUS, 1 },
        { "freq1_input", GPU_CORE_CLOCK_HZ, 1 },
        { "freq2_input", GPU_MEMORY_CLOCK_HZ, 1 },
    };
    char path[96];

    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        (void)snprintf(path, sizeof path, "hwmon/%s/%s", s->hwmon, numbers[i].file);
        put_file(s, numbers[i].metric, path, 1, numbers[i].divisor);
    }
}

/* `now` of `most`, which is `otherwise` where no file says it. */
static void read_share(struct subject *s, const char *now, const char *most, int64_t otherwise)
{
    int64_t value = 0, whole = otherwise;
    enum missing why =
        gpu_file_number(&value, s->root, OF_DEVICE "hwmon/%s/%s", s->address, s->hwmon, now);

    (void)gpu_file_number(&whole, s->root, OF_DEVICE "hwmon/%s/%s", s->address, s->hwmon, most);
    if (why == MISSING_NONE && whole <= 0)
        why = MISSING_NOT_THERE;
    if (why == MISSING_NONE && (value < 0 || value > whole))
        why = MISSING_FAILED;
    put_number(s, GPU_FAN_PPM, why, value, ppm, whole > 0 ? whole : 1);
}

/* "1: 1311Mhz *": the state that the star is at. */
static void read_dpm(struct subject *s, enum gpu_metric metric, const char *file)
{
    char text[2048];
    const char *at, *star;
    int64_t mhz = 0;
    enum missing why = gpu_file_text(text, sizeof text, s->root, OF_DEVICE "%s", s->address, file);

    if (why != MISSING_NONE || s->gpu->missing[metric] == MISSING_NONE)
        return;
    star = strchr(text, '*');
    if (star == NULL)
        return;
    at = star;
    while (at > text && at[-1] != '\n')
        at--;
    at = memchr(at, ':', (size_t)(star - at));
    why = at == NULL || sscanf(at + 1, "%" SCNd64, &mhz) != 1 || mhz < 0 ? MISSING_FAILED
                                                                         : MISSING_NONE;
    put_number(s, metric, why, mhz, HZ_PER_MHZ, 1);
}

static void read_amdgpu(struct subject *s)
{
    put_percent(s, GPU_UTILIZATION_PPM, "gpu_busy_percent");
    put_percent(s, GPU_MEMORY_UTILIZATION_PPM, "mem_busy_percent");
    put_percent(s, GPU_DECODER_PPM, "vcn_busy_percent");
    put_file(s, GPU_MEMORY_USED_BYTES, "mem_info_vram_used", 1, 1);
    put_file(s, GPU_MEMORY_TOTAL_BYTES, "mem_info_vram_total", 1, 1);
    if (s->hwmon[0] != '\0')
        read_hwmon(s);
    read_dpm(s, GPU_CORE_CLOCK_HZ, "pp_dpm_sclk");
    read_dpm(s, GPU_MEMORY_CLOCK_HZ, "pp_dpm_mclk");
}

/* --- why Intel's are slowed down --- */

/* Bit i of throttle_reasons is reason i here, as in intel_gt_sysfs_pm.c and xe_gt_throttle.c. */
static const struct {
    const char *name;
    bool trouble; /* heat or a fault, not a limit of power that is meant to be */
} intel_reasons[] = {
    { "pl1", false },    { "pl2", false }, { "pl4", false },          { "thermal", true },
    { "prochot", true }, { "ratl", true }, { "vr_thermalert", true }, { "vr_tdc", true },
};

/* `prefix` is of the files' names, below the device. */
static void read_intel_reasons(struct subject *s, const char *prefix)
{
    int64_t reasons = 0, set = 0;

    if (gpu_file_number(&set, s->root, OF_DEVICE "%s%s", s->address, prefix, "status") !=
        MISSING_NONE)
        return;
    for (size_t i = 0; i < COUNT_OF(intel_reasons); i++) {
        set = 0;
        (void)gpu_file_number(&set, s->root, OF_DEVICE "%s%s%s", s->address, prefix,
                              strstr(prefix, "throttle/") != NULL ? "reason_" : "",
                              intel_reasons[i].name);
        if (set == 0)
            continue;
        reasons |= INT64_C(1) << i;
        if (intel_reasons[i].trouble)
            (void)snprintf(s->gpu->slowed, sizeof s->gpu->slowed, "%s", intel_reasons[i].name);
    }
    gpu_put(s->gpu, GPU_THROTTLE_REASONS, reasons);
}

static void read_i915(struct subject *s)
{
    char path[96];

    (void)snprintf(path, sizeof path, "drm/%s/gt/gt0/rps_act_freq_mhz", s->card);
    put_file(s, GPU_CORE_CLOCK_HZ, path, HZ_PER_MHZ, 1);
    (void)snprintf(path, sizeof path, "drm/%s/gt_act_freq_mhz", s->card); /* before 5.18 */
    put_file(s, GPU_CORE_CLOCK_HZ, path, HZ_PER_MHZ, 1);
    (void)snprintf(path, sizeof path, "drm/%s/gt/gt0/throttle_reason_", s->card);
    read_intel_reasons(s, path);
    if (s->hwmon[0] != '\0')
        read_hwmon(s);
}

static void read_xe(struct subject *s)
{
    put_file(s, GPU_CORE_CLOCK_HZ, "tile0/gt0/freq0/act_freq", HZ_PER_MHZ, 1);
    read_intel_reasons(s, "tile0/gt0/freq0/throttle/");
    if (s->hwmon[0] != '\0')
        read_hwmon(s);
}

/* --- all of them --- */

static void read_fan(struct subject *s)
{
    if (s->hwmon[0] == '\0')
        return;
    read_share(s, "pwm1", "pwm1_max", PWM_MOST);
    read_share(s, "fan1_input", "fan1_max", 0);
}

static void read_awake(const struct sysfs_state *state, struct gpu_device *device,
                       struct gpu_report *gpu)
{
    struct subject s = { .root = state->root, .address = device->address, .gpu = gpu };

    first_name(s.hwmon, &s, "hwmon", "hwmon");
    first_name(s.card, &s, "drm", "card");
    if (strcmp(device->driver, "amdgpu") == 0)
        read_amdgpu(&s);
    else if (strcmp(device->driver, "i915") == 0)
        read_i915(&s);
    else if (strcmp(device->driver, "xe") == 0)
        read_xe(&s);
    else if (s.hwmon[0] != '\0')
        read_hwmon(&s);
    read_fan(&s);
    /* Where no utilization is told, the clock stands still when there is nothing to do. */
    gpu_device_was(device, gpu->missing[GPU_UTILIZATION_PPM] == MISSING_NONE
                               ? gpu->values[GPU_UTILIZATION_PPM] > 0
                               : gpu->missing[GPU_CORE_CLOCK_HZ] != MISSING_NONE ||
                                     gpu->values[GPU_CORE_CLOCK_HZ] > 0);
}

static void sysfs_read(void *self, struct gpu_reading *reading, struct capability *found)
{
    struct sysfs_state *state = self;

    (void)found;
    for (size_t i = 0; i < state->pci->count; i++) {
        struct gpu_device *device = &state->pci->device[i];
        struct gpu_report *gpu = gpu_reading_gpu(reading, device->address);

        if (gpu == NULL)
            continue;
        (void)snprintf(gpu->label, sizeof gpu->label, "%s %s",
                       device->driver[0] != '\0' ? device->driver : "GPU", device->address);
        gpu_put(gpu, GPU_POWER_STATE, device->asleep ? GPU_ASLEEP : GPU_AWAKE);
        if (strcmp(device->driver, "nvidia") == 0)
            continue; /* gpu_nvidia.c */
        if (gpu_device_readable(device))
            read_awake(state, device, gpu);
        else
            gpu_put_all_missing(gpu, MISSING_NOT_SAMPLED);
    }
}

static enum status sysfs_open(void **state, const struct gpu_setting *setting, struct error *err)
{
    struct sysfs_state *sysfs;

    if (setting->pci->count == 0)
        return error_set(err, STATUS_ABSENT, "no GPU below %s/sys/bus/pci/devices", setting->root);
    sysfs = calloc(1, sizeof *sysfs);
    if (sysfs == NULL)
        return error_set(err, STATUS_NO_MEMORY, "GPUs in sysfs");
    *sysfs = (struct sysfs_state){ .root = setting->root, .pci = setting->pci };
    *state = sysfs;
    return STATUS_OK;
}

const struct gpu_backend gpu_sysfs = {
    .name = "sysfs",
    .open = sysfs_open,
    .read = sysfs_read,
    .close = free,
};
