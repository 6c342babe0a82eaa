/* What the sandbox leaves and what it refuses, each in a process of its own. */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "recorder/libraries.h"
#include "recorder/sandbox.h"

enum { NO_FORK = 100, NO_SANDBOX, NOT_AN_EXIT };

/* The exit status of `act` in a sandboxed child. */
static int in_sandbox(int (*act)(void))
{
    static const struct process_needs nothing;
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        struct error err;

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
            sandbox_enter(&nothing, &err) != STATUS_OK)
            _exit(NO_SANDBOX);
        _exit(act());
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return NO_FORK;
    return WIFEXITED(status) ? WEXITSTATUS(status) : NOT_AN_EXIT;
}

/* 0 if each was refused as a call that does not exist, else the line. */
#define REFUSED(call)                                                                              \
    do {                                                                                           \
        errno = 0;                                                                                 \
        if ((long)(call) != -1 || errno != ENOSYS)                                                 \
            return __LINE__ % 256;                                                                 \
    } while (0)
#define WORKS(call)                                                                                \
    do {                                                                                           \
        if ((long)(call) == -1)                                                                    \
            return __LINE__ % 256;                                                                 \
    } while (0)

static void need_sandbox(void)
{
    if (sandbox_missing() == NULL)
        return;
    print_message("SKIP: %s\n", sandbox_missing());
    skip();
}

static int start_programs(void)
{
    char *argv[] = { (char[]){ "true" }, NULL };

    REFUSED(execv("/bin/true", argv));
    REFUSED(syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv, NULL, 0));
    REFUSED(fork());
    REFUSED(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
    return 0;
}

static void no_program_and_no_process_is_started(void **state)
{
    (void)state;
    need_sandbox();
    assert_int_equal(in_sandbox(start_programs), 0);
}

static int touch_others(void)
{
    struct rlimit limit = { 1, 1 };
    struct sched_param parameters = { 0 };

    REFUSED(kill(getppid(), 0));
    REFUSED(syscall(SYS_tgkill, getppid(), getppid(), 0));
    REFUSED(ptrace(PTRACE_SEIZE, getppid(), 0, 0));
    REFUSED(syscall(SYS_process_vm_writev, getppid(), NULL, 0, NULL, 0, 0));
    REFUSED(syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0));
    REFUSED(prlimit(getppid(), RLIMIT_CORE, &limit, NULL));
    REFUSED(setrlimit(RLIMIT_NOFILE, &limit));
    WORKS(getrlimit(RLIMIT_NOFILE, &limit));
    REFUSED(setpriority(PRIO_PROCESS, (id_t)getppid(), 19));
    REFUSED(setpriority(PRIO_USER, 0, 19));
    WORKS(setpriority(PRIO_PROCESS, 0, 19));
    REFUSED(sched_setscheduler(getppid(), SCHED_BATCH, &parameters));
    WORKS(sched_setscheduler(0, SCHED_BATCH, &parameters));
    WORKS(raise(0));
    return 0;
}

static void other_processes_are_out_of_reach(void **state)
{
    (void)state;
    need_sandbox();
    assert_int_equal(in_sandbox(touch_others), 0);
}

