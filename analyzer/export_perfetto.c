/* Samples -> intervals of counter tracks: what is known, and until when. */
#include "analyzer/export_perfetto.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/export_walk.h"
#include "analyzer/perfetto_who.h"
#include "analyzer/progress.h"
#include "analyzer/rate.h"

struct trace {
    struct export e; /* the subject, the damage */
    struct perfetto_writer w;
    struct perfetto_tracks tracks;
    struct perfetto_who who;
    struct trace_table *table; /* [contents->table_count] */
    const struct recording_table *only;
    /* of the table of the block at hand */
    struct trace_table *at;
    struct perfetto_series **series; /* [series of the block] NULL: not asked for */
    size_t series_size;
    bool gaps; /* it has some */
};

struct trace_table {
    const struct recording_table *table;
    struct rate_block block;
    int key; /* which of the two is a process; -1: none */
    uint64_t group;
    struct perfetto_metric metric[TABLE_METRICS_MAX];
};

/* --- one series --- */

struct place {
    struct perfetto_series *series;
    size_t index, position;
    uint32_t first, end; /* ticks */
};

static const struct series *series_of(const struct trace *t, const struct place *p)
{
    return &t->at->block.directory.series[p->index];
}

static int64_t tick_ns(const struct trace *t, uint32_t tick)
{
    return t->at->block.directory.tick_ns[tick];
}

static void put(struct trace *t, const struct place *p, int64_t from_ns, int64_t to_ns,
                struct perfetto_value value)
{
    perfetto_series_put(&t->tracks, p->series, &t->at->metric[p->position], p->position, from_ns,
                        to_ns, value);
}

/* Of samples [from, end): the first at which a gauge was missing, not only not read, ends it. */
static void end_where_missing(struct trace *t, const struct place *p, uint32_t from, uint32_t end)
{
    const struct rate_block *b = &t->at->block;
    const struct series *s = series_of(t, p);
    const uint8_t *missing = b->column.missing;
    int64_t at_ns;
    bool ended;

    if (missing == NULL || !perfetto_series_open(p->series, p->position))
        return;
    missing += b->directory.row[p->index];
    while (from < end && (missing[from] == MISSING_NONE || missing[from] == MISSING_NOT_SAMPLED))
        from++;
    if (from == end)
        return;
    ended = (s->flags & SERIES_ENDED) != 0 && from == s->count - 1;
    at_ns = tick_ns(t, s->first + from);
    if (ended && s->end_ns < at_ns)
        at_ns = s->end_ns;
    if (b->directory.gap[s->first + from] == 0)
        perfetto_series_extend(p->series, p->position, at_ns);
    perfetto_series_close(&t->tracks, p->series, p->position, ended);
}

static struct perfetto_value gauge(const struct trace *t, const struct place *p, int64_t stored)
{
    struct perfetto_value value = { .real = false };
    int64_t scale = t->at->metric[p->position].scale;

    if (__builtin_mul_overflow(stored, scale, &value.integer))
        value = (struct perfetto_value){ .real = true, .number = (double)stored * (double)scale };
    return value;
}

/* A gauge is known from a reading to the next, and no longer than 1 ns after the last. */
static void put_gauge_run(struct trace *t, const struct place *p, const struct rate_run *run)
{
    const uint8_t *gap = t->at->block.directory.gap;
    struct perfetto_value value = gauge(t, p, run->value);
    uint32_t tick = run->tick, last = run->tick + run->count - 1;

    if (run->quiet && !t->gaps) {
        perfetto_series_extend(p->series, p->position, tick_ns(t, tick));
        put(t, p, tick_ns(t, tick), wrap_add(tick_ns(t, last), 1), value);
        return;
    }
    for (; tick <= last; tick++) {
        if (run->quiet ? gap[tick] == 0 : run->known && !run->gap)
            perfetto_series_extend(p->series, p->position, tick_ns(t, tick));
        put(t, p, tick_ns(t, tick), wrap_add(tick_ns(t, tick), 1), value);
    }
}

static void put_gauge(struct trace *t, const struct place *p)
{
    const struct series *s = series_of(t, p);
    struct rate_walk walk;
    struct rate_run run;
    uint32_t next;

    rate_begin(&walk, &t->at->block, p->index, p->first, p->end);
    next = walk.sample;
    while (rate_next(&walk, &run)) {
        end_where_missing(t, p, next, run.tick - s->first);
        put_gauge_run(t, p, &run);
        next = run.tick - s->first + run.count;
    }
    end_where_missing(t, p, next, walk.end);
}

