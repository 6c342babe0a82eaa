/*
 * Runs the analyzer's commands one after the other, each in a process of its own that is forked from
 * here: thousands of hostile recordings times tens of commands without thousands of times the start
 * of a program (under a sanitizer that is 15 ms). main() is that of analyzer/main.c, by another name.
 *
 *   in    a line per command: "r", "w" (it may open files for writing) or "d" (it writes a database:
 *         it may shorten, rename and remove files, too), then its arguments, each after a byte 1f. A first line "limits CPU_SECONDS ADDRESS_BYTES" (0: no limit) comes before
 *   out   a line per command: exit status, signal, CPU ms, largest resident set in KiB
 *
 * The command's standard output goes to /dev/null, its standard error to the file `stderr.txt` in the
 * working directory. It is killed (SIGSYS) if it starts a process, opens a socket, removes or renames
 * anything without "d", or opens a file for writing without "w" or "d".
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0 /* else addresses are the sanitizer's: terabytes */
#endif

enum { LINE_BYTES = 1 << 16, ARGUMENTS_MAX = 64, WALL_TO_CPU = 6 };

struct limits {
    unsigned cpu_seconds;
    unsigned long long address_bytes;
};

int procscope_main(int argc, char **argv); /* analyzer/main.c */

/* --- what a command must not do --- */

#if defined(__x86_64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#define THIS_ARCHITECTURE 0
#endif

static const long forbidden[] = {
    SYS_execve,    SYS_execveat,  SYS_socket,   SYS_socketpair, SYS_connect,
    SYS_bind,      SYS_ptrace, /* up to here: even to one that writes a database */
    SYS_unlinkat,  SYS_renameat2, SYS_mkdirat,  SYS_symlinkat,  SYS_linkat,
    SYS_mknodat,   SYS_truncate,  SYS_fchmodat, SYS_fchownat,   SYS_fchmod,
    SYS_ftruncate, SYS_fallocate, SYS_clone3,
#ifdef SYS_fork
    SYS_fork,      SYS_vfork,     SYS_unlink,   SYS_rename,     SYS_mkdir,
    SYS_rmdir,     SYS_symlink,   SYS_link,     SYS_chmod,      SYS_chown,
    SYS_creat,     SYS_renameat,  SYS_open,     SYS_mknod,
#endif
};

enum { FORBIDDEN_COUNT = sizeof forbidden / sizeof forbidden[0], FORBIDDEN_ALWAYS = 7 };

static struct sock_filter jump(uint32_t value, unsigned offset_true, unsigned offset_false)
{
    return (struct sock_filter){ BPF_JMP | BPF_JEQ | BPF_K, (uint8_t)offset_true,
                                 (uint8_t)offset_false, value };
}

static struct sock_filter load(size_t offset)
{
    return (struct sock_filter){ BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset };
}

static struct sock_filter answer(uint32_t action)
{
    return (struct sock_filter){ BPF_RET | BPF_K, 0, 0, action };
}

/* False where the kernel forbids filters: then only what is left behind can be looked at. */
static int forbid(char kind)
{
    const size_t count = kind == 'd' ? FORBIDDEN_ALWAYS : FORBIDDEN_COUNT;
    const uint32_t writing = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;
    struct sock_filter program[FORBIDDEN_COUNT + 9];
    struct sock_fprog filter = { .filter = program };
    size_t n = 0;

    program[n++] = load(offsetof(struct seccomp_data, arch));
    program[n++] = jump(THIS_ARCHITECTURE, 1, 0);
    program[n++] = answer(SECCOMP_RET_ALLOW);
    program[n++] = load(offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < count; i++)
        program[n++] = jump((uint32_t)forbidden[i], (unsigned)(count - i + 3), 0);
    program[n++] = jump((uint32_t)SYS_openat, 0, 2); /* else: allowed */
    program[n++] = load(offsetof(struct seccomp_data, args) + 2 * sizeof(uint64_t));
    program[n++] =
        (struct sock_filter){ BPF_JMP | BPF_JSET | BPF_K, 1, 0, kind == 'r' ? writing : 0 };
    program[n++] = answer(SECCOMP_RET_ALLOW);
    program[n++] = answer(SECCOMP_RET_KILL_PROCESS);
    filter.len = (unsigned short)n;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

/* --- one command --- */

static void redirect(const char *path, int flags, int to)
{
    int fd = open(path, flags, 0600);

    if (fd < 0 || dup2(fd, to) < 0)
        _exit(126);
    (void)close(fd);
}

static void run(const struct limits *limits, char *line)
{
    char *argv[ARGUMENTS_MAX + 1] = { (char *)"procscope" };
    char kind = line[0];
    int argc = 1;
    struct rlimit cpu = { limits->cpu_seconds, limits->cpu_seconds + 1 };
    struct rlimit address = { limits->address_bytes, limits->address_bytes };
    struct rlimit none = { 0, 0 };
    char *save = NULL;

    (void)strtok_r(line, "\x1f", &save);
    while (argc < ARGUMENTS_MAX && (argv[argc] = strtok_r(NULL, "\x1f", &save)) != NULL)
        argc++;
    redirect("/dev/null", O_RDONLY, 0);
    redirect("/dev/null", O_WRONLY, 1);
    redirect("stderr.txt", O_WRONLY | O_CREAT | O_TRUNC, 2);
    (void)setrlimit(RLIMIT_CORE, &none);
    if (limits->cpu_seconds > 0) {
        (void)setrlimit(RLIMIT_CPU, &cpu);
        (void)alarm(limits->cpu_seconds *
                    WALL_TO_CPU); /* it waits for something that never comes */
    }
    if (limits->address_bytes > 0 && !SANITIZED)
        (void)setrlimit(RLIMIT_AS, &address);
    (void)forbid(kind);
    exit(procscope_main(argc, argv));
}

static int serve(const struct limits *limits, char *line)
{
    struct rusage used;
    int status = 0;
    pid_t child = fork();

    if (child == 0)
        run(limits, line);
    if (child < 0 || wait4(child, &status, 0, &used) != child)
        return -1;
    (void)printf("%d %d %lld %ld\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                 WIFSIGNALED(status) ? WTERMSIG(status) : 0,
                 (long long)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
                     (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000,
                 used.ru_maxrss);
    return fflush(stdout);
}

int main(void)
{
    static char line[LINE_BYTES];
    struct limits limits = { 0, 0 };

    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (sscanf(line, "limits %u %llu", &limits.cpu_seconds, &limits.address_bytes) == 2)
            continue;
        if (serve(&limits, line) != 0) {
            perror("serve_commands");
            return 1;
        }
    }
    return 0;
}
