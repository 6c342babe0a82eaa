/* Goes over the ticks of the window's blocks; what a gap is comes from events and sessions. */
#include "analyzer/coverage.h"

#include <string.h>

#include "schema/bytes.h"

const char *coverage_cause(const struct recording_contents *c, size_t session, int64_t from_ns,
                           int64_t to_ns)
{
    static const char *const kinds[][2] = { { "suspend", "suspend" },
                                            { "dropped", "ticks dropped" },
                                            { "late", "ticks missed" },
                                            { "damaged", "damaged" } };

    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (size_t i = 0; i < c->event_count; i++) {
            const struct recording_event *e = &c->events[i];

            if (e->session_id == c->sessions[session].session_id && e->at_ns <= to_ns &&
                wrap_add(e->at_ns, e->duration_ns) > from_ns && strcmp(e->kind, kinds[k][0]) == 0)
                return kinds[k][1];
        }
    return "gap";
}

static void add_gap(struct coverage *coverage, int64_t from_ns, int64_t to_ns, const char *cause)
{
    if (coverage->gap_count < COVERAGE_GAPS)
        coverage->gap[coverage->gap_count] = (struct coverage_gap){ from_ns, to_ns, cause };
    coverage->gap_count++;
}

const char *coverage_restart(const struct recording_contents *c,
                             const struct recording_block *block, int64_t *from_ns)
{
    const struct recording_block *before = block - 1;

    if (block == c->blocks[0] || before->session == block->session)
        return NULL;
    *from_ns = before->end_ns;
    return strcmp(c->sessions[before->session].boot_id, c->sessions[block->session].boot_id) == 0
               ? "not recording"
               : "reboot";
}

/* The time between two sessions. */
static void add_restart(struct coverage *coverage, const struct recording_contents *c,
                        const struct recording_block *block, int64_t from_ns)
{
    int64_t before_ns;
    const char *cause = coverage_restart(c, block, &before_ns);

    if (cause != NULL)
        add_gap(coverage, before_ns > from_ns ? before_ns : from_ns, block->start_ns, cause);
}

void coverage_block(struct coverage *coverage, const struct recording_contents *contents,
                    const struct recording_block *block, const struct block_ticks *ticks,
                    const struct window *window)
{
    int64_t before = block->previous_ns;

    if (block->tail)
        coverage->tail_ns = wrap_subtract(block->end_ns, block->start_ns);
    for (uint32_t i = 0; i < ticks->count; before = ticks->start_ns[i++]) {
        int64_t at = ticks->start_ns[i];
        int64_t from = before > window->from_ns ? before : window->from_ns;

        if (at <= window->from_ns || at > window->to_ns)
            continue;
        if (coverage->tick_count++ == 0) {
            coverage->first_ns = at;
            coverage->first_session = block->session;
        }
        coverage->last_ns = at;
        coverage->last_session = block->session;
        if (before == NO_TIME) {
            add_restart(coverage, contents, block, window->from_ns);
        } else if (ticks->gap[i] != 0) {
            add_gap(coverage, from, at, coverage_cause(contents, block->session, before, at));
        } else {
            coverage->covered_ns = wrap_add(coverage->covered_ns, wrap_subtract(at, from));
            coverage->ticks_ns = wrap_add(coverage->ticks_ns, wrap_subtract(at, before));
        }
    }
}

void coverage_even_block(struct coverage *coverage, const struct recording_block *block,
                         const struct window *window)
{
    int64_t before = block->previous_ns;
    int64_t from = before > window->from_ns ? before : window->from_ns;

    if (coverage->tick_count == 0) {
        coverage->first_ns = block->start_ns;
        coverage->first_session = block->session;
    }
    coverage->tick_count += block->tick_count;
    coverage->last_ns = block->end_ns;
    coverage->last_session = block->session;
    coverage->covered_ns = wrap_add(coverage->covered_ns, wrap_subtract(block->end_ns, from));
    coverage->ticks_ns = wrap_add(coverage->ticks_ns, wrap_subtract(block->end_ns, before));
}
