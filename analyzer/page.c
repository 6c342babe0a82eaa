/* Reads a page's parts in their order. */
#include "analyzer/page.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/calendar.h"

/* The shortest round step that no two samples share where there is room for each. */
static int64_t step_of(const struct page *page)
{
    static const int64_t round_ms[] = {
        10,    20,    50,     100,    200,    500,     1000,    2000,    5000,    10000,   15000,
        30000, 60000, 120000, 300000, 600000, 1200000, 1800000, 3600000, 7200000, 21600000
    };
    const struct recording_contents *c = page->subject->contents;
    int128 length = (int128)page->charted.to_ns - page->charted.from_ns;
    int64_t interval_ns = INT64_MAX;

    for (size_t s = 0; s < c->session_count; s++)
        if (c->sessions[s].interval_ns > 0 && c->sessions[s].interval_ns < interval_ns)
            interval_ns = c->sessions[s].interval_ns;
    for (size_t i = 0; i < COUNT_OF(round_ms); i++) {
        int64_t step_ns = round_ms[i] * 1000000;

        if (step_ns >= interval_ns && length <= (int128)step_ns * (PAGE_BUCKETS_MOST - 2))
            return step_ns;
    }
    return (int64_t)(length / (PAGE_BUCKETS_MOST * CALENDAR_DAY_NS) + 1) * CALENDAR_DAY_NS;
}

enum status page_cut(struct page *page, struct error *err)
{
    const struct subject *subject = page->subject;
    struct window *w = &page->charted;

    *w = subject->window;
    if (w->from_ns < subject->first_ns - 1)
        w->from_ns = subject->first_ns - 1;
    if (w->to_ns > subject->last_ns)
        w->to_ns = subject->last_ns;
    if (subject->contents->block_count[0] == 0 || w->from_ns >= w->to_ns)
        return error_set(err, STATUS_ABSENT,
                         "%s: no sample lies in the window; procscope info tells what there is",
                         subject->contents->path);
    page->step_ns = step_of(page);
    return timeline_buckets_cut(&page->buckets, w, page->step_ns, &subject->zone, err);
}

enum status page_read(struct page *page, const struct subject *subject, const char *const files[],
                      size_t file_count, struct error *err)
{
    enum status (*const parts[])(struct page *, struct error *) = {
        page_cut, page_choose, page_rows_read, page_host_read, page_facts_put,
    };
    enum status st = STATUS_OK;

    *page = (struct page){ .subject = subject, .files = files, .file_count = file_count };
    for (size_t i = 0; i < COUNT_OF(parts) && st == STATUS_OK; i++)
        st = parts[i](page, err);
    if (st == STATUS_OK && (page->packed.full || page->facts.bytes.full))
        st = error_set(err, STATUS_NO_MEMORY, "the page");
    return st;
}

void page_release(struct page *page)
{
    bytes_release(&page->facts.bytes);
    bytes_release(&page->packed);
    page_host_release(page);
    page_energy_release(page);
    page_rows_release(page);
    timeline_buckets_release(&page->buckets);
    report_release(&page->report);
    *page = (struct page){ .subject = NULL };
}
