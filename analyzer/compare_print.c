/* Changes as rows: for people those beyond noise, for machines all, in the same order. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/compare_private.h"
#include "analyzer/human.h"
#include "analyzer/report_ask.h"
#include "analyzer/shell.h"
#include "analyzer/trust.h"

enum { WORD_MAX = 200, NOTE_MAX = 4096, REPLAYS_MAX = 5, COLUMN_COVERED = COMPARE_METRICS };

struct printing {
    const struct compare *c;
    const struct compare_printing *how;
    struct output out;
    bool people;
    char *replay[COMPARE_SIDES], *report[COMPARE_SIDES]; /* commands, before their times */
};

/* What a row is of. */
struct row {
    const char *kind;                      /* "host", "program" */
    size_t rank;                           /* of a program, from 1 */
    const struct compare_program *program; /* NULL: the host */
    const char *name, *title, *unit, *source, *figure;
    double human;
    const struct compare_change *change;
};

static struct output_cell text_cell(const char *text)
{
    return (struct output_cell){ .missing = text == NULL,
                                 .text = text,
                                 .text_size = text == NULL ? 0 : strlen(text) };
}

static struct output_cell real_cell(double value)
{
    return (struct output_cell){ .missing = isnan(value), .real = value };
}

/* What happened to it. */
static const char *what_of(const struct row *row)
{
    if (row->program != NULL && row->program->group[0] == 0)
        return "new";
    if (row->program != NULL && row->program->group[1] == 0)
        return "gone";
    if (isnan(row->change->change))
        return "missing";
    return row->change->change > 0 ? "more" : row->change->change < 0 ? "less" : "same";
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
    return w->from_ns + (w->to_ns - w->from_ns) / 2;
}

static void put_time(char *text, size_t size, int64_t ns)
{
    (void)snprintf(text, size, "@%" PRId64 ".%09d", ns / 1000000000, (int)(ns % 1000000000));
}

static void put_replay(const struct printing *p, const struct compare_change *change, char *text,
                       size_t size)
{
    char at[40];
    size_t side;

    put_time(at, sizeof at, moment(p->c, change, &side));
    (void)snprintf(text, size, "%s --at %s", p->replay[side], at);
}

/* --- for machines --- */

enum machine {
    M_ROW,
    M_RANK,
    M_WHAT,
    M_NAME,
    M_METRIC,
    M_SOURCE,
    M_FIGURE,
    M_VALUE_A,
    M_VALUE_B,
    M_RATE_A,
    M_RATE_B,
    M_CHANGE,
    M_NOISE,
    M_EFFECT,
    M_VERDICT,
    M_PROCESSES_A,
    M_PROCESSES_B,
    M_PRESENT_A,
    M_PRESENT_B,
    M_COVERED_A,
    M_COVERED_B,
    M_FROM_A,
    M_FROM_NS_A,
    M_TO_A,
    M_TO_NS_A,
    M_FROM_B,
    M_FROM_NS_B,
    M_TO_B,
    M_TO_NS_B,
    M_REPLAY,
    M_COUNT,
};

