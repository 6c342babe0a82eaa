/* The size limit when another program reads the recording all the while. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sqlite3.h>
#include <cmocka.h>

#include "schema/recording.h"
#include "tests/support_recording.h"

enum { PROCESSES = 40, LIMIT_BYTES = 2500000, BLOCK_BYTES = 100000, TICKS_MOST = 200000 };

struct limited {
    struct made_directory directory;
    char path[256];
    struct made_host host;
    struct writer *writer;
};

static void begin(struct limited *l)
{
    struct writer_options options = { .path = l->path, .retention.max_bytes = LIMIT_BYTES };
    struct session_facts facts;
    struct error err = { 0 };

    made_directory_open(&l->directory);
    made_path(&l->directory, "limited.pscope", l->path, sizeof l->path);
    made_host_init(&l->host, 3, MADE_START_NS, SECOND_NS, PROCESSES);
    made_facts(&facts, l->host.now_ns, 1);
    options.commit_ns = SECOND_NS;
    if (writer_open(&l->writer, &options, &facts, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    made_host_restart(&l->host, true);
}

static int64_t bytes_of_all_files(const struct limited *l)
{
    static const char *const suffix[] = { "", "-wal", "-shm" };
    int64_t bytes = 0;

    for (size_t i = 0; i < 3; i++) {
        char name[300];
        struct stat info;

        (void)snprintf(name, sizeof name, "%s%s", l->path, suffix[i]);
        bytes += stat(name, &info) == 0 ? info.st_size : 0;
    }
    return bytes;
}

static int64_t ask(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    int64_t value;

    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    value = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt);
    return value;
}

/* Ticks, until the writer takes no more; returns how many it took. */
static int record_until_full(struct limited *l, struct error *err)
{
    for (int i = 0; i < TICKS_MOST; i++) {
        made_host_tick(&l->host);
        if (writer_tick(l->writer, &l->host.tick, err) != STATUS_OK)
            return i;
        if (bytes_of_all_files(l) > LIMIT_BYTES + BLOCK_BYTES)
            fail_msg("%lld bytes", (long long)bytes_of_all_files(l));
    }
    fail_msg("it was never full");
    return 0;
}

static void verify(const struct limited *l)
{
    struct recording *rec = NULL;
    struct error err = { 0 };
    size_t findings = 1;

    if (recording_open(&rec, l->path, &err) != STATUS_OK ||
        recording_verify(rec, NULL, NULL, &findings, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    assert_int_equal(findings, 0);
    recording_close(rec);
}

static void while_somebody_reads_ticks_wait_and_nothing_goes(void **state)
{
    (void)state;
    static const char oldest[] = "SELECT min(start_ns) FROM block WHERE level=0";
    struct limited l = { 0 };
    struct error err = { 0 };
    sqlite3 *reader = NULL;
    int64_t before_ns, after_ns, kept_ns;
    int taken;

    begin(&l);
    made_host_record(&l.host, l.writer, 60000);
    assert_int_equal(sqlite3_open_v2(l.path, &reader, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(reader, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
    before_ns = ask(reader, oldest);
    assert_true(before_ns > MADE_START_NS); /* the limit is reached */
    kept_ns = l.host.now_ns - before_ns;
    taken = record_until_full(&l, &err);
    assert_int_equal(err.status, STATUS_FULL);
    assert_non_null(strstr(err.message, "another program reads"));
    assert_true(bytes_of_all_files(&l) <= LIMIT_BYTES + BLOCK_BYTES);
    assert_int_equal(writer_tick(l.writer, &l.host.tick, &err),
                     STATUS_FULL); /* as often as asked */
    assert_int_equal(sqlite3_exec(reader, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    after_ns = ask(reader, oldest);
    (void)sqlite3_close(reader);
    print_message("%d ticks were taken meanwhile; %lld of %lld s are kept\n", taken,
                  (long long)((l.host.now_ns - after_ns) / SECOND_NS),
                  (long long)(kept_ns / SECOND_NS));
    assert_true(l.host.now_ns - after_ns > kept_ns / 10 * 8);
    if (writer_tick(l.writer, &l.host.tick, &err) != STATUS_OK) /* now it is taken */
        fail_msg("%s", err.message);
    made_host_record(&l.host, l.writer, 10000);
    assert_true(bytes_of_all_files(&l) <= LIMIT_BYTES);
    if (writer_close(l.writer, "stop", &err) != STATUS_OK)
        fail_msg("%s", err.message);
    verify(&l);
    made_host_release(&l.host);
    made_directory_close(&l.directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(while_somebody_reads_ticks_wait_and_nothing_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
