/* What the facts of a host are made with: host_zone.c, for host_SYSTEM.c. */
#ifndef RECORDER_HOST_TEXT_H
#define RECORDER_HOST_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "recorder/host.h"

/* Copy as much as fits. */
void host_set(char *field, size_t size, const char *text);
/* The first line of a file, without trailing blanks; false and "" when it cannot be read. */
bool host_first_line(const char *root, const char *path, char *line, size_t size);

/* The IANA name of the zone into facts->zone, "" where it has none. */
void host_zone_name(struct session_facts *facts, const char *root);

#endif
