#ifndef DARWIN_LIBC_NET_IF_H
#define DARWIN_LIBC_NET_IF_H

#define IFF_UP 0x1
#define IFF_RUNNING 0x40

#endif
