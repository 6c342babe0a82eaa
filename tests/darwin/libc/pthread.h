#ifndef DARWIN_LIBC_PTHREAD_H
#define DARWIN_LIBC_PTHREAD_H

#include <time.h>

typedef struct {
    long __sig;
    char __opaque[40];
} pthread_cond_t;
typedef struct {
    long __sig;
    char __opaque[56];
} pthread_mutex_t;
typedef struct pthread_condattr pthread_condattr_t;

int pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes);

#endif
