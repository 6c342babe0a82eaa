/* What stands below the rows of a comparison. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/compare_output.h"
#include "analyzer/compare_private.h"
#include "analyzer/human.h"
#include "analyzer/report_ask.h"
#include "analyzer/trust.h"

enum { REPLAYS_MAX = 5 };

size_t compare_count_beyond(const struct compare *c)
{
    size_t count = 0;

    while (count < c->program_count && c->program[count].beyond)
        count++;
    return count;
}

size_t compare_count_shown(const struct compare_output *p)
{
    size_t count = p->people && !p->how->all ? compare_count_beyond(p->c) : p->c->program_count;

    return count < p->how->top ? count : p->how->top;
}

/* --- a moment to look at --- */

/* Where it was most, on the side that has more of it. */
static int64_t moment(const struct compare *c, const struct compare_change *change, size_t *side)
{
    const struct window *w;
    double most = -1;

    *side = change->change < 0 ? 0 : 1;
    w = &c->side[*side].subject->window;
    for (size_t p = 0; p < c->side[*side].part_count; p++)
        if (c->side[*side].part_seconds[p] > 0 && change->side[*side].part[p] > most) {
            most = change->side[*side].part[p];
            w = &c->side[*side].part[p];
        }
    return compare_middle(w);
}

static void put_time(char *text, size_t size, int64_t ns)
{
    (void)snprintf(text, size, "@%" PRId64 ".%09d", ns / 1000000000, (int)(ns % 1000000000));
}

void compare_put_replay(const struct compare_output *p, const struct compare_change *change,
                        char *text, size_t size)
{
    char at[40];
    size_t side;

    put_time(at, sizeof at, moment(p->c, change, &side));
    (void)snprintf(text, size, "%s --at %s", p->replay[side], at);
}

/* --- notes --- */

static void note_side(struct compare_output *p, size_t s)
{
    const struct window *w = &p->c->side[s].subject->window;
    const struct zone *zone = &p->c->side[s].subject->zone;
    char name[40], from[HUMAN_ROOM], to[HUMAN_ROOM], length[HUMAN_ROOM], text[COMPARE_NOTE_MAX];

    if (p->out.options.zone == NULL)
        zone = NULL;
    *human_put_time(from, zone, w->from_ns) = '\0';
    *human_put_time(to, zone, w->to_ns) = '\0';
    *human_put_seconds(length, p->c->side[s].covered_seconds) = '\0';
    (void)snprintf(name, sizeof name, "window %c", 'A' + (int)s);
    (void)snprintf(text, sizeof text, "%s to %s of %s%s, %s covered, %zu parts", from, to,
                   p->how->files[s][0], p->how->file_count[s] > 1 ? " and others" : "", length,
                   p->c->side[s].part_count);
    output_note(&p->out, name, text);
}

static void note_method(struct compare_output *p)
{
    char text[1400];

    (void)snprintf(
        text, sizeof text,
        "rows of report --by %s, matched by that name and divided by covered time. A change is "
        "beyond noise "
        "if three of four parts of one window lie further from the mean of the other than its "
        "parts do, by as "
        "much as these differ, and by at least %.2f cores, %.0f MiB, %.0f kB/s, %.1f W (GPUs %.1f "
        "W) or %.2f "
        "GPUs; parts are of the same length, %d of the shorter window at most and %d of the "
        "longer. Of energy "
        "that is shared out by time only where the time has changed, too. The order is by share of "
        "the cores, "
        "the memory, 100 MB/s, or the devices' power",
        report_group_names[p->c->by], compare_metrics[COMPARE_CPU].least,
        compare_metrics[COMPARE_MEMORY].least / 1048576, compare_metrics[COMPARE_READ].least / 1e3,
        compare_metrics[COMPARE_CPU_ENERGY].least, compare_metrics[COMPARE_GPU_ENERGY].least,
        compare_metrics[COMPARE_GPU].least, COMPARE_PARTS_SHORT, COMPARE_PARTS);
    output_note(&p->out, "method", text);
}

/* Joules of a device that are shared out, and those that a kernel counted, are not of the same kind. */
static void note_energy(struct compare_output *p)
{
    bool shared[COMPARE_SIDES];

    for (size_t s = 0; s < COMPARE_SIDES; s++)
        shared[s] = p->c->side[s].absent_is_zero[COMPARE_CPU_ENERGY];
    if (shared[0] != shared[1] && p->c->side[0].known[COMPARE_CPU_ENERGY] &&
        p->c->side[1].known[COMPARE_CPU_ENERGY])
        output_note(&p->out, "energy",
                    shared[0]
                        ? "of CPUs in A shares of the packages', in B what the kernel charged: not "
                          "the same measure"
                        : "of CPUs in A what the kernel charged, in B shares of the packages': not "
                          "the same measure");
}

