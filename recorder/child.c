/* Starting and waiting for the recorded command. */
#include "recorder/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recorder/notices.h"

void child_remember(struct child_surroundings *surroundings)
{
    surroundings->umask = umask(0);
    (void)umask(surroundings->umask);
    (void)getrlimit(RLIMIT_NOFILE, &surroundings->descriptors);
}

/* In the child: becomes the command or writes errno into the pipe, which exec closes. */
static void become(char *const argv[], const struct child_surroundings *surroundings, int report_fd)
{
    ssize_t sent;
    int failure;

    notices_restore();
    (void)umask(surroundings->umask);
    (void)setrlimit(RLIMIT_NOFILE, &surroundings->descriptors);
    (void)execvp(argv[0], argv);
    failure = errno;
    sent = write(report_fd, &failure, sizeof failure);
    (void)sent;
    _exit(CHILD_NOT_FOUND);
}

/* The errno of a failed exec; 0 when it worked. */
static int exec_failure(int report_fd)
{
    int failure = 0;
    ssize_t got;

    do {
        got = read(report_fd, &failure, sizeof failure);
    } while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof failure ? failure : 0;
}

enum status child_start(struct child *child, char *const argv[],
                        const struct child_surroundings *surroundings, struct error *err)
{
    int report[2];
    int failure;

    *child = (struct child){ 0 };
    if (pipe(report) != 0)
        return error_set(err, STATUS_IO, "pipe: %s", strerror(errno));
    (void)fcntl(report[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(report[1], F_SETFD, FD_CLOEXEC);
    child->pid = fork();
    if (child->pid == 0)
        become(argv, surroundings, report[1]);
    failure = errno;
    close(report[1]);
    if (child->pid < 0) {
        close(report[0]);
        child->pid = 0;
        return error_set(err, STATUS_IO, "fork: %s", strerror(failure));
    }
    failure = exec_failure(report[0]);
    close(report[0]);
    if (failure == 0)
        return STATUS_OK;
    (void)child_poll(child, true);
    child->exit_code = failure == ENOENT ? CHILD_NOT_FOUND : CHILD_NOT_EXECUTABLE;
    (void)error_set(err, STATUS_INVALID, "%s: %s", argv[0], strerror(failure));
    return STATUS_OK;
}

bool child_poll(struct child *child, bool block)
{
    int status = 0;
    pid_t got;

    if (child->pid == 0 || child->ended)
        return child->ended;
    do {
        got = waitpid(child->pid, &status, block ? 0 : WNOHANG);
    } while (got < 0 && errno == EINTR);
    if (got == 0)
        return false;
    child->ended = true;
    if (got < 0)
        child->exit_code = 1;
    else
        child->exit_code =
            WIFSIGNALED(status) ? CHILD_SIGNALLED + WTERMSIG(status) : WEXITSTATUS(status);
    return true;
}

void child_signal(const struct child *child, int number)
{
    if (child->pid > 0 && !child->ended)
        (void)kill(child->pid, number);
}
