/*
 * Which questions the kernel of macOS answers about a process, a descriptor and a file port
 * (callnums 2, 3 and 6 of __proc_info), and where in an answer its fields are.
 *
 * Callnum 4 hands out the kernel's log to root, callnum 5 changes settings of the calling process: no
 * listing of processes needs either, and neither is used.
 */
#ifndef TOOLS_PSLIST_FLAVORS_H
#define TOOLS_PSLIST_FLAVORS_H

#include <stddef.h>
#include <stdint.h>

enum pslist_kind {
    FIELD_U32,
    FIELD_I32,
    FIELD_U64,
    FIELD_PORT, /* 32 bits, the lower 16 in network byte order */
    FIELD_TEXT, /* `size` bytes, or up to a NUL */
    FIELD_HEX,  /* `size` bytes */
};

struct pslist_field {
    const char *name;
    uint16_t at;
    uint8_t kind;
    uint16_t size; /* of FIELD_TEXT and FIELD_HEX */
};

/* What the argument of a question has to be. */
enum pslist_argument {
    ASK_PLAIN,
    ASK_ZOMBIES, /* not 0: answered of a zombie, too */
    ASK_THREADS, /* each of what PROC_PIDLISTTHREADS told */
    ASK_IDS,     /* each of what PROC_PIDLISTTHREADIDS told */
};

struct pslist_flavor {
    int number;
    const char *name;
    enum pslist_argument argument;
    const struct pslist_field *fields; /* NULL: only the size is told */
    size_t field_count;
    size_t each; /* the answer is an array of elements of this size; 0: it is one */
};

extern const struct pslist_flavor pslist_pid_flavors[];
extern const size_t pslist_pid_flavor_count;
extern const struct pslist_flavor pslist_fd_flavors[];
extern const size_t pslist_fd_flavor_count;
extern const struct pslist_flavor pslist_port_flavors[];
extern const size_t pslist_port_flavor_count;

#endif
