#ifndef DARWIN_LIBC_INTTYPES_H
#define DARWIN_LIBC_INTTYPES_H

#include <stdint.h>

#define PRId64 "lld"
#define PRIu64 "llu"
#define PRIx64 "llx"
#define SCNd64 "lld"
#define SCNu64 "llu"

#endif
