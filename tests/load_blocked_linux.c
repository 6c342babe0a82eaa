/*
 * A process in uninterruptible sleep, until its input ends: the parent in a vfork, whose child reads. Its
 * name holds what no terminal should be given. Says "blocked" when it is.
 */
#include <sys/prctl.h>
#include <unistd.h>

static char byte;

int main(void)
{
    static const char said[] = "blocked\n";
    pid_t child;

    (void)prctl(PR_SET_NAME, "D\x1b[31m\xff,\"x");
    child = vfork();
    if (child == 0) {
        if (write(STDOUT_FILENO, said, sizeof said - 1) < 0)
            _exit(1);
        while (read(STDIN_FILENO, &byte, 1) > 0) {
        }
        _exit(0);
    }
    return child < 0;
}
