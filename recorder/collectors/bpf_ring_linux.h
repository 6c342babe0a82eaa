/*
 * The reading side of a BPF ring buffer. Only the part that holds news is mapped, and only while it is
 * read: the kernel maps all at once, which would count as memory of ours.
 */
#ifndef RECORDER_BPF_RING_LINUX_H
#define RECORDER_BPF_RING_LINUX_H

#include <stddef.h>
#include <stdint.h>

#include "recorder/collectors/process_source_linux.h"

struct bpf_ring {
    int fd;
    size_t bytes, page;
    _Atomic uint64_t *consumed; /* a page that the kernel reads */
    _Atomic uint64_t *produced; /* one that it writes; read-only for us */
};

/*
 * Take a copy of the map's descriptor.
 *
 *   errors  a negative errno
 *   owns    until bpf_ring_close
 */
int bpf_ring_open(struct bpf_ring *ring, int map_fd, size_t bytes);
/* Accepts a zeroed ring. */
void bpf_ring_close(struct bpf_ring *ring);

void bpf_ring_drain(struct bpf_ring *ring, walk_event_take *take, void *to);

#endif
