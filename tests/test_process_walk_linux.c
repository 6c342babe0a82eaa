/* The collector of processes on a source that hands them all out: a double that does as it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "recorder/collectors/process_source_linux.h"
#include "recorder/collectors/process_stats.h"
#include "tests/support_process_linux.h"

enum { MOST = 64, MS = 1000000 };

static const uint64_t second_ns = 1000000000;

/* What it hands out next. */
struct fake_source {
    struct process_source source;
    struct walk_record records[MOST];
    size_t count;
    union fake_event {
        struct walk_exec exec;
        struct walk_exit exit;
    } events[MOST];
    size_t event_count, later; /* those from `later` on come with the second drain of a tick */
    size_t drained;
    bool fails;
    struct walk_losses losses;
};

static enum status fake_walk(void *self, const struct walk_wish *wish, walk_take *take, void *to,
                             struct error *err)
{
    struct fake_source *fake = self;
    size_t half = fake->count / 2;

    (void)wish;
    take(to, fake->records, half);
    if (fake->fails)
        return error_set(err, STATUS_IO, "as told");
    take(to, fake->records + half, fake->count - half);
    return STATUS_OK;
}

static void fake_drain(void *self, walk_event_take *take, void *to)
{
    struct fake_source *fake = self;
    size_t end = fake->drained < fake->later ? fake->later : fake->event_count;

    for (; fake->drained < end; fake->drained++)
        take(to, &fake->events[fake->drained].exec.head,
             fake->events[fake->drained].exec.head.kind == WALK_EXEC
                 ? offsetof(struct walk_exec, text) + fake->events[fake->drained].exec.used
                 : sizeof(struct walk_exit));
}

static struct walk_losses fake_losses(const void *self)
{
    return ((const struct fake_source *)self)->losses;
}

struct walk_rig {
    struct process_rig rig;
    struct fake_source fake;
};

static struct walk_rig *rig_new(void)
{
    struct walk_rig *w = calloc(1, sizeof *w);

    assert_non_null(w);
    w->fake.source = (struct process_source){ "bpf", fake_walk, fake_drain, fake_losses, &w->fake };
    rig_fixture(&w->rig);
    w->rig.context.source = &w->fake.source;
    rig_open(&w->rig, "auto");
    return w;
}

static void rig_free(struct walk_rig *w)
{
    rig_close(&w->rig);
    free(w);
}

static void tick(struct walk_rig *w)
{
    w->fake.drained = 0;
    if (w->fake.later == 0 || w->fake.later > w->fake.event_count)
        w->fake.later = w->fake.event_count;
    rig_tick(&w->rig);
    w->fake.event_count = w->fake.later = 0;
}

static struct walk_record *put(struct walk_rig *w, int32_t pid, uint64_t start_ns, const char *comm)
{
    struct walk_record *r = &w->fake.records[w->fake.count++];

    *r = (struct walk_record){
        .pid = pid,
        .ppid = 1,
        .uid = 1000,
        .flags = WALK_HAS_MEMORY | WALK_RUN_DELAY | WALK_IO_CHARS | WALK_IO_BYTES,
        .state = 1,
        .threads = 1,
        .static_prio = 120,
        .start_boot_ns = start_ns,
        .exec_ns = 5000000,
        .virtual_pages = 10,
        .resident = { 1, 2, 3, 4 },
        .program = 1,
    };
    snprintf(r->comm, sizeof r->comm, "%s", comm);
    return r;
}

static void drop(struct walk_rig *w, int32_t pid)
{
    for (size_t i = 0; i < w->fake.count; i++) {
        if (w->fake.records[i].pid == pid)
            w->fake.records[i] = w->fake.records[--w->fake.count];
    }
}

