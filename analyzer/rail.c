/* Each block is walked series by series, step by step from one reading to the next. */
#include "analyzer/rail.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/energy.h"

#define BUSY_BEFORE_NS (INT64_C(7200) * 1000000000) /* intervals are hardly longer */
enum { IDLE_SHARE = 100 };                          /* the idle floor is of this part of the time */

const struct rail_source rail_gpu = { "gpu_samples",   "energy_uj_total", "power_mw",
                                      "busy_ns_total", "power_state",     "" };
/* What is in a package is in its energy; what the others tell is in there, too, or is not the CPUs'. */
const struct rail_source rail_package = {
    "power_samples", "energy_uj_total", "power_mw", NULL, NULL, "rapl/package-"
};

/* A table of a source while it is read. */
struct reader {
    struct rails *rails;
    const struct window *window;
    struct rate_block block;
    size_t energy, power, busy, state; /* positions; SIZE_MAX: none */
    int64_t asleep;                    /* value of the state */
    const struct rail_source *source;
    struct block_column states; /* of the block */
};

bool rail_is_of(const struct rail_source *source, const char *key)
{
    size_t size = strlen(source->key);

    return size == 0 || (strncmp(key, source->key, size) == 0 && strchr(key + size, '/') == NULL);
}

struct rail *rails_find(const struct rails *rails, int64_t entity_id)
{
    for (size_t i = 0; i < rails->count; i++)
        if (rails->rail[i].entity_id == entity_id)
            return &rails->rail[i];
    return NULL;
}

void rails_release(struct rails *rails)
{
    for (size_t i = 0; i < rails->count; i++) {
        for (size_t m = 0; m < RAIL_METHOD_COUNT; m++) {
            free(rails->rail[i].readings[m].interval);
            free(rails->rail[i].readings[m].level);
        }
        free(rails->rail[i].busy);
        distribution_release(&rails->rail[i].watts);
    }
    free(rails->rail);
    *rails = (struct rails){ 0 };
}

static struct rail *see(struct reader *r, int64_t entity_id, struct error *err)
{
    struct rails *rails = r->rails;
    struct rail *rail = rails_find(rails, entity_id);

    if (rail != NULL)
        return rail;
    if (rails->count == rails->size) {
        size_t more = rails->size == 0 ? 8 : rails->size * 2;
        struct rail *larger = realloc(rails->rail, more * sizeof *larger);

        if (larger == NULL) {
            (void)error_set(err, STATUS_NO_MEMORY, "rails");
            return NULL;
        }
        rails->rail = larger;
        rails->size = more;
    }
    rail = &rails->rail[rails->count++];
    *rail = (struct rail){ .entity_id = entity_id, .asleep_ns = NO_TIME };
    return rail;
}

/* --- intervals --- */

static enum status keep(struct rail_readings *readings, const struct rail_interval *interval,
                        bool in_window, struct error *err)
{
    int64_t dt_ns = interval->to_ns - interval->from_ns;

    if (readings->level_count == readings->level_size) {
        size_t more = readings->level_size == 0 ? 256 : readings->level_size * 2;
        struct rail_level *larger = realloc(readings->level, more * sizeof *larger);

        if (larger == NULL)
            return error_set(err, STATUS_NO_MEMORY, "readings of power");
        readings->level = larger;
        readings->level_size = more;
    }
    readings->level[readings->level_count++] =
        (struct rail_level){ energy_power_uw(interval->uj, dt_ns), dt_ns };
    if (!in_window)
        return STATUS_OK;
    if (readings->count == readings->size) {
        size_t more = readings->size == 0 ? 256 : readings->size * 2;
        struct rail_interval *larger = realloc(readings->interval, more * sizeof *larger);

        if (larger == NULL)
            return error_set(err, STATUS_NO_MEMORY, "readings of energy");
        readings->interval = larger;
        readings->size = more;
    }
    readings->interval[readings->count++] = *interval;
    return STATUS_OK;
}

/* From one present value of a series to the next. */
struct step {
    uint32_t tick;
    int64_t from_ns, to_ns, before, value, increase;
    bool fell;
};

