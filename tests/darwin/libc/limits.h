#ifndef DARWIN_LIBC_LIMITS_H
#define DARWIN_LIBC_LIMITS_H

#include_next <limits.h>

#define PATH_MAX 1024

#endif
