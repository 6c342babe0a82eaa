/* GPUs in sysfs and processes as DRM clients: on captured trees, and on some that change under it. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "recorder/collectors/collectors_linux.h"
#include "recorder/gpu_pci_linux.h"
#include "recorder/process_directory.h"
#include "tests/support_root.h"

#define KIB INT64_C(1024)
#define CARD "/sys/bus/pci/devices/0000:03:00.0/"

enum { PROCESSES = 8 };

/* The collector, and processes that it may ask for. */
struct rig {
    struct test_root root;
    struct test_collector t;
    struct process_directory directory;
    struct process_glance process[PROCESSES]; /* by slot; pid 0: none */
};

static uint32_t end(const void *self)
{
    (void)self;
    return PROCESSES;
}

static bool glance(const void *self, uint32_t slot, struct process_glance *to)
{
    const struct rig *rig = self;

    *to = rig->process[slot];
    to->slot = slot;
    return to->pid != 0;
}

static bool find(const void *self, int32_t pid, struct process_glance *to)
{
    for (uint32_t i = 0; i < PROCESSES; i++)
        if (glance(self, i, to) && to->pid == pid)
            return true;
    return false;
}

static void rig_open(struct rig *rig, const char *root)
{
    test_collector_open(&rig->t, &gpu_collector, root);
    rig->directory =
        (struct process_directory){ .self = rig, .end = end, .glance = glance, .find = find };
    rig->t.context.processes = &rig->directory;
}

static void tick(struct rig *rig)
{
    if (test_collector_tick(&rig->t) != STATUS_OK)
        fail_msg("%s", rig->t.err.message);
    assert_true(rig->t.tick.table[TABLE_GPU].sampled);
}

static void be(struct rig *rig, uint32_t slot, int32_t pid, uint64_t start_ticks)
{
    rig->process[slot] = (struct process_glance){ .pid = pid, .start_ticks = start_ticks };
}

/* The row of a process, by its slot in the directory; the series must be told of at this tick. */
static const struct tick_row *use_row(const struct rig *rig, uint32_t slot)
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

static enum missing use_missing(const struct rig *rig, uint32_t slot, enum gpu_process_metric m)
{
    const struct tick_table *table = &rig->t.tick.table[TABLE_GPU_PROCESS];
    const struct tick_row *row = use_row(rig, slot);

    assert_non_null(row);
    return (enum missing)table->missing[row->at * table->width + m];
}

/* Exported units. */
static int64_t use_value(const struct rig *rig, uint32_t slot, enum gpu_process_metric m)
{
    const struct tick_table *table = &rig->t.tick.table[TABLE_GPU_PROCESS];

    assert_int_equal(use_missing(rig, slot, m), MISSING_NONE);
    return table->values[use_row(rig, slot)->at * table->width + m] *
           samples_tables[TABLE_GPU_PROCESS].metrics[m].scale;
}

static int64_t busy_ns(const struct rig *rig, uint32_t gpu)
{
    return test_value(&rig->t, gpu, GPU_BUSY_NS_TOTAL) * 1000;
}

static bool has_event(const struct rig *rig, const char *kind, const char *detail)
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

/* --- captured trees --- */

static void amdgpu_is_read_in_its_units(void **state)
{
    (void)state;
    const struct {
        enum gpu_metric metric;
        int64_t value;
    } expected[] = {
        { GPU_UTILIZATION_PPM, 370000 },
        { GPU_MEMORY_UTILIZATION_PPM, 120000 },
        { GPU_MEMORY_USED_BYTES, 2147483648 },
        { GPU_MEMORY_TOTAL_BYTES, 17163091968 },
        { GPU_POWER_MW, 143000 },
        { GPU_POWER_LIMIT_MW, 263000 },
        { GPU_CORE_CLOCK_HZ, 1311000000 },
        { GPU_MEMORY_CLOCK_HZ, 1000000000 },
        { GPU_TEMPERATURE_MILLICELSIUS, 61000 },
        { GPU_FAN_PPM, 400000 },
        { GPU_DECODER_PPM, 40000 },
        { GPU_POWER_STATE, GPU_AWAKE },
    };
    struct rig rig = { 0 };

    rig_open(&rig, "tests/fixtures/gpu-amd");
    tick(&rig);
    assert_int_equal(rig.t.tick.entity_count, 1); /* the console's display is no GPU */
    for (size_t i = 0; i < COUNT_OF(expected); i++)
        assert_int_equal(test_value(&rig.t, 0, expected[i].metric), expected[i].value);
    assert_int_equal(test_missing(&rig.t, 0, GPU_ENERGY_UJ_TOTAL), MISSING_UNSUPPORTED);
    assert_int_equal(test_row(&rig.t, 0)->flags, ROW_FIRST);
    tick(&rig);
    assert_int_equal(test_row(&rig.t, 0)->flags, 0);
    test_collector_close(&rig.t);
}

