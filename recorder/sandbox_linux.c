/*
 * A seccomp filter by libseccomp, which knows the numbers of calls on every architecture. The list is
 * what strace saw of every recorder that the tests start, and for each call its other names: which of
 * them libc takes depends on its version and on the architecture. A collector that needs another call
 * adds it here; tests/test_sandbox.sh fails until it does.
 */
#include "recorder/sandbox.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef PROCSCOPE_SANDBOX_MISSING

const char *sandbox_missing(void)
{
    return PROCSCOPE_SANDBOX_MISSING;
}

enum status sandbox_enter(const struct process_needs *needs, struct error *err)
{
    (void)needs;
    return error_set(err, STATUS_UNSUPPORTED, "%s", sandbox_missing());
}

#else

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "recorder/libraries.h"

#ifdef __s390__
enum { CLONE_FLAGS = 1 }; /* which argument of clone they are */
#else
enum { CLONE_FLAGS = 0 };
#endif

enum {
    /* Of fcntl64 on machines of 32 bits, where libc takes these numbers for the ones without 64. */
    GETLK_64 = 12,
    SETLK_64 = 13,
    SETLKW_64 = 14,
    NAME_SIZE = 32,
    IO_OF_PROCESS = 1,  /* IOPRIO_WHO_PROCESS of linux/ioprio.h, which older headers lack */
    RUN_PROGRAM = 10,   /* BPF_PROG_RUN of linux/bpf.h */
    OPEN_ITERATOR = 33, /* BPF_ITER_CREATE */
};

/* Allowed whatever their arguments: names between blanks. */
static const char *const calls[] = {
    /* reading: /proc, /sys, the configuration, user names */
    "open openat openat2 close close_range read pread64 readv preadv preadv2 lseek _llseek "
    "stat stat64 lstat lstat64 fstat fstat64 fstatat64 newfstatat statx statfs statfs64 "
    "fstatfs fstatfs64 access faccessat faccessat2 readlink readlinkat getdents getdents64 "
    "getcwd fadvise64 fadvise64_64 arm_fadvise64_64",
    /* writing: the recording, its lock, one of another version renamed aside, the log */
    "write pwrite64 writev pwritev pwritev2 ftruncate ftruncate64 fallocate fsync "
    "fdatasync flock unlink unlinkat rename renameat renameat2 mkdir mkdirat "
    "chmod fchmod fchmodat fchmodat2 chown chown32 fchown fchown32 fchownat umask",
    /* waiting, and word between threads */
    "poll ppoll ppoll_time64 select _newselect pselect6 pselect6_time64 epoll_create "
    "epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 pipe pipe2 eventfd2 dup "
    "dup2 dup3 futex futex_time64 futex_waitv futex_wait futex_wake futex_requeue "
    "timerfd_create timerfd_settime timerfd_settime64 timerfd_gettime timerfd_gettime64",
    /* clocks: by a call where the vDSO has none for the clock or the machine */
    "clock_gettime clock_gettime64 clock_getres clock_getres_time64 clock_nanosleep "
    "clock_nanosleep_time64 nanosleep gettimeofday time",
    /* signals to us */
    "rt_sigaction rt_sigprocmask rt_sigreturn sigreturn sigaltstack rt_sigpending "
    "rt_sigtimedwait rt_sigtimedwait_time64 restart_syscall",
    /* threads begin and end; how urgent they are */
    "set_robust_list rseq exit exit_group sched_yield sched_getaffinity sched_getscheduler "
    "sched_getparam sched_getattr sched_get_priority_max sched_get_priority_min getpriority "
    "getcpu",
    /* memory; also the live tick that others may map */
    "brk munmap mremap madvise msync mlock mlock2 munlock memfd_create membarrier",
    /* the service manager, the kernel's reports, the control socket */
    "connect bind listen accept accept4 getsockname getpeername getsockopt setsockopt send "
    "sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64 shutdown",
    /* who and where we are, and what we cost */
    "getpid gettid getppid getuid getuid32 geteuid geteuid32 getgid getgid32 getegid "
    "getegid32 getgroups getgroups32 capget getrlimit ugetrlimit getrusage times uname "
    "sysinfo getrandom",
};

/* Allowed where the argument, of those bits, has that value. */
struct exception {
    const char *name;
    unsigned argument;
    uint64_t bits, value;
};

#define ALL_BITS UINT64_MAX

