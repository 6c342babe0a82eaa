/* See gpu.h. */
#include "recorder/collectors/gpu.h"

#include <stdio.h>
#include <string.h>

void gpu_reading_reset(struct gpu_reading *reading)
{
    reading->gpu_count = 0;
    reading->use_count = 0;
    reading->refused = 0;
}

struct gpu_report *gpu_reading_gpu(struct gpu_reading *reading, const char *key)
{
    struct gpu_report *gpu;

    for (size_t i = 0; i < reading->gpu_count; i++)
        if (strcmp(reading->gpu[i].key, key) == 0)
            return &reading->gpu[i];
    if (reading->gpu_count == GPU_MOST) {
        reading->refused++;
        return NULL;
    }
    gpu = &reading->gpu[reading->gpu_count++];
    *gpu = (struct gpu_report){ .lost = false };
    memset(gpu->missing, MISSING_UNSUPPORTED, sizeof gpu->missing);
    (void)snprintf(gpu->key, sizeof gpu->key, "%s", key);
    return gpu;
}

struct gpu_use *gpu_reading_use(struct gpu_reading *reading, const struct gpu_report *gpu,
                                int32_t pid, uint64_t start_ticks)
{
    uint32_t place = (uint32_t)(gpu - reading->gpu);
    struct gpu_use *use;

    for (size_t i = reading->use_count; i-- > 0;) {
        use = &reading->use[i];
        if (use->gpu == place && use->pid == pid && use->start_ticks == start_ticks)
            return use;
    }
    if (reading->use_count == GPU_USES_MOST) {
        reading->refused++;
        return NULL;
    }
    use = &reading->use[reading->use_count++];
    *use = (struct gpu_use){ .gpu = place, .pid = pid, .start_ticks = start_ticks };
    memset(use->missing, MISSING_UNSUPPORTED, sizeof use->missing);
    return use;
}

void gpu_put_all_missing(struct gpu_report *gpu, enum missing why)
{
    for (size_t i = 0; i < GPU_METRIC_COUNT; i++) {
        if (i == GPU_POWER_STATE)
            continue;
        gpu->values[i] = 0;
        gpu->missing[i] = (uint8_t)why;
    }
}

enum missing gpu_percent_ppm(int64_t percent, int64_t *ppm)
{
    const int64_t ppm_per_percent = 10000;

    if (percent < 0 || percent > 100)
        return MISSING_FAILED;
    *ppm = percent * ppm_per_percent;
    return MISSING_NONE;
}

static void add_text(char *to, size_t size, const char *text)
{
    size_t used = strlen(to);

    if (text[0] != '\0' && strstr(to, text) == NULL)
        (void)snprintf(to + used, size - used, "%s%s", used > 0 ? "; " : "", text);
}

void gpu_found(struct capability *found, enum capability_status status, const char *reason,
               const char *enable)
{
    if (found->status == CAPABILITY_OK)
        found->status = status;
    else if (status != CAPABILITY_OK && found->status != status)
        found->status = CAPABILITY_PARTIAL;
    add_text(found->reason, sizeof found->reason, reason);
    add_text(found->enable, sizeof found->enable, enable);
}
