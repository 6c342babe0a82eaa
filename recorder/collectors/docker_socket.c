/* Source: the defaults of Docker and Podman, as a service of the host and as one of a user. */
#include "recorder/collectors/docker_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const char *const of_host[] = { "/var/run/docker.sock", "/run/podman/podman.sock" };
static const char *const of_user[] = { "/docker.sock", "/podman/podman.sock" };

struct search {
    struct docker_socket *found;
    size_t count;
    struct stat info[DOCKER_SOCKETS_MAX];
    const struct docker_surroundings *around;
};

static int connect_once(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int failure = 0;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    if (fd < 0)
        return errno;
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0 ||
        connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
        failure = errno;
    close(fd);
    return failure;
}

/* directory + name, if a socket is there, or something that we may not look at. */
static void look(struct search *search, const char *directory, const char *name)
{
    struct docker_socket *socket = &search->found[search->count];
    struct stat *info = &search->info[search->count];
    bool hidden;

    if (search->count == DOCKER_SOCKETS_MAX ||
        (size_t)snprintf(socket->path, sizeof socket->path, "%s%s%s", search->around->root,
                         directory, name) >= sizeof socket->path)
        return;
    hidden = stat(socket->path, info) != 0;
    if (hidden && errno != EACCES)
        return;
    socket->failure = EACCES;
    for (size_t i = 0; !hidden && i < search->count; i++)
        if (search->info[i].st_dev == info->st_dev && search->info[i].st_ino == info->st_ino)
            return;
    if (!hidden && !S_ISSOCK(info->st_mode))
        return;
    if (!hidden)
        socket->failure = connect_once(socket->path);
    search->count++;
}

static enum status look_where_told(struct search *search, const char *host, struct error *err)
{
    static const char scheme[] = "unix://";
    size_t told = strcspn(host, ":");

    if (strncmp(host, scheme, sizeof scheme - 1) != 0) /* the rest of it may hold a password */
        return error_set(err, STATUS_UNSUPPORTED, "DOCKER_HOST begins with %.*s, not with unix://",
                         told < 16 ? (int)told : 16, host);
    look(search, "", host + sizeof scheme - 1);
    return search->count > 0
               ? STATUS_OK
               : error_set(err, STATUS_ABSENT, "there is no socket at %s, DOCKER_HOST",
                           host + sizeof scheme - 1);
}

enum status docker_sockets_find(struct docker_socket found[DOCKER_SOCKETS_MAX], size_t *count,
                                const struct docker_surroundings *around, struct error *err)
{
    struct search search = { .found = found, .around = around };
    enum status st = STATUS_OK;

    if (around->docker_host != NULL && *around->docker_host != '\0') {
        st = look_where_told(&search, around->docker_host, err);
    } else {
        for (size_t i = 0; i < COUNT_OF(of_host); i++)
            look(&search, "", of_host[i]);
        for (size_t i = 0; around->runtime_dir != NULL && i < COUNT_OF(of_user); i++)
            look(&search, around->runtime_dir, of_user[i]);
        if (search.count == 0)
            st = error_set(err, STATUS_ABSENT, "no socket of a container engine: %s, %s",
                           of_host[0], of_host[1]);
    }
    *count = search.count;
    return st;
}
