/* Threads as the kernel's iterator hands them out, summed to processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "recorder/collectors/bpf_stream_linux.h"

/* What the iterator writes. */
struct written {
    uint8_t bytes[4096];
    size_t size;
};

static void put_process(struct written *w, int32_t pid, uint64_t exec_ns, uint64_t left_ns)
{
    struct walk_record record = {
        .pid = pid, .exec_ns = exec_ns, .left_ns = left_ns, .threads = 1, .minor_faults = 1
    };

    memcpy(w->bytes + w->size, &record, sizeof record);
    w->size += sizeof record;
}

static void put_thread(struct written *w, int32_t pid, uint64_t exec_ns, uint64_t left_ns)
{
    struct walk_thread thread = {
        .pid = -pid, .exec_ns = exec_ns, .left_ns = left_ns, .minor_faults = 10
    };

    memcpy(w->bytes + w->size, &thread, sizeof thread);
    w->size += sizeof thread;
}

static void run(struct bpf_stream *stream, const struct written *w)
{
    bpf_stream_begin(stream);
    assert_int_equal(bpf_stream_take(stream, w->bytes, w->size), w->size);
    bpf_stream_end(stream);
}

static void threads_before_and_behind_their_process_are_summed(void **state)
{
    struct bpf_stream stream = { 0 };
    struct written w = { 0 };
    (void)state;

    put_thread(&w, 20, 5, 0); /* 20 is not listed yet */
    put_process(&w, 10, 100, 0);
    put_thread(&w, 10, 7, 0);
    put_process(&w, 20, 200, 0);
    put_thread(&w, 20, 6, 0);
    put_thread(&w, 30, 8, 0); /* whose process nobody hands out */
    for (int times = 0; times < 2; times++) {
        run(&stream, &w);
        assert_int_equal(stream.count, 2);
        assert_int_equal(stream.list[0].pid, 10);
        assert_int_equal(stream.list[0].exec_ns, 107);
        assert_int_equal(stream.list[0].minor_faults, 11);
        assert_int_equal(stream.list[1].pid, 20);
        assert_int_equal(stream.list[1].exec_ns, 211);
        assert_int_equal(stream.list[1].minor_faults, 21);
    }
    bpf_stream_release(&stream);
}

static void a_thread_that_left_before_its_process_came_counts_once(void **state)
{
    struct bpf_stream stream = { 0 };
    struct written w = { 0 };
    (void)state;

    put_thread(&w, 20, 500, 1000);   /* this one leaves, having used 510 */
    put_thread(&w, 20, 90000, 1000); /* this one can not have: too little came from who left */
    put_process(&w, 20, 2000 + 510, 1510); /* 1000 of its own */
    run(&stream, &w);
    assert_int_equal(stream.list[0].exec_ns, 2510 + 90000);
    bpf_stream_release(&stream);
}

static void what_is_cut_waits_for_its_rest(void **state)
{
    struct bpf_stream stream = { 0 };
    struct written w = { 0 };
    size_t whole;
    (void)state;

    put_thread(&w, 10, 5, 0);
    put_process(&w, 10, 100, 0);
    whole = w.size;
    put_process(&w, 11, 100, 0);
    bpf_stream_begin(&stream);
    for (size_t size = whole; size < w.size; size++) {
        bpf_stream_begin(&stream);
        assert_int_equal(bpf_stream_take(&stream, w.bytes, size), whole);
        assert_int_equal(stream.count, 1);
    }
    assert_int_equal(bpf_stream_take(&stream, w.bytes + whole, w.size - whole), w.size - whole);
    bpf_stream_end(&stream);
    assert_int_equal(stream.count, 2);
    assert_int_equal(stream.list[0].exec_ns, 105);
    bpf_stream_release(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_before_and_behind_their_process_are_summed),
        cmocka_unit_test(a_thread_that_left_before_its_process_came_counts_once),
        cmocka_unit_test(what_is_cut_waits_for_its_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
