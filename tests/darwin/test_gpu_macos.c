/*
 * GPUs of a Mac: by maker; values that cannot be; coming, going, sleeping; clients that appear and disappear, of
 * processes whose pid is another's later.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "recorder/collectors/collectors_macos.h"
#include "recorder/collectors/gpu.h"
#include "recorder/collectors/gpu_accelerator_macos.h"
#include "recorder/collectors/gpu_creator.h"
#include "tests/darwin/fake_iokit.h"
#include "tests/darwin/support_mac.h"

#define SECOND INT64_C(1000000000)

static struct fake_process own;
static struct gpu_reading reading;

static struct scenario host(const char *registry)
{
    struct scenario scenario;

    own = mac_process(1, 1, "own");
    scenario = mac_scenario(&own, 1);
    scenario.registry = fake_json(registry);
    return scenario;
}

static enum status read_at(struct gpu_accelerators *all, int64_t second)
{
    struct error err;

    fake_set_now(second * SECOND);
    return gpu_accelerators_read(all, second * SECOND, &reading, &err);
}

/* -1: there is none for that pid; -2: it was not sampled. */
static int64_t used_us(int32_t pid)
{
    for (size_t i = 0; i < reading.use_count; i++)
        if (reading.use[i].pid == pid)
            return reading.use[i].missing[GPU_PROCESS_GPU_NS_TOTAL] == MISSING_NONE
                       ? reading.use[i].values[GPU_PROCESS_GPU_NS_TOTAL]
                       : -2;
    return -1;
}

static void a_percentage_over_100_is_no_value(void **state)
{
    (void)state;
    struct scenario scenario =
        host("[{\"class\":\"IntelAccelerator\",\"is\":[\"IOAccelerator\"],\"properties\":{"
             "\"PerformanceStatistics\":{\"Device Utilization %\":{\"steps\":[[0,100],[1,137],"
             "[2,-3],[3,\"x\"],[4,null],[5,0]]}}}}]");
    static const enum missing why[] = { MISSING_NONE,   MISSING_FAILED,      MISSING_FAILED,
                                        MISSING_FAILED, MISSING_UNSUPPORTED, MISSING_NONE };
    struct gpu_accelerators *all;

    fake_boot(&scenario);
    all = gpu_accelerators_open();
    for (size_t i = 0; i < COUNT_OF(why); i++) {
        assert_int_equal(read_at(all, (int64_t)i), STATUS_OK);
        assert_int_equal(reading.gpu_count, 1);
        assert_int_equal(reading.gpu[0].missing[GPU_UTILIZATION_PPM], why[i]);
        if (why[i] == MISSING_NONE)
            assert_int_equal(reading.gpu[0].values[GPU_UTILIZATION_PPM], i == 0 ? 1000000 : 0);
    }
    gpu_accelerators_close(all);
    assert_int_equal(fake_settle(stderr), 0);
}

static void what_amds_driver_tells_is_taken(void **state)
{
    (void)state;
    struct scenario scenario =
        host("[{\"class\":\"IOPCIDevice\",\"properties\":{\"model\":{\"bytes\":[65,77,68,0]}},"
             "\"children\":[{\"class\":\"AMDRadeonX6000_AMDNavi21GraphicsAccelerator\",\"is\":"
             "[\"IOAccelerator\"],\"properties\":{\"PerformanceStatistics\":{"
             "\"GPU Activity(%)\":12,\"vramUsedBytes\":1000,\"vramFreeBytes\":3000,"
             "\"Temperature(C)\":{\"steps\":[[0,61],[1,128]]},\"Fan Speed(%)\":40,"
             "\"Core Clock(MHz)\":1825,\"Memory Clock(MHz)\":900,\"Total Power(W)\":99}}}]}]");
    struct gpu_accelerators *all;
    const struct gpu_report *gpu = &reading.gpu[0];

    fake_boot(&scenario);
    all = gpu_accelerators_open();
    assert_int_equal(read_at(all, 0), STATUS_OK);
    assert_string_equal(gpu->label, "AMD (AMDRadeonX6000_AMDNavi21GraphicsAccelerator)");
    assert_int_equal(gpu->values[GPU_UTILIZATION_PPM], 120000);
    assert_int_equal(gpu->values[GPU_MEMORY_USED_BYTES], 1000);
    assert_int_equal(gpu->values[GPU_MEMORY_TOTAL_BYTES], 4000);
    assert_int_equal(gpu->values[GPU_TEMPERATURE_MILLICELSIUS], 61000);
    assert_int_equal(gpu->values[GPU_FAN_PPM], 400000);
    assert_int_equal(gpu->values[GPU_CORE_CLOCK_HZ], INT64_C(1825000000));
    assert_int_equal(gpu->values[GPU_MEMORY_CLOCK_HZ], INT64_C(900000000));
    assert_int_equal(gpu->values[GPU_POWER_MW], 99000);
    assert_int_equal(read_at(all, 1), STATUS_OK);
    assert_int_equal(gpu->missing[GPU_TEMPERATURE_MILLICELSIUS], MISSING_FAILED); /* 128: none */
    gpu_accelerators_close(all);
    assert_int_equal(fake_settle(stderr), 0);
}

