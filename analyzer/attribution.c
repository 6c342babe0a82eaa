/* Blocks come in order; an interval is shared out once all processes were read beyond its end. */
#include "analyzer/attribution_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/energy.h"

const struct attribution_source attribution_gpu = {
    .rail = &rail_gpu,
    .kind = ENTITY_GPU,
    .table = "gpu_process_samples",
    .time = "gpu_ns_total",
    .utilization = "utilization_ppm",
    .memory = "memory_bytes",
    .process_key = 1,
    .by_device = true,
    .distribution = true,
    .method = METHOD_COUNTER_TIME,
};
const struct attribution_source attribution_cpu = {
    .rail = &rail_package,
    .kind = ENTITY_RAIL,
    .table = "process_samples",
    .time = "cpu_ns_total",
    .method = METHOD_PACKAGE_COUNTER,
};

bool attribution_possible(const struct attribution_source *source,
                          const struct recording_contents *contents)
{
    for (size_t i = 0; i < contents->entity_count; i++)
        if (contents->entities[i].kind == source->kind &&
            rail_is_of(source->rail, contents->entities[i].key))
            return true;
    return false;
}

const char *attribution_method(unsigned methods)
{
    static const char *const one[] = { "counter by gpu time",         "counter by utilization",
                                       "power by gpu time",           "power by utilization",
                                       "package counter by cpu time", "package power by cpu time",
                                       "kernel counter by task" };
    static char text[METHOD_COUNT][160];
    size_t used = 0;

    for (size_t i = 0; i < COUNT_OF(one); i++)
        if ((methods >> i & 1) != 0)
            used += (size_t)snprintf(text[methods] + used, sizeof text[methods] - used, "%s%s",
                                     used > 0 ? "; " : "", one[i]);
    return text[methods];
}

struct energy_total *attribution_total(const struct attribution *a, uint32_t group)
{
    return group < a->total_count ? &a->total[group] : NULL;
}

void attribution_release(struct attribution *a)
{
    for (size_t i = 0; i < a->total_count; i++)
        distribution_release(&a->total[i].watts);
    rails_release(&a->rails);
    rate_block_release(&a->block);
    free(a->total);
    free(a->resolved);
    free(a->use);
    free(a->segment);
    *a = (struct attribution){ 0 };
}

/* --- groups --- */

static enum status reserve_totals(struct attribution *a, struct error *err)
{
    size_t count = a->groups == NULL ? 1 : a->groups->size;
    struct energy_total *larger;

    if (count <= a->total_count)
        return STATUS_OK;
    larger = realloc(a->total, count * sizeof *larger);
    if (larger == NULL)
        return error_set(err, STATUS_NO_MEMORY, "%zu groups", count);
    memset(&larger[a->total_count], 0, (count - a->total_count) * sizeof *larger);
    a->total = larger;
    a->total_count = count;
    return STATUS_OK;
}

/* One that has no samples of its own in the window is known from here. */
static enum status see_group(struct attribution *a, const struct recording_block *block,
                             int64_t process_id, int64_t at_ns, uint32_t number, struct error *err)
{
    struct group *group = &a->groups->group[number];

    if (group->last_ns == NO_TIME) {
        group->last_ns = at_ns;
        group->block = block;
    }
    if (a->want_members && groups_count(a->groups, number, process_id, err) != STATUS_OK)
        return err->status;
    return reserve_totals(a, err);
}

enum status attribution_group(struct attribution *a, const struct recording_block *block,
                              int64_t process_id, int64_t at_ns, uint32_t *group, struct error *err)
{
    const struct version *version = NULL;
    const struct process *process = NULL;

    *group = 0;
    if (a->groups == NULL)
        return STATUS_OK;
    if (a->groups->by != BY_PROCESS || !select_all(a->select)) {
        if (recording_process(a->recording, block, process_id, &process, err) != STATUS_OK)
            return err->status;
        version = process_version_at(process, at_ns);
        if (!select_match(a->select, a->recording, process, version))
            return STATUS_OK;
    }
    if (a->known_only && a->groups->by == BY_PROCESS) {
        *group = groups_known(a->groups, process_id);
        return STATUS_OK;
    }
    if (groups_find(a->groups, process_id, process, version, group, err) != STATUS_OK)
        return err->status;
    return see_group(a, block, process_id, at_ns, *group, err);
}

/* --- sharing --- */

static int by_interval(const void *a, const void *b)
{
    const struct energy_use *x = a, *y = b;

    if (x->rail != y->rail)
        return x->rail < y->rail ? -1 : 1;
    if (x->interval != y->interval)
        return x->interval < y->interval ? -1 : 1;
    return x->process_id < y->process_id ? -1 : x->process_id > y->process_id;
}

