/* The row of one made-up process in one tick, with what is missing in it. */
#ifndef TOOLS_GENERATE_ROW_H
#define TOOLS_GENERATE_ROW_H

#include "tools/generate_process.h"

/* Are the metrics read that are read at every tenth tick only? */
bool row_status_read(const struct tick *tick);

/* The columns read at this tick. */
uint64_t row_column_mask(const struct tick *tick);

/* Add the row of a live process, the last one if it ended; false when it is not there any more. */
bool row_add(struct population *population, uint32_t slot, const struct moment *moment,
             struct tick *tick);

#endif