static struct walk_exec *put_exec(struct walk_rig *w, int32_t pid, uint64_t start_ns,
                                  const char *arguments, size_t size)
{
    struct walk_exec *e = &w->fake.events[w->fake.event_count++].exec;
    static const char path[] = "prog\0bin\0usr", cgroup[] = "x.service\0system.slice";

    *e = (struct walk_exec){
        .head = { WALK_EXEC, pid, start_ns, start_ns + MS },
        .ppid = 1,
        .uid = 1000,
        .program = 2,
        .comm = "prog",
        .arguments_size = (uint32_t)size,
        .arguments_whole = (uint32_t)size,
        .path_size = sizeof path,
        .cgroup_size = sizeof cgroup,
    };
    memcpy(e->text, arguments, size);
    memcpy(e->text + size, path, sizeof path);
    memcpy(e->text + size + sizeof path, cgroup, sizeof cgroup);
    e->used = (uint32_t)(size + sizeof path + sizeof cgroup);
    return e;
}

static struct walk_exit *put_exit(struct walk_rig *w, enum walk_event_kind kind, int32_t pid,
                                  uint64_t start_ns, uint64_t exec_ns)
{
    struct walk_exit *e = &w->fake.events[w->fake.event_count++].exit;

    *e = (struct walk_exit){
        .head = { kind, pid, start_ns, (uint64_t)w->rig.now_ns - MS },
        .ppid = 1,
        .uid = 1000,
        .code = 3 << 8,
        .flags = WALK_IO_CHARS | WALK_IO_BYTES | WALK_RUN_DELAY,
        .totals = { .exec_ns = exec_ns, .read_chars = 77 },
        .peak_pages = 100,
        .comm = "prog",
    };
    return e;
}

/* As of the next tick: boot time a little before it. */
static uint64_t recently(const struct walk_rig *w)
{
    return (uint64_t)w->rig.now_ns - 500 * MS;
}

static void an_unchanged_record_is_an_unchanged_row(void **state)
{
    struct walk_rig *w = rig_new();
    (void)state;

    struct walk_record *r = put(w, 10, 5 * second_ns + 17 * MS, "ten");
    tick(w);
    uint32_t slot = rig_slot(&w->rig, 10);
    assert_int_equal(rig_birth(&w->rig, 10)->start_ticks, 501);
    assert_int_equal(rig_row(&w->rig, slot)->flags, ROW_FIRST);
    assert_int_equal(rig_value(&w->rig, slot, PROCESS_CPU_NS_TOTAL), 5000);
    assert_int_equal(rig_value(&w->rig, slot, PROCESS_RESIDENT_BYTES), 7 * sysconf(_SC_PAGESIZE));
    assert_true(rig_named(&w->rig, slot, PROCESS_COMM, "ten"));
    tick(w);
    assert_int_equal(rig_row(&w->rig, slot)->at, ROW_SAME);
    r->exec_ns += 2000;
    tick(w);
    assert_int_equal(rig_value(&w->rig, slot, PROCESS_CPU_NS_TOTAL), 5002);
    rig_free(w);
}

static void a_torn_record_takes_nothing_back(void **state)
{
    struct walk_rig *w = rig_new();
    (void)state;

    struct walk_record *r = put(w, 10, second_ns, "ten");
    r->switches_voluntary = 50;
    r->user_raw_ns = 4000000;
    r->system_raw_ns = 1000000;
    tick(w);
    uint32_t slot = rig_slot(&w->rig, 10);
    r->exec_ns = 4000000; /* a thread left between two words */
    r->switches_voluntary = 40;
    r->system_raw_ns = 0;
    r->minor_faults = 1;
    tick(w);
    assert_int_equal(rig_value(&w->rig, slot, PROCESS_CPU_NS_TOTAL), 5000);
    assert_int_equal(rig_value(&w->rig, slot, PROCESS_CPU_USER_NS_TOTAL), 4000);
    assert_int_equal(rig_value(&w->rig, slot, PROCESS_CPU_SYSTEM_NS_TOTAL), 1000);
    assert_int_equal(rig_value(&w->rig, slot, PROCESS_CONTEXT_SWITCHES_VOLUNTARY_TOTAL), 50);
    assert_int_equal(rig_value(&w->rig, slot, PROCESS_MINOR_FAULTS_TOTAL), 1);
    rig_free(w);
}

