/*
 * A disk that fails: call 1, 2, 3, … of the writer's goes wrong until none is hit. Every call of
 * the writer ends in a status; given the same tick again it goes on, and nothing is missing.
 * PROCSCOPE_FAULT_STEP: only every so manieth call (default 19; 1: all of them, in some minutes).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/fault/fault_vfs.h"
#include "tests/support_digest.h"
#include "tests/support_recording.h"
#include "tests/support_truth.h"

enum { TICKS = 34, SESSIONS = 2, WHY = 600 };

struct trial {
    char path[256];
    long at;
    bool lasting, full;
    bool evicts;     /* level 0 is kept for a minute only */
    size_t failures; /* calls of the writer that ended in an error */
};

/* The disk works again: what failed may be done once more. */
static void mend(struct trial *t, const struct error *err)
{
    assert_true(err->message[0] != '\0');
    if (err->status != STATUS_IO && err->status != STATUS_FULL)
        fail_msg("call %ld gave \"%s\": %s", t->at, status_text(err->status), err->message);
    assert_true(fault_vfs.hit);
    t->failures++;
    fault_vfs.at = 0;
}

static struct writer *open_anyway(struct trial *t, const struct session_facts *facts)
{
    struct writer_options options = { .path = t->path,
                                      .block_ticks = 5,
                                      .sync_ns = 40 * SECOND_NS,
                                      .retention.keep_ns = t->evicts ? 60 * SECOND_NS : 0 };
    struct writer *writer = NULL;
    struct error err = { 0 };

    if (writer_open(&writer, &options, facts, &err) == STATUS_OK)
        return writer;
    assert_null(writer);
    mend(t, &err);
    if (writer_open(&writer, &options, facts, &err) != STATUS_OK)
        fail_msg("call %ld: open again: %s", t->at, err.message);
    return writer;
}

static void tick_anyway(struct trial *t, struct writer *writer, const struct tick *tick)
{
    struct error err = { 0 };

    if (writer_tick(writer, tick, &err) == STATUS_OK)
        return;
    mend(t, &err);
    if (writer_tick(writer, tick, &err) != STATUS_OK)
        fail_msg("call %ld: tick again: %s", t->at, err.message);
}

/* What every state of the file must allow. */
static void read_it(struct trial *t)
{
    struct digest seen;

    digest_take(&seen, t->path);
    if (seen.damaged)
        fail_msg("call %ld (%s): %s", t->at, t->full ? "full" : "error", seen.message.message);
    digest_release(&seen);
}

/* Two sessions of ticks crossing minutes and an hour; returns whether some call failed. */
static bool record(struct trial *t)
{
    struct made_host host;

    made_host_init(&host, 5, MADE_START_NS, 6 * SECOND_NS, 4);
    fault_vfs_arm(t->at, t->lasting, t->full);
    for (int s = 0; s < SESSIONS; s++) {
        struct session_facts facts;
        struct writer *writer;
        struct error err = { 0 };

        made_facts(&facts, host.now_ns, 1);
        writer = open_anyway(t, &facts);
        made_host_restart(&host, true);
        for (int i = 0; i < TICKS; i++) {
            made_host_tick(&host);
            tick_anyway(t, writer, &host.tick);
        }
        if (writer_close(writer, "stop", &err) != STATUS_OK)
            mend(t, &err);
        host.now_ns += 5 * SECOND_NS;
    }
    fault_vfs.at = 0;
    made_host_release(&host);
    return fault_vfs.hit;
}

static void count_findings(void *context, const char *part, const char *what)
{
    (void)context;
    print_error("%s: %s\n", part, what);
}

static void verify(const char *path)
{
    struct recording *rec;
    struct error err = { 0 };
    size_t findings = 0;

    if (recording_open(&rec, path, &err) != STATUS_OK ||
        recording_verify(rec, count_findings, NULL, &findings, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    recording_close(rec);
    assert_int_equal(findings, 0);
}

static void remove_recording(const char *path)
{
    static const char *const suffix[] = { "", "-wal", "-shm", "-journal" };
    char name[300];

    for (size_t i = 0; i < COUNT_OF(suffix); i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, suffix[i]);
        (void)unlink(name);
    }
}

/* The samples must be those of a run without a fault; ids and events may differ after a failed close. */
static void fail_each_call(bool lasting, bool full, bool evicts)
{
    struct made_directory directory;
    struct trial t = { .lasting = lasting, .full = full, .evicts = evicts };
    struct digest right = { 0 };
    const char *text = getenv("PROCSCOPE_FAULT_STEP");
    long step = text == NULL ? 19 : strtol(text, NULL, 10);
    char why[WHY] = "";
    int64_t sum, now;

    made_directory_open(&directory);
    made_path(&directory, "faulty.pscope", t.path, sizeof t.path);
    (void)record(&t);
    digest_take(&right, t.path);
    assert_true(evicts ? right.ticks < TICKS * SESSIONS : right.ticks == TICKS * SESSIONS);
    sum = truth_cpu_ns(t.path);
    assert_true(sum > 0);
    for (t.at = 1;; t.at += step) {
        struct digest seen;
        bool hit;

        remove_recording(t.path);
        hit = record(&t);
        read_it(&t);
        verify(t.path);
        digest_take(&seen, t.path);
        now = truth_cpu_ns(t.path);
        if (seen.ticks != right.ticks && !(evicts && now < 0))
            fail_msg("call %ld: %u ticks of %u", t.at, seen.ticks, right.ticks);
        if (now >= 0 && now != sum)
            fail_msg("call %ld: usage of %lld, not %lld", t.at, (long long)now, (long long)sum);
        if (!hit && !digest_equal(&seen, &right, why, sizeof why))
            fail_msg("call %ld: %s", t.at, why);
        digest_release(&seen);
        if (!hit)
            break;
    }
    print_message("%ld calls, %zu failures felt\n", t.at - 1, t.failures);
    assert_true(t.failures > 10);
    digest_release(&right);
    made_directory_close(&directory);
}

static void an_io_error_costs_a_retry(void **state)
{
    (void)state;
    fail_each_call(false, false, false);
}

static void io_errors_until_mended_cost_retries(void **state)
{
    (void)state;
    fail_each_call(true, false, false);
}

static void a_full_disk_costs_a_retry(void **state)
{
    (void)state;
    fail_each_call(true, true, false);
}

static void a_disk_that_was_full_once_costs_a_retry(void **state)
{
    (void)state;
    fail_each_call(false, true, false);
}

static void eviction_may_fail_too(void **state)
{
    (void)state;
    fail_each_call(false, false, true);
}

static void eviction_may_fail_until_mended(void **state)
{
    (void)state;
    fail_each_call(true, true, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_io_error_costs_a_retry),
        cmocka_unit_test(io_errors_until_mended_cost_retries),
        cmocka_unit_test(a_full_disk_costs_a_retry),
        cmocka_unit_test(a_disk_that_was_full_once_costs_a_retry),
        cmocka_unit_test(eviction_may_fail_too),
        cmocka_unit_test(eviction_may_fail_until_mended),
    };

    fault_vfs_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
