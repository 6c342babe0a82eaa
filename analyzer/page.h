/*
 * The page of `procscope html`: what it is made of, read from a recording by the engines of report and timeline.
 *
 * Figures of time are columns of whole numbers, a value per bucket, packed one after the other (page_pack.h);
 * the facts are JSON, which tells where in there a column begins. analyzer/page/page.js is who reads both.
 */
#ifndef ANALYZER_PAGE_H
#define ANALYZER_PAGE_H

#include "analyzer/json.h"
#include "analyzer/report.h"
#include "analyzer/timeline_buckets.h"

enum {
    PAGE_BUCKETS_MOST = 1500,
    PAGE_COMMS_MOST = 200,          /* rows for processes that have none of their own */
    PAGE_PACKED_MOST = 1100 * 1024, /* bytes of columns; then processes go to their comm's row */
    PAGE_ROWS_WANTED = 300,         /* rather than leave these out, the table's steps are longer */
    PAGE_BELOW_PARTS = 64,          /* of a byte */
    PAGE_STACKED = 8,               /* processes with a colour in a chart */
    PAGE_COMMAND_LINE_MOST = 300,   /* bytes of it that are shown */
};

/* Columns of a row of the table, a value per bucket. The order is the page's. */
enum page_figure {
    PAGE_FLAGS,      /* what is known in the bucket: enum page_flag */
    PAGE_CPU,        /* increase, stored units */
    PAGE_UNCOVERED,  /* ns that covered time is less than that of the bucket */
    PAGE_CPU_MAX,    /* stored units per second */
    PAGE_READ,       /* bytes */
    PAGE_WRITTEN,    /* the same */
    PAGE_RSS_MAX,    /* bytes */
    PAGE_RSS_BELOW,  /* parts of a byte that the mean is below the largest */
    PAGE_RSS_WEIGHT, /* ns that the mean's time is more than covered time */
    PAGE_GPU,        /* microjoules */
    PAGE_GPU_NS,     /* of time that these are of */
    PAGE_FIGURES,
};

enum page_flag {
    PAGE_HAS_CPU = 1,
    PAGE_HAS_READ = 2,
    PAGE_HAS_WRITTEN = 4,
    PAGE_HAS_RSS = 8,
    PAGE_HAS_GPU = 16,
    PAGE_IS_THERE = 32, /* a process has samples */
};

/* The columns of a row. */
struct page_row {
    int64_t *value[PAGE_FIGURES]; /* [bucket]; NULL: nothing yet */
    size_t at;                    /* in the packed bytes */
    size_t first, count;          /* steps of the table that are packed */
    size_t cpu_at, gpu_at; /* the same of each bucket, where a chart draws it; 0: none does */
    uint32_t group;        /* of a process; 0: of a comm */
    uint32_t comm;         /* whose row it goes to when it has none of its own */
    struct text name;      /* of a comm */
    size_t processes;
    int64_t cpu, read, written; /* of a comm: the window's increases, stored units */
    bool kept;
};

/* The processes of the window: those with a row of their own, and the others by comm. */
struct page_rows {
    struct page_row *row; /* [count], processes first */
    size_t count, process_count;
    uint32_t *of_group; /* [group] its row + 1 */
    size_t group_count;
    size_t fold; /* buckets that are one step of the table */
};

/* What the host did in each bucket, as host_total.h has it before a basis is chosen. */
struct page_host {
    int64_t *busy_us, *idle_us, *stolen_us, *elapsed_ns, *cpuacct_us, *cpuacct_ns, *ticks_ns;
    int64_t *since_ns;  /* from the last tick to the bucket's end; 0: there is no tick */
    int64_t *processes; /* CPU of all processes, stored units */
    int64_t *covered_ns;
    int64_t *all_min, *all_max; /* rate of all processes together, stored units per second */
    size_t cores;
};

/* Energy that processes used of GPUs, told before it is known who has a row. */
struct page_energy {
    struct trace trace; /* first: it is what is handed to the listener */
    struct page *page;
    int64_t *processes_uj; /* [bucket] of all of them */
    int64_t **uj;          /* [group] NULL, or [bucket] microjoules and then [bucket] ns */
    size_t size;
};

struct page {
    const struct subject *subject;
    const char *const *files; /* as they were asked for */
    size_t file_count;
    struct select everyone;
    struct timeline_buckets buckets;
    struct window charted; /* the part of the window that there are samples of */
    int64_t step_ns;
    struct report report;
    struct page_energy energy;
    struct page_rows rows;
    struct page_host host;
    struct byte_writer packed;
    struct json facts;
};

/*
 * Read the subject's window, all that the page shows of it.
 *
 *   shape   `files` are what a reader would ask of: they are shown only
 *   errors  whatever reading returns
 *   owns    page_release, also after an error
 */
MUST_USE enum status page_read(struct page *page, const struct subject *subject,
                               const char *const files[], size_t file_count, struct error *err);
void page_release(struct page *page);

/* --- parts of page_read, in their order --- */

/* Cut the window into buckets: page.c */
MUST_USE enum status page_cut(struct page *page, struct error *err);
/* The report of the window, and whose rows are shown: page_choose.c */
MUST_USE enum status page_choose(struct page *page, struct error *err);
/* Rows by comm for processes without one: page_comms.c */
MUST_USE enum status page_comms(struct page *page, struct error *err);
/* Count a process to one of them. */
void page_comms_add(struct page *page, uint32_t group, struct page_row *row);
/* Listen to whose energy it was while the report is read; then give it to rows: page_energy.c */
MUST_USE enum status page_energy_begin(struct page *page, struct error *err);
MUST_USE enum status page_energy_give(struct page *page, struct error *err);
void page_energy_release(struct page *page);
/* Figures of rows by bucket, what GPUs used included, packed: page_rows.c */
MUST_USE enum status page_rows_read(struct page *page, struct error *err);
void page_rows_release(struct page *page);
/* Room for a row's columns. owns: page_rows_release */
MUST_USE enum status page_row_reserve(const struct page *page, struct page_row *row,
                                      struct error *err);
/* Pack the columns of all rows: page_fold.c */
MUST_USE enum status page_fold(struct page *page, struct error *err);
/* What the host did: page_host.c */
MUST_USE enum status page_host_read(struct page *page, struct error *err);
void page_host_release(struct page *page);
/* Series of other tables, packed, with what they are as facts: page_charts.c */
MUST_USE enum status page_charts_put(struct page *page, struct error *err);
/* CPU time by comm, for the stacked chart: page_names.c */
MUST_USE enum status page_names_put(struct page *page, struct error *err);
/* Everything that is no chart: page_facts.c */
MUST_USE enum status page_facts_put(struct page *page, struct error *err);

#endif
