/* Waiting for another thread, for so long by a clock that nobody sets: timed_wait_SYSTEM.c. */
#ifndef RECORDER_TIMED_WAIT_H
#define RECORDER_TIMED_WAIT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* A condition for timed_wait. */
void timed_wait_init(pthread_cond_t *condition);
/* On that clock. */
int64_t timed_wait_now_ns(void);
/* Until it is signalled, or that time has come: false. The caller holds the lock, before and after. */
bool timed_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t until_ns);

#endif
