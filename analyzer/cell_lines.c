/* What is told becomes lines; many lines become few, each with the sums of its own. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/cell_private.h"

enum {
    LINES_AT_ENDS = 5, /* stay as they are */
    SPECIAL_MOST = 20, /* gaps, resets, births stay apart unless they are more */
    MEMBERS_MOST = 30,
};

bool cell_is_peak(const struct report_column *column)
{
    return column->fact == FACT_PERCENT_MAX || column->fact == FACT_MAX ||
           column->fact == FACT_GPU_WATTS_MAX || column->fact == FACT_GPU_MEMORY_MAX;
}

enum cell_view cell_view_of(const struct report_column *column)
{
    switch (column->fact) {
    case FACT_PERCENT_P95:
    case FACT_GPU_WATTS_P95:
        return VIEW_RANK;
    case FACT_PERCENT_MAX:
        return VIEW_RATE;
    case FACT_MEAN:
    case FACT_MAX:
        return VIEW_LEVEL;
    case FACT_GPU_WATTS_MAX:
        return VIEW_POWER;
    case FACT_GPU_WATTS_MEAN:
    case FACT_GPU_JOULES:
    case FACT_CPU_WATTS_MEAN:
    case FACT_CPU_JOULES:
        return VIEW_SHARE;
    case FACT_GPU_SECONDS:
    case FACT_GPU_PERCENT_MEAN:
        return VIEW_WORK;
    case FACT_GPU_MEMORY_MAX:
        return VIEW_MEMORY;
    default:
        return VIEW_COUNTER;
    }
}

/* --- taking --- */

/* Of CPU time, what is by tick for a group is not that of its members. */
static bool by_tick(const struct cell_working *e)
{
    enum fact fact = e->column->fact;

    return e->by != BY_PROCESS && e->column->which == MEASURE_CPU &&
           (fact == FACT_COVERED || fact == FACT_PERCENT_P95 || fact == FACT_PERCENT_MAX);
}

static bool is_of_measure(const struct cell_working *e, const struct trace_item *item)
{
    enum fact fact = e->column->fact;

    if (!report_column_measured(e->column))
        return false;
    if (item->which != e->column->which &&
        !(e->switches && item->which == MEASURE_SWITCHES_INVOLUNTARY))
        return false;
    if (fact == FACT_IN_GAPS)
        return item->what == TRACE_RUN && item->gap;
    if (item->what == TRACE_RUN)
        return !by_tick(e);
    if (item->what == TRACE_TICK)
        return fact != FACT_INCREASE;
    if (item->what == TRACE_WINDOW)
        return fact != FACT_PERCENT_P95;
    return fact == FACT_INCREASE || fact == FACT_SWITCHES;
}

static bool counts(const struct cell_working *e, const struct trace_item *item)
{
    enum fact fact = e->column->fact;
    bool cpu = fact == FACT_CPU_JOULES || fact == FACT_CPU_WATTS_MEAN;

    if (item->what == TRACE_SHARE)
        return item->which == cpu && e->view == VIEW_SHARE;
    if (item->what == TRACE_POWER)
        return item->which == cpu && (fact == FACT_CPU_WATTS_MEAN || fact == FACT_GPU_WATTS_MEAN ||
                                      fact == FACT_GPU_WATTS_P95 || fact == FACT_GPU_WATTS_MAX);
    if (item->what == TRACE_WORK)
        return e->view == VIEW_WORK;
    if (item->what == TRACE_AT_WORK)
        return fact == FACT_GPU_PERCENT_MEAN;
    if (item->what == TRACE_RAIL)
        return true;
    if (item->what == TRACE_MEMORY)
        return fact == FACT_GPU_MEMORY_MAX;
    return is_of_measure(e, item);
}

/* Samples of a member of a group; its increases count, its time does not. */
static bool is_member(const struct cell_working *e, const struct cell_line *line)
{
    return e->by != BY_PROCESS &&
           ((line->item.what == TRACE_RUN && line->item.which < MEASURE_RESIDENT) ||
            line->item.what == TRACE_WORK);
}

static struct cell_line line_of(const struct cell_working *e, const struct trace_item *item)
{
    bool rate = e->column->fact == FACT_PERCENT_P95 || e->column->fact == FACT_PERCENT_MAX ||
                item->what == TRACE_RAIL;
    struct cell_line line = { .item = *item,
                              .pieces = 1,
                              .samples = item->count,
                              .peak = rate ? item->rate : item->value,
                              .peak_ns = item->to_ns,
                              .gaps = item->gap,
                              .resets = item->reset,
                              .births = item->born,
                              .ends = item->ended,
                              .firsts = item->what == TRACE_RUN && !item->known,
                              .ups = item->up,
                              .members = 1 };

    if (item->gap) {
        line.in_gaps = item->increase;
        line.item.increase = 0;
    }
    if (item->what == TRACE_TICK && e->view == VIEW_COUNTER)
        line.item.increase = 0; /* that of its members is in lines of theirs */
    if (is_member(e, &line))
        line.item.covered_ns = line.item.dt_ns = 0;
    return line;
}

