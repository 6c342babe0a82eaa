/* Where the recording goes when nobody says. */
#ifndef RECORDER_OUTPUT_PATH_H
#define RECORDER_OUTPUT_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "recorder/account.h"
#include "schema/error.h"

struct output_surroundings {
    bool root;
    const char *state_home; /* $XDG_STATE_HOME, or NULL */
    const char *home;       /* $HOME, or NULL */
    const char *host;
    const char *state_directory; /* $STATE_DIRECTORY, from a service manager, or NULL */
};

/* Ours. */
struct output_surroundings output_surroundings(const char *host);

/*
 * In the service's state directory if there is one, else in /var/lib/procscope for root, else under
 * the user's state directory; the name is HOST.pscope.
 *
 *   errors  INVALID when there is no home directory, or the path is too long
 */
MUST_USE enum status output_path_default(char *path, size_t size,
                                         const struct output_surroundings *surroundings,
                                         struct error *err);

/*
 * Make the directory of that path, and those above it, where they are missing: mode 0750. They are
 * ours, or given to `owner`.
 */
MUST_USE enum status output_path_make_directory(const char *path, const struct account *owner,
                                                struct error *err);

/*
 * Whether we may write to the file, or make it, and others beside it, without any capability.
 *
 *   errors  INVALID, naming the file or directory, `user` who we are, and what to do
 */
MUST_USE enum status output_path_check_access(const char *path, const char *user,
                                              struct error *err);

/*
 * Whether files of that name are safe from other users: not if all may write to the directory of the
 * path, or of the file that it leads to, and it is not ours.
 *
 *   errors  INVALID, naming the directory
 */
MUST_USE enum status output_path_check(const char *path, struct error *err);

#endif
