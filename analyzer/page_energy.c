/* What processes used of GPUs, bucket by bucket, told as it is shared out. */
#include <stdlib.h>
#include <string.h>

#include "analyzer/page.h"

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

enum status page_energy_give(struct page *page, struct error *err)
{
    size_t buckets = page->buckets.count;

    for (size_t g = 1; g < page->energy.size && g < page->rows.group_count; g++) {
        const int64_t *uj = page->energy.uj[g];
        struct page_row *row = &page->rows.row[page->rows.of_group[g] - 1];

        if (uj == NULL)
            continue;
        if (page_row_reserve(page, row, err) != STATUS_OK)
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

void page_energy_release(struct page *page)
{
    for (size_t i = 0; i < page->energy.size; i++)
        free(page->energy.uj[i]);
    free(page->energy.uj);
    free(page->energy.processes_uj);
}
