/*
 * What went wrong, and who it was: minutes in which the host felt something that it did not feel in the
 * hour before, and the lineages or devices whose use of it grew. EXPLAIN.md describes the method.
 *
 * Steps of time are compared with the 60 before them (explain_find); steps that stand out make incidents
 * (explain_group); of each, who is to blame, and what report and timeline say of it (explain_blame).
 */
#ifndef ANALYZER_EXPLAIN_H
#define ANALYZER_EXPLAIN_H

#include "analyzer/explain_figure.h"
#include "analyzer/explain_watch.h"
#include "analyzer/report.h"
#include "analyzer/timeline_buckets.h"

enum {
    EXPLAIN_BEFORE_LEAST = 5, /* fewer tell nothing */
    EXPLAIN_CULPRITS_MAX = 5, /* of an incident */
    EXPLAIN_SPREADS = 6,      /* that an excess must be larger than */
    EXPLAIN_LINES_MAX = 120,
};

/* Who: a lineage by its name, or an entity. */
struct explain_subject {
    bool lineage;
    struct text name;      /* owned, data NULL: a lineage that is not known */
    enum entity_kind kind; /* of an entity */
    int64_t entity_id;
};

/* In one step one figure of one subject was more than usual. */
struct explain_finding {
    size_t step, figure, subject;
    double value, usual; /* exported units, a second where it is a rate */
    double excess;       /* share of the whole */
};

enum explain_line_role {
    EXPLAIN_LINE_SYMPTOM,
    EXPLAIN_LINE_CULPRIT, /* what a culprit did */
    EXPLAIN_LINE_USER,    /* what somebody did at a device that is to blame */
};

/* One figure of an incident and of the time before, as report or timeline have it. */
struct explain_line {
    enum explain_line_role role;
    size_t culprit; /* USER, CULPRIT: its place, from 1 */
    size_t subject; /* SIZE_MAX: see `owned` */
    char *owned;    /* USER: the lineage */
    size_t owned_size;
    const char *table; /* "report --by lineage", or a samples table */
    char figure[96];   /* column of report, or what is made of which metrics */
    const char *title, *unit;
    double human; /* exported -> unit; of counters a second */
    bool counter; /* value is what was gained, rate is of it for a covered second */
    bool known, known_before;
    double value, before; /* exported units */
    double rate, rate_before;
};

struct explain_culprit {
    size_t subject;
    double score; /* what it explains, as a share of the whole, over the incident */
    double of_resource[EXPLAIN_RESOURCES];
};

struct explain_incident {
    struct window window, before;
    size_t first, last;             /* steps */
    int64_t worst_ns;               /* in the middle of the step in which most was felt */
    double severity;                /* whole resource-seconds beyond what is usual */
    double felt[EXPLAIN_RESOURCES]; /* mean excess of the strongest symptom */
    struct explain_culprit culprit[EXPLAIN_CULPRITS_MAX];
    size_t culprit_count;
    struct explain_line line[EXPLAIN_LINES_MAX];
    size_t line_count;
    size_t parent; /* subject that started many processes; SIZE_MAX: none did */
    int32_t parent_pid;
    double covered_seconds, covered_before_seconds;  /* by the report's ticks */
    bool cores_known;                                /* then, of the window as below a report: */
    double busy_seconds, not_attributed_seconds;     /* CPU time of all cores, and no process's */
    int64_t ticks_missed, ticks_dropped, exits_lost; /* -1: not recorded */
};

struct explain {
    /* set by the caller, the rest is zero */
    const struct subject *asked;
    int64_t step_ns; /* 0: chosen by how long the recording is */
    bool moment;     /* the window is one incident */
    size_t top;      /* incidents to look at closely; SIZE_MAX: all */
    /* results */
    struct timeline_buckets steps;
    size_t from_step; /* the first that is judged */
    size_t judged;    /* steps of process samples that were compared */
    double cores, memory_bytes;
    bool felt_known[EXPLAIN_RESOURCES]; /* some table tells whether the host lacked it */
    struct explain_subject *subject;
    size_t subject_count, subject_size;
    struct explain_finding *finding;
    size_t finding_count, finding_size;
    struct explain_incident *incident; /* most severe first */
    size_t incident_count, shown_count;
    struct coverage coverage; /* of all that was read */
};

/* Each step's figures against the steps before. errors as timeline_read */
MUST_USE enum status explain_find(struct explain *e, struct error *err);
/* Findings -> incidents. errors NO_MEMORY */
MUST_USE enum status explain_group(struct explain *e, struct error *err);
/* Who is to blame, and the figures of it. errors as report_read */
MUST_USE enum status explain_blame(struct explain *e, struct error *err);
void explain_release(struct explain *e);

/* All three. */
MUST_USE enum status explain_read(struct explain *e, struct error *err);

/* The number of a subject, made if it is new. errors NO_MEMORY */
MUST_USE enum status explain_subject(struct explain *e, const struct explain_subject *like,
                                     size_t *number, struct error *err);

/* What 1 is, in exported units of a figure. */
double explain_whole(const struct explain *e, const struct explain_figure *figure);

/*
 * Write all of it.
 *
 *   shape   files: the recordings as they were asked for, for commands to repeat
 *   errors  IO, NO_MEMORY
 */
MUST_USE enum status explain_print(const struct explain *e, const char *const files[],
                                   size_t file_count, FILE *file,
                                   const struct output_options *options, struct error *err);

#endif
