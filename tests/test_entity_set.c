/* Slots of entities: announced once, first rows marked, slots given on only when that is safe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recorder/entity_set.h"

enum { MANY = 500 };

struct rig {
    struct entity_set set;
    struct tick tick;
};

static void rig_begin(struct rig *rig, size_t most)
{
    *rig = (struct rig){ .set = { .kind = ENTITY_DISK, .most = most } };
    tick_init(&rig->tick);
}

static void rig_end(struct rig *rig)
{
    entity_set_release(&rig->set);
    tick_release(&rig->tick);
}

static struct entity_seen see(struct rig *rig, const char *key)
{
    return entity_set_see(&rig->set, &rig->tick, key, "label", ENTITY_NO_SLOT);
}

/* A sampled tick with those keys; NULL ends them. Returns how many were announced. */
static size_t pass(struct rig *rig, const char *const keys[])
{
    size_t announced;

    tick_reset(&rig->tick);
    entity_set_begin(&rig->set);
    for (; *keys != NULL; keys++)
        assert_true(see(rig, *keys).slot != ENTITY_NO_SLOT);
    entity_set_end(&rig->set, &rig->tick);
    announced = rig->tick.entity_count;
    return announced;
}

static void each_is_announced_once_and_its_first_row_is_marked(void **state)
{
    struct rig rig;
    struct entity_seen seen;

    (void)state;
    rig_begin(&rig, 0);
    entity_set_begin(&rig.set);
    seen = see(&rig, "sda");
    assert_true(seen.fresh);
    assert_int_equal(seen.flags, ROW_FIRST);
    entity_set_end(&rig.set, &rig.tick);
    assert_int_equal(rig.tick.entity_count, 1);
    assert_int_equal(rig.tick.entities[0].kind, ENTITY_DISK);
    assert_int_equal(rig.tick.entities[0].key.size, 3);
    entity_set_begin(&rig.set);
    seen = see(&rig, "sda");
    assert_false(seen.fresh);
    assert_int_equal(seen.flags, 0);
    assert_int_equal(see(&rig, "sda").slot, ENTITY_NO_SLOT); /* twice in a tick */
    assert_int_equal(rig.tick.entity_count, 1);
    rig_end(&rig);
}

static void one_that_comes_back_begins_anew_in_its_slot(void **state)
{
    const char *const both[] = { "sda", "sdb", NULL };
    const char *const one[] = { "sdb", NULL };
    struct entity_seen seen;
    struct rig rig;

    (void)state;
    rig_begin(&rig, 0);
    assert_int_equal(pass(&rig, both), 2);
    assert_int_equal(pass(&rig, one), 0);
    entity_set_begin(&rig.set);
    seen = see(&rig, "sda");
    assert_int_equal(seen.slot, 0);
    assert_int_equal(seen.flags, ROW_FIRST);
    assert_false(seen.fresh);
    rig_end(&rig);
}

static void a_slot_is_given_on_after_two_ticks_without_it(void **state)
{
    const char *const old[] = { "sda", NULL };
    const char *const none[] = { NULL };
    const char *const new[] = { "sdz", NULL };
    struct rig rig;

    (void)state;
    rig_begin(&rig, 0);
    assert_int_equal(pass(&rig, old), 1);
    assert_int_equal(pass(&rig, none), 0);
    assert_int_equal(entity_set_find(&rig.set, "sda"), 0);
    assert_int_equal(pass(&rig, none), 0);
    assert_int_equal(entity_set_find(&rig.set, "sda"), ENTITY_NO_SLOT);
    assert_int_equal(pass(&rig, new), 1);
    assert_int_equal(entity_set_find(&rig.set, "sdz"), 0);
    rig_end(&rig);
}

static void while_ticks_wait_no_slot_is_given_on(void **state)
{
    const char *const old[] = { "sda", NULL };
    struct rig rig;

    (void)state;
    rig_begin(&rig, 0);
    (void)pass(&rig, old);
    for (int i = 0; i < 5; i++) {
        tick_reset(&rig.tick);
        rig.tick.slots_held = true;
        entity_set_begin(&rig.set);
        entity_set_end(&rig.set, &rig.tick);
    }
    entity_set_begin(&rig.set);
    assert_int_equal(see(&rig, "sdz").slot, 1);
    rig_end(&rig);
}

static void more_than_the_most_are_refused_and_counted(void **state)
{
    struct rig rig;
    char key[16];

    (void)state;
    rig_begin(&rig, 3);
    entity_set_begin(&rig.set);
    for (int i = 0; i < 5; i++) {
        (void)snprintf(key, sizeof key, "d%d", i);
        assert_int_equal(see(&rig, key).slot == ENTITY_NO_SLOT, i >= 3);
    }
    assert_int_equal(rig.set.refused, 2);
    assert_false(rig.tick.no_memory);
    rig_end(&rig);
}

static void many_that_come_and_go_are_told_apart(void **state)
{
    struct rig rig;
    char key[16];

    (void)state;
    rig_begin(&rig, 0);
    for (unsigned round = 0; round < 20; round++) {
        tick_reset(&rig.tick);
        entity_set_begin(&rig.set);
        for (unsigned i = 0; i < MANY; i++) {
            uint32_t slot;

            if ((i + round) % 3 == 0)
                continue;
            (void)snprintf(key, sizeof key, "d%u", i * (1 + round / 5));
            slot = see(&rig, key).slot;
            assert_true(slot < 2 * MANY);
            assert_string_equal(rig.set.item[slot].key, key);
            assert_int_equal(entity_set_find(&rig.set, key), slot);
        }
        entity_set_end(&rig.set, &rig.tick);
    }
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_announced_once_and_its_first_row_is_marked),
        cmocka_unit_test(one_that_comes_back_begins_anew_in_its_slot),
        cmocka_unit_test(a_slot_is_given_on_after_two_ticks_without_it),
        cmocka_unit_test(while_ticks_wait_no_slot_is_given_on),
        cmocka_unit_test(more_than_the_most_are_refused_and_counted),
        cmocka_unit_test(many_that_come_and_go_are_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
