/* Usage by name: what is added up stays what it is through storing, thinning and too many names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schema/usage.h"

static uint64_t random_state;

static uint64_t dice(uint64_t below)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (random_state >> 33) % below;
}

static struct build_shape shape;

static void begin(struct usage *usage)
{
    build_shape_of_table(&shape, TABLE_PROCESS, 0);
    usage_init(usage, &shape);
}

static struct usage_key key_of(char room[3][32], uint64_t comm, uint64_t user, uint64_t cgroup,
                               uint8_t flags)
{
    struct usage_key key = { .flags = flags, .uid_known = user != 3, .uid = (uint32_t)user };

    key.comm = (struct text){ room[0], (uint32_t)snprintf(room[0], 32, "comm %d", (int)comm) };
    key.user = (struct text){ room[1], (uint32_t)snprintf(room[1], 32, "%d", (int)user) };
    key.cgroup = (struct text){ room[2], (uint32_t)snprintf(room[2], 32, "/c%d", (int)cgroup) };
    if (cgroup == 0)
        key.cgroup = (struct text){ 0 };
    if (comm == 1)
        key.comm.size = 0; /* empty is not unknown */
    if (!key.uid_known)
        key.uid = 0;
    return key;
}

static void fill(struct rollup_cell cells[])
{
    for (unsigned m = 0; m < shape.metric_count; m++) {
        int64_t value = (int64_t)(dice(2) ? dice(100) : dice(1u << 31) * dice(1u << 20));

        cells[m] = (struct rollup_cell){ .present = dice(8) != 0,
                                         .covered_ns = (int64_t)dice(2000000000) + 1,
                                         .increase = value,
                                         .rate_max = value / 3,
                                         .max = value - 50,
                                         .sum = (int128)value << 40 };
    }
}

static void add(struct usage *usage, const struct usage_key *key)
{
    struct rollup_cell cells[TABLE_METRICS_MAX];
    struct error err = { 0 };
    size_t row;

    fill(cells);
    assert_int_equal(usage_find(usage, key, &row, &err), STATUS_OK);
    usage_add_cells(usage, row, cells);
    usage->row[row].process_count++;
}

static void add_many(struct usage *usage, unsigned count, unsigned comms, unsigned cgroups)
{
    char room[3][32];

    for (unsigned i = 0; i < count; i++) {
        struct usage_key key =
            key_of(room, dice(comms), dice(4), dice(cgroups), dice(2) ? USAGE_LIFETIMES : 0);

        add(usage, &key);
    }
}

static struct usage_sum total(const struct usage *usage, unsigned metric)
{
    struct usage_sum all = { 0 };

    for (size_t i = 0; i < usage->count; i++) {
        const struct usage_sum *sum = &usage_sums(usage, i)[metric];

        all.covered_ns += sum->covered_ns;
        all.increase += sum->increase;
        all.sum += sum->sum;
        if (sum->rate_max > all.rate_max)
            all.rate_max = sum->rate_max;
        if (sum->covered_ns != 0 && (all.max == 0 || sum->max > all.max))
            all.max = sum->max;
    }
    return all;
}

static int64_t processes(const struct usage *usage)
{
    int64_t count = 0;

    for (size_t i = 0; i < usage->count; i++)
        count += usage->row[i].process_count;
    return count;
}

static void assert_same_totals(const struct usage *a, const struct usage *b)
{
    for (unsigned m = 0; m < shape.metric_count; m++) {
        struct usage_sum x = total(a, m), y = total(b, m);

        assert_int_equal(x.covered_ns, y.covered_ns);
        assert_int_equal(x.increase, y.increase);
        assert_int_equal(x.rate_max, y.rate_max);
        assert_int_equal(x.max, y.max);
        assert_true(x.sum == y.sum);
    }
    assert_int_equal(processes(a), processes(b));
}

