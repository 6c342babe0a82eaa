/*
 * Merged ticks are a recording like any other: the writer takes them, the reader finds nothing
 * amiss, every tick that was kept has its values, and what was used in all is what was used.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recorder/tick_merge.h"
#include "tests/support_truth.h"
#include "tests/support_writer.h"

enum { TICKS = 400 };

/* A recording that is written from ticks of which some were merged. */
struct thinned {
    struct writer_rig rig;
    struct made_host host;
    struct truth truth;
    struct tick_merge merge;
    struct tick waiting; /* the latest tick that was not given to the writer yet */
    bool waits;
    int64_t at_ns[TICKS]; /* of those that were */
    uint64_t hash[TICKS];
    size_t kept, found, merged;
    int64_t lost;
};

/* Does a new process have the slot of one that was there before? Or is there a gap? */
static bool would_lose(const struct tick *later, const struct tick *earlier)
{
    const struct tick_table *rows = &earlier->table[TABLE_PROCESS];

    for (size_t b = 0; b < later->birth_count; b++)
        for (size_t i = 0; i < rows->row_count; i++)
            if (rows->rows[i].slot == later->births[b].slot)
                return true;
    return later->gap_before || earlier->gap_before;
}

static void pass_on(struct thinned *t)
{
    struct error err = { 0 };

    if (!t->waits)
        return;
    if (writer_tick(t->rig.writer, &t->waiting, &err) != STATUS_OK)
        fail_msg("tick at %lld: %s", (long long)t->waiting.start_ns, err.message);
    t->kept++;
    t->waits = false;
}

/* The host's tick becomes the one that waits, merged with what waited, or after it. */
static void put(struct thinned *t, bool merges, bool brief)
{
    struct tick *now = &t->host.tick, older;
    int64_t seq = now->seq, lost = 0;
    uint64_t hash = truth_of_tick(&t->truth, now);

    if (!merges)
        pass_on(t);
    if (t->waits) {
        assert_true(tick_merge(&t->merge, now, &t->waiting, brief, &lost));
        t->lost += lost;
        t->merged++;
    }
    older = t->waiting;
    t->waiting = *now;
    *now = older;
    tick_reset(now);
    now->seq = seq;
    t->waits = true;
    t->at_ns[t->kept] = t->waiting.start_ns;
    t->hash[t->kept] = hash;
}

static void thin(struct thinned *t, unsigned seed, bool loses, bool brief)
{
    memset(t, 0, sizeof *t);
    writer_rig_begin(&t->rig, 30);
    tick_init(&t->waiting);
    made_host_init(&t->host, seed, START, SECOND_NS, 20);
    made_host_restart(&t->host, true);
    srand(seed);
    for (size_t i = 0; i < TICKS; i++) {
        bool merges = rand() % 4 != 0;

        made_host_tick(&t->host);
        if (!loses && t->waits && would_lose(&t->host.tick, &t->waiting))
            merges = false;
        if (t->kept == 0) /* without it the session begins later: what was before does not count */
            merges = false;
        put(t, merges, brief);
    }
    pass_on(t);
}

static void end(struct thinned *t)
{
    made_host_release(&t->host);
    tick_release(&t->waiting);
    tick_merge_release(&t->merge);
    writer_rig_end(&t->rig);
}

static void find_tick(void *context, int64_t start_ns, uint64_t hash)
{
    struct thinned *t = context;

    assert_true(t->found < t->kept);
    assert_int_equal(start_ns, t->at_ns[t->found]);
    if (hash != t->hash[t->found])
        fail_msg("tick %zu has other values", t->found);
    t->found++;
}

static void nothing_is_missing_but_the_ticks(void **state)
{
    (void)state;
    static struct thinned t, whole;

    for (unsigned seed = 1; seed <= 20; seed++) {
        size_t processes, events;

        thin(&t, seed, false, false);
        assert_true(t.merged > TICKS / 10);
        assert_int_equal(t.lost, 0);
        events = writer_rig_read(&t.rig, "stop")->event_count;
        processes = writer_rig_processes(&t.rig);
        truth_read(t.rig.rec, find_tick, &t);
        assert_int_equal(t.found, t.kept);

        memset(&whole, 0, sizeof whole);
        writer_rig_begin(&whole.rig, 30);
        made_host_init(&whole.host, seed, START, SECOND_NS, 20);
        made_host_restart(&whole.host, true);
        made_host_record(&whole.host, whole.rig.writer, TICKS);
        assert_int_equal(writer_rig_read(&whole.rig, "stop")->event_count, events);
        assert_int_equal(writer_rig_processes(&whole.rig), processes);
        assert_int_equal(truth_cpu_ns(t.rig.path), truth_cpu_ns(whole.rig.path));
        end(&whole);
        end(&t);
    }
}

