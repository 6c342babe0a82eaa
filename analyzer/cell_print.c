/* Lines as rows: each view has its columns. */
#include <stdio.h>
#include <string.h>

#include "analyzer/cell_private.h"

enum cell_of {
    CELL_LINE,
    CELL_PROCESS_ID,
    CELL_PID,
    CELL_FROM,
    CELL_TO,
    CELL_SAMPLES,
    CELL_BEFORE,
    CELL_VALUE,
    CELL_INCREASE,
    CELL_SECONDS,
    CELL_PERCENT,
    CELL_WATTS,
    CELL_PRODUCT,
    CELL_LARGEST,
    CELL_REACH,
    CELL_RAIL,
    CELL_READING_FROM,
    CELL_READING_TO,
    CELL_RAIL_JOULES,
    CELL_IDLE_JOULES,
    CELL_OWN,
    CELL_ALL,
    CELL_JOULES,
    CELL_UP,
    CELL_GPU_SECONDS,
    CELL_NOTE,
    CELL_COUNT,
    CELL_MEMBER = CELL_COUNT, /* in a view: process_id and pid, of groups */
    CELL_END,
};

static const struct output_column columns_known[CELL_COUNT] = {
    [CELL_LINE] = { "line", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [CELL_PROCESS_ID] = { "process_id", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [CELL_PID] = { "pid", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [CELL_FROM] = { "from_time", OUTPUT_TIME, HUMAN_PLAIN, 0 },
    [CELL_TO] = { "to_time", OUTPUT_TIME, HUMAN_PLAIN, 0 },
    [CELL_SAMPLES] = { "samples", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [CELL_BEFORE] = { "before", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [CELL_VALUE] = { "value", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [CELL_INCREASE] = { "increase", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [CELL_SECONDS] = { "seconds", OUTPUT_DECIMAL, HUMAN_PLAIN, -9 },
    [CELL_PERCENT] = { "percent", OUTPUT_DECIMAL, HUMAN_PLAIN, -7 },
    [CELL_WATTS] = { "watts", OUTPUT_DECIMAL, HUMAN_PLAIN, -6 },
    [CELL_PRODUCT] = { "value_seconds", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [CELL_LARGEST] = { "largest", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [CELL_REACH] = { "at_or_below_seconds", OUTPUT_DECIMAL, HUMAN_PLAIN, -9 },
    [CELL_RAIL] = { "rail", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [CELL_READING_FROM] = { "reading_from", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [CELL_READING_TO] = { "reading_to", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [CELL_RAIL_JOULES] = { "rail_joules", OUTPUT_DECIMAL, HUMAN_PLAIN, -6 },
    [CELL_IDLE_JOULES] = { "idle_joules", OUTPUT_DECIMAL, HUMAN_PLAIN, -6 },
    [CELL_OWN] = { "own_seconds", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [CELL_ALL] = { "all_seconds", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [CELL_JOULES] = { "joules", OUTPUT_DECIMAL, HUMAN_PLAIN, -6 },
    [CELL_UP] = { "rounded_up", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [CELL_GPU_SECONDS] = { "gpu_seconds", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [CELL_NOTE] = { "note", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
};

static const unsigned char view_cells[][CELL_COLUMNS_MAX] = {
    [VIEW_COUNTER] = { CELL_LINE, CELL_MEMBER, CELL_FROM, CELL_TO, CELL_SAMPLES, CELL_BEFORE,
                       CELL_VALUE, CELL_INCREASE, CELL_SECONDS, CELL_NOTE, CELL_END },
    [VIEW_RATE] = { CELL_LINE, CELL_FROM, CELL_TO, CELL_SAMPLES, CELL_INCREASE, CELL_SECONDS,
                    CELL_PERCENT, CELL_NOTE, CELL_END },
    [VIEW_LEVEL] = { CELL_LINE, CELL_FROM, CELL_TO, CELL_SAMPLES, CELL_VALUE, CELL_SECONDS,
                     CELL_PRODUCT, CELL_LARGEST, CELL_NOTE, CELL_END },
    [VIEW_RANK] = { CELL_LINE, CELL_FROM, CELL_TO, CELL_INCREASE, CELL_SECONDS, CELL_JOULES,
                    CELL_PERCENT, CELL_WATTS, CELL_REACH, CELL_NOTE, CELL_END },
    [VIEW_SHARE] = { CELL_LINE, CELL_FROM, CELL_TO, CELL_SECONDS, CELL_RAIL, CELL_READING_FROM,
                     CELL_READING_TO, CELL_RAIL_JOULES, CELL_IDLE_JOULES, CELL_OWN, CELL_ALL,
                     CELL_JOULES, CELL_UP, CELL_NOTE, CELL_END },
    [VIEW_POWER] = { CELL_LINE, CELL_FROM, CELL_TO, CELL_SECONDS, CELL_JOULES, CELL_WATTS,
                     CELL_NOTE, CELL_END },
    [VIEW_WORK] = { CELL_LINE, CELL_MEMBER, CELL_FROM, CELL_TO, CELL_GPU_SECONDS, CELL_SECONDS,
                    CELL_NOTE, CELL_END },
    [VIEW_RAIL] = { CELL_LINE, CELL_FROM, CELL_TO, CELL_SECONDS, CELL_READING_FROM, CELL_READING_TO,
                    CELL_JOULES, CELL_NOTE, CELL_END },
    [VIEW_MEMORY] = { CELL_LINE, CELL_FROM, CELL_TO, CELL_SAMPLES, CELL_LARGEST, CELL_NOTE,
                      CELL_END },
};

/* --- which columns --- */

static bool is_power(const struct cell_working *e)
{
    return !report_column_measured(e->column);
}

static bool is_shown(const struct cell_working *e, unsigned cell)
{
    enum fact fact = e->column->fact;

    if (cell == CELL_JOULES && (e->view == VIEW_RANK || e->view == VIEW_POWER))
        return e->device; /* of others: of which interval is another question */
    if (e->view == VIEW_RANK)
        return cell != (is_power(e) ? CELL_PERCENT : CELL_WATTS) &&
               !(cell == CELL_INCREASE && is_power(e));
    if (e->view == VIEW_SHARE && cell == CELL_SECONDS)
        return fact == FACT_GPU_WATTS_MEAN || fact == FACT_CPU_WATTS_MEAN;
    if (e->view == VIEW_WORK && cell == CELL_SECONDS)
        return fact == FACT_GPU_PERCENT_MEAN;
    return true;
}

/* The view's cells in order. */
static size_t cells_of(const struct cell_working *e, unsigned char cells[])
{
    size_t count = 0;

    for (const unsigned char *cell = view_cells[e->view]; *cell != CELL_END; cell++) {
        if (*cell == CELL_MEMBER && e->by != BY_PROCESS) {
            cells[count++] = CELL_PROCESS_ID;
            cells[count++] = CELL_PID;
        } else if (*cell != CELL_MEMBER && is_shown(e, *cell)) {
            cells[count++] = *cell;
        }
    }
    return count;
}

/* Values of clocks are printed in seconds. */
static bool is_clock(const struct cell_working *e)
{
    return report_column_measured(e->column) && e->column->which <= MEASURE_RUN_DELAY;
}

size_t cell_columns(const struct cell_working *e, struct output_column columns[])
{
    unsigned char cells[CELL_COLUMNS_MAX];
    size_t count = cells_of(e, cells);

    for (size_t i = 0; i < count; i++) {
        columns[i] = columns_known[cells[i]];
        if (is_clock(e) &&
            (cells[i] == CELL_BEFORE || cells[i] == CELL_VALUE || cells[i] == CELL_INCREASE)) {
            columns[i].type = OUTPUT_DECIMAL;
            columns[i].exponent = -9;
        }
    }
    return count;
}

/* --- what a line is called --- */

static const char *label_of(const struct cell_working *e, const struct cell_line *line)
{
    static const char *const one[] = { "sample", "tick", "window",  "hour", "interval",
                                       "power",  "work", "covered", "tick", "interval" };
    static const char *const several[] = { "samples", "ticks", "windows", "hours", "intervals",
                                           "powers",  "works", "covered", "ticks", "intervals" };

    if (line->label != NULL)
        return line->label;
    if (line->item.what == TRACE_RUN && line->pieces == 1 && line->samples > 1)
        return "unchanged";
    if (line->item.what == TRACE_POWER && e->view == VIEW_SHARE)
        return "covered"; /* for how long, is all that counts */
    return line->pieces == 1 ? one[line->item.what] : several[line->item.what];
}

struct note {
    char text[400];
    size_t used;
};

static void add(struct note *note, const char *text)
{
    int size = snprintf(note->text + note->used, sizeof note->text - note->used, "%s%s",
                        note->used > 0 ? "; " : "", text);

    if (size > 0)
        note->used += (size_t)size;
    if (note->used >= sizeof note->text)
        note->used = sizeof note->text - 1;
}

/* "gap", or "3 gaps" */
static void add_count(struct note *note, const struct cell_line *line, uint32_t count,
                      const char *one, const char *several)
{
    char text[80];

    if (count == 0)
        return;
    if (count == 1 && line->pieces == 1)
        (void)snprintf(text, sizeof text, "%s", one);
    else
        (void)snprintf(text, sizeof text, "%lu %s", (unsigned long)count, several);
    add(note, text);
}

static void note_gap(struct note *note, const struct cell_working *e, const struct aggregate *a,
                     const struct cell_line *line)
{
    char number[64], text[160];
    bool clock = is_clock(e);

    add_count(note, line, line->gaps, "gap", "x gap");
    if (line->gaps == 0 || e->column->fact == FACT_IN_GAPS || e->view != VIEW_COUNTER)
        return;
    *cell_put_wide(number, cell_multiply(line->in_gaps, a->scale[line->item.which]),
                   clock ? -9 : 0) = '\0';
    (void)snprintf(text, sizeof text, "%s%s more passed there, not counted", number,
                   clock ? " s" : "");
    add(note, text);
}

static void note_hole(struct note *note, const struct cell_line *line)
{
    char number[64], text[120];

    if (line->holes == 0)
        return;
    *cell_put_wide(number, line->hole_ns, -9) = '\0';
    if (line->holes == 1 && line->pieces == 1)
        (void)snprintf(text, sizeof text, "%s s before it are not covered", number);
    else
        (void)snprintf(text, sizeof text, "%lu x not covered, %s s", (unsigned long)line->holes,
                       number);
    add(note, text);
}

static void note_of(struct note *note, const struct cell_working *e, const struct aggregate *a,
                    const struct cell_line *line)
{
    const struct trace_item *item = &line->item;
    bool partial = item->what == TRACE_RUN && line->pieces == 1 && (item->born || item->ended);

    if (line->decides)
        add(note, e->view == VIEW_RANK ? "THE PERCENTILE" : "THE LARGEST");
    if (e->switches && item->which < MEASURE_COUNT)
        add(note, item->which == MEASURE_SWITCHES_VOLUNTARY ? "voluntary" : "involuntary");
    if (item->what == TRACE_WINDOW)
        add(note, "of a rollup, samples are evicted");
    if (item->what == TRACE_USAGE)
        add(note, "sums by name, samples are evicted");
    add_count(note, line, line->births, "born: from 0", "x born");
    add_count(note, line, line->ends, "ended: its final value", "x ended");
    if (partial && item->dt_ns == INTERVAL_MIN_NS)
        add(note, "counts as 1 ms at least");
    if (line->gaps == 0)
        add_count(note, line, line->firsts, "first: nothing known before", "x first");
    note_gap(note, e, a, line);
    note_hole(note, line);
    add_count(note, line, line->aways, "", "x under another name, not counted");
    add_count(note, line, line->resets, "the counter fell: nothing is taken", "x the counter fell");
    if (e->view == VIEW_RANK && line->pieces > 1) {
        char text[60];

        (void)snprintf(text, sizeof text, "%llu intervals%s", (unsigned long long)line->pieces,
                       strcmp(line->label, "value") == 0 ? "" : ", up to this value");
        add(note, text);
    }
    if (line->members > 1) {
        char text[60];

        (void)snprintf(text, sizeof text, "%lu members", (unsigned long)line->members);
        add(note, text);
    }
}

/* --- cells --- */

static const struct output_cell none = { .missing = true };

static struct output_cell number(int64_t value)
{
    return (struct output_cell){ .integer = value };
}

static struct output_cell time_cell(int64_t ns)
{
    return ns == NO_TIME || ns == INT64_MIN ? none : number(ns);
}

static struct output_cell text_cell(const char *text)
{
    return (struct output_cell){ .text = text, .text_size = strlen(text) };
}

/* Texts of a row. */
struct scratch {
    char product[64], own[64], all[64], work[64], reading[2][68];
    struct note note;
};

static struct output_cell wide(char out[64], int128 value, int exponent)
{
    *cell_put_wide(out, value, exponent) = '\0';
    return text_cell(out);
}

static struct output_cell reading(char out[68], const struct trace_item *item, int64_t value)
{
    char *end = cell_put_wide(out, value, item->counter ? -6 : -3);

    (void)snprintf(end, 4, "%s", item->counter ? " J" : " W");
    return text_cell(out);
}

static int64_t scale_of(const struct aggregate *a, const struct cell_line *line)
{
    return line->item.what <= TRACE_USAGE ? a->scale[line->item.which] : 1;
}

static int64_t scaled(int64_t value, int64_t scale)
{
    return (int64_t)((uint64_t)value * (uint64_t)scale);
}

static void fill_values(struct output_cell cells[], const struct cell_working *e,
                        const struct aggregate *a, const struct cell_line *line, struct scratch *s)
{
    const struct trace_item *item = &line->item;
    int64_t scale = scale_of(a, line);
    bool samples = item->what == TRACE_RUN && item->process_id != 0;
    bool gauge = e->view == VIEW_LEVEL;

    if (samples && item->known && !gauge)
        cells[CELL_BEFORE] = number(scaled(item->before, scale));
    if (samples || gauge)
        cells[CELL_VALUE] = number(scaled(item->value, scale));
    if (item->what <= TRACE_USAGE && !gauge &&
        !(item->what == TRACE_TICK && e->view == VIEW_COUNTER))
        cells[CELL_INCREASE] =
            number(scaled(e->column->fact == FACT_IN_GAPS ? line->in_gaps : item->increase, scale));
    cells[CELL_LARGEST] = number(scaled(line->peak, scale));
    if (gauge)
        cells[CELL_PRODUCT] = wide(s->product, cell_multiply(item->sum, scale), -9);
}

static void fill_energy(struct output_cell cells[], const struct cell_line *line,
                        struct recording *recording, struct scratch *s)
{
    const struct trace_item *item = &line->item;
    const struct recording_entity *rail;

    if (item->what == TRACE_WORK)
        cells[CELL_GPU_SECONDS] = wide(s->work, item->sum, -15);
    if (item->rail != NULL) {
        cells[CELL_READING_FROM] = reading(s->reading[0], item, item->before);
        cells[CELL_READING_TO] = reading(s->reading[1], item, item->value);
    }
    if (item->what != TRACE_SHARE || item->rail == NULL)
        return;
    rail = recording_entity(recording, item->rail->entity_id);
    cells[CELL_RAIL] = text_cell(rail == NULL ? "" : rail->label);
    cells[CELL_RAIL_JOULES] = number(item->rail_uj);
    cells[CELL_IDLE_JOULES] = number(item->idle_uj);
    cells[CELL_OWN] = wide(s->own, item->weight, -15);
    cells[CELL_ALL] = wide(s->all, item->weights, -15);
    cells[CELL_JOULES] = number(item->uj);
    cells[CELL_UP] = number(line->ups);
}

static enum status fill_member(struct output_cell cells[], const struct cell_line *line,
                               struct recording *recording, struct error *err)
{
    const struct process *process;

    if (line->item.process_id == 0)
        return STATUS_OK;
    cells[CELL_PROCESS_ID] = number(line->item.process_id);
    if (recording_process(recording, line->item.block, line->item.process_id, &process, err) !=
        STATUS_OK)
        return err->status;
    cells[CELL_PID] = number(process->pid);
    return STATUS_OK;
}

static bool is_timed(const struct cell_working *e, const struct cell_line *line)
{
    bool of_process =
        line->item.what <= TRACE_WINDOW && !(e->by != BY_PROCESS && line->item.what == TRACE_RUN &&
                                             line->item.which < MEASURE_RESIDENT);

    return of_process || line->item.what == TRACE_RAIL || line->item.what == TRACE_POWER ||
           line->item.what == TRACE_AT_WORK;
}

static enum status fill(struct output_cell cells[], const struct cell_working *e,
                        const struct aggregate *a, const struct cell_line *line,
                        struct recording *recording, struct scratch *s, struct error *err)
{
    const struct trace_item *item = &line->item;
    bool ranged = e->view == VIEW_RANK && line->pieces > 1; /* of no one time */
    bool covers = e->view == VIEW_COUNTER;

    for (size_t i = 0; i < CELL_COUNT; i++)
        cells[i] = none;
    note_of(&s->note, e, a, line);
    cells[CELL_LINE] = text_cell(label_of(e, line));
    cells[CELL_NOTE] = s->note.used == 0 ? none : text_cell(s->note.text);
    cells[CELL_FROM] = ranged ? none : time_cell(item->from_ns);
    cells[CELL_TO] = ranged ? none : time_cell(item->to_ns);
    if (line->samples > 0)
        cells[CELL_SAMPLES] = number((int64_t)line->samples);
    if (is_timed(e, line))
        cells[CELL_SECONDS] = number(covers ? item->covered_ns : item->dt_ns);
    cells[CELL_PERCENT] = item->dt_ns == 0 ? none : number(scaled(line->peak, scale_of(a, line)));
    cells[CELL_WATTS] = number(line->peak);
    if (item->what == TRACE_RAIL)
        cells[CELL_JOULES] = number(item->uj);
    cells[CELL_REACH] = number(line->reach_ns);
    fill_values(cells, e, a, line, s);
    fill_energy(cells, line, recording, s);
    if (ranged)
        cells[CELL_INCREASE] = none;
    return e->by == BY_PROCESS ? STATUS_OK : fill_member(cells, line, recording, err);
}

enum status cell_rows(const struct cell_working *e, const struct aggregate *a,
                      struct recording *recording, struct output *out, struct error *err)
{
    unsigned char which[CELL_COLUMNS_MAX];
    size_t count = cells_of(e, which);

    for (size_t i = 0; i < e->count; i++) {
        struct output_cell all[CELL_COUNT], cells[CELL_COLUMNS_MAX];
        struct scratch scratch = { .note = { .used = 0 } };

        if (fill(all, e, a, &e->line[i], recording, &scratch, err) != STATUS_OK)
            return err->status;
        for (size_t c = 0; c < count; c++)
            cells[c] = all[which[c]];
        output_row(out, cells, OUTPUT_NORMAL);
    }
    return STATUS_OK;
}
