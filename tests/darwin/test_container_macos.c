/* Containers of a Mac: the products' sockets, and engines that do not behave. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "recorder/collectors/collectors_macos.h"
#include "recorder/collectors/docker_client.h"
#include "recorder/collectors/docker_socket.h"
#include "tests/darwin/support_mac.h"
#include "tests/support_engine.h"

#define DOCKER "/var/run/docker.sock"
#define HOME "/Users/a"
#define WEB "aaaaaaaaaaaa"

static struct docker_socket found[DOCKER_SOCKETS_MAX];
static size_t count;
static struct error err;

static enum status find(const struct test_root *root, const char *host)
{
    const struct docker_surroundings around = { root->path, host, NULL, HOME };

    err = (struct error){ 0 };
    return docker_sockets_find(found, &count, &around, &err);
}

static void each_products_socket_is_found(void **state)
{
    (void)state;
    static const char *const products[] = {
        DOCKER,
        HOME "/.docker/run/docker.sock",
        HOME "/.orbstack/run/docker.sock",
        HOME "/.colima/default/docker.sock",
        HOME "/.config/colima/default/docker.sock",
        HOME "/.rd/docker.sock",
        HOME "/.local/share/containers/podman/machine/podman.sock",
        HOME "/.local/share/containers/podman/machine/qemu/podman.sock",
    };
    struct test_engine engine[COUNT_OF(products)];
    struct test_root root;

    test_root_open(&root);
    assert_int_equal(find(&root, NULL), STATUS_ABSENT);
    assert_non_null(strstr(err.message, "~/.docker/run/docker.sock"));
    for (size_t i = 0; i < COUNT_OF(products); i++)
        test_engine_begin(&engine[i], &root, products[i], WEB);
    assert_int_equal(find(&root, NULL), STATUS_OK);
    assert_int_equal(count, COUNT_OF(products));
    for (size_t i = 0; i < COUNT_OF(products); i++) {
        assert_string_equal(found[i].path + strlen(root.path), products[i]);
        assert_int_equal(found[i].failure, 0);
    }
    assert_int_equal(find(&root, "unix://" HOME "/.rd/docker.sock"), STATUS_OK);
    assert_int_equal(count, 1); /* the one that DOCKER_HOST names, and no other */
    for (size_t i = 0; i < COUNT_OF(products); i++)
        test_engine_end(&engine[i]);
    test_root_close(&root);
}

static void link_to(const struct test_root *root, const char *target)
{
    char from[128], to[128];

    test_root_write(root, DOCKER, ""); /* and the directories above it */
    test_root_remove(root, DOCKER);
    (void)snprintf(from, sizeof from, "%s" DOCKER, root->path);
    (void)snprintf(to, sizeof to, "%s%s", root->path, target);
    assert_int_equal(symlink(to, from), 0);
}

static void a_link_that_leads_nowhere_is_none_and_one_to_a_product_is_no_second(void **state)
{
    (void)state;
    static const char orbstack[] = HOME "/.orbstack/run/docker.sock";
    struct test_engine engine;
    struct test_root root;

    test_root_open(&root);
    link_to(&root, orbstack);
    assert_int_equal(find(&root, NULL), STATUS_ABSENT);
    test_engine_begin(&engine, &root, orbstack, WEB);
    assert_int_equal(find(&root, NULL), STATUS_OK);
    assert_int_equal(count, 1);
    assert_string_equal(found[0].path + strlen(root.path), DOCKER);
    test_engine_end(&engine);
    assert_int_equal(find(&root, NULL), STATUS_OK);
    assert_int_equal(found[0].failure, ECONNREFUSED);
    test_root_close(&root);
}

/* --- the collector --- */

static void collect(struct test_collector *t)
{
    if (test_collector_tick(t) != STATUS_OK)
        fail_msg("%s", t->err.message);
}

