/*
 * The power goes while a recording is written: at a call that SQLite makes of its files, while
 * they are created, written, sealed, evicted from, recovered, shrunk or closed. What the disk may
 * hold then, and what of it is not modelled, is told in fault/power_vfs.h.
 *
 * The recording must open without damage; every tick that is older than `--sync` by the recorder's
 * clock, or was there after an earlier cut or a clean end, is in it with its values; and the next
 * recorder goes on.
 *
 * PROCSCOPE_POWER_CUTS: how many cuts in all (default 100).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/fault/power_vfs.h"
#include "tests/support_digest.h"
#include "tests/support_recording.h"
#include "tests/support_truth.h"

enum {
    CUTS_OF_A_FILE = 5, /* then there is a new one */
    CALLS_MAX = 700,    /* the power goes within so many */
    SESSION_TICKS = 60,
    TRUTH_MAX = 20000,
    JITTER_NS = 20000000, /* that made_host's ticks are off their times */
};

/* How the recorder is run; every file has one of these. */
struct setting {
    const char *name;
    int64_t interval_ns, commit_ns, sync_ns;
    uint32_t block_ticks; /* a seal syncs too: where there are few, it is up to sync_ns */
    struct retention_options retention;
};
static const struct setting settings[] = {
    { "many seals", 6 * SECOND_NS, 0, 40 * SECOND_NS, 5, { 0 } },
    { "few seals", 6 * SECOND_NS, 0, 60 * SECOND_NS, 50, { 0 } },
    { "short sessions", SECOND_NS / 10, 9 * SECOND_NS / 10, 10 * SECOND_NS, 40, { 0 } },
    { "by age", 6 * SECOND_NS, 0, 40 * SECOND_NS, 5, { .keep_ns = 60 * SECOND_NS } },
    { "by size", 12 * SECOND_NS, 0, 60 * SECOND_NS, 5, { .max_bytes = 80 << 10 } },
};

/* One tick that was given to the writer. */
struct told {
    int64_t start_ns;
    uint64_t hash; /* of its process rows */
    bool stored;   /* it was there after a cut, or the recorder ended cleanly after it */
    bool killed;   /* it may not have been committed when its recorder was killed */
    bool lost, there;
};

struct trial {
    const struct setting *setting;
    char path[256];
    uint64_t random;
    struct made_host host;
    struct writer *writer;
    struct truth truth;
    struct told told[TRUTH_MAX];
    size_t told_count;
    const char *cut;   /* what the power went in */
    long cuts, spared; /* spared: ticks not synced that were there nevertheless */
    long lost;         /* not synced, and gone */
    long evicted;
};

static uint64_t any(struct trial *t, uint64_t below)
{
    uint64_t z = t->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % below;
}

/* --- the truth --- */

static void note_truth(struct trial *t)
{
    const struct tick *tick = &t->host.tick;

    assert_true(t->told_count < TRUTH_MAX);
    t->told[t->told_count++] =
        (struct told){ .start_ns = tick->start_ns, .hash = truth_of_tick(&t->truth, tick) };
}

static struct told *told_at(struct trial *t, int64_t start_ns)
{
    for (size_t i = t->told_count; i-- > 0;)
        if (t->told[i].start_ns == start_ns)
            return &t->told[i];
    fail_msg("a tick at %lld, where there was none", (long long)start_ns);
    return NULL;
}

static void find_tick(void *context, int64_t start_ns, uint64_t hash)
{
    struct trial *t = context;
    struct told *told = told_at(t, start_ns);

    if (told->there)
        fail_msg("cut %ld: the tick at %lld comes twice", t->cuts, (long long)start_ns);
    if (told->hash != hash)
        fail_msg("cut %ld: the tick at %lld has other values", t->cuts, (long long)start_ns);
    told->there = true;
}

/* --- after a cut --- */

static void report(void *context, const char *part, const char *what)
{
    (void)context;
    print_error("%s: %s\n", part, what);
}

