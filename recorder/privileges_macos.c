/*
 * Darwin has no capabilities: who is root has all, and who is not may read his own processes only.
 *
 *   source  setuid(2), initgroups(3)
 */
#include "recorder/privileges.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <unistd.h>

enum status privileges_reduce(const char *recording, const struct process_needs *needs,
                              struct error *err)
{
    (void)recording;
    (void)needs;
    if (geteuid() != 0)
        return STATUS_OK; /* there is nothing to give up */
    return error_set(err, STATUS_UNSUPPORTED,
                     "root's privileges cannot be given up in part on macOS, and seeing other "
                     "users' processes takes them");
}

enum status privileges_become(const struct account *account, const struct process_needs *needs,
                              struct error *err)
{
    (void)needs;
    if (geteuid() == account->uid)
        return STATUS_OK;
    if (initgroups(account->name, account->gid) == 0 && setgid(account->gid) == 0 &&
        setuid(account->uid) == 0 && setuid(0) != 0)
        return STATUS_OK;
    return error_set(err, STATUS_IO, "--user: cannot become %s: %s", account->name,
                     strerror(errno));
}
