/* The file of the control socket: made, taken over, removed. */
#include "recorder/control_socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recorder/output_path.h"
#include "schema/control_address.h"

enum { BACKLOG = 64 };

static enum status failed(struct error *err, const char *path, const char *what)
{
    return error_set(err, STATUS_IO, "control socket %s: %s: %s", path, what, strerror(errno));
}

/* Remove what stands in the way, if it is a socket that nobody listens at. */
static enum status remove_stale(const char *path, const struct control_address *address,
                                struct error *err)
{
    struct stat info;
    bool answered;
    int fd;

    if (lstat(path, &info) != 0)
        return failed(err, path, "stat");
    if (!S_ISSOCK(info.st_mode))
        return error_set(err, STATUS_IO, "control socket %s: there is a file of that name", path);
    fd = control_socket_new();
    if (fd < 0)
        return failed(err, path, "socket");
    answered = connect(fd, (const struct sockaddr *)&address->to, address->size) == 0 ||
               errno != ECONNREFUSED;
    close(fd);
    if (answered)
        return error_set(err, STATUS_IO, "control socket %s: another program listens there", path);
    return unlink(path) == 0 || errno == ENOENT ? STATUS_OK : failed(err, path, "unlink");
}

static enum status bind_to(int fd, const char *path, struct error *err)
{
    struct control_address address;
    const struct sockaddr *to = (const struct sockaddr *)&address.to;
    enum status st = control_address_open(&address, path, err);

    if (st != STATUS_OK)
        return error_prefix(err, "control socket");
    if (bind(fd, to, address.size) != 0) {
        st = errno == EADDRINUSE ? remove_stale(path, &address, err) : failed(err, path, "bind");
        if (st == STATUS_OK && bind(fd, to, address.size) != 0)
            st = failed(err, path, "bind");
    }
    control_address_close(&address);
    return st;
}

enum status control_socket_open(int *fd, const char *path, struct error *err)
{
    enum status st = output_path_check(path, err);

    *fd = -1;
    if (st != STATUS_OK)
        return error_prefix(err, "control socket");
    *fd = control_socket_new();
    if (*fd < 0)
        return failed(err, path, "socket");
    st = bind_to(*fd, path, err);
    if (st == STATUS_OK && (!control_socket_publish(path) || listen(*fd, BACKLOG) != 0)) {
        st = failed(err, path, "listen");
        control_socket_remove(path);
    }
    if (st != STATUS_OK) {
        close(*fd);
        *fd = -1;
    }
    return st;
}

void control_socket_remove(const char *path)
{
    (void)unlink(path);
}
