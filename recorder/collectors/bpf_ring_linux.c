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
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

static const uint32_t busy_bit = UINT32_C(1) << 31;
static const uint32_t skipped_bit = UINT32_C(1) << 30;

enum { RECORD_HEAD = 8, RECORD_ALIGNMENT = 8 };

int bpf_ring_open(struct bpf_ring *ring, int map_fd, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *consumed, *produced;

    *ring = (struct bpf_ring){ .fd = -1, .bytes = bytes, .page = page };
    consumed = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
    if (consumed == MAP_FAILED)
        return -errno;
    ring->consumed = consumed;
    produced = mmap(NULL, page, PROT_READ, MAP_SHARED, map_fd, (off_t)page);
    if (produced == MAP_FAILED)
        return -errno;
    ring->produced = produced;
    ring->fd = fcntl(map_fd, F_DUPFD_CLOEXEC, 3);
    return ring->fd < 0 ? -errno : 0;
}

void bpf_ring_close(struct bpf_ring *ring)
{
    if (ring->consumed != NULL)
        munmap((void *)ring->consumed, ring->page);
    if (ring->produced != NULL)
        munmap((void *)ring->produced, ring->page);
    if (ring->consumed != NULL && ring->fd >= 0)
        close(ring->fd);
    *ring = (struct bpf_ring){ .fd = -1 };
}

/* The records in window[size], which begins with one; up to which byte they were complete. */
static size_t take_records(const uint8_t *window, size_t size, walk_event_take *take, void *to)
{
    size_t at = 0;

    while (at + RECORD_HEAD <= size) {
        const uint8_t *record = window + at;
        uint32_t head = atomic_load_explicit((const _Atomic uint32_t *)(const void *)record,
                                             memory_order_acquire);
        size_t length = head & ~(busy_bit | skipped_bit);

        if ((head & busy_bit) != 0 || length > size - at - RECORD_HEAD)
            break;
        if ((head & skipped_bit) == 0 && length >= sizeof(struct walk_event))
            take(to, (const struct walk_event *)(const void *)(record + RECORD_HEAD), length);
        at += (RECORD_HEAD + length + RECORD_ALIGNMENT - 1) & ~(size_t)(RECORD_ALIGNMENT - 1);
    }
    return at;
}

void bpf_ring_drain(struct bpf_ring *ring, walk_event_take *take, void *to)
{
    uint64_t from = atomic_load_explicit(ring->consumed, memory_order_relaxed);
    uint64_t until = atomic_load_explicit(ring->produced, memory_order_acquire);
    size_t start = (size_t)(from & (ring->bytes - 1)), skip = start & (ring->page - 1);
    size_t size = (size_t)(until - from);
    uint8_t *window;

    if (size == 0 || size > ring->bytes)
        return;
    window = mmap(NULL, skip + size, PROT_READ, MAP_SHARED, ring->fd,
                  (off_t)(2 * ring->page + start - skip));
    if (window == MAP_FAILED)
        return; /* they wait for the next time */
    size = take_records(window + skip, size, take, to);
    munmap(window, skip + size);
    atomic_store_explicit(ring->consumed, from + size, memory_order_release);
}
