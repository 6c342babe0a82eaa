/* Powers of one group on several GPUs, read at different times, laid side by side and added. */
#include <stdlib.h>

#include "analyzer/attribution_private.h"

/* Where a segment begins or ends. */
struct edge {
    uint32_t group;
    enum segment_kind kind;
    int64_t at_ns, power_uw;
    int there; /* 1, -1 */
};

enum status attribution_segment(struct attribution *a, struct energy_segment segment,
                                struct error *err)
{
    if (a->segment_count == a->segment_size) {
        size_t more = a->segment_size == 0 ? 1024 : a->segment_size * 2;
        struct energy_segment *larger = realloc(a->segment, more * sizeof *larger);

        if (larger == NULL)
            return error_set(err, STATUS_NO_MEMORY, "powers");
        a->segment = larger;
        a->segment_size = more;
    }
    a->segment[a->segment_count++] = segment;
    return STATUS_OK;
}

static int by_time(const void *a, const void *b)
{
    const struct edge *x = a, *y = b;

    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return x->at_ns < y->at_ns ? -1 : x->at_ns > y->at_ns;
}

enum status attribution_stretch(struct attribution *a, const struct energy_segment *segment,
                                struct error *err)
{
    struct energy_total *total = &a->total[segment->group];
    int64_t dt_ns = wrap_subtract(segment->to_ns, segment->from_ns), power_uw = segment->power_uw;

    if (trace_wants(a->trace, a->groups, segment->group)) {
        struct trace_item item = { .what =
                                       segment->kind == SEGMENT_TIME ? TRACE_AT_WORK : TRACE_POWER,
                                   .which = !a->source->by_device,
                                   .row = segment->group,
                                   .from_ns = segment->from_ns,
                                   .to_ns = segment->to_ns,
                                   .count = 1,
                                   .value = power_uw,
                                   .dt_ns = dt_ns,
                                   .covered_ns = dt_ns };

        if (a->trace->take(a->trace, &item, err) != STATUS_OK)
            return err->status;
    }
    if (segment->kind == SEGMENT_TIME) {
        total->gpu_covered_ns = wrap_add(total->gpu_covered_ns, dt_ns);
        return STATUS_OK;
    }
    total->covered_ns = wrap_add(total->covered_ns, dt_ns);
    if (power_uw > total->max_uw)
        total->max_uw = power_uw;
    if (a->source->distribution &&
        !distribution_add(&total->watts, power_uw, dt_ns,
                          wrap_subtract(a->window.to_ns, segment->to_ns)))
        return error_set(err, STATUS_NO_MEMORY, "powers");
    return STATUS_OK;
}

static enum status add_edges(struct attribution *a, struct edge edges[], size_t count,
                             struct error *err)
{
    int64_t power_uw = 0;
    int there = 0;

    if (count > 1)
        qsort(edges, count, sizeof *edges, by_time);
    for (size_t i = 0; i < count; i++) {
        struct energy_segment stretch = { edges[i].group, edges[i].kind, edges[i].at_ns, 0, 0 };

        power_uw = wrap_add(power_uw, edges[i].power_uw);
        there += edges[i].there;
        stretch.to_ns =
            edges[i + 1].at_ns; /* there is one more, as nobody is there after the last */
        stretch.power_uw = power_uw;
        if (there > 0 && stretch.to_ns > stretch.from_ns &&
            attribution_stretch(a, &stretch, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

enum status attribution_lay(struct attribution *a, int64_t until_ns, struct error *err)
{
    struct edge *edges = calloc(a->segment_count * 2 + 1, sizeof *edges);
    size_t count = 0, kept = 0;
    enum status st;

    if (edges == NULL)
        return error_set(err, STATUS_NO_MEMORY, "powers");
    for (size_t i = 0; i < a->segment_count; i++) {
        struct energy_segment s = a->segment[i];
        int64_t to_ns = s.to_ns < until_ns ? s.to_ns : until_ns;

        if (s.from_ns < to_ns) {
            edges[count++] = (struct edge){ s.group, s.kind, s.from_ns, s.power_uw, 1 };
            edges[count++] =
                (struct edge){ s.group, s.kind, to_ns, wrap_subtract(0, s.power_uw), -1 };
            s.from_ns = to_ns;
        }
        if (s.from_ns < s.to_ns)
            a->segment[kept++] = s;
    }
    a->segment_count = kept;
    st = add_edges(a, edges, count, err);
    free(edges);
    return st;
}
