/* Memory that was freed and not given back yet. */
#ifndef DARWIN_MALLOC_MALLOC_H
#define DARWIN_MALLOC_MALLOC_H

#include <stddef.h>

typedef struct malloc_zone malloc_zone_t;

size_t malloc_zone_pressure_relief(malloc_zone_t *zone, size_t goal);

#endif
