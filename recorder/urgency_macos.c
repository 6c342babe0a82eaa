/*
 * The sampling thread stays as it is: the background class would let it run on slow cores only, and
 * its timers late by seconds. What can wait is told to be of little use, and so is our IO.
 *
 *   source  pthread_set_qos_class_self_np(3), setiopolicy_np(3)
 */
#include "recorder/urgency.h"

#include <pthread/qos.h>
#include <sys/resource.h>

void urgency_begin(void)
{
    (void)setiopolicy_np(IOPOL_TYPE_DISK, IOPOL_SCOPE_PROCESS, IOPOL_UTILITY);
}

void urgency_lower(void)
{
    (void)pthread_set_qos_class_self_np(QOS_CLASS_UTILITY, 0);
}

void urgency_give_up(void)
{
    (void)pthread_set_qos_class_self_np(QOS_CLASS_UTILITY, 0);
}

enum urgency urgency_raise(int64_t interval_ns)
{
    (void)interval_ns;
    return URGENCY_USUAL;
}

const char *urgency_name(enum urgency urgency)
{
    (void)urgency;
    return "as all others";
}
