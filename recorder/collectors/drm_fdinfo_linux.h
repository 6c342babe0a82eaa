/* The text of /proc/PID/fdinfo/N of an open DRM device, parsed: text in, struct out. */
#ifndef RECORDER_DRM_FDINFO_LINUX_H
#define RECORDER_DRM_FDINFO_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DRM_NAME_SIZE = 24, DRM_ENGINES_MOST = 16, DRM_REGIONS_MOST = 24 };

/* An engine that is told in cycles: it worked busy of total of them. */
struct drm_cycles {
    char name[DRM_NAME_SIZE];
    bool has_busy, has_total;
    int64_t busy, total;
};

struct drm_fdinfo {
    char driver[DRM_NAME_SIZE]; /* "": it is no DRM device */
    char pdev[DRM_NAME_SIZE];   /* "0000:03:00.0"; "" when it is not on a PCI bus */
    bool has_client;
    uint64_t client_id;
    bool has_engine;
    int64_t engine_ns; /* of all engines that are told in ns */
    size_t cycle_count;
    struct drm_cycles cycles[DRM_ENGINES_MOST];
    bool has_memory;
    int64_t memory_bytes; /* in memory of the GPU's own if it tells of such, else in all it uses */
};

/*
 * What text[size] tells. A line that is none, is cut, or whose number does not fit counts as not there. No
 * parser reads a system, allocates, or looks past text[size].
 *
 *   units   KiB and MiB as bytes
 *   source  Documentation/gpu/drm-usage-stats.rst
 */
void drm_fdinfo_parse(const char *text, size_t size, struct drm_fdinfo *info);

#endif