/* One interval, the uses of it, and room to share it in. */
struct sharing {
    struct rail *rail;
    const struct rail_interval *interval;
    const struct energy_use *use;
    size_t use_count;
    struct energy_claim *claim;  /* [use_count + 1] by process; the last: worked for nobody seen */
    struct energy_segment *part; /* [use_count] power of a group */
};

/* The uses of one process are one claim. */
static size_t find_claims(struct sharing *s)
{
    size_t count = 0;
    int128 sum = 0, busy;

    for (size_t i = 0; i < s->use_count; i++) {
        if (i == 0 || s->use[i].process_id != s->use[i - 1].process_id)
            s->claim[count++] = (struct energy_claim){ .weight = 0 };
        s->claim[count - 1].weight += s->use[i].weight;
        sum += s->use[i].weight;
    }
    busy = s->interval->busy_ns < 0 ? 0 : (int128)s->interval->busy_ns * 1000000;
    s->claim[count] = (struct energy_claim){ .weight = busy > sum ? busy - sum : 0 };
    return count;
}

/* Bits are in the order of enum energy_method. */
static unsigned method_of(const struct attribution_source *source, const struct rail *rail,
                          unsigned timed)
{
    unsigned method = source->method * (source->by_device ? timed : 1);

    return rail->method == RAIL_COUNTER ? method : method << (source->by_device ? 2 : 1);
}

static int by_group(const void *a, const void *b)
{
    const struct energy_segment *x = a, *y = b;

    return x->group < y->group ? -1 : x->group > y->group;
}

/* Powers of groups, each of all its members together. */
static enum status add_powers(struct attribution *a, struct sharing *s, size_t count,
                              struct error *err)
{
    int64_t dt_ns = s->interval->to_ns - s->interval->from_ns;

