/* What container engines answer, and what nobody should. */
#include "recorder/collectors/docker_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define STATS(text) "{\"id\":\"" ID "\"," text "}"

static struct docker_list list;
static struct docker_container container;
static struct error err;

static enum status parse_list(const char *text)
{
    list.count = 0;
    list.left_out = 0;
    return docker_parse_list(text, strlen(text), &list, &err);
}

static enum status parse_stats(const char *text)
{
    memset(&container, 0, sizeof container);
    memcpy(container.id, ID, sizeof ID);
    docker_all_missing(&container, MISSING_NOT_SAMPLED);
    return docker_parse_stats(text, strlen(text), &container, &err);
}

static enum status parse_inspect(const char *text)
{
    memset(&container, 0, sizeof container);
    docker_all_missing(&container, MISSING_NOT_SAMPLED);
    return docker_parse_inspect(text, strlen(text), &container, &err);
}

static void assert_value(enum container_metric metric, int64_t value)
{
    if (container.missing[metric] != MISSING_NONE || container.value[metric] != value)
        fail_msg("metric %d is %lld, missing %d", (int)metric, (long long)container.value[metric],
                 container.missing[metric]);
}

static void assert_missing(enum container_metric metric, enum missing why)
{
    if (container.missing[metric] != why)
        fail_msg("metric %d: missing %d instead of %d", (int)metric, container.missing[metric],
                 (int)why);
}

static void the_list_gives_ids_names_and_states(void **state)
{
    (void)state;
    assert_int_equal(
        parse_list("[{\"Id\":\"" ID "\",\"Names\":[\"/web\"],\"Image\":\"nginx\",\"State\":"
                   "\"running\",\"Labels\":{\"a\":\"b\"}},"
                   "{\"Id\":\"0123456789ab\",\"Names\":null,\"State\":\"Exited\"},"
                   "{\"Id\":\"abcdef012345abc\",\"Names\":[\"plain\"],\"Image\":\"\"}]"),
        STATUS_OK);
    assert_int_equal(list.count, 3);
    assert_string_equal(list.container[0].id, ID);
    assert_string_equal(list.container[0].label, "web (nginx)");
    assert_int_equal(list.container[0].value[CONTAINER_STATE], CONTAINER_RUNNING);
    assert_int_equal(list.container[0].missing[CONTAINER_CPU_NS_TOTAL], MISSING_NOT_SAMPLED);
    assert_string_equal(list.container[1].label, "0123456789ab");
    assert_int_equal(list.container[1].value[CONTAINER_STATE], 6);
    assert_string_equal(list.container[2].label, "plain");
    assert_int_equal(list.container[2].value[CONTAINER_STATE], CONTAINER_UNKNOWN);
    assert_int_equal(parse_list("[]"), STATUS_OK);
    assert_int_equal(list.count, 0);
}

static void what_is_no_container_is_left_out(void **state)
{
    (void)state;
    assert_int_equal(parse_list("[1,null,{},[],{\"Id\":\"../../../etc\"},{\"Id\":\"0123456789AB\"},"
                                "{\"Id\":\"0123\"},{\"Id\":\"" ID "0\"},{\"Id\":\"" ID "\\u0000\"},"
                                "{\"Id\":\"" ID "\"},{\"Id\":\"" ID "\"}]"),
                     STATUS_OK);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.left_out, 10);
}

static void the_list_and_its_labels_are_bounded(void **state)
{
    (void)state;
    enum { MANY = 300, ROOM = 400 };
    char *text = malloc(MANY * ROOM + 16);
    size_t used = 1;

    assert_non_null(text);
    text[0] = '[';
    for (int i = 0; i < MANY; i++)
        used += (size_t)snprintf(text + used, ROOM,
                                 "%s{\"Id\":\"%064x\",\"Names\":[\"%0200d\"],\"Image\":\"%0100d\"}",
                                 i > 0 ? "," : "", i, i, i);
    memcpy(text + used, "]", 2);
    assert_int_equal(parse_list(text), STATUS_OK);
    assert_int_equal(list.count, DOCKER_CONTAINERS_MAX);
    assert_int_equal(list.left_out, MANY - DOCKER_CONTAINERS_MAX);
    assert_true(strlen(list.container[7].label) <= DOCKER_LABEL_MAX);
    free(text);
}