void cell_join(struct cell_line *line, const struct cell_line *more)
{
    struct trace_item *item = &line->item;

    line->aways += more->aways;
    if (more->item.what == TRACE_RUN && more->item.known && !measure_is_gauge(item->which) &&
        line->item.process_id == more->item.process_id && more->item.before != item->value)
        line->aways++; /* it had another name meanwhile */
    item->to_ns = more->item.to_ns;
    item->value = more->item.value;
    item->increase = wrap_add(item->increase, more->item.increase);
    item->dt_ns = wrap_add(item->dt_ns, more->item.dt_ns);
    item->covered_ns = wrap_add(item->covered_ns, more->item.covered_ns);
    item->sum = cell_add(item->sum, more->item.sum);
    item->rail_uj = wrap_add(item->rail_uj, more->item.rail_uj);
    item->idle_uj = wrap_add(item->idle_uj, more->item.idle_uj);
    item->uj = wrap_add(item->uj, more->item.uj);
    item->weight = cell_add(item->weight, more->item.weight);
    item->weights = cell_add(item->weights, more->item.weights);
    line->pieces += more->pieces;
    line->samples += more->samples;
    line->in_gaps = wrap_add(line->in_gaps, more->in_gaps);
    line->gaps += more->gaps;
    line->resets += more->resets;
    line->births += more->births;
    line->ends += more->ends;
    line->firsts += more->firsts;
    line->ups += more->ups;
    line->holes += more->holes;
    line->hole_ns = wrap_add(line->hole_ns, more->hole_ns);
    if (more->peak > line->peak) {
        line->peak = more->peak;
        line->peak_ns = more->peak_ns;
    }
}

/* All members' parts of one interval are one line. */
static bool joins_interval(const struct cell_working *e, struct cell_line *last,
                           const struct cell_line *line)
{
    if (e->by == BY_PROCESS || line->item.what != TRACE_SHARE || last->item.what != TRACE_SHARE ||
        last->item.rail != line->item.rail || last->item.to_ns != line->item.to_ns)
        return false;
    last->item.uj = wrap_add(last->item.uj, line->item.uj);
    last->item.weight = cell_add(last->item.weight, line->item.weight);
    last->item.process_id = 0;
    last->ups += line->ups;
    last->members++;
    return true;
}

static enum status append(struct cell_working *e, const struct cell_line *line, struct error *err)
{
    if (e->count == e->size) {
        size_t more = e->size == 0 ? 256 : e->size * 2;
        struct cell_line *larger = realloc(e->line, more * sizeof *larger);

        if (larger == NULL)
            return error_set(err, STATUS_NO_MEMORY, "%zu lines", more);
        e->line = larger;
        e->size = more;
    }
    assert(e->line != NULL);
    e->line[e->count++] = *line;
    return STATUS_OK;
}

enum status cell_take(struct trace *self, const struct trace_item *item, struct error *err)
{
    struct cell_working *e = (struct cell_working *)(void *)self;
    struct cell_line *last = e->count == 0 ? NULL : &e->line[e->count - 1];
    struct cell_line line;

    if (!counts(e, item))
        return STATUS_OK;
    e->told++;
    line = line_of(e, item);
    if (last != NULL && is_member(e, &line) && is_member(e, last) &&
        last->item.process_id == item->process_id && last->item.which == item->which) {
        cell_join(last, &line);
        return STATUS_OK;
    }
    if (last != NULL && joins_interval(e, last, &line))
        return STATUS_OK;
    return append(e, &line, err);
}

/* --- order --- */

static int compare(int64_t x, int64_t y)
{
    return (x > y) - (x < y);
}

static int64_t rail_of(const struct cell_line *line)
{
    return line->item.rail == NULL ? 0 : line->item.rail->entity_id;
}

/* Lines of one section are next to each other. */
static int by_section(const struct cell_line *x, const struct cell_line *y)
{
    if (x->item.what != y->item.what)
        return x->item.what < y->item.what ? -1 : 1;
    if (x->item.which != y->item.which)
        return x->item.which < y->item.which ? -1 : 1;
    return compare(rail_of(x), rail_of(y));
}

static int by_time(const void *a, const void *b)
{
    const struct cell_line *x = a, *y = b;
    int order = by_section(x, y);

    return order != 0 ? order : compare(x->item.to_ns, y->item.to_ns);
}

static int by_member(const void *a, const void *b)
{
    const struct cell_line *x = a, *y = b;
    int order = by_section(x, y);

    if (order == 0)
        order = compare(x->item.process_id, y->item.process_id);
    return order != 0 ? order : compare(x->item.to_ns, y->item.to_ns);
}

static int128 share_of(const struct cell_line *line)
{
    return line->item.what == TRACE_WORK ? line->item.sum
                                         : (int128)line->item.increase + line->in_gaps;
}

static int by_share(const void *a, const void *b)
{
    const struct cell_line *x = a, *y = b;
    int128 one = share_of(x), two = share_of(y);

    if (one != two)
        return one > two ? -1 : 1;
    return compare(x->item.process_id, y->item.process_id);
}

