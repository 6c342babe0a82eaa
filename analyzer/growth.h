/* Who grows: how steeply, how surely, and for how long that can go on. `procscope growth`; GROWTH.md says why so. */
#ifndef ANALYZER_GROWTH_H
#define ANALYZER_GROWTH_H

#include "analyzer/coverage.h"
#include "analyzer/options.h"
#include "analyzer/timeline.h"
#include "analyzer/trend.h"

/* What may grow without end. */
struct growth_figure {
    const char *title, *unit; /* "bytes", or "" */
    const char *table, *metric;
    bool memory;          /* the host's is its limit */
    double least_an_hour; /* less is no matter */
    double least;         /* nor is so much in all */
};
extern const struct growth_figure growth_figures[];
extern const size_t growth_figure_count;

#define GROWTH_Z_LEAST 5.3

/* A service: one process after the other, each of the same lineage. */
struct growth_row {
    size_t figure;
    char *who; /* its lineage; any bytes, data NULL: not known */
    size_t who_size;
    int64_t process_id, pid; /* of the last */
    size_t processes;
    struct trend trend; /* per hour */
    double begin, end;  /* the first value and the last */
    int64_t from_ns, to_ns;
    bool grows;
    bool limited;       /* it is known what is left: */
    double left, hours; /* in the figure's unit; until that is used up at this slope */
};

struct growth {
    const struct subject *asked;
    const struct select *select;
    int64_t step_ns; /* 0: growth_step */
    size_t top;
    bool all; /* also what does not grow */
    /* results */
    struct growth_row *row; /* those that grow first, the steepest of each figure first */
    size_t row_count, row_size;
    size_t series_count; /* looked at */
    bool missing[8];     /* [figure] the recording has nothing of it */
    struct coverage coverage;
    int64_t resets;
    double available; /* bytes of memory at the end; -1: not recorded */
};

/* Whole seconds, of which 60 or fewer make the window. */
int64_t growth_step(const struct window *window);

/* errors  whatever reading returns */
MUST_USE enum status growth_read(struct growth *g, struct error *err);
MUST_USE enum status growth_print(const struct growth *g, FILE *file,
                                  const struct output_options *options, struct error *err);
void growth_release(struct growth *g);

#endif
