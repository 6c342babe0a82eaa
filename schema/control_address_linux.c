/* Linux: the directory is opened, and the path leads through /proc/self/fd. */
#include "schema/control_address.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum status control_address_long(struct control_address *address, const char *path,
                                 struct error *err)
{
    const char *slash = strrchr(path, '/');
    char directory[4096] = ".";
    int length;

    if (slash != NULL && (size_t)(slash - path) + 2 > sizeof directory)
        return error_set(err, STATUS_INVALID, "%.200s...: the path is too long", path);
    if (slash != NULL)
        (void)snprintf(directory, sizeof directory, "%.*s", (int)(slash - path + 1), path);
    address->directory_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (address->directory_fd < 0)
        return error_set(err, STATUS_IO, "%s: %s", directory, strerror(errno));
    length = snprintf(address->to.sun_path, sizeof address->to.sun_path, "/proc/self/fd/%d/%s",
                      address->directory_fd, slash == NULL ? path : slash + 1);
    if (length > 0 && (size_t)length < sizeof address->to.sun_path)
        return STATUS_OK;
    control_address_close(address);
    return error_set(err, STATUS_INVALID,
                     "%.200s: its name is too long for a socket: give a shorter one with "
                     "--control PATH",
                     path);
}