static void reread(const struct usage *usage, struct usage *again)
{
    struct byte_writer w = { 0 };
    struct byte_reader r;
    struct error err = { 0 };

    assert_int_equal(usage_encode(usage, &w, &err), STATUS_OK);
    r = (struct byte_reader){ .data = w.data, .size = w.used };
    if (usage_decode(again, usage->detail, &r, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    bytes_release(&w);
}

static void stored_and_read_again_it_is_the_same(void **state)
{
    struct usage usage, again;

    (void)state;
    begin(&usage);
    begin(&again);
    for (int round = 0; round < 200; round++) {
        usage_clear(&usage);
        add_many(&usage, (unsigned)dice(300), 1 + (unsigned)dice(40), 1 + (unsigned)dice(5));
        reread(&usage, &again);
        assert_int_equal(again.count, usage.count);
        for (size_t i = 0; i < usage.count; i++) {
            const struct usage_row *a = &usage.row[i], *b = &again.row[i];

            assert_int_equal(a->key.flags, b->key.flags);
            assert_int_equal(a->key.uid_known, b->key.uid_known);
            assert_int_equal(a->key.uid, b->key.uid);
            assert_true(text_same(&a->key.comm, &b->key.comm));
            assert_true(text_same(&a->key.user, &b->key.user));
            assert_true(text_same(&a->key.cgroup, &b->key.cgroup));
            assert_int_equal(a->process_count, b->process_count);
            assert_memory_equal(usage_sums(&usage, i), usage_sums(&again, i),
                                shape.metric_count * sizeof(struct usage_sum));
        }
    }
    usage_release(&usage);
    usage_release(&again);
}

static void too_many_names_are_put_together_and_nothing_is_lost(void **state)
{
    struct usage usage, whole, part;
    struct error err = { 0 };

    (void)state;
    begin(&usage);
    begin(&whole);
    begin(&part);
    whole.rows_max = SIZE_MAX; /* holds all */
    for (int round = 0; round < 40; round++) {
        usage_clear(&part);
        add_many(&part, 200, 30, 1 + (unsigned)round * 10);
        assert_int_equal(usage_merge(&usage, &part, &err), STATUS_OK);
        assert_int_equal(usage_merge(&whole, &part, &err), STATUS_OK);
        assert_true(usage.count <= USAGE_ROWS_MAX);
    }
    assert_true(whole.count > USAGE_ROWS_MAX);
    assert_int_equal(usage.together, USAGE_ALL_CGROUPS);
    for (unsigned m = 0; m < shape.metric_count; m++)
        assert_int_equal(total(&usage, m).increase, total(&whole, m).increase);
    /* Of one comm and user too. */
    for (size_t i = 0; i < usage.count; i++) {
        int64_t sum = 0;

        assert_null(usage.row[i].key.cgroup.data);
        for (size_t k = 0; k < whole.count; k++)
            if (whole.row[k].key.uid == usage.row[i].key.uid &&
                text_same(&whole.row[k].key.comm, &usage.row[i].key.comm) &&
                text_same(&whole.row[k].key.user, &usage.row[i].key.user) &&
                (whole.row[k].key.flags & USAGE_LIFETIMES) ==
                    (usage.row[i].key.flags & USAGE_LIFETIMES))
                sum += usage_sums(&whole, k)[0].increase;
        assert_int_equal(usage_sums(&usage, i)[0].increase, sum);
    }
    /* More comms than there is room for: the rest has no name. */
    add_many(&usage, 20000, 4000, 2);
    assert_true(usage.count <= USAGE_ROWS_MAX + 2);
    reread(&usage, &part);
    assert_same_totals(&usage, &part);
    usage_release(&usage);
    usage_release(&whole);
    usage_release(&part);
}

static void thinned_it_still_tells_the_increases(void **state)
{
    struct usage usage, again, late;
    struct error err = { 0 };
    struct usage_sum before[2];

    (void)state;
    begin(&usage);
    begin(&again);
    begin(&late);
    add_many(&usage, 500, 20, 3);
    before[0] = total(&usage, PROCESS_CPU_NS_TOTAL);
    before[1] = total(&usage, PROCESS_MINOR_FAULTS_TOTAL);
    assert_int_equal(usage_thin(&usage, USAGE_THIN, &err), STATUS_OK);
    assert_int_equal(total(&usage, PROCESS_CPU_NS_TOTAL).increase, before[0].increase);
    assert_int_equal(total(&usage, PROCESS_MINOR_FAULTS_TOTAL).increase, before[1].increase);
    assert_int_equal(total(&usage, PROCESS_RESIDENT_BYTES).covered_ns, 0);
    reread(&usage, &again);
    assert_int_equal(again.count, usage.count);
    assert_int_equal(total(&again, PROCESS_MINOR_FAULTS_TOTAL).increase, before[1].increase);
    assert_int_equal(usage_thin(&again, USAGE_BARE, &err), STATUS_OK);
    assert_int_equal(total(&again, PROCESS_CPU_NS_TOTAL).increase, before[0].increase);
    assert_int_equal(total(&again, PROCESS_MINOR_FAULTS_TOTAL).increase, 0);
    assert_int_equal(total(&again, PROCESS_MINOR_FAULTS_TOTAL).covered_ns, 0);
    /* What comes late to a thinned hour is thinned with it; a whole one that takes it, too. */
    add_many(&late, 50, 5, 2);
    before[1] = total(&late, PROCESS_CPU_NS_TOTAL);
    assert_int_equal(usage_merge(&late, &again, &err), STATUS_OK);
    assert_int_equal(late.detail, USAGE_BARE);
    assert_int_equal(total(&late, PROCESS_CPU_NS_TOTAL).increase,
                     before[0].increase + before[1].increase);
    usage_release(&usage);
    usage_release(&again);
    usage_release(&late);
}

static void what_is_damaged_is_told(void **state)
{
    struct usage usage, again;
    struct byte_writer w = { 0 };
    struct error err = { 0 };
    size_t told = 0;

    (void)state;
    begin(&usage);
    begin(&again);
    add_many(&usage, 60, 20, 3);
    assert_int_equal(usage_encode(&usage, &w, &err), STATUS_OK);
    for (size_t size = 0; size < w.used; size++) {
        struct byte_reader r = { .data = w.data, .size = size };

        assert_int_equal(usage_decode(&again, USAGE_WHOLE, &r, &err), STATUS_CORRUPT);
    }
    for (int i = 0; i < 3000; i++) {
        size_t at = dice(w.used);
        uint8_t kept = w.data[at];
        struct byte_reader r = { .data = w.data, .size = w.used };
        enum status st;

        w.data[at] ^= (uint8_t)(1u << dice(8));
        st = usage_decode(&again, (enum usage_detail)dice(3), &r, &err);
        assert_true(st == STATUS_OK || st == STATUS_CORRUPT);
        told += st == STATUS_CORRUPT;
        w.data[at] = kept;
    }
    assert_true(told > 1000);
    bytes_release(&w);
    usage_release(&usage);
    usage_release(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stored_and_read_again_it_is_the_same),
        cmocka_unit_test(too_many_names_are_put_together_and_nothing_is_lost),
        cmocka_unit_test(thinned_it_still_tells_the_increases),
        cmocka_unit_test(what_is_damaged_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
