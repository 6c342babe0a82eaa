/* Finds the row, listens while the report is made once more, and prints what was told. */
#include "analyzer/cell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/cell_private.h"
#include "analyzer/escape.h"
#include "analyzer/trust.h"

/* --- the answer --- */

/* All that is printed. */
struct answer {
    struct cell_working working;
    struct report *asked, *traced;
    const struct cell *cell;
    const struct subject *subject;
    uint32_t group, traced_group;
    struct rail *rail;          /* by GPU: whose row it is */
    char figure[64], again[64]; /* of the two */
    struct output out;
    FILE *file;
    bool table;
};

/* Before the lines: of a table at once, of other formats among the notes. */
static void head(struct answer *w, const char *name, const char *text)
{
    char shown[8000];

    if (!w->table) {
        output_note(&w->out, name, text);
        return;
    }
    (void)escape_show(shown, sizeof shown, text);
    (void)fprintf(w->file, "%s: %s\n", name, shown);
}

static void put_time(char out[DECIMAL_ROOM], int64_t ns)
{
    struct decimal_clock clock = { .set = false };

    *decimal_put_rfc3339(&clock, out, ns) = '\0';
}

static void put_row(struct answer *w)
{
    const struct group *g = &w->asked->aggregate.groups.group[w->group]; /* by GPU: nobody */
    const struct version *v;
    char text[600];

    if (w->rail != NULL) {
        const struct recording_entity *gpu =
            recording_entity(w->subject->recording, w->rail->entity_id);

        head(w, "row", gpu == NULL ? "" : gpu->label);
        return;
    }
    if (w->working.by != BY_PROCESS) {
        (void)snprintf(text, sizeof text, "%.*s", (int)(g->key.size < 500 ? g->key.size : 500),
                       g->key.data == NULL ? "" : g->key.data);
        head(w, "row", g->key.data == NULL ? "-" : g->key.size == 0 ? "[none]" : text);
        return;
    }
    v = process_version_at(g->process, g->last_ns);
    (void)snprintf(
        text, sizeof text, "pid %lld, process_id %lld, %.*s", (long long)g->process->pid,
        (long long)g->process_id,
        v == NULL ? 0 : (int)(v->text[PROCESS_COMM].size < 64 ? v->text[PROCESS_COMM].size : 64),
        v == NULL || v->text[PROCESS_COMM].data == NULL ? "" : v->text[PROCESS_COMM].data);
    head(w, "row", text);
}

static void put_window(struct answer *w)
{
    const struct coverage *c = &w->traced->coverage;
    char from[DECIMAL_ROOM], to[DECIMAL_ROOM], first[DECIMAL_ROOM], last[DECIMAL_ROOM];
    char text[300];

    put_time(from, w->subject->window.from_ns);
    put_time(to, w->subject->window.to_ns);
    put_time(first, c->first_ns);
    put_time(last, c->last_ns);
    if (c->tick_count == 0)
        (void)snprintf(text, sizeof text, "samples after %s up to %s: there is no tick", from, to);
    else
        (void)snprintf(text, sizeof text, "samples after %s up to %s: %zu ticks, %s to %s", from,
                       to, c->tick_count, first, last);
    head(w, "window", text);
}

static void put_head(struct answer *w)
{
    head(w, "asked", w->cell->asked);
    put_row(w);
    put_window(w);
    head(w, w->cell->column->output.name,
         w->rail != NULL ? cell_gpu_formula(w->cell->column)
                         : cell_formula(w->cell->column, w->working.by));
    if (w->table)
        (void)fputc('\n', w->file);
}

/* How the figure was read, where it was asked for. */
static void put_read(struct answer *w)
{
    const struct told *told = &w->asked->told;
    size_t count = w->subject->contents->block_count[0], told_of = 0;
    char text[200];

    for (size_t i = 0; told->level != NULL && i < count; i++)
        told_of += told->level[i] != 0;
    if (w->rail != NULL)
        (void)snprintf(text, sizeof text, "readings, no rollups");
    else if (told_of > 0)
        (void)snprintf(text, sizeof text,
                       "the report reads rollups for %zu of %zu blocks; the lines are the samples; "
                       "both say the same",
                       told_of, count);
    else
        (void)snprintf(text, sizeof text, "%s",
                       w->asked->evicted.any ? "samples, and what is left of evicted ones"
                                             : "samples, no rollups");
    output_note(&w->out, "read", text);
}

/* What of a rail is idle, to the microwatt. */
static void put_idle(struct answer *w, const struct rails *rails)
{
    char text[1000], number[64];
    size_t used = 0;

    for (size_t i = 0; i < rails->count && used < sizeof text; i++) {
        const struct recording_entity *rail =
            recording_entity(w->subject->recording, rails->rail[i].entity_id);

        *cell_put_wide(number, rails->rail[i].idle_uw, -6) = '\0';
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s: %s W", i == 0 ? "" : "; ",
                                 rail == NULL ? "" : rail->label, number);
    }
    if (used < sizeof text)
        (void)snprintf(text + used, sizeof text - used,
                       "%s; idle_joules: that x seconds, to the nearest microjoule",
                       rails->given ? ", as given"
                                    : ", what 1 % of the time of the recording was at or below");
    output_note(&w->out, "idle floor", text);
}

