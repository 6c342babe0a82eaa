/* How much a thread matters. */
#ifndef DARWIN_PTHREAD_QOS_H
#define DARWIN_PTHREAD_QOS_H

typedef unsigned qos_class_t;
#define QOS_CLASS_UTILITY 0x11

int pthread_set_qos_class_self_np(qos_class_t class_of_thread, int relative_priority);

#endif
