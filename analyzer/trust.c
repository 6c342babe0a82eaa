/* Coverage, attribution, and what happened to clocks and data: from the recording's own figures. */
#include "analyzer/trust.h"

#include <stdarg.h>
#include <string.h>

#include "analyzer/human.h"

#define SECOND_NS 1e9

/* A line that is cut rather than overrun. */
struct line {
    char text[2000];
    size_t used;
};

static void put(struct line *line, const char *format, ...) PRINTF_LIKE(2, 3);
static void put(struct line *line, const char *format, ...)
{
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(line->text + line->used, sizeof line->text - line->used, format, arguments);
    va_end(arguments);
    if (size > 0)
        line->used += (size_t)size;
    if (line->used >= sizeof line->text)
        line->used = sizeof line->text - 1;
}

static void put_time(struct line *line, const struct output *out, int64_t ns)
{
    char text[HUMAN_ROOM + 1];

    *human_put_time(text, out->options.zone, ns) = '\0';
    put(line, "%s", text);
}

static void put_seconds(struct line *line, int64_t ns)
{
    char text[HUMAN_ROOM + 1];

    *human_put_seconds(text, (double)ns / SECOND_NS) = '\0';
    put(line, "%s", text);
}

static void put_gaps(struct line *line, const struct output *out, const struct coverage *coverage)
{
    for (size_t i = 0; i < coverage->gap_count && i < COVERAGE_GAPS; i++) {
        const struct coverage_gap *gap = &coverage->gap[i];

        put(line, "%s%s ", i == 0 ? " (" : ", ", gap->cause);
        put_time(line, out, gap->from_ns);
        put(line, " ");
        put_seconds(line, gap->to_ns - gap->from_ns);
    }
    if (coverage->gap_count > COVERAGE_GAPS)
        put(line, ", …");
    if (coverage->gap_count > 0)
        put(line, ")");
}

/* What the report says of the time before the samples. */
static void put_evicted(struct line *line, const struct output *out, const struct report *r,
                        int64_t from_ns)
{
    const struct evicted *evicted = &r->evicted;

    put(line, "; before ");
    put_time(line, out, evicted->until_ns);
    put(line, " samples are evicted: ");
    if (!evicted->by_name)
        put(line, "%zu windows of rollups, ", evicted->windows);
    put(line, "%zu hour%s of sums by name", evicted->hours, evicted->hours == 1 ? "" : "s");
    if (evicted->hours_ns != NO_TIME && evicted->hours_ns > from_ns) {
        put(line, " from ");
        put_time(line, out, evicted->hours_ns);
    }
    if (evicted->cut_hours > 0)
        put(line, " (%zu that the window cuts are left out)", evicted->cut_hours);
    if (!evicted->named && evicted->hours > 0)
        put(line, " that cannot tell who is selected, and count as others");
    put(line, ", so %s",
        r->aggregate.by != BY_PROCESS ? "means, percentiles and maxima are empty"
                                      : "percentiles are empty");
}

int64_t trust_asked_ns(const struct subject *subject)
{
    return subject->window.to_ns - subject->window.from_ns - (subject->whole ? 1 : 0);
}

static void covered(struct line *line, const struct output *out, const struct report *r,
                    const struct subject *subject)
{
    const struct coverage *coverage = &r->coverage;
    const struct evicted *evicted = &r->evicted;
    const struct window *w = &subject->window;

    put(line, "%.1f of %.1f s asked for, %zu ticks; ", (double)coverage->covered_ns / SECOND_NS,
        (double)trust_asked_ns(subject) / SECOND_NS, coverage->tick_count);
    if (coverage->gap_count == 0)
        put(line, "no gaps");
    else
        put(line, "%zu gap%s", coverage->gap_count, coverage->gap_count == 1 ? "" : "s");
    put_gaps(line, out, coverage);
    if (coverage->tick_count == 0)
        put(line, "; no sample lies in the window");
    if (!evicted->any && (w->to_ns <= subject->first_ns || w->from_ns < subject->first_ns - 1)) {
        put(line, "; the samples begin ");
        put_time(line, out, subject->first_ns);
    }
    if (w->to_ns > subject->last_ns) {
        put(line, "; the samples end ");
        put_time(line, out, subject->last_ns);
    }
    if (evicted->any)
        put_evicted(line, out, r, w->from_ns);
}

static void put_count(struct line *line, const char *name, int64_t count)
{
    if (count < 0)
        put(line, "%s not recorded", name);
    else
        put(line, "%s %lld", name, (long long)count);
}

bool trust_not_attributed(const struct report *r, double *percent)
{
    const struct host_total *host = &r->host;
    int64_t all_ns = (aggregate_all_cpu(&r->aggregate) + r->evicted.increase[MEASURE_CPU]) *
                     r->aggregate.scale[MEASURE_CPU];

    if (!host->known || host->busy_us <= 0)
        return false;
    *percent = (double)(host->busy_us * 1000 - all_ns) / (double)host->busy_us / 10.0;
    return true;
}

static void attribution(struct line *line, const struct report *r, const struct subject *subject)
{
    const struct recording_contents *c = subject->contents;
    const struct host_total *host = &r->host;
    double percent;

    if (trust_not_attributed(r, &percent))
        put(line, "not attributed %+.1f %% of busy (basis %s)", percent,
            host->exact ? "cpuacct" : "ticks");
    else
        put(line, "not attributed unknown: busy time of the cores is %s",
            r->evicted.host_known ? "not recorded" : "evicted");
    put_count(line, "; exits lost", host->exits_lost);
    put_count(line, ", ticks missed", host->ticks_missed);
    put_count(line, ", dropped", host->ticks_dropped);
    put(line, "; source ");
    if (r->coverage.tick_count == 0)
        put(line, "none");
    for (size_t s = r->coverage.first_session;
         s <= r->coverage.last_session && r->coverage.tick_count > 0; s++)
        if (s == r->coverage.first_session ||
            strcmp(c->sessions[s].process_source, c->sessions[s - 1].process_source) != 0)
            put(line, "%s%s", s == r->coverage.first_session ? "" : ", ",
                c->sessions[s].process_source);
}

