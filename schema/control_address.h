/* Where the control socket of a recording is, and its address, however long its path. */
#ifndef SCHEMA_CONTROL_ADDRESS_H
#define SCHEMA_CONTROL_ADDRESS_H

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "schema/error.h"

/* A zeroed one with directory_fd -1 holds nothing. */
struct control_address {
    struct sockaddr_un to;
    socklen_t size;
    int directory_fd; /* -1: the path fits the address as it is */
};

/*
 * The socket that belongs to a recording: its real path and "-control".
 *
 *   errors  INVALID: the path is too long
 */
MUST_USE enum status control_address_path(char *path, size_t size, const char *recording,
                                          struct error *err);

/*
 * The address of a path, to bind or to connect to.
 *
 *   errors  INVALID: too long for this system, and what to do; IO: its directory cannot be opened
 *   owns    a descriptor, until control_address_close
 */
MUST_USE enum status control_address_open(struct control_address *address, const char *path,
                                          struct error *err);
void control_address_close(struct control_address *address);

/* For a path that does not fit struct sockaddr_un: control_address_SYSTEM.c. */
MUST_USE enum status control_address_long(struct control_address *address, const char *path,
                                          struct error *err);

#endif
