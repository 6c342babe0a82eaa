/* GPUs in sysfs, on captured trees and on some that change; several that tell of one GPU. */
#include <limits.h>
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
#include "recorder/collectors/gpu_pci_linux.h"
#include "tests/support_gpu_linux.h"

#define KIB INT64_C(1024)

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
    struct gpu_rig rig = { 0 };

    gpu_rig_open(&rig, "tests/fixtures/gpu-amd");
    gpu_rig_tick(&rig);
    assert_int_equal(rig.t.tick.entity_count, 1); /* the console's display is no GPU */
    for (size_t i = 0; i < COUNT_OF(expected); i++)
        assert_int_equal(test_value(&rig.t, 0, expected[i].metric), expected[i].value);
    assert_int_equal(test_missing(&rig.t, 0, GPU_ENERGY_UJ_TOTAL), MISSING_UNSUPPORTED);
    assert_int_equal(test_row(&rig.t, 0)->flags, ROW_FIRST);
    gpu_rig_tick(&rig);
    assert_int_equal(test_row(&rig.t, 0)->flags, 0);
    test_collector_close(&rig.t);
}

static void intel_is_read_in_its_units(void **state)
{
    (void)state;
    struct gpu_rig rig = { 0 };
    uint32_t i915, xe;

    gpu_rig_open(&rig, "tests/fixtures/gpu-intel");
    gpu_rig_be(&rig, 1, 2001, 9000);
    gpu_rig_be(&rig, 2, 2002, 9500);
    gpu_rig_tick(&rig);
    assert_int_equal(rig.t.tick.entity_count, 2);
    i915 = test_missing(&rig.t, 0, GPU_ENERGY_UJ_TOTAL) == MISSING_UNSUPPORTED ? 0 : 1;
    xe = 1 - i915;
    assert_int_equal(test_value(&rig.t, i915, GPU_CORE_CLOCK_HZ), 1150000000);
    assert_int_equal(test_value(&rig.t, i915, GPU_THROTTLE_REASONS), 1 << 1 | 1 << 4);
    assert_true(gpu_rig_has_event(&rig, "throttle", "gpu 0000:00:02.0: prochot"));
    assert_int_equal(test_value(&rig.t, xe, GPU_CORE_CLOCK_HZ), 2400000000);
    assert_int_equal(test_value(&rig.t, xe, GPU_ENERGY_UJ_TOTAL), 123456789);
    assert_int_equal(test_value(&rig.t, xe, GPU_POWER_LIMIT_MW), 190000);
    assert_int_equal(test_value(&rig.t, xe, GPU_TEMPERATURE_MILLICELSIUS), 55000);
    assert_int_equal(test_value(&rig.t, xe, GPU_THROTTLE_REASONS), 0);
    assert_int_equal(gpu_rig_value(&rig, 1, GPU_PROCESS_GPU_NS_TOTAL), 7000501000);
    assert_int_equal(gpu_rig_value(&rig, 1, GPU_PROCESS_MEMORY_BYTES), 49152 * KIB);
    assert_int_equal(gpu_rig_value(&rig, 2, GPU_PROCESS_MEMORY_BYTES),
                     131072 * KIB); /* vram only */
    test_collector_close(&rig.t);
}

static void a_sleeping_gpu_is_left_asleep(void **state)
{
    (void)state;
    struct gpu_rig rig;

    gpu_rig_start(&rig);
    test_root_write(&rig.root, GPU_RIG_CARD "power/runtime_status", "suspended\n");
    gpu_rig_put_client(&rig, 10, 3, 1, 6000000000);
    gpu_rig_tick(&rig);
    assert_int_equal(test_value(&rig.t, 0, GPU_POWER_STATE), GPU_ASLEEP);
    for (size_t i = 0; i < GPU_METRIC_COUNT; i++)
        assert_true(i == GPU_POWER_STATE || test_missing(&rig.t, 0, i) == MISSING_NOT_SAMPLED);
    assert_int_equal(gpu_rig_missing(&rig, 1, GPU_PROCESS_GPU_NS_TOTAL), MISSING_NOT_SAMPLED);
    test_root_write(&rig.root, GPU_RIG_CARD "power/runtime_status", "active\n");
    gpu_rig_tick(&rig);
    assert_int_equal(test_value(&rig.t, 0, GPU_UTILIZATION_PPM), 500000);
    assert_int_equal(gpu_rig_value(&rig, 1, GPU_PROCESS_GPU_NS_TOTAL), 6000000000);
    assert_int_equal(gpu_rig_busy_ns(&rig, 0), 1000000000);
    gpu_rig_end(&rig);
}

