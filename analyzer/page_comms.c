/* Rows for the processes that have none of their own: by comm, those with most CPU time; one for all others. */
#include <stdlib.h>
#include <string.h>

#include "analyzer/page.h"

/* A process, and what it is called. */
struct called {
    struct text comm;
    uint32_t group;
};

/* A comm, and what its processes without a row come to. */
struct comm {
    struct text name;
    int64_t cpu;           /* of all its processes */
    uint32_t first, count; /* of struct called */
};

static int compare(struct text a, struct text b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size == 0 ? 0 : memcmp(a.data, b.data, size);

    if ((a.data == NULL) != (b.data == NULL))
        return a.data == NULL ? -1 : 1;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static int by_comm(const void *a, const void *b)
{
    const struct called *x = a, *y = b;
    int order = compare(x->comm, y->comm);

    return order != 0 ? order : (x->group > y->group) - (x->group < y->group);
}

static int by_cpu(const void *a, const void *b)
{
    const struct comm *x = a, *y = b;

    if (x->cpu != y->cpu)
        return x->cpu > y->cpu ? -1 : 1;
    return compare(x->name, y->name);
}

static enum status find_names(struct page *page, struct called *called, struct error *err)
{
    struct report *r = &page->report;

    for (uint32_t g = 1; g < page->rows.group_count; g++) {
        const struct group *group = &r->aggregate.groups.group[g];
        const struct version *v;

        if (report_identify(r, page->subject, g, err) != STATUS_OK)
            return err->status;
        v = process_version_at(group->process, group->last_ns);
        called[g - 1].group = g;
        if (v != NULL)
            called[g - 1].comm = v->text[PROCESS_COMM];
    }
    qsort(called, page->rows.group_count - 1, sizeof *called, by_comm);
    return STATUS_OK;
}

static size_t find_comms(const struct page *page, const struct called *called, struct comm *comm)
{
    size_t count = 0;

    for (size_t i = 0; i + 1 < page->rows.group_count; i++) {
        if (i == 0 || compare(called[i].comm, called[i - 1].comm) != 0)
            comm[count++] = (struct comm){ .name = called[i].comm, .first = (uint32_t)i };
        comm[count - 1].count++;
        comm[count - 1].cpu = wrap_add(
            comm[count - 1].cpu,
            aggregate_total(&page->report.aggregate, called[i].group, MEASURE_CPU)->increase);
    }
    qsort(comm, count, sizeof *comm, by_cpu);
    return count;
}

/* Every process has its comm's row, as its own or to go to. */
static void assign(struct page *page, const struct called *called, const struct comm *comm,
                   uint32_t row)
{
    struct page_rows *rows = &page->rows;

    for (uint32_t i = comm->first; i < comm->first + comm->count; i++) {
        uint32_t *own = &rows->of_group[called[i].group];

        if (*own != 0)
            rows->row[*own - 1].comm = row;
        else
            *own = row + 1;
    }
}

static void add_total(const struct total *total, int64_t *sum)
{
    if (total->timed)
        *sum = wrap_add(*sum, total->increase);
}

void page_comms_add(struct page *page, uint32_t group, struct page_row *row)
{
    const struct aggregate *a = &page->report.aggregate;

    row->processes++;
    add_total(aggregate_total(a, group, MEASURE_CPU), &row->cpu);
    add_total(aggregate_total(a, group, MEASURE_DISK_READ), &row->read);
    add_total(aggregate_total(a, group, MEASURE_DISK_WRITTEN), &row->written);
}

enum status page_comms(struct page *page, struct error *err)
{
    struct page_rows *rows = &page->rows;
    struct called *called = calloc(rows->group_count, sizeof *called);
    struct comm *comm = calloc(rows->group_count, sizeof *comm);
    enum status st = STATUS_OK;
    size_t count, named;

    if (called == NULL || comm == NULL)
        st = error_set(err, STATUS_NO_MEMORY, "%zu processes", rows->group_count);
    else
        st = find_names(page, called, err);
    if (st != STATUS_OK)
        goto done;
    count = find_comms(page, called, comm);
    named = count < PAGE_COMMS_MOST ? count : PAGE_COMMS_MOST;
    for (size_t i = 0; i < count; i++) {
        uint32_t row = (uint32_t)(rows->process_count + (i < named ? i : named));

        assign(page, called, &comm[i], row);
        if (i < named)
            rows->row[row].name = comm[i].name;
    }
    rows->count = rows->process_count + named + (count > named);
    for (uint32_t g = 1; g < rows->group_count; g++)
        if (rows->of_group[g] > rows->process_count)
            page_comms_add(page, g, &rows->row[rows->of_group[g] - 1]);
done:
    free(called);
    free(comm);
    return st;
}
