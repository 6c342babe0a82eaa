/* The command behind "--": started, signalled, waited for. */
#ifndef RECORDER_CHILD_H
#define RECORDER_CHILD_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "schema/error.h"

enum { CHILD_NOT_EXECUTABLE = 126, CHILD_NOT_FOUND = 127, CHILD_SIGNALLED = 128 };

/* What the recorder changes for itself and the command must not inherit. */
struct child_surroundings {
    mode_t umask;
    struct rlimit descriptors;
};

/* Zeroed: none was started. */
struct child {
    pid_t pid;
    bool ended;
    int exit_code; /* as a shell has it: 128 + n for a signal; 126, 127 when it never ran */
};

/* As things are now. */
void child_remember(struct child_surroundings *surroundings);

/*
 * Run argv[0], looked up in PATH. A command that cannot be executed is an OK with `ended`,
 * `exit_code` and, in *err, the reason; IO when no process can be made.
 */
MUST_USE enum status child_start(struct child *child, char *const argv[],
                                 const struct child_surroundings *surroundings, struct error *err);

/* Collect its status if it has ended; `block`: wait for that. Returns child->ended. */
bool child_poll(struct child *child, bool block);

/* Pass a signal on, if it still runs. */
void child_signal(const struct child *child, int number);

#endif
