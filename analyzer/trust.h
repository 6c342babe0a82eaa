/* The three lines that say how far a report can be trusted. */
#ifndef ANALYZER_TRUST_H
#define ANALYZER_TRUST_H

#include "analyzer/aggregate.h"
#include "analyzer/output.h"

void trust_notes(struct output *out, const struct subject *subject, const struct aggregate *a);

#endif
