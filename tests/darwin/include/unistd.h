/* Adds who is at the other end of a local socket. */
#ifndef DARWIN_UNISTD_H
#define DARWIN_UNISTD_H

#include_next <unistd.h>

int getpeereid(int fd, uid_t *uid, gid_t *gid);

#endif
