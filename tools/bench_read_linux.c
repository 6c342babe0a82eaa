/*
 * The floor under a recorder: reading the files of every process each second, and nothing else.
 *
 *   kept      three descriptors kept per process: stat, io, schedstat
 *   filtered  the same, but stat and io only where schedstat changed
 *   opened    stat and io opened, read and closed
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { FILES = 3 };
static const char *const names[FILES] = { "schedstat", "stat", "io" };

struct process {
    char pid[16];
    int fd[FILES];
    char schedstat[80];
};

static void process_path(const struct process *p, int file, char path[64])
{
    (void)snprintf(path, 64, "/proc/%s/%s", p->pid, names[file]);
}

static size_t list_processes(struct process **list)
{
    DIR *dir = opendir("/proc");
    struct dirent *entry;
    size_t count = 0, size = 0;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        struct process *larger;

        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        if (count == size) {
            size = size * 2 + 1024;
            larger = realloc(*list, size * sizeof **list);
            if (larger == NULL)
                break;
            *list = larger;
        }
        (*list)[count] = (struct process){ .fd = { -1, -1, -1 } };
        (void)snprintf((*list)[count++].pid, sizeof(*list)->pid, "%.15s", entry->d_name);
    }
    if (dir != NULL)
        (void)closedir(dir);
    return count;
}

static void keep_open(struct process *p)
{
    char path[64];

    for (int file = 0; file < FILES; file++) {
        process_path(p, file, path);
        p->fd[file] = open(path, O_RDONLY | O_CLOEXEC);
    }
}

static void read_kept(struct process *p, bool filtered)
{
    char text[1024];
    ssize_t size = pread(p->fd[0], text, sizeof text, 0);

    if (filtered && size > 0 && (size_t)size < sizeof p->schedstat) {
        if (memcmp(p->schedstat, text, (size_t)size) == 0)
            return;
        memcpy(p->schedstat, text, (size_t)size);
    }
    for (int file = 1; file < FILES; file++)
        (void)!pread(p->fd[file], text, sizeof text, 0);
}

static void read_opened(const struct process *p)
{
    char path[64], text[1024];

    for (int file = 1; file < FILES; file++) {
        int fd;

        process_path(p, file, path);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        (void)!read(fd, text, sizeof text);
        (void)close(fd);
    }
}

static long long cpu_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    long long x = *(const long long *)a, y = *(const long long *)b;

    return x < y ? -1 : x > y;
}

/* Median CPU time of a tick; the first one, which fills schedstat, is not counted. */
static long long median_tick_ns(struct process *list, size_t count, const char *how, int ticks)
{
    long long *spent = calloc((size_t)ticks, sizeof *spent);
    long long median;

    if (spent == NULL)
        return 0;
    for (int t = -1; t < ticks; t++) {
        long long before_ns = cpu_ns();

        for (size_t i = 0; i < count; i++)
            if (how[0] == 'o')
                read_opened(&list[i]);
            else
                read_kept(&list[i], how[0] == 'f');
        if (t >= 0)
            spent[t] = cpu_ns() - before_ns;
        (void)sleep(1);
    }
    qsort(spent, (size_t)ticks, sizeof *spent, ascending);
    median = spent[ticks / 2];
    free(spent);
    return median;
}

int main(int argc, char *argv[])
{
    const char *how = argc == 3 ? argv[1] : "";
    int ticks = argc == 3 ? atoi(argv[2]) : 0;
    struct rlimit limit;
    struct process *list = NULL;
    size_t count;

    if (ticks < 1 || strchr("kfo", how[0]) == NULL) {
        fprintf(stderr, "usage: bench_read kept|filtered|opened TICKS\n");
        return 2;
    }
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    count = list_processes(&list);
    for (size_t i = 0; i < count && how[0] != 'o'; i++)
        keep_open(&list[i]);
    if (count > 0)
        printf("read_ns=%.0f processes=%zu\n",
               (double)median_tick_ns(list, count, how, ticks) / (double)count, count);
    free(list);
    return count > 0 ? 0 : 1;
}
