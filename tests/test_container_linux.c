/* The collector of containers, with two engines of which one falls silent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "recorder/collectors/collectors_linux.h"
#include "recorder/collectors/docker_client.h"
#include "tests/support_engine.h"

#define WEB "aaaaaaaaaaaa"
#define MAIL "bbbbbbbbbbbb"

static void collect(struct test_collector *t)
{
    if (test_collector_tick(t) != STATUS_OK)
        fail_msg("%s", t->err.message);
}

static size_t row_count(const struct test_collector *t)
{
    return t->tick.table[TABLE_CONTAINER].row_count;
}

static void the_containers_of_a_silent_engine_are_not_taken_as_gone(void **state)
{
    (void)state;
    struct test_engine docker, podman;
    struct test_root root;
    struct test_collector t;
    uint32_t web, mail;

    if (docker_client_missing() != NULL)
        skip();
    test_root_open(&root);
    test_engine_begin(&docker, &root, "/var/run/docker.sock", WEB);
    test_engine_begin(&podman, &root, "/run/podman/podman.sock", MAIL);
    test_collector_open(&t, &container_collector, root.path);
    collect(&t);
    web = test_slot(&t, WEB);
    mail = test_slot(&t, MAIL);
    assert_int_equal(test_value(&t, mail, CONTAINER_TASKS), 5);
    for (int i = 0; i < 4; i++) { /* slots of what is gone would be free again by then */
        atomic_store(&docker.does, i % 2 == 0 ? ENGINE_CLOSES : ENGINE_ANSWERS);
        atomic_store(&podman.does, i % 2 == 1 ? ENGINE_CLOSES : ENGINE_ANSWERS);
        collect(&t);
        assert_int_equal(row_count(&t), 2);
        assert_int_equal(test_missing(&t, i % 2 == 0 ? web : mail, CONTAINER_TASKS),
                         MISSING_FAILED);
        assert_int_equal(test_missing(&t, i % 2 == 0 ? web : mail, CONTAINER_STATE),
                         MISSING_FAILED);
        assert_int_equal(test_value(&t, i % 2 == 0 ? mail : web, CONTAINER_TASKS), 5);
    }
    for (int i = 0; i < 3; i++) { /* and while both are */
        atomic_store(&docker.does, ENGINE_CLOSES);
        collect(&t);
        assert_false(t.tick.table[TABLE_CONTAINER].sampled);
    }
    atomic_store(&podman.does, ENGINE_IS_EMPTY);
    collect(&t);
    assert_int_equal(row_count(&t), 1); /* its own answer says that there is none */
    assert_int_equal(test_missing(&t, web, CONTAINER_TASKS), MISSING_FAILED);
    atomic_store(&docker.does, ENGINE_ANSWERS);
    collect(&t);
    assert_int_equal(test_row(&t, web)->flags, 0); /* it was there all the time */
    assert_int_equal(test_value(&t, web, CONTAINER_TASKS), 5);
    test_collector_close(&t);
    test_engine_end(&docker);
    test_engine_end(&podman);
    test_root_close(&root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_containers_of_a_silent_engine_are_not_taken_as_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
