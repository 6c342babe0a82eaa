/*
 * Layout: a page with the position up to which was read, one with that up to which was written, then
 * the data twice in a row, so that a record that wraps is in one piece. Before each record, of which
 * places are a multiple of 8: its size with two bits for "being written" and "to be skipped", and 4
 * bytes of the kernel's own.
 *
 *   source  Documentation/bpf/ringbuf.rst, kernel/bpf/ringbuf.c
 */
#include "recorder/collectors/bpf_ring_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

static const uint32_t busy_bit = UINT32_C(1) << 31;
static const uint32_t skipped_bit = UINT32_C(1) << 30;

enum {
    RECORD_HEAD = 8,
    RECORD_ALIGNMENT = 8,
    KEPT_BYTES = 4 << 20,      /* at first */
    KEPT_BYTES_MAX = 64 << 20, /* some 100000 lives between two ticks */
    KEEPER_STACK_BYTES = 64 * 1024,
    WINDOW_BYTES =
        64 * 1024, /* some ticks' records: all of the ring mapped would count as our memory */
};

int bpf_ring_open(struct bpf_ring *ring, int map_fd, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *consumed, *produced;

    *ring =
        (struct bpf_ring){ .fd = -1, .bytes = bytes, .page = page, .wake_fd = -1, .stop_fd = -1 };
    consumed = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
    if (consumed == MAP_FAILED)
        return -errno;
    ring->consumed = consumed;
    pthread_mutex_init(&ring->lock, NULL);
    produced = mmap(NULL, page, PROT_READ, MAP_SHARED, map_fd, (off_t)page);
    if (produced == MAP_FAILED)
        return -errno;
    ring->produced = produced;
    ring->fd = fcntl(map_fd, F_DUPFD_CLOEXEC, 3);
    return ring->fd < 0 ? -errno : 0;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

void bpf_ring_close(struct bpf_ring *ring)
{
    if (ring->consumed == NULL)
        return;
    if (ring->has_keeper) {
        (void)eventfd_write(ring->stop_fd, 1);
        pthread_join(ring->keeper, NULL);
    }
    munmap((void *)ring->consumed, ring->page);
    if (ring->window != NULL)
        munmap(ring->window, WINDOW_BYTES);
    if (ring->produced != NULL)
        munmap((void *)ring->produced, ring->page);
    close_fd(ring->fd);
    close_fd(ring->wake_fd);
    close_fd(ring->stop_fd);
    free(ring->kept);
    pthread_mutex_destroy(&ring->lock);
    *ring = (struct bpf_ring){ .fd = -1 };
}

/* --- records --- */

/* The record at the start of window[size]: how many bytes it takes; 0: it is not complete. */
static size_t record_bytes(const uint8_t *window, size_t size, uint32_t *head)
{
    size_t length;

    if (size < RECORD_HEAD)
        return 0;
    *head =
        atomic_load_explicit((const _Atomic uint32_t *)(const void *)window, memory_order_acquire);
    length = *head & ~(busy_bit | skipped_bit);
    if ((*head & busy_bit) != 0 || length > size - RECORD_HEAD)
        return 0;
    return (RECORD_HEAD + length + RECORD_ALIGNMENT - 1) & ~(size_t)(RECORD_ALIGNMENT - 1);
}

/* The records in window[size], which begins with one; up to which byte they were complete. */
static size_t take_records(const uint8_t *window, size_t size, walk_event_take *take, void *to)
{
    uint32_t head;
    size_t at = 0, bytes;

    for (; at < size && (bytes = record_bytes(window + at, size - at, &head)) > 0; at += bytes) {
        size_t length = head & ~(busy_bit | skipped_bit);

        if ((head & skipped_bit) == 0 && length >= sizeof(struct walk_event))
            take(to, (const struct walk_event *)(const void *)(window + at + RECORD_HEAD), length);
    }
    return at;
}

/* start is that of a page; NULL: it cannot be mapped. */
static uint8_t *map_data(const struct bpf_ring *ring, size_t start, size_t size)
{
    void *data = mmap(NULL, size, PROT_READ, MAP_SHARED, ring->fd, (off_t)(2 * ring->page + start));

    return data == MAP_FAILED ? NULL : data;
}

/* Whether the window shows these bytes; it is moved there if need be. */
static bool move_window(struct bpf_ring *ring, size_t start, size_t size)
{
    if (size > WINDOW_BYTES || ring->bytes < WINDOW_BYTES)
        return false;
    if (ring->window != NULL && start >= ring->window_start &&
        start + size <= ring->window_start + WINDOW_BYTES)
        return true;
    if (ring->window != NULL)
        munmap(ring->window, WINDOW_BYTES);
    ring->window_start = start;
    ring->window = map_data(ring, start, WINDOW_BYTES);
    return ring->window != NULL;
}

/* What the ring holds that was not read: `use` says of how many bytes it made use. */
static void read_ring(struct bpf_ring *ring,
                      size_t (*use)(void *self, const uint8_t *window, size_t size), void *self)
{
    uint64_t from = atomic_load_explicit(ring->consumed, memory_order_relaxed);
    uint64_t until = atomic_load_explicit(ring->produced, memory_order_acquire);
    size_t start = (size_t)(from & (ring->bytes - 1)), skip = start & (ring->page - 1);
    size_t size = (size_t)(until - from);

    if (size == 0 || size > ring->bytes)
        return;
    if (move_window(ring, start - skip, skip + size)) {
        size = use(self, ring->window + (start - ring->window_start), size);
    } else {
        size_t mapped = skip + size;
        uint8_t *data = map_data(ring, start - skip, mapped);

        if (data == NULL)
            return; /* they wait for the next time */
        size = use(self, data + skip, size);
        munmap(data, mapped);
    }
    atomic_store_explicit(ring->consumed, from + size, memory_order_release);
}

/* --- the keeper --- */

static bool make_room(struct bpf_ring *ring, size_t size)
{
    size_t room = ring->kept_room == 0 ? KEPT_BYTES : ring->kept_room;
    uint8_t *larger;

    while (room - ring->kept_size < size)
        room *= 2;
    if (room > KEPT_BYTES_MAX)
        return false;
    if (room == ring->kept_room)
        return true;
    larger = realloc(ring->kept, room);
    if (larger == NULL)
        return false;
    ring->kept = larger;
    ring->kept_room = room;
    return true;
}

static size_t put_by(void *self, const uint8_t *window, size_t size)
{
    struct bpf_ring *ring = self;
    uint32_t head;
    size_t at = 0, bytes;

    while (at < size && (bytes = record_bytes(window + at, size - at, &head)) > 0)
        at += bytes;
    if (!make_room(ring, at))
        return 0; /* the ring fills up, and the program counts what it loses */
    memcpy(ring->kept + ring->kept_size, window, at);
    ring->kept_size += at;
    return at;
}

static void *keep(void *argument)
{
    struct bpf_ring *ring = argument;
    struct epoll_event event;

    for (;;) {
        int count = epoll_wait(ring->wake_fd, &event, 1, -1);

        if (count < 0 && errno == EINTR)
            continue;
        if (count != 1 || event.data.fd == ring->stop_fd)
            return NULL;
        pthread_mutex_lock(&ring->lock);
        read_ring(ring, put_by, ring);
        pthread_mutex_unlock(&ring->lock);
    }
}

static bool watch(const struct bpf_ring *ring, int fd, uint32_t events)
{
    struct epoll_event event = { .events = events, .data = { .fd = fd } };

    return epoll_ctl(ring->wake_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* Signals are for the main thread. */
static bool start_keeper(struct bpf_ring *ring)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    int failed;

    pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, KEEPER_STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    failed = pthread_create(&ring->keeper, &attributes, keep, ring);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return failed == 0;
}

/*
 * Not when the ring is opened: then a thread would keep the privileges that the others give up. By
 * edges: the ring is readable with any record in it, and woken for are only those that fill it.
 */
static void begin_keeping(struct bpf_ring *ring)
{
    ring->wake_fd = epoll_create1(EPOLL_CLOEXEC);
    ring->stop_fd = eventfd(0, EFD_CLOEXEC);
    ring->has_keeper = ring->wake_fd >= 0 && ring->stop_fd >= 0 &&
                       watch(ring, ring->stop_fd, EPOLLIN) &&
                       watch(ring, ring->fd, EPOLLIN | EPOLLET) && start_keeper(ring);
}

/* --- reading at a tick --- */

struct taking {
    walk_event_take *take;
    void *to;
};

static size_t hand_on(void *self, const uint8_t *window, size_t size)
{
    const struct taking *taking = self;

    return take_records(window, size, taking->take, taking->to);
}

void bpf_ring_drain(struct bpf_ring *ring, walk_event_take *take, void *to)
{
    struct taking taking = { take, to };

    if (ring->wake_fd < 0 && ring->stop_fd < 0)
        begin_keeping(ring);
    pthread_mutex_lock(&ring->lock);
    if (ring->kept != NULL) {
        (void)take_records(ring->kept, ring->kept_size, take, to);
        free(ring->kept);
        ring->kept = NULL;
        ring->kept_size = ring->kept_room = 0;
    }
    read_ring(ring, hand_on, &taking);
    pthread_mutex_unlock(&ring->lock);
}
