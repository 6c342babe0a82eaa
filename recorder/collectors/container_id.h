/* Which container a process is in, from the path of its cgroup. */
#ifndef RECORDER_CONTAINER_ID_H
#define RECORDER_CONTAINER_ID_H

#include <stddef.h>

enum { CONTAINER_ID_MAX = 255 };

/*
 * The innermost container of a cgroup path: 64 hex digits where an engine gave it such an id (Docker,
 * containerd, CRI-O, Podman, Kubernetes), else its name (LXC, systemd-nspawn), as the name is outside of
 * a unit's name. An engine's helper beside a container is not in it; a virtual machine is none.
 *
 *   shape   the bytes of `id` that are used, 0 when it is in none; not NUL-terminated
 */
size_t container_id(const char *path, size_t size, char id[CONTAINER_ID_MAX]);

#endif
