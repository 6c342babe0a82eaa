/* What a recording holds, as one JSON object. Integers are exact: no detour through a double. */
#include <inttypes.h>
#include <string.h>

#include "analyzer/decimal.h"
#include "analyzer/escape.h"
#include "analyzer/info.h"

struct json {
    struct byte_writer bytes;
    bool more; /* a comma goes before what comes next */
};

static void put(struct json *j, const char *text)
{
    bytes_put(&j->bytes, text, strlen(text));
}

static void put_string(struct json *j, const char *text)
{
    size_t size = strlen(text);

    if (!bytes_reserve(&j->bytes, ESCAPE_ROOM(size)))
        return;
    j->bytes.used = (size_t)(escape_put_json((char *)j->bytes.data + j->bytes.used, text, size) -
                             (char *)j->bytes.data);
}

static void key(struct json *j, const char *name)
{
    if (j->more)
        bytes_put_u8(&j->bytes, ',');
    j->more = true;
    if (name == NULL)
        return;
    put_string(j, name);
    bytes_put_u8(&j->bytes, ':');
}

/* name NULL: an element of an array. */
static void begin(struct json *j, const char *name, const char *bracket)
{
    key(j, name);
    put(j, bracket);
    j->more = false;
}

static void end(struct json *j, const char *bracket)
{
    put(j, bracket);
    j->more = true;
}

static void add_text(struct json *j, const char *name, const char *text)
{
    key(j, name);
    put_string(j, text);
}

static void add_bool(struct json *j, const char *name, bool value)
{
    key(j, name);
    put(j, value ? "true" : "false");
}

static void add_integer(struct json *j, const char *name, int64_t value)
{
    char text[DECIMAL_ROOM];

    key(j, name);
    *decimal_put_i64(text, value) = '\0';
    put(j, text);
}

static void add_real(struct json *j, const char *name, double value)
{
    char text[DECIMAL_ROOM];

    key(j, name);
    *decimal_put_real(text, value) = '\0';
    put(j, text);
}

/* NAME_time in words and NAME_ns; null for NO_TIME. */
static void add_time(struct json *j, const char *name, int64_t time_ns)
{
    struct decimal_clock clock = { 0 };
    char text[DECIMAL_ROOM], member[40];

    *decimal_put_rfc3339(&clock, text, time_ns) = '\0';
    (void)snprintf(member, sizeof member, "%s_time", name);
    key(j, member);
    if (time_ns == NO_TIME)
        put(j, "null");
    else
        put_string(j, text);
    (void)snprintf(member, sizeof member, "%s_ns", name);
    if (time_ns != NO_TIME) {
        add_integer(j, member, time_ns);
        return;
    }
    key(j, member);
    put(j, "null");
}

static void add_session(struct json *j, const struct recording_session *s)
{
    begin(j, NULL, "{");
    add_integer(j, "session_id", s->session_id);
    add_time(j, "start", s->wall_start_ns);
    add_time(j, "end", s->end_ns);
    add_text(j, "end_reason", s->end_reason);
    add_text(j, "host", s->host);
    add_text(j, "os", s->os);
    add_text(j, "release", s->release);
    add_text(j, "machine", s->machine);
    add_text(j, "hardware", s->hardware);
    add_integer(j, "core_count", s->core_count);
    add_integer(j, "memory_bytes", s->memory_bytes);
    add_text(j, "boot_id", s->boot_id);
    add_text(j, "zone", s->zone);
    add_integer(j, "zone_offset_seconds", s->zone_offset_s);
    add_integer(j, "interval_ns", s->interval_ns);
    add_text(j, "process_source", s->process_source);
    add_text(j, "version", s->version);
    end(j, "}");
}

