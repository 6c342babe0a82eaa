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
typedef struct {
    long __sig;
    char __opaque[8];
} pthread_once_t;
typedef struct darwin_thread *pthread_t;
typedef struct darwin_condattr pthread_condattr_t;
typedef struct darwin_mutexattr pthread_mutexattr_t;
typedef struct darwin_attr pthread_attr_t;
#define PTHREAD_MUTEX_INITIALIZER                                                                  \
    {                                                                                              \
        0x32AAABA7,                                                                                \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }
#define PTHREAD_ONCE_INIT                                                                          \
    {                                                                                              \
        0x30B1BCBA,                                                                                \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

int pthread_cond_broadcast(pthread_cond_t *condition);
int pthread_cond_destroy(pthread_cond_t *condition);
int pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes);
int pthread_cond_signal(pthread_cond_t *condition);
int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *lock,
                           const struct timespec *until);
int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *lock);
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *self);
int pthread_detach(pthread_t thread);
int pthread_join(pthread_t thread, void **result);
int pthread_mutex_destroy(pthread_mutex_t *lock);
int pthread_mutex_init(pthread_mutex_t *lock, const pthread_mutexattr_t *attributes);
int pthread_mutex_lock(pthread_mutex_t *lock);
int pthread_mutex_trylock(pthread_mutex_t *lock);
int pthread_mutex_unlock(pthread_mutex_t *lock);
int pthread_once(pthread_once_t *once, void (*run)(void));

#endif
