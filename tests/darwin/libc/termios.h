#ifndef DARWIN_LIBC_TERMIOS_H
#define DARWIN_LIBC_TERMIOS_H

typedef unsigned long tcflag_t;
struct termios {
    tcflag_t c_iflag, c_oflag, c_cflag, c_lflag;
    unsigned char c_cc[20];
    unsigned long c_ispeed, c_ospeed;
};
#define ECHO 0x8
#define ICANON 0x100
#define ISIG 0x80
#define VMIN 16
#define VTIME 17
#define TCSANOW 0
#define TCSADRAIN 1
#define TCSAFLUSH 2

int tcgetattr(int fd, struct termios *now);
int tcsetattr(int fd, int when, const struct termios *fresh);

#endif