static void statistics_are_read_in_stored_units(void **state)
{
    (void)state;
    assert_int_equal(
        parse_stats(STATS(
            "\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":123456789},"
            "\"throttling_data\":{\"throttled_time\":5999}},"
            "\"memory_stats\":{\"usage\":1000,\"limit\":5000,\"stats\":{\"inactive_file\":300}},"
            "\"pids_stats\":{\"current\":3},"
            "\"networks\":{\"a\":{\"rx_bytes\":1,\"tx_bytes\":2},\"b\":{\"rx_bytes\":10,\"tx_"
            "bytes\":20}},"
            "\"blkio_stats\":{\"io_service_bytes_recursive\":[{\"op\":\"Read\",\"value\":7},"
            "{\"op\":\"write\",\"value\":8},{\"op\":\"Total\",\"value\":15},{\"op\":\"read\","
            "\"value\":1}]}")),
        STATUS_OK);
    assert_value(CONTAINER_CPU_NS_TOTAL, 123456);
    assert_value(CONTAINER_THROTTLED_NS_TOTAL, 5);
    assert_value(CONTAINER_MEMORY_BYTES, 700);
    assert_value(CONTAINER_MEMORY_LIMIT_BYTES, 5000);
    assert_value(CONTAINER_TASKS, 3);
    assert_value(CONTAINER_RECEIVED_BYTES_TOTAL, 11);
    assert_value(CONTAINER_SENT_BYTES_TOTAL, 22);
    assert_value(CONTAINER_IO_READ_BYTES_TOTAL, 8);
    assert_value(CONTAINER_IO_WRITTEN_BYTES_TOTAL, 8);
}

static void what_is_not_told_is_not_zero(void **state)
{
    (void)state;
    assert_int_equal(parse_stats("{\"cpu_stats\":{},\"memory_stats\":{\"limit\":0},\"networks\":{},"
                                 "\"blkio_stats\":{\"io_service_bytes_recursive\":null}}"),
                     STATUS_OK);
    for (unsigned metric = 0; metric < CONTAINER_STATE; metric++)
        assert_missing((enum container_metric)metric, MISSING_NOT_THERE);
    assert_int_equal(parse_stats("{}"), STATUS_OK);
    for (unsigned metric = 0; metric < CONTAINER_STATE; metric++)
        assert_missing((enum container_metric)metric, MISSING_NOT_THERE);
}

static void a_limit_that_is_none_is_missing(void **state)
{
    (void)state;
    static const char *const none[] = { "0", "9223372036854771712", "18446744073709551615" };
    char text[128];

    for (size_t i = 0; i < COUNT_OF(none); i++) {
        (void)snprintf(text, sizeof text, "{\"memory_stats\":{\"usage\":5,\"limit\":%s}}", none[i]);
        assert_int_equal(parse_stats(text), STATUS_OK);
        assert_missing(CONTAINER_MEMORY_LIMIT_BYTES, MISSING_NOT_THERE);
        assert_value(CONTAINER_MEMORY_BYTES, 5);
    }
}

static void numbers_that_cannot_be_have_failed(void **state)
{
    (void)state;
    static const char *const impossible[] = { "-1",    "1e999", "-1e999", "9223372036854775808",
                                              "\"5\"", "{}",    "[5]",    "true",
                                              "1e20" };
    char text[512];

    for (size_t i = 0; i < COUNT_OF(impossible); i++) {
        (void)snprintf(text, sizeof text,
                       "{\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":%s}},\"pids_stats\":{"
                       "\"current\":%s},\"memory_stats\":{\"usage\":%s},\"networks\":{\"a\":{"
                       "\"rx_bytes\":%s,\"tx_bytes\":1}},\"blkio_stats\":{"
                       "\"io_service_bytes_recursive\":[{\"op\":\"read\",\"value\":%s}]}}",
                       impossible[i], impossible[i], impossible[i], impossible[i], impossible[i]);
        assert_int_equal(parse_stats(text), STATUS_OK);
        assert_missing(CONTAINER_CPU_NS_TOTAL, MISSING_FAILED);
        assert_missing(CONTAINER_TASKS, MISSING_FAILED);
        assert_missing(CONTAINER_MEMORY_BYTES, MISSING_FAILED);
        assert_missing(CONTAINER_RECEIVED_BYTES_TOTAL, MISSING_FAILED);
        assert_missing(CONTAINER_IO_READ_BYTES_TOTAL, MISSING_FAILED);
        assert_value(CONTAINER_SENT_BYTES_TOTAL, 1);
    }
}

static void sums_that_do_not_fit_have_failed(void **state)
{
    (void)state;
    assert_int_equal(
        parse_stats(
            "{\"networks\":{\"a\":{\"rx_bytes\":9e18,\"tx_bytes\":1},\"b\":{\"rx_bytes\":9e18}}}"),
        STATUS_OK);
    assert_missing(CONTAINER_RECEIVED_BYTES_TOTAL, MISSING_FAILED);
    assert_missing(CONTAINER_SENT_BYTES_TOTAL, MISSING_FAILED);
}

static void statistics_of_another_are_not_taken(void **state)
{
    (void)state;
    assert_int_equal(parse_stats("{\"id\":\"f00\",\"pids_stats\":{\"current\":3}}"),
                     STATUS_CORRUPT);
    assert_missing(CONTAINER_TASKS, MISSING_NOT_SAMPLED);
    assert_int_equal(parse_stats("[]"), STATUS_CORRUPT);
}