static void each_client_is_counted_once(void **state)
{
    (void)state;
    struct rig rig = { 0 };

    rig_open(&rig, "tests/fixtures/gpu-amd");
    be(&rig, 1, 1201, 5000);
    be(&rig, 2, 1202, 6000);
    be(&rig, 3, 1203, 6100);
    be(&rig, 4, 1204, 7000);
    tick(&rig);
    assert_int_equal(use_value(&rig, 1, GPU_PROCESS_GPU_NS_TOTAL), 8000000000);
    assert_int_equal(use_value(&rig, 1, GPU_PROCESS_MEMORY_BYTES), 204800 * KIB);
    /* Two openings, one of them duplicated and inherited. */
    assert_int_equal(use_value(&rig, 2, GPU_PROCESS_GPU_NS_TOTAL), 3003000000);
    assert_int_equal(use_value(&rig, 2, GPU_PROCESS_MEMORY_BYTES), (1048576 + 512) * KIB);
    assert_int_equal(use_value(&rig, 3, GPU_PROCESS_GPU_NS_TOTAL), 0);
    assert_int_equal(use_value(&rig, 3, GPU_PROCESS_MEMORY_BYTES), 0);
    assert_null(use_row(&rig, 4)); /* has no GPU open */
    assert_int_equal(use_missing(&rig, 1, GPU_PROCESS_UTILIZATION_PPM), MISSING_UNSUPPORTED);
    assert_int_equal(use_row(&rig, 1)->flags, ROW_FIRST);
    tick(&rig);
    assert_int_equal(use_value(&rig, 2, GPU_PROCESS_GPU_NS_TOTAL), 3003000000);
    assert_int_equal(use_row(&rig, 1)->flags, 0);
    test_collector_close(&rig.t);
}

static void intel_is_read_in_its_units(void **state)
{
    (void)state;
    struct rig rig = { 0 };
    uint32_t i915, xe;

    rig_open(&rig, "tests/fixtures/gpu-intel");
    be(&rig, 1, 2001, 9000);
    be(&rig, 2, 2002, 9500);
    tick(&rig);
    assert_int_equal(rig.t.tick.entity_count, 2);
    i915 = test_missing(&rig.t, 0, GPU_ENERGY_UJ_TOTAL) == MISSING_UNSUPPORTED ? 0 : 1;
    xe = 1 - i915;
    assert_int_equal(test_value(&rig.t, i915, GPU_CORE_CLOCK_HZ), 1150000000);
    assert_int_equal(test_value(&rig.t, i915, GPU_THROTTLE_REASONS), 1 << 1 | 1 << 4);
    assert_true(has_event(&rig, "throttle", "gpu 0000:00:02.0: prochot"));
    assert_int_equal(test_value(&rig.t, xe, GPU_CORE_CLOCK_HZ), 2400000000);
    assert_int_equal(test_value(&rig.t, xe, GPU_ENERGY_UJ_TOTAL), 123456789);
    assert_int_equal(test_value(&rig.t, xe, GPU_POWER_LIMIT_MW), 190000);
    assert_int_equal(test_value(&rig.t, xe, GPU_TEMPERATURE_MILLICELSIUS), 55000);
    assert_int_equal(test_value(&rig.t, xe, GPU_THROTTLE_REASONS), 0);
    assert_int_equal(use_value(&rig, 1, GPU_PROCESS_GPU_NS_TOTAL), 7000501000);
    assert_int_equal(use_value(&rig, 1, GPU_PROCESS_MEMORY_BYTES), 49152 * KIB);
    assert_int_equal(use_value(&rig, 2, GPU_PROCESS_MEMORY_BYTES), 131072 * KIB); /* vram only */
    test_collector_close(&rig.t);
}

/* --- trees that change --- */

static void put_link(struct rig *rig, const char *path, const char *target)
{
    char full[512];

    (void)snprintf(full, sizeof full, "%s%s", rig->root.path, path);
    (void)unlink(full);
    test_root_write(&rig->root, path, ""); /* for the directories above */
    assert_int_equal(unlink(full), 0);
    assert_int_equal(symlink(target, full), 0);
}

