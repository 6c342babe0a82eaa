/* Field numbers: the messages of protos/perfetto/trace in github.com/google/perfetto. */
#include "analyzer/perfetto_packet.h"

#include <errno.h>
#include <string.h>

#include "analyzer/escape.h"

enum wire { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2 };

enum field {
    TRACE_PACKET = 1,
    PACKET_CLOCK_SNAPSHOT = 6,
    PACKET_TIMESTAMP = 8,
    PACKET_SEQUENCE_ID = 10,
    PACKET_TRACK_EVENT = 11,
    PACKET_SEQUENCE_FLAGS = 13,
    PACKET_DEFAULTS = 59,
    PACKET_TRACK_DESCRIPTOR = 60,
    DEFAULTS_TIMESTAMP_CLOCK_ID = 58,
    SNAPSHOT_CLOCKS = 1,
    SNAPSHOT_PRIMARY_CLOCK = 2,
    CLOCK_ID = 1,
    CLOCK_TIMESTAMP = 2,
    TRACK_UUID = 1,
    TRACK_NAME = 2,
    TRACK_PROCESS = 3,
    TRACK_PARENT_UUID = 5,
    TRACK_COUNTER = 8,
    TRACK_DESCRIPTION = 14,
    COUNTER_UNIT = 3,
    COUNTER_UNIT_NAME = 6,
    PROCESS_DESCRIPTOR_PID = 1,
    PROCESS_DESCRIPTOR_CMDLINE = 2,
    PROCESS_DESCRIPTOR_NAME = 6,
    PROCESS_DESCRIPTOR_START = 7,
    EVENT_NOTES = 4,
    EVENT_TYPE = 9,
    EVENT_TRACK_UUID = 11,
    EVENT_NAME = 23,
    EVENT_COUNTER_VALUE = 30,
    EVENT_DOUBLE_COUNTER_VALUE = 44,
    NOTE_INTEGER = 4,
    NOTE_TEXT = 6,
    NOTE_NAME = 10,
};

enum {
    CLOCK_REALTIME_ID = 1,
    CLOCK_BOOTTIME_ID = 6,
    SEQUENCE = 1,
    STATE_CLEARED = 1,
    STATE_NEEDED = 2,
    EVENT_IS_COUNTER = 4,
};

/* --- fields --- */

static void put_key(struct byte_writer *w, enum field field, enum wire wire)
{
    bytes_put_varint(w, (uint64_t)field << 3 | wire);
}

static void put_number(struct byte_writer *w, enum field field, uint64_t value)
{
    put_key(w, field, WIRE_VARINT);
    bytes_put_varint(w, value);
}

static void put_bytes(struct byte_writer *w, enum field field, const void *data, size_t size)
{
    put_key(w, field, WIRE_BYTES);
    bytes_put_block(w, data, size);
}

static void put_message(struct byte_writer *w, enum field field, const struct byte_writer *message)
{
    put_bytes(w, field, message->data, message->used);
    w->full |= message->full;
}

static void put_text(struct perfetto_writer *w, struct byte_writer *to, enum field field,
                     struct text text)
{
    char *end;

    bytes_reset(&w->text);
    if (!bytes_reserve(&w->text, ESCAPE_ROOM(text.size))) {
        w->lacks = true;
        return;
    }
    end = escape_put_terminal((char *)w->text.data, text.data, text.size);
    put_bytes(to, field, w->text.data, (size_t)(end - (char *)w->text.data));
}

/* --- packets --- */

static void write_packet(struct perfetto_writer *w)
{
    uint8_t head[12] = { TRACE_PACKET << 3 | WIRE_BYTES };
    size_t size = 1;

    if (w->packet.full) {
        w->lacks = true;
        return;
    }
    for (uint64_t left = w->packet.used;; left >>= 7) {
        head[size++] = (uint8_t)(left & 127) | (left > 127 ? 128 : 0);
        if (left <= 127)
            break;
    }
    if ((fwrite(head, 1, size, w->file) != size ||
         fwrite(w->packet.data, 1, w->packet.used, w->file) != w->packet.used) &&
        w->write_errno == 0)
        w->write_errno = errno == 0 ? EIO : errno;
}

