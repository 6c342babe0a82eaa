/* Processes as clients of DRM devices: each counted once, whatever they open, close, share and inherit. */
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

#include "tests/support_gpu_linux.h"

#define KIB INT64_C(1024)

static void each_client_is_counted_once(void **state)
{
    (void)state;
    struct gpu_rig rig = { 0 };

    gpu_rig_open(&rig, "tests/fixtures/gpu-amd");
    gpu_rig_be(&rig, 1, 1201, 5000);
    gpu_rig_be(&rig, 2, 1202, 6000);
    gpu_rig_be(&rig, 3, 1203, 6100);
    gpu_rig_be(&rig, 4, 1204, 7000);
    gpu_rig_tick(&rig);
    assert_int_equal(gpu_rig_value(&rig, 1, GPU_PROCESS_GPU_NS_TOTAL), 8000000000);
    assert_int_equal(gpu_rig_value(&rig, 1, GPU_PROCESS_MEMORY_BYTES), 204800 * KIB);
    /* Two openings, one of them duplicated and inherited. */
    assert_int_equal(gpu_rig_value(&rig, 2, GPU_PROCESS_GPU_NS_TOTAL), 3003000000);
    assert_int_equal(gpu_rig_value(&rig, 2, GPU_PROCESS_MEMORY_BYTES), (1048576 + 512) * KIB);
    assert_int_equal(gpu_rig_value(&rig, 3, GPU_PROCESS_GPU_NS_TOTAL), 0);
    assert_int_equal(gpu_rig_value(&rig, 3, GPU_PROCESS_MEMORY_BYTES), 0);
    assert_null(gpu_rig_row(&rig, 4)); /* has no GPU open */
    assert_int_equal(gpu_rig_missing(&rig, 1, GPU_PROCESS_UTILIZATION_PPM), MISSING_UNSUPPORTED);
    assert_int_equal(gpu_rig_row(&rig, 1)->flags, ROW_FIRST);
    gpu_rig_tick(&rig);
    assert_int_equal(gpu_rig_value(&rig, 2, GPU_PROCESS_GPU_NS_TOTAL), 3003000000);
    assert_int_equal(gpu_rig_row(&rig, 1)->flags, 0);
    test_collector_close(&rig.t);
}

static void times_of_processes_sum_to_the_gpus(void **state)
{
    (void)state;
    struct gpu_rig rig;
    int64_t first, second, busy;

    gpu_rig_start(&rig);
    gpu_rig_put_client(&rig, 20, 4, 2, 700000000);
    gpu_rig_be(&rig, 2, 20, 200);
    gpu_rig_tick(&rig); /* it is given a second */
    assert_null(gpu_rig_row(&rig, 2));
    gpu_rig_tick(&rig);
    first = gpu_rig_value(&rig, 1, GPU_PROCESS_GPU_NS_TOTAL);
    busy = gpu_rig_busy_ns(&rig, 0);
    /* It came in view: all of its time is new, for it and for the GPU. */
    assert_int_equal(gpu_rig_row(&rig, 2)->flags, ROW_FIRST | ROW_BORN);
    assert_int_equal(gpu_rig_row(&rig, 2)->start_ns, rig.t.tick.start_ns - 2000000000);
    assert_int_equal(gpu_rig_value(&rig, 2, GPU_PROCESS_GPU_NS_TOTAL), 700000000);
    assert_int_equal(busy, 700000000); /* what was before us is not in it */
    gpu_rig_put_client(&rig, 10, 3, 1, 5250000000);
    gpu_rig_put_client(&rig, 20, 4, 2, 1450000000);
    gpu_rig_tick(&rig);
    assert_int_equal(gpu_rig_row(&rig, 2)->flags, 0);
    first = gpu_rig_value(&rig, 1, GPU_PROCESS_GPU_NS_TOTAL) - first;
    second = gpu_rig_value(&rig, 2, GPU_PROCESS_GPU_NS_TOTAL) - 700000000;
    assert_int_equal(first, 250000000);
    assert_int_equal(second, 750000000);
    assert_int_equal(gpu_rig_busy_ns(&rig, 0) - busy, first + second);
    gpu_rig_end(&rig);
}

static void a_lower_number_of_a_driver_is_held_until_it_catches_up(void **state)
{
    (void)state;
    struct gpu_rig rig;

    gpu_rig_start(&rig);
    gpu_rig_put_client(&rig, 10, 3, 1, 4000000000);
    gpu_rig_tick(&rig);
    assert_int_equal(gpu_rig_value(&rig, 1, GPU_PROCESS_GPU_NS_TOTAL), 5000000000);
    gpu_rig_put_client(&rig, 10, 3, 1, 5100000000);
    gpu_rig_tick(&rig);
    assert_int_equal(gpu_rig_value(&rig, 1, GPU_PROCESS_GPU_NS_TOTAL), 5100000000);
    gpu_rig_end(&rig);
}