static void put_powers(struct answer *w)
{
    enum fact fact = w->cell->column->fact;

    if (w->rail == NULL && (fact == FACT_GPU_WATTS_P95 || fact == FACT_GPU_WATTS_MAX))
        output_note(&w->out, "powers",
                    "joules / seconds of an interval; how joules come about is asked by the same "
                    "row with gpu_energy_joules");
}

static void put_shares(struct answer *w)
{
    enum fact fact = w->cell->column->fact;
    bool cpu = fact == FACT_CPU_JOULES || fact == FACT_CPU_WATTS_MEAN;

    if (w->working.view != VIEW_SHARE)
        return;
    put_idle(w, cpu ? &w->traced->package.rails : &w->traced->gpu.rails);
    output_note(
        &w->out, "readings",
        "rail_joules is what a counter gained; of power the mean of both readings x seconds, "
        "to the nearest microjoule");
    output_note(&w->out, "time",
                cpu ? "own_seconds: CPU time, all_seconds: that of all processes; spread evenly "
                      "between two samples of a process"
                    : "own_seconds: GPU time, all_seconds: that of all processes, and what the GPU "
                      "worked for nobody seen; spread evenly between two samples of a process");
    output_note(&w->out, "rounding",
                "rounded_up: microjoules that the remainders of the division brought, of each "
                "process by itself");
}

/* Of a group's largest: who was there then. */
static void put_moment(struct answer *w)
{
    const struct cell_working *e = &w->working;

    for (size_t i = 0; i < e->count && e->by != BY_PROCESS; i++) {
        char text[200], from[64], to[64];

        if (!e->line[i].decides || e->view == VIEW_RANK)
            continue;
        *cell_put_wide(from, (int128)e->line[i].peak_ns - 1, -9) = '\0';
        *cell_put_wide(to, e->line[i].peak_ns, -9) = '\0';
        (void)snprintf(text, sizeof text,
                       "the members then: the report by process, --from @%s --to @%s", from, to);
        output_note(&w->out, "that moment", text);
    }
}

/* How to go on from a group to a member. */
static void put_next(struct answer *w)
{
    char text[200];

    if (w->working.by == BY_PROCESS)
        return;
    (void)snprintf(text, sizeof text,
                   "the same question with --by process and --explain-cell process_id=N:%s; what a "
                   "process did under other names is in its figure, too",
                   w->cell->column->output.name);
    output_note(&w->out, "one member", text);
}

/* Why there is no figure. */
static void put_absence(const struct answer *w, char *text, size_t size)
{
    const struct aggregate *a = &w->traced->aggregate;
    const struct report_column *c = w->cell->column;
    const struct total *t;

    if (w->rail != NULL || !report_column_measured(c)) {
        (void)snprintf(text, size,
                       "there is no figure: no interval that the row took part in is in "
                       "the window");
        return;
    }
    t = aggregate_total(a, w->traced_group, (enum measure)c->which);
    if (a->groups.group[w->traced_group].coarse != COARSE_NOT)
        (void)snprintf(text, size,
                       "there is no figure: samples of the window are evicted, and only "
                       "they could tell");
    else if (!t->present)
        (void)snprintf(text, size, "there is no figure: no sample has a value (%s)",
                       missing_name((enum missing)t->reason));
    else
        (void)snprintf(text, size, "there is no figure: no sample stands for any time");
}

static enum status check(struct answer *w, struct error *err)
{
    char text[400];
    enum status st;

    if (strcmp(w->figure, w->again) != 0)
        st =
            error_set(err, STATUS_UNSUPPORTED,
                      "THE LINES ARE OF ANOTHER FIGURE: the report has %s, samples say %s; this is "
                      "a fault of procscope",
                      w->figure, w->again);
    else if (w->rail != NULL)
        st = cell_check_gpu(&w->working, w->rail, err);
    else
        st = cell_check(&w->working, &w->traced->aggregate, w->traced_group, err);
    if (st != STATUS_OK)
        (void)snprintf(text, sizeof text, "%.390s", err->message);
    else if (strcmp(w->figure, "-") == 0)
        put_absence(w, text, sizeof text);
    else
        (void)snprintf(text, sizeof text,
                       "%zu lines of %llu pieces that were counted add up to the report's figure",
                       w->working.count, (unsigned long long)w->working.told);
    output_note(&w->out, "check", text);
    return st;
}

static void find_figures(struct answer *w)
{
    const struct report_column *c = w->cell->column;
    char digits[16];
    struct output_cell cell, again;

    if (w->rail != NULL)
        cell = again = report_gpu_cell(w->rail, w->cell->gpu_column);
    else {
        cell = report_column_cell(c, &w->asked->aggregate, w->group, digits);
        again = report_column_cell(c, &w->traced->aggregate, w->traced_group, digits);
    }
    cell_put(w->figure, c, &cell);
    cell_put(w->again, c, &again);
}

