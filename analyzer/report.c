/* Puts rows in their order and prints them. */
#include "analyzer/report.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/group_key.h"
#include "analyzer/trust.h"

/* --- order --- */

static int compare_text(const char *x, size_t x_size, const char *y, size_t y_size)
{
    size_t size = x_size < y_size ? x_size : y_size;
    int order = size == 0 ? 0 : memcmp(x, y, size);

    return order != 0 ? order : (x_size > y_size) - (x_size < y_size);
}

static int compare_keys(const struct ranked *a, const struct ranked *b)
{
    const struct output_cell *x = &a->key, *y = &b->key;

    if (a->type == OUTPUT_REAL)
        return (x->real > y->real) - (x->real < y->real);
    if (a->type == OUTPUT_TEXT)
        return compare_text(x->text == NULL ? a->digits : x->text, x->text_size,
                            y->text == NULL ? b->digits : y->text, y->text_size);
    return (x->integer > y->integer) - (x->integer < y->integer);
}

static int by_rank(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    int order;

    if (x->key.missing != y->key.missing)
        return x->key.missing ? 1 : -1; /* what is not known comes last, either way */
    order = x->key.missing ? 0 : compare_keys(x, y);
    if (order != 0)
        return x->ascending ? order : -order;
    if (x->process_id != y->process_id)
        return x->process_id < y->process_id ? -1 : 1;
    return compare_text(x->name.data, x->name.size, y->name.data, y->name.size);
}

static void sort(struct ranked list[], size_t count)
{
    if (count > 1)
        qsort(list, count, sizeof *list, by_rank);
}

/* Let the last of heap[count], which is first there, sink to its place. */
static void sink(struct ranked heap[], size_t count, size_t at)
{
    struct ranked moved = heap[at];

    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && by_rank(&heap[child], &heap[child + 1]) < 0)
            child++;
        if (by_rank(&moved, &heap[child]) >= 0)
            break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

/* Bring the first `top` rows to the front, in no order: of many rows few are asked for. */
static void find_first(struct ranked list[], size_t count, size_t top)
{
    for (size_t i = top / 2; i > 0; i--)
        sink(list, top, i - 1);
    for (size_t i = top; i < count && top > 0; i++) {
        struct ranked other;

        if (by_rank(&list[i], &list[0]) >= 0)
            continue;
        other = list[i];
        list[i] = list[0];
        list[0] = other;
        sink(list, top, 0);
    }
}

/* Whose row it is, from the block of its last sample. */
enum status report_identify(struct report *r, const struct subject *subject, uint32_t group,
                            struct error *err)
{
    struct group *g = &r->aggregate.groups.group[group];

    if (r->aggregate.by != BY_PROCESS || g->process != NULL)
        return STATUS_OK;
    if (recording_process(subject->recording, g->block, g->process_id, &g->process, err) !=
        STATUS_OK)
        return err->status;
    return r->aggregate.want_names ? group_key_names(&r->aggregate.groups, g, err) : STATUS_OK;
}

enum status report_rank(struct report *r, const struct subject *subject, struct error *err)
{
    const struct groups *groups = &r->aggregate.groups;
    bool named = report_column_identity(r->sort) && r->sort->fact != FACT_PROCESS_ID;

    free(r->ranked);
    r->ranked_count = groups->count - 1;
    r->ranked = malloc(groups->count * sizeof *r->ranked);
    if (r->ranked == NULL)
        return error_set(err, STATUS_NO_MEMORY, "%zu rows", r->ranked_count);
    for (uint32_t i = 0; i < r->ranked_count; i++) {
        struct ranked *ranked = &r->ranked[i];
        const struct group *g = &groups->group[i + 1];

        *ranked = (struct ranked){ .type = r->sort->output.type,
                                   .ascending = r->ascending,
                                   .group = i + 1,
                                   .process_id = g->process_id,
                                   .name = g->key };
        if (named && report_identify(r, subject, i + 1, err) != STATUS_OK)
            return err->status;
        ranked->key = r->sort->fact == FACT_PROCESS_ID
                          ? (struct output_cell){ .integer = g->process_id }
                          : report_column_cell(r->sort, &r->aggregate, i + 1, ranked->digits);
        if (ranked->key.text == ranked->digits)
            ranked->key.text = NULL; /* digits move with the sort */
    }
    if (r->top != 0 && r->top < r->ranked_count) {
        find_first(r->ranked, r->ranked_count, r->top);
        sort(r->ranked, r->top);
    } else {
        sort(r->ranked, r->ranked_count);
    }
    return STATUS_OK;
}

