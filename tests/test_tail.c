/* Ticks to tail records and back: a tail replayed is the open block as it was, byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "schema/open_block.h"
#include "support_chunks.h"

enum { SLOTS = 60, RECORDS_MAX = 100 };

/* --- a host that changes at random --- */

struct slot {
    bool used, began; /* began: it has had its first row */
    int64_t process_id;
    int64_t value[PROCESS_METRIC_COUNT];
    uint8_t missing[PROCESS_METRIC_COUNT];
};

struct host {
    uint32_t random;
    struct slot slot[SLOTS];
    int64_t next_process_id, next_entity_id;
    int64_t entity_id[ENTITY_KIND_COUNT][8];
    struct tick tick;
    int64_t now_ns;
};

static uint32_t below(struct host *h, uint32_t limit)
{
    h->random ^= h->random << 13;
    h->random ^= h->random >> 17;
    h->random ^= h->random << 5;
    return h->random % limit;
}

static int64_t key_of(void *context, enum entity_kind kind, uint32_t slot)
{
    const struct host *h = context;

    return kind == ENTITY_PROCESS ? h->slot[slot].process_id : h->entity_id[kind][slot];
}

static struct tick_text text(struct host *h, const char *form, uint32_t number)
{
    char buffer[64];
    int size = snprintf(buffer, sizeof buffer, form, number);

    return tick_add_text(&h->tick, buffer, (size_t)size);
}

static void name(struct host *h, uint32_t slot, bool all)
{
    struct tick_version *v = tick_add_version(&h->tick);

    v->slot = slot;
    v->from_ns = h->tick.start_ns - (below(h, 3) == 0 ? 0 : below(h, 900000000));
    v->known = all ? (VERSION_UID << 1) - 1 : below(h, VERSION_UID << 1);
    v->uid = below(h, 2000);
    v->text[PROCESS_COMM] = text(h, "comm%u", below(h, 9));
    v->text[PROCESS_EXE] = text(h, "/usr/bin/%u", below(h, 9));
    v->text[PROCESS_CMDLINE] = text(h, "prog --number %u", below(h, 1000));
    v->text[PROCESS_CWD] = text(h, below(h, 2) == 0 ? "" : "/home/%u", below(h, 5));
    v->text[PROCESS_CGROUP] = text(h, "/system.slice/%u", below(h, 5));
    v->text[PROCESS_CONTAINER] = text(h, "%u", below(h, 3));
    v->text[PROCESS_USER] = text(h, "user%u", below(h, 3));
    v->cmdline_length = v->text[PROCESS_CMDLINE].size + below(h, 2) * 5000;
    v->cmdline_hash = (uint64_t)below(h, UINT32_MAX) << 32;
}

static void change(struct host *h, struct slot *s)
{
    for (unsigned c = 0; c < PROCESS_METRIC_COUNT; c++) {
        if (below(h, 4) == 0)
            s->value[c] += (int64_t)below(h, 100000) - (below(h, 9) == 0 ? 300000 : 0);
        if (below(h, 60) == 0)
            s->missing[c] = (uint8_t)(s->missing[c] == MISSING_NONE ? 1 + below(h, 4) : 0);
        if (below(h, 400) == 0)
            s->value[c] = below(h, 2) == 0 ? INT64_MIN : INT64_MAX;
    }
}

static struct tick_row *put_row(struct host *h, uint32_t slot, uint8_t flags)
{
    int64_t *values;
    uint8_t *missing;
    struct tick_row *row =
        tick_row_values(&h->tick, TABLE_PROCESS, slot, flags, &values, &missing);

    memcpy(values, h->slot[slot].value, sizeof h->slot[slot].value);
    memcpy(missing, h->slot[slot].missing, sizeof h->slot[slot].missing);
    return row;
}

static void end(struct host *h, uint32_t slot, uint8_t how)
{
    struct tick_exit *e = tick_add_exit(&h->tick);

    e->slot = slot;
    e->how = how;
    e->code = how == EXIT_UNKNOWN ? -1 : (int32_t)below(h, 256) << 8;
    e->end_ns = h->tick.start_ns - below(h, 1000000000);
}