static const char with_egpu[] =
    "[{\"class\":\"IntelAccelerator\",\"is\":[\"IOAccelerator\"],\"properties\":{}},"
    "{\"class\":\"AMDRadeonX6000\",\"is\":[\"IOAccelerator\"],\"there\":[10,20],\"properties\":{}},"
    "{\"class\":\"AMDRadeonX6000\",\"is\":[\"IOAccelerator\"],\"there\":[30,99],\"properties\":{}}"
    "]";

static void a_gpu_that_comes_or_goes_is_noticed_by_word_of_it(void **state)
{
    (void)state;
    struct scenario scenario = host(with_egpu);
    struct gpu_accelerators *all;

    fake_boot(&scenario);
    all = gpu_accelerators_open();
    for (int64_t second = 0; second < 40; second++) {
        size_t expected = (second >= 10 && second < 20) || second >= 30 ? 2 : 1;
        int64_t before = fake_matches();

        assert_int_equal(read_at(all, second), STATUS_OK);
        assert_int_equal(reading.gpu_count, expected);
        /* the registry is searched at the beginning and when there was word, not each time */
        assert_int_equal(fake_matches() - before,
                         second == 0 || second == 10 || second == 20 || second == 30);
    }
    gpu_accelerators_close(all);
    assert_int_equal(fake_settle(stderr), 0);
}

static void a_sleeping_gpu_is_not_asked_and_its_processes_stay(void **state)
{
    (void)state;
    struct scenario scenario =
        host("[{\"class\":\"AGXAcceleratorG13G_B0\",\"is\":[\"IOAccelerator\"],\"asleep\":[2,5],"
             "\"properties\":{\"AGCInfo\":{\"poweredOffByAGC\":{\"steps\":[[0,0],[2,1],[5,0]]}},"
             "\"PerformanceStatistics\":{\"Device Utilization %\":3}},\"children\":["
             "{\"class\":\"AGXDeviceUserClient\",\"registered\":false,\"properties\":{"
             "\"IOUserClientCreator\":\"pid 7, a\",\"AppUsage\":[{\"accumulatedGPUTime\":"
             "{\"rates\":[[0,1000000]]}}]}}]}]");
    int64_t asked = fake_properties_read("PerformanceStatistics");
    struct gpu_accelerators *all;

    fake_boot(&scenario);
    all = gpu_accelerators_open();
    for (int64_t second = 0; second < 7; second++) {
        bool asleep = second >= 2 && second < 5;

        assert_int_equal(read_at(all, second), STATUS_OK);
        assert_int_equal(reading.gpu[0].values[GPU_POWER_STATE], asleep ? GPU_ASLEEP : GPU_AWAKE);
        assert_int_equal(reading.gpu[0].missing[GPU_UTILIZATION_PPM],
                         asleep ? MISSING_NOT_SAMPLED : MISSING_NONE);
        assert_int_equal(used_us(7), asleep ? -2 : second * 1000);
    }
    assert_int_equal(fake_properties_read("PerformanceStatistics") - asked, 4);
    gpu_accelerators_close(all);
    assert_int_equal(fake_settle(stderr), 0); /* which also tells if it was woken */
}

#define CLIENT(there, creator, usage)                                                              \
    "{\"class\":\"AGXDeviceUserClient\",\"registered\":false,\"there\":" there ",\"properties\":{" \
    "\"IOUserClientCreator\":\"" creator "\",\"AppUsage\":" usage "}}"
#define TIME(from) "[{\"accumulatedGPUTime\":{\"base\":1000,\"rates\":[[" from ",1000000]]}}]"
#define AGX(clients)                                                                               \
    "[{\"class\":\"AGXAcceleratorG16X\",\"is\":[\"IOAccelerator\"],\"properties\":{},"             \
    "\"children\":[" clients "]}]"

static void clients_that_come_and_go_leave_what_they_used(void **state)
{
    (void)state;
    struct scenario scenario = host(AGX(CLIENT("[-1,99]", "pid 7, a,b,,", TIME("0")) "," CLIENT(
        "[3,6]", "pid 7, a,b,,",
        TIME("3")) "," CLIENT("[-1,99]", "pid 8, ",
                              "[]") "," CLIENT("[-1,99]", "pid 9",
                                               TIME("0")) "," CLIENT("[-1,99]", "pid 10, x",
                                                                     "null")));
    struct gpu_accelerators *all;

    fake_boot(&scenario);
    all = gpu_accelerators_open();
    for (int64_t second = 0; second < 9; second++) {
        /* the second client had 1000 ns when it came, and was last seen at 5 s */
        int64_t second_us = second < 3 ? 0 : 1 + 1000 * ((second < 5 ? second : 5) - 3);

        assert_int_equal(read_at(all, second), STATUS_OK);
        assert_int_equal(used_us(7), 1 + 1000 * second + second_us);
        assert_int_equal(used_us(8), 0);
        assert_int_equal(used_us(9), -1); /* no creator of that form */
        assert_int_equal(used_us(10), 0); /* it has told of no time yet */
    }
    gpu_accelerators_close(all);
    assert_int_equal(fake_settle(stderr), 0);
}