typedef enum status take_step(struct reader *r, struct rail *rail, const struct step *step,
                              struct error *err);

/* Steps that take time: neither the first, nor across a gap. */
static enum status walk(struct reader *r, struct rail *rail, size_t series, take_step *take,
                        struct error *err)
{
    const struct rate_block *b = &r->block;
    enum status st = STATUS_OK;
    struct rate_walk walk;
    struct rate_run run;

    rate_begin(&walk, b, series, b->first, b->end);
    for (int64_t before = walk.before; st == STATUS_OK && rate_next(&walk, &run);
         before = walk.before) {
        for (uint32_t i = 0; i < run.count && st == STATUS_OK; i++) {
            uint32_t tick = run.tick + i;
            int64_t dt_ns = run.quiet ? rate_tick_dt(b, tick) : run.dt_ns;
            int64_t at_ns = b->directory.tick_ns[tick];
            struct step step = { .tick = tick,
                                 .from_ns = wrap_subtract(at_ns, dt_ns),
                                 .to_ns = at_ns,
                                 .before = before,
                                 .value = run.value,
                                 .increase = run.increase,
                                 .fell = run.reset };

            if (dt_ns > 0 && step.from_ns < at_ns)
                st = take(r, rail, &step, err);
        }
    }
    return st;
}

static enum status add(struct reader *r, struct rail *rail, enum rail_method method,
                       const struct step *step, int64_t uj, struct error *err)
{
    struct rail_interval interval = { .from_ns = step->from_ns,
                                      .to_ns = step->to_ns,
                                      .uj = uj,
                                      .busy_ns = -1,
                                      .before = step->before,
                                      .reading = step->value };
    bool in = step->to_ns > r->window->from_ns && step->to_ns <= r->window->to_ns;

    if (in && step->from_ns < r->rails->from_ns)
        r->rails->from_ns = step->from_ns;
    rail->told = true;
    return keep(&rail->readings[method], &interval, in, err);
}

static enum status take_energy(struct reader *r, struct rail *rail, const struct step *step,
                               struct error *err)
{
    int64_t scale = r->block.table->metrics[r->energy].scale, uj;

    if (step->fell)
        return STATUS_OK;
    if (__builtin_mul_overflow(step->increase, scale, &uj))
        uj = INT64_MAX;
    return add(r, rail, RAIL_COUNTER, step, uj, err);
}

/* Did it sleep since? Only where readings are missing. */
static bool slept_since(const struct reader *r, const struct rail *rail, size_t series,
                        const struct step *step)
{
    const struct block_table *d = &r->block.directory;
    const struct series *s = &d->series[series];

    if (rail->asleep_ns > step->from_ns)
        return true;
    for (uint32_t tick = step->tick; tick > s->first && d->tick_ns[tick - 1] > step->from_ns;
         tick--) {
        size_t row = d->row[series] + tick - 1 - s->first;

        if ((r->states.missing == NULL || r->states.missing[row] == MISSING_NONE) &&
            r->states.value[row] == r->asleep)
            return true;
    }
    return false;
}

static size_t series_of(const struct reader *r, const struct rail *rail)
{
    const struct block_table *d = &r->block.directory;
    size_t i = 0;

    while (d->series[i].key[0] != rail->entity_id)
        i++;
    return i;
}

static enum status take_power(struct reader *r, struct rail *rail, const struct step *step,
                              struct error *err)
{
    if (r->state != SIZE_MAX && slept_since(r, rail, series_of(r, rail), step))
        return STATUS_OK;
    return add(r, rail, RAIL_POWER, step,
               energy_of_power(step->before, step->value, step->to_ns - step->from_ns), err);
}

static enum status take_busy(struct reader *r, struct rail *rail, const struct step *step,
                             struct error *err)
{
    int64_t scale = r->block.table->metrics[r->busy].scale, ns;