/* Everything that a reader can ask for, and that the answers are consistent. */
static void read_all(struct trial *t, struct recording *rec)
{
    struct error err = { 0 };
    struct digest seen;
    size_t findings = 0;

    if (recording_verify(rec, report, NULL, &findings, &err) != STATUS_OK)
        fail_msg("cut %ld: %s", t->cuts, err.message);
    if (findings > 0)
        fail_msg("cut %ld: %zu findings", t->cuts, findings);
    truth_read(rec, find_tick, t);
    digest_take(&seen, t->path);
    if (seen.damaged)
        fail_msg("cut %ld: %s", t->cuts, seen.message.message);
    digest_release(&seen);
}

/* A file that was only just begun may be empty, or none at all. */
static bool open_it(struct trial *t, struct recording **rec)
{
    struct error err = { 0 };
    enum status st = recording_open(rec, t->path, &err);

    if (st != STATUS_OK && st != STATUS_IO && st != STATUS_INVALID)
        fail_msg("cut %ld: %s", t->cuts, err.message);
    return st == STATUS_OK;
}

static bool evicts(const struct trial *t)
{
    return t->setting->retention.keep_ns != 0 || t->setting->retention.max_bytes != 0;
}

static bool is_safe(const struct trial *t, const struct told *told, int64_t now_ns)
{
    bool old = told->start_ns < now_ns - t->setting->sync_ns - JITTER_NS;

    return !told->lost && (told->stored || (old && !told->killed));
}

/* Retention takes the oldest, never the newest: from when on nothing is missing. */
static int64_t kept_from_ns(const struct trial *t, int64_t now_ns)
{
    for (size_t i = 0; i < t->told_count; i++)
        if (t->told[i].there || !evicts(t))
            return t->told[i].start_ns;
    for (size_t i = t->told_count; i-- > 0;)
        if (is_safe(t, &t->told[i], now_ns))
            return t->told[i].start_ns;
    return INT64_MAX;
}

/* What is not there must be younger than --sync, or older than what was evicted. */
static void compare(struct trial *t, int64_t now_ns)
{
    int64_t kept_ns = kept_from_ns(t, now_ns);

    for (size_t i = 0; i < t->told_count; i++) {
        struct told *told = &t->told[i];
        bool safe = is_safe(t, told, now_ns);

        if (!told->there && safe && told->start_ns >= kept_ns)
            fail_msg("%s, cut %ld (%s): the tick %.1f s before it is lost", t->setting->name,
                     t->cuts, t->cut, (double)(now_ns - told->start_ns) / 1e9);
        t->spared += told->there && !safe;
        t->lost += !told->there && !told->lost && !safe;
        t->evicted += !told->there && safe;
        told->lost = !told->there;
        told->stored = told->there;
    }
}

static void check(struct trial *t, int64_t now_ns)
{
    struct recording *rec = NULL;

    for (size_t i = 0; i < t->told_count; i++)
        t->told[i].there = false;
    if (open_it(t, &rec))
        read_all(t, rec);
    compare(t, now_ns);
    recording_close(rec);
}

/* --- recording --- */

/* A failure is the cut, or it is one. */
static bool went(const struct trial *t, enum status st, const struct error *err)
{
    if (st != STATUS_OK && !power_vfs.off)
        fail_msg("%s, after cut %ld: %s", t->setting->name, t->cuts, err->message);
    return st != STATUS_OK || power_vfs.off;
}

/*
 * A clean end stores all that is not lost; a kill costs what was not committed. SQLite would close
 * its files in order: a process that is killed does not.
 */
