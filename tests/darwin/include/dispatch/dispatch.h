/* Queues that callbacks come on. */
#ifndef DARWIN_DISPATCH_DISPATCH_H
#define DARWIN_DISPATCH_DISPATCH_H

typedef struct dispatch_queue *dispatch_queue_t;

#define DISPATCH_QUEUE_SERIAL ((void *)0)

dispatch_queue_t dispatch_queue_create(const char *label, void *attribute);
/* Runs it on the queue and waits: what was on the queue before has run then. */
void dispatch_sync_f(dispatch_queue_t queue, void *context, void (*work)(void *context));
void dispatch_release(dispatch_queue_t queue);

#endif
