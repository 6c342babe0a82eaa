/* The writer: ids, and processes across seals and sessions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support_writer.h"

/* --- ids --- */

static void process_ids_are_never_given_twice(void **state)
{
    (void)state;
    struct writer_rig rig;
    int64_t ids[6];

    writer_rig_begin(&rig, 300);
    for (int i = 0; i < 6; i++) {
        if (i == 3) { /* another session, another boot */
            writer_rig_stop(&rig, "stop");
            writer_rig_session(&rig, START + 60 * SECOND_NS, 2);
        }
        made_tick(&rig.tick, START + (1 + i + (i >= 3 ? 60 : 0)) * SECOND_NS);
        made_birth(&rig.tick, 0, 100 + i, 1000 + (uint64_t)i, START);
        made_row(&rig.tick, 0, ROW_FIRST | ROW_LAST, 5, 5)->end_ns = rig.tick.start_ns;
        made_exit(&rig.tick, 0, 0, rig.tick.start_ns);
        writer_rig_put(&rig);
        ids[i] = writer_process_id(rig.writer, 0);
        for (int k = 0; k < i; k++)
            assert_int_not_equal(ids[k], ids[i]);
    }
    (void)writer_rig_read(&rig, "stop");
    assert_int_equal(writer_rig_processes(&rig), 6);
    writer_rig_end(&rig);
}

static void an_entity_is_found_again_in_a_later_session(void **state)
{
    (void)state;
    struct writer_rig rig;
    const struct recording_contents *c;

    writer_rig_begin(&rig, 300);
    for (int session = 0; session < 2; session++) {
        int64_t start_ns = START + session * 60 * SECOND_NS;
        int64_t *values;
        uint8_t *missing;

        if (session == 1)
            writer_rig_session(&rig, start_ns, 1);
        made_tick(&rig.tick, start_ns + SECOND_NS);
        made_entity(&rig.tick, ENTITY_CORE, session == 0 ? 4 : 9, "cpu4", "fifth core");
        made_entity(&rig.tick, ENTITY_DISK, 0, "cpu4", ""); /* the same key, another kind */
        tick_sampled(&rig.tick, TABLE_CPU);
        assert_non_null(tick_row_values(&rig.tick, TABLE_CPU, session == 0 ? 4 : 9, ROW_FIRST,
                                        &values, &missing));
        writer_rig_put(&rig);
        if (session == 0)
            writer_rig_stop(&rig, "stop");
    }
    c = writer_rig_read(&rig, "stop");
    assert_int_equal(c->entity_count, 2);
    assert_int_equal(c->entities[0].kind, ENTITY_CORE);
    assert_string_equal(c->entities[0].label, "fifth core");
    writer_rig_end(&rig);
}

static void a_pair_is_keyed_by_both_of_its_entities(void **state)
{
    (void)state;
    static const int64_t values_of[] = { 7, 9 };
    const struct recording_table *table;
    const struct recording_contents *c;
    struct writer_rig rig;
    struct block_ticks ticks;
    struct block_table d;
    struct error err = { 0 };

    writer_rig_begin(&rig, 300);
    for (int i = 0; i < 3; i++) {
        writer_rig_steady(&rig, START + (1 + i) * SECOND_NS, i == 0 ? ROW_FIRST : 0, 5);
        if (i == 0)
            made_entity(&rig.tick, ENTITY_GPU, 3, "0000:01:00.0", "a");
        if (i == 0)
            made_entity(&rig.tick, ENTITY_GPU, 1, "0000:02:00.0", "b");
        tick_sampled(&rig.tick, TABLE_GPU_PROCESS);
        for (uint32_t pair = 0; pair < 2; pair++) {
            int64_t *values;
            uint8_t *missing;

            assert_non_null(tick_row_values(&rig.tick, TABLE_GPU_PROCESS, pair,
                                            i == 0 ? ROW_FIRST : 0, &values, &missing));
            if (i == 0)
                tick_row_keys(&rig.tick, TABLE_GPU_PROCESS, pair == 0 ? 3 : 1, 0);
            missing[GPU_PROCESS_MEMORY_BYTES] = MISSING_NONE;
            values[GPU_PROCESS_MEMORY_BYTES] = values_of[pair];
        }
        writer_rig_put(&rig);
    }
    c = writer_rig_read(&rig, "stop");
    table = recording_table(rig.rec, "gpu_process_samples");
    assert_int_equal(recording_ticks(rig.rec, &c->blocks[0][0], &ticks, &err), STATUS_OK);
    assert_int_equal(recording_directory(rig.rec, &c->blocks[0][0], table, &ticks, &d, &err),
                     STATUS_OK);
    assert_int_equal(d.series_count, 2);
    for (size_t s = 0; s < 2; s++) {
        const struct recording_entity *gpu = recording_entity(rig.rec, d.series[s].key[0]);
        struct block_column column = { 0 };

        assert_int_equal(d.series[s].key[1], 1);
        assert_int_equal(
            recording_column(rig.rec, &d, GPU_PROCESS_MEMORY_BYTES, series_group(s), &column, &err),
            STATUS_OK);
        assert_int_equal(column.value[d.row[s]], strcmp(gpu->label, "a") == 0 ? 7 : 9);
        block_column_release(&column);
    }
    block_table_release(&d);
    block_ticks_release(&ticks);
    writer_rig_end(&rig);
}