static void a_short_walk_ends_nobody(void **state)
{
    struct walk_rig *w = rig_new();
    struct process_stats stats;
    (void)state;

    for (int32_t pid = 10; pid < 20; pid++)
        put(w, pid, second_ns * (uint64_t)pid, "many");
    tick(w);
    uint32_t last = rig_slot(&w->rig, 19);
    w->fake.fails = true;
    for (int times = 0; times < 3; times++) {
        tick(w);
        assert_int_equal(rig_row(&w->rig, last)->at, ROW_SAME);
        assert_int_equal(w->rig.tick.exit_count, 0);
    }
    process_collector_stats(w->rig.state, &stats);
    assert_int_equal(stats.walks_incomplete, 3);
    w->fake.fails = false;
    tick(w);
    assert_int_equal(w->rig.tick.birth_count, 0);
    assert_int_equal(w->rig.tick.table[TABLE_PROCESS].row_count, 10);
    rig_free(w);
}

static void one_that_is_left_out_once_is_not_over(void **state)
{
    struct walk_rig *w = rig_new();
    struct process_stats stats;
    (void)state;

    put(w, 10, second_ns, "ten");
    put(w, 11, second_ns, "eleven");
    tick(w);
    uint32_t slot = rig_slot(&w->rig, 11);
    w->fake.count = 1;
    tick(w);
    assert_int_equal(rig_row(&w->rig, slot)->at, ROW_SAME);
    tick(w);
    assert_null(rig_row(&w->rig, slot));
    assert_int_equal(rig_exit(&w->rig, slot)->how, EXIT_UNKNOWN);
    process_collector_stats(w->rig.state, &stats);
    assert_int_equal(stats.exits_lost, 1);
    rig_free(w);
}

static void a_zombie_that_is_waited_for_is_no_loss(void **state)
{
    struct walk_rig *w = rig_new();
    struct walk_record *zombie = put(w, 10, second_ns, "ten");
    struct process_stats stats;
    (void)state;

    zombie->state = 0x20;
    zombie->flags = WALK_ZOMBIE;
    put(w, 11, second_ns, "eleven");
    tick(w);
    uint32_t slot = rig_slot(&w->rig, 10);
    drop(w, 10);
    tick(w);
    tick(w);
    assert_int_equal(rig_exit(&w->rig, slot)->how, EXIT_UNKNOWN);
    process_collector_stats(w->rig.state, &stats);
    assert_int_equal(stats.exits_lost, 0);
    rig_free(w);
}

static void one_handed_out_twice_has_one_row(void **state)
{
    struct walk_rig *w = rig_new();
    (void)state;

    put(w, 10, second_ns, "ten");
    put(w, 10, second_ns, "ten")->exec_ns++;
    tick(w);
    assert_int_equal(w->rig.tick.table[TABLE_PROCESS].row_count, 1);
    tick(w);
    assert_int_equal(w->rig.tick.table[TABLE_PROCESS].row_count, 1);
    rig_free(w);
}

static void a_life_between_two_ticks_has_all_of_its_row(void **state)
{
    static const char arguments[] = "prog\0--password=hunter2";
    struct walk_rig *w = rig_new();
    (void)state;

    put(w, 10, second_ns, "ten");
    tick(w);
    uint64_t start = recently(w);
    put_exec(w, 30, start, arguments, sizeof arguments);
    put_exit(w, WALK_EXIT, 30, start, 4900000);
    put_exit(w, WALK_FREE, 30, start, 5000000);
    tick(w);
    uint32_t slot = rig_slot(&w->rig, 30);
    const struct tick_row *row = rig_row(&w->rig, slot);
    assert_int_equal(row->flags, ROW_FIRST | ROW_BORN | ROW_LAST);
    assert_int_equal(row->start_ns, rig_birth(&w->rig, 30)->start_ns);
    assert_int_equal(rig_birth(&w->rig, 30)->flags, 0);
    assert_int_equal(rig_value(&w->rig, slot, PROCESS_CPU_NS_TOTAL), 5000);
    assert_int_equal(rig_value(&w->rig, slot, PROCESS_IO_READ_CHARS_TOTAL), 77);
    assert_int_equal(rig_value(&w->rig, slot, PROCESS_RESIDENT_BYTES), 100 * sysconf(_SC_PAGESIZE));
    assert_int_equal(rig_missing(&w->rig, slot, PROCESS_THREADS), MISSING_EXITED);
    assert_int_equal(rig_exit(&w->rig, slot)->code, 3 << 8);
    assert_true(rig_named(&w->rig, slot, PROCESS_COMM, "prog"));
    assert_true(rig_named(&w->rig, slot, PROCESS_CMDLINE, "prog --password=[redacted]"));
    assert_true(rig_named(&w->rig, slot, PROCESS_EXE, "/usr/bin/prog"));
    assert_true(rig_named(&w->rig, slot, PROCESS_CGROUP, "/system.slice/x.service"));
    assert_int_equal(rig_version(&w->rig, slot)->uid, 1000);
    tick(w);
    assert_int_equal(w->rig.tick.table[TABLE_PROCESS].row_count, 1);
    rig_free(w);
}

