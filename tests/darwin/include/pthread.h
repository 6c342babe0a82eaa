/* Adds waiting for so long. */
#ifndef DARWIN_PTHREAD_H
#define DARWIN_PTHREAD_H

#include_next <pthread.h>

int pthread_cond_timedwait_relative_np(pthread_cond_t *condition, pthread_mutex_t *lock,
                                       const struct timespec *left);

#endif
