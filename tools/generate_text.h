/*
 * What made-up processes are called: users, programs, command lines, control groups. Everything
 * follows from a kind and a number, so that nothing has to be kept per process.
 */
#ifndef TOOLS_GENERATE_TEXT_H
#define TOOLS_GENERATE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "schema/tick.h"

enum { CMDLINE_MAX = 4096, TEXT_ROOM = CMDLINE_MAX + 256 };

enum program_kind {
    PROGRAM_KERNEL, /* a kernel thread: a comm, no exe, no command line */
    PROGRAM_SERVICE,
    PROGRAM_SHELL,
    PROGRAM_COMPILER, /* long command line, never the same twice */
    PROGRAM_NAMED,    /* as identity.name says */
    PROGRAM_HOSTILE,  /* names that break what is careless with them */
};

/* What decides all texts of a process; an exec changes program, a setuid the user. */
struct identity {
    enum program_kind program, origin; /* now; and when it began: cgroup, container, cwd */
    uint64_t program_number, origin_number;
    const char *name;
    unsigned user; /* index, below USER_COUNT */
};

enum { USER_COUNT = 7 };
uint32_t user_id(unsigned user);

/* The texts of one identity. */
struct identity_texts {
    uint32_t known; /* as in struct tick_version */
    uint32_t uid;
    uint32_t cmdline_length; /* before it was cut at CMDLINE_MAX */
    uint64_t cmdline_hash;
    size_t size[PROCESS_TEXT_COUNT];
    char text[PROCESS_TEXT_COUNT][TEXT_ROOM];
};

/* Fill in all texts; a unique command line gets about `cmdline_bytes`. */
void identity_texts(struct identity_texts *texts, const struct identity *identity,
                    int64_t cmdline_bytes);

/* Add a version with the texts of `mask` that the identity knows. */
void identity_announce(const struct identity_texts *texts, uint32_t mask, uint32_t slot,
                       int64_t from_ns, struct tick *tick);

#endif
