/* Services by name, as launchd hands them out. */
#ifndef DARWIN_SERVERS_BOOTSTRAP_H
#define DARWIN_SERVERS_BOOTSTRAP_H

#include <mach/mach.h>

#define BOOTSTRAP_SUCCESS 0
#define BOOTSTRAP_NOT_PRIVILEGED 1100
#define BOOTSTRAP_UNKNOWN_SERVICE 1102
#define BOOTSTRAP_SERVICE_ACTIVE 1103

extern mach_port_t bootstrap_port; /* not a reference of ours: never given back */

kern_return_t bootstrap_check_in(mach_port_t bootstrap, const char *name, mach_port_t *port);
kern_return_t bootstrap_look_up(mach_port_t bootstrap, const char *name, mach_port_t *port);
const char *bootstrap_strerror(kern_return_t code);

#endif