static void begin_packet(struct perfetto_writer *w)
{
    bytes_reset(&w->packet);
    put_number(&w->packet, PACKET_SEQUENCE_ID, SEQUENCE);
    put_number(&w->packet, PACKET_SEQUENCE_FLAGS, STATE_NEEDED);
}

static void put_descriptor(struct perfetto_writer *w)
{
    begin_packet(w);
    put_message(&w->packet, PACKET_TRACK_DESCRIPTOR, &w->message);
    write_packet(w);
}

static void put_track_event(struct perfetto_writer *w, int64_t at_ns)
{
    begin_packet(w);
    put_number(&w->packet, PACKET_TIMESTAMP, (uint64_t)at_ns);
    put_message(&w->packet, PACKET_TRACK_EVENT, &w->message);
    write_packet(w);
}

/* --- clocks --- */

static void put_clock(struct perfetto_writer *w, uint64_t id, int64_t at_ns)
{
    bytes_reset(&w->part);
    put_number(&w->part, CLOCK_ID, id);
    put_number(&w->part, CLOCK_TIMESTAMP, (uint64_t)at_ns);
    put_message(&w->message, SNAPSHOT_CLOCKS, &w->part);
}

void perfetto_put_clocks(struct perfetto_writer *w, bool first, int64_t timeline_ns,
                         int64_t boot_ns)
{
    bytes_reset(&w->packet);
    put_number(&w->packet, PACKET_SEQUENCE_ID, SEQUENCE);
    put_number(&w->packet, PACKET_SEQUENCE_FLAGS, first ? STATE_CLEARED : STATE_NEEDED);
    if (first) {
        bytes_reset(&w->message);
        put_number(&w->message, DEFAULTS_TIMESTAMP_CLOCK_ID, CLOCK_REALTIME_ID);
        put_message(&w->packet, PACKET_DEFAULTS, &w->message);
    }
    bytes_reset(&w->message);
    put_clock(w, CLOCK_REALTIME_ID, timeline_ns);
    put_clock(w, CLOCK_BOOTTIME_ID, boot_ns);
    put_number(&w->message, SNAPSHOT_PRIMARY_CLOCK, CLOCK_REALTIME_ID);
    put_message(&w->packet, PACKET_CLOCK_SNAPSHOT, &w->message);
    write_packet(w);
}

/* --- tracks --- */

void perfetto_put_track(struct perfetto_writer *w, const struct perfetto_track *track)
{
    bytes_reset(&w->message);
    put_number(&w->message, TRACK_UUID, track->uuid);
    if (track->parent != 0)
        put_number(&w->message, TRACK_PARENT_UUID, track->parent);
    put_text(w, &w->message, TRACK_NAME, perfetto_text(track->name));
    if (track->description != NULL)
        put_text(w, &w->message, TRACK_DESCRIPTION, perfetto_text(track->description));
    if (track->counter) {
        bytes_reset(&w->part);
        if (track->unit != PERFETTO_UNIT_NONE)
            put_number(&w->part, COUNTER_UNIT, track->unit);
        if (track->unit_name != NULL)
            put_text(w, &w->part, COUNTER_UNIT_NAME, perfetto_text(track->unit_name));
        put_message(&w->message, TRACK_COUNTER, &w->part);
    }
    put_descriptor(w);
}

/* Arguments are recorded with a NUL between them. */
static void put_arguments(struct perfetto_writer *w, struct text cmdline)
{
    for (size_t at = 0, end; at < cmdline.size; at = end + 1) {
        const char *nul = memchr(cmdline.data + at, '\0', cmdline.size - at);

        end = nul == NULL ? cmdline.size : (size_t)(nul - cmdline.data);
        put_text(w, &w->part, PROCESS_DESCRIPTOR_CMDLINE,
                 (struct text){ .data = cmdline.data + at, .size = (uint32_t)(end - at) });
    }
}

