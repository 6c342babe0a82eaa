/*
 * Many short lives at once, each told from every other by what it leaves:
 *
 *   load_lives SECONDS WORKERS [MOST]   start lives as fast as it goes, WORKERS at a time, at most MOST a
 *                                       second; prints how many there were
 *   load_lives life N                   one of them: as user LIFE_UID(N) if root may, named "life-N",
 *                                       writes LIFE_BYTES(N) bytes to /dev/null, exits with LIFE_CODE(N)
 *
 * Every fourth is a program of its own; the others are forked only, which is far quicker.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIFE_CODE(n) ((int)((n) % 200))
#define LIFE_UID(n) (20000 + (unsigned)((n) % 50))
#define LIFE_BYTES(n) ((size_t)((n)*37 % 4096 + 1))

enum { NS_PER_S = 1000000000, AT_A_TIME = 20, PROGRAM_EACH = 4 };

static char bytes[4096];

static int64_t now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int live(long n)
{
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    char name[16];

    (void)snprintf(name, sizeof name, "life-%ld", n);
    (void)prctl(PR_SET_NAME, name);
    if (fd < 0 || write(fd, bytes, LIFE_BYTES(n)) < 0)
        return 255;
    return LIFE_CODE(n);
}

/* The user is changed by the system call: what libc adds is not for a child of vfork. */
static pid_t start(const char *program, long n, int workers, int root)
{
    char number[24];
    char *arguments[] = { (char *)(uintptr_t)program, "life", number, NULL }, *nothing[] = { NULL };
    pid_t pid;

    if (n / workers % PROGRAM_EACH != 0) {
        pid = fork();
        if (pid != 0)
            return pid;
        if (root)
            (void)syscall(SYS_setuid, LIFE_UID(n));
        _exit(live(n));
    }
    (void)snprintf(number, sizeof number, "%ld", n);
    pid = vfork();
    if (pid == 0) {
        if (root)
            (void)syscall(SYS_setuid, LIFE_UID(n));
        (void)execve("/proc/self/exe", arguments, nothing);
        _exit(255);
    }
    return pid;
}

/* Life K of worker W has the number K * workers + W. */
static long work(const char *program, int64_t end_ns, int worker, int workers, double most)
{
    int64_t start_ns = now_ns(), at_ns;
    long count = 0;

    while ((at_ns = now_ns()) < end_ns) {
        for (int i = 0; i < AT_A_TIME; i++) {
            if (start(program, count * workers + worker, workers, geteuid() == 0) < 0)
                break;
            count++;
        }
        while (waitpid(-1, NULL, 0) > 0) {
        }
        while (most > 0 && now_ns() < end_ns &&
               (double)count > most * (double)(now_ns() - start_ns) / NS_PER_S)
            (void)usleep(500);
    }
    return count;
}

int main(int argc, char *argv[])
{
    int seconds = argc > 2 ? atoi(argv[1]) : 0, workers = argc > 2 ? atoi(argv[2]) : 0;
    double most = argc > 3 ? atof(argv[3]) : 0;
    int64_t end_ns = now_ns() + (int64_t)seconds * NS_PER_S;
    int pipes[2];
    long count, sum = 0;

    if (argc == 3 && strcmp(argv[1], "life") == 0)
        _exit(live(atol(argv[2]))); /* a sanitizer's end would start a process of the same name */
    if (seconds < 1 || workers < 1 || pipe(pipes) != 0) {
        fprintf(stderr, "usage: load_lives SECONDS WORKERS [MOST_PER_SECOND]\n");
        return 2;
    }
    for (int w = 0; w < workers; w++) {
        if (fork() == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            count = work(argv[0], end_ns, w, workers, most / workers);
            return write(pipes[1], &count, sizeof count) == sizeof count ? 0 : 1;
        }
    }
    close(pipes[1]);
    for (int w = 0; w < workers && read(pipes[0], &count, sizeof count) == sizeof count; w++)
        sum += count;
    while (wait(NULL) > 0) {
    }
    printf("%ld\n", sum);
    return 0;
}
