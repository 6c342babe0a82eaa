/* Standard input and output as a screen. The one place with state: a program has one terminal. */
#include "analyzer/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define ENTER "\x1b[?1049h\x1b[?25l" /* the alternate screen, no cursor */
#define LEAVE "\x1b[?25h\x1b[?1049l"
#define HOME "\x1b[H"
#define CLEAR_LINE "\x1b[K"
#define CLEAR_REST "\x1b[J"

static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

static volatile sig_atomic_t ended, resized;
static bool opened;
static struct termios before;

static void on_end(int number)
{
    (void)number;
    ended = 1;
}

static void on_resize(int number)
{
    (void)number;
    resized = 1;
}

/* Without SA_RESTART: a poll is to return. */
static void catch (int number, void handler(int))
{
    struct sigaction action = { .sa_handler = handler };

    sigemptyset(&action.sa_mask);
    (void)sigaction(number, &action, NULL);
}

enum status terminal_open(struct error *err)
{
    struct termios raw;

    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return error_set(err, STATUS_IO, "standard input is no terminal: %s", strerror(errno));
    raw = before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    for (size_t i = 0; i < COUNT_OF(ending); i++)
        catch (ending[i], on_end);
    catch (SIGWINCH, on_resize);
    (void)signal(SIGTSTP, SIG_IGN); /* stopped, the shell would get this screen */
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) != 0)
        return error_set(err, STATUS_IO, "set up the terminal: %s", strerror(errno));
    opened = true;
    (void)fputs(ENTER, stdout);
    return STATUS_OK;
}

void terminal_close(void)
{
    if (!opened)
        return;
    opened = false;
    (void)fputs(LEAVE, stdout);
    (void)fflush(stdout);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
}

struct terminal_size terminal_size(void)
{
    struct winsize size = { 0 };

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
        return (struct terminal_size){ .rows = 24, .columns = 80 };
    return (struct terminal_size){ .rows = size.ws_row, .columns = size.ws_col };
}

bool terminal_resized(void)
{
    bool was = resized != 0;

    resized = 0;
    return was;
}

bool terminal_ended(void)
{
    struct pollfd keys = { .fd = STDIN_FILENO, .events = POLLIN };
    char key;

    while (ended == 0 && poll(&keys, 1, 0) > 0) {
        if (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q')
            ended = 1;
    }
    return ended != 0;
}

enum status terminal_draw(const char *text, size_t size, struct error *err)
{
    size_t rows = terminal_size().rows;
    const char *end = text + size;

    (void)fputs(HOME, stdout);
    for (size_t row = 0; row < rows && text < end; row++) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        size_t length = (size_t)((stop == NULL ? end : stop) - text);

        if (row > 0)
            (void)fputs("\n", stdout);
        (void)fwrite(text, 1, length, stdout);
        (void)fputs(CLEAR_LINE, stdout);
        text += length + 1;
    }
    (void)fputs(CLEAR_REST, stdout);
    return fflush(stdout) == 0
               ? STATUS_OK
               : error_set(err, STATUS_IO, "write to the terminal: %s", strerror(errno));
}
