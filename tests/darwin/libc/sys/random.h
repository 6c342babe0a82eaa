#ifndef DARWIN_LIBC_SYS_RANDOM_H
#define DARWIN_LIBC_SYS_RANDOM_H

#include <stddef.h>

int getentropy(void *buffer, size_t size);

#endif
