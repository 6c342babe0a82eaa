/* Births, exits, names, cores that come and go, and the records they make. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support_ticks.h"

uint32_t host_random(struct host *h, uint32_t limit)
{
    h->random ^= h->random << 13;
    h->random ^= h->random >> 17;
    h->random ^= h->random << 5;
    return h->random % limit;
}

int64_t host_key(void *context, enum entity_kind kind, uint32_t slot)
{
    const struct host *h = context;

    return kind == ENTITY_PROCESS ? h->slot[slot].process_id : h->entity_id[kind][slot];
}

static struct tick_text text(struct host *h, const char *word, uint32_t number)
{
    char buffer[64];
    int size =
        word[0] == '\0' && number == 0 ? 0 : snprintf(buffer, sizeof buffer, "%s%u", word, number);

    return tick_add_text(&h->tick, buffer, (size_t)size);
}

static void name(struct host *h, uint32_t slot, bool all)
{
    struct tick_version *v = tick_add_version(&h->tick);

    v->slot = slot;
    v->from_ns = h->tick.start_ns - (host_random(h, 3) == 0 ? 0 : host_random(h, 900000000));
    v->known = all ? (VERSION_UID << 1) - 1 : host_random(h, VERSION_UID << 1);
    v->uid = host_random(h, 2000);
    v->text[PROCESS_COMM] = text(h, "comm", host_random(h, 9));
    v->text[PROCESS_EXE] = text(h, "/usr/bin/", host_random(h, 9));
    v->text[PROCESS_CMDLINE] = text(h, "prog --number ", host_random(h, 1000));
    v->text[PROCESS_CWD] = text(h, host_random(h, 2) == 0 ? "" : "/home/", host_random(h, 5));
    v->text[PROCESS_CGROUP] = text(h, "/system.slice/", host_random(h, 5));
    v->text[PROCESS_CONTAINER] = text(h, "", host_random(h, 3));
    v->text[PROCESS_USER] = text(h, "user", host_random(h, 3));
    v->cmdline_length = v->text[PROCESS_CMDLINE].size + host_random(h, 2) * 5000;
    v->cmdline_hash = (uint64_t)host_random(h, UINT32_MAX) << 32;
}

static void change(struct host *h, struct slot *s)
{
    for (unsigned c = 0; c < PROCESS_METRIC_COUNT; c++) {
        if (host_random(h, 4) == 0)
            s->value[c] = wrap_add(s->value[c], (int64_t)host_random(h, 100000) -
                                                    (host_random(h, 9) == 0 ? 300000 : 0));
        if (host_random(h, 60) == 0)
            s->missing[c] = (uint8_t)(s->missing[c] == MISSING_NONE ? 1 + host_random(h, 4) : 0);
        if (host_random(h, 400) == 0)
            s->value[c] = host_random(h, 2) == 0 ? INT64_MIN : INT64_MAX;
    }
}

static struct tick_row *put_row(struct host *h, uint32_t slot, uint8_t flags)
{
    int64_t *values;
    uint8_t *missing;
    struct tick_row *row = tick_row_values(&h->tick, TABLE_PROCESS, slot, flags, &values, &missing);

    memcpy(values, h->slot[slot].value, sizeof h->slot[slot].value);
    memcpy(missing, h->slot[slot].missing, sizeof h->slot[slot].missing);
    return row;
}

static void end(struct host *h, uint32_t slot, uint8_t how)
{
    struct tick_exit *e = tick_add_exit(&h->tick);

    e->slot = slot;
    e->how = how;
    e->code = how == EXIT_UNKNOWN ? -1 : (int32_t)host_random(h, 256) << 8;
    e->end_ns = h->tick.start_ns - host_random(h, 1000000000);
}

static void give_birth(struct host *h, uint32_t slot)
{
    struct slot *s = &h->slot[slot];
    struct tick_birth *b = tick_add_birth(&h->tick);
    bool born = host_random(h, 3) != 0, over = host_random(h, 8) == 0;
    struct tick_row *row;

    *s = (struct slot){ .used = true, .process_id = h->next_process_id++ };
    b->slot = slot;
    b->pid = (int32_t)host_random(h, 4000000);
    b->ppid = (int32_t)host_random(h, 1000);
    b->start_ns = h->tick.start_ns - host_random(h, 1000000000);
    b->start_ticks = host_random(h, UINT32_MAX);
    b->flags = host_random(h, 4);
    change(h, s);
    name(h, slot, host_random(h, 5) != 0);
    if (host_random(h, 20) == 0) { /* reported by the kernel alone: no row at all */
        s->used = false;
        end(h, slot, EXIT_REPORTED);
        return;
    }
    row = put_row(h, slot, (uint8_t)(ROW_FIRST | (born ? ROW_BORN : 0) | (over ? ROW_LAST : 0)));
    row->start_ns = b->start_ns;
    row->end_ns = h->tick.start_ns - host_random(h, 100000000);
    if (over) {
        s->used = false;
        end(h, slot, EXIT_REPORTED);
    }
}

