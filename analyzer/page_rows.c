/*
 * Figures of the table's rows, bucket by bucket: timeline's cells, and shares of GPUs' energy as they are dealt out.
 * A process whose columns do not fit goes to its comm's row.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/page.h"
#include "analyzer/page_pack.h"
#include "analyzer/timeline.h"

enum { METRIC_CPU, METRIC_READ, METRIC_WRITTEN, METRIC_RSS, METRICS };
static const char *const metrics[METRICS] = { "cpu_ns_total", "disk_read_bytes_total",
                                              "disk_written_bytes_total", "resident_bytes" };
#define BELOW_PARTS 64

/* --- room --- */

static enum status reserve(const struct page *page, struct page_row *row, struct error *err)
{
    size_t count = page->buckets.count;

    if (row->value[0] != NULL)
        return STATUS_OK;
    row->value[0] = calloc(count * PAGE_FIGURES, sizeof *row->value[0]);
    if (row->value[0] == NULL)
        return error_set(err, STATUS_NO_MEMORY, "a row's figures");
    for (size_t i = 1; i < PAGE_FIGURES; i++)
        row->value[i] = row->value[0] + i * count;
    return STATUS_OK;
}

static void drop(struct page_row *row)
{
    free(row->value[0]);
    memset(row->value, 0, sizeof row->value);
}

void page_rows_release(struct page *page)
{
    struct page_rows *rows = &page->rows;

    for (size_t i = 0; i < rows->count; i++)
        drop(&rows->row[i]);
    free(rows->row);
    free(rows->of_group);
    for (size_t i = 0; i < page->energy.size; i++)
        free(page->energy.uj[i]);
    free(page->energy.uj);
    free(page->energy.processes_uj);
}

/* --- energy --- */

/* Energy and its time, [bucket] each, of a group. owns: it stays with page->energy */
static enum status energy_of(struct page_energy *energy, uint32_t group, int64_t **uj,
                             struct error *err)
{
    size_t buckets = energy->page->buckets.count;

    if (group >= energy->size) {
        size_t more = (size_t)group * 2 + 64;
        int64_t **larger = realloc(energy->uj, more * sizeof *larger);

        if (larger == NULL)
            return error_set(err, STATUS_NO_MEMORY, "energy of processes");
        memset(larger + energy->size, 0, (more - energy->size) * sizeof *larger);
        energy->uj = larger;
        energy->size = more;
    }
    if (energy->uj[group] == NULL)
        energy->uj[group] = calloc(buckets * 2, sizeof *energy->uj[group]);
    *uj = energy->uj[group];
    return *uj != NULL ? STATUS_OK : error_set(err, STATUS_NO_MEMORY, "energy of processes");
}

static enum status take_energy(struct trace *trace, const struct trace_item *item,
                               struct error *err)
{
    struct page_energy *energy = (struct page_energy *)trace;
    const struct timeline_buckets *b = &energy->page->buckets;
    size_t bucket;
    int64_t *uj;

    if ((item->what != TRACE_SHARE && item->what != TRACE_POWER) || item->to_ns <= b->from_ns)
        return STATUS_OK;
    if (energy_of(energy, item->row, &uj, err) != STATUS_OK)
        return err->status;
    bucket = timeline_bucket(b, item->to_ns);
    if (item->what == TRACE_SHARE) {
        uj[bucket] = wrap_add(uj[bucket], item->uj);
        energy->processes_uj[bucket] = wrap_add(energy->processes_uj[bucket], item->uj);
    } else {
        uj[b->count + bucket] = wrap_add(uj[b->count + bucket], item->covered_ns);
    }
    return STATUS_OK;
}

enum status page_energy_begin(struct page *page, struct error *err)
{
    page->energy.page = page;
    page->energy.trace = (struct trace){ .all = true, .take = take_energy };
    page->energy.processes_uj = calloc(page->buckets.count, sizeof *page->energy.processes_uj);
    if (page->energy.processes_uj == NULL)
        return error_set(err, STATUS_NO_MEMORY, "buckets");
    page->report.gpu.trace = &page->energy.trace;
    return STATUS_OK;
}

static enum status give_energy(struct page *page, struct error *err)
{
    size_t buckets = page->buckets.count;

    for (size_t g = 1; g < page->energy.size && g < page->rows.group_count; g++) {
        const int64_t *uj = page->energy.uj[g];
        struct page_row *row = &page->rows.row[page->rows.of_group[g] - 1];

        if (uj == NULL)
            continue;
        if (reserve(page, row, err) != STATUS_OK)
            return err->status;
        for (size_t b = 0; b < buckets; b++) {
            if (uj[buckets + b] == 0 && uj[b] == 0)
                continue;
            row->value[PAGE_FLAGS][b] |= PAGE_HAS_GPU;
            row->value[PAGE_GPU][b] = wrap_add(row->value[PAGE_GPU][b], uj[b]);
            if (row->group != 0) /* of several the time is not known */
                row->value[PAGE_GPU_NS][b] = uj[buckets + b];
        }
    }
    return STATUS_OK;
}