static void it_is_called_what_it_called_itself_at_last(void **state)
{
    struct walk_rig *w = rig_new();
    int others = 0;
    (void)state;

    put(w, 10, second_ns, "ten");
    tick(w);
    uint64_t start = recently(w);
    put_exec(w, 30, start, "prog", 5); /* no walk sees this one */
    struct walk_exit *e = put_exit(w, WALK_EXIT, 30, start, 5000000);
    snprintf(e->comm, sizeof e->comm, "worker");
    e->uid = 1001;
    put_exec(w, 31, start, "prog", 5);
    put(w, 31, start, "listener")->program = 2;
    snprintf(put_exit(w, WALK_EXIT, 10, second_ns, 5000000)->comm, WALK_COMM_SIZE, "eleven");
    int64_t walked_ns = w->rig.tick.start_ns;
    tick(w);
    uint32_t slot = rig_slot(&w->rig, 30);
    assert_true(rig_named(&w->rig, slot, PROCESS_COMM, "worker"));
    assert_int_equal(rig_version(&w->rig, slot)->from_ns, rig_birth(&w->rig, 30)->start_ns);
    assert_true(rig_named(&w->rig, rig_slot(&w->rig, 31), PROCESS_COMM, "listener"));
    for (size_t i = 0; i < w->rig.tick.version_count; i++) {
        const struct tick_version *v = &w->rig.tick.versions[i];

        if (v->slot != slot && v->known == 1u << PROCESS_COMM)
            assert_int_equal(v->from_ns, walked_ns + 1); /* that of pid 10 */
        if (v->slot == slot && (v->known & 1u << PROCESS_CMDLINE) == 0) {
            assert_int_equal(v->uid, 1001); /* not whom its program began as */
            assert_int_equal(v->known, 1u << PROCESS_COMM | 1u << PROCESS_USER | VERSION_UID);
            others++;
        }
    }
    assert_int_equal(others, 1);
    assert_int_equal(w->rig.tick.exit_count, 0); /* nobody was forgotten yet */
    rig_free(w);
}

static void a_confidential_argument_is_redacted_where_it_is_cut(void **state)
{
    static char arguments[WALK_ARGUMENTS_MAX];
    struct walk_rig *w = rig_new();
    (void)state;

    tick(w);
    memset(arguments, 'x', sizeof arguments);
    memcpy(arguments, "prog", 5);
    memcpy(arguments + sizeof arguments - 17, "\0--password\0hunte", 17);
    put_exec(w, 30, recently(w), arguments, sizeof arguments)->arguments_whole = 5000;
    put(w, 30, recently(w), "prog")->program = 2;
    tick(w);
    uint32_t slot = rig_slot(&w->rig, 30);
    const struct tick_version *version = rig_version(&w->rig, slot);
    const char *text = tick_text_at(&w->rig.tick, version->text[PROCESS_CMDLINE]);
    assert_true(version->text[PROCESS_CMDLINE].size <= 4096);
    assert_true(version->cmdline_length >= version->text[PROCESS_CMDLINE].size);
    assert_null(memmem(text, version->text[PROCESS_CMDLINE].size, "hunt", 4));
    rig_free(w);
}

