/* Everything on the page that is no column of figures, as JSON: who, when, the report, events, collectors. */
#include <stdlib.h>
#include <string.h>

#include "analyzer/page.h"
#include "analyzer/page_pack.h"
#include "analyzer/page_writer.h"
#include "version.h"

enum { EVENTS_MOST = 1000 };

static void put_text(struct json *j, const char *name, const char *text)
{
    json_name(j, name);
    page_writer_text(&j->bytes, text, strlen(text), 0);
}

/* More than a double holds: as text. */
static void put_ns(struct json *j, const char *name, int64_t ns)
{
    char text[DECIMAL_ROOM];

    *decimal_put_i64(text, ns) = '\0';
    json_text(j, name, text);
}

static void put_host(struct page *page)
{
    const struct recording_contents *c = page->subject->contents;
    const struct recording_session *s = &c->sessions[c->session_count - 1];
    struct json *j = &page->facts;

    json_text(j, "version", PROCSCOPE_VERSION);
    json_begin(j, "files", "[");
    for (size_t i = 0; i < page->file_count; i++)
        put_text(j, NULL, page->files[i]);
    json_end(j, "]");
    put_text(j, "host", s->host);
    put_text(j, "os", s->os);
    put_text(j, "release", s->release);
    put_text(j, "machine", s->machine);
    put_text(j, "hardware", s->hardware);
    put_text(j, "process_source", s->process_source);
    put_text(j, "recorder", s->version);
    put_text(j, "zone", s->zone);
    json_integer(j, "memory_bytes", s->memory_bytes);
    json_integer(j, "core_count", s->core_count);
    json_integer(j, "cores", (int64_t)page->host.cores);
    json_integer(j, "interval_ns", s->interval_ns);
}

/* How far clocks were ahead of UTC, from when on. */
static void put_offsets(struct page *page)
{
    const struct timeline_buckets *b = &page->buckets;
    const struct zone *zone = &page->subject->zone;
    struct json *j = &page->facts;
    int32_t before = zone_offset(zone, b->from_ns);

    json_begin(j, "offsets", "[");
    json_begin(j, NULL, "[");
    put_ns(j, NULL, b->from_ns);
    json_integer(j, NULL, before);
    json_end(j, "]");
    for (size_t i = 0; i < b->count; i++) {
        int32_t now = zone_offset(zone, b->end_ns[i]);

        if (now == before)
            continue;
        json_begin(j, NULL, "[");
        put_ns(j, NULL, b->end_ns[i]);
        json_integer(j, NULL, now);
        json_end(j, "]");
        before = now;
    }
    json_end(j, "]");
}

static enum status put_buckets(struct page *page, struct error *err)
{
    const struct timeline_buckets *b = &page->buckets;
    const struct page_host *h = &page->host;
    const int64_t *const columns[] = { h->covered_ns, h->processes,  h->busy_us,    h->idle_us,
                                       h->stolen_us,  h->elapsed_ns, h->cpuacct_us, h->cpuacct_ns,
                                       h->ticks_ns,   h->since_ns,   h->all_min,    h->all_max };
    struct json *j = &page->facts;
    int64_t *longer = calloc(b->count, sizeof *longer);

    if (longer == NULL)
        return error_set(err, STATUS_NO_MEMORY, "buckets");
    for (size_t i = 0; i < b->count; i++)
        longer[i] = b->end_ns[i] - timeline_bucket_from(b, i) - page->step_ns;
    put_ns(j, "from_ns", page->subject->window.from_ns);
    put_ns(j, "to_ns", page->subject->window.to_ns);
    json_bool(j, "whole", page->subject->whole);
    put_ns(j, "charted_from_ns", b->from_ns);
    json_integer(j, "step_ns", page->step_ns);
    json_integer(j, "buckets", (int64_t)b->count);
    json_integer(j, "buckets_at", (int64_t)page->packed.used);
    page_pack(&page->packed, longer, b->count);
    for (size_t i = 0; i < COUNT_OF(columns); i++)
        page_pack(&page->packed, columns[i], b->count);
    free(longer);
    return STATUS_OK;
}

static void put_columns(struct page *page)
{
    static const char *const humans[] = { "plain", "bytes", "seconds", "percent",
                                          "time",  "count", "watts",   "joules" };
    const struct report *r = &page->report;
    struct json *j = &page->facts;

    json_begin(j, "columns", "[");
    for (size_t i = 0; i < r->column_count; i++) {
        const struct report_column *c = r->column[i];

        json_begin(j, NULL, "{");
        json_text(j, "name", c->output.name);
        json_text(j, "title", c->title);
        json_text(j, "as", c->output.type == OUTPUT_TEXT ? "text" : humans[c->output.human]);
        json_end(j, "}");
    }
    json_end(j, "]");
    json_integer(j, "cpu_scale", r->aggregate.scale[MEASURE_CPU]);
    json_integer(j, "command_line_most", PAGE_COMMAND_LINE_MOST);
}

/* Rows that are kept come first, still in order. */
static enum status order_report(struct page *page, struct error *err)
{
    struct report *r = &page->report;
    const struct page_rows *rows = &page->rows;
    struct ranked *in_order = malloc((r->ranked_count + 1) * sizeof *in_order);
    size_t count = 0;

