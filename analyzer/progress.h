/*
 * How far long work is: a line on standard error, if that is a terminal and the work has taken for more
 * than a second. Off until progress_begin(): whoever only uses the analyzer's code sees none.
 */
#ifndef ANALYZER_PROGRESS_H
#define ANALYZER_PROGRESS_H

#include <stddef.h>

/* A command begins. */
void progress_begin(void);

/* From here on there is none: what is written shows how far the work is. */
void progress_off(void);

/* The work goes over the blocks that often; this is the pass at hand, from 0. */
void progress_pass(size_t pass, size_t count);

/* So many blocks are read of the pass. */
void progress_show(size_t done, size_t all);

/* Take the line away, before something else is printed, or at the end. */
void progress_clear(void);

#endif