static void put_client(struct rig *rig, int pid, int fd, int client, long long ns)
{
    char path[64], text[256];

    (void)snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
    put_link(rig, path, "/dev/dri/renderD128");
    (void)snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", pid, fd);
    (void)snprintf(text, sizeof text,
                   "drm-driver:\tamdgpu\ndrm-client-id:\t%d\ndrm-pdev:\t0000:03:00.0\n"
                   "drm-engine-gfx:\t%lld ns\n",
                   client, ns);
    test_root_write(&rig->root, path, text);
}

static void remove_fd(struct rig *rig, int pid, int fd)
{
    char path[64];

    (void)snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
    test_root_remove(&rig->root, path);
    (void)snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", pid, fd);
    test_root_remove(&rig->root, path);
}

static void put_card(struct rig *rig)
{
    test_root_write(&rig->root, CARD "class", "0x030000\n");
    test_root_write(&rig->root, CARD "vendor", "0x1002\n");
    test_root_write(&rig->root, CARD "gpu_busy_percent", "50\n");
    test_root_write(&rig->root, CARD "power/runtime_status", "active\n");
    put_link(rig, CARD "driver", "../../drivers/amdgpu");
    put_link(rig, "/sys/class/drm/renderD128/device", "../../../0000:03:00.0");
}

/* A card, and a process that has used it for a second and more. */
static void rig_start(struct rig *rig)
{
    *rig = (struct rig){ .root = { "" } };
    test_root_open(&rig->root);
    put_card(rig);
    put_client(rig, 10, 3, 1, 5000000000);
    rig_open(rig, rig->root.path);
    be(rig, 1, 10, 100);
    tick(rig);
}

static void rig_end(struct rig *rig)
{
    test_collector_close(&rig->t);
    test_root_close(&rig->root);
}

static void times_of_processes_sum_to_the_gpus(void **state)
{
    (void)state;
    struct rig rig;
    int64_t first, second, busy;

    rig_start(&rig);
    put_client(&rig, 20, 4, 2, 700000000);
    be(&rig, 2, 20, 200);
    tick(&rig);
    first = use_value(&rig, 1, GPU_PROCESS_GPU_NS_TOTAL);
    busy = busy_ns(&rig, 0);
    /* It came in view: all of its time is new, for it and for the GPU. */
    assert_int_equal(use_row(&rig, 2)->flags, ROW_FIRST | ROW_BORN);
    assert_int_equal(use_row(&rig, 2)->start_ns, rig.t.tick.start_ns - 1000000000);
    assert_int_equal(use_value(&rig, 2, GPU_PROCESS_GPU_NS_TOTAL), 700000000);
    assert_int_equal(busy, 700000000); /* what was before us is not in it */
    put_client(&rig, 10, 3, 1, 5250000000);
    put_client(&rig, 20, 4, 2, 1450000000);
    tick(&rig);
    assert_int_equal(use_row(&rig, 2)->flags, 0);
    first = use_value(&rig, 1, GPU_PROCESS_GPU_NS_TOTAL) - first;
    second = use_value(&rig, 2, GPU_PROCESS_GPU_NS_TOTAL) - 700000000;
    assert_int_equal(first, 250000000);
    assert_int_equal(second, 750000000);
    assert_int_equal(busy_ns(&rig, 0) - busy, first + second);
    rig_end(&rig);
}

static void a_lower_number_of_a_driver_is_held_until_it_catches_up(void **state)
{
    (void)state;
    struct rig rig;

    rig_start(&rig);
    put_client(&rig, 10, 3, 1, 4000000000);
    tick(&rig);
    assert_int_equal(use_value(&rig, 1, GPU_PROCESS_GPU_NS_TOTAL), 5000000000);
    put_client(&rig, 10, 3, 1, 5100000000);
    tick(&rig);
    assert_int_equal(use_value(&rig, 1, GPU_PROCESS_GPU_NS_TOTAL), 5100000000);
    rig_end(&rig);
}

static void a_closed_client_leaves_its_time(void **state)
{
    (void)state;
    struct rig rig;

    rig_start(&rig);
    put_client(&rig, 10, 7, 2, 1000);
    /* A holder is looked at every four readings, and here the directory's size never tells a change. */
    for (int i = 0; i < 20; i++)
        tick(&rig);
    assert_int_equal(use_value(&rig, 1, GPU_PROCESS_GPU_NS_TOTAL), 5000001000);
    remove_fd(&rig, 10, 3);
    tick(&rig);
    assert_int_equal(use_value(&rig, 1, GPU_PROCESS_GPU_NS_TOTAL), 5000001000);
    assert_int_equal(busy_ns(&rig, 0), 1000);
    remove_fd(&rig, 10, 7);
    tick(&rig);
    assert_null(use_row(&rig, 1));
    assert_int_equal(busy_ns(&rig, 0), 1000);
    rig_end(&rig);
}