static void add_collectors(struct json *j, const struct recording_contents *c)
{
    begin(j, "collectors", "[");
    for (size_t i = 0; i < c->capability_count; i++) {
        begin(j, NULL, "{");
        add_integer(j, "session_id", c->capabilities[i].session_id);
        add_text(j, "collector", c->capabilities[i].collector);
        add_text(j, "status", c->capabilities[i].status);
        add_text(j, "reason", c->capabilities[i].reason);
        add_text(j, "enable", c->capabilities[i].enable);
        end(j, "}");
    }
    end(j, "]");
}

static void add_span(struct json *j, const struct info *info)
{
    const struct subject *s = &info->subject;

    add_time(j, "first", info->tick_count == 0 ? NO_TIME : s->first_ns);
    add_time(j, "last", info->tick_count == 0 ? NO_TIME : s->last_ns);
    add_integer(j, "ticks", info->tick_count);
    add_integer(j, "gaps", info->gap_count);
    add_real(j, "gap_seconds", (double)info->gap_ns / 1e9);
    add_real(j, "pause_seconds", (double)info->pause_ns / 1e9);
    add_real(j, "covered_seconds", (double)info->covered_ns / 1e9);
}

static void add_samples(struct json *j, const struct info *info)
{
    const struct recording_contents *c = info->subject.contents;

    begin(j, "samples", "{");
    for (size_t t = 0; t < c->table_count; t++)
        add_integer(j, c->tables[t].name, info->samples[t]);
    end(j, "}");
    add_bool(j, "samples_exact", info->exact);
    begin(j, "blocks", "[");
    for (unsigned level = 0; level < LEVEL_COUNT; level++)
        add_integer(j, NULL, (int64_t)c->block_count[level]);
    end(j, "]");
    add_integer(j, "lifetimes", info->lifetime_count);
    begin(j, "bytes", "{");
    for (size_t i = 0; i < info->size_count; i++)
        add_integer(j, info->sizes[i].part, info->sizes[i].bytes);
    end(j, "}");
    if (info->process_table != SIZE_MAX && info->samples[info->process_table] > 0)
        add_real(j, "bytes_per_process_sample",
                 (double)c->file_bytes / (double)info->samples[info->process_table]);
}

static void add_recorder(struct json *j, const struct info *info)
{
    begin(j, "recorder", "{");
    if (info->cpu_ns.known && info->own_ticks > 0)
        add_real(j, "cpu_us_per_tick",
                 (double)info->cpu_used_ns / 1000.0 / (double)info->own_ticks);
    if (info->resident_bytes.known)
        add_integer(j, "resident_bytes", info->resident_bytes.last);
    if (info->written_bytes.known)
        add_integer(j, "written_bytes_total", info->written_bytes.last);
    if (info->ticks_missed.known)
        add_integer(j, "ticks_missed_total", info->ticks_missed.last);
    if (info->ticks_dropped.known)
        add_integer(j, "ticks_dropped_total", info->ticks_dropped.last);
    end(j, "}");
}

enum status info_print_json(const struct info *info, FILE *out, struct error *err)
{
    const struct recording_contents *c = info->subject.contents;
    struct json j = { 0 };
    char format[32];
    enum status st = STATUS_OK;

    begin(&j, NULL, "{");
    add_text(&j, "path", c->path);
    (void)snprintf(format, sizeof format, "%d.%d", c->format_major, c->format_minor);
    add_text(&j, "format", format);
    add_integer(&j, "file_bytes", c->file_bytes);
    add_bool(&j, "unclean", c->unclean);
    add_span(&j, info);
    begin(&j, "sessions", "[");
    for (size_t i = 0; i < c->session_count; i++)
        add_session(&j, &c->sessions[i]);
    end(&j, "]");
    add_collectors(&j, c);
    add_samples(&j, info);
    add_recorder(&j, info);
    end(&j, "}");
    put(&j, "\n");
    if (j.bytes.full)
        st = error_set(err, STATUS_NO_MEMORY, "info");
    else if (fwrite(j.bytes.data, 1, j.bytes.used, out) != j.bytes.used)
        st = error_set(err, STATUS_IO, "write the output");
    bytes_release(&j.bytes);
    return st;
}