/* --- samples --- */

static int64_t below(const struct timeline_cell *cell)
{
    int128 below = (int128)cell->max * cell->weight_ns - cell->sum;

    if (cell->weight_ns <= 0 || below < 0)
        return 0;
    return (int64_t)((below * BELOW_PARTS + cell->weight_ns / 2) / cell->weight_ns);
}

static void add_counter(struct page_row *row, size_t bucket, enum page_figure figure,
                        enum page_flag flag, const struct timeline_cell *cell)
{
    if (!cell->timed)
        return;
    row->value[PAGE_FLAGS][bucket] |= flag;
    row->value[figure][bucket] = wrap_add(row->value[figure][bucket], cell->increase);
}

static void add_own(struct page_row *row, size_t bucket, const struct timeline_cell cell[METRICS],
                    int64_t covered_ns)
{
    const struct timeline_cell *rss = &cell[METRIC_RSS];

    row->value[PAGE_FLAGS][bucket] |= PAGE_IS_THERE;
    row->value[PAGE_UNCOVERED][bucket] = covered_ns - cell[METRIC_CPU].covered_ns;
    row->value[PAGE_CPU_MAX][bucket] = cell[METRIC_CPU].max;
    if (!rss->present)
        return;
    row->value[PAGE_FLAGS][bucket] |= PAGE_HAS_RSS;
    row->value[PAGE_RSS_MAX][bucket] = rss->max;
    row->value[PAGE_RSS_BELOW][bucket] = below(rss);
    row->value[PAGE_RSS_WEIGHT][bucket] =
        wrap_subtract(rss->weight_ns, cell[METRIC_CPU].covered_ns);
}

static enum status take_bucket(void *self, size_t bucket, const struct timeline_row rows[],
                               size_t count, struct error *err)
{
    struct page *page = self;
    struct page_host *host = &page->host;

    for (size_t i = 0; i < count; i++)
        if (rows[i].cell[METRIC_CPU].covered_ns > host->covered_ns[bucket])
            host->covered_ns[bucket] = rows[i].cell[METRIC_CPU].covered_ns;
    for (size_t i = 0; i < count; i++) {
        uint32_t group = groups_known(&page->report.aggregate.groups, rows[i].key.id[0]);
        const struct timeline_cell *cell = rows[i].cell;
        struct page_row *row = &page->rows.row[page->rows.of_group[group] - 1];

        host->processes[bucket] = wrap_add(host->processes[bucket], cell[METRIC_CPU].increase);
        if (group == 0)
            continue;
        if (reserve(page, row, err) != STATUS_OK)
            return err->status;
        add_counter(row, bucket, PAGE_CPU, PAGE_HAS_CPU, &cell[METRIC_CPU]);
        add_counter(row, bucket, PAGE_READ, PAGE_HAS_READ, &cell[METRIC_READ]);
        add_counter(row, bucket, PAGE_WRITTEN, PAGE_HAS_WRITTEN, &cell[METRIC_WRITTEN]);
        if (row->group != 0)
            add_own(row, bucket, cell, host->covered_ns[bucket]);
    }
    return STATUS_OK;
}

static enum status read_samples(struct page *page, struct error *err)
{
    struct timeline *t = calloc(1, sizeof *t);
    struct subject part = *page->subject;
    enum status st;

    if (t == NULL)
        return error_set(err, STATUS_NO_MEMORY, "rows");
    part.window = page->charted;
    t->by = TIMELINE_SERIES;
    t->select = &page->everyone;
    t->table = recording_table(part.recording, "process_samples");
    for (size_t m = 0; m < METRICS; m++) {
        t->metric[m] = recording_metric(t->table, metrics[m]);
        if (t->metric[m] == SIZE_MAX) {
            st = error_set(err, STATUS_UNSUPPORTED, "the recording has no %s", metrics[m]);
            goto done;
        }
    }
    t->metric_count = METRICS;
    t->sink = (struct timeline_sink){ take_bucket, page };
    st = timeline_buckets_cut(&t->buckets, &page->charted, page->step_ns, &part.zone, err);
    if (st == STATUS_OK)
        st = timeline_read(t, &part, err);
done:
    timeline_release(t);
    free(t);
    return st;
}

/* --- packed --- */