static size_t clock_steps(const struct subject *subject, int64_t *sum_ns)
{
    size_t count = 0;

    for (size_t i = 0; i < subject->contents->event_count; i++) {
        const struct recording_event *e = &subject->contents->events[i];

        if (strcmp(e->kind, "clock_step") != 0 || e->at_ns <= subject->window.from_ns ||
            e->at_ns > subject->window.to_ns)
            continue;
        *sum_ns = wrap_add(*sum_ns, e->value);
        count++;
    }
    return count;
}

static void put_end(struct line *line, const struct report *r, const struct subject *subject)
{
    const struct recording_contents *c = subject->contents;
    size_t last = c->session_count - 1;

    for (size_t s = r->coverage.first_session;
         s <= r->coverage.last_session && r->coverage.tick_count > 0; s++) {
        if (s == last && c->sessions[s].end_ns == NO_TIME)
            put(line, "the recorder is running or was killed");
        else if (c->sessions[s].end_ns == NO_TIME ||
                 strcmp(c->sessions[s].end_reason, "killed") == 0)
            put(line, "the recorder was killed in session %zu", s + 1);
        else
            continue;
        if (s == last && r->coverage.tail_ns > 0) {
            put(line, "; the last ");
            put_seconds(line, r->coverage.tail_ns);
            put(line, " came from the tail");
        }
        return;
    }
    put(line, "clean end");
}

/* Levels that have lost their oldest blocks. */
static void put_levels(struct line *line, const struct recording_contents *c)
{
    static const char *const names[LEVEL_COUNT] = { "every tick", "60 s", "3600 s" };
    bool any = false;

    for (unsigned level = 0; level < LEVEL_COUNT; level++)
        if (c->block_count[level] > 0 && c->blocks[level][0].block_seq > 1) {
            put(line, "%s%s", any ? ", " : "", names[level]);
            any = true;
        }
    if (!any)
        put(line, "none");
}

static void clock_and_data(struct line *line, const struct report *r, const struct subject *subject)
{
    int64_t stepped_ns = 0;
    size_t steps = clock_steps(subject, &stepped_ns);

    put(line, "clock steps %zu", steps);
    if (steps > 0)
        put(line, " (%+.3f s)", (double)stepped_ns / SECOND_NS);
    put(line, "; ");
    put_end(line, r, subject);
    put(line, "; resets %lld; evicted levels ", (long long)r->aggregate.resets);
    put_levels(line, subject->contents);
}

/* What each device's energy is from, and how much of it counts as idle. */
static void put_rails(struct line *line, const struct rails *rails, const struct subject *subject)
{
    for (size_t i = 0; i < rails->count; i++) {
        const struct rail *rail = &rails->rail[i];
        const struct recording_entity *entity =
            recording_entity(subject->recording, rail->entity_id);

        put(line, "%s%s: ", line->used == 0 ? "" : "; ", entity == NULL ? "" : entity->label);
        if (rail->level_count == 0) {
            put(line, "neither energy nor power recorded");
            continue;
        }
        put(line, "%s, %zu intervals, idle %.3f W",
            rail->method == RAIL_COUNTER ? "energy counter" : "power summed over time", rail->count,
            (double)rail->idle_uw / 1e6);
        if (rails->given)
            put(line, " (given)");
        else
            put(line, " (lowest 1 %% of %zu)", rail->level_count);
    }
}

static void energy(struct line *line, const struct report *r, const struct subject *subject)
{
    put_rails(line, &r->gpu.rails, subject);
    put_rails(line, &r->package.rails, subject);
    if (r->evicted.any && line->used > 0)
        put(line, "; of evicted samples nothing");
}

static void put_note(struct output *out, const char *name, const char *suffix,
                     const struct line *line)
{
    char text[40];

    (void)snprintf(text, sizeof text, "%s%s", name, suffix);
    output_note(out, text, line->text);
}

void trust_notes_of(struct output *out, const struct report *r, const struct subject *subject,
                    const char *suffix)
{
    struct line line = { .used = 0 };

    covered(&line, out, r, subject);
    put_note(out, "covered", suffix, &line);
    line = (struct line){ .used = 0 };
    attribution(&line, r, subject);
    put_note(out, "attribution", suffix, &line);
    line = (struct line){ .used = 0 };
    clock_and_data(&line, r, subject);
    put_note(out, "clock", suffix, &line);
    line = (struct line){ .used = 0 };
    energy(&line, r, subject);
    if (line.used > 0)
        put_note(out, "energy", suffix, &line);
}

void trust_notes(struct output *out, const struct report *r, const struct subject *subject)
{
    trust_notes_of(out, r, subject, "");
}

void trust_notes_of_coverage(struct output *out, const struct coverage *coverage, int64_t resets,
                             const struct subject *subject)
{
    const struct report r = { .coverage = *coverage, .aggregate = { .resets = resets } };
    struct line line = { .used = 0 };

    covered(&line, out, &r, subject);
    output_note(out, "covered", line.text);
    line = (struct line){ .used = 0 };
    clock_and_data(&line, &r, subject);
    output_note(out, "clock", line.text);
}
