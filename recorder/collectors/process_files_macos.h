/* The descriptors and sockets of one process on a Mac: process_files_macos.c. */
#ifndef RECORDER_COLLECTORS_PROCESS_FILES_MACOS_H
#define RECORDER_COLLECTORS_PROCESS_FILES_MACOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/proc_info.h>

#include "recorder/collectors/process_detail.h"
#include "recorder/collectors/socket_info.h"

/* Memory for one process at a time, used again for the next. Zeroed is empty. */
struct process_files {
    struct proc_fdinfo *fds;
    struct socket_answer *sockets;
    size_t fd_room, socket_room;
    size_t fd_count, socket_count; /* of the latest process; sockets once each */
    unsigned calls;                /* that its reading took */
};

enum files_answer {
    FILES_OK,
    FILES_GONE,
    FILES_DENIED, /* another user's process */
    FILES_MANY,   /* more descriptors than DETAIL_SCAN_FDS_MAX, or sockets than calls */
    FILES_FAILED,
};

/*
 * List the descriptors. A process may open more between two calls: the list is whole when it is
 * shorter than the room for it, and is asked for again with more room up to five times.
 *
 *   errors  those of enum files_answer; FILES_FAILED also without memory
 */
enum files_answer process_files_list(struct process_files *files, int32_t pid);
/* How many of the list are sockets. */
size_t process_files_socket_count(const struct process_files *files);
/*
 * Ask about each socket of the list; at most `calls`, else FILES_MANY before any. One that was closed
 * meanwhile is left out, and of several descriptors of a socket all but one.
 */
enum files_answer process_files_ask(struct process_files *files, int32_t pid, size_t calls);
void process_files_release(struct process_files *files);

#endif
