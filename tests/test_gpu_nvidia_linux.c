/* The NVIDIA back end on a double of its library: right, failing, lying, lost, asleep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "recorder/collectors/nvml.h"
#include "tests/support_nvml_linux.h"

#define MIB INT64_C(1048576)
#define GPU_0 "gpu 0 bus 1\ngpu 0 name Double\n"

/* --- right --- */

static void every_metric_is_in_its_unit(void **state)
{
    (void)state;
    struct nvml_rig *rig = nvml_rig_of(
        "gpus 1\n" GPU_0 "gpu 0 utilization 75 20\ngpu 0 memory 3145728 104857600\n"
        "gpu 0 power 251003\ngpu 0 limit 300000\ngpu 0 energy 1234567 1\ngpu 0 core_clock 1511\n"
        "gpu 0 memory_clock 2619\ngpu 0 temperature 66\ngpu 0 fan 41\ngpu 0 reasons 4\n"
        "gpu 0 encoder 7\ngpu 0 decoder 8\ngpu 0 ecc 9\ngpu 0 mig 0\n");
    const struct {
        enum gpu_metric metric;
        int64_t value;
    } expected[] = {
        { GPU_UTILIZATION_PPM, 750000 },
        { GPU_MEMORY_UTILIZATION_PPM, 200000 },
        { GPU_MEMORY_USED_BYTES, 3 * MIB },
        { GPU_MEMORY_TOTAL_BYTES, 100 * MIB },
        { GPU_POWER_MW, 251003 },
        { GPU_POWER_LIMIT_MW, 300000 },
        { GPU_ENERGY_UJ_TOTAL, INT64_C(1234567000) },
        { GPU_CORE_CLOCK_HZ, INT64_C(1511000000) },
        { GPU_MEMORY_CLOCK_HZ, INT64_C(2619000000) },
        { GPU_TEMPERATURE_MILLICELSIUS, 66000 },
        { GPU_FAN_PPM, 410000 },
        { GPU_THROTTLE_REASONS, 4 },
        { GPU_ENCODER_PPM, 70000 },
        { GPU_DECODER_PPM, 80000 },
        { GPU_ECC_ERRORS_TOTAL, 9 },
        { GPU_POWER_STATE, GPU_AWAKE },
    };

    assert_int_equal(rig->reading.gpu_count, 1);
    assert_string_equal(rig->reading.gpu[0].key, "0000:01:00.0");
    assert_string_equal(rig->reading.gpu[0].label, "Double");
    for (size_t i = 0; i < COUNT_OF(expected); i++)
        assert_int_equal(nvml_rig_value(rig, 0, expected[i].metric), expected[i].value);
    assert_int_equal(nvml_rig_missing(rig, 0, GPU_BUSY_NS_TOTAL), MISSING_UNSUPPORTED);
    assert_string_equal(rig->reading.gpu[0].slowed, ""); /* at its limit of power: no trouble */
    assert_int_equal(rig->found.status, CAPABILITY_OK);
    nvml_rig_end(rig);
}

static void what_a_gpu_lacks_is_unsupported(void **state)
{
    (void)state;
    struct nvml_rig *rig = nvml_rig_of("gpus 1\n" GPU_0 "gpu 0 power 90000\n");

    assert_int_equal(nvml_rig_value(rig, 0, GPU_POWER_MW), 90000);
    assert_int_equal(nvml_rig_missing(rig, 0, GPU_ENERGY_UJ_TOTAL), MISSING_UNSUPPORTED);
    assert_int_equal(nvml_rig_missing(rig, 0, GPU_UTILIZATION_PPM), MISSING_UNSUPPORTED);
    assert_int_equal(nvml_rig_missing(rig, 0, GPU_THROTTLE_REASONS), MISSING_UNSUPPORTED);
    nvml_rig_end(rig);
}

