/* The default path of the recording. */
#include "recorder/output_path.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIRECTORY_MODE = 0750, HOST_SIZE = 256 };

/* What a service manager gave to us, and not to a service whose shell or job started us. */
static const char *own_state_directory(void)
{
    const char *pid = getenv("SYSTEMD_EXEC_PID"); /* systemd 248 and later */

    return pid != NULL && strtol(pid, NULL, 10) != getpid() ? NULL : getenv("STATE_DIRECTORY");
}

struct output_surroundings output_surroundings(const char *host)
{
    return (struct output_surroundings){
        .root = geteuid() == 0,
        .state_home = getenv("XDG_STATE_HOME"),
        .home = getenv("HOME"),
        .host = host,
        .state_directory = own_state_directory(),
    };
}

/* The host's name as a file name. */
static void file_name(char *name, size_t size, const char *host)
{
    (void)snprintf(name, size, "%s", host[0] == '\0' || host[0] == '.' ? "host" : host);
    for (char *at = name; *at != '\0'; at++) {
        if (*at == '/')
            *at = '_';
    }
}

enum status output_path_default(char *path, size_t size,
                                const struct output_surroundings *surroundings, struct error *err)
{
    const char *state_home = surroundings->state_home;
    const char *home = surroundings->home;
    const char *service = surroundings->state_directory;
    char name[HOST_SIZE];
    int length;

    file_name(name, sizeof name, surroundings->host);
    if (service != NULL && service[0] == '/' && strchr(service, ':') == NULL) /* one, not several */
        length = snprintf(path, size, "%s/%s.pscope", service, name);
    else if (surroundings->root)
        length = snprintf(path, size, "/var/lib/procscope/%s.pscope", name);
    else if (state_home != NULL && state_home[0] == '/') /* a relative one is invalid, says XDG */
        length = snprintf(path, size, "%s/procscope/%s.pscope", state_home, name);
    else if (home != NULL && home[0] == '/')
        length = snprintf(path, size, "%s/.local/state/procscope/%s.pscope", home, name);
    else
        return error_set(err, STATUS_INVALID, "no home directory: say where to with --output FILE");
    if (length < 0 || (size_t)length >= size)
        return error_set(err, STATUS_INVALID, "the default path is too long: use --output FILE");
    return STATUS_OK;
}

static enum status make_one(const char *directory, const struct account *owner, struct error *err)
{
    if (mkdir(directory, DIRECTORY_MODE) != 0) {
        if (errno == EEXIST || errno == EROFS)
            return STATUS_OK;
        return error_set(err, STATUS_IO, "make the directory %s: %s", directory, strerror(errno));
    }
    if (owner != NULL && lchown(directory, owner->uid, owner->gid) != 0)
        return error_set(err, STATUS_IO, "give the directory %s to %s: %s", directory, owner->name,
                         strerror(errno));
    return STATUS_OK;
}

enum status output_path_make_directory(const char *path, const struct account *owner,
                                       struct error *err)
{
    char directory[PATH_MAX];

    if ((size_t)snprintf(directory, sizeof directory, "%s", path) >= sizeof directory)
        return error_set(err, STATUS_INVALID, "%.200s...: the path is too long", path);
    for (char *at = strchr(directory + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        if (make_one(directory, owner, err) != STATUS_OK)
            return err->status;
        *at = '/';
    }
    return STATUS_OK;
}

/* The directory that a path lies in, as a path. */
static bool directory_of(char *directory, size_t size, const char *path)
{
    const char *slash = strrchr(path, '/');
    int length = slash == NULL   ? snprintf(directory, size, ".")
                 : slash == path ? snprintf(directory, size, "/")
                                 : snprintf(directory, size, "%.*s", (int)(slash - path), path);

    return length > 0 && (size_t)length < size;
}

/* access(2) asks for the real user, without capabilities. */
enum status output_path_check_access(const char *path, const char *user, struct error *err)
{
    char directory[PATH_MAX];
    char *real = realpath(path, NULL);
    bool fits = directory_of(directory, sizeof directory, real != NULL ? real : path);
    bool exists = real != NULL;

    free(real);
    if (!fits)
        return error_set(err, STATUS_INVALID, "%.200s...: the path is too long", path);
    if (exists && access(path, R_OK | W_OK) != 0)
        return error_set(err, STATUS_INVALID,
                         "%s: %s may not write to it: chown %s %s, or record to another file", path,
                         user, user, path);
    if (access(directory, W_OK | X_OK) != 0)
        return error_set(err, STATUS_INVALID,
                         "%s: %s may not make files in %s (%s): chown %s %s, or record elsewhere "
                         "with --output FILE",
                         path, user, directory, strerror(errno), user, directory);
    return STATUS_OK;
}

static enum status check_directory(const char *path, struct error *err)
{
    char directory[PATH_MAX];
    struct stat info;

    if (!directory_of(directory, sizeof directory, path))
        return error_set(err, STATUS_INVALID, "%.200s...: the path is too long", path);
    if (stat(directory, &info) != 0 || (info.st_mode & S_IWOTH) == 0 || info.st_uid == geteuid())
        return STATUS_OK; /* what cannot be opened is told later */
    return error_set(err, STATUS_INVALID,
                     "%s: everybody may write to %s, and it is another user's: somebody could put "
                     "a link or a file of that name there; use a directory of your own",
                     path, directory);
}

enum status output_path_check(const char *path, struct error *err)
{
    enum status st = check_directory(path, err);
    char *real = realpath(path, NULL);

    if (st == STATUS_OK && real != NULL)
        st = check_directory(real, err);
    free(real);
    return st;
}
