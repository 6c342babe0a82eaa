/*
 * Damaged recordings: every truncation and flipped bytes anywhere give an error that names a part,
 * or the right answer. PROCSCOPE_DAMAGE_FLIPS: random flips per file (default 400; 10000 takes an
 * hour under the sanitizers).
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>
#include <cmocka.h>

#include "tests/support_digest.h"
#include "tests/support_recording.h"

enum { PAGE = 1024, WHY = 600, STATES_MAX = 64 };

struct damage {
    struct made_directory directory;
    char path[256], other[256];
    struct digest right;
    size_t lies, errors, same;
    uint64_t random;
};

static size_t flips_wanted(void)
{
    const char *text = getenv("PROCSCOPE_DAMAGE_FLIPS");

    return text == NULL ? 400 : strtoul(text, NULL, 10);
}

static uint64_t any(struct damage *d, uint64_t below)
{
    d->random = d->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (d->random >> 33) % below;
}

static void judge(struct damage *d, const char *path, const char *what, off_t at, unsigned value)
{
    struct digest seen;
    char why[WHY] = "";

    digest_take(&seen, path);
    if (!digest_agrees(&seen, &d->right, why, sizeof why)) {
        print_error("%s at %lld (0x%02x): %s\n", what, (long long)at, value, why);
        d->lies++;
    }
    d->errors += seen.damaged;
    d->same += !seen.damaged;
    digest_release(&seen);
}

static void flip(struct damage *d, int fd, const char *path, off_t at)
{
    uint8_t was, now;

    assert_int_equal(pread(fd, &was, 1, at), 1);
    now = (uint8_t)(was ^ (any(d, 2) == 0 ? 1u << any(d, 8) : 1 + any(d, 255)));
    assert_int_equal(pwrite(fd, &now, 1, at), 1);
    judge(d, path, "flip", at, was ^ now);
    assert_int_equal(pwrite(fd, &was, 1, at), 1);
}

/* Random places; then the first three pages and each page's b-tree header, all of it or a sample. */
static void flip_many(struct damage *d, const char *path)
{
    size_t wanted = flips_wanted();
    int fd = open(path, O_RDWR);
    struct stat info;
    size_t chosen;

    assert_true(fd >= 0 && fstat(fd, &info) == 0);
    for (size_t i = 0; i < wanted; i++)
        flip(d, fd, path, (off_t)any(d, (uint64_t)info.st_size));
    chosen = 3 * PAGE + (size_t)info.st_size / PAGE * 8;
    for (size_t i = 0; i < chosen; i++) {
        off_t at = i < 3 * PAGE ? (off_t)i : (off_t)((i - 3 * PAGE) / 8 * PAGE + (i & 7));

        if (wanted >= 10000 || any(d, chosen) < wanted)
            flip(d, fd, path, at);
    }
    (void)close(fd);
}

static void truncate_by_steps(struct damage *d, const char *path)
{
    struct stat info;

    assert_int_equal(stat(path, &info), 0);
    for (off_t size = (info.st_size - 1) / PAGE * PAGE; size >= 0; size -= PAGE) {
        assert_int_equal(truncate(path, size), 0);
        judge(d, path, "truncated", size, 0);
    }
}

static void begin(struct damage *d)
{
    *d = (struct damage){ .random = 1 };
    made_directory_open(&d->directory);
    made_path(&d->directory, "whole.pscope", d->path, sizeof d->path);
    made_path(&d->directory, "other.pscope", d->other, sizeof d->other);
}

static void take_right(struct damage *d)
{
    digest_take(&d->right, d->path);
    if (d->right.damaged)
        fail_msg("undamaged: %s", d->right.message.message);
    assert_true(d->right.count > 1000);
}

static void finish(struct damage *d)
{
    print_message("%zu copies gave an error, %zu the right answer, %zu a wrong one\n", d->errors,
                  d->same, d->lies);
    made_directory_close(&d->directory);
    digest_release(&d->right);
    assert_int_equal(d->lies, 0);
}

static void damage_all(struct damage *d)
{
    take_right(d);
    made_copy(d->path, d->other, false);
    flip_many(d, d->other);
    truncate_by_steps(d, d->other);
    finish(d);
}

