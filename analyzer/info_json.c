/* What a recording holds, as one JSON object. Integers are exact: no detour through a double. */
#include "analyzer/info.h"
#include "analyzer/json.h"

static void add_session(struct json *j, const struct recording_session *s)
{
    json_begin(j, NULL, "{");
    json_integer(j, "session_id", s->session_id);
    json_time(j, "start", s->wall_start_ns);
    json_time(j, "end", s->end_ns);
    json_text(j, "end_reason", s->end_reason);
    json_text(j, "host", s->host);
    json_text(j, "os", s->os);
    json_text(j, "release", s->release);
    json_text(j, "machine", s->machine);
    json_text(j, "hardware", s->hardware);
    json_integer(j, "core_count", s->core_count);
    json_integer(j, "memory_bytes", s->memory_bytes);
    json_text(j, "boot_id", s->boot_id);
    json_text(j, "zone", s->zone);
    json_integer(j, "zone_offset_seconds", s->zone_offset_s);
    json_integer(j, "interval_ns", s->interval_ns);
    json_text(j, "process_source", s->process_source);
    json_text(j, "version", s->version);
    json_end(j, "}");
}

static void add_collectors(struct json *j, const struct recording_contents *c)
{
    json_begin(j, "collectors", "[");
    for (size_t i = 0; i < c->capability_count; i++) {
        json_begin(j, NULL, "{");
        json_integer(j, "session_id", c->capabilities[i].session_id);
        json_text(j, "collector", c->capabilities[i].collector);
        json_text(j, "status", c->capabilities[i].status);
        json_text(j, "reason", c->capabilities[i].reason);
        json_text(j, "enable", c->capabilities[i].enable);
        json_end(j, "}");
    }
    json_end(j, "]");
}

static void add_span(struct json *j, const struct info *info)
{
    const struct subject *s = &info->subject;

    json_time(j, "first", info->tick_count == 0 ? NO_TIME : s->first_ns);
    json_time(j, "last", info->tick_count == 0 ? NO_TIME : s->last_ns);
    json_integer(j, "ticks", info->tick_count);
    json_integer(j, "gaps", info->gap_count);
    json_real(j, "gap_seconds", (double)info->gap_ns / 1e9);
    json_real(j, "pause_seconds", (double)info->pause_ns / 1e9);
    json_real(j, "covered_seconds", (double)info->covered_ns / 1e9);
}

static void add_samples(struct json *j, const struct info *info)
{
    const struct recording_contents *c = info->subject.contents;

    json_begin(j, "samples", "{");
    for (size_t t = 0; t < c->table_count; t++)
        json_integer(j, c->tables[t].name, info->samples[t]);
    json_end(j, "}");
    json_bool(j, "samples_exact", info->exact);
    json_begin(j, "blocks", "[");
    for (unsigned level = 0; level < LEVEL_COUNT; level++)
        json_integer(j, NULL, (int64_t)c->block_count[level]);
    json_end(j, "]");
    json_integer(j, "lifetimes", info->lifetime_count);
    json_begin(j, "bytes", "{");
    for (size_t i = 0; i < info->size_count; i++)
        json_integer(j, info->sizes[i].part, info->sizes[i].bytes);
    json_end(j, "}");
    if (info->process_table != SIZE_MAX && info->samples[info->process_table] > 0)
        json_real(j, "bytes_per_process_sample",
                  (double)c->file_bytes / (double)info->samples[info->process_table]);
}

static void add_recorder(struct json *j, const struct info *info)
{
    json_begin(j, "recorder", "{");
    if (info->cpu_ns.known && info->own_ticks > 0)
        json_real(j, "cpu_us_per_tick",
                  (double)info->cpu_used_ns / 1000.0 / (double)info->own_ticks);
    if (info->resident_bytes.known)
        json_integer(j, "resident_bytes", info->resident_bytes.last);
    if (info->written_bytes.known)
        json_integer(j, "written_bytes_total", info->written_bytes.last);
    if (info->ticks_missed.known)
        json_integer(j, "ticks_missed_total", info->ticks_missed.last);
    if (info->ticks_dropped.known)
        json_integer(j, "ticks_dropped_total", info->ticks_dropped.last);
    json_end(j, "}");
}

enum status info_print_json(const struct info *info, FILE *out, struct error *err)
{
    const struct recording_contents *c = info->subject.contents;
    struct json j = { 0 };
    char format[32];
    enum status st = STATUS_OK;

    json_begin(&j, NULL, "{");
    json_text(&j, "path", c->path);
    (void)snprintf(format, sizeof format, "%d.%d", c->format_major, c->format_minor);
    json_text(&j, "format", format);
    json_integer(&j, "file_bytes", c->file_bytes);
    json_bool(&j, "unclean", c->unclean);
    add_span(&j, info);
    json_begin(&j, "sessions", "[");
    for (size_t i = 0; i < c->session_count; i++)
        add_session(&j, &c->sessions[i]);
    json_end(&j, "]");
    add_collectors(&j, c);
    add_samples(&j, info);
    add_recorder(&j, info);
    json_end(&j, "}");
    bytes_put_u8(&j.bytes, '\n');
    if (j.bytes.full)
        st = error_set(err, STATUS_NO_MEMORY, "info");
    else if (fwrite(j.bytes.data, 1, j.bytes.used, out) != j.bytes.used)
        st = error_set(err, STATUS_IO, "write the output");
    bytes_release(&j.bytes);
    return st;
}
