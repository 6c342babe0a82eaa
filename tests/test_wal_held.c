/* A program that keeps a read transaction open keeps the WAL from beginning anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>

#include <sqlite3.h>
#include <cmocka.h>

#include "tests/support_writer.h"

enum { MIB = 1 << 20, LARGE_BYTES = 8 * MIB, BLOCK_TICKS = 300, LATER_TICKS = 2000 };
#define TICK_NS INT64_C(1000000000)

static int64_t wal_bytes(const struct writer_rig *rig)
{
    char path[300];
    struct stat info;

    (void)snprintf(path, sizeof path, "%s-wal", rig->path);
    return stat(path, &info) == 0 ? info.st_size : 0;
}

static int64_t put_ticks(struct writer_rig *rig, int64_t tick, int64_t count)
{
    for (int64_t end = tick + count; tick < end; tick++) {
        writer_rig_steady(rig, START + tick * TICK_NS, tick == 0 ? ROW_FIRST : 0, tick);
        writer_rig_put(rig);
    }
    return tick;
}

static int64_t commits(const struct writer_rig *rig)
{
    struct writer_stats stats;

    writer_stats(rig->writer, &stats);
    return stats.commits;
}

static sqlite3 *begin_reading(const struct writer_rig *rig)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open_v2(rig->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN; SELECT count(*) FROM tail", NULL, NULL, NULL),
                     SQLITE_OK);
    return db;
}

static void a_large_wal_that_is_held_grows_slowly_until_it_is_let_go(void **state)
{
    const struct recording_contents *contents;
    struct writer_rig rig;
    sqlite3 *reader;
    int64_t tick, before, bytes;

    (void)state;
    writer_rig_begin(&rig, BLOCK_TICKS);
    tick = put_ticks(&rig, 0, 10);
    reader = begin_reading(&rig);
    while (wal_bytes(&rig) <= LARGE_BYTES)
        tick = put_ticks(&rig, tick, 100);
    before = commits(&rig);
    bytes = wal_bytes(&rig);
    assert_true(before > tick * 9 / 10); /* so far each tick */
    tick = put_ticks(&rig, tick, LATER_TICKS);
    assert_true(commits(&rig) - before < LATER_TICKS / 5);
    assert_true(wal_bytes(&rig) - bytes < bytes * LATER_TICKS / tick / 2);

    assert_int_equal(sqlite3_close(reader), SQLITE_OK);
    tick = put_ticks(&rig, tick, BLOCK_TICKS + 1); /* with a seal, after which it is looked at */
    before = commits(&rig);
    tick = put_ticks(&rig, tick, 100);
    assert_true(commits(&rig) - before >= 99);

    contents = writer_rig_read(&rig, "stopped");
    for (size_t b = 0; b < contents->block_count[0]; b++)
        tick -= contents->blocks[0][b].tick_count;
    assert_int_equal(tick, 0); /* all are there */
    writer_rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_wal_that_is_held_grows_slowly_until_it_is_let_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
