/*
 * Memory that runs out: allocation 1, 2, 3, … fails until none is hit. Writing and reading each end
 * in NO_MEMORY, never in a crash or a wrong claim, and what was committed before stays readable.
 * PROCSCOPE_FAULT_STEP: only every so manieth allocation (default 97).
 *
 * The allocator is this program's own, for all libraries too: the dynamic linker finds it first.
 */
#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "schema/recording.h"
#include "tests/support_recording.h"

#define EXPORTED __attribute__((visibility("default")))

/* --- the allocator --- */

static struct {
    long at, calls; /* at: the call that fails, 0: none is counted */
    bool hit;
} fault;

static bool fails(void)
{
    if (fault.at == 0 || ++fault.calls != fault.at)
        return false;
    fault.hit = true;
    errno = ENOMEM;
    return true;
}

/* What dlsym itself asks for before it has answered. */
static _Alignas(16) char early[65536];
static size_t early_used;

static void *take_early(size_t size)
{
    void *at = early + early_used;

    early_used += (size + 15) & ~(size_t)15;
    return early_used <= sizeof early ? at : NULL;
}

static bool is_early(const void *at)
{
    return (const char *)at >= early && (const char *)at < early + sizeof early;
}

static void *next(const char *name)
{
    static bool asking;
    void *found;

    if (asking)
        return NULL;
    asking = true;
    found = dlsym(RTLD_NEXT, name);
    asking = false;
    return found;
}

EXPORTED void *malloc(size_t size)
{
    static void *(*real)(size_t);

    if (real == NULL)
        *(void **)&real = next("malloc");
    if (real == NULL)
        return take_early(size);
    return fails() ? NULL : real(size);
}

EXPORTED void *calloc(size_t count, size_t size)
{
    static void *(*real)(size_t, size_t);

    if (real == NULL)
        *(void **)&real = next("calloc");
    if (real == NULL)
        return take_early(count * size);
    return fails() ? NULL : real(count, size);
}

EXPORTED void *realloc(void *old, size_t size)
{
    static void *(*real)(void *, size_t);

    if (real == NULL)
        *(void **)&real = next("realloc");
    if (real == NULL || is_early(old))
        return take_early(size);
    return fails() ? NULL : real(old, size);
}

EXPORTED void free(void *old)
{
    static void (*real)(void *);

    if (real == NULL)
        *(void **)&real = next("free");
    if (real != NULL && !is_early(old))
        real(old);
}

/* --- trials --- */

static long step(void)
{
    const char *text = getenv("PROCSCOPE_FAULT_STEP");

    return text == NULL ? 97 : strtol(text, NULL, 10);
}

/* Ticks made beforehand, so that only the writer's allocations are counted. */
enum { TICKS = 26 };
static struct made_host hosts[TICKS];

static void make_ticks(void)
{
    struct made_host host;

    made_host_init(&host, 6, MADE_START_NS, 6 * SECOND_NS, 4);
    for (int i = 0; i < TICKS; i++) {
        struct tick fresh;

        made_host_tick(&host);
        hosts[i] = host; /* keeps this tick; the host goes on with a new one */
        tick_init(&fresh);
        fresh.seq = host.tick.seq;
        host.tick = fresh;
    }
    made_host_release(&host);
}

static void release_ticks(void)
{
    for (int i = 0; i < TICKS; i++)
        tick_release(&hosts[i].tick);
}

static enum status write_all(const char *path, struct error *err)
{
    struct writer_options options = { .path = path, .block_ticks = 5 };
    struct session_facts facts;
    struct writer *writer;
    enum status st, closed;

    made_facts(&facts, MADE_START_NS, 1);
    st = writer_open(&writer, &options, &facts, err);
    if (st != STATUS_OK)
        return st;
    for (int i = 0; i < TICKS && st == STATUS_OK; i++)
        st = writer_tick(writer, &hosts[i].tick, err);
    closed = writer_close(writer, "stop", st == STATUS_OK ? err : NULL);
    return st == STATUS_OK ? closed : st;
}

static void ignore(void *context, const char *part, const char *what)
{
    (void)context;
    print_error("%s: %s\n", part, what);
}

static enum status read_all(const char *path, size_t *findings, struct error *err)
{
    struct recording *rec;
    enum status st = recording_open(&rec, path, err);

    *findings = 0;
    if (st == STATUS_OK)
        st = recording_verify(rec, ignore, NULL, findings, err);
    recording_close(rec);
    return st;
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

static bool is_shortage(enum status st)
{
    return st == STATUS_NO_MEMORY || st == STATUS_IO; /* SQLite calls some of them so */
}

static void writing_ends_in_no_memory(void **state)
{
    (void)state;
    struct made_directory directory;
    char path[256];
    long failures = 0;

    made_directory_open(&directory);
    made_path(&directory, "short.pscope", path, sizeof path);
    make_ticks();
    for (long at = 1;; at += step()) {
        struct error err = { 0 };
        size_t findings;
        enum status st;

        remove_recording(path);
        fault.hit = false;
        fault.calls = 0;
        fault.at = at;
        st = write_all(path, &err);
        fault.at = 0;
        if (st != STATUS_OK && !is_shortage(st))
            fail_msg("allocation %ld: %s: %s", at, status_text(st), err.message);
        failures += st != STATUS_OK;
        if (access(path, F_OK) == 0) {
            st = read_all(path, &findings, &err);
            /* Before its first commit it is not a recording yet. */
            if ((st != STATUS_OK && st != STATUS_INVALID) || findings > 0)
                fail_msg("allocation %ld, then reading: %s", at, err.message);
        }
        if (!fault.hit)
            break;
    }
    assert_true(failures > 10);
    release_ticks();
    made_directory_close(&directory);
}

static void reading_ends_in_no_memory(void **state)
{
    (void)state;
    struct made_directory directory;
    char path[256];
    long failures = 0;

    made_directory_open(&directory);
    made_path(&directory, "whole.pscope", path, sizeof path);
    made_recording(path, 4, 1, false);
    for (long at = 1;; at += step()) {
        struct error err = { 0 };
        size_t findings = 0;
        enum status st;

        fault.hit = false;
        fault.calls = 0;
        fault.at = at;
        st = read_all(path, &findings, &err);
        fault.at = 0;
        if ((st != STATUS_OK && !is_shortage(st)) || findings > 0)
            fail_msg("allocation %ld: %s: %s", at, status_text(st), err.message);
        failures += st != STATUS_OK;
        if (!fault.hit)
            break;
    }
    assert_true(failures > 10);
    made_directory_close(&directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writing_ends_in_no_memory),
        cmocka_unit_test(reading_ends_in_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
