/* The writer: where blocks end, what it refuses, and what it makes of a killed session. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schema/open_block.h"
#include "tests/support_digest.h"
#include "tests/support_writer.h"

/* --- where blocks end --- */

static void a_block_ends_between_minutes_once_it_is_full(void **state)
{
    (void)state;
    struct writer_rig rig;
    const struct recording_contents *c;
    const int64_t minute_ns = 60 * SECOND_NS;

    writer_rig_begin(&rig, 100);
    for (int i = 0; i < 1000; i++) {
        writer_rig_steady(&rig, START + 17 * SECOND_NS + i * SECOND_NS, i == 0 ? ROW_FIRST : 0, i);
        writer_rig_put(&rig);
    }
    c = writer_rig_read(&rig, "stop");
    for (size_t b = 0; b + 1 < c->block_count[0]; b++) {
        const struct recording_block *block = &c->blocks[0][b], *next = block + 1;

        assert_int_equal(next->previous_ns, block->end_ns);
        assert_int_equal(next->first_tick, block->first_tick + block->tick_count);
        /* A minute is never split: its last tick is at or before the full minute. */
        assert_int_equal(block->end_ns % minute_ns, 0);
        assert_true(block->tick_count >= 100 || block->end_ns % (60 * minute_ns) == 0);
    }
    assert_int_equal(c->blocks[0][0].end_ns, START + 120 * SECOND_NS); /* the hour */
    assert_int_equal(c->blocks[0][0].tick_count, 104);
    assert_int_equal(c->block_count[1], 2);
    assert_int_equal(c->blocks[1][0].tick_count, 2);
    writer_rig_end(&rig);
}

static void a_slow_recording_still_ends_blocks_at_hours(void **state)
{
    (void)state;
    struct writer_rig rig;
    const struct recording_contents *c;

    writer_rig_begin(&rig, 300);
    for (int i = 0; i < 30; i++) {
        writer_rig_steady(&rig, START + i * 600 * SECOND_NS, i == 0 ? ROW_FIRST : 0, i);
        writer_rig_put(&rig);
    }
    c = writer_rig_read(&rig, "stop");
    assert_true(c->block_count[0] >= 5);
    for (size_t b = 0; b < c->block_count[0]; b++)
        assert_true(c->blocks[0][b].end_ns - c->blocks[0][b].start_ns <= 3600 * SECOND_NS);
    writer_rig_end(&rig);
}

static void a_block_ends_early_where_many_are_born(void **state)
{
    (void)state;
    enum { BIRTHS = 300, SECONDS = 200 };
    struct writer_rig rig;
    const struct recording_contents *c;

    writer_rig_begin(&rig, 300);
    for (int i = 0; i < SECONDS; i++) {
        int64_t now_ns = START + i * SECOND_NS;

        made_tick(&rig.tick, now_ns);
        for (uint32_t n = 0; n < BIRTHS; n++) {
            int32_t pid = 1000 + i * BIRTHS + (int32_t)n;

            made_birth(&rig.tick, n, pid, (uint64_t)pid, now_ns - 1000);
            made_name(&rig.tick, n, now_ns - 1000, "short", NULL);
            (void)made_row(&rig.tick, n, ROW_FIRST | ROW_LAST, 7, 4096);
            made_exit(&rig.tick, n, 0, now_ns - 500);
        }
        writer_rig_put(&rig);
    }
    c = writer_rig_read(&rig, "stop");
    assert_int_equal(c->block_count[0],
                     4); /* 2 minutes to the hour, in which 18000 are born in one */
    assert_int_equal(c->blocks[0][0].tick_count, 61);
    assert_int_equal(c->blocks[0][1].tick_count, 60);
    writer_rig_end(&rig);
}

/* --- rules --- */

static void first_tick(struct writer_rig *rig)
{
    writer_rig_steady(rig, START + SECOND_NS, ROW_FIRST, 1);
    writer_rig_put(rig);
}

