/* Descriptors and sockets of processes: lists that race, budgets, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "recorder/collectors/process_detail_look_macos.h"
#include "recorder/collectors/process_files_macos.h"
#include "tests/darwin/support_mac.h"

#define ALWAYS                                                                                     \
    {                                                                                              \
        INT64_MIN, FOREVER                                                                         \
    }

/* Names of the fields are those of the fake kernel. */
static struct fake_file file_of(int32_t fd, uint64_t socket, int32_t protocol, int32_t state)
{
    return (struct fake_file){
        .fd = fd,
        .type = 2,
        .there = ALWAYS,
        .socket = socket,
        .family = 2,
        .protocol = protocol,
        .kind = protocol == 6 ? 2 : 1,
        .state = { .base = state },
        .receive = { .base = 10 },
        .send = { .base = 100 },
    };
}

static void boot(struct scenario *scenario, struct fake_process *processes, size_t count)
{
    *scenario = mac_scenario(processes, count);
    fake_boot(scenario);
    fake_set_now(0);
}

static struct fake_file *many_files(size_t count)
{
    struct fake_file *files = calloc(count, sizeof *files);

    assert_non_null(files);
    for (size_t i = 0; i < count; i++)
        files[i] = (struct fake_file){ .fd = (int32_t)i, .type = 1, .there = ALWAYS };
    return files;
}

static void a_list_that_fills_its_room_to_the_last_is_asked_for_again(void **state)
{
    (void)state;
    static const size_t counts[] = { 255, 256, 257, 1024, 1025, 16384, 20000 };
    struct fake_process one = mac_process(1, 2, "one");
    struct process_files files = { .fds = NULL };
    struct scenario scenario;

    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        one.files = many_files(counts[i]);
        one.file_count = counts[i];
        boot(&scenario, &one, 1);
        assert_int_equal(process_files_list(&files, 1), FILES_OK);
        assert_int_equal(files.fd_count, counts[i]);
        free(one.files);
        process_files_release(&files);
    }
}

static void more_descriptors_than_are_looked_at_are_not_sampled(void **state)
{
    (void)state;
    struct fake_process one = mac_process(1, 2, "one");
    struct process_files files = { .fds = NULL };
    struct scenario scenario;

    one.file_count = 4 * (size_t)DETAIL_SCAN_FDS_MAX;
    one.files = many_files(one.file_count);
    boot(&scenario, &one, 1);
    assert_int_equal(process_files_list(&files, 1), FILES_MANY);
    free(one.files);
    process_files_release(&files);
}

/* 0 is an answer when errno says nothing, and a failure when it does. */
static void no_descriptors_are_not_a_failure(void **state)
{
    (void)state;
    struct fake_process all[3];
    struct process_files files = { .fds = NULL };
    struct scenario scenario;

    all[0] = mac_process(1, 2, "us");
    all[1] = mac_process(5, 6, "other");
    all[2] = mac_process(7, 8, "zombie");
    all[0].uid = 501;
    all[2].uid = 501;
    all[2].end_ns = -1;
    boot(&scenario, all, COUNT_OF(all));
    assert_int_equal(process_files_list(&files, 1), FILES_OK);
    assert_int_equal(files.fd_count, 0);
    assert_int_equal(process_files_list(&files, 5), FILES_DENIED);
    assert_int_equal(process_files_list(&files, 7), FILES_GONE);
    assert_int_equal(process_files_list(&files, 99), FILES_GONE);
    process_files_release(&files);
}

static void one_that_is_closed_meanwhile_is_left_out(void **state)
{
    (void)state;
    struct fake_file open[] = { file_of(3, 30, 6, 4), file_of(4, 40, 17, 0) };
    struct fake_process one = mac_process(1, 2, "one");
    struct process_files files = { .fds = NULL };
    struct scenario scenario;

    one.files = open;
    one.file_count = COUNT_OF(open);
    boot(&scenario, &one, 1);
    assert_int_equal(process_files_list(&files, 1), FILES_OK);
    open[0].there.to_ns = 0; /* closed */
    assert_int_equal(process_files_ask(&files, 1, 10), FILES_OK);
    assert_int_equal(files.socket_count, 1);
    assert_int_equal(files.sockets[0].kind, DETAIL_SOCKET_UDP);
    open[1].type = 6; /* its number is a pipe's now */
    assert_int_equal(process_files_ask(&files, 1, 10), FILES_OK);
    assert_int_equal(files.socket_count, 0);
    one.end_ns = 0;
    assert_int_equal(process_files_ask(&files, 1, 10), FILES_GONE);
    process_files_release(&files);
}

static void two_descriptors_of_a_socket_are_one_socket(void **state)
{
    (void)state;
    struct fake_file open[] = { file_of(3, 7, 6, 4), file_of(4, 9, 6, 1), file_of(5, 7, 6, 4),
                                file_of(6, 0, 6, 5), file_of(7, 0, 6, 5) };
    struct fake_process one = mac_process(1, 2, "one");
    struct process_files files = { .fds = NULL };
    struct scenario scenario;

    one.files = open;
    one.file_count = COUNT_OF(open);
    boot(&scenario, &one, 1);
    assert_int_equal(process_files_list(&files, 1), FILES_OK);
    assert_int_equal(process_files_ask(&files, 1, 4), FILES_MANY);
    assert_int_equal(process_files_ask(&files, 1, 5), FILES_OK);
    assert_int_equal(files.socket_count, 4); /* those without identity are one each */
    process_files_release(&files);
}

/* --- the look --- */

