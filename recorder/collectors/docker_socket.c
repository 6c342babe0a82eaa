/* Source: connect(2), stat(2). */
#include "recorder/collectors/docker_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "recorder/collectors/docker_places.h"

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
    int fd;

    if (strlen(path) >= sizeof address.sun_path)
        return ENAMETOOLONG;
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
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

struct docker_surroundings docker_surroundings_here(const char *root)
{
    struct docker_surroundings around = { .root = root };

    if (*root == '\0') {
        around.docker_host = getenv("DOCKER_HOST");
        around.runtime_dir = getenv("XDG_RUNTIME_DIR");
        around.home = getenv("HOME");
    }
    return around;
}

static void look_everywhere(struct search *search)
{
    const char *const directory[] = { [DOCKER_OF_HOST] = "",
                                      [DOCKER_OF_HOME] = search->around->home,
                                      [DOCKER_OF_SESSION] = search->around->runtime_dir };

    for (size_t i = 0; i < docker_place_count; i++)
        if (directory[docker_places[i].under] != NULL)
            look(search, directory[docker_places[i].under], docker_places[i].path);
}

enum status docker_sockets_find(struct docker_socket found[DOCKER_SOCKETS_MAX], size_t *count,
                                const struct docker_surroundings *around, struct error *err)
{
    struct search search = { .found = found, .around = around };
    enum status st = STATUS_OK;

    if (around->docker_host != NULL && *around->docker_host != '\0') {
        st = look_where_told(&search, around->docker_host, err);
    } else {
        look_everywhere(&search);
        if (search.count == 0)
            st = error_set(err, STATUS_ABSENT, "no socket of a container engine: %s, %s%s",
                           docker_places[0].path,
                           docker_places[1].under == DOCKER_OF_HOME ? "~" : "",
                           docker_places[1].path);
    }
    *count = search.count;
    return st;
}
