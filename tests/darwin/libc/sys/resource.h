#ifndef DARWIN_LIBC_SYS_RESOURCE_H
#define DARWIN_LIBC_SYS_RESOURCE_H

#include <sys/types.h>

#endif