static void a_closed_client_leaves_its_time(void **state)
{
    (void)state;
    struct gpu_rig rig;

    gpu_rig_start(&rig);
    gpu_rig_put_client(&rig, 10, 7, 2, 1000);
    /* A holder is looked at every four readings, and here the directory's size never tells a change. */
    for (int i = 0; i < 20; i++)
        gpu_rig_tick(&rig);
    assert_int_equal(gpu_rig_value(&rig, 1, GPU_PROCESS_GPU_NS_TOTAL), 5000001000);
    gpu_rig_remove_fd(&rig, 10, 3);
    gpu_rig_tick(&rig);
    assert_int_equal(gpu_rig_value(&rig, 1, GPU_PROCESS_GPU_NS_TOTAL), 5000001000);
    assert_int_equal(gpu_rig_busy_ns(&rig, 0), 1000);
    gpu_rig_remove_fd(&rig, 10, 7);
    gpu_rig_tick(&rig);
    assert_null(gpu_rig_row(&rig, 1));
    assert_int_equal(gpu_rig_busy_ns(&rig, 0), 1000);
    gpu_rig_end(&rig);
}

static void an_inherited_client_goes_on_with_the_child(void **state)
{
    (void)state;
    struct gpu_rig rig;

    gpu_rig_start(&rig);
    gpu_rig_put_client(&rig, 20, 3, 1, 5000000000);
    gpu_rig_be(&rig, 2, 20, 200);
    gpu_rig_tick(&rig);
    gpu_rig_tick(&rig);
    assert_int_equal(gpu_rig_value(&rig, 2, GPU_PROCESS_GPU_NS_TOTAL), 0);
    gpu_rig_be(&rig, 1, 0, 0); /* the parent ends */
    gpu_rig_remove_fd(&rig, 10, 3);
    gpu_rig_put_client(&rig, 20, 3, 1, 5300000000);
    gpu_rig_tick(&rig);
    assert_null(gpu_rig_row(&rig, 1));
    assert_int_equal(gpu_rig_value(&rig, 2, GPU_PROCESS_GPU_NS_TOTAL), 300000000);
    assert_int_equal(gpu_rig_busy_ns(&rig, 0), 300000000);
    gpu_rig_end(&rig);
}

/* It is found only when the parent has closed it and it is forgotten: not all of its time is new. */
static void an_inherited_client_found_late_begins_where_it_is(void **state)
{
    (void)state;
    struct gpu_rig rig;

    gpu_rig_start(&rig);
    gpu_rig_put_client(&rig, 20, 3, 1, 5000000000);
    gpu_rig_be(&rig, 2, 20, 200);
    gpu_rig_be(&rig, 1, 0, 0);
    gpu_rig_remove_fd(&rig, 10, 3);
    gpu_rig_tick(&rig);
    gpu_rig_tick(&rig);
    assert_int_equal(gpu_rig_value(&rig, 2, GPU_PROCESS_GPU_NS_TOTAL), 0);
    assert_int_equal(gpu_rig_busy_ns(&rig, 0), 0);
    gpu_rig_put_client(&rig, 20, 3, 1, 5300000000);
    gpu_rig_tick(&rig);
    assert_int_equal(gpu_rig_value(&rig, 2, GPU_PROCESS_GPU_NS_TOTAL), 300000000);
    assert_int_equal(gpu_rig_busy_ns(&rig, 0), 300000000);
    gpu_rig_end(&rig);
}

/* The parent of client 1, which is older than client 2, may not be looked into: it comes by a socket. */
static void an_old_client_that_is_passed_on_begins_where_it_is(void **state)
{
    (void)state;
    struct gpu_rig rig;
    int64_t before;

    gpu_rig_start(&rig);
    gpu_rig_put_client(&rig, 10, 3, 2, 1000000000);
    for (int i = 0; i < 6; i++)
        gpu_rig_tick(&rig);
    before = gpu_rig_value(&rig, 1, GPU_PROCESS_GPU_NS_TOTAL);
    gpu_rig_put_client(&rig, 10, 8, 1, 90000000000);
    for (int i = 0; i < 20; i++)
        gpu_rig_tick(&rig);
    assert_int_equal(gpu_rig_value(&rig, 1, GPU_PROCESS_GPU_NS_TOTAL), before);
    gpu_rig_put_client(&rig, 10, 8, 1, 90000500000);
    gpu_rig_tick(&rig);
    assert_int_equal(gpu_rig_value(&rig, 1, GPU_PROCESS_GPU_NS_TOTAL), before + 500000);
    gpu_rig_end(&rig);
}