/* Steps of the table: what a row has in `fold` buckets, all its figures. */
struct folded {
    size_t fold, count;
    int64_t *value[PAGE_FIGURES]; /* [step] */
};

static enum status folded_init(struct folded *f, const struct page *page, struct error *err)
{
    f->count = (page->buckets.count + f->fold - 1) / f->fold;
    f->value[0] = calloc(f->count * PAGE_FIGURES, sizeof *f->value[0]);
    if (f->value[0] == NULL)
        return error_set(err, STATUS_NO_MEMORY, "a row's figures");
    for (size_t i = 1; i < PAGE_FIGURES; i++)
        f->value[i] = f->value[0] + i * f->count;
    return STATUS_OK;
}

static void fold_step(struct folded *f, size_t step, const struct page *page,
                      const struct page_row *row)
{
    static const enum page_figure sums[] = { PAGE_CPU, PAGE_READ, PAGE_WRITTEN, PAGE_GPU,
                                             PAGE_GPU_NS };
    size_t first = step * f->fold, end = first + f->fold;
    int64_t covered_ns = 0, own_ns = 0, weight_ns = 0, *v[PAGE_FIGURES];
    int128 rss = 0;

    for (size_t i = 0; i < PAGE_FIGURES; i++) {
        v[i] = &f->value[i][step];
        *v[i] = 0;
    }
    for (size_t b = first; b < end && b < page->buckets.count; b++) {
        int64_t flags = row->value[PAGE_FLAGS][b], in_ns, mean;

        covered_ns = wrap_add(covered_ns, page->host.covered_ns[b]);
        *v[PAGE_FLAGS] |= flags;
        for (size_t i = 0; i < COUNT_OF(sums); i++)
            *v[sums[i]] = wrap_add(*v[sums[i]], row->value[sums[i]][b]);
        if ((flags & PAGE_IS_THERE) == 0)
            continue;
        in_ns = wrap_subtract(page->host.covered_ns[b], row->value[PAGE_UNCOVERED][b]);
        own_ns = wrap_add(own_ns, in_ns);
        if (row->value[PAGE_CPU_MAX][b] > *v[PAGE_CPU_MAX])
            *v[PAGE_CPU_MAX] = row->value[PAGE_CPU_MAX][b];
        if ((flags & PAGE_HAS_RSS) == 0)
            continue;
        if (row->value[PAGE_RSS_MAX][b] > *v[PAGE_RSS_MAX])
            *v[PAGE_RSS_MAX] = row->value[PAGE_RSS_MAX][b];
        in_ns = wrap_add(in_ns, row->value[PAGE_RSS_WEIGHT][b]);
        mean = row->value[PAGE_RSS_MAX][b] * BELOW_PARTS - row->value[PAGE_RSS_BELOW][b];
        rss += (int128)mean * in_ns;
        weight_ns = wrap_add(weight_ns, in_ns);
    }
    if ((*v[PAGE_FLAGS] & PAGE_IS_THERE) == 0)
        return;
    *v[PAGE_UNCOVERED] = wrap_subtract(covered_ns, own_ns);
    *v[PAGE_RSS_WEIGHT] = wrap_subtract(weight_ns, own_ns);
    if (weight_ns > 0)
        *v[PAGE_RSS_BELOW] =
            (int64_t)(((int128)*v[PAGE_RSS_MAX] * BELOW_PARTS * weight_ns - rss + weight_ns / 2) /
                      weight_ns);
}

static void pack(struct page *page, struct page_row *row, struct folded *f)
{
    size_t first = 0, end = f->count;

    for (size_t i = 0; i < f->count; i++)
        fold_step(f, i, page, row);
    row->at = page->packed.used;
    while (first < end && f->value[PAGE_FLAGS][first] == 0)
        first++;
    while (end > first && f->value[PAGE_FLAGS][end - 1] == 0)
        end--;
    row->first = first;
    row->count = end - first;
    for (size_t i = 0; i < PAGE_FIGURES; i++)
        page_pack(&page->packed, f->value[i] + first, row->count);
}

static enum status give_to_comm(struct page *page, struct page_row *row, struct error *err)
{
    static const enum page_figure sums[] = { PAGE_CPU, PAGE_READ, PAGE_WRITTEN, PAGE_GPU };
    struct page_row *comm = &page->rows.row[row->comm];

