/*
 * Packets of a Perfetto trace: protobuf messages (https://perfetto.dev/docs, protos/perfetto/trace/),
 * written without any library. Only fields that are in the public protos are written.
 *
 * A trace is a run of `packet` fields. All packets are of one sequence; the first clears its
 * incremental state and says that timestamps are of the clock REALTIME, which here is the
 * recording's timeline: it never steps, and the trace is told to have no other main clock.
 *
 * Texts are valid UTF-8: what is not, and control characters, are escaped as for a terminal.
 */
#ifndef ANALYZER_PERFETTO_PACKET_H
#define ANALYZER_PERFETTO_PACKET_H

#include <stdio.h>

#include "schema/bytes.h"
#include "schema/recording.h"

struct perfetto_writer {
    FILE *file;
    struct byte_writer packet, message, part, text; /* scratch */
    int write_errno;                                /* of the first write that failed */
    bool lacks;                                     /* some packet, for want of memory */
};
void perfetto_writer_release(struct perfetto_writer *w);

/* What went wrong so far. errors IO, NO_MEMORY */
MUST_USE enum status perfetto_writer_check(const struct perfetto_writer *w, struct error *err);

/* The first packet, or a later one: that both clocks showed these at one moment. */
void perfetto_put_clocks(struct perfetto_writer *w, bool first, int64_t timeline_ns,
                         int64_t boot_ns);

/* A value of a counter track. */
struct perfetto_value {
    bool real;
    int64_t integer;
    double number; /* if it is real */
};

enum perfetto_unit { PERFETTO_UNIT_NONE, PERFETTO_TIME_NS, PERFETTO_COUNT, PERFETTO_BYTES };

struct perfetto_track {
    uint64_t uuid, parent; /* parent 0: none */
    const char *name, *description;
    bool counter;
    enum perfetto_unit unit;
    const char *unit_name; /* where `unit` has none for it; or NULL */
};
void perfetto_put_track(struct perfetto_writer *w, const struct perfetto_track *track);
/* `version`: what it is called, or NULL. */
void perfetto_put_process(struct perfetto_writer *w, uint64_t uuid, const struct process *process,
                          const struct version *version);

/* `no_value`: why the counter has none from then on; it is drawn as 0. NULL: it has this one. */
void perfetto_put_counter(struct perfetto_writer *w, uint64_t uuid, int64_t at_ns,
                          struct perfetto_value value, const char *no_value);

/* Something that is told of a slice or an instant; a text with data NULL is left out. */
struct perfetto_note {
    const char *name;
    bool is_text;
    struct text text;
    int64_t integer;
};
enum perfetto_event { PERFETTO_SLICE_BEGIN = 1, PERFETTO_SLICE_END = 2, PERFETTO_INSTANT = 3 };
void perfetto_put_event(struct perfetto_writer *w, enum perfetto_event event, uint64_t uuid,
                        int64_t at_ns, struct text name, const struct perfetto_note notes[],
                        size_t note_count);

static inline struct text perfetto_text(const char *text)
{
    return (struct text){ .data = text, .size = (uint32_t)strlen(text) };
}

#endif
