/* Changes as rows: for people those beyond noise, for machines all, in the same order. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/compare_output.h"
#include "analyzer/human.h"
#include "analyzer/report_ask.h"
#include "analyzer/shell.h"

enum { WORD_MAX = 200, COLUMN_COVERED = COMPARE_METRICS };

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
    if (isnan(row->change->change))
        return "missing";
    if (row->program != NULL && row->program->group[0] == 0)
        return "new";
    if (row->program != NULL && row->program->group[1] == 0)
        return "gone";
    return row->change->change > 0 ? "more" : row->change->change < 0 ? "less" : "same";
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

static void machine_side(const struct compare_output *p, const struct row *row, size_t s,
                         struct output_cell cells[M_COUNT])
{
    const struct compare_side *side = &p->c->side[s];
    const struct window *w = &side->subject->window;
    const struct report *r = side->report;
    const struct compare_program *program = row->program;
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
    cells[M_COVERED_A + s] = real_cell(row->change->side[s].covered_seconds);
    cells[times].integer = cells[times + 1].integer = w->from_ns;
    cells[times + 2].integer = cells[times + 3].integer = w->to_ns;
}

static void machine_row(struct compare_output *p, const struct row *row)
{
    struct output_cell cells[M_COUNT] = { { .missing = false } };
    char replay[COMPARE_NOTE_MAX];

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
    compare_put_replay(p, row->change, replay, sizeof replay);
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

static void person_row(struct compare_output *p, const struct row *row)
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

static void put(struct compare_output *p, const struct row *row)
{
    if (p->people)
        person_row(p, row);
    else
        machine_row(p, row);
}

static void put_host(struct compare_output *p)
{
    for (size_t i = 0; i < p->c->host_count; i++) {
        const struct compare_host_figure *h = &p->c->host[i];
        const struct row row = { .kind = "host",
                                 .name = h->name,
                                 .title = h->title,
                                 .unit = h->unit,
                                 .source = h->source,
                                 .figure = h->figure,
                                 .human = h->human,
                                 .change = &h->change };

        if (!p->people || h->change.side[0].known || h->change.side[1].known)
            put(p, &row);
    }
}

static void put_metric(struct compare_output *p, size_t rank, const struct compare_program *program,
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
static void put_program(struct compare_output *p, size_t rank,
                        const struct compare_program *program)
{
    put_metric(p, rank, program, program->first);
    for (size_t m = 0; m < COMPARE_METRICS; m++)
        if (m != program->first)
            put_metric(p, rank, program, m);
}

static enum status begin(struct compare_output *p, struct error *err)
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
    struct compare_output p = { .c = c, .how = how, .people = options->format == OUTPUT_TABLE };
    enum status st = begin(&p, err);

    if (st == STATUS_OK)
        st = output_open(&p.out, file, p.people ? person_columns : machine_columns,
                         p.people ? P_COUNT : M_COUNT, options, err);
    if (st == STATUS_OK) {
        size_t count = compare_count_shown(&p);

        put_host(&p);
        for (size_t i = 0; i < count && !output_broken(&p.out); i++)
            put_program(&p, i + 1, &c->program[i]);
        compare_put_notes(&p);
        st = output_close(&p.out, err);
    }
    for (size_t s = 0; s < COMPARE_SIDES; s++) {
        free(p.replay[s]);
        free(p.report[s]);
    }
    return st;
}
