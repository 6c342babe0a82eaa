/* The NVIDIA back end on a double of its library (tests/double_nvml.c). */
#ifndef TESTS_SUPPORT_NVML_LINUX_H
#define TESTS_SUPPORT_NVML_LINUX_H

#include <limits.h>

#include "recorder/collectors/gpu_pci_linux.h"
#include "tests/support_root.h"

/* The back end, read in this thread. */
struct nvml_rig {
    struct test_root root;
    char library[PATH_MAX], orders[128], log[128];
    struct gpu_candidates candidates;
    struct gpu_pci pci;
    struct gpu_setting setting;
    void *state;
    struct capability found;
    struct gpu_reading reading;
};

/* The back end opened, with those orders for the double; not read yet. */
struct nvml_rig *nvml_rig_new(const char *orders);
/* The same, read once. */
struct nvml_rig *nvml_rig_of(const char *orders);
void nvml_rig_order(struct nvml_rig *rig, const char *orders);
void nvml_rig_read(struct nvml_rig *rig);
void nvml_rig_end(struct nvml_rig *rig);

/* Of the latest reading; the test fails when there is no such GPU, value, or just one such process. */
int64_t nvml_rig_value(const struct nvml_rig *rig, size_t gpu, enum gpu_metric metric);
enum missing nvml_rig_missing(const struct nvml_rig *rig, size_t gpu, enum gpu_metric metric);
const struct gpu_use *nvml_rig_use(const struct nvml_rig *rig, int32_t pid);
/* How many calls of that kind the double has seen. */
size_t nvml_rig_logged(const struct nvml_rig *rig, const char *what);

#endif
