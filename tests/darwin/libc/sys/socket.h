#ifndef DARWIN_LIBC_SYS_SOCKET_H
#define DARWIN_LIBC_SYS_SOCKET_H

#include <sys/types.h>

typedef uint32_t socklen_t;
struct sockaddr {
    uint8_t sa_len;
    uint8_t sa_family;
    char sa_data[14];
};

#define AF_UNIX 1
#define SOCK_STREAM 1

int socket(int family, int type, int protocol);
int accept(int fd, struct sockaddr *from, socklen_t *size);
int getsockopt(int fd, int level, int option, void *value, socklen_t *size);

#endif