/* A counter that does not move: no rate across the gaps in between. */
static void put_still(struct trace *t, const struct place *p, const struct rate_run *run)
{
    const struct perfetto_value zero = { .real = true };
    const uint8_t *gap = t->at->block.directory.gap;
    uint32_t from = run->tick - 1, last = run->tick + run->count - 1;

    for (uint32_t tick = run->tick; t->gaps && tick <= last; tick++) {
        if (gap[tick] == 0)
            continue;
        if (from < tick - 1)
            put(t, p, tick_ns(t, from), tick_ns(t, tick - 1), zero);
        from = tick;
    }
    if (from < last)
        put(t, p, tick_ns(t, from), tick_ns(t, last), zero);
}

static void put_counter(struct trace *t, const struct place *p)
{
    double factor = t->at->metric[p->position].factor;
    struct rate_walk walk;
    struct rate_run run;
    int64_t before_ns;

    rate_begin(&walk, &t->at->block, p->index, p->first, p->end);
    for (before_ns = walk.before_ns; rate_next(&walk, &run); before_ns = walk.before_ns) {
        struct perfetto_value rate = { .real = true };

        if (run.quiet) {
            put_still(t, p, &run);
        } else if (run.known && !run.gap && !run.reset && run.dt_ns > 0) {
            rate.number = (double)(uint64_t)run.increase * factor / (double)run.dt_ns;
            put(t, p, before_ns, wrap_add(before_ns, run.dt_ns), rate);
        }
    }
}

/* The ticks at which the process was called what is asked for, run by run. */
static enum status put_selected(struct trace *t, struct place *p, const struct recording_block *of,
                                struct error *err)
{
    const struct rate_block *b = &t->at->block;
    const struct series *s = series_of(t, p);
    uint32_t first = s->first > b->first ? s->first : b->first;
    uint32_t end = s->first + s->count < b->end ? s->first + s->count : b->end;
    bool all = t->at->key < 0 || select_all(t->e.select);
    bool counter = t->at->metric[p->position].counter;
    const struct process *process;

    if (!all && recording_process(b->recording, of, s->key[t->at->key], &process, err) != STATUS_OK)
        return err->status;
    for (p->end = first; p->end < end;) {
        const struct version *v = all ? NULL : process_version_at(process, tick_ns(t, p->end));

        p->first = p->end;
        while (p->end < end && (all || process_version_at(process, tick_ns(t, p->end)) == v))
            p->end++;
        if (!all && !select_match(t->e.select, b->recording, process, v))
            continue;
        if (counter)
            put_counter(t, p);
        else
            put_gauge(t, p);
    }
    return STATUS_OK;
}

/* --- the series of a block --- */

static bool is_selected(const struct trace *t, const struct process *process)
{
    bool any = process->version_count == 0 &&
               select_match(t->e.select, t->e.subject->recording, process, NULL);

    for (size_t v = 0; v < process->version_count && !any; v++)
        any = select_match(t->e.select, t->e.subject->recording, process, &process->versions[v]);
    return any;
}

/* The process of a series, told if it is not; ABSENT: it is not asked for. */
static enum status find_process(struct trace *t, const struct recording_block *block,
                                const struct series *s, struct error *err)
{
    const struct rate_block *b = &t->at->block;
    uint32_t end = s->first + s->count < b->end ? s->first + s->count : b->end;
    const struct process *process;
    enum status st = recording_process(b->recording, block, s->key[t->at->key], &process, err);

    if (st == STATUS_CORRUPT) {
        st = export_damage(&t->e, st, err);
        return st == STATUS_OK ? STATUS_ABSENT : st;
    }
    if (st != STATUS_OK)
        return st;
    if (!is_selected(t, process) || end <= b->first || s->first >= b->end)
        return STATUS_ABSENT;
    return perfetto_put_life(&t->who, process, tick_ns(t, end - 1), (s->flags & SERIES_ENDED) != 0,
                             err);
}

/* Below which track the series' counters are, and how they differ from those of others. */
static void place_series(struct trace *t, struct trace_table *table, struct perfetto_series *series)
{
    const struct recording_table *of = table->table;
    int entity_key = table->key == 0 ? 1 : 0;
    const struct recording_entity *entity =
        of->key[entity_key] == ENTITY_NONE
            ? NULL
            : recording_entity(t->e.subject->recording, series->key[entity_key]);

    series->uuid = perfetto_uuids(&t->tracks, of->metric_count);
    series->label = entity == NULL ? NULL : entity->label;
    if (table->key >= 0) {
        series->parent = perfetto_process_uuid(series->key[table->key]);
        return;
    }
    if (table->group == 0) {
        const struct perfetto_track group = { .uuid = perfetto_uuids(&t->tracks, 1),
                                              .name = of->name,
                                              .description = of->description };

        perfetto_put_track(&t->w, &group);
        table->group = group.uuid;
    }
    series->parent = table->group;
}

