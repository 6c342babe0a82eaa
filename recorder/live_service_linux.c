/* There are no Mach services on Linux: the control socket hands over the mapping. */
#include "recorder/live_service.h"

enum status live_service_start(struct live_service **service, uid_t own_uid,
                               const struct live_service_calls *calls, struct error *err)
{
    (void)own_uid;
    (void)calls;
    *service = NULL;
    return error_set(err, STATUS_ABSENT, "no Mach services on this system");
}

void live_service_stop(struct live_service *service)
{
    (void)service;
}