    page_comms_add(page, row->group, comm);
    if (reserve(page, comm, err) != STATUS_OK)
        return err->status;
    for (size_t b = 0; b < page->buckets.count; b++) {
        comm->value[PAGE_FLAGS][b] |=
            row->value[PAGE_FLAGS][b] & ~(int64_t)(PAGE_HAS_RSS | PAGE_IS_THERE);
        for (size_t i = 0; i < COUNT_OF(sums); i++)
            comm->value[sums[i]][b] = wrap_add(comm->value[sums[i]][b], row->value[sums[i]][b]);
    }
    page->rows.of_group[row->group] = row->comm + 1;
    return STATUS_OK;
}

/* Which processes fit with steps of so many buckets; returns how many do. */
static enum status try_fold(struct page *page, size_t fold, size_t *kept, struct error *err)
{
    struct page_rows *rows = &page->rows;
    struct folded f = { .fold = fold };
    enum status st = folded_init(&f, page, err);

    *kept = 0;
    page->rows.fold = fold;
    for (size_t i = 0; i < rows->process_count && st == STATUS_OK; i++) {
        struct page_row *row = &rows->row[i];
        size_t before = page->packed.used;

        st = reserve(page, row, err);
        if (st != STATUS_OK)
            break;
        pack(page, row, &f);
        row->kept = page->packed.used <= PAGE_PACKED_MOST;
        if (!row->kept)
            page->packed.used = before;
        *kept += row->kept;
    }
    free(f.value[0]);
    return st;
}

static enum status choose_fold(struct page *page, struct error *err)
{
    static const size_t folds[] = { 1, 2, 5, 10, 20 };
    size_t all = page->rows.process_count, kept;
    size_t wanted = all < PAGE_ROWS_WANTED ? all : PAGE_ROWS_WANTED;

    for (size_t i = 0; i < COUNT_OF(folds); i++) {
        page->packed.used = 0;
        if (try_fold(page, folds[i], &kept, err) != STATUS_OK)
            return err->status;
        if (kept >= wanted || page->buckets.count / folds[i] < PAGE_ROWS_WANTED / 2)
            break;
    }
    for (size_t i = 0; i < all; i++)
        if (!page->rows.row[i].kept && give_to_comm(page, &page->rows.row[i], err) != STATUS_OK)
            return err->status;
    return STATUS_OK;
}

/* Rows by comm are few, and are behind those that are packed already. */
static enum status pack_comms(struct page *page, struct error *err)
{
    struct page_rows *rows = &page->rows;
    struct folded f = { .fold = rows->fold };
    enum status st = folded_init(&f, page, err);

    for (size_t i = rows->process_count; i < rows->count && st == STATUS_OK; i++) {
        if (rows->row[i].processes == 0)
            continue;
        st = reserve(page, &rows->row[i], err);
        if (st == STATUS_OK)
            pack(page, &rows->row[i], &f);
        rows->row[i].kept = true;
    }
    free(f.value[0]);
    return st;
}

static int64_t sum_of(const struct page *page, const struct page_row *row, enum page_figure figure)
{
    int64_t sum = 0;

    for (size_t b = 0; b < page->buckets.count; b++)
        sum = wrap_add(sum, row->value[figure][b]);
    return sum;
}

/* Of the processes that a chart draws, the figure of each bucket. */
static void pack_stack(struct page *page, enum page_figure figure)
{
    struct page_rows *rows = &page->rows;

    for (size_t n = 0; n < PAGE_STACKED; n++) {
        struct page_row *best = NULL;
        int64_t most = 0;

        for (size_t i = 0; i < rows->process_count; i++) {
            struct page_row *row = &rows->row[i];
            size_t at = figure == PAGE_CPU ? row->cpu_at : row->gpu_at;
            int64_t sum = row->kept && at == 0 ? sum_of(page, row, figure) : 0;

            if (sum > most) {
                most = sum;
                best = row;
            }
        }
        if (best == NULL)
            return;
        *(figure == PAGE_CPU ? &best->cpu_at : &best->gpu_at) = page->packed.used;
        page_pack(&page->packed, best->value[figure], page->buckets.count);
    }
}

enum status page_rows_read(struct page *page, struct error *err)
{
    size_t buckets = page->buckets.count;

    page->host.processes = calloc(buckets, sizeof *page->host.processes);
    page->host.covered_ns = calloc(buckets, sizeof *page->host.covered_ns);
    if (page->host.processes == NULL || page->host.covered_ns == NULL)
        return error_set(err, STATUS_NO_MEMORY, "buckets");
    if (page_comms(page, err) != STATUS_OK || read_samples(page, err) != STATUS_OK ||
        give_energy(page, err) != STATUS_OK || choose_fold(page, err) != STATUS_OK ||
        pack_comms(page, err) != STATUS_OK)
        return err->status;
    pack_stack(page, PAGE_CPU);
    pack_stack(page, PAGE_GPU);
    return STATUS_OK;
}