static void an_inherited_client_goes_on_with_the_child(void **state)
{
    (void)state;
    struct rig rig;

    rig_start(&rig);
    put_client(&rig, 20, 3, 1, 5000000000);
    be(&rig, 2, 20, 200);
    tick(&rig);
    assert_int_equal(use_value(&rig, 2, GPU_PROCESS_GPU_NS_TOTAL), 0);
    be(&rig, 1, 0, 0); /* the parent ends */
    remove_fd(&rig, 10, 3);
    put_client(&rig, 20, 3, 1, 5300000000);
    tick(&rig);
    assert_null(use_row(&rig, 1));
    assert_int_equal(use_value(&rig, 2, GPU_PROCESS_GPU_NS_TOTAL), 300000000);
    assert_int_equal(busy_ns(&rig, 0), 300000000);
    rig_end(&rig);
}

static void a_pid_that_is_another_process_now_is_another_series(void **state)
{
    (void)state;
    struct rig rig;

    rig_start(&rig);
    be(&rig, 1, 10, 999);
    put_client(&rig, 10, 3, 9, 40000000);
    tick(&rig);
    assert_int_equal(use_value(&rig, 1, GPU_PROCESS_GPU_NS_TOTAL), 40000000);
    assert_int_equal(use_row(&rig, 1)->flags, ROW_FIRST | ROW_BORN);
    assert_int_not_equal(use_row(&rig, 1)->slot,
                         0); /* the slot of the one before is not free yet */
    rig_end(&rig);
}

static void a_sleeping_gpu_is_left_asleep(void **state)
{
    (void)state;
    struct rig rig;

    rig_start(&rig);
    test_root_write(&rig.root, CARD "power/runtime_status", "suspended\n");
    put_client(&rig, 10, 3, 1, 6000000000);
    tick(&rig);
    assert_int_equal(test_value(&rig.t, 0, GPU_POWER_STATE), GPU_ASLEEP);
    for (size_t i = 0; i < GPU_METRIC_COUNT; i++)
        assert_true(i == GPU_POWER_STATE || test_missing(&rig.t, 0, i) == MISSING_NOT_SAMPLED);
    assert_int_equal(use_missing(&rig, 1, GPU_PROCESS_GPU_NS_TOTAL), MISSING_NOT_SAMPLED);
    test_root_write(&rig.root, CARD "power/runtime_status", "active\n");
    tick(&rig);
    assert_int_equal(test_value(&rig.t, 0, GPU_UTILIZATION_PPM), 500000);
    assert_int_equal(use_value(&rig, 1, GPU_PROCESS_GPU_NS_TOTAL), 6000000000);
    assert_int_equal(busy_ns(&rig, 0), 1000000000);
    rig_end(&rig);
}

static void cycles_are_their_share_of_the_time(void **state)
{
    (void)state;
    struct rig rig;
    const char *path = "/proc/10/fdinfo/3";
    const char *head = "drm-driver:\txe\ndrm-client-id:\t1\ndrm-pdev:\t0000:03:00.0\n";
    char text[256];

    rig_start(&rig);
    for (int i = 0; i < 3; i++) {
        (void)snprintf(text, sizeof text,
                       "%sdrm-cycles-rcs:\t%d\ndrm-total-cycles-rcs:\t%d\n"
                       "drm-cycles-bcs:\t%d\ndrm-total-cycles-bcs:\t%d\n",
                       head, 1000 + 250 * i, 7000 + 1000 * i, 10 * i, 7000 + 1000 * i);
        test_root_write(&rig.root, path, text);
        tick(&rig);
    }
    /* Two seconds: a quarter of them, and a hundredth. */
    assert_int_equal(use_value(&rig, 1, GPU_PROCESS_GPU_NS_TOTAL), 5000000000 + 520000000);
    rig_end(&rig);
}