void report_rank_others(struct report *r)
{
    if (r->top != 0 && r->top < r->ranked_count)
        sort(r->ranked + r->top, r->ranked_count - r->top);
}

/* --- rows --- */

enum extra_energy { EXTRA_GPU, EXTRA_CPU };

/* A row that is no process and no group. */
struct extra {
    const char *row, *label;
    int64_t cpu_ns;
    size_t processes;
    const struct evicted *evicted; /* what that knows of other measures */
    int64_t uj[2];                 /* by enum extra_energy */
    bool energy[2];                /* is it known? */
    bool known;                    /* is CPU time? */
};

/* Time that the energy of all devices is known of; 0 where it differs between them. */
static int64_t all_covered_ns(const struct rails *rails)
{
    for (size_t i = 1; i < rails->count; i++)
        if (rails->rail[i].covered_ns != rails->rail[0].covered_ns)
            return 0;
    return rails->count == 0 ? 0 : rails->rail[0].covered_ns;
}

/* What the rows below the groups' have of some devices' energy; `shown_uj` is in rows above. */
static void add_energy(const struct rails *rails, struct extra extras[], size_t count,
                       enum extra_energy which, int64_t shown_uj)
{
    static const char *const rows[] = { "others", "not_attributed", "idle", "total" };
    int64_t sum[COUNT_OF(rows)] = { wrap_subtract(0, shown_uj), 0, 0, 0 };
    bool told = false;

    for (size_t i = 0; i < rails->count; i++) {
        sum[0] = wrap_add(sum[0], rails->rail[i].processes_uj);
        sum[1] = wrap_add(sum[1], rails->rail[i].unattributed_uj);
        sum[2] = wrap_add(sum[2], rails->rail[i].idle_uj);
        sum[3] = wrap_add(sum[3], rails->rail[i].uj);
        told |= rails->rail[i].count > 0;
    }
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < COUNT_OF(rows); k++)
            if (told && strcmp(extras[i].row, rows[k]) == 0) {
                extras[i].energy[which] = true;
                extras[i].uj[which] = sum[k];
            }
}

/* How such a row's energy came about. */
static const char *extra_method(const char *row)
{
    return strcmp(row, "others") == 0  ? "as the rows above"
           : strcmp(row, "idle") == 0  ? "idle floor"
           : strcmp(row, "total") == 0 ? "all intervals"
                                       : "active without a process, and below the idle floor";
}

static struct output_cell extra_energy_cell(const struct report *r, const struct report_column *c,
                                            const struct extra *extra)
{
    bool cpu = c->fact == FACT_CPU_JOULES || c->fact == FACT_CPU_WATTS_MEAN;
    enum extra_energy which = cpu ? EXTRA_CPU : EXTRA_GPU;
    int64_t covered_ns = all_covered_ns(cpu ? &r->package.rails : &r->gpu.rails);
    const char *method = extra_method(extra->row);

    if (c->fact == FACT_ENERGY_METHOD && (extra->energy[EXTRA_GPU] || extra->energy[EXTRA_CPU]))
        return (struct output_cell){ .text = method, .text_size = strlen(method) };
    if (!extra->energy[which])
        return (struct output_cell){ .missing = true };
    if (c->fact == FACT_GPU_JOULES || c->fact == FACT_CPU_JOULES)
        return (struct output_cell){ .integer = extra->uj[which] };
    if ((c->fact == FACT_GPU_WATTS_MEAN || c->fact == FACT_CPU_WATTS_MEAN) && covered_ns > 0)
        return (struct output_cell){ .real = (double)extra->uj[which] * 1000 / (double)covered_ns };
    return (struct output_cell){ .missing = true };
}