static const struct exception exceptions[] = {
    /* A thread, never a process. The flags of clone3 cannot be seen: without it, libc takes clone. */
    { "clone", CLONE_FLAGS, CLONE_THREAD, CLONE_THREAD },
    /* No code comes in any more, neither made by us nor from a file: see recorder/libraries.h. */
    { "mmap", 2, PROT_EXEC, 0 },
    { "mmap2", 2, PROT_EXEC, 0 },
    { "mprotect", 2, PROT_EXEC, 0 },
    { "prctl", 0, ALL_BITS, PR_SET_NAME },
    { "prctl", 0, ALL_BITS, PR_GET_NAME },
    { "prctl", 0, ALL_BITS, PR_CAPBSET_READ }, /* a library that knows user names asks */
    /* A thread's own urgency; another's by its number could be any process's. */
    { "sched_setscheduler", 0, ALL_BITS, 0 },
    { "sched_setparam", 0, ALL_BITS, 0 },
    { "sched_setattr", 0, ALL_BITS, 0 },
    { "sched_setaffinity", 0, ALL_BITS, 0 },
    { "ioctl", 1, ALL_BITS, TCGETS }, /* is it a terminal? */
    { "socket", 0, ALL_BITS, AF_UNIX },
    { "socketpair", 0, ALL_BITS, AF_UNIX }, /* libcurl, to wake itself */
};

/* Of fcntl: not who gets a signal when a descriptor is ready, which could be anybody, nor which signal. */
static const int descriptor_commands[] = {
    F_DUPFD,  F_DUPFD_CLOEXEC, F_GETFD,     F_SETFD,     F_GETFL,  F_SETFL,  F_GETLK,   F_SETLK,
    F_SETLKW, F_OFD_GETLK,     F_ADD_SEALS, F_GET_SEALS, GETLK_64, SETLK_64, SETLKW_64,
};

/* Allowed where two arguments have these values. */
static const struct {
    const char *name;
    struct scmp_arg_cmp when[2];
} pairs[] = {
    /* Our own limits, to be read. */
    { "prlimit64", { { 0, SCMP_CMP_EQ, 0, 0 }, { 2, SCMP_CMP_EQ, 0, 0 } } },
    /*
     * Not the routing protocol: with CAP_NET_ADMIN that could change the network. So could some families of
     * the generic one, which has the kernel's reports of exits; these need the capability.
     */
    { "socket", { { 0, SCMP_CMP_EQ, AF_NETLINK, 0 }, { 2, SCMP_CMP_EQ, NETLINK_GENERIC, 0 } } },
    /* Lists sockets; could also end them, which a filter cannot tell apart: see sock_diag_linux.h. */
    { "socket", { { 0, SCMP_CMP_EQ, AF_NETLINK, 0 }, { 2, SCMP_CMP_EQ, NETLINK_SOCK_DIAG, 0 } } },
    { "setpriority", { { 0, SCMP_CMP_EQ, PRIO_PROCESS, 0 }, { 1, SCMP_CMP_EQ, 0, 0 } } },
    { "ioprio_set", { { 0, SCMP_CMP_EQ, IO_OF_PROCESS, 0 }, { 1, SCMP_CMP_EQ, 0, 0 } } },
};

/* One newer than this libseccomp is left out: libc then takes an older one. */
static int allow(scmp_filter_ctx filter, const char *name, unsigned count,
                 const struct scmp_arg_cmp *when)
{
    int number = seccomp_syscall_resolve_name(name);

    return number == __NR_SCMP_ERROR
               ? 0
               : seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, count, when);
}

static int allow_calls(scmp_filter_ctx filter)
{
    int failure = 0;

    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        for (const char *at = calls[i]; failure == 0 && *at != '\0'; at += strspn(at, " ")) {
            char name[NAME_SIZE];
            int length = (int)strcspn(at, " ");

            (void)snprintf(name, sizeof name, "%.*s", length, at);
            failure = allow(filter, name, 0, NULL);
            at += length;
        }
    }
    return failure;
}

static int allow_exceptions(scmp_filter_ctx filter)
{
    int failure = 0;

    for (size_t i = 0; failure == 0 && i < COUNT_OF(exceptions); i++) {
        const struct exception *e = &exceptions[i];
        struct scmp_arg_cmp when = { e->argument, SCMP_CMP_MASKED_EQ, e->bits, e->value };

        failure = allow(filter, e->name, 1, &when);
    }
    return failure;
}

