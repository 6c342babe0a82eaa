/* What damage to a tail comes to, with right checksums and with wrong ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "schema/open_block.h"
#include "support_chunks.h"
#include "support_ticks.h"

static void make_tail(struct host *h, struct open_block *block, struct stored_tail *tail)
{
    uint32_t number = 0;

    host_begin(h, block, 4);
    for (int round = 0; round < 2; round++) {
        stored_tail_base(tail, block);
        for (int t = 0; t < 6; t++) {
            host_tick(h, number++);
            stored_tail_tick(tail, block, h);
        }
        if (round == 0)
            host_seal(block);
    }
}

static void a_lost_or_moved_record_is_corrupt(void **state)
{
    struct host *h = malloc(sizeof *h);
    struct open_block block, again;
    struct stored_tail tail = { .count = 0 };
    struct error err = { 0 };
    (void)state;

    make_tail(h, &block, &tail);
    for (size_t lost = 0; lost + 1 < tail.count; lost++) {
        struct stored_tail rest = { .count = 0 };

        for (size_t i = 0; i < tail.count; i++)
            if (i != lost) {
                rest.id[rest.count] = tail.id[i];
                rest.data[rest.count++] = tail.data[i];
            }
        assert_int_equal(stored_tail_replay(&again, &rest, &err), STATUS_CORRUPT);
        open_block_release(&again);
    }
    tail.id[2]++;
    assert_int_equal(stored_tail_replay(&again, &tail, &err), STATUS_CORRUPT);
    open_block_release(&again);
    stored_tail_release(&tail);
    tick_release(&h->tick);
    open_block_release(&block);
    free(h);
}

static void every_damaged_byte_is_corrupt(void **state)
{
    struct host *h = malloc(sizeof *h);
    struct open_block block, again;
    struct stored_tail tail = { .count = 0 };
    struct error err = { 0 };
    (void)state;

    make_tail(h, &block, &tail);
    for (int i = 0; i < 400; i++) {
        struct byte_writer *data = &tail.data[host_random(h, (uint32_t)tail.count)];
        size_t at = host_random(h, (uint32_t)data->used);
        size_t whole = data->used;

        data->data[at] ^= (uint8_t)(1 + host_random(h, 255));
        assert_int_equal(stored_tail_replay(&again, &tail, &err), STATUS_CORRUPT);
        open_block_release(&again);
        stored_tail_release(&tail);
        tick_release(&h->tick);
        open_block_release(&block);
        make_tail(h, &block, &tail);
        h->random += (uint32_t)i * 7919 + 1;
        data = &tail.data[host_random(h, (uint32_t)tail.count)];
        whole = data->used;
        data->used = host_random(h, (uint32_t)whole);
        assert_int_equal(stored_tail_replay(&again, &tail, &err), STATUS_CORRUPT);
        open_block_release(&again);
        data->used = whole;
    }
    stored_tail_release(&tail);
    tick_release(&h->tick);
    open_block_release(&block);
    free(h);
}

/* The records themselves, out of their frames. */
static size_t unpack(const struct stored_tail *tail, struct byte_writer records[])
{
    struct decompressor d = { 0 };
    struct error err = { 0 };
    uint32_t crc = 0;

    for (size_t i = 0; i < tail->count; i++) {
        struct byte_reader r;

        assert_int_equal(
            tail_unseal(&d, tail->id[i], &crc, tail->data[i].data, tail->data[i].used, &r, &err),
            STATUS_OK);
        bytes_put(&records[i], r.data, r.size);
    }
    decompressor_release(&d);
    return tail->count;
}

static enum status get_records(struct open_block *block, const struct byte_writer records[],
                               size_t count, size_t cut_at, size_t cut)
{
    struct error err = { 0 };
    enum status st = open_block_init(block, &err);

    for (size_t i = 0; i < count && st == STATUS_OK; i++) {
        struct byte_reader r = { .data = records[i].data,
                                 .size = i == cut_at ? cut : records[i].used };

        st = tail_get(block, &r, &err);
    }
    return st;
}

static void every_truncated_record_is_corrupt(void **state)
{
    struct host *h = malloc(sizeof *h);
    struct byte_writer records[RECORDS_MAX] = { { 0 } };
    struct open_block block, again;
    struct stored_tail tail = { .count = 0 };
    size_t count;
    (void)state;

    make_tail(h, &block, &tail);
    count = unpack(&tail, records);
    for (size_t i = 0; i < 2; i++)
        for (size_t cut = 0; cut < records[i].used; cut++) {
            assert_int_equal(get_records(&again, records, i + 1, i, cut), STATUS_CORRUPT);
            open_block_release(&again);
        }
    for (size_t i = 0; i < count; i++)
        bytes_release(&records[i]);
    stored_tail_release(&tail);
    tick_release(&h->tick);
    open_block_release(&block);
    free(h);
}

/* Whoever writes a record with right checksums may write anything: an error, or odd samples. */
static void hostile_records_do_not_crash(void **state)
{
    struct host *h = malloc(sizeof *h);
    struct byte_writer records[RECORDS_MAX] = { { 0 } };
    struct open_block block, again;
    struct stored_tail tail = { .count = 0 };
    size_t count;
    int taken = 0;
    (void)state;

    make_tail(h, &block, &tail);
    count = unpack(&tail, records);
    for (int i = 0; i < 2500; i++) {
        struct byte_writer *record = &records[host_random(h, (uint32_t)count)];
        size_t at = host_random(h, (uint32_t)record->used);
        uint8_t kept = record->data[at];

        record->data[at] = (uint8_t)(host_random(h, 2) == 0 ? kept ^ 1u << host_random(h, 8)
                                                            : host_random(h, 256));
        if (get_records(&again, records, count, SIZE_MAX, 0) == STATUS_OK) {
            struct chunks chunks = { 0 };
            struct error err = { 0 };

            (void)!host_encode(&again, &chunks, &err);
            chunks_release(&chunks);
            taken++;
        }
        record->data[at] = kept;
        open_block_release(&again);
    }
    assert_true(taken > 0);
    for (size_t i = 0; i < count; i++)
        bytes_release(&records[i]);
    stored_tail_release(&tail);
    tick_release(&h->tick);
    open_block_release(&block);
    free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lost_or_moved_record_is_corrupt),
        cmocka_unit_test(every_damaged_byte_is_corrupt),
        cmocka_unit_test(every_truncated_record_is_corrupt),
        cmocka_unit_test(hostile_records_do_not_crash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