static enum status find_series(struct trace *t, struct trace_table *table,
                               const struct recording_block *block, struct error *err)
{
    const struct block_table *d = &table->block.directory;

    if (d->series_count > t->series_size) {
        free(t->series);
        t->series_size = d->series_count;
        t->series = calloc(t->series_size, sizeof(struct perfetto_series *));
    }
    if (t->series == NULL) {
        t->series_size = 0;
        return error_set(err, STATUS_NO_MEMORY, "series of a block");
    }
    for (size_t i = 0; i < d->series_count; i++) {
        const struct series *s = &d->series[i];
        enum status st = table->key < 0 ? STATUS_OK : find_process(t, block, s, err);
        bool fresh;

        t->series[i] = NULL;
        if (st == STATUS_ABSENT)
            continue;
        if (st != STATUS_OK || perfetto_series_find(&t->tracks, table->table->table_id, s->key,
                                                    table->table->metric_count, &t->series[i],
                                                    &fresh, err) != STATUS_OK)
            return err->status;
        if (fresh)
            place_series(t, table, t->series[i]);
        t->series[i]->ended =
            (s->flags & SERIES_ENDED) != 0 && s->first + s->count <= table->block.end;
    }
    return STATUS_OK;
}

/* --- blocks --- */

static enum status read_column(struct trace *t, size_t position, struct error *err)
{
    struct recording *recording = t->e.subject->recording;
    enum status st = recording_hold(recording, err);

    if (st == STATUS_OK)
        st = rate_block_column(&t->at->block, position, err);
    recording_let_go(recording);
    return st;
}

static bool is_open(const struct trace *t, size_t position)
{
    for (size_t i = 0; i < t->at->block.directory.series_count; i++)
        if (t->series[i] != NULL && perfetto_series_open(t->series[i], position))
            return true;
    return false;
}

static enum status put_metric(struct trace *t, size_t position, const struct recording_block *block,
                              struct error *err)
{
    const struct recording_table *table = t->at->table;
    const struct block_table *d = &t->at->block.directory;

    if (table->metrics[position].kind == METRIC_STATE || !export_wants_metric(&t->e, position))
        return STATUS_OK;
    if (d->column_state[d->shape->first_column[position]] >= 2 && !is_open(t, position))
        return STATUS_OK; /* it is missing all along, and was before */
    if (read_column(t, position, err) != STATUS_OK)
        return err->status;
    for (size_t i = 0; i < d->series_count; i++) {
        struct place p = { .series = t->series[i], .index = i, .position = position };

        if (p.series != NULL && put_selected(t, &p, block, err) != STATUS_OK)
            return err->status;
    }
    return perfetto_writer_check(&t->w, err);
}

static enum status put_table(struct trace *t, struct trace_table *table,
                             const struct recording_block *block, const struct block_ticks *ticks,
                             struct error *err)
{
    const struct block_table *d = &table->block.directory;
    enum status st;

    t->at = table;
    table->block.recording = t->e.subject->recording;
    table->block.table = table->table;
    st = rate_block_open(&table->block, block, ticks, &t->e.subject->window, err);
    if (st == STATUS_ABSENT)
        return STATUS_OK;
    if (st == STATUS_OK)
        st = find_series(t, table, block, err);
    t->gaps = false;
    for (uint32_t i = 0; i < d->tick_count && st == STATUS_OK; i++)
        t->gaps |= d->gap[i] != 0;
    for (size_t m = 0; m < table->table->metric_count && st == STATUS_OK; m++)
        st = put_metric(t, m, block, err);
    return st;
}

static enum status put_block(struct trace *t, const struct recording_block *block, size_t all,
                             struct error *err)
{
    size_t count = t->e.subject->contents->table_count;
    struct block_ticks ticks = { 0 };
    enum status st = recording_ticks(t->e.subject->recording, block, &ticks, err);

