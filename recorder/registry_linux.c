/* The collectors of a Linux host, in recording order. */
#include "recorder/collectors/collectors_linux.h"

/* recorder is last: it tells what the others cost at this tick, and reads the cpu rows. */
const struct collector *const collectors[] = {
    &process_collector, &cpu_collector,        &memory_collector,         &pressure_collector,
    &disk_collector,    &filesystem_collector, &network_collector,        &thermal_collector,
    &power_collector,   &cgroup_collector,     &process_detail_collector, &container_collector,
    &gpu_collector,     &recorder_collector,
};
const unsigned collector_count = COUNT_OF(collectors);