static size_t look_at(struct detail_look *look, const struct fake_process *processes, size_t count)
{
    struct detail_candidate *candidates = detail_look_candidates(look, count);
    struct error err;
    size_t rows;

    assert_non_null(candidates);
    for (size_t i = 0; i < count; i++)
        candidates[i] = (struct detail_candidate){
            .identity = { (uint32_t)i, processes[i].pid, processes[i].unique_id },
        };
    detail_look_set_count(look, count);
    assert_int_equal(detail_look_read(look, &err), STATUS_OK);
    (void)detail_look_rows(look, &rows);
    return rows;
}

static size_t count_read(const struct detail_look *look)
{
    size_t rows, read = 0;
    const struct detail_row *row = detail_look_rows(look, &rows);

    for (size_t i = 0; i < rows; i++)
        read += row[i].missing[DETAIL_SOCKETS] == MISSING_NONE;
    return read;
}

static void who_had_no_turn_in_this_run_has_it_in_the_next(void **state)
{
    (void)state;
    enum { COUNT = 30, SOCKETS = 99 };
    struct fake_process all[COUNT];
    struct detail_look *look;
    struct scenario scenario;
    struct error err;
    bool seen[COUNT] = { false };

    for (int i = 0; i < COUNT; i++) {
        all[i] = mac_process(i + 1, (uint64_t)i + 2, "many");
        all[i].files = many_files(SOCKETS);
        all[i].file_count = SOCKETS;
        for (int k = 0; k < SOCKETS; k++)
            all[i].files[k] = file_of(k, (uint64_t)k + 1, 6, 4);
    }
    boot(&scenario, all, COUNT);
    assert_int_equal(detail_look_open(&look, &err), STATUS_OK);
    for (int run = 0; run < 4; run++) {
        int64_t before = fake_counted(CALL_PIDINFO) + fake_counted(CALL_PIDFDINFO);
        const struct detail_row *row;
        size_t rows = look_at(look, all, COUNT);

        assert_true(fake_counted(CALL_PIDINFO) + fake_counted(CALL_PIDFDINFO) - before <=
                    DETAIL_CALLS_PER_RUN + SOCKETS);
        assert_true(count_read(look) <= 10); /* of 100 calls each */
        row = detail_look_rows(look, &rows);
        for (size_t i = 0; i < rows; i++)
            if (row[i].missing[DETAIL_SOCKETS] == MISSING_NONE) {
                assert_int_equal(row[i].values[DETAIL_TCP_ESTABLISHED], SOCKETS);
                assert_int_equal(row[i].values[DETAIL_TCP_RECEIVE_QUEUE_BYTES], 10 * SOCKETS);
                seen[row[i].identity.slot] = true;
            } else {
                assert_int_equal(row[i].missing[DETAIL_SOCKETS], MISSING_NOT_SAMPLED);
                assert_int_equal(row[i].missing[DETAIL_PSS_BYTES], MISSING_UNSUPPORTED);
            }
    }
    for (int i = 0; i < COUNT; i++) {
        assert_true(seen[i]);
        free(all[i].files);
    }
    detail_look_close(look);
}

static void more_sockets_than_a_run_may_ask_about_are_not_sampled(void **state)
{
    (void)state;
    enum { SOCKETS = DETAIL_CALLS_PER_RUN + 1 };
    struct fake_process one = mac_process(1, 2, "server");
    const struct detail_row *row;
    struct detail_look *look;
    struct scenario scenario;
    struct error err;
    size_t rows;

    one.files = many_files(SOCKETS);
    one.file_count = SOCKETS;
    for (int k = 0; k < SOCKETS; k++)
        one.files[k] = file_of(k, (uint64_t)k + 1, 6, 4);
    boot(&scenario, &one, 1);
    assert_int_equal(detail_look_open(&look, &err), STATUS_OK);
    assert_int_equal(look_at(look, &one, 1), 1);
    row = detail_look_rows(look, &rows);
    assert_int_equal(row->values[DETAIL_OPEN_FDS], SOCKETS);
    assert_int_equal(row->missing[DETAIL_OPEN_FDS], MISSING_NONE);
    assert_int_equal(row->missing[DETAIL_SOCKETS], MISSING_NOT_SAMPLED);
    detail_look_close(look);
    free(one.files);
}

static void a_pid_that_went_to_another_process_is_another_row(void **state)
{
    (void)state;
    struct fake_file open[] = { file_of(3, 30, 6, 4) };
    struct fake_process one = mac_process(1, 2, "one");
    struct detail_look *look;
    struct scenario scenario;
    struct error err;

    one.files = open;
    one.file_count = COUNT_OF(open);
    boot(&scenario, &one, 1);
    assert_int_equal(detail_look_open(&look, &err), STATUS_OK);
    assert_int_equal(look_at(look, &one, 1), 1);
    one.file_count = 0;
    assert_int_equal(look_at(look, &one, 1), 1); /* it keeps its row, with what is there now */
    assert_int_equal(detail_look_rows(look, &(size_t){ 0 })->values[DETAIL_SOCKETS], 0);
    one.unique_id++; /* started later */
    assert_int_equal(look_at(look, &one, 1), 0);
    detail_look_close(look);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_that_fills_its_room_to_the_last_is_asked_for_again),
        cmocka_unit_test(more_descriptors_than_are_looked_at_are_not_sampled),
        cmocka_unit_test(no_descriptors_are_not_a_failure),
        cmocka_unit_test(one_that_is_closed_meanwhile_is_left_out),
        cmocka_unit_test(two_descriptors_of_a_socket_are_one_socket),
        cmocka_unit_test(who_had_no_turn_in_this_run_has_it_in_the_next),
        cmocka_unit_test(more_sockets_than_a_run_may_ask_about_are_not_sampled),
        cmocka_unit_test(a_pid_that_went_to_another_process_is_another_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