static void the_shares_of_two_processes_sum_to_the_gpu(void **state)
{
    (void)state;
    struct nvml_rig *rig =
        nvml_rig_of("gpus 1\n" GPU_0 "gpu 0 utilization 75 20\n"
                    "process 0 compute 101 1048576\nprocess 0 compute 102 2097152\n"
                    "sample 0 101 45 15 1 0\nsample 0 102 30 5 0 2\n");

    assert_int_equal(rig->reading.use_count, 2);
    assert_int_equal(nvml_rig_use(rig, 101)->values[GPU_PROCESS_MEMORY_BYTES], MIB);
    assert_int_equal(nvml_rig_use(rig, 101)->values[GPU_PROCESS_ENCODER_PPM], 10000);
    assert_int_equal(nvml_rig_use(rig, 102)->values[GPU_PROCESS_DECODER_PPM], 20000);
    assert_int_equal(nvml_rig_use(rig, 101)->values[GPU_PROCESS_UTILIZATION_PPM] +
                         nvml_rig_use(rig, 102)->values[GPU_PROCESS_UTILIZATION_PPM],
                     nvml_rig_value(rig, 0, GPU_UTILIZATION_PPM));
    assert_int_equal(nvml_rig_use(rig, 101)->values[GPU_PROCESS_MEMORY_UTILIZATION_PPM] +
                         nvml_rig_use(rig, 102)->values[GPU_PROCESS_MEMORY_UTILIZATION_PPM],
                     nvml_rig_value(rig, 0, GPU_MEMORY_UTILIZATION_PPM));
    assert_int_equal(nvml_rig_use(rig, 101)->missing[GPU_PROCESS_GPU_NS_TOTAL],
                     MISSING_UNSUPPORTED);
    nvml_rig_end(rig);
}

static void a_process_in_two_lists_is_counted_once(void **state)
{
    (void)state;
    struct nvml_rig *rig = nvml_rig_of("gpus 1\n" GPU_0 "process 0 compute 7 3000\n"
                                       "process 0 graphics 7 3000\nprocess 0 graphics 8 500\n");

    assert_int_equal(rig->reading.use_count, 2);
    assert_int_equal(nvml_rig_use(rig, 7)->values[GPU_PROCESS_MEMORY_BYTES], 3000);
    assert_int_equal(nvml_rig_use(rig, 8)->values[GPU_PROCESS_MEMORY_BYTES], 500);
    /* No samples: they did nothing, which is known. */
    assert_int_equal(nvml_rig_use(rig, 7)->missing[GPU_PROCESS_UTILIZATION_PPM], MISSING_NONE);
    assert_int_equal(nvml_rig_use(rig, 7)->values[GPU_PROCESS_UTILIZATION_PPM], 0);
    nvml_rig_end(rig);
}

static void mig_mode_is_said_and_its_instances_are_summed(void **state)
{
    (void)state;
    struct nvml_rig *rig = nvml_rig_of("gpus 1\n" GPU_0 "gpu 0 mig 1\nprocess 0 compute 7 3000\n"
                                       "process 0 compute 7 400\nsample 0 7 50 0 0 0\n");

    assert_string_equal(rig->reading.gpu[0].label, "Double (MIG mode)");
    assert_int_equal(rig->found.status, CAPABILITY_PARTIAL);
    assert_non_null(strstr(rig->found.reason, "MIG mode"));
    assert_int_equal(nvml_rig_missing(rig, 0, GPU_UTILIZATION_PPM), MISSING_UNSUPPORTED);
    assert_int_equal(nvml_rig_use(rig, 7)->values[GPU_PROCESS_MEMORY_BYTES], 3400);
    assert_int_equal(nvml_rig_use(rig, 7)->missing[GPU_PROCESS_UTILIZATION_PPM],
                     MISSING_UNSUPPORTED);
    nvml_rig_end(rig);
}