static void a_pair_of_what_was_not_announced_is_refused(void **state)
{
    (void)state;
    struct writer_rig rig;
    int64_t *values;
    uint8_t *missing;

    writer_rig_begin(&rig, 300);
    for (int i = 0; i < 3; i++) {
        writer_rig_steady(&rig, START + SECOND_NS, ROW_FIRST, 5);
        made_entity(&rig.tick, ENTITY_GPU, 3, "0000:01:00.0", "a");
        tick_sampled(&rig.tick, TABLE_GPU_PROCESS);
        assert_non_null(
            tick_row_values(&rig.tick, TABLE_GPU_PROCESS, 0, ROW_FIRST, &values, &missing));
        if (i > 0) /* the third time without being told at all */
            tick_row_keys(&rig.tick, TABLE_GPU_PROCESS, i == 1 ? 2 : 3, i == 1 ? 0 : 9);
        writer_rig_refuse(&rig);
    }
    writer_rig_stop(&rig, NULL);
    writer_rig_end(&rig);
}

static void a_process_of_the_same_boot_keeps_its_id(void **state)
{
    (void)state;
    struct writer_rig rig;
    const struct process *p;
    int64_t id;

    writer_rig_begin(&rig, 300);
    writer_rig_steady(&rig, START + SECOND_NS, ROW_FIRST, 10);
    writer_rig_put(&rig);
    id = writer_process_id(rig.writer, 0);
    writer_rig_stop(&rig, "stop");

    writer_rig_session(&rig, START + 60 * SECOND_NS, 1);
    made_tick(&rig.tick, START + 61 * SECOND_NS);
    made_birth(&rig.tick, 7, 100, 5000, START - SECOND_NS);
    made_name(&rig.tick, 7, START + 61 * SECOND_NS, "renamed", NULL);
    (void)made_row(&rig.tick, 7, ROW_FIRST, 30, 4096);
    writer_rig_put(&rig);
    assert_int_equal(writer_process_id(rig.writer, 7), id);
    made_tick(&rig.tick, START + 62 * SECOND_NS);
    made_row(&rig.tick, 7, ROW_LAST, 40, 0)->end_ns = START + 62 * SECOND_NS;
    made_exit(&rig.tick, 7, 256, START + 62 * SECOND_NS);
    writer_rig_put(&rig);

    (void)writer_rig_read(&rig, "stop");
    assert_int_equal(writer_rig_processes(&rig), 1);
    p = writer_rig_process(&rig, 1, id);
    assert_int_equal(p->session_id, 1);
    assert_int_equal(p->exit_code, 256);
    assert_int_equal(p->end_ns, START + 62 * SECOND_NS);
    assert_int_equal(p->version_count, 2);
    assert_true(writer_rig_calls(&p->versions[0], PROCESS_COMM, "steady"));
    assert_true(writer_rig_calls(&p->versions[1], PROCESS_COMM, "renamed"));
    writer_rig_end(&rig);
}

static void a_process_of_another_boot_is_another_one(void **state)
{
    (void)state;
    struct writer_rig rig;

    writer_rig_begin(&rig, 300);
    writer_rig_steady(&rig, START + SECOND_NS, ROW_FIRST, 10);
    writer_rig_put(&rig);
    writer_rig_stop(&rig, "stop");
    writer_rig_session(&rig, START + 60 * SECOND_NS, 2);
    writer_rig_steady(&rig, START + 61 * SECOND_NS, ROW_FIRST, 10);
    writer_rig_put(&rig);
    assert_int_equal(writer_process_id(rig.writer, 0), 2);
    (void)writer_rig_read(&rig, "stop");
    assert_int_equal(writer_rig_processes(&rig), 2);
    writer_rig_end(&rig);
}