/* What only one side tells is not compared. */
static void note_missing(struct compare_output *p)
{
    char name[40], text[COMPARE_NOTE_MAX];

    for (size_t s = 0; s < COMPARE_SIDES; s++) {
        size_t used = 0;

        for (size_t m = 0; m < COMPARE_METRICS; m++)
            if (!p->c->side[s].known[m] && p->c->side[1 - s].known[m])
                used += (size_t)snprintf(text + used, sizeof text - used, "%s%s",
                                         used > 0 ? ", " : "", compare_metrics[m].name);
        if (used == 0)
            continue;
        (void)snprintf(name, sizeof name, "missing in %c", 'A' + (int)s);
        (void)snprintf(text + used, sizeof text - used,
                       ": no row has it there, so it is not compared");
        output_note(&p->out, name, text);
    }
}

static const char *system_of(const struct compare *c, size_t side)
{
    const struct recording_contents *contents = c->asked[side]->contents;

    return contents->session_count == 0 ? "" : contents->sessions[contents->session_count - 1].os;
}

static bool systems_differ(const struct compare *c)
{
    return strcmp(system_of(c, 0), system_of(c, 1)) != 0;
}

static void note_counts(struct compare_output *p)
{
    size_t both = 0, only[COMPARE_SIDES] = { 0 }, shown = compare_count_shown(p),
           beyond = compare_count_beyond(p->c);
    char text[400];

    for (size_t i = 0; i < p->c->program_count; i++) {
        const struct compare_program *program = &p->c->program[i];

        both += program->group[0] != 0 && program->group[1] != 0;
        only[0] += program->group[1] == 0;
        only[1] += program->group[0] == 0;
    }
    (void)snprintf(text, sizeof text,
                   "%zu in both, %zu only in A, %zu only in B; %zu beyond noise%s", both, only[0],
                   only[1], beyond,
                   p->c->by != BY_COMM && (both == 0 || systems_differ(p->c))
                       ? "; across systems --by comm matches by the bare name"
                       : "");
    output_note(&p->out, "programs", text);
    if (beyond == 0)
        output_note(&p->out, "nothing", "no change beyond noise");
    if (shown < beyond) {
        (void)snprintf(text, sizeof text, "%zu more beyond noise; --top 0 shows all",
                       beyond - shown);
        output_note(&p->out, "more", text);
    }
}

static void note_commands(struct compare_output *p)
{
    char name[40], text[COMPARE_NOTE_MAX], from[40], to[40];
    size_t shown = compare_count_shown(p), beyond = compare_count_beyond(p->c);

    for (size_t i = 0; i < shown && i < beyond && i < REPLAYS_MAX; i++) {
        const struct compare_program *program = &p->c->program[i];

        (void)snprintf(name, sizeof name, "look at %zu", i + 1);
        compare_put_replay(p, &program->of[program->first], text, sizeof text);
        output_note(&p->out, name, text);
    }
    for (size_t s = 0; s < COMPARE_SIDES; s++) {
        const struct window *w = &p->c->side[s].subject->window;

        put_time(from, sizeof from, w->from_ns);
        put_time(to, sizeof to, w->to_ns);
        (void)snprintf(name, sizeof name, "figures %c", 'A' + (int)s);
        (void)snprintf(text, sizeof text, "%s --by %s --from %s --to %s%s", p->report[s],
                       report_group_names[p->c->by], from, to,
                       select_all(p->c->select[s]) ? "" : " and the same selection");
        output_note(&p->out, name, text);
    }
}

void compare_put_notes(struct compare_output *p)
{
    const struct zone *zone = p->out.options.zone;

    for (size_t s = 0; s < COMPARE_SIDES; s++)
        note_side(p, s);
    note_counts(p);
    note_missing(p);
    note_energy(p);
    note_method(p);
    note_commands(p);
    for (size_t s = 0; s < COMPARE_SIDES; s++) {
        if (zone != NULL)
            p->out.options.zone = &p->c->side[s].subject->zone;
        trust_notes_of(&p->out, p->c->side[s].report, p->c->side[s].subject, s == 0 ? " A" : " B");
    }
    p->out.options.zone = zone;
}