static void what_is_no_number_is_no_value(void **state)
{
    (void)state;
    struct rig rig;

    rig_start(&rig);
    test_root_write(&rig.root, CARD "gpu_busy_percent", "137\n");
    test_root_write(&rig.root, CARD "mem_busy_percent", "");
    test_root_write(&rig.root, CARD "mem_info_vram_used", "many\n");
    test_root_write(&rig.root, CARD "mem_info_vram_total", "99999999999999999999\n");
    test_root_write(&rig.root, CARD "pp_dpm_sclk", "0: 500Mhz\n1: *\n");
    test_root_write(&rig.root, CARD "hwmon/hwmon1/temp1_input", "-4000\n");
    test_root_write(&rig.root, CARD "hwmon/hwmon1/pwm1", "300\n");
    tick(&rig);
    assert_int_equal(test_missing(&rig.t, 0, GPU_UTILIZATION_PPM), MISSING_FAILED);
    assert_int_equal(test_missing(&rig.t, 0, GPU_MEMORY_UTILIZATION_PPM), MISSING_FAILED);
    assert_int_equal(test_missing(&rig.t, 0, GPU_MEMORY_USED_BYTES), MISSING_FAILED);
    assert_int_equal(test_missing(&rig.t, 0, GPU_MEMORY_TOTAL_BYTES), MISSING_FAILED);
    assert_int_equal(test_missing(&rig.t, 0, GPU_CORE_CLOCK_HZ), MISSING_FAILED);
    assert_int_equal(test_missing(&rig.t, 0, GPU_FAN_PPM), MISSING_FAILED);
    assert_int_equal(test_value(&rig.t, 0, GPU_TEMPERATURE_MILLICELSIUS), -4000);
    assert_int_equal(test_missing(&rig.t, 0, GPU_MEMORY_CLOCK_HZ), MISSING_UNSUPPORTED);
    rig_end(&rig);
}

static void a_gpu_may_come_and_go(void **state)
{
    (void)state;
    struct rig rig;
    const char *other = "/sys/bus/pci/devices/0000:04:00.0/";
    char path[96];
    size_t before = 0;

    rig_start(&rig);
    (void)snprintf(path, sizeof path, "%sclass", other);
    test_root_write(&rig.root, path, "0x038000\n");
    (void)snprintf(path, sizeof path, "%svendor", other);
    test_root_write(&rig.root, path, "0x1002\n");
    (void)snprintf(path, sizeof path, "%sdriver", other);
    put_link(&rig, path, "../../drivers/amdgpu");
    for (int i = 0; i < GPU_SCAN_READS; i++)
        tick(&rig);
    assert_int_equal(rig.t.tick.table[TABLE_GPU].row_count, 2);
    test_root_remove(&rig.root, path);
    for (int i = 0; i < GPU_SCAN_READS; i++) {
        before = rig.t.tick.table[TABLE_GPU].row_count;
        tick(&rig);
    }
    assert_int_equal(before, 1);
    assert_int_equal(rig.t.tick.table[TABLE_GPU].row_count, 1);
    rig_end(&rig);
}

static void what_may_not_be_seen_makes_the_sum_unknown(void **state)
{
    (void)state;
    struct rig rig;
    char path[128];

    if (geteuid() != 0) {
        print_message("SKIP: only root can become somebody who may not look\n");
        skip();
    }
    rig_start(&rig);
    assert_int_equal(chmod(rig.root.path, 0755), 0);
    put_client(&rig, 20, 3, 2, 1000);
    (void)snprintf(path, sizeof path, "%s/proc/20/fd", rig.root.path);
    assert_int_equal(chmod(path, 0700), 0);
    be(&rig, 2, 20, 200);
    assert_int_equal(seteuid(65534), 0);
    tick(&rig);
    assert_int_equal(seteuid(0), 0);
    assert_null(use_row(&rig, 2));
    assert_int_equal(use_value(&rig, 1, GPU_PROCESS_GPU_NS_TOTAL), 5000000000);
    assert_int_equal(test_missing(&rig.t, 0, GPU_BUSY_NS_TOTAL), MISSING_NOT_PERMITTED);
    rig_end(&rig);
}

static void order(struct rig *rig, const char *orders)
{
    test_root_write(&rig->root, "/orders", orders);
}

