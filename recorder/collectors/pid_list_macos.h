/* Pids by what the kernel finds them by, for tools: pid_list_macos.c. */
#ifndef RECORDER_COLLECTORS_PID_LIST_MACOS_H
#define RECORDER_COLLECTORS_PID_LIST_MACOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/error.h"

/* The kernel's list types of __proc_info, callnum 1. */
enum pid_criterion {
    PIDS_ALL = 1,
    PIDS_OF_GROUP = 2,    /* process group */
    PIDS_OF_TERMINAL = 3, /* device number of the controlling terminal */
    PIDS_OF_USER = 4,     /* effective */
    PIDS_OF_REAL_USER = 5,
    PIDS_OF_PARENT = 6, /* of a traced process also the parent it had before */
};

/* Zeroed is empty. The memory is used again at each read. */
struct pid_list {
    int32_t *pids; /* the youngest first, zombies behind the living; 0 is the kernel */
    size_t count;
    size_t room; /* for so many */
    bool complete;
};

/*
 * Read the pids that match. A list that does not fit is cut without a word, so one that fills its
 * room is asked for again with more; where processes are born faster than that, `complete` says so.
 * None is an answer. Everybody may ask, about everybody's.
 *
 *   shape   argument: nothing for PIDS_ALL
 *   errors  IO, NO_MEMORY
 *   owns    the memory, until pid_list_release
 */
MUST_USE enum status pid_list_read(struct pid_list *list, enum pid_criterion criterion,
                                   uint32_t argument, struct error *err);
void pid_list_release(struct pid_list *list);

#endif
