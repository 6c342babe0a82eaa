/* What a recording holds, for people. Text of the recording is escaped: it may come from anyone. */
#include <inttypes.h>
#include <string.h>

#include "analyzer/escape.h"
#include "analyzer/human.h"
#include "analyzer/info.h"

struct shown {
    char text[300];
};

/* One line each: a label, then what `format` makes. */
static void line(FILE *out, const char *label, const char *format, ...) PRINTF_LIKE(3, 4);
static void line(FILE *out, const char *label, const char *format, ...)
{
    va_list args;

    (void)fprintf(out, "%-12s ", label);
    va_start(args, format);
    (void)vfprintf(out, format, args);
    va_end(args);
    (void)fputc('\n', out);
}

static struct shown safe(const char *text)
{
    struct shown s;

    (void)escape_show(s.text, sizeof s.text, text);
    return s;
}

static struct shown when(const struct info *info, int64_t time_ns)
{
    struct shown s;

    *human_put_time(s.text, &info->subject.zone, time_ns) = '\0';
    return s;
}

static struct shown bytes(int64_t count)
{
    struct shown s;

    *human_put_bytes(s.text, (double)count) = '\0';
    return s;
}

static struct shown span(int64_t ns)
{
    struct shown s;

    *human_put_seconds(s.text, (double)ns / 1e9) = '\0';
    return s;
}

static void print_host(const struct info *info, FILE *out)
{
    const struct recording_contents *c = info->subject.contents;
    const struct recording_session *s = &c->sessions[c->session_count - 1];

    line(out, "host", "%s, %s %s on %s", safe(s->host).text, safe(s->os).text,
         safe(s->release).text, safe(s->machine).text);
    line(out, "hardware", "%s, %" PRId64 " cores, %s of memory", safe(s->hardware).text,
         s->core_count, bytes(s->memory_bytes).text);
    line(out, "zone", "%s (%+d s east of UTC)", s->zone[0] == '\0' ? "unknown" : safe(s->zone).text,
         s->zone_offset_s);
}

static void print_span(const struct info *info, FILE *out)
{
    int64_t first_ns = info->subject.first_ns, last_ns = info->subject.last_ns;

    if (info->tick_count == 0) {
        line(out, "span", "no tick was recorded");
        return;
    }
    line(out, "span", "%s to %s: %s", when(info, first_ns).text, when(info, last_ns).text,
         span(info->span_ns).text);
    line(out, "covered",
         "%s in %" PRId64 " ticks; %" PRId64 " gap%s of %s in all, %s between "
         "sessions",
         span(info->covered_ns).text, info->tick_count, info->gap_count,
         info->gap_count == 1 ? "" : "s", span(info->gap_ns).text, span(info->pause_ns).text);
}

static void print_sessions(const struct info *info, FILE *out)
{
    const struct recording_contents *c = info->subject.contents;

    for (size_t i = 0; i < c->session_count; i++) {
        const struct recording_session *s = &c->sessions[i];
        bool open = s->end_ns == NO_TIME;
        const char *why =
            open ? "no clean end: it is being written, or the recorder was killed" : s->end_reason;

        line(out, i == 0 ? "sessions" : "", "%" PRId64 ": %s to %s (%s)", s->session_id,
             when(info, s->wall_start_ns).text, open ? "?" : when(info, s->end_ns).text,
             safe(why).text);
        line(out, "", "   every %s, %s%s, procscoped %s", span(s->interval_ns).text,
             s->process_source[0] == '\0' ? "no processes" : "processes from ",
             safe(s->process_source).text, safe(s->version).text);
    }
}

/* Of the last session. */
static void print_collectors(const struct info *info, FILE *out)
{
    const struct recording_contents *c = info->subject.contents;
    int64_t last = c->session_count == 0 ? 0 : c->sessions[c->session_count - 1].session_id;
    const char *label = "collectors";

    for (size_t i = 0; i < c->capability_count; i++) {
        const struct recording_capability *cap = &c->capabilities[i];

        if (cap->session_id != last)
            continue;
        line(out, label, "%-12s %s%s%s", safe(cap->collector).text, safe(cap->status).text,
             cap->reason[0] == '\0' ? "" : ": ", safe(cap->reason).text);
        if (cap->enable[0] != '\0')
            line(out, "", "%-12s to enable: %s", "", safe(cap->enable).text);
        label = "";
    }
}

static void print_samples(const struct info *info, FILE *out)
{
    const struct recording_contents *c = info->subject.contents;

    for (size_t t = 0; t < c->table_count; t++)
        line(out, t == 0 ? "tables" : "", "%-18s %s%" PRId64 " samples of %zu metrics",
             safe(c->tables[t].name).text, info->exact ? "" : "about ", info->samples[t],
             c->tables[t].metric_count);
    line(out, "blocks", "%zu of every tick%s, %zu of 60 s, %zu of 3600 s", c->block_count[0],
         c->block_count[0] > 0 && c->blocks[0][c->block_count[0] - 1].tail
             ? " (the last is not sealed yet)"
             : "",
         c->block_count[1], c->block_count[2]);
    line(out, "processes", "%" PRId64 " were seen in one block only", info->lifetime_count);
}

static void print_cost(const struct info *info, FILE *out)
{
    if (info->cpu_ns.known && info->own_ticks > 0)
        line(out, "cost", "%.1f us of CPU per tick in the last session",
             (double)info->cpu_used_ns / 1000.0 / (double)info->own_ticks);
    if (info->resident_bytes.known)
        line(out, "", "%s resident", bytes(info->resident_bytes.last).text);
    if (info->ticks_missed.known && info->ticks_dropped.known)
        line(out, "", "%" PRId64 " ticks missed, %" PRId64 " dropped", info->ticks_missed.last,
             info->ticks_dropped.last);
}

static void print_sizes(const struct info *info, FILE *out)
{
    int64_t samples = info->process_table == SIZE_MAX ? 0 : info->samples[info->process_table];

    line(out, "size", "%s", bytes(info->subject.contents->file_bytes).text);
    for (size_t i = 0; i < info->size_count; i++)
        if (info->sizes[i].bytes != 0)
            line(out, "", "%-34s %10s", safe(info->sizes[i].part).text,
                 bytes(info->sizes[i].bytes).text);
    if (samples > 0)
        line(out, "density", "%.2f bytes per process and tick, all of the file included",
             (double)info->subject.contents->file_bytes / (double)samples);
}

void info_print(const struct info *info, FILE *out)
{
    const struct recording_contents *c = info->subject.contents;

    line(out, "recording", "%s, format %d.%d", safe(c->path).text, c->format_major,
         c->format_minor);
    if (c->session_count > 0)
        print_host(info, out);
    print_span(info, out);
    print_sessions(info, out);
    print_collectors(info, out);
    print_samples(info, out);
    print_cost(info, out);
    print_sizes(info, out);
}