/* --- members --- */

/* One line each; of many, those with most. Returns how many lines are left of [0, count). */
static size_t put_members(struct cell_line line[], size_t count)
{
    size_t kept = 0;

    qsort(line, count, sizeof *line, by_member);
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && line[kept - 1].item.process_id == line[i].item.process_id)
            cell_join(&line[kept - 1], &line[i]);
        else
            line[kept++] = line[i];
        line[kept - 1].label = "member";
    }
    qsort(line, kept, sizeof *line, by_share);
    if (kept <= MEMBERS_MOST + 1)
        return kept;
    for (size_t i = MEMBERS_MOST + 1; i < kept; i++) {
        cell_join(&line[MEMBERS_MOST], &line[i]);
        line[MEMBERS_MOST].members++;
    }
    line[MEMBERS_MOST].label = "other members";
    line[MEMBERS_MOST].item.process_id = 0;
    line[MEMBERS_MOST].item.from_ns = line[MEMBERS_MOST].item.to_ns = NO_TIME;
    return MEMBERS_MOST + 1;
}

/* --- stretches of time --- */

static bool is_special(const struct cell_line *line)
{
    return line->gaps + line->resets + line->births + line->ends + line->firsts + line->holes > 0;
}

static int64_t stretch_of(const struct cell_line *line, int64_t seconds)
{
    return rollup_window_start(line->item.to_ns, seconds);
}

/* How many lines are left, if stretches are so long; put together where `apply`. */
static size_t put_stretches(struct cell_line line[], size_t count, int64_t seconds, bool special,
                            bool apply)
{
    size_t kept = 0;
    bool open = false;
    int64_t stretch_ns = 0;

    for (size_t i = 0; i < count; i++) {
        bool alone = i < LINES_AT_ENDS || i + LINES_AT_ENDS >= count || line[i].decides ||
                     (special && is_special(&line[i]));

        if (!alone && open && stretch_of(&line[i], seconds) == stretch_ns) {
            if (apply)
                cell_join(&line[kept - 1], &line[i]);
            continue;
        }
        stretch_ns = stretch_of(&line[i], seconds);
        open = !alone;
        if (apply)
            line[kept] = line[i];
        kept++;
    }
    return kept;
}

/* Where lines do not touch, something was not covered. */
static void find_holes(struct cell_line line[], size_t count)
{
    for (size_t i = 1; i < count; i++) {
        int64_t from_ns = line[i].item.from_ns, until_ns = line[i - 1].item.to_ns;

        if (line[i].item.what == TRACE_WORK || line[i].births > 0 || from_ns == NO_TIME ||
            from_ns <= until_ns)
            continue;
        line[i].holes = 1;
        line[i].hole_ns = wrap_subtract(from_ns, until_ns);
    }
}

static size_t shorten(struct cell_line line[], size_t count)
{
    static const int64_t lengths[] = { 1,     10,    60,     600,        3600,
                                       21600, 86400, 604800, 30 * 86400, 365 * 86400 };
    size_t specials = 0, length = 0;

    find_holes(line, count);
    if (count <= CELL_LINES_MOST)
        return count;
    for (size_t i = 0; i < count; i++)
        specials += is_special(&line[i]);
    while (length + 1 < COUNT_OF(lengths) &&
           put_stretches(line, count, lengths[length], specials <= SPECIAL_MOST, false) >
               CELL_LINES_MOST + (specials <= SPECIAL_MOST ? 2 * specials : 0))
        length++;
    return put_stretches(line, count, lengths[length], specials <= SPECIAL_MOST, true);
}

static void mark_peak(struct cell_working *e)
{
    struct cell_line *most = NULL;

    for (size_t i = 0; i < e->count; i++) {
        struct cell_line *line = &e->line[i];
        bool counts_for = e->column->fact != FACT_PERCENT_MAX || line->item.dt_ns != 0;

        if (counts_for && (most == NULL || line->peak > most->peak))
            most = line;
    }
    if (most != NULL)
        most->decides = true;
}

/* --- all of it --- */

static size_t put_section(const struct cell_working *e, struct cell_line line[], size_t count)
{
    return is_member(e, line) ? put_members(line, count) : shorten(line, count);
}

void cell_condense(struct cell_working *e)
{
    size_t kept = 0;

    if (e->view == VIEW_RANK) {
        cell_rank(e);
        return;
    }
    if (e->count > 1)
        qsort(e->line, e->count, sizeof *e->line, by_time);
    if (cell_is_peak(e->column))
        mark_peak(e);
    for (size_t first = 0, end; first < e->count; first = end) {
        size_t count;

        for (end = first + 1; end < e->count; end++)
            if (by_section(&e->line[first], &e->line[end]) != 0)
                break;
        count = put_section(e, &e->line[first], end - first);
        memmove(&e->line[kept], &e->line[first], count * sizeof *e->line);
        kept += count;
    }
    e->count = kept;
}