    if (step->fell || step->to_ns <= wrap_subtract(r->window->from_ns, BUSY_BEFORE_NS) ||
        step->to_ns > r->window->to_ns)
        return STATUS_OK;
    if (rail->busy_count == rail->busy_size) {
        size_t more = rail->busy_size == 0 ? 256 : rail->busy_size * 2;
        struct rail_busy *larger = realloc(rail->busy, more * sizeof *larger);

        if (larger == NULL)
            return error_set(err, STATUS_NO_MEMORY, "times that devices worked");
        rail->busy = larger;
        rail->busy_size = more;
    }
    if (__builtin_mul_overflow(step->increase, scale, &ns))
        ns = INT64_MAX;
    rail->busy[rail->busy_count++] = (struct rail_busy){ step->from_ns, step->to_ns, ns };
    return STATUS_OK;
}

static void remember_sleep(const struct reader *r, struct rail *rail, size_t series)
{
    const struct block_table *d = &r->block.directory;
    const struct series *s = &d->series[series];

    for (uint32_t k = s->count; k > 0; k--) {
        size_t row = d->row[series] + k - 1;

        if ((r->states.missing == NULL || r->states.missing[row] == MISSING_NONE) &&
            r->states.value[row] == r->asleep) {
            rail->asleep_ns = d->tick_ns[s->first + k - 1];
            return;
        }
    }
}

/* --- blocks --- */

static bool is_of(const struct reader *r, int64_t entity_id)
{
    const struct recording_entity *entity = recording_entity(r->block.recording, entity_id);

    return rail_is_of(r->source, entity == NULL ? "" : entity->key);
}

static enum status walk_metric(struct reader *r, size_t position, take_step *take,
                               struct error *err)
{
    const struct block_table *d = &r->block.directory;

