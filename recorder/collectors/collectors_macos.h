/* The collectors of a Mac, for the registry. */
#ifndef RECORDER_COLLECTORS_COLLECTORS_MACOS_H
#define RECORDER_COLLECTORS_COLLECTORS_MACOS_H

#include "recorder/collector.h"
#include "recorder/collectors/process_stats.h"
#include "recorder/collectors/recorder_collector.h"

extern const struct collector process_detail_collector;
extern const struct collector cpu_collector;
extern const struct collector disk_collector;
extern const struct collector gpu_collector;
extern const struct collector memory_collector;
extern const struct collector pressure_collector;
extern const struct collector network_collector;
extern const struct collector coalition_collector;
extern const struct collector container_collector;
extern const struct collector power_collector;
extern const struct collector thermal_collector;

#endif
