/* The collectors of a Mac, in recording order. */
#include "recorder/collectors/collectors_macos.h"

/* recorder is last: it tells what the others cost at this tick, and reads the cpu rows. */
const struct collector *const collectors[] = {
    &process_collector, /* first: others know processes from it */
    &process_detail_collector, &cpu_collector,       &memory_collector,    &pressure_collector,
    &network_collector,        &disk_collector,      &gpu_collector,       &power_collector,
    &thermal_collector,        &coalition_collector, &container_collector, &recorder_collector,
};
const unsigned collector_count = COUNT_OF(collectors);
