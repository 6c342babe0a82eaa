/* Opening a recording in every state it may be found in, and the tail of one being written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>
#include <cmocka.h>

#include "tests/support_digest.h"
#include "tests/support_recording.h"

enum { WHY = 600 };

struct bench {
    struct made_directory directory;
    char path[256], copy[256];
};

static void begin(struct bench *b)
{
    made_directory_open(&b->directory);
    made_path(&b->directory, "one.pscope", b->path, sizeof b->path);
    made_path(&b->directory, "two.pscope", b->copy, sizeof b->copy);
}

static enum status open_status(const char *path, struct error *err)
{
    struct recording *rec = NULL;
    enum status st = recording_open(&rec, path, err);

    recording_close(rec);
    return st;
}

static bool beside(const char *path, const char *suffix)
{
    char name[300];

    (void)snprintf(name, sizeof name, "%s%s", path, suffix);
    return access(name, F_OK) == 0;
}

static void put_bytes(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* --- what is not a recording --- */

static void what_is_no_recording_is_told_so(void **state)
{
    (void)state;
    struct bench b;
    struct error err = { 0 };

    begin(&b);
    assert_int_equal(open_status(b.path, &err), STATUS_IO); /* not there */
    put_bytes(b.path, "", 0);
    assert_int_equal(open_status(b.path, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "empty"));
    put_bytes(b.path, "time,pid,cpu\n1,2,3\n4,5,6\n", 25);
    assert_int_equal(open_status(b.path, &err), STATUS_INVALID);
    (void)unlink(b.path);
    run_sql(b.path, "CREATE TABLE bookmarks(url TEXT)");
    assert_int_equal(open_status(b.path, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "not a procscope recording"));
    made_directory_close(&b.directory);
}

static void a_newer_major_version_is_told_so(void **state)
{
    (void)state;
    struct bench b;
    struct error err = { 0 };

    begin(&b);
    made_recording(b.path, 1, 1, true);
    run_sql(b.path, "PRAGMA user_version=2000");
    assert_int_equal(open_status(b.path, &err), STATUS_UNSUPPORTED);
    assert_non_null(strstr(err.message, "2.0"));
    made_directory_close(&b.directory);
}

/* --- states --- */

static void a_clean_recording_is_one_file_and_stays_so(void **state)
{
    (void)state;
    struct bench b;
    struct digest first, second;
    char why[WHY];

    begin(&b);
    made_recording(b.path, 1, 2, true);
    assert_false(beside(b.path, "-wal") || beside(b.path, "-shm") || beside(b.path, "-journal"));
    digest_take(&first, b.path);
    digest_take(&second, b.path);
    assert_true(digest_equal(&first, &second, why, sizeof why));
    assert_false(beside(b.path, "-wal") || beside(b.path, "-shm") || beside(b.path, "-journal"));
    digest_release(&first);
    digest_release(&second);
    made_directory_close(&b.directory);
}

