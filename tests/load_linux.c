/*
 * A process that does what it is told, for the end-to-end tests, and says what the kernel charged
 * it.
 *
 * Its orders are the words of the environment variable LOAD, so that its arguments can be anything:
 *
 *   burn S        use S seconds of CPU           threads N S   N threads that each do so at once
 *   linger S      sleep                          say NAME      print one line of JSON, see say()
 *   allocate N    get and touch N MB             free          give them back
 *   write N FILE  write and sync N MB            name TEXT     rename itself; \xHH is a byte
 *   user UID      become that user               exec FILE     go on as that program
 *   wait          until standard input ends
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { MEGABYTE = 1000000, THREADS_MAX = 64, FAILED = 1 };

static void *memory;
static size_t memory_bytes;

static void fail(const char *what)
{
    (void)fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(FAILED);
}

static double seconds_of(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void burn(clockid_t clock, double seconds)
{
    double end = seconds_of(clock) + seconds;
    volatile unsigned sum = 0;

    while (seconds_of(clock) < end)
        for (unsigned i = 0; i < 10000; i++)
            sum += i;
    (void)sum;
}

static void *burn_thread(void *seconds)
{
    burn(CLOCK_THREAD_CPUTIME_ID, *(double *)seconds);
    return NULL;
}

static void threads(size_t count, double seconds)
{
    pthread_t list[THREADS_MAX];

    for (size_t i = 0; i < count && i < THREADS_MAX; i++)
        if (pthread_create(&list[i], NULL, burn_thread, &seconds) != 0)
            fail("thread");
    for (size_t i = 0; i < count && i < THREADS_MAX; i++)
        (void)pthread_join(list[i], NULL);
}

static void linger(double seconds)
{
    struct timespec left = { .tv_sec = (time_t)seconds };

    left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

/* The bytes that really went to a disk; -1 when the kernel does not tell. */
static long long written_bytes(void)
{
    long long bytes = -1;
    char line[100];
    FILE *file = fopen("/proc/self/io", "r");

    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "write_bytes: %lld", &bytes) == 1)
            break;
    if (file != NULL)
        (void)fclose(file);
    return bytes;
}

static void say(const char *name)
{
    struct rusage used;

    (void)getrusage(RUSAGE_SELF, &used);
    (void)printf(
        "{\"say\": \"%s\", \"pid\": %d, \"cpu_seconds\": %.6f, \"resident_bytes_max\": %ld, "
        "\"disk_written_bytes\": %lld}\n",
        name, getpid(),
        (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
            (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6,
        used.ru_maxrss * 1024, written_bytes());
    (void)fflush(stdout);
}

static void allocate(size_t megabytes)
{
    memory_bytes = megabytes * MEGABYTE;
    memory = mmap(NULL, memory_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        fail("mmap");
    memset(memory, 1, memory_bytes);
}

static void write_file(size_t megabytes, const char *path)
{
    static char block[MEGABYTE];
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0)
        fail(path);
    for (size_t i = 0; i < megabytes; i++)
        if (write(fd, block, sizeof block) != (ssize_t)sizeof block)
            fail(path);
    if (fsync(fd) != 0 || close(fd) != 0)
        fail(path);
}

static void rename_self(const char *text)
{
    char name[64];
    size_t size = 0;
    unsigned byte;

    for (; *text != '\0' && size < sizeof name - 1; size++) {
        if (sscanf(text, "\\x%2x", &byte) == 1) {
            name[size] = (char)byte;
            text += strlen("\\xHH");
        } else {
            name[size] = *text++;
        }
    }
    name[size] = '\0';
    (void)prctl(PR_SET_NAME, name);
}

static void become(uid_t uid)
{
    if (setgroups(0, NULL) != 0 || setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0)
        fail("setuid");
}

static void wait_for_end(void)
{
    char byte;

    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
}

static const char *word(char **rest)
{
    const char *found = strtok_r(NULL, " ", rest);

    return found != NULL ? found : "";
}

static void obey(const char *order, char **rest, char **argv)
{
    size_t count;

    if (strcmp(order, "burn") == 0) {
        burn(CLOCK_PROCESS_CPUTIME_ID, atof(word(rest)));
    } else if (strcmp(order, "threads") == 0) {
        count = strtoul(word(rest), NULL, 10);
        threads(count, atof(word(rest)));
    } else if (strcmp(order, "linger") == 0) {
        linger(atof(word(rest)));
    } else if (strcmp(order, "say") == 0) {
        say(word(rest));
    } else if (strcmp(order, "allocate") == 0) {
        allocate(strtoul(word(rest), NULL, 10));
    } else if (strcmp(order, "free") == 0) {
        (void)munmap(memory, memory_bytes);
    } else if (strcmp(order, "write") == 0) {
        count = strtoul(word(rest), NULL, 10);
        write_file(count, word(rest));
    } else if (strcmp(order, "name") == 0) {
        rename_self(word(rest));
    } else if (strcmp(order, "user") == 0) {
        become((uid_t)strtoul(word(rest), NULL, 10));
    } else if (strcmp(order, "wait") == 0) {
        wait_for_end();
    } else if (strcmp(order, "exec") == 0) {
        const char *file = word(rest);

        (void)setenv("LOAD", *rest, 1);
        (void)execv(file, argv);
        fail(file);
    } else {
        (void)fprintf(stderr, "load: no such order: %s\n", order);
        exit(FAILED);
    }
}

int main(int argc, char **argv)
{
    const char *orders = getenv("LOAD");
    char *rest = NULL, *copy = orders == NULL ? NULL : strdup(orders);

    (void)argc;
    if (copy == NULL)
        return FAILED;
    for (const char *order = strtok_r(copy, " ", &rest); order != NULL;
         order = strtok_r(NULL, " ", &rest))
        obey(order, &rest, argv);
    free(copy);
    return 0;
}
