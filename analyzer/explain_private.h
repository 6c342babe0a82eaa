/* What the files of explain share: the figures of an incident, once they are read. */
#ifndef ANALYZER_EXPLAIN_PRIVATE_H
#define ANALYZER_EXPLAIN_PRIVATE_H

#include "analyzer/explain.h"

/* How many cores and how much memory: what shares are of. */
void explain_find_host(struct explain *e);
/* The steps of the window and before. errors ABSENT: no sample lies there; INVALID: too many */
MUST_USE enum status explain_cut_steps(struct explain *e, struct error *err);

/* Add the lines of what the host and its devices felt, and what they had to do besides. errors as timeline_read */
MUST_USE enum status explain_symptoms(const struct explain *e, struct explain_incident *incident,
                                      struct error *err);
/* Add the lines of culprits, once these are known. errors as report_read */
MUST_USE enum status explain_evidence(struct explain *e, struct explain_incident *incident,
                                      struct error *err);

/* A process that starts others by the dozen, of which hardly any is seen by itself. */
struct explain_parent {
    int32_t pid;
    size_t subject; /* its lineage */
    double seconds; /* CPU time of its children in the incident */
    size_t started; /* of them in the incident */
};
/*
 * The parent that started most, if that is several a second and much more than as long before.
 *
 *   shape   parent->subject SIZE_MAX: there is none
 *   errors  as report_read
 */
MUST_USE enum status explain_find_parent(struct explain *e, const struct explain_incident *incident,
                                         struct explain_parent *parent, struct error *err);

/* Had the disk clearly more requests than before? Once explain_symptoms has read them. */
bool explain_is_loaded(const struct explain *e, const struct explain_incident *incident,
                       size_t subject);

/* A new line; NULL: there are too many. */
struct explain_line *explain_add_line(struct explain_incident *incident);

#endif
