/*
 * Columns of rows, packed. Where processes would be too many for a page, the table has steps of several buckets;
 * those that still do not fit go to their comm's row.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/page.h"
#include "analyzer/page_pack.h"

enum { STEPS_LEAST = 60 }; /* of the table */

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
        mean = row->value[PAGE_RSS_MAX][b] * PAGE_BELOW_PARTS - row->value[PAGE_RSS_BELOW][b];
        rss += (int128)mean * in_ns;
        weight_ns = wrap_add(weight_ns, in_ns);
    }
    if ((*v[PAGE_FLAGS] & PAGE_IS_THERE) == 0)
        return;
    *v[PAGE_UNCOVERED] = wrap_subtract(covered_ns, own_ns);
    *v[PAGE_RSS_WEIGHT] = wrap_subtract(weight_ns, own_ns);
    if (weight_ns > 0)
        *v[PAGE_RSS_BELOW] = (int64_t)(((int128)*v[PAGE_RSS_MAX] * PAGE_BELOW_PARTS * weight_ns -
                                        rss + weight_ns / 2) /
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
    if (page_row_reserve(page, comm, err) != STATUS_OK)
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

/* Which processes fit with steps of so many buckets; *all: those with most CPU time do. */
static enum status try_fold(struct page *page, size_t fold, bool *all, struct error *err)
{
    struct page_rows *rows = &page->rows;
    struct folded f = { .fold = fold };
    enum status st = folded_init(&f, page, err);

    *all = true;
    page->rows.fold = fold;
    for (size_t i = 0; i < rows->process_count && st == STATUS_OK; i++) {
        struct page_row *row = &rows->row[i];
        size_t before = page->packed.used;

        st = page_row_reserve(page, row, err);
        if (st != STATUS_OK)
            break;
        pack(page, row, &f);
        row->kept = page->packed.used <= PAGE_PACKED_MOST;
        if (!row->kept)
            page->packed.used = before;
        *all &= row->kept || i >= PAGE_ROWS_WANTED;
    }
    free(f.value[0]);
    return st;
}

static enum status choose_fold(struct page *page, struct error *err)
{
    static const size_t folds[] = { 1, 2, 5, 10, 20 };
    bool all = false;

    for (size_t i = 0; i < COUNT_OF(folds) && !all; i++) {
        if (i > 0 && page->buckets.count / folds[i] < STEPS_LEAST)
            break;
        page->packed.used = 0;
        if (try_fold(page, folds[i], &all, err) != STATUS_OK)
            return err->status;
    }
    for (size_t i = 0; i < page->rows.process_count; i++)
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
        st = page_row_reserve(page, &rows->row[i], err);
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

enum status page_fold(struct page *page, struct error *err)
{
    if (choose_fold(page, err) != STATUS_OK || pack_comms(page, err) != STATUS_OK)
        return err->status;
    pack_stack(page, PAGE_CPU);
    pack_stack(page, PAGE_GPU);
    return STATUS_OK;
}
