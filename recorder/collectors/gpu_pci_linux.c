/*
 *   source  /sys/bus/pci/devices/ADDRESS/{class,vendor,driver}: 0x03.... is a display controller, and
 *           0x0b4000, 0x12.... are accelerators of some drivers; power/{control,runtime_status,
 *           runtime_suspended_time} (Documentation/ABI/testing/sysfs-devices-power)
 */
#include "recorder/collectors/gpu_pci_linux.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "recorder/collectors/gpu_files_linux.h"

#define DEVICES "/sys/bus/pci/devices"
#define OF_DEVICE DEVICES "/%s/"

/* Others that have a class of displays draw on screens: of servers' consoles, of virtual machines. */
static bool is_gpu(int64_t vendor, const char *driver)
{
    static const char *const drivers[] = { "amdgpu", "i915", "xe", "nouveau", "nvidia" };

    for (size_t i = 0; i < COUNT_OF(drivers); i++)
        if (strcmp(driver, drivers[i]) == 0)
            return true;
    return vendor == GPU_VENDOR_NVIDIA && driver[0] == '\0'; /* its module is not loaded yet */
}

struct gpu_device *gpu_pci_find(struct gpu_pci *pci, const char *address)
{
    for (size_t i = 0; i < pci->count; i++)
        if (strcmp(pci->device[i].address, address) == 0)
            return &pci->device[i];
    return NULL;
}

static bool has_display_class(const struct gpu_pci *pci, const char *address)
{
    char text[32];

    return gpu_file_line(text, sizeof text, pci->root, OF_DEVICE "class", address) ==
               MISSING_NONE &&
           (strncmp(text, "0x03", 4) == 0 || strncmp(text, "0x12", 4) == 0 ||
            strncmp(text, "0x0b40", 6) == 0);
}

static void see(struct gpu_pci *pci, const char *address)
{
    struct gpu_device *device = gpu_pci_find(pci, address);
    char text[32], driver[sizeof device->driver];
    unsigned vendor = 0;

    if (!has_display_class(pci, address) ||
        gpu_file_line(text, sizeof text, pci->root, OF_DEVICE "vendor", address) != MISSING_NONE ||
        sscanf(text, "0x%x", &vendor) != 1)
        return;
    gpu_file_link(driver, sizeof driver, pci->root, OF_DEVICE "driver", address);
    if (!is_gpu(vendor, driver))
        return;
    if (device == NULL) {
        if (pci->count == GPU_MOST)
            return;
        device = &pci->device[pci->count++];
        *device = (struct gpu_device){ .vendor = vendor };
        (void)snprintf(device->address, sizeof device->address, "%.*s",
                       (int)sizeof device->address - 1, address);
    }
    (void)snprintf(device->driver, sizeof device->driver, "%s", driver);
    device->there = true;
}

static void scan(struct gpu_pci *pci)
{
    char path[sizeof pci->root + sizeof DEVICES];
    const struct dirent *entry;
    size_t kept = 0;
    DIR *directory;

    (void)snprintf(path, sizeof path, "%s%s", pci->root, DEVICES);
    directory = opendir(path);
    if (directory == NULL) /* those that are known may well be there */
        return;
    for (size_t i = 0; i < pci->count; i++)
        pci->device[i].there = false;
    while ((entry = readdir(directory)) != NULL)
        if (entry->d_name[0] != '.' && strlen(entry->d_name) < GPU_ADDRESS_SIZE)
            see(pci, entry->d_name);
    closedir(directory);
    for (size_t i = 0; i < pci->count; i++)
        if (pci->device[i].there)
            pci->device[kept++] = pci->device[i];
    pci->count = kept;
}

static void look_at_power(const struct gpu_pci *pci, struct gpu_device *device)
{
    char text[32];
    int64_t suspended_ms = 0;
    bool known = gpu_file_line(text, sizeof text, pci->root, OF_DEVICE "power/runtime_status",
                               device->address) == MISSING_NONE;

    /* "suspending" and "resuming": it is neither, and asked again soon. */
    device->asleep = known && (strcmp(text, "suspended") == 0 || strcmp(text, "suspending") == 0);
    device->may_sleep = gpu_file_line(text, sizeof text, pci->root, OF_DEVICE "power/control",
                                      device->address) == MISSING_NONE &&
                        strcmp(text, "auto") == 0;
    device->slept =
        device->slept || device->asleep ||
        (gpu_file_number(&suspended_ms, pci->root, OF_DEVICE "power/runtime_suspended_time",
                         device->address) == MISSING_NONE &&
         suspended_ms > 0);
    if (device->rest > 0)
        device->rest--;
    if (device->asleep) {
        device->rests = 0;
        device->rest = 0;
        device->idle = 0;
    }
}

void gpu_pci_look(struct gpu_pci *pci)
{
    if (pci->reads == 0) {
        scan(pci);
        pci->reads = GPU_SCAN_READS;
    }
    pci->reads--;
    for (size_t i = 0; i < pci->count; i++)
        look_at_power(pci, &pci->device[i]);
}

bool gpu_device_readable(const struct gpu_device *device)
{
    return !device->asleep && device->rest == 0;
}

void gpu_device_was(struct gpu_device *device, bool busy)
{
    device->idle = busy ? 0 : device->idle + 1;
    if (busy || !device->may_sleep || device->idle < GPU_IDLE_READS)
        return;
    if (!device->slept && device->rests >= GPU_RESTS_IN_VAIN)
        return;
    device->rests++;
    device->rest = GPU_REST_READS;
    device->idle = GPU_IDLE_READS - 1; /* still idle after the rest: another one at once */
}