static void what_teardown_costs_is_charged_when_the_kernel_forgets(void **state)
{
    struct walk_rig *w = rig_new();
    (void)state;

    put(w, 10, second_ns, "ten");
    tick(w);
    uint32_t slot = rig_slot(&w->rig, 10);
    drop(w, 10);
    put_exit(w, WALK_EXIT, 10, second_ns, 6000000);
    tick(w); /* reaped, not forgotten yet */
    assert_int_equal(rig_row(&w->rig, slot)->flags, 0);
    assert_int_equal(rig_value(&w->rig, slot, PROCESS_CPU_NS_TOTAL), 6000);
    assert_int_equal(w->rig.tick.exit_count, 0);
    put_exit(w, WALK_FREE, 10, second_ns, 6500000);
    tick(w);
    assert_int_equal(rig_row(&w->rig, slot)->flags, ROW_LAST);
    assert_int_equal(rig_value(&w->rig, slot, PROCESS_CPU_NS_TOTAL), 6500);
    assert_int_equal(rig_exit(&w->rig, slot)->how, EXIT_REPORTED);
    rig_free(w);
}

static void what_was_not_forgotten_when_recording_ends_has_ended(void **state)
{
    struct walk_rig *w = rig_new();
    (void)state;

    put(w, 10, second_ns, "ten");
    tick(w);
    uint32_t slot = rig_slot(&w->rig, 10);
    drop(w, 10);
    put_exit(w, WALK_EXIT, 10, second_ns, 6000000);
    w->rig.is_last = true;
    tick(w);
    assert_int_equal(rig_row(&w->rig, slot)->flags, ROW_LAST);
    assert_int_equal(rig_exit(&w->rig, slot)->how, EXIT_REPORTED);
    assert_int_equal(rig_exit(&w->rig, slot)->code, 3 << 8);
    rig_free(w);
}

static void one_that_is_never_reaped_keeps_the_value_of_its_end(void **state)
{
    struct walk_rig *w = rig_new();
    (void)state;

    struct walk_record *r = put(w, 10, second_ns, "ten");
    tick(w);
    uint32_t slot = rig_slot(&w->rig, 10);
    put_exit(w, WALK_EXIT, 10, second_ns, 6000000);
    r->exec_ns = 6100000;
    r->state = 0x20;
    r->flags = WALK_ZOMBIE | WALK_RUN_DELAY;
    tick(w);
    if (rig_exit(&w->rig, slot) == NULL)
        tick(w);
    assert_int_equal(rig_row(&w->rig, slot)->flags, ROW_LAST);
    assert_int_equal(rig_exit(&w->rig, slot)->code, 3 << 8);
    for (int times = 0; times < 40; times++) { /* it stays a zombie, without rows */
        tick(w);
        assert_null(rig_row(&w->rig, slot));
        assert_int_equal(w->rig.tick.birth_count, 0);
    }
    drop(w, 10);
    put_exit(w, WALK_FREE, 10, second_ns, 6100000);
    tick(w);
    tick(w);
    assert_int_equal(w->rig.tick.birth_count, 0);
    rig_free(w);
}

