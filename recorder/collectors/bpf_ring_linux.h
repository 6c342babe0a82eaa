/*
 * The reading side of a BPF ring buffer. Only the part that holds news is mapped, and only while it is
 * read: the kernel maps all at once, which would count as memory of ours.
 *
 * It is read at every tick. Where it fills up before that, the program wakes a thread that puts the
 * records by in our memory (WALK_RING_WAKE); it sleeps all the time otherwise.
 */
#ifndef RECORDER_BPF_RING_LINUX_H
#define RECORDER_BPF_RING_LINUX_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recorder/collectors/process_source_linux.h"

struct bpf_ring {
    int fd;
    size_t bytes, page;
    _Atomic uint64_t *consumed; /* a page that the kernel reads */
    _Atomic uint64_t *produced; /* one that it writes; read-only for us */
    uint8_t *window;            /* WINDOW_BYTES of the data, or NULL */
    size_t window_start;

    bool has_keeper;
    pthread_t keeper;
    int wake_fd, stop_fd; /* of the keeper: the ring's news, the end */
    pthread_mutex_t lock; /* of reading the ring, and of what was put by */
    uint8_t *kept;        /* records as they lie in the ring */
    size_t kept_size, kept_room;
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

/*
 * Hand on what has come since the last time, in order. The first call starts the keeper; where that
 * fails the ring holds what comes between two calls, or the program counts it as lost.
 */
void bpf_ring_drain(struct bpf_ring *ring, walk_event_take *take, void *to);

#endif
