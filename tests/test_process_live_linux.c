/* The collector of processes on this host's own children, judged by wait4. */
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "recorder/collectors/process_stats.h"
#include "tests/support_process_linux.h"

static int64_t own_cpu_us(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return used.tv_sec * 1000000 + used.tv_nsec / 1000;
}

static void spin(int64_t us)
{
    int64_t end = own_cpu_us() + us;

    while (own_cpu_us() < end) {
    }
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
}

static int64_t usage_us(const struct rusage *usage)
{
    return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * INT64_C(1000000) +
           usage->ru_utime.tv_usec + usage->ru_stime.tv_usec;
}

static bool has_exits(const struct process_rig *rig)
{
    if (strstr(rig->capability.reason, "exits by taskstats") != NULL)
        return true;
    print_message("SKIPPED: %s\n", rig->capability.reason);
    return false;
}

/*
 * What is spent on tearing the process down is not reported: much, where a sanitizer maps
 * terabytes.
 */
static void assert_about(int64_t us, int64_t wanted)
{
    if (us < wanted - wanted / 10 - 5000 || us > wanted + wanted / 50 + 3000)
        fail_msg("%lld us, wait4 says %lld", (long long)us, (long long)wanted);
}

static void a_child_is_followed_from_birth_to_exit(void **state)
{
    struct process_rig rig;
    struct rusage usage;
    int status, ends[2];
    char byte = 0;
    (void)state;

    rig_host(&rig);
    rig_open(&rig, "auto");
    assert_string_equal(process_collector_source(rig.state), "fds");
    rig_tick(&rig);
    assert_non_null(rig_birth(&rig, getpid()));
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        spin(50000);
        if (read(ends[0], &byte, 1) != 1)
            _exit(1);
        spin(50000);
        _exit(3);
    }
    pause_ms(100);
    rig_tick(&rig);
    const struct tick_birth *birth = rig_birth(&rig, child);
    assert_non_null(birth);
    uint32_t slot = birth->slot;
    int64_t start_ns = birth->start_ns;
    assert_int_equal(birth->ppid, getpid());
    assert_int_equal(rig_row(&rig, slot)->flags, ROW_FIRST | ROW_BORN);
    assert_true(start_ns <= rig.tick.start_ns && start_ns > rig.tick.start_ns - 10000000000);
    int64_t before = rig_value(&rig, slot, PROCESS_CPU_NS_TOTAL);
    assert_true(before > 0);
    assert_int_equal(write(ends[1], &byte, 1), 1);
    assert_int_equal(wait4(child, &status, 0, &usage), child);
    rig_tick(&rig);
    if (has_exits(&rig)) {
        assert_int_equal(rig_row(&rig, slot)->flags, ROW_LAST);
        assert_int_equal(rig_exit(&rig, slot)->how, EXIT_REPORTED);
        assert_int_equal(rig_exit(&rig, slot)->code, status);
        assert_true(rig_exit(&rig, slot)->end_ns == rig_row(&rig, slot)->end_ns);
        assert_true(rig_exit(&rig, slot)->end_ns <= rig.tick.start_ns);
        assert_about(rig_value(&rig, slot, PROCESS_CPU_NS_TOTAL), usage_us(&usage));
        assert_int_equal(rig_missing(&rig, slot, PROCESS_RESIDENT_BYTES), MISSING_EXITED);
    } else {
        assert_null(rig_row(&rig, slot));
        assert_int_equal(rig_exit(&rig, slot)->how, EXIT_UNKNOWN);
    }
    close(ends[0]);
    close(ends[1]);
    rig_close(&rig);
}

static void a_birth_is_seen_where_only_new_pids_are_listed(void **state)
{
    struct process_rig rig;
    (void)state;

    rig_host(&rig);
    rig_open(&rig, "auto");
    for (int tick = 0; tick < 3; tick++) { /* until it is known what is new */
        rig_tick(&rig);
        pause_ms(550);
    }
    for (int births = 0; births < 3; births++) {
        pid_t child = fork();
        if (child == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when an assertion fails */
            pause();
            _exit(0);
        }
        rig_tick(&rig);
        const struct tick_birth *birth = rig_birth(&rig, child);
        assert_non_null(birth);
        uint32_t slot = birth->slot;
        assert_int_equal(rig_row(&rig, slot)->flags, ROW_FIRST | ROW_BORN);
        rig_tick(&rig);
        assert_non_null(rig_row(&rig, slot));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        rig_tick(&rig);
        assert_non_null(rig_exit(&rig, slot));
    }
    rig_close(&rig);
}