static void a_pid_that_is_another_process_now_is_another_series(void **state)
{
    (void)state;
    struct gpu_rig rig;

    gpu_rig_start(&rig);
    gpu_rig_be(&rig, 1, 10, 999);
    gpu_rig_put_client(&rig, 10, 3, 9, 40000000);
    gpu_rig_tick(&rig);
    gpu_rig_tick(&rig);
    assert_int_equal(gpu_rig_value(&rig, 1, GPU_PROCESS_GPU_NS_TOTAL), 40000000);
    assert_int_equal(gpu_rig_row(&rig, 1)->flags, ROW_FIRST | ROW_BORN);
    assert_int_not_equal(gpu_rig_row(&rig, 1)->slot,
                         0); /* the slot of the one before is not free yet */
    gpu_rig_end(&rig);
}

static void cycles_are_their_share_of_the_time(void **state)
{
    (void)state;
    struct gpu_rig rig;
    const char *path = "/proc/10/fdinfo/3";
    const char *head = "drm-driver:\txe\ndrm-client-id:\t1\ndrm-pdev:\t0000:03:00.0\n";
    char text[256];

    gpu_rig_start(&rig);
    for (int i = 0; i < 3; i++) {
        (void)snprintf(text, sizeof text,
                       "%sdrm-cycles-rcs:\t%d\ndrm-total-cycles-rcs:\t%d\n"
                       "drm-cycles-bcs:\t%d\ndrm-total-cycles-bcs:\t%d\n",
                       head, 1000 + 250 * i, 7000 + 1000 * i, 10 * i, 7000 + 1000 * i);
        test_root_write(&rig.root, path, text);
        gpu_rig_tick(&rig);
    }
    /* Two seconds: a quarter of them, and a hundredth. */
    assert_int_equal(gpu_rig_value(&rig, 1, GPU_PROCESS_GPU_NS_TOTAL), 5000000000 + 520000000);
    gpu_rig_end(&rig);
}

static void what_may_not_be_seen_makes_the_sum_unknown(void **state)
{
    (void)state;
    struct gpu_rig rig;
    char path[128];

    if (geteuid() != 0) {
        print_message("SKIP: only root can become somebody who may not look\n");
        skip();
    }
    gpu_rig_start(&rig);
    assert_int_equal(chmod(rig.root.path, 0755), 0);
    gpu_rig_put_client(&rig, 20, 3, 2, 1000);
    (void)snprintf(path, sizeof path, "%s/proc/20/fd", rig.root.path);
    assert_int_equal(chmod(path, 0700), 0);
    gpu_rig_be(&rig, 2, 20, 200);
    gpu_rig_tick(&rig);
    assert_int_equal(seteuid(65534), 0);
    for (int i = 0; i < 8; i++) { /* also while it is not looked at */
        gpu_rig_tick(&rig);
        assert_null(gpu_rig_row(&rig, 2));
        assert_int_equal(gpu_rig_value(&rig, 1, GPU_PROCESS_GPU_NS_TOTAL), 5000000000);
        assert_int_equal(test_missing(&rig.t, 0, GPU_BUSY_NS_TOTAL), MISSING_NOT_PERMITTED);
    }
    gpu_rig_be(&rig, 2, 0, 0);
    gpu_rig_tick(&rig);
    assert_int_equal(test_missing(&rig.t, 0, GPU_BUSY_NS_TOTAL), MISSING_NONE);
    assert_int_equal(seteuid(0), 0);
    gpu_rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_client_is_counted_once),
        cmocka_unit_test(times_of_processes_sum_to_the_gpus),
        cmocka_unit_test(a_lower_number_of_a_driver_is_held_until_it_catches_up),
        cmocka_unit_test(a_closed_client_leaves_its_time),
        cmocka_unit_test(an_inherited_client_goes_on_with_the_child),
        cmocka_unit_test(an_inherited_client_found_late_begins_where_it_is),
        cmocka_unit_test(an_old_client_that_is_passed_on_begins_where_it_is),
        cmocka_unit_test(a_pid_that_is_another_process_now_is_another_series),
        cmocka_unit_test(cycles_are_their_share_of_the_time),
        cmocka_unit_test(what_may_not_be_seen_makes_the_sum_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
