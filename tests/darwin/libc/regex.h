#ifndef DARWIN_LIBC_REGEX_H
#define DARWIN_LIBC_REGEX_H

#include <stddef.h>

typedef struct {
    int re_magic;
    size_t re_nsub;
    const char *re_endp;
    struct re_guts *re_g;
} regex_t;

#endif
