/*
 * Rung 2: the kernel's iterator hands out threads one by one, by number. Here they become processes.
 */
#ifndef RECORDER_BPF_STREAM_LINUX_H
#define RECORDER_BPF_STREAM_LINUX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "recorder/collectors/bpf/records.h"
#include "recorder/collectors/process_table.h"

/* Zero-initialised is empty; memory is kept from run to run. */
struct bpf_stream {
    struct walk_record *list;
    size_t count, size;
    struct walk_thread *early; /* threads that came before their process */
    size_t early_count, early_size;
    struct process_table index_of; /* by pid, of `list` */
};

/* Forget the processes of the run before. */
void bpf_stream_begin(struct bpf_stream *stream);
/* Take the whole records (walk_record, walk_thread) in bytes[size]: how many bytes; -1: no memory. */
ssize_t bpf_stream_take(struct bpf_stream *stream, const uint8_t *bytes, size_t size);
/* All is taken: list[count] is complete then. */
void bpf_stream_end(struct bpf_stream *stream);
void bpf_stream_release(struct bpf_stream *stream);

#endif
