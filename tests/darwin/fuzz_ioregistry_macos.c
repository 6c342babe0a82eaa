/*
 * Any JSON as what the registry of IOKit holds: the statistics of a GPU and of a disk, what clients of the GPU used and
 * who they are. No value that comes out may be below 0 or more than there can be, and all objects come back.
 */
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "recorder/collectors/collectors_macos.h"
#include "recorder/collectors/gpu_accelerator_macos.h"
#include "tests/darwin/fake_iokit.h"
#include "tests/darwin/support_mac.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fake_process own;
static struct gpu_reading reading;

/* A service with the input under each of these names. */
static cJSON *service(const char *class_name, const char *super, const cJSON *input,
                      const char *const keys[], size_t count)
{
    cJSON *made = cJSON_CreateObject(), *is = cJSON_AddArrayToObject(made, "is");
    cJSON *properties = cJSON_AddObjectToObject(made, "properties");

    cJSON_AddStringToObject(made, "class", class_name);
    cJSON_AddItemToArray(is, cJSON_CreateString(super));
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToObject(properties, keys[i], cJSON_Duplicate(input, true));
    return made;
}

static cJSON *registry_of(const cJSON *input)
{
    static const char *const gpu_keys[] = { "PerformanceStatistics", "AGCInfo", "model" };
    static const char *const client_keys[] = { "IOUserClientCreator", "AppUsage",
                                               "accumulatedGPUTime" };
    static const char *const disk_keys[] = { "Statistics", "Device Characteristics" };
    static const char *const media_keys[] = { "BSD Name", "Size" };
    cJSON *all = cJSON_CreateArray();
    cJSON *gpu = service("AGXAcceleratorG13G", "IOAccelerator", input, gpu_keys, 3);
    cJSON *disk = service("IOBlockStorageDriver", "", input, disk_keys, 2);
    cJSON *clients = cJSON_AddArrayToObject(gpu, "children");
    cJSON *client = service("AGXDeviceUserClient", "", input, client_keys, 2);

    cJSON_ReplaceItemInObject(cJSON_GetObjectItem(client, "properties"), "IOUserClientCreator",
                              cJSON_CreateString("pid 7, a"));
    cJSON_AddItemToArray(clients, client);
    cJSON_AddItemToArray(clients, service("IGAccelDevice", "", input, client_keys, 3));
    cJSON_AddItemToArray(cJSON_AddArrayToObject(disk, "children"),
                         service("IOMedia", "", input, media_keys, 2));
    cJSON_AddItemToArray(all, gpu);
    cJSON_AddItemToArray(all, disk);
    return all;
}

static void check(const int64_t *values, const uint8_t *missing, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (missing[i] == MISSING_NONE && values[i] < 0)
            abort();
}

static void read_gpus(void)
{
    struct gpu_accelerators *all = gpu_accelerators_open();
    struct error err;

    for (int i = 0; i < 2; i++) {
        fake_set_now(i * INT64_C(1000000000));
        if (gpu_accelerators_read(all, i, &reading, &err) != STATUS_OK || reading.gpu_count != 1)
            abort();
        check(reading.gpu[0].values, reading.gpu[0].missing, GPU_METRIC_COUNT);
        if (reading.gpu[0].values[GPU_UTILIZATION_PPM] > 1000000)
            abort();
        for (size_t k = 0; k < reading.use_count; k++)
            check(reading.use[k].values, reading.use[k].missing, GPU_PROCESS_METRIC_COUNT);
    }
    gpu_accelerators_close(all);
}

static void read_disks(struct scenario *scenario)
{
    static struct mac mac;
    const struct tick_table *rows = &mac.tick.table[TABLE_DISK];

    mac_open(&mac, scenario, &disk_collector);
    if (mac_tick(&mac, 0) != STATUS_OK || rows->row_count != 1)
        abort();
    check(rows->values, rows->missing, rows->width);
    mac_close(&mac);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cJSON *input = cJSON_ParseWithLength((const char *)data, size), *registry;
    struct scenario scenario;

    if (input == NULL)
        return 0;
    registry = registry_of(input);
    own = mac_process(1, 1, "own");
    scenario = mac_scenario(&own, 1);
    scenario.registry = registry;
    fake_boot(&scenario);
    read_gpus();
    if (fake_settle(stderr) != 0)
        abort();
    read_disks(&scenario);
    scenario.registry = NULL;
    fake_forget_registry();
    cJSON_Delete(registry);
    cJSON_Delete(input);
    return 0;
}
