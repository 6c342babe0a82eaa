/*
 * Simulated time. It stands still while anybody works, and jumps to the next timer when every other
 * thread of the program sleeps: so ten minutes take as long as what is done in them, and each run
 * is the same.
 */
#include "tests/darwin/fake_kernel.h"

#include <dirent.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/event.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <mach/mach.h>

enum { QUEUES = 64, PAUSE_NS = 20000 };

static const int64_t ns_per_s = 1000000000;

struct scenario *fake;
static _Atomic int64_t now_ns;

static struct queue {
    bool used;
    int fd, read_fd;  /* -1: none is watched */
    int64_t timer_ns; /* 0: not armed */
} queues[QUEUES];

void fake_boot(struct scenario *scenario)
{
    fake = scenario;
    atomic_store(&now_ns, 0);
    vm_kernel_page_size = (vm_size_t)scenario->page_bytes;
}

int64_t fake_now_ns(void)
{
    return atomic_load(&now_ns);
}

void fake_set_now(int64_t at_ns)
{
    atomic_store(&now_ns, at_ns);
    fake_iokit_deliver();
}

int64_t fake_awake_at(int64_t at_ns)
{
    int64_t asleep_ns = 0;

    for (size_t i = 0; i < fake->sleep_count; i++) {
        const struct jump *sleep = &fake->sleeps[i];

        if (at_ns >= sleep->at_ns + sleep->by_ns)
            asleep_ns += sleep->by_ns;
        else if (at_ns > sleep->at_ns)
            asleep_ns += at_ns - sleep->at_ns;
    }
    return at_ns - asleep_ns;
}

int64_t fake_wall_at(int64_t at_ns)
{
    int64_t wall_ns = fake->wall_start_ns + at_ns;

    for (size_t i = 0; i < fake->wall_step_count; i++)
        if (at_ns >= fake->wall_steps[i].at_ns)
            wall_ns += fake->wall_steps[i].by_ns;
    return wall_ns;
}

uint64_t fake_mach_ticks(int64_t ns)
{
    return (uint64_t)((wide)ns * fake->tb_hz / ns_per_s);
}

uint64_t fake_mach_at(int64_t at_ns)
{
    return fake_mach_ticks(fake->uptime_ns + fake_awake_at(at_ns));
}

uint64_t clock_gettime_nsec_np(clockid_t clock)
{
    int64_t at_ns = fake_now_ns();

    switch (clock) {
    case CLOCK_UPTIME_RAW:
        return (uint64_t)(fake->uptime_ns + fake_awake_at(at_ns));
    case CLOCK_MONOTONIC_RAW:
        return (uint64_t)(fake->uptime_ns + at_ns);
    case CLOCK_REALTIME:
        return (uint64_t)fake_wall_at(at_ns);
    default:
        abort();
    }
}

/* --- waiting --- */

/*
 * The text of a file of a thread of ours; false: it cannot be read, as when the thread has ended.
 */
static bool read_thread(const char *thread, const char *name, char *text, size_t size)
{
    char path[300];
    FILE *file;
    size_t used;

    (void)snprintf(path, sizeof path, "/proc/self/task/%.200s/%s", thread, name);
    file = fopen(path, "re");
    if (file == NULL)
        return false;
    used = fread(text, 1, size - 1, file);
    fclose(file);
    text[used] = '\0';
    return used > 0;
}

/*
 * In a wait for others, not for a disk: some file systems let a thread sleep as if it waited for an
 * event.
 */
static bool waits_for_others(const char *thread)
{
    static const long waits[] = { SYS_futex, SYS_ppoll,
#ifdef SYS_poll
                                  SYS_poll
#endif
    };
    char text[256];
    char *end;
    long number;

    if (!read_thread(thread, "syscall", text, sizeof text))
        return true;
    number = strtol(text, &end, 10);
    for (size_t i = 0; end != text && i < sizeof waits / sizeof waits[0]; i++)
        if (number == waits[i])
            return true;
    return false;
}