static void give_birth(struct host *h, uint32_t slot)
{
    struct slot *s = &h->slot[slot];
    struct tick_birth *b = tick_add_birth(&h->tick);
    bool born = below(h, 3) != 0, over = below(h, 8) == 0;
    struct tick_row *row;

    *s = (struct slot){ .used = true, .process_id = h->next_process_id++ };
    b->slot = slot;
    b->pid = (int32_t)below(h, 4000000);
    b->ppid = (int32_t)below(h, 1000);
    b->start_ns = h->tick.start_ns - below(h, 1000000000);
    b->start_ticks = below(h, UINT32_MAX);
    b->flags = below(h, 4);
    change(h, s);
    name(h, slot, below(h, 5) != 0);
    if (below(h, 20) == 0) { /* reported by the kernel alone: no row at all */
        s->used = false;
        end(h, slot, EXIT_REPORTED);
        return;
    }
    row = put_row(h, slot, (uint8_t)(ROW_FIRST | (born ? ROW_BORN : 0) | (over ? ROW_LAST : 0)));
    row->start_ns = b->start_ns;
    row->end_ns = h->tick.start_ns - below(h, 100000000);
    if (over) {
        s->used = false;
        end(h, slot, EXIT_REPORTED);
    }
}

static void live_on(struct host *h, uint32_t slot)
{
    struct slot *s = &h->slot[slot];
    uint32_t fate = below(h, 60);

    if (fate == 0) { /* gone without notice */
        s->used = false;
        if (below(h, 3) == 0)
            give_birth(h, slot); /* and its slot is taken at once */
        else
            end(h, slot, EXIT_UNKNOWN);
        return;
    }
    if (fate == 1) {
        change(h, s);
        put_row(h, slot, ROW_LAST)->end_ns = h->tick.start_ns - below(h, 900000000);
        end(h, slot, EXIT_REPORTED);
        s->used = false;
        return;
    }
    if (fate == 2)
        name(h, slot, false);
    if (below(h, 2) == 0) {
        tick_row_same(&h->tick, TABLE_PROCESS, slot);
        return;
    }
    change(h, s);
    (void)put_row(h, slot, 0);
}

/* Two cores, one of which comes and goes; the host's memory at every second tick. */
static void put_others(struct host *h, uint32_t number)
{
    int64_t *values;
    uint8_t *missing;

    for (uint32_t core = 0; core < (number % 11 < 7 ? 2 : 1); core++) {
        bool first = number == 0 || (core == 1 && number % 11 == 0);

        h->entity_id[ENTITY_CORE][core] = core + 1;
        tick_sampled(&h->tick, TABLE_CPU);
        (void)tick_row_values(&h->tick, TABLE_CPU, core, first ? ROW_FIRST : 0, &values, &missing);
        for (unsigned c = 0; c < CPU_METRIC_COUNT; c++) {
            values[c] = h->now_ns / 1000 / (core + c + 1);
            missing[c] = c == CPU_STEAL_NS_TOTAL ? MISSING_UNSUPPORTED : MISSING_NONE;
        }
    }
    if (number % 2 != 0)
        return;
    tick_sampled(&h->tick, TABLE_MEMORY);
    (void)tick_row_values(&h->tick, TABLE_MEMORY, 0, number == 0 ? ROW_FIRST : 0, &values,
                          &missing);
    values[0] = below(h, 100);
    missing[0] = MISSING_NONE;
}

static void next_tick(struct host *h, uint32_t number)
{
    struct tick *t = &h->tick;
    bool was_used[SLOTS];

    tick_reset(t);
    h->now_ns += 900000000 + below(h, 200000000);
    t->seq = number;
    t->start_ns = h->now_ns;
    t->end_ns = h->now_ns + below(h, 9000000);
    t->gap_before = below(h, 15) == 0;
    tick_sampled(t, TABLE_PROCESS);
    if (below(h, 3) == 0)
        t->table[TABLE_PROCESS].column_mask &= below(h, UINT32_MAX);
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        was_used[slot] = h->slot[slot].used;
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        if (was_used[slot])
            live_on(h, slot);
        else if (below(h, 6) == 0)
            give_birth(h, slot);
    }
    put_others(h, number);
    assert_false(t->no_memory);
}