    if (position == SIZE_MAX)
        return STATUS_OK;
    if (rate_block_column(&r->block, position, err) != STATUS_OK)
        return err->status;
    for (size_t i = 0; i < d->series_count; i++) {
        struct rail *rail = is_of(r, d->series[i].key[0]) ? see(r, d->series[i].key[0], err) : NULL;

        if (rail == NULL && is_of(r, d->series[i].key[0]))
            return err->status;
        if (rail != NULL && walk(r, rail, i, take, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

static enum status read_block(struct reader *r, const struct recording_block *block,
                              struct error *err)
{
    static const struct window all = { INT64_MIN, INT64_MAX };
    struct block_ticks ticks;
    enum status st = recording_ticks(r->block.recording, block, &ticks, err);

    if (st != STATUS_OK)
        return st;
    st = rate_block_open(&r->block, block, &ticks, &all, err);
    block_ticks_release(&ticks);
    if (st == STATUS_OK && r->state != SIZE_MAX)
        st = recording_column(r->block.recording, &r->block.directory,
                              r->block.directory.shape->first_column[r->state], series_all,
                              &r->states, err);
    if (st != STATUS_OK)
        return st == STATUS_ABSENT ? STATUS_OK : st;
    if (walk_metric(r, r->energy, take_energy, err) != STATUS_OK ||
        walk_metric(r, r->power, take_power, err) != STATUS_OK ||
        walk_metric(r, r->busy, take_busy, err) != STATUS_OK)
        return err->status;
    for (size_t i = 0; i < r->block.directory.series_count && r->state != SIZE_MAX; i++) {
        struct rail *rail = rails_find(r->rails, r->block.directory.series[i].key[0]);

        if (rail != NULL)
            remember_sleep(r, rail, i);
    }
    return STATUS_OK;
}

/* --- once all is read --- */

static int by_power(const void *a, const void *b)
{
    const struct rail_level *x = a, *y = b;

    return (x->power_uw > y->power_uw) - (x->power_uw < y->power_uw);
}

/* The smallest power that at least 1 % of the time was at or below. */
static int64_t lowest(struct rail_readings *readings)
{
    int128 all = 0, below = 0;

    if (readings->level_count > 1)
        qsort(readings->level, readings->level_count, sizeof *readings->level, by_power);
    for (size_t i = 0; i < readings->level_count; i++)
        all += readings->level[i].time_ns;
    for (size_t i = 0; i < readings->level_count; i++) {
        below += readings->level[i].time_ns;
        if (below * IDLE_SHARE >= all)
            return readings->level[i].power_uw;
    }
    return 0;
}

static enum status add_up(struct rail *rail, const struct window *window, struct error *err)
{
    for (size_t i = 0; i < rail->count; i++) {
        const struct rail_interval *in = &rail->interval[i];
        int64_t dt_ns = in->to_ns - in->from_ns, power_uw = energy_power_uw(in->uj, dt_ns);

        rail->uj = wrap_add(rail->uj, in->uj);
        rail->covered_ns = wrap_add(rail->covered_ns, dt_ns);
        if (i == 0 || power_uw > rail->max_uw)
            rail->max_uw = power_uw;
        if (!distribution_add(&rail->watts, power_uw < 0 ? 0 : power_uw, dt_ns,
                              wrap_subtract(window->to_ns, in->to_ns)))
            return error_set(err, STATUS_NO_MEMORY, "power");
    }
    return STATUS_OK;
}

/* Both are in order, and neither overlaps itself. */
static void find_busy(struct rail *rail)
{
    size_t next = 0;

    for (size_t i = 0; i < rail->count; i++) {
        struct rail_interval *in = &rail->interval[i];
        int64_t at_ns = in->from_ns, sum = 0;

        while (next < rail->busy_count && rail->busy[next].from_ns < in->from_ns)
            next++;
        for (; next < rail->busy_count && rail->busy[next].from_ns == at_ns &&
               rail->busy[next].to_ns <= in->to_ns;
             next++) {
            at_ns = rail->busy[next].to_ns;
            sum = wrap_add(sum, rail->busy[next].ns);
        }
        if (at_ns == in->to_ns && sum >= 0)
            in->busy_ns = sum;
    }
}

static enum status settle(struct rails *rails, const struct window *window, int64_t idle_uw,
                          struct error *err)
{
    for (size_t i = 0; i < rails->count; i++) {
        struct rail *rail = &rails->rail[i];
        struct rail_readings *readings;

        rail->method = rail->readings[RAIL_COUNTER].level_count > 0 ? RAIL_COUNTER : RAIL_POWER;
        readings = &rail->readings[rail->method];
        rail->interval = readings->interval;
        rail->count = readings->count;
        rail->level_count = readings->level_count;
        rail->idle_uw = rails->given ? idle_uw : lowest(readings);
        find_busy(rail);
        free(readings->level);
        readings->level = NULL;
        if (add_up(rail, window, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

static size_t position_of(const struct recording_table *table, const char *name)
{
    return name == NULL ? SIZE_MAX : recording_metric(table, name);
}

/* Which number the state "asleep" has. */
static int64_t asleep_label(const struct recording_table *table, size_t state)
{
    const char *at = state == SIZE_MAX ? "" : table->metrics[state].labels;
    int64_t number = 0;

    for (; *at != '\0'; number++) {
        size_t size = strcspn(at, ",");

        if (size == strlen("asleep") && strncmp(at, "asleep", size) == 0)
            return number;
        at += size + (at[size] == ',');
    }
    return -1;
}

enum status rails_read(struct rails *rails, struct recording *recording,
                       const struct rail_source *source, const struct window *window,
                       int64_t idle_uw, struct error *err)
{
    const struct recording_contents *c = recording_contents(recording);
    const struct recording_table *table = recording_table(recording, source->table);
    struct reader r = { .rails = rails, .window = window, .source = source };
    enum status st = STATUS_OK;

    rails->from_ns = INT64_MAX;
    rails->given = idle_uw >= 0;
    if (table == NULL)
        return STATUS_OK;
    r.block.recording = recording;
    r.block.table = table;
    r.energy = position_of(table, source->energy);
    r.power = position_of(table, source->power);
    r.busy = position_of(table, source->busy);
    r.state = position_of(table, source->state);
    r.asleep = asleep_label(table, r.state);
    for (size_t b = 0; b < c->block_count[0] && st == STATUS_OK; b++)
        st = read_block(&r, &c->blocks[0][b], err);
    if (st == STATUS_OK)
        st = settle(rails, window, idle_uw, err);
    rate_block_release(&r.block);
    block_column_release(&r.states);
    return st;
}
