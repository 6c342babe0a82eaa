/* Capabilities by their system calls: libcap would be needed for nothing else. */
#include "recorder/privileges.h"

#include <errno.h>
#include <grp.h>
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

#ifndef CAP_BPF /* headers before Linux 5.8 */
#define CAP_PERFMON 38
#define CAP_BPF 39
#endif

static uint64_t bit(int capability)
{
    return UINT64_C(1) << capability;
}

static uint64_t bpf_capabilities(void)
{
    return bit(CAP_BPF) | bit(CAP_PERFMON);
}

/* Other users' /proc/PID files; the kernel's reports of exits, which only those without BPF listen to. */
static uint64_t reading_capabilities(const struct process_needs *needs)
{
    uint64_t keep = bit(CAP_SYS_PTRACE) | bit(CAP_DAC_READ_SEARCH);

    if (!needs->programs && !needs->iterators)
        keep |= bit(CAP_NET_ADMIN);
    return needs->capabilities ? keep | bpf_capabilities() : keep;
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

/* What an exec could give is given up first, while CAP_SETPCAP is there. */
static enum status forgo_gains(uint64_t keep, struct error *err)
{
    for (int c = 0; c < CAPABILITIES_MAX; c++)
        if ((keep & bit(c)) == 0)
            (void)prctl(PR_CAPBSET_DROP, c, 0, 0, 0); /* refused: one that the kernel lacks */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return error_set(err, STATUS_IO, "no_new_privs cannot be set: %s", strerror(errno));
    return STATUS_OK;
}

enum status privileges_reduce(const char *recording, const struct process_needs *needs,
                              struct error *err)
{
    uint64_t keep = reading_capabilities(needs);

    if (!may_write(recording))
        keep |= bit(CAP_DAC_OVERRIDE);
    if (forgo_gains(keep, err) != STATUS_OK)
        return err->status;
    return set_capabilities(keep, err);
}

/* All three ids of both kinds, so that there is no way back; permitted capabilities stay. */
static enum status change_user(const struct account *account, struct error *err)
{
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 && initgroups(account->name, account->gid) == 0 &&
        setresgid(account->gid, account->gid, account->gid) == 0 &&
        setresuid(account->uid, account->uid, account->uid) == 0 &&
        prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) == 0)
        return STATUS_OK;
    return error_set(err, STATUS_IO, "--user: cannot become %s: %s", account->name,
                     strerror(errno));
}

enum status privileges_become(const struct account *account, const struct process_needs *needs,
                              struct error *err)
{
    uint64_t keep = reading_capabilities(needs);
    enum status st = forgo_gains(keep, err);

    if (st == STATUS_OK && geteuid() != account->uid)
        st = change_user(account, err);
    return st == STATUS_OK ? set_capabilities(keep, err) : st;
}

static bool get_capabilities(struct __user_cap_data_struct data[WORDS])
{
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };

    return syscall(SYS_capget, &head, data) == 0;
}

static bool set_data(const struct __user_cap_data_struct data[WORDS])
{
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };

    return syscall(SYS_capset, &head, data) == 0;
}

static uint64_t effective(const struct __user_cap_data_struct data[WORDS])
{
    return data[0].effective | (uint64_t)data[1].effective << WORD_BITS;
}

bool privileges_may_load_bpf(void)
{
    struct __user_cap_data_struct data[WORDS];
    uint64_t has;

    if (!get_capabilities(data))
        return false;
    has = effective(data);
    return (has & bit(CAP_SYS_ADMIN)) != 0 || (has & bpf_capabilities()) == bpf_capabilities();
}

bool privileges_try_without_bpf(bool (*attempt)(void *self), void *self)
{
    struct __user_cap_data_struct before[WORDS], without[WORDS];
    uint64_t drop = bpf_capabilities() | bit(CAP_SYS_ADMIN);
    bool succeeded;

    if (!get_capabilities(before))
        return false;
    memcpy(without, before, sizeof without);
    for (int i = 0; i < WORDS; i++)
        without[i].effective &= ~(uint32_t)(drop >> (i * WORD_BITS));
    if (!set_data(without))
        return false;
    succeeded = attempt(self);
    return set_data(before) && succeeded;
}