/* At second i: one process goes on; so many others live a moment. */
static void put_births(struct writer_rig *rig, int i, int count)
{
    int64_t now_ns = START + i * SECOND_NS;

    writer_rig_steady(rig, now_ns, i == 1 ? ROW_FIRST : 0, i);
    for (int n = 1; n <= count; n++) {
        made_birth(&rig->tick, (uint32_t)n, 1000 + n, (uint64_t)i, now_ns - 1000);
        made_name(&rig->tick, (uint32_t)n, now_ns - 1000, "short", "short -v");
        struct tick_row *row = made_row(&rig->tick, (uint32_t)n, ROW_FIRST | ROW_LAST, 7, 4096);
        row->end_ns = now_ns;
        made_exit(&rig->tick, (uint32_t)n, 0, now_ns);
    }
    writer_rig_put(rig);
}

static void memory_for_many_births_is_given_up_after_a_block_of_few(void **state)
{
    enum { STORM = 60, BIRTHS = 150 };
    struct writer_rig rig;
    const struct open_block *block;
    size_t processes = 0, series = 0;
    (void)state;

    writer_rig_begin(&rig, 60);
    for (int i = 1; i <= 400; i++) {
        put_births(&rig, i, i <= STORM ? BIRTHS : 1);
        block = writer_block(rig.writer);
        if (i == STORM) {
            processes = block->process_size;
            series = block->build[TABLE_PROCESS].series_size;
        }
    }
    assert_true(processes > STORM * BIRTHS && series > STORM * BIRTHS);
    assert_true(block->process_size < processes / 2);
    assert_true(block->build[TABLE_PROCESS].series_size < series / 2);
    (void)writer_rig_read(&rig, "stop");
    assert_int_equal(writer_rig_processes(&rig), 1 + STORM * BIRTHS + 340);
    writer_rig_end(&rig);
}

static void a_broken_rule_is_refused_and_leaves_no_trace(void **state)
{
    (void)state;
    struct writer_rig rig;
    int64_t at = START + 2 * SECOND_NS;
    int64_t *values;
    uint8_t *missing;
    size_t refused = 0;

    writer_rig_begin(&rig, 300);
    first_tick(&rig);

#define REFUSED(...)                                                                               \
    do {                                                                                           \
        writer_rig_steady(&rig, at, 0, 2);                                                         \
        __VA_ARGS__;                                                                               \
        writer_rig_refuse(&rig);                                                                   \
        refused++;                                                                                 \
    } while (0)

    REFUSED(rig.tick.start_ns = START);                     /* back in time */
    REFUSED(rig.tick.start_ns = START + SECOND_NS);         /* the same time */
    REFUSED((void)made_row(&rig.tick, 5, 0, 1, 1));         /* never announced */
    REFUSED((void)made_row(&rig.tick, 5, ROW_FIRST, 1, 1)); /* never announced */
    REFUSED((void)made_row(&rig.tick, 0, 0, 3, 1));         /* two rows of a slot */
    REFUSED(tick_row_same(&rig.tick, TABLE_PROCESS, 6));    /* the same as nothing */
    REFUSED(made_birth(&rig.tick, 5, 200, 1, at));          /* announced, no row */
    REFUSED(made_birth(&rig.tick, 5, 200, 1, at), made_birth(&rig.tick, 5, 201, 1, at),
            (void)made_row(&rig.tick, 5, ROW_FIRST, 1, 1)); /* a slot announced twice */
    REFUSED(made_birth(&rig.tick, 5, 200, 1, at),
            (void)made_row(&rig.tick, 5, 0, 1, 1));              /* begins without ROW_FIRST */
    REFUSED(made_name(&rig.tick, 9, at, "nobody", NULL));        /* a name of no process */
    REFUSED(made_exit(&rig.tick, 9, 0, at));                     /* an end of no process */
    REFUSED(made_entity(&rig.tick, ENTITY_PROCESS, 0, "x", "")); /* that is tick_birth's */
    REFUSED(made_entity(&rig.tick, (enum entity_kind)77, 0, "x", ""));
    REFUSED(tick_sampled(&rig.tick, TABLE_CPU),
            assert_non_null(tick_row_values(&rig.tick, TABLE_CPU, 0, ROW_FIRST, &values,
                                            &missing))); /* a core not announced */
    REFUSED(rig.tick.table[TABLE_PROCESS].missing[0] = MISSING_COUNT);
    REFUSED(rig.tick.table[TABLE_PROCESS].rows[0].at = 9);  /* no such values */
    REFUSED(made_birth(&rig.tick, UINT32_MAX, 200, 1, at)); /* no slot */
#undef REFUSED
    writer_rig_steady(&rig, at, 0, 2);
    made_birth(&rig.tick, 5, 200, 1, at);
    (void)made_row(&rig.tick, 5, ROW_FIRST, 1, 1);
    writer_rig_put(&rig);
    assert_int_equal(writer_process_id(rig.writer, 5), 2); /* no id was lost on the refused */
    assert_int_equal(refused, 17);
    assert_int_equal(writer_rig_read(&rig, "stop")->blocks[0][0].tick_count, 2);
    assert_int_equal(writer_rig_processes(&rig), 2);
    writer_rig_end(&rig);
}