/* Whether that thread of ours waits: state S of /proc. One that has ended does nothing. */
static bool sleeps(const char *thread)
{
    char text[512];
    const char *at;

    if (!read_thread(thread, "stat", text, sizeof text))
        return true;
    at = strrchr(text, ')');
    if (at == NULL || at[1] == '\0' || at[2] == 'Z' || at[2] == 'X')
        return true;
    return at[2] == 'S' && waits_for_others(thread);
}

static bool is_quiet(void)
{
    DIR *directory = opendir("/proc/self/task");
    long own = syscall(SYS_gettid);
    const struct dirent *entry;
    bool quiet = directory != NULL;

    while (quiet && (entry = readdir(directory)) != NULL)
        if (entry->d_name[0] != '.' && strtol(entry->d_name, NULL, 10) != own)
            quiet = sleeps(entry->d_name);
    if (directory != NULL)
        closedir(directory);
    return quiet;
}

static void wait_until_quiet(void)
{
    static const struct timespec pause = { 0, PAUSE_NS };

    while (!is_quiet())
        (void)nanosleep(&pause, NULL);
}

static bool is_readable(int fd)
{
    struct pollfd watched = { .fd = fd, .events = POLLIN };

    return fd >= 0 && poll(&watched, 1, 0) == 1;
}

/* A timer that would fire while the Mac sleeps fires when it wakes up. */
static void jump_to(int64_t at_ns)
{
    for (size_t i = 0; i < fake->sleep_count; i++) {
        const struct jump *sleep = &fake->sleeps[i];

        if (at_ns >= sleep->at_ns && at_ns < sleep->at_ns + sleep->by_ns)
            at_ns = sleep->at_ns + sleep->by_ns;
    }
    if (at_ns > fake_now_ns())
        fake_set_now(at_ns);
}

/* --- kqueue --- */

static struct queue *find(int fd)
{
    for (size_t i = 0; i < QUEUES; i++)
        if (queues[i].used && queues[i].fd == fd)
            return &queues[i];
    return NULL;
}

int kqueue(void)
{
    int fd = eventfd(0, EFD_CLOEXEC);
    struct queue *queue = find(fd); /* of a number that was closed */

    for (size_t i = 0; i < QUEUES && queue == NULL; i++)
        if (!queues[i].used)
            queue = &queues[i];
    if (queue == NULL)
        abort();
    *queue = (struct queue){ .used = true, .fd = fd, .read_fd = -1 };
    return fd;
}

static void change(struct queue *queue, const struct kevent64_s *event)
{
    if (event->filter == EVFILT_READ)
        queue->read_fd = (int)event->ident;
    else if (event->filter == EVFILT_TIMER &&
             event->fflags == (NOTE_NSECONDS | NOTE_MACH_CONTINUOUS_TIME) && event->data > 0)
        queue->timer_ns = fake_now_ns() + event->data;
    else
        abort(); /* nothing else is used */
}

int kevent64(int fd, const struct kevent64_s *changes, int change_count, struct kevent64_s *events,
             int event_count, unsigned flags, const struct timespec *timeout)
{
    struct queue *queue = find(fd);

    (void)flags;
    if (queue == NULL)
        abort();
    for (int i = 0; i < change_count; i++)
        change(queue, &changes[i]);
    if (event_count == 0)
        return 0;
    if (timeout == NULL && queue->timer_ns != 0)
        wait_until_quiet();
    if (is_readable(queue->read_fd)) {
        events[0] = (struct kevent64_s){ .ident = (uint64_t)queue->read_fd, .filter = EVFILT_READ };
        return 1;
    }
    if (timeout != NULL)
        return 0;
    if (queue->timer_ns == 0)
        abort(); /* it would wait for ever */
    jump_to(queue->timer_ns);
    queue->timer_ns = 0;
    events[0] = (struct kevent64_s){ .ident = 1, .filter = EVFILT_TIMER, .data = 1 };
    return 1;
}
