/*
 * What a process is called: command line, program, directory, cgroup, container, user.
 *
 * For slow threads only: reading a command line may wait for the process's memory map, naming a
 * user may ask a network service. /proc/PID/environ is never opened.
 */
#ifndef RECORDER_IDENTITY_LINUX_H
#define RECORDER_IDENTITY_LINUX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "recorder/collectors/identity.h"
#include "schema/error.h"

enum { IDENTITY_CGROUP_MAX = 4 * IDENTITY_TEXT_MAX };

/* What was read of one process: sizes, or -errno. */
struct identity_raw {
    ssize_t exe_size, cwd_size, cgroup_size, cmdline_size, stat_size;
    const char *user;
    char exe[IDENTITY_TEXT_MAX], cwd[IDENTITY_TEXT_MAX];
    char cgroup[IDENTITY_CGROUP_MAX], stat[1024];
    uint8_t cmdline[CMDLINE_READ_MAX];
};

struct identity_reader {
    const struct identity_source *source; /* not to be touched while reading */
    const char *root;
    bool no_cmdline;
    int proc_fd;
    struct identity_raw raw;
    struct byte_writer redacted;
    struct identity_users users;
};

/*
 * The functions of a slow_work; its `self` is an identity_source, a context an identity_reader.
 *
 *   errors  of identity_open: IO, NO_MEMORY
 */
MUST_USE enum status identity_open(void *source, void **opened, struct error *err);
void identity_close(void *context);
void identity_read(void *context, const struct slow_request *request);
void identity_answer(void *context, const struct slow_request *request, struct slow_answer *answer);

/* A part of a text. */
struct identity_slice {
    const char *at;
    size_t size;
};

/*
 * The path of a process's cgroup, from the text of /proc/PID/cgroup: the one of version 2, or where
 * that is only the root, the deepest of the version 1 hierarchies that say where a process belongs.
 */
struct identity_slice identity_cgroup(const char *text, size_t size);

#endif
