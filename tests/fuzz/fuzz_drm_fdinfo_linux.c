/* The parser of /proc/PID/fdinfo of DRM devices, on any bytes. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/collectors/drm_fdinfo_linux.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct drm_fdinfo info;

    drm_fdinfo_parse((const char *)data, size, &info);
    if (memchr(info.driver, '\0', sizeof info.driver) == NULL ||
        memchr(info.pdev, '\0', sizeof info.pdev) == NULL)
        abort();
    if (info.engine_ns < 0 || info.memory_bytes < 0 || info.cycle_count > DRM_ENGINES_MOST)
        abort();
    if ((!info.has_engine && info.engine_ns != 0) || (!info.has_memory && info.memory_bytes != 0))
        abort();
    for (size_t i = 0; i < info.cycle_count; i++)
        if (!info.cycles[i].has_busy || !info.cycles[i].has_total || info.cycles[i].busy < 0 ||
            memchr(info.cycles[i].name, '\0', DRM_NAME_SIZE) == NULL)
            abort();
    return 0;
}
