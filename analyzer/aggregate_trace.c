/* Samples as the aggregate takes them, in the listener's words. */
#include "analyzer/aggregate_trace.h"

enum status aggregate_tell_run(struct aggregate *a, enum measure m, const struct rate_walk *before,
                               const struct rate_run *run, struct error *err)
{
    const struct series *s = before->series;
    uint32_t last = run->tick + run->count - 1;
    bool whole = s->first + s->count == last + 1;
    struct trace_item item = {
        .what = TRACE_RUN,
        .which = m,
        .process_id = s->key[0],
        .block = a->block.block,
        .from_ns = run->known && before->before_ns != INT64_MIN ? before->before_ns : NO_TIME,
        .to_ns = a->block.directory.tick_ns[last],
        .count = run->count,
        .known = run->known,
        .gap = run->gap,
        .reset = run->reset && !run->gap,
        .born = (s->flags & SERIES_BORN) != 0 && run->tick == s->first,
        .ended = (s->flags & SERIES_ENDED) != 0 && whole,
        .before = before->before,
        .value = run->value,
        .increase = measure_is_gauge(m) ? 0 : run->increase,
        .dt_ns = run->dt_ns,
        .covered_ns = run->dt_ns,
        .rate = measure_is_gauge(m) ? 0 : rollup_rate(run->increase, run->dt_ns),
        .sum = measure_is_gauge(m) ? (int128)run->value * run->dt_ns : 0
    };

    return a->trace->take(a->trace, &item, err);
}

enum status aggregate_tell_tick(struct aggregate *a, enum measure m, uint32_t tick, int64_t value,
                                int64_t dt_ns, int64_t covered_ns, struct error *err)
{
    int64_t at_ns = a->block.directory.tick_ns[tick];
    struct trace_item item = { .what = TRACE_TICK,
                               .which = m,
                               .from_ns = wrap_subtract(at_ns, dt_ns),
                               .to_ns = at_ns,
                               .count = 1,
                               .value = value,
                               .dt_ns = dt_ns,
                               .covered_ns = covered_ns };

    if (measure_is_gauge(m)) {
        item.sum = (int128)value * dt_ns;
    } else {
        item.increase = value;
        item.rate = rollup_rate(value, dt_ns);
    }
    return a->trace->take(a->trace, &item, err);
}
