/* What a recording says of itself, as rows: sessions, collectors, entities, events, metrics. */
#include <string.h>

#include "analyzer/export.h"

enum { CELLS_MAX = 32 };

/* Fill the cells of row `index`; false: the window leaves it out. */
typedef bool fill_row(const struct export *e, size_t index, struct output_cell *cell);

static struct output_cell text(const char *value)
{
    return (struct output_cell){ .text = value, .text_size = strlen(value) };
}

static struct output_cell integer(int64_t value)
{
    return (struct output_cell){ .integer = value };
}

static struct output_cell unless(int64_t value, int64_t none)
{
    return (struct output_cell){ .missing = value == none, .integer = value };
}

/* Does the time from first to last (NO_TIME: still) touch the window? */
static bool touches(const struct export *e, int64_t first_ns, int64_t last_ns)
{
    const struct window *window = &e->subject->window;

    return e->subject->whole ||
           (first_ns <= window->to_ns && (last_ns == NO_TIME || last_ns > window->from_ns));
}

static enum status list(struct export *e, const struct output_column columns[], size_t column_count,
                        size_t row_count, fill_row *fill, struct error *err)
{
    struct output_cell cells[CELLS_MAX];
    struct output output;
    enum status st = output_open(&output, e->file, columns, column_count, &e->output, err);
    struct error closing;

    for (size_t i = 0; i < row_count && st == STATUS_OK && !output_broken(&output); i++) {
        if (!fill(e, i, cells))
            continue;
        output_row(&output, cells, OUTPUT_NORMAL);
        e->row_count++;
    }
    if (output_close(&output, &closing) != STATUS_OK) {
        *err = closing;
        st = closing.status;
    }
    return st;
}

/* --- session --- */

static const struct output_column session_columns[] = {
    EXPORT_INTEGER("session_id"),
    EXPORT_TIME("start_time"),
    EXPORT_INTEGER("start_ns"),
    EXPORT_TIME("end_time"),
    EXPORT_INTEGER("end_ns"),
    EXPORT_TEXT("end_reason"),
    EXPORT_TEXT("host"),
    EXPORT_TEXT("os"),
    EXPORT_TEXT("release"),
    EXPORT_TEXT("machine"),
    EXPORT_TEXT("hardware"),
    EXPORT_TEXT("boot_id"),
    EXPORT_INTEGER("boot_start_ns"),
    EXPORT_TEXT("version"),
    EXPORT_TEXT("process_source"),
    EXPORT_INTEGER("interval_ns"),
    EXPORT_INTEGER("recorder_pid"),
    EXPORT_INTEGER("core_count"),
    EXPORT_BYTES("page_bytes"),
    EXPORT_BYTES("memory_bytes"),
    EXPORT_INTEGER("clock_ticks_per_second"),
    EXPORT_TEXT("zone"),
    EXPORT_INTEGER("zone_offset_seconds"),
    EXPORT_INTEGER("zone_next_change_ns"),
    EXPORT_INTEGER("zone_next_offset_seconds"),
};

static bool fill_session(const struct export *e, size_t index, struct output_cell *cell)
{
    const struct recording_session *s = &e->subject->contents->sessions[index];

    *cell++ = integer(s->session_id);
    *cell++ = integer(s->wall_start_ns);
    *cell++ = integer(s->wall_start_ns);
    *cell++ = unless(s->end_ns, NO_TIME);
    *cell++ = unless(s->end_ns, NO_TIME);
    *cell++ = text(s->end_reason);
    *cell++ = text(s->host);
    *cell++ = text(s->os);
    *cell++ = text(s->release);
    *cell++ = text(s->machine);
    *cell++ = text(s->hardware);
    *cell++ = text(s->boot_id);
    *cell++ = integer(s->boot_start_ns);
    *cell++ = text(s->version);
    *cell++ = text(s->process_source);
    *cell++ = integer(s->interval_ns);
    *cell++ = integer(s->pid);
    *cell++ = integer(s->core_count);
    *cell++ = integer(s->page_bytes);
    *cell++ = integer(s->memory_bytes);
    *cell++ = integer(s->clock_ticks_per_second);
    *cell++ = text(s->zone);
    *cell++ = integer(s->zone_offset_s);
    *cell++ = unless(s->zone_next_change_ns, 0);
    *cell = unless(s->zone_next_offset_s,
                   s->zone_next_change_ns == 0 ? s->zone_next_offset_s : INT64_MIN);
    return touches(e, s->wall_start_ns, s->end_ns);
}

static enum status export_session(struct export *e, struct error *err)
{
    return list(e, session_columns, COUNT_OF(session_columns), e->subject->contents->session_count,
                fill_session, err);
}

/* --- timeline --- */

static const struct output_column timeline_columns[] = {
    EXPORT_INTEGER("session_id"), EXPORT_TIME("time"),       EXPORT_INTEGER("time_ns"),
    EXPORT_TIME("wall_time"),     EXPORT_INTEGER("wall_ns"),
};

static bool fill_timeline(const struct export *e, size_t index, struct output_cell *cell)
{
    const struct recording_timeline *t = &e->subject->contents->timeline[index];

    cell[0] = integer(t->session_id);
    cell[1] = cell[2] = integer(t->timeline_ns);
    cell[3] = cell[4] = integer(t->wall_ns);
    return true;
}