static int allow_commands(scmp_filter_ctx filter)
{
    int failure = 0;

    for (size_t i = 0; failure == 0 && i < COUNT_OF(descriptor_commands); i++) {
        const struct scmp_arg_cmp when = { 1, SCMP_CMP_EQ, (scmp_datum_t)descriptor_commands[i],
                                           0 };
        bool again = false;

        for (size_t j = 0; j < i; j++)
            again = again || descriptor_commands[j] == descriptor_commands[i];
        if (again) /* on some machines two have one number */
            continue;
        failure = allow(filter, "fcntl", 1, &when);
        if (failure == 0)
            failure = allow(filter, "fcntl64", 1, &when);
    }
    return failure;
}

static int allow_pairs(scmp_filter_ctx filter)
{
    int failure = 0;

    for (size_t i = 0; failure == 0 && i < COUNT_OF(pairs); i++)
        failure = allow(filter, pairs[i].name, 2, pairs[i].when);
    return failure;
}

/*
 * NVIDIA's library asks its driver by ioctls alone, all of them made by _IOWR('F', …) (nv-ioctl-numbers.h
 * and nv-ioctl.h of its open kernel modules). Framebuffers have requests of type 'F' too, without those
 * two bits. Where the driver has made no node when recording starts, none is allowed.
 */
static int allow_nvidia(scmp_filter_ctx filter)
{
    const uint64_t bits = (uint64_t)_IOC_DIRMASK << _IOC_DIRSHIFT | (uint64_t)_IOC_TYPEMASK
                                                                        << _IOC_TYPESHIFT;
    const struct scmp_arg_cmp request = { 1, SCMP_CMP_MASKED_EQ, bits,
                                          _IOC(_IOC_READ | _IOC_WRITE, 'F', 0, 0) };

    return access("/dev/nvidiactl", F_OK) == 0 ? allow(filter, "ioctl", 1, &request) : 0;
}

/* NVIDIA's library may load parts of itself when it is first asked: not what can be written, too. */
static int allow_libraries(scmp_filter_ctx filter)
{
    const uint64_t write_execute = PROT_WRITE | PROT_EXEC;
    const struct scmp_arg_cmp code = { 2, SCMP_CMP_MASKED_EQ, write_execute, PROT_EXEC };
    int failure = 0;

    if (!libraries_load_more())
        return 0;
    failure = allow(filter, "mmap", 1, &code);
    return failure != 0 ? failure : allow(filter, "mmap2", 1, &code);
}

/* abort, raise */
static int allow_signals_to_ourselves(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp ourselves = { 0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0 };

    return allow(filter, "tgkill", 1, &ourselves);
}

/* What was loaded before is run, by a descriptor that we hold; nothing is loaded or looked up. */
static int allow_bpf(scmp_filter_ctx filter, const struct process_needs *needs)
{
    const struct scmp_arg_cmp run = { 0, SCMP_CMP_EQ, RUN_PROGRAM, 0 };
    const struct scmp_arg_cmp open = { 0, SCMP_CMP_EQ, OPEN_ITERATOR, 0 };
    int failure = needs->programs ? allow(filter, "bpf", 1, &run) : 0;

    if (failure == 0 && needs->iterators)
        failure = allow(filter, "bpf", 1, &open);
    return failure;
}

static int allow_all(scmp_filter_ctx filter, const struct process_needs *needs)
{
    int failure = allow_calls(filter);

    if (failure == 0)
        failure = allow_exceptions(filter);
    if (failure == 0)
        failure = allow_commands(filter);
    if (failure == 0)
        failure = allow_pairs(filter);
    if (failure == 0)
        failure = allow_bpf(filter, needs);
    if (failure == 0)
        failure = allow_nvidia(filter);
    if (failure == 0)
        failure = allow_libraries(filter);
    return failure != 0 ? failure : allow_signals_to_ourselves(filter);
}

const char *sandbox_missing(void)
{
    return NULL;
}

enum status sandbox_enter(const struct process_needs *needs, struct error *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    int failure = filter == NULL ? -ENOMEM : allow_all(filter, needs);

    libraries_load();
    /* The last two are wishes: an old kernel does not log, an old library tests one by one. */
    if (failure == 0) {
        (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
        (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
        failure = seccomp_load(filter);
    }
    seccomp_release(filter);
    if (failure != 0)
        return error_set(err, STATUS_IO, "the filter of system calls is refused: %s",
                         strerror(-failure));
    return STATUS_OK;
}

#endif
