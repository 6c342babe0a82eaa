/*
 * Tables other than process_samples that are about processes: one that lived in one block only has no
 * row, so what is kept of it lies in that block, beside the lifetime that says who it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support_writer.h"

static void put_detail(struct writer_rig *rig, uint32_t slot, uint8_t flags, int64_t pss)
{
    int64_t *values;
    uint8_t *missing;

    tick_sampled(&rig->tick, TABLE_PROCESS_DETAIL);
    assert_non_null(
        tick_row_values(&rig->tick, TABLE_PROCESS_DETAIL, slot, flags, &values, &missing));
    values[DETAIL_PSS_BYTES] = pss;
    missing[DETAIL_PSS_BYTES] = MISSING_NONE;
}

static void put_gpu(struct writer_rig *rig, uint32_t slot, uint32_t process, uint8_t flags)
{
    int64_t *values;
    uint8_t *missing;

    tick_sampled(&rig->tick, TABLE_GPU_PROCESS);
    assert_non_null(tick_row_values(&rig->tick, TABLE_GPU_PROCESS, slot, flags, &values, &missing));
    values[0] = 5;
    missing[0] = MISSING_NONE;
    tick_row_keys(&rig->tick, TABLE_GPU_PROCESS, 0, process);
}

static void begin_brief(struct writer_rig *rig, uint32_t slot, int32_t pid, uint64_t start_ticks)
{
    made_birth(&rig->tick, slot, pid, start_ticks, rig->tick.start_ns - 1000000);
    made_name(&rig->tick, slot, rig->tick.start_ns - 1000000, "brief", NULL);
    (void)made_row(&rig->tick, slot, ROW_FIRST, 1, 4096);
}

static void end_brief(struct writer_rig *rig, uint32_t slot)
{
    made_row(&rig->tick, slot, ROW_LAST, 9, 0)->end_ns = rig->tick.start_ns;
    made_exit(&rig->tick, slot, 0, rig->tick.start_ns);
}

/* The processes that a table tells of in a block: how many series; the id of the last one. */
static size_t series_of(struct writer_rig *rig, enum table_id table, unsigned level, size_t block,
                        unsigned k, int64_t *id)
{
    const struct recording_block *b = &recording_contents(rig->rec)->blocks[level][block];
    struct block_table directory;
    struct block_ticks ticks;
    struct error err = { 0 };
    size_t count = 0;
    enum status st;

    assert_int_equal(recording_ticks(rig->rec, b, &ticks, &err), STATUS_OK);
    st = recording_directory(rig->rec, b, recording_table(rig->rec, samples_tables[table].name),
                             &ticks, &directory, &err);
    if (st == STATUS_OK) {
        count = directory.series_count;
        *id = directory.series[count - 1].key[k];
        block_table_release(&directory);
    } else {
        assert_int_equal(st, STATUS_ABSENT);
    }
    block_ticks_release(&ticks);
    return count;
}

/* Two minutes: "steady" lives on, "brief" from the 5th to the 20th second; details every tenth. */
static void record(struct writer_rig *rig, int first, int end)
{
    for (int i = first; i < end; i++) {
        writer_rig_steady(rig, START + (1 + i) * SECOND_NS, i == first ? ROW_FIRST : 0, i);
        if (i == first)
            made_entity(&rig->tick, ENTITY_GPU, 0, "gpu", "");
        if (i == 5)
            begin_brief(rig, 1, 200, 6000);
        else if (i > 5 && i < 20)
            (void)made_row(&rig->tick, 1, 0, i, 4096);
        else if (i == 20)
            end_brief(rig, 1);
        if (i % 10 == 0) {
            put_detail(rig, 0, i == first ? ROW_FIRST : 0, i);
            put_gpu(rig, 3, 0, i == first ? ROW_FIRST : 0);
        }
        if (i == 10) {
            put_detail(rig, 1, ROW_FIRST, 77);
            put_gpu(rig, 4, 1, ROW_FIRST);
        }
        writer_rig_put(rig);
    }
}

static void assert_told_in_its_block_only(struct writer_rig *rig)
{
    static const struct {
        enum table_id table;
        unsigned key;
    } tables[] = { { TABLE_PROCESS_DETAIL, 0 }, { TABLE_GPU_PROCESS, 1 } };
    int64_t brief = 0, steady = 0;
    const struct process *p;

    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        assert_int_equal(series_of(rig, tables[i].table, 0, 0, tables[i].key, &brief), 2);
        p = writer_rig_process(rig, 0, brief);
        assert_int_equal(p->pid, 200);
        assert_true(writer_rig_calls(&p->versions[0], PROCESS_COMM, "brief"));
        assert_int_equal(series_of(rig, tables[i].table, 1, 0, tables[i].key, &steady), 1);
        assert_int_not_equal(steady, brief);
    }
}