static void more_processes_than_there_was_room_for_are_all_there(void **state)
{
    (void)state;
    char orders[16384];
    size_t used = (size_t)snprintf(orders, sizeof orders, "%s", GPU_0);
    struct nvml_rig *rig;

    for (int i = 1; i <= 300; i++)
        used +=
            (size_t)snprintf(orders + used, sizeof orders - used, "process 0 compute %d 1\n", i);
    rig = nvml_rig_new("gpus 1\n");
    test_root_write(&rig->root, "/orders", orders);
    test_root_write(&rig->root, "/sys/bus/pci/devices/0000:01:00.0/class", "0x030200\n");
    test_root_write(&rig->root, "/sys/bus/pci/devices/0000:01:00.0/vendor", "0x10de\n");
    nvml_rig_read(rig);
    assert_int_equal(rig->reading.use_count, 300);
    nvml_rig_end(rig);
}

/* --- failing --- */

static void each_failure_has_its_reason(void **state)
{
    (void)state;
    struct nvml_rig *rig = nvml_rig_of(
        "gpus 1\n" GPU_0 "gpu 0 power 1\ngpu 0 energy 1 1\ngpu 0 fan 1\ngpu 0 temperature 1\n"
        "gpu 0 memory 1 2\nfail nvmlDeviceGetPowerUsage 4\n"
        "fail nvmlDeviceGetTotalEnergyConsumption 3\nfail nvmlDeviceGetFanSpeed 999\n"
        "fail nvmlDeviceGetTemperature 6\nfail nvmlDeviceGetMemoryInfo_v2 13\n"
        "process 0 compute 7 1\nfail nvmlDeviceGetComputeRunningProcesses_v3 4\n");

    assert_int_equal(nvml_rig_missing(rig, 0, GPU_POWER_MW), MISSING_NOT_PERMITTED);
    assert_int_equal(nvml_rig_missing(rig, 0, GPU_ENERGY_UJ_TOTAL), MISSING_UNSUPPORTED);
    assert_int_equal(nvml_rig_missing(rig, 0, GPU_FAN_PPM), MISSING_FAILED);
    assert_int_equal(nvml_rig_missing(rig, 0, GPU_TEMPERATURE_MILLICELSIUS), MISSING_NOT_THERE);
    assert_int_equal(nvml_rig_value(rig, 0, GPU_MEMORY_TOTAL_BYTES), 2); /* by the older call */
    assert_int_equal(rig->reading.use_count, 0);
    assert_non_null(strstr(rig->found.reason, "does not tell us the processes"));
    nvml_rig_end(rig);
}

static void without_a_driver_it_says_so_and_tries_again_later(void **state)
{
    (void)state;
    struct nvml_rig *rig = nvml_rig_of("gpus 1\n" GPU_0 "gpu 0 power 5\nfail nvmlInit_v2 9\n");

    assert_int_equal(rig->reading.gpu_count, 0);
    assert_int_equal(rig->found.status, CAPABILITY_NOT_THERE);
    assert_non_null(strstr(rig->found.reason, "driver is not loaded"));
    nvml_rig_order(rig, "gpus 1\n" GPU_0 "gpu 0 power 5\n");
    nvml_rig_read(rig);
    assert_int_equal(nvml_rig_logged(rig, "init"), 1);
    for (int i = 0; i < 30; i++)
        nvml_rig_read(rig);
    assert_int_equal(nvml_rig_logged(rig, "init"), 2);
    assert_int_equal(nvml_rig_value(rig, 0, GPU_POWER_MW), 5);
    nvml_rig_end(rig);
}

static void no_permission_says_how_to_get_it(void **state)
{
    (void)state;
    struct nvml_rig *rig = nvml_rig_of("gpus 1\n" GPU_0 "fail nvmlInit_v2 4\n");

    assert_int_equal(rig->found.status, CAPABILITY_NOT_PERMITTED);
    assert_non_null(strstr(rig->found.enable, "/dev/nvidiactl"));
    nvml_rig_end(rig);
}