    if (in_order == NULL)
        return error_set(err, STATUS_NO_MEMORY, "rows");
    for (int kept = 1; kept >= 0; kept--) {
        for (size_t i = 0; i < r->ranked_count; i++) {
            uint32_t row = rows->of_group[r->ranked[i].group];

            if ((row <= rows->process_count) == (kept == 1))
                in_order[count++] = r->ranked[i];
        }
        if (kept == 1)
            r->top = count;
    }
    free(r->ranked);
    r->ranked = in_order;
    return STATUS_OK;
}

static enum status put_report(struct page *page, struct error *err)
{
    struct output_options options = { .writer = &page_writer, .zone = &page->subject->zone };
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    enum status st;

    if (stream == NULL)
        return error_set(err, STATUS_NO_MEMORY, "the report");
    st = order_report(page, err);
    if (st == STATUS_OK)
        st = report_print(&page->report, page->subject, stream, &options, err);
    if (fclose(stream) != 0 && st == STATUS_OK)
        st = error_set(err, STATUS_NO_MEMORY, "the report");
    if (st == STATUS_OK) {
        json_name(&page->facts, "report");
        bytes_put(&page->facts.bytes, text, size);
    }
    free(text);
    return st;
}

/* Where each row's columns are: [begin, first step, steps, CPU and GPU by bucket], in the order of the report's rows. */
static void put_rows(struct page *page)
{
    const struct page_rows *rows = &page->rows;
    struct json *j = &page->facts;

    json_integer(j, "fold", (int64_t)rows->fold);
    json_begin(j, "packed", "[");
    for (size_t i = 0; i < rows->process_count; i++) {
        if (!rows->row[i].kept)
            continue;
        json_begin(j, NULL, "[");
        json_integer(j, NULL, (int64_t)rows->row[i].at);
        json_integer(j, NULL, (int64_t)rows->row[i].first);
        json_integer(j, NULL, (int64_t)rows->row[i].count);
        json_integer(j, NULL, (int64_t)rows->row[i].cpu_at);
        json_integer(j, NULL, (int64_t)rows->row[i].gpu_at);
        json_end(j, "]");
    }
    json_end(j, "]");
    json_begin(j, "comms", "[");
    for (size_t i = rows->process_count; i < rows->count; i++) {
        const struct page_row *row = &rows->row[i];
        int64_t scale = page->report.aggregate.scale[MEASURE_CPU];

        if (row->processes == 0)
            continue;
        json_begin(j, NULL, "{");
        json_name(j, "comm");
        if (row->name.data == NULL)
            bytes_put(&j->bytes, "null", 4);
        else
            page_writer_text(&j->bytes, row->name.data, row->name.size, PAGE_COMMAND_LINE_MOST);
        json_integer(j, "processes", (int64_t)row->processes);
        json_integer(j, "cpu_ns", row->cpu * scale);
        json_integer(j, "read", row->read);
        json_integer(j, "written", row->written);
        json_integer(j, "at", (int64_t)row->at);
        json_integer(j, "first", (int64_t)row->first);
        json_integer(j, "count", (int64_t)row->count);
        json_end(j, "}");
    }
    json_end(j, "]");
}

static void put_events(struct page *page)
{
    const struct recording_contents *c = page->subject->contents;
    const struct window *w = &page->subject->window;
    struct json *j = &page->facts;
    size_t count = 0;

    json_begin(j, "events", "[");
    for (size_t i = 0; i < c->event_count; i++) {
        const struct recording_event *e = &c->events[i];

        if (e->at_ns <= w->from_ns || e->at_ns > w->to_ns || count++ >= EVENTS_MOST)
            continue;
        json_begin(j, NULL, "{");
        put_ns(j, "at_ns", e->at_ns);
        put_text(j, "kind", e->kind);
        json_integer(j, "duration_ns", e->duration_ns);
        put_ns(j, "value", e->value);
        put_text(j, "detail", e->detail);
        json_end(j, "}");
    }
    json_end(j, "]");
    json_integer(j, "events_left_out", count > EVENTS_MOST ? (int64_t)count - EVENTS_MOST : 0);
}

/* Of the latest session. */
static void put_collectors(struct page *page)
{
    const struct recording_contents *c = page->subject->contents;
    int64_t session_id = c->sessions[c->session_count - 1].session_id;
    struct json *j = &page->facts;

    json_begin(j, "collectors", "[");
    for (size_t i = 0; i < c->capability_count; i++) {
        if (c->capabilities[i].session_id != session_id)
            continue;
        json_begin(j, NULL, "{");
        put_text(j, "collector", c->capabilities[i].collector);
        put_text(j, "status", c->capabilities[i].status);
        put_text(j, "reason", c->capabilities[i].reason);
        put_text(j, "enable", c->capabilities[i].enable);
        json_end(j, "}");
    }
    json_end(j, "]");
}

enum status page_facts_put(struct page *page, struct error *err)
{
    struct json *j = &page->facts;

    json_begin(j, NULL, "{");
    put_host(page);
    put_offsets(page);
    put_columns(page);
    if (put_buckets(page, err) != STATUS_OK || put_report(page, err) != STATUS_OK)
        return err->status;
    put_rows(page);
    put_events(page);
    put_collectors(page);
    if (page_names_put(page, err) != STATUS_OK || page_charts_put(page, err) != STATUS_OK)
        return err->status;
    json_end(j, "}");
    return STATUS_OK;
}
