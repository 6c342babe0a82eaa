/* Figures of the table's rows, bucket by bucket: timeline's cells. */
#include <stdlib.h>
#include <string.h>

#include "analyzer/page.h"
#include "analyzer/timeline.h"

enum { METRIC_CPU, METRIC_READ, METRIC_WRITTEN, METRIC_RSS, METRICS };
static const char *const metrics[METRICS] = { "cpu_ns_total", "disk_read_bytes_total",
                                              "disk_written_bytes_total", "resident_bytes" };

/* --- room --- */

enum status page_row_reserve(const struct page *page, struct page_row *row, struct error *err)
{
    size_t count = page->buckets.count;

    if (row->value[0] != NULL)
        return STATUS_OK;
    row->value[0] = calloc(count * PAGE_FIGURES + 1, sizeof *row->value[0]);
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
}

/* --- samples --- */

static int64_t below(const struct timeline_cell *cell)
{
    int128 below = (int128)cell->max * cell->weight_ns - cell->sum;

    if (cell->weight_ns <= 0 || below < 0)
        return 0;
    return (int64_t)((below * PAGE_BELOW_PARTS + cell->weight_ns / 2) / cell->weight_ns);
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
        if (page_row_reserve(page, row, err) != STATUS_OK)
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

enum status page_rows_read(struct page *page, struct error *err)
{
    size_t buckets = page->buckets.count;

    page->host.processes = calloc(buckets, sizeof *page->host.processes);
    page->host.covered_ns = calloc(buckets, sizeof *page->host.covered_ns);
    if (page->host.processes == NULL || page->host.covered_ns == NULL)
        return error_set(err, STATUS_NO_MEMORY, "buckets");
    if (page_comms(page, err) != STATUS_OK || read_samples(page, err) != STATUS_OK ||
        page_energy_give(page, err) != STATUS_OK)
        return err->status;
    return page_fold(page, err);
}
