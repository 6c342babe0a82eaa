/*
 * What a process is called: command line, program, directory, cgroup, container, user.
 *
 * For the slow thread only: reading a command line may wait for the process's memory map, naming a
 * user may ask a network service. /proc/PID/environ is never opened.
 */
#ifndef RECORDER_IDENTITY_LINUX_H
#define RECORDER_IDENTITY_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recorder/redact.h"
#include "recorder/slow.h"
#include "schema/error.h"

enum {
    CMDLINE_STORED_MAX = 4096,    /* bytes of a redacted command line that are stored */
    CMDLINE_READ_MAX = 64 * 1024, /* bytes of one that are read, redacted and hashed */
    IDENTITY_USERS = 64,
};

struct identity_reader {
    int proc_fd;
    const char *root;
    const struct redactor *redactor;
    bool no_cmdline;
    uint64_t key[2]; /* of the hash of command lines */
    uint8_t *raw;    /* CMDLINE_READ_MAX */
    struct byte_writer redacted;
    struct identity_user {
        bool taken;
        uint32_t uid;
        char name[64]; /* "": it has none */
    } users[IDENTITY_USERS];
    unsigned next_user; /* to be replaced */
};

/*
 * Get ready to read below ROOT/proc.
 *
 *   errors  IO, NO_MEMORY
 *   owns    a descriptor and buffers until identity_close, which accepts what a failed open left;
 *           keeps root and redactor (which may be NULL: only the built-in rules)
 */
MUST_USE enum status identity_open(struct identity_reader *reader, const char *root,
                                   const struct redactor *redactor, bool no_cmdline,
                                   const uint64_t key[2], struct error *err);
void identity_close(struct identity_reader *reader);

/* Answer one request (a slow_work; `self` is the identity_reader). */
void identity_read(void *self, const struct slow_request *request, struct slow_answer *answer);

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

/* The container id within a cgroup path: the last run of exactly 64 hex digits; else empty. */
struct identity_slice identity_container(struct identity_slice cgroup);

#endif