static void a_process_kept_over_a_kill_is_adopted(void **state)
{
    (void)state;
    struct writer_rig rig;
    const struct process *p;

    writer_rig_begin(&rig, 300);
    writer_rig_steady(&rig, START + SECOND_NS, ROW_FIRST, 10);
    writer_rig_put(&rig);
    writer_rig_stop(&rig, NULL);
    writer_rig_session(&rig, START + 60 * SECOND_NS, 1);
    writer_rig_steady(&rig, START + 61 * SECOND_NS, ROW_FIRST, 10);
    writer_rig_put(&rig);
    assert_int_equal(writer_process_id(rig.writer, 0), 1);
    (void)writer_rig_read(&rig, "stop");
    p = writer_rig_process(&rig, 0, 1);
    assert_int_equal(p->pid, 100);
    assert_int_equal(p->version_count, 1);
    writer_rig_end(&rig);
}

/* --- names across seals --- */

static void each_exec_is_a_version_whichever_block_it_is_in(void **state)
{
    (void)state;
    struct writer_rig rig;
    const struct process *p;
    char comm[16];

    writer_rig_begin(&rig, 5);
    for (int i = 0; i < 200; i++) { /* seals at each minute */
        writer_rig_steady(&rig, START + (1 + i) * SECOND_NS, i == 0 ? ROW_FIRST : 0, i);
        if (i % 25 == 24) {
            (void)snprintf(comm, sizeof comm, "exec-%d", i);
            made_name(&rig.tick, 0, rig.tick.start_ns, comm, i == 49 ? "exec --of 49" : NULL);
        }
        writer_rig_put(&rig);
    }
    assert_int_equal(writer_rig_read(&rig, "stop")->block_count[0], 4);
    p = writer_rig_process(&rig, 3, 1);
    assert_int_equal(p->version_count, 9);
    assert_true(writer_rig_calls(&p->versions[0], PROCESS_COMM, "steady"));
    assert_null(p->versions[1].text[PROCESS_CMDLINE].data);
    for (int v = 1; v < 9; v++) {
        (void)snprintf(comm, sizeof comm, "exec-%d", v * 25 - 1);
        assert_true(writer_rig_calls(&p->versions[v], PROCESS_COMM, comm));
        assert_int_equal(p->versions[v].from_ns, START + v * 25 * SECOND_NS);
        if (v >= 2) /* what a version does not tell is carried over, also across seals */
            assert_true(writer_rig_calls(&p->versions[v], PROCESS_CMDLINE, "exec --of 49"));
    }
    writer_rig_end(&rig);
}

static void a_version_is_completed_before_and_after_a_seal(void **state)
{
    (void)state;
    struct writer_rig rig;
    const struct process *p;

    writer_rig_begin(&rig, 5);
    for (int i = 0; i < 150; i++) {
        writer_rig_steady(&rig, START + (1 + i) * SECOND_NS, i == 0 ? ROW_FIRST : 0, i);
        if (i == 3) /* before it has a row */
            made_name(&rig.tick, 0, START - SECOND_NS, "steady", "first words");
        if (i == 130) /* after two seals */
            made_name(&rig.tick, 0, START - SECOND_NS, "renamed", NULL);
        writer_rig_put(&rig);
    }
    (void)writer_rig_read(&rig, "stop");
    p = writer_rig_process(&rig, 0, 1);
    assert_int_equal(p->version_count, 1);
    assert_true(writer_rig_calls(&p->versions[0], PROCESS_COMM, "renamed"));
    assert_true(writer_rig_calls(&p->versions[0], PROCESS_CMDLINE, "first words"));
    writer_rig_end(&rig);
}

/* --- ends --- */

static void a_process_gone_without_notice_ends_at_its_last_row(void **state)
{
    (void)state;
    struct writer_rig rig;
    const struct recording_contents *c;
    const struct recording_table *table;
    struct block_ticks ticks;
    struct block_table directory;
    struct error err = { 0 };

    writer_rig_begin(&rig, 300);
    for (int i = 0; i < 10; i++) {
        made_tick(&rig.tick, START + (1 + i) * SECOND_NS);
        tick_sampled(&rig.tick, TABLE_PROCESS);
        if (i == 0)
            made_birth(&rig.tick, 0, 100, 1, START);
        if (i < 4)
            (void)made_row(&rig.tick, 0, i == 0 ? ROW_FIRST : 0, i, 1);
        if (i == 5) { /* the slot goes to another process */
            made_birth(&rig.tick, 0, 101, 2, START);
            (void)made_row(&rig.tick, 0, ROW_FIRST, 70, 1);
        } else if (i > 5) {
            tick_row_same(&rig.tick, TABLE_PROCESS, 0);
        }
        writer_rig_put(&rig);
    }
    c = writer_rig_read(&rig, "stop");
    table = recording_table(rig.rec, "process_samples");
    assert_int_equal(recording_ticks(rig.rec, &c->blocks[0][0], &ticks, &err), STATUS_OK);
    assert_int_equal(
        recording_directory(rig.rec, &c->blocks[0][0], table, &ticks, &directory, &err), STATUS_OK);
    assert_int_equal(directory.series_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct series *s = &directory.series[i];

        assert_int_equal(s->flags & SERIES_ENDED, 0);
        assert_int_equal(s->first, s->key[0] == 1 ? 0 : 5);
        assert_int_equal(s->count, s->key[0] == 1 ? 4 : 5);
    }
    assert_int_equal(writer_rig_process(&rig, 0, 1)->end_ns, NO_TIME);
    assert_int_equal(c->blocks[0][0].lifetime_count, 1);
    block_table_release(&directory);
    block_ticks_release(&ticks);
    writer_rig_end(&rig);
}