static enum status put_answer(struct answer *w, struct error *err)
{
    char text[400];
    enum status st;

    find_figures(w);
    put_head(w);
    st = cell_rows(&w->working, &w->traced->aggregate, w->subject->recording, &w->out, err);
    if (st != STATUS_OK)
        return st;
    cell_put_sum(&w->working, &w->traced->aggregate, text, sizeof text);
    output_note(&w->out, "sum", strcmp(w->figure, "-") == 0 ? "none" : text);
    output_note(&w->out, "figure", w->figure);
    st = check(w, err);
    put_read(w);
    put_powers(w);
    put_shares(w);
    put_moment(w);
    put_next(w);
    trust_notes(&w->out, w->traced, w->subject);
    return st;
}

static enum status print(struct answer *w, const struct output_options *options, struct error *err)
{
    struct output_column columns[CELL_COLUMNS_MAX];
    size_t count = cell_columns(&w->working, columns);
    struct output_options plain = *options;
    struct error closing;
    enum status st, closed;

    plain.width = 0; /* numbers are not cut */
    w->table = options->format == OUTPUT_TABLE;
    st = output_open(&w->out, w->file, columns, count, &plain, err);
    if (st == STATUS_OK)
        st = put_answer(w, err);
    closed = output_close(&w->out, st == STATUS_OK ? err : &closing);
    return st == STATUS_OK ? closed : st;
}

/* --- both reports --- */

/* What the column needs, and no more; all rows, of which one is looked for. */
static void choose(struct report *r, const struct report_column *column)
{
    r->column[0] = column;
    r->column_count = 1;
    r->top = SIZE_MAX;
    report_want(r);
}

/* The row's number in the report that was listened to; 0: it has no such row. */
static enum status find_again(struct answer *w, struct error *err)
{
    struct groups *groups = &w->traced->aggregate.groups;

    for (size_t i = 1; i < groups->count; i++)
        if (trace_wants(&w->working.trace, groups, (uint32_t)i)) {
            w->traced_group = (uint32_t)i;
            return STATUS_OK;
        }
    return error_set(err, STATUS_UNSUPPORTED,
                     "the row has no samples when it is looked at closely; this is a fault of "
                     "procscope");
}

static enum status listen(struct answer *w, struct error *err)
{
    const struct group *g = &w->asked->aggregate.groups.group[w->group];
    struct cell_working *e = &w->working;

    e->trace = (struct trace){ .process_id = g->process_id, .key = g->key, .take = cell_take };
    w->traced->samples = true;
    w->traced->aggregate.trace = &e->trace;
    w->traced->gpu.trace = &e->trace;
    w->traced->package.trace = &e->trace;
    if (report_read(w->traced, w->subject, err) != STATUS_OK)
        return err->status;
    if (find_again(w, err) != STATUS_OK)
        return err->status;
    cell_condense(e);
    cell_add_up(e);
    return STATUS_OK;
}

/* GPUs have no rollups: the intervals of the one report are the lines. */
static enum status cell_gpu(struct answer *w, struct error *err)
{
    struct cell_working *e = &w->working;

    w->traced = w->asked;
    e->view = cell_view_of_gpu(e->column);
    e->device = true;
    e->trace.take = cell_take;
    if (report_read(w->asked, w->subject, err) != STATUS_OK ||
        cell_find_gpu(w->cell, w->asked, w->subject, &w->rail, err) != STATUS_OK ||
        cell_take_rail(e, w->rail, err) != STATUS_OK)
        return err->status;
    cell_condense(e);
    cell_add_up(e);
    return STATUS_OK;
}

static enum status cell_process(struct answer *w, struct error *err)
{
    w->asked->whole = true; /* any row may be asked for */
    if (report_read(w->asked, w->subject, err) != STATUS_OK ||
        cell_find_row(w->cell, w->asked, w->subject, &w->group, err) != STATUS_OK)
        return err->status;
    if (report_column_by_task(w->cell->column, &w->asked->aggregate, w->group))
        return error_set(err, STATUS_INVALID,
                         "%s of this row is no share of a rail, but what the kernel charged to it: "
                         "ask for task_energy_joules, which has the samples",
                         w->cell->column->output.name);
    return listen(w, err);
}

enum status cell_explain(struct report *report, const struct cell *cell,
                         const struct subject *subject, FILE *file,
                         const struct output_options *options, struct error *err)
{
    struct report traced;
    struct answer w = { .working = { .column = cell->column,
                                     .view = cell_view_of(cell->column),
                                     .by = report->aggregate.by,
                                     .switches = cell->column->fact == FACT_SWITCHES },
                        .asked = report,
                        .traced = &traced,
                        .cell = cell,
                        .subject = subject,
                        .file = file };
    enum status st;

    choose(report, cell->column);
    traced = *report;
    st = report->devices ? cell_gpu(&w, err) : cell_process(&w, err);
    if (st == STATUS_OK)
        st = print(&w, options, err);
    report_release(&traced);
    free(w.working.line);
    return st;
}
