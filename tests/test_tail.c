/* Ticks to tail records and back: a tail replayed is the open block as it was, byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "schema/open_block.h"
#include "support_chunks.h"
#include "support_ticks.h"

static int by_id(const void *a, const void *b)
{
    const struct process *x = *(const struct process *const *)a;
    const struct process *y = *(const struct process *const *)b;

    return x->process_id < y->process_id ? -1 : x->process_id > y->process_id;
}

/* Everything known of the processes without a row, as lifetimes. */
static void encode_processes(struct open_block *block, struct chunks *chunks)
{
    const struct process **list = calloc(block->process_count + 1, sizeof *list);
    struct lifetime_columns lives = { 0 };
    struct compressor c = { 0 };
    struct lifetime_chunks out = { .compressor = &c, .sink = chunks_put, .sink_context = chunks };
    struct build_shape shape;
    struct error err = { 0 };
    size_t count = 0;

    build_shape_of_table(&shape, TABLE_PROCESS, 1);
    for (size_t i = 0; i < block->process_count; i++)
        if (!block->process[i].stored)
            list[count++] = &block->process[i].process;
    qsort(list, count, sizeof *list, by_id);
    assert_int_equal(lifetime_columns_begin(&lives, list, count, &block->ticks, &shape, &err),
                     STATUS_OK);
    assert_int_equal(lifetimes_encode(&out, block->block_seq, &lives, &err), STATUS_OK);
    compressor_release(&c);
    lifetime_columns_release(&lives);
    free(list);
}

static void forget_references(struct open_block *block)
{
    for (size_t t = 0; t < TABLE_COUNT; t++)
        for (size_t i = 0; i < block->build[t].series_count; i++)
            block->build[t].series[i].referenced = false;
}

static void expect_same(struct open_block *live, struct open_block *again)
{
    struct chunks a = { 0 }, b = { 0 };
    struct error err = { 0 };

    assert_true(live->session_id == again->session_id && live->block_seq == again->block_seq);
    assert_true(live->first_tick == again->first_tick && live->previous_ns == again->previous_ns);
    assert_int_equal(live->ticks.count, again->ticks.count);
    assert_memory_equal(live->ticks.start_ns, again->ticks.start_ns,
                        live->ticks.count * sizeof *live->ticks.start_ns);
    assert_memory_equal(live->ticks.sweep_ns, again->ticks.sweep_ns,
                        live->ticks.count * sizeof *live->ticks.sweep_ns);
    assert_memory_equal(live->ticks.gap, again->ticks.gap, live->ticks.count);
    forget_references(live); /* a replay knows of no block before */
    forget_references(again);
    assert_int_equal(host_encode(live, &a, &err), STATUS_OK);
    assert_int_equal(host_encode(again, &b, &err), STATUS_OK);
    encode_processes(live, &a);
    encode_processes(again, &b);
    assert_int_equal(a.count, b.count);
    for (size_t i = 0; i < a.count; i++) {
        assert_int_equal(a.chunk[i].place.column_id, b.chunk[i].place.column_id);
        assert_int_equal(a.chunk[i].size, b.chunk[i].size);
        assert_memory_equal(a.chunk[i].data, b.chunk[i].data, a.chunk[i].size);
    }
    chunks_release(&a);
    chunks_release(&b);
}

static void expect_replay(struct open_block *live, const struct stored_tail *tail)
{
    struct open_block again;
    struct error err = { 0 };

    assert_int_equal(stored_tail_replay(&again, tail, &err), STATUS_OK);
    expect_same(live, &again);
    open_block_release(&again);
}

static void a_replayed_tail_is_the_open_block(void **state)
{
    struct host *h = malloc(sizeof *h);
    (void)state;

    for (uint32_t seed = 1; seed <= 6; seed++) {
        struct open_block block;
        struct stored_tail tail = { .count = 0 };
        uint32_t number = 0;

        host_begin(h, &block, seed);
        for (int round = 0; round < 4; round++) {
            stored_tail_base(&tail, &block);
            for (int t = 0; t < 20; t++) {
                host_tick(h, number++);
                stored_tail_tick(&tail, &block, h);
                if (t < 3 || t == 19)
                    expect_replay(&block, &tail);
            }
            host_seal(&block);
        }
        stored_tail_release(&tail);
        tick_release(&h->tick);
        open_block_release(&block);
    }
    free(h);
}

/* Recording may go on from a replayed block too: what follows is the same. */
static void a_replayed_block_goes_on_like_the_live_one(void **state)
{
    struct host *h = malloc(sizeof *h);
    struct open_block block, again;
    struct stored_tail tail = { .count = 0 }, first = { .count = 0 }, second = { .count = 0 };
    struct error err = { 0 };
    uint32_t number = 0;
    (void)state;

    host_begin(h, &block, 9);
    stored_tail_base(&tail, &block);
    for (int t = 0; t < 15; t++) {
        host_tick(h, number++);
        stored_tail_tick(&tail, &block, h);
    }
    assert_int_equal(stored_tail_replay(&again, &tail, &err), STATUS_OK);
    host_seal(&block);
    host_seal(&again);
    stored_tail_base(&first, &block);
    stored_tail_base(&second, &again);
    assert_int_equal(first.data[0].used, second.data[0].used);
    assert_memory_equal(first.data[0].data, second.data[0].data, first.data[0].used);
    stored_tail_release(&first);
    stored_tail_release(&second);
    stored_tail_release(&tail);
    tick_release(&h->tick);
    open_block_release(&block);
    open_block_release(&again);
    free(h);
}

/* --- the rules of tick.h --- */

static void broken_rules_are_invalid(void **state)
{
    struct host *h = malloc(sizeof *h);
    struct byte_writer record = { 0 };
    struct open_block block;
    struct error err = { 0 };
    int64_t *values;
    uint8_t *missing;
    (void)state;

    host_begin(h, &block, 1);
    h->tick.start_ns = h->tick.end_ns = 1000;
    tick_sampled(&h->tick, TABLE_PROCESS);
    (void)tick_row_values(&h->tick, TABLE_PROCESS, 0, ROW_FIRST, &values, &missing);
    assert_int_equal(tail_put_tick(&block, &h->tick, host_key, h, &record, &err), STATUS_INVALID);
    tick_reset(&h->tick);
    h->tick.start_ns = h->tick.end_ns = 2000;
    tick_sampled(&h->tick, TABLE_CPU);
    h->entity_id[ENTITY_CORE][0] = 1;
    tick_row_same(&h->tick, TABLE_CPU, 0);
    assert_int_equal(tail_put_tick(&block, &h->tick, host_key, h, &record, &err), STATUS_INVALID);
    tick_reset(&h->tick);
    h->tick.start_ns = h->tick.end_ns = 1500;
    assert_int_equal(tail_put_tick(&block, &h->tick, host_key, h, &record, &err), STATUS_INVALID);
    bytes_release(&record);
    tick_release(&h->tick);
    open_block_release(&block);
    free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_replayed_tail_is_the_open_block),
        cmocka_unit_test(a_replayed_block_goes_on_like_the_live_one),
        cmocka_unit_test(broken_rules_are_invalid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
