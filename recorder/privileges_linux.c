/* Capabilities by their system calls: libcap would be needed for nothing else. */
#include "recorder/privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WORDS = 2, WORD_BITS = 32, CAPABILITIES_MAX = WORDS * WORD_BITS };

static uint64_t bit(int capability)
{
    return UINT64_C(1) << capability;
}

static bool is_ours(const char *path)
{
    struct stat info;

    return stat(path, &info) != 0 || info.st_uid == geteuid();
}

/* The file, if there is one, and its directory are ours: no capability is needed to write there. */
static bool may_write(const char *recording)
{
    char directory[4096];
    const char *slash;

    if (recording == NULL)
        return true; /* the default is made by us */
    slash = strrchr(recording, '/');
    if (slash == NULL)
        (void)snprintf(directory, sizeof directory, ".");
    else
        (void)snprintf(directory, sizeof directory, "%.*s", (int)(slash - recording + 1),
                       recording);
    return is_ours(recording) && is_ours(directory);
}

static enum status set_capabilities(uint64_t keep, struct error *err)
{
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[WORDS];

    if (syscall(SYS_capget, &head, data) != 0)
        return error_set(err, STATUS_IO, "capabilities cannot be read: %s", strerror(errno));
    for (int i = 0; i < WORDS; i++) {
        uint32_t word = (uint32_t)(keep >> (i * WORD_BITS));

        data[i].permitted &= word;
        data[i].effective = data[i].permitted;
        data[i].inheritable = 0;
    }
    if (syscall(SYS_capset, &head, data) != 0)
        return error_set(err, STATUS_IO, "capabilities cannot be given up: %s", strerror(errno));
    return STATUS_OK;
}

enum status privileges_reduce(const char *recording, struct error *err)
{
    uint64_t keep = bit(CAP_SYS_PTRACE) | bit(CAP_DAC_READ_SEARCH) | bit(CAP_NET_ADMIN);

    if (!may_write(recording))
        keep |= bit(CAP_DAC_OVERRIDE);
    /* While CAP_SETPCAP is there; what the kernel does not know is refused, and not missed. */
    for (int c = 0; c < CAPABILITIES_MAX; c++)
        if ((keep & bit(c)) == 0)
            (void)prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return error_set(err, STATUS_IO, "no_new_privs cannot be set: %s", strerror(errno));
    return set_capabilities(keep, err);
}
