/* Coverage, attribution, and what happened to clocks and data: from the recording's own figures. */
#include "analyzer/trust.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/human.h"

enum { LINE = 400 };
#define SECOND_NS 1e9

static void coverage(char line[LINE], const struct subject *subject, const struct aggregate *a)
{
    double asked = (double)(subject->window.to_ns - subject->window.from_ns) / SECOND_NS;
    int used;

    if (subject->whole)
        asked = (double)(subject->last_ns - subject->first_ns) / SECOND_NS;
    used = snprintf(line, LINE, "%.3f of %.3f s covered by %lld ticks, %zu gap%s",
                    (double)a->covered_ns / SECOND_NS, asked, (long long)a->tick_count,
                    a->gap_count, a->gap_count == 1 ? "" : "s");
    for (size_t i = 0; i < a->gap_count && i < COUNT_OF(a->gaps) && used < LINE - 60; i++) {
        char when[80];

        *human_put_time(when, &subject->zone, a->gaps[i].at_ns - a->gaps[i].length_ns) = '\0';
        used += snprintf(line + used, (size_t)(LINE - used), "%s %s for %.1f s", i == 0 ? ":" : ",",
                         when, (double)a->gaps[i].length_ns / SECOND_NS);
    }
}

static void count_of(char *text, size_t size, int64_t count, const char *what)
{
    if (count < 0)
        (void)snprintf(text, size, "%s not recorded", what);
    else
        (void)snprintf(text, size, "%s %lld", what, (long long)count);
}

static void attribution(char line[LINE], const struct subject *subject, const struct aggregate *a)
{
    const struct recording_contents *c = subject->contents;
    int64_t scale = a->scale[MEASURE_CPU] == 0 ? 1000 : a->scale[MEASURE_CPU];
    double rest_us = (double)a->host.busy_us - (double)a->all_cpu * (double)scale / 1000.0;
    char remainder[120] = "busy time not recorded", lost[60], missed[60], dropped[60];

    if (a->host.known && a->host.busy_us > 0)
        (void)snprintf(remainder, sizeof remainder, "not attributed %+.1f %% of busy (basis %s)",
                       100.0 * rest_us / (double)a->host.busy_us,
                       a->host.exact ? "cpuacct" : "core ticks");
    count_of(lost, sizeof lost, a->exits_lost, "exits lost");
    count_of(missed, sizeof missed, a->ticks_missed, "ticks missed");
    count_of(dropped, sizeof dropped, a->ticks_dropped, "dropped");
    (void)snprintf(line, LINE, "%s; process source %s; %s; %s, %s", remainder,
                   c->session_count > 0 ? c->sessions[c->session_count - 1].process_source : "?",
                   lost, missed, dropped);
}

static size_t events_of(const struct subject *subject, const char *kind)
{
    size_t count = 0;

    for (size_t i = 0; i < subject->contents->event_count; i++) {
        const struct recording_event *e = &subject->contents->events[i];

        count += strcmp(e->kind, kind) == 0 && e->at_ns > subject->window.from_ns &&
                 e->at_ns <= subject->window.to_ns;
    }
    return count;
}

static void completeness(char line[LINE], const struct subject *subject,
                         const struct aggregate *a)
{
    int used = snprintf(line, LINE, "clock steps %zu, suspends %zu, counter resets %lld",
                        events_of(subject, "clock_step"), events_of(subject, "suspend"),
                        (long long)a->resets);

    if (subject->contents->unclean)
        used += snprintf(line + used, (size_t)(LINE - used),
                         "; no clean end: being written, or the recorder was killed");
    (void)snprintf(line + used, (size_t)(LINE - used), "; levels used: every tick%s",
                   a->tail_blocks > 0 ? " (the last not sealed yet)" : "");
}

void trust_notes(struct output *out, const struct subject *subject, const struct aggregate *a)
{
    char line[LINE];

    coverage(line, subject, a);
    output_note(out, "covered", line);
    attribution(line, subject, a);
    output_note(out, "attribution", line);
    completeness(line, subject, a);
    output_note(out, "complete", line);
}