static struct output_cell extra_cell(const struct report *r, const struct report_column *c,
                                     const struct extra *extra)
{
    /* Rows that hold more than what is covered tick by tick or window by window have no mean. */
    int64_t covered_ns = r->evicted.any && !r->evicted.host_known ? 0 : r->coverage.ticks_ns;

    if (c->fact == FACT_ROW)
        return (struct output_cell){ .text = extra->row, .text_size = strlen(extra->row) };
    if ((c->fact == FACT_TEXT && c->which == PROCESS_COMM) || report_column_key(c, r->aggregate.by))
        return (struct output_cell){ .text = extra->label, .text_size = strlen(extra->label) };
    if (c->fact == FACT_PROCESSES && extra->processes > 0)
        return (struct output_cell){ .integer = (int64_t)extra->processes };
    if (extra->evicted != NULL && c->fact == FACT_INCREASE && extra->evicted->known[c->which])
        return (struct output_cell){ .integer = extra->evicted->increase[c->which] *
                                                r->aggregate.scale[c->which] };
    if (report_column_energy(c))
        return extra_energy_cell(r, c, extra);
    if (!extra->known || !report_column_measured(c) || c->which != MEASURE_CPU)
        return (struct output_cell){ .missing = true };
    if (c->fact == FACT_COVERED)
        return (struct output_cell){ .missing = covered_ns == 0, .integer = covered_ns };
    if (c->fact == FACT_INCREASE)
        return (struct output_cell){ .integer = extra->cpu_ns };
    if (c->fact == FACT_PERCENT_MEAN && covered_ns > 0)
        return (struct output_cell){ .real = 100.0 * (double)extra->cpu_ns / (double)covered_ns };
    return (struct output_cell){ .missing = true };
}

static void extra_row(const struct report *r, struct output *out, const struct extra *extra)
{
    struct output_cell cells[REPORT_COLUMNS_MAX];

    for (size_t i = 0; i < r->column_count; i++)
        cells[i] = extra_cell(r, r->column[i], extra);
    output_row(out, cells, OUTPUT_DIM);
}

static void remainder_rows(const struct report *r, struct output *out, int64_t shown,
                           const int64_t shown_uj[2], size_t rest)
{
    const struct aggregate *a = &r->aggregate;
    const struct host_total *host = &r->host;
    int64_t scale = a->scale[MEASURE_CPU], all_ns = aggregate_all_cpu(a) * scale;
    int64_t evicted_ns = r->evicted.increase[MEASURE_CPU] * scale;
    bool timed = r->coverage.ticks_ns > 0;
    char others[80], evicted[80], basis[60], total[60];
    struct extra extras[] = {
        { .row = "others", .label = others, .known = timed, .cpu_ns = all_ns - shown * scale },
        { .row = "evicted",
          .label = evicted,
          .cpu_ns = evicted_ns,
          .processes = (size_t)r->evicted.process_count,
          .evicted = &r->evicted },
        { .row = "not_attributed",
          .label = basis,
          .known = host->known,
          .cpu_ns = host->busy_us * 1000 - all_ns - evicted_ns },
        { .row = "stolen",
          .label = "[stolen]",
          .known = host->known,
          .cpu_ns = host->stolen_us * 1000 },
        { .row = "idle", .label = "[idle]", .known = host->known, .cpu_ns = host->idle_us * 1000 },
        { .row = "total", .label = total, .known = host->known, .cpu_ns = host->total_us * 1000 },
    };

    if (rest > 0)
        (void)snprintf(others, sizeof others, "[others: %zu more rows]", rest);
    else
        (void)snprintf(others, sizeof others, "[others]");
    (void)snprintf(evicted, sizeof evicted, "[evicted: known by comm and user only]");
    (void)snprintf(basis, sizeof basis, "[not attributed: basis %s]",
                   !host->known && !r->evicted.host_known ? "none, evicted"
                   : !host->known                         ? "none, cores are not recorded"
                   : host->exact                          ? "cpuacct"
                                                          : "ticks");
    (void)snprintf(total, sizeof total, "[total: %zu cores]", host->cores);
    add_energy(&r->gpu.rails, extras, COUNT_OF(extras), EXTRA_GPU, shown_uj[EXTRA_GPU]);
    add_energy(&r->package.rails, extras, COUNT_OF(extras), EXTRA_CPU, shown_uj[EXTRA_CPU]);
    for (size_t i = 0; i < COUNT_OF(extras); i++) {
        if ((strcmp(extras[i].row, "stolen") == 0 && host->stolen_us == 0) ||
            (extras[i].evicted != NULL && !extras[i].evicted->known[MEASURE_CPU]))
            continue;
        extra_row(r, out, &extras[i]);
    }
}

