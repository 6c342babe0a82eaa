#ifndef DARWIN_LIBC_SYS_UN_H
#define DARWIN_LIBC_SYS_UN_H

#include <stdint.h>

struct sockaddr_un {
    uint8_t sun_len;
    uint8_t sun_family;
    char sun_path[104];
};

#endif