static bool readable_by_sqlite(const char *path)
{
    sqlite3 *db = NULL;
    int code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_exec(db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
    (void)sqlite3_close(db);
    return code == SQLITE_OK;
}

/* The last step of a clean stop rewrites the first page under a rollback journal. */
static void a_stop_cut_short_leaves_a_readable_file(void **state)
{
    (void)state;
    struct bench b;
    struct digest whole, seen;
    char journal[300], why[WHY];
    sqlite3 *db = NULL;

    begin(&b);
    made_recording(b.path, 1, 1, true);
    digest_take(&whole, b.path);
    assert_int_equal(sqlite3_open(b.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "PRAGMA synchronous=OFF; PRAGMA journal_mode=PERSIST; BEGIN; "
                                  "UPDATE session SET crc=crc; PRAGMA user_version=1000;"
                                  "PRAGMA cache_spill=1; PRAGMA cache_size=1;"
                                  "UPDATE event SET crc=crc",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    made_copy(b.path, b.copy, false);
    (void)snprintf(journal, sizeof journal, "%s-journal", b.path);
    if (access(journal, F_OK) == 0) {
        char target[300];

        (void)snprintf(target, sizeof target, "%s-journal", b.copy);
        made_copy(journal, target, false);
    }
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
    assert_false(readable_by_sqlite(b.copy)); /* else there was nothing to be got over */
    digest_take(&seen, b.copy);
    if (!digest_equal(&seen, &whole, why, sizeof why))
        fail_msg("%s", why);
    digest_release(&whole);
    digest_release(&seen);
    made_directory_close(&b.directory);
}

struct live {
    struct bench bench;
    struct writer *writer;
    struct made_host host;
};

static void live_begin(struct live *live)
{
    struct writer_options options = { .block_ticks = 30 };
    struct session_facts facts;
    struct error err = { 0 };

    begin(&live->bench);
    options.path = live->bench.path;
    made_facts(&facts, MADE_START_NS, 1);
    made_host_init(&live->host, 11, MADE_START_NS, 2 * SECOND_NS, 10);
    assert_int_equal(writer_open(&live->writer, &options, &facts, &err), STATUS_OK);
}

static void live_end(struct live *live)
{
    struct error err = { 0 };

    if (live->writer != NULL)
        assert_int_equal(writer_close(live->writer, "stop", &err), STATUS_OK);
    made_host_release(&live->host);
    made_directory_close(&live->bench.directory);
}

static void a_recording_being_written_shows_each_commit(void **state)
{
    (void)state;
    struct live live;

    live_begin(&live);
    for (uint32_t i = 1; i <= 100; i++) {
        struct digest seen;

        made_host_record(&live.host, live.writer, 1);
        digest_take(&seen, live.bench.path);
        if (seen.damaged)
            fail_msg("after %u ticks: %s", i, seen.message.message);
        assert_int_equal(seen.ticks, i);
        digest_release(&seen);
    }
    live_end(&live);
}

/* A reader that stays open sees what it opened, whatever is sealed meanwhile. */
static void an_open_reader_keeps_its_view(void **state)
{
    (void)state;
    struct live live;
    struct recording *rec;
    struct error err = { 0 };
    const struct recording_contents *c;
    size_t blocks;

    live_begin(&live);
    made_host_record(&live.host, live.writer, 35);
    assert_int_equal(recording_open(&rec, live.bench.path, &err), STATUS_OK);
    c = recording_contents(rec);
    blocks = c->block_count[0];
    made_host_record(&live.host, live.writer, 200);
    for (size_t i = 0; i < blocks; i++) {
        struct block_ticks ticks;
        struct block_table directory;

        assert_int_equal(recording_ticks(rec, &c->blocks[0][i], &ticks, &err), STATUS_OK);
        if (recording_directory(rec, &c->blocks[0][i], &c->tables[0], &ticks, &directory, &err) !=
            STATUS_OK)
            fail_msg("%s", err.message);
        block_table_release(&directory);
        block_ticks_release(&ticks);
    }
    recording_close(rec);
    live_end(&live);
}

/* Samples of level 0, part by part. */
static size_t compare_level_0(const struct digest *a, const struct digest *b)
{
    size_t at = 0, same = 0;

    for (size_t i = 0; i < a->count; i++) {
        const struct digest_part *p = &a->part[i];

        if (p->level != 0 ||
            (p->what != DIGEST_TICKS && p->what != DIGEST_DIRECTORY && p->what != DIGEST_COLUMN))
            continue;
        while (at < b->count &&
               (b->part[at].what != p->what || b->part[at].block_seq != p->block_seq ||
                b->part[at].table_id != p->table_id || b->part[at].column != p->column ||
                b->part[at].level != 0))
            at++;
        assert_true(at < b->count);
        assert_int_equal(b->part[at].status, p->status);
        assert_true(b->part[at].hash == p->hash);
        same++;
    }
    return same;
}

static void a_tail_reads_as_the_block_it_becomes(void **state)
{
    (void)state;
    static const size_t lengths[] = { 1, 2, 29, 59, 60, 61, 95, 130 };

    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        struct live live;
        struct digest open, sealed;
        struct error err = { 0 };

        live_begin(&live);
        made_host_record(&live.host, live.writer, lengths[i]);
        digest_take(&open, live.bench.path);
        assert_int_equal(writer_close(live.writer, "stop", &err), STATUS_OK);
        live.writer = NULL;
        digest_take(&sealed, live.bench.path);
        assert_false(open.damaged || sealed.damaged);
        assert_true(compare_level_0(&open, &sealed) > 10);
        digest_release(&open);
        digest_release(&sealed);
        live_end(&live);
    }
}

/* --- damage is named --- */

static void collect(void *context, const char *part, const char *what)
{
    char *text = context;

    if (text[0] == '\0')
        (void)snprintf(text, WHY, "%s: %s", part, what);
}

static void damage_and_look(struct bench *b, const char *sql, const char *named)
{
    struct recording *rec = NULL;
    struct error err = { 0 };
    char text[WHY] = "";
    size_t findings = 0;

    made_copy(b->path, b->copy, false);
    run_sql(b->copy, sql);
    if (recording_open(&rec, b->copy, &err) == STATUS_OK)
        assert_int_equal(recording_verify(rec, collect, text, &findings, &err), STATUS_OK);
    else
        (void)snprintf(text, sizeof text, "%s", err.message);
    recording_close(rec);
    if (strstr(text, named) == NULL)
        fail_msg("%s: \"%s\" does not name %s", sql, text, named);
}

static void what_is_damaged_is_named(void **state)
{
    (void)state;
    struct bench b;

    begin(&b);
    made_recording(b.path, 1, 2, true);
    damage_and_look(&b, "UPDATE session SET host='other' WHERE session_id=1", "session row 1");
    damage_and_look(&b, "DELETE FROM event WHERE event_id=(SELECT max(event_id) FROM event)",
                    "event");
    damage_and_look(&b, "DELETE FROM block WHERE level=0 AND block_seq=2", "block");
    damage_and_look(&b, "DELETE FROM table_check WHERE name='block'", "block");
    damage_and_look(&b, "UPDATE table_check SET row_count=0 WHERE name='block'", "table_check");
    damage_and_look(&b, "UPDATE metric SET scale=7 WHERE metric_id=3", "metric row 3");
    damage_and_look(&b, "UPDATE metric_column SET part='x' WHERE metric_column_id=3",
                    "metric_column row 3");
    damage_and_look(&b, "DELETE FROM process_samples_chunk WHERE id=(1<<12)", "block 1");
    damage_and_look(&b, "DELETE FROM process_samples_chunk_60 WHERE id=(1<<12)+8", "level 60");
    damage_and_look(&b, "UPDATE cpu_samples_chunk SET data=zeroblob(90) WHERE id=(1<<12)",
                    "cpu_samples");
    damage_and_look(&b, "DELETE FROM process_lifetime_chunk WHERE id=(1<<12)+520",
                    "lifetimes of block 1");
    damage_and_look(&b, "DELETE FROM string_chunk WHERE id=(1<<12)", "lifetimes of block 1");
    damage_and_look(&b, "UPDATE process SET version_count=9", "process row");
    damage_and_look(&b, "DELETE FROM process_version", "process_version");
    damage_and_look(&b, "DROP TABLE entity", "entity");
    made_directory_close(&b.directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_recording_is_told_so),
        cmocka_unit_test(a_newer_major_version_is_told_so),
        cmocka_unit_test(a_clean_recording_is_one_file_and_stays_so),
        cmocka_unit_test(a_stop_cut_short_leaves_a_readable_file),
        cmocka_unit_test(a_recording_being_written_shows_each_commit),
        cmocka_unit_test(an_open_reader_keeps_its_view),
        cmocka_unit_test(a_tail_reads_as_the_block_it_becomes),
        cmocka_unit_test(what_is_damaged_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
