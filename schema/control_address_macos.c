/* macOS has no way around the limit. */
#include "schema/control_address.h"

enum status control_address_long(struct control_address *address, const char *path,
                                 struct error *err)
{
    (void)address;
    return error_set(err, STATUS_INVALID,
                     "%.200s: longer than the path of a socket may be here: give a shorter one "
                     "with --control PATH",
                     path);
}