static void no_flip_or_cut_of_a_clean_recording_lies(void **state)
{
    (void)state;
    struct damage d;

    begin(&d);
    made_recording(d.path, 1, 3, true);
    damage_all(&d);
}

/* The WAL goes into the file, as SQLite's own shell would leave it. */
static void checkpoint(const char *path)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void no_flip_or_cut_of_a_killed_recording_lies(void **state)
{
    (void)state;
    struct damage d;

    begin(&d);
    made_recording(d.path, 2, 2, false);
    checkpoint(d.path);
    damage_all(&d);
}

/* --- a WAL beside the file --- */

/* A recording that was just killed, in the file and its WAL, and what a reader saw at each commit. */
static size_t record_with_states(struct damage *d, struct digest states[])
{
    struct writer_options options = { .path = d->path, .block_ticks = 15 };
    struct session_facts facts;
    struct made_host host;
    struct writer *writer;
    struct error err = { 0 };
    size_t count = 0;

    made_host_init(&host, 3, MADE_START_NS, 4 * SECOND_NS, 8);
    made_facts(&facts, MADE_START_NS, 1);
    assert_int_equal(writer_open(&writer, &options, &facts, &err), STATUS_OK);
    digest_take(&states[count++], d->path);
    for (int i = 0; i < 40; i++) {
        made_host_record(&host, writer, 1);
        digest_take(&states[count++], d->path);
    }
    made_copy(d->path, d->other, false);
    digest_take(&states[count++], d->other); /* what the last checkpoint held */
    assert_false(states[count - 1].damaged);
    assert_true(states[count - 1].ticks > 20);
    made_copy(d->path, d->other, true);
    digest_take(&d->right, d->other);
    assert_int_equal(writer_close(writer, NULL, &err), STATUS_OK);
    made_host_release(&host);
    return count;
}

/* Any state that was committed is right: SQLite reads a WAL up to its first bad frame. */
static void judge_states(struct damage *d, const struct digest states[], size_t count, off_t at)
{
    struct digest seen;
    char why[WHY] = "";
    bool right = false;

    digest_take(&seen, d->other);
    for (size_t i = count; i-- > 0 && !right;)
        right = digest_agrees(&seen, &states[i], why, sizeof why);
    if (!right) {
        print_error("WAL damaged at %lld: no state that was ever committed: %s\n", (long long)at,
                    why);
        d->lies++;
    }
    d->errors += seen.damaged;
    d->same += !seen.damaged;
    digest_release(&seen);
}

static void a_damaged_wal_gives_an_earlier_commit(void **state)
{
    (void)state;
    struct damage d;
    struct digest states[STATES_MAX];
    size_t count, steps = flips_wanted() / 2;
    char wal[300];
    struct stat info;
    int fd;

    begin(&d);
    count = record_with_states(&d, states);
    (void)snprintf(wal, sizeof wal, "%s-wal", d.other);
    fd = open(wal, O_RDWR);
    assert_true(fd >= 0 && fstat(fd, &info) == 0 && info.st_size > 8 * PAGE);
    assert_true(!d.right.damaged && d.right.ticks == 40);
    for (size_t i = 0; i < steps; i++) {
        off_t at = i < 64 ? (off_t)i : (off_t)any(&d, (uint64_t)info.st_size);
        uint8_t was, now;

        assert_int_equal(pread(fd, &was, 1, at), 1);
        now = (uint8_t)(was ^ (1 + any(&d, 255)));
        assert_int_equal(pwrite(fd, &now, 1, at), 1);
        judge_states(&d, states, count, at);
        assert_int_equal(pwrite(fd, &was, 1, at), 1);
    }
    for (off_t size = info.st_size; size >= 0;
         size -= (off_t)(1 + (size_t)info.st_size / (steps + 1))) {
        assert_int_equal(ftruncate(fd, size), 0);
        judge_states(&d, states, count, size);
    }
    (void)close(fd);
    for (size_t i = 0; i < count; i++)
        digest_release(&states[i]);
    finish(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_flip_or_cut_of_a_clean_recording_lies),
        cmocka_unit_test(no_flip_or_cut_of_a_killed_recording_lies),
        cmocka_unit_test(a_damaged_wal_gives_an_earlier_commit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
