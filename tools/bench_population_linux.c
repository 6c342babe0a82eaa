/*
 * A population of processes to be recorded, and a command run beside it: 90 of 100 sleep, 8 wake
 * every 0.3 to 30 s, 2 work a little every 100 ms, and five more a second are born and live 0.7 s.
 * They have a pid namespace and a /proc of their own where that is permitted; with --host they have not,
 * for recorders that read the host's processes only.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MS_NS 1000000L

enum { BIRTHS_PER_SECOND = 5 };

static void sleep_ns(long long ns)
{
    struct timespec t = { .tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000) };

    (void)nanosleep(&t, NULL);
}

static void work_ns(long long ns)
{
    struct timespec t;
    long long end_ns;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    end_ns = t.tv_sec * 1000000000LL + t.tv_nsec + ns;
    while (t.tv_sec * 1000000000LL + t.tv_nsec < end_ns)
        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
}

/* What member number `n` does until it is killed. */
static void live(int n)
{
    char name[16];

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)snprintf(name, sizeof name, "population%d", n % 10000);
    (void)prctl(PR_SET_NAME, name);
    if (n % 100 >= 10)
        for (;;)
            (void)pause();
    sleep_ns((long long)(n * 7919 % 1000) * MS_NS); /* not all at once */
    for (int step = n;; step++) {
        work_ns(n % 100 < 2 ? 300000 : 50000);
        sleep_ns(n % 100 < 2 ? 100 * MS_NS : (300LL << step * 7 % 8) * MS_NS);
    }
}

/* Starts short-lived processes, each with a command line of its own. */
static void give_birth(void)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)prctl(PR_SET_NAME, "births");
    (void)signal(SIGCHLD, SIG_IGN); /* nobody waits for them */
    for (unsigned n = 0;; n++) {
        if (fork() == 0) {
            char seconds[32];

            (void)snprintf(seconds, sizeof seconds, "0.7%06u", n);
            (void)execlp("sleep", "sleep", seconds, (char *)NULL);
            _exit(127);
        }
        sleep_ns(1000 * MS_NS / BIRTHS_PER_SECOND);
    }
}

static int run_command(char *argv[])
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)execvp(argv[0], argv);
        perror(argv[0]);
        _exit(127);
    }
    while (waitpid(pid, &status, 0) != pid)
        if (errno != EINTR)
            return 1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The children of init are killed with it; outside a namespace, by PR_SET_PDEATHSIG. */
static int be_init(int count, char *argv[])
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int n = 0; n < count; n++) {
        pid_t pid = fork();

        if (pid == 0)
            live(n);
        if (pid < 0) {
            fprintf(stderr, "bench_population: process %d: %s\n", n, strerror(errno));
            return 1;
        }
    }
    if (fork() == 0)
        give_birth();
    return run_command(argv);
}

static bool own_namespace(void)
{
    return unshare(CLONE_NEWPID | CLONE_NEWNS) == 0 &&
           mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

int main(int argc, char *argv[])
{
    bool host = argc > 1 && strcmp(argv[1], "--host") == 0;
    int first = host ? 2 : 1;
    int count = argc > first + 1 ? atoi(argv[first]) : 0;
    int status = 0;
    pid_t pid;
    bool alone;

    if (count < 1) {
        fprintf(stderr, "usage: bench_population [--host] PROCESSES COMMAND [ARG...]\n");
        return 2;
    }
    alone = !host && own_namespace();
    if (!alone && !host)
        fprintf(stderr,
                "bench_population: no namespace of its own (%s): the host's processes "
                "are recorded too\n",
                strerror(errno));
    pid = fork();
    if (pid == 0) {
        if (alone && mount("proc", "/proc", "proc", 0, NULL) != 0) {
            perror("bench_population: /proc");
            exit(1);
        }
        exit(be_init(count, argv + first + 1));
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return 1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