/* --- live and replayed --- */

struct tail {
    int64_t id[RECORDS_MAX];
    struct byte_writer data[RECORDS_MAX];
    size_t count;
    uint32_t crc;
};

static void tail_release(struct tail *tail)
{
    for (size_t i = 0; i < tail->count; i++)
        bytes_release(&tail->data[i]);
    tail->count = 0;
    tail->crc = 0;
}

static void store(struct tail *tail, const struct open_block *block,
                  const struct byte_writer *record)
{
    struct compressor c = { 0 };
    struct error err = { 0 };

    tail->id[tail->count] = tail_id(block->block_seq, (int64_t)tail->count);
    tail->data[tail->count] = (struct byte_writer){ 0 };
    assert_int_equal(tail_seal(&c, tail->id[tail->count], &tail->crc, record,
                               &tail->data[tail->count], &err),
                     STATUS_OK);
    tail->count++;
    compressor_release(&c);
}

static void put_base(struct tail *tail, struct open_block *block)
{
    struct byte_writer record = { 0 };
    struct error err = { 0 };

    tail_release(tail);
    assert_int_equal(tail_put_base(block, &record, &err), STATUS_OK);
    store(tail, block, &record);
    bytes_release(&record);
}

static void put_tick(struct tail *tail, struct open_block *block, struct host *h)
{
    struct byte_writer record = { 0 };
    struct error err = { 0 };

    assert_int_equal(tail_put_tick(block, &h->tick, key_of, h, &record, &err), STATUS_OK);
    store(tail, block, &record);
    bytes_release(&record);
}

static enum status replay(struct open_block *block, const struct tail *tail, struct error *err)
{
    struct decompressor d = { 0 };
    uint32_t crc = 0;
    enum status st = open_block_init(block, err);

    for (size_t i = 0; i < tail->count && st == STATUS_OK; i++) {
        struct byte_reader record;

        st = tail_unseal(&d, tail->id[i], &crc, tail->data[i].data, tail->data[i].used, &record,
                         err);
        if (st == STATUS_OK)
            st = tail_get(block, &record, err);
    }
    decompressor_release(&d);
    return st;
}

static enum status encode(const struct open_block *block, struct chunks *chunks, struct error *err)
{
    struct block_encoder encoder = { .sink = chunks_put, .sink_context = chunks };
    enum status st = STATUS_OK;

    for (uint32_t t = 0; t < TABLE_COUNT && st == STATUS_OK; t++) {
        struct chunk_place place = { .table_id = t, .block_seq = block->block_seq };

        st = block_encode(&encoder, &block->build[t], &place, &block->ticks, err);
    }
    block_encoder_release(&encoder);
    return st;
}

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
    struct rollup_cell *cells = calloc(block->process_count * PROCESS_METRIC_COUNT + 1,
                                       sizeof *cells);
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
    assert_int_equal(lifetimes_encode(&out, block->block_seq, list, cells, count, &shape, &err),
                     STATUS_OK);
    compressor_release(&c);
    free(cells);
    free(list);
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
    assert_int_equal(encode(live, &a, &err), STATUS_OK);
    assert_int_equal(encode(again, &b, &err), STATUS_OK);
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

static void expect_replay(struct open_block *live, const struct tail *tail)
{
    struct open_block again;
    struct error err = { 0 };

    assert_int_equal(replay(&again, tail, &err), STATUS_OK);
    expect_same(live, &again);
    open_block_release(&again);
}

