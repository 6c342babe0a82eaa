/* What a stranger may put into a recording, and beside it: refused by name, never run or followed. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>
#include <cmocka.h>

#include "schema/database_private.h"
#include "schema/recording.h"
#include "tests/support_recording.h"

enum { PATH_ROOM = 256 };

struct stranger {
    struct made_directory directory;
    char good[PATH_ROOM], path[PATH_ROOM];
};

static int make(void **state)
{
    static struct stranger stranger;

    made_directory_open(&stranger.directory);
    (void)made_path(&stranger.directory, "good", stranger.good, sizeof stranger.good);
    (void)made_path(&stranger.directory, "theirs", stranger.path, sizeof stranger.path);
    made_recording(stranger.good, 7, 1, true);
    *state = &stranger;
    return 0;
}

static int unmake(void **state)
{
    struct stranger *stranger = *state;

    made_directory_close(&stranger->directory);
    return 0;
}

/* A fresh copy, changed by SQL that may touch the schema. */
static void change(struct stranger *s, const char *sql)
{
    sqlite3 *db = NULL;
    char *message = NULL;

    made_copy(s->good, s->path, false);
    assert_int_equal(sqlite3_open(s->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA writable_schema=ON", NULL, NULL, NULL), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static enum status open_it(struct stranger *s, struct error *err)
{
    struct recording *recording = NULL;
    enum status st = recording_open(&recording, s->path, err);

    recording_close(recording);
    return st;
}

static void refuses(struct stranger *s, const char *sql, const char *what)
{
    struct database db = { 0 };
    struct error err = { 0 };

    change(s, sql);
    assert_int_equal(open_it(s, &err), STATUS_CORRUPT);
    if (strstr(err.message, what) == NULL)
        fail_msg("\"%s\" says nothing of %s", err.message, what);
    /* Nor does a recorder go on with it. */
    assert_int_equal(database_open_write(&db, s->path, &err), STATUS_CORRUPT);
    database_close(&db);
}

static void memory_is_limited_once_a_recording_is_read(void **state)
{
    struct stranger *s = *state;
    sqlite3_stmt *stmt;
    sqlite3 *db;
    struct error err;

    change(s, "SELECT 1"); /* only a copy */
    assert_int_equal(open_it(s, &err), STATUS_OK);
    assert_int_equal(sqlite3_open(s->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA hard_heap_limit", -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int64(stmt, 0), 3 << 27);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

static void a_view_in_the_place_of_a_table_is_refused(void **state)
{
    refuses(*state,
            "UPDATE sqlite_schema SET type='view', rootpage=0, sql='CREATE VIEW event AS WITH "
            "RECURSIVE c(n) AS (SELECT 1 UNION SELECT n+1 FROM c) SELECT n AS event_id FROM c' "
            "WHERE name='event'",
            "view \"event\"");
}

static void a_trigger_is_refused(void **state)
{
    refuses(*state, "CREATE TRIGGER theirs AFTER INSERT ON event BEGIN DELETE FROM session; END",
            "trigger \"theirs\"");
}

static void an_index_is_refused(void **state)
{
    refuses(*state, "CREATE INDEX theirs ON event(abs(value))", "index \"theirs\"");
}

static void an_expression_in_a_table_is_refused(void **state)
{
    refuses(
        *state,
        "UPDATE sqlite_schema SET sql='CREATE TABLE tail(tail_id INTEGER PRIMARY KEY, data BLOB "
        "CHECK(randomblob(1000000000) IS NOT NULL))' WHERE name='tail'",
        "table \"tail\"");
}

static void a_virtual_table_is_refused(void **state)
{
    refuses(*state,
            "UPDATE sqlite_schema SET rootpage=0, sql='CREATE VIRTUAL TABLE tail USING dbstat' "
            "WHERE name='tail'",
            "table \"tail\"");
}

/* It went into the SELECT of the row's columns as it was. */
static void a_column_name_cannot_carry_sql(void **state)
{
    refuses(*state,
            "UPDATE sqlite_schema SET sql='CREATE TABLE timeline(\"timeline_id\"\", "
            "hex(zeroblob(99)), \"\"x\" INTEGER PRIMARY KEY, a, b, c, crc)' WHERE name='timeline'",
            "table \"timeline\"");
}

static void a_plain_table_that_nobody_knows_is_carried(void **state)
{
    struct error err = { 0 };

    change(*state, "CREATE TABLE later(a INTEGER PRIMARY KEY, b TEXT); ANALYZE");
    assert_int_equal(open_it(*state, &err), STATUS_OK);
}

/* Every checksum is right: only the count of metrics was wrong, and an array overrun. */
static void a_metric_told_twice_is_damage(void **state)
{
    static const char *const sql[] = {
        ("INSERT INTO metric SELECT metric_id+1000, table_id, position, name, kind, unit, scale, "
         "labels, description, row_crc('metric', metric_id+1000, table_id, position, name, kind, "
         "unit, scale, labels, description) FROM metric"),
        "UPDATE table_check SET row_count=(SELECT count(*) FROM metric) WHERE name='metric'",
        "UPDATE table_check SET crc_sum=(SELECT sum(crc) FROM metric) WHERE name='metric'",
        "UPDATE table_check SET crc=row_crc('table_check', name, row_count, crc_sum)",
    };
    struct stranger *s = *state;
    struct database db = { .path = s->path };
    struct error err = { 0 };

    made_copy(s->good, s->path, false);
    assert_int_equal(sqlite3_open(s->path, &db.handle), SQLITE_OK);
    assert_int_equal(database_functions(&db, &err), STATUS_OK);
    for (size_t i = 0; i < COUNT_OF(sql); i++)
        assert_int_equal(database_exec(&db, sql[i], &err), STATUS_OK);
    database_close(&db);
    assert_int_equal(open_it(s, &err), STATUS_CORRUPT);
    assert_non_null(strstr(err.message, "twice"));
}

static void what_lies_beside_must_be_files(void **state)
{
    static const char *const suffix[] = { "-wal", "-shm", "-journal" };
    struct stranger *s = *state;
    char path[PATH_ROOM + 16];

    for (size_t i = 0; i < COUNT_OF(suffix); i++)
        for (int link = 0; link < 2; link++) {
            struct error err = { 0 };

            made_copy(s->good, s->path, false);
            (void)snprintf(path, sizeof path, "%s%s", s->path, suffix[i]);
            assert_int_equal(link ? symlink(s->good, path) : mkfifo(path, 0600), 0);
            assert_int_equal(open_it(s, &err), STATUS_INVALID);
            assert_non_null(strstr(err.message, suffix[i]));
            assert_int_equal(unlink(path), 0);
        }
}

static void a_pipe_is_no_recording(void **state)
{
    struct stranger *s = *state;
    struct error err = { 0 };

    (void)unlink(s->path);
    assert_int_equal(mkfifo(s->path, 0600), 0);
    assert_int_equal(open_it(s, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "a pipe"));
    assert_int_equal(unlink(s->path), 0);
}

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
}

static void shm_that_nobody_uses_is_left_alone(void **state)
{
    struct stranger *s = *state;
    char shm[PATH_ROOM + 16], seen[64] = "";
    struct error err = { 0 };
    int fd;

    made_recording(s->path, 7, 1, false);
    (void)snprintf(shm, sizeof shm, "%s-shm", s->path);
    put(shm, "somebody's notes");
    assert_int_equal(open_it(s, &err), STATUS_OK);
    fd = open(shm, O_RDONLY);
    assert_true(fd >= 0);
    assert_true(read(fd, seen, sizeof seen - 1) > 0);
    assert_int_equal(close(fd), 0);
    assert_string_equal(seen, "somebody's notes");
    assert_int_equal(unlink(shm), 0);
}

static void another_files_wal_is_not_read(void **state)
{
    struct stranger *s = *state;
    char wal[PATH_ROOM + 16], shm[PATH_ROOM + 16];
    struct error err = { 0 };

    made_copy(s->good, s->path, false);
    (void)snprintf(wal, sizeof wal, "%s-wal", s->path);
    (void)snprintf(shm, sizeof shm, "%s-shm", s->path);
    put(wal, "no WAL at all");
    assert_int_equal(open_it(s, &err), STATUS_OK);
    assert_int_equal(access(shm, F_OK), -1);
    assert_int_equal(unlink(wal), 0);
}

/* The WAL lies beside the file, not beside the link. */
static void through_a_link_the_wal_is_found(void **state)
{
    struct stranger *s = *state;
    struct recording *recording = NULL;
    struct error err = { 0 };
    char link[PATH_ROOM];

    (void)unlink(s->path);
    made_recording(s->path, 7, 1, false);
    (void)made_path(&s->directory, "link", link, sizeof link);
    assert_int_equal(symlink(s->path, link), 0);
    assert_int_equal(recording_open(&recording, link, &err), STATUS_OK);
    assert_true(recording_contents(recording)->unclean);
    recording_close(recording);
    assert_int_equal(unlink(link), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_limited_once_a_recording_is_read),
        cmocka_unit_test(a_view_in_the_place_of_a_table_is_refused),
        cmocka_unit_test(a_trigger_is_refused),
        cmocka_unit_test(an_index_is_refused),
        cmocka_unit_test(an_expression_in_a_table_is_refused),
        cmocka_unit_test(a_virtual_table_is_refused),
        cmocka_unit_test(a_column_name_cannot_carry_sql),
        cmocka_unit_test(a_plain_table_that_nobody_knows_is_carried),
        cmocka_unit_test(a_metric_told_twice_is_damage),
        cmocka_unit_test(what_lies_beside_must_be_files),
        cmocka_unit_test(a_pipe_is_no_recording),
        cmocka_unit_test(shm_that_nobody_uses_is_left_alone),
        cmocka_unit_test(another_files_wal_is_not_read),
        cmocka_unit_test(through_a_link_the_wal_is_found),
    };

    return cmocka_run_group_tests(tests, make, unmake);
}