static void a_lost_gpu_fails_and_the_other_is_read(void **state)
{
    (void)state;
    struct nvml_rig *rig =
        nvml_rig_of("gpus 2\n" GPU_0 "gpu 0 power 5\ngpu 1 bus 2\ngpu 1 power 6\n"
                    "process 0 compute 7 1\nprocess 1 compute 8 1\n");

    assert_int_equal(rig->reading.use_count, 2);
    nvml_rig_order(rig, "gpus 2\n" GPU_0 "gpu 0 power 5\ngpu 0 lost 1\ngpu 1 bus 2\ngpu 1 power 6\n"
                        "process 0 compute 7 1\nprocess 1 compute 8 1\n");
    nvml_rig_read(rig);
    assert_int_equal(rig->reading.gpu_count, 2);
    for (size_t i = 0; i < 2; i++) {
        bool lost = rig->reading.gpu[i].lost;

        assert_true(lost || nvml_rig_missing(rig, i, GPU_POWER_MW) == MISSING_NONE);
        assert_true(!lost || nvml_rig_missing(rig, i, GPU_POWER_MW) == MISSING_FAILED);
        assert_true(!lost || nvml_rig_missing(rig, i, GPU_MEMORY_USED_BYTES) == MISSING_FAILED);
    }
    nvml_rig_end(rig);
}

static void a_library_that_is_none_is_absent(void **state)
{
    (void)state;
    struct gpu_pci pci = { .root = "/nowhere" };
    struct gpu_setting setting = { .root = "/nowhere", .nvml_library = "/nowhere/x", .pci = &pci };
    struct error err = { 0 };
    void *opened = NULL;

    assert_int_equal(gpu_nvidia.open(&opened, &setting, &err), STATUS_ABSENT);
    setting.nvml_library = "libm.so.6";
    assert_int_equal(gpu_nvidia.open(&opened, &setting, &err), STATUS_UNSUPPORTED);
    assert_null(opened);
}

/* --- lying --- */

static void what_cannot_be_is_no_value(void **state)
{
    (void)state;
    struct nvml_rig *rig = nvml_rig_of(
        "gpus 4000000000\ngpu 0 bus 1\ngpu 0 name endless\ngpu 0 utilization 101 4294967295\n"
        "gpu 0 power 4294967295\ngpu 0 energy 18446744073709551615 0\ngpu 0 fan 137\n"
        "gpu 0 memory 300 200\ngpu 0 core_clock 4294967295\ngpu 0 temperature 4294967294\n"
        "gpu 0 ecc 18446744073709551615\ngpu 0 reasons 18446744073709551615\n"
        "process 0 compute 7 201\nprocess 0 compute 0 1\nprocess 0 compute 4294967295 1\n"
        "process 0 compute 8 18446744073709551615\nsample 0 7 1155 3 4294967295 0\n");

    assert_int_equal(rig->reading.gpu[0].label[95], 'X');
    assert_int_equal(strlen(rig->reading.gpu[0].label), 96);
    assert_int_equal(nvml_rig_missing(rig, 0, GPU_UTILIZATION_PPM), MISSING_FAILED);
    assert_int_equal(nvml_rig_missing(rig, 0, GPU_MEMORY_UTILIZATION_PPM), MISSING_FAILED);
    assert_int_equal(nvml_rig_missing(rig, 0, GPU_POWER_MW), MISSING_FAILED);
    assert_int_equal(nvml_rig_missing(rig, 0, GPU_ENERGY_UJ_TOTAL), MISSING_FAILED);
    assert_int_equal(nvml_rig_missing(rig, 0, GPU_FAN_PPM), MISSING_FAILED);
    assert_int_equal(nvml_rig_missing(rig, 0, GPU_MEMORY_USED_BYTES), MISSING_FAILED);
    assert_int_equal(nvml_rig_missing(rig, 0, GPU_CORE_CLOCK_HZ), MISSING_FAILED);
    assert_int_equal(nvml_rig_missing(rig, 0, GPU_TEMPERATURE_MILLICELSIUS), MISSING_FAILED);
    assert_int_equal(nvml_rig_missing(rig, 0, GPU_ECC_ERRORS_TOTAL), MISSING_FAILED);
    assert_int_equal(nvml_rig_missing(rig, 0, GPU_THROTTLE_REASONS), MISSING_FAILED);
    assert_int_equal(rig->reading.use_count, 2);
    assert_int_equal(nvml_rig_use(rig, 7)->missing[GPU_PROCESS_MEMORY_BYTES], MISSING_FAILED);
    assert_int_equal(nvml_rig_use(rig, 8)->missing[GPU_PROCESS_MEMORY_BYTES], MISSING_UNSUPPORTED);
    assert_int_equal(nvml_rig_use(rig, 7)->missing[GPU_PROCESS_UTILIZATION_PPM], MISSING_FAILED);
    assert_int_equal(nvml_rig_use(rig, 7)->values[GPU_PROCESS_MEMORY_UTILIZATION_PPM], 30000);
    assert_int_equal(nvml_rig_use(rig, 7)->missing[GPU_PROCESS_ENCODER_PPM], MISSING_FAILED);
    nvml_rig_end(rig);
}

