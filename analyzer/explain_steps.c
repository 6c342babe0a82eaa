/* Where the steps of explain are cut, and what the whole of the host is. */
#include <stdlib.h>

#include "analyzer/explain_private.h"

#define SECOND_NS INT64_C(1000000000)

/* A minute, unless there is too little time for enough of them. */
static int64_t choose_step(const struct explain *e, int64_t length_ns)
{
    static const int64_t seconds[] = { 60, 30, 10, 5, 2, 1 };
    const struct recording_contents *c = e->asked->contents;
    int64_t interval_ns = c->session_count == 0 ? 0 : c->sessions[c->session_count - 1].interval_ns;
    size_t i = 0;

    while (i + 1 < COUNT_OF(seconds) && seconds[i] * SECOND_NS > length_ns / 30)
        i++;
    return seconds[i] * SECOND_NS > interval_ns ? seconds[i] * SECOND_NS : interval_ns;
}

enum status explain_cut_steps(struct explain *e, struct error *err)
{
    const struct subject *asked = e->asked;
    int64_t first_ns = asked->first_ns > INT64_MIN ? asked->first_ns - 1 : INT64_MIN;
    int64_t from_ns = asked->window.from_ns > first_ns ? asked->window.from_ns : first_ns;
    int64_t to_ns = asked->window.to_ns < asked->last_ns ? asked->window.to_ns : asked->last_ns;
    int128 before_ns;
    size_t count;

    if (from_ns >= to_ns)
        return error_set(err, STATUS_ABSENT, "no sample lies in the window");
    if (e->step_ns == 0)
        e->step_ns = choose_step(e, to_ns - first_ns);
    if (e->moment && e->step_ns > to_ns - from_ns)
        e->step_ns = to_ns - from_ns;
    before_ns = (int128)from_ns - (int128)e->step_ns * EXPLAIN_WATCH_STEPS;
    if (!e->moment) /* whole steps of the timeline, as rollups have them */
        from_ns = (int64_t)(((int128)from_ns / e->step_ns) * e->step_ns);
    while (before_ns < first_ns)
        before_ns += e->step_ns;
    if (!e->moment)
        before_ns = before_ns / e->step_ns * e->step_ns;
    if (before_ns > from_ns)
        before_ns = from_ns;
    count = (size_t)(((int128)to_ns - before_ns + e->step_ns - 1) / e->step_ns);
    if (count > TIMELINE_BUCKETS_MAX)
        return error_set(err, STATUS_INVALID, "--step: %zu steps are too many", count);
    e->steps.from_ns = (int64_t)before_ns;
    e->steps.end_ns = malloc((count + 1) * sizeof *e->steps.end_ns);
    if (e->steps.end_ns == NULL)
        return error_set(err, STATUS_NO_MEMORY, "%zu steps", count);
    for (size_t i = 0; i < count; i++) {
        int128 end_ns = before_ns + (int128)e->step_ns * (int128)(i + 1);

        e->steps.end_ns[i] = end_ns < to_ns ? (int64_t)end_ns : to_ns;
        if (e->steps.end_ns[i] <= from_ns)
            e->from_step = i + 1;
    }
    e->steps.count = count;
    return STATUS_OK;
}

void explain_find_host(struct explain *e)
{
    const struct recording_contents *c = e->asked->contents;

    for (size_t i = 0; i < c->session_count; i++) {
        if (c->sessions[i].core_count > 0)
            e->cores = (double)c->sessions[i].core_count;
        if (c->sessions[i].memory_bytes > 0)
            e->memory_bytes = (double)c->sessions[i].memory_bytes;
    }
}
