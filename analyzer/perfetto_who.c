/* Lives, events and gaps as slices and instants. */
#include "analyzer/perfetto_who.h"

#include <string.h>

static struct perfetto_note number(const char *name, int64_t value)
{
    return (struct perfetto_note){ .name = name, .integer = value };
}

static struct perfetto_note words(const char *name, struct text text)
{
    return (struct perfetto_note){ .name = name, .is_text = true, .text = text };
}

/* --- clocks --- */

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

void perfetto_put_sessions(struct perfetto_who *who)
{
    const struct recording_contents *c = who->subject->contents;
    const struct recording_session *last = NULL;

    for (size_t i = 0; i < c->session_count; i++) {
        const struct recording_session *s = &c->sessions[i];

        if (s->wall_start_ns > who->to_ns || (s->end_ns != NO_TIME && s->end_ns < who->from_ns))
            continue;
        /* A clock that went back would make the trace's clocks contradict each other. */
        if (last != NULL &&
            (strcmp(s->boot_id, last->boot_id) != 0 || s->wall_start_ns <= last->wall_start_ns ||
             s->boot_start_ns <= last->boot_start_ns))
            continue;
        perfetto_put_clocks(who->tracks->w, last == NULL, s->wall_start_ns, s->boot_start_ns);
        last = s;
    }
    if (last == NULL) /* a damaged file: the first packet has to be there */
        perfetto_put_clocks(who->tracks->w, true, 0, 0);
}

/* --- events --- */

static uint64_t begin_track(struct perfetto_who *who, const char *name, const char *description)
{
    const struct perfetto_track track = { .uuid = perfetto_uuids(who->tracks, 1),
                                          .name = name,
                                          .description = description };

    perfetto_put_track(who->tracks->w, &track);
    return track.uuid;
}

void perfetto_put_events(struct perfetto_who *who)
{
    const struct recording_contents *c = who->subject->contents;
    const struct window *window = &who->subject->window;
    uint64_t uuid = 0;

    for (size_t i = 0; i < c->event_count; i++) {
        const struct recording_event *e = &c->events[i];
        const struct perfetto_note notes[] = { words("detail", perfetto_text(e->detail)),
                                               number("value", e->value),
                                               number("duration_ns", e->duration_ns),
                                               number("event_id", e->event_id),
                                               number("session_id", e->session_id) };

        if (!who->subject->whole && (e->at_ns <= window->from_ns || e->at_ns > window->to_ns))
            continue;
        if (uuid == 0)
            uuid = begin_track(who, "events", "what the recorder noted");
        perfetto_put_event(who->tracks->w, PERFETTO_INSTANT, uuid, e->at_ns, perfetto_text(e->kind),
                           notes, COUNT_OF(notes));
    }
}

/* --- gaps --- */

static void put_gap(struct perfetto_who *who, int64_t from_ns, int64_t to_ns, const char *cause)
{
    if (who->gaps == 0)
        who->gaps = begin_track(who, "gaps", "where nothing was recorded, and no rate is known");
    from_ns = later(from_ns, who->gaps_end_ns); /* sessions may overlap: slices must not */
    if (from_ns >= to_ns)
        return;
    perfetto_put_event(who->tracks->w, PERFETTO_SLICE_BEGIN, who->gaps, from_ns,
                       perfetto_text(cause), NULL, 0);
    perfetto_put_event(who->tracks->w, PERFETTO_SLICE_END, who->gaps, to_ns, (struct text){ 0 },
                       NULL, 0);
    who->gaps_end_ns = to_ns;
}

void perfetto_put_gaps(struct perfetto_who *who, const struct recording_block *block,
                       const struct block_ticks *ticks)
{
    const struct recording_contents *c = who->subject->contents;
    int64_t before = block->previous_ns;

    for (uint32_t i = 0; i < ticks->count; before = ticks->start_ns[i++]) {
        int64_t at = ticks->start_ns[i];
        const char *cause = NULL;

        if (at <= who->from_ns || at > who->to_ns)
            continue;
        if (before == NO_TIME)
            cause = coverage_restart(c, block, &before);
        else if (ticks->gap[i] != 0)
            cause = coverage_cause(c, block->session, before, at);
        if (cause != NULL)
            put_gap(who, later(before, who->from_ns), at, cause);
    }
}

