/* What the files of explain share: the figures of an incident, once they are read. */
#ifndef ANALYZER_EXPLAIN_PRIVATE_H
#define ANALYZER_EXPLAIN_PRIVATE_H

#include "analyzer/explain.h"

/* Add the lines of what the host and its devices felt, and what they had to do besides. errors as timeline_read */
MUST_USE enum status explain_symptoms(const struct explain *e, struct explain_incident *incident,
                                      struct error *err);
/* Add the lines of culprits, once these are known. errors as report_read */
MUST_USE enum status explain_evidence(struct explain *e, struct explain_incident *incident,
                                      struct error *err);

/* Had the disk clearly more requests than before? Once explain_symptoms has read them. */
bool explain_is_loaded(const struct explain *e, const struct explain_incident *incident,
                       size_t subject);

/* A new line; NULL: there are too many. */
struct explain_line *explain_add_line(struct explain_incident *incident);

#endif
