/*
 * Quantities as a person reads them: three or so digits and a unit, no locale.
 *
 * Each writes at `out`, where HUMAN_ROOM bytes are free, without a NUL, and returns the end.
 * Numbers must be finite.
 */
#ifndef ANALYZER_HUMAN_H
#define ANALYZER_HUMAN_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/zone.h"

#define HUMAN_ROOM 64

char *human_put_bytes(char *out, double bytes);     /* "512 B", "12.3 MiB" */
char *human_put_seconds(char *out, double seconds); /* "4.2 ms", "1.23 s", "2 m 03 s", "3 h 02 m" */
char *human_put_percent(char *out, double percent); /* "12.3" */
char *human_put_count(char *out, double count);     /* "99999", "1.2 M" */
char *human_put_watts(char *out, double watts);     /* "250.1 W" */
char *human_put_joules(char *out, double joules);   /* "12.3 J", "1.2 MJ" */
/* An amount and a unit as tables of figures have them, with a NUL: "0.12 cores", "12.3 MiB/s". */
void human_put_unit(char *text, size_t size, double amount, const char *unit);
/* "2026-11-20 14:03:05" on the zone's clocks; NULL is UTC. */
char *human_put_time(char *out, const struct zone *zone, int64_t utc_ns);

#endif
