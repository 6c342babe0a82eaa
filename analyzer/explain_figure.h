/* What explain watches: figures of the host, of its devices, and of process lineages. */
#ifndef ANALYZER_EXPLAIN_FIGURE_H
#define ANALYZER_EXPLAIN_FIGURE_H

#include <stdbool.h>
#include <stddef.h>

/* What a host can be short of. */
enum explain_resource {
    EXPLAIN_CPU,
    EXPLAIN_MEMORY,
    EXPLAIN_DISK,
    EXPLAIN_NETWORK,
    EXPLAIN_GPU,
    EXPLAIN_RESOURCES,
};
extern const char *const explain_resource_names[EXPLAIN_RESOURCES];

enum explain_role {
    EXPLAIN_SYMPTOM, /* the host feels it; who used more of the resource is to blame */
    EXPLAIN_DEVICE,  /* the same, seen at one device, which is named if no user is found */
    EXPLAIN_FAULT,   /* a device that is slow by itself: it is to blame */
    EXPLAIN_USE,     /* a lineage uses the resource */
};

enum explain_form {
    EXPLAIN_RATE,    /* what counters gain a second */
    EXPLAIN_LEVEL,   /* the mean of gauges */
    EXPLAIN_MISSING, /* what a gauge is below what it is a part of: memory that is not available */
    EXPLAIN_FLAG,    /* 1 where a gauge's largest value is at least `least`, else 0 */
    EXPLAIN_RATIO,   /* what the first two counters gain for each of the last two */
};

/* What the whole is that an excess is a share of. */
enum explain_whole {
    EXPLAIN_OF_ONE,    /* `size` itself */
    EXPLAIN_OF_CORES,  /* all of them, in ns a second */
    EXPLAIN_OF_MEMORY, /* all of it, in bytes */
};

enum { EXPLAIN_METRICS = 4 };

struct explain_figure {
    const char *title;
    const char *unit; /* for people: "cores", "bytes/s", "%", "ms", "bytes", "" */
    const char *table;
    const char *metric[EXPLAIN_METRICS]; /* added up, but for RATIO; NULL: no more */
    const char *key;                     /* of the only entity; NULL: each, or all lineages */
    enum explain_form form;
    enum explain_role role;
    enum explain_resource resource;
    enum explain_whole whole;
    double size;  /* of the whole, in exported units */
    double floor; /* an excess below this share of the whole means nothing */
    /* USE: makes an incident without a symptom, 0: never; others: where pressure is known, no less does */
    double alone;
    double human; /* exported units -> those of `unit` */
    bool feels;   /* it tells whether the host lacks the resource at all */
    bool all;     /* entities are added up */
    bool takes;   /* FAULT: whatever is felt of the resource comes of it */
    double least; /* FLAG */
};

extern const struct explain_figure explain_figures[];
extern const size_t explain_figure_count;

#endif