static void an_incomplete_tick_is_refused(void **state)
{
    (void)state;
    struct writer_rig rig;
    struct error err = { 0 };

    writer_rig_begin(&rig, 300);
    first_tick(&rig);
    writer_rig_steady(&rig, START + 2 * SECOND_NS, 0, 2);
    rig.tick.no_memory = true;
    assert_int_equal(writer_tick(rig.writer, &rig.tick, &err), STATUS_NO_MEMORY);
    writer_rig_steady(&rig, START + 3 * SECOND_NS, 0, 2);
    writer_rig_put(&rig);
    assert_int_equal(writer_rig_read(&rig, "stop")->blocks[0][0].tick_count, 2);
    writer_rig_end(&rig);
}

/* --- recovery --- */

static void record_some(const char *path, size_t ticks, bool clean)
{
    struct writer_options options = { .path = path, .block_ticks = 30 };
    struct session_facts facts;
    struct made_host host;
    struct writer *writer;
    struct error err = { 0 };

    made_facts(&facts, START, 1);
    made_host_init(&host, 7, START, 3 * SECOND_NS, 8);
    assert_int_equal(writer_open(&writer, &options, &facts, &err), STATUS_OK);
    made_host_record(&host, writer, ticks);
    assert_int_equal(writer_close(writer, clean ? "stop" : NULL, &err), STATUS_OK);
    made_host_release(&host);
}