static void what_is_no_number_is_no_value(void **state)
{
    (void)state;
    struct gpu_rig rig;

    gpu_rig_start(&rig);
    test_root_write(&rig.root, GPU_RIG_CARD "gpu_busy_percent", "137\n");
    test_root_write(&rig.root, GPU_RIG_CARD "mem_busy_percent", "");
    test_root_write(&rig.root, GPU_RIG_CARD "mem_info_vram_used", "many\n");
    test_root_write(&rig.root, GPU_RIG_CARD "mem_info_vram_total", "99999999999999999999\n");
    test_root_write(&rig.root, GPU_RIG_CARD "pp_dpm_sclk", "0: 500Mhz\n1: *\n");
    test_root_write(&rig.root, GPU_RIG_CARD "hwmon/hwmon1/temp1_input", "-4000\n");
    test_root_write(&rig.root, GPU_RIG_CARD "hwmon/hwmon1/pwm1", "300\n");
    gpu_rig_tick(&rig);
    assert_int_equal(test_missing(&rig.t, 0, GPU_UTILIZATION_PPM), MISSING_FAILED);
    assert_int_equal(test_missing(&rig.t, 0, GPU_MEMORY_UTILIZATION_PPM), MISSING_FAILED);
    assert_int_equal(test_missing(&rig.t, 0, GPU_MEMORY_USED_BYTES), MISSING_FAILED);
    assert_int_equal(test_missing(&rig.t, 0, GPU_MEMORY_TOTAL_BYTES), MISSING_FAILED);
    assert_int_equal(test_missing(&rig.t, 0, GPU_CORE_CLOCK_HZ), MISSING_FAILED);
    assert_int_equal(test_missing(&rig.t, 0, GPU_FAN_PPM), MISSING_FAILED);
    assert_int_equal(test_value(&rig.t, 0, GPU_TEMPERATURE_MILLICELSIUS), -4000);
    assert_int_equal(test_missing(&rig.t, 0, GPU_MEMORY_CLOCK_HZ), MISSING_UNSUPPORTED);
    gpu_rig_end(&rig);
}

static void a_gpu_may_come_and_go(void **state)
{
    (void)state;
    struct gpu_rig rig;
    const char *other = "/sys/bus/pci/devices/0000:04:00.0/";
    char path[96];
    size_t before = 0;

    gpu_rig_start(&rig);
    (void)snprintf(path, sizeof path, "%sclass", other);
    test_root_write(&rig.root, path, "0x038000\n");
    (void)snprintf(path, sizeof path, "%svendor", other);
    test_root_write(&rig.root, path, "0x1002\n");
    (void)snprintf(path, sizeof path, "%sdriver", other);
    gpu_rig_put_link(&rig, path, "../../drivers/amdgpu");
    for (int i = 0; i < GPU_SCAN_READS; i++)
        gpu_rig_tick(&rig);
    assert_int_equal(rig.t.tick.table[TABLE_GPU].row_count, 2);
    test_root_remove(&rig.root, path);
    for (int i = 0; i < GPU_SCAN_READS; i++) {
        before = rig.t.tick.table[TABLE_GPU].row_count;
        gpu_rig_tick(&rig);
    }
    assert_int_equal(before, 1);
    assert_int_equal(rig.t.tick.table[TABLE_GPU].row_count, 1);
    gpu_rig_end(&rig);
}

static void order(struct gpu_rig *rig, const char *orders)
{
    test_root_write(&rig->root, "/orders", orders);
}