static void a_refused_engine_is_told_of_and_used_once_it_listens(void **state)
{
    (void)state;
    struct test_engine engine;
    struct test_root root;
    struct test_collector t;
    char path[128];

    if (docker_client_missing() != NULL)
        skip();
    test_root_open(&root);
    test_engine_begin(&engine, &root, DOCKER, WEB);
    test_engine_end(&engine);
    test_collector_open(&t, &container_collector, root.path);
    assert_int_equal(t.capability.status, CAPABILITY_PARTIAL);
    assert_non_null(strstr(t.capability.reason, "nobody listens there yet"));
    collect(&t);
    assert_false(t.tick.table[TABLE_CONTAINER].sampled);
    assert_non_null(test_event(&t, "not_answering", 0));
    (void)snprintf(path, sizeof path, "%s" DOCKER, root.path);
    assert_int_equal(unlink(path), 0);
    test_engine_begin(&engine, &root, DOCKER, WEB);
    collect(&t);
    assert_non_null(test_event(&t, "answering", 0));
    assert_int_equal(test_value(&t, test_slot(&t, WEB), CONTAINER_TASKS), 5);
    test_collector_close(&t);
    test_engine_end(&engine);
    test_root_close(&root);
}

static void an_engine_may_hang_chunk_its_answers_say_null_or_lose_a_container(void **state)
{
    (void)state;
    struct test_engine engine;
    struct test_root root;
    struct test_collector t;
    uint32_t web;

    if (docker_client_missing() != NULL)
        skip();
    test_root_open(&root);
    test_engine_begin(&engine, &root, DOCKER, WEB);
    test_collector_open(&t, &container_collector, root.path);
    assert_int_equal(t.capability.status, CAPABILITY_OK);
    atomic_store(&engine.does, ENGINE_CHUNKS);
    collect(&t);
    web = test_slot(&t, WEB);
    assert_int_equal(test_value(&t, web, CONTAINER_TASKS), 5);
    assert_int_equal(test_value(&t, web, CONTAINER_CPU_NS_TOTAL), 7);
    assert_int_equal(test_value(&t, web, CONTAINER_RECEIVED_BYTES_TOTAL), 300);
    atomic_store(&engine.does, ENGINE_NULLS);
    collect(&t);
    assert_int_equal(test_value(&t, web, CONTAINER_TASKS), 5);
    assert_int_equal(test_missing(&t, web, CONTAINER_RECEIVED_BYTES_TOTAL), MISSING_NOT_THERE);
    assert_true(test_missing(&t, web, CONTAINER_MEMORY_BYTES) != MISSING_NONE);
    atomic_store(&engine.does, ENGINE_LOSES_THEM);
    collect(&t);
    assert_int_equal(test_missing(&t, web, CONTAINER_TASKS), MISSING_NOT_THERE);
    atomic_store(&engine.does, ENGINE_HANGS);
    collect(&t); /* comes back */
    assert_false(t.tick.table[TABLE_CONTAINER].sampled);
    assert_non_null(test_event(&t, "not_answering", 0));
    test_engine_end(&engine);
    test_collector_close(&t);
    test_root_close(&root);
}

static void it_says_that_processes_of_containers_are_in_a_virtual_machine(void **state)
{
    (void)state;
    assert_non_null(strstr(container_collector.absence, "virtual machine"));
    assert_non_null(strstr(container_collector.source, "OrbStack"));
}

int main(void)
{
    struct fake_process own = mac_process(1, 1, "own");
    struct scenario scenario = mac_scenario(&own, 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_products_socket_is_found),
        cmocka_unit_test(a_link_that_leads_nowhere_is_none_and_one_to_a_product_is_no_second),
        cmocka_unit_test(a_refused_engine_is_told_of_and_used_once_it_listens),
        cmocka_unit_test(an_engine_may_hang_chunk_its_answers_say_null_or_lose_a_container),
        cmocka_unit_test(it_says_that_processes_of_containers_are_in_a_virtual_machine),
    };

    fake_boot(&scenario);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
