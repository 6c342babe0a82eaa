/* CPU time by comm, those with most of it: where many processes come and go, none of them stands out. */
#include <stdlib.h>

#include "analyzer/page.h"
#include "analyzer/page_pack.h"
#include "analyzer/page_writer.h"
#include "analyzer/timeline.h"

/* What a name had in a bucket: most are there in few of them. */
struct used {
    uint32_t name, bucket;
    int64_t cpu;
};

struct names {
    struct used *used;
    size_t count, size;
    int64_t *total; /* [name] */
    size_t total_count;
};

static enum status reserve(struct names *n, size_t name, struct error *err)
{
    if (n->count == n->size) {
        size_t more = n->size * 2 + 1024;
        struct used *larger = realloc(n->used, more * sizeof *larger);

        if (larger == NULL)
            return error_set(err, STATUS_NO_MEMORY, "CPU time by name");
        n->used = larger;
        n->size = more;
    }
    if (name >= n->total_count) {
        size_t more = name * 2 + 64;
        int64_t *larger = realloc(n->total, more * sizeof *larger);

        if (larger == NULL)
            return error_set(err, STATUS_NO_MEMORY, "CPU time by name");
        for (size_t i = n->total_count; i < more; i++)
            larger[i] = 0;
        n->total = larger;
        n->total_count = more;
    }
    return STATUS_OK;
}

static enum status take_bucket(void *self, size_t bucket, const struct timeline_row rows[],
                               size_t count, struct error *err)
{
    struct names *n = self;

    for (size_t i = 0; i < count; i++) {
        size_t name = (size_t)rows[i].key.id[0];
        int64_t cpu = rows[i].cell->increase;

        if (cpu == 0)
            continue;
        if (reserve(n, name, err) != STATUS_OK)
            return err->status;
        n->used[n->count++] = (struct used){ (uint32_t)name, (uint32_t)bucket, cpu };
        n->total[name] = wrap_add(n->total[name], cpu);
    }
    return STATUS_OK;
}

static enum status read_names(struct page *page, struct timeline *t, struct error *err)
{
    struct subject part = *page->subject;

    part.window = page->charted;
    t->by = TIMELINE_NAME;
    t->name = BY_COMM;
    t->select = &page->everyone;
    t->table = recording_table(part.recording, "process_samples");
    t->metric[t->metric_count++] = recording_metric(t->table, "cpu_ns_total");
    if (timeline_buckets_cut(&t->buckets, &page->charted, page->step_ns, &part.zone, err) !=
        STATUS_OK)
        return err->status;
    return timeline_read(t, &part, err);
}

/* The name with most that was not put yet, or 0. */
static size_t find_most(const struct names *n)
{
    size_t most = 0;

    for (size_t i = 1; i < n->total_count; i++)
        if (n->total[i] > (most == 0 ? 0 : n->total[most]))
            most = i;
    return most;
}

static void put_name(struct page *page, const struct names *n, const struct text *name,
                     size_t number, int64_t column[])
{
    struct json *j = &page->facts;

    for (size_t b = 0; b < page->buckets.count; b++)
        column[b] = 0;
    for (size_t i = 0; i < n->count; i++)
        if (n->used[i].name == number)
            column[n->used[i].bucket] = n->used[i].cpu;
    json_begin(j, NULL, "{");
    json_name(j, "name");
    if (name->data == NULL)
        bytes_put(&j->bytes, "null", 4);
    else
        page_writer_text(&j->bytes, name->data, name->size, PAGE_COMMAND_LINE_MOST);
    json_integer(j, "at", (int64_t)page->packed.used);
    json_end(j, "}");
    page_pack(&page->packed, column, page->buckets.count);
}

enum status page_names_put(struct page *page, struct error *err)
{
    struct timeline *t = calloc(1, sizeof *t);
    int64_t *column = calloc(page->buckets.count, sizeof *column);
    struct names n = { .used = NULL };
    enum status st;

    if (t == NULL || column == NULL) {
        st = error_set(err, STATUS_NO_MEMORY, "CPU time by name");
        goto done;
    }
    t->sink = (struct timeline_sink){ take_bucket, &n };
    st = read_names(page, t, err);
    json_begin(&page->facts, "names", "[");
    for (size_t i = 0; i < PAGE_STACKED && st == STATUS_OK; i++) {
        size_t name = find_most(&n);

        if (name == 0)
            break;
        put_name(page, &n, &t->groups.group[name].key, name, column);
        n.total[name] = 0;
    }
    json_end(&page->facts, "]");
done:
    free(n.used);
    free(n.total);
    free(column);
    if (t != NULL)
        timeline_release(t);
    free(t);
    return st;
}
