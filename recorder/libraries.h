/*
 * Libraries that are loaded only where they are needed, and that the sandbox would let nobody load any more:
 * what maps code is refused by then.
 */
#ifndef RECORDER_LIBRARIES_H
#define RECORDER_LIBRARIES_H

#include <stdbool.h>

/*
 * Load what this host will need, to stay: libcurl where a container engine listens, NVIDIA's library, and the
 * modules by which libc knows user and group names. One that is not there is left to whoever asks for it.
 */
void libraries_load(void);

/*
 * Whether one of them loads others at times of its own: NVIDIA's may. It has a device then.
 */
bool libraries_load_more(void);

/* The modules that a text as of /etc/nsswitch.conf names for users and groups, one call for each. */
void libraries_name_services(const char *text, void (*load)(void *self, const char *name),
                             void *self);

#endif
