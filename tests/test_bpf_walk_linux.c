/*
 * Rungs 1 and 2 on this host's own processes: against the other rungs, and judged by wait4.
 *
 * Small by default; with PROCSCOPE_TEST_FULL set as many processes and threads as the goals speak of.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "recorder/collectors/bpf_walk_linux.h"
#include "recorder/collectors/process_stats.h"
#include "recorder/collectors/procfs_linux.h"
#include "tests/support_process_linux.h"
#include "tests/support_recording.h"

enum { FILE_MAX = 8192, STACK_BYTES = 64 * 1024 };

static const char *const burn_argument = "--burn", *const thread_argument = "--threads";
static const char *const exec_argument = "--exec-in-thread", *const first_argument =
                                                                 "--first-leaves";
static struct bpf_walk *walks[2]; /* by rung; NULL: not here */

static bool is_full(void)
{
    return getenv("PROCSCOPE_TEST_FULL") != NULL;
}

/* --- what children do --- */

static int64_t cpu_us(clockid_t clock)
{
    struct timespec used;

    clock_gettime(clock, &used);
    return used.tv_sec * 1000000 + used.tv_nsec / 1000;
}

static void spin(int64_t us)
{
    int64_t end = cpu_us(CLOCK_THREAD_CPUTIME_ID) + us;

    while (cpu_us(CLOCK_THREAD_CPUTIME_ID) < end) {
    }
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
}

static void *work_and_wait(void *us)
{
    spin(*(int64_t *)us);
    for (;;)
        pause();
    return NULL;
}

static void *exec_sleep(void *unused)
{
    (void)unused;
    spin(20000);
    (void)execl("/bin/sleep", "sleep", "600", (char *)NULL);
    _exit(127);
}

static void *leave_with_all(void *unused)
{
    (void)unused;
    spin(60000);
    pause_ms(300);
    spin(60000);
    _exit(
        5); /* of the whole; at exit() a sanitizer would look for leaks, in a process of its own */
}

static void start_thread(void *(*what)(void *), void *with)
{
    pthread_attr_t attributes;
    pthread_t thread;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    if (pthread_create(&thread, &attributes, what, with) != 0)
        _exit(126);
}

/* As the program that main was started as again; does not return. */
static void be_child(int argc, char *argv[])
{
    static int64_t us;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    us = argc > 2 ? atoll(argv[2]) : 0;
    if (strcmp(argv[1], burn_argument) == 0) {
        spin(us);
        _exit(7);
    }
    if (strcmp(argv[1], exec_argument) == 0) {
        start_thread(exec_sleep, NULL);
        spin(10000);
        for (;;)
            pause();
    }
    if (strcmp(argv[1], first_argument) == 0) {
        spin(40000);
        start_thread(leave_with_all, NULL);
        syscall(SYS_exit, 0);
    }
    for (int64_t n = us; n > 0; n--) {
        static int64_t each = 20;
        start_thread(work_and_wait, &each);
    }
    for (;;)
        pause();
}

static pid_t start(const char *what, const char *with)
{
    pid_t pid = fork();

    if (pid == 0) {
        (void)execl("/proc/self/exe", "child", what, with, (char *)NULL);
        _exit(127);
    }
    assert_true(pid > 0);
    return pid;
}

/* One of a crowd: some have threads, memory, IO and a nice value of their own. */
static void be_one_of_many(int n)
{
    static int64_t us = 3000;
    char *memory = malloc((size_t)(n % 7 + 1) << 16);

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (memory != NULL)
        memset(memory, n, (size_t)(n % 7 + 1) << 16);
    if (n % 5 == 0)
        start_thread(work_and_wait, &us);
    errno = 0; /* -1 is a nice value, too */
    if (n % 3 == 0 && nice(n % 11) == -1 && errno != 0)
        _exit(1);
    spin(n % 4 * 2000);
    close(open("/proc/self/stat", O_RDONLY));
}

/* --- rigs --- */

static const char *const rung_names[] = { "bpf", "iter" };

static bool open_rig(struct process_rig *rig, size_t rung)
{
    static struct process_source sources[2];

    if (walks[rung] == NULL)
        return false;
    rig_host(rig);
    sources[rung] = bpf_walk_source(walks[rung]);
    rig->context.source = &sources[rung];
    rig_open(rig, "auto");
    assert_string_equal(process_collector_source(rig->state), rung_names[rung]);
    return true;
}

