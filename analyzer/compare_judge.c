/*
 * Is a change more than the program changes by itself? One window is taken as steady: its noise is how far
 * its parts go from its mean, and as much further as they differ. The other window has changed if three of
 * four of its parts lie beyond that. Each of both may be the steady one, as something that begins within a
 * window makes that one unsteady; but one that is much shorter may have met what comes and goes.
 */
#include <math.h>
#include <stdlib.h>

#include "analyzer/compare_private.h"

#define SECOND_NS 1e9
#define BEYOND 1.0 /* the range of parts that is allowed beyond them */

enum { OF_PARTS = 4, OF_PARTS_APART = 3, MUCH_SHORTER = 2, GROWTH_TIMES = 2 };

const char *const compare_verdicts[] = { "beyond noise", "within noise", "too short to tell",
                                         "not its own", "missing" };

static double session_most(const struct compare *c, bool memory)
{
    int64_t most = 0;

    for (size_t s = 0; s < COMPARE_SIDES; s++) {
        const struct recording_contents *contents = c->asked[s]->contents;

        for (size_t i = 0; i < contents->session_count; i++) {
            const struct recording_session *session = &contents->sessions[i];
            int64_t value = memory ? session->memory_bytes : session->core_count;

            most = value > most ? value : most;
        }
    }
    return (double)most;
}

/* What all rows of a side come to, of the side that has more: where no device tells its own. */
static double sum_most(const struct compare *c, enum compare_metric metric)
{
    double most = 0;

    for (size_t s = 0; s < COMPARE_SIDES; s++) {
        double sum = 0;

        for (size_t i = 0; i < c->program_count; i++)
            if (c->program[i].of[metric].side[s].known)
                sum += c->program[i].of[metric].side[s].rate;
        most = sum > most ? sum : most;
    }
    return most;
}

static double power_most(const struct compare *c, enum compare_metric metric)
{
    double most = sum_most(c, metric);

    for (size_t s = 0; s < COMPARE_SIDES; s++) {
        const struct report *r = c->side[s].report;
        const struct rails *rails =
            metric == COMPARE_CPU_ENERGY ? &r->package.rails : &r->gpu.rails;
        double watts = 0;

        for (size_t i = 0; i < rails->count; i++)
            watts += (double)rails->rail[i].uj / 1e6;
        watts /= c->side[s].covered[metric];
        most = watts > most ? watts : most;
    }
    return most;
}

void compare_find_whole(struct compare *c)
{
    for (size_t m = 0; m < COMPARE_METRICS; m++) {
        double whole = compare_metrics[m].whole;

        if (m == COMPARE_CPU)
            whole = session_most(c, false);
        else if (m == COMPARE_MEMORY)
            whole = session_most(c, true);
        else if (m == COMPARE_CPU_ENERGY || m == COMPARE_GPU_ENERGY)
            whole = power_most(c, (enum compare_metric)m);
        c->whole[m] = whole > 0 ? whole : sum_most(c, (enum compare_metric)m);
    }
}

/* The known parts of a value, smallest and largest. */
struct spread {
    double low, high;
    size_t count;
};

static bool part_known(const struct compare_side *side, const struct compare_value *value,
                       size_t part)
{
    return side->part_seconds[part] > 0 && !isnan(value->part[part]);
}

static struct spread find_spread(const struct compare_side *side, const struct compare_value *value)
{
    struct spread s = { .count = 0 };

    for (size_t p = 0; p < side->part_count; p++) {
        double part = value->part[p];

        if (!part_known(side, value, p))
            continue;
        s.low = s.count == 0 || part < s.low ? part : s.low;
        s.high = s.count == 0 || part > s.high ? part : s.high;
        s.count++;
    }
    return s;
}

/* Do three of four parts of the other window lie as far from `middle` as that, to the side of the change? */
static bool stands_apart(const struct compare_side *other, const struct compare_value *value,
                         double middle, double noise, bool above)
{
    size_t count = 0, apart = 0;

    for (size_t p = 0; p < other->part_count; p++) {
        double distance = above ? value->part[p] - middle : middle - value->part[p];

        if (!part_known(other, value, p))
            continue;
        count++;
        apart += distance > noise;
    }
    return apart * OF_PARTS >= count * OF_PARTS_APART;
}

static double middle_seconds(const struct window *w)
{
    return (double)compare_middle(w) / SECOND_NS;
}

/*
 * Where what goes one way from each part to the next will be in the other window of the same recording, if it
 * goes on like that; as a change, 0 for what does not.
 */
static double growth(const struct compare *c, const struct compare_value *value, size_t steady)
{
    const struct compare_side *side = &c->side[steady];
    size_t count = side->part_count;
    double seconds, all;

    if (count < 2 || c->asked[0]->recording != c->asked[1]->recording)
        return 0;
    all = value->part[count - 1] - value->part[0];
    for (size_t p = 1; p < count; p++)
        if (!part_known(side, value, p - 1) || !part_known(side, value, p) ||
            !((value->part[p] - value->part[p - 1]) * all > 0))
            return 0;
    seconds = middle_seconds(&side->part[count - 1]) - middle_seconds(&side->part[0]);
    return all / seconds *
           (middle_seconds(&c->side[1 - steady].subject->window) -
            middle_seconds(&side->subject->window));
}