/* The double of NVIDIA's library (tests/double_nvml.c) in place of the host's. */
static void put_double(struct rig *rig)
{
    const char *build = getenv("PROCSCOPE_BUILD_DIR");
    char path[512], real[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/orders", rig->root.path);
    assert_int_equal(setenv("PROCSCOPE_DOUBLE_NVML", path, 1), 0);
    (void)snprintf(path, sizeof path, "%s/tests/nvml/libnvidia-ml.so.1",
                   build != NULL ? build : "build");
    assert_non_null(realpath(path, real));
    put_link(rig, "/libnvidia-ml.so.1", real);
}

static void put_stat(struct rig *rig, int pid, int start_ticks)
{
    char path[64], text[256];

    (void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
    (void)snprintf(text, sizeof text,
                   "%d (train) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %d 0 0 0 0 0 0 0 0 0 0 0 "
                   "0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
                   pid, start_ticks);
    test_root_write(&rig->root, path, text);
}

static void all_that_know_of_a_gpu_tell_of_one(void **state)
{
    (void)state;
    struct rig rig = { 0 };

    test_root_open(&rig.root);
    put_double(&rig);
    test_root_write(&rig.root, CARD "class", "0x030200\n");
    test_root_write(&rig.root, CARD "vendor", "0x10de\n");
    test_root_write(&rig.root, CARD "power/runtime_status", "active\n");
    put_link(&rig, CARD "driver", "../../drivers/nvidia");
    put_stat(&rig, 10, 100);
    put_stat(&rig, 11, 110);
    order(&rig, "gpu 0 bus 3\ngpu 0 name Double\ngpu 0 energy 77 5\ngpu 0 reasons 64\n"
                "process 0 compute 10 4096\nprocess 0 compute 11 1\nprocess 0 compute 12 1\n");
    rig_open(&rig, rig.root.path);
    be(&rig, 1, 10, 100);
    be(&rig, 2, 11, 111); /* another one by now */
    tick(&rig);
    assert_int_equal(rig.t.tick.entity_count, 1);
    assert_int_equal(test_value(&rig.t, 0, GPU_ENERGY_UJ_TOTAL), 82000); /* 77 was when opened */
    assert_int_equal(test_value(&rig.t, 0, GPU_POWER_STATE), GPU_AWAKE);
    assert_int_equal(rig.t.tick.table[TABLE_GPU_PROCESS].row_count, 1);
    assert_int_equal(use_value(&rig, 1, GPU_PROCESS_MEMORY_BYTES), 4096);
    assert_true(has_event(&rig, "throttle", "gpu 0000:03:00.0: hardware thermal slowdown"));
    order(&rig, "gpu 0 bus 3\ngpu 0 name Double\ngpu 0 reasons 0\n");
    tick(&rig);
    assert_true(has_event(&rig, "throttle_end", "gpu 0000:03:00.0"));
    order(&rig, "gpu 0 bus 3\ngpu 0 lost 1\n");
    tick(&rig);
    assert_true(has_event(&rig, "lost", "gpu 0000:03:00.0"));
    assert_int_equal(test_missing(&rig.t, 0, GPU_ENERGY_UJ_TOTAL), MISSING_FAILED);
    order(&rig, "gpu 0 bus 3\n");
    tick(&rig);
    assert_true(has_event(&rig, "regained", "gpu 0000:03:00.0"));
    rig_end(&rig);
}

static void without_gpus_it_says_how_to_get_one(void **state)
{
    (void)state;
    struct rig rig = { 0 };

    test_root_open(&rig.root);
    rig_open(&rig, rig.root.path);
    assert_int_equal(rig.t.capability.status, CAPABILITY_NOT_THERE);
    assert_non_null(strstr(rig.t.capability.reason, "no libnvidia-ml.so.1"));
    assert_string_not_equal(rig.t.capability.enable, "");
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amdgpu_is_read_in_its_units),
        cmocka_unit_test(each_client_is_counted_once),
        cmocka_unit_test(intel_is_read_in_its_units),
        cmocka_unit_test(times_of_processes_sum_to_the_gpus),
        cmocka_unit_test(a_lower_number_of_a_driver_is_held_until_it_catches_up),
        cmocka_unit_test(a_closed_client_leaves_its_time),
        cmocka_unit_test(an_inherited_client_goes_on_with_the_child),
        cmocka_unit_test(a_pid_that_is_another_process_now_is_another_series),
        cmocka_unit_test(a_sleeping_gpu_is_left_asleep),
        cmocka_unit_test(cycles_are_their_share_of_the_time),
        cmocka_unit_test(what_is_no_number_is_no_value),
        cmocka_unit_test(a_gpu_may_come_and_go),
        cmocka_unit_test(what_may_not_be_seen_makes_the_sum_unknown),
        cmocka_unit_test(all_that_know_of_a_gpu_tell_of_one),
        cmocka_unit_test(without_gpus_it_says_how_to_get_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