static void need(size_t rung)
{
    if (walks[rung] == NULL)
        skip();
}

static int open_walks(void **state)
{
    (void)state;
    for (size_t rung = 0; rung < 2; rung++) {
        struct error err = { 0 };

        if (bpf_walk_open(&walks[rung], rung == 0 ? BPF_WALKS : BPF_ITERATES, &err) != STATUS_OK)
            print_message("SKIPPED: rung %zu: %s\n", rung + 1, err.message);
    }
    return 0;
}

static int close_walks(void **state)
{
    (void)state;
    for (size_t rung = 0; rung < 2; rung++)
        bpf_walk_close(walks[rung]);
    return 0;
}

static void end_child(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static int64_t usage_us(const struct rusage *usage)
{
    return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * INT64_C(1000000) +
           usage->ru_utime.tv_usec + usage->ru_stime.tv_usec;
}

/* --- the rungs agree --- */

enum { CROWD = 300 };

struct values {
    int64_t value[PROCESS_METRIC_COUNT];
    enum missing missing[PROCESS_METRIC_COUNT];
    int64_t start_ticks, ppid;
};

static void take_values(struct process_rig *rig, pid_t pid, struct values *to)
{
    const struct tick_birth *birth = rig_birth(rig, pid);

    assert_non_null(birth);
    to->start_ticks = (int64_t)birth->start_ticks;
    to->ppid = birth->ppid;
    for (enum process_metric m = 0; m <= PROCESS_BLOCK_DELAY_NS_TOTAL; m++) {
        to->missing[m] = rig_missing(rig, birth->slot, m);
        to->value[m] = to->missing[m] == MISSING_NONE ? rig_value(rig, birth->slot, m) : 0;
    }
}

static void start_crowd(pid_t pids[CROWD], bool stopped)
{
    for (int n = 0; n < CROWD; n++) {
        pids[n] = fork();
        assert_true(pids[n] >= 0);
        if (pids[n] > 0)
            continue;
        be_one_of_many(n);
        if (stopped)
            raise(SIGSTOP);
        for (;;) {
            spin(200);
            pause_ms(300); /* all of them take a fifth of a core */
        }
    }
    for (int n = 0; stopped && n < CROWD; n++)
        assert_int_equal(waitpid(pids[n], NULL, WUNTRACED), pids[n]);
}

static bool is_memory(enum process_metric m)
{
    return m == PROCESS_RESIDENT_BYTES || m == PROCESS_RESIDENT_ANONYMOUS_BYTES ||
           m == PROCESS_RESIDENT_SHARED_BYTES || m == PROCESS_SWAP_BYTES;
}

/* Up to the unit that /proc rounds down to; memory up to what CPUs count apart. */
static bool agrees(enum process_metric m, const struct values *bpf, const struct values *files)
{
    int64_t difference = bpf->value[m] - files->value[m];
    int64_t cpus = sysconf(_SC_NPROCESSORS_CONF), batch = 2 * cpus < 32 ? 32 : 2 * cpus;
    bool threaded = bpf->value[PROCESS_THREADS] > 1;

    if (threaded && (m == PROCESS_CONTEXT_SWITCHES_VOLUNTARY_TOTAL ||
                     m == PROCESS_CONTEXT_SWITCHES_INVOLUNTARY_TOTAL))
        return files->missing[m] == MISSING_NOT_THERE; /* status has only the first thread's */
    if (bpf->missing[m] != files->missing[m])
        return false;
    if (is_memory(m))
        return llabs(difference) <= 4 * batch * cpus * sysconf(_SC_PAGESIZE);
    if (m == PROCESS_CPU_USER_NS_TOTAL || m == PROCESS_CPU_SYSTEM_NS_TOTAL)
        return difference >= 0 && difference < 10000;
    if (m == PROCESS_CPU_NS_TOTAL && threaded)
        return difference >= 0 && difference < 20000;
    return difference == 0;
}

static void stopped_processes_read_the_same_on_every_rung(void **state)
{
    static const char *const files[] = { "fds", "proc" };
    static struct values seen[4][CROWD];
    static pid_t pids[CROWD];
    (void)state;

    need(0);
    start_crowd(pids, true);
    for (size_t rung = 0; rung < 4; rung++) {
        struct process_rig rig;

        if (rung < 2) {
            if (!open_rig(&rig, rung))
                continue;
        } else {
            rig_host(&rig);
            rig_open(&rig, files[rung - 2]);
        }
        rig_tick(&rig);
        for (int n = 0; n < CROWD; n++)
            take_values(&rig, pids[n], &seen[rung][n]);
        rig_close(&rig);
    }
    for (int n = 0; n < CROWD; n++)
        end_child(pids[n]);
    for (size_t rung = 1; rung < 4; rung++) {
        for (int n = 0; n < CROWD && (rung > 1 || walks[1] != NULL); n++) {
            const struct values *a = &seen[0][n], *b = &seen[rung][n];

            assert_int_equal(a->start_ticks, b->start_ticks);
            assert_int_equal(a->ppid, b->ppid);
            for (enum process_metric m = 0; m <= PROCESS_BLOCK_DELAY_NS_TOTAL; m++) {
                bool same = rung == 1 ? a->value[m] == b->value[m] && a->missing[m] == b->missing[m]
                                      : agrees(m, a, b);
                if (!same)
                    fail_msg("process %d, rung %zu, metric %s: %lld (%d), rung 1 %lld (%d)", n,
                             rung + 1, samples_tables[TABLE_PROCESS].metrics[m].name,
                             (long long)b->value[m], (int)b->missing[m], (long long)a->value[m],
                             (int)a->missing[m]);
            }
        }
    }
}

/* Some counters as /proc tells them. */
struct told {
    struct proc_stat stat;
    struct proc_io io;
    struct proc_schedstat sched;
    struct proc_status status;
};

static size_t read_text(pid_t pid, const char *name, char text[FILE_MAX])
{
    char path[64];
    ssize_t got;
    int fd;

    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    got = read(fd, text, FILE_MAX);
    close(fd);
    assert_true(got > 0);
    return (size_t)got;
}

static void read_told(pid_t pid, struct told *told)
{
    char text[FILE_MAX];
    struct error err;

    assert_int_equal(
        procfs_parse_schedstat(text, read_text(pid, "schedstat", text), &told->sched, &err),
        STATUS_OK);
    assert_int_equal(procfs_parse_stat(text, read_text(pid, "stat", text), &told->stat, &err),
                     STATUS_OK);
    assert_int_equal(procfs_parse_io(text, read_text(pid, "io", text), &told->io, &err), STATUS_OK);
    assert_int_equal(procfs_parse_status(text, read_text(pid, "status", text), &told->status, &err),
                     STATUS_OK);
}

static void between(struct process_rig *rig, uint32_t slot, enum process_metric m, uint64_t before,
                    uint64_t after)
{
    int64_t value = rig_value(rig, slot, m);

    if (value < (int64_t)before || value > (int64_t)after)
        fail_msg("%s: %lld is not between %llu and %llu",
                 samples_tables[TABLE_PROCESS].metrics[m].name, (long long)value,
                 (unsigned long long)before, (unsigned long long)after);
}

static void running_processes_lie_between_two_reads(void **state)
{
    static struct told before[CROWD];
    static pid_t pids[CROWD];
    (void)state;

    need(0);
    start_crowd(pids, false);
    pause_ms(200);
    for (size_t rung = 0; rung < 2; rung++) {
        struct process_rig rig;

        if (!open_rig(&rig, rung))
            continue;
        for (int n = 0; n < CROWD; n++)
            read_told(pids[n], &before[n]);
        rig_tick(&rig);
        for (int n = 0; n < CROWD; n++) {
            const struct tick_birth *birth = rig_birth(&rig, pids[n]);
            struct told after, *b = &before[n];

            assert_non_null(birth);
            read_told(pids[n], &after);
            between(&rig, birth->slot, PROCESS_MINOR_FAULTS_TOTAL, b->stat.minor_faults,
                    after.stat.minor_faults);
            between(&rig, birth->slot, PROCESS_IO_READ_CHARS_TOTAL, b->io.read_chars,
                    after.io.read_chars);
            between(&rig, birth->slot, PROCESS_THREADS, (uint64_t)b->stat.threads,
                    (uint64_t)after.stat.threads);
            if (after.stat.threads > 1)
                continue;
            between(&rig, birth->slot, PROCESS_CPU_NS_TOTAL, b->sched.run_ns / 1000,
                    after.sched.run_ns / 1000);
            between(&rig, birth->slot, PROCESS_RUN_DELAY_NS_TOTAL, b->sched.delay_ns / 1000,
                    after.sched.delay_ns / 1000);
            between(&rig, birth->slot, PROCESS_CONTEXT_SWITCHES_VOLUNTARY_TOTAL,
                    b->status.switches_voluntary, after.status.switches_voluntary);
            between(&rig, birth->slot, PROCESS_CONTEXT_SWITCHES_INVOLUNTARY_TOTAL,
                    b->status.switches_involuntary, after.status.switches_involuntary);
        }
        rig_close(&rig);
    }
    for (int n = 0; n < CROWD; n++)
        end_child(pids[n]);
}

/* --- short lives --- */

struct short_life {
    pid_t pid;
    uint32_t slot;
    int64_t cpu_us;
    bool born, named, user, cgroup, over;
};

static void take_birth(struct process_rig *rig, struct short_life *life)
{
    const struct tick_birth *birth = rig_birth(rig, life->pid);

    if (birth == NULL || birth->ppid != getpid()) /* others may have had that pid, or have it now */
        return;
    assert_false(life->born);
    life->born = true;
    life->slot = birth->slot;
    life->named = rig_named(rig, birth->slot, PROCESS_CMDLINE, "child --burn 5000") &&
                  rig_named(rig, birth->slot, PROCESS_COMM, "exe");
    life->user = rig_named(rig, birth->slot, PROCESS_USER, "root") || geteuid() != 0;
    life->cgroup = rig_version(rig, birth->slot)->text[PROCESS_CGROUP].size > 0;
}

/* What the latest tick tells of short lives; the last word on one may come a tick later. */
static void take_short_lives(struct process_rig *rig, struct short_life lives[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct short_life *life = &lives[i];
        const struct tick_row *row;

        take_birth(rig, life);
        row = life->born && !life->over ? rig_row(rig, life->slot) : NULL;
        if (row == NULL)
            continue;
        if (row->at != ROW_SAME)
            life->cpu_us = rig_value(rig, life->slot, PROCESS_CPU_NS_TOTAL);
        life->over = (row->flags & ROW_LAST) != 0;
        if (life->over)
            assert_int_equal(rig_exit(rig, life->slot)->code, 7 << 8);
    }
}

static void short_lives_have_their_cpu_time_and_names(void **state)
{
    size_t count = is_full() ? 2000 : 200;
    int64_t slack =
        is_full() ? 1 : 5; /* per mille; a busy kernel forgets some later than we wait */
    struct short_life *lives = calloc(count, sizeof *lives);
    int64_t wanted_us = 0, found_us = 0;
    struct process_rig rig;
    (void)state;

    need(0);
    assert_non_null(lives);
    assert_true(open_rig(&rig, 0));
    for (int n = 0; n < 5; n++) { /* until users are known by name */
        rig_tick(&rig);
        pause_ms(50);
    }
    for (size_t i = 0; i < count; i++) {
        struct rusage usage;
        int status;

        lives[i].pid = start(burn_argument, "5000");
        assert_int_equal(wait4(lives[i].pid, &status, 0, &usage), lives[i].pid);
        assert_int_equal(status, 7 << 8);
        wanted_us += usage_us(&usage);
        if (i % 50 == 49 || i + 1 == count) {
            rig_tick(&rig);
            take_short_lives(&rig, lives, i + 1);
        }
    }
    pause_ms(1000); /* the kernel forgets a process a moment after it was reaped */
    for (int ticks = 0; ticks < 2; ticks++) {
        rig_tick(&rig);
        take_short_lives(&rig, lives, count);
    }
    for (size_t i = 0; i < count; i++) {
        assert_true(lives[i].named);
        assert_true(lives[i].user);
        assert_true(lives[i].cgroup);
        assert_true(lives[i].over);
        found_us += lives[i].cpu_us;
    }
    print_message("found %.3f %% of the CPU time of %zu short lives\n",
                  100.0 * (double)found_us / (double)wanted_us, count);
    assert_true(found_us * 1000 > wanted_us * (1000 - slack) && found_us * 1000 < wanted_us * 1002);
    rig_close(&rig);
    free(lives);
}

/* Make directories below `path`, so many, and a program in the last one; its path is in `path`. */
static void put_program_deep(char *path, size_t size, int depth)
{
    size_t used = strlen(path);

    for (; depth > 0; depth--) {
        used += (size_t)snprintf(path + used, size - used, "/d");
        assert_int_equal(mkdir(path, 0755), 0);
    }
    (void)snprintf(path + used, size - used, "/true");
    made_copy("/bin/true", path, false);
    assert_int_equal(chmod(path, 0755), 0);
}

/* Remove it with all directories down to `top`. */
static void remove_program_deep(char *path, const char *top)
{
    for (char *end; strlen(path) >= strlen(top); *end = '\0') {
        assert_int_equal(remove(path), 0);
        end = strrchr(path, '/');
    }
}

static void the_path_of_a_short_life_is_marked_where_it_is_cut(void **state)
{
    struct made_directory top;
    char deep[512];
    struct process_rig rig;
    (void)state;

    need(0);
    made_directory_open(&top);
    (void)snprintf(deep, sizeof deep, "%s", top.path);
    put_program_deep(deep, sizeof deep, 40);
    assert_true(open_rig(&rig, 0));
    rig_tick(&rig);
    pid_t pid = fork();
    if (pid == 0) {
        (void)execl(deep, "true", (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    rig_tick(&rig);
    const struct tick_version *version = rig_version(&rig, rig_slot(&rig, pid));
    const char *exe = tick_text_at(&rig.tick, version->text[PROCESS_EXE]);
    size_t size = version->text[PROCESS_EXE].size, mark = sizeof "…" - 1;
    assert_true(size > 50 && size < strlen(deep) - strlen(top.path));
    assert_memory_equal(exe, "…/d/d/", mark + 5);
    assert_memory_equal(exe + mark, deep + strlen(deep) - (size - mark), size - mark);
    remove_program_deep(deep, top.path);
    rig_close(&rig);
}

/* A child with a pid of our choice; -1 where that is not permitted. */
static pid_t fork_as(pid_t pid)
{
    struct clone_args args = {
        .exit_signal = SIGCHLD,
        .set_tid = (uint64_t)(uintptr_t)&pid,
        .set_tid_size = 1,
    };

    return (pid_t)syscall(SYS_clone3, &args, sizeof args);
}

static void a_pid_that_many_use_in_turn_is_as_many_processes(void **state)
{
    enum { TURNS = 50 };
    struct process_rig rig;
    uint32_t slots[TURNS];
    int64_t wanted_us = 0, found_us = 0;
    size_t births = 0, last = 0;
    pid_t pid = 0;
    (void)state;

    need(0);
    assert_true(open_rig(&rig, 0));
    rig_tick(&rig);
    for (int turn = 0; turn < TURNS; turn++) {
        struct rusage usage;
        int status;
        pid_t child = turn == 0 ? fork() : fork_as(pid);

        if (child == 0) {
            spin(2000);
            _exit(turn % 2);
        }
        if (child < 0) {
            rig_close(&rig);
            skip();
        }
        pid = child;
        assert_int_equal(wait4(child, &status, 0, &usage), child);
        wanted_us += usage_us(&usage);
    }
    for (int ticks = 0; ticks < 100 && last < TURNS; ticks++) { /* a busy kernel frees them late */
        pause_ms(150);
        rig_tick(&rig);
        for (size_t i = 0; i < rig.tick.birth_count; i++)
            if (rig.tick.births[i].pid == pid && births < TURNS)
                slots[births++] = rig.tick.births[i].slot;
        for (size_t i = 0; i < births; i++) { /* one may be born at a tick and end at the next */
            if (slots[i] == UINT32_MAX || rig_exit(&rig, slots[i]) == NULL)
                continue;
            last++;
            found_us += rig_value(&rig, slots[i], PROCESS_CPU_NS_TOTAL);
            slots[i] = UINT32_MAX;
        }
    }
    assert_int_equal(births, TURNS);
    assert_int_equal(last, TURNS);
    print_message("found %lld of %lld us\n", (long long)found_us, (long long)wanted_us);
    /* A kernel that forgets one later than we wait has not told what its end took; nothing is told twice. */
    assert_true(found_us * 1000 > wanted_us * 970 && found_us * 1000 < wanted_us * 1005);
    rig_close(&rig);
}

/* Children that are reaped one after the other while somebody else looks at all processes. */
struct reaped {
    size_t count, latest;
    atomic_bool over;
    struct {
        _Atomic pid_t pid;
        int64_t used_us;
        uint64_t seen_ns; /* the most that the walk told */
    } * child;
};

static void *reap(void *of)
{
    struct reaped *r = of;

    for (size_t i = 0; i < r->count; i++) {
        struct rusage usage = { 0 };
        pid_t pid = fork();

        if (pid == 0) {
            spin(1000);
            _exit(0);
        }
        atomic_store(&r->child[i].pid, pid);
        (void)wait4(pid, NULL, 0, &usage);
        r->child[i].used_us = usage_us(&usage);
    }
    atomic_store(&r->over, true);
    return NULL;
}

static void note_most(void *of, const struct walk_record *records, size_t count)
{
    struct reaped *r = of;
    size_t latest = r->latest;

    while (latest + 1 < r->count && atomic_load(&r->child[latest + 1].pid) != 0)
        latest++;
    r->latest = latest;
    for (size_t i = 0; i < count; i++) {
        for (size_t back = 0; back < 4 && back <= latest; back++) {
            if (records[i].pid == r->child[latest - back].pid &&
                records[i].exec_ns > r->child[latest - back].seen_ns)
                r->child[latest - back].seen_ns = records[i].exec_ns;
        }
    }
}

static void one_that_is_being_reaped_is_not_counted_twice(void **state)
{
    const struct walk_wish wish = { .exact_pages = INT64_MAX };
    (void)state;

    need(0);
    for (size_t rung = 0; rung < 2; rung++) {
        struct reaped r = { .count = is_full() ? 5000 : 250 };
        size_t doubled = 0, looks = 0;
        struct process_source source;
        struct error err;
        pthread_t thread;

        if (walks[rung] == NULL)
            continue;
        source = bpf_walk_source(walks[rung]);
        r.child = calloc(r.count, sizeof *r.child);
        assert_non_null(r.child);
        assert_int_equal(pthread_create(&thread, NULL, reap, &r), 0);
        for (; !atomic_load(&r.over); looks++)
            assert_int_equal(source.walk(source.self, &wish, note_most, &r, &err), STATUS_OK);
        pthread_join(thread, NULL);
        for (size_t i = 0; i < r.count; i++)
            doubled += r.child[i].seen_ns > (uint64_t)r.child[i].used_us * 1500;
        if (doubled > 0)
            fail_msg("%s: %zu of %zu counted twice in %zu looks", rung_names[rung], doubled,
                     r.count, looks);
        free(r.child);
    }
}

/* --- threads --- */

static void a_process_of_many_threads_is_one_row(void **state)
{
    const char *count = is_full() ? "4000" : "300";
    struct process_rig rig;
    (void)state;

    need(0);
    for (size_t rung = 0; rung < 2; rung++) {
        struct rusage usage;
        pid_t pid = start(thread_argument, count);
        int64_t threads = 0;

        if (!open_rig(&rig, rung)) {
            end_child(pid);
            continue;
        }
        for (int tries = 0; tries < 200 && threads != atoll(count) + 1; tries++) {
            pause_ms(50);
            rig_close(&rig);
            assert_true(open_rig(&rig, rung));
            rig_tick(&rig);
            threads = rig_value(&rig, rig_slot(&rig, pid), PROCESS_THREADS);
        }
        assert_int_equal(threads, atoll(count) + 1);
        int64_t used_us = rig_value(&rig, rig_slot(&rig, pid), PROCESS_CPU_NS_TOTAL);
        kill(pid, SIGKILL);
        assert_int_equal(wait4(pid, NULL, 0, &usage), pid);
        assert_true(used_us >= atoll(count) * 20 && used_us <= usage_us(&usage));
        rig_close(&rig);
    }
}

static void *spin_and_leave(void *us)
{
    spin(*(int64_t *)us);
    return NULL;
}

/* A process with the highest number there is, whose threads have lower ones; it tells when one left. */
static pid_t start_with_low_thread(int tell_fd)
{
    static int64_t us = 20000;
    long highest = 0;
    FILE *file = fopen("/proc/sys/kernel/pid_max", "re");
    pthread_t thread;
    pid_t pid;

    if (file == NULL)
        return -1;
    if (fscanf(file, "%ld", &highest) != 1)
        highest = 0;
    (void)fclose(file);
    pid = fork_as((pid_t)highest - 1);
    if (pid != 0)
        return pid;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (pthread_create(&thread, NULL, spin_and_leave, &us) != 0 ||
        pthread_join(thread, NULL) != 0 || write(tell_fd, "", 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

static void note_high(void *of, const struct walk_record *records, size_t count)
{
    struct walk_record *most = of;

    for (size_t i = 0; i < count; i++) {
        if (records[i].pid == most->pid && records[i].exec_ns > most->exec_ns)
            most->exec_ns = records[i].exec_ns;
    }
}

/* As where numbers have begun anew: the kernel's iterator hands that thread out first. */
static void a_thread_that_leaves_before_its_process_is_met_counts_once(void **state)
{
    const struct walk_wish wish = { .exact_pages = INT64_MAX };
    struct process_source source;
    int ends[2];
    (void)state;

    need(1);
    source = bpf_walk_source(walks[1]);
    assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    for (int times = 0; times < 30; times++) {
        struct walk_record most = { .pid = start_with_low_thread(ends[1]) };
        struct rusage usage;
        struct error err;
        char byte;

        if (most.pid < 0) /* not permitted */
            skip();
        for (int after = 0; after < 2; after += read(ends[0], &byte, 1) == 1 || after > 0)
            assert_int_equal(source.walk(source.self, &wish, note_high, &most, &err), STATUS_OK);
        kill(most.pid, SIGKILL);
        assert_int_equal(wait4(most.pid, NULL, 0, &usage), most.pid);
        if (most.exec_ns > (uint64_t)usage_us(&usage) * 1500)
            fail_msg("%llu ns, used %lld us", (unsigned long long)most.exec_ns,
                     (long long)usage_us(&usage));
    }
    close(ends[0]);
    close(ends[1]);
}

/* Tick until it has its last row: the kernel forgets it a moment after it was reaped. */
static void end_by_tick(struct process_rig *rig, uint32_t slot)
{
    for (int tries = 0; tries < 100; tries++) {
        rig_tick(rig);
        if (rig_exit(rig, slot) != NULL)
            return;
        pause_ms(20);
    }
    fail_msg("no last row");
}

static void the_first_thread_may_leave_first(void **state)
{
    struct process_rig rig;
    struct rusage usage;
    int status;
    (void)state;

    need(0);
    assert_true(open_rig(&rig, 0));
    rig_tick(&rig);
    pid_t pid = start(first_argument, "");
    pause_ms(250);
    rig_tick(&rig);
    uint32_t slot = rig_slot(&rig, pid);
    assert_null(rig_exit(&rig, slot));
    assert_true(rig_value(&rig, slot, PROCESS_RESIDENT_BYTES) > 0);
    assert_int_equal(wait4(pid, &status, 0, &usage), pid);
    end_by_tick(&rig, slot);
    assert_int_equal(rig_row(&rig, slot)->flags, ROW_LAST);
    assert_int_equal(rig_exit(&rig, slot)->code, 5 << 8);
    int64_t used_us = rig_value(&rig, slot, PROCESS_CPU_NS_TOTAL);
    /* A thread that nobody waits for is summed up as of the last clock tick. */
    assert_true(llabs(used_us - usage_us(&usage)) <= 8000);
    rig_close(&rig);
}

static void exec_from_another_thread_is_still_the_same_process(void **state)
{
    struct process_rig rig;
    struct rusage usage;
    bool named = false;
    (void)state;

    need(0);
    assert_true(open_rig(&rig, 0));
    rig_tick(&rig);
    pid_t pid = start(exec_argument, "");
    uint32_t slot = UINT32_MAX;
    int64_t used_us = 0;
    for (int tries = 0; tries < 100 && !named; tries++) {
        pause_ms(10);
        rig_tick(&rig);
        const struct tick_birth *birth = rig_birth(&rig, pid);
        assert_true(birth == NULL || slot == UINT32_MAX);
        if (birth != NULL)
            slot = birth->slot;
        if (slot == UINT32_MAX)
            continue;
        assert_null(rig_exit(&rig, slot));
        named = rig_named(&rig, slot, PROCESS_CMDLINE, "sleep 600");
        if (rig_row(&rig, slot)->at == ROW_SAME)
            continue;
        assert_true(rig_value(&rig, slot, PROCESS_CPU_NS_TOTAL) >= used_us);
        used_us = rig_value(&rig, slot, PROCESS_CPU_NS_TOTAL);
    }
    assert_true(named);
    assert_true(used_us >= 30000);
    kill(pid, SIGKILL);
    assert_int_equal(wait4(pid, NULL, 0, &usage), pid);
    end_by_tick(&rig, slot);
    assert_int_equal(rig_exit(&rig, slot)->code, SIGKILL);
    assert_true(llabs(rig_value(&rig, slot, PROCESS_CPU_NS_TOTAL) - usage_us(&usage)) <= 100);
    rig_close(&rig);
}

static void the_list_goes_on_where_the_room_ended(void **state)
{
    enum { MANY = 1300 }; /* more than are handed out in one piece at first */
    static pid_t pids[MANY];
    struct process_rig rig;
    (void)state;

    need(0);
    for (int n = 0; n < MANY; n++) {
        pids[n] = fork();
        if (pids[n] == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (;;)
                pause();
        }
        assert_true(pids[n] > 0);
    }
    assert_true(open_rig(&rig, 0));
    for (int ticks = 0; ticks < 2; ticks++) {
        rig_tick(&rig);
        for (int n = 0; n < MANY && ticks == 0; n++)
            assert_non_null(rig_birth(&rig, pids[n]));
        if (ticks > 0)
            assert_true(rig.tick.table[TABLE_PROCESS].row_count >= MANY);
    }
    for (int n = 0; n < MANY; n++)
        end_child(pids[n]);
    rig_close(&rig);
}

static void what_runs_needs_no_capability(void **state)
{
    (void)state;
    need(0);
    for (size_t rung = 0; rung < 2; rung++) {
        int status;
        pid_t pid;

        if (walks[rung] == NULL)
            continue;
        pid = fork();
        if (pid == 0) {
            if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0)
                _exit(2);
            _exit(bpf_walk_runs(walks[rung]) ? 0 : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (status != 0) /* before Linux 5.19 */
            print_message("rung %zu: status %d: it has to keep CAP_BPF here\n", rung + 1, status);
    }
}

/* --- all of them --- */

static bool has_birth(const struct process_rig *rig, int pid)
{
    for (size_t i = 0; i < rig->tick.birth_count; i++)
        if (rig->tick.births[i].pid == pid)
            return true;
    return false;
}

static void nobody_who_is_listed_is_missing(void **state)
{
    static int pids[100000];
    (void)state;

    for (size_t rung = 0; rung < 2; rung++) {
        struct process_rig rig;
        size_t count = 0;
        DIR *proc = opendir("/proc");

        assert_non_null(proc);
        for (struct dirent *entry; (entry = readdir(proc)) != NULL && count < COUNT_OF(pids);)
            if (atoi(entry->d_name) > 0)
                pids[count++] = atoi(entry->d_name);
        closedir(proc);
        pause_ms(1500); /* what began just now may be told by an event only */
        if (!open_rig(&rig, rung))
            skip();
        rig_tick(&rig);
        for (size_t i = 0; i < count; i++)
            if (!has_birth(&rig, pids[i]) && kill(pids[i], 0) == 0)
                fail_msg("%s: pid %d has no row", rung_names[rung], pids[i]);
        rig_close(&rig);
    }
}

int main(int argc, char *argv[])
{
    if (argc > 1)
        be_child(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_who_is_listed_is_missing),
        cmocka_unit_test(stopped_processes_read_the_same_on_every_rung),
        cmocka_unit_test(running_processes_lie_between_two_reads),
        cmocka_unit_test(short_lives_have_their_cpu_time_and_names),
        cmocka_unit_test(the_path_of_a_short_life_is_marked_where_it_is_cut),
        cmocka_unit_test(a_pid_that_many_use_in_turn_is_as_many_processes),
        cmocka_unit_test(one_that_is_being_reaped_is_not_counted_twice),
        cmocka_unit_test(a_process_of_many_threads_is_one_row),
        cmocka_unit_test(a_thread_that_leaves_before_its_process_is_met_counts_once),
        cmocka_unit_test(the_first_thread_may_leave_first),
        cmocka_unit_test(exec_from_another_thread_is_still_the_same_process),
        cmocka_unit_test(the_list_goes_on_where_the_room_ended),
        cmocka_unit_test(what_runs_needs_no_capability),
    };

    return cmocka_run_group_tests(tests, open_walks, close_walks);
}
