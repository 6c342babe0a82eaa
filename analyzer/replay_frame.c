/* A frame's rows are those of `report` over the same window, and so is what it says of the cores. */
#include "analyzer/replay_frame.h"

#include <string.h>

#include "analyzer/escape.h"
#include "analyzer/human.h"

enum { LINE_MAX_BYTES = 1000 };

enum status replay_frame_make(struct replay_frame *frame, const struct subject *subject,
                              const struct window *window, const struct report *asked,
                              struct error *err)
{
    frame->subject = *subject;
    frame->subject.window = *window;
    frame->subject.whole = false;
    frame->report = *asked;
    frame->report.untold = true;
    report_want(&frame->report);
    if (report_read(&frame->report, &frame->subject, err) != STATUS_OK)
        return err->status;
    return replay_host_read(&frame->host, &frame->subject, err);
}

void replay_frame_release(struct replay_frame *frame)
{
    report_release(&frame->report);
    *frame = (struct replay_frame){ .report.column_count = 0 };
}

/* --- lines --- */

struct line {
    char text[LINE_MAX_BYTES];
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void put(struct line *line, const char *format, ...)
{
    va_list args;
    int size;

    va_start(args, format);
    size = vsnprintf(line->text + line->used, sizeof line->text - line->used, format, args);
    va_end(args);
    if (size > 0)
        line->used += (size_t)size < sizeof line->text - line->used
                          ? (size_t)size
                          : sizeof line->text - line->used - 1;
}

static void end_line(struct line *line, const struct output_options *options, FILE *out)
{
    size_t size =
        options->width == 0 ? line->used : escape_cut(line->text, line->used, options->width);

    (void)fprintf(out, "%.*s\n", (int)size, line->text);
    line->used = 0;
}

static void put_bytes(struct line *line, const char *before, double bytes, const char *after)
{
    char text[HUMAN_ROOM];

    *human_put_bytes(text, bytes) = '\0';
    put(line, "%s%s%s", before, text, after);
}

static void print_when(const struct replay_frame *frame, const struct output_options *options,
                       FILE *out)
{
    const struct coverage *coverage = &frame->report.coverage;
    const struct recording_contents *contents = frame->subject.contents;
    struct line line = { .used = 0 };
    char shown[120], text[HUMAN_ROOM];
    int64_t to_ns = frame->subject.window.to_ns;
    int64_t millisecond = (to_ns % 1000000000 + 1000000000) % 1000000000 / 1000000;

    if (contents->session_count > coverage->last_session)
        put(&line, "%s  ",
            escape_show(shown, sizeof shown, contents->sessions[coverage->last_session].host));
    *human_put_time(text, options->zone, to_ns) = '\0';
    put(&line, "%s.%03d", text, (int)millisecond);
    *human_put_seconds(text, (double)coverage->ticks_ns / 1e9) = '\0';
    put(&line, "  %s in %zu tick%s", coverage->ticks_ns > 0 ? text : "no time",
        coverage->tick_count, coverage->tick_count == 1 ? "" : "s");
    for (size_t i = 0; i < coverage->gap_count && i < COVERAGE_GAPS; i++) {
        const struct coverage_gap *gap = &coverage->gap[i];

        *human_put_seconds(text, ((double)gap->to_ns - (double)gap->from_ns) / 1e9) = '\0';
        put(&line, "  after a gap of %s (%s)", text, gap->cause);
    }
    end_line(&line, options, out);
}

static void put_percent(struct line *line, const char *before, double percent)
{
    char text[HUMAN_ROOM];

    *human_put_percent(text, percent) = '\0';
    put(line, "%s%s", before, text);
}

/* Cores and memory. */
static void print_load(const struct replay_frame *frame, const struct output_options *options,
                       FILE *out)
{
    static const char *const waits[] = { "cpu ", "memory ", "io " };
    const struct host_total *cores = &frame->report.host;
    const struct replay_host *host = &frame->host;
    const char *before = "  pressure ";
    struct line line = { .used = 0 };

    put(&line, "CPU");
    if (cores->known && frame->report.coverage.ticks_ns > 0) {
        put_percent(&line, " ",
                    100e3 * (double)cores->busy_us / (double)frame->report.coverage.ticks_ns);
        put(&line, " of %zu %%", cores->cores * 100);
    } else {
        put(&line, " -");
    }
    if (host->known[REPLAY_MEMORY_TOTAL] && host->known[REPLAY_MEMORY_AVAILABLE]) {
        put_bytes(&line, "  memory ",
                  host->value[REPLAY_MEMORY_TOTAL] - host->value[REPLAY_MEMORY_AVAILABLE], "");
        put_bytes(&line, " of ", host->value[REPLAY_MEMORY_TOTAL], "");
    }
    if (host->known[REPLAY_SWAP_TOTAL] && host->known[REPLAY_SWAP_FREE])
        put_bytes(&line, "  swap ", host->value[REPLAY_SWAP_TOTAL] - host->value[REPLAY_SWAP_FREE],
                  "");
    for (size_t i = 0; i < COUNT_OF(waits); i++)
        if (host->known[REPLAY_CPU_PRESSURE + i]) {
            put(&line, "%s%s", before, waits[i]);
            put_percent(&line, "", host->value[REPLAY_CPU_PRESSURE + i] / 1e7);
            before = " ";
        }
    put(&line, "%s", before[1] == '\0' ? " %" : "");
    end_line(&line, options, out);
}

/* Disks, network and GPUs, as far as there are any. */
static void print_devices(const struct replay_frame *frame, const struct output_options *options,
                          FILE *out)
{
    static const struct {
        enum replay_figure figure;
        const char *name;
    } rates[] = { { REPLAY_DISK_READ, "disk read " },
                  { REPLAY_DISK_WRITTEN, "written " },
                  { REPLAY_NETWORK_RECEIVED, "network received " },
                  { REPLAY_NETWORK_SENT, "sent " } };
    const struct replay_host *host = &frame->host;
    struct line line = { .used = 0 };
    char text[HUMAN_ROOM];

    for (size_t i = 0; i < COUNT_OF(rates); i++)
        if (host->known[rates[i].figure]) {
            put(&line, "%s%s", line.used > 0 ? "  " : "", rates[i].name);
            put_bytes(&line, "", host->value[rates[i].figure], "/s");
        }
    if (host->known[REPLAY_GPU_POWER]) {
        *human_put_watts(text, host->value[REPLAY_GPU_POWER]) = '\0';
        put(&line, "%sGPU %s", line.used > 0 ? "  " : "", text);
    }
    if (line.used > 0)
        end_line(&line, options, out);
}

/* Those of the window, the first few of them. */
static void print_events(const struct replay_frame *frame, const struct output_options *options,
                         FILE *out)
{
    const struct recording_contents *contents = frame->subject.contents;
    const struct window *window = &frame->subject.window;
    struct line line = { .used = 0 };
    size_t count = 0;

    for (size_t i = 0; i < contents->event_count; i++) {
        const struct recording_event *event = &contents->events[i];
        char kind[60], detail[300];

        if (event->at_ns <= window->from_ns || event->at_ns > window->to_ns)
            continue;
        if (count++ >= REPLAY_EVENTS_MAX)
            continue;
        put(&line, "event %s  %s", escape_show(kind, sizeof kind, event->kind),
            escape_show(detail, sizeof detail, event->detail));
        end_line(&line, options, out);
    }
    if (count > REPLAY_EVENTS_MAX) {
        put(&line, "and %zu more events", count - REPLAY_EVENTS_MAX);
        end_line(&line, options, out);
    }
}

void replay_frame_print_head(const struct replay_frame *frame, const struct output_options *options,
                             FILE *out)
{
    print_when(frame, options, out);
    print_load(frame, options, out);
    print_devices(frame, options, out);
    print_events(frame, options, out);
}

enum status replay_frame_print(struct replay_frame *frame, const struct output_options *options,
                               FILE *out, struct error *err)
{
    replay_frame_print_head(frame, options, out);
    (void)fputc('\n', out);
    return report_print(&frame->report, &frame->subject, out, options, err);
}
