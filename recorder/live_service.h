/*
 * The live mapping for other programs of our user and of root, without the control socket: on macOS a
 * Mach service of a recorder that launchd started (live_service_macos.c); elsewhere there is none.
 */
#ifndef RECORDER_LIVE_SERVICE_H
#define RECORDER_LIVE_SERVICE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "schema/error.h"

/* Called by the service's thread. */
struct live_service_calls {
    /* Ticks are published from now on, in memory that stays until unwatch. */
    enum status (*watch)(void *self, const void **memory, size_t *size, uint64_t *generation,
                         struct error *err);
    void (*unwatch)(void *self);
    void (*log)(void *self, const char *text);
    void *self;
};

struct live_service;

/*
 *   errors  ABSENT: nobody has made a service for us, which is no failure; UNSUPPORTED, IO,
 *           NO_MEMORY
 *   owns    the thread and its rights, until live_service_stop
 */
MUST_USE enum status live_service_start(struct live_service **service, uid_t own_uid,
                                        const struct live_service_calls *calls, struct error *err);
/* Accepts NULL. */
void live_service_stop(struct live_service *service);

#endif