static void a_list_that_claims_more_than_its_room_is_read_as_far_as_it_is_ours(void **state)
{
    (void)state;
    struct nvml_rig *rig = nvml_rig_of(
        "gpus 1\n" GPU_0 "count 4000000000\nprocess 0 compute 7 1\nsample 0 7 5 0 0 0\n");

    assert_int_equal(nvml_rig_use(rig, 7)->values[GPU_PROCESS_MEMORY_BYTES], 1);
    assert_int_equal(nvml_rig_use(rig, 7)->values[GPU_PROCESS_UTILIZATION_PPM], 50000);
    nvml_rig_end(rig);
}

static void of_repeated_samples_the_newest_counts(void **state)
{
    (void)state;
    struct nvml_rig *rig =
        nvml_rig_of("gpus 1\n" GPU_0 "process 0 compute 7 10\nprocess 0 compute 7 10\n"
                    "sample 0 7 90 0 0 0 500000\nsample 0 7 20 0 0 0 1000\n"
                    "sample 0 7 80 0 0 0 700000\nsample 0 9 60 0 0 0 90000000\n");

    assert_int_equal(rig->reading.use_count, 1); /* 9 is older than what was read before */
    assert_int_equal(nvml_rig_use(rig, 7)->values[GPU_PROCESS_UTILIZATION_PPM], 200000);
    assert_int_equal(nvml_rig_use(rig, 7)->values[GPU_PROCESS_MEMORY_BYTES], 10);
    nvml_rig_end(rig);
}

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The library keeps samples for a while, and gives one that was there at the reading before. */
static void an_old_sample_is_not_of_this_reading(void **state)
{
    (void)state;
    const char *const one = "gpus 1\n" GPU_0 "process 0 compute 7 10\n";
    struct nvml_rig *rig = NULL;
    int64_t start_ms;
    char orders[256];

    do { /* where the two readings are a second apart, the sample lies between them */
        if (rig != NULL)
            nvml_rig_end(rig);
        start_ms = now_ms();
        (void)snprintf(orders, sizeof orders, "%ssample 0 7 90 0 0 0 960000\n", one);
        rig = nvml_rig_of(orders);
        assert_int_equal(nvml_rig_use(rig, 7)->values[GPU_PROCESS_UTILIZATION_PPM], 900000);
        (void)snprintf(orders, sizeof orders, "%ssample 0 7 90 0 0 0 940000\n", one);
        nvml_rig_order(rig, orders);
        nvml_rig_read(rig);
    } while (now_ms() - start_ms >= 900);
    assert_int_equal(nvml_rig_use(rig, 7)->missing[GPU_PROCESS_UTILIZATION_PPM], MISSING_NONE);
    assert_int_equal(nvml_rig_use(rig, 7)->values[GPU_PROCESS_UTILIZATION_PPM], 0);
    (void)snprintf(orders, sizeof orders, "%ssample 0 7 30 0 0 0\n", one);
    nvml_rig_order(rig, orders);
    nvml_rig_read(rig);
    assert_int_equal(nvml_rig_use(rig, 7)->values[GPU_PROCESS_UTILIZATION_PPM], 300000);
    nvml_rig_end(rig);
}