static void a_command_line_follows_within_ticks(void **state)
{
    struct process_rig rig;
    bool found = false;
    (void)state;

    rig_host(&rig);
    rig_open(&rig, "auto");
    rig_tick(&rig);
    pid_t child = fork();
    if (child == 0) {
        execlp("sleep", "sleep", "777", (char *)NULL);
        _exit(127);
    }
    pause_ms(50);
    rig_tick(&rig);
    assert_non_null(rig_birth(&rig, child));
    uint32_t slot = rig_birth(&rig, child)->slot;
    for (int tries = 0; tries < 100 && !found; tries++) {
        pause_ms(20);
        rig_tick(&rig);
        found = rig_named(&rig, slot, PROCESS_CMDLINE, "sleep 777");
    }
    assert_true(found);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    rig_close(&rig);
}

static void a_zombie_has_one_last_row_and_is_not_born_again(void **state)
{
    struct process_rig rig;
    (void)state;

    rig_host(&rig);
    rig_open(&rig, "auto");
    rig_tick(&rig);
    if (has_exits(&rig)) {
        pid_t seen = fork();
        if (seen == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when an assertion fails */
            pause();
            _exit(0);
        }
        rig_tick(&rig);
        uint32_t slot = rig_birth(&rig, seen)->slot;
        pid_t unseen = fork(); /* never seen alive */
        if (unseen == 0)
            _exit(7);
        kill(seen, SIGTERM);
        pause_ms(100);
        rig_tick(&rig);
        assert_int_equal(rig_row(&rig, slot)->flags, ROW_LAST);
        assert_int_equal(rig_exit(&rig, slot)->code, SIGTERM);
        const struct tick_birth *birth = rig_birth(&rig, unseen);
        assert_int_equal(birth->flags, BIRTH_START_APPROXIMATE);
        assert_int_equal(rig_row(&rig, birth->slot)->flags, ROW_FIRST | ROW_BORN | ROW_LAST);
        assert_int_equal(rig_exit(&rig, birth->slot)->code, 7 << 8);
        for (int tick = 0; tick < 12; tick++) {
            rig_tick(&rig);
            assert_null(rig_birth(&rig, seen));
            assert_null(rig_birth(&rig, unseen));
            assert_null(rig_exit(&rig, slot));
        }
        waitpid(seen, NULL, 0);
        waitpid(unseen, NULL, 0);
    }
    rig_close(&rig);
}

static int64_t thread_us = 60000;

static void *leave_alone(void *unused)
{
    (void)unused;
    spin(thread_us);
    syscall(SYS_exit, 0); /* this thread only */
    return NULL;
}

static void *leave_with_all(void *unused)
{
    (void)unused;
    spin(thread_us);
    _exit(5);
}

static const char threads_argument[] = "--threads";

/* The first thread leaves, another one goes on and ends the process. */
static void run_threads(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, leave_alone, NULL) != 0)
        _exit(1);
    pause_ms(100);
    if (pthread_create(&thread, NULL, leave_with_all, NULL) != 0)
        _exit(1);
    syscall(SYS_exit, 0);
}

static void threads_are_summed_also_when_the_first_leaves_first(void **state)
{
    struct process_rig rig;
    struct rusage usage;
    (void)state;

    rig_host(&rig);
    rig_open(&rig, "auto");
    rig_tick(&rig);
    if (has_exits(&rig)) {
        for (int seen = 0; seen < 2; seen++) {
            int status;
            pid_t child = fork();
            if (child == 0) { /* not a thread sanitizer's idea of what a fork may do: exec first */
                execl("/proc/self/exe", "test", threads_argument, (char *)NULL);
                _exit(127);
            }
            if (seen) {
                pause_ms(20);
                rig_tick(&rig);
            }
            uint32_t slot = seen ? rig_birth(&rig, child)->slot : 0;
            assert_int_equal(wait4(child, &status, 0, &usage), child);
            rig_tick(&rig);
            if (!seen)
                slot = rig_birth(&rig, child)->slot;
            assert_true(rig_row(&rig, slot)->flags & ROW_LAST);
            assert_about(rig_value(&rig, slot, PROCESS_CPU_NS_TOTAL), usage_us(&usage));
            assert_int_equal(status, 5 << 8);
            assert_int_equal(rig_exit(&rig, slot)->code, status);
        }
    }
    rig_close(&rig);
}

enum { STORM = 2000, WORKERS = 200, WORK_US = 5000 };

static size_t find(const pid_t pids[], size_t count, pid_t pid)
{
    size_t at = 0;

    while (at < count && pids[at] != pid)
        at++;
    return at;
}