static void a_slot_that_returned_costs_the_older_process(void **state)
{
    (void)state;
    static struct thinned t;

    for (unsigned seed = 1; seed <= 20; seed++) {
        thin(&t, seed, true, false);
        assert_true(t.lost > 0);
        (void)writer_rig_read(&t.rig, "stop"); /* nothing is amiss */
        truth_read(t.rig.rec, find_tick, &t);
        assert_int_equal(t.found, t.kept);
        end(&t);
    }
}

static void short_lives_are_given_up_when_told_so(void **state)
{
    (void)state;
    static struct thinned t;
    struct writer_rig *rig = &t.rig;
    int64_t lost = 0;
    struct tick later;

    for (int brief = 0; brief < 2; brief++) {
        writer_rig_begin(rig, 30);
        writer_rig_steady(rig, START, ROW_FIRST, 5);
        writer_rig_put(rig);
        writer_rig_steady(rig, START + SECOND_NS, 0, 10);
        made_birth(&rig->tick, 7, 200, 6000, START);
        made_name(&rig->tick, 7, START, "brief", NULL);
        made_row(&rig->tick, 7, ROW_FIRST | ROW_LAST, 3, 0)->end_ns = START + SECOND_NS / 2;
        made_exit(&rig->tick, 7, 0, START + SECOND_NS / 2);
        later = rig->tick;
        tick_init(&rig->tick);
        writer_rig_steady(rig, START + 2 * SECOND_NS, 0, 20);
        assert_true(tick_merge(&t.merge, &rig->tick, &later, brief != 0, &lost));
        assert_int_equal(lost, brief);
        tick_release(&later);
        writer_rig_put(rig);
        (void)writer_rig_read(rig, "stop");
        assert_int_equal(writer_rig_processes(rig), brief != 0 ? 1 : 2);
        tick_merge_release(&t.merge);
        writer_rig_end(rig);
        memset(&t, 0, sizeof t);
    }
}

/* The values of `metric` in the one row of slot 0. */
static int64_t value_of(const struct tick *tick, enum table_id table, unsigned metric)
{
    const struct tick_table *t = &tick->table[table];

    assert_int_equal(t->row_count, 1);
    return t->values[t->rows[0].at * t->width + metric];
}

static void what_was_not_read_again_stays(void **state)
{
    (void)state;
    struct tick earlier, later;
    struct tick_merge merge = { 0 };
    int64_t *values, lost;
    uint8_t *missing;

    tick_init(&earlier);
    tick_init(&later);
    tick_sampled(&earlier, TABLE_CPU);
    tick_sampled(&earlier, TABLE_MEMORY);
    tick_sampled(&later, TABLE_CPU);
    later.table[TABLE_CPU].column_mask &= ~(UINT64_C(1) << CPU_FREQUENCY_HZ);
    assert_non_null(tick_row_values(&earlier, TABLE_CPU, 0, 0, &values, &missing));
    values[CPU_USER_NS_TOTAL] = 1;
    values[CPU_FREQUENCY_HZ] = 2000;
    assert_non_null(tick_row_values(&earlier, TABLE_MEMORY, 0, 0, &values, &missing));
    values[MEMORY_FREE_BYTES] = 4096;
    assert_non_null(tick_row_values(&later, TABLE_CPU, 0, 0, &values, &missing));
    values[CPU_USER_NS_TOTAL] = 2;
    assert_true(tick_merge(&merge, &later, &earlier, false, &lost));
    assert_int_equal(value_of(&later, TABLE_CPU, CPU_USER_NS_TOTAL), 2);
    assert_int_equal(value_of(&later, TABLE_CPU, CPU_FREQUENCY_HZ), 2000);
    assert_true(later.table[TABLE_CPU].column_mask >> CPU_FREQUENCY_HZ & 1);
    assert_true(later.table[TABLE_MEMORY].sampled);
    assert_int_equal(value_of(&later, TABLE_MEMORY, MEMORY_FREE_BYTES), 4096);
    tick_merge_release(&merge);
    tick_release(&earlier);
    tick_release(&later);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_missing_but_the_ticks),
        cmocka_unit_test(a_slot_that_returned_costs_the_older_process),
        cmocka_unit_test(short_lives_are_given_up_when_told_so),
        cmocka_unit_test(what_was_not_read_again_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