static void a_pid_used_again_is_another_process(void **state)
{
    struct walk_rig *w = rig_new();
    static const char arguments[] = "prog";
    (void)state;

    put(w, 10, second_ns, "old");
    tick(w);
    uint32_t old = rig_slot(&w->rig, 10);
    uint64_t start = recently(w);
    put_exit(w, WALK_EXIT, 10, second_ns, 7000000);
    put_exec(w, 10, start, arguments, sizeof arguments); /* before the old one is forgotten */
    put_exit(w, WALK_FREE, 10, second_ns, 7100000);
    put_exit(w, WALK_EXIT, 10, start, 1000000);
    put_exec(w, 10, start + MS, arguments, sizeof arguments);
    put_exit(w, WALK_FREE, 10, start, 1200000);
    w->fake.count = 0;
    put(w, 10, start + MS, "prog")->exec_ns = 300000;
    tick(w);
    assert_int_equal(rig_row(&w->rig, old)->flags, ROW_LAST);
    assert_int_equal(rig_value(&w->rig, old, PROCESS_CPU_NS_TOTAL), 7100);
    assert_int_equal(w->rig.tick.birth_count, 2);
    uint32_t middle = w->rig.tick.births[0].slot, newest = w->rig.tick.births[1].slot;
    assert_int_equal(rig_row(&w->rig, middle)->flags, ROW_FIRST | ROW_BORN | ROW_LAST);
    assert_int_equal(rig_value(&w->rig, middle, PROCESS_CPU_NS_TOTAL), 1200);
    assert_int_equal(rig_row(&w->rig, newest)->flags, ROW_FIRST | ROW_BORN);
    assert_int_equal(rig_value(&w->rig, newest, PROCESS_CPU_NS_TOTAL), 300);
    rig_free(w);
}

static void an_end_that_comes_during_the_walk_waits_for_its_row(void **state)
{
    struct walk_rig *w = rig_new();
    (void)state;

    put(w, 10, second_ns, "ten");
    put(w, 11, second_ns, "eleven");
    tick(w);
    uint32_t ten = rig_slot(&w->rig, 10), eleven = rig_slot(&w->rig, 11);
    drop(w, 11);
    put_exit(w, WALK_EXIT, 99, recently(w), 1000); /* in the first drain */
    w->fake.later = 1;
    put_exit(w, WALK_EXIT, 11, second_ns, 9000000); /* while others are walked */
    put_exit(w, WALK_FREE, 11, second_ns, 9000000);
    put_exit(w, WALK_EXIT, 10, second_ns, 8000000); /* after it was walked */
    put_exit(w, WALK_FREE, 10, second_ns, 8000000);
    tick(w);
    assert_int_equal(rig_row(&w->rig, ten)->flags, 0);
    assert_int_equal(rig_row(&w->rig, eleven)->flags, ROW_LAST);
    w->fake.count = 0;
    tick(w);
    assert_int_equal(rig_row(&w->rig, ten)->flags, ROW_LAST);
    assert_int_equal(rig_value(&w->rig, ten, PROCESS_CPU_NS_TOTAL), 8000);
    rig_free(w);
}

static void lost_events_are_counted_and_credit_nobody_else(void **state)
{
    struct walk_rig *w = rig_new();
    struct process_stats stats;
    static const char arguments[] = "prog";
    (void)state;

    put(w, 10, second_ns, "old");
    tick(w);
    uint32_t old = rig_slot(&w->rig, 10);
    uint64_t start = recently(w);
    /* The old one's end and the new one's beginning are lost. */
    w->fake.losses = (struct walk_losses){ .execs = 1, .exits = 2 };
    drop(w, 10);
    put(w, 10, start, "new");
    put_exec(w, 12, start, arguments, sizeof arguments); /* and this one's end */
    put_exit(w, WALK_FREE, 13, start, 4000);             /* of this one only the last word came */
    tick(w);
    assert_int_equal(rig_exit(&w->rig, old)->how, EXIT_UNKNOWN);
    assert_null(rig_row(&w->rig, old));
    uint32_t fresh = rig_slot(&w->rig, 10);
    assert_int_equal(rig_row(&w->rig, fresh)->flags, ROW_FIRST | ROW_BORN);
    assert_int_equal(rig_value(&w->rig, fresh, PROCESS_CPU_NS_TOTAL), 5000);
    assert_int_equal(rig_value(&w->rig, rig_slot(&w->rig, 13), PROCESS_CPU_NS_TOTAL), 4);
    uint32_t endless = rig_slot(&w->rig, 12);
    assert_int_equal(rig_missing(&w->rig, endless, PROCESS_CPU_NS_TOTAL), MISSING_FAILED);
    tick(w);
    assert_int_equal(rig_exit(&w->rig, endless)->how, EXIT_UNKNOWN);
    process_collector_stats(w->rig.state, &stats);
    assert_int_equal(stats.execs_lost, 1);
    assert_int_equal(stats.exits_lost, 2);
    rig_free(w);
}