static void a_storm_of_short_lives_leaves_a_row_each(void **state)
{
    static pid_t pids[STORM];
    struct process_rig rig;
    size_t found = 0;
    (void)state;

    rig_host(&rig);
    rig_open(&rig, "auto");
    rig_tick(&rig);
    if (has_exits(&rig)) {
        for (size_t i = 0; i < STORM; i++) {
            pids[i] = fork();
            if (pids[i] == 0)
                _exit(0);
            waitpid(pids[i], NULL, 0);
        }
        rig_tick(&rig);
        for (size_t i = 0; i < rig.tick.birth_count; i++) {
            const struct tick_birth *birth = &rig.tick.births[i];

            if (find(pids, STORM, birth->pid) == STORM)
                continue;
            found++;
            assert_true(rig.tick.births[i].start_ns <= rig.tick.start_ns);
        }
        assert_int_equal(found, STORM);
        rig_tick(&rig);
        assert_true(rig.tick.birth_count < STORM / 2);
    }
    rig_close(&rig);
}

static void short_lives_account_for_their_cpu_time(void **state)
{
    static pid_t pids[WORKERS];
    struct process_rig rig;
    int64_t wanted = 0, sum = 0;
    (void)state;

    rig_host(&rig);
    rig_open(&rig, "auto");
    rig_tick(&rig);
    if (has_exits(&rig)) {
        for (size_t i = 0; i < WORKERS; i++) {
            struct rusage usage;

            pids[i] = fork();
            if (pids[i] == 0) {
                spin(WORK_US);
                _exit(0);
            }
            wait4(pids[i], NULL, 0, &usage);
            wanted += usage_us(&usage);
        }
        rig_tick(&rig);
        for (size_t i = 0; i < rig.tick.birth_count; i++) {
            if (find(pids, WORKERS, rig.tick.births[i].pid) < WORKERS)
                sum += rig_value(&rig, rig.tick.births[i].slot, PROCESS_CPU_NS_TOTAL);
        }
        print_message("%.2f %% of the CPU time of %d short lives\n",
                      100.0 * (double)sum / (double)wanted, WORKERS);
        /* What tearing down its memory costs the kernel tells later: with a sanitizer that is much. */
        assert_true(sum > (int64_t)WORKERS * WORK_US / 100 * 98 && sum < wanted / 100 * 103);
    }
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

static void a_pid_used_again_within_a_tick_is_two_processes(void **state)
{
    static const char *const sources[] = { "fds", "proc" };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        struct process_rig rig;

        rig_host(&rig);
        rig_open(&rig, sources[i]);
        pid_t first = fork();
        if (first == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when an assertion fails */
            pause();
            _exit(0);
        }
        rig_tick(&rig);
        uint32_t before = rig_birth(&rig, first)->slot;
        pause_ms(50); /* more than a clock tick */
        kill(first, SIGKILL);
        waitpid(first, NULL, 0);
        pid_t second = fork_as(first);
        if (second == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when an assertion fails */
            pause();
            _exit(0);
        }
        if (second == first) {
            rig_tick(&rig);
            assert_non_null(rig_exit(&rig, before));
            assert_non_null(rig_birth(&rig, second));
            uint32_t after = rig_birth(&rig, second)->slot;
            assert_int_not_equal(before, after);
            assert_int_equal(rig_row(&rig, after)->flags, ROW_FIRST | ROW_BORN);
            rig_tick(&rig);
            assert_non_null(rig_row(&rig, after));
            /* On a busy host another may have been given the slot by now. */
            const struct tick_row *row = rig_row(&rig, before);
            assert_true(row == NULL || (row->flags & ROW_FIRST) != 0);
        } else {
            print_message("SKIPPED: cannot choose a pid\n");
        }
        if (second > 0) {
            kill(second, SIGKILL);
            waitpid(second, NULL, 0);
        }
        rig_close(&rig);
    }
}

static void no_descriptor_is_left_open(void **state)
{
    (void)state;
    int before = dup(0);

    close(before);
    for (int round = 0; round < 3; round++) {
        struct process_rig rig;

        rig_host(&rig);
        rig_open(&rig, "auto");
        rig_tick(&rig);
        rig_tick(&rig);
        rig_close(&rig);
    }
    int after = dup(0);
    close(after);
    assert_int_equal(before, after);
}

int main(int argc, char *argv[])
{
    if (argc == 2 && strcmp(argv[1], threads_argument) == 0)
        run_threads();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_is_followed_from_birth_to_exit),
        cmocka_unit_test(a_birth_is_seen_where_only_new_pids_are_listed),
        cmocka_unit_test(a_command_line_follows_within_ticks),
        cmocka_unit_test(a_zombie_has_one_last_row_and_is_not_born_again),
        cmocka_unit_test(threads_are_summed_also_when_the_first_leaves_first),
        cmocka_unit_test(a_storm_of_short_lives_leaves_a_row_each),
        cmocka_unit_test(short_lives_account_for_their_cpu_time),
        cmocka_unit_test(a_pid_used_again_within_a_tick_is_two_processes),
        cmocka_unit_test(no_descriptor_is_left_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