static void details_of_a_lifetime_are_in_its_block_and_in_no_rollup(void **state)
{
    (void)state;
    struct writer_rig rig;

    writer_rig_begin(&rig, 60);
    record(&rig, 0, 130);
    (void)writer_rig_read(&rig, "stop");
    assert_told_in_its_block_only(&rig);
    writer_rig_end(&rig);
}

static void and_so_after_a_kill_and_recovery(void **state)
{
    (void)state;
    struct writer_rig rig;

    for (int killed_at = 15; killed_at <= 75; killed_at += 30) {
        writer_rig_begin(&rig, 60);
        record(&rig, 0, killed_at);
        writer_rig_stop(&rig, NULL);
        writer_rig_session(&rig, START + 200 * SECOND_NS, 1);
        record(&rig, 200, 202);
        (void)writer_rig_read(&rig, "stop");
        if (killed_at > 20)
            assert_told_in_its_block_only(&rig);
        writer_rig_end(&rig);
    }
}

/* It ends after its last detail; the next sample of details is in the next block, or never comes. */
static void a_series_whose_process_ended_in_the_block_before_is_nobodys_trouble(void **state)
{
    (void)state;

    for (int killed_at = 60; killed_at <= 90; killed_at += 5) {
        struct writer_rig rig;

        writer_rig_begin(&rig, 30);
        for (int i = 0; i < killed_at; i++) {
            writer_rig_steady(&rig, START + (1 + i) * SECOND_NS, i == 0 ? ROW_FIRST : 0, i);
            if (i == 50)
                begin_brief(&rig, 1, 200, 6000);
            else if (i > 50 && i < 57)
                (void)made_row(&rig.tick, 1, 0, i, 4096);
            else if (i == 57)
                end_brief(&rig, 1);
            if (i % 25 == 2) {
                put_detail(&rig, 0, i == 2 ? ROW_FIRST : 0, i);
                if (i == 52)
                    put_detail(&rig, 1, ROW_FIRST, 77);
            }
            writer_rig_put(&rig);
        }
        writer_rig_stop(&rig, killed_at % 10 == 0 ? NULL : "stop");
        writer_rig_session(&rig, START + 200 * SECOND_NS, 1);
        writer_rig_steady(&rig, START + 201 * SECOND_NS, ROW_FIRST, 1000);
        writer_rig_put(&rig);
        (void)writer_rig_read(&rig, "stop");
        writer_rig_end(&rig);
    }
}

static void a_slot_given_on_between_two_samples_of_details_begins_anew(void **state)
{
    (void)state;
    struct writer_rig rig;
    int64_t last = 0;
    const struct process *p;

    writer_rig_begin(&rig, 300);
    for (int i = 0; i < 25; i++) {
        writer_rig_steady(&rig, START + (1 + i) * SECOND_NS, i == 0 ? ROW_FIRST : 0, i);
        if (i == 5 || i == 15)
            begin_brief(&rig, 1, 200 + i, 6000 + (uint64_t)i);
        else if ((i > 5 && i < 14) || i > 15)
            (void)made_row(&rig.tick, 1, 0, i, 4096);
        else if (i == 14)
            end_brief(&rig, 1);
        if (i == 10 || i == 20) {
            put_detail(&rig, 0, i == 10 ? ROW_FIRST : 0, i);
            put_detail(&rig, 1, ROW_FIRST, i);
        }
        writer_rig_put(&rig);
    }
    (void)writer_rig_read(&rig, "stop");
    assert_int_equal(series_of(&rig, TABLE_PROCESS_DETAIL, 0, 0, 0, &last), 3);
    p = writer_rig_process(&rig, 0, last);
    assert_int_equal(p->pid, 215);
    writer_rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(details_of_a_lifetime_are_in_its_block_and_in_no_rollup),
        cmocka_unit_test(and_so_after_a_kill_and_recovery),
        cmocka_unit_test(a_series_whose_process_ended_in_the_block_before_is_nobodys_trouble),
        cmocka_unit_test(a_slot_given_on_between_two_samples_of_details_begins_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
