/*
 * Short-lived processes named "burst", one after the other at uneven distances, that each run a program (this
 * one) and use some CPU time; prints what the kernel says they used together.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void work(long long ns)
{
    struct timespec t;

    do
        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    while (t.tv_sec * 1000000000LL + t.tv_nsec < ns);
}

static int live(const char *milliseconds)
{
    (void)prctl(PR_SET_NAME, "burst");
    work(atoi(milliseconds) * 1000000LL);
    return 0;
}

/* Not in step with a recorder that looks once a second. */
static void wait_a_little(uint64_t *random)
{
    struct timespec t = { 0 };

    *random = *random * UINT64_C(6364136223846793005) + 1442695040888963407;
    t.tv_nsec = (long)(*random >> 44); /* up to 1 ms */
    (void)nanosleep(&t, NULL);
}

int main(int argc, char *argv[])
{
    if (argc == 3 && strcmp(argv[1], "--live") == 0)
        return live(argv[2]);

    int count = argc == 3 ? atoi(argv[1]) : 0;
    int milliseconds = argc == 3 ? atoi(argv[2]) : 0;
    double used_seconds = 0;
    uint64_t random = 1;

    if (count < 1 || milliseconds < 1) {
        fprintf(stderr, "usage: bench_burst PROCESSES MILLISECONDS\n");
        return 2;
    }
    for (int n = 0; n < count; n++) {
        struct rusage usage;
        pid_t pid = fork();

        if (pid == 0) {
            (void)execl("/proc/self/exe", "burst", "--live", argv[2], (char *)NULL);
            _exit(1);
        }
        if (pid < 0 || wait4(pid, NULL, 0, &usage) != pid)
            return 1;
        used_seconds += (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                        (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
        wait_a_little(&random);
    }
    printf("burst_seconds=%.6f processes=%d\n", used_seconds, count);
    return 0;
}
