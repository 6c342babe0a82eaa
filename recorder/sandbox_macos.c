/* There is none yet: sandbox_init(3) is deprecated, and its profiles are not documented. */
#include "recorder/sandbox.h"

const char *sandbox_missing(void)
{
    return "not built for macOS yet";
}

enum status sandbox_enter(const struct process_needs *needs, struct error *err)
{
    (void)needs;
    return error_set(err, STATUS_UNSUPPORTED, "%s", sandbox_missing());
}