static const struct output_column machine_columns[M_COUNT] = {
    [M_ROW] = { "row", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [M_RANK] = { "rank", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [M_WHAT] = { "what", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [M_NAME] = { "name", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [M_METRIC] = { "metric", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [M_SOURCE] = { "source", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [M_FIGURE] = { "figure", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [M_VALUE_A] = { "value_a", OUTPUT_REAL, HUMAN_PLAIN, 0 },
    [M_VALUE_B] = { "value_b", OUTPUT_REAL, HUMAN_PLAIN, 0 },
    [M_RATE_A] = { "rate_a", OUTPUT_REAL, HUMAN_PLAIN, 0 },
    [M_RATE_B] = { "rate_b", OUTPUT_REAL, HUMAN_PLAIN, 0 },
    [M_CHANGE] = { "change", OUTPUT_REAL, HUMAN_PLAIN, 0 },
    [M_NOISE] = { "noise", OUTPUT_REAL, HUMAN_PLAIN, 0 },
    [M_EFFECT] = { "effect", OUTPUT_REAL, HUMAN_PLAIN, 0 },
    [M_VERDICT] = { "verdict", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [M_PROCESSES_A] = { "processes_a", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [M_PROCESSES_B] = { "processes_b", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [M_PRESENT_A] = { "present_seconds_a", OUTPUT_REAL, HUMAN_PLAIN, 0 },
    [M_PRESENT_B] = { "present_seconds_b", OUTPUT_REAL, HUMAN_PLAIN, 0 },
    [M_COVERED_A] = { "covered_seconds_a", OUTPUT_REAL, HUMAN_PLAIN, 0 },
    [M_COVERED_B] = { "covered_seconds_b", OUTPUT_REAL, HUMAN_PLAIN, 0 },
    [M_FROM_A] = { "from_a", OUTPUT_TIME, HUMAN_TIME, 0 },
    [M_FROM_NS_A] = { "from_ns_a", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [M_TO_A] = { "to_a", OUTPUT_TIME, HUMAN_TIME, 0 },
    [M_TO_NS_A] = { "to_ns_a", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [M_FROM_B] = { "from_b", OUTPUT_TIME, HUMAN_TIME, 0 },
    [M_FROM_NS_B] = { "from_ns_b", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [M_TO_B] = { "to_b", OUTPUT_TIME, HUMAN_TIME, 0 },
    [M_TO_NS_B] = { "to_ns_b", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [M_REPLAY] = { "replay", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
};

static void machine_side(const struct printing *p, const struct row *row, size_t s,
                         struct output_cell cells[M_COUNT])
{
    const struct compare_side *side = &p->c->side[s];
    const struct window *w = &side->subject->window;
    const struct report *r = side->report;
    const struct compare_program *program = row->program;
    size_t metric = program == NULL ? 0 : (size_t)(row->change - program->of);
    size_t times = s == 0 ? M_FROM_A : M_FROM_B;

    cells[M_VALUE_A + s] = real_cell(row->change->side[s].figure);
    cells[M_RATE_A + s] = real_cell(row->change->side[s].rate);
    cells[M_PROCESSES_A + s] =
        (struct output_cell){ .missing = program == NULL || program->group[s] == 0,
                              .integer = program == NULL ? 0 : (int64_t)program->processes[s] };
    cells[M_PRESENT_A + s] =
        real_cell(program == NULL ? NAN
                                  : report_column_number(r->column[COLUMN_COVERED], &r->aggregate,
                                                         program->group[s]));
    cells[M_COVERED_A + s] =
        real_cell(program == NULL ? side->covered_seconds : side->covered[metric]);
    cells[times].integer = cells[times + 1].integer = w->from_ns;
    cells[times + 2].integer = cells[times + 3].integer = w->to_ns;
}

static void machine_row(struct printing *p, const struct row *row)
{
    struct output_cell cells[M_COUNT] = { { .missing = false } };
    char replay[NOTE_MAX];

    cells[M_ROW] = text_cell(row->kind);
    cells[M_RANK] =
        (struct output_cell){ .missing = row->rank == 0, .integer = (int64_t)row->rank };
    cells[M_WHAT] = text_cell(what_of(row));
    cells[M_NAME] = row->program == NULL
                        ? text_cell(NULL)
                        : (struct output_cell){ .text = row->program->name.data,
                                                .text_size = row->program->name.size };
    cells[M_METRIC] = text_cell(row->name);
    cells[M_SOURCE] = text_cell(row->source);
    cells[M_FIGURE] = text_cell(row->figure);
    cells[M_CHANGE] = real_cell(row->change->change);
    cells[M_NOISE] = real_cell(row->change->noise);
    cells[M_EFFECT] =
        real_cell(row->program == NULL || isnan(row->change->change) ? NAN : row->change->effect);
    cells[M_VERDICT] = text_cell(compare_verdicts[row->change->verdict]);
    for (size_t s = 0; s < COMPARE_SIDES; s++)
        machine_side(p, row, s, cells);
    put_replay(p, row->change, replay, sizeof replay);
    cells[M_REPLAY] = text_cell(row->change->verdict == COMPARE_BEYOND ? replay : NULL);
    output_row(&p->out, cells, OUTPUT_NORMAL);
}

/* --- for people --- */

enum person { P_NUMBER, P_WHAT, P_WHO, P_FIGURE, P_A, P_B, P_CHANGE, P_NOISE, P_VERDICT, P_COUNT };

static const struct output_column person_columns[P_COUNT] = {
    [P_NUMBER] = { "#", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [P_WHAT] = { "WHAT", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [P_WHO] = { "WHO", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [P_FIGURE] = { "FIGURE", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [P_A] = { "A", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [P_B] = { "B", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [P_CHANGE] = { "CHANGE", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [P_NOISE] = { "NOISE", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [P_VERDICT] = { "VERDICT", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
};

static void put_amount(char text[WORD_MAX], double amount, const struct row *row, bool sign)
{
    if (isnan(amount)) {
        (void)snprintf(text, WORD_MAX, "-");
        return;
    }
    *text = amount < 0 ? '-' : '+';
    human_put_unit(text + (sign && amount != 0), WORD_MAX - 1,
                   (sign ? fabs(amount) : amount) * row->human, row->unit);
}

static void person_row(struct printing *p, const struct row *row)
{
    static const char host[] = "all of it";
    struct output_cell cells[P_COUNT];
    char number[24] = "", amount[4][WORD_MAX];

    if (row->rank > 0)
        (void)snprintf(number, sizeof number, "%zu", row->rank);
    put_amount(amount[0], row->change->side[0].rate, row, false);
    put_amount(amount[1], row->change->side[1].rate, row, false);
    put_amount(amount[2], row->change->change, row, true);
    put_amount(amount[3], row->change->noise, row, false);
    cells[P_NUMBER] = text_cell(number);
    cells[P_WHAT] = text_cell(row->program == NULL ? "host" : what_of(row));
    cells[P_WHO] = row->program == NULL
                       ? text_cell(host)
                       : (struct output_cell){ .text = row->program->name.data,
                                               .text_size = row->program->name.size };
    cells[P_FIGURE] = text_cell(row->title);
    for (size_t i = 0; i < COUNT_OF(amount); i++)
        cells[P_A + i] = text_cell(amount[i]);
    cells[P_VERDICT] = text_cell(compare_verdicts[row->change->verdict]);
    output_row(&p->out, cells, row->program == NULL ? OUTPUT_DIM : OUTPUT_NORMAL);
}

/* --- rows --- */

static void put(struct printing *p, const struct row *row)
{
    if (p->people)
        person_row(p, row);
    else
        machine_row(p, row);
}

static void put_host(struct printing *p)
{
    for (size_t i = 0; i < p->c->host_count; i++) {
        const struct compare_host_figure *h = &p->c->host[i];
        const struct row row = { .kind = "host",
                                 .name = h->name,
                                 .title = h->title,
                                 .unit = h->unit,
                                 .source = h->source,
                                 .figure = h->name,
                                 .human = h->human,
                                 .change = &h->change };

        if (!p->people || h->change.side[0].known || h->change.side[1].known)
            put(p, &row);
    }
}

static void put_metric(struct printing *p, size_t rank, const struct compare_program *program,
                       size_t m)
{
    const struct compare_metric_kind *kind = &compare_metrics[m];
    const struct compare_change *change = &program->of[m];
    char source[40];
    const struct row row = { .kind = "program",
                             .rank = rank,
                             .program = program,
                             .name = kind->name,
                             .title = kind->title,
                             .unit = kind->unit,
                             .source = source,
                             .figure = kind->column,
                             .human = 1,
                             .change = change };

    (void)snprintf(source, sizeof source, "report --by %s", report_group_names[p->c->by]);
    if (p->c->sort != COMPARE_METRICS && m != p->c->sort)
        return;
    if (p->people && !p->how->all && change->verdict != COMPARE_BEYOND)
        return;
    if (!change->side[0].known && !change->side[1].known)
        return;
    put(p, &row);
}

/* The metric that it stands here for, then its others. */
static void put_program(struct printing *p, size_t rank, const struct compare_program *program)
{
    put_metric(p, rank, program, program->first);
    for (size_t m = 0; m < COMPARE_METRICS; m++)
        if (m != program->first)
            put_metric(p, rank, program, m);
}

static size_t count_beyond(const struct compare *c)
{
    size_t count = 0;

    while (count < c->program_count && c->program[count].beyond)
        count++;
    return count;
}

static size_t count_shown(const struct printing *p)
{
    size_t count = p->people && !p->how->all ? count_beyond(p->c) : p->c->program_count;

    return count < p->how->top ? count : p->how->top;
}

/* --- notes --- */

static void note_side(struct printing *p, size_t s)
{
    const struct window *w = &p->c->side[s].subject->window;
    const struct zone *zone = &p->c->side[s].subject->zone;
    char name[40], from[HUMAN_ROOM], to[HUMAN_ROOM], length[HUMAN_ROOM], text[NOTE_MAX];

    if (p->out.options.zone == NULL)
        zone = NULL;
    *human_put_time(from, zone, w->from_ns) = '\0';
    *human_put_time(to, zone, w->to_ns) = '\0';
    *human_put_seconds(length, p->c->side[s].covered_seconds) = '\0';
    (void)snprintf(name, sizeof name, "window %c", 'A' + (int)s);
    (void)snprintf(text, sizeof text, "%s to %s of %s, %s covered in %zu parts", from, to,
                   p->how->files[s][0], length, p->c->side[s].part_count);
    output_note(&p->out, name, text);
}

static void note_method(struct printing *p)
{
    char text[1200];

    (void)snprintf(text, sizeof text,
                   "rows of report --by %s, each matched by that name and divided by covered time; "
                   "a change is "
                   "beyond noise if it is more than any two of up to %d parts of the same window "
                   "differ, and at "
                   "least %.2f cores, %.0f MiB, %.0f kB/s, %.1f W (GPUs %.1f W) or %.2f GPUs; the "
                   "order is by share "
                   "of the cores, the memory, 100 MB/s, or the devices' power",
                   report_group_names[p->c->by], COMPARE_PARTS, compare_metrics[COMPARE_CPU].least,
                   compare_metrics[COMPARE_MEMORY].least / 1048576,
                   compare_metrics[COMPARE_READ].least / 1e3,
                   compare_metrics[COMPARE_CPU_ENERGY].least,
                   compare_metrics[COMPARE_GPU_ENERGY].least, compare_metrics[COMPARE_GPU].least);
    output_note(&p->out, "method", text);
}

/* What only one side tells is not compared. */
static void note_missing(struct printing *p)
{
    char name[40], text[NOTE_MAX];

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

static void note_counts(struct printing *p)
{
    size_t both = 0, only[COMPARE_SIDES] = { 0 }, shown = count_shown(p),
           beyond = count_beyond(p->c);
    char text[400];

    for (size_t i = 0; i < p->c->program_count; i++) {
        const struct compare_program *program = &p->c->program[i];

        both += program->group[0] != 0 && program->group[1] != 0;
        only[0] += program->group[1] == 0;
        only[1] += program->group[0] == 0;
    }
    (void)snprintf(
        text, sizeof text, "%zu in both, %zu only in A, %zu only in B; %zu beyond noise%s", both,
        only[0], only[1], beyond,
        both == 0 && p->c->by != BY_COMM ? "; none is in both: --by comm matches by the bare name"
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

static void note_commands(struct printing *p)
{
    char name[40], text[NOTE_MAX], from[40], to[40];
    size_t shown = count_shown(p), beyond = count_beyond(p->c);

    for (size_t i = 0; i < shown && i < beyond && i < REPLAYS_MAX; i++) {
        const struct compare_program *program = &p->c->program[i];

        (void)snprintf(name, sizeof name, "look at %zu", i + 1);
        put_replay(p, &program->of[program->first], text, sizeof text);
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

static void put_notes(struct printing *p)
{
    const struct zone *zone = p->out.options.zone;

    for (size_t s = 0; s < COMPARE_SIDES; s++)
        note_side(p, s);
    note_counts(p);
    note_missing(p);
    note_method(p);
    note_commands(p);
    for (size_t s = 0; s < COMPARE_SIDES; s++) {
        if (zone != NULL)
            p->out.options.zone = &p->c->side[s].subject->zone;
        trust_notes_of(&p->out, p->c->side[s].report, p->c->side[s].subject, s == 0 ? " A" : " B");
    }
    p->out.options.zone = zone;
}

static enum status begin(struct printing *p, struct error *err)
{
    for (size_t s = 0; s < COMPARE_SIDES; s++) {
        p->replay[s] = shell_command("procscope replay", p->how->files[s], p->how->file_count[s]);
        p->report[s] = shell_command("procscope report", p->how->files[s], p->how->file_count[s]);
        if (p->replay[s] == NULL || p->report[s] == NULL)
            return error_set(err, STATUS_NO_MEMORY, "a command");
    }
    return STATUS_OK;
}

enum status compare_print(const struct compare *c, const struct compare_printing *how, FILE *file,
                          const struct output_options *options, struct error *err)
{
    struct printing p = { .c = c, .how = how, .people = options->format == OUTPUT_TABLE };
    enum status st = begin(&p, err);

    if (st == STATUS_OK)
        st = output_open(&p.out, file, p.people ? person_columns : machine_columns,
                         p.people ? P_COUNT : M_COUNT, options, err);
    if (st == STATUS_OK) {
        size_t count = count_shown(&p);

        put_host(&p);
        for (size_t i = 0; i < count && !output_broken(&p.out); i++)
            put_program(&p, i + 1, &c->program[i]);
        put_notes(&p);
        st = output_close(&p.out, err);
    }
    for (size_t s = 0; s < COMPARE_SIDES; s++) {
        free(p.replay[s]);
        free(p.report[s]);
    }
    return st;
}