static void restarts_are_those_of_the_container_itself(void **state)
{
    (void)state;
    assert_int_equal(
        parse_inspect("{\"Config\":{\"Env\":[\"RestartCount\",\"\\\"RestartCount\\\": 7\"],"
                      "\"RestartCount\":8},\"RestartCount\" : 3 ,\"x\":\"RestartCount\"}"),
        STATUS_OK);
    assert_value(CONTAINER_RESTARTS_TOTAL, 3);
    assert_int_equal(parse_inspect("{\"State\":{\"RestartCount\":8}}"), STATUS_OK);
    assert_missing(CONTAINER_RESTARTS_TOTAL, MISSING_NOT_THERE);
    assert_int_equal(parse_inspect("{\"RestartCount\":\"3\"}"), STATUS_OK);
    assert_missing(CONTAINER_RESTARTS_TOTAL, MISSING_FAILED);
    assert_int_equal(parse_inspect("{\"RestartCount\":-3}"), STATUS_OK);
    assert_missing(CONTAINER_RESTARTS_TOTAL, MISSING_FAILED);
    assert_int_equal(parse_inspect("{\"RestartCount\":{}}"), STATUS_OK);
    assert_missing(CONTAINER_RESTARTS_TOTAL, MISSING_FAILED);
}

static void every_truncation_is_corrupt(void **state)
{
    (void)state;
    static const char *const whole[] = {
        "[{\"Id\":\"" ID "\",\"Names\":[\"/we\\\"b\"],\"State\":\"running\"}]",
        STATS("\"pids_stats\":{\"current\":3}"),
        "{\"a\":[\"b\\\\\"],\"RestartCount\":3}",
    };

    for (size_t i = 0; i < COUNT_OF(whole); i++) {
        for (size_t cut = 0; cut < strlen(whole[i]); cut++) {
            char *text = strndup(whole[i], cut); /* nothing behind its NUL is read */
            enum status st;

            assert_non_null(text);
            st = i == 0 ? parse_list(text) : i == 1 ? parse_stats(text) : parse_inspect(text);
            if (st != STATUS_CORRUPT)
                fail_msg("%s: status %d", text, (int)st);
            free(text);
        }
    }
}

static void repeat(char *text, char c, size_t count)
{
    memset(text, c, count);
    text[count] = '\0';
}

static void depth_and_number_of_values_are_bounded(void **state)
{
    (void)state;
    enum { LARGE = 1000000 };
    char *text = malloc(LARGE + 16);

    assert_non_null(text);
    repeat(text, '[', LARGE);
    assert_int_equal(parse_list(text), STATUS_CORRUPT);
    assert_int_equal(parse_stats(text), STATUS_CORRUPT);
    for (size_t i = 0; i < LARGE; i += 2)
        memcpy(text + i, "1,", 2);
    text[0] = '[';
    text[1] = ' ';
    memcpy(text + LARGE, "1]", 3);
    assert_int_equal(parse_list(text), STATUS_CORRUPT);
    memcpy(text, "{\"a\":[", 6);
    memcpy(text + LARGE, "1]}", 4);
    assert_int_equal(parse_inspect(text), STATUS_CORRUPT);
    repeat(text, '[', DOCKER_DEPTH_MAX);
    for (size_t i = 0; i < DOCKER_DEPTH_MAX; i++)
        text[DOCKER_DEPTH_MAX + i] = ']';
    text[2 * DOCKER_DEPTH_MAX] = '\0';
    assert_int_equal(parse_list(text), STATUS_OK);
    free(text);
}

static void nul_bytes_end_nothing_early(void **state)
{
    (void)state;
    static const char text[] = "[]\0{\"Id\":\"" ID "\"}]";

    list.count = 0;
    assert_int_equal(docker_parse_list(text, sizeof text - 1, &list, &err), STATUS_CORRUPT);
    assert_int_equal(docker_parse_inspect("{}\0", 3, &container, &err), STATUS_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_gives_ids_names_and_states),
        cmocka_unit_test(what_is_no_container_is_left_out),
        cmocka_unit_test(the_list_and_its_labels_are_bounded),
        cmocka_unit_test(statistics_are_read_in_stored_units),
        cmocka_unit_test(what_is_not_told_is_not_zero),
        cmocka_unit_test(a_limit_that_is_none_is_missing),
        cmocka_unit_test(numbers_that_cannot_be_have_failed),
        cmocka_unit_test(sums_that_do_not_fit_have_failed),
        cmocka_unit_test(statistics_of_another_are_not_taken),
        cmocka_unit_test(restarts_are_those_of_the_container_itself),
        cmocka_unit_test(every_truncation_is_corrupt),
        cmocka_unit_test(depth_and_number_of_values_are_bounded),
        cmocka_unit_test(nul_bytes_end_nothing_early),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
