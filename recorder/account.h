/* The user that --user names. */
#ifndef RECORDER_ACCOUNT_H
#define RECORDER_ACCOUNT_H

#include <sys/types.h>

#include "schema/error.h"

struct account {
    const char *name;
    uid_t uid;
    gid_t gid;
};

/*
 * Look up who is to record: anybody if we are root, else nobody but ourselves.
 *
 *   errors  INVALID: there is no such user, or we may not become it; IO: the user database
 *   owns    nothing; account->name is `name`
 */
MUST_USE enum status account_find(struct account *account, const char *name, struct error *err);

#endif