/* As sealing does: who goes on has a row from now on. */
static void seal(struct open_block *block)
{
    const struct build *build = &block->build[TABLE_PROCESS];
    struct error err = { 0 };

    for (size_t i = 0; i < block->process_count; i++)
        block->process[i].gone = true;
    for (size_t i = 0; i < build->series_count; i++)
        if (build->series[i].open) {
            struct open_process *p = open_block_process(block, build->series[i].series.key[0]);

            p->gone = false;
            p->stored = true;
        }
    assert_int_equal(open_block_restart(block, &err), STATUS_OK);
}

static void host_init(struct host *h, struct open_block *block, uint32_t seed)
{
    struct error err = { 0 };

    *h = (struct host){ .random = seed * 2654435761u | 1, .next_process_id = 1,
                        .now_ns = INT64_C(1700000000000000000) };
    tick_init(&h->tick);
    assert_int_equal(open_block_init(block, &err), STATUS_OK);
    block->session_id = 3;
    block->block_seq = 40;
}

static void a_replayed_tail_is_the_open_block(void **state)
{
    struct host *h = malloc(sizeof *h);
    (void)state;

    for (uint32_t seed = 1; seed <= 6; seed++) {
        struct open_block block;
        struct tail tail = { .count = 0 };
        uint32_t number = 0;

        host_init(h, &block, seed);
        for (int round = 0; round < 4; round++) {
            put_base(&tail, &block);
            for (int t = 0; t < 20; t++) {
                next_tick(h, number++);
                put_tick(&tail, &block, h);
                if (t < 3 || t == 19)
                    expect_replay(&block, &tail);
            }
            seal(&block);
        }
        tail_release(&tail);
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
    struct tail tail = { .count = 0 }, first = { .count = 0 }, second = { .count = 0 };
    struct error err = { 0 };
    uint32_t number = 0;
    (void)state;

    host_init(h, &block, 9);
    put_base(&tail, &block);
    for (int t = 0; t < 15; t++) {
        next_tick(h, number++);
        put_tick(&tail, &block, h);
    }
    assert_int_equal(replay(&again, &tail, &err), STATUS_OK);
    seal(&block);
    seal(&again);
    put_base(&first, &block);
    put_base(&second, &again);
    assert_int_equal(first.data[0].used, second.data[0].used);
    assert_memory_equal(first.data[0].data, second.data[0].data, first.data[0].used);
    tail_release(&first);
    tail_release(&second);
    tail_release(&tail);
    tick_release(&h->tick);
    open_block_release(&block);
    open_block_release(&again);
    free(h);
}

/* --- damage --- */

static void make_tail(struct host *h, struct open_block *block, struct tail *tail)
{
    uint32_t number = 0;

    host_init(h, block, 4);
    for (int round = 0; round < 2; round++) {
        put_base(tail, block);
        for (int t = 0; t < 6; t++) {
            next_tick(h, number++);
            put_tick(tail, block, h);
        }
        if (round == 0)
            seal(block);
    }
}

static void a_lost_or_moved_record_is_corrupt(void **state)
{
    struct host *h = malloc(sizeof *h);
    struct open_block block, again;
    struct tail tail = { .count = 0 };
    struct error err = { 0 };
    (void)state;

    make_tail(h, &block, &tail);
    for (size_t lost = 0; lost + 1 < tail.count; lost++) {
        struct tail rest = { .count = 0 };

        for (size_t i = 0; i < tail.count; i++)
            if (i != lost) {
                rest.id[rest.count] = tail.id[i];
                rest.data[rest.count++] = tail.data[i];
            }
        assert_int_equal(replay(&again, &rest, &err), STATUS_CORRUPT);
        open_block_release(&again);
    }
    tail.id[2]++;
    assert_int_equal(replay(&again, &tail, &err), STATUS_CORRUPT);
    open_block_release(&again);
    tail_release(&tail);
    tick_release(&h->tick);
    open_block_release(&block);
    free(h);
}

static void every_damaged_byte_is_corrupt(void **state)
{
    struct host *h = malloc(sizeof *h);
    struct open_block block, again;
    struct tail tail = { .count = 0 };
    struct error err = { 0 };
    (void)state;

    make_tail(h, &block, &tail);
    for (int i = 0; i < 400; i++) {
        struct byte_writer *data = &tail.data[below(h, (uint32_t)tail.count)];
        size_t at = below(h, (uint32_t)data->used);
        size_t whole = data->used;

        data->data[at] ^= (uint8_t)(1 + below(h, 255));
        assert_int_equal(replay(&again, &tail, &err), STATUS_CORRUPT);
        open_block_release(&again);
        tail_release(&tail);
        tick_release(&h->tick);
        open_block_release(&block);
        make_tail(h, &block, &tail);
        h->random += (uint32_t)i * 7919 + 1;
        data = &tail.data[below(h, (uint32_t)tail.count)];
        whole = data->used;
        data->used = below(h, (uint32_t)whole);
        assert_int_equal(replay(&again, &tail, &err), STATUS_CORRUPT);
        open_block_release(&again);
        data->used = whole;
    }
    tail_release(&tail);
    tick_release(&h->tick);
    open_block_release(&block);
    free(h);
}

/* The records themselves, out of their frames. */
static size_t unpack(const struct tail *tail, struct byte_writer records[])
{
    struct decompressor d = { 0 };
    struct error err = { 0 };
    uint32_t crc = 0;

    for (size_t i = 0; i < tail->count; i++) {
        struct byte_reader r;

        assert_int_equal(tail_unseal(&d, tail->id[i], &crc, tail->data[i].data, tail->data[i].used,
                                     &r, &err),
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
    struct tail tail = { .count = 0 };
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
    tail_release(&tail);
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
    struct tail tail = { .count = 0 };
    size_t count;
    int taken = 0;
    (void)state;

    make_tail(h, &block, &tail);
    count = unpack(&tail, records);
    for (int i = 0; i < 2500; i++) {
        struct byte_writer *record = &records[below(h, (uint32_t)count)];
        size_t at = below(h, (uint32_t)record->used);
        uint8_t kept = record->data[at];

        record->data[at] = (uint8_t)(below(h, 2) == 0 ? kept ^ 1 << below(h, 8) : below(h, 256));
        if (get_records(&again, records, count, SIZE_MAX, 0) == STATUS_OK) {
            struct chunks chunks = { 0 };
            struct error err = { 0 };

            (void)!encode(&again, &chunks, &err);
            chunks_release(&chunks);
            taken++;
        }
        record->data[at] = kept;
        open_block_release(&again);
    }
    assert_true(taken > 0);
    for (size_t i = 0; i < count; i++)
        bytes_release(&records[i]);
    tail_release(&tail);
    tick_release(&h->tick);
    open_block_release(&block);
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

    host_init(h, &block, 1);
    h->tick.start_ns = h->tick.end_ns = 1000;
    tick_sampled(&h->tick, TABLE_PROCESS);
    (void)tick_row_values(&h->tick, TABLE_PROCESS, 0, ROW_FIRST, &values, &missing);
    assert_int_equal(tail_put_tick(&block, &h->tick, key_of, h, &record, &err), STATUS_INVALID);
    tick_reset(&h->tick);
    h->tick.start_ns = h->tick.end_ns = 2000;
    tick_sampled(&h->tick, TABLE_CPU);
    h->entity_id[ENTITY_CORE][0] = 1;
    tick_row_same(&h->tick, TABLE_CPU, 0);
    assert_int_equal(tail_put_tick(&block, &h->tick, key_of, h, &record, &err), STATUS_INVALID);
    tick_reset(&h->tick);
    h->tick.start_ns = h->tick.end_ns = 1500;
    assert_int_equal(tail_put_tick(&block, &h->tick, key_of, h, &record, &err), STATUS_INVALID);
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
        cmocka_unit_test(a_lost_or_moved_record_is_corrupt),
        cmocka_unit_test(every_damaged_byte_is_corrupt),
        cmocka_unit_test(every_truncated_record_is_corrupt),
        cmocka_unit_test(hostile_records_do_not_crash),
        cmocka_unit_test(broken_rules_are_invalid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