static void a_forgotten_process_that_was_told_long_ago_is_no_news(void **state)
{
    struct walk_rig *w = rig_new();
    (void)state;

    tick(w);
    put_exit(w, WALK_FREE, 50, second_ns, 4000);
    tick(w);
    assert_int_equal(w->rig.tick.birth_count, 0);
    assert_int_equal(w->rig.tick.table[TABLE_PROCESS].row_count, 0);
    rig_free(w);
}

static void exec_names_a_known_process_anew(void **state)
{
    struct walk_rig *w = rig_new();
    static const char arguments[] = "prog\0-v";
    (void)state;

    struct walk_record *r = put(w, 10, second_ns, "sh");
    tick(w);
    uint32_t slot = rig_slot(&w->rig, 10);
    struct walk_exec *e = put_exec(w, 10, second_ns, arguments, sizeof arguments);
    e->head.boot_ns = recently(w);
    r->program = 2;
    snprintf(r->comm, sizeof r->comm, "prog");
    tick(w);
    assert_true(rig_named(&w->rig, slot, PROCESS_CMDLINE, "prog -v"));
    assert_int_equal(w->rig.tick.version_count, 1);
    assert_int_equal(rig_version(&w->rig, slot)->from_ns, w->rig.tick.start_ns - 500 * MS);
    r->program = 3; /* this one's event was lost */
    snprintf(r->comm, sizeof r->comm, "third");
    tick(w);
    assert_true(rig_named(&w->rig, slot, PROCESS_COMM, "third"));
    rig_free(w);
}

static void a_path_without_its_beginning_is_marked_and_read_anew(void **state)
{
    struct walk_rig *w = rig_new();
    static const char arguments[] = "prog";
    (void)state;

    tick(w);
    uint64_t start = recently(w);
    put_exec(w, 30, start, arguments, sizeof arguments)->flags = WALK_PATH_CUT | WALK_CGROUP_CUT;
    put_exec(w, 31, start, arguments, sizeof arguments)->flags = WALK_CGROUP_CUT;
    put(w, 30, start, "prog")->program = 2;
    put(w, 31, start, "prog")->program = 2;
    rig_put(&w->rig, &(struct fake_process){ .pid = 30,
                                             .start_ticks = start / 10000000,
                                             .cgroup = "0::/whole/system.slice/x.service\n" });
    tick(w);
    uint32_t lives = rig_slot(&w->rig, 30), gone = rig_slot(&w->rig, 31);
    int64_t from_ns = rig_version(&w->rig, lives)->from_ns;
    assert_true(rig_named(&w->rig, lives, PROCESS_EXE, "…/usr/bin/prog"));
    assert_true(rig_named(&w->rig, lives, PROCESS_CGROUP, "…/system.slice/x.service"));
    assert_true(rig_named(&w->rig, gone, PROCESS_EXE, "/usr/bin/prog"));
    assert_true(rig_named(&w->rig, gone, PROCESS_CGROUP, "…/system.slice/x.service"));
    /* What it is in may be what is missing. */
    assert_int_equal(rig_version(&w->rig, gone)->known & 1u << PROCESS_CONTAINER, 0);
    tick(w);
    assert_true(rig_named(&w->rig, lives, PROCESS_CGROUP, "/whole/system.slice/x.service"));
    assert_int_equal(rig_version(&w->rig, lives)->from_ns, from_ns);
    assert_null(rig_version(&w->rig, gone));
    rig_free(w);
}

static void put_passwd(struct walk_rig *w, const char *text)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s/etc", w->rig.root);
    (void)mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/etc/passwd", w->rig.root);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* A process of uid 1000 begins and is gone, so that only what is known of the user can name him. */
static bool is_named_at_once(struct walk_rig *w, const char *user)
{
    static const char arguments[] = "prog";
    static int32_t pid = 100;
    uint64_t start = recently(w);

    put_exec(w, ++pid, start, arguments, sizeof arguments);
    put_exit(w, WALK_EXIT, pid, start, 1000);
    put_exit(w, WALK_FREE, pid, start, 1000);
    tick(w);
    return rig_named(&w->rig, rig_slot(&w->rig, pid), PROCESS_USER, user);
}