/* The double of NVIDIA's library (tests/double_nvml.c) in place of the host's. */
static void put_double(struct gpu_rig *rig)
{
    const char *build = getenv("PROCSCOPE_BUILD_DIR");
    char path[512], real[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/orders", rig->root.path);
    assert_int_equal(setenv("PROCSCOPE_DOUBLE_NVML", path, 1), 0);
    (void)snprintf(path, sizeof path, "%s/tests/nvml/libnvidia-ml.so.1",
                   build != NULL ? build : "build");
    assert_non_null(realpath(path, real));
    gpu_rig_put_link(rig, "/libnvidia-ml.so.1", real);
}

static void put_stat(struct gpu_rig *rig, int pid, int start_ticks)
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
    struct gpu_rig rig = { 0 };

    test_root_open(&rig.root);
    put_double(&rig);
    test_root_write(&rig.root, GPU_RIG_CARD "class", "0x030200\n");
    test_root_write(&rig.root, GPU_RIG_CARD "vendor", "0x10de\n");
    test_root_write(&rig.root, GPU_RIG_CARD "power/runtime_status", "active\n");
    gpu_rig_put_link(&rig, GPU_RIG_CARD "driver", "../../drivers/nvidia");
    put_stat(&rig, 10, 100);
    put_stat(&rig, 11, 110);
    order(&rig, "gpu 0 bus 3\ngpu 0 name Double\ngpu 0 energy 77 5\ngpu 0 reasons 64\n"
                "process 0 compute 10 4096\nprocess 0 compute 11 1\nprocess 0 compute 12 1\n");
    gpu_rig_open(&rig, rig.root.path);
    gpu_rig_be(&rig, 1, 10, 100);
    gpu_rig_be(&rig, 2, 11, 111); /* another one by now */
    gpu_rig_tick(&rig);
    assert_int_equal(rig.t.tick.entity_count, 1);
    assert_int_equal(test_value(&rig.t, 0, GPU_ENERGY_UJ_TOTAL), 82000); /* 77 was when opened */
    assert_int_equal(test_value(&rig.t, 0, GPU_POWER_STATE), GPU_AWAKE);
    assert_int_equal(rig.t.tick.table[TABLE_GPU_PROCESS].row_count, 1);
    assert_int_equal(gpu_rig_value(&rig, 1, GPU_PROCESS_MEMORY_BYTES), 4096);
    assert_true(gpu_rig_has_event(&rig, "throttle", "gpu 0000:03:00.0: hardware thermal slowdown"));
    order(&rig, "gpu 0 bus 3\ngpu 0 name Double\ngpu 0 reasons 0\n");
    gpu_rig_tick(&rig);
    assert_true(gpu_rig_has_event(&rig, "throttle_end", "gpu 0000:03:00.0"));
    order(&rig, "gpu 0 bus 3\ngpu 0 lost 1\n");
    gpu_rig_tick(&rig);
    assert_true(gpu_rig_has_event(&rig, "lost", "gpu 0000:03:00.0"));
    assert_int_equal(test_missing(&rig.t, 0, GPU_ENERGY_UJ_TOTAL), MISSING_FAILED);
    order(&rig, "gpu 0 bus 3\n");
    gpu_rig_tick(&rig);
    assert_true(gpu_rig_has_event(&rig, "regained", "gpu 0000:03:00.0"));
    gpu_rig_end(&rig);
}

static void without_gpus_it_says_how_to_get_one(void **state)
{
    (void)state;
    struct gpu_rig rig = { 0 };

    test_root_open(&rig.root);
    gpu_rig_open(&rig, rig.root.path);
    assert_int_equal(rig.t.capability.status, CAPABILITY_NOT_THERE);
    assert_non_null(strstr(rig.t.capability.reason, "no libnvidia-ml.so.1"));
    assert_string_not_equal(rig.t.capability.enable, "");
    gpu_rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amdgpu_is_read_in_its_units),
        cmocka_unit_test(intel_is_read_in_its_units),
        cmocka_unit_test(a_sleeping_gpu_is_left_asleep),
        cmocka_unit_test(what_is_no_number_is_no_value),
        cmocka_unit_test(a_gpu_may_come_and_go),
        cmocka_unit_test(all_that_know_of_a_gpu_tell_of_one),
        cmocka_unit_test(without_gpus_it_says_how_to_get_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
