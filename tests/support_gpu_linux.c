/* The collector of GPUs on a tree of files, with processes that it may ask for. */
#include "tests/support_gpu_linux.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "recorder/collectors/collectors_linux.h"

static uint32_t end(const void *self)
{
    (void)self;
    return GPU_RIG_PROCESSES;
}

static bool glance(const void *self, uint32_t slot, struct process_glance *to)
{
    const struct gpu_rig *rig = self;

    *to = rig->process[slot];
    to->slot = slot;
    return to->pid != 0;
}

static bool find(const void *self, int32_t pid, struct process_glance *to)
{
    for (uint32_t i = 0; i < GPU_RIG_PROCESSES; i++)
        if (glance(self, i, to) && to->pid == pid)
            return true;
    return false;
}

void gpu_rig_open(struct gpu_rig *rig, const char *root)
{
    test_collector_open(&rig->t, &gpu_collector, root);
    rig->directory =
        (struct process_directory){ .self = rig, .end = end, .glance = glance, .find = find };
    rig->t.context.processes = &rig->directory;
}

void gpu_rig_tick(struct gpu_rig *rig)
{
    if (test_collector_tick(&rig->t) != STATUS_OK)
        fail_msg("%s", rig->t.err.message);
    assert_true(rig->t.tick.table[TABLE_GPU].sampled);
}

void gpu_rig_be(struct gpu_rig *rig, uint32_t slot, int32_t pid, uint64_t start_ticks)
{
    rig->process[slot] = (struct process_glance){ .pid = pid, .start_ticks = start_ticks };
}

/* The row of a process, by its slot in the directory; the series must be told of at this tick. */
const struct tick_row *gpu_rig_row(const struct gpu_rig *rig, uint32_t slot)
{
    const struct tick_table *table = &rig->t.tick.table[TABLE_GPU_PROCESS];
    const struct tick_row *found = NULL;

    for (size_t i = 0; i < table->row_count; i++) {
        if (table->keys[i][1] != slot)
            continue;
        assert_null(found);
        found = &table->rows[i];
    }
    return found;
}

enum missing gpu_rig_missing(const struct gpu_rig *rig, uint32_t slot, enum gpu_process_metric m)
{
    const struct tick_table *table = &rig->t.tick.table[TABLE_GPU_PROCESS];
    const struct tick_row *row = gpu_rig_row(rig, slot);

    assert_non_null(row);
    return (enum missing)table->missing[row->at * table->width + m];
}

/* Exported units. */
int64_t gpu_rig_value(const struct gpu_rig *rig, uint32_t slot, enum gpu_process_metric m)
{
    const struct tick_table *table = &rig->t.tick.table[TABLE_GPU_PROCESS];

    assert_int_equal(gpu_rig_missing(rig, slot, m), MISSING_NONE);
    return table->values[gpu_rig_row(rig, slot)->at * table->width + m] *
           samples_tables[TABLE_GPU_PROCESS].metrics[m].scale;
}

int64_t gpu_rig_busy_ns(const struct gpu_rig *rig, uint32_t gpu)
{
    return test_value(&rig->t, gpu, GPU_BUSY_NS_TOTAL) * 1000;
}

bool gpu_rig_has_event(const struct gpu_rig *rig, const char *kind, const char *detail)
{
    const struct tick *t = &rig->t.tick;

    for (size_t i = 0; i < t->event_count; i++) {
        const struct tick_event *e = &t->events[i];

        if (e->kind.size == strlen(kind) &&
            memcmp(tick_text_at(t, e->kind), kind, e->kind.size) == 0 &&
            e->detail.size == strlen(detail) &&
            memcmp(tick_text_at(t, e->detail), detail, e->detail.size) == 0)
            return true;
    }
    return false;
}

void gpu_rig_put_link(struct gpu_rig *rig, const char *path, const char *target)
{
    char full[512];

    (void)snprintf(full, sizeof full, "%s%s", rig->root.path, path);
    (void)unlink(full);
    test_root_write(&rig->root, path, ""); /* for the directories above */
    assert_int_equal(unlink(full), 0);
    assert_int_equal(symlink(target, full), 0);
}

void gpu_rig_put_client(struct gpu_rig *rig, int pid, int fd, int client, long long ns)
{
    char path[64], text[256];

    (void)snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
    gpu_rig_put_link(rig, path, "/dev/dri/renderD128");
    (void)snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", pid, fd);
    (void)snprintf(text, sizeof text,
                   "drm-driver:\tamdgpu\ndrm-client-id:\t%d\ndrm-pdev:\t0000:03:00.0\n"
                   "drm-engine-gfx:\t%lld ns\n",
                   client, ns);
    test_root_write(&rig->root, path, text);
}

void gpu_rig_remove_fd(struct gpu_rig *rig, int pid, int fd)
{
    char path[64];

    (void)snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
    test_root_remove(&rig->root, path);
    (void)snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", pid, fd);
    test_root_remove(&rig->root, path);
}

void gpu_rig_put_card(struct gpu_rig *rig)
{
    test_root_write(&rig->root, GPU_RIG_CARD "class", "0x030000\n");
    test_root_write(&rig->root, GPU_RIG_CARD "vendor", "0x1002\n");
    test_root_write(&rig->root, GPU_RIG_CARD "gpu_busy_percent", "50\n");
    test_root_write(&rig->root, GPU_RIG_CARD "power/runtime_status", "active\n");
    gpu_rig_put_link(rig, GPU_RIG_CARD "driver", "../../drivers/amdgpu");
    gpu_rig_put_link(rig, "/sys/class/drm/renderD128/device", "../../../0000:03:00.0");
}

/* A card, and a process that has used it for a second and more. */
void gpu_rig_start(struct gpu_rig *rig)
{
    *rig = (struct gpu_rig){ .root = { "" } };
    test_root_open(&rig->root);
    gpu_rig_put_card(rig);
    gpu_rig_put_client(rig, 10, 3, 1, 5000000000);
    gpu_rig_open(rig, rig->root.path);
    gpu_rig_be(rig, 1, 10, 100);
    gpu_rig_tick(rig);
}

void gpu_rig_end(struct gpu_rig *rig)
{
    test_collector_close(&rig->t);
    test_root_close(&rig->root);
}