void perfetto_put_process(struct perfetto_writer *w, uint64_t uuid, const struct process *process,
                          const struct version *version)
{
    bytes_reset(&w->part);
    put_number(&w->part, PROCESS_DESCRIPTOR_PID, (uint64_t)(int64_t)process->pid);
    if (version != NULL && version->text[PROCESS_CMDLINE].data != NULL)
        put_arguments(w, version->text[PROCESS_CMDLINE]);
    if (version != NULL && version->text[PROCESS_COMM].data != NULL)
        put_text(w, &w->part, PROCESS_DESCRIPTOR_NAME, version->text[PROCESS_COMM]);
    put_number(&w->part, PROCESS_DESCRIPTOR_START, (uint64_t)process->start_ns);
    bytes_reset(&w->message);
    put_number(&w->message, TRACK_UUID, uuid);
    put_message(&w->message, TRACK_PROCESS, &w->part);
    put_descriptor(w);
}

/* --- events --- */

static void put_note(struct perfetto_writer *w, const struct perfetto_note *note)
{
    if (note->is_text && note->text.data == NULL)
        return;
    bytes_reset(&w->part);
    put_text(w, &w->part, NOTE_NAME, perfetto_text(note->name));
    if (note->is_text)
        put_text(w, &w->part, NOTE_TEXT, note->text);
    else
        put_number(&w->part, NOTE_INTEGER, (uint64_t)note->integer);
    put_message(&w->message, EVENT_NOTES, &w->part);
}

void perfetto_put_counter(struct perfetto_writer *w, uint64_t uuid, int64_t at_ns,
                          struct perfetto_value value, const char *no_value)
{
    bytes_reset(&w->message);
    put_number(&w->message, EVENT_TYPE, EVENT_IS_COUNTER);
    put_number(&w->message, EVENT_TRACK_UUID, uuid);
    if (value.real) {
        uint64_t bits;

        memcpy(&bits, &value.number, sizeof bits);
        put_key(&w->message, EVENT_DOUBLE_COUNTER_VALUE, WIRE_FIXED64);
        bytes_put_u64(&w->message, bits);
    } else {
        put_number(&w->message, EVENT_COUNTER_VALUE, (uint64_t)value.integer);
    }
    if (no_value != NULL)
        put_note(w, &(struct perfetto_note){
                        .name = "no_value", .is_text = true, .text = perfetto_text(no_value) });
    put_track_event(w, at_ns);
}

void perfetto_put_event(struct perfetto_writer *w, enum perfetto_event event, uint64_t uuid,
                        int64_t at_ns, struct text name, const struct perfetto_note notes[],
                        size_t note_count)
{
    bytes_reset(&w->message);
    put_number(&w->message, EVENT_TYPE, event);
    put_number(&w->message, EVENT_TRACK_UUID, uuid);
    if (name.data != NULL)
        put_text(w, &w->message, EVENT_NAME, name);
    for (size_t i = 0; i < note_count; i++)
        put_note(w, &notes[i]);
    put_track_event(w, at_ns);
}

/* --- the writer --- */

enum status perfetto_writer_check(const struct perfetto_writer *w, struct error *err)
{
    if (w->write_errno != 0)
        return error_set(err, STATUS_IO, "%s", strerror(w->write_errno));
    return w->lacks ? error_set(err, STATUS_NO_MEMORY, "a packet of the trace") : STATUS_OK;
}

void perfetto_writer_release(struct perfetto_writer *w)
{
    bytes_release(&w->packet);
    bytes_release(&w->message);
    bytes_release(&w->part);
    bytes_release(&w->text);
}
