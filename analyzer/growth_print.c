/* Who grows, as rows; what was done and what is not known, as notes. */
#include <stdio.h>
#include <string.h>

#include "analyzer/growth.h"
#include "analyzer/human.h"
#include "analyzer/trust.h"

enum { WORD_MAX = 100 };

static struct output_cell text_cell(const char *text)
{
    return (struct output_cell){ .missing = text == NULL || text[0] == '\0',
                                 .text = text,
                                 .text_size = text == NULL ? 0 : strlen(text) };
}

static struct output_cell who_cell(const struct growth_row *row)
{
    return (struct output_cell){ .missing = row->who == NULL,
                                 .text = row->who,
                                 .text_size = row->who_size };
}

/* --- for people --- */

enum person {
    P_WHO,
    P_FIGURE,
    P_RATE,
    P_BETWEEN,
    P_FROM,
    P_TO,
    P_OVER,
    P_RESTARTS,
    P_LEFT,
    P_COUNT
};
static const struct output_column person_columns[P_COUNT] = {
    [P_WHO] = { "WHO", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [P_FIGURE] = { "FIGURE", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [P_RATE] = { "PER HOUR", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [P_BETWEEN] = { "BETWEEN", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [P_FROM] = { "FROM", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [P_TO] = { "TO", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [P_OVER] = { "OVER", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [P_RESTARTS] = { "RESTARTS", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [P_LEFT] = { "TIME LEFT", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
};

static void show(char text[WORD_MAX], const struct growth_figure *figure, double value)
{
    char shown[HUMAN_ROOM + 1];
    bool below = value < 0;

    if (strcmp(figure->unit, "bytes") == 0)
        *human_put_bytes(shown, below ? -value : value) = '\0';
    else
        (void)snprintf(shown, sizeof shown, "%.1f", below ? -value : value);
    (void)snprintf(text, WORD_MAX, "%s%s", below ? "-" : "", shown);
}

static void person_row(struct output *out, const struct growth_row *row)
{
    const struct growth_figure *figure = &growth_figures[row->figure];
    char rate[WORD_MAX], low[WORD_MAX], high[WORD_MAX], between[2 * WORD_MAX + 4], from[WORD_MAX],
        to[WORD_MAX], over[HUMAN_ROOM + 1], left[HUMAN_ROOM + 1] = "";
    struct output_cell cells[P_COUNT];

    show(rate, figure, row->trend.slope);
    show(low, figure, row->trend.low);
    show(high, figure, row->trend.high);
    (void)snprintf(between, sizeof between, "%s, %s", low, high);
    show(from, figure, row->begin);
    show(to, figure, row->end);
    *human_put_seconds(over, (double)(row->to_ns - row->from_ns) / 1e9) = '\0';
    if (row->limited)
        *human_put_seconds(left, row->hours * 3600) = '\0';
    cells[P_WHO] = who_cell(row);
    cells[P_FIGURE] = text_cell(figure->title);
    cells[P_RATE] = text_cell(rate);
    cells[P_BETWEEN] = text_cell(between);
    cells[P_FROM] = text_cell(from);
    cells[P_TO] = text_cell(to);
    cells[P_OVER] = text_cell(over);
    cells[P_RESTARTS] = (struct output_cell){ .integer = (int64_t)row->processes - 1 };
    cells[P_LEFT] = text_cell(left);
    output_row(out, cells, row->grows ? OUTPUT_NORMAL : OUTPUT_DIM);
}

/* --- for machines --- */

enum machine {
    M_WHO,
    M_PROCESS_ID,
    M_PID,
    M_PROCESSES,
    M_FIGURE,
    M_TABLE,
    M_METRIC,
    M_UNIT,
    M_GROWS,
    M_SLOPE,
    M_LOW,
    M_HIGH,
    M_Z,
    M_SCATTER,
    M_LASTS,
    M_POINTS,
    M_BEGIN,
    M_END,
    M_RISE,
    M_FROM,
    M_FROM_NS,
    M_TO,
    M_TO_NS,
    M_AVAILABLE,
    M_LEFT,
    M_COUNT
};
static const struct output_column machine_columns[M_COUNT] = {
    [M_WHO] = { "lineage", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [M_PROCESS_ID] = { "process_id", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [M_PID] = { "pid", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [M_PROCESSES] = { "processes", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [M_FIGURE] = { "figure", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [M_TABLE] = { "source", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [M_METRIC] = { "metric", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [M_UNIT] = { "unit", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [M_GROWS] = { "grows", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [M_SLOPE] = { "per_hour", OUTPUT_REAL, HUMAN_PLAIN, 0 },
    [M_LOW] = { "per_hour_low", OUTPUT_REAL, HUMAN_PLAIN, 0 },
    [M_HIGH] = { "per_hour_high", OUTPUT_REAL, HUMAN_PLAIN, 0 },
    [M_Z] = { "z", OUTPUT_REAL, HUMAN_PLAIN, 0 },
    [M_SCATTER] = { "scatter", OUTPUT_REAL, HUMAN_PLAIN, 0 },
    [M_LASTS] = { "lasts", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [M_POINTS] = { "points", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [M_BEGIN] = { "first_mean", OUTPUT_REAL, HUMAN_PLAIN, 0 },
    [M_END] = { "last_mean", OUTPUT_REAL, HUMAN_PLAIN, 0 },
    [M_RISE] = { "rise", OUTPUT_REAL, HUMAN_PLAIN, 0 },
    [M_FROM] = { "from", OUTPUT_TIME, HUMAN_TIME, 0 },
    [M_FROM_NS] = { "from_ns", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [M_TO] = { "to", OUTPUT_TIME, HUMAN_TIME, 0 },
    [M_TO_NS] = { "to_ns", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [M_AVAILABLE] = { "available_bytes", OUTPUT_REAL, HUMAN_PLAIN, 0 },
    [M_LEFT] = { "hours_left", OUTPUT_REAL, HUMAN_PLAIN, 0 },
};

static struct output_cell integer_cell(int64_t value)
{
    return (struct output_cell){ .integer = value };
}

static struct output_cell real_cell(bool known, double value)
{
    return (struct output_cell){ .missing = !known, .real = value };
}

static void machine_row(struct output *out, const struct growth_row *row)
{
    const struct growth_figure *figure = &growth_figures[row->figure];
    const struct trend *t = &row->trend;
    const struct output_cell cells[M_COUNT] = {
        [M_WHO] = who_cell(row),
        [M_PROCESS_ID] = integer_cell(row->process_id),
        [M_PID] = integer_cell(row->pid),
        [M_PROCESSES] = integer_cell((int64_t)row->processes),
        [M_FIGURE] = text_cell(figure->title),
        [M_TABLE] = text_cell(figure->table),
        [M_METRIC] = text_cell(figure->metric),
        [M_UNIT] = text_cell(figure->unit),
        [M_GROWS] = integer_cell(row->grows),
        [M_SLOPE] = real_cell(true, t->slope),
        [M_LOW] = real_cell(true, t->low),
        [M_HIGH] = real_cell(true, t->high),
        [M_Z] = real_cell(true, t->z),
        [M_SCATTER] = real_cell(true, t->scatter),
        [M_LASTS] = integer_cell(t->holds),
        [M_POINTS] = integer_cell((int64_t)t->points),
        [M_BEGIN] = real_cell(true, row->begin),
        [M_END] = real_cell(true, row->end),
        [M_RISE] = real_cell(true, t->rise),
        [M_FROM] = integer_cell(row->from_ns),
        [M_FROM_NS] = integer_cell(row->from_ns),
        [M_TO] = integer_cell(row->to_ns),
        [M_TO_NS] = integer_cell(row->to_ns),
        [M_AVAILABLE] = real_cell(row->limited, row->left),
        [M_LEFT] = real_cell(row->limited, row->hours),
    };

    output_row(out, cells, row->grows ? OUTPUT_NORMAL : OUTPUT_DIM);
}

/* --- notes --- */

static void note_answer(const struct growth *g, struct output *out, size_t shown)
{
    size_t grow = 0;
    char text[300];

    for (size_t i = 0; i < g->row_count; i++)
        grow += g->row[i].grows;
    (void)snprintf(text, sizeof text, "%zu of %zu series grow%s", grow, g->series_count,
                   shown < g->row_count ? "; --top 0 shows all" : "");
    output_note(out, "growth", text);
}

static void note_method(struct output *out)
{
    output_note(
        out, "method",
        "means of steps; of a service, one process after the other by lineage, the median of "
        "the slopes between all pairs of steps of the same process (Theil-Sen) and its 95 % "
        "interval; grows: Mann-Kendall z of 5.3 or more with ties and likeness of neighbours "
        "taken into account, the interval above 0, nine tenths of the last third above "
        "nine tenths of the first, and 950 kB or 1 an hour or more");
}

static void note_limits(const struct growth *g, struct output *out)
{
    char text[400], missing[200] = "", available[HUMAN_ROOM + 1];
    size_t used = 0;

    for (size_t i = 0; i < growth_figure_count; i++)
        if (g->missing[i] && used < sizeof missing)
            used += (size_t)snprintf(missing + used, sizeof missing - used, "%s%s",
                                     used == 0 ? "" : ", ", growth_figures[i].title);
    if (missing[0] != '\0')
        output_note(out, "not recorded", missing);
    if (g->available < 0) {
        output_note(out, "limits", "what memory was left is not recorded; of others no limit is");
        return;
    }
    *human_put_bytes(available, g->available) = '\0';
    (void)snprintf(text, sizeof text,
                   "time left: until the %s that the host had available at the end are used, if "
                   "nothing else changes; of files, threads and sockets no limit is recorded",
                   available);
    output_note(out, "limits", text);
}

enum status growth_print(const struct growth *g, FILE *file, const struct output_options *options,
                         struct error *err)
{
    bool people = options->format == OUTPUT_TABLE;
    size_t shown = g->row_count < g->top ? g->row_count : g->top;
    struct output out;
    enum status st = output_open(&out, file, people ? person_columns : machine_columns,
                                 people ? P_COUNT : M_COUNT, options, err);

    if (st != STATUS_OK) {
        (void)!output_close(&out, &(struct error){ 0 });
        return st;
    }
    for (size_t i = 0; i < shown && !output_broken(&out); i++) {
        if (people)
            person_row(&out, &g->row[i]);
        else
            machine_row(&out, &g->row[i]);
    }
    note_answer(g, &out, shown);
    note_method(&out);
    note_limits(g, &out);
    trust_notes_of_coverage(&out, &g->coverage, g->resets, g->asked);
    return output_close(&out, err);
}
