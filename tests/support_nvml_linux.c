/* See support_nvml_linux.h. */
#include "tests/support_nvml_linux.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void nvml_rig_order(struct nvml_rig *rig, const char *orders)
{
    char text[8192];

    assert_true((size_t)snprintf(text, sizeof text, "log %s\n%s", rig->log, orders) < sizeof text);
    test_root_write(&rig->root, "/orders", text);
}

struct nvml_rig *nvml_rig_new(const char *orders)
{
    struct nvml_rig *rig = calloc(1, sizeof *rig);
    const char *build = getenv("PROCSCOPE_BUILD_DIR");
    struct error err = { 0 };

    assert_non_null(rig);
    test_root_open(&rig->root);
    (void)snprintf(rig->orders, sizeof rig->orders, "%s/orders", rig->root.path);
    (void)snprintf(rig->log, sizeof rig->log, "%s/log", rig->root.path);
    (void)snprintf(rig->library, sizeof rig->library, "%s/tests/nvml/libnvidia-ml.so.1",
                   build != NULL ? build : "build");
    assert_int_equal(setenv("PROCSCOPE_DOUBLE_NVML", rig->orders, 1), 0);
    nvml_rig_order(rig, orders);
    (void)snprintf(rig->pci.root, sizeof rig->pci.root, "%s", rig->root.path);
    rig->setting = (struct gpu_setting){ .root = rig->root.path,
                                         .nvml_library = rig->library,
                                         .candidates = &rig->candidates,
                                         .pci = &rig->pci };
    if (gpu_nvidia.open(&rig->state, &rig->setting, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    return rig;
}

void nvml_rig_read(struct nvml_rig *rig)
{
    gpu_reading_reset(&rig->reading);
    rig->found = (struct capability){ .status = CAPABILITY_OK };
    gpu_pci_look(&rig->pci);
    gpu_nvidia.read(rig->state, &rig->reading, &rig->found);
}

void nvml_rig_end(struct nvml_rig *rig)
{
    gpu_nvidia.close(rig->state);
    test_root_close(&rig->root);
    free(rig);
}

/* A rig that has been read once. */
struct nvml_rig *nvml_rig_of(const char *orders)
{
    struct nvml_rig *rig = nvml_rig_new(orders);

    nvml_rig_read(rig);
    return rig;
}

int64_t nvml_rig_value(const struct nvml_rig *rig, size_t gpu, enum gpu_metric metric)
{
    assert_true(gpu < rig->reading.gpu_count);
    assert_int_equal(rig->reading.gpu[gpu].missing[metric], MISSING_NONE);
    return rig->reading.gpu[gpu].values[metric];
}

enum missing nvml_rig_missing(const struct nvml_rig *rig, size_t gpu, enum gpu_metric metric)
{
    assert_true(gpu < rig->reading.gpu_count);
    return (enum missing)rig->reading.gpu[gpu].missing[metric];
}

const struct gpu_use *nvml_rig_use(const struct nvml_rig *rig, int32_t pid)
{
    const struct gpu_use *found = NULL;

    for (size_t i = 0; i < rig->reading.use_count; i++) {
        if (rig->reading.use[i].pid != pid)
            continue;
        assert_null(found); /* once */
        found = &rig->reading.use[i];
    }
    assert_non_null(found);
    return found;
}

size_t nvml_rig_logged(const struct nvml_rig *rig, const char *what)
{
    FILE *file = fopen(rig->log, "re");
    char line[128];
    size_t count = 0;

    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        count += strncmp(line, what, strlen(what)) == 0;
    if (file != NULL)
        (void)fclose(file);
    return count;
}