/* Open for writing, and close at once: what was left is put right. */
static void recover(const char *path)
{
    struct writer_options options = { .path = path, .block_ticks = 30 };
    struct session_facts facts;
    struct writer *writer;
    struct error err = { 0 };

    made_facts(&facts, START + 100000 * SECOND_NS, 1);
    if (writer_open(&writer, &options, &facts, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    assert_int_equal(writer_close(writer, "stop", &err), STATUS_OK);
}

/* Every part of both recordings that has samples. */
static size_t compare_samples(const char *a, const char *b, size_t ticks)
{
    struct digest x, y;
    size_t same = 0, at = 0;

    digest_take(&x, a);
    digest_take(&y, b);
    assert_false(x.damaged || y.damaged);
    for (size_t i = 0; i < x.count; i++) {
        const struct digest_part *p = &x.part[i];

        if (p->what < DIGEST_TICKS)
            continue;
        while (at < y.count &&
               (y.part[at].what != p->what || y.part[at].level != p->level ||
                y.part[at].block_seq != p->block_seq || y.part[at].table_id != p->table_id ||
                y.part[at].column != p->column))
            at++;
        if (at == y.count || y.part[at].hash != p->hash || y.part[at].status != p->status) {
            print_error("%zu ticks: part %d, level %u, block %lld, table %u, column %zu differs\n",
                        ticks, p->what, p->level, (long long)p->block_seq, p->table_id, p->column);
            fail();
        }
        same++;
    }
    assert_int_equal(x.ticks, y.ticks);
    digest_release(&x);
    digest_release(&y);
    return same;
}

static void recovery_gives_every_level_as_a_clean_end_does(void **state)
{
    (void)state;
    static const size_t lengths[] = { 1, 2, 19, 41, 42, 75, 130, 700, 1300, 1301, 2600 };
    struct made_directory directory;
    char clean[256], killed[256];
    struct recording *rec;
    struct error err = { 0 };

    made_directory_open(&directory);
    made_path(&directory, "clean.pscope", clean, sizeof clean);
    made_path(&directory, "killed.pscope", killed, sizeof killed);
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        const struct recording_contents *c;
        const struct recording_event *told = NULL;

        record_some(clean, lengths[i], true);
        record_some(killed, lengths[i], false);
        recover(killed);
        assert_true(compare_samples(clean, killed, lengths[i]) > 100);
        assert_int_equal(recording_open(&rec, killed, &err), STATUS_OK);
        c = recording_contents(rec);
        for (size_t e = 0; e < c->event_count; e++)
            if (strcmp(c->events[e].kind, "recovered") == 0)
                told = &c->events[e];
        assert_non_null(told);
        assert_int_equal(told->session_id, 1);
        assert_true(told->value > 0);
        assert_int_equal(told->at_ns, c->blocks[0][c->block_count[0] - 1].end_ns);
        recording_close(rec);
        (void)remove(clean);
        (void)remove(killed);
    }
    made_directory_close(&directory);
}

static void recovery_takes_many_processes(void **state)
{
    (void)state;
    enum { MANY = 1500 };
    struct writer_rig rig;

    writer_rig_begin(&rig, 1);
    for (int i = 0; i < 4; i++) { /* across the hour, so that minutes are read back */
        made_tick(&rig.tick, START + (60 + 40 * i) * SECOND_NS);
        for (uint32_t slot = 0; slot < MANY; slot++) {
            if (i == 0)
                made_birth(&rig.tick, slot, 100 + (int32_t)slot, slot, START);
            (void)made_row(&rig.tick, slot, i == 0 ? ROW_FIRST : 0, i, 1);
        }
        writer_rig_put(&rig);
    }
    writer_rig_stop(&rig, NULL);
    writer_rig_session(&rig, START + 600 * SECOND_NS, 2);
    (void)writer_rig_read(&rig, "stop");
    assert_int_equal(writer_rig_processes(&rig), MANY);
    writer_rig_end(&rig);
}

static void ids_after_a_kill_follow_those_of_the_tail(void **state)
{
    (void)state;
    struct writer_rig rig;

    writer_rig_begin(&rig, 300);
    writer_rig_steady(&rig, START + SECOND_NS, ROW_FIRST, 10);
    made_birth(&rig.tick, 1, 101, 1, START);
    made_row(&rig.tick, 1, ROW_FIRST | ROW_LAST, 1, 1)->end_ns = START + SECOND_NS;
    writer_rig_put(&rig);
    writer_rig_stop(&rig, NULL);
    writer_rig_session(&rig, START + 60 * SECOND_NS, 2);
    made_tick(&rig.tick, START + 61 * SECOND_NS);
    made_birth(&rig.tick, 0, 300, 1, START);
    (void)made_row(&rig.tick, 0, ROW_FIRST, 1, 1);
    writer_rig_put(&rig);
    assert_int_equal(writer_process_id(rig.writer, 0), 3);
    (void)writer_rig_read(&rig, "stop");
    assert_int_equal(writer_rig_processes(&rig), 3);
    writer_rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_ends_between_minutes_once_it_is_full),
        cmocka_unit_test(a_slow_recording_still_ends_blocks_at_hours),
        cmocka_unit_test(a_block_ends_early_where_many_are_born),
        cmocka_unit_test(memory_for_many_births_is_given_up_after_a_block_of_few),
        cmocka_unit_test(a_broken_rule_is_refused_and_leaves_no_trace),
        cmocka_unit_test(an_incomplete_tick_is_refused),
        cmocka_unit_test(recovery_gives_every_level_as_a_clean_end_does),
        cmocka_unit_test(recovery_takes_many_processes),
        cmocka_unit_test(ids_after_a_kill_follow_those_of_the_tail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