/* A person would take an empty cell for a fault. */
static void name_nameless(const struct report_column *column, const struct report *r,
                          const struct output *out, struct output_cell *cell)
{
    static const char none[] = "[none]";

    if (out->options.format == OUTPUT_TABLE && report_column_key(column, r->aggregate.by) &&
        !cell->missing && cell->text_size == 0)
        *cell = (struct output_cell){ .text = none, .text_size = sizeof none - 1 };
}

static enum status group_row(struct report *r, const struct subject *subject, struct output *out,
                             uint32_t group, struct error *err)
{
    struct output_cell cells[REPORT_COLUMNS_MAX];
    char digits[REPORT_COLUMNS_MAX][16];
    bool named = false;

    for (size_t c = 0; c < r->column_count; c++)
        named |= report_column_identity(r->column[c]);
    if (named && report_identify(r, subject, group, err) != STATUS_OK)
        return err->status;
    for (size_t c = 0; c < r->column_count; c++) {
        cells[c] = report_column_cell(r->column[c], &r->aggregate, group, digits[c]);
        name_nameless(r->column[c], r, out, &cells[c]);
    }
    output_row(out, cells, OUTPUT_NORMAL);
    return STATUS_OK;
}

static void count_energy(const struct attribution *a, uint32_t group, int64_t *uj)
{
    const struct energy_total *total = attribution_total(a, group);

    if (total != NULL)
        *uj = wrap_add(*uj, total->uj);
}

static enum status print_rows(struct report *r, const struct subject *subject, struct output *out,
                              struct error *err)
{
    size_t count = r->ranked_count, shown = 0;
    int64_t shown_cpu = 0, shown_uj[2] = { 0 };
    enum status st = STATUS_OK;

    for (; shown < count && shown < r->top && st == STATUS_OK && !output_broken(out); shown++) {
        uint32_t group = r->ranked[shown].group;

        st = group_row(r, subject, out, group, err);
        shown_cpu += aggregate_total(&r->aggregate, group, MEASURE_CPU)->increase;
        count_energy(&r->gpu, group, &shown_uj[EXTRA_GPU]);
        count_energy(&r->package, group, &shown_uj[EXTRA_CPU]);
    }
    if (st == STATUS_OK && r->remainder)
        remainder_rows(r, out, shown_cpu, shown_uj, count - shown + r->aggregate.unseen);
    return st;
}

enum status report_print(struct report *r, const struct subject *subject, FILE *file,
                         const struct output_options *options, struct error *err)
{
    struct output_column columns[REPORT_COLUMNS_MAX];
    struct output out = { 0 };
    struct error closing;
    enum status st, closed;

    for (size_t c = 0; c < r->column_count; c++) {
        columns[c] = r->devices ? report_gpu_columns[r->gpu_column[c]] : r->column[c]->output;
        if (r->titles)
            columns[c].name =
                r->devices ? report_gpu_titles[r->gpu_column[c]] : r->column[c]->title;
    }
    st = output_open(&out, file, columns, r->column_count, options, err);
    if (st == STATUS_OK && r->devices)
        report_gpu_rows(r, subject, &out);
    else if (st == STATUS_OK)
        st = print_rows(r, subject, &out, err);
    if (st == STATUS_OK && !r->untold)
        trust_notes(&out, r, subject);
    closed = output_close(&out, st == STATUS_OK ? err : &closing);
    return st == STATUS_OK ? closed : st;
}
