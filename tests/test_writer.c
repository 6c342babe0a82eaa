/* The writer: ids, processes across seals and sessions, where blocks end, rules, recovery. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recorder/writer.h"
#include "tests/support_digest.h"
#include "tests/support_recording.h"

#define START MADE_START_NS

struct rig {
    struct made_directory directory;
    char path[256];
    struct writer *writer;
    struct tick tick;
    struct recording *rec;
    uint32_t block_ticks;
};

static void rig_session(struct rig *rig, int64_t start_ns, int boot)
{
    struct writer_options options = { .path = rig->path, .block_ticks = rig->block_ticks };
    struct session_facts facts;
    struct error err = { 0 };

    made_facts(&facts, start_ns, boot);
    if (writer_open(&rig->writer, &options, &facts, &err) != STATUS_OK)
        fail_msg("%s", err.message);
}

static void rig_begin(struct rig *rig, uint32_t block_ticks)
{
    *rig = (struct rig){ .block_ticks = block_ticks };
    made_directory_open(&rig->directory);
    made_path(&rig->directory, "written.pscope", rig->path, sizeof rig->path);
    tick_init(&rig->tick);
    rig_session(rig, START, 1);
}

static void rig_put(struct rig *rig)
{
    struct error err = { 0 };

    if (writer_tick(rig->writer, &rig->tick, &err) != STATUS_OK)
        fail_msg("%s", err.message);
}

static void rig_refuse(struct rig *rig)
{
    struct error err = { 0 };

    assert_int_equal(writer_tick(rig->writer, &rig->tick, &err), STATUS_INVALID);
    assert_int_not_equal(err.message[0], '\0');
}

static void rig_stop(struct rig *rig, const char *reason)
{
    struct error err = { 0 };

    if (writer_close(rig->writer, reason, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    rig->writer = NULL;
}

static void report(void *context, const char *part, const char *what)
{
    (void)context;
    print_error("%s: %s\n", part, what);
}

/* End the session and read the recording, which has nothing amiss. */
static const struct recording_contents *rig_read(struct rig *rig, const char *reason)
{
    struct error err = { 0 };
    size_t findings = 1;

    rig_stop(rig, reason);
    if (recording_open(&rig->rec, rig->path, &err) != STATUS_OK ||
        recording_verify(rig->rec, report, NULL, &findings, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    assert_int_equal(findings, 0);
    return recording_contents(rig->rec);
}

static void rig_end(struct rig *rig)
{
    recording_close(rig->rec);
    tick_release(&rig->tick);
    made_directory_close(&rig->directory);
}

/* A tick in which one process, pid 100 in slot 0, goes on. */
static void steady(struct rig *rig, int64_t start_ns, uint8_t flags, int64_t cpu)
{
    made_tick(&rig->tick, start_ns);
    if ((flags & ROW_FIRST) != 0) {
        made_birth(&rig->tick, 0, 100, 5000, START - SECOND_NS);
        made_name(&rig->tick, 0, START - SECOND_NS, "steady", NULL);
    }
    (void)made_row(&rig->tick, 0, flags, cpu, 4096);
}

static const struct process *process_of(struct rig *rig, size_t block, int64_t id)
{
    const struct process *process = NULL;
    struct error err = { 0 };

    if (recording_process(rig->rec, &recording_contents(rig->rec)->blocks[0][block], id, &process,
                          &err) != STATUS_OK)
        fail_msg("%s", err.message);
    return process;
}

static bool named(const struct version *version, enum process_text which, const char *text)
{
    return version->text[which].data != NULL && version->text[which].size == strlen(text) &&
           memcmp(version->text[which].data, text, strlen(text)) == 0;
}

static enum status count_process(void *context, const struct process *process, struct error *err)
{
    (void)process;
    (void)err;
    ++*(size_t *)context;
    return STATUS_OK;
}

static size_t processes(struct rig *rig)
{
    struct error err = { 0 };
    size_t count = 0;

    assert_int_equal(recording_processes(rig->rec, count_process, &count, &err), STATUS_OK);
    return count;
}

/* --- ids --- */

static void process_ids_are_never_given_twice(void **state)
{
    (void)state;
    struct rig rig;
    int64_t ids[6];

    rig_begin(&rig, 300);
    for (int i = 0; i < 6; i++) {
        if (i == 3) { /* another session, another boot */
            rig_stop(&rig, "stop");
            rig_session(&rig, START + 60 * SECOND_NS, 2);
        }
        made_tick(&rig.tick, START + (1 + i + (i >= 3 ? 60 : 0)) * SECOND_NS);
        made_birth(&rig.tick, 0, 100 + i, 1000 + (uint64_t)i, START);
        made_row(&rig.tick, 0, ROW_FIRST | ROW_LAST, 5, 5)->end_ns = rig.tick.start_ns;
        made_exit(&rig.tick, 0, 0, rig.tick.start_ns);
        rig_put(&rig);
        ids[i] = writer_process_id(rig.writer, 0);
        for (int k = 0; k < i; k++)
            assert_int_not_equal(ids[k], ids[i]);
    }
    (void)rig_read(&rig, "stop");
    assert_int_equal(processes(&rig), 6);
    rig_end(&rig);
}

static void an_entity_is_found_again_in_a_later_session(void **state)
{
    (void)state;
    struct rig rig;
    const struct recording_contents *c;

    rig_begin(&rig, 300);
    for (int session = 0; session < 2; session++) {
        int64_t start_ns = START + session * 60 * SECOND_NS;
        int64_t *values;
        uint8_t *missing;

        if (session == 1)
            rig_session(&rig, start_ns, 1);
        made_tick(&rig.tick, start_ns + SECOND_NS);
        made_entity(&rig.tick, ENTITY_CORE, session == 0 ? 4 : 9, "cpu4", "fifth core");
        made_entity(&rig.tick, ENTITY_DISK, 0, "cpu4", ""); /* the same key, another kind */
        tick_sampled(&rig.tick, TABLE_CPU);
        assert_non_null(tick_row_values(&rig.tick, TABLE_CPU, session == 0 ? 4 : 9, ROW_FIRST,
                                        &values, &missing));
        rig_put(&rig);
        if (session == 0)
            rig_stop(&rig, "stop");
    }
    c = rig_read(&rig, "stop");
    assert_int_equal(c->entity_count, 2);
    assert_int_equal(c->entities[0].kind, ENTITY_CORE);
    assert_string_equal(c->entities[0].label, "fifth core");
    rig_end(&rig);
}

static void a_process_of_the_same_boot_keeps_its_id(void **state)
{
    (void)state;
    struct rig rig;
    const struct process *p;
    int64_t id;

    rig_begin(&rig, 300);
    steady(&rig, START + SECOND_NS, ROW_FIRST, 10);
    rig_put(&rig);
    id = writer_process_id(rig.writer, 0);
    rig_stop(&rig, "stop");

    rig_session(&rig, START + 60 * SECOND_NS, 1);
    made_tick(&rig.tick, START + 61 * SECOND_NS);
    made_birth(&rig.tick, 7, 100, 5000, START - SECOND_NS);
    made_name(&rig.tick, 7, START + 61 * SECOND_NS, "renamed", NULL);
    (void)made_row(&rig.tick, 7, ROW_FIRST, 30, 4096);
    rig_put(&rig);
    assert_int_equal(writer_process_id(rig.writer, 7), id);
    made_tick(&rig.tick, START + 62 * SECOND_NS);
    made_row(&rig.tick, 7, ROW_LAST, 40, 0)->end_ns = START + 62 * SECOND_NS;
    made_exit(&rig.tick, 7, 256, START + 62 * SECOND_NS);
    rig_put(&rig);

    (void)rig_read(&rig, "stop");
    assert_int_equal(processes(&rig), 1);
    p = process_of(&rig, 1, id);
    assert_int_equal(p->session_id, 1);
    assert_int_equal(p->exit_code, 256);
    assert_int_equal(p->end_ns, START + 62 * SECOND_NS);
    assert_int_equal(p->version_count, 2);
    assert_true(named(&p->versions[0], PROCESS_COMM, "steady"));
    assert_true(named(&p->versions[1], PROCESS_COMM, "renamed"));
    rig_end(&rig);
}

static void a_process_of_another_boot_is_another_one(void **state)
{
    (void)state;
    struct rig rig;

    rig_begin(&rig, 300);
    steady(&rig, START + SECOND_NS, ROW_FIRST, 10);
    rig_put(&rig);
    rig_stop(&rig, "stop");
    rig_session(&rig, START + 60 * SECOND_NS, 2);
    steady(&rig, START + 61 * SECOND_NS, ROW_FIRST, 10);
    rig_put(&rig);
    assert_int_equal(writer_process_id(rig.writer, 0), 2);
    (void)rig_read(&rig, "stop");
    assert_int_equal(processes(&rig), 2);
    rig_end(&rig);
}

static void a_process_kept_over_a_kill_is_adopted(void **state)
{
    (void)state;
    struct rig rig;
    const struct process *p;

    rig_begin(&rig, 300);
    steady(&rig, START + SECOND_NS, ROW_FIRST, 10);
    rig_put(&rig);
    rig_stop(&rig, NULL);
    rig_session(&rig, START + 60 * SECOND_NS, 1);
    steady(&rig, START + 61 * SECOND_NS, ROW_FIRST, 10);
    rig_put(&rig);
    assert_int_equal(writer_process_id(rig.writer, 0), 1);
    (void)rig_read(&rig, "stop");
    p = process_of(&rig, 0, 1);
    assert_int_equal(p->pid, 100);
    assert_int_equal(p->version_count, 1);
    rig_end(&rig);
}

/* --- names across seals --- */

static void each_exec_is_a_version_whichever_block_it_is_in(void **state)
{
    (void)state;
    struct rig rig;
    const struct process *p;
    char comm[16];

    rig_begin(&rig, 5);
    for (int i = 0; i < 200; i++) { /* seals at each minute */
        steady(&rig, START + (1 + i) * SECOND_NS, i == 0 ? ROW_FIRST : 0, i);
        if (i % 25 == 24) {
            (void)snprintf(comm, sizeof comm, "exec-%d", i);
            made_name(&rig.tick, 0, rig.tick.start_ns, comm, i == 49 ? "exec --of 49" : NULL);
        }
        rig_put(&rig);
    }
    assert_int_equal(rig_read(&rig, "stop")->block_count[0], 4);
    p = process_of(&rig, 3, 1);
    assert_int_equal(p->version_count, 9);
    assert_true(named(&p->versions[0], PROCESS_COMM, "steady"));
    assert_null(p->versions[1].text[PROCESS_CMDLINE].data);
    for (int v = 1; v < 9; v++) {
        (void)snprintf(comm, sizeof comm, "exec-%d", v * 25 - 1);
        assert_true(named(&p->versions[v], PROCESS_COMM, comm));
        assert_int_equal(p->versions[v].from_ns, START + v * 25 * SECOND_NS);
        if (v >= 2) /* what a version does not tell is carried over, also across seals */
            assert_true(named(&p->versions[v], PROCESS_CMDLINE, "exec --of 49"));
    }
    rig_end(&rig);
}

static void a_version_is_completed_before_and_after_a_seal(void **state)
{
    (void)state;
    struct rig rig;
    const struct process *p;

    rig_begin(&rig, 5);
    for (int i = 0; i < 150; i++) {
        steady(&rig, START + (1 + i) * SECOND_NS, i == 0 ? ROW_FIRST : 0, i);
        if (i == 3) /* before it has a row */
            made_name(&rig.tick, 0, START - SECOND_NS, "steady", "first words");
        if (i == 130) /* after two seals */
            made_name(&rig.tick, 0, START - SECOND_NS, "renamed", NULL);
        rig_put(&rig);
    }
    (void)rig_read(&rig, "stop");
    p = process_of(&rig, 0, 1);
    assert_int_equal(p->version_count, 1);
    assert_true(named(&p->versions[0], PROCESS_COMM, "renamed"));
    assert_true(named(&p->versions[0], PROCESS_CMDLINE, "first words"));
    rig_end(&rig);
}

/* --- ends --- */

static void a_process_gone_without_notice_ends_at_its_last_row(void **state)
{
    (void)state;
    struct rig rig;
    const struct recording_contents *c;
    const struct recording_table *table;
    struct block_ticks ticks;
    struct block_table directory;
    struct error err = { 0 };

    rig_begin(&rig, 300);
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
        rig_put(&rig);
    }
    c = rig_read(&rig, "stop");
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
    assert_int_equal(process_of(&rig, 0, 1)->end_ns, NO_TIME);
    assert_int_equal(c->blocks[0][0].lifetime_count, 1);
    block_table_release(&directory);
    block_ticks_release(&ticks);
    rig_end(&rig);
}

static void a_slot_may_change_hands_in_one_tick(void **state)
{
    (void)state;
    struct rig rig;

    rig_begin(&rig, 300);
    for (int i = 0; i < 4; i++) {
        made_tick(&rig.tick, START + (1 + i) * SECOND_NS);
        made_birth(&rig.tick, 3, 100 + i, 1 + (uint64_t)i, START);
        (void)made_row(&rig.tick, 3, ROW_FIRST, 10 * i, 1);
        rig_put(&rig);
    }
    (void)rig_read(&rig, "stop");
    assert_int_equal(processes(&rig), 4);
    rig_end(&rig);
}

static void a_life_of_one_row_is_a_lifetime(void **state)
{
    (void)state;
    struct rig rig;
    const struct lifetimes *lifetimes;
    struct error err = { 0 };

    rig_begin(&rig, 300);
    for (int i = 0; i < 20; i++) {
        struct tick_row *row;

        made_tick(&rig.tick, START + (1 + i) * SECOND_NS);
        made_birth(&rig.tick, (uint32_t)i % 3, 100 + i, 1, rig.tick.start_ns - 500000000);
        made_name(&rig.tick, (uint32_t)i % 3, rig.tick.start_ns - 500000000, "short", "short -x");
        row = made_row(&rig.tick, (uint32_t)i % 3, ROW_FIRST | ROW_BORN | ROW_LAST, 1000 + i, 0);
        row->start_ns = rig.tick.start_ns - 500000000;
        row->end_ns = rig.tick.start_ns - 400000000;
        made_exit(&rig.tick, (uint32_t)i % 3, i, row->end_ns);
        rig_put(&rig);
    }
    (void)rig_read(&rig, "stop");
    assert_int_equal(
        recording_lifetimes(rig.rec, &recording_contents(rig.rec)->blocks[0][0], &lifetimes, &err),
        STATUS_OK);
    assert_int_equal(lifetimes->count, 20);
    for (size_t i = 0; i < 20; i++) {
        const struct rollup_cell *cpu =
            &lifetimes->cell[i * PROCESS_METRIC_COUNT + PROCESS_CPU_NS_TOTAL];

        assert_int_equal(lifetimes->process[i].exit_code, i);
        assert_int_equal(lifetimes->process[i].end_ns - lifetimes->process[i].start_ns, 100000000);
        assert_true(named(&lifetimes->process[i].versions[0], PROCESS_CMDLINE, "short -x"));
        assert_true(cpu->present);
        assert_int_equal(cpu->increase, 1000 + (int64_t)i);
    }
    rig_end(&rig);
}

/* --- where blocks end --- */

static void a_block_ends_between_minutes_once_it_is_full(void **state)
{
    (void)state;
    struct rig rig;
    const struct recording_contents *c;
    const int64_t minute_ns = 60 * SECOND_NS;

    rig_begin(&rig, 100);
    for (int i = 0; i < 1000; i++) {
        steady(&rig, START + 17 * SECOND_NS + i * SECOND_NS, i == 0 ? ROW_FIRST : 0, i);
        rig_put(&rig);
    }
    c = rig_read(&rig, "stop");
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
    rig_end(&rig);
}

static void a_slow_recording_still_ends_blocks_at_hours(void **state)
{
    (void)state;
    struct rig rig;
    const struct recording_contents *c;

    rig_begin(&rig, 300);
    for (int i = 0; i < 30; i++) {
        steady(&rig, START + i * 600 * SECOND_NS, i == 0 ? ROW_FIRST : 0, i);
        rig_put(&rig);
    }
    c = rig_read(&rig, "stop");
    assert_true(c->block_count[0] >= 5);
    for (size_t b = 0; b < c->block_count[0]; b++)
        assert_true(c->blocks[0][b].end_ns - c->blocks[0][b].start_ns <= 3600 * SECOND_NS);
    rig_end(&rig);
}

/* --- rules --- */

static void first_tick(struct rig *rig)
{
    steady(rig, START + SECOND_NS, ROW_FIRST, 1);
    rig_put(rig);
}

static void a_broken_rule_is_refused_and_leaves_no_trace(void **state)
{
    (void)state;
    struct rig rig;
    int64_t at = START + 2 * SECOND_NS;
    int64_t *values;
    uint8_t *missing;
    size_t refused = 0;

    rig_begin(&rig, 300);
    first_tick(&rig);

#define REFUSED(...)                                                                               \
    do {                                                                                           \
        steady(&rig, at, 0, 2);                                                                    \
        __VA_ARGS__;                                                                               \
        rig_refuse(&rig);                                                                          \
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
    steady(&rig, at, 0, 2);
    made_birth(&rig.tick, 5, 200, 1, at);
    (void)made_row(&rig.tick, 5, ROW_FIRST, 1, 1);
    rig_put(&rig);
    assert_int_equal(writer_process_id(rig.writer, 5), 2); /* no id was lost on the refused */
    assert_int_equal(refused, 17);
    assert_int_equal(rig_read(&rig, "stop")->blocks[0][0].tick_count, 2);
    assert_int_equal(processes(&rig), 2);
    rig_end(&rig);
}

static void an_incomplete_tick_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    struct error err = { 0 };

    rig_begin(&rig, 300);
    first_tick(&rig);
    steady(&rig, START + 2 * SECOND_NS, 0, 2);
    rig.tick.no_memory = true;
    assert_int_equal(writer_tick(rig.writer, &rig.tick, &err), STATUS_NO_MEMORY);
    steady(&rig, START + 3 * SECOND_NS, 0, 2);
    rig_put(&rig);
    assert_int_equal(rig_read(&rig, "stop")->blocks[0][0].tick_count, 2);
    rig_end(&rig);
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
        const struct recording_event *last;

        record_some(clean, lengths[i], true);
        record_some(killed, lengths[i], false);
        recover(killed);
        assert_true(compare_samples(clean, killed, lengths[i]) > 100);
        assert_int_equal(recording_open(&rec, killed, &err), STATUS_OK);
        c = recording_contents(rec);
        last = &c->events[c->event_count - 1];
        assert_string_equal(last->kind, "recovered");
        assert_int_equal(last->session_id, 1);
        assert_true(last->value > 0);
        assert_int_equal(last->at_ns, c->blocks[0][c->block_count[0] - 1].end_ns);
        recording_close(rec);
        (void)remove(clean);
        (void)remove(killed);
    }
    made_directory_close(&directory);
}

