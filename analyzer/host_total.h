/* What the whole host did in a window: the other side of every sum over processes. */
#ifndef ANALYZER_HOST_TOTAL_H
#define ANALYZER_HOST_TOTAL_H

#include "analyzer/aggregate.h"

/* Add one block: cores from cpu_samples, exact busy time and losses from recorder_samples. */
MUST_USE enum status host_total_block(struct aggregate *a, struct recording *rec,
                                      const struct recording_block *block,
                                      const struct block_ticks *ticks,
                                      const struct window *window, struct error *err);
/* Once all blocks are in: choose the basis. */
void host_total_end(struct host_total *host);

#endif