static int change_the_system(void)
{
    REFUSED(syscall(SYS_mount, "none", "/", NULL, 0, NULL));
    REFUSED(syscall(SYS_unshare, 0));
    REFUSED(syscall(SYS_setns, 0, 0));
    REFUSED(syscall(SYS_chroot, "/"));
    REFUSED(syscall(SYS_bpf, 0, NULL, 0));
    REFUSED(syscall(SYS_perf_event_open, NULL, 0, 0, 0, 0));
    REFUSED(syscall(SYS_init_module, NULL, 0, NULL));
    REFUSED(syscall(SYS_reboot, 0, 0, 0, NULL));
    REFUSED(syscall(SYS_keyctl, 0));
    REFUSED(syscall(SYS_io_uring_setup, 1, NULL));
    REFUSED(syscall(SYS_setresuid, -1, -1, -1));
    REFUSED(syscall(SYS_capset, NULL, NULL));
    REFUSED(syscall(SYS_seccomp, 0, 0, NULL));
    REFUSED(syscall(SYS_mknodat, AT_FDCWD, "x", 0, 0));
    REFUSED(syscall(SYS_linkat, AT_FDCWD, "x", AT_FDCWD, "y", 0));
    REFUSED(syscall(SYS_symlinkat, "x", AT_FDCWD, "y"));
    REFUSED(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
    REFUSED(ioctl(0, TIOCSTI, "x"));
    return 0;
}

static void the_system_is_left_as_it_is(void **state)
{
    (void)state;
    need_sandbox();
    assert_int_equal(in_sandbox(change_the_system), 0);
}

static int ask_drivers(void)
{
    const unsigned long nvidia = _IOC(_IOC_READ | _IOC_WRITE, 'F', 0x2a, 32);
    const unsigned long framebuffer = 0x4601, read_only = _IOC(_IOC_READ, 'F', 0x2a, 32);

    REFUSED(ioctl(0, framebuffer, 0));
    REFUSED(ioctl(0, read_only, 0));
    REFUSED(ioctl(0, _IOC(_IOC_READ | _IOC_WRITE, 'd', 0, 16), 0)); /* of DRM */
    if (access("/dev/nvidiactl", F_OK) != 0) {
        REFUSED(ioctl(0, nvidia, 0));
        return 0;
    }
    errno = 0;
    return ioctl(0, nvidia, 0) == -1 && errno == ENOSYS ? __LINE__ % 256 : 0;
}

static void drivers_are_asked_nothing_but_nvidias_where_it_is_there(void **state)
{
    (void)state;
    need_sandbox();
    assert_int_equal(in_sandbox(ask_drivers), 0);
}

static int open_sockets(void)
{
    REFUSED(socket(AF_INET, SOCK_STREAM, 0));
    REFUSED(socket(AF_INET6, SOCK_DGRAM, 0));
    REFUSED(socket(AF_PACKET, SOCK_RAW, 0));
    REFUSED(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
    REFUSED(socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT));
    WORKS(socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC));
    WORKS(socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG));
    WORKS(socket(AF_UNIX, SOCK_STREAM, 0));
    return 0;
}

static void sockets_are_local_or_of_two_kinds_of_netlink(void **state)
{
    (void)state;
    need_sandbox();
    assert_int_equal(in_sandbox(open_sockets), 0);
}

static int make_code(void)
{
    void *page;

    REFUSED(
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    WORKS(page);
    REFUSED(mprotect(page, 4096, PROT_READ | PROT_EXEC));
    WORKS(mprotect(page, 4096, PROT_READ));
    return 0;
}

/* What was written to memory or to a file, and then mapped. */
static int load_code(void)
{
    int memory = memfd_create("code", MFD_CLOEXEC);
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    WORKS(memory);
    WORKS(file);
    WORKS(ftruncate(memory, 4096));
    if (libraries_load_more()) /* NVIDIA's library may */
        return 0;
    REFUSED(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, memory, 0));
    REFUSED(mmap(NULL, 4096, PROT_EXEC, MAP_SHARED, memory, 0));
    REFUSED(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0));
    return 0;
}

/* Whose library was loaded before. */
static int name_a_user(void)
{
    return getpwuid(0) != NULL ? 0 : 1;
}

