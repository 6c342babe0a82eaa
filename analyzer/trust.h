/* The three lines that say how far a report can be trusted. */
#ifndef ANALYZER_TRUST_H
#define ANALYZER_TRUST_H

#include "analyzer/report.h"

/* Busy time that no process can be charged with, in percent of it. False: it is not known. */
bool trust_not_attributed(const struct report *report, double *percent);

/* What the window asks for, in ns; of the whole recording what lies between its samples. */
int64_t trust_asked_ns(const struct subject *subject);

void trust_notes(struct output *out, const struct report *report, const struct subject *subject);

/* The same under names that end in `suffix`, where there are several. */
void trust_notes_of(struct output *out, const struct report *report, const struct subject *subject,
                    const char *suffix);

/* The first and the last of them, where no report was made. resets: counters that fell */
void trust_notes_of_coverage(struct output *out, const struct coverage *coverage, int64_t resets,
                             const struct subject *subject);

#endif
