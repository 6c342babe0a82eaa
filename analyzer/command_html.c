/*
 * procscope html: the page, which the build makes of analyzer/page/ and uPlot, with a recording's figures in it.
 */
#include <string.h>

#include "analyzer/command.h"
#include "analyzer/page.h"
#include "analyzer/page_pack.h"
#ifndef PROCSCOPE_HTML_MISSING
#include "page_html.h"
#endif

static const char help[] =
    "usage: procscope html [FILE…] [WINDOW] -o PAGE.html\n"
    "\n"
    "Writes one page that needs nothing else: it opens in a browser from a file, without a "
    "network.\n"
    "\n"
    "It shows charts over time that are zoomed together: CPU and GPU power by process, memory,\n"
    "pressure, disks, network, events; the table of processes of the part that is zoomed to, with\n"
    "the figures of procscope report; how far these can be trusted; and what was recorded.\n"
    "\n"
    "Charts have 1500 steps at most, with their smallest and largest values. Of many processes "
    "those\n"
    "with most CPU time, memory, IO or energy have rows of their own, the others one by name.\n";

/* Where in the page figures go. */
#define FACTS_MARK "@FACTS@"
#define SERIES_MARK "@SERIES@"

#ifdef PROCSCOPE_HTML_MISSING
static enum status find_page(const char **page, struct error *err)
{
    *page = NULL;
    return error_set(
        err, STATUS_UNSUPPORTED,
        "this program has no page in it: " PROCSCOPE_HTML_MISSING
        "; cmake -DPROCSCOPE_HTML=ON tells why, and procscope report and timeline give "
        "the same figures");
}
#else
static enum status find_page(const char **page, struct error *err)
{
    (void)err;
    *page = page_html;
    return STATUS_OK;
}
#endif

/* In the page's text a name must not end the element that it is in: JSON can say "<" in other words. */
static void put_facts(FILE *out, const struct byte_writer *facts)
{
    const char *at = (const char *)facts->data, *end = at + facts->used;

    while (at < end) {
        const char *next = memchr(at, '<', (size_t)(end - at));

        (void)fwrite(at, 1, (size_t)((next == NULL ? end : next) - at), out);
        if (next == NULL)
            return;
        (void)fputs("\\u003c", out);
        at = next + 1;
    }
}

static enum status write_page(const struct page *page, const char *text, FILE *out,
                              struct error *err)
{
    const char *facts = strstr(text, FACTS_MARK), *series = strstr(text, SERIES_MARK);
    struct byte_writer coded = { 0 };

    if (facts == NULL || series == NULL || series < facts)
        return error_set(err, STATUS_CORRUPT, "the page in this program has no place for figures");
    page_put_base64(&coded, page->packed.data, page->packed.used);
    if (coded.full)
        return error_set(err, STATUS_NO_MEMORY, "the page");
    (void)fwrite(text, 1, (size_t)(facts - text), out);
    put_facts(out, &page->facts.bytes);
    facts += strlen(FACTS_MARK);
    (void)fwrite(facts, 1, (size_t)(series - facts), out);
    (void)fwrite(coded.data, 1, coded.used, out);
    (void)fputs(series + strlen(SERIES_MARK), out);
    bytes_release(&coded);
    return STATUS_OK; /* sink_close() tells of what could not be written */
}

static enum status write_to(const struct page *page, const char *text,
                            const struct options *options, const struct subject *subject,
                            struct error *err)
{
    struct sink sink;
    enum status st = sink_open(&sink, options, subject, err);

    if (st != STATUS_OK)
        return st;
    sink.whole = true;
    return sink_close(&sink, write_page(page, text, sink.file, err), err);
}

static enum status run(int argc, char **argv, struct error *err)
{
    struct options options;
    struct subject subject = { 0 };
    static struct page page;
    const char *text = NULL;
    enum status st = options_parse(&options, command_html.options, NULL, 0, argc, argv, err);

    if (st == STATUS_OK)
        st = find_page(&text, err);
    if (st == STATUS_OK && options.output == NULL)
        st = error_set(err, STATUS_INVALID, "-o PAGE.html: where to write; - is standard output");
    if (st == STATUS_OK)
        st = subject_open(&subject, &options, err);
    if (st == STATUS_OK && options.file_count == 0) { /* the default one */
        options.files[0] = subject.path;
        options.file_count = 1;
    }
    if (st == STATUS_OK)
        st = page_read(&page, &subject, options.files, options.file_count, err);
    if (st == STATUS_OK)
        st = write_to(&page, text, &options, &subject, err);
    page_release(&page);
    subject_close(&subject);
    return st;
}

const struct command command_html = { "html", "one page that opens in a browser, offline", help,
                                      run, OPTIONS_SEVERAL | OPTIONS_WINDOW | OPTIONS_OUTPUT };
