/* What the host did in each bucket, and the range of all processes together. */
#include <stdlib.h>

#include "analyzer/page.h"
#include "analyzer/timeline.h"

enum { HOLD_BUCKETS = 64 };

static enum status reserve(struct page *page, struct error *err)
{
    struct page_host *h = &page->host;
    int64_t **const columns[] = { &h->busy_us,    &h->idle_us,    &h->stolen_us, &h->elapsed_ns,
                                  &h->cpuacct_us, &h->cpuacct_ns, &h->ticks_ns,  &h->since_ns,
                                  &h->all_min,    &h->all_max };

    for (size_t i = 0; i < COUNT_OF(columns); i++) {
        *columns[i] = calloc(page->buckets.count, sizeof **columns[i]);
        if (*columns[i] == NULL)
            return error_set(err, STATUS_NO_MEMORY, "buckets");
    }
    return STATUS_OK;
}

void page_host_release(struct page *page)
{
    struct page_host *h = &page->host;

    free(h->busy_us);
    free(h->idle_us);
    free(h->stolen_us);
    free(h->elapsed_ns);
    free(h->cpuacct_us);
    free(h->cpuacct_ns);
    free(h->ticks_ns);
    free(h->since_ns);
    free(h->processes);
    free(h->covered_ns);
    free(h->all_min);
    free(h->all_max);
}

/* The totals of a bucket whose blocks are in; the page chooses a basis, of whatever it is zoomed to. */
static void keep(struct page_host *h, size_t bucket, const struct host_total *total,
                 const struct coverage *coverage)
{
    h->busy_us[bucket] = total->busy_us;
    h->idle_us[bucket] = total->idle_us;
    h->stolen_us[bucket] = total->stolen_us;
    h->elapsed_ns[bucket] = total->elapsed_ns;
    h->cpuacct_us[bucket] = total->cpuacct_us;
    h->cpuacct_ns[bucket] = total->cpuacct_ns;
    h->ticks_ns[bucket] = coverage->ticks_ns;
    h->cores = total->cores > h->cores ? total->cores : h->cores;
}

/* *first: no block before it reaches into this bucket or a later one. */
static enum status read_bucket(struct page *page, size_t bucket, size_t *first, struct error *err)
{
    const struct subject *subject = page->subject;
    const struct recording_contents *c = subject->contents;
    const struct window window = { timeline_bucket_from(&page->buckets, bucket),
                                   page->buckets.end_ns[bucket] };
    struct host_total total;
    struct coverage coverage = { 0 };
    enum status st = STATUS_OK;

    host_total_begin(&total, subject->recording, &window);
    for (size_t b = *first; b < c->block_count[0] && st == STATUS_OK; b++) {
        const struct recording_block *block = &c->blocks[0][b];
        struct block_ticks ticks;

        if (block->end_ns <= window.from_ns || block->start_ns > window.to_ns) {
            if (b == *first && block->end_ns <= window.from_ns)
                ++*first;
            continue;
        }
        st = recording_ticks(subject->recording, block, &ticks, err);
        if (st != STATUS_OK)
            break;
        coverage_block(&coverage, c, block, &ticks, &window);
        st = host_total_block(&total, block, &ticks, HOST_ALL, err);
        block_ticks_release(&ticks);
    }
    keep(&page->host, bucket, &total, &coverage);
    if (coverage.tick_count > 0)
        page->host.since_ns[bucket] = window.to_ns - coverage.last_ns;
    host_total_release(&total);
    return st;
}

static enum status take_all(void *self, size_t bucket, const struct timeline_row rows[],
                            size_t count, struct error *err)
{
    struct page *page = self;

    (void)err;
    if (count > 0) {
        page->host.all_min[bucket] = rows[0].cell->min;
        page->host.all_max[bucket] = rows[0].cell->max;
    }
    return STATUS_OK;
}

static enum status read_range(struct page *page, struct error *err)
{
    struct timeline *t = calloc(1, sizeof *t);
    struct subject part = *page->subject;
    enum status st;

    if (t == NULL)
        return error_set(err, STATUS_NO_MEMORY, "rows");
    part.window = page->charted;
    t->by = TIMELINE_TOTAL;
    t->select = &page->everyone;
    t->table = recording_table(part.recording, "process_samples");
    t->metric[t->metric_count++] = recording_metric(t->table, "cpu_ns_total");
    t->sink = (struct timeline_sink){ take_all, page };
    st = timeline_buckets_cut(&t->buckets, &page->charted, page->step_ns, &part.zone, err);
    if (st == STATUS_OK)
        st = timeline_read(t, &part, err);
    timeline_release(t);
    free(t);
    return st;
}

enum status page_host_read(struct page *page, struct error *err)
{
    size_t first = 0;
    enum status st = reserve(page, err);

    for (size_t i = 0; i < page->buckets.count && st == STATUS_OK; i++) {
        if (i % HOLD_BUCKETS == 0) { /* so many in one transaction */
            recording_let_go(page->subject->recording);
            st = recording_hold(page->subject->recording, err);
        }
        if (st == STATUS_OK)
            st = read_bucket(page, i, &first, err);
    }
    recording_let_go(page->subject->recording);
    return st == STATUS_OK ? read_range(page, err) : st;
}