static void a_driver_with_odd_lists_is_asked_the_older_way(void **state)
{
    (void)state;
    struct nvml_rig *rig = nvml_rig_of("driver 535.54.03\ngpus 1\n" GPU_0
                                       "process 0 compute 7 10\nprocess 0 compute 8 20\n");

    assert_int_equal(rig->reading.use_count, 2);
    assert_int_equal(nvml_rig_use(rig, 7)->values[GPU_PROCESS_MEMORY_BYTES], 10);
    assert_int_equal(nvml_rig_use(rig, 8)->values[GPU_PROCESS_MEMORY_BYTES], 20);
    nvml_rig_end(rig);
}

/* --- asleep --- */

static void put_pci(struct nvml_rig *rig, int bus, const char *status)
{
    static const char *const files[][2] = { { "class", "0x030000\n" }, { "vendor", "0x10de\n" } };
    char path[128];

    for (size_t i = 0; i < COUNT_OF(files); i++) {
        (void)snprintf(path, sizeof path, "/sys/bus/pci/devices/0000:%02x:00.0/%s", bus,
                       files[i][0]);
        test_root_write(&rig->root, path, files[i][1]);
    }
    (void)snprintf(path, sizeof path, "/sys/bus/pci/devices/0000:%02x:00.0/power/runtime_status",
                   bus);
    test_root_write(&rig->root, path, status);
    (void)snprintf(path, sizeof path, "/sys/bus/pci/devices/0000:%02x:00.0/power/control", bus);
    test_root_write(&rig->root, path, "auto\n");
}

static void while_all_sleep_the_library_is_not_even_initialised(void **state)
{
    (void)state;
    struct nvml_rig *rig = nvml_rig_new("gpus 1\n" GPU_0 "gpu 0 power 5\n");

    put_pci(rig, 1, "suspended\n");
    for (int i = 0; i < 5; i++)
        nvml_rig_read(rig);
    assert_int_equal(nvml_rig_logged(rig, "init"), 0);
    assert_int_equal(nvml_rig_logged(rig, "handle"), 0);
    assert_int_equal(nvml_rig_missing(rig, 0, GPU_POWER_MW), MISSING_NOT_SAMPLED);
    put_pci(rig, 1, "active\n");
    nvml_rig_read(rig);
    assert_int_equal(nvml_rig_value(rig, 0, GPU_POWER_MW), 5);
    put_pci(rig, 1, "suspended\n");
    nvml_rig_read(rig);
    assert_int_equal(nvml_rig_logged(rig, "shutdown"), 1);
    assert_int_equal(nvml_rig_logged(rig, "handle"), 1);
    assert_int_equal(nvml_rig_missing(rig, 0, GPU_POWER_MW), MISSING_NOT_SAMPLED);
    nvml_rig_end(rig);
}

static void beside_one_awake_the_sleeping_one_is_not_opened(void **state)
{
    (void)state;
    struct nvml_rig *rig = nvml_rig_new(
        "gpus 2\n" GPU_0 "gpu 0 power 5\ngpu 1 bus 2\ngpu 1 power 6\ngpu 1 utilization 5 5\n");

    put_pci(rig, 1, "suspended\n");
    put_pci(rig, 2, "active\n");
    for (int i = 0; i < 3; i++)
        nvml_rig_read(rig);
    assert_int_equal(nvml_rig_logged(rig, "handle 0"), 0);
    assert_int_equal(nvml_rig_logged(rig, "handle 1"), 3);
    assert_int_equal(rig->reading.gpu_count, 2);
    nvml_rig_end(rig);
}