/* --- processes --- */

static void begin_slice(struct perfetto_who *who, struct perfetto_series *s, int64_t at_ns,
                        const struct process *process, const struct version *version, bool life)
{
    static const struct version unknown = { 0 };
    const struct version *v = version == NULL ? &unknown : version;
    struct perfetto_note notes[12];
    size_t count = 0;

    if (life) {
        notes[count++] = number("process_id", process->process_id);
        notes[count++] = number("ppid", process->ppid);
        notes[count++] = number("start_ns", process->start_ns);
        if (process->end_ns != NO_TIME)
            notes[count++] = number("end_ns", process->end_ns);
        if (process->end_ns != NO_TIME && process->exit_code != -1)
            notes[count++] = number("exit_code", process->exit_code);
    }
    if (v->uid_known)
        notes[count++] = number("uid", v->uid);
    notes[count++] = words("user", v->text[PROCESS_USER]);
    notes[count++] = words("exe", v->text[PROCESS_EXE]);
    notes[count++] = words("cmdline", v->text[PROCESS_CMDLINE]);
    notes[count++] = words("cgroup", v->text[PROCESS_CGROUP]);
    notes[count++] = words("container", v->text[PROCESS_CONTAINER]);
    perfetto_put_event(who->tracks->w, PERFETTO_SLICE_BEGIN, s->uuid, at_ns,
                       v->text[PROCESS_COMM].data == NULL ? perfetto_text("process")
                                                          : v->text[PROCESS_COMM],
                       notes, count);
    s->depth++;
}

static void end_slice(struct perfetto_who *who, struct perfetto_series *s, int64_t at_ns)
{
    perfetto_put_event(who->tracks->w, PERFETTO_SLICE_END, s->uuid, at_ns, (struct text){ 0 }, NULL,
                       0);
    s->depth--;
}

/* What it was called when: one slice after the other, the last one left open. */
static void put_versions(struct perfetto_who *who, struct perfetto_series *s, int64_t from_ns,
                         int64_t to_ns, const struct process *process)
{
    const struct version *v = process_version_at(process, from_ns);

    const struct version *end = process->versions + process->version_count;

    if (v == NULL || process->version_count < 2)
        return;
    begin_slice(who, s, from_ns, process, v, false);
    while (++v < end && v->from_ns < to_ns) {
        end_slice(who, s, v->from_ns);
        begin_slice(who, s, v->from_ns, process, v, false);
        s->last_ns = v->from_ns;
    }
}

static void put_process(struct perfetto_who *who, struct perfetto_series *s,
                        const struct process *process)
{
    const struct version *last =
        process->version_count == 0 ? NULL : &process->versions[process->version_count - 1];
    int64_t from_ns = later(process->start_ns, who->from_ns);
    int64_t to_ns =
        process->end_ns == NO_TIME || process->end_ns > who->to_ns ? who->to_ns : process->end_ns;

    perfetto_put_process(who->tracks->w, s->uuid, process, last);
    begin_slice(who, s, from_ns, process, last, true);
    put_versions(who, s, from_ns, to_ns, process);
    if (process->end_ns == NO_TIME)
        return;
    s->last_ns = later(from_ns, to_ns);
    while (s->depth > 0)
        end_slice(who, s, s->last_ns);
}

enum status perfetto_put_life(struct perfetto_who *who, const struct process *process,
                              int64_t last_ns, bool ended, struct error *err)
{
    const int64_t key[2] = { process->process_id, 0 };
    struct perfetto_series *s;
    bool fresh;

    if (perfetto_series_find(who->tracks, PERFETTO_PROCESS, key, 0, &s, &fresh, err) != STATUS_OK)
        return err->status;
    if (fresh) {
        s->uuid = perfetto_process_uuid(process->process_id);
        s->last_ns = who->from_ns;
        put_process(who, s, process);
    }
    if (s->depth > 0)
        s->last_ns = later(s->last_ns, last_ns);
    s->ended |= ended && s->depth == 0;
    return STATUS_OK;
}