static enum status export_timeline(struct export *e, struct error *err)
{
    return list(e, timeline_columns, COUNT_OF(timeline_columns),
                e->subject->contents->timeline_count, fill_timeline, err);
}

/* --- capability --- */

static const struct output_column capability_columns[] = {
    EXPORT_INTEGER("session_id"), EXPORT_TEXT("collector"), EXPORT_TEXT("status"),
    EXPORT_TEXT("reason"),        EXPORT_TEXT("enable"),
};

static bool fill_capability(const struct export *e, size_t index, struct output_cell *cell)
{
    const struct recording_capability *c = &e->subject->contents->capabilities[index];

    cell[0] = integer(c->session_id);
    cell[1] = text(c->collector);
    cell[2] = text(c->status);
    cell[3] = text(c->reason);
    cell[4] = text(c->enable);
    return true;
}

static enum status export_capability(struct export *e, struct error *err)
{
    return list(e, capability_columns, COUNT_OF(capability_columns),
                e->subject->contents->capability_count, fill_capability, err);
}

/* --- entity --- */

static const struct output_column entity_columns[] = {
    EXPORT_INTEGER("entity_id"), EXPORT_TEXT("kind"),         EXPORT_TEXT("key"),
    EXPORT_TEXT("label"),        EXPORT_INTEGER("parent_id"), EXPORT_TIME("first_time"),
    EXPORT_INTEGER("first_ns"),  EXPORT_TIME("last_time"),    EXPORT_INTEGER("last_ns"),
};

static bool fill_entity(const struct export *e, size_t index, struct output_cell *cell)
{
    const struct recording_entity *entity = &e->subject->contents->entities[index];

    cell[0] = integer(entity->entity_id);
    cell[1] = text(entity_kind_name(entity->kind));
    cell[2] = text(entity->key);
    cell[3] = text(entity->label);
    cell[4] = unless(entity->parent_id, 0);
    cell[5] = cell[6] = integer(entity->first_ns);
    cell[7] = cell[8] = unless(entity->last_ns, NO_TIME);
    return touches(e, entity->first_ns, entity->last_ns);
}

static enum status export_entity(struct export *e, struct error *err)
{
    return list(e, entity_columns, COUNT_OF(entity_columns), e->subject->contents->entity_count,
                fill_entity, err);
}

/* --- event --- */

static const struct output_column event_columns[] = {
    EXPORT_TIME("time"),          EXPORT_INTEGER("time_ns"),     EXPORT_INTEGER("event_id"),
    EXPORT_INTEGER("session_id"), EXPORT_TEXT("kind"),           EXPORT_TEXT("detail"),
    EXPORT_INTEGER("value"),      EXPORT_INTEGER("duration_ns"),
};

static bool fill_event(const struct export *e, size_t index, struct output_cell *cell)
{
    const struct recording_event *event = &e->subject->contents->events[index];
    const struct window *window = &e->subject->window;

    cell[0] = cell[1] = integer(event->at_ns);
    cell[2] = integer(event->event_id);
    cell[3] = integer(event->session_id);
    cell[4] = text(event->kind);
    cell[5] = text(event->detail);
    cell[6] = integer(event->value);
    cell[7] = integer(event->duration_ns);
    return e->subject->whole || (event->at_ns > window->from_ns && event->at_ns <= window->to_ns);
}

static enum status export_event(struct export *e, struct error *err)
{
    return list(e, event_columns, COUNT_OF(event_columns), e->subject->contents->event_count,
                fill_event, err);
}

/* --- metric: rows are numbered through all tables --- */

static const struct output_column metric_columns[] = {
    EXPORT_TEXT("table"),  EXPORT_INTEGER("position"), EXPORT_TEXT("metric"),
    EXPORT_TEXT("kind"),   EXPORT_TEXT("unit"),        EXPORT_INTEGER("scale"),
    EXPORT_TEXT("labels"), EXPORT_TEXT("description"),
};

static bool fill_metric(const struct export *e, size_t index, struct output_cell *cell)
{
    const struct recording_table *table = e->subject->contents->tables;
    const struct recording_metric *metric;

    while (index >= table->metric_count)
        index -= table++->metric_count;
    metric = &table->metrics[index];
    cell[0] = text(table->name);
    cell[1] = integer((int64_t)index);
    cell[2] = text(metric->name);
    cell[3] = text(metric_kind_name(metric->kind));
    cell[4] = text(metric->unit);
    cell[5] = integer(metric->scale);
    cell[6] = text(metric->labels);
    cell[7] = text(metric->description);
    return true;
}

static enum status export_metric_table(struct export *e, struct error *err)
{
    const struct recording_contents *c = e->subject->contents;
    size_t count = 0;

    for (size_t t = 0; t < c->table_count; t++)
        count += c->tables[t].metric_count;
    return list(e, metric_columns, COUNT_OF(metric_columns), count, fill_metric, err);
}

const struct export_table export_catalog_tables[] = {
    { "entity", "a core, disk, collector or the like", export_entity },
    { "event", "something that happened: start, stop, gap, …", export_event },
    { "capability", "a collector in a session: what it can do, or why not", export_capability },
    { "session", "one run of the recorder", export_session },
    { "timeline", "the wall clock as it was seen at a time of the timeline", export_timeline },
    { "metric", "a metric of a samples table", export_metric_table },
};
