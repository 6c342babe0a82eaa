/* The names under which capability statuses are stored and shown. */
#include "recorder/collector.h"

const char *capability_name(enum capability_status status)
{
    static const char *const names[] = {
        "ok", "partial", "not permitted", "not there", "unsupported", "failed", "off",
    };

    return (size_t)status < COUNT_OF(names) ? names[status] : "unknown";
}
