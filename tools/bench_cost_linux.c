/*
 * What a command costs while it runs: the CPU time of its process, all threads, in windows after a
 * warm-up, per process of the host and second; its memory after the warm-up, and its peak. Ends it with
 * SIGTERM.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WINDOWS_MAX = 100 };

static long long clock_ns(clockid_t clock)
{
    struct timespec t = { 0 };

    (void)clock_gettime(clock, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int count_processes(void)
{
    DIR *dir = opendir("/proc");
    struct dirent *entry;
    int count = 0;

    while (dir != NULL && (entry = readdir(dir)) != NULL)
        count += isdigit((unsigned char)entry->d_name[0]) != 0;
    if (dir != NULL)
        (void)closedir(dir);
    return count;
}

/* A line of its status: "VmHWM:", its peak memory, or "VmRSS:". */
static long memory_kib(pid_t pid, const char *name)
{
    char path[40], line[200];
    long kib = 0;
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            kib = atol(line + strlen(name));
    if (file != NULL)
        (void)fclose(file);
    return kib;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* ns of CPU per process and second of each window, smallest first; 0 if the command ended. */
static int measure(pid_t pid, int windows, int seconds, double cost[])
{
    clockid_t cpu;

    if (clock_getcpuclockid(pid, &cpu) != 0)
        return 0;
    for (int w = 0; w < windows; w++) {
        long long wall_ns = clock_ns(CLOCK_MONOTONIC), cpu_ns = clock_ns(cpu);

        (void)sleep((unsigned)seconds);
        cpu_ns = clock_ns(cpu) - cpu_ns;
        wall_ns = clock_ns(CLOCK_MONOTONIC) - wall_ns;
        if (waitpid(pid, NULL, WNOHANG) != 0)
            return 0;
        cost[w] = (double)cpu_ns * 1e9 / (double)wall_ns / count_processes();
    }
    qsort(cost, (size_t)windows, sizeof *cost, ascending);
    return 1;
}

int main(int argc, char *argv[])
{
    int warm_seconds = argc > 4 ? atoi(argv[1]) : 0;
    int windows = argc > 4 ? atoi(argv[2]) : 0;
    int seconds = argc > 4 ? atoi(argv[3]) : 0;
    double cost[WINDOWS_MAX];
    pid_t pid;
    long warm_kib;
    int lived;

    if (windows < 1 || windows > WINDOWS_MAX || seconds < 1) {
        fprintf(stderr, "usage: bench_cost WARM-SECONDS WINDOWS SECONDS COMMAND [ARG...]\n");
        return 2;
    }
    pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)execvp(argv[4], argv + 4);
        perror(argv[4]);
        _exit(127);
    }
    (void)sleep((unsigned)warm_seconds);
    warm_kib = memory_kib(pid, "VmRSS:");
    lived = measure(pid, windows, seconds, cost);
    if (!lived) {
        fprintf(stderr, "bench_cost: %s ended early\n", argv[4]);
        return 1;
    }
    printf("median_ns=%.0f min_ns=%.0f max_ns=%.0f processes=%d warm_kib=%ld peak_kib=%ld\n",
           cost[windows / 2], cost[0], cost[windows - 1], count_processes(), warm_kib,
           memory_kib(pid, "VmHWM:"));
    (void)fflush(stdout);
    (void)kill(pid, SIGTERM);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return 0;
}