    qsort(s->part, count, sizeof *s->part, by_group);
    for (size_t i = 0, end; i < count; i = end) {
        struct energy_segment segment = s->part[i];

        for (end = i + 1; end < count && s->part[end].group == segment.group; end++)
            segment.power_uw = wrap_add(segment.power_uw, s->part[end].power_uw);
        segment.power_uw = energy_power_uw(segment.power_uw, dt_ns);
        if (segment.group == 0)
            continue;
        /* Intervals of one rail come in order, each once. */
        if ((a->rails.count == 1 ? attribution_stretch(a, &segment, err)
                                 : attribution_segment(a, segment, err)) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

static enum status tell_share(struct attribution *a, const struct sharing *s, size_t claims,
                              size_t place, uint32_t group, const struct energy_use *use,
                              struct error *err)
{
    const struct rail_interval *in = s->interval;
    struct trace_item item = { .what = TRACE_SHARE,
                               .which = !a->source->by_device,
                               .row = group,
                               .process_id = use->process_id,
                               .block = use->block,
                               .from_ns = in->from_ns,
                               .to_ns = in->to_ns,
                               .count = 1,
                               .rail = s->rail,
                               .rail_uj = in->uj,
                               .idle_uj = energy_at(s->rail->idle_uw, in->to_ns - in->from_ns),
                               .uj = s->claim[place].uj,
                               .weight = s->claim[place].weight,
                               .up = s->claim[place].up,
                               .before = in->before,
                               .value = in->reading,
                               .counter = s->rail->method == RAIL_COUNTER };

    for (size_t i = 0; i <= claims; i++)
        item.weights += s->claim[i].weight;
    return a->trace->take(a->trace, &item, err);
}

static enum status give_out(struct attribution *a, struct sharing *s, size_t claims,
                            struct error *err)
{
    size_t place = 0;

    for (size_t i = 0; i < s->use_count; i++) {
        const struct energy_use *use = &s->use[i];
        struct energy_segment *part = &s->part[place];
        struct energy_total *total;
        uint32_t group;

        if (i + 1 < s->use_count && s->use[i + 1].process_id == use->process_id)
            continue;
        if (attribution_group(a, use->block, use->process_id, s->interval->to_ns, &group, err) !=
            STATUS_OK)
            return err->status;
        if (trace_wants(a->trace, a->groups, group) &&
            tell_share(a, s, claims, place, group, use, err) != STATUS_OK)
            return err->status;
        total = &a->total[group];
        total->methods |= method_of(a->source, s->rail, use->timed);
        total->uj = wrap_add(total->uj, s->claim[place].uj);
        s->rail->processes_uj = wrap_add(s->rail->processes_uj, s->claim[place].uj);
        /* For now its energy */
        *part = (struct energy_segment){ group, SEGMENT_POWER, s->interval->from_ns,
                                         s->interval->to_ns, s->claim[place].uj };
        place++;
    }
    return claims == 0 ? STATUS_OK : add_powers(a, s, place, err);
}

static enum status share_one(struct attribution *a, struct sharing *s, struct error *err)
{
    size_t claims = find_claims(s);
    int64_t dt_ns = s->interval->to_ns - s->interval->from_ns;
    int64_t idle_uj = energy_at(s->rail->idle_uw, dt_ns), left_uj;

    left_uj = energy_share(wrap_subtract(s->interval->uj, idle_uj), s->claim, claims + 1);
    left_uj = wrap_add(left_uj, s->claim[claims].uj);
    s->rail->idle_uj = wrap_add(s->rail->idle_uj, idle_uj);
    s->rail->unattributed_uj = wrap_add(s->rail->unattributed_uj, left_uj);
    return give_out(a, s, claims, err);
}

/* All intervals of a rail up to hold_ns; `first` use of it or later, moved on. */
static enum status share_rail(struct attribution *a, uint32_t number, size_t *first,
                              struct sharing *s, struct error *err)
{
    s->rail = &a->rails.rail[number];
    for (; a->resolved[number] < s->rail->count; a->resolved[number]++) {
        size_t end;

        s->interval = &s->rail->interval[a->resolved[number]];
        if (s->interval->to_ns > a->hold_ns)
            break;
        for (end = *first; end < a->use_count && a->use[end].rail == number &&
                           a->use[end].interval == a->resolved[number];
             end++)
            ;
        s->use = &a->use[*first];
        s->use_count = end - *first;
        *first = end;
        if (share_one(a, s, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

enum status attribution_share(struct attribution *a, struct error *err)
{
    struct sharing s = { .rail = NULL };
    enum status st = STATUS_OK;
    size_t kept = 0, first = 0;

    s.claim = calloc(a->use_count + 1, sizeof *s.claim);
    s.part = calloc(a->use_count + 1, sizeof *s.part);
    if (s.claim == NULL || s.part == NULL)
        st = error_set(err, STATUS_NO_MEMORY, "shares of energy");
    else if (a->use_count > 1)
        qsort(a->use, a->use_count, sizeof *a->use, by_interval);
    for (uint32_t i = 0; i < a->rails.count && st == STATUS_OK; i++) {
        st = share_rail(a, i, &first, &s, err);
        while (st == STATUS_OK && first < a->use_count && a->use[first].rail == i)
            a->use[kept++] = a->use[first++];
    }
    a->use_count = kept;
    free(s.claim);
    free(s.part);
    return st;
}

/* --- all of it --- */

/* Time of which nothing new can come. */
static int64_t settled_until(const struct attribution *a)
{
    int64_t until_ns = a->hold_ns;

    for (size_t i = 0; i < a->rails.count; i++) {
        const struct rail *rail = &a->rails.rail[i];

        if (a->resolved[i] < rail->count && rail->interval[a->resolved[i]].from_ns < until_ns)
            until_ns = rail->interval[a->resolved[i]].from_ns;
    }
    return until_ns;
}

static bool all_resolved(const struct attribution *a)
{
    for (size_t i = 0; i < a->rails.count; i++)
        if (a->resolved[i] < a->rails.rail[i].count)
            return false;
    return true;
}

static enum status read_blocks(struct attribution *a, struct error *err)
{
    const struct recording_contents *c = recording_contents(a->recording);
    int64_t from_ns = a->window.from_ns < a->rails.from_ns ? a->window.from_ns : a->rails.from_ns;

    a->hold_ns = INT64_MIN;
    for (size_t b = 0; b < c->block_count[0]; b++) {
        const struct recording_block *block = &c->blocks[0][b];
        bool last = b + 1 == c->block_count[0] || block[1].session != block->session;

        if (block->end_ns <= from_ns)
            continue;
        if (block->start_ns > a->window.to_ns && all_resolved(a))
            break;
        if (attribution_read_uses(a, block, err) != STATUS_OK)
            return err->status;
        if (last) /* nothing crosses sessions */
            a->hold_ns = block->end_ns;
        if (attribution_share(a, err) != STATUS_OK ||
            attribution_lay(a, settled_until(a), err) != STATUS_OK)
            return err->status;
    }
    a->hold_ns = INT64_MAX;
    if (attribution_share(a, err) != STATUS_OK)
        return err->status;
    return attribution_lay(a, INT64_MAX, err);
}

enum status attribution_read(struct attribution *a, struct recording *recording,
                             const struct window *window, struct error *err)
{
    const struct recording_table *table = recording_table(recording, a->source->table);

    a->recording = recording;
    a->window = *window;
    a->rails.from_ns = INT64_MAX;
    if (!attribution_possible(a->source, recording_contents(recording)))
        return STATUS_OK;
    if (a->want_energy && rails_read(&a->rails, recording, a->source->rail, window,
                                     a->idle_given ? a->idle_uw : -1, err) != STATUS_OK)
        return err->status;
    a->resolved = calloc(a->rails.count + 1, sizeof *a->resolved);
    if (a->resolved == NULL)
        return error_set(err, STATUS_NO_MEMORY, "rails");
    if (reserve_totals(a, err) != STATUS_OK)
        return err->status;
    a->done = true;
    a->block.recording = recording;
    a->block.table = table;
    return read_blocks(a, err);
}