static void the_next_user_of_a_pid_begins_anew(void **state)
{
    (void)state;
    struct scenario scenario = host(AGX(CLIENT("[-1,5]", "pid 7, first", TIME("0")) "," CLIENT(
        "[5,99]", "pid 7, second", TIME("5"))));
    struct gpu_accelerators *all;
    uint64_t number;

    fake_boot(&scenario);
    all = gpu_accelerators_open();
    assert_int_equal(read_at(all, 0), STATUS_OK);
    assert_int_equal(reading.use[0].born_ns, 0); /* nobody knows since when */
    assert_int_equal(read_at(all, 4), STATUS_OK);
    assert_int_equal(used_us(7), 4001);
    number = reading.use[0].start_ticks;
    assert_int_equal(read_at(all, 6), STATUS_OK);
    assert_int_equal(used_us(7), 1001);
    assert_true(reading.use[0].start_ticks != number);
    assert_int_equal(reading.use[0].born_ns, 4 * SECOND);
    gpu_accelerators_close(all);
    assert_int_equal(fake_settle(stderr), 0);
}

static void clients_that_cannot_be_walked_are_caught_up_with(void **state)
{
    (void)state;
    struct scenario scenario = host(
        AGX(CLIENT("[-1,99]", "pid 7, a", TIME("0")) "," CLIENT("[3,99]", "pid 8, b", TIME("3"))));
    struct gpu_accelerators *all;

    scenario.iokit_faults = fake_json("{\"iterators_invalid\":[2,4],\"after\":1,\"times\":-1}");
    fake_boot(&scenario);
    all = gpu_accelerators_open();
    for (int64_t second = 0; second < 6; second++) {
        bool fails = second >= 2 && second < 4;

        assert_int_equal(read_at(all, second), STATUS_OK);
        assert_int_equal(reading.gpu[0].missing[GPU_BUSY_NS_TOTAL],
                         fails ? MISSING_NOT_SAMPLED : MISSING_NONE);
        assert_int_equal(used_us(7), fails ? -2 : 1 + 1000 * second);
        assert_int_equal(used_us(8), second < 4 ? -1 : 1 + 1000 * (second - 3));
    }
    gpu_accelerators_close(all);
    assert_int_equal(fake_settle(stderr), 0);
}

static void intels_clients_tell_their_time_once(void **state)
{
    (void)state;
    struct scenario scenario =
        host("[{\"class\":\"IntelAccelerator\",\"is\":[\"IOAccelerator\"],\"properties\":{},"
             "\"children\":[{\"class\":\"IGAccelDevice\",\"registered\":false,\"properties\":{"
             "\"IOUserClientCreator\":\"pid 7, a\",\"accumulatedGPUTime\":5000,"
             "\"AppUsage\":[{\"accumulatedGPUTime\":5000}]}}]}]");
    struct gpu_accelerators *all;

    fake_boot(&scenario);
    all = gpu_accelerators_open();
    assert_int_equal(read_at(all, 0), STATUS_OK);
    assert_int_equal(used_us(7), 5);
    gpu_accelerators_close(all);
    assert_int_equal(fake_settle(stderr), 0);
}

static void creators_have_any_name(void **state)
{
    (void)state;

    assert_int_equal(gpu_creator_pid("pid 533, WindowServer"), 533);
    assert_int_equal(gpu_creator_pid("pid 533, a, pid 7, b"), 533);
    assert_int_equal(gpu_creator_pid("pid 533, "), 533);
    assert_int_equal(gpu_creator_pid("pid 0,"), 0);
    assert_int_equal(gpu_creator_pid("pid 533"), -1);
    assert_int_equal(gpu_creator_pid("pid -533, x"), -1);
    assert_int_equal(gpu_creator_pid("pid 99999999999999999999, x"), -1);
    assert_int_equal(gpu_creator_pid("pid , x"), -1);
    assert_int_equal(gpu_creator_pid("WindowServer"), -1);
    assert_int_equal(gpu_creator_pid(""), -1);
}

static void without_gpus_it_is_not_there(void **state)
{
    (void)state;
    struct scenario scenario = host("[]");
    struct mac mac;

    mac_open(&mac, &scenario, &gpu_collector);
    assert_int_equal(mac.capability.status, CAPABILITY_NOT_THERE);
    mac_close(&mac);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_percentage_over_100_is_no_value),
        cmocka_unit_test(what_amds_driver_tells_is_taken),
        cmocka_unit_test(a_gpu_that_comes_or_goes_is_noticed_by_word_of_it),
        cmocka_unit_test(a_sleeping_gpu_is_not_asked_and_its_processes_stay),
        cmocka_unit_test(clients_that_come_and_go_leave_what_they_used),
        cmocka_unit_test(the_next_user_of_a_pid_begins_anew),
        cmocka_unit_test(clients_that_cannot_be_walked_are_caught_up_with),
        cmocka_unit_test(intels_clients_tell_their_time_once),
        cmocka_unit_test(creators_have_any_name),
        cmocka_unit_test(without_gpus_it_is_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
