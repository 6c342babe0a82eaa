/* From the user database. */
#include "recorder/account.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

enum { ENTRY_SIZE = 16384 };

enum status account_find(struct account *account, const char *name, struct error *err)
{
    char buffer[ENTRY_SIZE];
    struct passwd entry, *found = NULL;
    int failure = getpwnam_r(name, &entry, buffer, sizeof buffer, &found);

    if (found == NULL && failure != 0 && failure != ENOENT && failure != ESRCH)
        return error_set(err, STATUS_IO, "--user: look up \"%.60s\": %s", name, strerror(failure));
    if (found == NULL)
        return error_set(err, STATUS_INVALID, "--user: there is no user \"%.60s\"", name);
    *account = (struct account){ .name = name, .uid = found->pw_uid, .gid = found->pw_gid };
    if (geteuid() != 0 && geteuid() != account->uid)
        return error_set(err, STATUS_INVALID,
                         "--user: only root can become %.60s: start procscoped as root, or as "
                         "that user without --user",
                         name);
    return STATUS_OK;
}
