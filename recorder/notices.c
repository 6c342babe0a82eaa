/* Signals and word from threads, through one pipe. */
#include "recorder/notices.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { FROM_USER = 0x80, BYTE_DISPLACED = 0x7d, BYTE_ENDED = 0x7e, BYTE_TROUBLE = 0x7f };

static const int signals[] = { SIGINT, SIGTERM, SIGCHLD, SIGHUP, SIGPIPE };

static int pipe_ends[2] = { -1, -1 };
static struct sigaction before[COUNT_OF(signals)];

static void send_byte(unsigned char byte)
{
    int saved = errno;
    ssize_t sent = write(pipe_ends[1], &byte, 1);

    (void)sent; /* a full pipe already holds thousands of reasons to wake up */
    errno = saved;
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)context;
    send_byte((unsigned char)(number | (info->si_code <= 0 ? FROM_USER : 0)));
}

enum status notices_open(bool hangup, struct error *err)
{
    if (pipe(pipe_ends) != 0)
        return error_set(err, STATUS_IO, "pipe: %s", strerror(errno));
    for (int i = 0; i < 2; i++) {
        (void)fcntl(pipe_ends[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(pipe_ends[i], F_SETFL, O_NONBLOCK);
    }
    for (size_t i = 0; i < COUNT_OF(signals); i++) {
        struct sigaction action = { .sa_flags = SA_RESTART };

        sigemptyset(&action.sa_mask);
        if (signals[i] == SIGPIPE || (signals[i] == SIGHUP && !hangup)) {
            action.sa_handler = SIG_IGN;
        } else {
            action.sa_sigaction = on_signal;
            action.sa_flags |= SA_SIGINFO;
        }
        (void)sigaction(signals[i], &action, &before[i]);
    }
    return STATUS_OK;
}

void notices_send(enum notice_kind kind)
{
    send_byte(kind == NOTICE_ENDED       ? BYTE_ENDED
              : kind == NOTICE_DISPLACED ? BYTE_DISPLACED
                                         : BYTE_TROUBLE);
}

void notices_forget_sampler(void)
{
    bool got[256] = { false };
    unsigned char byte;

    while (read(pipe_ends[0], &byte, 1) == 1)
        got[byte] = true;
    got[BYTE_ENDED] = got[BYTE_TROUBLE] = got[BYTE_DISPLACED] = false;
    for (unsigned i = 0; i < COUNT_OF(got); i++)
        if (got[i])
            send_byte((unsigned char)i);
}

struct notice notices_wait(int timeout_ms)
{
    struct pollfd fd = { .fd = pipe_ends[0], .events = POLLIN };
    unsigned char byte;

    for (;;) {
        int ready = poll(&fd, 1, timeout_ms);

        if (ready == 0)
            return (struct notice){ .kind = NOTICE_TIMEOUT };
        if (ready < 0 || read(pipe_ends[0], &byte, 1) != 1)
            continue; /* EINTR: the handler has written by now */
        if (byte == BYTE_ENDED)
            return (struct notice){ .kind = NOTICE_ENDED };
        if (byte == BYTE_TROUBLE)
            return (struct notice){ .kind = NOTICE_TROUBLE };
        if (byte == BYTE_DISPLACED)
            return (struct notice){ .kind = NOTICE_DISPLACED };
        return (struct notice){ .kind = NOTICE_SIGNAL,
                                .signal = byte & ~FROM_USER,
                                .from_user = (byte & FROM_USER) != 0 };
    }
}

void notices_restore(void)
{
    for (size_t i = 0; i < COUNT_OF(signals); i++)
        (void)sigaction(signals[i], &before[i], NULL);
}