static int use_descriptors(void)
{
    struct f_owner_ex owner = { .type = F_OWNER_PID, .pid = getppid() };
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    int memory = memfd_create("descriptor", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    WORKS(memory);
    REFUSED(fcntl(memory, F_SETOWN, getppid()));
    REFUSED(fcntl(memory, F_SETOWN_EX, &owner));
    REFUSED(fcntl(memory, F_SETSIG, SIGKILL));
    REFUSED(fcntl(memory, F_SETLEASE, F_RDLCK));
    REFUSED(fcntl(memory, F_NOTIFY, 0));
    WORKS(fcntl(memory, F_SETFL, O_NONBLOCK));
    WORKS(fcntl(memory, F_GETFL));
    WORKS(fcntl(memory, F_SETFD, FD_CLOEXEC));
    WORKS(fcntl(memory, F_DUPFD_CLOEXEC, 3));
    WORKS(fcntl(memory, F_SETLK, &lock));
    WORKS(fcntl(memory, F_GETLK, &lock));
    lock.l_pid = 0;
    WORKS(fcntl(memory, F_OFD_GETLK, &lock));
    WORKS(fcntl(memory, F_GET_SEALS));
    return 0;
}

static void no_code_comes_in_from_a_file(void **state)
{
    (void)state;
    need_sandbox();
    assert_int_equal(in_sandbox(load_code), 0);
    assert_int_equal(in_sandbox(name_a_user), 0);
}

static void descriptors_send_nobody_signals(void **state)
{
    (void)state;
    need_sandbox();
    assert_int_equal(in_sandbox(use_descriptors), 0);
}

static void no_code_is_made_at_run_time(void **state)
{
    (void)state;
    need_sandbox();
    assert_int_equal(in_sandbox(make_code), 0);
}

static void *in_thread(void *self)
{
    (void)self;
    errno = 0;
    return (void *)(intptr_t)(fork() == -1 && errno == ENOSYS ? 1 : 0);
}

static int start_thread(void)
{
    pthread_t thread;
    void *held = NULL;

    if (pthread_create(&thread, NULL, in_thread, NULL) != 0 || pthread_join(thread, &held) != 0)
        return 1;
    return held != NULL ? 0 : 2;
}

static void threads_are_started_and_are_in_it_too(void **state)
{
    (void)state;
    need_sandbox();
    assert_int_equal(in_sandbox(start_thread), 0);
}

/* What the control socket and the live tick are made of. */
static int share(void)
{
    struct iovec nothing = { .iov_base = (char[]){ "x" }, .iov_len = 1 };
    struct msghdr message = { .msg_iov = &nothing, .msg_iovlen = 1 };
    int memory = memfd_create("tick", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    WORKS(memory);
    WORKS(fd);
    WORKS(ftruncate(memory, 4096));
    WORKS(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0));
    WORKS(fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
    errno = 0;
    if (sendmsg(fd, &message, MSG_NOSIGNAL) != -1 || errno != ENOTCONN)
        return __LINE__ % 256;
    errno = 0;
    if (accept4(fd, NULL, NULL, SOCK_CLOEXEC) != -1 || errno != EINVAL)
        return __LINE__ % 256;
    return 0;
}

static void memory_can_be_shared_by_a_local_socket(void **state)
{
    (void)state;
    need_sandbox();
    assert_int_equal(in_sandbox(share), 0);
}

static int abort_ourselves(void)
{
    abort();
}

static void a_broken_guarantee_still_ends_us(void **state)
{
    const struct rlimit none = { 0, 0 };

    (void)state;
    need_sandbox();
    assert_int_equal(setrlimit(RLIMIT_CORE, &none), 0);
    assert_int_equal(in_sandbox(abort_ourselves), NOT_AN_EXIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_program_and_no_process_is_started),
        cmocka_unit_test(other_processes_are_out_of_reach),
        cmocka_unit_test(the_system_is_left_as_it_is),
        cmocka_unit_test(drivers_are_asked_nothing_but_nvidias_where_it_is_there),
        cmocka_unit_test(sockets_are_local_or_of_two_kinds_of_netlink),
        cmocka_unit_test(no_code_is_made_at_run_time),
        cmocka_unit_test(no_code_comes_in_from_a_file),
        cmocka_unit_test(descriptors_send_nobody_signals),
        cmocka_unit_test(threads_are_started_and_are_in_it_too),
        cmocka_unit_test(memory_can_be_shared_by_a_local_socket),
        cmocka_unit_test(a_broken_guarantee_still_ends_us),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
