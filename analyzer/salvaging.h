/* procscope verify --salvage: what is left of a damaged recording into another, and a list of what is not. */
#ifndef ANALYZER_SALVAGING_H
#define ANALYZER_SALVAGING_H

#include "analyzer/options.h"

/*
 * Write the recording `to`; the list goes to options->output or standard output.
 *
 *   errors  CORRUPT: something is gone, or nothing could be read (then there is no file); INVALID (there is
 *           such a file); and what opening and writing return
 */
MUST_USE enum status salvaging_run(const struct options *options, const char *to,
                                   struct error *err);

#endif
