/* Where the recording goes when nobody says. */
#ifndef RECORDER_OUTPUT_PATH_H
#define RECORDER_OUTPUT_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "schema/error.h"

struct output_surroundings {
    bool root;
    const char *state_home; /* $XDG_STATE_HOME, or NULL */
    const char *home;       /* $HOME, or NULL */
    const char *host;
};

/* Ours. */
struct output_surroundings output_surroundings(const char *host);

/*
 * /var/lib/procscope/HOST.pscope for root, else under the user's state directory.
 *
 *   errors  INVALID when there is no home directory, or the path is too long
 */
MUST_USE enum status output_path_default(char *path, size_t size,
                                         const struct output_surroundings *surroundings,
                                         struct error *err);

/* Make the directory of that path, and those above it, where they are missing: mode 0750. */
MUST_USE enum status output_path_make_directory(const char *path, struct error *err);

/*
 * Whether files of that name are safe from other users: not if all may write to the directory of the
 * path, or of the file that it leads to, and it is not ours.
 *
 *   errors  INVALID, naming the directory
 */
MUST_USE enum status output_path_check(const char *path, struct error *err);

#endif
