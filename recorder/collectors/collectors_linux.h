/* The collectors of a Linux host, for the registry. */
#ifndef RECORDER_COLLECTORS_COLLECTORS_LINUX_H
#define RECORDER_COLLECTORS_COLLECTORS_LINUX_H

#include "recorder/collector.h"

extern const struct collector process_collector;
extern const struct collector cpu_collector;
extern const struct collector memory_collector;
extern const struct collector gpu_collector;
extern const struct collector recorder_collector;

#endif