static void ids_after_a_kill_follow_those_of_the_tail(void **state)
{
    (void)state;
    struct rig rig;

    rig_begin(&rig, 300);
    steady(&rig, START + SECOND_NS, ROW_FIRST, 10);
    made_birth(&rig.tick, 1, 101, 1, START);
    made_row(&rig.tick, 1, ROW_FIRST | ROW_LAST, 1, 1)->end_ns = START + SECOND_NS;
    rig_put(&rig);
    rig_stop(&rig, NULL);
    rig_session(&rig, START + 60 * SECOND_NS, 2);
    made_tick(&rig.tick, START + 61 * SECOND_NS);
    made_birth(&rig.tick, 0, 300, 1, START);
    (void)made_row(&rig.tick, 0, ROW_FIRST, 1, 1);
    rig_put(&rig);
    assert_int_equal(writer_process_id(rig.writer, 0), 3);
    (void)rig_read(&rig, "stop");
    assert_int_equal(processes(&rig), 3);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(process_ids_are_never_given_twice),
        cmocka_unit_test(an_entity_is_found_again_in_a_later_session),
        cmocka_unit_test(a_process_of_the_same_boot_keeps_its_id),
        cmocka_unit_test(a_process_of_another_boot_is_another_one),
        cmocka_unit_test(a_process_kept_over_a_kill_is_adopted),
        cmocka_unit_test(each_exec_is_a_version_whichever_block_it_is_in),
        cmocka_unit_test(a_version_is_completed_before_and_after_a_seal),
        cmocka_unit_test(a_process_gone_without_notice_ends_at_its_last_row),
        cmocka_unit_test(a_slot_may_change_hands_in_one_tick),
        cmocka_unit_test(a_life_of_one_row_is_a_lifetime),
        cmocka_unit_test(a_block_ends_between_minutes_once_it_is_full),
        cmocka_unit_test(a_slow_recording_still_ends_blocks_at_hours),
        cmocka_unit_test(a_broken_rule_is_refused_and_leaves_no_trace),
        cmocka_unit_test(an_incomplete_tick_is_refused),
        cmocka_unit_test(recovery_gives_every_level_as_a_clean_end_does),
        cmocka_unit_test(ids_after_a_kill_follow_those_of_the_tail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
