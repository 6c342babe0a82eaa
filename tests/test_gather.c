/*
 * Writes to the WAL that are gathered: a commit is one write, others see it as soon as it has
 * returned, a copy taken then has it, and one that fails is a commit that failed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>
#include <cmocka.h>

#include "schema/gather.h"
#include "tests/fault/fault_vfs.h"

enum { PATH = 256, ROUNDS = 400 };

struct scene {
    char path[PATH];
    sqlite3 *writer, *reader; /* the reader goes by the VFS below */
};

static void must(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
}

static sqlite3 *opened(const char *path, const char *vfs)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs),
                     SQLITE_OK);
    return db;
}

/* A number that stands for the whole content. */
static int64_t content(sqlite3 *db)
{
    sqlite3_stmt *stmt;
    int64_t sum;

    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT coalesce(sum(id*7919+length(data)*31+"
                                        "unicode(substr(data,1,1))),0)+count(*) FROM t",
                                        -1, &stmt, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    sum = sqlite3_column_int64(stmt, 0);
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    return sum;
}

static void expect_whole(sqlite3 *db)
{
    sqlite3_stmt *stmt;

    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(stmt, 0), "ok");
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
}

static int begin(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    char directory[] = "/tmp/procscope-gather-XXXXXX";

    assert_non_null(s);
    assert_non_null(mkdtemp(directory));
    (void)snprintf(s->path, sizeof s->path, "%s/a", directory);
    s->writer = opened(s->path, gather_vfs());
    must(s->writer, "PRAGMA page_size=1024; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
                    "PRAGMA wal_autocheckpoint=0; CREATE TABLE t(id INTEGER PRIMARY KEY, data)");
    s->reader = opened(s->path, NULL);
    *state = s;
    return 0;
}

static int end(void **state)
{
    struct scene *s = *state;
    char command[PATH + 20];

    fault_vfs_arm(0, false, false);
    (void)sqlite3_close(s->reader);
    (void)sqlite3_close(s->writer);
    *strrchr(s->path, '/') = '\0';
    (void)snprintf(command, sizeof command, "rm -rf %s", s->path);
    free(s);
    return system(command);
}

static void copy(const char *from, const char *to, const char *suffix)
{
    char command[3 * PATH];

    (void)snprintf(command, sizeof command, "cp %s%s %s%s", from, suffix, to, suffix);
    assert_int_equal(system(command), 0);
}

/* What a kill would leave now. */
static void expect_in_copy(const struct scene *s, int64_t expected)
{
    char path[PATH + 8];
    sqlite3 *db;

    (void)snprintf(path, sizeof path, "%s.copy", s->path);
    copy(s->path, path, "");
    copy(s->path, path, "-wal");
    db = opened(path, NULL);
    assert_int_equal(content(db), expected);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void a_commit_is_one_write(void **state)
{
    struct scene *s = *state;

    must(s->writer, "BEGIN");
    for (int i = 0; i < 20; i++)
        must(s->writer, "INSERT INTO t(data) VALUES(hex(zeroblob(400)))");
    fault_vfs_arm(0, false, false);
    must(s->writer, "COMMIT"); /* 20 pages and more: two writes each, without */
    assert_int_equal(fault_vfs.writes, 1);
    assert_int_equal(content(s->reader), content(s->writer));
}

static void a_large_commit_is_few_writes(void **state)
{
    struct scene *s = *state;

    must(s->writer, "BEGIN; INSERT INTO t(data) VALUES(zeroblob(500000))");
    fault_vfs_arm(0, false, false);
    must(s->writer, "COMMIT");
    assert_in_range(fault_vfs.writes, 7, 10);
    assert_int_equal(content(s->reader), content(s->writer));
}

/* A cache of few pages: they spill into the WAL before the commit, and are read and rewritten. */
static void random_transactions_are_as_without(void **state)
{
    struct scene *s = *state;
    uint32_t random = 1;
    int64_t expected = content(s->reader);

    must(s->writer, "PRAGMA cache_size=10; PRAGMA cache_spill=5");
    for (int round = 0; round < ROUNDS; round++) {
        char sql[200];

        must(s->writer, "BEGIN IMMEDIATE");
        for (int i = 0; i < 12; i++) {
            random = random * 1664525 + 1013904223;
            (void)snprintf(sql, sizeof sql,
                           (random >> 24) % 4 == 0
                               ? "DELETE FROM t WHERE id%%37=%u"
                               : "INSERT OR REPLACE INTO t VALUES(%u,hex(zeroblob(%u)))",
                           (random >> 16) % 500, (random >> 8) % 2000);
            must(s->writer, sql);
        }
        assert_int_equal(content(s->reader), expected); /* nothing of it is seen yet */
        must(s->writer, random >> 30 == 2 ? "ROLLBACK" : "COMMIT");
        expected = content(s->reader);
        if (round % 2 == 0) /* before the writer does anything more */
            expect_in_copy(s, expected);
        assert_int_equal(content(s->writer), expected);
        if (round % 50 == 49)
            must(s->writer, "PRAGMA wal_checkpoint(RESTART)");
    }
    expect_whole(s->reader);
}

static void a_failed_write_is_a_failed_commit(void **state)
{
    struct scene *s = *state;
    bool hit = true;

    for (long at = 1; hit; at++) {
        int64_t before = content(s->reader);
        int code;

        must(s->writer, "BEGIN IMMEDIATE; INSERT INTO t(data) VALUES(hex(zeroblob(3000)))");
        fault_vfs_arm(at, true, true);
        code = sqlite3_exec(s->writer, "COMMIT", NULL, NULL, NULL);
        hit = fault_vfs.hit;
        fault_vfs_arm(0, false, false);
        assert_int_equal(content(s->reader) != before, code == SQLITE_OK);
        assert_int_equal(hit, code != SQLITE_OK);
        if (sqlite3_get_autocommit(s->writer) == 0)
            must(s->writer, "ROLLBACK");
        expect_in_copy(s, content(s->reader));
    }
    assert_int_equal(content(s->reader), content(s->writer));
}

static void what_is_no_wal_is_not_wrapped(void **state)
{
    struct scene *s = *state;

    must(s->writer, "PRAGMA journal_mode=DELETE; INSERT INTO t(data) VALUES('x')");
    assert_int_equal(content(s->reader), content(s->writer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_commit_is_one_write, begin, end),
        cmocka_unit_test_setup_teardown(a_large_commit_is_few_writes, begin, end),
        cmocka_unit_test_setup_teardown(random_transactions_are_as_without, begin, end),
        cmocka_unit_test_setup_teardown(a_failed_write_is_a_failed_commit, begin, end),
        cmocka_unit_test_setup_teardown(what_is_no_wal_is_not_wrapped, begin, end),
    };

    fault_vfs_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