    progress_show(t->e.block_count++, all);
    if (st == STATUS_OK)
        perfetto_put_gaps(&t->who, block, &ticks);
    for (size_t i = 0; i < count && st == STATUS_OK; i++)
        if (t->only == NULL || t->only == t->table[i].table)
            st = export_damage(&t->e, put_table(t, &t->table[i], block, &ticks, err), err);
    block_ticks_release(&ticks);
    perfetto_tracks_forget(&t->tracks, false);
    recording_forget_lives(t->e.subject->recording, block);
    return export_damage(&t->e, st, err);
}

/* --- the trace --- */

/* "process_samples" -> NULL, "cpu_samples" -> "cpu" */
static const char *stem(const struct recording_table *table, char text[100])
{
    char *end;

    (void)snprintf(text, 100, "%.90s", table->name);
    end = strstr(text, "_samples");
    if (end != NULL && end[strlen("_samples")] == '\0')
        *end = '\0';
    return strcmp(text, "process") == 0 ? NULL : text;
}

static enum status begin(struct trace *t, struct error *err)
{
    const struct recording_contents *c = t->e.subject->contents;
    const struct window *window = &t->e.subject->window;

    t->tracks.w = &t->w;
    t->who = (struct perfetto_who){ .tracks = &t->tracks,
                                    .subject = t->e.subject,
                                    .from_ns = t->e.subject->first_ns,
                                    .to_ns = t->e.subject->last_ns,
                                    .gaps_end_ns = NO_TIME };
    if (window->from_ns > t->who.from_ns)
        t->who.from_ns = window->from_ns;
    if (window->to_ns < t->who.to_ns)
        t->who.to_ns = window->to_ns;
    t->table = calloc(c->table_count + 1, sizeof *t->table);
    if (t->table == NULL)
        return error_set(err, STATUS_NO_MEMORY, "%zu tables", c->table_count);
    for (size_t i = 0; i < c->table_count; i++) {
        const struct recording_table *of = &c->tables[i];
        struct trace_table *table = &t->table[i];
        char text[100];
        const char *name = stem(of, text);

        table->table = of;
        table->key = of->key[0] == ENTITY_PROCESS ? 0 : of->key[1] == ENTITY_PROCESS ? 1 : -1;
        for (size_t m = 0; m < of->metric_count; m++) {
            perfetto_metric_init(&table->metric[m], name, &of->metrics[m]);
            if (table->key >= 0) /* there are too many */
                table->metric[m].description = NULL;
        }
    }
    return STATUS_OK;
}

static enum status write_trace(struct trace *t, struct error *err)
{
    const struct recording_contents *c = t->e.subject->contents;
    const struct window *window = &t->e.subject->window;
    size_t all = export_block_count(&t->e, 0);
    enum status st = begin(t, err);

    if (st != STATUS_OK)
        return st;
    perfetto_put_sessions(&t->who);
    perfetto_put_events(&t->who);
    for (size_t b = 0; b < c->block_count[0] && st == STATUS_OK; b++)
        if (c->blocks[0][b].start_ns <= window->to_ns && c->blocks[0][b].end_ns > window->from_ns)
            st = put_block(t, &c->blocks[0][b], all, err);
    perfetto_tracks_forget(&t->tracks, true);
    return st == STATUS_OK ? perfetto_writer_check(&t->w, err) : st;
}

static void release(struct trace *t)
{
    for (size_t i = 0; t->table != NULL && i < t->e.subject->contents->table_count; i++)
        rate_block_release(&t->table[i].block);
    free(t->table);
    free(t->series);
    perfetto_tracks_release(&t->tracks);
    perfetto_writer_release(&t->w);
}

enum status export_perfetto(const struct options *options, const struct subject *subject,
                            const struct recording_table *table, uint64_t metrics,
                            struct error *err)
{
    struct trace t = { .e = { .subject = subject, .select = &options->select, .metrics = metrics },
                       .only = table };
    struct sink sink;
    enum status st = sink_open(&sink, options, subject, err);

    if (st != STATUS_OK)
        return st;
    sink.whole = true;
    if (isatty(fileno(sink.file)) == 1)
        st = error_set(err, STATUS_INVALID,
                       "--format perfetto: that is no text for a terminal; say -o FILE");
    t.w.file = sink.file;
    if (st == STATUS_OK)
        st = write_trace(&t, err);
    st = sink_close(&sink, st, err);
    release(&t);
    if (st == STATUS_OK && t.e.damaged_count > 0)
        return error_set(err, STATUS_CORRUPT,
                         "of %zu blocks, %zu damaged parts were left out, the first: %s",
                         t.e.block_count, t.e.damaged_count, t.e.damage.message);
    return st;
}
