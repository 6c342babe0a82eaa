/* Groups; initgroups is in unistd.h. */
#ifndef DARWIN_LIBC_GRP_H
#define DARWIN_LIBC_GRP_H

#include <sys/types.h>

struct group {
    char *gr_name;
    char *gr_passwd;
    gid_t gr_gid;
    char **gr_mem;
};

struct group *getgrnam(const char *name);
int getgrnam_r(const char *name, struct group *entry, char *buffer, size_t size,
               struct group **found);

#endif
