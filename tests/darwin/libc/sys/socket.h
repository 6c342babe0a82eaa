#ifndef DARWIN_LIBC_SYS_SOCKET_H
#define DARWIN_LIBC_SYS_SOCKET_H

#include <sys/types.h>

typedef uint32_t socklen_t;
struct sockaddr {
    uint8_t sa_len;
    uint8_t sa_family;
    char sa_data[14];
};
struct iovec {
    void *iov_base;
    size_t iov_len;
};
struct msghdr {
    void *msg_name;
    socklen_t msg_namelen;
    struct iovec *msg_iov;
    int msg_iovlen;
    void *msg_control;
    socklen_t msg_controllen;
    int msg_flags;
};
struct cmsghdr {
    socklen_t cmsg_len;
    int cmsg_level;
    int cmsg_type;
};
#define DARWIN_ALIGN(size) (((size) + 3u) & ~3u)
#define CMSG_DATA(c) ((unsigned char *)(c) + DARWIN_ALIGN(sizeof(struct cmsghdr)))
#define CMSG_SPACE(size) (DARWIN_ALIGN(sizeof(struct cmsghdr)) + DARWIN_ALIGN(size))
#define CMSG_LEN(size) (DARWIN_ALIGN(sizeof(struct cmsghdr)) + (size))
#define CMSG_FIRSTHDR(m)                                                                           \
    ((m)->msg_controllen >= sizeof(struct cmsghdr) ? (struct cmsghdr *)(m)->msg_control : NULL)
#define CMSG_NXTHDR(m, c)                                                                          \
    ((char *)(c) + DARWIN_ALIGN((c)->cmsg_len) + sizeof(struct cmsghdr) >                          \
             (char *)(m)->msg_control + (m)->msg_controllen                                        \
         ? NULL                                                                                    \
         : (struct cmsghdr *)((char *)(c) + DARWIN_ALIGN((c)->cmsg_len)))

#define AF_UNIX 1
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOL_SOCKET 0xffff
#define SCM_RIGHTS 1
#define SHUT_WR 1
#define MSG_CTRUNC 0x20
#define MSG_DONTWAIT 0x80

int accept(int fd, struct sockaddr *from, socklen_t *size);
int bind(int fd, const struct sockaddr *at, socklen_t size);
int connect(int fd, const struct sockaddr *to, socklen_t size);
int getsockopt(int fd, int level, int option, void *value, socklen_t *size);
int listen(int fd, int backlog);
ssize_t recv(int fd, void *data, size_t size, int flags);
ssize_t recvmsg(int fd, struct msghdr *message, int flags);
ssize_t send(int fd, const void *data, size_t size, int flags);
ssize_t sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to,
               socklen_t to_size);
int setsockopt(int fd, int level, int option, const void *value, socklen_t size);
int shutdown(int fd, int how);
int socket(int family, int type, int protocol);

#endif
