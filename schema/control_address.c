/* A socket's address holds about a hundred bytes of path; a recording's path may be longer. */
#include "schema/control_address.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum status control_address_path(char *path, size_t size, const char *recording, struct error *err)
{
    char *real = realpath(recording, NULL);
    int length = snprintf(path, size, "%s-control", real != NULL ? real : recording);

    free(real);
    if (length < 0 || (size_t)length >= size)
        return error_set(err, STATUS_INVALID, "%.200s...: the path is too long", recording);
    return STATUS_OK;
}

enum status control_address_open(struct control_address *address, const char *path,
                                 struct error *err)
{
    size_t size = strlen(path);

    *address = (struct control_address){ .size = sizeof address->to, .directory_fd = -1 };
    address->to.sun_family = AF_UNIX;
    if (size >= sizeof address->to.sun_path)
        return control_address_long(address, path, err);
    memcpy(address->to.sun_path, path, size);
    return STATUS_OK;
}

void control_address_close(struct control_address *address)
{
    if (address->directory_fd >= 0)
        close(address->directory_fd);
    *address = (struct control_address){ .directory_fd = -1 };
}