static void live_on(struct host *h, uint32_t slot)
{
    struct slot *s = &h->slot[slot];
    uint32_t fate = host_random(h, 60);

    if (fate == 0) { /* gone without notice */
        s->used = false;
        if (host_random(h, 3) == 0)
            give_birth(h, slot); /* and its slot is taken at once */
        else
            end(h, slot, EXIT_UNKNOWN);
        return;
    }
    if (fate == 1) {
        change(h, s);
        put_row(h, slot, ROW_LAST)->end_ns = h->tick.start_ns - host_random(h, 900000000);
        end(h, slot, EXIT_REPORTED);
        s->used = false;
        return;
    }
    if (fate == 2)
        name(h, slot, false);
    if (host_random(h, 2) == 0) {
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
    values[0] = host_random(h, 100);
    missing[0] = MISSING_NONE;
}

void host_tick(struct host *h, uint32_t number)
{
    struct tick *t = &h->tick;
    bool was_used[SLOTS];

    tick_reset(t);
    h->now_ns += 900000000 + host_random(h, 200000000);
    t->seq = number;
    t->start_ns = h->now_ns;
    t->end_ns = h->now_ns + host_random(h, 9000000);
    t->gap_before = host_random(h, 15) == 0;
    tick_sampled(t, TABLE_PROCESS);
    if (host_random(h, 3) == 0)
        t->table[TABLE_PROCESS].column_mask &= host_random(h, UINT32_MAX);
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        was_used[slot] = h->slot[slot].used;
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        if (was_used[slot])
            live_on(h, slot);
        else if (host_random(h, 6) == 0)
            give_birth(h, slot);
    }
    put_others(h, number);
    assert_false(t->no_memory);
}

void stored_tail_release(struct stored_tail *tail)
{
    for (size_t i = 0; i < tail->count; i++)
        bytes_release(&tail->data[i]);
    tail->count = 0;
    tail->crc = 0;
}

static void stored_tail_put(struct stored_tail *tail, const struct open_block *block,
                            const struct byte_writer *record)
{
    struct compressor c = { 0 };
    struct error err = { 0 };

    tail->id[tail->count] = tail_id(block->block_seq, (int64_t)tail->count);
    tail->data[tail->count] = (struct byte_writer){ 0 };
    assert_int_equal(
        tail_seal(&c, tail->id[tail->count], &tail->crc, record, &tail->data[tail->count], &err),
        STATUS_OK);
    tail->count++;
    compressor_release(&c);
}

void stored_tail_base(struct stored_tail *tail, struct open_block *block)
{
    struct byte_writer record = { 0 };
    struct error err = { 0 };

    stored_tail_release(tail);
    assert_int_equal(tail_put_base(block, &record, &err), STATUS_OK);
    stored_tail_put(tail, block, &record);
    bytes_release(&record);
}

void stored_tail_tick(struct stored_tail *tail, struct open_block *block, struct host *h)
{
    struct byte_writer record = { 0 };
    struct error err = { 0 };

    assert_int_equal(tail_put_tick(block, &h->tick, host_key, h, &record, &err), STATUS_OK);
    stored_tail_put(tail, block, &record);
    bytes_release(&record);
}

enum status stored_tail_replay(struct open_block *block, const struct stored_tail *tail,
                               struct error *err)
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

enum status host_encode(const struct open_block *block, struct chunks *chunks, struct error *err)
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

void host_seal(struct open_block *block)
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

void host_begin(struct host *h, struct open_block *block, uint32_t seed)
{
    struct error err = { 0 };

    *h = (struct host){ .random = seed * 2654435761u | 1,
                        .next_process_id = 1,
                        .now_ns = INT64_C(1700000000000000000) };
    tick_init(&h->tick);
    assert_int_equal(open_block_init(block, &err), STATUS_OK);
    block->session_id = 3;
    block->block_seq = 40;
}
