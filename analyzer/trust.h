/* The three lines that say how far a report can be trusted. */
#ifndef ANALYZER_TRUST_H
#define ANALYZER_TRUST_H

#include "analyzer/report.h"

void trust_notes(struct output *out, const struct report *report, const struct subject *subject);

#endif