static void an_idle_one_that_may_sleep_is_let_alone_for_a_while(void **state)
{
    (void)state;
    struct nvml_rig *rig = nvml_rig_new("gpus 1\n" GPU_0 "gpu 0 utilization 0 0\n");
    int asked = 0;

    put_pci(rig, 1, "active\n");
    for (int i = 0; i < GPU_IDLE_READS; i++)
        nvml_rig_read(rig);
    assert_int_equal(nvml_rig_logged(rig, "handle"), GPU_IDLE_READS);
    for (int i = 0; i < GPU_REST_READS - 1; i++) {
        nvml_rig_read(rig);
        asked += nvml_rig_missing(rig, 0, GPU_UTILIZATION_PPM) != MISSING_NOT_SAMPLED;
    }
    assert_int_equal(asked, 0);
    assert_int_equal(nvml_rig_logged(rig, "shutdown"), 1); /* the library had it open */
    nvml_rig_read(rig);
    assert_int_equal(nvml_rig_value(rig, 0, GPU_UTILIZATION_PPM), 0);
    /* It never falls asleep: it is not let alone for good. */
    for (int i = 0; i < GPU_RESTS_IN_VAIN * GPU_REST_READS; i++)
        nvml_rig_read(rig);
    for (int i = 0; i < 2 * GPU_REST_READS; i++) {
        nvml_rig_read(rig);
        assert_int_equal(nvml_rig_value(rig, 0, GPU_UTILIZATION_PPM), 0);
    }
    nvml_rig_end(rig);
}

static void one_that_computes_is_not_idle(void **state)
{
    (void)state;
    struct nvml_rig *rig =
        nvml_rig_new("gpus 1\n" GPU_0 "gpu 0 utilization 0 0\nprocess 0 compute 7 10\n");

    put_pci(rig, 1, "active\n");
    for (int i = 0; i < 3 * GPU_IDLE_READS; i++) {
        nvml_rig_read(rig);
        assert_int_equal(nvml_rig_value(rig, 0, GPU_UTILIZATION_PPM), 0);
    }
    nvml_rig_end(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_metric_is_in_its_unit),
        cmocka_unit_test(what_a_gpu_lacks_is_unsupported),
        cmocka_unit_test(the_shares_of_two_processes_sum_to_the_gpu),
        cmocka_unit_test(a_process_in_two_lists_is_counted_once),
        cmocka_unit_test(mig_mode_is_said_and_its_instances_are_summed),
        cmocka_unit_test(more_processes_than_there_was_room_for_are_all_there),
        cmocka_unit_test(each_failure_has_its_reason),
        cmocka_unit_test(without_a_driver_it_says_so_and_tries_again_later),
        cmocka_unit_test(no_permission_says_how_to_get_it),
        cmocka_unit_test(a_lost_gpu_fails_and_the_other_is_read),
        cmocka_unit_test(a_library_that_is_none_is_absent),
        cmocka_unit_test(what_cannot_be_is_no_value),
        cmocka_unit_test(a_list_that_claims_more_than_its_room_is_read_as_far_as_it_is_ours),
        cmocka_unit_test(of_repeated_samples_the_newest_counts),
        cmocka_unit_test(an_old_sample_is_not_of_this_reading),
        cmocka_unit_test(a_driver_with_odd_lists_is_asked_the_older_way),
        cmocka_unit_test(while_all_sleep_the_library_is_not_even_initialised),
        cmocka_unit_test(beside_one_awake_the_sleeping_one_is_not_opened),
        cmocka_unit_test(an_idle_one_that_may_sleep_is_let_alone_for_a_while),
        cmocka_unit_test(one_that_computes_is_not_idle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