static void a_user_is_looked_up_again(void **state)
{
    struct walk_rig *w = rig_new();
    (void)state;

    put_passwd(w, "root:x:0:0::/:/bin/sh\n");
    tick(w);
    assert_false(is_named_at_once(w, "")); /* nobody has asked yet */
    tick(w);
    assert_true(is_named_at_once(w, "")); /* he has no name: that is known now, */
    put_passwd(w, "anna:x:1000:1000::/:/bin/sh\n");
    assert_true(is_named_at_once(w, ""));
    w->rig.now_ns += 130 * (int64_t)second_ns; /* for a while */
    (void)is_named_at_once(w, "");
    tick(w);
    assert_true(is_named_at_once(w, "anna"));
    put_passwd(w, "berta:x:1000:1000::/:/bin/sh\n");
    w->rig.now_ns += 70 * (int64_t)second_ns;
    (void)is_named_at_once(w, "");
    tick(w);
    assert_true(is_named_at_once(w, "anna"));
    w->rig.now_ns += 700 * (int64_t)second_ns;
    (void)is_named_at_once(w, "");
    tick(w);
    assert_true(is_named_at_once(w, "berta"));
    rig_free(w);
}

static void pages_that_cpus_count_apart_are_remembered(void **state)
{
    struct walk_rig *w = rig_new();
    int64_t page = sysconf(_SC_PAGESIZE);
    (void)state;

    struct walk_record *r = put(w, 10, second_ns, "ten");
    r->flags |= WALK_EXACT;
    r->apart[RSS_ANONYMOUS] = 5;
    tick(w);
    uint32_t slot = rig_slot(&w->rig, 10);
    assert_int_equal(rig_value(&w->rig, slot, PROCESS_RESIDENT_BYTES), 12 * page);
    r->flags &= (uint16_t)~WALK_EXACT;
    r->apart[RSS_ANONYMOUS] = 0;
    r->resident[RSS_ANONYMOUS] = 4;
    tick(w);
    assert_int_equal(rig_value(&w->rig, slot, PROCESS_RESIDENT_BYTES), 14 * page);
    assert_int_equal(rig_value(&w->rig, slot, PROCESS_RESIDENT_ANONYMOUS_BYTES), 9 * page);
    rig_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unchanged_record_is_an_unchanged_row),
        cmocka_unit_test(a_torn_record_takes_nothing_back),
        cmocka_unit_test(a_short_walk_ends_nobody),
        cmocka_unit_test(one_that_is_left_out_once_is_not_over),
        cmocka_unit_test(a_zombie_that_is_waited_for_is_no_loss),
        cmocka_unit_test(one_handed_out_twice_has_one_row),
        cmocka_unit_test(a_life_between_two_ticks_has_all_of_its_row),
        cmocka_unit_test(it_is_called_what_it_called_itself_at_last),
        cmocka_unit_test(a_confidential_argument_is_redacted_where_it_is_cut),
        cmocka_unit_test(what_teardown_costs_is_charged_when_the_kernel_forgets),
        cmocka_unit_test(what_was_not_forgotten_when_recording_ends_has_ended),
        cmocka_unit_test(one_that_is_never_reaped_keeps_the_value_of_its_end),
        cmocka_unit_test(a_pid_used_again_is_another_process),
        cmocka_unit_test(an_end_that_comes_during_the_walk_waits_for_its_row),
        cmocka_unit_test(lost_events_are_counted_and_credit_nobody_else),
        cmocka_unit_test(a_forgotten_process_that_was_told_long_ago_is_no_news),
        cmocka_unit_test(exec_names_a_known_process_anew),
        cmocka_unit_test(a_path_without_its_beginning_is_marked_and_read_anew),
        cmocka_unit_test(a_user_is_looked_up_again),
        cmocka_unit_test(pages_that_cpus_count_apart_are_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