static void a_slot_may_change_hands_in_one_tick(void **state)
{
    (void)state;
    struct writer_rig rig;

    writer_rig_begin(&rig, 300);
    for (int i = 0; i < 4; i++) {
        made_tick(&rig.tick, START + (1 + i) * SECOND_NS);
        made_birth(&rig.tick, 3, 100 + i, 1 + (uint64_t)i, START);
        (void)made_row(&rig.tick, 3, ROW_FIRST, 10 * i, 1);
        writer_rig_put(&rig);
    }
    (void)writer_rig_read(&rig, "stop");
    assert_int_equal(writer_rig_processes(&rig), 4);
    writer_rig_end(&rig);
}

static void a_life_of_one_row_is_a_lifetime(void **state)
{
    (void)state;
    struct writer_rig rig;
    const struct lifetimes *lifetimes;
    struct error err = { 0 };

    writer_rig_begin(&rig, 300);
    for (int i = 0; i < 20; i++) {
        struct tick_row *row;

        made_tick(&rig.tick, START + (1 + i) * SECOND_NS);
        made_birth(&rig.tick, (uint32_t)i % 3, 100 + i, 1, rig.tick.start_ns - 500000000);
        made_name(&rig.tick, (uint32_t)i % 3, rig.tick.start_ns - 500000000, "short", "short -x");
        row = made_row(&rig.tick, (uint32_t)i % 3, ROW_FIRST | ROW_BORN | ROW_LAST, 1000 + i, 0);
        row->start_ns = rig.tick.start_ns - 500000000;
        row->end_ns = rig.tick.start_ns - 400000000;
        made_exit(&rig.tick, (uint32_t)i % 3, i, row->end_ns);
        writer_rig_put(&rig);
    }
    (void)writer_rig_read(&rig, "stop");
    assert_int_equal(
        recording_lifetimes(rig.rec, &recording_contents(rig.rec)->blocks[0][0], &lifetimes, &err),
        STATUS_OK);
    assert_int_equal(lifetimes->count, 20);
    for (size_t i = 0; i < 20; i++) {
        const struct rollup_cell *cpu =
            &lifetimes->cell[i * PROCESS_METRIC_COUNT + PROCESS_CPU_NS_TOTAL];

        assert_int_equal(lifetimes->process[i].exit_code, i);
        assert_int_equal(lifetimes->process[i].end_ns - lifetimes->process[i].start_ns, 100000000);
        assert_true(
            writer_rig_calls(&lifetimes->process[i].versions[0], PROCESS_CMDLINE, "short -x"));
        assert_true(cpu->present);
        /* What one did before the session's first tick nobody watched. */
        assert_int_equal(cpu->increase, i == 0 ? 0 : 1000 + (int64_t)i);
    }
    writer_rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(process_ids_are_never_given_twice),
        cmocka_unit_test(an_entity_is_found_again_in_a_later_session),
        cmocka_unit_test(a_pair_is_keyed_by_both_of_its_entities),
        cmocka_unit_test(a_pair_of_what_was_not_announced_is_refused),
        cmocka_unit_test(a_process_of_the_same_boot_keeps_its_id),
        cmocka_unit_test(a_process_of_another_boot_is_another_one),
        cmocka_unit_test(a_process_kept_over_a_kill_is_adopted),
        cmocka_unit_test(each_exec_is_a_version_whichever_block_it_is_in),
        cmocka_unit_test(a_version_is_completed_before_and_after_a_seal),
        cmocka_unit_test(a_process_gone_without_notice_ends_at_its_last_row),
        cmocka_unit_test(a_slot_may_change_hands_in_one_tick),
        cmocka_unit_test(a_life_of_one_row_is_a_lifetime),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
