#ifndef DARWIN_LIBC_POLL_H
#define DARWIN_LIBC_POLL_H

struct pollfd {
    int fd;
    short events;
    short revents;
};
typedef unsigned nfds_t;
#define POLLIN 0x1
#define POLLOUT 0x4
#define POLLERR 0x8
#define POLLHUP 0x10

int poll(struct pollfd *fds, nfds_t count, int timeout);

#endif