/* Hold one side against how the other, which is taken as steady, varies. */
static void judge_by(const struct compare *c, struct compare_change *change, size_t steady,
                     double least, bool grows)
{
    const struct compare_value *value = &change->side[steady];
    struct spread s = find_spread(&c->side[steady], value);
    double change_there = change->side[1 - steady].rate - value->rate;
    bool above = change_there > 0;
    double bound = (above ? s.high - value->rate : value->rate - s.low) + (s.high - s.low) * BEYOND;
    double more = grows ? growth(c, value, steady) : 0;
    double noise = fmax(bound + (more * change_there > 0 ? GROWTH_TIMES * fabs(more) : 0), least);
    bool apart =
        fabs(change_there) > noise &&
        stands_apart(&c->side[1 - steady], &change->side[1 - steady], value->rate, noise, above);

    if (isnan(change->noise) || (apart && change->verdict != COMPARE_BEYOND) ||
        (apart == (change->verdict == COMPARE_BEYOND) && noise < change->noise))
        change->noise = noise;
    if (apart)
        change->verdict = COMPARE_BEYOND;
}

void compare_judge(const struct compare *c, struct compare_change *change, double least,
                   double whole, bool grows)
{
    change->verdict = COMPARE_MISSING;
    change->change = change->noise = NAN;
    change->effect = 0;
    if (!change->side[0].known || !change->side[1].known)
        return;
    change->change = change->side[1].rate - change->side[0].rate;
    change->effect = whole > 0 ? fabs(change->change) / whole : 0;
    change->verdict = fabs(change->change) < least ? COMPARE_WITHIN : COMPARE_SHORT;
    for (size_t s = 0; s < COMPARE_SIDES; s++)
        if (find_spread(&c->side[s], &change->side[s]).count < COMPARE_PARTS_LEAST)
            return;
    change->verdict = COMPARE_WITHIN;
    for (size_t s = 0; s < COMPARE_SIDES; s++)
        if (c->side[s].part_count * MUCH_SHORTER > c->side[1 - s].part_count)
            judge_by(c, change, s, least, grows);
}

/*
 * A device's energy is shared out by the time on it: who has the same time as before, at another price, has
 * changed nothing. What a kernel charges to each process is its own.
 */
static void judge_energy(const struct compare *c, struct compare_program *program,
                         enum compare_metric energy, enum compare_metric time)
{
    struct compare_change *change = &program->of[energy];
    const struct compare_change *by = &program->of[time];

    if (change->verdict == COMPARE_BEYOND && by->verdict != COMPARE_MISSING &&
        (c->side[0].absent_is_zero[energy] || c->side[1].absent_is_zero[energy]) &&
        !(by->verdict == COMPARE_BEYOND && (by->change > 0) == (change->change > 0)))
        change->verdict = COMPARE_SHARED;
}

/* The metric that says most: what is beyond noise before what is not. */
static void choose(const struct compare *c, struct compare_program *program)
{
    program->first = c->sort == COMPARE_METRICS ? COMPARE_CPU : c->sort;
    for (size_t m = 0; m < COMPARE_METRICS; m++) {
        const struct compare_change *best = &program->of[program->first], *of = &program->of[m];

        if (c->sort == COMPARE_METRICS &&
            ((of->verdict == COMPARE_BEYOND && best->verdict != COMPARE_BEYOND) ||
             (of->effect > best->effect &&
              (of->verdict == COMPARE_BEYOND) == (best->verdict == COMPARE_BEYOND))))
            program->first = (enum compare_metric)m;
    }
    program->effect = program->of[program->first].effect;
    program->beyond = program->of[program->first].verdict == COMPARE_BEYOND;
}

static int by_effect(const void *a, const void *b)
{
    const struct compare_program *x = a, *y = b;

    if (x->beyond != y->beyond)
        return x->beyond ? -1 : 1;
    if (x->effect != y->effect)
        return x->effect > y->effect ? -1 : 1;
    return compare_names(&x->name, &y->name);
}

void compare_rank(struct compare *c)
{
    for (size_t i = 0; i < c->program_count; i++) {
        for (size_t m = 0; m < COMPARE_METRICS; m++)
            compare_judge(c, &c->program[i].of[m], compare_metrics[m].least, c->whole[m],
                          m == COMPARE_MEMORY);
        judge_energy(c, &c->program[i], COMPARE_CPU_ENERGY, COMPARE_CPU);
        judge_energy(c, &c->program[i], COMPARE_GPU_ENERGY, COMPARE_GPU);
        choose(c, &c->program[i]);
    }
    if (c->program_count > 1)
        qsort(c->program, c->program_count, sizeof *c->program, by_effect);
}