static bool end_session(struct trial *t, bool clean)
{
    struct writer *writer = t->writer;
    struct error err = { 0 };
    bool gone;

    t->writer = NULL;
    if (!clean)
        power_vfs.off = true;
    gone = went(t, writer_close(writer, clean ? "stop" : NULL, &err), &err) && clean;
    if (!clean)
        power_vfs.off = false;
    for (size_t i = 0; !gone && i < t->told_count; i++) {
        struct told *told = &t->told[i];

        told->killed |= !clean && told->start_ns >= t->host.before_ns - t->setting->commit_ns;
        told->stored |= clean && !told->lost && !told->killed;
    }
    t->host.now_ns += t->setting->interval_ns;
    return gone || (clean && any(t, 8) == 0); /* and then the power goes */
}

/* One session; `limited` false: without a limit to its size. Returns whether the power went. */
static bool session(struct trial *t, size_t ticks, bool limited, bool clean)
{
    struct writer_options options = { .path = t->path,
                                      .block_ticks = t->setting->block_ticks,
                                      .commit_ns = t->setting->commit_ns,
                                      .sync_ns = t->setting->sync_ns,
                                      .retention = t->setting->retention };
    struct session_facts facts;
    struct error err = { 0 };

    if (!limited)
        options.retention.max_bytes = 0;
    made_facts(&facts, t->host.now_ns, 1);
    facts.interval_ns = t->setting->interval_ns;
    made_host_restart(&t->host, true);
    if (went(t, writer_open(&t->writer, &options, &facts, &err), &err))
        return true;
    for (size_t i = 0; i < ticks; i++) {
        made_host_tick(&t->host);
        note_truth(t);
        if (went(t, writer_tick(t->writer, &t->host.tick, &err), &err))
            return true;
    }
    return end_session(t, clean);
}

/* Sessions that end cleanly or by a kill, until the power goes. */
static void record_until_cut(struct trial *t)
{
    struct error err = { 0 };
    int64_t now_ns;

    power_vfs_arm(1 + (long)any(t, any(t, 3) == 0 ? CALLS_MAX / 8 : CALLS_MAX));
    while (!session(t, 1 + any(t, SESSION_TICKS), any(t, 3) > 0, any(t, 2) == 0))
        ;
    power_vfs.off = true;
    (void)!writer_close(t->writer, NULL, &err);
    t->writer = NULL;
    now_ns = t->host.before_ns;
    t->cuts++;
    t->cut = power_vfs.cut == NULL ? "after the end" : power_vfs.cut;
    power_vfs_return(any(t, UINT64_MAX));
    check(t, now_ns);
    t->host.now_ns += t->setting->interval_ns;
}

/* One file through several cuts; at last a recorder that nothing happens to. */
static void outlive(struct trial *t, const struct setting *setting, uint64_t seed)
{
    t->setting = setting;
    t->random = seed;
    t->told_count = 0;
    made_host_init(&t->host, seed, MADE_START_NS, setting->interval_ns, 4);
    for (int i = 0; i < CUTS_OF_A_FILE; i++)
        record_until_cut(t);
    power_vfs_arm(0);
    (void)session(t, 20, true, true);
    check(t, INT64_MAX);
    made_host_release(&t->host);
}

static void at_most_what_was_not_synced_is_lost(void **state)
{
    (void)state;
    static struct trial t;
    struct made_directory directory;
    const char *text = getenv("PROCSCOPE_POWER_CUTS");
    long wanted = text == NULL ? 100 : strtol(text, NULL, 10);

    made_directory_open(&directory);
    for (uint64_t file = 0; t.cuts < wanted; file++) {
        char name[40];

        (void)snprintf(name, sizeof name, "cut-%u.pscope", (unsigned)file);
        made_path(&directory, name, t.path, sizeof t.path);
        outlive(&t, &settings[file % COUNT_OF(settings)], file + 1);
        (void)unlink(t.path);
    }
    print_message("%ld cuts; of ticks not synced %ld were lost, %ld were there; %ld evicted\n",
                  t.cuts, t.lost, t.spared, t.evicted);
    assert_true(t.lost > 0 && t.spared > 0 && t.evicted > 0);
    made_directory_close(&directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_most_what_was_not_synced_is_lost),
    };

    power_vfs_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
