/* Adds the family of interfaces. */
#ifndef DARWIN_SYS_SOCKET_H
#define DARWIN_SYS_SOCKET_H

#include_next <sys/socket.h>

#define PF_LINK 18

#endif
