/* Which service a process belongs to, from the path of its cgroup. */
#ifndef ANALYZER_UNIT_NAME_H
#define ANALYZER_UNIT_NAME_H

#include <stddef.h>

enum { UNIT_NAME_MAX = 4096 }; /* the kernel's paths are no longer */

/*
 * The name of the unit that a cgroup path leads to:
 *
 *   1. Kubernetes: the innermost pod below kubepods, as "podUID", its uid with dashes, whatever the
 *      driver made of them (kubepods/burstable/podUID, kubepods-burstable-podUID.slice).
 *   2. systemd: services, scopes, sockets, mounts and swaps on the path, outermost first, joined by "/":
 *      one within another belongs to a manager of its own (user@1000.service/web.service). LXC's
 *      containers count as such (lxc.payload.NAME, lxc/NAME).
 *   3. else the innermost slice.
 *
 * Escapes in names are undone (\x2d is -), but for those of "/" and NUL.
 *
 *   shape   size of the name; 0: the path leads to none, or is longer than UNIT_NAME_MAX
 */
size_t unit_name(const char *path, size_t size, char name[UNIT_NAME_MAX]);

#endif
