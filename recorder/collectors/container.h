/*
 * The functions of the collector of containers, as recorder/collector.h has them; what it says of itself each
 * system has its own words for.
 */
#ifndef RECORDER_COLLECTORS_CONTAINER_H
#define RECORDER_COLLECTORS_CONTAINER_H

#include "recorder/collector.h"

MUST_USE enum status container_open(void **state, const struct collect_context *context,
                                    struct capability *capability, struct error *err);
void container_begin(void *state, const struct tick *tick);
MUST_USE enum status container_collect(void *state, struct tick *tick, struct error *err);
void container_close(void *state);
int64_t container_not_answering(const void *state);
int64_t container_other_cpu_ns(const void *state);

#endif
