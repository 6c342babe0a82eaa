/*
 * Which programs used more, or less, in one window than in another: of the same recording, or of two.
 * COMPARE.md describes the method.
 *
 * Rows of a report by lineage (or another name) of both windows are matched by their name (compare_read),
 * and each difference is held against how much the program differs between parts of the same window
 * (compare_judge). The host's own figures are read beside them (compare_host).
 */
#ifndef ANALYZER_COMPARE_H
#define ANALYZER_COMPARE_H

#include "analyzer/compare_metric.h"
#include "analyzer/report.h"

enum {
    COMPARE_SIDES = 2,
    COMPARE_PARTS = 24,      /* of a window, at most */
    COMPARE_PARTS_SHORT = 8, /* of the shorter window, at most */
    COMPARE_PARTS_LEAST = 4, /* fewer do not tell how much something varies */
    COMPARE_PART_TICKS = 4,  /* that a part has at least */
    COMPARE_HOST_MAX = 16,
};

enum compare_verdict {
    COMPARE_BEYOND, /* more than the parts of a window differ */
    COMPARE_WITHIN, /* no more than that, or less than means anything */
    COMPARE_SHORT,  /* too few parts are known */
    COMPARE_SHARED, /* energy of a device that is shared out by time, and the time has not changed */
    COMPARE_MISSING, /* one side does not have the figure */
};
extern const char *const compare_verdicts[];

/* One figure of one program, or of the host, in one window. */
struct compare_value {
    bool known;                 /* else the rest is NAN */
    double figure;              /* as the report has it; NAN: no row, so nothing */
    double rate;                /* what is compared: see compare_metric */
    double covered_seconds;     /* that the rate is of */
    double part[COMPARE_PARTS]; /* the same of its parts; NAN: not known */
};

/* What one figure came to on both sides. */
struct compare_change {
    struct compare_value side[COMPARE_SIDES];
    double change; /* B - A, in the units of the rate; NAN: MISSING */
    double noise;  /* the most that two parts of one window differ; NAN: SHORT, MISSING */
    double effect; /* |change| as a share of the host */
    enum compare_verdict verdict;
};

/* A lineage, or what else rows are of. */
struct compare_program {
    struct text name;              /* lasts as the sides' reports do */
    uint32_t group[COMPARE_SIDES]; /* of the report; 0: the side does not have it */
    size_t processes[COMPARE_SIDES];
    struct compare_change of[COMPARE_METRICS];
    double effect;             /* the largest beyond noise, else the largest */
    bool beyond;               /* some metric is */
    enum compare_metric first; /* which that is of */
};

struct compare_host_figure {
    const char *name, *title, *unit;
    const char *source; /* "report", or a samples table */
    char figure[96];    /* its row and column, or what is made of which metrics */
    double human;       /* exported -> unit */
    double least;       /* a smaller change means nothing; exported units */
    struct compare_change change;
};

/* A window of a recording. */
struct compare_side {
    const struct subject *subject; /* with this window */
    struct report *report;
    double covered_seconds;
    double covered[COMPARE_METRICS];      /* seconds that a rate of the metric is of */
    bool known[COMPARE_METRICS];          /* some row has it */
    bool absent_is_zero[COMPARE_METRICS]; /* also in rows: a share of a device */
    struct window part[COMPARE_PARTS];    /* in order, none in another */
    double part_seconds[COMPARE_PARTS];   /* covered; 0: not enough to count */
    size_t part_count;
};

struct compare {
    /* set by the caller, the rest is zero */
    const struct subject *asked[COMPARE_SIDES];
    const struct select *select[COMPARE_SIDES];
    enum group_by by;
    enum compare_metric sort; /* COMPARE_METRICS: the largest of all */
    /* results */
    struct compare_side side[COMPARE_SIDES];
    double whole[COMPARE_METRICS];   /* what 1 is of the effect */
    struct compare_program *program; /* in the order of rows */
    size_t program_count;
    struct compare_host_figure host[COMPARE_HOST_MAX];
    size_t host_count;
};

/* Both windows. errors as report_read. owns: compare_release, also after an error */
MUST_USE enum status compare_read(struct compare *c, struct error *err);
void compare_release(struct compare *c);

/*
 * Write all of it.
 *
 *   shape   files: the recordings as they were asked for, for commands to repeat; top: programs;
 *           all: to people also what is within noise
 *   errors  IO, NO_MEMORY
 */
struct compare_printing {
    const char *const *files[COMPARE_SIDES];
    size_t file_count[COMPARE_SIDES];
    size_t top;
    bool all;
};
MUST_USE enum status compare_print(const struct compare *c, const struct compare_printing *how,
                                   FILE *file, const struct output_options *options,
                                   struct error *err);

#endif
