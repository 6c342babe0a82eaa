/*
 * Sums the threads of each process.
 *
 * Numbers begin anew when they are used up, so a thread may come before its process does. If it left
 * in between, what it used is with the process already.
 */
#include "recorder/collectors/bpf_stream_linux.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_RECORDS = 1024, FIRST_THREADS = 64 };

void bpf_stream_release(struct bpf_stream *stream)
{
    process_table_release(&stream->index_of);
    free(stream->list);
    free(stream->early);
    *stream = (struct bpf_stream){ 0 };
}

void bpf_stream_begin(struct bpf_stream *stream)
{
    stream->count = stream->early_count = 0;
    process_table_clear(&stream->index_of);
}

static struct walk_record *add_record(struct bpf_stream *stream, int32_t pid)
{
    uint32_t slot;

    if (stream->count == stream->size) {
        size_t size = stream->size == 0 ? FIRST_RECORDS : stream->size * 2;
        struct walk_record *larger = realloc(stream->list, size * sizeof *larger);

        if (larger == NULL)
            return NULL;
        stream->list = larger;
        stream->size = size;
    }
    slot = process_table_add(&stream->index_of, pid);
    return slot == stream->count ? &stream->list[stream->count++] : NULL;
}

static bool stash_thread(struct bpf_stream *stream, const struct walk_thread *thread)
{
    if (stream->early_count == stream->early_size) {
        size_t size = stream->early_size == 0 ? FIRST_THREADS : stream->early_size * 2;
        struct walk_thread *larger = realloc(stream->early, size * sizeof *larger);

        if (larger == NULL)
            return false;
        stream->early = larger;
        stream->early_size = size;
    }
    stream->early[stream->early_count++] = *thread;
    return true;
}

static struct walk_record *find_record(const struct bpf_stream *stream,
                                       const struct walk_thread *thread)
{
    uint32_t at = process_table_find(&stream->index_of, -thread->pid);

    return at == SLOT_NONE ? NULL : &stream->list[at];
}

static void add_thread(struct walk_record *r, const struct walk_thread *thread)
{
    r->exec_ns += thread->exec_ns;
    r->user_raw_ns += thread->user_raw_ns;
    r->system_raw_ns += thread->system_raw_ns;
    r->minor_faults += thread->minor_faults;
    r->major_faults += thread->major_faults;
    r->switches_voluntary += thread->switches_voluntary;
    r->switches_involuntary += thread->switches_involuntary;
    r->run_delay_ns += thread->run_delay_ns;
    r->read_chars += thread->read_chars;
    r->written_chars += thread->written_chars;
    r->read_bytes += thread->read_bytes;
    r->written_bytes += thread->written_bytes;
}

ssize_t bpf_stream_take(struct bpf_stream *stream, const uint8_t *bytes, size_t size)
{
    size_t at = 0;
    int32_t pid;

    while (size - at >= sizeof(struct walk_thread)) {
        struct walk_record *record;

        memcpy(&pid, bytes + at, sizeof pid);
        if (pid < 0) {
            struct walk_thread thread;

            memcpy(&thread, bytes + at, sizeof thread);
            record = find_record(stream, &thread);
            if (record != NULL)
                add_thread(record, &thread);
            else if (!stash_thread(stream, &thread))
                return -1;
            at += sizeof thread;
            continue;
        }
        if (size - at < sizeof *record)
            break;
        record = add_record(stream, pid);
        if (record == NULL)
            return -1;
        memcpy(record, bytes + at, sizeof *record);
        at += sizeof *record;
    }
    return (ssize_t)at;
}

/*
 * Others that left in between have used as much, if it did not. Then it is missing once: a counter that
 * stands still for a tick is made up for, one that is too high is not.
 */
static bool may_have_left(const struct walk_thread *thread, const struct walk_record *r)
{
    return r->left_ns != thread->left_ns && r->left_ns - thread->left_ns >= thread->exec_ns;
}

void bpf_stream_end(struct bpf_stream *stream)
{
    for (size_t i = 0; i < stream->early_count; i++) {
        const struct walk_thread *thread = &stream->early[i];
        struct walk_record *record = find_record(stream, thread);

        if (record != NULL && !may_have_left(thread, record))
            add_thread(record, thread);
    }
}
